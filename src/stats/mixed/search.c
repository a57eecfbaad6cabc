/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the maximum: NLopt on the exact gradient, in units in which every parameter's
 * curvature is about 1; then Newton's steps. */
#include "stats/mixed/internal.h"

#include <lapacke.h>
#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8, EVALUATIONS = 200, PROBE = 12 };
static const double search_tolerance = 1e-6;   /* of the scaled gradient */
static const double rounding_tolerance = 1e-4; /* the same where rounding hides the rest: a square
                                                  of it is what the deviance may still lack */
static const double newton_tolerance = 1e-9;   /* ends the steps early */
static const double bound_width = 1e-10;       /* scaled: what is so near to a bound is on it */
static const double ceiling = 100;             /* of a variance, where that within levels is 1 */
static const double flat_curvature = 1e-3;     /* scaled; about 1 where the runs are informative */

cnn_status cnn_mixed_space_create(cnn_mixed_model *m, const cnn_mixed_design *design,
                                  bool residual_per_level, double residual_floor,
                                  cnn_mixed_space **out)
{
    cnn_status st = CNN_OK;
    const size_t vector = (size_t)(CNN_MIXED_FIRST_RESIDUAL + m->levels);
    cnn_mixed_space *s = calloc(1, sizeof *s);
    CNN_CHECK(s, CNN_ENOMEM, "mixed model: space");
    s->model = m;
    s->index = calloc(vector, sizeof *s->index);
    s->floor = calloc(vector, sizeof *s->floor);
    s->variance = calloc(3 * vector, sizeof *s->variance);
    CNN_CHECK(s->index && s->floor && s->variance, CNN_ENOMEM, "mixed model: space");
    s->gradient = s->variance + vector;
    s->trace = s->variance + 2 * vector;
    for (int k = 0; k < CNN_MIXED_RESIDUAL; k++)
        if (design->reason[k] == CNN_REASON_NONE)
            s->index[s->count++] = k;
    s->common_residual = !residual_per_level;
    for (int l = 0; l < (residual_per_level ? m->levels : 1); l++) {
        s->floor[s->count] = residual_floor;
        s->index[s->count++] = CNN_MIXED_FIRST_RESIDUAL + l;
    }
    *out = s;
    s = NULL;
done:
    cnn_mixed_space_destroy(&s);
    return st;
}

void cnn_mixed_space_destroy(cnn_mixed_space **space)
{
    if (!space || !*space)
        return;
    free((*space)->index);
    free((*space)->floor);
    free((*space)->variance);
    free(*space);
    *space = NULL;
}

/** From the gradient by all variances to that by the parameters. */
static void gather(const cnn_mixed_space *s, const double *from, double *to)
{
    for (int k = 0; k < s->count; k++)
        to[k] = from[s->index[k]];
    if (s->common_residual)
        for (int l = 1; l < s->model->levels; l++)
            to[s->count - 1] += from[CNN_MIXED_FIRST_RESIDUAL + l];
}

double cnn_mixed_space_deviance(cnn_mixed_space *s, const double *x, bool reml, double *gradient,
                                double *trace)
{
    memset(s->variance, 0,
           (size_t)(CNN_MIXED_FIRST_RESIDUAL + s->model->levels) * sizeof *s->variance);
    for (int k = 0; k < s->count; k++)
        s->variance[s->index[k]] = x[k];
    if (s->common_residual)
        for (int l = 1; l < s->model->levels; l++)
            s->variance[CNN_MIXED_FIRST_RESIDUAL + l] = x[s->count - 1];
    const double deviance = cnn_mixed_deviance(
        s->model, s->variance, reml, gradient ? s->gradient : NULL, trace ? s->trace : NULL);
    if (gradient)
        gather(s, s->gradient, gradient);
    if (trace)
        gather(s, s->trace, trace);
    return deviance;
}

/** One search. Arrays are [count of the space]. */
typedef struct {
    cnn_mixed_space *space;
    bool reml;
    int fixed;        /* parameter that is kept, -1: none */
    int count;        /* parameters searched */
    int *searched;    /* [count of the space] their numbers */
    double *x;        /* the point that was evaluated last */
    double *gradient; /* there */
    double *trace;
    double *scale;   /* of the parameters */
    double *best;    /* best point */
    double deviance; /* there */
    double slope;    /* there: see steepest */
    double *hessian; /* [count, count] scaled */
    double *work;    /* [3, count of the space] */
    nlopt_opt optimizer;
} search;

static void search_free(search *s)
{
    if (s->optimizer)
        nlopt_destroy(s->optimizer);
    free(s->searched);
    free(s->x);
}

