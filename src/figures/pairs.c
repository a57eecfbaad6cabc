/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of runs: each block as a line from level to level, and the distribution of the differences
 * (an estimation plot). */
#include "figures/plots.h"
#include "stats/describe.h"
#include "stats/moments.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WIDTH = 470,
    HEIGHT = 320,
    TOP = 20,
    BOTTOM = 276,
    LEFT = 62,
    MIDDLE = 232,
    RIGHT = 312,
    EDGE = 16
};
enum { DENSITY_POINTS = 81 };

/** A block of groups with both runs, and their difference on the analysed scale. */
typedef struct {
    int block;
    double difference;
} whole_block;

static int by_difference(const void *a, const void *b)
{
    const whole_block *x = a, *y = b;
    if (x->difference != y->difference)
        return x->difference < y->difference ? -1 : 1;
    return x->block - y->block;
}

static whole_block *list_blocks(const cnn_plots *p, int comparison, cnn_measure measure, int *n)
{
    const cnn_pair *pair = &p->a->pairs[comparison];
    const int first = p->groups->combination_start[pair->combination];
    const int end = p->groups->combination_start[pair->combination + 1];
    whole_block *list = calloc((size_t)(end - first) + 1, sizeof *list);
    p->out->failed |= !list;
    *n = 0;
    for (int b = first; list && b < end; b++) {
        const double d = cnn_plots_difference(p, b, pair, measure);
        if (!isnan(d))
            list[(*n)++] = (whole_block){b, d};
    }
    if (list)
        qsort(list, (size_t)*n, sizeof *list, by_difference);
    return list;
}

static void put_lines(const cnn_plots *p, const cnn_pair *pair, const whole_block *list, int n,
                      cnn_measure measure, cnn_figure *f, cnn_axis *y)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_WHOLE},
        {.name = "a_value", .title = "a", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "x_step", .title = "step", .format = CNN_FORMAT_WHOLE},
        {.name = "a_to_b", .title = "b less a", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "x_end", .title = "x", .format = CNN_FORMAT_WHOLE},
        {.name = "b_value", .title = "b", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "block", .title = "block", .format = CNN_FORMAT_WHOLE},
        {.name = "device", .title = "device"},
    };
    cnn_table *t = cnn_figure_table(f, "blocks", columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        const int *runs = &p->groups->block_runs[list[i].block * p->a->level_count];
        const double a = cnn_groups_value(p->groups, runs[pair->a], measure);
        const double b = cnn_groups_value(p->groups, runs[pair->b], measure);
        if (!cnn_plots_is_kept(i, n, CNN_MOST_POINTS / 2))
            continue;
        cnn_table_row(t);
        cnn_table_number(t, 1);
        cnn_table_number(t, a);
        cnn_table_number(t, 1);
        cnn_table_number(t, b - a);
        cnn_table_number(t, 2);
        cnn_table_number(t, b);
        cnn_table_number(t, p->groups->blocks[list[i].block].block);
        cnn_table_text(t, "%s", p->results->measured[runs[pair->a]].device);
        cnn_axis_cover(y, a);
        cnn_axis_cover(y, b);
    }
}

/** A difference as drawn: a ratio of times. */
static double shown(double difference, bool is_log)
{
    return is_log ? exp(difference) : difference;
}

static void put_differences(const whole_block *list, int n, bool is_log, cnn_figure *f, cnn_axis *y)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "difference", .title = "difference", .format = CNN_FORMAT_DIGITS, .digits = 6},
    };
    cnn_table *t = cnn_figure_table(f, "differences", columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        if (!cnn_plots_is_kept(i, n, CNN_MOST_POINTS))
            continue;
        cnn_table_row(t);
        cnn_table_number(t, 0.2 + 0.24 * cnn_plots_jitter(i));
        cnn_table_number(t, shown(list[i].difference, is_log));
        cnn_axis_cover(y, shown(list[i].difference, is_log));
    }
}

/** A Gaussian kernel density of the differences, its bandwidth by Silverman's rule (0.9 times the
 *  lesser of sd and quartile range / 1.34, times n^-0.2), as widths of a shape whose widest is 0.5. */
