/* SPDX-License-Identifier: Apache-2.0 */
/* Effects of the position within the block. */
#include "analysis/position.h"

#include "analysis/parts.h"
#include "stats/crossover.h"
#include "stats/least_squares.h"
#include "stats/t_tests.h"

#include <math.h>
#include <stdlib.h>

cnn_status cnn_position_is_planned(const cnn_groups *g, int combination, bool *out)
{
    cnn_status st = CNN_OK;
    const int levels = g->results->level_count;
    const int first = g->combination_start[combination],
              end = g->combination_start[combination + 1];
    int *times = calloc((size_t)levels * (size_t)levels, sizeof *times); /* [level, position] */
    CNN_CHECK(times, CNN_ENOMEM, "positions of %d levels", levels);
    *out = end - first >= CNN_CROSSOVER_LEAST_BLOCKS;
    for (int i = first * levels; i < end * levels; i++) {
        const int run = g->block_runs[i];
        const int position = run < 0 ? -1 : g->results->planned[run].position;
        if (position < 0 || position >= levels)
            *out = false;
        else
            times[i % levels * levels + position]++;
    }
    for (int i = 0; i < levels * levels; i++)
        *out = *out && times[i] >= CNN_CROSSOVER_LEAST_TIMES;
done:
    free(times);
    return st;
}

/* ---- estimates ------------------------------------------------------------------------------ */

/** The runs of a combination, by block. */
typedef struct {
    int n, blocks, levels;
    double *y;                     /* [n] */
    double magnitude;              /* largest value, to tell spread from rounding */
    int *level, *position, *start; /* [n]; start: first run of the block */
    double *columns;               /* [2 levels - 2, n] */
    double *residual;              /* [n] */
} fit;

static cnn_status allocate(fit *f, int n, int levels)
{
    cnn_status st = CNN_OK;
    const size_t size = (size_t)n + 1;
    *f = (fit){.levels = levels};
    f->y = calloc(2 * size, sizeof *f->y);
    f->level = calloc(3 * size, sizeof *f->level);
    f->columns = calloc(2 * size * (size_t)levels, sizeof *f->columns);
    CNN_CHECK(f->y && f->level && f->columns, CNN_ENOMEM, "positions of %d runs", n);
    f->residual = f->y + size;
    f->position = f->level + size;
    f->start = f->position + size;
done:
    return st;
}

static void release(fit *f)
{
    free(f->y);
    free(f->level);
    free(f->columns);
}

/** Takes the mean of each block off v [n]. */
static void centre(const fit *f, double *v)
{
    for (int first = 0, end; first < f->n; first = end) {
        double sum = 0;
        for (end = first; end < f->n && f->start[end] == first; end++)
            sum += v[end];
        for (int i = first; i < end; i++)
            v[i] -= sum / (end - first);
    }
}

/** Takes the runs that are done, on the device of the block's first of them. */
static void gather(const cnn_groups *g, int combination, cnn_measure measure, fit *f)
{
    const int levels = f->levels;
    f->n = f->blocks = 0;
    f->magnitude = 0;
    for (int b = g->combination_start[combination]; b < g->combination_start[combination + 1];
         b++) {
        const int start = f->n;
        int device = -1;
        for (int l = 0; l < levels; l++) {
            const int run = g->block_runs[b * levels + l];
            const double y = run < 0 ? NAN
                                     : cnn_analysed(g->measures[measure].is_log,
                                                    cnn_groups_value(g, run, measure));
            if (!isfinite(y) || (device >= 0 && g->device[run] != device))
                continue;
            device = g->device[run];
            f->magnitude = fmax(f->magnitude, fabs(y));
            f->level[f->n] = l;
            f->position[f->n] = g->results->planned[run].position;
            f->start[f->n] = start;
            f->y[f->n++] = y;
        }
        if (f->n == start + 1)
            f->n = start; /* one run tells nothing within its block */
        f->blocks += f->n > start;
    }
    centre(f, f->y);
}

/** Columns of the levels and positions above 0, those of the position in question last. */
static int fill_columns(const fit *f, int position)
{
    int count = 0;
    for (int c = 1; c < 2 * f->levels; c++) {
        const bool is_level = c < f->levels;
        const int of = is_level ? c : c - f->levels;
        double *column = f->columns + (size_t)count * (size_t)f->n;
        if (!is_level && (of == 0 || of == position))
            continue;
        for (int i = 0; i < f->n; i++)
            column[i] = (is_level ? f->level[i] : f->position[i]) == of;
        centre(f, column);
        count++;
    }
    double *last = f->columns + (size_t)count * (size_t)f->n;
    for (int i = 0; i < f->n; i++)
        last[i] = f->position[i] == position;
    centre(f, last);
    return count + 1;
}

static cnn_position_effect estimate(const fit *f, int position, double level)
{
    cnn_position_effect x = cnn_position_effect_unknown();
    const int count = fill_columns(f, position);
    const cnn_coefficient c = cnn_least_squares_last(f->columns, count, f->y, f->n, f->residual);
    const int df = f->n - f->blocks - c.rank;
    if (!(c.information > 0) || df < 1)
        return x;
    const double standard_error = sqrt(c.residual_squares / df / c.information);
    const cnn_t_result t = cnn_t_of_estimate(c.estimate, standard_error, df, f->magnitude, level);
    x.effect = t.difference;
    x.df = df;
    if (t.outcome == CNN_STAT_OK) {
        x.lower = t.interval.low;
        x.upper = t.interval.high;
    }
    return x;
}

cnn_status cnn_analysis_positions(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    fit f = {0};
    bool is_planned = false;
    CNN_TRY(allocate(&f, a->run_count, a->level_count));
    for (int k = 0; k < a->combination_count; k++) {
        CNN_TRY(cnn_position_is_planned(g, k, &is_planned));
        for (int m = 0; m < a->measure_count; m++) {
            const bool is_time = a->measures[m].is_log;
            if (is_planned && is_time)
                gather(g, k, (cnn_measure)m, &f);
            for (int p = 0; p < a->level_count; p++)
                a->positions[(k * a->measure_count + m) * a->level_count + p] =
                    is_planned && is_time && p > 0 ? estimate(&f, p, 1 - a->alpha)
                                                   : cnn_position_effect_unknown();
        }
    }
done:
    release(&f);
    return st;
}
