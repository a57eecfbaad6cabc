/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/groups.h"

#include "analysis/analysis.h"
#include "analysis/steady.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double cnn_analysis_value(const cnn_results *results, int run, cnn_measure measure)
{
    const cnn_measured *m = &results->measured[run];
    double x = NAN;
    if (results->status[run] != CNN_RUN_DONE)
        return NAN;
    if (measure >= CNN_MEASURE_COUNT) {
        x = cnn_measured_metric(m, (int)measure - CNN_MEASURE_COUNT);
        return isfinite(x) ? x : NAN;
    }
    switch (measure) {
    case CNN_MEASURE_TRAIN_SECONDS:
        x = m->train_seconds;
        break;
    case CNN_MEASURE_EPOCH_SECONDS:
        x = m->epochs_done > 0 ? m->train_seconds / m->epochs_done : NAN;
        break;
    case CNN_MEASURE_TEST_ERROR:
        x = m->test_error;
        break;
    case CNN_MEASURE_TEST_LOSS:
        x = m->test_loss;
        break;
    case CNN_MEASURE_STEADY_SECONDS: /* by its combination: take_values */
    case CNN_MEASURE_COUNT:
        break;
    }
    return isfinite(x) ? x : NAN;
}

static bool is_used(const cnn_groups *g, int run)
{
    const cnn_planned *p = &g->results->planned[run];
    return !p->warmup && p->repeat < g->blocks_used;
}

static bool counts(const cnn_groups *g, int run)
{
    return is_used(g, run) && g->results->status[run] == CNN_RUN_DONE;
}

static cnn_status find_steady(cnn_groups *g)
{
    cnn_status st = CNN_OK;
    bool *counted = calloc((size_t)g->results->run_count + 1, sizeof *counted);
    CNN_CHECK(counted, CNN_ENOMEM, "epochs of %d runs", g->results->run_count);
    for (int i = 0; i < g->results->run_count; i++)
        counted[i] = counts(g, i);
    CNN_TRY(cnn_steady_find(g->results, counted, g->warm_epochs));
done:
    free(counted);
    return st;
}

static double steady_value(const cnn_groups *g, int run)
{
    const double x =
        cnn_steady_seconds(g->results, run, g->warm_epochs[g->results->planned[run].combination]);
    return isfinite(x) ? x : NAN;
}

static void take_values(cnn_groups *g)
{
    const cnn_results *r = g->results;
    for (int i = 0; i < r->run_count; i++)
        for (int m = 0; m < g->measure_count; m++)
            g->values[i * g->measure_count + m] = !counts(g, i) ? NAN
                                                  : m == CNN_MEASURE_STEADY_SECONDS
                                                      ? steady_value(g, i)
                                                      : cnn_analysis_value(r, i, (cnn_measure)m);
}

/* ---- places: nodes and devices ------------------------------------------------------------- */

typedef struct {
    const char *host, *device;
    int run;
} place;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    const int host = strcmp(x->host, y->host);
    return host ? host : strcmp(x->device, y->device);
}

static cnn_status number_places(cnn_groups *g)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = g->results;
    int n = 0;
    place *places = calloc((size_t)r->run_count + 1, sizeof *places);
    CNN_CHECK(places, CNN_ENOMEM, "places of %d runs", r->run_count);
    for (int i = 0; i < r->run_count; i++) {
        g->node[i] = g->device[i] = -1;
        if (counts(g, i))
            places[n++] = (place){r->measured[i].host, r->measured[i].device, i};
    }
    qsort(places, (size_t)n, sizeof *places, by_place);
    for (int i = 0; i < n; i++) {
        const bool same_host = i && !strcmp(places[i].host, places[i - 1].host);
        g->node_count += !same_host;
        g->device_count += !same_host || strcmp(places[i].device, places[i - 1].device) != 0;
        g->node[places[i].run] = g->node_count - 1;
        g->device[places[i].run] = g->device_count - 1;
    }
done:
    free(places);
    return st;
}

/* ---- cells --------------------------------------------------------------------------------- */

