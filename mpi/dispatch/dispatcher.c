/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/dispatcher.h"

#include "mpi/dispatch/internal.h"

#include <math.h>
#include <stdlib.h>

cnn_status cnn_dispatcher_create(cnn_rank_context *context, cnn_progress *progress,
                                 const double *known_durations, cnn_consistency *consistency,
                                 cnn_allocation *allocation, cnn_dispatcher **out)
{
    cnn_status st = CNN_OK;
    const int cells = context->design->cell_count;
    cnn_dispatcher *d = calloc(1, sizeof *d);
    CNN_CHECK(d != NULL, CNN_ENOMEM, "dispatcher");
    d->context = context;
    d->progress = progress;
    d->consistency = consistency;
    d->allocation = allocation;
    d->cells = calloc((size_t)cells, sizeof *d->cells);
    d->ranks = calloc((size_t)context->size, sizeof *d->ranks);
    d->block = calloc((size_t)context->size, sizeof *d->block);
    d->writing = calloc((size_t)context->size, sizeof *d->writing);
    d->tasks =
        calloc((size_t)context->size * (size_t)context->design->level_count, sizeof *d->tasks);
    d->failures = calloc((size_t)context->size, sizeof *d->failures);
    d->whole = calloc((size_t)context->design->block_count, sizeof *d->whole);
    d->earlier = calloc((size_t)context->design->run_count, sizeof *d->earlier);
    CNN_CHECK(d->cells && d->ranks && d->block && d->writing && d->tasks && d->failures &&
                  d->whole && d->earlier,
              CNN_ENOMEM, "dispatcher of %d ranks", context->size);
    for (int c = 0; c < cells; c++)
        d->cells[c].longest = known_durations[c];
    for (int r = 0; r < context->size; r++)
        d->block[r] = d->writing[r].run = -1;
    CNN_TRY(cnn_dealing_create(context, &d->dealing));
    if (d->dealing->redealt > 0)
        cnn_progress_note(progress,
                          "%d ranks instead of the %d planned: %d blocks were dealt again",
                          context->size, context->design->device_count, d->dealing->redealt);
    for (int run = 0; run < context->design->run_count; run++) {
        d->earlier[run] = cnn_run_is_finished(context, run);
        if (!d->earlier[run])
            context->status[run] = CNN_RUN_PLANNED; /* failed runs are tried again */
    }
    *out = d;
    d = NULL;
done:
    cnn_dispatcher_destroy(&d);
    return st;
}

void cnn_dispatcher_destroy(cnn_dispatcher **dispatcher)
{
    cnn_dispatcher *d = *dispatcher;
    if (!d)
        return;
    cnn_dealing_destroy(&d->dealing);
    for (int r = 0; d->failures && r < d->context->size; r++)
        cnn_consecutive_failures_free(&d->failures[r]);
    free(d->failures);
    free(d->tasks);
    free(d->whole);
    free(d->earlier);
    free(d->cells);
    free(d->ranks);
    free(d->block);
    free(d->writing);
    free(d);
    *dispatcher = NULL;
}

bool cnn_dispatcher_has_ended(const cnn_dispatcher *d)
{
    return d->state == CNN_JOB_ENDED;
}

bool cnn_dispatcher_is_broken(const cnn_dispatcher *d)
{
    return d->broken;
}

int cnn_dispatcher_signal(const cnn_dispatcher *d)
{
    return d->signal;
}

bool cnn_dispatcher_is_usable(const cnn_dispatcher *d, int rank)
{
    return d->ranks[rank] != CNN_RANK_QUARANTINED && d->ranks[rank] != CNN_RANK_BROKEN &&
           d->ranks[rank] != CNN_RANK_LOST;
}

/** The dead are left out. */
static cnn_status send_to_all(cnn_dispatcher *d, cnn_tag tag, const void *body, size_t n)
{
    cnn_status st = CNN_OK;
    for (int r = 0; r < d->context->size; r++)
        if (d->ranks[r] != CNN_RANK_LOST)
            CNN_TRY(cnn_mailbox_send(d->context->mailbox, r, tag, body, n));
done:
    return st;
}

