/* SPDX-License-Identifier: Apache-2.0 */
/** Starting a trainer on this rank's place. Any rank; does not wait for the trainer; not
 *  collective. */
#ifndef CNN_MPI_WORKER_START_H
#define CNN_MPI_WORKER_START_H

#include "host/child.h"
#include "mpi/rank_context.h"

/** The environment of a cell's runs on a place, but for the descriptor of events: what the job and the
 *  run protocol make of the rank's own. *out is owned by the caller: cnn_environment_free. */
cnn_status cnn_start_environment(const cnn_job *job, const cnn_treatment *treatment,
                                 const cnn_place *place, char ***out);

/** Where this rank's runs of a cell are done: cores and CPUs that the factor `threads` leaves. */
cnn_status cnn_start_place(const cnn_rank_context *context, int cell, cnn_place *out);

/** Starts the program of a cell with a specification: on the rank's cores, with its GPU as the only
 * one that it sees. See cnn_child_start. */
cnn_status cnn_start_trainer(const cnn_rank_context *context, int cell, const char *spec,
                             cnn_child **out);

#endif
