/* SPDX-License-Identifier: Apache-2.0 */
/* The difference that so many blocks find, and how many there were. */
#include "analysis/parts.h"
#include "figures/plots.h"

#include <math.h>
#include <stdio.h>

enum {
    WIDTH = 720,
    HEIGHT = 360,
    TOP = 20,
    BOTTOM = 306,
    LEFT = 70,
    RIGHT = 500,
    MOST_LINES = 8,
    FEWEST = 5
};

/** Numbers of blocks at which the curve has points: from FEWEST to `most`, evenly in the logarithm. */
static int list_blocks(int most, int *blocks, int room)
{
    int n = 0;
    for (int i = 0; i < room; i++) {
        const int b = (int)round(FEWEST * pow((double)most / FEWEST, (double)i / (room - 1)));
        if (n == 0 || b > blocks[n - 1])
            blocks[n++] = b;
    }
    return n;
}

static double detectable(const cnn_plots *p, int comparison, cnn_measure measure, int blocks)
{
    cnn_block_design d = cnn_analysis_block_design(p->a, comparison, measure);
    d.blocks = blocks;
    if (blocks <= d.parameters || !(d.sd_df > 0))
        return NAN;
    const double x =
        cnn_analysis_power(&d, NAN,
                           p->a->alpha / fmax(1, p->a->family_size[measure][CNN_TEST_PAIRED]))
            .detectable;
    return p->a->measures[measure].is_log ? expm1(x) : x;
}

static void put_curve(const cnn_plots *p, int comparison, int number, const int *blocks, int n,
                      cnn_figure *f, cnn_axis *y)
{
    static const cnn_table_column columns[] = {
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {.name = "detectable", .title = "detectable", .format = CNN_FORMAT_DIGITS, .digits = 6},
    };
    char part[16];
    snprintf(part, sizeof part, "%d", number + 1);
    cnn_table *t = cnn_figure_table(f, part, columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        const double x = detectable(p, comparison, p->a->primary, blocks[i]);
        if (!isfinite(x))
            continue;
        cnn_table_row(t);
        cnn_table_number(t, blocks[i]);
        cnn_table_number(t, x);
        cnn_axis_cover(y, x);
    }
}

static void put_achieved(const cnn_plots *p, const int *chosen, int n, cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {.name = "detectable", .title = "detectable", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "a", .title = "a"},
        {.name = "b", .title = "b"},
        {.name = "combination", .title = "combination"},
    };
    cnn_table *t = cnn_figure_table(f, "achieved", columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        const cnn_comparison *x = cnn_analysis_comparison(p->a, chosen[i], p->a->primary);
        const cnn_pair *pair = &p->a->pairs[chosen[i]];
        cnn_table_row(t);
        cnn_table_number(t, x->units);
        cnn_table_number(t, detectable(p, chosen[i], p->a->primary, x->units));
        cnn_table_text(t, "%s", p->names->levels[pair->a]);
        cnn_table_text(t, "%s", p->names->levels[pair->b]);
        cnn_table_text(t, "%s", cnn_plots_combination(p, pair->combination));
    }
}

/** The last point of a line, in px from the top; above the frame without points. */
static double end_of_line(const cnn_figure *f, int line, const cnn_axis *y)
{
    const cnn_table *t = f->tables.items[line].table;
    if (!t->row_count)
        return 0;
    const double x = cnn_table_field(t, t->row_count - 1, 1)->value;
    return BOTTOM - (BOTTOM - TOP) * log(x / y->low) / log(y->high / y->low);
}

/** Names at the ends of the lines, moved down where they would overlap. */
static void put_names(const cnn_plots *p, const int *chosen, int n, const cnn_axis *y,
                      cnn_figure *f)
{
    enum { GAP = 16 };
    bool is_named[MOST_LINES] = {false};
    double last = -GAP;
    char full[512], name[CNN_SHORT_SIZE];
    for (int k = 0; k < n; k++) {
        int next = -1;
        for (int i = 0; i < n; i++)
            if (!is_named[i] && (next < 0 || end_of_line(f, i, y) < end_of_line(f, next, y)))
                next = i;
        const cnn_pair *pair = &p->a->pairs[chosen[next]];
        is_named[next] = true;
        last = fmax(last + GAP, end_of_line(f, next, y));
        if (p->a->pair_count > 1)
            snprintf(full, sizeof full, "%s: %s / %s", cnn_plots_combination(p, pair->combination),
                     p->names->levels[pair->a], p->names->levels[pair->b]);
        else
            snprintf(full, sizeof full, "%s", cnn_plots_combination(p, pair->combination));
        cnn_script_shorten(full, 28, name);
        cnn_script_label(f, RIGHT + 8, last, CNN_ALIGN_LEFT, CNN_COLOUR_INK, "%s", name);
    }
}

