/* SPDX-License-Identifier: Apache-2.0 */
/* Profile-likelihood intervals: the sds at which the best deviance with that sd kept lies
 * chi2(1)'s quantile above the lowest one (Bates et al. 2015, section 5.1). */
#include "stats/mixed/internal.h"

#include "stats/dist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    cnn_mixed_space *space;
    int k;
    double lowest;   /* deviance of the ML estimate */
    double critical; /* how far above it */
    double *x;       /* [count] where the last search ended */
    double *work;    /* [2, count] */
    double *best;    /* [count] of the caller */
    bool better;     /* a deviance below the lowest was found; it is in best and lowest */
    bool failed;     /* a search did not converge */
} profile;

/** sqrt(deviance above the lowest) - sqrt(critical) with parameter k at sd; *slope: by sd. */
static cnn_status height(profile *p, double sd, double *value, double *slope)
{
    cnn_status st = CNN_OK;
    cnn_mixed_optimum optimum;
    p->x[p->k] = sd * sd;
    CNN_TRY(cnn_mixed_search(p->space, false, p->k, p->x, &optimum));
    cnn_mixed_space_deviance(p->space, p->x, false, p->work, NULL);
    p->failed = p->failed || optimum.state == CNN_MIXED_NOT_CONVERGED;
    if (optimum.deviance < p->lowest - 1e-7) {
        memcpy(p->best, p->x, (size_t)p->space->count * sizeof *p->best);
        p->lowest = optimum.deviance;
        p->better = true;
    }
    const double root = sqrt(fmax(0, optimum.deviance - p->lowest));
    *value = root - sqrt(p->critical);
    *slope = root > 0 ? p->work[p->k] * sd / root : 0; /* the others' derivatives are zero */
done:
    return st;
}

/** The sd between `inside` (height < 0) and `outside` (> 0) where the height is 0: Newton's steps,
 *  kept within the bracket. */
static cnn_status root_between(profile *p, double inside, double outside, double value,
                               double slope, double *out)
{
    cnn_status st = CNN_OK;
    double x = outside;
    for (int i = 0; i < 100 && !p->better && !p->failed; i++) {
        double next = slope != 0 ? x - value / slope : NAN;
        if (!(next > fmin(inside, outside) && next < fmax(inside, outside)))
            next = (inside + outside) / 2;
        const double moved = fabs(next - x);
        x = next;
        CNN_TRY(height(p, x, &value, &slope));
        *(value > 0 ? &outside : &inside) = x;
        if (fabs(value) < 1e-10 || moved < 1e-10 * x || fabs(outside - inside) < 1e-12 * x)
            break;
    }
    *out = x;
done:
    return st;
}

static void from_best(profile *p)
{
    memcpy(p->x, p->best, (size_t)p->space->count * sizeof *p->x);
}

static cnn_status upper_end(profile *p, double step, double *out)
{
    cnn_status st = CNN_OK;
    double inside = sqrt(p->best[p->k]), outside = inside, value = -1, slope = 0;
    from_best(p);
    for (int i = 0; i < 60 && value <= 0 && !p->better && !p->failed; i++) {
        if (i > 0)
            inside = outside;
        outside = sqrt(inside * inside + step);
        step *= 2;
        CNN_TRY(height(p, outside, &value, &slope));
    }
    p->failed = p->failed || !(value > 0);
    CNN_TRY(root_between(p, inside, outside, value, slope, out));
done:
    return st;
}

static cnn_status lower_end(profile *p, double *out)
{
    cnn_status st = CNN_OK;
    double inside = sqrt(p->best[p->k]), outside = inside, value = -1, slope = 0;
    const double floor = sqrt(p->space->floor[p->k]);
    *out = 0;
    if (!(inside > floor))
        goto done;
    from_best(p);
    while (value <= 0 && outside > floor && !p->better && !p->failed) {
        inside = outside;
        outside = fmax(floor, outside < 0.05 * sqrt(p->best[p->k]) ? floor : 0.6 * outside);
        CNN_TRY(height(p, outside, &value, &slope));
    }
    if (value > 0)
        CNN_TRY(root_between(p, inside, outside, value, slope, out));
done:
    return st;
}

cnn_status cnn_mixed_profile(cnn_mixed_space *space, int k, double confidence, double *best,
                             double *deviance, double *low, double *high, bool *better)
{
    cnn_status st = CNN_OK;
    const size_t n = (size_t)space->count;
    const double z = cnn_normal_quantile(0.5 + confidence / 2);
    profile p = {.space = space, .k = k, .lowest = *deviance, .critical = z * z, .best = best};
    *low = *high = NAN;
    p.x = calloc(2 * n, sizeof *p.x);
    CNN_CHECK(p.x, CNN_ENOMEM, "mixed model: profile");
    p.work = p.x + n;
    CNN_TRY(lower_end(&p, low));
    if (p.failed || p.better) {
        *low = NAN;
        p.failed = false;
    }
    if (!p.better)
        CNN_TRY(upper_end(&p, fmax(best[k], 1e-6), high));
    if (p.failed || p.better)
        *high = NAN;
    *better = p.better;
    *deviance = p.lowest;
done:
    free(p.x);
    return st;
}