static cnn_status search_init(search *s, cnn_mixed_space *space, bool reml, int fixed,
                              const double *start)
{
    cnn_status st = CNN_OK;
    const size_t n = (size_t)space->count;
    *s = (search){.space = space, .reml = reml, .fixed = fixed, .deviance = INFINITY};
    s->searched = calloc(n, sizeof *s->searched);
    s->x = calloc(8 * n + n * n, sizeof *s->x);
    CNN_CHECK(s->searched && s->x, CNN_ENOMEM, "mixed model: search");
    s->gradient = s->x + n;
    s->trace = s->x + 2 * n;
    s->scale = s->x + 3 * n;
    s->best = s->x + 4 * n;
    s->work = s->x + 5 * n;
    s->hessian = s->x + 8 * n;
    for (int k = 0; k < space->count; k++)
        if (k != fixed)
            s->searched[s->count++] = k;
    for (int k = 0; k < space->count; k++)
        s->best[k] = k == fixed ? start[k] : fmax(start[k], space->floor[k]);
    memcpy(s->x, s->best, n * sizeof *s->x);
done:
    return st;
}

/** Effects of a parameter: groups of the component, or runs. */
static double effects(const cnn_mixed_space *space, int k)
{
    const cnn_mixed_model *m = space->model;
    switch (space->index[k]) {
    case CNN_MIXED_NODE:
        return m->nodes;
    case CNN_MIXED_DEVICE:
        return m->devices;
    case CNN_MIXED_DEVICE_LEVEL:
        return m->devices * m->levels;
    case CNN_MIXED_BLOCK:
        return m->blocks;
    default:
        return space->common_residual ? m->runs
                                      : m->level_runs[space->index[k] - CNN_MIXED_FIRST_RESIDUAL];
    }
}

/** The expected curvature is tr(V^-1 dV V^-1 dV) >= tr(V^-1 dV)^2 / effects; its inverse root is
 *  the unit. */
static void set_scales(search *s)
{
    cnn_mixed_space_deviance(s->space, s->best, s->reml, s->gradient, s->trace);
    for (int k = 0; k < s->space->count; k++)
        s->scale[k] = sqrt(effects(s->space, k)) / s->trace[k];
}

/** Largest scaled derivative of those that could still lower the deviance. */
static double steepest(const search *s, const double *x, const double *gradient)
{
    double slope = 0;
    for (int i = 0; i < s->count; i++) {
        const int k = s->searched[i];
        const double g = gradient[k] * s->scale[k];
        if (x[k] > s->space->floor[k] || g < 0)
            slope = fmax(slope, fabs(g));
    }
    return slope;
}

/** Keeps x if it is better than the best: lower, or as low and less steep. */
static void keep_better(search *s, double deviance)
{
    const double slope = steepest(s, s->x, s->gradient);
    const double noise = 1e-12 * fabs(deviance);
    if (deviance < s->deviance - noise || (deviance < s->deviance + noise && slope < s->slope)) {
        memcpy(s->best, s->x, (size_t)s->space->count * sizeof *s->best);
        s->deviance = deviance;
        s->slope = slope;
    }
}

/** NLopt's objective: u = parameters in units of their scales. */
static double objective(unsigned n, const double *u, double *gradient, void *context)
{
    search *s = context;
    (void)n;
    for (int i = 0; i < s->count; i++) {
        const int k = s->searched[i];
        s->x[k] = u[i] * s->scale[k];
        if (s->x[k] < s->space->floor[k] + bound_width * s->scale[k])
            s->x[k] = s->space->floor[k]; /* SLSQP comes no nearer than rounding */
    }
    const double deviance = cnn_mixed_space_deviance(s->space, s->x, s->reml, s->gradient, NULL);
    if (s->space->model->failed) { /* out of what numbers can hold: no way to go */
        s->space->model->failed = false;
        for (int i = 0; gradient && i < s->count; i++)
            gradient[i] = 0;
        return s->deviance + 1e6;
    }
    keep_better(s, deviance);
    for (int i = 0; gradient && i < s->count; i++)
        gradient[i] = s->gradient[s->searched[i]] * s->scale[s->searched[i]];
    if (s->slope < search_tolerance)
        nlopt_force_stop(s->optimizer);
    return deviance;
}

