/* SPDX-License-Identifier: Apache-2.0 */
/* Variance components of training time as bars with their intervals. */
#include "figures/plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROW = 24, TOP = 14, LABELS = 300, WIDTH = 760, EDGE = 24, MOST_ROWS = 48 };

static const char *const sources[] = {
    [CNN_COMPONENT_NODE] = "between nodes",
    [CNN_COMPONENT_DEVICE] = "between devices of a node",
    [CNN_COMPONENT_DEVICE_CONTRAST] = "device x level",
    [CNN_COMPONENT_BLOCK] = "between blocks on a device",
    [CNN_COMPONENT_RESIDUAL] = "from run to run",
};

typedef struct {
    int combination, component;
} bar;

/** The components with an estimate, combination after combination. Returns how many. */
static int list_bars(const cnn_plots *p, bar *bars)
{
    int chosen[CNN_MOST_CURVES], n = 0;
    const int combinations =
        cnn_plots_choose(p, CNN_MEASURE_TRAIN_SECONDS, 0, CNN_MOST_CURVES, chosen);
    for (int i = 0; i < combinations; i++) {
        const int k = p->a->pairs[chosen[i]].combination;
        for (int c = CNN_COMPONENT_NODE; c <= CNN_COMPONENT_RESIDUAL && n < MOST_ROWS; c++)
            if (!isnan(cnn_analysis_component(p->a, k, CNN_MEASURE_TRAIN_SECONDS, c)->sd))
                bars[n++] = (bar){k, c};
    }
    return n;
}

static void put_bars(const cnn_plots *p, const bar *bars, int n, cnn_figure *f, cnn_axis *x)
{
    static const cnn_table_column columns[] = {
        {.name = "row", .title = "row", .format = CNN_FORMAT_WHOLE},
        {.name = "zero", .title = "0", .format = CNN_FORMAT_WHOLE},
        {.name = "sd", .title = "sd", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
        {.name = "row_low", .title = "from", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "row_high", .title = "to", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "share", .title = "share", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {.name = "component", .title = "component"},
        {.name = "combination", .title = "combination"},
    };
    cnn_table *t = cnn_figure_table(f, NULL, columns, CNN_COUNT(columns));
    for (int i = 0; i < n; i++) {
        const cnn_component *c = cnn_analysis_component(
            p->a, bars[i].combination, CNN_MEASURE_TRAIN_SECONDS, bars[i].component);
        cnn_table_row(t);
        cnn_table_number(t, n - i);
        cnn_table_number(t, 0);
        cnn_table_number(t, c->sd);
        cnn_table_interval(t, c->sd_lower, c->sd_upper);
        cnn_table_number(t, n - i - 0.3);
        cnn_table_number(t, n - i + 0.3);
        cnn_table_number(t, c->share);
        cnn_table_text(t, "%s", cnn_component_names[bars[i].component]);
        cnn_table_text(t, "%s", cnn_plots_combination(p, bars[i].combination));
        cnn_axis_cover(x, c->sd);
        cnn_axis_cover(x, c->sd_upper);
    }
}

static void put_texts(const cnn_plots *p, const bar *bars, int n, cnn_figure *f)
{
    const bar *largest = &bars[0];
    for (int i = 1; i < n; i++)
        if (cnn_analysis_component(p->a, bars[i].combination, CNN_MEASURE_TRAIN_SECONDS,
                                   bars[i].component)
                ->sd > cnn_analysis_component(p->a, largest->combination, CNN_MEASURE_TRAIN_SECONDS,
                                              largest->component)
                           ->sd)
            largest = &bars[i];
    const double sd = cnn_analysis_component(p->a, largest->combination, CNN_MEASURE_TRAIN_SECONDS,
                                             largest->component)
                          ->sd;
    cnn_figure_title(f, "Sources of the spread of training time: the largest is %s, %.2g %% (%s)",
                     sources[largest->component], 100 * sd,
                     cnn_plots_combination(p, largest->combination));
    cnn_figure_alt(f,
                   "Bars of %d variance components of training time, as standard deviations in "
                   "percent of the time, with intervals. The largest is %s with %.2g %%.",
                   n, sources[largest->component], 100 * sd);
    cnn_figure_note(f, "Standard deviations of log time (0.01 is about 1 %% of the time) by REML, "
                       "with profile likelihood intervals. Components that these runs cannot tell "
                       "apart are left out: the tables name them.");
}

void cnn_plot_components(const cnn_plots *p)
{
    bar bars[MOST_ROWS];
    char names[MOST_ROWS][160];
    const char *labels[MOST_ROWS];
    const int n = list_bars(p, bars);
    cnn_figure *f =
        n ? cnn_figures_add(p->out, CNN_FIGURES_MACHINE, WIDTH, TOP + ROW * n + 56, "components")
          : NULL;
    if (!f)
        return;
    cnn_axis x = {.label = "standard deviation, % of the time", .scale = 100};
    put_bars(p, bars, n, f, &x);
    cnn_axis_cover(&x, 0);
    x.high *= 1.04;
    cnn_axis_pad(&x, 0);
    const cnn_axis y = {.is_set = true, .low = 0.4, .high = n + 0.6};
    cnn_script_panel(f, (cnn_frame){LABELS, TOP, WIDTH - EDGE, TOP + ROW * n}, &x, &y);
    for (int i = 0; i < n; i++) {
        snprintf(names[n - 1 - i], sizeof names[0], "%s: %s",
                 cnn_plots_combination(p, bars[i].combination), sources[bars[i].component]);
        labels[n - 1 - i] = names[n - 1 - i];
    }
    cnn_script_names(f, 'y', labels, n, 44);
    CNN_SCRIPT(
        f,
        "plot '%s.csv' using 'zero':'row':'zero':'sd':'row_low':'row_high' with boxxyerror "
        "linecolor rgb '%s', \\\n"
        "     '' using 'sd':'row':'interval_low':'interval_high' with xerrorbars linewidth 2 "
        "pointtype 7 pointsize 0.5 linecolor rgb '%s'\n",
        f->name, cnn_colours_light[CNN_COLOUR_LESS_2], cnn_colours_light[CNN_COLOUR_INK]);
    put_texts(p, bars, n, f);
}
