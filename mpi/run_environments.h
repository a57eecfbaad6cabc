/* SPDX-License-Identifier: Apache-2.0 */
/** The environments of runs, as the results file keeps them: each once, for all sessions. */
#ifndef CNN_MPI_RUN_ENVIRONMENTS_H
#define CNN_MPI_RUN_ENVIRONMENTS_H

#include "base/status.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"
#include "results/results.h"

#include <mpi.h>

/** Finds the place of every rank's environments among known [places] (rank 0: as the file has them),
 *  writes new ones, and sets context->environments [cell] to this rank's; -1 where the file has no
 *  place left, and of simulated frameworks; NULL where the job only simulates. A cell's differ from
 *  others' by the factors env.NAME. Rank 0 prints which of its variables trainers do not get, and
 *  whether ranks differ. On all ranks: CNN_EIO: the file cannot be written. Called by all ranks of
 *  comm; collective; needs the open file. */
cnn_status cnn_environments_record(MPI_Comm comm, cnn_rank_context *context,
                                   const cnn_stored_environment *known, int places,
                                   cnn_progress *progress);

#endif