cnn_status cnn_dispatcher_end_if_done(cnn_dispatcher *d)
{
    cnn_status st = CNN_OK;
    const cnn_message_end end = {.lost = d->lost};
    for (int r = 0; r < d->context->size; r++)
        if (d->ranks[r] == CNN_RANK_STARTING || d->ranks[r] == CNN_RANK_TRAINING)
            return CNN_OK;
    if (d->state == CNN_JOB_ENDED)
        return CNN_OK;
    CNN_TRY(cnn_job_transition(&d->state, CNN_JOB_IS_DONE));
    CNN_TRY(send_to_all(d, CNN_TAG_END, &end, sizeof end));
done:
    return st;
}

/** The block that a rank continues or begins; -1: none may begin. */
static int take_block(cnn_dispatcher *d, int rank)
{
    if (d->state != CNN_JOB_RUNNING)
        return -1;
    if (cnn_dispatcher_has_task(d, rank))
        return d->block[rank];
    const int block = cnn_dealing_next(d->dealing, rank);
    if (block < 0 || !cnn_dispatcher_is_in_time(d, block))
        return -1;
    cnn_dispatcher_set_tasks(d, rank, block);
    return cnn_dealing_take(d->dealing, rank);
}

static cnn_status send_block(cnn_dispatcher *d, int rank, int block)
{
    const cnn_design *design = d->context->design;
    cnn_message_block m = {.block = block};
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        m.limits[l] = cnn_limit_of(d->context->job->limits.run_seconds,
                                   d->cells[design->runs[run].cell].longest);
        m.attempts[l] = d->context->attempts[run];
        m.task[l] = cnn_dispatcher_tasks(d, rank)[l];
    }
    return cnn_mailbox_send(d->context->mailbox, rank, CNN_TAG_BLOCK, &m, sizeof m);
}

/** Gives a rank that waits its next block, if there is one for it. */
static cnn_status give_block(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    d->block[rank] = take_block(d, rank);
    if (d->block[rank] >= 0) {
        CNN_TRY(cnn_rank_transition(&d->ranks[rank], CNN_RANK_GETS_BLOCK, rank));
        CNN_TRY(send_block(d, rank, d->block[rank]));
    } else {
        CNN_TRY(cnn_rank_transition(&d->ranks[rank], CNN_RANK_GETS_NOTHING, rank));
        cnn_progress_idle(d->progress, rank);
    }
done:
    return st;
}

cnn_status cnn_dispatcher_give_blocks(cnn_dispatcher *d)
{
    cnn_status st = CNN_OK;
    for (int r = 0; r < d->context->size; r++)
        if (d->ranks[r] == CNN_RANK_IDLE)
            CNN_TRY(give_block(d, r));
done:
    return st;
}

/** Without a signal: running trainers are killed. */
static const cnn_message_stop stop_at_once = {.signal = 0, .now = 1};

static cnn_status stop_all(cnn_dispatcher *d, const cnn_message_stop *m)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_job_transition(&d->state, CNN_JOB_IS_STOPPED));
    if (m->signal && !d->signal) {
        d->signal = m->signal;
        cnn_progress_stopping(d->progress, m->signal,
                              m->now ? 0 : d->context->job->limits.grace_seconds);
    }
    CNN_TRY(send_to_all(d, CNN_TAG_STOP, m, sizeof *m));
done:
    return st;
}

/** A rank asks for work: its block is done, or a run of it has failed. */
static cnn_status handle_idle(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    bool quarantined = false;
    const bool occupied = d->failures[rank].occupied;
    if (d->state == CNN_JOB_RUNNING && cnn_consecutive_failures_blame_device(&d->failures[rank]))
        CNN_TRY(cnn_dispatcher_quarantine(d, rank, &quarantined));
    if (d->state == CNN_JOB_RUNNING && occupied && !quarantined) /* no device is left to train on */
        CNN_TRY(stop_all(d, &stop_at_once));
    if (quarantined)
        cnn_progress_idle(d->progress, rank);
    else
        CNN_TRY(give_block(d, rank));
    if (quarantined)
        CNN_TRY(cnn_dispatcher_give_blocks(d));
    CNN_TRY(cnn_dispatcher_end_if_done(d));
done:
    return st;
}