static void group_cells(cnn_groups *g)
{
    const cnn_results *r = g->results;
    for (int i = 0; i < r->run_count; i++)
        if (counts(g, i))
            g->cell_start[r->planned[i].cell + 1]++;
    for (int c = 0; c < r->cell_count; c++)
        g->cell_start[c + 1] += g->cell_start[c];
    /* filled from each cell's start, which moves to its end: the next cell's start */
    for (int i = 0; i < r->run_count; i++)
        if (counts(g, i))
            g->cell_runs[g->cell_start[r->planned[i].cell]++] = i;
    for (int c = r->cell_count; c > 0; c--)
        g->cell_start[c] = g->cell_start[c - 1];
    g->cell_start[0] = 0;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static int by_combination(const void *a, const void *b)
{
    const cnn_block_key *x = a, *y = b;
    if (x->combination != y->combination)
        return x->combination < y->combination ? -1 : 1;
    if (x->repeat != y->repeat)
        return x->repeat < y->repeat ? -1 : 1;
    return (x->block > y->block) - (x->block < y->block);
}

/** The measured blocks, sorted. seen [run_count]: scratch, zero. */
static void list_blocks(cnn_groups *g, int *seen)
{
    const cnn_results *r = g->results;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        if (!is_used(g, i) || seen[p->block]++)
            continue;
        g->blocks[g->block_count++] = (cnn_block_key){p->combination, p->repeat, p->block};
    }
    qsort(g->blocks, (size_t)g->block_count, sizeof *g->blocks, by_combination);
    for (int b = 0; b < g->block_count; b++)
        g->combination_start[g->blocks[b].combination + 1]++;
    for (int k = 0; k < r->combination_count; k++)
        g->combination_start[k + 1] += g->combination_start[k];
}

/** slot [run_count]: scratch. */
static cnn_status put_runs_into_blocks(cnn_groups *g, int *slot)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = g->results;
    for (int i = 0; i < g->block_count * r->level_count; i++)
        g->block_runs[i] = -1;
    for (int b = 0; b < g->block_count; b++)
        slot[g->blocks[b].block] = b;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        if (!is_used(g, i))
            continue;
        int *run = &g->block_runs[slot[p->block] * r->level_count + p->level];
        CNN_CHECK(g->blocks[slot[p->block]].combination == p->combination && *run < 0, CNN_EDATA,
                  "run %d of the results is damaged: block %d has another combination, or another "
                  "run of level %d",
                  i, p->block, p->level);
        *run = i;
    }
done:
    return st;
}

static cnn_status group_blocks(cnn_groups *g)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = g->results;
    int *scratch = calloc((size_t)r->run_count + 1, sizeof *scratch);
    CNN_CHECK(scratch, CNN_ENOMEM, "blocks of %d runs", r->run_count);
    list_blocks(g, scratch);
    g->block_runs =
        calloc((size_t)g->block_count * (size_t)r->level_count + 1, sizeof *g->block_runs);
    CNN_CHECK(g->block_runs, CNN_ENOMEM, "runs of %d blocks", g->block_count);
    CNN_TRY(put_runs_into_blocks(g, scratch));
done:
    free(scratch);
    return st;
}

cnn_status cnn_groups_create(const cnn_results *results, int blocks, cnn_groups *out)
{
    cnn_status st = CNN_OK;
    const size_t runs = (size_t)results->run_count + 1; /* calloc(0) may be NULL */
    *out = (cnn_groups){.results = results, .blocks_used = blocks};
    out->measure_count = cnn_measures_of(results, out->measures);
    out->values = calloc(runs * (size_t)out->measure_count, sizeof *out->values);
    out->node = calloc(runs, sizeof *out->node);
    out->device = calloc(runs, sizeof *out->device);
    out->cell_start = calloc((size_t)results->cell_count + 1, sizeof *out->cell_start);
    out->cell_runs = calloc(runs, sizeof *out->cell_runs);
    out->blocks = calloc(runs, sizeof *out->blocks);
    out->combination_start =
        calloc((size_t)results->combination_count + 1, sizeof *out->combination_start);
    out->warm_epochs = calloc((size_t)results->combination_count + 1, sizeof *out->warm_epochs);
    CNN_CHECK(out->warm_epochs && out->values && out->node && out->device && out->cell_start &&
                  out->cell_runs && out->blocks && out->combination_start,
              CNN_ENOMEM, "groups of %d runs", results->run_count);
    CNN_TRY(find_steady(out));
    take_values(out);
    CNN_TRY(number_places(out));
    group_cells(out);
    CNN_TRY(group_blocks(out));
done:
    return st;
}

void cnn_groups_free(cnn_groups *groups)
{
    free(groups->values);
    free(groups->warm_epochs);
    free(groups->node);
    free(groups->device);
    free(groups->cell_start);
    free(groups->cell_runs);
    free(groups->blocks);
    free(groups->combination_start);
    free(groups->block_runs);
    *groups = (cnn_groups){0};
}
