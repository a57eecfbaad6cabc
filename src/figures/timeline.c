/* SPDX-License-Identifier: Apache-2.0 */
/* When each run was trained, by device: runs by level, failed attempts, quarantined devices; gaps
 * show as such. */
#include "figures/plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW = 24, TOP = 44, LABELS = 210, WIDTH = 900, EDGE = 24 };

/** An attempt, or several of one level that follow each other on a device. */
typedef struct {
    const char *device;
    double start, end; /* seconds since 1970 */
    int run, level, session, attempts;
    bool has_failed, is_warmup;
} span;

typedef struct {
    int count, device_count;
    span *spans;          /* [count] by device, then start */
    const char **devices; /* [device_count] by name */
    double start, end;    /* of all */
    bool is_thinned;
} timeline;

static int by_device(const void *a, const void *b)
{
    const span *x = a, *y = b;
    const int device = strcmp(x->device, y->device);
    return device ? device : (x->start > y->start) - (x->start < y->start);
}

static bool is_known(const cnn_attempt *a)
{
    return a->attempt_outcome > CNN_OUTCOME_NONE && a->attempt_device[0] &&
           isfinite(a->attempt_start_time) && isfinite(a->attempt_life_seconds);
}

static void list_attempts(const cnn_results *r, timeline *t)
{
    for (int run = 0; run < r->run_count; run++)
        for (int i = 0; i < r->attempts_per_run; i++) {
            const cnn_attempt *a =
                &r->attempts[(size_t)run * (size_t)r->attempts_per_run + (size_t)i];
            if (!is_known(a))
                continue;
            t->spans[t->count++] = (span){.device = a->attempt_device,
                                          .start = a->attempt_start_time,
                                          .end = a->attempt_start_time + a->attempt_life_seconds,
                                          .run = run,
                                          .level = r->planned[run].level,
                                          .session = a->attempt_session,
                                          .attempts = 1,
                                          .has_failed = a->attempt_outcome != CNN_OUTCOME_DONE &&
                                                        a->attempt_outcome != CNN_OUTCOME_DIVERGED,
                                          .is_warmup = r->planned[run].warmup != 0};
        }
}

/** Joins good attempts of a device that are less than a pixel apart, where there are too many. */
static void thin(timeline *t)
{
    const double pixel = (t->end - t->start) / (WIDTH - LABELS - EDGE);
    int n = 0;
    for (int i = 0; i < t->count; i++) {
        span *last = n ? &t->spans[n - 1] : NULL;
        const span *s = &t->spans[i];
        if (last && !strcmp(last->device, s->device) && !last->has_failed && !s->has_failed &&
            s->start - last->end < pixel && s->end - last->start < 3 * pixel) {
            last->end = fmax(last->end, s->end);
            last->attempts += s->attempts;
        } else {
            t->spans[n++] = *s;
        }
    }
    t->count = n;
}

/** Returns false where there is nothing to show. */
static bool make_timeline(const cnn_plots *p, timeline *t)
{
    const cnn_results *r = p->results;
    const size_t most = (size_t)r->run_count * (size_t)r->attempts_per_run + 1;
    *t = (timeline){.spans = calloc(most, sizeof *t->spans),
                    .devices = calloc(most, sizeof *t->devices)};
    if (!t->spans || !t->devices) {
        p->out->failed = true;
        return false;
    }
    list_attempts(r, t);
    if (!t->count)
        return false;
    qsort(t->spans, (size_t)t->count, sizeof *t->spans, by_device);
    t->start = t->end = t->spans[0].start;
    for (int i = 0; i < t->count; i++) {
        t->start = fmin(t->start, t->spans[i].start);
        t->end = fmax(t->end, t->spans[i].end);
        if (i == 0 || strcmp(t->spans[i].device, t->spans[i - 1].device))
            t->devices[t->device_count++] = t->spans[i].device;
    }
    t->is_thinned = t->count > CNN_MOST_TIMES;
    if (t->is_thinned)
        thin(t);
    return t->end > t->start;
}

