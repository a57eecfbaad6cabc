/* SPDX-License-Identifier: Apache-2.0 */
/** Algorithms that are chosen by timing: once for each cell and device model, before its first
 *  run, then frozen in the results file and given to every run. Processes that chose for
 *  themselves would add the variation of their choices to what is measured. */
#ifndef CNN_MPI_TUNING_H
#define CNN_MPI_TUNING_H

#include "base/status.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"
#include "results/results.h"

#include <mpi.h>

/** Device models for which a results file has places, over all sessions. */
enum { CNN_TUNING_MODELS = 4 };

/** Number of the cells whose algorithms are frozen: those of our own paths with autotune, on GPUs.
 *  tuned [cell_count]: marks them; may be NULL. Any rank; pure. */
int cnn_tuned_cells(const cnn_job *job, const cnn_design *design, const cnn_devices *devices,
                    bool *tuned);

/** Fills context->algorithms: from known [places] (rank 0: as the file has them), and where runs
 *  are to be done whose cell has none on a rank's device model, by asking a trainer. Ranks with
 *  one model share the work; replies go into the file at once. Nothing is asked where nothing is
 *  to be frozen. *signal: that stopped it, on rank 0; it returns CNN_OK then. progress: rank 0.
 *
 *  On all ranks: CNN_EBACKEND names cell, device and reason of a trainer that did not answer;
 *  CNN_EIO: the file has no place left. Collective; needs the open file. End with
 *  cnn_tuning_free. */
cnn_status cnn_tune(MPI_Comm comm, cnn_rank_context *context, const cnn_tuning *known, int places,
                    cnn_progress *progress, int *signal);
void cnn_tuning_free(cnn_rank_context *context);

#endif
