/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

#include <math.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

static const char *level_of_cell(const cnn_report *r, int cell)
{
    const cnn_results *x = r->results;
    return r->names.levels[x->cell_levels[cell * x->factor_count + x->contrast]];
}

static void report_lost_runs(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "level", .title = "level"},
        {.name = "planned", .title = "planned", .format = CNN_FORMAT_WHOLE},
        {.name = "done", .title = "done", .format = CNN_FORMAT_WHOLE},
        {.name = "failed", .title = "failed", .format = CNN_FORMAT_WHOLE},
        {.name = "diverged", .title = "diverged", .format = CNN_FORMAT_WHOLE},
        {.name = "missing", .title = "missing", .format = CNN_FORMAT_WHOLE},
    };
    const cnn_analysis *a = r->a;
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t =
        cnn_document_table(r->out, "lost", columns, n, "Runs that the tables lack, cell by cell");
    for (int i = 0; i < a->cell_count; i++) {
        const int k = i / a->level_count, l = i % a->level_count;
        const cnn_cell_count *c = &a->counts[a->cell_of[i]];
        if (!c->failed && !c->diverged && !c->missing)
            continue;
        cnn_table_row(t);
        cnn_report_put_combination(r, k, t);
        cnn_table_text(t, "%s", r->names.levels[l]);
        cnn_table_number(t, c->planned);
        cnn_table_number(t, c->done);
        cnn_table_number(t, c->failed);
        cnn_table_number(t, c->diverged);
        cnn_table_number(t, c->missing);
    }
}

static void report_outliers(const cnn_report *r, cnn_measure measure)
{
    const cnn_shown_measure shown = cnn_report_shown_in(r, measure);
    static const cnn_table_column more[] = {
        {.name = "level", .title = "level"},
        {.name = "run", .title = "run", .format = CNN_FORMAT_WHOLE},
        {.name = "repeat", .title = "repeat", .format = CNN_FORMAT_WHOLE},
        {.name = "value", .title = "value", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "fences",
         .title = "fences",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
        {.name = "device", .title = "device", .wrap = true},
    };
    const cnn_analysis *a = r->a;
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++) {
        columns[n] = more[i];
        if (columns[n].format == CNN_FORMAT_DIGITS)
            columns[n].scale = shown.scale;
        n++;
    }
    cnn_table *t = cnn_document_table(r->out, "outliers", columns, n,
                                      "%s, %s: outliers by Tukey's fences (kept in all figures)",
                                      shown.title, shown.unit);
    t->left_out = CNN_NOT_IN_CSV;
    for (int i = 0; i < a->outlier_count; i++) {
        const cnn_outlier *o = &a->outliers[i];
        if (o->measure != (int)measure)
            continue;
        const cnn_planned *p = &r->results->planned[o->run];
        const cnn_summary *s = cnn_analysis_summary(a, o->cell, measure);
        cnn_table_row(t);
        cnn_report_put_combination(r, p->combination, t);
        cnn_table_text(t, "%s", level_of_cell(r, o->cell));
        cnn_table_number(t, o->run);
        cnn_table_number(t, p->repeat);
        cnn_table_number(t, o->value);
        cnn_table_interval(t, s->fence_lower, s->fence_upper);
        cnn_table_text(t, "%s", r->results->measured[o->run].device);
    }
}

static void report_flawed_blocks(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "repeat", .title = "repeat", .format = CNN_FORMAT_WHOLE},
        {.name = "block", .title = "block", .format = CNN_FORMAT_WHOLE},
        {.name = "missing", .title = "runs not done", .format = CNN_FORMAT_WHOLE},
        {.name = "flaw", .title = "why"},
    };
    static const char *const why[] = {
        [CNN_BLOCK_WHOLE] = "",
        [CNN_BLOCK_INCOMPLETE] = "a run failed, diverged or is missing",
        [CNN_BLOCK_SPLIT] = "its runs were on several devices",
    };
    const cnn_analysis *a = r->a;
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "blocks", columns, n,
                                      "Blocks that paired tests leave out: %d of %d",
                                      a->flawed_count, a->block_count);
    t->left_out = CNN_NOT_IN_CSV;
    for (int i = 0; i < a->flawed_count; i++) {
        const cnn_flawed_block *b = &a->flawed[i];
        cnn_table_row(t);
        cnn_report_put_combination(r, b->combination, t);
        cnn_table_number(t, b->repeat);
        cnn_table_number(t, b->block);
        cnn_table_number(t, b->missing);
        cnn_table_text(t, "%s", why[b->flaw]);
    }
}

void cnn_report_lost(const cnn_report *r)
{
    report_lost_runs(r);
    if (!r->full)
        return; /* the head names the outliers */
    report_flawed_blocks(r);
    for (int m = 0; m < r->a->measure_count; m++)
        report_outliers(r, (cnn_measure)m);
}
