/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of one cell that share a seed: equal weights with different times are resource noise by
 * construction; different weights are the software's nondeterminism. */
#include "analysis/parts.h"
#include "stats/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A planned run by what its training is a function of. */
typedef struct {
    int cell;
    int64_t seed;
    const char *checksum; /* "": not done, or not reported */
    int run;
} seeded_run;

static int by_seed(const void *a, const void *b)
{
    const seeded_run *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return (x->seed > y->seed) - (x->seed < y->seed);
}

static int by_seed_and_checksum(const void *a, const void *b)
{
    const seeded_run *x = a, *y = b;
    const int seed = by_seed(a, b);
    const int checksum = seed ? seed : strcmp(x->checksum, y->checksum);
    return checksum ? checksum : x->run - y->run;
}

/** Where the runs end that share cell and seed with the one at `first`. */
static int end_of_seed(const seeded_run *runs, int n, int first)
{
    int end = first + 1;
    while (end < n && by_seed(&runs[end], &runs[first]) == 0)
        end++;
    return end;
}

static cnn_status list_runs(const cnn_planned *planned, int run_count, seeded_run **out, int *n)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((*out = calloc((size_t)run_count + 1, sizeof **out)) != NULL, CNN_ENOMEM,
              "seeds of %d runs", run_count);
    *n = 0;
    for (int i = 0; i < run_count; i++)
        if (!planned[i].warmup)
            (*out)[(*n)++] = (seeded_run){planned[i].cell, planned[i].seed, "", i};
done:
    return st;
}

cnn_status cnn_analysis_count_seed_groups(const cnn_planned *runs, int run_count, int *out)
{
    cnn_status st = CNN_OK;
    seeded_run *all = NULL;
    int n = 0;
    CNN_TRY(list_runs(runs, run_count, &all, &n));
    qsort(all, (size_t)n, sizeof *all, by_seed);
    *out = 0;
    for (int first = 0, end; first < n; first = end) {
        end = end_of_seed(all, n, first);
        *out += end - first > 1;
    }
done:
    free(all);
    return st;
}

/* ---- one seed ------------------------------------------------------------------------------ */

/** Sums over a cell's seeds. */
typedef struct {
    double time_squares, error_squares;
    int time_df, error_df;
} noise;

/** Room for the values of one seed. */
typedef struct {
    double *x;
    int *device;
} scratch;

/** Sum of squares around the mean of the finite values of some runs. */
static void add_squares(const cnn_groups *g, const seeded_run *runs, int n, cnn_measure measure,
                        double *x, double *squares, int *df)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const double value =
            cnn_analysed(g->measures[measure].is_log, cnn_groups_value(g, runs[i].run, measure));
        x[count] = value;
        count += isfinite(value);
    }
    if (count > 1) {
        *squares += (count - 1) * cnn_variance(x, count);
        *df += count - 1;
    }
}

/** Runs [n] of one cell and seed, by checksum: counts checksums, adds noise within each. */
static int add_checksums(const cnn_groups *g, const seeded_run *runs, int n, double *x, noise *sum)
{
    int checksums = 0;
    for (int first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && !strcmp(runs[end].checksum, runs[first].checksum);)
            end++;
        if (!*runs[first].checksum)
            continue;
        checksums++;
        add_squares(g, runs + first, end - first, CNN_MEASURE_TRAIN_SECONDS, x, &sum->time_squares,
                    &sum->time_df);
    }
    return checksums;
}

static int by_number(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int count_devices(const cnn_groups *g, const seeded_run *runs, int n, int *device)
{
    int count = 0, devices = 0;
    for (int i = 0; i < n; i++)
        if (g->device[runs[i].run] >= 0)
            device[count++] = g->device[runs[i].run];
    qsort(device, (size_t)count, sizeof *device, by_number);
    for (int i = 0; i < count; i++)
        devices += !i || device[i] != device[i - 1];
    return devices;
}

static void put_times(cnn_seed_group *row, const cnn_groups *g, const seeded_run *runs, int n,
                      double *x)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const double seconds = cnn_groups_value(g, runs[i].run, CNN_MEASURE_TRAIN_SECONDS);
        const double error = cnn_groups_value(g, runs[i].run, CNN_MEASURE_TEST_ERROR);
        x[count] = seconds;
        count += !isnan(seconds);
        row->error_min = fmin(row->error_min, error); /* they pass over NaN */
        row->error_max = fmax(row->error_max, error);
    }
    row->time_mean = cnn_mean(x, count);
    row->time_sd = sqrt(cnn_variance(x, count));
    row->time_cv = row->time_sd / row->time_mean;
}

