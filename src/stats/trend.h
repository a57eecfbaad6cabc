/* SPDX-License-Identifier: Apache-2.0 */
/** Trends and memory in a series. */
#ifndef CNN_STATS_TREND_H
#define CNN_STATS_TREND_H

#include "base/status.h"
#include "stats/outcome.h"

/** Needs n >= 3 and variation in both, else CNN_STAT_TOO_FEW or CNN_STAT_IDENTICAL (rho NaN,
 *  p 1: a constant has no trend). */
typedef struct {
    cnn_stat_outcome outcome;
    int n;
    double rho; /* Spearman: Pearson's correlation of the ranks, ties at their mean rank */
    double p;
    bool exact; /* p counts all orders: n <= 9 without ties, as R's cor.test does there. Otherwise
                   rho sqrt((n - 2) / (1 - rho^2)) against t(n - 2), as cor.test(exact = FALSE) and
                   SciPy's spearmanr; p = 0 where |rho| = 1. */
} cnn_rank_correlation;

cnn_status cnn_spearman(const double *x, const double *y, int n, cnn_rank_correlation *out);

/** Memory within groups (devices), whose own levels are no memory: sum over groups of
 *  (x[i] - m)(x[i+1] - m) over sum of (x[i] - m)^2, m the mean of the group. For one group it is
 * the r above. Taking off the means makes it negative where there is no memory, by about one over
 * the size of the groups: `expected`. p is that of r under all orders within the groups: normal,
 * with the exact mean and variance over the orders (Wald and Wolfowitz 1943, without the circle).
 *  CNN_STAT_TOO_FEW: no group of three values; CNN_STAT_IDENTICAL: no spread within groups.
 */
typedef struct {
    cnn_stat_outcome outcome;
    int pairs; /* successors: n minus groups */
    double r, expected, p;
} cnn_serial_correlation;

/** x [n] in the order of time within each group; group [n]: equal numbers stand together. */
cnn_serial_correlation cnn_serial_correlation_within(const double *x, const int *group, int n);

#endif
