/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

#include <math.h>
#include <stdlib.h>

/** A row for every cell, combination by combination, a rule after each. */
typedef struct {
    const cnn_report *r;
    cnn_measure measure;
    cnn_shown_measure shown;
    int digits;     /* of values in the measure's units */
    double *images; /* [cell_count] see count_images; room of the caller */
    bool has_rate;  /* any cell has images per second */
} cells_view;

static int cell_at(const cnn_analysis *a, int combination, int level)
{
    return a->cell_of[combination * a->level_count + level];
}

/** Significant digits of the values: as many as show two of the narrowest interval's half width. */
static int digits_of(const cnn_analysis *a, cnn_measure measure)
{
    double narrowest = 1;
    for (int c = 0; c < a->cell_count; c++) {
        const cnn_summary *s = cnn_analysis_summary(a, c, measure);
        const double half = (s->mean_upper - s->mean_lower) / 2 / fabs(s->mean);
        if (half > 0 && half < narrowest)
            narrowest = half;
    }
    const int digits = 2 - (int)floor(log10(narrowest));
    return digits < 4 ? 4 : digits > 7 ? 7 : digits;
}

/** Images that a run of each cell trains on in the time that the measure is of; NaN: none, unknown, or
 *  not the same in all runs. Sets has_rate. */
static void count_images(cells_view *v)
{
    const cnn_results *x = v->r->results;
    const bool is_whole = v->measure == CNN_MEASURE_TRAIN_SECONDS;
    for (int c = 0; c < v->r->a->cell_count; c++)
        v->images[c] = 0;
    for (int i = 0; v->shown.is_time && i < x->run_count; i++) {
        const cnn_measured *m = &x->measured[i];
        double *images = &v->images[x->planned[i].cell];
        if (x->planned[i].warmup || x->status[i] != CNN_RUN_DONE)
            continue;
        const double here = (double)m->train_images * (is_whole ? m->epochs_done : 1);
        const bool is_known = m->train_images > 0 && here > 0;
        *images = is_known && (*images == 0 || *images == here) ? here : NAN;
    }
    for (int c = 0; c < v->r->a->cell_count; c++) {
        v->images[c] = v->images[c] > 0 ? v->images[c] : NAN;
        v->has_rate |= v->images[c] > 0;
    }
}

static cells_view view_of(const cnn_report *r, cnn_measure measure)
{
    const cnn_shown_measure shown = cnn_report_shown_in(r, measure);
    return (cells_view){
        .r = r, .measure = measure, .shown = shown, .digits = digits_of(r->a, measure)};
}

/** The key columns of a table of cells. */
static int key_columns(const cells_view *v, cnn_table_column *columns)
{
    int n = cnn_report_combination_columns(v->r, columns);
    columns[n++] = (cnn_table_column){.name = "level", .title = "level", .key = true};
    columns[n++] =
        (cnn_table_column){.name = "runs", .title = "runs", .left_out = CNN_NOT_IN_CSV, .drop = 1};
    columns[n++] =
        (cnn_table_column){.name = "measure", .title = "measure", .left_out = CNN_ONLY_IN_CSV};
    columns[n++] = (cnn_table_column){
        .name = "n", .title = "n", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV};
    columns[n++] = (cnn_table_column){.name = "planned",
                                      .title = "planned",
                                      .format = CNN_FORMAT_WHOLE,
                                      .left_out = CNN_ONLY_IN_CSV};
    return n;
}

static void put_keys(const cells_view *v, int combination, int level, cnn_table *t)
{
    const cnn_analysis *a = v->r->a;
    const int cell = cell_at(a, combination, level);
    cnn_table_row(t);
    cnn_report_put_combination(v->r, combination, t);
    const cnn_summary *s = cnn_analysis_summary(a, cell, v->measure);
    cnn_table_text(t, "%s", v->r->names.levels[level]);
    if (s->counted >= 0 && s->counted != s->n)
        cnn_table_text(t, "%d in %d/%d", s->counted, s->n, a->counts[cell].planned);
    else
        cnn_table_text(t, "%d/%d", s->n, a->counts[cell].planned);
    cnn_table_text(t, "%s", v->r->a->measures[v->measure].name);
    cnn_table_number(t, s->n);
    cnn_table_number(t, a->counts[cell].planned);
}

