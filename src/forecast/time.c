/* SPDX-License-Identifier: Apache-2.0 */
#include "forecast/time.h"

#include "analysis/groups.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* ---- a run --------------------------------------------------------------------------------- */

/** A mean of what is known. */
typedef struct {
    double sum;
    int n;
} mean;

static void add(mean *m, double x)
{
    if (isfinite(x)) {
        m->sum += x;
        m->n++;
    }
}

static double value_of(const mean *m)
{
    return m->n ? m->sum / m->n : NAN;
}

/** Seconds of `wanted` epochs of a run that had `have` >= 2: its own as far as they go, then the
 *  mean of all but the first, which may be slower. NaN where one is unknown. */
static double stretch(const cnn_epoch_row *rows, int have, int wanted, bool evaluation)
{
    double sum = 0, later = 0;
    for (int e = 0; e < have; e++) {
        const double s = evaluation ? rows[e].epoch_evaluation_seconds : rows[e].epoch_seconds;
        sum += e < wanted ? s : 0;
        later += e > 0 ? s : 0;
    }
    return wanted > have ? sum + (wanted - have) * later / (have - 1) : sum;
}

/** Training and life of a run, had it had `wanted` epochs instead of `have`. */
static void stretch_run(const cnn_results *r, int run, int have, int wanted, double *train,
                        double *life)
{
    const cnn_epoch_row *rows = &r->epochs[(size_t)run * (size_t)r->epoch_count];
    if (r->measured[run].epochs_done != have) { /* then there are as many rows */
        *train = *life = NAN;
        return;
    }
    *train = stretch(rows, have, wanted, false);
    *life += *train - r->measured[run].train_seconds + stretch(rows, have, wanted, true) -
             stretch(rows, have, have, true);
}

static cnn_status refuse(cnn_forecast_cell *cell, char *reason)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((cell->unknown = reason) != NULL, CNN_ENOMEM, "reason of a forecast");
done:
    return st;
}

static cnn_status expect_run(const cnn_groups *g, const cnn_summary *there, int wanted,
                             cnn_forecast_cell *cell)
{
    const int have = cell->epochs;
    mean setup = {0}, train = {0}, life = {0};
    if (there->n == 0)
        return refuse(cell, cnn_strdup(cnn_reason_sentences[there->reason]));
    if (have == 1)
        return refuse(
            cell,
            cnn_asprintf("1 epoch there, %d here: later epochs may differ from the first", wanted));
    for (int i = g->cell_start[cell->source]; i < g->cell_start[cell->source + 1]; i++) {
        const cnn_measured *m = &g->results->measured[g->cell_runs[i]];
        double train_seconds = m->train_seconds, life_seconds = m->life_seconds;
        if (have)
            stretch_run(g->results, g->cell_runs[i], have, wanted, &train_seconds, &life_seconds);
        add(&setup, m->setup_seconds);
        add(&train, train_seconds);
        add(&life, life_seconds);
    }
    if (have && !train.n)
        return refuse(cell, cnn_asprintf("%d epochs there, %d here, and no seconds of single "
                                         "epochs",
                                         have, wanted));
    cell->runs = train.n;
    cell->train_seconds = value_of(&train);
    cell->train_sd = have ? NAN : there->sd;
    cell->setup_seconds = value_of(&setup);
    cell->life_seconds = value_of(&life);
    return CNN_OK;
}

cnn_status cnn_forecast_seconds(const cnn_forecast_source *s, const cnn_analysis *a,
                                cnn_forecast *f)
{
    cnn_status st = CNN_OK;
    cnn_groups groups = {0};
    CNN_TRY(cnn_groups_create(s->results, INT_MAX, &groups));
    for (int c = 0; c < f->cell_count; c++) {
        cnn_forecast_cell *cell = &f->cells[c];
        const int wanted = cnn_job_treatment(s->job, s->design->cells[c].levels).train.epochs;
        if (!cell->unknown)
            CNN_TRY(expect_run(&groups,
                               cnn_analysis_summary(a, cell->source, CNN_MEASURE_TRAIN_SECONDS),
                               wanted, cell));
    }
done:
    cnn_groups_free(&groups);
    return st;
}

/* ---- the whole ----------------------------------------------------------------------------- */

/** Seconds of a block: its runs, as far as they are known, and what a rank needs between them. */
static double block_seconds(const cnn_design *d, const cnn_forecast *f, const cnn_block *block)
{
    double sum = 0;
    for (int l = 0; l < d->level_count; l++) {
        const double life = f->cells[d->runs[cnn_block_run(block, l)].cell].life_seconds;
        sum += isnan(life) ? 0 : life + (isnan(f->outside_seconds) ? 0 : f->outside_seconds);
    }
    return sum;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Adds to the least of a heap of n numbers, of which none is above those at 2 i + 1 and 2 i +
 *  2. */
static void add_to_least(double *heap, int n, double seconds)
{
    int at = 0;
    const double x = heap[0] + seconds;
    for (int below; (below = 2 * at + 1) < n; at = below) {
        if (below + 1 < n && heap[below + 1] < heap[below])
            below++;
        if (x <= heap[below])
            break;
        heap[at] = heap[below];
    }
    heap[at] = x;
}

cnn_status cnn_forecast_whole(const cnn_design *d, cnn_forecast *f)
{
    cnn_status st = CNN_OK;
    double *busy = calloc((size_t)d->device_count, sizeof *busy); /* each device, seconds */
    CNN_CHECK(busy, CNN_ENOMEM, "times of %d devices", d->device_count);
    for (int c = 0; c < f->cell_count; c++)
        f->cells_known += isfinite(f->cells[c].life_seconds);
    for (int b = 0; b < d->block_count; b++) {
        const double seconds = block_seconds(d, f, &d->blocks[b]);
        f->device_seconds += seconds;
        if (d->blocks[b].device >= 0)
            busy[d->blocks[b].device] += seconds;
    }
    /* Blocks of the common queue: a sorted list is a heap, and which device is free is all the
     * same */
    qsort(busy, (size_t)d->device_count, sizeof *busy, ascending);
    for (int i = 0; i < d->block_count; i++) {
        const cnn_block *block = &d->blocks[d->queue[i]];
        if (block->device < 0)
            add_to_least(busy, d->device_count, block_seconds(d, f, block));
    }
    for (int i = 0; i < d->device_count; i++)
        f->wall_seconds = fmax(f->wall_seconds, busy[i]);
    if (f->cells_known < f->cell_count)
        f->wall_seconds = NAN;
done:
    free(busy);
    return st;
}
