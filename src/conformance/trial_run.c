/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a case: a process, its events, and what could be seen of it meanwhile. */
#include "conformance/internal.h"

#include "base/clock.h"
#include "host/child.h"
#include "host/environment.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EPOCH_ROOM = 1024, MAX_WEIGHTS_BYTES = 1 << 26 };
/* Seconds: between two looks at the process, and at its threads. */
static const double patience = 0.2, between_looks = 0.05;

/** A run under way. */
typedef struct {
    trial_case_id id;
    cnn_child *child;
    double ready, last_event;     /* monotonic; NaN: no event yet */
    double first_look, last_look; /* at the demand of threads; NaN */
    trial_demand first, last;
} watch;

static void look(watch *w)
{
    const double now = cnn_clock_monotonic();
    if (!isnan(w->last_look) && now - w->last_look < between_looks)
        return;
    const trial_demand demand = trial_demand_of((int)cnn_child_pid(w->child));
    if (isnan(demand.ran) || demand.ran < w->last.ran) /* threads that have ended since are lost */
        return;
    if (isnan(w->first_look)) {
        w->first_look = now;
        w->first = demand;
    }
    w->last_look = now;
    w->last = demand;
}

/** What a batch system sends to all processes of a job that is to stop, or will be soon. */
static void send_signals(const watch *w)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        kill(-cnn_child_pid(w->child), signals[i]);
}

/** Takes one event, or what should be one. */
static void take_line(watch *w, trial_run *run, const char *line, bool too_long)
{
    const bool was_ready = run->record.ready;
    if (!cnn_record_line(&run->record, line, too_long))
        cnn_child_kill(w->child);
    w->last_event = cnn_clock_monotonic();
    if (run->record.ready && !was_ready) {
        w->ready = w->last_event;
        if (w->id == CASE_SIGNALS)
            send_signals(w);
    }
    if (run->record.done && isnan(run->observed))
        run->observed = w->last_event - w->ready;
    if (run->record.ready && !run->record.done)
        look(w);
}

static cnn_status attend(trial *t, watch *w, trial_run *run)
{
    cnn_status st = CNN_OK;
    char why[128] = "";
    double heard = cnn_clock_monotonic();
    while (!cnn_child_ended(w->child)) {
        bool too_long = false;
        cnn_record_look(&run->record, cnn_clock_monotonic());
        CNN_TRY(cnn_child_poll(w->child, patience));
        for (const char *line; (line = cnn_child_next_line(w->child, &too_long)) != NULL;) {
            take_line(w, run, line, too_long);
            heard = cnn_clock_monotonic();
        }
        CNN_CHECK(!*t->stop, CNN_ESTOPPED, "stopped by a signal");
        if (!*why && cnn_clock_monotonic() - heard > t->options->timeout) {
            snprintf(why, sizeof why, "no event for %g s; it was ended", t->options->timeout);
            cnn_record_refuse(&run->record, why);
            cnn_child_kill(w->child);
        }
    }
    for (const char *line; (line = cnn_child_next_line(w->child, &(bool){false})) != NULL;)
        take_line(w, run, line, false);
done:
    return st;
}

static cnn_status start(const trial *t, trial_case_id id, trial_who who, cnn_child **out)
{
    /* all cores stay open to it, so that a thread too many shows */
    const cnn_environment_place place = {.threads = trial_cases[id].threads, .sees_all_gpus = true};
    const cnn_environment_wishes nothing = {0};
    cnn_status st = CNN_OK;
    cnn_text spec = {0};
    char **environment = NULL;
    char *const reference[] = {(char *)t->options->reference, NULL};
    CNN_TRY(trial_spec_write(t, id, who, &spec));
    CNN_TRY(cnn_text_status(&spec));
    CNN_TRY(cnn_environment_of_run(environ, &nothing, &place, &environment));
    const cnn_child_options options = {
        .helper = t->options->helper,
        .argv = who == REFERENCE ? reference : t->options->command,
        .environment = environment,
        .input = spec.s,
    };
    CNN_TRY(cnn_child_start(&options, out));
done:
    cnn_environment_free(&environment);
    cnn_text_free(&spec);
    return st;
}

