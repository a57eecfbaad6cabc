/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/progress.h"

#include "base/clock.h"
#include "base/printable.h"
#include "base/text.h"
#include "mpi/live.h"
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
    char *drawn;                         /* the live lines that stand on the screen; NULL: none */
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

/** Appends what moves the cursor to where the live lines begin: the window may be narrower by now, and
 *  show them in more lines than were written. */
static void put_return(const cnn_progress *p, int columns, cnn_text *out)
{
    const int height = p->drawn ? cnn_live_height(p->drawn, columns) : 1;
    cnn_text_append(out, "\r");
    if (height > 1)
        cnn_text_printf(out, "\033[%dA", height - 1);
}

/** Takes the live lines away, so that something lasting can be written. */
static void clear_lines(cnn_progress *p)
{
    cnn_text t = {0};
    if (p->drawn) {
        put_return(p, cnn_terminal_width(), &t);
        cnn_text_append(&t, "\033[J");
        fputs(t.failed ? "\r" : t.s, stdout);
    }
    cnn_text_free(&t);
    free(p->drawn);
    p->drawn = NULL;
}

void cnn_progress_destroy(cnn_progress **progress)
{
    cnn_progress *p = *progress;
    if (!p)
        return;
    clear_lines(p);
    fflush(stdout);
    free(p->states);
    free(p);
    *progress = NULL;
}

void cnn_progress_text(cnn_progress *p, const char *text)
{
    if (p->mode == CNN_PROGRESS_QUIET)
        return;
    clear_lines(p);
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
    /* On a terminal the live lines show the good ones. */
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

/** What the ranks that are at work do. ranks [size] is room, as is labels [size], whose texts the
 *  caller frees. Returns how many there are; -1 without memory. */
static int gather_ranks(const cnn_progress *p, cnn_live_rank *ranks, char **labels)
{
    const cnn_design *d = p->context->design;
    int n = 0;
    for (int r = 0; r < p->context->size; r++) {
        const cnn_message_state *s = &p->states[r];
        cnn_text label = {0};
        if (s->run < 0)
            continue;
        cnn_design_label_run(d, s->run, &label);
        if ((labels[n] = cnn_text_take(&label)) == NULL)
            return -1;
        cnn_make_printable(labels[n], false);
        ranks[n] = (cnn_live_rank){
            .rank = r, .run = labels[n], .cell = (int)strlen(d->cells[d->runs[s->run].cell].label)};
        snprintf(ranks[n].epochs, sizeof ranks[n].epochs, "%d/%d", s->epoch, s->epochs);
        n++;
    }
    return n;
}

/** The lines as they should stand on a screen of this size. */
static char *lay_out(const cnn_progress *p, double time_left, int columns, int lines)
{
    enum { MOST_LINES = 8 };
    const size_t size = (size_t)p->context->size;
    cnn_text head = {0}, text = {0};
    cnn_live_rank *ranks = calloc(size, sizeof *ranks);
    char **labels = calloc(size, sizeof *labels);
    const int count = ranks && labels ? gather_ranks(p, ranks, labels) : -1;
    describe_whole(p, time_left, &head);
    if (count >= 0 && !head.failed)
        cnn_live_lay_out(head.s, ranks, count, columns,
                         lines - 1 < 2            ? 2
                         : lines - 1 < MOST_LINES ? lines - 1
                                                  : MOST_LINES,
                         &text);
    for (size_t i = 0; labels && i < size; i++)
        free(labels[i]);
    free(labels);
    free(ranks);
    cnn_text_free(&head);
    return cnn_text_take(&text);
}

void cnn_progress_draw(cnn_progress *p, double time_left)
{
    int columns, lines;
    cnn_text t = {0};
    cnn_terminal_size(&columns, &lines);
    char *text = lay_out(p, time_left, columns, lines);
    if (!text)
        return;
    put_return(p, columns, &t);
    for (const char *s = text; s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
        cnn_text_printf(&t, "%s%.*s\033[K", s == text ? "" : "\n", (int)strcspn(s, "\n"), s);
    cnn_text_append(&t, "\033[J"); /* what is left of more lines */
    if (!t.failed) {
        fputs(t.s, stdout);
        fflush(stdout);
        free(p->drawn);
        p->drawn = text;
        text = NULL;
        p->last_draw = cnn_system_monotonic(p->context->system);
    }
    free(text);
    cnn_text_free(&t);
}
