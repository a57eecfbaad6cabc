/* SPDX-License-Identifier: Apache-2.0 */
/** Collective calls that sleep while they wait: MPI's own spin, and take the core of a trainer.
 *  Each waits asleep for all ranks, then makes the real call. All are called by every rank of
 *  comm, from one thread, and block until every rank has called. */
#ifndef CNN_RANKS_COLLECTIVES_H
#define CNN_RANKS_COLLECTIVES_H

#include "base/status.h"

#include <mpi.h>

/** Turns an MPI return code into a status; what: the call, for the message. Any rank; not
 *  collective. */
cnn_status cnn_mpi_status(int code, const char *what);

/** For functions with a `done:` label; communicators must have MPI_ERRORS_RETURN. */
#define CNN_MPI(call) CNN_TRY(cnn_mpi_status((call), #call))

cnn_status cnn_collective_barrier(MPI_Comm comm);

/** Combines the statuses of all ranks: CNN_OK if all are, else that of the lowest failing rank. Its
 *  message becomes that of every rank; it names rank and host unless it is rank 0's. */
cnn_status cnn_collective_agree(MPI_Comm comm, cnn_status mine);

/** Copies n bytes from rank 0 to all. */
cnn_status cnn_collective_broadcast(MPI_Comm comm, void *bytes, size_t n);

/** The largest of the ranks' values, on every rank. */
cnn_status cnn_collective_max(MPI_Comm comm, int mine, int *largest);

/** Gathers n bytes of every rank on every rank: all [size * n]. */
cnn_status cnn_collective_gather(MPI_Comm comm, const void *mine, size_t n, void *all);

#endif
