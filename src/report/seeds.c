/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

#include <math.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

/** The cell's combination and level. */
static void put_cell(const cnn_report *r, int cell, cnn_table *t)
{
    const cnn_analysis *a = r->a;
    for (int i = 0; i < a->cell_count; i++)
        if (a->cell_of[i] == cell) {
            cnn_report_put_combination(r, i / a->level_count, t);
            cnn_table_text(t, "%s", r->names.levels[i % a->level_count]);
            return;
        }
}

static int keys(const cnn_report *r, cnn_table_column *columns)
{
    int n = cnn_report_combination_columns(r, columns);
    columns[n++] = (cnn_table_column){.name = "level", .title = "level", .key = true};
    return n;
}

/** Cells: how many seeds gave the same weights, and the noise estimated from them. */
static void report_cells(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "runs", .title = "runs"},
        {.name = "groups", .title = "seeds", .format = CNN_FORMAT_WHOLE},
        {.name = "identical", .title = "identical", .format = CNN_FORMAT_WHOLE},
        {.name = "different", .title = "different", .format = CNN_FORMAT_WHOLE},
        {"noise_sd", "resource noise", "%", .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = 100},
        {.name = "noise_df", .title = "df", .format = CNN_FORMAT_WHOLE},
        {"error_sd", "error's sd", "points", .format = CNN_FORMAT_DIGITS, .digits = 3,
         .scale = 100},
    };
    const cnn_analysis *a = r->a;
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + 1 + COUNT(more)];
    int n = keys(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "seeds", columns, n,
                                      "Seeds that several runs share: software or machine");
    t->left_out = CNN_NOT_IN_CSV;
    for (int i = 0; i < a->cell_count; i++) {
        const int cell = a->cell_of[i];
        const cnn_cell_seeds *s = &a->cell_seeds[cell];
        if (s->groups < 1)
            continue;
        cnn_table_row(t);
        put_cell(r, cell, t);
        cnn_table_text(t, "%d/%d", a->counts[cell].done, a->counts[cell].planned);
        cnn_table_number(t, s->groups);
        cnn_table_number(t, s->identical);
        cnn_table_number(t, s->different);
        cnn_table_number(t, s->noise_sd);
        cnn_table_number(t, s->noise_df);
        cnn_table_number(t, s->error_sd);
    }
    cnn_table_note(t, "identical: all runs of the seed ended in the same weights, bit for bit, so "
                      "that their times differ by the machine alone (resource noise: sd of log "
                      "time); different: the software is not deterministic (error's sd).");
}

static void report_groups(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "seed", .title = "seed", .format = CNN_FORMAT_WHOLE},
        {.name = "runs", .title = "runs", .format = CNN_FORMAT_WHOLE},
        {.name = "devices", .title = "devices", .format = CNN_FORMAT_WHOLE},
        {.name = "kind", .title = "weights"},
        {"time_mean", "mean time", "s", .format = CNN_FORMAT_DIGITS, .digits = 5},
        {"time_cv", "CV", "%", .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = 100},
        {"errors", "test errors", "%", .format = CNN_FORMAT_FIXED, .digits = 3, .scale = 100,
         .interval = true},
    };
    const cnn_analysis *a = r->a;
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + 1 + COUNT(more)];
    int n = keys(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "seed_groups", columns, n,
                                      "Seeds that several runs share, one by one");
    t->left_out = CNN_NOT_IN_CSV;
    for (int i = 0; i < a->seed_group_count; i++) {
        const cnn_seed_group *g = &a->seed_groups[i];
        cnn_table_row(t);
        put_cell(r, g->cell, t);
        cnn_table_number(t, (double)g->number);
        cnn_table_number(t, g->runs);
        cnn_table_number(t, g->devices);
        cnn_table_text(t, "%s", cnn_seed_kind_names[g->kind]);
        cnn_table_number(t, g->time_mean);
        cnn_table_number(t, g->time_cv);
        cnn_table_interval(t, g->error_min, g->error_max);
    }
}

void cnn_report_seeds(const cnn_report *r)
{
    report_cells(r);
    report_groups(r);
}
