/* SPDX-License-Identifier: Apache-2.0 */
/** Messages between ranks. The interface; mpi/mpi_mailbox.h makes one over MPI, benchmarks and
 *  tests bring their own. */
#ifndef CNN_MPI_MAILBOX_H
#define CNN_MPI_MAILBOX_H

#include "base/status.h"
#include "mpi/message.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct cnn_mailbox cnn_mailbox;

/** An implementation has this as its first member. All functions: any rank, one thread; none blocks
 *  but destroy; none is collective. */
struct cnn_mailbox {
    /** Sends a copy of n bytes, body may be NULL when n is 0; a rank may send to itself. Messages
     *  from one rank to another arrive in the order in which they were sent. */
    cnn_status (*send)(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n);
    /** Takes the next message, if there is one: *received, its sender, tag and body. */
    cnn_status (*receive)(cnn_mailbox *box, bool *received, int *from, cnn_tag *tag,
                          cnn_message *body);
    /** Whether every message has left this rank. */
    bool (*is_sent)(cnn_mailbox *box);
    /** Frees the mailbox after the last message has left. May block: call it once all messages have
     *  been received. */
    void (*destroy)(cnn_mailbox *box);
};

static inline cnn_status cnn_mailbox_send(cnn_mailbox *box, int to, cnn_tag tag, const void *body,
                                          size_t n)
{
    return box->send(box, to, tag, body, n);
}

static inline cnn_status cnn_mailbox_receive(cnn_mailbox *box, bool *received, int *from,
                                             cnn_tag *tag, cnn_message *body)
{
    return box->receive(box, received, from, tag, body);
}

static inline bool cnn_mailbox_is_sent(cnn_mailbox *box)
{
    return box->is_sent(box);
}

static inline void cnn_mailbox_destroy(cnn_mailbox **box)
{
    if (*box)
        (*box)->destroy(*box);
    *box = NULL;
}

#endif
