/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/analysis.h"

#include "analysis/parts.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static cnn_status allocate(cnn_analysis *a)
{
    cnn_status st = CNN_OK;
    const size_t cells = (size_t)a->cell_count, combinations = (size_t)a->combination_count;
    /* at least one element: calloc(0) may be NULL */
    const size_t comparisons = (size_t)a->comparison_count + 1;
    const size_t models = combinations * (size_t)a->measure_count;
    a->counts = calloc(cells, sizeof *a->counts);
    a->summaries = calloc(cells * (size_t)a->measure_count, sizeof *a->summaries);
    a->cell_of = calloc(cells, sizeof *a->cell_of);
    a->outlier = calloc((size_t)a->run_count * (size_t)a->measure_count + 1, sizeof *a->outlier);
    a->block_flaw = calloc((size_t)a->run_count + 1, sizeof *a->block_flaw);
    a->pairs = calloc(comparisons, sizeof *a->pairs);
    a->comparisons = calloc(comparisons * (size_t)a->measure_count, sizeof *a->comparisons);
    a->conditions = calloc(comparisons, sizeof *a->conditions);
    a->is_control = calloc((size_t)a->pair_count + 1, sizeof *a->is_control);
    a->positions = calloc(models * (size_t)a->level_count, sizeof *a->positions);
    a->models = calloc(models, sizeof *a->models);
    a->fixed = calloc(models * (size_t)a->level_count, sizeof *a->fixed);
    a->components = calloc(models * (size_t)a->component_count, sizeof *a->components);
    a->cell_seeds = calloc(cells, sizeof *a->cell_seeds);
    a->session_overhead = calloc((size_t)a->session_count + 1, sizeof *a->session_overhead);
    CNN_CHECK(a->counts && a->summaries && a->cell_of && a->outlier && a->block_flaw && a->pairs &&
                  a->comparisons && a->conditions && a->is_control && a->positions && a->models &&
                  a->fixed && a->components && a->cell_seeds && a->session_overhead,
              CNN_ENOMEM, "analysis of %d cells", a->cell_count);
done:
    return st;
}

/** On the analysed scale. */
static double margin_of(const cnn_analysis *a, const cnn_results *r, int measure)
{
    if (measure < CNN_MEASURE_COUNT)
        return a->measures[measure].is_log         ? log1p(r->margin_time)
               : measure == CNN_MEASURE_TEST_ERROR ? r->margin_error
                                                   : NAN;
    const cnn_metric *metric = &r->metrics[measure - CNN_MEASURE_COUNT];
    return metric->is_ratio ? log1p(metric->margin) : metric->margin;
}

static void take_sizes(cnn_analysis *a, const cnn_results *r, int looks)
{
    a->cell_count = r->cell_count;
    a->combination_count = r->combination_count;
    a->level_count = r->level_count;
    a->run_count = r->run_count;
    a->session_count = r->session_count;
    a->pair_count = r->level_count * (r->level_count - 1) / 2;
    a->comparison_count = a->combination_count * a->pair_count;
    a->component_count = CNN_COMPONENT_LEVELS + r->level_count;
    a->looks = looks;
    a->look = cnn_analysis_find_look(r);
    a->alpha = a->look.alpha;
    a->measure_count = cnn_measures_of(r, a->measures);
    for (int m = 0; m < a->measure_count; m++)
        if (!strcmp(r->primary, a->measures[m].name))
            a->primary = (cnn_measure)m;
    for (int m = 0; m < a->measure_count; m++) {
        const double margin = margin_of(a, r, m);
        a->margin[m] = margin > 0 ? margin : NAN;
    }
}