static cnn_status handle_broken(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    CNN_TRY(stop_all(d, &stop_at_once));
    CNN_TRY(cnn_rank_transition(&d->ranks[rank], CNN_RANK_BREAKS, rank));
    d->broken = true;
    d->block[rank] = -1;
    CNN_TRY(cnn_dispatcher_end_if_done(d));
done:
    return st;
}

void cnn_dispatcher_forget_report(cnn_dispatcher *d, int run)
{
    if (!cnn_run_is_finished(d->context, run))
        cnn_consistency_forget(d->consistency, run);
}

static void handle_run(cnn_dispatcher *d, int from, const cnn_message_run *m)
{
    const cnn_run *run = &d->context->design->runs[m->run];
    cnn_cell_times *c = &d->cells[run->cell];
    cnn_progress_run(d->progress, from, m);
    if (!m->kept)
        d->context->status[m->run] = (int8_t)m->status;
    d->context->attempts[m->run]++;
    cnn_dispatcher_tasks(d, from)[run->level] = CNN_TASK_NONE;
    cnn_consecutive_failures_add(&d->failures[from], run->cell, run->block,
                                 m->status == CNN_RUN_FAILED || m->occupied, m->reason);
    d->failures[from].occupied = m->occupied;
    if (m->status == CNN_RUN_FAILED)
        cnn_dispatcher_forget_report(d, m->run);
    if (m->status != CNN_RUN_FAILED) {
        c->longest = fmax(c->longest, m->life_seconds);
        c->sum += m->life_seconds;
        c->count++;
    }
}

/** Answers at once: the rank may not finish the run before. */
static cnn_status handle_ready(cnn_dispatcher *d, int from, const cnn_message_ready *m)
{
    cnn_message_checked answer = {.run = m->run};
    answer.agrees = cnn_consistency_check(d->consistency, m->run, &m->report, answer.reason,
                                          sizeof answer.reason);
    return cnn_mailbox_send(d->context->mailbox, from, CNN_TAG_CHECKED, &answer, sizeof answer);
}

static cnn_status handle_write(cnn_dispatcher *d, int from, const cnn_message_write *m)
{
    d->writing[from] = *m;
    return cnn_mailbox_send(d->context->mailbox, from, CNN_TAG_GRANTED, m, sizeof *m);
}

/** A rank reports on the block that it has. */
static cnn_status handle_report(cnn_dispatcher *d, int from, cnn_tag tag, const cnn_message *body)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_rank_transition(&d->ranks[from], CNN_RANK_PROGRESSES, from));
    if (tag == CNN_TAG_STATE) {
        cnn_progress_state(d->progress, from, &body->state);
    } else if (tag == CNN_TAG_READY) {
        CNN_TRY(handle_ready(d, from, &body->ready));
    } else if (tag == CNN_TAG_WRITE) {
        CNN_TRY(handle_write(d, from, &body->write));
    } else if (tag == CNN_TAG_ATTEMPT) {
        d->context->attempts[body->attempt.run]++;
        cnn_dispatcher_forget_report(d, body->attempt.run);
        cnn_progress_attempt(d->progress, from, &body->attempt);
    } else {
        handle_run(d, from, &body->run);
    }
done:
    return st;
}

cnn_status cnn_dispatcher_receive(cnn_dispatcher *d, int from, cnn_tag tag, const cnn_message *body)
{
    if (d->ranks[from] == CNN_RANK_LOST)
        return CNN_OK; /* it was on its way */
    if (tag == CNN_TAG_ATTEMPT || tag == CNN_TAG_RUN || tag == CNN_TAG_IDLE)
        d->writing[from].run = -1;
    switch (tag) {
    case CNN_TAG_IDLE:
        return handle_idle(d, from);
    case CNN_TAG_STATE:
    case CNN_TAG_READY:
    case CNN_TAG_WRITE:
    case CNN_TAG_ATTEMPT:
    case CNN_TAG_RUN:
        return handle_report(d, from, tag, body);
    case CNN_TAG_SIGNAL:
        return stop_all(d, &body->stop);
    case CNN_TAG_LATE:
        cnn_dispatcher_handle_late(d);
        return CNN_OK;
    case CNN_TAG_BROKEN:
        return handle_broken(d, from);
    default:
        return cnn_error_set(CNN_EMPI, "rank %d sent an unknown message (%d)", from, (int)tag);
    }
}
