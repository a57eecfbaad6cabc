/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the spread is the machine: one model for each combination and measure. */
#include "analysis/parts.h"
#include "analysis/seed_means.h"
#include "stats/mixed/mixed.h"
#include "stats/multiple.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static cnn_reason reason_of_state(cnn_mixed_state state)
{
    switch (state) {
    case CNN_MIXED_CONVERGED:
        return CNN_REASON_NONE;
    case CNN_MIXED_FLAT:
        return CNN_REASON_FLAT;
    case CNN_MIXED_ZERO_RESIDUAL:
        return CNN_REASON_ZERO_RESIDUAL;
    case CNN_MIXED_NOT_CONVERGED:
        return CNN_REASON_NOT_CONVERGED;
    case CNN_MIXED_TOO_FEW_RUNS:
        return CNN_REASON_TOO_FEW_RUNS;
    case CNN_MIXED_NO_VARIANCE:
        return CNN_REASON_NO_VARIANCE;
    case CNN_MIXED_NO_RESIDUAL:
        return CNN_REASON_NO_RESIDUAL;
    }
    return CNN_REASON_NOT_CONVERGED;
}

static cnn_component component_of(const cnn_mixed_estimate *e, cnn_reason reason)
{
    cnn_component c = cnn_component_unknown();
    c.reason = (int8_t)reason;
    c.variance = e->variance;
    c.sd = e->sd;
    c.share = e->share;
    c.sd_lower = e->low;
    c.sd_upper = e->high;
    c.at_zero = e->identified && !isnan(e->variance) ? e->at_zero : -1;
    c.lrt = e->statistic;
    c.lrt_p = e->p;
    return c;
}

/** Where the rows of a combination and measure are. */
typedef struct {
    cnn_model_row *model;
    cnn_fixed *fixed;
    cnn_component *components;
} rows;

static rows rows_of(cnn_analysis *a, int combination, int measure)
{
    const int i = combination * a->measure_count + measure;
    return (rows){&a->models[i], &a->fixed[i * a->level_count],
                  &a->components[i * a->component_count]};
}

static void put_nothing(const cnn_analysis *a, const rows *r, cnn_reason reason)
{
    *r->model = cnn_model_row_unknown();
    r->model->reason = (int8_t)reason;
    for (int l = 0; l < a->level_count; l++)
        r->fixed[l] = cnn_fixed_unknown();
    for (int c = 0; c < a->component_count; c++) {
        r->components[c] = cnn_component_unknown();
        r->components[c].reason = (int8_t)reason;
    }
}

static void put_design(const rows *r, const cnn_mixed_design *d)
{
    r->model->runs = d->runs;
    r->model->nodes = d->nodes;
    r->model->devices = d->devices;
    r->model->blocks = d->blocks;
}

static void put_fit(const cnn_analysis *a, const rows *r, const cnn_mixed_fit *fit)
{
    put_nothing(a, r, reason_of_state(fit->state));
    put_design(r, &fit->design);
    if (fit->state > CNN_MIXED_ZERO_RESIDUAL)
        return;
    r->model->total_variance = fit->total_variance;
    r->model->residual_lrt = fit->residual_statistic;
    r->model->residual_p = fit->residual_p;
    r->model->log_likelihood = fit->reml_log_likelihood;
    for (int l = 0; l < a->level_count; l++) {
        r->fixed[l].mean = fit->mean[l];
        r->fixed[l].se = sqrt(fit->covariance[l * a->level_count + l]);
        r->fixed[l].effect = cnn_mixed_difference(fit, l, 0, &r->fixed[l].effect_se);
    }
    for (int c = 0; c < CNN_COMPONENT_LEVELS; c++)
        r->components[c] = component_of(&fit->component[c], fit->design.reason[c]);
    const cnn_reason one = fit->design.residual_per_level;
    for (int l = 0; l < a->level_count; l++)
        if (fit->residual)
            r->components[CNN_COMPONENT_LEVELS + l] = component_of(&fit->residual[l], one);
        else
            r->components[CNN_COMPONENT_LEVELS + l].reason = (int8_t)one;
}

