/* SPDX-License-Identifier: Apache-2.0 */
/** A rank's event loop: messages, its worker, on rank 0 the dispatcher too. Never a blocking call.
 */
#ifndef CNN_MPI_LOOP_H
#define CNN_MPI_LOOP_H

#include "base/status.h"
#include "mpi/dispatch/dispatcher.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"

/** Works until rank 0 says that all is done, or stopped. dispatcher, progress: rank 0's; NULL on
 *  others. Returns this rank's own failure, if any: the ranks have to agree afterwards; or
 * CNN_EMPI: it cannot send or receive any more, so that it cannot agree either. Called by all
 * ranks. */
cnn_status cnn_loop_run(const cnn_rank_context *context, cnn_dispatcher *dispatcher,
                        cnn_progress *progress);

#endif
