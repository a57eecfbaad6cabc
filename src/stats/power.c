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

/** The noncentrality that gives the power, or NaN. */
static double noncentrality_needed(double df, double alpha, double power)
{
    double low = 0, high = 1;
    while (high < 1e6 && t_power(df, high, alpha) < power)
        high *= 2;
    for (int i = 0; i < 100 && high - low > 1e-14 * high; i++) {
        const double middle = (low + high) / 2;
        if (t_power(df, middle, alpha) < power)
            low = middle;
        else
            high = middle;
    }
    /* not found, or the distribution gave up on the way */
    return fabs(t_power(df, high, alpha) - power) < 1e-6 ? (low + high) / 2 : NAN;
}

static bool is_level(double alpha)
{
    return alpha > 0 && alpha < 1;
}

static bool is_power(double alpha, double power)
{
    return alpha > 0 && alpha < power && power < 1;
}

double cnn_paired_power(int n, double effect, double alpha)
{
    return n >= 2 && is_level(alpha) ? t_power(n - 1, effect * sqrt(n), alpha) : NAN;
}

double cnn_paired_detectable(int n, double alpha, double power)
{
    if (n < 2 || !is_power(alpha, power))
        return NAN;
    return noncentrality_needed(n - 1, alpha, power) / sqrt(n);
}

/** Asks whether n pairs are enough. */
typedef bool enough_pairs(int n, const double *arguments);

/** The smallest n >= 2 that is enough, where more always are, too; 0 where none is. */
static int smallest_enough(enough_pairs *enough, const double *arguments)
{
    int low = 1, high = 2;
    while (!enough(high, arguments)) {
        if (high >= CNN_POWER_MOST_BLOCKS)
            return 0;
        low = high;
        high = high > CNN_POWER_MOST_BLOCKS / 2 ? CNN_POWER_MOST_BLOCKS : 2 * high;
    }
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (enough(middle, arguments))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static bool enough_for_t(int n, const double *a)
{
    return cnn_paired_power(n, a[0], a[1]) >= a[2];
}

int cnn_paired_blocks_needed(double effect, double alpha, double power)
{
    const double arguments[] = {fmin(fabs(effect), 1e3), alpha, power};
    if (!(fabs(effect) > 0) || !isfinite(effect) || !is_power(alpha, power))
        return 0;
    return smallest_enough(enough_for_t, arguments);
}

typedef struct {
    double standard_error, df;
} welch_error;

static welch_error welch_error_of(double var_x, int nx, double var_y, int ny)
{
    const double a = var_x / nx, b = var_y / ny;
    return (welch_error){sqrt(a + b), (a + b) * (a + b) / (a * a / (nx - 1) + b * b / (ny - 1))};
}

static bool welch_domain(double var_x, int nx, double var_y, int ny)
{
    return nx >= 2 && ny >= 2 && var_x >= 0 && var_y >= 0 && isfinite(var_x + var_y);
}

double cnn_welch_power(double difference, double var_x, int nx, double var_y, int ny, double alpha)
{
    if (!welch_domain(var_x, nx, var_y, ny) || !(var_x + var_y > 0) || !is_level(alpha))
        return NAN;
    const welch_error e = welch_error_of(var_x, nx, var_y, ny);
    return t_power(e.df, difference / e.standard_error, alpha);
}

double cnn_welch_detectable(double var_x, int nx, double var_y, int ny, double alpha, double power)
{
    if (!welch_domain(var_x, nx, var_y, ny) || !is_power(alpha, power))
        return NAN;
    if (var_x + var_y == 0)
        return 0;
    const welch_error e = welch_error_of(var_x, nx, var_y, ny);
    return noncentrality_needed(e.df, alpha, power) * e.standard_error;
}

double cnn_tost_paired_power(int n, double difference, double sd, double low, double high,
                             double alpha)
{
    if (n < 2 || !(sd > 0) || !isfinite(sd) || !isfinite(difference) || !(low < high) ||
        !(alpha > 0 && alpha < 0.5))
        return NAN;
    const double standard_error = sd / sqrt(n), df = n - 1;
    const double critical = cnn_student_quantile(1 - alpha, df);
    const double fail_low =
        cnn_student_noncentral(critical, df, (difference - low) / standard_error);
    const double pass_high =
        cnn_student_noncentral(-critical, df, (difference - high) / standard_error);
    return fmax(0, pass_high - fail_low);
}

static bool enough_for_tost(int n, const double *a)
{
    return cnn_tost_paired_power(n, a[0], a[1], a[2], a[3], a[4]) >= a[5];
}

int cnn_tost_blocks_needed(double difference, double sd, double low, double high, double alpha,
                           double power)
{
    const double arguments[] = {difference, sd, low, high, alpha, power};
    if (!(difference > low && difference < high) || !(sd >= 0) || !isfinite(sd) ||
        !(alpha > 0 && alpha < 0.5) || !(power > 0 && power < 1))
        return 0;
    return sd > 0 ? smallest_enough(enough_for_tost, arguments) : 2;
}
