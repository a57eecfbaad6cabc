/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/power.h"

#include "stats/dist.h"

#include <math.h>
#include <stdbool.h>

/** Power of a two-sided t test with noncentrality delta; both tails. */
static double t_power(double df, double delta, double alpha)
{
    const double critical = cnn_student_quantile(1 - alpha / 2, df);
    return 1 - cnn_student_noncentral(critical, df, delta) +
           cnn_student_noncentral(-critical, df, delta);
}

typedef struct {
    double df, alpha, power;
} power_point;

/** Continued below 0 so that it rises everywhere. */
static double excess_power(double delta, const void *context)
{
    const power_point *at = context;
    const double power = t_power(at->df, fabs(delta), at->alpha);
    return (delta < 0 ? 2 * at->alpha - power : power) - at->power;
}

/** The noncentrality > 0 that gives the power, or NaN. */
static double noncentrality_needed(double df, double alpha, double power)
{
    const power_point at = {df, alpha, power};
    const double guess = cnn_student_quantile(1 - alpha / 2, df) + cnn_normal_quantile(power);
    const double found = cnn_root_near(excess_power, &at, guess, 0.1 * guess, 1e-14 * guess);
    return fabs(excess_power(found, &at)) < 1e-6 ? found : NAN;
}

static bool is_level(double alpha)
{
    return alpha > 0 && alpha < 1;
}

static bool is_power(double alpha, double power)
{
    return alpha > 0 && alpha < power && power < 1;
}

double cnn_paired_power(int n, int parameters, double effect, double alpha)
{
    return n > parameters && is_level(alpha) ? t_power(n - parameters, effect * sqrt(n), alpha)
                                             : NAN;
}

double cnn_paired_detectable(int n, int parameters, double alpha, double power)
{
    if (n <= parameters || !is_power(alpha, power))
        return NAN;
    return noncentrality_needed(n - parameters, alpha, power) / sqrt(n);
}

/** Asks whether n pairs are enough. */
typedef bool enough_pairs(int n, const double *arguments);

/** The smallest n > parameters that is enough, if every larger n is; 0 where none is. The search
 *  goes out from a guess. */
static int smallest_enough(enough_pairs *enough, const double *arguments, int parameters,
                           double guess)
{
    const int most = CNN_POWER_MOST_BLOCKS;
    const int start = (int)fmin(most, fmax(parameters + 1, ceil(guess)));
    int low = parameters, high = start, step = 1; /* low is not enough; in the end high is */
    while (!enough(high, arguments)) {
        if (high == most)
            return 0;
        low = high;
        high = step > most - high ? most : high + step;
        step *= 2;
    }
    for (step = 1; high - low > step && enough(high - step, arguments); step *= 2)
        high -= step;
    if (high - low > step)
        low = high - step;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (enough(middle, arguments))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/** Pairs that a normal variable would need. */
static double normal_pairs(double tail, double power, double effect)
{
    const double quantiles = cnn_normal_quantile(1 - tail) + cnn_normal_quantile(power);
    return quantiles * quantiles / (effect * effect);
}

static bool enough_for_t(int n, const double *a)
{
    return cnn_paired_power(n, (int)a[3], a[0], a[1]) >= a[2];
}

int cnn_paired_blocks_needed(int parameters, double effect, double alpha, double power)
{
    const double arguments[] = {fmin(fabs(effect), 1e3), alpha, power, parameters};
    if (!(fabs(effect) > 0) || !isfinite(effect) || !is_power(alpha, power))
        return 0;
    return smallest_enough(enough_for_t, arguments, parameters,
                           normal_pairs(alpha / 2, power, arguments[0]));
}

double cnn_tost_paired_power(int n, int parameters, double difference, double sd, double low,
                             double high, double alpha)
{
    if (n <= parameters || !(sd > 0) || !isfinite(sd) || !isfinite(difference) || !(low < high) ||
        !(alpha > 0 && alpha < 0.5))
        return NAN;
    const double standard_error = sd / sqrt(n), df = n - parameters;
    const double critical = cnn_student_quantile(1 - alpha, df);
    const double fail_low =
        cnn_student_noncentral(critical, df, (difference - low) / standard_error);
    const double pass_high =
        cnn_student_noncentral(-critical, df, (difference - high) / standard_error);
    return fmax(0, pass_high - fail_low);
}

static bool enough_for_tost(int n, const double *a)
{
    return cnn_tost_paired_power(n, (int)a[6], a[0], a[1], a[2], a[3], a[4]) >= a[5];
}

int cnn_tost_blocks_needed(int parameters, double difference, double sd, double low, double high,
                           double alpha, double power)
{
    const double arguments[] = {difference, sd, low, high, alpha, power, parameters};
    if (!(difference > low && difference < high) || !(sd >= 0) || !isfinite(sd) ||
        !(alpha > 0 && alpha < 0.5) || !(power > 0 && power < 1))
        return 0;
    if (sd == 0)
        return parameters + 1;
    const double room = fmin(difference - low, high - difference) / sd;
    return smallest_enough(enough_for_tost, arguments, parameters,
                           normal_pairs(alpha, power, room));
}
