/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/progress.h"

#include "base/clock.h"
#include "base/printable.h"
#include "base/text.h"
#include "mpi/stop.h"
#include "mpi/terminal.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cnn_progress {
    cnn_progress_mode mode;
    const cnn_rank_context *context;
    int planned, done, failed, diverged; /* runs, warm-ups not counted */
    cnn_message_state *states;           /* [size] what each rank trains; run -1: nothing */
    double last_draw;                    /* monotonic seconds */
    bool drawn;                          /* a live line stands on the screen */
};

static const double draw_interval = 0.2; /* seconds */

cnn_progress_mode cnn_progress_settle(cnn_progress_mode mode)
{
    if (mode != CNN_PROGRESS_AUTO)
        return mode;
    return cnn_terminal_is_watched() ? CNN_PROGRESS_LIVE : CNN_PROGRESS_PLAIN;
}

static bool is_warmup(const cnn_progress *p, int run)
{
    const cnn_design *d = p->context->design;
    return d->blocks[d->runs[run].block].warmup;
}

/** by: 1 counts the run, -1 takes it back. */
static void count(cnn_progress *p, int run, int status, int by)
{
    if (is_warmup(p, run))
        return;
    p->done += status == CNN_RUN_DONE ? by : 0;
    p->diverged += status == CNN_RUN_DIVERGED ? by : 0;
    p->failed += status == CNN_RUN_FAILED ? by : 0;
}

cnn_status cnn_progress_create(cnn_progress_mode mode, const cnn_rank_context *context,
                               cnn_progress **out)
{
    cnn_status st = CNN_OK;
    cnn_progress *p = calloc(1, sizeof *p);
    CNN_CHECK(p != NULL, CNN_ENOMEM, "progress");
    p->mode = mode;
    p->context = context;
    CNN_CHECK((p->states = calloc((size_t)context->size, sizeof *p->states)) != NULL, CNN_ENOMEM,
              "progress of %d ranks", context->size);
    for (int r = 0; r < context->size; r++)
        p->states[r].run = -1;
    for (int run = 0; run < context->design->run_count; run++) {
        p->planned += !is_warmup(p, run);
        if (cnn_run_is_finished(context, run)) /* those that failed are tried again */
            count(p, run, context->status[run], 1);
    }
    *out = p;
    p = NULL;
done:
    cnn_progress_destroy(&p);
    return st;
}

/** Takes the live line away, so that something lasting can be written. */
static void clear_line(cnn_progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stdout);
    p->drawn = false;
}

void cnn_progress_destroy(cnn_progress **progress)
{
    cnn_progress *p = *progress;
    if (!p)
        return;
    clear_line(p);
    fflush(stdout);
    free(p->states);
    free(p);
    *progress = NULL;
}

void cnn_progress_text(cnn_progress *p, const char *text)
{
    if (p->mode == CNN_PROGRESS_QUIET)
        return;
    clear_line(p);
    cnn_print(stdout, text);
    fflush(stdout); /* a log should show it now; a reader that has gone away is not our concern */
}

/** A time-stamped line. */
static void write_line(cnn_progress *p, char *line)
{
    char stamp[32];
    cnn_text t = {0};
    cnn_make_printable(line, false);
    cnn_clock_format(cnn_system_wall(p->context->system), stamp, sizeof stamp);
    cnn_text_printf(&t, "%s  %s\n", stamp, line);
    if (t.s)
        cnn_progress_text(p, t.s);
    cnn_text_free(&t);
}

void cnn_progress_note(cnn_progress *p, const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    write_line(p, line);
}

void cnn_progress_stopping(cnn_progress *p, int signal, double seconds)
{
    const char *cause = cnn_stop_cause(signal);
    cnn_progress_note(p,
                      "%s: no new run starts, running ones have %.0f s to finish; continue later "
                      "with --resume",
                      cause, seconds);
    if (p->mode == CNN_PROGRESS_QUIET) /* a launcher may kill the ranks before they can say more */
        cnn_printf(stderr, "cnnmpi: %s: no new run starts; continue later with --resume\n", cause);
}

void cnn_progress_state(cnn_progress *p, int rank, const cnn_message_state *m)
{
    p->states[rank] = *m;
}

void cnn_progress_idle(cnn_progress *p, int rank)
{
    p->states[rank].run = -1;
}