/** The cell of every combination and level: that of their runs. */
static cnn_status find_cells(cnn_analysis *a, const cnn_results *r)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < a->cell_count; i++)
        a->cell_of[i] = -1;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        int *cell = &a->cell_of[p->combination * a->level_count + p->level];
        CNN_CHECK(*cell < 0 || *cell == p->cell, CNN_EDATA,
                  "run %d of the results is damaged: combination %d and level %d are also cell %d",
                  i, p->combination, p->level, *cell);
        *cell = p->cell;
    }
    for (int i = 0; i < a->cell_count; i++)
        CNN_CHECK(a->cell_of[i] >= 0, CNN_EDATA,
                  "the results are damaged: combination %d has no run of level %d",
                  i / a->level_count, i % a->level_count);
done:
    return st;
}

static cnn_status find_scope(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = g->results;
    bool *seen = calloc((size_t)r->session_count + 1, sizeof *seen);
    CNN_CHECK(seen, CNN_ENOMEM, "%d sessions", r->session_count);
    a->scope.nodes = g->node_count;
    a->scope.devices = g->device_count;
    for (int i = 0; i < r->run_count; i++) {
        const int session = r->measured[i].session;
        if (g->device[i] < 0)
            continue;
        a->scope.runs++;
        if (session < 0 || session >= r->session_count || seen[session])
            continue;
        seen[session] = true;
        a->scope.sessions++;
    }
done:
    free(seen);
    return st;
}

static cnn_status create(const cnn_results *results, int looks, bool verdicts_only,
                         bool with_spread, cnn_analysis **out)
{
    cnn_status st = CNN_OK;
    cnn_analysis *a = NULL;
    cnn_groups groups = {0};
    CNN_CHECK(results && out && looks > 0, CNN_EINVAL,
              "results and out must not be NULL, looks at least 1");
    CNN_TRY(cnn_analysis_check(results));
    CNN_CHECK((a = calloc(1, sizeof *a)) != NULL, CNN_ENOMEM, "analysis");
    a->verdicts_only = verdicts_only;
    a->with_spread = with_spread;
    take_sizes(a, results, looks);
    CNN_TRY(allocate(a));
    CNN_TRY(find_cells(a, results));
    CNN_TRY(cnn_groups_create(results, a->look.blocks, &groups));
    CNN_TRY(find_scope(a, &groups));
    CNN_TRY(cnn_analysis_cells(a, &groups));
    CNN_TRY(cnn_analysis_flaws(a, &groups));
    CNN_TRY(cnn_analysis_contrasts(a, &groups));
    CNN_TRY(cnn_analysis_conditions(a, &groups));
    cnn_analysis_blocking(a);
    CNN_TRY(cnn_analysis_families(a));
    cnn_analysis_verdicts(a);
    if (!verdicts_only) {
        CNN_TRY(cnn_analysis_positions(a, &groups));
        CNN_TRY(cnn_analysis_components(a, &groups));
        CNN_TRY(cnn_analysis_seeds(a, &groups));
        CNN_TRY(cnn_analysis_overhead(a, results));
        cnn_analysis_controls(a, results);
    }
    *out = a;
    a = NULL;
done:
    cnn_groups_free(&groups);
    cnn_analysis_destroy(&a);
    return st;
}

cnn_status cnn_analysis_create(const cnn_results *results, int looks, cnn_analysis **out)
{
    return create(results, looks, false, true, out);
}

cnn_status cnn_analysis_create_verdicts(const cnn_results *results, int looks, bool with_spread,
                                        cnn_analysis **out)
{
    return create(results, looks, true, with_spread, out);
}

void cnn_analysis_destroy(cnn_analysis **analysis)
{
    cnn_analysis *a = *analysis;
    if (!a)
        return;
    free(a->counts);
    free(a->summaries);
    free(a->cell_of);
    free(a->outlier);
    free(a->outliers);
    free(a->block_flaw);
    free(a->flawed);
    free(a->pairs);
    free(a->comparisons);
    free(a->conditions);
    free(a->unequal);
    free(a->is_control);
    free(a->positions);
    free(a->models);
    free(a->fixed);
    free(a->components);
    free(a->seed_groups);
    free(a->cell_seeds);
    free(a->session_overhead);
    free(a);
    *analysis = NULL;
}
