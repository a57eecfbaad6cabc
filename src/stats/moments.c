/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/moments.h"

#include <math.h>

double cnn_mean(const double *x, int n)
{
    if (n < 1)
        return NAN;
    double sum = 0, rest = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    const double mean = sum / n;
    for (int i = 0; i < n; i++) /* takes back what rounding has lost */
        rest += x[i] - mean;
    return mean + rest / n;
}

double cnn_variance(const double *x, int n)
{
    if (n < 2)
        return NAN;
    const double mean = cnn_mean(x, n);
    double squares = 0, rest = 0;
    for (int i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
        rest += x[i] - mean;
    }
    return (squares - rest * rest / n) / (n - 1);
}

cnn_moments cnn_moments_of(const double *x, int n)
{
    return (cnn_moments){n, cnn_mean(x, n), cnn_variance(x, n)};
}
