/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: a map of device x level, and the devices' effects with intervals in order (caterpillar).
 * Values are deviations of log training time from the mean of the run's cell. */
#include "figures/plots.h"
#include "stats/dist.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW = 22, TOP = 46, LABELS = 210, EDGE = 24 };

/** A device's deviations. Its effect is the mean over blocks of their runs' mean deviation. */
typedef struct {
    int device, blocks;
    double mean, sum_squares; /* of the blocks' means */
    double low, high;         /* t interval over blocks; NaN below 2 */
    int *runs;                /* [level_count] */
    double *level_means;      /* [level_count] */
} device_effect;

static void free_effects(device_effect *d, int n)
{
    for (int i = 0; d && i < n; i++) {
        free(d[i].runs);
        free(d[i].level_means);
    }
    free(d);
}

/** A block counts with all its runs that are done, on the device of its first. */
static void add_block(const cnn_plots *p, const double *means, int block, device_effect *all)
{
    const int *runs = &p->groups->block_runs[block * p->a->level_count];
    double mean = 0;
    int n = 0, device = -1;
    for (int l = 0; l < p->a->level_count; l++) {
        if (runs[l] < 0 || p->groups->device[runs[l]] < 0)
            continue;
        const double d = cnn_plots_deviation(p, means, runs[l], CNN_MEASURE_TRAIN_SECONDS);
        device_effect *e = &all[p->groups->device[runs[l]]];
        if (isnan(d))
            continue;
        e->level_means[l] += (d - e->level_means[l]) / ++e->runs[l];
        device = device < 0 ? p->groups->device[runs[l]] : device;
        mean += (d - mean) / ++n;
    }
    if (!n)
        return;
    device_effect *e = &all[device];
    const double before = e->mean;
    e->mean += (mean - e->mean) / ++e->blocks;
    e->sum_squares += (mean - before) * (mean - e->mean);
}

static int by_effect(const void *a, const void *b)
{
    const device_effect *x = a, *y = b;
    if (x->mean != y->mean)
        return x->mean < y->mean ? -1 : 1;
    return x->device - y->device;
}

/** The effects of all devices with a run, ascending; NULL without memory. */
static device_effect *find_effects(const cnn_plots *p, int *count)
{
    const int devices = p->groups->device_count;
    const size_t levels = (size_t)p->a->level_count;
    double *means = cnn_plots_cell_means(p, CNN_MEASURE_TRAIN_SECONDS);
    device_effect *all = calloc((size_t)devices + 1, sizeof *all);
    bool failed = !means || !all;
    for (int d = 0; !failed && d < devices; d++) {
        all[d].device = d;
        all[d].runs = calloc(levels, sizeof *all[d].runs);
        all[d].level_means = calloc(levels, sizeof *all[d].level_means);
        failed |= !all[d].runs || !all[d].level_means;
    }
    for (int b = 0; !failed && b < p->groups->block_count; b++)
        add_block(p, means, b, all);
    free(means);
    if (failed) {
        p->out->failed = true;
        free_effects(all, devices);
        return NULL;
    }
    for (int d = 0; d < devices; d++) {
        const int n = all[d].blocks;
        const double half = n > 1 ? cnn_student_quantile(1 - p->a->alpha / 2, n - 1) *
                                        sqrt(all[d].sum_squares / (n - 1) / n)
                                  : NAN;
        all[d].low = all[d].mean - half;
        all[d].high = all[d].mean + half;
    }
    qsort(all, (size_t)devices, sizeof *all, by_effect);
    *count = devices;
    return all;
}

/** The devices to be drawn: the slowest and the fastest where there are many. */
static int shown_devices(int count, int *skipped_from)
{
    *skipped_from = count <= CNN_MOST_DEVICES ? count : CNN_MOST_DEVICES / 2;
    return count <= CNN_MOST_DEVICES ? count : CNN_MOST_DEVICES;
}

static const device_effect *device_at(const device_effect *all, int count, int row)
{
    int from;
    const int shown = shown_devices(count, &from);
    return row < from ? &all[row] : &all[count - (shown - row)];
}

static void label_devices(const cnn_plots *p, const device_effect *all, int count, int shown,
                          cnn_figure *f)
{
    const char *names[CNN_MOST_DEVICES];
    for (int i = 0; i < shown; i++)
        names[i] = cnn_plots_device(p, device_at(all, count, i)->device);
    cnn_script_names(f, 'y', names, shown, 28);
}

