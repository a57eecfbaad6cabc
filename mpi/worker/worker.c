/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/worker.h"

#include "base/printable.h"
#include "base/text.h"
#include "mpi/worker/run_place.h"
#include "mpi/worker/run_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cnn_worker {
    const cnn_rank_context *context;
    const cnn_place *place; /* this rank's */
    cnn_event_rules rules;  /* of the job, for the record */
    cnn_record record;
    cnn_message_block work;          /* work.block: -1 none */
    int position;                    /* in the block: of the run that is next or runs */
    int attempt;                     /* of that run in this session, from 0 */
    cnn_trainer *trainer;            /* NULL: none runs */
    cnn_trainer_end end;             /* of a trainer that has ended */
    cnn_limit limit;                 /* of the attempt */
    double last_event;               /* monotonic; its start before the first one */
    bool ready_reported, answer_due; /* to rank 0, and from it */
    bool mute;                       /* its events are closed; that counted as an event */
    bool leave_asked, leave_granted; /* to write the attempt's rows */
    bool unstarted; /* the trainer could not be started: nothing but rows is left */
    bool timed_out;
    char late[128];               /* why, if so */
    bool stopping, idle_reported; /* rank 0 knows that there is no work */
    double kill_at;               /* monotonic; infinite: not to be killed */
    bool killed;                  /* because of the stop */
    double last_state;            /* monotonic: of the last state that was sent */
};

static const double state_interval = 0.2; /* seconds */

cnn_status cnn_worker_create(const cnn_rank_context *context, cnn_worker **out)
{
    cnn_status st = CNN_OK;
    cnn_worker *w = calloc(1, sizeof *w);
    CNN_CHECK(w != NULL, CNN_ENOMEM, "worker");
    w->context = context;
    w->place = &context->places[context->rank];
    w->work.block = -1;
    w->kill_at = INFINITY;
    CNN_TRY(cnn_record_create(context->epoch_count, &w->record));
    w->rules.is_measurement = context->job->kind == CNN_JOB_MEASUREMENT;
    w->rules.metric_count = context->job->metric_count;
    for (int i = 0; i < context->job->metric_count; i++)
        w->rules.metrics[i] = context->job->metrics[i].name;
    w->record.rules = &w->rules;
    *out = w;
    w = NULL;
done:
    cnn_worker_destroy(&w);
    return st;
}

void cnn_worker_destroy(cnn_worker **worker)
{
    cnn_worker *w = *worker;
    if (!w)
        return;
    cnn_trainer_destroy(&w->trainer);
    cnn_record_free(&w->record);
    free(w);
    *worker = NULL;
}

static double now(const cnn_worker *w)
{
    return cnn_system_monotonic(w->context->system);
}

void cnn_worker_take(cnn_worker *w, const cnn_message_block *work)
{
    w->work = *work;
    w->position = w->attempt = 0;
    w->idle_reported = false;
}

void cnn_worker_stop(cnn_worker *w, bool at_once)
{
    const double due = now(w) + (at_once ? 0 : w->context->job->limits.grace_seconds);
    w->stopping = true;
    if (due < w->kill_at)
        w->kill_at = due;
}

void cnn_worker_take_answer(cnn_worker *w, const cnn_message_checked *answer)
{
    w->answer_due = false;
    if (answer->agrees || !w->trainer)
        return;
    cnn_record_refuse(&w->record, answer->reason);
    w->trainer->kill(w->trainer);
}

void cnn_worker_take_leave(cnn_worker *w)
{
    w->leave_granted = true;
}

bool cnn_worker_is_training(const cnn_worker *w)
{
    return w->trainer && !w->trainer->has_ended(w->trainer);
}

static int current_run(const cnn_worker *w)
{
    const cnn_design *d = w->context->design;
    const cnn_block *block = &d->blocks[w->work.block];
    return cnn_block_run(block, cnn_block_level(d, block, w->position));
}

static int level_of(const cnn_worker *w, int run)
{
    return w->context->design->runs[run].level;
}

static cnn_task task_of(const cnn_worker *w, int run)
{
    return (cnn_task)w->work.task[level_of(w, run)];
}

static cnn_treatment treatment_of(const cnn_worker *w, int run)
{
    const cnn_design *d = w->context->design;
    return cnn_job_treatment(w->context->job, d->cells[d->runs[run].cell].levels);
}

/* ---- reports to rank 0 --------------------------------------------------------------------- */

static cnn_status report_state(cnn_worker *w, int run)
{
    const double time = now(w);
    const cnn_message_state m = {
        .run = run, .epoch = w->record.row.epochs_done, .epochs = w->record.planned_epochs};
    if (!w->context->live || (m.epoch > 0 && time - w->last_state < state_interval))
        return CNN_OK;
    w->last_state = time;
    return cnn_mailbox_send(w->context->mailbox, 0, CNN_TAG_STATE, &m, sizeof m);
}

