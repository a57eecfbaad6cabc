/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/axis.h"

#include <math.h>
#include <stdio.h>

void cnn_axis_cover(cnn_axis *axis, double x)
{
    if (!isfinite(x) || (axis->is_log && !(x > 0)))
        return;
    axis->low = axis->is_set ? fmin(axis->low, x) : x;
    axis->high = axis->is_set ? fmax(axis->high, x) : x;
    axis->is_set = true;
}

void cnn_axis_pad(cnn_axis *axis, double share)
{
    if (!axis->is_set)
        *axis = (cnn_axis){.label = axis->label,
                           .scale = axis->scale,
                           .is_log = axis->is_log,
                           .is_set = true,
                           .low = axis->is_log ? 1 : 0,
                           .high = axis->is_log ? 10 : 1};
    double low = axis->is_log ? log(axis->low) : axis->low;
    double high = axis->is_log ? log(axis->high) : axis->high;
    double more = share * (high - low);
    if (!(high - low > 1e-9 * fmax(fabs(low), fabs(high))))
        more = axis->is_log ? 0.01 : fmax(0.01 * fabs(low), 1e-6);
    low -= more;
    high += more;
    axis->low = axis->is_log ? exp(low) : low;
    axis->high = axis->is_log ? exp(high) : high;
}

static void add_tick(cnn_ticks *t, double at, double shown, int decimals)
{
    if (t->count == CNN_MOST_TICKS)
        return;
    t->at[t->count] = at;
    if (fabs(shown) >= 1e6 || decimals > 6)
        snprintf(t->labels[t->count], sizeof t->labels[0], "%.6g", shown);
    else
        snprintf(t->labels[t->count], sizeof t->labels[0], "%.*f", decimals, shown);
    t->count++;
}

/** 1, 2 or 5 times a power of ten: the least that makes at most `wanted` steps. */
static double round_step(double width, int wanted)
{
    const double unit = pow(10, floor(log10(width / wanted)));
    const double steps[] = {1, 2, 5};
    for (int i = 0; i < 3; i++)
        if (width <= steps[i] * unit * wanted)
            return steps[i] * unit;
    return 10 * unit;
}

static void linear_ticks(double low, double high, double scale, int wanted, cnn_ticks *t)
{
    const double step = round_step(high - low, wanted);
    const int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    for (double n = ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++)
        add_tick(t, n * step / scale, n == 0 ? 0 : n * step, decimals);
}

/** 1, 2 and 5 times powers of ten, or powers alone where these are many. */
static void log_ticks(double low, double high, double scale, int wanted, cnn_ticks *t)
{
    const double decades = log10(high / low);
    const int every = decades > wanted ? (int)ceil(decades / wanted) : 1;
    const bool within = decades * 3 <= 1.5 * wanted;
    for (int e = (int)floor(log10(low)); e <= (int)ceil(log10(high)); e++) {
        const double digits[] = {1, 2, 5};
        for (int i = 0; i < (within ? 3 : 1); i++) {
            const double x = digits[i] * pow(10, e);
            if (e % every == 0 && x >= low * (1 - 1e-9) && x <= high * (1 + 1e-9))
                add_tick(t, x / scale, x, e < 0 ? -e : 0);
        }
    }
}

void cnn_axis_ticks(const cnn_axis *axis, int wanted, cnn_ticks *out)
{
    const double scale = axis->scale > 0 ? axis->scale : 1;
    const double low = axis->low * scale, high = axis->high * scale;
    enum { LEAST = 3, MORE = 6 };
    *out = (cnn_ticks){0};
    for (int more = 0; high > low && out->count < LEAST && more < MORE; more++) {
        *out = (cnn_ticks){0};
        if (axis->is_log && high / low > 6)
            log_ticks(low, high, scale, wanted + more, out);
        else
            linear_ticks(low, high, scale, wanted + more, out);
    }
}