static void put_density(const whole_block *list, int n, bool is_log, cnn_figure *f, cnn_axis *y)
{
    static const cnn_table_column columns[] = {
        {.name = "x_left", .title = "from", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "x_right", .title = "to", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "difference", .title = "difference", .format = CNN_FORMAT_DIGITS, .digits = 6},
    };
    double *d = calloc((size_t)n + 1, sizeof *d), most = 0, density[DENSITY_POINTS];
    cnn_table *t = cnn_figure_table(f, "density", columns, CNN_COUNT(columns));
    f->tables.failed |= !d;
    for (int i = 0; d && i < n; i++)
        d[i] = list[i].difference;
    const double sd = d && n > 1 ? sqrt(cnn_variance(d, n)) : 0;
    const double iqr = d && n > 1 ? cnn_quantile(d, n, 0.75) - cnn_quantile(d, n, 0.25) : 0;
    const double width = 0.9 * (iqr > 0 ? fmin(sd, iqr / 1.34) : sd) * pow(n, -0.2);
    if (d && n >= 4 && width > 0) {
        const double low = d[0] - 2 * width,
                     step = (d[n - 1] + 2 * width - low) / (DENSITY_POINTS - 1);
        for (int k = 0; k < DENSITY_POINTS; k++) {
            density[k] = 0;
            for (int i = 0; i < n; i++) {
                const double z = (low + k * step - d[i]) / width;
                density[k] += exp(-z * z / 2);
            }
            most = fmax(most, density[k]);
        }
        for (int k = 0; k < DENSITY_POINTS; k++) {
            cnn_table_row(t);
            cnn_table_number(t, 0.42);
            cnn_table_number(t, 0.42 + 0.5 * density[k] / most);
            cnn_table_number(t, shown(low + k * step, is_log));
            cnn_axis_cover(y, shown(low + k * step, is_log));
        }
    }
    free(d);
}

static void put_mean(const cnn_comparison *x, bool is_log, cnn_figure *f, cnn_axis *y)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "mean", .title = "mean", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
    };
    const double low = is_log ? x->paired_ratio_lower : x->paired_difference_lower;
    const double high = is_log ? x->paired_ratio_upper : x->paired_difference_upper;
    cnn_table *t = cnn_figure_table(f, "mean", columns, CNN_COUNT(columns));
    cnn_table_row(t);
    cnn_table_number(t, 0.42);
    cnn_table_number(t, is_log ? x->paired_ratio : x->paired_difference);
    cnn_table_interval(t, low, high);
    cnn_axis_cover(y, low);
    cnn_axis_cover(y, high);
}

static void put_left_panel(const cnn_plots *p, const cnn_pair *pair, const cnn_plot_measure *m,
                           cnn_axis *y, cnn_figure *f)
{
    const char *names[2] = {p->names->levels[pair->a], p->names->levels[pair->b]};
    const cnn_axis x = {.is_set = true, .low = 0.75, .high = 2.25};
    y->label = m->axis;
    y->scale = m->scale;
    cnn_axis_pad(y, 0.05);
    cnn_script_panel(f, (cnn_frame){LEFT, TOP, MIDDLE, BOTTOM}, &x, y);
    cnn_script_names(f, 'x', names, 2, 12);
    CNN_SCRIPT(f,
               "plot '%s_blocks.csv' using 'x':'a_value':'x_step':'a_to_b' with vectors nohead "
               "linewidth 1 linecolor rgb '%s', \\\n"
               "     '' using 'x':'a_value' with points linetype %d pointsize 0.6, \\\n"
               "     '' using 'x_end':'b_value' with points linetype %d pointsize 0.6\n",
               f->name, cnn_colours_light[CNN_COLOUR_RULE], cnn_level_type(pair->a),
               cnn_level_type(pair->b));
}