_Static_assert((int)CNN_COMPONENT_NODE == (int)CNN_MIXED_NODE &&
                   (int)CNN_COMPONENT_DEVICE == (int)CNN_MIXED_DEVICE &&
                   (int)CNN_COMPONENT_DEVICE_CONTRAST == (int)CNN_MIXED_DEVICE_LEVEL &&
                   (int)CNN_COMPONENT_BLOCK == (int)CNN_MIXED_BLOCK &&
                   (int)CNN_COMPONENT_RESIDUAL == (int)CNN_MIXED_RESIDUAL &&
                   (int)CNN_COMPONENT_LEVELS == (int)CNN_MIXED_COMPONENT_COUNT,
               "components are numbered as in stats/mixed/mixed.h");

/** Room for the runs of one combination. */
typedef struct {
    double *y;
    int *level, *node, *device, *block;
    cnn_seed_value *seeds, *all;
} scratch;

static int by_seed(const void *a, const void *b)
{
    const cnn_seed_value *x = a, *y = b;
    return (x->seed > y->seed) - (x->seed < y->seed);
}

/** All values of a combination, by seed; their number. *crossed: runs of one seed were on several
 *  devices, so that its error belongs to none of them. */
static int list_by_seed(const cnn_analysis *a, const cnn_groups *g, int combination,
                        cnn_measure measure, cnn_seed_value *out, bool *crossed)
{
    int n = 0;
    for (int l = 0; l < a->level_count; l++) {
        const int cell = a->cell_of[combination * a->level_count + l];
        for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++)
            out[n++] = cnn_seed_value_of(g, g->cell_runs[i], measure);
    }
    qsort(out, (size_t)n, sizeof *out, by_seed);
    *crossed = false;
    for (int i = 1; i < n; i++)
        *crossed = *crossed || (out[i].seed == out[i - 1].seed &&
                                g->device[out[i].run] != g->device[out[i - 1].run]);
    return n;
}

/** One value a seed and level, of error; the seed is the block, numbered by its place in the list.
 */
static int gather_seeds(const cnn_analysis *a, const cnn_groups *g, int combination,
                        cnn_measure measure, const scratch *w)
{
    bool crossed;
    int n = 0;
    const int all = list_by_seed(a, g, combination, measure, w->all, &crossed);
    for (int l = 0; l < a->level_count; l++) {
        const int cell = a->cell_of[combination * a->level_count + l];
        int seeds = 0;
        for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++)
            if (!isnan(cnn_groups_value(g, g->cell_runs[i], measure)))
                w->seeds[seeds++] = cnn_seed_value_of(g, g->cell_runs[i], measure);
        seeds = cnn_seed_means(w->seeds, seeds);
        for (int i = 0, place = 0; i < seeds; i++, n++) {
            while (place + 1 < all && w->all[place].seed < w->seeds[i].seed)
                place++;
            w->y[n] = w->seeds[i].value;
            w->level[n] = l;
            w->node[n] = crossed ? 0 : g->node[w->seeds[i].run];
            w->device[n] = crossed ? 0 : g->device[w->seeds[i].run];
            w->block[n] = place;
        }
    }
    return n;
}

/** The runs of a combination that have a value; *reason: why they cannot be modelled. */
static int gather(const cnn_analysis *a, const cnn_groups *g, int combination, cnn_measure measure,
                  const scratch *w, cnn_reason *reason)
{
    int n = 0;
    *reason = CNN_REASON_NONE;
    if (!a->measures[measure].is_log)
        n = gather_seeds(a, g, combination, measure, w);
    if (!a->measures[measure].is_log && n)
        return n;
    for (int l = 0; l < a->level_count; l++) {
        const int cell = a->cell_of[combination * a->level_count + l];
        for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++) {
            const int run = g->cell_runs[i];
            const double value = cnn_groups_value(g, run, measure);
            if (isnan(value))
                continue;
            w->y[n] = cnn_analysed(a->measures[measure].is_log, value);
            w->level[n] = l;
            w->node[n] = g->node[run];
            w->device[n] = g->device[run];
            w->block[n] = g->results->planned[run].block;
            if (!isfinite(w->y[n++]))
                *reason = CNN_REASON_NOT_POSITIVE;
        }
        if (n == 0)
            *reason = (cnn_reason)cnn_analysis_summary(a, cell, measure)->reason;
        else if (*reason != CNN_REASON_NOT_POSITIVE)
            *reason = CNN_REASON_NONE;
    }
    return n;
}

