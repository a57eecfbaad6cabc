/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/variance_tests.h"

#include "stats/describe.h"
#include "stats/dist.h"
#include "stats/moments.h"
#include "stats/ranks.h"

#include <math.h>
#include <stdlib.h>

static cnn_variance_ratio unknown(cnn_stat_outcome outcome)
{
    return (cnn_variance_ratio){outcome, NAN, {NAN, NAN}, NAN, NAN, NAN, NAN};
}

/** Variance, 0 where it is nothing but rounding. */
static double variance_of(const double *x, int n)
{
    const cnn_moments m = cnn_moments_of(x, n);
    return cnn_nearly_constant(sqrt(m.variance), m.mean) ? 0 : m.variance;
}

/** Fills in ratio and, where a sample does not vary, outcome and p; returns whether both vary. */
static bool both_vary(cnn_variance_ratio *r, double var_x, double var_y)
{
    if (var_x > 0 && var_y > 0) {
        r->ratio = var_x / var_y;
        return true;
    }
    r->outcome = var_x == var_y ? CNN_STAT_IDENTICAL : CNN_STAT_NO_VARIANCE;
    r->ratio = var_x == var_y ? 1 : var_x > 0 ? INFINITY : 0;
    r->p = var_x == var_y ? 1 : NAN;
    return false;
}

cnn_variance_ratio cnn_f_test_moments(double var_x, int nx, double var_y, int ny, double level)
{
    if (!(level > 0 && level < 1))
        return unknown(CNN_STAT_DOMAIN);
    if (nx < 2 || ny < 2)
        return unknown(CNN_STAT_TOO_FEW);
    if (!isfinite(var_x) || !isfinite(var_y))
        return unknown(CNN_STAT_NOT_FINITE);
    cnn_variance_ratio r = unknown(CNN_STAT_OK);
    r.df1 = nx - 1;
    r.df2 = ny - 1;
    if (!both_vary(&r, var_x, var_y))
        return r;
    r.statistic = r.ratio;
    r.p = 2 * fmin(cnn_f_cdf(r.ratio, r.df1, r.df2), cnn_f_sf(r.ratio, r.df1, r.df2));
    r.interval = (cnn_interval){r.ratio / cnn_f_quantile((1 + level) / 2, r.df1, r.df2),
                                r.ratio / cnn_f_quantile((1 - level) / 2, r.df1, r.df2)};
    return r;
}

cnn_variance_ratio cnn_f_test(const double *x, int nx, const double *y, int ny, double level)
{
    if (!cnn_all_finite(x, nx) || !cnn_all_finite(y, ny))
        return unknown(CNN_STAT_NOT_FINITE);
    return cnn_f_test_moments(variance_of(x, nx), nx, variance_of(y, ny), ny, level);
}

/** Of x and y, and of their sums and differences. */
typedef struct {
    double xy;
    double sum_difference;
    bool equal_variances; /* up to rounding */
    bool line;            /* x and y lie on one, up to rounding */
} correlations;

static correlations correlate(const double *x, const double *y, int n)
{
    const double mx = cnn_mean(x, n), my = cnn_mean(y, n);
    double xx = 0, yy = 0, xy = 0, ss = 0, dd = 0, sd = 0;
    for (int i = 0; i < n; i++) {
        const double a = x[i] - mx, b = y[i] - my;
        xx += a * a;
        yy += b * b;
        xy += a * b;
        ss += (a + b) * (a + b);
        dd += (a - b) * (a - b);
        sd += (a + b) * (a - b);
    }
    const double nothing = 1e-14;
    return (correlations){.xy = xy / sqrt(xx * yy),
                          .sum_difference = sd / sqrt(ss * dd),
                          .equal_variances = fabs(xx - yy) <= nothing * (xx + yy),
                          .line = xx * yy - xy * xy <= nothing * xx * yy};
}

