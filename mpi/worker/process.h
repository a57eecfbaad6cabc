/* SPDX-License-Identifier: Apache-2.0 */
/** Trainers as real processes on this rank's place, with what its telemetry sees. Any rank; not
 *  collective. */
#ifndef CNN_MPI_WORKER_PROCESS_H
#define CNN_MPI_WORKER_PROCESS_H

#include "base/status.h"
#include "mpi/rank_context.h"
#include "mpi/worker/trainer.h"

/** The context is borrowed. Does not block. */
cnn_status cnn_processes_create(const cnn_rank_context *context, cnn_trainers **out);

#endif