/** Once a run, as soon as its trainer is ready. */
static cnn_status report_ready(cnn_worker *w, int run)
{
    const cnn_measured *row = &w->record.row;
    cnn_message_ready m = {.run = run,
                           .report = {.parameters = row->parameters,
                                      .train_images = row->train_images,
                                      .test_images = row->test_images}};
    if (!w->record.ready || w->ready_reported)
        return CNN_OK;
    cnn_copy_string(m.report.data_checksum, sizeof m.report.data_checksum, row->data_checksum);
    w->ready_reported = w->answer_due = true;
    return cnn_mailbox_send(w->context->mailbox, 0, CNN_TAG_READY, &m, sizeof m);
}

/** Once an attempt: rows are written by rank 0's leave only. */
static cnn_status ask_for_leave(cnn_worker *w, int run)
{
    const cnn_message_write m = {.run = run, .may_finish = w->record.done && !w->record.broken};
    if (w->leave_asked)
        return CNN_OK;
    w->leave_asked = true;
    return cnn_mailbox_send(w->context->mailbox, 0, CNN_TAG_WRITE, &m, sizeof m);
}

static cnn_status report_attempt(cnn_worker *w, int run)
{
    cnn_message_attempt m = {.run = run, .attempt = w->attempt + 1};
    cnn_copy_string(m.reason, sizeof m.reason, w->record.reason);
    return cnn_mailbox_send(w->context->mailbox, 0, CNN_TAG_ATTEMPT, &m, sizeof m);
}