static void put_right_panel(const cnn_plots *p, const cnn_plot_measure *m, cnn_axis *y,
                            bool has_density, cnn_figure *f)
{
    const double margin = p->a->margin[m->measure];
    const double none = m->is_log ? 1 : 0;
    const cnn_axis x = {.is_set = true, .low = 0, .high = 1};
    cnn_axis_cover(y, none);
    cnn_axis_pad(y, 0.06);
    cnn_script_panel(f, (cnn_frame){RIGHT, TOP, WIDTH - EDGE, BOTTOM}, NULL, y);
    CNN_SCRIPT(f, "set xrange [%g:%g]\n", x.low, x.high);
    if (!isnan(margin))
        cnn_script_band(f, 'y', fmax(y->low, m->is_log ? exp(-margin) : -margin),
                        fmin(y->high, m->is_log ? exp(margin) : margin), CNN_COLOUR_BAND);
    cnn_script_line(f, 'y', none, CNN_COLOUR_RULE, true);
    cnn_script_label(f, (RIGHT + WIDTH - EDGE) / 2.0, BOTTOM + 18, CNN_ALIGN_CENTER, CNN_COLOUR_INK,
                     "blocks, mean");
    CNN_SCRIPT(f, "plot ");
    if (has_density)
        CNN_SCRIPT(f,
                   "'%s_density.csv' using 'x_right':'difference' with lines linewidth 1.5 "
                   "linecolor rgb '%s', \\\n     ",
                   f->name, cnn_colours_light[CNN_COLOUR_RULE]);
    CNN_SCRIPT(f,
               "'%s_differences.csv' using 'x':'difference' with points pointtype 7 pointsize 0.5 "
               "linecolor rgb '%s', \\\n"
               "     '%s_mean.csv' using 'x':'mean':'interval_low':'interval_high' with yerrorbars "
               "pointtype 7 pointsize 1 linewidth 2.5 linecolor rgb '%s'\n",
               f->name, cnn_colours_light[CNN_COLOUR_MUTED], f->name,
               cnn_colours_light[CNN_COLOUR_INK]);
}

static void put_texts(const cnn_plots *p, int comparison, const cnn_plot_measure *m, int n,
                      cnn_figure *f)
{
    const cnn_pair *pair = &p->a->pairs[comparison];
    const cnn_comparison *x = cnn_analysis_comparison(p->a, comparison, m->measure);
    cnn_text finding = {0};
    cnn_plots_finding(p, comparison, m->measure, &finding);
    cnn_figure_title(f, "%s, %s: %s", cnn_plots_combination(p, pair->combination), m->lower,
                     finding.s ? finding.s : "");
    f->tables.failed |= finding.failed;
    cnn_text_free(&finding);
    cnn_figure_alt(f,
                   "Left, each of %d blocks as a line from its run of %s to that of %s. Right, the "
                   "%s within the blocks, with density, mean %.4g and its interval.",
                   n, p->names->levels[pair->a], p->names->levels[pair->b],
                   m->is_log ? "ratios" : "differences",
                   m->is_log ? x->paired_ratio : m->scale * x->paired_difference);
    cnn_figure_note(f, "%d blocks.%s", n,
                    n > CNN_MOST_POINTS / 2
                        ? " Every n-th block by its difference is drawn, and the first and last."
                        : "");
}

static void plot_pair(const cnn_plots *p, int comparison, const cnn_plot_measure *m)
{
    const cnn_pair *pair = &p->a->pairs[comparison];
    const cnn_comparison *x = cnn_analysis_comparison(p->a, comparison, m->measure);
    char label[160];
    int n = 0;
    whole_block *list = list_blocks(p, comparison, m->measure, &n);
    cnn_figure *f = list && n > 1 && isfinite(x->paired_mean)
                        ? cnn_figures_add(p->out, CNN_FIGURES_PAIRS, WIDTH, HEIGHT, "pairs_%s_%d",
                                          p->a->measures[m->measure].name, comparison)
                        : NULL;
    if (f) {
        cnn_axis values = {0}, differences = {.is_log = m->is_log, .scale = m->scale};
        snprintf(label, sizeof label, "%s / %s, %s", p->names->levels[pair->a],
                 p->names->levels[pair->b], "ratio");
        if (!m->is_log)
            snprintf(label, sizeof label, "%s minus %s%s", p->names->levels[pair->a],
                     p->names->levels[pair->b], m->scale == 100 ? ", points" : "");
        differences.label = label;
        put_lines(p, pair, list, n, m->measure, f, &values);
        put_differences(list, n, m->is_log, f, &differences);
        put_density(list, n, m->is_log, f, &differences);
        put_mean(x, m->is_log, f, &differences);
        put_left_panel(p, pair, m, &values, f);
        put_right_panel(p, m, &differences, n >= 4 && list[0].difference < list[n - 1].difference,
                        f);
        put_texts(p, comparison, m, n, f);
    }
    free(list);
}

void cnn_plot_pairs(const cnn_plots *p, cnn_measure measure)
{
    int chosen[CNN_MOST_PAIRS];
    const cnn_plot_measure m = cnn_plot_measure_of(p, measure);
    if (measure != p->a->primary)
        return;
    const int n = cnn_plots_choose(p, measure, -1, CNN_MOST_PAIRS, chosen);
    for (int i = 0; i < n; i++)
        plot_pair(p, chosen[i], &m);
}