/** The ratios that the test does not reject. */
static cnn_interval ratio_interval(double ratio, double r, double df, double level)
{
    const double t = cnn_student_quantile((1 + level) / 2, df);
    const double k1 = 2 * t * t * (1 - r) * (1 + r) / df; /* K - 1 */
    const double root = sqrt(k1 * (k1 + 2));              /* sqrt(K^2 - 1) */
    return (cnn_interval){ratio / (1 + k1 + root), ratio * (1 + k1 + root)};
}

cnn_variance_ratio cnn_pitman_morgan(const double *x, const double *y, int n, double level)
{
    if (!(level > 0 && level < 1))
        return unknown(CNN_STAT_DOMAIN);
    cnn_variance_ratio r = unknown(cnn_outcome_of_pairs(x, y, n, 3));
    if (r.outcome != CNN_STAT_OK)
        return r;
    r.df1 = n - 2;
    if (!both_vary(&r, variance_of(x, n), variance_of(y, n)))
        return r;
    const correlations c = correlate(x, y, n);
    if (c.line) {
        r.outcome = c.equal_variances ? CNN_STAT_IDENTICAL : CNN_STAT_NO_VARIANCE;
        r.p = c.equal_variances ? 1 : NAN;
        return r;
    }
    const double rest = (1 - c.sum_difference) * (1 + c.sum_difference);
    r.statistic = c.sum_difference * sqrt(r.df1 / rest);
    r.p = cnn_student_two_sided(r.statistic, r.df1);
    r.interval = ratio_interval(r.ratio, c.xy, r.df1, level);
    return r;
}

/** deviations [n] of x from its median, without sign. */
static cnn_status deviations_from_median(const double *x, int n, double *deviations)
{
    double *sorted = NULL;
    const cnn_status st = cnn_sorted_copy(x, n, &sorted);
    if (st != CNN_OK)
        return st;
    const double median = cnn_quantile(sorted, n, 0.5);
    for (int i = 0; i < n; i++)
        deviations[i] = fabs(x[i] - median);
    free(sorted);
    return CNN_OK;
}

/** One-way analysis of variance of two samples whose values come from some as large as
 *  `magnitude`. */
static void analyse(cnn_variance_ratio *r, cnn_moments x, cnn_moments y, double magnitude)
{
    const double difference = x.mean - y.mean, n = (double)x.n + y.n;
    const double between = difference * difference * x.n * y.n / n;
    const double within = (x.variance * (x.n - 1) + y.variance * (y.n - 1)) / (n - 2);
    r->df1 = 1;
    r->df2 = n - 2;
    if (!cnn_nearly_constant(sqrt(within), magnitude)) {
        r->statistic = between / within;
        r->p = cnn_f_sf(r->statistic, r->df1, r->df2);
    } else if (cnn_nearly_constant(fabs(difference), magnitude)) {
        r->outcome = CNN_STAT_IDENTICAL;
        r->p = 1;
    } else {
        r->outcome = CNN_STAT_NO_VARIANCE;
    }
}

cnn_status cnn_brown_forsythe(const double *x, int nx, const double *y, int ny,
                              cnn_variance_ratio *out)
{
    *out = unknown(CNN_STAT_OK);
    if (!cnn_all_finite(x, nx) || !cnn_all_finite(y, ny))
        out->outcome = CNN_STAT_NOT_FINITE;
    else if (nx < 2 || ny < 2)
        out->outcome = CNN_STAT_TOO_FEW;
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    cnn_status st = CNN_OK;
    const double magnitude = fmax(fabs(cnn_mean(x, nx)), fabs(cnn_mean(y, ny)));
    double *a = malloc(((size_t)nx + (size_t)ny) * sizeof *a);
    CNN_CHECK(a, CNN_ENOMEM, "deviations of %d values", nx + ny);
    double *b = a + nx;
    CNN_TRY(deviations_from_median(x, nx, a));
    CNN_TRY(deviations_from_median(y, ny, b));
    both_vary(out, variance_of(x, nx), variance_of(y, ny));
    out->outcome = CNN_STAT_OK; /* decided by the deviations, not the variances */
    out->p = NAN;
    analyse(out, cnn_moments_of(a, nx), cnn_moments_of(b, ny), magnitude);
done:
    free(a);
    return st;
}
