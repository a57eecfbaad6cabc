/* SPDX-License-Identifier: Apache-2.0 */
/** Collective calls that do not spin: MPI's own burn a core while they wait, which here belongs to
 *  a trainer. Each waits asleep until all ranks have come, and only then makes the real call. */
#ifndef CNN_RANKS_COLLECTIVES_H
#define CNN_RANKS_COLLECTIVES_H

#include "base/status.h"

#include <mpi.h>

/** Turns an MPI return code into a status; what: the call, for the message. */
cnn_status cnn_mpi_status(int code, const char *what);

/** For functions with a `done:` label; communicators must have MPI_ERRORS_RETURN. */
#define CNN_MPI(call) CNN_TRY(cnn_mpi_status((call), #call))

/** Collective. */
cnn_status cnn_collective_barrier(MPI_Comm comm);

/** Makes one status out of every rank's: CNN_OK if all are, else the lowest failing rank's, whose
 * message every rank gets (naming the rank and host if it is not rank 0's). Collective. */
cnn_status cnn_collective_agree(MPI_Comm comm, cnn_status mine);

/** From rank 0 to all. Collective. */
cnn_status cnn_collective_broadcast(MPI_Comm comm, void *bytes, size_t n);

/** The largest of the ranks' values, on every rank. Collective. */
cnn_status cnn_collective_max(MPI_Comm comm, int mine, int *largest);

/** Puts every rank's n bytes one after the other: all [size * n]. Collective. */
cnn_status cnn_collective_gather(MPI_Comm comm, const void *mine, size_t n, void *all);

#endif
