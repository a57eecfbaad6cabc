/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/normality.h"

#include "stats/dist.h"
#include "stats/moments.h"
#include "stats/ranks.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/** c[0] + c[1] x + c[2] x^2 ... */
static double polynomial(const double *c, int count, double x)
{
    double sum = 0;
    for (int i = count - 1; i >= 0; i--)
        sum = sum * x + c[i];
    return sum;
}

/** Weights of the order statistics: a[i] of the i-th from above, its negative of that from below.
 *  a [n / 2], the coefficients of Royston (1992, 1995). */
static void find_weights(int n, double *a)
{
    static const double last[] = {0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056};
    static const double second[] = {0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633};
    const int half = n / 2, given = n > 5 ? 2 : 1;
    double squares = 0, left = 1, given_squares = 0;
    if (n == 3) {
        a[0] = sqrt(0.5);
        return;
    }
    for (int i = 0; i < half; i++) {
        a[i] = -cnn_normal_quantile((i + 0.625) / (n + 0.25)); /* expected, by Blom */
        squares += 2 * a[i] * a[i];
    }
    const double root = 1 / sqrt(n), length = sqrt(squares);
    for (int i = 0; i < given; i++) {
        const double expected = a[i];
        a[i] = expected / length +
               (i ? polynomial(second, COUNT(second), root) : polynomial(last, COUNT(last), root));
        given_squares += 2 * expected * expected;
        left -= 2 * a[i] * a[i];
    }
    for (int i = given; i < half; i++)
        a[i] /= sqrt((squares - given_squares) / left);
}

/** 1 - W of sorted values: it is small, so that it is not found as a difference from 1. */
static double one_minus_w(const double *x, int n, const double *a)
{
    const double mean = cnn_mean(x, n), range = x[n - 1] - x[0];
    double of_a = 0, of_x = 0, of_both = 0;
    for (int i = 0; i < n; i++) {
        const int end = n - 1 - i;
        const double weight = i < n / 2 ? -a[i] : end < n / 2 ? a[end] : 0;
        const double deviation = (x[i] - mean) / range;
        of_a += weight * weight;
        of_x += deviation * deviation;
        of_both += weight * deviation;
    }
    const double length = sqrt(of_a * of_x);
    return (length - of_both) * (length + of_both) / (of_a * of_x);
}

static double p_of(double rest, int n)
{
    static const double bound[] = {-2.273, 0.459};
    static const double few_mean[] = {0.544, -0.39978, 0.025054, -6.714e-4};
    static const double few_sd[] = {1.3822, -0.77857, 0.062767, -0.0020322};
    static const double mean[] = {-1.5861, -0.31082, -0.083751, 0.0038915};
    static const double sd[] = {-0.4803, -0.082676, 0.0030302};
    const double pi = 3.14159265358979323846, y = log(rest);
    if (n == 3)
        return fmax(0, 6 / pi * (asin(sqrt(1 - rest)) - asin(sqrt(0.75))));
    if (n > 11)
        return cnn_normal_cdf((polynomial(mean, COUNT(mean), log(n)) - y) /
                              exp(polynomial(sd, COUNT(sd), log(n))));
    const double most = polynomial(bound, COUNT(bound), n);
    if (y >= most)
        return 0;
    return cnn_normal_cdf((polynomial(few_mean, COUNT(few_mean), n) + log(most - y)) /
                          exp(polynomial(few_sd, COUNT(few_sd), n)));
}

cnn_status cnn_shapiro_wilk(const double *x, int n, cnn_normality *out)
{
    cnn_status st = CNN_OK;
    double *sorted = NULL, *a = NULL;
    *out = (cnn_normality){CNN_STAT_OK, NAN, NAN};
    out->outcome = n < CNN_NORMALITY_LEAST  ? CNN_STAT_TOO_FEW
                   : n > CNN_NORMALITY_MOST ? CNN_STAT_DOMAIN
                   : !cnn_all_finite(x, n)  ? CNN_STAT_NOT_FINITE
                                            : CNN_STAT_OK;
    if (out->outcome != CNN_STAT_OK)
        goto done;
    a = calloc((size_t)n, sizeof *a);
    CNN_CHECK(a, CNN_ENOMEM, "weights of %d values", n);
    CNN_TRY(cnn_sorted_copy(x, n, &sorted));
    if (cnn_nearly_constant(sorted[n - 1] - sorted[0],
                            fmax(fabs(sorted[0]), fabs(sorted[n - 1])))) {
        out->outcome = CNN_STAT_NO_VARIANCE;
        goto done;
    }
    find_weights(n, a);
    double rest = one_minus_w(sorted, n, a);
    rest = rest > 4 * DBL_EPSILON ? rest : 0; /* rounding */
    out->w = 1 - rest;
    out->p = p_of(rest, n);
done:
    free(sorted);
    free(a);
    return st;
}
