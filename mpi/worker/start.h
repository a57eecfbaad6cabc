/* SPDX-License-Identifier: Apache-2.0 */
/** Starting a trainer on this rank's place. Any rank; does not wait for the trainer; not
 *  collective. */
#ifndef CNN_MPI_WORKER_START_H
#define CNN_MPI_WORKER_START_H

#include "host/child.h"
#include "mpi/rank_context.h"

/** Starts the program of a cell with a specification: on the rank's cores, with its GPU as the only
 * one that it sees. See cnn_child_start. */
cnn_status cnn_start_trainer(const cnn_rank_context *context, int cell, const char *spec,
                             cnn_child **out);

#endif