static cnn_status run_optimizer(search *s, int evaluations)
{
    cnn_status st = CNN_OK;
    double *u = s->work, *lower = s->work + s->space->count, *upper = lower + s->space->count;
    double deviance = 0;
    s->optimizer = nlopt_create(NLOPT_LD_SLSQP, (unsigned)s->count);
    CNN_CHECK(s->optimizer, CNN_ENOMEM, "NLopt: optimizer");
    for (int i = 0; i < s->count; i++) {
        const int k = s->searched[i];
        u[i] = s->best[k] / s->scale[k];
        lower[i] = s->space->floor[k] / s->scale[k];
        u[i] = fmax(u[i], lower[i]);
        upper[i] = fmax(ceiling / s->scale[k], u[i]);
    }
    CNN_CHECK(nlopt_set_min_objective(s->optimizer, objective, s) >= 0 &&
                  nlopt_set_lower_bounds(s->optimizer, lower) >= 0 &&
                  nlopt_set_upper_bounds(s->optimizer, upper) >= 0 &&
                  nlopt_set_maxeval(s->optimizer, evaluations) >= 0 &&
                  nlopt_set_xtol_rel(s->optimizer, 1e-14) >= 0,
              CNN_EBACKEND, "NLopt: settings");
    const nlopt_result result = nlopt_optimize(s->optimizer, u, &deviance);
    CNN_CHECK(result != NLOPT_OUT_OF_MEMORY, CNN_ENOMEM, "NLopt");
    CNN_CHECK(result != NLOPT_INVALID_ARGS, CNN_EBACKEND, "NLopt: invalid arguments");
    /* whatever its result code, the slope at the best point decides whether it is the optimum */
done:
    if (s->optimizer)
        nlopt_destroy(s->optimizer);
    s->optimizer = NULL;
    return st;
}

/** The start becomes the best point, and its scales those of the search. */
static void begin_round(search *s)
{
    set_scales(s);
    s->deviance = INFINITY;
    s->slope = INFINITY;
    memcpy(s->x, s->best, (size_t)s->space->count * sizeof *s->x);
    keep_better(s, cnn_mixed_space_deviance(s->space, s->x, s->reml, s->gradient, NULL));
}

/** Rounds of the optimizer, each with the scales of the point that it starts from. */
static cnn_status descend(search *s)
{
    cnn_status st = CNN_OK;
    for (int round = 0; round < ROUNDS; round++) {
        begin_round(s);
        if (s->slope < search_tolerance || s->count == 0)
            break;
        CNN_TRY(run_optimizer(s, EVALUATIONS));
    }
    CNN_CHECK(!s->space->model->failed, CNN_EBACKEND,
              "LAPACK: a matrix of the mixed model is not positive definite");
done:
    return st;
}

/** A short search from x: *elsewhere unless it ends near `known`, an optimum. */
static cnn_status probe(cnn_mixed_space *space, bool reml, int fixed, double *x,
                        const double *known, bool *elsewhere)
{
    cnn_status st = CNN_OK;
    search s = {0};
    *elsewhere = false;
    CNN_TRY(search_init(&s, space, reml, fixed, x));
    begin_round(&s);
    if (s.count > 0 && s.slope >= search_tolerance)
        CNN_TRY(run_optimizer(&s, PROBE));
    space->model->failed = false;
    for (int i = 0; i < s.count; i++) {
        const int k = s.searched[i];
        *elsewhere = *elsewhere || fabs(s.best[k] - known[k]) > 0.2 * s.scale[k];
    }
    memcpy(x, s.best, (size_t)space->count * sizeof *x);
done:
    search_free(&s);
    return st;
}

/** Parameters of the search that are off their bounds, first in `searched`; their count. */
static int interior_first(search *s)
{
    int interior = 0;
    for (int i = 0; i < s->count; i++) {
        const int k = s->searched[i];
        if (s->best[k] > s->space->floor[k] + 1e-6 * s->scale[k]) {
            s->searched[i] = s->searched[interior];
            s->searched[interior++] = k;
        }
    }
    return interior;
}

/** Scaled second derivatives of the first n searched parameters at the best point, by differences
 *  of the gradient. */
