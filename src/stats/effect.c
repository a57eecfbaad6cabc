/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/effect.h"

#include "stats/dist.h"
#include "stats/moments.h"
#include "stats/ranks.h"
#include "stats/t_tests.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    double t, df, p;
} noncentral_point;

static double excess(double delta, const void *context)
{
    const noncentral_point *at = context;
    return cnn_student_noncentral(at->t, at->df, delta) - at->p;
}

/** The noncentrality under which P(T <= t) = p. The search starts where it would be were the
 *  estimated spread normal. NaN where it is not found. */
static double noncentrality(double t, double df, double p)
{
    const noncentral_point at = {t, df, p};
    const double spread = sqrt(1 + t * t / (2 * df));
    const double guess = t - cnn_normal_quantile(p) * spread;
    const double tolerance = 1e-13 * fmax(1, fabs(t));
    const double found = cnn_root_near(excess, &at, guess, 0.1 * spread, tolerance);
    return fabs(excess(found, &at)) < 1e-9 ? found : NAN;
}

/** J(df); NaN for df = 1, where it would be 0. */
static double unbiasing(double df)
{
    return df > 1 ? cnn_gamma_ratio((df - 1) / 2, 0.5) / sqrt(df / 2) : NAN;
}

/** scale: t = d / scale. */
static cnn_hedges hedges(const cnn_t_result *test, double scale, double level)
{
    cnn_hedges h = {test->outcome, NAN, test->t * scale, test->df, {NAN, NAN}};
    const double tail = (1 - level) / 2;
    if (test->outcome == CNN_STAT_NO_VARIANCE || test->outcome == CNN_STAT_IDENTICAL)
        h.g = h.d;
    if (test->outcome != CNN_STAT_OK)
        return h;
    if (test->df < 2) {
        h.outcome = CNN_STAT_TOO_FEW;
        return h;
    }
    h.g = h.d * unbiasing(test->df);
    h.interval = (cnn_interval){noncentrality(test->t, test->df, 1 - tail) * scale,
                                noncentrality(test->t, test->df, tail) * scale};
    return h;
}

cnn_hedges cnn_hedges_unpaired(const double *x, int nx, const double *y, int ny, double level)
{
    cnn_t_result test = cnn_t_welch(x, nx, y, ny, level);
    const double scale = sqrt(1.0 / nx + 1.0 / ny);
    if (test.outcome == CNN_STAT_OK) { /* Student's t: the spread is pooled */
        test.df = (double)nx + ny - 2;
        const double pooled =
            (cnn_variance(x, nx) * (nx - 1) + cnn_variance(y, ny) * (ny - 1)) / test.df;
        test.t = test.difference / (sqrt(pooled) * scale);
    }
    return hedges(&test, scale, level);
}

/** Newcombe's variance of the estimate, were theta true. */
static double newcombe_variance(double theta, int nx, int ny)
{
    const double n = ((double)nx + ny) / 2;
    return theta * (1 - theta) * (1 + (n - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))) /
           ((double)nx * ny);
}

/** The theta between the estimate (which is inside the interval) and `end`, 0 or 1 (which is not),
 *  where the interval ends. */
static double newcombe_bound(double estimate, double end, double z, int nx, int ny)
{
    double inside = estimate, outside = end;
    if (estimate == end)
        return end;
    for (int i = 0; i < 200 && fabs(outside - inside) > 1e-16; i++) {
        const double theta = (inside + outside) / 2, distance = estimate - theta;
        if (distance * distance <= z * z * newcombe_variance(theta, nx, ny))
            inside = theta;
        else
            outside = theta;
    }
    return (inside + outside) / 2;
}

cnn_status cnn_probability_greater(const double *x, int nx, const double *y, int ny, double level,
                                   cnn_superiority *out)
{
    *out = (cnn_superiority){CNN_STAT_OK, NAN, {NAN, NAN}};
    if (!(level > 0 && level < 1))
        out->outcome = CNN_STAT_DOMAIN;
    else if (!cnn_all_finite(x, nx) || !cnn_all_finite(y, ny))
        out->outcome = CNN_STAT_NOT_FINITE;
    else if (nx < 1 || ny < 1)
        out->outcome = CNN_STAT_TOO_FEW;
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    double *ranks = NULL, tie_term = 0, sum = 0;
    const cnn_status st = cnn_joint_ranks(x, nx, y, ny, &ranks, &tie_term);
    if (st != CNN_OK)
        return st;
    for (int i = 0; i < nx; i++)
        sum += ranks[i];
    free(ranks);
    const double z = cnn_normal_quantile((1 + level) / 2);
    out->probability = (sum - 0.5 * nx * (nx + 1.0)) / ((double)nx * ny);
    out->interval.low = newcombe_bound(out->probability, 0, z, nx, ny);
    out->interval.high = newcombe_bound(out->probability, 1, z, nx, ny);
    return CNN_OK;
}
