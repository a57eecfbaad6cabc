/* SPDX-License-Identifier: Apache-2.0 */
/* Box plot of every level of a combination with all its runs as points; where the job is the study,
 * the study's means and standard deviations stand beside. */
#include "figures/plots.h"
#include "figures/study.h"
#include "stats/ranks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEIGHT = 306, TOP = 40, BOTTOM = 276, LEFT = 62, LEVEL_ROOM = 110, ASIDE = 210, EDGE = 18 };
enum { MOST_OUTLIERS_NAMED = 6 };

typedef struct {
    int run;
    double value;
} run_value;

static int by_value(const void *a, const void *b)
{
    const run_value *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->run - y->run;
}

/** The runs of a cell that have a value, sorted by it; *out is owned by the caller. */
static int sorted_runs(const cnn_plots *p, int cell, cnn_measure measure, run_value **out)
{
    const cnn_groups *g = p->groups;
    const int first = g->cell_start[cell], end = g->cell_start[cell + 1];
    int n = 0;
    run_value *runs = calloc((size_t)(end - first) + 1, sizeof *runs);
    p->out->failed |= !runs;
    for (int i = first; runs && i < end; i++) {
        const double x = cnn_groups_value(g, g->cell_runs[i], measure);
        if (isfinite(x))
            runs[n++] = (run_value){g->cell_runs[i], x};
    }
    if (runs)
        qsort(runs, (size_t)n, sizeof *runs, by_value);
    *out = runs;
    return n;
}

static bool is_outlier(const cnn_plots *p, int run, cnn_measure measure)
{
    return p->a->outlier[run * p->a->measure_count + (int)measure] > CNN_OUTLIER_NO;
}

/** The points of a level; outliers are all drawn. Returns whether some runs are not. */
static bool put_points(const cnn_plots *p, int cell, int level, cnn_measure measure, cnn_table *t,
                       cnn_figure *f, cnn_axis *y)
{
    run_value *runs = NULL;
    const int n = sorted_runs(p, cell, measure, &runs);
    int named = 0;
    for (int i = 0; i < n; i++) {
        const bool is_out = is_outlier(p, runs[i].run, measure);
        if (!is_out && !cnn_plots_is_kept(i, n, CNN_MOST_POINTS))
            continue;
        const double x = level + 1 + 0.56 * cnn_plots_jitter(i);
        cnn_table_row(t);
        cnn_table_number(t, x);
        cnn_table_number(t, runs[i].value);
        cnn_table_number(t, cnn_level_type(level));
        cnn_table_number(t, is_out);
        cnn_table_number(t, runs[i].run);
        cnn_table_text(t, "%s", p->names->levels[level]);
        cnn_axis_cover(y, runs[i].value);
        if (is_out && named++ < MOST_OUTLIERS_NAMED)
            CNN_SCRIPT(
                f,
                "set label 'run %d' at first %.17g, first %.17g left offset 0.7, 0 font ',10' "
                "textcolor rgb '%s'\n",
                runs[i].run, x, runs[i].value, cnn_colours_light[CNN_COLOUR_MUTED]);
    }
    free(runs);
    return n > CNN_MOST_POINTS;
}

/** Ends of the whiskers: the least and the greatest value within the fences. */
static void find_whiskers(const cnn_plots *p, int cell, cnn_measure measure, double ends[2])
{
    run_value *runs = NULL;
    const int n = sorted_runs(p, cell, measure, &runs);
    ends[0] = ends[1] = NAN;
    for (int i = 0; i < n; i++) {
        if (is_outlier(p, runs[i].run, measure))
            continue;
        if (isnan(ends[0]))
            ends[0] = runs[i].value;
        ends[1] = runs[i].value;
    }
    free(runs);
}

static void put_boxes(const cnn_plots *p, int combination, cnn_measure measure, cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_WHOLE},
        {.name = "x_left", .title = "from", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "x_right", .title = "to", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "whisker_low", .title = "whisker", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "q1", .title = "quartile 1", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "median", .title = "median", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "q3", .title = "quartile 3", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "whisker_high", .title = "whisker", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "n", .title = "runs", .format = CNN_FORMAT_WHOLE},
        {.name = "level", .title = "level"},
    };
    cnn_table *t = cnn_figure_table(f, "boxes", columns, CNN_COUNT(columns));
    for (int l = 0; l < p->a->level_count; l++) {
        const int cell = p->a->cell_of[combination * p->a->level_count + l];
        const cnn_summary *s = cnn_analysis_summary(p->a, cell, measure);
        double ends[2];
        find_whiskers(p, cell, measure, ends);
        cnn_table_row(t);
        cnn_table_number(t, l + 1);
        cnn_table_number(t, l + 0.66);
        cnn_table_number(t, l + 1.34);
        cnn_table_number(t, ends[0]);
        cnn_table_number(t, s->q1);
        cnn_table_number(t, s->median);
        cnn_table_number(t, s->q3);
        cnn_table_number(t, ends[1]);
        cnn_table_number(t, s->n);
        cnn_table_text(t, "%s", p->names->levels[l]);
    }
}