static void put_plot(int n, cnn_figure *f)
{
    CNN_SCRIPT(f, "plot ");
    for (int i = 0; i < n; i++)
        if (f->tables.items[i].table->row_count)
            CNN_SCRIPT(f,
                       "'%s_%d.csv' using 'blocks':'detectable' with lines linewidth 1.5 "
                       "linecolor rgb '%s', \\\n     ",
                       f->name, i + 1, cnn_colours_light[CNN_COLOUR_MUTED]);
    CNN_SCRIPT(
        f,
        "'%s_achieved.csv' using 'blocks':'detectable' with points pointtype 7 pointsize 0.8 "
        "linecolor rgb '%s'",
        f->name, cnn_colours_light[CNN_COLOUR_INK]);
    CNN_SCRIPT(f, "\n");
}

static void put_texts(const cnn_plots *p, const int *chosen, int n, cnn_figure *f)
{
    const cnn_plot_measure m = cnn_plot_measure_of(p, p->a->primary);
    const char *unit = m.is_log ? " %" : m.scale == 100 ? " points" : "";
    const double scale = m.is_log ? 100 : m.scale;
    double least = NAN, most = NAN;
    for (int i = 0; i < n; i++) {
        const int units = cnn_analysis_comparison(p->a, chosen[i], p->a->primary)->units;
        const double x = scale * detectable(p, chosen[i], p->a->primary, units);
        least = fmin(least, x);
        most = fmax(most, x);
    }
    if (least < most)
        cnn_figure_title(f, "Power: these blocks find differences of %s from %.2g to %.2g%s",
                         m.lower, least, most, unit);
    else
        cnn_figure_title(f, "Power: these blocks find a difference of %s of %.2g%s", m.lower, least,
                         unit);
    cnn_figure_alt(f,
                   "Detectable difference against the number of blocks, one falling line for each "
                   "of %d comparisons; a point marks the blocks of this file.",
                   n);
    cnn_figure_note(f,
                    "Found with power 0.8 after Holm, the standard deviation at its 80 %% upper "
                    "confidence bound. Points: the blocks of this file.%s",
                    isnan(p->a->margin[m.measure]) ? ""
                                                   : " Green band: the margin of equivalence.");
}

void cnn_plot_power(const cnn_plots *p)
{
    enum { POINTS = 40 };
    const cnn_plot_measure m = cnn_plot_measure_of(p, p->a->primary);
    int all[MOST_LINES], chosen[MOST_LINES], blocks[POINTS], n = 0, most = 12;
    const int candidates = cnn_plots_choose(p, p->a->primary, -1, MOST_LINES, all);
    for (int i = 0; i < candidates; i++) {
        const int units = cnn_analysis_comparison(p->a, all[i], p->a->primary)->units;
        if (!isfinite(detectable(p, all[i], p->a->primary, units)))
            continue;
        chosen[n++] = all[i];
        most = 4 * units > most ? 4 * units : most;
    }
    cnn_figure *f = n ? cnn_figures_add(p->out, CNN_FIGURES_POWER, WIDTH, HEIGHT, "power") : NULL;
    if (!f)
        return;
    char label[64];
    snprintf(label, sizeof label, "detectable difference, %s",
             m.is_log         ? "%"
             : m.scale == 100 ? "points"
                              : "");
    cnn_axis y = {.label = label, .is_log = true, .scale = m.is_log ? 100 : m.scale};
    cnn_axis x = {.label = "blocks of a combination",
                  .is_log = true,
                  .is_set = true,
                  .low = FEWEST,
                  .high = most};
    const int points = list_blocks(most, blocks, POINTS);
    for (int i = 0; i < n; i++)
        put_curve(p, chosen[i], i, blocks, points, f, &y);
    put_achieved(p, chosen, n, f);
    const double margin = p->a->margin[m.measure];
    const double shown = m.is_log ? expm1(margin) : margin;
    cnn_axis_cover(&y, shown);
    cnn_axis_pad(&y, 0.05);
    cnn_axis_pad(&x, 0.02);
    cnn_script_panel(f, (cnn_frame){LEFT, TOP, RIGHT, BOTTOM}, &x, &y);
    if (shown > y.low)
        cnn_script_band(f, 'y', y.low, shown, CNN_COLOUR_BAND);
    put_names(p, chosen, n, &y, f);
    put_plot(n, f);
    put_texts(p, chosen, n, f);
}
