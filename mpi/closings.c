/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/closings.h"

#include <stdlib.h>
#include <time.h>

static const struct timespec pause_between = {.tv_nsec = 2000000};

/** Rank 0 ends as soon as it has the report, so that this rank no longer takes that for a death. */
static void report(const cnn_rank_context *context, cnn_status st)
{
    const cnn_message_closed m = {.rank = context->rank, .status = (int)st};
    cnn_heartbeat_set_phase(context->heartbeat, CNN_HEARTBEAT_LEAVING);
    if (cnn_mailbox_send(context->mailbox, 0, CNN_TAG_CLOSED, &m, sizeof m) != CNN_OK)
        return; /* rank 0 notices the end of this process */
    for (int i = 0; i < 2500 && !cnn_mailbox_is_sent(context->mailbox); i++)
        nanosleep(&pause_between, NULL);
}

/** Ranks that have neither closed the file nor died. */
typedef struct {
    bool *closed; /* [size], or dead */
    int left;
    int failed; /* the first that could not close it; -1: none */
} waiting;

static void strike_off(waiting *w, int rank, cnn_status st)
{
    if (w->closed[rank])
        return;
    w->closed[rank] = true;
    w->left--;
    if (st != CNN_OK && w->failed < 0)
        w->failed = rank;
}

static cnn_status await(const cnn_rank_context *context, waiting *w)
{
    cnn_status st = CNN_OK;
    cnn_message body;
    cnn_tag tag;
    cnn_loss loss;
    while (w->left > 0) {
        bool received;
        int from;
        CNN_TRY(cnn_mailbox_receive(context->mailbox, &received, &from, &tag, &body));
        if (received && tag == CNN_TAG_CLOSED)
            strike_off(w, body.closed.rank, (cnn_status)body.closed.status);
        if (received)
            continue;
        while (cnn_losses_next(context->losses, &loss))
            strike_off(w, loss.rank, CNN_OK);
        nanosleep(&pause_between, NULL);
    }
done:
    return st;
}

cnn_status cnn_closings_gather(const cnn_rank_context *context, int lost, cnn_status st)
{
    waiting w = {.left = context->size - 1 - lost, .failed = -1};
    if (st == CNN_EMPI)
        return st;
    if (context->rank != 0) {
        report(context, st);
        return st;
    }
    if (st != CNN_OK)
        return st; /* its message is the one to be seen, and nothing is read any more */
    w.closed = calloc((size_t)context->size, sizeof *w.closed);
    CNN_CHECK(w.closed, CNN_ENOMEM, "reports of %d ranks", context->size);
    CNN_TRY(await(context, &w));
    CNN_CHECK(w.failed < 0, CNN_EIO,
              "rank %d could not close '%s', its own message says why; finished runs may lack "
              "values: continue with --resume",
              w.failed, context->job->output);
done:
    free(w.closed);
    return st;
}