static cnn_seed_group judge_seed(const cnn_groups *g, const seeded_run *runs, int n,
                                 const scratch *w, noise *sum)
{
    cnn_seed_group row = cnn_seed_group_unknown();
    int known = 0;
    row.cell = runs->cell;
    row.number = runs->seed;
    row.runs = 0;
    for (int i = 0; i < n; i++) {
        row.runs += g->device[runs[i].run] >= 0;
        known += *runs[i].checksum != '\0';
    }
    row.devices = count_devices(g, runs, n, w->device);
    row.checksums = add_checksums(g, runs, n, w->x, sum);
    add_squares(g, runs, n, CNN_MEASURE_TEST_ERROR, w->x, &sum->error_squares, &sum->error_df);
    row.kind = known < 2            ? CNN_SEED_UNKNOWN
               : row.checksums == 1 ? CNN_SEED_IDENTICAL
                                    : CNN_SEED_DIFFERENT;
    put_times(&row, g, runs, n, w->x);
    return row;
}

/* ---- all of them --------------------------------------------------------------------------- */

static void add_to_cell(cnn_cell_seeds *cell, const cnn_seed_group *row)
{
    cell->groups += row->kind != CNN_SEED_UNKNOWN;
    cell->identical += row->kind == CNN_SEED_IDENTICAL;
    cell->different += row->kind == CNN_SEED_DIFFERENT;
}

static void judge_seeds(cnn_analysis *a, const cnn_groups *g, const seeded_run *runs, int n,
                        const scratch *w, noise *sums)
{
    int row = 0;
    for (int first = 0, end; first < n; first = end) {
        end = end_of_seed(runs, n, first);
        if (end - first < 2)
            continue;
        const int cell = runs[first].cell;
        a->seed_groups[row] = judge_seed(g, runs + first, end - first, w, &sums[cell]);
        add_to_cell(&a->cell_seeds[cell], &a->seed_groups[row++]);
    }
}

static void put_noise(cnn_cell_seeds *cell, const noise *sum)
{
    cell->noise_df = sum->time_df;
    cell->noise_sd = sum->time_df ? sqrt(sum->time_squares / sum->time_df) : NAN;
    cell->error_sd = sum->error_df ? sqrt(sum->error_squares / sum->error_df) : NAN;
}

cnn_status cnn_analysis_seeds(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    seeded_run *runs = NULL;
    const size_t room = (size_t)a->run_count + 1;
    scratch w = {calloc(room, sizeof *w.x), calloc(room, sizeof *w.device)};
    noise *sums = calloc((size_t)a->cell_count, sizeof *sums);
    int n = 0;
    CNN_CHECK(w.x && w.device && sums, CNN_ENOMEM, "seeds of %d runs", a->run_count);
    CNN_TRY(list_runs(g->results->planned, a->run_count, &runs, &n));
    for (int i = 0; i < n; i++)
        if (g->device[runs[i].run] >= 0)
            runs[i].checksum = g->results->measured[runs[i].run].weight_checksum;
    qsort(runs, (size_t)n, sizeof *runs, by_seed_and_checksum);
    CNN_TRY(
        cnn_analysis_count_seed_groups(g->results->planned, a->run_count, &a->seed_group_count));
    a->seed_groups = calloc((size_t)a->seed_group_count + 1, sizeof *a->seed_groups);
    CNN_CHECK(a->seed_groups, CNN_ENOMEM, "%d seeds", a->seed_group_count);
    for (int c = 0; c < a->cell_count; c++)
        a->cell_seeds[c] = (cnn_cell_seeds){0};
    judge_seeds(a, g, runs, n, &w, sums);
    for (int c = 0; c < a->cell_count; c++)
        put_noise(&a->cell_seeds[c], &sums[c]);
done:
    free(w.x);
    free(w.device);
    free(sums);
    free(runs);
    return st;
}