/** Whether a list "DEVICE of HOST (rank N): why; ..." has the device. */
static bool names_device(const char *list, const char *device)
{
    static const char before[] = "; ", after[] = " of ";
    const size_t n = strlen(device);
    for (const char *s = list; n && (s = strstr(s, device)) != NULL; s++)
        if ((s == list || (s - list >= 2 && !strncmp(s - 2, before, 2))) &&
            !strncmp(s + n, after, sizeof after - 1))
            return true;
    return false;
}

static int row_of(const timeline *t, const span *s)
{
    for (int d = 0; d < t->device_count; d++)
        if (!strcmp(t->devices[d], s->device))
            return t->device_count - d;
    return 0;
}

static void put_spans(const cnn_plots *p, const timeline *t, double unit, cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "middle", .title = "middle", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "row", .title = "row", .format = CNN_FORMAT_WHOLE},
        {.name = "start", .title = "start", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "end", .title = "end", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "row_low", .title = "from", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "row_high", .title = "to", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "level_number", .title = "level", .format = CNN_FORMAT_WHOLE},
        {.name = "run", .title = "run", .format = CNN_FORMAT_WHOLE},
        {.name = "attempts", .title = "attempts", .format = CNN_FORMAT_WHOLE},
        {.name = "level", .title = "level"},
        {.name = "device", .title = "device"},
    };
    cnn_table *table = cnn_figure_table(f, "runs", columns, CNN_COUNT(columns));
    for (int i = 0; i < t->count; i++) {
        const span *s = &t->spans[i];
        const int row = row_of(t, s);
        if (s->has_failed || row > CNN_MOST_DEVICES)
            continue;
        cnn_table_row(table);
        cnn_table_number(table, ((s->start + s->end) / 2 - t->start) / unit);
        cnn_table_number(table, row);
        cnn_table_number(table, (s->start - t->start) / unit);
        cnn_table_number(table, (s->end - t->start) / unit);
        cnn_table_number(table, row - (s->is_warmup ? 0.12 : 0.34));
        cnn_table_number(table, row + (s->is_warmup ? 0.12 : 0.34));
        cnn_table_number(table, cnn_level_type(s->level));
        cnn_table_number(table, s->run);
        cnn_table_number(table, s->attempts);
        cnn_table_text(table, "%s", p->names->levels[s->level]);
        cnn_table_text(table, "%s", s->device);
    }
}

/** Failed attempts, and the last attempt of a device in a session that quarantined it. Returns how
 *  many of the first; *quarantined of the second. */
static int put_events(const cnn_plots *p, const timeline *t, double unit, int *quarantined,
                      cnn_figure *f)
{
    static const cnn_table_column columns[] = {
        {.name = "time", .title = "time", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "row", .title = "row", .format = CNN_FORMAT_WHOLE},
        {.name = "shape", .title = "shape", .format = CNN_FORMAT_WHOLE},
        {.name = "run", .title = "run", .format = CNN_FORMAT_WHOLE},
        {.name = "event", .title = "event"},
        {.name = "device", .title = "device"},
    };
    cnn_table *table = cnn_figure_table(f, "events", columns, CNN_COUNT(columns));
    int failed = 0;
    *quarantined = 0;
    for (int i = 0; i < t->count; i++) {
        const span *s = &t->spans[i];
        const int row = row_of(t, s);
        const bool is_last = i + 1 == t->count || strcmp(s->device, t->spans[i + 1].device) ||
                             s->session != t->spans[i + 1].session;
        const bool ends = is_last && p->results->quarantines && s->session >= 0 &&
                          s->session < p->results->session_count &&
                          names_device(p->results->quarantines[s->session].devices, s->device);
        failed += s->has_failed;
        *quarantined += ends;
        for (int k = 0; k < 2; k++) {
            if (row > CNN_MOST_DEVICES || !(k ? ends : s->has_failed))
                continue;
            cnn_table_row(table);
            cnn_table_number(table, (s->end - t->start) / unit);
            cnn_table_number(table, row);
            cnn_table_number(table, k ? 9 : 2);
            cnn_table_number(table, s->run);
            cnn_table_text(table, "%s", k ? "quarantine" : "failed");
            cnn_table_text(table, "%s", s->device);
        }
    }
    return failed;
}

