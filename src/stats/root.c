/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/root.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

typedef struct {
    double x, f;
} point;

/** How far from a to b to look next; c: the point that a has replaced. */
static double next_share(point a, point b, point c)
{
    const double place = (a.x - b.x) / (c.x - b.x), height = (a.f - b.f) / (c.f - b.f);
    if (height * height >= place || (1 - height) * (1 - height) >= 1 - place)
        return 0.5;
    return a.f / (b.f - a.f) * c.f / (b.f - c.f) +
           (c.x - a.x) / (b.x - a.x) * a.f / (c.f - a.f) * b.f / (c.f - b.f);
}

static bool same_sign(point a, point b)
{
    return (a.f > 0) == (b.f > 0);
}

/** a and b have different signs. */
static double root_between(cnn_function *f, const void *context, point a, point b, double tolerance)
{
    double share = 0.5; /* of the way from a to b */
    for (int i = 0; i < 200; i++) {
        const double x = a.x + share * (b.x - a.x);
        const point new = {x, f(x, context)};
        point c = a;
        if (isnan(new.f))
            return NAN;
        if (!same_sign(new, a)) {
            c = b;
            b = a;
        }
        a = new;
        const point best = fabs(a.f) < fabs(b.f) ? a : b;
        const double least = (2 * DBL_EPSILON * fabs(best.x) + tolerance / 2) / fabs(b.x - a.x);
        if (best.f == 0 || !(least <= 0.5))
            return best.x;
        share = fmin(1 - least, fmax(least, next_share(a, b, c)));
    }
    return NAN;
}

double cnn_root_near(cnn_function *f, const void *context, double guess, double step,
                     double tolerance)
{
    point low = {guess - step, 0}, high = {guess + step, 0};
    low.f = f(low.x, context);
    high.f = f(high.x, context);
    for (int i = 0; i < 60 && same_sign(low, high); i++) {
        const bool rises = high.f > low.f, up = rises == (low.f < 0);
        step *= 2;
        if (up) { /* the zero is above */
            low = high;
            high = (point){guess + step, f(guess + step, context)};
        } else {
            high = low;
            low = (point){guess - step, f(guess - step, context)};
        }
    }
    if (isnan(low.f) || isnan(high.f) || same_sign(low, high))
        return NAN;
    return root_between(f, context, low, high, tolerance);
}
