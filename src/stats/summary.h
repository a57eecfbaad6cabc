/** Welch's test, bare: stats/t_tests.h has the same with its interval and defined outcomes. */
#ifndef CNN_STATS_SUMMARY_H
#define CNN_STATS_SUMMARY_H

#include "stats/moments.h"

typedef struct {
    double t, df, p; /* two-sided */
} cnn_t_test;

/** Welch's t test (Welch 1947; Satterthwaite's degrees of freedom) from samples or from moments.
 *  All NaN where a sample has fewer than two values. Two samples without any variance have no
 *  degrees of freedom: df and p are NaN, t is infinite (NaN where the means are equal, too). */
cnn_t_test cnn_welch_test(const double *x, int nx, const double *y, int ny);
cnn_t_test cnn_welch_test_moments(double mean_x, double var_x, int nx, double mean_y, double var_y,
                                  int ny);

#endif
