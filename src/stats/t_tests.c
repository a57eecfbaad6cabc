/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/t_tests.h"

#include "stats/dist.h"

#include <math.h>

static const cnn_t_result nothing = {.outcome = CNN_STAT_TOO_FEW,
                                     .difference = NAN,
                                     .standard_error = NAN,
                                     .interval = {NAN, NAN},
                                     .t = NAN,
                                     .df = NAN,
                                     .p = NAN};

/** A difference that nothing spreads. magnitude: of the values that it comes from. */
static cnn_t_result without_spread(double difference, double df, double magnitude)
{
    cnn_t_result r = {.difference = difference, .standard_error = 0, .df = df};
    if (cnn_nearly_constant(fabs(difference), magnitude)) {
        r.outcome = CNN_STAT_IDENTICAL;
        r.difference = 0;
        r.t = 0;
        r.p = 1;
    } else {
        r.outcome = CNN_STAT_NO_VARIANCE;
        r.t = copysign(INFINITY, difference);
        r.p = NAN;
    }
    r.interval = (cnn_interval){r.difference, r.difference};
    return r;
}

static cnn_t_result with_spread(double difference, double standard_error, double df, double level)
{
    cnn_t_result r = {.difference = difference, .standard_error = standard_error, .df = df};
    const double half = cnn_student_quantile((1 + level) / 2, df) * standard_error;
    r.interval = (cnn_interval){difference - half, difference + half};
    r.t = difference / standard_error;
    r.p = cnn_student_two_sided(r.t, df);
    return r;
}

static cnn_t_result failed(cnn_stat_outcome outcome, double difference)
{
    cnn_t_result r = nothing;
    r.outcome = outcome;
    r.difference = difference;
    return r;
}

cnn_t_result cnn_t_undefined(void)
{
    return nothing;
}

cnn_t_result cnn_t_of_estimate(double difference, double standard_error, double df,
                               double magnitude, double level)
{
    if (!(level > 0 && level < 1))
        return failed(CNN_STAT_DOMAIN, difference);
    if (cnn_nearly_constant(standard_error, magnitude))
        return without_spread(difference, df, magnitude);
    return with_spread(difference, standard_error, df, level);
}

static cnn_t_result t_of_differences(cnn_moments d, double magnitude, double level)
{
    if (!(level > 0 && level < 1))
        return failed(CNN_STAT_DOMAIN, d.mean);
    if (d.n < 2)
        return failed(CNN_STAT_TOO_FEW, d.mean);
    return cnn_t_of_estimate(d.mean, sqrt(d.variance / d.n), d.n - 1, magnitude, level);
}

/** Moments of x - y, two-pass as cnn_mean and cnn_variance, without a copy. */
static cnn_moments difference_moments(const double *x, const double *y, int n)
{
    cnn_moments d = {n, NAN, NAN};
    if (n < 1)
        return d;
    double sum = 0, rest = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] - y[i];
    const double mean = sum / n;
    for (int i = 0; i < n; i++) {
        const double deviation = x[i] - y[i] - mean;
        squares += deviation * deviation;
        rest += deviation;
    }
    d.mean = mean + rest / n;
    if (n > 1)
        d.variance = (squares - rest * rest / n) / (n - 1);
    return d;
}

cnn_t_result cnn_t_paired(const double *x, const double *y, int n, double level)
{
    if (!cnn_all_finite(x, n) || !cnn_all_finite(y, n))
        return failed(CNN_STAT_NOT_FINITE, NAN);
    const double magnitude = fmax(fabs(cnn_mean(x, n)), fabs(cnn_mean(y, n)));
    return t_of_differences(difference_moments(x, y, n), magnitude, level);
}

cnn_t_result cnn_t_welch(const double *x, int nx, const double *y, int ny, double level)
{
    if (!cnn_all_finite(x, nx) || !cnn_all_finite(y, ny))
        return failed(CNN_STAT_NOT_FINITE, NAN);
    return cnn_t_welch_moments(cnn_moments_of(x, nx), cnn_moments_of(y, ny), level);
}

cnn_t_result cnn_t_welch_moments(cnn_moments x, cnn_moments y, double level)
{
    const double difference = x.mean - y.mean;
    if (!(level > 0 && level < 1))
        return failed(CNN_STAT_DOMAIN, difference);
    if (x.n < 2 || y.n < 2)
        return failed(CNN_STAT_TOO_FEW, difference);
    if (!isfinite(difference) || !isfinite(x.variance + y.variance))
        return failed(CNN_STAT_NOT_FINITE, NAN);
    const double a = x.variance / x.n, b = y.variance / y.n; /* squared standard errors */
    const double magnitude = fmax(fabs(x.mean), fabs(y.mean));
    if (cnn_nearly_constant(sqrt(a + b), magnitude))
        return without_spread(difference, x.n + y.n - 2, magnitude);
    const double df = (a + b) * (a + b) / (a * a / (x.n - 1) + b * b / (y.n - 1));
    return with_spread(difference, sqrt(a + b), df, level);
}

bool cnn_study_significant(const cnn_t_result *welch)
{
    return isfinite(welch->t) && fabs(welch->t) > CNN_STUDY_CRITICAL_T;
}

cnn_ratio cnn_ratio_from_logs(const cnn_t_result *logs)
{
    return (cnn_ratio){
        logs->outcome, exp(logs->difference), {exp(logs->interval.low), exp(logs->interval.high)}};
}
