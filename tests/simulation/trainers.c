/* SPDX-License-Identifier: Apache-2.0 */
/* Trainers: their events are written when they are started, and become visible as time goes on. */
#include "checks.h"

#include "base/text.h"
#include "protocol/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 16 };
typedef struct {
    cnn_trainer trainer; /* first: see mpi/worker/trainer.h */
    sim_rank *rank;
    int run;
    sim_fate fate;
    double start, end; /* INFINITY: it hangs */
    bool killed;
    int exit_code, left_behind;
    struct {
        double time;
        char *text;
        bool too_long;
    } lines[LINES_MAX];
    int line, line_count; /* the next one, all */
} sim_trainer;

/* ---- what it will do ----------------------------------------------------------------------- */

static sim_fate draw_fate(sim_rank *rank, int run)
{
    sim_world *w = rank->world;
    const sim_session_plan *p = w->plan;
    double u = sim_random_uniform(&w->fates);
    if (w->now - w->session_start >= p->bad_from[rank->number])
        return (sim_fate)p->bad_fate[rank->number];
    if (w->design->runs[run].cell == p->bad_cell)
        return SIM_EXIT;
    for (int f = 0; f < SIM_FATE_COUNT; f++) {
        if (u < p->chance[f])
            return (sim_fate)f;
        u -= p->chance[f];
    }
    return SIM_DONE;
}

static void add_line(sim_trainer *t, double time, char *text, bool too_long)
{
    if (t->line_count == LINES_MAX || !text)
        abort();
    t->lines[t->line_count].time = time;
    t->lines[t->line_count].text = text;
    t->lines[t->line_count++].too_long = too_long;
}

static void add_event(sim_trainer *t, double time, const cnn_event *event)
{
    cnn_text text = {0};
    cnn_event_write(event, &text);
    if (text.len > 0)
        text.s[text.len - 1] = '\0'; /* its newline */
    add_line(t, time, cnn_text_take(&text), false);
}

static cnn_event ready_event(const sim_trainer *t, double setup)
{
    const sim_world *w = t->rank->world;
    const int cell = w->design->runs[t->run].cell;
    const cnn_treatment treatment = cnn_job_treatment(w->job, w->design->cells[cell].levels);
    cnn_event e = cnn_event_make(CNN_EVENT_READY);
    e.setup_seconds = setup;
    e.parameters = SIM_PARAMETERS + cell + (t->fate == SIM_OTHER_NETWORK ? 500 : 0);
    e.train_images = 60000;
    e.test_images = 10000;
    e.threads = 1;
    snprintf(e.data_checksum, sizeof e.data_checksum, "%s%s", treatment.source->name,
             t->fate == SIM_OTHER_DATA ? SIM_IMPOSTOR : "");
    cnn_copy_string(e.backend, sizeof e.backend, "world");
    return e;
}

static void add_epochs(sim_trainer *t, double *time, double seconds, int epochs)
{
    for (int k = 0; k < epochs; k++) {
        cnn_event e = cnn_event_make(CNN_EVENT_EPOCH);
        e.epoch = k;
        e.seconds = seconds;
        e.train_loss = e.test_loss = t->fate == SIM_DIVERGED && k == epochs - 1 ? NAN : 0.5;
        e.test_error = t->fate == SIM_WRONG_ERROR ? 7.5 : 0.25;
        e.evaluation_seconds = 0;
        *time += seconds;
        add_event(t, *time, &e);
    }
}

/** Its last event. */
static void add_end(sim_trainer *t, double *time, double sum)
{
    cnn_event e = cnn_event_make(CNN_EVENT_DONE);
    if (t->fate == SIM_ERROR) {
        e = cnn_event_make(CNN_EVENT_ERROR);
        cnn_copy_string(e.message, sizeof e.message, "simulated error");
    }
    e.train_seconds = t->fate == SIM_WRONG_SUM ? 2 * sum + 1 : sum;
    e.total_seconds = t->fate == SIM_TOO_LONG ? 100 * (*time - t->start) + 100 : *time - t->start;
    e.diverged = t->fate == SIM_DIVERGED;
    cnn_copy_string(e.checksum, sizeof e.checksum, "0123456789abcdef");
    if (t->fate == SIM_GARBAGE)
        add_line(t, *time, cnn_strdup("no event"), false);
    else if (t->fate == SIM_LONG_LINE)
        add_line(t, *time, cnn_strdup("{\"event\": \"do"), true);
    else if (t->fate != SIM_MUTE && t->fate != SIM_EXIT && t->fate != SIM_SIGNAL &&
             t->fate != SIM_HANG)
        add_event(t, *time, &e);
}

