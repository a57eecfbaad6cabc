/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/mpi_mailbox.h"

#include "ranks/collectives.h"

#include <stdlib.h>
#include <string.h>
#if defined(OPEN_MPI) && OPEN_MPI
#include <mpi-ext.h>
#endif

/** A message on its way out: its bytes stay where they are until MPI has sent them. */
typedef struct letter {
    struct letter *next;
    MPI_Request request;
    cnn_message body;
} letter;

/** A message on its way in: its bytes may come in parts, of which the sender has to send the last. */
typedef struct arrival {
    struct arrival *next;
    MPI_Request request;
    int from;
    cnn_tag tag;
    cnn_message body;
} arrival;

typedef struct {
    cnn_mailbox box; /* first: see mailbox.h */
    MPI_Comm comm;
    letter *out;
    arrival *in, **in_end; /* in the order in which they were sent, for each sender */
} mpi_mailbox;

/** Whether a call failed only because a rank has died, which is settled elsewhere (mpi/heartbeat). MPI
 *  reports it where it has ULFM (Open MPI 5, mpirun --with-ft ulfm); from then on messages of the
 *  others come again. Open MPI 4 reports nothing. */
static bool is_death(const mpi_mailbox *m, int code)
{
#if defined(OMPI_HAVE_MPI_EXT_FTMPI) && OMPI_HAVE_MPI_EXT_FTMPI
    int class = MPI_SUCCESS, size = 0, acknowledged = 0;
    if (code == MPI_SUCCESS || MPI_Error_class(code, &class) != MPI_SUCCESS)
        return false;
    if (class != MPIX_ERR_PROC_FAILED && class != MPIX_ERR_PROC_FAILED_PENDING)
        return false;
    return MPI_Comm_size(m->comm, &size) == MPI_SUCCESS &&
           MPIX_Comm_ack_failed(m->comm, size, &acknowledged) == MPI_SUCCESS;
#else
    (void)m;
    (void)code;
    return false;
#endif
}

/** Frees the letters that have left, or never can. */
static cnn_status clear(mpi_mailbox *m)
{
    cnn_status st = CNN_OK;
    for (letter **at = &m->out; *at;) {
        letter *l = *at;
        int sent = 0;
        const int code = MPI_Test(&l->request, &sent, MPI_STATUS_IGNORE);
        const bool undeliverable = is_death(m, code);
        if (!undeliverable)
            CNN_TRY(cnn_mpi_status(code, "MPI_Test"));
        if (sent || undeliverable) {
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
    const int code = MPI_Isend(&l->body, (int)n, MPI_BYTE, to, (int)tag, m->comm, &l->request);
    if (is_death(m, code))
        goto done;
    CNN_TRY(cnn_mpi_status(code, "MPI_Isend"));
    l->next = m->out;
    m->out = l;
    l = NULL;
    CNN_TRY(clear(m));
done:
    free(l);
    return st;
}

/** Whether an earlier message of the same sender is still on its way: it comes first. */
static bool is_behind(const mpi_mailbox *m, const arrival *a)
{
    for (const arrival *b = m->in; b != a; b = b->next)
        if (b->from == a->from)
            return true;
    return false;
}

static void take_out(mpi_mailbox *m, arrival **at)
{
    arrival *a = *at;
    *at = a->next;
    if (!a->next)
        m->in_end = at;
    free(a);
}

/** Hands out the first message that is whole. A sender that dies or stops halfway holds up its own
 *  messages only. */
static cnn_status hand_out(mpi_mailbox *m, bool *received, int *from, cnn_tag *tag,
                           cnn_message *body)
{
    cnn_status st = CNN_OK;
    for (arrival **at = &m->in; *at && !*received;) {
        arrival *a = *at;
        int whole = 0;
        const int code =
            is_behind(m, a) ? MPI_SUCCESS : MPI_Test(&a->request, &whole, MPI_STATUS_IGNORE);
        const bool never = is_death(m, code);
        if (!never)
            CNN_TRY(cnn_mpi_status(code, "MPI_Test"));
        *received = whole && !never;
        if (*received) {
            *from = a->from;
            *tag = a->tag;
            *body = a->body;
        }
        if (whole || never)
            take_out(m, at);
        else
            at = &a->next;
    }
done:
    return st;
}

/** Begins to receive the next message that has been announced; *there: there was one. */
static cnn_status begin_to_receive(mpi_mailbox *m, bool *there)
{
    cnn_status st = CNN_OK;
    MPI_Status status;
    MPI_Message message;
    arrival *a = NULL;
    int found = 0, code;
    do
        code = MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, m->comm, &found, &message, &status);
    while (is_death(m, code)); /* messages of the others come again */
    CNN_TRY(cnn_mpi_status(code, "MPI_Improbe"));
    *there = found;
    if (!found)
        goto done;
    CNN_CHECK((a = calloc(1, sizeof *a)) != NULL, CNN_ENOMEM, "a message of rank %d",
              status.MPI_SOURCE);
    a->from = status.MPI_SOURCE;
    a->tag = (cnn_tag)status.MPI_TAG;
    code = MPI_Imrecv(&a->body, (int)sizeof a->body, MPI_BYTE, &message, &a->request);
    if (is_death(m, code))
        goto done;
    CNN_TRY(cnn_mpi_status(code, "MPI_Imrecv"));
    *m->in_end = a;
    m->in_end = &a->next;
    a = NULL;
done:
    free(a);
    return st;
}

static cnn_status receive_message(cnn_mailbox *box, bool *received, int *from, cnn_tag *tag,
                                  cnn_message *body)
{
    cnn_status st = CNN_OK;
    mpi_mailbox *m = (mpi_mailbox *)box;
    bool there = true;
    *received = false;
    CNN_TRY(clear(m));
    CNN_TRY(hand_out(m, received, from, tag, body));
    while (!*received && there) {
        CNN_TRY(begin_to_receive(m, &there));
        if (there)
            CNN_TRY(hand_out(m, received, from, tag, body));
    }
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
    while (m->in) {
        MPI_Wait(&m->in->request, MPI_STATUS_IGNORE);
        take_out(m, &m->in);
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
    m->in_end = &m->in;
    *out = &m->box;
done:
    return st;
}
