/* SPDX-License-Identifier: Apache-2.0 */
/** Tests on means by Student's t. Differences are x minus y. For a ratio of geometric means, give
 *  logarithms and take the result through cnn_ratio_from_logs. */
#ifndef CNN_STATS_T_TESTS_H
#define CNN_STATS_T_TESTS_H

#include "stats/moments.h"
#include "stats/outcome.h"

/** CNN_STAT_TOO_FEW: a sample of fewer than two values; `difference` is there if both have one.
 *  CNN_STAT_IDENTICAL (no spread, difference 0): t 0, p 1, the interval is a point.
 *  CNN_STAT_NO_VARIANCE (no spread, a difference): t infinite, p NaN, the interval is a point.
 *  In both of the latter standard_error is 0 and df is that of the sizes (nx + ny - 2 for Welch).
 */
typedef struct {
    cnn_stat_outcome outcome;
    double difference;
    double standard_error;
    cnn_interval interval; /* of the difference */
    double t, df, p;
} cnn_t_result;

/** Numbers NaN, outcome CNN_STAT_TOO_FEW. */
cnn_t_result cnn_t_undefined(void);
/** Of an estimated difference; magnitude: of the values that it comes from, to tell spread from
 *  rounding. */
cnn_t_result cnn_t_of_estimate(double difference, double standard_error, double df,
                               double magnitude, double level);

/** Pair i is (x[i], y[i]). */
cnn_t_result cnn_t_paired(const double *x, const double *y, int n, double level);
/** Unequal variances, Satterthwaite's degrees of freedom (Welch 1947). */
cnn_t_result cnn_t_welch(const double *x, int nx, const double *y, int ny, double level);

/** The same from published moments. */
cnn_t_result cnn_t_welch_moments(cnn_moments x, cnn_moments y, double level);

/** The study's critical value of t, for any degrees of freedom. */
#define CNN_STUDY_CRITICAL_T 1.96

/** The study's judgement: |t| of Welch's statistic above 1.96. False where t is NaN or infinite. */
bool cnn_study_significant(const cnn_t_result *welch);

typedef struct {
    cnn_stat_outcome outcome; /* of the t result */
    double ratio;             /* of geometric means, x / y */
    cnn_interval interval;
} cnn_ratio;

/** logs: a paired or Welch result on logarithms. */
cnn_ratio cnn_ratio_from_logs(const cnn_t_result *logs);

#endif
