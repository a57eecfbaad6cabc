/* SPDX-License-Identifier: Apache-2.0 */
/** Crossover designs: levels in blocks of one run each, whose position within the block has an effect
 *  of its own. In the difference D of levels a and b of a block
 *
 *      D = difference + effect[position of a] - effect[position of b] + residual
 *
 *  the difference is estimated by ordinary least squares, free of the effects. For two levels it is
 *  the mean of the means of the two orders (AB/BA). Carry-over from run to run is not modelled. */
#ifndef CNN_STATS_CROSSOVER_H
#define CNN_STATS_CROSSOVER_H

#include "base/status.h"
#include "stats/t_tests.h"

#include <stdbool.h>

/** Blocks that are planned at least where positions are adjusted for; each level is then planned at
 *  each position at least twice. */
#define CNN_CROSSOVER_LEAST_BLOCKS 6
#define CNN_CROSSOVER_LEAST_TIMES  2

/** Blocks of `levels` levels in cyclic orders, equally often, from which on positions are adjusted
 *  for: 6, or twice the levels. */
int cnn_crossover_least_blocks(int levels);
/** Parameters of the fit of n such blocks: 1, and from cnn_crossover_least_blocks on those of the
 *  positions that two levels, `apart` places from each other, have. levels 1: positions do not
 *  matter. */
int cnn_crossover_parameters(int n, int levels, int apart);

typedef struct {
    bool
        is_estimable; /* the blocks tell the difference from the effects of positions, with a degree
                           of freedom left */
    int parameters;   /* estimated: the difference, and effects */
    double
        information; /* n where all orders are equally frequent, less otherwise: the standard error
                           is sd / sqrt(information) */
    double sd;       /* of the residuals, n - parameters degrees of freedom */
    cnn_t_result t;
} cnn_crossover;

/** Blocks i: values x[i] and y[i] at positions px[i] and py[i] of 0..positions-1.
 *  free_of [n], may be NULL: the differences free of effects, estimate + residual. Where the difference is not
 *  estimable, or values are not finite, sd and t are NaN and free_of is left alone. */
cnn_status cnn_crossover_fit(const double *x, const double *y, const int *px, const int *py, int n,
                             int positions, double level, double *free_of, cnn_crossover *out);

#endif
