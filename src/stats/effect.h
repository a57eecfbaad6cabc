/* SPDX-License-Identifier: Apache-2.0 */
/** Sizes of effects. */
#ifndef CNN_STATS_EFFECT_H
#define CNN_STATS_EFFECT_H

#include "base/status.h"
#include "stats/outcome.h"

/** Hedges' g: the difference of means over a standard deviation, times J(df) = Gamma(df/2) /
 *  (sqrt(df/2) Gamma((df-1)/2)), which makes it unbiased (Hedges 1981). The interval is the exact
 *  one of the population's standardised difference from the noncentral t distribution (not shrunk
 *  by J). CNN_STAT_IDENTICAL: no spread, no difference: g 0, interval NaN.
 *  CNN_STAT_NO_VARIANCE: no spread: g infinite, interval NaN. */
typedef struct {
    cnn_stat_outcome outcome;
    double g;
    double d; /* before J: Cohen's d, or d_z for pairs */
    double df;
    cnn_interval interval;
} cnn_hedges;

/** Independent samples: pooled standard deviation, df = nx + ny - 2. */
cnn_hedges cnn_hedges_unpaired(const double *x, int nx, const double *y, int ny, double level);

/** P(X > Y) + P(X = Y) / 2 of independent samples: the Mann-Whitney effect, W / (nx ny). The
 *  interval is Newcombe's (2006, Statistics in Medicine 25, 559-573: method 5): the theta with
 *  (estimate - theta)^2 <= z^2 theta (1 - theta) (1 + (N - 1) ((1 - theta) / (2 - theta) +
 *  theta / (1 + theta))) / (nx ny), N = (nx + ny) / 2. It stays inside [0, 1] and does not shrink
 *  to a point where the samples do not overlap. An empty sample: CNN_STAT_TOO_FEW. */
typedef struct {
    cnn_stat_outcome outcome;
    double probability;
    cnn_interval interval;
} cnn_superiority;

cnn_status cnn_probability_greater(const double *x, int nx, const double *y, int ny, double level,
                                   cnn_superiority *out);

#endif
