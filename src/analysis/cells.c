/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/parts.h"
#include "analysis/seed_means.h"
#include "stats/describe.h"
#include "stats/trend.h"

#include <math.h>
#include <stdlib.h>

/** A run's value and when it began, to be put in the order in which a device made them. */
typedef struct {
    int device;
    double start, value;
} moment;

/** Room for the values of the largest cell. */
typedef struct {
    double *x, *start;
    int *run, *index;
    moment *moments;
    cnn_seed_value *seeds;
} scratch;

static void count_runs(cnn_analysis *a, const cnn_results *r)
{
    a->total = (cnn_cell_count){0};
    for (int c = 0; c < a->cell_count; c++)
        a->counts[c] = (cnn_cell_count){0};
    for (int i = 0; i < r->run_count; i++) {
        if (r->planned[i].warmup || r->planned[i].repeat >= a->look.blocks)
            continue;
        cnn_cell_count *of[] = {&a->counts[r->planned[i].cell], &a->total};
        for (int k = 0; k < 2; k++) {
            of[k]->planned++;
            of[k]->done += r->status[i] == CNN_RUN_DONE;
            of[k]->failed += r->status[i] == CNN_RUN_FAILED;
            of[k]->diverged += r->status[i] == CNN_RUN_DIVERGED;
            of[k]->missing += r->status[i] == CNN_RUN_PLANNED;
        }
    }
}

static void put_warm_epochs(cnn_analysis *a, const cnn_groups *g)
{
    for (int k = 0; k < a->combination_count; k++) {
        for (int l = 0; l < a->level_count; l++)
            a->counts[a->cell_of[k * a->level_count + l]].warm_epochs = g->warm_epochs[k];
        a->total.warm_epochs =
            a->total.warm_epochs > g->warm_epochs[k] ? a->total.warm_epochs : g->warm_epochs[k];
    }
}

static cnn_reason why_empty(const cnn_cell_count *count)
{
    if (count->done > 0)
        return CNN_REASON_NOT_REPORTED;
    return count->failed + count->diverged > 0 && !count->missing ? CNN_REASON_ALL_FAILED
                                                                  : CNN_REASON_NO_RUNS;
}

static void put_description(cnn_summary *s, const cnn_description *d)
{
    s->mean = d->mean;
    s->mean_lower = d->mean_interval.low;
    s->mean_upper = d->mean_interval.high;
    s->variance = d->variance;
    s->sd = d->sd;
    s->cv = d->cv;
    s->median = d->median;
    s->median_lower = d->median_interval.low;
    s->median_upper = d->median_interval.high;
    s->median_coverage = d->median_level;
    s->q1 = d->quartile_1;
    s->q3 = d->quartile_3;
    s->p5 = d->p5;
    s->p95 = d->p95;
    s->min = d->min;
    s->max = d->max;
}

/** Error and loss are functions of the seed: their mean and the intervals count each seed once. The
 *  other figures describe the runs. */
static cnn_status count_seeds(cnn_analysis *a, const cnn_groups *g, cnn_measure measure,
                              cnn_summary *s, const scratch *w)
{
    cnn_status st = CNN_OK;
    cnn_description of_seeds;
    for (int i = 0; i < s->n; i++)
        w->seeds[i] = cnn_seed_value_of(g, w->run[i], measure);
    s->counted = cnn_seed_means(w->seeds, s->n);
    for (int i = 0; i < s->counted; i++)
        w->start[i] = w->seeds[i].value;
    CNN_TRY(cnn_describe(w->start, s->counted, 1 - a->alpha, &of_seeds));
    s->mean = of_seeds.mean;
    s->mean_lower = of_seeds.mean_interval.low;
    s->mean_upper = of_seeds.mean_interval.high;
    s->median_lower = of_seeds.median_interval.low;
    s->median_upper = of_seeds.median_interval.high;
    s->median_coverage = of_seeds.median_level;
done:
    return st;
}

/** Flags the values of a cell; a sample too small for fences stays unjudged. */
static cnn_status flag_outliers(cnn_analysis *a, cnn_measure measure, cnn_summary *s,
                                const scratch *w)
{
    cnn_status st = CNN_OK;
    cnn_outliers found;
    CNN_TRY(cnn_find_outliers(w->x, s->n, &found, w->index));
    s->fence_lower = found.fences.low;
    s->fence_upper = found.fences.high;
    if (isnan(found.fences.low))
        goto done;
    s->outliers = found.outlier_count;
    for (int i = 0; i < s->n; i++)
        a->outlier[w->run[i] * a->measure_count + (int)measure] = CNN_OUTLIER_NO;
    for (int i = 0; i < found.outlier_count; i++) {
        const int k = w->index[i];
        a->outlier[w->run[k] * a->measure_count + (int)measure] =
            w->x[k] < found.fences.low ? CNN_OUTLIER_LOW : CNN_OUTLIER_HIGH;
    }
    a->outlier_count += found.outlier_count;
done:
    return st;
}

