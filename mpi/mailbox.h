/* SPDX-License-Identifier: Apache-2.0 */
/** Sending and receiving without ever waiting. */
#ifndef CNN_MPI_MAILBOX_H
#define CNN_MPI_MAILBOX_H

#include "base/status.h"
#include "mpi/message.h"

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct cnn_mailbox cnn_mailbox;

/** comm must have MPI_ERRORS_RETURN and is borrowed. */
cnn_status cnn_mailbox_create(MPI_Comm comm, cnn_mailbox **out);

/** Sends a copy of n bytes; a rank may send to itself. */
cnn_status cnn_mailbox_send(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n);

/** Takes a message if one has come: *came, its sender, tag and body. */
cnn_status cnn_mailbox_receive(cnn_mailbox *box, bool *came, int *from, cnn_tag *tag,
                               cnn_message *body);

/** Whether nothing is still on its way out. */
bool cnn_mailbox_is_sent(cnn_mailbox *box);

/** Frees it. Messages on their way out are waited for: call it when all have been received. */
void cnn_mailbox_destroy(cnn_mailbox **box);

#endif