static void put_note(const char *what, int count, int shown, cnn_figure *f)
{
    cnn_figure_note(f, "%s%s", what,
                    shown < count ? " Of many devices, the fastest 20 and the slowest 20 are drawn."
                                  : "");
}

static void plot_caterpillar(const cnn_plots *p, const device_effect *all, int count)
{
    static const cnn_table_column columns[] = {
        {.name = "row", .title = "row", .format = CNN_FORMAT_WHOLE},
        {.name = "effect", .title = "effect", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {.name = "device", .title = "device"},
    };
    int from;
    const int shown = shown_devices(count, &from), width = 700;
    cnn_figure *f = cnn_figures_add(p->out, CNN_FIGURES_MACHINE, width, 14 + ROW * shown + 56,
                                    "device_effects");
    if (!f)
        return;
    cnn_axis x = {.label = "training time against the mean of the devices, %", .scale = 100};
    cnn_axis_cover(&x, 0);
    cnn_table *t = cnn_figure_table(f, NULL, columns, CNN_COUNT(columns));
    for (int i = 0; i < shown; i++) {
        const device_effect *e = device_at(all, count, i);
        cnn_table_row(t);
        cnn_table_number(t, i + 1);
        cnn_table_number(t, e->mean);
        cnn_table_interval(t, e->low, e->high);
        cnn_table_number(t, e->blocks);
        cnn_table_text(t, "%s", cnn_plots_device(p, e->device));
        cnn_axis_cover(&x, e->mean);
        cnn_axis_cover(&x, e->low);
        cnn_axis_cover(&x, e->high);
    }
    cnn_axis_pad(&x, 0.05);
    const cnn_axis y = {.is_set = true, .low = 0.4, .high = shown + 0.6};
    cnn_script_panel(f, (cnn_frame){LABELS, 14, width - EDGE, 14 + ROW * shown}, &x, &y);
    label_devices(p, all, count, shown, f);
    CNN_SCRIPT(f, "set border 1\n");
    cnn_script_line(f, 'x', 0, CNN_COLOUR_RULE, true);
    CNN_SCRIPT(f,
               "plot '%s.csv' using 'effect':'row':'interval_low':'interval_high' with xerrorbars "
               "linewidth 2 pointtype 7 pointsize 0.7 linecolor rgb '%s', \\\n"
               "     '' using 'effect':'row' with points pointtype 7 pointsize 0.7 linecolor rgb "
               "'%s'\n",
               f->name, cnn_colours_light[CNN_COLOUR_INK], cnn_colours_light[CNN_COLOUR_INK]);
    const device_effect *fast = &all[0], *slow = &all[count - 1];
    cnn_figure_title(f, "Devices: the slowest takes %.2g %% more time than the fastest",
                     100 * expm1(slow->mean - fast->mean));
    cnn_figure_alt(f,
                   "Effects of %d devices on training time with intervals, in order, from %.2g %% "
                   "(%s) to %.2g %% (%s).",
                   shown, 100 * fast->mean, cnn_plots_device(p, fast->device), 100 * slow->mean,
                   cnn_plots_device(p, slow->device));
    put_note(
        "Effect: mean over the device's blocks of the deviations of log time from the means of "
        "the runs' cells, with the t interval over these blocks. The slowest and the fastest "
        "of many devices differ by chance as well.",
        count, shown, f);
}

/** Class -3 to 3 of a deviation, most of all: 1, 3 and 5 sevenths of it are bounds. */
static int class_of(double x, double most)
{
    const int steps = most > 0 ? (int)round(3.5 * fabs(x) / most - 1e-9) : 0;
    return (x < 0 ? -1 : 1) * (steps > 3 ? 3 : steps);
}

static void put_map(const cnn_plots *p, const device_effect *all, int count, int shown, double most,
                    cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "x", .title = "x", .format = CNN_FORMAT_WHOLE},
        {.name = "row", .title = "row", .format = CNN_FORMAT_WHOLE},
        {.name = "x_left", .title = "from", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "x_right", .title = "to", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "row_low", .title = "from", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "row_high", .title = "to", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "colour", .title = "colour", .format = CNN_FORMAT_WHOLE},
        {.name = "deviation", .title = "deviation", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "runs", .title = "runs", .format = CNN_FORMAT_WHOLE},
        {.name = "percent", .title = "%"},
        {.name = "level", .title = "level"},
        {.name = "device", .title = "device"},
    };
    cnn_table *t = cnn_figure_table(f, NULL, columns, CNN_COUNT(columns));
    for (int i = 0; i < shown; i++)
        for (int l = 0; l < p->a->level_count; l++) {
            const device_effect *e = device_at(all, count, i);
            if (!e->runs[l])
                continue;
            const int colour = CNN_COLOUR_EQUAL + class_of(e->level_means[l], most);
            cnn_table_row(t);
            cnn_table_number(t, l + 1);
            cnn_table_number(t, i + 1);
            cnn_table_number(t, l + 0.52);
            cnn_table_number(t, l + 1.48);
            cnn_table_number(t, i + 0.54);
            cnn_table_number(t, i + 1.46);
            cnn_table_number(t, (double)strtol(cnn_colours_light[colour] + 1, NULL, 16));
            cnn_table_number(t, e->level_means[l]);
            cnn_table_number(t, e->runs[l]);
            cnn_table_text(t, "%+.2f", 100 * e->level_means[l]);
            cnn_table_text(t, "%s", p->names->levels[l]);
            cnn_table_text(t, "%s", cnn_plots_device(p, e->device));
        }
}

