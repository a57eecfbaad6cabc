/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/dispatcher.h"

#include "mpi/dispatch/internal.h"

#include <math.h>
#include <stdlib.h>

cnn_status cnn_dispatcher_create(cnn_rank_context *context, cnn_progress *progress,
                                 const double *known_durations, cnn_allocation *allocation,
                                 cnn_dispatcher **out)
{
    cnn_status st = CNN_OK;
    const int cells = context->design->cell_count;
    cnn_dispatcher *d = calloc(1, sizeof *d);
    CNN_CHECK(d != NULL, CNN_ENOMEM, "dispatcher");
    d->context = context;
    d->progress = progress;
    d->allocation = allocation;
    d->cells = calloc((size_t)cells, sizeof *d->cells);
    d->idle = calloc((size_t)context->size, sizeof *d->idle);
    d->block = calloc((size_t)context->size, sizeof *d->block);
    d->task = calloc((size_t)context->size * (size_t)context->design->level_count, sizeof *d->task);
    d->failures = calloc((size_t)context->size, sizeof *d->failures);
    d->out = calloc((size_t)context->size, sizeof *d->out);
    d->whole = calloc((size_t)context->design->block_count, sizeof *d->whole);
    d->earlier = calloc((size_t)context->design->run_count, sizeof *d->earlier);
    CNN_CHECK(d->cells && d->idle && d->block && d->task && d->failures && d->out && d->whole &&
                  d->earlier,
              CNN_ENOMEM, "dispatcher of %d ranks", context->size);
    for (int c = 0; c < cells; c++)
        d->cells[c].longest = known_durations[c];
    for (int r = 0; r < context->size; r++)
        d->block[r] = -1;
    CNN_TRY(cnn_dealing_create(context, &d->dealing));
    if (d->dealing->redealt > 0)
        cnn_progress_note(progress, "%d ranks instead of the %d planned: %d blocks dealt anew",
                          context->size, context->design->device_count, d->dealing->redealt);
    for (int run = 0; run < context->design->run_count; run++) {
        d->earlier[run] = cnn_run_is_finished(context, run);
        if (!d->earlier[run])
            context->status[run] = CNN_RUN_PLANNED; /* what failed then has another chance */
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
    free(d->task);
    free(d->out);
    free(d->whole);
    free(d->earlier);
    free(d->cells);
    free(d->idle);
    free(d->block);
    free(d);
    *dispatcher = NULL;
}

int cnn_dispatcher_signal(const cnn_dispatcher *d)
{
    return d->signal;
}

static cnn_status tell_all(cnn_dispatcher *d, cnn_tag tag, const void *body, size_t n)
{
    cnn_status st = CNN_OK;
    for (int r = 0; r < d->context->size; r++)
        CNN_TRY(cnn_mailbox_send(d->context->mailbox, r, tag, body, n));
done:
    return st;
}

/** Once every rank waits and nothing is left for any of them. */
static cnn_status end_if_done(cnn_dispatcher *d)
{
    for (int r = 0; r < d->context->size; r++)
        if (!d->idle[r])
            return CNN_OK;
    if (d->ended)
        return CNN_OK;
    d->ended = true;
    return tell_all(d, CNN_TAG_END, NULL, 0);
}

cnn_task cnn_dispatcher_task(const cnn_dispatcher *d, int block, int level)
{
    const int run = cnn_block_run(&d->context->design->blocks[block], level);
    if (d->context->status[run] == CNN_RUN_PLANNED)
        return CNN_TASK_TRAIN;
    return d->whole[block] && !d->earlier[run] && cnn_run_is_finished(d->context, run)
               ? CNN_TASK_RETRAIN
               : CNN_TASK_NONE;
}

static signed char *tasks_of(const cnn_dispatcher *d, int rank)
{
    return d->task + (size_t)rank * (size_t)d->context->design->level_count;
}

/** Whether the rank has given its block back before all was done: after a run that failed. */
static bool has_task(const cnn_dispatcher *d, int rank)
{
    for (int l = 0; d->block[rank] >= 0 && l < d->context->design->level_count; l++)
        if (tasks_of(d, rank)[l] != CNN_TASK_NONE)
            return true;
    return false;
}

/** The block that a rank goes on with or begins, if one may begin; -1: none. */
static int take_block(cnn_dispatcher *d, int rank)
{
    if (d->stopping || d->out[rank])
        return -1;
    if (has_task(d, rank))
        return d->block[rank];
    const int block = cnn_dealing_next(d->dealing, rank);
    if (block < 0 || !cnn_dispatcher_is_in_time(d, block))
        return -1;
    for (int l = 0; l < d->context->design->level_count; l++)
        tasks_of(d, rank)[l] = (signed char)cnn_dispatcher_task(d, block, l);
    return cnn_dealing_take(d->dealing, rank);
}

static cnn_status give_block(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    const cnn_design *design = d->context->design;
    cnn_message_block m = {.block = take_block(d, rank)};
    d->block[rank] = m.block;
    d->idle[rank] = m.block < 0;
    if (m.block < 0) {
        cnn_progress_idle(d->progress, rank);
        CNN_TRY(end_if_done(d));
        goto done;
    }
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[m.block], l);
        m.limits[l] = cnn_limit_of(d->context->job->limits.run_seconds,
                                   d->cells[design->runs[run].cell].longest);
        m.attempts[l] = d->context->attempts[run];
        m.task[l] = tasks_of(d, rank)[l];
    }
    CNN_TRY(cnn_mailbox_send(d->context->mailbox, rank, CNN_TAG_BLOCK, &m, sizeof m));
