/* SPDX-License-Identifier: Apache-2.0 */
/* Drift: each run's residual against the time of its start, and beneath what the host and the GPU
 * reported of that run. */
#include "figures/plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 820, LEFT = 84, EDGE = 20, TOP = 26, TALL = 150, LOW = 84, GAP = 26, BOTTOM = 54 };

/** What a run reports of the machine. */
typedef struct {
    const char *name, *label;
    double (*value)(const cnn_measured *);
} reading;

static double sm_clock(const cnn_measured *m)
{
    return m->sm_clock_mean;
}

static double cpu_clock(const cnn_measured *m)
{
    return m->cpu_frequency_mean;
}

static double temperature(const cnn_measured *m)
{
    return m->gpu_temperature_max;
}

static double load(const cnn_measured *m)
{
    return m->load_mean;
}

static double steal(const cnn_measured *m)
{
    return m->steal_seconds;
}

static const reading readings[] = {
    {"sm_clock", "SM clock, MHz", sm_clock},
    {"cpu_clock", "CPU clock, MHz", cpu_clock},
    {"temperature", "GPU, \u00b0C", temperature},
    {"load", "load", load},
    {"steal", "steal, s", steal},
};

typedef struct {
    int run;
    double start, residual;
} point;

static int by_start(const void *a, const void *b)
{
    const point *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->run - y->run;
}

/** Residual: deviation of log time from the cell's mean, less the mean deviation of the device. */
static int list_points(const cnn_plots *p, point *points)
{
    const int devices = p->groups->device_count;
    double *means = cnn_plots_cell_means(p, CNN_MEASURE_TRAIN_SECONDS);
    double *of_device = calloc((size_t)devices + 1, sizeof *of_device);
    int *counts = calloc((size_t)devices + 1, sizeof *counts), n = 0;
    p->out->failed |= !of_device || !counts;
    for (int run = 0; means && of_device && counts && run < p->results->run_count; run++) {
        const int d = p->groups->device[run];
        const double x =
            d < 0 ? NAN : cnn_plots_deviation(p, means, run, CNN_MEASURE_TRAIN_SECONDS);
        if (isnan(x) || !isfinite(p->results->measured[run].start_time))
            continue;
        of_device[d] += (x - of_device[d]) / ++counts[d];
        points[n++] = (point){run, p->results->measured[run].start_time, x};
    }
    for (int i = 0; i < n; i++)
        points[i].residual -= of_device[p->groups->device[points[i].run]];
    qsort(points, (size_t)n, sizeof *points, by_start);
    free(means);
    free(of_device);
    free(counts);
    return n;
}

/** Readings that at least one run has. */
static int list_readings(const cnn_plots *p, const point *points, int n, const reading **out)
{
    int count = 0;
    for (int k = 0; k < CNN_COUNT(readings); k++)
        for (int i = 0; i < n; i++)
            if (isfinite(readings[k].value(&p->results->measured[points[i].run]))) {
                out[count++] = &readings[k];
                break;
            }
    return count;
}

static void put_points(const cnn_plots *p, const point *points, int n, const reading **shown,
                       int count, double unit, cnn_figure *f, cnn_axis *axes)
{
    cnn_table_column columns[5 + CNN_COUNT(readings)] = {
        {.name = "time", .title = "time", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "residual", .title = "residual", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "level_number", .title = "level", .format = CNN_FORMAT_WHOLE},
        {.name = "run", .title = "run", .format = CNN_FORMAT_WHOLE}};
    int width = 4;
    for (int k = 0; k < count; k++)
        columns[width++] = (cnn_table_column){.name = shown[k]->name,
                                              .title = shown[k]->label,
                                              .format = CNN_FORMAT_DIGITS,
                                              .digits = 6};
    columns[width++] = (cnn_table_column){.name = "device", .title = "device"};
    cnn_table *t = cnn_figure_table(f, NULL, columns, width);
    for (int i = 0; i < n; i++) {
        const cnn_measured *m = &p->results->measured[points[i].run];
        if (!cnn_plots_is_kept(i, n, CNN_MOST_TIMES / 2))
            continue;
        cnn_table_row(t);
        cnn_table_number(t, (points[i].start - points[0].start) / unit);
        cnn_table_number(t, points[i].residual);
        cnn_table_number(t, cnn_level_type(p->results->planned[points[i].run].level));
        cnn_table_number(t, points[i].run);
        cnn_axis_cover(&axes[0], points[i].residual);
        for (int k = 0; k < count; k++) {
            cnn_table_number(t, shown[k]->value(m));
            cnn_axis_cover(&axes[k + 1], shown[k]->value(m));
        }
        cnn_table_text(t, "%s", m->device);
    }
}