static void second_derivatives(search *s, int n)
{
    const int count = s->space->count;
    double *low = s->work;
    for (int i = 0; i < n; i++) {
        const int k = s->searched[i];
        const double step = fmin(1e-3 * s->scale[k], 0.01 * (s->best[k] - s->space->floor[k]));
        memcpy(s->x, s->best, (size_t)count * sizeof *s->x);
        s->x[k] = s->best[k] - step;
        cnn_mixed_space_deviance(s->space, s->x, s->reml, low, NULL);
        s->x[k] = s->best[k] + step;
        cnn_mixed_space_deviance(s->space, s->x, s->reml, s->gradient, NULL);
        for (int j = 0; j < n; j++) {
            const int l = s->searched[j];
            s->hessian[i * n + j] =
                (s->gradient[l] - low[l]) / (2 * step) * s->scale[k] * s->scale[l];
        }
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            s->hessian[i * n + j] = s->hessian[j * n + i] =
                (s->hessian[i * n + j] + s->hessian[j * n + i]) / 2;
}

/** One of Newton's steps of the parameters off their bounds. *flat: some direction has no
 *  curvature. False where the step is no use. */
static bool newton_step(search *s, bool *flat)
{
    const int n = interior_first(s);
    double *values = s->work, *step = s->work + s->space->count;
    *flat = false;
    if (n == 0)
        return false;
    second_derivatives(s, n);
    cnn_mixed_space_deviance(s->space, s->best, s->reml, s->gradient, NULL);
    if (LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'U', n, s->hessian, n, values) != 0)
        return false;
    *flat = values[0] < flat_curvature;
    if (!(values[0] > 0))
        return false;
    memset(step, 0, (size_t)n * sizeof *step);
    for (int i = 0; i < n; i++) {
        double projection = 0;
        for (int j = 0; j < n; j++)
            projection +=
                s->hessian[i * n + j] * s->gradient[s->searched[j]] * s->scale[s->searched[j]];
        for (int j = 0; j < n; j++)
            step[j] -= projection / values[i] * s->hessian[i * n + j];
    }
    memcpy(s->x, s->best, (size_t)s->space->count * sizeof *s->x);
    for (int j = 0; j < n; j++) {
        const int k = s->searched[j];
        s->x[k] += step[j] * s->scale[k];
        if (s->x[k] <= s->space->floor[k])
            return false;
    }
    const double before = s->slope;
    keep_better(s, cnn_mixed_space_deviance(s->space, s->x, s->reml, s->gradient, NULL));
    return s->slope < before;
}

/** A component within rounding of zero is zero, where that does not raise the deviance. */
static void snap_to_zero(search *s)
{
    for (int i = 0; i < s->count; i++) {
        const int k = s->searched[i];
        if (s->best[k] == s->space->floor[k] || s->best[k] > 1e-5 * s->scale[k])
            continue;
        memcpy(s->x, s->best, (size_t)s->space->count * sizeof *s->x);
        s->x[k] = s->space->floor[k];
        const double deviance =
            cnn_mixed_space_deviance(s->space, s->x, s->reml, s->gradient, NULL);
        const double slope = steepest(s, s->x, s->gradient);
        if (deviance <= s->deviance + 1e-12 * fabs(deviance) && slope < 10 * search_tolerance) {
            s->best[k] = s->x[k];
            s->deviance = deviance;
            s->slope = slope;
        }
    }
}

static cnn_mixed_optimum finish(search *s, double *x)
{
    memcpy(x, s->best, (size_t)s->space->count * sizeof *x);
    const bool ok = s->count == 0 || s->slope < rounding_tolerance;
    return (cnn_mixed_optimum){s->deviance, ok ? CNN_MIXED_CONVERGED : CNN_MIXED_NOT_CONVERGED};
}

cnn_status cnn_mixed_search(cnn_mixed_space *space, bool reml, int fixed, double *x,
                            cnn_mixed_optimum *out)
{
    cnn_status st = CNN_OK;
    search s = {0};
    CNN_TRY(search_init(&s, space, reml, fixed, x));
    CNN_TRY(descend(&s));
    *out = finish(&s, x);
done:
    search_free(&s);
    return st;
}

/** From one start to a converged point. */
static cnn_status search_from(cnn_mixed_space *space, bool reml, int fixed, double *x,
                              cnn_mixed_optimum *out)
{
    cnn_status st = CNN_OK;
    search s = {0};
    bool flat = false;
    CNN_TRY(search_init(&s, space, reml, fixed, x));
    CNN_TRY(descend(&s));
    if (s.count > 0) {
        snap_to_zero(&s);
        for (int i = 0; i < 4 && newton_step(&s, &flat) && s.slope > newton_tolerance; i++)
            ;
    }
    *out = finish(&s, x);
    if (out->state == CNN_MIXED_CONVERGED && flat)
        out->state = CNN_MIXED_FLAT;
done:
    search_free(&s);
    return st;
}

/** Corners of the space to search from: one component, or all, or none is large and the others are
 *  nothing; the residuals are alike, or small, or that of one level is nearly nothing, or much more
 *  than the others. Small incomplete experiments have maxima near several of them. */
typedef struct {
    const cnn_mixed_space *space;
    int fixed;      /* parameter that is kept, -1: none */
    int components; /* searched */
    int sets;       /* of components: none, all, each */
    int patterns;   /* of residuals */
} corners;

