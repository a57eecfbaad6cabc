/* SPDX-License-Identifier: Apache-2.0 */
/* Learning curves: loss and error by epoch, the median over runs with a band between the quartiles. */
#include "figures/plots.h"
#include "stats/describe.h"
#include "stats/ranks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 400, HEIGHT = 300, TOP = 40, BOTTOM = 250, LEFT = 62, EDGE = 18 };

/** What is followed over the epochs. */
typedef struct {
    const char *name, *title, *axis;
    double scale;
    double (*value)(const cnn_epoch_row *);
} followed;

static double test_error(const cnn_epoch_row *e)
{
    return e->epoch_test_error;
}

static double train_loss(const cnn_epoch_row *e)
{
    return e->epoch_train_loss;
}

static const followed all_followed[] = {
    {"error", "test error", "test error, %", 100, test_error},
    {"loss", "training loss", "training loss, nat", 1, train_loss},
};

/** Sorted values of a cell's runs at an epoch; returns how many. */
static int values_at(const cnn_plots *p, int cell, int epoch, const followed *what, double *values)
{
    const cnn_groups *g = p->groups;
    int n = 0;
    for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++) {
        const size_t row = (size_t)g->cell_runs[i] * (size_t)p->results->epoch_count;
        const double x = what->value(&p->results->epochs[row + (size_t)epoch]);
        if (isfinite(x))
            values[n++] = x;
    }
    cnn_sort(values, n);
    return n;
}

/** A table for each level: epoch, quartiles. Returns how many rows it has. */
static int put_level(const cnn_plots *p, int cell, int level, const followed *what, double *values,
                     cnn_figure *f, cnn_axis *y)
{
    static const cnn_table_column columns[] = {
        {.name = "epoch", .title = "epoch", .format = CNN_FORMAT_WHOLE},
        {.name = "q1", .title = "quartile 1", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "median", .title = "median", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "q3", .title = "quartile 3", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "runs", .title = "runs", .format = CNN_FORMAT_WHOLE},
        {.name = "level", .title = "level"},
    };
    char part[16];
    snprintf(part, sizeof part, "%d", level + 1);
    cnn_table *t = cnn_figure_table(f, part, columns, CNN_COUNT(columns));
    for (int e = 0; e < p->results->epoch_count; e++) {
        const int n = values_at(p, cell, e, what, values);
        if (!n)
            continue;
        const double q1 = cnn_quantile(values, n, 0.25), q3 = cnn_quantile(values, n, 0.75);
        cnn_table_row(t);
        cnn_table_number(t, e + 1);
        cnn_table_number(t, q1);
        cnn_table_number(t, cnn_quantile(values, n, 0.5));
        cnn_table_number(t, q3);
        cnn_table_number(t, n);
        cnn_table_text(t, "%s", p->names->levels[level]);
        cnn_axis_cover(y, q1);
        cnn_axis_cover(y, q3);
    }
    return t->row_count;
}

static void put_plot(const int *rows, int levels, cnn_figure *f)
{
    bool first = true;
    CNN_SCRIPT(f, "plot ");
    for (int l = 0; l < levels; l++)
        if (rows[l]) {
            CNN_SCRIPT(f,
                       "%s'%s_%d.csv' using 'epoch':'q1':'q3' with filledcurves linecolor rgb '%s' "
                       "fillstyle transparent solid 0.18 noborder",
                       first ? "" : ", \\\n     ", f->name, l + 1, cnn_level_colour(l));
            first = false;
        }
    for (int l = 0; l < levels; l++)
        if (rows[l])
            CNN_SCRIPT(f,
                       ", \\\n     '%s_%d.csv' using 'epoch':'median' with linespoints linetype %d "
                       "linewidth 2 pointsize 0.5",
                       f->name, l + 1, cnn_level_type(l));
    CNN_SCRIPT(f, "\n");
}

static void plot_curves(const cnn_plots *p, int combination, const followed *what, double *values)
{
    const int levels =
        p->a->level_count < CNN_COLOURED_LEVELS ? p->a->level_count : CNN_COLOURED_LEVELS;
    int rows[CNN_COLOURED_LEVELS], any = 0;
    cnn_axis y = {.label = what->axis, .scale = what->scale};
    cnn_figure *f = cnn_figures_add(p->out, CNN_FIGURES_CURVES, WIDTH, HEIGHT, "curves_%s_%d",
                                    what->name, combination);
    if (!f)
        return;
    for (int l = 0; l < levels; l++)
        any += rows[l] = put_level(p, p->a->cell_of[combination * p->a->level_count + l], l, what,
                                   values, f, &y);
    cnn_axis x = {.label = "epoch", .is_set = true, .low = 1, .high = p->results->epoch_count};
    cnn_axis_pad(&x, 0.03);
    y.is_log = y.is_set && y.low > 0 && y.high > 10 * y.low;
    cnn_axis_pad(&y, 0.06);
    cnn_script_panel(f, (cnn_frame){LEFT, TOP, WIDTH - EDGE, BOTTOM}, &x, &y);
    cnn_script_key(f, p->names->levels, p->a->level_count, LEFT + 6, 18);
    if (any)
        put_plot(rows, levels, f);
    cnn_figure_title(f, "%s: %s by epoch", cnn_plots_combination(p, combination), what->title);
    cnn_figure_alt(f,
                   "Median %s over the runs of each level, by epoch, with bands between the "
                   "quartiles, from epoch 1 to %d.",
                   what->title, p->results->epoch_count);
    if (p->a->level_count > levels)
        cnn_figure_note(f, "The first eight levels are drawn.");
}

/** Whether any run of a combination reports it. */
static bool is_reported(const cnn_plots *p, int combination, const followed *what, double *values)
{
    int n = 0;
    for (int l = 0; l < p->a->level_count; l++)
        n += values_at(p, p->a->cell_of[combination * p->a->level_count + l], 0, what, values);
    return n > 0;
}

void cnn_plot_curves(const cnn_plots *p)
{
    int chosen[CNN_MOST_CURVES];
    double *values = calloc((size_t)p->a->run_count + 1, sizeof *values);
    p->out->failed |= !values;
    const int n = p->a->pair_count && p->results->epoch_count > 1
                      ? cnn_plots_choose(p, p->a->primary, 0, CNN_MOST_CURVES, chosen)
                      : 0;
    for (int w = 0; values && w < CNN_COUNT(all_followed); w++)
        for (int i = 0; i < n; i++)
            if (is_reported(p, p->a->pairs[chosen[i]].combination, &all_followed[w], values))
                plot_curves(p, p->a->pairs[chosen[i]].combination, &all_followed[w], values);
    free(values);
}