enum { MOST_COLUMNS = CNN_MOST_KEY_COLUMNS + 5 + 12 };

static int add(cnn_table_column *columns, int n, const cells_view *v, const cnn_table_column *more,
               int count)
{
    for (int i = 0; i < count; i++) {
        columns[n] = more[i];
        if (columns[n].format == CNN_FORMAT_DIGITS && columns[n].scale == 0) {
            columns[n].scale = v->shown.scale; /* in the measure's units */
            if (columns[n].digits == 0)
                columns[n].digits = v->digits;
        }
        n++;
    }
    return n;
}
#define ADD(columns, n, v, more) add(columns, n, v, more, (int)(sizeof(more) / sizeof *(more)))

typedef void put_cell(const cells_view *v, int cell, const cnn_summary *s, cnn_table *t);

static void put_mean(const cells_view *v, int cell, const cnn_summary *s, cnn_table *t)
{
    cnn_table_number(t, s->mean);
    cnn_table_interval(t, s->mean_lower, s->mean_upper);
    cnn_table_number(t, v->images[cell] / s->mean);
    cnn_table_number(t, s->sd);
    cnn_table_number(t, s->cv);
    cnn_table_number(t, s->outliers < 0 ? NAN : s->outliers);
}

static void put_quantiles(const cells_view *v, int cell, const cnn_summary *s, cnn_table *t)
{
    (void)v;
    (void)cell;
    cnn_table_number(t, s->min);
    cnn_table_number(t, s->p5);
    cnn_table_number(t, s->q1);
    cnn_table_number(t, s->median);
    cnn_table_number(t, s->q3);
    cnn_table_number(t, s->p95);
    cnn_table_number(t, s->max);
}

static void put_order(const cells_view *v, int cell, const cnn_summary *s, cnn_table *t)
{
    (void)v;
    (void)cell;
    cnn_table_interval(t, s->median_lower, s->median_upper);
    cnn_table_number(t, s->median_coverage);
    cnn_table_number(t, s->variance);
    cnn_table_number(t, s->trend_rho);
    cnn_table_number(t, s->trend_p);
    cnn_table_number(t, s->autocorrelation);
}

/** Rows of all cells. */
static void put_cells(const cells_view *v, cnn_table *t, put_cell *put)
{
    const cnn_analysis *a = v->r->a;
    for (int k = 0; k < a->combination_count; k++) {
        for (int l = 0; l < a->level_count; l++) {
            put_keys(v, k, l, t);
            const int cell = cell_at(a, k, l);
            put(v, cell, cnn_analysis_summary(a, cell, v->measure), t);
        }
        if (a->level_count > 2)
            cnn_table_rule(t);
    }
}

/** Names the cells whose spread is unknown. */
static void note_gaps(const cells_view *v, cnn_table *t)
{
    const cnn_analysis *a = v->r->a;
    cnn_report_gap *gaps = calloc((size_t)a->cell_count + 1, sizeof *gaps);
    char **names = calloc((size_t)a->cell_count + 1, sizeof *names);
    int n = 0;
    for (int k = 0; gaps && names && k < a->combination_count; k++)
        for (int l = 0; l < a->level_count; l++, n++) {
            names[n] = cnn_asprintf("%s %s", v->r->names.combinations[k], v->r->names.levels[l]);
            const cnn_summary *x = cnn_analysis_summary(a, cell_at(a, k, l), v->measure);
            gaps[n] = (cnn_report_gap){names[n] ? names[n] : "",
                                       isnan(x->sd) ? x->reason : CNN_REASON_NONE};
        }
    cnn_report_note_gaps(t, gaps, n);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    free(gaps);
}

