/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/loop.h"

#include "base/text.h"
#include "mpi/worker/worker.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct cnn_loop {
    const cnn_rank_context *context;
    cnn_dispatcher *dispatcher;
    cnn_progress *progress;
    cnn_worker *worker; /* NULL once this rank is broken */
    cnn_status broken;  /* why: its status and message */
    char *message;
    int signals_seen;
    bool late_seen; /* SIGUSR1 was reported to rank 0 */
    bool ended;
    int lost;                    /* ranks that have died, as the end says */
    double time_left, estimated; /* seconds; when it was estimated, monotonic */
};

/* Pauses between looks at the mail, seconds: a look costs some 70 microseconds (most of it waking
 * up), a spin a whole core. While a trainer runs the core is the trainer's: half a percent is
 * taken. Its events, its end and signals wake the rank at once; only messages wait, a stop for
 * ranks other than 0, and on rank 0 the request for a block, which comes once in minutes. */
static const double shortest_pause = 50e-6, longest_pause = 2e-3, longest_pause_training = 25e-3;
static const double estimate_interval = 2; /* seconds */

/** This rank cannot continue: it reports to rank 0 and waits for the end of the job. */
static cnn_status give_up(cnn_loop *l, cnn_status why)
{
    l->broken = why;
    l->message = cnn_strdup(cnn_error_message());
    cnn_worker_destroy(&l->worker);
    return cnn_mailbox_send(l->context->mailbox, 0, CNN_TAG_BROKEN, NULL, 0);
}

static cnn_status receive_one(cnn_loop *l, int from, cnn_tag tag, const cnn_message *body)
{
    switch (tag) {
    case CNN_TAG_BLOCK:
        if (l->worker)
            cnn_worker_take(l->worker, &body->block);
        return CNN_OK;
    case CNN_TAG_CHECKED:
        if (l->worker)
            cnn_worker_take_answer(l->worker, &body->checked);
        return CNN_OK;
    case CNN_TAG_GRANTED:
        if (l->worker)
            cnn_worker_take_leave(l->worker);
        return CNN_OK;
    case CNN_TAG_STOP:
        if (l->worker)
            cnn_worker_stop(l->worker, body->stop.now);
        return CNN_OK;
    case CNN_TAG_END:
        l->ended = true;
        l->lost = body->end.lost;
        return CNN_OK;
    case CNN_TAG_CLOSED: /* before rank 0's own end: behind it */
        return cnn_mailbox_send(l->context->mailbox, 0, tag, &body->closed, sizeof body->closed);
    default:
        return l->dispatcher ? cnn_dispatcher_receive(l->dispatcher, from, tag, body)
                             : cnn_error_set(CNN_EMPI, "unexpected message (%d)", (int)tag);
    }
}

static cnn_status receive(cnn_loop *l, bool *busy)
{
    cnn_status st = CNN_OK;
    cnn_message body;
    cnn_tag tag;
    bool received;
    int from;
    do {
        CNN_TRY(cnn_mailbox_receive(l->context->mailbox, &received, &from, &tag, &body));
        if (!received)
            break;
        *busy = true;
        CNN_TRY(receive_one(l, from, tag, &body));
    } while (!l->ended);
done:
    return st;
}

/** Rank 0: those that count as dead. None is taken once the job has ended: the end named how many
 *  there were, and who waits for the others after it (mpi/closings.c, or the heartbeat where all
 *  are thought alive) has to learn of later ones. */
static cnn_status take_losses(cnn_loop *l, bool *busy)
{
    cnn_status st = CNN_OK;
    cnn_loss loss;
    while (l->dispatcher && !cnn_dispatcher_has_ended(l->dispatcher) &&
           cnn_losses_next(l->context->losses, &loss)) {
        *busy = true;
        CNN_TRY(cnn_dispatcher_lose(l->dispatcher, &loss));
    }
done:
    return st;
}

/** SIGUSR1: rank 0 decides which blocks can still be finished. */
static cnn_status handle_late(cnn_loop *l, bool *busy)
{
    if (l->late_seen || !cnn_system_is_late(l->context->system))
        return CNN_OK;
    l->late_seen = *busy = true;
    return cnn_mailbox_send(l->context->mailbox, 0, CNN_TAG_LATE, NULL, 0);
}

/** A signal stops this rank's own work at once, and that of the others through rank 0. After a
 *  second signal running trainers are killed. */
