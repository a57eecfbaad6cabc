/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/describe.h"

#include "stats/dist.h"
#include "stats/moments.h"
#include "stats/ranks.h"

#include <math.h>
#include <stdlib.h>

double cnn_quantile(const double *sorted, int n, double p)
{
    if (n < 1 || !(p >= 0 && p <= 1))
        return NAN;
    const double place = (n - 1) * p;
    const int below = (int)place;
    const double share = place - below;
    if (below + 1 >= n || share == 0)
        return sorted[below];
    return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

/** The largest order statistic l whose interval covers the median with at least `level`, or 0. */
static int median_order_statistic(int n, double level)
{
    int low = 0, high = n / 2 + 1; /* low covers (0: everything), high does not or is the middle */
    while (high - low > 1) {
        const int l = low + (high - low) / 2;
        if (2 * cnn_binomial_cdf(l - 1, n, 0.5) <= 1 - level)
            low = l;
        else
            high = l;
    }
    return low;
}

static void describe_order(cnn_description *d, const double *sorted, double level)
{
    const int n = d->n;
    const int l = median_order_statistic(n, level);
    const int first = l > 0 ? l : 1;
    d->median = cnn_quantile(sorted, n, 0.5);
    d->median_interval = (cnn_interval){sorted[first - 1], sorted[n - first]};
    d->median_level = fmax(0, 1 - 2 * cnn_binomial_cdf(first - 1, n, 0.5));
    d->p5 = cnn_quantile(sorted, n, 0.05);
    d->quartile_1 = cnn_quantile(sorted, n, 0.25);
    d->quartile_3 = cnn_quantile(sorted, n, 0.75);
    d->p95 = cnn_quantile(sorted, n, 0.95);
    d->min = sorted[0];
    d->max = sorted[n - 1];
}

static void describe_spread(cnn_description *d, double variance, double level)
{
    d->variance = variance;
    d->sd = sqrt(variance);
    if (cnn_nearly_constant(d->sd, d->mean)) {
        d->outcome = CNN_STAT_IDENTICAL;
        d->variance = d->sd = 0;
    }
    d->cv = d->mean != 0 ? d->sd / fabs(d->mean) : NAN;
    const double half = cnn_student_quantile((1 + level) / 2, d->n - 1) * d->sd / sqrt(d->n);
    d->mean_interval = (cnn_interval){d->mean - half, d->mean + half};
}

static cnn_stat_outcome describable(const double *x, int n, double level)
{
    if (!(level > 0 && level < 1))
        return CNN_STAT_DOMAIN;
    if (!cnn_all_finite(x, n))
        return CNN_STAT_NOT_FINITE;
    return n < 2 ? CNN_STAT_TOO_FEW : CNN_STAT_OK;
}

cnn_status cnn_describe(const double *x, int n, double level, cnn_description *out)
{
    const cnn_interval unknown = {NAN, NAN};
    *out = (cnn_description){describable(x, n, level),
                             n,
                             NAN,
                             NAN,
                             NAN,
                             NAN,
                             unknown,
                             NAN,
                             unknown,
                             NAN,
                             NAN,
                             NAN,
                             NAN,
                             NAN,
                             NAN,
                             NAN};
    if (n < 1 || (out->outcome != CNN_STAT_OK && out->outcome != CNN_STAT_TOO_FEW))
        return CNN_OK;
    double *sorted = NULL;
    const cnn_status st = cnn_sorted_copy(x, n, &sorted);
    if (st != CNN_OK)
        return st;
    out->mean = cnn_mean(x, n);
    describe_order(out, sorted, level);
    if (n > 1)
        describe_spread(out, cnn_variance(x, n), level);
    free(sorted);
    return CNN_OK;
}

cnn_status cnn_find_outliers(const double *x, int n, cnn_outliers *out, int *outliers)
{
    *out = (cnn_outliers){CNN_STAT_OK, {NAN, NAN}, 0};
    if (!cnn_all_finite(x, n))
        out->outcome = CNN_STAT_NOT_FINITE;
    else if (n < 4)
        out->outcome = CNN_STAT_TOO_FEW;
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    double *sorted = NULL;
    const cnn_status st = cnn_sorted_copy(x, n, &sorted);
    if (st != CNN_OK)
        return st;
    const double q1 = cnn_quantile(sorted, n, 0.25), q3 = cnn_quantile(sorted, n, 0.75);
    free(sorted);
    out->fences = (cnn_interval){q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)};
    for (int i = 0; i < n; i++) {
        if (x[i] >= out->fences.low && x[i] <= out->fences.high)
            continue;
        if (outliers)
            outliers[out->outlier_count] = i;
        out->outlier_count++;
    }
    return CNN_OK;
}