done:
    return st;
}

/** A rank has no work: it has done its block, or a run of it has failed. */
static cnn_status handle_idle(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    bool taken = false;
    if (!d->stopping && !d->out[rank] && cnn_consecutive_failures_blame_device(&d->failures[rank]))
        CNN_TRY(cnn_dispatcher_quarantine(d, rank, &taken));
    for (int r = 0; taken && r < d->context->size; r++)
        if (d->idle[r] && !d->out[r])
            CNN_TRY(give_block(d, r));
    CNN_TRY(give_block(d, rank));
done:
    return st;
}

static cnn_status stop_all(cnn_dispatcher *d, const cnn_message_stop *m)
{
    d->stopping = true;
    if (m->signal && !d->signal) {
        d->signal = m->signal;
        cnn_progress_note(d->progress,
                          "signal %d: no new run starts, running ones have %.0f s to finish",
                          m->signal, m->now ? 0 : d->context->job->limits.grace_seconds);
    }
    return tell_all(d, CNN_TAG_STOP, m, sizeof *m);
}

static void note_run(cnn_dispatcher *d, int from, const cnn_message_run *m)
{
    const cnn_run *run = &d->context->design->runs[m->run];
    cnn_cell_times *c = &d->cells[run->cell];
    cnn_progress_run(d->progress, from, m);
    if (!m->kept)
        d->context->status[m->run] = (int8_t)m->status;
    d->context->attempts[m->run]++;
    tasks_of(d, from)[run->level] = CNN_TASK_NONE;
    cnn_consecutive_failures_add(&d->failures[from], run->cell, run->block,
                                 m->status == CNN_RUN_FAILED, m->reason);
    if (m->status != CNN_RUN_FAILED) {
        c->longest = fmax(c->longest, m->life_seconds);
        c->sum += m->life_seconds;
        c->count++;
    }
}

cnn_status cnn_dispatcher_receive(cnn_dispatcher *d, int from, cnn_tag tag, const cnn_message *body)
{
    const cnn_message_stop broken = {.signal = 0, .now = 1};
    switch (tag) {
    case CNN_TAG_IDLE:
        return handle_idle(d, from);
    case CNN_TAG_STATE:
        cnn_progress_state(d->progress, from, &body->state);
        return CNN_OK;
    case CNN_TAG_ATTEMPT:
        d->context->attempts[body->attempt.run]++;
        cnn_progress_attempt(d->progress, from, &body->attempt);
        return CNN_OK;
    case CNN_TAG_RUN:
        note_run(d, from, &body->run);
        return CNN_OK;
    case CNN_TAG_SIGNAL:
        return stop_all(d, &body->stop);
    case CNN_TAG_LATE:
        cnn_dispatcher_handle_late(d);
        return CNN_OK;
    case CNN_TAG_BROKEN: {
        const cnn_status st = stop_all(d, &broken);
        d->idle[from] = true;
        d->block[from] = -1;
        return st == CNN_OK ? end_if_done(d) : st;
    }
    default:
        return cnn_error_set(CNN_EMPI, "rank %d sent an unknown message (%d)", from, (int)tag);
    }
}
