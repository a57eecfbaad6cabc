/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "status/job_status.h"

#include <math.h>
#include <stdio.h>

enum { MOST_LINES = 16, NAME_WIDTH = 44, REASON_WIDTH = 60 };

static void heading(cnn_text *out, const char *name)
{
    cnn_text_printf(out, "  %-10s", name);
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void write_state(const cnn_job_status *s, const char *holder, cnn_text *out)
{
    heading(out, "state");
    if (*holder)
        cnn_text_printf(out, "running: %s\n", holder);
    else if (s->left)
        cnn_text_append(out, "unfinished, and nobody works on it: --resume goes on\n");
    else if (s->failed)
        cnn_text_append(out, "complete but for the failed runs, which --resume tries again\n");
    else
        cnn_text_append(out, "complete\n");
}

static void write_runs(const cnn_job_status *s, bool running, cnn_text *out)
{
    heading(out, "runs");
    cnn_text_printf(out, "%d planned: %d done, %d diverged, %d failed, %d left", s->planned,
                    s->done, s->diverged, s->failed, s->left);
    if (running && s->left) /* what a rank does at the moment is not in the file */
        cnn_text_printf(out, ", of which up to %d running now",
                        s->ranks > 0 && s->ranks < s->left ? s->ranks : s->left);
    cnn_text_append(out, "\n");
}

static void write_time(const cnn_job_status *s, cnn_text *out)
{
    char time[32];
    if (s->left == 0)
        return;
    heading(out, "time left");
    if (isnan(s->seconds_left)) {
        cnn_text_append(out, "unknown: no run has finished yet\n");
        return;
    }
    cnn_clock_format_duration(s->seconds_left, time, sizeof time);
    cnn_text_printf(out, "about %s with %d rank%s, by the runs that have finished\n", time,
                    s->ranks, plural(s->ranks));
}

static void write_session(const cnn_results *r, cnn_text *out)
{
    char start[32];
    const int n = r->session_count;
    if (n == 0)
        return;
    cnn_clock_format(r->sessions[n - 1].start_time, start, sizeof start);
    heading(out, "sessions");
    cnn_text_printf(out, "%d; the last one began %s with %d rank%s\n", n, start,
                    r->sessions[n - 1].ranks, plural(r->sessions[n - 1].ranks));
    if (r->quarantines && r->quarantines[n - 1].devices[0])
        cnn_text_printf(out, "  quarantine  %s\n", r->quarantines[n - 1].devices);
}

static void write_device(const cnn_device_status *d, cnn_text *out)
{
    char end[32] = "-", name[48], mean[32] = "-", left[16] = "-";
    snprintf(name, sizeof name, "device %d of the plan", d->planned_device);
    if (isfinite(d->last_end))
        cnn_clock_format(d->last_end, end, sizeof end);
    if (isfinite(d->mean_seconds))
        snprintf(mean, sizeof mean, "%.3f", d->mean_seconds);
    if (d->left >= 0)
        snprintf(left, sizeof left, "%d", d->left);
    cnn_text_append_padded(out, d->name[0] ? d->name : name, NAME_WIDTH);
    cnn_text_printf(out, " %6d %7d %6s %10s  %s\n", d->ended, d->failed, left, mean, end);
}

static void write_devices(const cnn_job_status *s, cnn_text *out)
{
    if (s->device_count == 0)
        return;
    cnn_text_append(out, "\n");
    cnn_text_append_padded(out, "Device", NAME_WIDTH);
    cnn_text_append(out, "  ended  failed   left    s a run  last one ended\n");
    for (int i = 0; i < s->device_count && i < MOST_LINES; i++)
        write_device(&s->devices[i], out);
    if (s->device_count > MOST_LINES)
        cnn_text_printf(out, "... and %d more\n", s->device_count - MOST_LINES);
}

void cnn_job_status_label(const cnn_results *r, int cell, cnn_text *out)
{
    const int *levels = &r->cell_levels[cell * r->factor_count];
    for (int f = 0, shown = 0; f < r->factor_count; f++)
        if (cnn_results_factor_is_shown(&r->factors[f]))
            cnn_text_printf(out, "%s%s", shown++ ? " / " : "", r->factors[f].labels[levels[f]]);
}

/** "native / arch1 / mnist, repeat 3", as in the log of a run. */
static void write_run(const cnn_results *r, int run, cnn_text *out)
{
    const cnn_planned *p = &r->planned[run];
    cnn_job_status_label(r, p->cell, out);
    if (p->warmup)
        cnn_text_append(out, ", warm-up");
    else
        cnn_text_printf(out, ", repeat %d", (int)p->repeat);
}

static void write_failures(const cnn_results *r, const cnn_job_status *s, cnn_text *out)
{
    if (s->failure_count == 0)
        return;
    cnn_text_append(out, "\n");
    cnn_text_append_padded(out, "Attempts without a result, by reason", REASON_WIDTH);
    cnn_text_append(out, " attempts  runs failed  for example\n");
    for (int i = 0; i < s->failure_count && i < MOST_LINES; i++) {
        cnn_text_append_padded(out, s->failures[i].reason, REASON_WIDTH);
        cnn_text_printf(out, " %8d %12d  ", s->failures[i].attempts, s->failures[i].runs);
        write_run(r, s->failures[i].run, out);
        cnn_text_append(out, "\n");
    }
    if (s->failure_count > MOST_LINES)
        cnn_text_printf(out, "... and %d more\n", s->failure_count - MOST_LINES);
}

void cnn_job_status_text(const cnn_results *results, const cnn_job_status *status,
                         const char *holder, const char *path, cnn_text *out)
{
    cnn_text_printf(out, "%s: '%s'\n", path, results->job_name);
    write_state(status, holder, out);
    write_runs(status, *holder != '\0', out);
    write_time(status, out);
    write_session(results, out);
    write_devices(status, out);
    write_failures(results, status, out);
}
