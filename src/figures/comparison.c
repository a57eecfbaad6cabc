/* SPDX-License-Identifier: Apache-2.0 */
/* Means of the levels with intervals, combination beside combination; where the job is the study, an
 * architecture a figure, with the published means beside. */
#include "figures/plots.h"
#include "figures/study.h"

#include <math.h>
#include <string.h>

enum { MOST = 12, HEIGHT = 330, TOP = 48, BOTTOM = 282, LEFT = 66, EDGE = 16, GAP = 70 };

/** Combinations of one figure. */
typedef struct {
    int combinations[MOST];
    int n;
    int architecture; /* of the study; 0: none */
} group;

static const cnn_table_column columns[] = {
    {.name = "x", .title = "x", .format = CNN_FORMAT_FIXED, .digits = 3},
    {.name = "mean", .title = "mean", .format = CNN_FORMAT_DIGITS, .digits = 6},
    {.name = "low", .title = "low", .format = CNN_FORMAT_DIGITS, .digits = 6},
    {.name = "high", .title = "high", .format = CNN_FORMAT_DIGITS, .digits = 6},
    {.name = "level_number", .title = "level", .format = CNN_FORMAT_WHOLE},
    {.name = "shape", .title = "shape", .format = CNN_FORMAT_WHOLE},
    {.name = "level", .title = "level"},
    {.name = "combination", .title = "combination"},
};

static void put_row(const cnn_plots *p, const group *g, int i, int level, double mean, double low,
                    double high, cnn_table *t, cnn_axis *y)
{
    const double spread = 0.6 / p->a->level_count;
    if (isnan(mean))
        return;
    cnn_table_row(t);
    cnn_table_number(t, i + 1 + spread * (level - (p->a->level_count - 1) / 2.0));
    cnn_table_number(t, mean);
    cnn_table_number(t, low);
    cnn_table_number(t, high);
    cnn_table_number(t, cnn_level_type(level));
    cnn_table_number(t, cnn_level_shape(level));
    cnn_table_text(t, "%s", p->names->levels[level]);
    cnn_table_text(t, "%s", cnn_plots_combination(p, g->combinations[i]));
    cnn_axis_cover(y, mean);
    cnn_axis_cover(y, low);
    cnn_axis_cover(y, high);
}

static void put_here(const cnn_plots *p, const group *g, cnn_measure measure, cnn_table *t,
                     cnn_axis *y)
{
    for (int i = 0; i < g->n; i++)
        for (int l = 0; l < p->a->level_count; l++) {
            const int cell = p->a->cell_of[g->combinations[i] * p->a->level_count + l];
            const cnn_summary *s = cnn_analysis_summary(p->a, cell, measure);
            put_row(p, g, i, l, s->mean, s->mean_lower, s->mean_upper, t, y);
        }
}

static void put_published(const cnn_plots *p, const group *g, cnn_measure measure, cnn_table *t,
                          cnn_axis *y)
{
    for (int i = 0; i < g->n; i++)
        for (int l = 0; l < p->a->level_count; l++) {
            const cnn_study_value v = cnn_study_of(p, g->combinations[i], l, measure);
            put_row(p, g, i, l, v.mean, v.mean - v.sd, v.mean + v.sd, t, y);
        }
}

/** A panel of a table NAME_part. */
static void put_panel(const cnn_plots *p, const group *g, const char *part, cnn_frame frame,
                      cnn_axis *y, cnn_figure *f)
{
    const char *names[MOST];
    const cnn_axis x = {.is_set = true, .low = 0.5, .high = g->n + 0.5};
    for (int i = 0; i < g->n; i++)
        names[i] = cnn_plots_combination(p, g->combinations[i]);
    y->is_log = y->is_set && y->low > 0 && y->high > 4 * y->low;
    cnn_axis_pad(y, 0.08);
    cnn_script_panel(f, frame, &x, y);
    cnn_script_names(f, 'x', names, g->n, (int)((frame.right - frame.left) / g->n / 7));
    CNN_SCRIPT(f, "set label %s at screen %.5f, screen %.5f left textcolor rgb '%s'\n",
               strcmp(part, "here") ? "'published, mean and sd'" : "'here, mean and interval'",
               frame.left / f->width, 1 - (TOP - 8.0) / f->height,
               cnn_colours_light[CNN_COLOUR_MUTED]);
    if (!strcmp(part, "here"))
        cnn_script_key(f, p->names->levels, p->a->level_count, frame.left + 6, 14);
    CNN_SCRIPT(f,
               "plot '%s_%s.csv' using 'x':'mean':'low':'high':'shape':'level_number' with "
               "yerrorbars linewidth 2 pointsize 0.9 pointtype variable linecolor variable, "
               "\\\n     '' using 'x':'mean':'shape':'level_number' with points pointsize 0.9 "
               "pointtype variable linecolor variable\n",
               f->name, part);
}

