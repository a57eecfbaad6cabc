/* SPDX-License-Identifier: Apache-2.0 */
#include "ranks/collectives.h"

#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_ROOM = 16384 };

cnn_status cnn_mpi_status(int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING];
    int n = 0;
    if (code == MPI_SUCCESS)
        return CNN_OK;
    if (MPI_Error_string(code, text, &n) != MPI_SUCCESS)
        n = 0;
    text[n] = '\0';
    return cnn_error_set(CNN_EMPI, "%.*s: %s", (int)strcspn(what, "("), what, text);
}

cnn_status cnn_collective_barrier(MPI_Comm comm)
{
    cnn_status st = CNN_OK;
    MPI_Request request;
    struct timespec pause = {0, 50 * 1000};
    int there = 0;
    CNN_MPI(MPI_Ibarrier(comm, &request));
    for (;;) {
        CNN_MPI(MPI_Test(&request, &there, MPI_STATUS_IGNORE));
        if (there)
            break;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 1000 * 1000)
            pause.tv_nsec *= 2;
    }
done:
    return st;
}

/** The failing rank's message, as it sees it. */
static void compose(int rank, char text[MESSAGE_ROOM])
{
    char host[256] = "";
    if (rank != 0 && gethostname(host, sizeof host - 1) == 0)
        cnn_error_prefix(CNN_OK, "rank %d on %s", rank, host);
    strncpy(text, cnn_error_message(), MESSAGE_ROOM - 1);
}

cnn_status cnn_collective_agree(MPI_Comm comm, cnn_status mine)
{
    cnn_status st = CNN_OK;
    int rank, size, first, all;
    char text[MESSAGE_ROOM] = "";
    CNN_TRY(cnn_collective_barrier(comm));
    CNN_MPI(MPI_Comm_rank(comm, &rank));
    CNN_MPI(MPI_Comm_size(comm, &size));
    first = mine == CNN_OK ? size : rank;
    CNN_MPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm));
    if (first == size)
        goto done;
    all = (int)mine;
    if (rank == first)
        compose(rank, text);
    CNN_MPI(MPI_Bcast(&all, 1, MPI_INT, first, comm));
    CNN_MPI(MPI_Bcast(text, MESSAGE_ROOM, MPI_CHAR, first, comm));
    st = cnn_error_set((cnn_status)all, "%s", text);
done:
    return st;
}

cnn_status cnn_collective_broadcast(MPI_Comm comm, void *bytes, size_t n)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(n <= INT_MAX, CNN_EINVAL, "a message of %zu bytes is too long", n);
    CNN_TRY(cnn_collective_barrier(comm));
    CNN_MPI(MPI_Bcast(bytes, (int)n, MPI_BYTE, 0, comm));
done:
    return st;
}

cnn_status cnn_collective_max(MPI_Comm comm, int mine, int *largest)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_collective_barrier(comm));
    CNN_MPI(MPI_Allreduce(&mine, largest, 1, MPI_INT, MPI_MAX, comm));
done:
    return st;
}

cnn_status cnn_collective_gather(MPI_Comm comm, const void *mine, size_t n, void *all)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(n <= INT_MAX, CNN_EINVAL, "a message of %zu bytes is too long", n);
    CNN_TRY(cnn_collective_barrier(comm));
    CNN_MPI(MPI_Allgather(mine, (int)n, MPI_BYTE, all, (int)n, MPI_BYTE, comm));
done:
    return st;
}
