/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/mailbox.h"

#include "mpi/collectives.h"

#include <stdlib.h>
#include <string.h>

/** A message on its way out: MPI wants its bytes to stay where they are. */
typedef struct letter {
    struct letter *next;
    MPI_Request request;
    cnn_message body;
} letter;

struct cnn_mailbox {
    MPI_Comm comm;
    letter *out;
};

cnn_status cnn_mailbox_create(MPI_Comm comm, cnn_mailbox **out)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((*out = calloc(1, sizeof **out)) != NULL, CNN_ENOMEM, "mailbox");
    (*out)->comm = comm;
done:
    return st;
}

/** Frees the letters that have gone out. */
static cnn_status clear(cnn_mailbox *box)
{
    cnn_status st = CNN_OK;
    for (letter **at = &box->out; *at;) {
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

cnn_status cnn_mailbox_send(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n)
{
    cnn_status st = CNN_OK;
    letter *l = calloc(1, sizeof *l);
    CNN_CHECK(l != NULL && n <= sizeof l->body, CNN_ENOMEM, "a message to rank %d", to);
    if (n > 0)
        memcpy(&l->body, body, n);
    CNN_MPI(MPI_Isend(&l->body, (int)n, MPI_BYTE, to, (int)tag, box->comm, &l->request));
    l->next = box->out;
    box->out = l;
    l = NULL;
    CNN_TRY(clear(box));
done:
    free(l);
    return st;
}

cnn_status cnn_mailbox_receive(cnn_mailbox *box, bool *came, int *from, cnn_tag *tag,
                               cnn_message *body)
{
    cnn_status st = CNN_OK;
    MPI_Status status;
    int flag = 0;
    *came = false;
    CNN_TRY(clear(box));
    CNN_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, box->comm, &flag, &status));
    if (!flag)
        goto done;
    CNN_MPI(MPI_Recv(body, (int)sizeof *body, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG,
                     box->comm, MPI_STATUS_IGNORE));
    *came = true;
    *from = status.MPI_SOURCE;
    *tag = (cnn_tag)status.MPI_TAG;
done:
    return st;
}

bool cnn_mailbox_is_sent(cnn_mailbox *box)
{
    return clear(box) == CNN_OK && !box->out;
}

void cnn_mailbox_destroy(cnn_mailbox **box)
{
    while (*box && (*box)->out) {
        letter *l = (*box)->out;
        MPI_Wait(&l->request, MPI_STATUS_IGNORE);
        (*box)->out = l->next;
        free(l);
    }
    free(*box);
    *box = NULL;
}