static void put_title(const cnn_plots *p, int comparison, int combination,
                      const cnn_plot_measure *m, bool is_thinned, bool has_study, cnn_figure *f)
{
    cnn_text finding = {0}, alt = {0};
    const int number = cnn_study_figure(p, combination, m->measure);
    if (p->a->level_count == 2)
        cnn_plots_finding(p, comparison, m->measure, &finding);
    else
        cnn_text_printf(&finding, "%s by %s", m->lower, cnn_plots_contrast(p));
    if (number)
        cnn_figure_title(f, "Figure %d of the study, %s, %s: %s", number,
                         cnn_plots_combination(p, combination), m->lower,
                         finding.s ? finding.s : "");
    else
        cnn_figure_title(f, "%s, %s: %s", cnn_plots_combination(p, combination), m->lower,
                         finding.s ? finding.s : "");
    for (int l = 0; l < p->a->level_count; l++) {
        const int cell = p->a->cell_of[combination * p->a->level_count + l];
        const cnn_summary *s = cnn_analysis_summary(p->a, cell, m->measure);
        if (s->n > 0)
            cnn_text_printf(&alt, " %s: median %.4g, quartiles %.4g and %.4g, %d run%s.",
                            p->names->levels[l], m->scale * s->median, m->scale * s->q1,
                            m->scale * s->q3, s->n, cnn_plots_plural(s->n));
    }
    cnn_figure_alt(f, "Box plots of %s with every run as a point.%s", m->axis, alt.s ? alt.s : "");
    if (is_thinned || has_study)
        cnn_figure_note(f, "%s%s%s",
                        has_study ? "Right: published mean and standard deviation of 15 runs." : "",
                        is_thinned && has_study ? " " : "",
                        is_thinned ? "Of more than 400 runs of a level, every n-th by value is "
                                     "drawn, and every outlier."
                                   : "");
    f->tables.failed |= finding.failed || alt.failed;
    cnn_text_free(&finding);
    cnn_text_free(&alt);
}

static void plot_combination(const cnn_plots *p, int comparison, int combination,
                             const cnn_plot_measure *m)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "value", .title = "value", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "level_number", .title = "level", .format = CNN_FORMAT_WHOLE},
        {.name = "is_outlier", .title = "outlier", .format = CNN_FORMAT_WHOLE},
        {.name = "run", .title = "run", .format = CNN_FORMAT_WHOLE},
        {.name = "level", .title = "level"},
    };
    const int levels = p->a->level_count;
    const bool has_study = cnn_study_figure(p, combination, m->measure) > 0;
    const int room = levels <= 2 ? (has_study ? 220 : 290) : levels * LEVEL_ROOM;
    const int right = LEFT + room;
    const int width = right + EDGE + (has_study ? ASIDE : 0);
    bool is_thinned = false;
    cnn_figure *f = cnn_figures_add(p->out, CNN_FIGURES_RUNS, width, HEIGHT, "boxes_%s_%d",
                                    p->a->measures[m->measure].name, combination);
    if (!f)
        return;
    const cnn_axis x = {.is_set = true, .low = 0.5, .high = levels + 0.5};
    cnn_axis y = {.label = m->axis, .scale = m->scale};
    cnn_table *t = cnn_figure_table(f, "runs", columns, CNN_COUNT(columns));
    cnn_text script = f->script;
    f->script = (cnn_text){0}; /* labels of outliers, which follow the panel's start */
    for (int l = 0; l < levels; l++)
        is_thinned |=
            put_points(p, p->a->cell_of[combination * levels + l], l, m->measure, t, f, &y);
    cnn_text labels = f->script;
    f->script = script;
    put_boxes(p, combination, m->measure, f);
    cnn_axis_pad(&y, 0.06);
    cnn_script_panel(f, (cnn_frame){LEFT, TOP, right, BOTTOM}, &x, &y);
    cnn_script_names(f, 'x', p->names->levels, levels, room / levels / 7);
    cnn_text_append(&f->script, labels.s ? labels.s : "");
    f->script.failed |= labels.failed;
    cnn_text_free(&labels);
    if (has_study)
        cnn_script_label(f, LEFT, 18, CNN_ALIGN_LEFT, CNN_COLOUR_MUTED, "here");
    CNN_SCRIPT(f,
               "plot '%s_boxes.csv' using 'x':'whisker_low':'x':'x':'whisker_low':'whisker_high' "
               "with boxxyerror linecolor rgb '%s' linewidth 1 fillstyle empty border, \\\n"
               "     '' using 'x':'median':'x_left':'x_right':'q1':'q3' with boxxyerror linecolor "
               "rgb '%s' linewidth 1 fillstyle empty border, \\\n"
               "     '' using 'x':'median':'x_left':'x_right':'median':'median' with boxxyerror "
               "linecolor rgb '%s' linewidth 3 fillstyle empty border, \\\n"
               "     '%s_runs.csv' using 'x':'value':'level_number' with points pointtype 7 "
               "pointsize 0.55 linecolor variable\n",
               f->name, cnn_colours_light[CNN_COLOUR_RULE], cnn_colours_light[CNN_COLOUR_RULE],
               cnn_colours_light[CNN_COLOUR_INK], f->name);
    if (has_study)
        cnn_study_panel(p, combination, m->measure,
                        (cnn_frame){right + 68, TOP, width - EDGE, BOTTOM}, f);
    put_title(p, comparison, combination, m, is_thinned, has_study, f);
}

void cnn_plot_boxes(const cnn_plots *p, cnn_measure measure)
{
    int chosen[CNN_MOST_BOXES];
    const cnn_plot_measure m = cnn_plot_measure_of(p, measure);
    const bool compares = p->a->pair_count > 0;
    const int n = compares ? cnn_plots_choose(p, measure, 0, CNN_MOST_BOXES, chosen)
                           : fmin(p->a->combination_count, CNN_MOST_BOXES);
    for (int i = 0; i < n; i++) {
        const int combination = compares ? p->a->pairs[chosen[i]].combination : i;
        bool any = false;
        for (int l = 0; l < p->a->level_count; l++)
            any |= cnn_analysis_summary(p->a, p->a->cell_of[combination * p->a->level_count + l],
                                        measure)
                       ->n > 0;
        if (any)
            plot_combination(p, compares ? chosen[i] : -1, combination, &m);
    }
}
