/* SPDX-License-Identifier: Apache-2.0 */
/** Counts in simulated studies against the binomial distribution. */
#ifndef CNN_TESTS_STUDIES_BOUNDS_H
#define CNN_TESTS_STUDIES_BOUNDS_H

#include "stats/dist.h"

/** Of each side: a count is refused if so few, or so many, are that unlikely. Seeds are fixed, so
 *  that a test that has passed once passes always. */
#define CNN_BOUND 0.0005

/** Whether k of n is not too many at rate p. */
static inline int cnn_at_most(int k, int n, double p)
{
    return 1 - cnn_binomial_cdf(k - 1, n, p) >= CNN_BOUND;
}

/** Whether k of n is not too few at rate p. */
static inline int cnn_at_least(int k, int n, double p)
{
    return cnn_binomial_cdf(k, n, p) >= CNN_BOUND;
}

#endif
