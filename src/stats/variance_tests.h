/* SPDX-License-Identifier: Apache-2.0 */
/** Tests on variances. Ratios are variance of x over variance of y. */
#ifndef CNN_STATS_VARIANCE_TESTS_H
#define CNN_STATS_VARIANCE_TESTS_H

#include "base/status.h"
#include "stats/outcome.h"

/** CNN_STAT_IDENTICAL: neither varies; ratio 1, p 1, interval NaN. CNN_STAT_NO_VARIANCE: one
 *  does not vary (ratio 0 or infinite), or pairs lie on a line; p and interval NaN.
 *  CNN_STAT_TOO_FEW: fewer than two values (three pairs for Pitman-Morgan). */
typedef struct {
    cnn_stat_outcome outcome;
    double ratio;
    cnn_interval interval; /* of the ratio */
    double statistic;      /* F, or t for Pitman-Morgan */
    double df1, df2;       /* of F; of t in df1, df2 NaN */
    double p;
} cnn_variance_ratio;

/** F test for two independent normal samples (R's var.test). */
cnn_variance_ratio cnn_f_test(const double *x, int nx, const double *y, int ny, double level);
/** The same from published variances. */
cnn_variance_ratio cnn_f_test_moments(double var_x, int nx, double var_y, int ny, double level);

/** Pitman-Morgan: variances of paired samples, through the correlation of sums and differences
 *  (Pitman 1939, Morgan 1939): t(n - 2) of cor(x + y, x - y). The interval holds the ratios that
 *  the test does not reject: ratio (K -+ sqrt(K^2 - 1)), K = 1 + 2 t^2 (1 - r^2) / (n - 2), r the
 *  correlation of x and y, t the quantile of t(n - 2). */
cnn_variance_ratio cnn_pitman_morgan(const double *x, const double *y, int n, double level);

/** Brown-Forsythe: one-way analysis of variance of |value - median of its sample| (Brown and
 *  Forsythe 1974; car's leveneTest). F with df1 = 1, df2 = nx + ny - 2; ratio is that of the
 *  variances, without an interval. IDENTICAL and TOO_FEW as above; NO_VARIANCE: the deviations do
 *  not vary within the samples, but differ between them. */
cnn_status cnn_brown_forsythe(const double *x, int nx, const double *y, int ny,
                              cnn_variance_ratio *out);

#endif