static void put_title(const cnn_plots *p, const group *g, const cnn_plot_measure *m, cnn_figure *f)
{
    cnn_text alt = {0};
    const int number =
        g->architecture ? cnn_study_comparison_figure(g->architecture, m->measure) : 0;
    if (number)
        cnn_figure_title(f, "Figure %d of the study: architecture %d, %s on its data sets", number,
                         g->architecture, m->lower);
    else
        cnn_figure_title(f, "%s of all combinations", m->title);
    for (int i = 0; i < g->n; i++)
        for (int l = 0; l < p->a->level_count; l++) {
            const int cell = p->a->cell_of[g->combinations[i] * p->a->level_count + l];
            const cnn_summary *s = cnn_analysis_summary(p->a, cell, m->measure);
            if (s->n > 0)
                cnn_text_printf(&alt, " %s, %s: %.4g.",
                                cnn_plots_combination(p, g->combinations[i]), p->names->levels[l],
                                m->scale * s->mean);
        }
    cnn_figure_alt(f, "Means of %s with intervals.%s", m->axis, alt.s ? alt.s : "");
    f->tables.failed |= alt.failed;
    cnn_text_free(&alt);
    cnn_figure_note(f, "Here: intervals of the means at %.4g %%.%s%s", 100 * (1 - p->a->alpha),
                    number ? " Published: one standard deviation on either side; machines differ, "
                             "so that ratios compare, not seconds."
                           : "",
                    number && m->scale == 100 ? " The study printed accuracies; errors are 100 % "
                                                "minus these."
                                              : "");
}

static void plot_group(const cnn_plots *p, const group *g, const cnn_plot_measure *m, int number)
{
    const int room = g->n <= 4 ? 300 : g->n * 76;
    const int right = LEFT + room;
    const int width = right + EDGE + (g->architecture ? GAP + room : 0);
    cnn_figure *f = cnn_figures_add(p->out, CNN_FIGURES_RUNS, width, HEIGHT, "comparison_%s_%d",
                                    p->a->measures[m->measure].name, number);
    if (!f)
        return;
    cnn_axis y = {.label = m->axis, .scale = m->scale};
    put_here(p, g, m->measure, cnn_figure_table(f, "here", columns, CNN_COUNT(columns)), &y);
    put_panel(p, g, "here", (cnn_frame){LEFT, TOP, right, BOTTOM}, &y, f);
    if (g->architecture) {
        cnn_axis there = {.scale = m->scale};
        put_published(p, g, m->measure,
                      cnn_figure_table(f, "published", columns, CNN_COUNT(columns)), &there);
        put_panel(p, g, "published", (cnn_frame){right + GAP, TOP, width - EDGE, BOTTOM}, &there,
                  f);
    }
    put_title(p, g, m, f);
}

/** The study's architectures, one after the other. */
static void plot_study(const cnn_plots *p, const cnn_plot_measure *m)
{
    for (int architecture = 1; architecture <= 2; architecture++) {
        group g = {.architecture = architecture};
        for (int k = 0; k < p->a->combination_count && g.n < MOST; k++)
            if (cnn_study_architecture(p, k) == architecture)
                g.combinations[g.n++] = k;
        if (g.n)
            plot_group(p, &g, m, architecture);
    }
}

void cnn_plot_comparison(const cnn_plots *p, cnn_measure measure)
{
    const cnn_plot_measure m = cnn_plot_measure_of(p, measure);
    int chosen[MOST];
    group g = {0};
    if (p->names->any_study && cnn_study_comparison_figure(1, measure)) {
        plot_study(p, &m);
        return;
    }
    if (p->a->combination_count < 2 || !p->a->pair_count)
        return;
    g.n = cnn_plots_choose(p, measure, 0, MOST, chosen);
    for (int i = 0; i < g.n; i++)
        g.combinations[i] = p->a->pairs[chosen[i]].combination;
    plot_group(p, &g, &m, 0);
}