static void report_means(const cells_view *v)
{
    const bool has_rate = v->has_rate;
    const cnn_table_column more[] = {
        {.name = "mean", .title = "mean", .format = CNN_FORMAT_DIGITS},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .interval = true,
         .drop = 2},
        {.name = "images_per_second",
         .title = "images/s",
         .format = CNN_FORMAT_DIGITS,
         .digits = 4,
         .scale = 1,
         .left_out = has_rate ? 0 : CNN_ONLY_IN_CSV,
         .drop = 3},
        {.name = "sd", .title = "sd", .format = CNN_FORMAT_DIGITS, .digits = 3, .drop = 5},
        {.name = "cv",
         "CV",
         "%",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .scale = 100,
         .left_out = v->r->full ? 0 : CNN_ONLY_IN_CSV},
        {.name = "outliers", .title = "out", .format = CNN_FORMAT_WHOLE, .scale = 1, .drop = 6},
    };
    cnn_table_column columns[MOST_COLUMNS];
    int n = ADD(columns, key_columns(v, columns), v, more);
    cnn_table *t = cnn_document_table(v->r->out, "cells", columns, n, "%s, %s: means",
                                      v->shown.title, v->shown.unit);
    t->left_out = CNN_NOT_IN_CSV;
    put_cells(v, t, put_mean);
    if (v->r->full)
        cnn_table_note(
            t,
            "runs: counted/planned%s. interval: %.0f %% t interval of the mean, for more such runs "
            "on these devices, as if all %s were independent; levels are compared within blocks, "
            "not by these intervals. %sout: outliers, which stay in all figures.",
            v->shown.is_log ? "" : ", or seeds in these", 100 * (1 - v->r->a->alpha),
            v->shown.is_log ? "runs" : "seeds",
            has_rate ? "images/s: training images over the mean time. " : "");
    note_gaps(v, t);
}

static void report_quantiles(const cells_view *v)
{
    static const cnn_table_column more[] = {
        {.name = "min", .title = "min", .format = CNN_FORMAT_DIGITS},
        {.name = "p5", .title = "5 %", .format = CNN_FORMAT_DIGITS},
        {.name = "q1", .title = "25 %", .format = CNN_FORMAT_DIGITS},
        {.name = "median", .title = "median", .format = CNN_FORMAT_DIGITS},
        {.name = "q3", .title = "75 %", .format = CNN_FORMAT_DIGITS},
        {.name = "p95", .title = "95 %", .format = CNN_FORMAT_DIGITS},
        {.name = "max", .title = "max", .format = CNN_FORMAT_DIGITS},
    };
    cnn_table_column columns[MOST_COLUMNS];
    const int n = ADD(columns, key_columns(v, columns), v, more);
    cnn_table *t = cnn_document_table(v->r->out, "quantiles", columns, n, "%s, %s: quantiles",
                                      v->shown.title, v->shown.unit);
    put_cells(v, t, put_quantiles);
}

static void report_order(const cells_view *v)
{
    static const cnn_table_column more[] = {
        {.name = "median",
         .title = "median's interval",
         .format = CNN_FORMAT_DIGITS,
         .interval = true},
        {.name = "coverage", "covers", "%", .format = CNN_FORMAT_FIXED, .digits = 1, .scale = 100},
        {.name = "variance", .title = "variance", .format = CNN_FORMAT_DIGITS, .digits = 4},
        {.name = "trend_rho",
         .title = "trend",
         .format = CNN_FORMAT_FIXED,
         .digits = 2,
         .scale = 1},
        {.name = "trend_p", .title = "p", .format = CNN_FORMAT_P, .scale = 1},
        {.name = "autocorrelation",
         .title = "lag 1",
         .format = CNN_FORMAT_FIXED,
         .digits = 2,
         .scale = 1},
    };
    cnn_table_column columns[MOST_COLUMNS];
    const int n = ADD(columns, key_columns(v, columns), v, more);
    columns[n - 4].scale = v->shown.scale * v->shown.scale; /* variance */
    cnn_table *t = cnn_document_table(v->r->out, "order", columns, n,
                                      "%s: medians, variances (%s^2), and order in time",
                                      v->shown.title, v->shown.unit);
    put_cells(v, t, put_order);
    cnn_table_note(t, "median's interval: exact, by ranks; covers: with this probability. trend: "
                      "Spearman's correlation with the start time. lag 1: autocorrelation of "
                      "successive runs on a device.");
}

void cnn_report_cells(const cnn_report *r)
{
    double *images = calloc((size_t)r->a->cell_count + 1, sizeof *images);
    r->out->failed |= !images;
    for (int m = 0; images && m < r->a->measure_count; m++) {
        cells_view v = view_of(r, (cnn_measure)m);
        if (!r->full && !v.shown.is_main)
            continue;
        v.images = images;
        count_images(&v);
        report_means(&v);
        if (r->full) {
            report_quantiles(&v);
            report_order(&v);
        }
    }
    free(images);
}
