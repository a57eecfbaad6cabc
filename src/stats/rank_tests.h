/* SPDX-License-Identifier: Apache-2.0 */
/** Wilcoxon's tests, as R's wilcox.test computes them by default: exact for fewer than 50 values
 *  without ties (and zeros), else normal with a correction for continuity and ties. */
#ifndef CNN_STATS_RANK_TESTS_H
#define CNN_STATS_RANK_TESTS_H

#include "base/status.h"
#include "stats/outcome.h"

typedef struct {
    cnn_stat_outcome outcome;
    double statistic; /* R's V (sum of the positive ranks) or W (pairs with x > y, ties half) */
    double p;
    bool exact;
} cnn_rank_test;

/** Signed rank of the differences x[i] - y[i]. Zeros are left out (Wilcoxon). Differences that
 *  differ by rounding alone (64 units of rounding of the largest value) tie. n < 1:
 *  CNN_STAT_TOO_FEW; nothing but zeros: CNN_STAT_IDENTICAL, statistic 0, p 1. O(n log n). */
cnn_status cnn_wilcoxon_signed_rank(const double *x, const double *y, int n, cnn_rank_test *out);

/** Rank sum (Mann-Whitney). An empty sample: CNN_STAT_TOO_FEW; all values equal:
 *  CNN_STAT_IDENTICAL, p 1. O(n log n). */
cnn_status cnn_mann_whitney(const double *x, int nx, const double *y, int ny, cnn_rank_test *out);

#endif