static cnn_status fit_model(cnn_analysis *a, const cnn_groups *g, int combination,
                            cnn_measure measure, const scratch *w)
{
    cnn_status st = CNN_OK;
    const rows r = rows_of(a, combination, (int)measure);
    cnn_mixed_fit *fit = NULL;
    cnn_reason reason;
    const int n = gather(a, g, combination, measure, w, &reason);
    const cnn_mixed_data data = {.n = n,
                                 .level_count = a->level_count,
                                 .y = w->y,
                                 .level = w->level,
                                 .node = w->node,
                                 .device = w->device,
                                 .block = w->block,
                                 .residual_per_level = a->level_count > 1};
    put_nothing(a, &r, reason);
    r.model->runs = n;
    if (reason != CNN_REASON_NONE)
        goto done;
    st = cnn_mixed_fit_create(&data, (cnn_mixed_options){.confidence = 1 - a->alpha, .tests = true},
                              &fit);
    if (st == CNN_EBACKEND) { /* one model less is no reason to lose the others */
        put_nothing(a, &r, CNN_REASON_NOT_CONVERGED);
        r.model->runs = n;
        st = CNN_OK;
        goto done;
    }
    CNN_TRY(st);
    put_fit(a, &r, fit);
done:
    cnn_mixed_fit_destroy(&fit);
    return st;
}

/** Adjusts the tests of the components of a measure, over all combinations. */
static cnn_status adjust_tests(cnn_analysis *a, cnn_measure measure)
{
    cnn_status st = CNN_OK;
    const int n = a->combination_count * CNN_COMPONENT_LEVELS;
    double *p = calloc((size_t)n + 1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "tests of %d components", n);
    for (int i = 0; i < n; i++)
        p[i] =
            cnn_analysis_component(a, i / CNN_COMPONENT_LEVELS, measure, i % CNN_COMPONENT_LEVELS)
                ->lrt_p;
    CNN_TRY(cnn_holm(p, n, p, NULL));
    for (int k = 0; k < a->combination_count; k++)
        for (int c = 0; c < CNN_COMPONENT_LEVELS; c++)
            rows_of(a, k, (int)measure).components[c].lrt_p_holm = p[k * CNN_COMPONENT_LEVELS + c];
done:
    free(p);
    return st;
}

cnn_status cnn_analysis_components(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)a->run_count + 1;
    scratch w = {calloc(room, sizeof *w.y),     calloc(room, sizeof *w.level),
                 calloc(room, sizeof *w.node),  calloc(room, sizeof *w.device),
                 calloc(room, sizeof *w.block), calloc(room, sizeof *w.seeds),
                 calloc(room, sizeof *w.all)};
    CNN_CHECK(w.seeds && w.all && w.y && w.level && w.node && w.device && w.block, CNN_ENOMEM,
              "models of %d runs", a->run_count);
    for (int k = 0; k < a->combination_count; k++)
        for (int m = 0; m < a->measure_count; m++) {
            const rows r = rows_of(a, k, m);
            if (m == CNN_MEASURE_TRAIN_SECONDS || m == CNN_MEASURE_TEST_ERROR ||
                m == CNN_MEASURE_STEADY_SECONDS || m >= CNN_MEASURE_COUNT)
                CNN_TRY(fit_model(a, g, k, (cnn_measure)m, &w));
            else
                put_nothing(a, &r, CNN_REASON_NOT_MODELLED);
        }
    for (int m = 0; m < a->measure_count; m++)
        CNN_TRY(adjust_tests(a, (cnn_measure)m));
done:
    free(w.y);
    free(w.level);
    free(w.node);
    free(w.device);
    free(w.block);
    free(w.seeds);
    free(w.all);
    return st;
}