static int by_device_and_start(const void *a, const void *b)
{
    const moment *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

/** w->x and w->index hold the values and devices in that order afterwards. */
static void correlate_successors(cnn_summary *s, const scratch *w)
{
    qsort(w->moments, (size_t)s->n, sizeof *w->moments, by_device_and_start);
    for (int i = 0; i < s->n; i++) {
        w->x[i] = w->moments[i].value;
        w->index[i] = w->moments[i].device;
    }
    const cnn_serial_correlation memory = cnn_serial_correlation_within(w->x, w->index, s->n);
    s->autocorrelation = memory.r;
    s->autocorrelation_expected = memory.expected;
    s->autocorrelation_p = memory.p;
    s->autocorrelation_pairs = memory.pairs;
}

static cnn_status find_trend(cnn_summary *s, const cnn_groups *g, const scratch *w)
{
    cnn_status st = CNN_OK;
    cnn_rank_correlation trend;
    for (int i = 0; i < s->n; i++) {
        w->start[i] = g->results->measured[w->run[i]].start_time;
        w->moments[i] = (moment){g->device[w->run[i]], w->start[i], w->x[i]};
        if (!isfinite(w->start[i])) {
            s->reason = s->reason == CNN_REASON_NONE ? CNN_REASON_NO_START_TIMES : s->reason;
            goto done;
        }
    }
    CNN_TRY(cnn_spearman(w->start, w->x, s->n, &trend));
    s->trend_rho = trend.rho;
    s->trend_p = trend.p;
    correlate_successors(s, w);
done:
    return st;
}

static cnn_status summarise(cnn_analysis *a, const cnn_groups *g, int cell, cnn_measure measure,
                            const scratch *w)
{
    cnn_status st = CNN_OK;
    cnn_summary *s = &a->summaries[cell * a->measure_count + (int)measure];
    cnn_description description;
    *s = cnn_summary_unknown();
    s->n = 0;
    for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++) {
        const double x = cnn_groups_value(g, g->cell_runs[i], measure);
        w->run[s->n] = g->cell_runs[i];
        w->x[s->n] = x;
        s->n += !isnan(x);
    }
    s->outliers = 0;
    s->reason = s->n ? CNN_REASON_NONE : (int8_t)why_empty(&a->counts[cell]);
    if (s->n == 0 || a->verdicts_only)
        goto done;
    CNN_TRY(cnn_describe(w->x, s->n, 1 - a->alpha, &description));
    put_description(s, &description);
    s->counted = s->n;
    if (!a->measures[measure].is_log)
        CNN_TRY(count_seeds(a, g, measure, s, w));
    if (s->n == 1)
        s->reason = CNN_REASON_ONE_RUN;
    else if (description.outcome == CNN_STAT_IDENTICAL)
        s->reason = CNN_REASON_NO_VARIANCE;
    CNN_TRY(flag_outliers(a, measure, s, w));
    CNN_TRY(find_trend(s, g, w));
done:
    return st;
}

/** The list of outliers, from the flags. */
static cnn_status list_outliers(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    int n = 0;
    a->outliers = calloc((size_t)a->outlier_count + 1, sizeof *a->outliers);
    CNN_CHECK(a->outliers, CNN_ENOMEM, "%d outliers", a->outlier_count);
    for (int m = 0; m < a->measure_count; m++)
        for (int c = 0; c < a->cell_count; c++)
            for (int i = g->cell_start[c]; i < g->cell_start[c + 1]; i++) {
                const int run = g->cell_runs[i];
                const int side = a->outlier[run * a->measure_count + m];
                if (side > CNN_OUTLIER_NO)
                    a->outliers[n++] =
                        (cnn_outlier){run, c, m, side, cnn_groups_value(g, run, (cnn_measure)m)};
            }
done:
    return st;
}

cnn_status cnn_analysis_cells(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)a->run_count + 1;
    scratch w = {calloc(room, sizeof *w.x),       calloc(room, sizeof *w.start),
                 calloc(room, sizeof *w.run),     calloc(room, sizeof *w.index),
                 calloc(room, sizeof *w.moments), calloc(room, sizeof *w.seeds)};
    CNN_CHECK(w.x && w.start && w.run && w.index && w.moments && w.seeds, CNN_ENOMEM,
              "values of %d runs", a->run_count);
    count_runs(a, g->results);
    put_warm_epochs(a, g);
    for (int i = 0; i < a->run_count * a->measure_count; i++)
        a->outlier[i] = -1;
    for (int c = 0; c < a->cell_count; c++)
        for (int m = 0; m < a->measure_count; m++)
            CNN_TRY(summarise(a, g, c, (cnn_measure)m, &w));
    CNN_TRY(list_outliers(a, g));
done:
    free(w.x);
    free(w.start);
    free(w.run);
    free(w.index);
    free(w.moments);
    free(w.seeds);
    return st;
}
