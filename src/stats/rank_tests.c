/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/rank_tests.h"

#include "stats/dist.h"
#include "stats/ranks.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT_BELOW 50 /* values in a sample, as in R */

/** Two-sided p of a statistic around its mean under the hypothesis; halves are its steps. */
static double normal_p(double statistic, double mean, double variance)
{
    const double z = statistic - mean;
    const double correction = z > 0 ? 0.5 : z < 0 ? -0.5 : 0;
    return cnn_normal_two_sided((z - correction) / sqrt(variance));
}

/** P(V <= v) of the sum of those of the ranks 1..n that a coin chooses; n < 50, so that counts of
 *  subsets are whole doubles. v <= n (n + 1) / 4. */
static double signed_rank_cdf(int v, int n)
{
    double subsets[EXACT_BELOW * EXACT_BELOW / 4 + 1] = {1}; /* by their sum */
    for (int rank = 1; rank <= n; rank++)
        for (int s = v; s >= rank; s--)
            subsets[s] += subsets[s - rank];
    double sum = 0;
    for (int s = 0; s <= v; s++)
        sum += subsets[s];
    return ldexp(sum, -n);
}

/** Takes the differences that are not 0 and their absolute values; returns how many. tolerance:
 *  what rounding makes of nothing. */
static int nonzero_differences(const double *x, const double *y, int n, double *d, double *size,
                               double *tolerance)
{
    double largest = 0;
    int kept = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fmax(fabs(x[i]), fabs(y[i])));
    *tolerance = 64 * DBL_EPSILON * largest;
    for (int i = 0; i < n; i++) {
        d[kept] = x[i] - y[i];
        size[kept] = fabs(d[kept]);
        kept += size[kept] > *tolerance;
    }
    return kept;
}

static void signed_rank(cnn_rank_test *out, const double *d, const double *ranks, int n,
                        double tie_term, bool zeros)
{
    out->statistic = 0;
    for (int i = 0; i < n; i++)
        out->statistic += d[i] > 0 ? ranks[i] : 0;
    if (n == 0) {
        out->outcome = CNN_STAT_IDENTICAL;
        out->p = 1;
        return;
    }
    const double largest = 0.5 * n * (n + 1.0);
    out->exact = n < EXACT_BELOW && tie_term == 0 && !zeros;
    if (out->exact)
        out->p =
            fmin(1, 2 * signed_rank_cdf((int)fmin(out->statistic, largest - out->statistic), n));
    else
        out->p = normal_p(out->statistic, largest / 2,
                          n * (n + 1.0) * (2.0 * n + 1) / 24 - tie_term / 48);
}

cnn_status cnn_wilcoxon_signed_rank(const double *x, const double *y, int n, cnn_rank_test *out)
{
    *out = (cnn_rank_test){CNN_STAT_OK, NAN, NAN, false};
    out->outcome = cnn_outcome_of_pairs(x, y, n, 1);
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    cnn_status st = CNN_OK;
    double tolerance = 0, tie_term = 0;
    double *d = malloc(3 * (size_t)n * sizeof *d);
    CNN_CHECK(d, CNN_ENOMEM, "ranks of %d differences", n);
    double *size = d + n, *ranks = size + n;
    const int kept = nonzero_differences(x, y, n, d, size, &tolerance);
    CNN_TRY(cnn_ranks(size, kept, tolerance, ranks, &tie_term));
    signed_rank(out, d, ranks, kept, tie_term, kept < n);
done:
    free(d);
    return st;
}

__extension__ typedef unsigned __int128 wide; /* choose(98, 49) has 95 bits */

/** P(W <= w) over all choices of nx of nx + ny ranks; nx, ny < 50, w <= nx ny / 2. Choices are
 *  counted by the Gaussian binomial coefficient, the product over i = 1..nx of
 *  (1 - q^(ny + i)) / (1 - q^i), whose term in q^w counts those of statistic w. */
static double rank_sum_cdf(int w, int nx, int ny)
{
    wide choices[EXACT_BELOW * EXACT_BELOW / 2 + 1] = {1}, total = 1, sum = 0;
    for (int i = 1; i <= nx; i++) {
        for (int s = w; s >= ny + i; s--)
            choices[s] -= choices[s - ny - i];
        for (int s = i; s <= w; s++)
            choices[s] += choices[s - i];
        total = total * (unsigned)(ny + i) / (unsigned)i;
    }
    for (int s = 0; s <= w; s++)
        sum += choices[s];
    return (double)sum / (double)total;
}

static void rank_sum(cnn_rank_test *out, const double *ranks, int nx, int ny, double tie_term)
{
    const double n = (double)nx + ny, pairs = (double)nx * ny;
    double sum = 0;
    for (int i = 0; i < nx; i++)
        sum += ranks[i];
    out->statistic = sum - 0.5 * nx * (nx + 1.0);
    const double variance = pairs / 12 * (n + 1 - tie_term / (n * (n - 1)));
    out->exact = nx < EXACT_BELOW && ny < EXACT_BELOW && tie_term == 0;
    if (tie_term == n * n * n - n) {
        out->outcome = CNN_STAT_IDENTICAL;
        out->exact = false;
        out->p = 1;
    } else if (out->exact) {
        out->p =
            fmin(1, 2 * rank_sum_cdf((int)fmin(out->statistic, pairs - out->statistic), nx, ny));
    } else {
        out->p = normal_p(out->statistic, pairs / 2, variance);
    }
}

cnn_status cnn_mann_whitney(const double *x, int nx, const double *y, int ny, cnn_rank_test *out)
{
    *out = (cnn_rank_test){CNN_STAT_OK, NAN, NAN, false};
    if (!cnn_all_finite(x, nx) || !cnn_all_finite(y, ny))
        out->outcome = CNN_STAT_NOT_FINITE;
    else if (nx < 1 || ny < 1)
        out->outcome = CNN_STAT_TOO_FEW;
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    double tie_term = 0, *ranks = NULL;
    const cnn_status st = cnn_joint_ranks(x, nx, y, ny, &ranks, &tie_term);
    if (st == CNN_OK)
        rank_sum(out, ranks, nx, ny, tie_term);
    free(ranks);
    return st;
}
