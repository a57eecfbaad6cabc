/* SPDX-License-Identifier: Apache-2.0 */
/** Whether two levels of the contrast spread alike from run to run, without a normal distribution:
 *  what a device, its preference for a level and the place within the block add is taken out by
 *  differences of blocks of one device.
 *
 *  Pair i is (x[i], y[i]), a block. Let a group hold the blocks of a device.
 *  1. Place within the block: coefficients of least squares of x and y together on their places,
 *     with a mean for each group of x and of y, are taken off. (A place that those before it
 *     determine counts as the first; nothing is taken off where a level is constant in every group.)
 *  2. s: median of all |x[i] - x[j]| and |y[i] - y[j]|, i and j of one group, those of 0 left out.
 *     phi(u) = log(1 + u^2), so that a run far out counts for little more than one at 5 s.
 *  3. T = sum over these i < j of (phi(|x[i] - x[j]| / s) - phi(|y[i] - y[j]| / s)) / g, where g is
 *     the size of the group: above 0 where x spreads more.
 *  4. Its variance V under equal spread is the larger of two estimates. By blocks: the sum of
 *     g / (g - 1) z[i]^2, where z[i] is the sum of the terms with i less half the mean of these sums
 *     over the group. By runs: the sum of g / (g - 1) (psi - mean psi)^2 over the 2 g runs of each
 *     group, where psi is the mean of phi(|v - w| / s) over the runs w of the group, each taken
 *     from the median of its level there (from 6 blocks on, an even number: from the lower of the
 *     two middle values, and from the upper; the larger sum counts); of a group of two blocks, however, 4 (a - c)^2 + 4 (b - c)^2
 *     with a = phi(|x[1] - x[2]| / s) / 4, b of y alike, and c a quarter of the sum of both
 *     levels' phi / g over all groups, divided by k.
 *  5. k = blocks - groups, r^2 = T^2 / V: t^2 = r^2 (k - 1) / (k - r^2) with the sign of T; p by
 *     t(k - 1), of the least k, 3, by t(1). Everything is invariant where a device swaps the levels'
 *     names, so that under equal spread T is symmetric about 0 whatever the distribution.
 *  The ratio is the one by which x must be divided for T to be 0; its interval holds those that the
 *  test does not reject, an end 0 or infinite where it rejects none on that side. */
#ifndef CNN_STATS_SPREAD_H
#define CNN_STATS_SPREAD_H

#include "base/status.h"
#include "stats/outcome.h"

#include <stdbool.h>

/** Blocks beyond the first of their device (across devices: beyond the first) below which nothing
 *  is tested. */
#define CNN_SPREAD_LEAST_SPARE 3
/** Blocks of a group from which on the middle of two middle values is not taken for a median. */
#define CNN_SPREAD_TWO_MIDDLES 6
/** A device with more blocks counts as several, of at most so many. */
#define CNN_SPREAD_MOST_IN_GROUP 16

typedef struct {
    int n;
    const double *x, *y;                /* [n] */
    const int *device;                  /* [n] */
    const int *position_x, *position_y; /* [n] place of the run within its block, from 0 */
    int positions;                      /* places that a block has */
} cnn_spread_pairs;

/** CNN_STAT_TOO_FEW: fewer than CNN_SPREAD_LEAST_SPARE spare blocks. CNN_STAT_IDENTICAL: no two
 *  values of a level differ; ratio 1, p 1. Where r^2 = k, every group says the same, and p is that of the signs, 2^(1 - k). A level that does not vary while the other
 *  does: ratio 0 or infinite, no interval. CNN_STAT_DOMAIN: a position that a block does not have,
 *  or a level outside 0..1. */
typedef struct {
    cnn_stat_outcome outcome;
    bool across;  /* too few devices ran several blocks: compared are the first blocks of all
                    devices, so that the spread is that of runs on different devices */
    double ratio; /* of the spreads, x over y: of standard deviations, not of variances */
    cnn_interval interval; /* of the ratio */
    double t, df, p;
} cnn_spread;

/** O(n) for a given size of groups. */
cnn_status cnn_spread_test(const cnn_spread_pairs *pairs, double level, cnn_spread *out);

#endif
