/* SPDX-License-Identifier: Apache-2.0 */
/** Exact test of paired differences without any distribution assumed. */
#ifndef CNN_STATS_PERMUTATION_H
#define CNN_STATS_PERMUTATION_H

#include "base/status.h"
#include "stats/outcome.h"

#include <stdint.h>

/** Up to this many pairs all 2^n signs are counted. */
#define CNN_SIGN_FLIP_EXACT_PAIRS 20
/** Above it, so many are drawn: p is at least 1 / (draws + 1). */
#define CNN_SIGN_FLIP_DRAWS 9999

/** Sign-flip test: under the hypothesis the sign of each difference x[i] - y[i] is a coin's; p is
 *  the share of all signs for which |mean| is at least the observed one. Sums that differ by
 *  rounding alone are equal, so the observed signs always count and p >= 2^(1 - n) where anything
 *  differs. n < 1: CNN_STAT_TOO_FEW. All differences 0: CNN_STAT_IDENTICAL, p 1. */
typedef struct {
    cnn_stat_outcome outcome;
    double difference; /* mean of x - y */
    double p;          /* exact, or (1 + count) / (1 + draws) */
    bool exact;
    int64_t permutations; /* 2^n, or the draws */
} cnn_sign_flip;

/** seed: of the drawn signs (Philox); the same seed gives the same p. O(2^(n/2)) up to 20 pairs,
 *  then O(n * draws). */
cnn_status cnn_sign_flip_test(const double *x, const double *y, int n, uint64_t seed,
                              cnn_sign_flip *out);

/** Permutation of two samples: under the hypothesis any nx of the values may be those of x; p is the
 *  share of all choices for which |mean of x - mean of y| is at least the observed one, counted as
 *  above; permutations: the choices. More than CNN_SIGN_FLIP_EXACT_PAIRS values in all are
 *  CNN_STAT_DOMAIN. O(choices). */
cnn_status cnn_two_sample_permutation(const double *x, int nx, const double *y, int ny,
                                      cnn_sign_flip *out);

#endif
