/* SPDX-License-Identifier: Apache-2.0 */
/* A job on a screen: bars, time left, and figures without any verdict. */
#include "base/clock.h"
#include "base/utf8.h"
#include "status/job_status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BAR = 24, LEAST_NAME = 12, FIGURES = 56, SCREEN_MARGIN = 1 };

/** A screen that is being filled. */
typedef struct {
    cnn_text *out;
    int columns, lines, used; /* used: lines */
} screen;

/** "[######------------------]" of done out of all. */
static void put_bar(int done, int all, cnn_text *out)
{
    const int filled = all > 0 ? (int)((double)BAR * done / all) : 0;
    cnn_text_append(out, "[");
    for (int i = 0; i < BAR; i++)
        cnn_text_append(out, i < filled ? "#" : "-");
    cnn_text_append(out, "]");
}

/** A name in exactly `width` columns. */
static void put_name(const char *s, int width, cnn_text *out)
{
    int shown = 0;
    for (size_t n; *s && shown < width; s += n, shown++) {
        n = cnn_utf8_length(s);
        n = n ? n : 1;
        cnn_text_append_bytes(out, s, n);
    }
    cnn_text_printf(out, "%*s", width - shown, "");
}

static void end_line(screen *s)
{
    cnn_text_append(s->out, "\n");
    s->used++;
}

/** Whether `n` more lines fit, the last of which may say how much is left out. */
static bool has_room(const screen *s, int n)
{
    return s->used + n + SCREEN_MARGIN < s->lines;
}

static int name_width(const screen *s)
{
    const int width = s->columns - FIGURES;
    return width < LEAST_NAME ? LEAST_NAME : width > 44 ? 44 : width;
}

static void put_head(const cnn_results *r, const cnn_job_status *status, const char *holder,
                     const char *path, screen *s)
{
    char left[32] = "unknown";
    if (!isnan(status->seconds_left))
        cnn_clock_format_duration(status->seconds_left, left, sizeof left);
    cnn_text_printf(s->out, "%s: '%s', %s", path, r->job_name,
                    *holder        ? "running"
                    : status->left ? "unfinished"
                                   : "complete");
    end_line(s);
    put_bar(status->planned - status->left, status->planned, s->out);
    cnn_text_printf(s->out, " %d/%d runs ended", status->planned - status->left, status->planned);
    if (status->diverged)
        cnn_text_printf(s->out, ", %d diverged", status->diverged);
    cnn_text_printf(s->out, ", %d failed", status->failed);
    if (status->left)
        cnn_text_printf(s->out, "; time left %s%s", isnan(status->seconds_left) ? "" : "about ",
                        left);
    end_line(s);
}

static void put_device(const cnn_device_status *d, int width, screen *s)
{
    char name[48], left[32] = "-";
    snprintf(name, sizeof name, "device %d of the plan", d->planned_device);
    put_name(d->name[0] ? d->name : name, width, s->out);
    cnn_text_append(s->out, " ");
    if (d->left >= 0)
        put_bar(d->ended + d->failed, d->ended + d->failed + d->left, s->out);
    else
        cnn_text_printf(s->out, "%*s", BAR + 2, "");
    if (d->left >= 0 && isfinite(d->mean_seconds))
        cnn_clock_format_duration(d->left * d->mean_seconds, left, sizeof left);
    cnn_text_printf(s->out, " %5d %6d %9s", d->ended, d->failed, left);
    end_line(s);
}

static void put_devices(const cnn_job_status *status, screen *s)
{
    const int width = name_width(s);
    int i = 0;
    if (!status->device_count || !has_room(s, 3))
        return;
    end_line(s);
    put_name("Device", width + 2 + BAR, s->out);
    cnn_text_append(s->out, "  ended failed      left");
    end_line(s);
    for (; i < status->device_count && has_room(s, i + 1 < status->device_count ? 2 : 1); i++)
        put_device(&status->devices[i], width, s);
    if (i < status->device_count) {
        cnn_text_printf(s->out, "... and %d more", status->device_count - i);
        end_line(s);
    }
}

/** Means of the done runs of a cell; NaN: there is none. */
typedef struct {
    int planned, done, seconds_known, errors_known;
    double seconds, error;
} cell_figures;

static cell_figures figures_of(const cnn_results *r, int cell)
{
    cell_figures f = {0};
    for (int run = 0; run < r->run_count; run++) {
        const cnn_measured *m = &r->measured[run];
        if (r->planned[run].cell != cell || r->planned[run].warmup)
            continue;
        f.planned++;
        if (r->status[run] != CNN_RUN_DONE)
            continue;
        f.done++;
        f.seconds_known += isfinite(m->train_seconds);
        f.seconds += isfinite(m->train_seconds) ? m->train_seconds : 0;
        f.errors_known += isfinite(m->test_error);
        f.error += isfinite(m->test_error) ? m->test_error : 0;
    }
    f.seconds = f.seconds_known ? f.seconds / f.seconds_known : NAN;
    f.error = f.errors_known ? f.error / f.errors_known : NAN;
    return f;
}

static void put_cell(const cnn_results *r, int cell, int width, screen *s)
{
    const cell_figures f = figures_of(r, cell);
    char seconds[32] = "-", error[32] = "-";
    cnn_text name = {0};
    cnn_job_status_label(r, cell, &name);
    put_name(name.s ? name.s : "", width, s->out);
    s->out->failed |= name.failed;
    cnn_text_free(&name);
    if (isfinite(f.seconds))
        snprintf(seconds, sizeof seconds, "%.4g", f.seconds);
    if (isfinite(f.error))
        snprintf(error, sizeof error, "%.2f", 100 * f.error);
    cnn_text_printf(s->out, " %5d/%-5d %12s %12s", f.done, f.planned, seconds, error);
    end_line(s);
}

/** Means so far, cell by cell: what they show is for the report to say, once the study is whole. */
static void put_cells(const cnn_results *r, screen *s)
{
    const int width = name_width(s) + BAR / 2;
    int cell = 0;
    if (!has_room(s, 3))
        return;
    end_line(s);
    put_name("Means so far", width, s->out);
    cnn_text_append(s->out, "  done/planned   training, s test error, %");
    end_line(s);
    for (; cell < r->cell_count && has_room(s, cell + 1 < r->cell_count ? 2 : 1); cell++)
        put_cell(r, cell, width, s);
    if (cell < r->cell_count) {
        cnn_text_printf(s->out, "... and %d more", r->cell_count - cell);
        end_line(s);
    }
}

void cnn_job_status_screen(const cnn_results *results, const cnn_job_status *status,
                           const char *holder, const char *path, int columns, int lines,
                           cnn_text *out)
{
    screen s = {.out = out, .columns = columns, .lines = lines};
    put_head(results, status, holder, path, &s);
    put_devices(status, &s);
    put_cells(results, &s);
}