void cnn_progress_attempt(cnn_progress *p, int rank, const cnn_message_attempt *m)
{
    cnn_text label = {0};
    cnn_design_label_run(p->context->design, m->run, &label);
    cnn_progress_note(p, "%s: attempt %d failed on rank %d, trying again: %s",
                      label.s ? label.s : "?", m->attempt, rank, m->reason);
    cnn_text_free(&label);
}

/** "native / arch1 / mnist, repeat 3: 12.3 s, test error 15.2 % (rank 1)" */
static void describe_run(const cnn_progress *p, int rank, const cnn_message_run *m, cnn_text *t)
{
    cnn_design_label_run(p->context->design, m->run, t);
    if (m->status == CNN_RUN_FAILED) {
        cnn_text_printf(t, ": FAILED after %d attempt%s%s: %s", m->attempts,
                        m->attempts == 1 ? "" : "s",
                        m->kept ? ", and its earlier result is kept" : "", m->reason);
    } else {
        cnn_text_printf(t, ": trained in %.3f s", m->train_seconds);
        if (!isnan(m->test_error))
            cnn_text_printf(t, ", test error %.2f %%", 100 * m->test_error);
        if (m->status == CNN_RUN_DIVERGED)
            cnn_text_append(t, ", diverged");
    }
    cnn_text_printf(t, " (rank %d)", rank);
}

void cnn_progress_run(cnn_progress *p, int rank, const cnn_message_run *m)
{
    cnn_text t = {0};
    if (!m->kept) {
        count(p, m->run, p->context->status[m->run], -1);
        count(p, m->run, m->status, 1);
    }
    p->states[rank].run = -1;
    /* On a terminal the live line shows the good ones. */
    if (p->mode != CNN_PROGRESS_LIVE || m->status == CNN_RUN_FAILED) {
        cnn_text_printf(&t, "[%d/%d] ", p->done + p->diverged + p->failed, p->planned);
        describe_run(p, rank, m, &t);
        if (t.s)
            write_line(p, t.s);
    }
    cnn_text_free(&t);
}

void cnn_progress_reopen(cnn_progress *p, int run)
{
    count(p, run, p->context->status[run], -1);
}

bool cnn_progress_is_due(const cnn_progress *p)
{
    return p->mode == CNN_PROGRESS_LIVE &&
           cnn_system_monotonic(p->context->system) - p->last_draw >= draw_interval;
}

/** "12 done, 1 failed, 2 running, 4:05 left" */
static void describe_whole(const cnn_progress *p, double time_left, cnn_text *t)
{
    char left[32] = "unknown";
    int running = 0;
    for (int r = 0; r < p->context->size; r++)
        running += p->states[r].run >= 0;
    if (!isnan(time_left))
        cnn_clock_format_duration(time_left, left, sizeof left);
    cnn_text_printf(t, "%d/%d done", p->done + p->diverged, p->planned);
    if (p->diverged)
        cnn_text_printf(t, " (%d diverged)", p->diverged);
    cnn_text_printf(t, ", %d failed, %d running, time left %s", p->failed, running, left);
}

/** Bytes of the first `columns` characters of s; one character is taken to fill one column. */
static size_t cut(const char *s, int columns)
{
    size_t n = 0;
    for (; s[n]; n++)
        if (((unsigned char)s[n] & 0xc0) != 0x80 && columns-- == 0)
            break;
    return n;
}

void cnn_progress_draw(cnn_progress *p, double time_left)
{
    cnn_text t = {0};
    describe_whole(p, time_left, &t);
    for (int r = 0; r < p->context->size; r++) {
        const cnn_message_state *s = &p->states[r];
        if (s->run < 0)
            continue;
        cnn_text_printf(&t, " | %d: ", r);
        cnn_design_label_run(p->context->design, s->run, &t);
        cnn_text_printf(&t, " %d/%d", s->epoch, s->epochs);
    }
    if (cnn_text_status(&t) == CNN_OK) {
        cnn_make_printable(t.s, false);
        /* The last column stays free: writing there makes some terminals go to the next line. */
        printf("\r%.*s\033[K", (int)cut(t.s, cnn_terminal_width() - 1), t.s);
        fflush(stdout);
        p->drawn = true;
        p->last_draw = cnn_system_monotonic(p->context->system);
    }
    cnn_text_free(&t);
}