/** Reads the file of weights, if the trainer has made one, and removes it. */
static cnn_status take_weights(const trial *t, trial_run *run)
{
    cnn_status st = CNN_OK;
    char *bytes = NULL;
    size_t n = 0;
    char *path = cnn_asprintf("%s/weights", t->folder);
    CNN_CHECK(path, CNN_ENOMEM, "a file's name");
    if (access(path, F_OK) != 0)
        goto done;
    CNN_TRY(cnn_read_file(path, MAX_WEIGHTS_BYTES, &bytes, &n));
    run->weight_count = (int64_t)(n / sizeof *run->weights);
    CNN_CHECK((run->weights = malloc(n + 1)) != NULL, CNN_ENOMEM, "%zu bytes of weights", n);
    memcpy(run->weights, bytes, n);
    CNN_CHECK(unlink(path) == 0, CNN_EENV, "cannot remove '%s': %s", path, strerror(errno));
done:
    free(bytes);
    free(path);
    return st;
}

/** What events and exit status amount to; then the times, by the life of the process. */
static void judge(trial_run *run, cnn_child *child)
{
    cnn_record *r = &run->record;
    cnn_trainer_end end = {.exit_code = cnn_child_exit_code(child),
                           .started = cnn_child_was_started(child),
                           .life_seconds = NAN,
                           .log = cnn_child_log_tail(child)};
    run->exit_code = end.exit_code;
    run->outcome = cnn_record_judge(r, &end);
    run->refused = run->outcome == CNN_OUTCOME_ERROR && end.exit_code == 2 && !r->ready;
    end.life_seconds = cnn_child_life_seconds(child);
    if (run->outcome == CNN_OUTCOME_DONE && cnn_record_judge(r, &end) == CNN_OUTCOME_PROTOCOL)
        cnn_copy_string(run->exceeds, sizeof run->exceeds, r->reason);
}

static void count_threads(const watch *w, trial_run *run)
{
    if (!(w->last_look > w->first_look))
        return;
    run->cpu_seconds = w->last.ran - w->first.ran;
    run->threads =
        (run->cpu_seconds + w->last.waited - w->first.waited) / (w->last_look - w->first_look);
}

static cnn_status make(trial *t, trial_case_id id, trial_who who, trial_run *run)
{
    cnn_status st = CNN_OK;
    const int epochs = trial_cases[id].epochs ? trial_cases[id].epochs : t->paced_epochs;
    watch w = {.id = id, .ready = NAN, .first_look = NAN, .last_look = NAN};
    run->observed = run->threads = run->cpu_seconds = NAN;
    CNN_TRY(cnn_record_create(EPOCH_ROOM, &run->record));
    cnn_record_begin(&run->record, epochs);
    CNN_TRY(start(t, id, who, &w.child));
    CNN_TRY(attend(t, &w, run));
    judge(run, w.child);
    count_threads(&w, run);
    CNN_TRY(take_weights(t, run));
    run->made = true;
done:
    cnn_child_destroy(&w.child);
    return st;
}

cnn_status trial_run_make(trial *t, trial_case_id id, trial_who who, const trial_run **out)
{
    cnn_status st = CNN_OK;
    trial_run *run = &t->runs[who][id];
    if (!run->made)
        CNN_TRY(make(t, id, who, run));
    CNN_CHECK(who != REFERENCE || run->outcome == CNN_OUTCOME_DONE, CNN_EENV,
              "the reference has failed at '%s': %s", trial_cases[id].name, run->record.reason);
    *out = run;
done:
    return st;
}

void trial_run_free(trial_run *run)
{
    cnn_record_free(&run->record);
    free(run->weights);
    *run = (trial_run){0};
}