static void put_panels(const cnn_plots *p, const reading **shown, int count, cnn_axis *x,
                       cnn_axis *axes, cnn_figure *f)
{
    double top = TOP + 20;
    for (int k = 0; k <= count; k++) {
        const double height = k ? LOW : TALL;
        cnn_axis time = *x;
        if (k < count)
            time.label = NULL;
        cnn_axis_pad(&axes[k], 0.08);
        cnn_script_panel(f, (cnn_frame){LEFT, top, WIDTH - EDGE, top + height}, &time, &axes[k]);
        if (k == 0) {
            cnn_script_line(f, 'y', 0, CNN_COLOUR_RULE, true);
            cnn_script_key(f, p->names->levels, p->a->level_count, LEFT + 6, 18);
        }
        CNN_SCRIPT(f,
                   "plot '%s.csv' using 'time':'%s':'level_number' with points pointtype 7 "
                   "pointsize 0.45 linecolor variable\n",
                   f->name, k ? shown[k - 1]->name : "residual");
        top += height + GAP;
    }
}

static void put_texts(const cnn_plots *p, int n, int count, cnn_figure *f)
{
    int drifting = 0, tested = 0;
    for (int c = 0; c < p->a->cell_count; c++)
        tested += !isnan(cnn_analysis_summary(p->a, c, CNN_MEASURE_TRAIN_SECONDS)->trend_p);
    for (int c = 0; c < p->a->cell_count; c++)
        drifting += cnn_analysis_summary(p->a, c, CNN_MEASURE_TRAIN_SECONDS)->trend_p * tested <=
                    p->a->alpha;
    cnn_figure_title(f,
                     drifting ? "Drift: training times followed the clock in %d of %d cells"
                     : tested ? "Drift: none found (%d of %d cells)"
                              : "Drift: not tested, too few runs (%d of %d cells)",
                     drifting, tested);
    cnn_figure_alt(f,
                   "Residuals of training time of %d runs against their start, and %d readings of "
                   "the machine beneath. A trend was found in %d of %d cells.",
                   n, count, drifting, tested);
    cnn_figure_note(f,
                    "Residual: deviation of log time from the mean of the cell, less that of the "
                    "device. Trends: Spearman, after Bonferroni over the cells.%s",
                    n > CNN_MOST_TIMES / 2 ? " Every n-th run by its start is drawn." : "");
}

void cnn_plot_drift(const cnn_plots *p)
{
    const reading *shown[CNN_COUNT(readings)];
    point *points = calloc((size_t)p->results->run_count + 1, sizeof *points);
    p->out->failed |= !points;
    const int n = points ? list_points(p, points) : 0;
    const int count = list_readings(p, points, n, shown);
    const int height = TOP + 20 + TALL + count * (LOW + GAP) + BOTTOM;
    cnn_figure *f =
        n > 2 ? cnn_figures_add(p->out, CNN_FIGURES_MACHINE, WIDTH, height, "drift") : NULL;
    if (f) {
        const double seconds = points[n - 1].start - points[0].start;
        const double unit = seconds < 300 ? 1 : seconds < 3 * 3600 ? 60 : 3600;
        cnn_axis axes[1 + CNN_COUNT(readings)] = {{.label = "residual, %", .scale = 100}};
        for (int k = 0; k < count; k++)
            axes[k + 1].label = shown[k]->label;
        put_points(p, points, n, shown, count, unit, f, axes);
        cnn_axis x = {.label = unit == 1    ? "start since the first run, s"
                               : unit == 60 ? "start since the first run, min"
                                            : "start since the first run, h",
                      .is_set = true,
                      .low = 0,
                      .high = seconds / unit};
        cnn_axis_pad(&x, 0.01);
        put_panels(p, shown, count, &x, axes, f);
        put_texts(p, n, count, f);
    }
    free(points);
}