static corners corners_of(const cnn_mixed_space *space, int fixed)
{
    corners c = {.space = space, .fixed = fixed, .patterns = 2};
    for (int k = 0; k < space->count; k++) {
        const bool residual = space->index[k] >= CNN_MIXED_FIRST_RESIDUAL;
        c.components += !residual && k != fixed;
        c.patterns += residual && !space->common_residual ? 2 : 0;
    }
    c.sets = c.components > 1 ? 2 + c.components : 1 + c.components;
    return c;
}

/** pattern: 0 residuals alike, 1 alike and small; 2 + 2 l: of level l nearly nothing, 3 + 2 l: of
 *  the others little. Values are shares of the variance within levels. */
static double corner_residual(int level, int pattern, bool alone)
{
    const bool mine = level == pattern / 2 - 1;
    if (pattern < 2)
        return pattern == 1 ? 0.03 : alone ? 1 : 0.5;
    return pattern % 2 == 0 ? (mine ? 0.01 : 0.5) : (mine ? 1.5 : 0.2);
}

/** set: 0 no component, 1 all, 2 + i the one of number i. */
static void corner_at(const corners *c, int set, int pattern, double *x)
{
    const double large = pattern == 1 || (pattern > 1 && pattern % 2 == 0) ? 1.5 : 0.5;
    int number = 0;
    for (int k = 0; k < c->space->count; k++) {
        const int level = c->space->index[k] - CNN_MIXED_FIRST_RESIDUAL;
        if (k == c->fixed)
            continue;
        if (level >= 0) {
            x[k] = corner_residual(level, pattern, set == 0);
            continue;
        }
        x[k] = set == 1 ? large / c->components : set == 2 + number ? large : 1e-3;
        number++;
    }
}

/** All searched parameters: residuals at `residual`, the rest in equal parts for the components. */
static void even_start(const corners *c, double residual, double *x)
{
    for (int k = 0; k < c->space->count; k++)
        if (k != c->fixed)
            x[k] = c->space->index[k] >= CNN_MIXED_FIRST_RESIDUAL ? residual
                                                                  : (1 - residual) / c->components;
}

/** Searches from x on; *out and best [count] become the better of the two. */
static cnn_status search_again(cnn_mixed_space *space, bool reml, int fixed, double *x,
                               double *best, cnn_mixed_optimum *out)
{
    cnn_status st = CNN_OK;
    cnn_mixed_optimum optimum = {0};
    CNN_TRY(search_from(space, reml, fixed, x, &optimum));
    const bool converged = optimum.state != CNN_MIXED_NOT_CONVERGED;
    const bool was = out->state != CNN_MIXED_NOT_CONVERGED;
    const double gain = out->deviance - optimum.deviance;
    /* what did not converge must be better by more than its slope may hide */
    if (gain > (was && !converged ? 1e-6 : 1e-9) || (gain > -1e-9 && converged && !was)) {
        memcpy(best, x, (size_t)space->count * sizeof *best);
        *out = optimum;
    }
done:
    return st;
}

cnn_status cnn_mixed_search_all(cnn_mixed_space *space, bool reml, int fixed, double *x,
                                cnn_mixed_optimum *out)
{
    cnn_status st = CNN_OK;
    const size_t n = (size_t)space->count, bytes = n * sizeof *x;
    const corners c = corners_of(space, fixed);
    double *trial = malloc(2 * bytes), *best = trial ? trial + n : NULL;
    CNN_CHECK(trial, CNN_ENOMEM, "mixed model: search");
    memcpy(best, x, bytes);
    memcpy(trial, x, bytes);
    CNN_TRY(search_from(space, reml, fixed, best, out));
    for (int i = 0; i < 2; i++) {
        even_start(&c, i ? 0.2 : 0.9, trial);
        CNN_TRY(search_again(space, reml, fixed, trial, best, out));
    }
    for (int i = 0; i < c.sets * c.patterns; i++) {
        cnn_mixed_optimum optimum;
        bool elsewhere;
        corner_at(&c, i / c.patterns, i % c.patterns, trial);
        CNN_TRY(probe(space, reml, fixed, trial, best, &elsewhere));
        if (!elsewhere)
            continue;
        CNN_TRY(cnn_mixed_search(space, reml, fixed, trial, &optimum));
        if (optimum.deviance < out->deviance - 1e-6)
            CNN_TRY(search_again(space, reml, fixed, trial, best, out));
    }
    memcpy(x, best, bytes);
done:
    free(trial);
    return st;
}
