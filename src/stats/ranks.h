/* SPDX-License-Identifier: Apache-2.0 */
/** Sorting and ranking. */
#ifndef CNN_STATS_RANKS_H
#define CNN_STATS_RANKS_H

#include "base/status.h"

/** Ranks 1..n; tied values share the mean of their ranks.
 *  x          [n] finite
 *  tolerance  neighbours in sorted order that are no further apart tie; 0: equal values only
 *  ranks      [n]
 *  tie_term   sum over groups of ties of t^3 - t, t their size: 0 without ties */
cnn_status cnn_ranks(const double *x, int n, double tolerance, double *ranks, double *tie_term);

/** Ranks of two samples together. *ranks [nx + ny], those of x first; owned by the caller, NULL on
 *  CNN_ENOMEM. Equal values tie. */
cnn_status cnn_joint_ranks(const double *x, int nx, const double *y, int ny, double **ranks,
                           double *tie_term);

/** A sorted copy, ascending, owned by the caller; *out NULL on CNN_ENOMEM. n = 0 also gives a copy.
 *  x [n] without NaN. */
cnn_status cnn_sorted_copy(const double *x, int n, double **out);

/** Sorts in place, ascending. x [n] without NaN. */
void cnn_sort(double *x, int n);

/** The median of x [n] without NaN, which it sorts; NaN without values. */
double cnn_median(double *x, int n);

#endif
