/* SPDX-License-Identifier: Apache-2.0 */
/** Event loop of a rank: messages, its worker, on rank 0 also the dispatcher. */
#ifndef CNN_MPI_LOOP_H
#define CNN_MPI_LOOP_H

#include "base/status.h"
#include "mpi/dispatch/dispatcher.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"

/** The loop in steps, for a caller that decides when each rank goes on. */
typedef struct cnn_loop cnn_loop;

/** dispatcher, progress: rank 0's; NULL on others; borrowed, as is the context. Fails as
 *  cnn_loop_run does; finish it all the same. */
cnn_status cnn_loop_create(const cnn_rank_context *context, cnn_dispatcher *dispatcher,
                           cnn_progress *progress, cnn_loop **out);
/** Handles signals, messages and what the trainer has done; does not wait. *busy: there was
 *  something. Not after a failure, nor once it has ended. */
cnn_status cnn_loop_step(cnn_loop *loop, bool *busy);
/** Whether rank 0 has ended the job. */
bool cnn_loop_has_ended(const cnn_loop *loop);
/** Frees it. st: of the last step; returns as cnn_loop_run does. */
cnn_status cnn_loop_finish(cnn_loop **loop, cnn_status st);

/** Works until rank 0 ends the job. dispatcher, progress: rank 0's; NULL on others. Called by
 *  all ranks, from the thread that called MPI_Init; blocks until the job ends, asleep where
 *  there is nothing to do, but makes no call that waits for one rank. *lost: ranks that have died
 *  meanwhile; unless it is 0, no collective call is possible any more. Returns this rank's own
 *  failure: the ranks have to agree afterwards, if they can. CNN_EMPI: it cannot send or receive any more,
 *  and so cannot agree. */
cnn_status cnn_loop_run(const cnn_rank_context *context, cnn_dispatcher *dispatcher,
                        cnn_progress *progress, int *lost);

#endif