static cnn_status handle_signals(cnn_loop *l, bool *busy)
{
    int count;
    const int signal = cnn_system_stop_signal(l->context->system, &count);
    const cnn_message_stop m = {.signal = signal, .now = count > 1};
    if (count == l->signals_seen)
        return CNN_OK;
    l->signals_seen = count;
    *busy = true;
    if (l->worker)
        cnn_worker_stop(l->worker, m.now);
    return cnn_mailbox_send(l->context->mailbox, 0, CNN_TAG_SIGNAL, &m, sizeof m);
}

static void show(cnn_loop *l)
{
    const double now = cnn_system_monotonic(l->context->system);
    if (!l->progress || !cnn_progress_is_due(l->progress))
        return;
    if (isnan(l->time_left) || now - l->estimated > estimate_interval) {
        l->time_left = cnn_dispatcher_time_left(l->dispatcher);
        l->estimated = now;
    }
    cnn_progress_draw(l->progress, l->time_left - (now - l->estimated));
}

cnn_status cnn_loop_create(const cnn_rank_context *context, cnn_dispatcher *dispatcher,
                           cnn_progress *progress, cnn_loop **out)
{
    cnn_status st = CNN_OK;
    cnn_loop *l = calloc(1, sizeof *l);
    CNN_CHECK(l != NULL, CNN_ENOMEM, "event loop");
    l->context = context;
    l->dispatcher = dispatcher;
    l->progress = progress;
    l->time_left = NAN;
    l->estimated = -INFINITY;
    *out = l;
    st = cnn_worker_create(context, &l->worker);
    if (st != CNN_OK)
        st = give_up(l, st);
done:
    return st;
}

cnn_status cnn_loop_step(cnn_loop *l, bool *busy)
{
    cnn_status st = CNN_OK;
    *busy = false;
    CNN_TRY(handle_signals(l, busy));
    CNN_TRY(handle_late(l, busy));
    if (l->dispatcher)
        cnn_dispatcher_step(l->dispatcher);
    CNN_TRY(receive(l, busy));
    if (!l->ended) /* after what they sent while they lived */
        CNN_TRY(take_losses(l, busy));
    if (l->worker && !l->ended) {
        st = l->context->watch ? cnn_file_watch_step(l->context->watch) : CNN_OK;
        if (st == CNN_OK)
            st = cnn_worker_step(l->worker, busy);
        if (st != CNN_OK)
            st = give_up(l, st);
    }
    show(l);
done:
    return st;
}

bool cnn_loop_has_ended(const cnn_loop *l)
{
    return l->ended;
}

cnn_status cnn_loop_finish(cnn_loop **loop, cnn_status st)
{
    cnn_loop *l = *loop;
    if (st == CNN_EMPI)
        cnn_error_prefix(st, "rank %d has lost the others", l->context->rank);
    else if (st != CNN_OK)
        st = cnn_error_set(CNN_EMPI, "%s", cnn_error_message()); /* the others cannot know */
    else if (l->broken != CNN_OK)
        st = cnn_error_set(l->broken, "%s", l->message ? l->message : "out of memory");
    if (l) {
        cnn_worker_destroy(&l->worker);
        free(l->message);
    }
    free(l);
    *loop = NULL;
    return st;
}

/** Sleeps for the pause, or until the trainer does something. */
static cnn_status rest(cnn_loop *l, double *pause, bool busy)
{
    const bool training = l->worker && cnn_worker_is_training(l->worker);
    const double longest = training ? longest_pause_training : longest_pause;
    *pause = busy ? shortest_pause : fmin(2 * *pause, longest);
    if (training) {
        const cnn_status st = cnn_worker_wait(l->worker, *pause);
        return st == CNN_OK ? CNN_OK : give_up(l, st);
    }
    const struct timespec t = {0, (long)(1e9 * *pause)};
    nanosleep(&t, NULL);
    return CNN_OK;
}

cnn_status cnn_loop_run(const cnn_rank_context *context, cnn_dispatcher *dispatcher,
                        cnn_progress *progress, int *lost)
{
    cnn_loop *l = NULL;
    double pause = shortest_pause;
    cnn_status st = cnn_loop_create(context, dispatcher, progress, &l);
    while (st == CNN_OK && !l->ended) {
        bool busy;
        st = cnn_loop_step(l, &busy);
        if (st == CNN_OK && !l->ended)
            st = rest(l, &pause, busy);
    }
    *lost = l ? l->lost : 0;
    return cnn_loop_finish(&l, st);
}
