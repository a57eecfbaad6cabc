/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of every pair of levels in every combination, with intervals of both scopes and the
 * margin of equivalence as a band. */
#include "figures/plots.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROW = 34, TOP = 44, BOTTOM = 58, LABELS = 210, NUMBERS = 230, WIDTH = 820 };

/** An estimate with its interval, as drawn. */
typedef struct {
    double x, low, high;
} estimate;

static estimate of_these(const cnn_comparison *x, bool is_log)
{
    return is_log ? (estimate){x->paired_ratio, x->paired_ratio_lower, x->paired_ratio_upper}
                  : (estimate){x->paired_difference, x->paired_difference_lower,
                               x->paired_difference_upper};
}

static estimate of_devices(const cnn_comparison *x, bool is_log)
{
    return is_log && !isnan(x->device_lower)
               ? (estimate){exp(x->device_mean), exp(x->device_lower), exp(x->device_upper)}
               : (estimate){NAN, NAN, NAN};
}

static void put_rows(const cnn_plots *p, cnn_measure measure, const int *rows, int n, cnn_figure *f,
                     cnn_axis *x)
{
    static const cnn_table_column columns[] = {
        {.name = "row", .title = "row", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "estimate", .title = "estimate", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
        {.name = "device_row", .title = "device row", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "device_estimate", .title = "devices", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "device_interval",
         .title = "devices",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
        {.name = "verdict", .title = "verdict"},
        {.name = "device_verdict", .title = "devices' verdict"},
        {.name = "a", .title = "a"},
        {.name = "b", .title = "b"},
        {.name = "combination", .title = "combination"},
    };
    const bool is_log = p->a->measures[measure].is_log;
    cnn_table *t = cnn_figure_table(f, NULL, columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        const cnn_comparison *c = cnn_analysis_comparison(p->a, rows[i], measure);
        const cnn_pair *pair = &p->a->pairs[rows[i]];
        const estimate these = of_these(c, is_log), like = of_devices(c, is_log);
        cnn_table_row(t);
        cnn_table_number(t, n - i + (isnan(like.x) ? 0 : 0.14));
        cnn_table_number(t, these.x);
        cnn_table_interval(t, these.low, these.high);
        cnn_table_number(t, n - i - 0.2);
        cnn_table_number(t, like.x);
        cnn_table_interval(t, like.low, like.high);
        cnn_table_text(t, "%s", cnn_plots_verdict(c));
        cnn_table_text(t, "%s", isnan(like.x) ? "" : cnn_verdict_names[c->device_verdict]);
        cnn_table_text(t, "%s", p->names->levels[pair->a]);
        cnn_table_text(t, "%s", p->names->levels[pair->b]);
        cnn_table_text(t, "%s", cnn_plots_combination(p, pair->combination));
        const double drawn[] = {these.x, these.low, these.high, like.x, like.low, like.high};
        for (int k = 0; k < CNN_COUNT(drawn); k++)
            cnn_axis_cover(x, drawn[k]);
    }
}

/** Decimals that give the widest interval two digits. */
static int decimals_of(const cnn_plots *p, const cnn_plot_measure *m, const int *rows, int n)
{
    double widest = 0;
    for (int i = 0; i < n; i++) {
        const estimate e = of_these(cnn_analysis_comparison(p->a, rows[i], m->measure), m->is_log);
        if (isfinite(e.high - e.low))
            widest = fmax(widest, m->scale * (e.high - e.low));
    }
    const int decimals = widest > 0 ? 1 - (int)floor(log10(widest)) : 3;
    return decimals < 0 ? 0 : decimals > 5 ? 5 : decimals;
}

/** "0.6441 [0.6112, 0.6789] faster" at the right of a row, its names at the left. */
static void put_texts(const cnn_plots *p, const cnn_plot_measure *m, const int *rows, int n,
                      cnn_figure *f)
{
    char name[CNN_SHORT_SIZE], full[512];
    const int decimals = decimals_of(p, m, rows, n);
    for (int i = 0; i < n; i++) {
        const cnn_comparison *c = cnn_analysis_comparison(p->a, rows[i], m->measure);
        const cnn_pair *pair = &p->a->pairs[rows[i]];
        const estimate e = of_these(c, m->is_log);
        const double top = TOP + ROW * (i + 0.5);
        if (p->a->pair_count > 1)
            snprintf(full, sizeof full, "%s: %s / %s", cnn_plots_combination(p, pair->combination),
                     p->names->levels[pair->a], p->names->levels[pair->b]);
        else
            snprintf(full, sizeof full, "%s", cnn_plots_combination(p, pair->combination));
        cnn_script_shorten(full, 28, name);
        cnn_script_label(f, LABELS - 14, top, CNN_ALIGN_RIGHT, CNN_COLOUR_INK, "%s", name);
        if (isfinite(e.high - e.low))
            cnn_script_label(f, WIDTH - NUMBERS + 14, top, CNN_ALIGN_LEFT, CNN_COLOUR_INK,
                             "%.*f [%.*f, %.*f]", decimals, m->scale * e.x, decimals,
                             m->scale * e.low, decimals, m->scale * e.high);
        cnn_script_label(f, WIDTH - 8, top, CNN_ALIGN_RIGHT, CNN_COLOUR_MUTED, "%s",
                         cnn_plots_verdict(c));
    }
}

/** The axis with the margin and the line of no difference. */
static void put_panel(const cnn_plots *p, const cnn_plot_measure *m, int n, cnn_axis *x,
                      cnn_figure *f)
{
    const double margin = p->a->margin[m->measure];
    const double none = m->is_log ? 1 : 0;
    const double low = m->is_log ? exp(-margin) : -margin;
    const double high = m->is_log ? exp(margin) : margin;
    const cnn_axis y = {.is_set = true, .low = 0.5, .high = n + 0.5};
    cnn_axis_cover(x, none);
    cnn_axis_cover(x, low);
    cnn_axis_cover(x, high);
    cnn_axis_pad(x, 0.04);
    cnn_script_panel(f, (cnn_frame){LABELS, TOP, WIDTH - NUMBERS, TOP + ROW * n}, x, &y);
    CNN_SCRIPT(f, "unset ytics\nset border 1\n");
    if (!isnan(margin))
        cnn_script_band(f, 'x', low, high, CNN_COLOUR_BAND);
    cnn_script_line(f, 'x', none, CNN_COLOUR_RULE, true);
}

/** What the points mean, above the panel. */
static void put_key(const cnn_plots *p, const cnn_plot_measure *m, bool any_devices, cnn_figure *f)
{
    cnn_script_label(f, LABELS - 14, 18, CNN_ALIGN_RIGHT, CNN_COLOUR_MUTED, "combination");
    cnn_script_label(f, WIDTH - NUMBERS + 14, 18, CNN_ALIGN_LEFT, CNN_COLOUR_MUTED,
                     "%s [%.4g %% interval]", m->is_log ? "ratio" : "difference",
                     100 * (1 - p->a->alpha));
    cnn_script_label(f, WIDTH - 8, 18, CNN_ALIGN_RIGHT, CNN_COLOUR_MUTED, "verdict");
    CNN_SCRIPT(
        f,
        "set label 'these devices' at screen %.5f, screen %.5f left offset 1.2, -0.3 textcolor "
        "rgb '%s' point pointtype 7 pointsize 0.9 linecolor rgb '%s'\n",
        (LABELS + 8.0) / f->width, 1 - 18.0 / f->height, cnn_colours_light[CNN_COLOUR_INK],
        cnn_colours_light[CNN_COLOUR_INK]);
    if (any_devices)
        CNN_SCRIPT(
            f,
            "set label 'devices like these' at screen %.5f, screen %.5f left offset 1.2, -0.3 "
            "textcolor rgb '%s' point pointtype 13 pointsize 0.9 linecolor rgb '%s'\n",
            (LABELS + 130.0) / f->width, 1 - 18.0 / f->height, cnn_colours_light[CNN_COLOUR_INK],
            cnn_colours_light[CNN_COLOUR_OTHER]);
}

/** How many comparisons have which verdict: "faster in 5 of 6, inconclusive in 1". */
static void count_verdicts(const cnn_plots *p, cnn_measure measure, cnn_text *out)
{
    static const char *const words[] = {"faster",  "slower",     "lower",
                                        "higher",  "equivalent", "inconclusive",
                                        "interim", "withheld",   "not tested"};
    for (int w = 0; w < CNN_COUNT(words); w++) {
        int n = 0;
        for (int i = 0; i < p->a->comparison_count; i++)
            n += !strcmp(cnn_plots_verdict(cnn_analysis_comparison(p->a, i, measure)), words[w]);
        if (n)
            cnn_text_printf(out, "%s%s in %d of %d", out->len ? ", " : "", words[w], n,
                            p->a->comparison_count);
    }
}

static void put_title(const cnn_plots *p, const cnn_plot_measure *m, int n, cnn_figure *f)
{
    cnn_text verdicts = {0};
    const cnn_pair *first = &p->a->pairs[0];
    if (p->a->comparison_count == 1)
        cnn_plots_finding(p, 0, m->measure, &verdicts);
    else if (p->a->pair_count == 1) {
        cnn_text counts = {0};
        count_verdicts(p, m->measure, &counts);
        cnn_text_printf(&verdicts, "%s against %s: %s", p->names->levels[first->a],
                        p->names->levels[first->b], counts.s ? counts.s : "");
        cnn_text_free(&counts);
    } else
        count_verdicts(p, m->measure, &verdicts);
    cnn_figure_title(f, "%s: %s", m->title, verdicts.s ? verdicts.s : "");
    cnn_figure_alt(
        f,
        "Forest plot of the %s of %s, one row for each of %d comparisons, with intervals "
        "and the band of equivalence. %s.",
        m->is_log ? "ratios" : "differences", m->lower, n, verdicts.s ? verdicts.s : "");
    f->tables.failed |= verdicts.failed;
    cnn_text_free(&verdicts);
    cnn_text note = {0};
    if (m->is_log && m->is_time)
        cnn_text_printf(&note, "Left of 1 the first level takes less time, right of it more. ");
    else if (m->is_log)
        cnn_text_printf(&note, "Left of 1 the first level has the lower value. ");
    if (!isnan(p->a->margin[m->measure]))
        cnn_text_printf(&note, "Green band: differences that the job counts as none. ");
    cnn_text_printf(&note, "Each interval is for its comparison alone; verdicts are adjusted for "
                           "all comparisons of the measure.");
    if (n < p->a->comparison_count)
        cnn_text_printf(&note, " Shown are the %d of %d comparisons with the largest differences.",
                        n, p->a->comparison_count);
    cnn_figure_note(f, "%s", note.s ? note.s : "");
    cnn_text_free(&note);
}

static void label_axis(const cnn_plots *p, const cnn_plot_measure *m, char *out, size_t size)
{
    const char *a = p->names->levels[p->a->pairs[0].a], *b = p->names->levels[p->a->pairs[0].b];
    if (p->a->pair_count > 1)
        snprintf(out, size, "%s of %s, first %s second level", m->is_log ? "ratio" : "difference",
                 m->lower, m->is_log ? "over" : "minus");
    else if (m->is_log)
        snprintf(out, size, "%s of %s over that of %s", m->lower, a, b);
    else
        snprintf(out, size, "%s of %s minus that of %s%s", m->lower, a, b,
                 m->scale == 100 ? ", points" : "");
}

void cnn_plot_forest(const cnn_plots *p, cnn_measure measure)
{
    int rows[CNN_MOST_ROWS];
    const cnn_plot_measure m = cnn_plot_measure_of(p, measure);
    const int n = cnn_plots_choose(p, measure, -1, CNN_MOST_ROWS, rows);
    bool any_devices = false, any = false;
    char label[160];
    for (int i = 0; i < n; i++) {
        const cnn_comparison *c = cnn_analysis_comparison(p->a, rows[i], measure);
        any |= isfinite(of_these(c, m.is_log).x);
        any_devices |= isfinite(of_devices(c, m.is_log).x);
    }
    if (!any)
        return;
    cnn_figure *f = cnn_figures_add(p->out, CNN_FIGURES_FOUND, WIDTH, TOP + ROW * n + BOTTOM,
                                    "forest_%s", p->a->measures[measure].name);
    if (!f)
        return;
    label_axis(p, &m, label, sizeof label);
    cnn_axis x = {.label = label, .is_log = m.is_log, .scale = m.scale};
    put_rows(p, measure, rows, n, f, &x);
    put_panel(p, &m, n, &x, f);
    put_key(p, &m, any_devices, f);
    put_texts(p, &m, rows, n, f);
    CNN_SCRIPT(f,
               "plot '%s.csv' using 'estimate':'row':'interval_low':'interval_high' "
               "with xerrorbars linewidth 2 pointtype 7 pointsize 0.9 linecolor rgb '%s', \\\n"
               "     '' using 'device_estimate':'device_row':'device_interval_low':"
               "'device_interval_high' with xerrorbars linewidth 1.5 pointtype 13 "
               "pointsize 0.9 linecolor rgb '%s', \\\n"
               "     '' using 'estimate':'row' with points pointtype 7 pointsize 0.9 "
               "linecolor rgb '%s'\n",
               f->name, cnn_colours_light[CNN_COLOUR_INK], cnn_colours_light[CNN_COLOUR_OTHER],
               cnn_colours_light[CNN_COLOUR_INK]);
    put_title(p, &m, n, f);
}