static void put_texts(const timeline *t, int failed, int quarantined, const char *unit,
                      double length, cnn_figure *f)
{
    cnn_figure_title(f, "Time line: %d device%s, %d failed attempt%s%s", t->device_count,
                     cnn_plots_plural(t->device_count), failed, cnn_plots_plural(failed),
                     quarantined ? ", quarantine" : "");
    cnn_figure_alt(f,
                   "Attempts by device over %.3g %s: %d failed attempts, %d devices taken out of "
                   "a session.",
                   length, unit, failed, quarantined);
    cnn_figure_note(
        f,
        "A bar is a run, in the colour of its level; low bars are warm-up runs; crosses "
        "are failed attempts, triangles the end of a device that was quarantined.%s%s",
        t->is_thinned ? " Of many runs, those less than a pixel apart are joined." : "",
        t->device_count > CNN_MOST_DEVICES ? " The last 40 devices by name are shown." : "");
}

static void plot(const cnn_plots *p, const timeline *t)
{
    const int shown = t->device_count < CNN_MOST_DEVICES ? t->device_count : CNN_MOST_DEVICES;
    const double seconds = t->end - t->start;
    const double unit = seconds < 300 ? 1 : seconds < 3 * 3600 ? 60 : 3600;
    const char *name = unit == 1 ? "s" : unit == 60 ? "min" : "h";
    char label[64];
    const char *names[CNN_MOST_DEVICES];
    int quarantined = 0;
    cnn_figure *f =
        cnn_figures_add(p->out, CNN_FIGURES_MACHINE, WIDTH, TOP + ROW * shown + 56, "timeline");
    if (!f)
        return;
    snprintf(label, sizeof label, "time since the first run, %s", name);
    put_spans(p, t, unit, f);
    const int failed = put_events(p, t, unit, &quarantined, f);
    cnn_axis x = {.label = label, .is_set = true, .low = 0, .high = seconds / unit};
    const cnn_axis y = {.is_set = true, .low = 0.4, .high = shown + 0.6};
    cnn_axis_pad(&x, 0.005);
    cnn_script_panel(f, (cnn_frame){LABELS, TOP, WIDTH - EDGE, TOP + ROW * shown}, &x, &y);
    for (int i = 0; i < shown; i++)
        names[i] = t->devices[t->device_count - 1 - i];
    cnn_script_names(f, 'y', names, shown, 28);
    cnn_script_key(f, p->names->levels, p->a->level_count, LABELS + 8, 18);
    CNN_SCRIPT(f,
               "plot '%s_runs.csv' using 'middle':'row':'start':'end':'row_low':'row_high':"
               "'level_number' with boxxyerror linecolor variable",
               f->name);
    if (f->tables.items[1].table->row_count)
        CNN_SCRIPT(f,
                   ", \\\n     '%s_events.csv' using 'time':'row':'shape' with points pointtype "
                   "variable pointsize 1 linewidth 2 linecolor rgb '%s'",
                   f->name, cnn_colours_light[CNN_COLOUR_FAILURE]);
    CNN_SCRIPT(f, "\n");
    put_texts(t, failed, quarantined, name, seconds / unit, f);
}

void cnn_plot_timeline(const cnn_plots *p)
{
    timeline t;
    if (make_timeline(p, &t))
        plot(p, &t);
    free(t.spans);
    free(t.devices);
}
