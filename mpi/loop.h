/* SPDX-License-Identifier: Apache-2.0 */
/** Event loop of a rank: messages, its worker, on rank 0 also the dispatcher. */
#ifndef CNN_MPI_LOOP_H
#define CNN_MPI_LOOP_H

#include "base/status.h"
#include "mpi/dispatch/dispatcher.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"

/** Works until rank 0 ends the job. dispatcher, progress: rank 0's; NULL on others. Called by
 *  all ranks, from the thread that called MPI_Init; blocks until the job ends, asleep where
 *  there is nothing to do, but makes no call that waits for one rank. Returns this rank's own
 *  failure: the ranks have to agree afterwards. CNN_EMPI: it cannot send or receive any more,
 *  and so cannot agree. */
cnn_status cnn_loop_run(const cnn_rank_context *context, cnn_dispatcher *dispatcher,
                        cnn_progress *progress);

#endif
