/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/mpi_mailbox.h"

#include "ranks/collectives.h"

#include <stdlib.h>
#include <string.h>

/** A message on its way out: its bytes stay where they are until MPI has sent them. */
typedef struct letter {
    struct letter *next;
    MPI_Request request;
    cnn_message body;
} letter;

typedef struct {
    cnn_mailbox box; /* first: see mailbox.h */
    MPI_Comm comm;
    letter *out;
} mpi_mailbox;

/** Frees the letters that have left. */
static cnn_status clear(mpi_mailbox *m)
{
    cnn_status st = CNN_OK;
    for (letter **at = &m->out; *at;) {
        letter *l = *at;
        int sent = 0;
        CNN_MPI(MPI_Test(&l->request, &sent, MPI_STATUS_IGNORE));
        if (sent) {
            *at = l->next;
            free(l);
        } else {
            at = &l->next;
        }
    }
done:
    return st;
}

static cnn_status send_message(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n)
{
    cnn_status st = CNN_OK;
    mpi_mailbox *m = (mpi_mailbox *)box;
    letter *l = calloc(1, sizeof *l);
    CNN_CHECK(l != NULL && n <= sizeof l->body, CNN_ENOMEM, "a message to rank %d", to);
    if (n > 0)
        memcpy(&l->body, body, n);
    CNN_MPI(MPI_Isend(&l->body, (int)n, MPI_BYTE, to, (int)tag, m->comm, &l->request));
    l->next = m->out;
    m->out = l;
    l = NULL;
    CNN_TRY(clear(m));
done:
    free(l);
    return st;
}

static cnn_status receive_message(cnn_mailbox *box, bool *received, int *from, cnn_tag *tag,
                                  cnn_message *body)
{
    cnn_status st = CNN_OK;
    mpi_mailbox *m = (mpi_mailbox *)box;
    MPI_Status status;
    int there = 0;
    *received = false;
    CNN_TRY(clear(m));
    CNN_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, m->comm, &there, &status));
    if (!there)
        goto done;
    CNN_MPI(MPI_Recv(body, (int)sizeof *body, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, m->comm,
                     MPI_STATUS_IGNORE));
    *received = true;
    *from = status.MPI_SOURCE;
    *tag = (cnn_tag)status.MPI_TAG;
done:
    return st;
}

static bool is_sent(cnn_mailbox *box)
{
    mpi_mailbox *m = (mpi_mailbox *)box;
    return clear(m) == CNN_OK && !m->out;
}

static void destroy(cnn_mailbox *box)
{
    mpi_mailbox *m = (mpi_mailbox *)box;
    while (m->out) {
        letter *l = m->out;
        MPI_Wait(&l->request, MPI_STATUS_IGNORE);
        m->out = l->next;
        free(l);
    }
    free(m);
}

cnn_status cnn_mpi_mailbox_create(MPI_Comm comm, cnn_mailbox **out)
{
    cnn_status st = CNN_OK;
    mpi_mailbox *m = calloc(1, sizeof *m);
    CNN_CHECK(m != NULL, CNN_ENOMEM, "mailbox");
    m->box = (cnn_mailbox){send_message, receive_message, is_sent, destroy};
    m->comm = comm;
    *out = &m->box;
done:
    return st;
}