/** Writes what it will report, and when. */
static void script(sim_trainer *t)
{
    sim_world *w = t->rank->world;
    const int cell = w->design->runs[t->run].cell;
    const int epochs = cnn_job_treatment(w->job, w->design->cells[cell].levels).train.epochs;
    const double typical = w->scenario.run_seconds * (1 + 0.5 * (cell % 3));
    const double whole = typical * sim_random_between(&w->fates, 0.8, 1.2), setup = 0.1 * whole;
    const double seconds = 0.9 * whole / epochs;
    const bool cut = t->fate == SIM_EXIT || t->fate == SIM_SIGNAL || t->fate == SIM_HANG;
    const int reported = cut ? sim_random_int(&w->fates, -1, epochs - 1) : epochs;
    double time = t->start + setup;
    if (reported >= 0) {
        const cnn_event ready = ready_event(t, setup);
        add_event(t, time, &ready);
        add_epochs(t, &time, seconds, reported);
    }
    add_end(t, &time, reported * seconds);
    t->end = t->fate == SIM_HANG ? INFINITY : time + sim_random_between(&w->fates, 0, 0.1);
    t->exit_code = t->fate == SIM_SIGNAL ? -9 : t->fate == SIM_EXIT || t->fate == SIM_ERROR ? 1 : 0;
    t->left_behind = t->fate == SIM_OCCUPIES ? sim_random_int(&w->fates, -1, 2) : 0;
}

/* ---- the interface ------------------------------------------------------------------------- */

static double now(const sim_trainer *t)
{
    return t->rank->world->now;
}

/** Wakes its rank at everything that it does. */
static void announce(sim_trainer *t)
{
    for (int k = t->line; k < t->line_count; k++)
        sim_world_add(t->rank->world, t->lines[k].time, SIM_ROUSES, t->rank->number, NULL);
    sim_world_add(t->rank->world, t->end, SIM_ROUSES, t->rank->number, NULL);
    t->rank->trainer_end = t->end;
}

static cnn_status poll_trainer(cnn_trainer *trainer, double timeout)
{
    (void)trainer;
    (void)timeout;
    return CNN_OK;
}

static const char *next_line(cnn_trainer *trainer, bool *too_long)
{
    sim_trainer *t = (sim_trainer *)trainer;
    if (t->line == t->line_count || t->lines[t->line].time > now(t))
        return NULL;
    *too_long = t->lines[t->line].too_long;
    return t->lines[t->line++].text;
}

static bool has_ended(const cnn_trainer *trainer)
{
    const sim_trainer *t = (const sim_trainer *)trainer;
    return now(t) >= t->end && t->line == t->line_count;
}

static bool is_mute(const cnn_trainer *trainer)
{
    (void)trainer;
    return false;
}

static double life_seconds(const cnn_trainer *trainer)
{
    const sim_trainer *t = (const sim_trainer *)trainer;
    return fmin(now(t), t->end) - t->start;
}

static void kill_trainer(cnn_trainer *trainer)
{
    sim_trainer *t = (sim_trainer *)trainer;
    sim_world *w = t->rank->world;
    if (now(t) >= t->end || t->killed)
        return;
    sim_world_trace(w, t->rank->number, "run %d: its trainer is killed", t->run);
    t->killed = true;
    t->exit_code = -9;
    t->end = now(t) + sim_random_log(&w->fates, 1e-3, 5);
    while (t->line_count > t->line && t->lines[t->line_count - 1].time > now(t))
        free(t->lines[--t->line_count].text);
    announce(t);
}

static void describe_end(cnn_trainer *trainer, cnn_trainer_end *end, cnn_measured *row)
{
    sim_trainer *t = (sim_trainer *)trainer;
    (void)row;
    sim_check_trainer_ended(t->rank, t->left_behind);
    *end = (cnn_trainer_end){.exit_code = t->exit_code,
                             .started = true,
                             .left_behind = t->left_behind,
                             .start_time = SIM_START + t->start,
                             .life_seconds = t->end - t->start,
                             .log = "simulated output\n"};
}

static void destroy_trainer(cnn_trainer *trainer)
{
    sim_trainer *t = (sim_trainer *)trainer;
    for (int k = 0; k < t->line_count; k++)
        free(t->lines[k].text);
    t->rank->facts.running = -1;
    t->rank->trainer_end = -INFINITY;
    free(t);
}

static cnn_status start(cnn_trainers *trainers, int run, const char *spec, cnn_trainer **out)
{
    cnn_status st = CNN_OK;
    sim_rank *rank = ((sim_trainers *)trainers)->rank;
    sim_trainer *t = calloc(1, sizeof *t);
    (void)spec;
    CNN_CHECK(t, CNN_ENOMEM, "a simulated trainer");
    sim_check_started(rank, run);
    t->fate = draw_fate(rank, run);
    sim_world_trace(rank->world, rank->number, "run %d: a trainer starts, and %s", run,
                    sim_fate_names[t->fate]);
    CNN_CHECK(t->fate != SIM_NO_START, CNN_EENV, "no simulated process can be had");
    t->trainer = (cnn_trainer){poll_trainer, next_line,    has_ended,    is_mute,
                               life_seconds, kill_trainer, describe_end, destroy_trainer};
    t->rank = rank;
    t->run = run;
    t->start = rank->world->now;
    script(t);
    announce(t);
    rank->facts.running = run;
    *out = &t->trainer;
    t = NULL;
done:
    free(t);
    return st;
}

static void destroy(cnn_trainers *trainers)
{
    (void)trainers;
}

void sim_trainers_make(sim_rank *rank)
{
    rank->trainers.interface = (cnn_trainers){start, destroy};
    rank->trainers.rank = rank;
    rank->context.trainers = &rank->trainers.interface;
}