static void plot_map(const cnn_plots *p, const device_effect *all, int count)
{
    int from;
    const int shown = shown_devices(count, &from), levels = p->a->level_count;
    const int room = levels <= 4 ? 400 : levels * 80;
    const int width = LABELS + room + EDGE;
    double most = 0;
    if (levels > 2 * CNN_COLOURED_LEVELS)
        return;
    for (int i = 0; i < shown; i++)
        for (int l = 0; l < levels; l++)
            most = fmax(most, fabs(device_at(all, count, i)->level_means[l]));
    cnn_figure *f =
        cnn_figures_add(p->out, CNN_FIGURES_MACHINE, width, TOP + ROW * shown + 16, "device_map");
    if (!f)
        return;
    put_map(p, all, count, shown, most, f);
    const cnn_axis x = {.is_set = true, .low = 0.5, .high = levels + 0.5};
    const cnn_axis y = {.is_set = true, .low = 0.5, .high = shown + 0.5};
    cnn_script_panel(f, (cnn_frame){LABELS, TOP, width - EDGE, TOP + ROW * shown}, &x, &y);
    label_devices(p, all, count, shown, f);
    CNN_SCRIPT(f, "set border 0\nunset grid\nset format x ''\nunset xtics\n");
    for (int l = 0; l < levels; l++) {
        char name[CNN_SHORT_SIZE];
        cnn_script_shorten(p->names->levels[l], room / levels / 7, name);
        cnn_script_label(f, LABELS + room * (l + 0.5) / levels, TOP - 16, CNN_ALIGN_CENTER,
                         CNN_COLOUR_INK, "%s", name);
    }
    CNN_SCRIPT(f,
               "plot '%s.csv' using 'x':'row':'x_left':'x_right':'row_low':'row_high':'colour' "
               "with boxxyerror linecolor rgb variable fillstyle solid 1 noborder, \\\n"
               "     '' using 'x':'row':(stringcolumn('percent')) with labels font ',10' textcolor "
               "rgb '%s'\n",
               f->name, cnn_colours_light[CNN_COLOUR_INK]);
    cnn_figure_title(f, "Device x %s: where runs were slower and faster", cnn_plots_contrast(p));
    cnn_figure_alt(f,
                   "Map of %d devices by %d levels of %s: mean deviation of training time from the "
                   "mean of the cell, at most %.2g %%.",
                   shown, levels, cnn_plots_contrast(p), 100 * most);
    put_note("Deviation of training time from the means of the cells, %: blue is faster, amber "
             "slower. A level that is slow on one device alone points to an interaction.",
             count, shown, f);
}

void cnn_plot_devices(const cnn_plots *p)
{
    int count = 0;
    device_effect *all = p->groups->device_count > 1 ? find_effects(p, &count) : NULL;
    if (all && count > 1) {
        plot_map(p, all, count);
        plot_caterpillar(p, all, count);
    }
    free_effects(all, count);
}
