/* SPDX-License-Identifier: Apache-2.0 */
/* What the two tests say of each comparison: p of a difference, and p of TOST against it. */
#include "figures/plots.h"

#include <math.h>
#include <stdio.h>

enum { ROW = 26, TOP = 44, LABELS = 250, WIDTH = 720, EDGE = 28 };

/** Smaller p values are drawn here; the table has them as they are. */
static const double least_drawn = 1e-6;

static double drawn(double p)
{
    return p < least_drawn ? least_drawn : p;
}

static void put_rows(const cnn_plots *p, const int *rows, int n, cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "row", .title = "row", .format = CNN_FORMAT_WHOLE},
        {.name = "p_differ_drawn", .title = "drawn", .format = CNN_FORMAT_P},
        {.name = "p_equal_drawn", .title = "drawn", .format = CNN_FORMAT_P},
        {.name = "p_differ", .title = "p differ", .format = CNN_FORMAT_P},
        {.name = "p_equal", .title = "p equal", .format = CNN_FORMAT_P},
        {.name = "verdict", .title = "verdict"},
        {.name = "a", .title = "a"},
        {.name = "b", .title = "b"},
        {.name = "combination", .title = "combination"},
    };
    cnn_table *t = cnn_figure_table(f, NULL, columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        const cnn_comparison *x = cnn_analysis_comparison(p->a, rows[i], p->a->primary);
        const cnn_pair *pair = &p->a->pairs[rows[i]];
        cnn_table_row(t);
        cnn_table_number(t, n - i);
        cnn_table_number(t, drawn(x->paired_p_holm));
        cnn_table_number(t, drawn(x->tost_p_holm));
        cnn_table_number(t, x->paired_p_holm);
        cnn_table_number(t, x->tost_p_holm);
        cnn_table_text(t, "%s", cnn_plots_verdict(x));
        cnn_table_text(t, "%s", p->names->levels[pair->a]);
        cnn_table_text(t, "%s", p->names->levels[pair->b]);
        cnn_table_text(t, "%s", cnn_plots_combination(p, pair->combination));
    }
}

static void put_labels(const cnn_plots *p, const int *rows, int n, cnn_figure *f)
{
    char names[CNN_MOST_ROWS][512];
    const char *labels[CNN_MOST_ROWS];
    for (int i = 0; i < n; i++) {
        const cnn_pair *pair = &p->a->pairs[rows[i]];
        char *name = names[n - 1 - i];
        if (p->a->pair_count > 1)
            snprintf(name, sizeof names[0], "%s: %s / %s",
                     cnn_plots_combination(p, pair->combination), p->names->levels[pair->a],
                     p->names->levels[pair->b]);
        else
            snprintf(name, sizeof names[0], "%s", cnn_plots_combination(p, pair->combination));
        labels[n - 1 - i] = name;
    }
    cnn_script_names(f, 'y', labels, n, 36);
}

static void put_texts(const cnn_plots *p, const int *rows, int n, cnn_figure *f)
{
    int differ = 0, equal = 0, withheld = 0;
    for (int i = 0; i < n; i++) {
        const cnn_comparison *x = cnn_analysis_comparison(p->a, rows[i], p->a->primary);
        if (x->verdict_reason == CNN_REASON_INTERIM || x->verdict_reason == CNN_REASON_UNEQUAL) {
            withheld++;
            continue;
        }
        differ += x->paired_p_holm <= p->a->alpha;
        equal += x->tost_p_holm <= p->a->alpha;
    }
    if (withheld == n)
        cnn_figure_title(f, "Tests: no verdicts yet, or withheld");
    else
        cnn_figure_title(
            f, "Tests: a difference in %d of the %d comparisons shown, equivalence in %d%s", differ,
            n, equal, withheld ? ", the others withheld" : "");
    cnn_figure_alt(
        f,
        "p values of the paired t test and of TOST for %d comparisons, after Holm: %d and "
        "%d of those with a verdict are at most %g; %d have none.",
        n, differ, equal, p->a->alpha, withheld);
    cnn_figure_note(f,
                    "Left of the dashed line (%g) a test rejects: circles speak for a difference, "
                    "diamonds for equivalence within the margin. Below 0.000001 points are drawn "
                    "there.",
                    p->a->alpha);
}

void cnn_plot_evidence(const cnn_plots *p)
{
    int rows[CNN_MOST_ROWS];
    bool any = false;
    const int n = cnn_plots_choose(p, p->a->primary, -1, CNN_MOST_ROWS, rows);
    for (int i = 0; i < n; i++)
        any |= isfinite(cnn_analysis_comparison(p->a, rows[i], p->a->primary)->paired_p_holm);
    cnn_figure *f =
        any ? cnn_figures_add(p->out, CNN_FIGURES_POWER, WIDTH, TOP + ROW * n + 56, "evidence")
            : NULL;
    if (!f)
        return;
    cnn_axis x = {.label = "p after Holm",
                  .is_log = true,
                  .is_set = true,
                  .low = least_drawn / 1.6,
                  .high = 1.6};
    const cnn_axis y = {.is_set = true, .low = 0.4, .high = n + 0.6};
    put_rows(p, rows, n, f);
    cnn_script_panel(f, (cnn_frame){LABELS, TOP, WIDTH - EDGE, TOP + ROW * n}, &x, &y);
    put_labels(p, rows, n, f);
    cnn_script_line(f, 'x', p->a->alpha, CNN_COLOUR_FAILURE, true);
    CNN_SCRIPT(
        f,
        "set label 'p of a difference' at screen %.5f, screen %.5f left offset 1.2, -0.3 "
        "textcolor rgb '%s' point pointtype 7 pointsize 0.9 linecolor rgb '%s'\n"
        "set label 'p of TOST (equivalence)' at screen %.5f, screen %.5f left offset 1.2, -0.3 "
        "textcolor rgb '%s' point pointtype 13 pointsize 0.9 linecolor rgb '%s'\n"
        "plot '%s.csv' using 'p_differ_drawn':'row' with points pointtype 7 pointsize 0.9 "
        "linecolor rgb '%s', \\\n"
        "     '' using 'p_equal_drawn':'row' with points pointtype 13 pointsize 0.9 "
        "linecolor rgb '%s'\n",
        (LABELS + 8.0) / f->width, 1 - 18.0 / f->height, cnn_colours_light[CNN_COLOUR_INK],
        cnn_colours_light[CNN_COLOUR_INK], (LABELS + 150.0) / f->width, 1 - 18.0 / f->height,
        cnn_colours_light[CNN_COLOUR_INK], cnn_colours_light[CNN_COLOUR_OTHER], f->name,
        cnn_colours_light[CNN_COLOUR_INK], cnn_colours_light[CNN_COLOUR_OTHER]);
    put_texts(p, rows, n, f);
}