static cnn_status report_run(cnn_worker *w, int run, cnn_run_status status, bool kept,
                             bool occupied)
{
    const cnn_measured *row = &w->record.row;
    cnn_message_run m = {.run = run,
                         .status = status,
                         .attempts = w->attempt + 1,
                         .kept = kept,
                         .occupied = occupied,
                         .life_seconds = row->life_seconds,
                         .train_seconds = row->train_seconds,
                         .test_error = row->test_error};
    cnn_copy_string(m.reason, sizeof m.reason, w->record.reason);
    return cnn_mailbox_send(w->context->mailbox, 0, CNN_TAG_RUN, &m, sizeof m);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/** Fills in what the rank knows of an attempt; the rest came from the trainer. */
static void complete_row(cnn_worker *w, int run)
{
    cnn_measured *row = &w->record.row;
    const cnn_treatment treatment = treatment_of(w, run);
    const cnn_place place = cnn_run_place(&treatment, w->place);
    row->attempts = w->work.attempts[level_of(w, run)] + w->attempt + 1;
    if (row->attempts > w->context->store->attempts_per_run)
        row->attempts = w->context->store->attempts_per_run;
    row->session = w->context->session;
    row->rank = w->context->rank;
    row->environment = w->context->environments
                           ? w->context->environments[w->context->design->runs[run].cell]
                           : -1;
    row->shared_device = (int8_t)place.shared;
    if (row->threads < 0)
        row->threads = place.cores;
    cnn_copy_printable(row->host, sizeof row->host, place.host, false);
    cnn_copy_printable(row->device, sizeof row->device, place.device, false);
    cnn_copy_printable(row->device_model, sizeof row->device_model, place.device_model, false);
    if (w->trainer) {
        row->start_time = w->end.start_time;
        row->life_seconds = w->end.life_seconds;
    }
}

/** Every attempt has a row of its own; where there are more than the file has places for (after
 * several sessions), the last place holds the latest, and `attempts` counts the places. */
static cnn_status write_attempt(cnn_worker *w, int run, cnn_outcome outcome)
{
    cnn_attempt row = cnn_attempt_unknown();
    const cnn_measured *measured = &w->record.row;
    const bool good = outcome == CNN_OUTCOME_DONE || outcome == CNN_OUTCOME_DIVERGED;
    row.attempt_outcome = (int8_t)outcome;
    row.attempt_session = w->context->session;
    row.attempt_rank = w->context->rank;
    cnn_copy_string(row.attempt_device, sizeof row.attempt_device, measured->device);
    row.attempt_start_time = measured->start_time;
    row.attempt_life_seconds = measured->life_seconds;
    row.attempt_train_seconds = measured->train_seconds;
    if (w->trainer)
        row.attempt_exit_code = w->end.exit_code;
    if (!good) {
        cnn_copy_string(row.attempt_reason, sizeof row.attempt_reason, w->record.reason);
        if (w->trainer)
            cnn_copy_printable(row.attempt_log, sizeof row.attempt_log, w->end.log, true);
    }
    return cnn_store_attempt(w->context->store, run, measured->attempts - 1, &row);
}

/* ---- an attempt ---------------------------------------------------------------------------- */

/** Moves on to the next run of the block; after a failure only if rank 0 sends the block again. */
static void go_on(cnn_worker *w, bool good)
{
    w->position++;
    w->attempt = 0;
    if (!good)
        w->work.block = -1;
}

/** Whether processes of the attempt's trainer may still use the device; adds it to the reason. */
static bool is_occupied(cnn_worker *w)
{
    const int left = w->trainer ? w->end.left_behind : 0;
    char *reason = w->record.reason, why[sizeof w->record.reason];
    if (left == 0)
        return false;
    cnn_copy_string(why, sizeof why, reason);
    if (left > 0)
        snprintf(reason, sizeof w->record.reason, "%d process%s of the trainer did not end%s%.70s",
                 left, left == 1 ? "" : "es", *why ? "; " : "", why);
    else
        snprintf(reason, sizeof w->record.reason, "the trainer's supervisor was killed%s%.70s",
                 *why ? "; " : "", why);
    return true;
}

/** Writes the result of an attempt, reports it to rank 0, and decides what is next. */
static cnn_status conclude(cnn_worker *w, int run, cnn_outcome outcome)
{
    cnn_status st = CNN_OK;
    const bool good = outcome == CNN_OUTCOME_DONE || outcome == CNN_OUTCOME_DIVERGED;
    const cnn_run_status status = outcome == CNN_OUTCOME_DONE       ? CNN_RUN_DONE
                                  : outcome == CNN_OUTCOME_DIVERGED ? CNN_RUN_DIVERGED
                                                                    : CNN_RUN_FAILED;
    const bool occupied = is_occupied(w);
    cnn_heartbeat_check(w->context->heartbeat);
    complete_row(w, run);
    CNN_TRY(write_attempt(w, run, outcome));
    if (outcome == CNN_OUTCOME_STOPPED)
        goto done; /* the run stays planned, for a later session */
    if (!good && !occupied && w->attempt < w->context->job->limits.retries) {
        CNN_TRY(report_attempt(w, run));
        w->attempt++;
        goto done;
    }
    const bool kept = !good && task_of(w, run) == CNN_TASK_RETRAIN;
    cnn_heartbeat_check(w->context->heartbeat); /* the write before may have taken long */
    if (!kept)
        CNN_TRY(cnn_store_run(w->context->store, run, status, &w->record.row, w->record.epochs));
    CNN_TRY(report_run(w, run, status, kept, occupied));
    go_on(w, good && !occupied);
done:
    return st;
}

/** The outcome of an ended trainer; its rank's own signals come first. */
static cnn_outcome judge(cnn_worker *w)
{
    cnn_record *r = &w->record;
    cnn_trainer_end end = w->end;
    if (treatment_of(w, current_run(w)).framework->is_simulated)
        end.life_seconds = NAN;
    const cnn_outcome outcome = cnn_record_judge(r, &end);
    if (outcome == CNN_OUTCOME_DONE || outcome == CNN_OUTCOME_DIVERGED)
        return outcome; /* it came just in time */
    /* Who stops a job may send its trainers a signal too, even SIGKILL. */
    if (w->killed || (w->stopping && outcome == CNN_OUTCOME_SIGNAL)) {
        snprintf(r->reason, sizeof r->reason, "cnnmpi was asked to stop");
        return CNN_OUTCOME_STOPPED;
    }
    if (w->timed_out) {
        snprintf(r->reason, sizeof r->reason, "%s", w->late);
        return CNN_OUTCOME_TIMEOUT;
    }
    if (end.trouble) {
        char why[sizeof r->reason];
        cnn_copy_string(why, sizeof why, r->reason);
        snprintf(r->reason, sizeof r->reason, "%s: %.60s", end.trouble, why);
    }
    return outcome;
}

/** The peak of memory is a metric where the job declares it, unless the trainer has its own. */
static void add_memory(cnn_worker *w)
{
    cnn_measured *row = &w->record.row;
    const struct {
        const char *name;
        int64_t bytes;
    } known[] = {{"peak_memory_bytes", row->memory_bytes_max},
                 {"peak_gpu_memory_bytes", row->gpu_memory_bytes_max}};
    for (int i = 0; i < w->rules.metric_count; i++)
        for (int k = 0; k < 2; k++)
            if (!strcmp(w->rules.metrics[i], known[k].name) && known[k].bytes >= 0 &&
                isnan(cnn_measured_metric(row, i)))
                cnn_measured_set_metric(row, i, (double)known[k].bytes);
}

static cnn_status finish_attempt(cnn_worker *w)
{
    cnn_status st = CNN_OK;
    w->trainer->describe_end(w->trainer, &w->end, &w->record.row);
    add_memory(w);
    CNN_TRY(conclude(w, current_run(w), judge(w)));
done:
    cnn_trainer_destroy(&w->trainer);
    return st;
}

/** Starts the current run's trainer. A trainer that cannot be started is a failed attempt. */
static cnn_status start_attempt(cnn_worker *w)
{
    cnn_status st = CNN_OK;
    const cnn_rank_context *context = w->context;
    const int run = current_run(w);
    const cnn_run *r = &context->design->runs[run];
    cnn_text spec = {0};
    CNN_TRY(cnn_trainer_command_spec(context->job, context->design, run, w->place,
                                     w->work.attempts[r->level] + w->attempt,
                                     context->algorithms[r->cell], &spec));
    w->limit = w->work.limits[r->level];
    w->last_event = now(w);
    w->timed_out = w->killed = w->ready_reported = w->answer_due = w->mute = false;
    w->leave_asked = w->leave_granted = false;
    const cnn_treatment treatment = treatment_of(w, run);
    cnn_record_begin(&w->record, treatment.train.epochs);
    if (!context->job->compare.allow[CNN_CONDITION_THREADS])
        w->record.given_threads = cnn_run_place(&treatment, w->place).cores;
    if (context->trainers->start(context->trainers, run, spec.s, &w->trainer) != CNN_OK) {
        cnn_copy_printable(w->record.reason, sizeof w->record.reason, cnn_error_message(), false);
        w->record.row.start_time = cnn_system_wall(context->system);
        w->unstarted = true;
        CNN_TRY(ask_for_leave(w, run));
        goto done;
    }
    CNN_TRY(report_state(w, run));
done:
    cnn_text_free(&spec);
    return st;
}

static bool is_overdue(cnn_worker *w, double since_event)
{
    const bool done = w->record.done;
    return cnn_limit_is_end_overdue(done || w->mute ? since_event : NAN,
                                    done ? "its done event" : "it had closed its events", w->late,
                                    sizeof w->late);
}

static void keep_deadlines(cnn_worker *w)
{
    const double time = now(w), since_event = time - w->last_event;
    if (!w->killed && time >= w->kill_at) {
        w->killed = true;
        w->trainer->kill(w->trainer);
    } else if (!w->timed_out &&
               (is_overdue(w, since_event) ||
                cnn_limit_is_passed(&w->limit, w->trainer->life_seconds(w->trainer), since_event,
                                    w->late, sizeof w->late))) {
        w->timed_out = true;
        w->trainer->kill(w->trainer);
    }
}

static cnn_status watch(cnn_worker *w, bool *busy)
{
    cnn_status st = CNN_OK;
    bool too_long;
    cnn_record_look(&w->record, now(w));
    CNN_TRY(w->trainer->poll(w->trainer, 0));
    for (const char *line; (line = w->trainer->next_line(w->trainer, &too_long)) != NULL;) {
        *busy = true;
        w->last_event = now(w);
        if (!cnn_record_line(&w->record, line, too_long))
            w->trainer->kill(w->trainer);
        CNN_TRY(report_ready(w, current_run(w)));
        CNN_TRY(report_state(w, current_run(w)));
    }
    if (!w->mute &&
        w->trainer->is_mute(w->trainer)) { /* a trainer that ends is mute for a moment */
        w->mute = true;
        w->last_event = now(w);
    }
    if (w->record.done ||
        w->trainer->has_ended(w->trainer)) /* early: the answer takes a pause of rank 0 */
        CNN_TRY(ask_for_leave(w, current_run(w)));
    if (w->trainer->has_ended(w->trainer)) {
        if (w->answer_due || !w->leave_granted)
            goto done;
        *busy = true;
        CNN_TRY(finish_attempt(w));
        goto done;
    }
    keep_deadlines(w);
done:
    return st;
}

cnn_status cnn_worker_step(cnn_worker *w, bool *busy)
{
    cnn_status st = CNN_OK;
    if (w->trainer) {
        CNN_TRY(watch(w, busy));
        goto done;
    }
    if (w->unstarted && !w->leave_granted)
        goto done;
    if (w->unstarted) {
        w->unstarted = false;
        *busy = true;
        CNN_TRY(conclude(w, current_run(w), CNN_OUTCOME_ERROR));
        goto done;
    }
    while (w->work.block >= 0 && w->position < w->context->design->level_count &&
           task_of(w, current_run(w)) == CNN_TASK_NONE)
        go_on(w, true);
    if (w->work.block >= 0 && !w->stopping && w->position < w->context->design->level_count) {
        *busy = true;
        CNN_TRY(start_attempt(w));
        goto done;
    }
    w->work.block = -1;
    if (!w->idle_reported) {
        w->idle_reported = *busy = true;
        CNN_TRY(cnn_mailbox_send(w->context->mailbox, 0, CNN_TAG_IDLE, NULL, 0));
    }
done:
    return st;
}

cnn_status cnn_worker_wait(cnn_worker *w, double seconds)
{
    return w->trainer->poll(w->trainer, seconds);
}
