/* SPDX-License-Identifier: Apache-2.0 */
/** How much could have been seen, and how many blocks would show it. alpha is two-sided for t
 *  tests, one-sided (each) for TOST. parameters: that are estimated from the differences, at least 1,
 *  their mean; n - parameters are the degrees of freedom. */
#ifndef CNN_STATS_POWER_H
#define CNN_STATS_POWER_H

/** Power of a two-sided paired t test at level alpha with n pairs, where the mean of the
 *  differences is `effect` of their standard deviations; both tails (noncentral t). */
double cnn_paired_power(int n, int parameters, double effect, double alpha);
/** The smallest such effect > 0 that is found with the given power (alpha < power < 1). Times the
 *  standard deviation of the differences it is the minimum detectable difference. */
double cnn_paired_detectable(int n, int parameters, double alpha, double power);
/** The smallest number of pairs, above parameters, that finds `effect` with the given power: 0 where
 *  effect is 0 or not finite, or more than CNN_POWER_MOST_BLOCKS are needed. */
int cnn_paired_blocks_needed(int parameters, double effect, double alpha, double power);

#define CNN_POWER_MOST_BLOCKS 1000000000

/** Power of TOST with n pairs: true difference, standard deviation of the differences and margin
 *  (low, high) on one scale. One minus the probabilities that either one-sided test fails: a lower
 *  bound, exact where both cannot fail at once (so wherever the power is worth having). */
double cnn_tost_paired_power(int n, int parameters, double difference, double sd, double low,
                             double high, double alpha);
/** The smallest number of pairs for which TOST concludes with the given power: parameters + 1 where
 *  sd is 0; 0 where difference is not inside the margin or more than CNN_POWER_MOST_BLOCKS are
 *  needed. */
int cnn_tost_blocks_needed(int parameters, double difference, double sd, double low, double high,
                           double alpha, double power);

#endif
