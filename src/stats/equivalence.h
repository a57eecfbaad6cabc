/* SPDX-License-Identifier: Apache-2.0 */
/** Equivalence by two one-sided t tests (TOST, Schuirmann 1987). */
#ifndef CNN_STATS_EQUIVALENCE_H
#define CNN_STATS_EQUIVALENCE_H

#include "stats/t_tests.h"

/** Where the t result has no spread (CNN_STAT_IDENTICAL, CNN_STAT_NO_VARIANCE) the p values
 *  are their limits: 0 inside the margin, 1 outside, 1/2 on it. CNN_STAT_DOMAIN: low >= high, or
 *  alpha not in (0, 1/2). Other outcomes are those of the t result. */
typedef struct {
    cnn_stat_outcome outcome;
    double low, high;     /* the margin on the difference's scale */
    double t_low, t_high; /* (difference - low) / se, (difference - high) / se */
    double df;
    double p_low, p_high;  /* against difference <= low; against difference >= high */
    double p;              /* the larger: equivalent where it is at most alpha */
    cnn_interval interval; /* of the difference, coverage 1 - 2 alpha: inside the margin where
                              p <= alpha */
} cnn_tost;

/** test: a paired, Welch or one-sample result. */
cnn_tost cnn_tost_difference(const cnn_t_result *test, double low, double high, double alpha);

/** A margin on a ratio: equivalent if 1 / (1 + margin) < ratio < 1 + margin, on logarithms, so that
 *  it does not matter which is over which. logs: result on logarithms; low, high, interval: too. */
cnn_tost cnn_tost_ratio(const cnn_t_result *logs, double margin, double alpha);

#endif
