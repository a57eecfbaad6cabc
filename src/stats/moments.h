/* SPDX-License-Identifier: Apache-2.0 */
/** Mean and variance. NaN where the sample is too small. */
#ifndef CNN_STATS_MOMENTS_H
#define CNN_STATS_MOMENTS_H

double cnn_mean(const double *x, int n);
/** Two-pass, n - 1 in the denominator. */
double cnn_variance(const double *x, int n);

typedef struct {
    int n;
    double mean, variance;
} cnn_moments;

cnn_moments cnn_moments_of(const double *x, int n);

#endif
