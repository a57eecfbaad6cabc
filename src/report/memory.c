/* SPDX-License-Identifier: Apache-2.0 */
/* Peak memory of each cell's runs. */
#include "report/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

static const double mebibyte = 1024 * 1024;

/** The peaks of a cell's finished runs, in bytes. */
typedef struct {
    int runs, sampled; /* runs whose peak is known, and of those the ones with descendants */
    double sum, max;
    double gpu_max; /* -1: unknown */
} peaks;

/** Takes a run's peaks in. */
static void add_run(const cnn_measured *m, peaks *p)
{
    if (m->memory_bytes_max < 0 || strcmp(m->backend, "simulate") == 0)
        return;
    p->runs++;
    p->sampled += m->memory_source == CNN_MEMORY_SAMPLED;
    p->sum += (double)m->memory_bytes_max;
    p->max = fmax(p->max, (double)m->memory_bytes_max);
    p->gpu_max = fmax(p->gpu_max, (double)m->gpu_memory_bytes_max);
}

static void put_row(const cnn_report *r, int combination, int level, const peaks *p, cnn_table *t)
{
    cnn_table_row(t);
    cnn_report_put_combination(r, combination, t);
    cnn_table_text(t, "%s", r->names.levels[level]);
    cnn_table_number(t, p->runs);
    cnn_table_number(t, p->sum / p->runs);
    cnn_table_number(t, p->max);
    cnn_table_number(t, p->gpu_max < 0 ? NAN : p->gpu_max);
    cnn_table_text(t, "%s", p->sampled ? "sampled" : "kernel");
}

/** The peaks of every cell [cell_count], of runs that count and are done; NULL: out of memory. */
static peaks *gather(const cnn_results *x)
{
    peaks *of_cells = calloc((size_t)x->cell_count, sizeof *of_cells);
    for (int c = 0; of_cells && c < x->cell_count; c++)
        of_cells[c].gpu_max = -1;
    for (int i = 0; of_cells && i < x->run_count; i++)
        if (x->status[i] == CNN_RUN_DONE && !x->planned[i].warmup)
            add_run(&x->measured[i], &of_cells[x->planned[i].cell]);
    return of_cells;
}

static cnn_table *make_table(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "level", .title = "level", .key = true},
        {.name = "runs", .title = "runs", .format = CNN_FORMAT_WHOLE},
        {"memory_mean", "mean", "MiB", .format = CNN_FORMAT_FIXED, .digits = 1},
        {"memory_max", "highest", "MiB", .format = CNN_FORMAT_FIXED, .digits = 1},
        {"gpu_memory_max", "GPU, highest", "MiB", .format = CNN_FORMAT_FIXED, .digits = 1},
        {.name = "memory_source", .title = "source"},
    };
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++) {
        columns[n] = more[i];
        if (more[i].format == CNN_FORMAT_FIXED)
            columns[n].scale = 1 / mebibyte;
        n++;
    }
    cnn_table *t = cnn_document_table(r->out, "memory", columns, n,
                                      "Peak of resident memory: the trainer and its descendants");
    t->left_out = CNN_NOT_IN_CSV; /* which has the runs one by one */
    cnn_table_note(t, "kernel: the peak of a trainer without descendants, as the kernel counts it; "
                      "sampled: the sum over processes, taken twice a second, in which pages that "
                      "processes share count for each.");
    return t;
}

void cnn_report_memory(const cnn_report *r)
{
    const cnn_analysis *a = r->a;
    cnn_table *t = NULL;
    peaks *of_cells = gather(r->results);
    r->out->failed |= !of_cells;
    for (int k = 0; of_cells && k < a->combination_count; k++)
        for (int l = 0; l < a->level_count; l++) {
            const peaks *p = &of_cells[a->cell_of[k * a->level_count + l]];
            if (!p->runs)
                continue;
            t = t ? t : make_table(r);
            put_row(r, k, l, p, t);
        }
    free(of_cells);
}
