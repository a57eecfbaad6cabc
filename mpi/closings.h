/* SPDX-License-Identifier: Apache-2.0 */
/** The end of a job that has lost ranks: each rank closes the results file alone, and rank 0 reads it
 *  once all that are alive have closed it. */
#ifndef CNN_MPI_CLOSINGS_H
#define CNN_MPI_CLOSINGS_H

#include "mpi/rank_context.h"

/** To be called after this rank has closed the file; st: how that went, and all before. lost: ranks
 *  that the end of the loop has named dead, at least one. Ranks other than 0 report to rank 0 and
 *  leave; rank 0 waits for each of them, or for its death, asleep. Returns st; on rank 0, where it
 *  is CNN_OK, CNN_EIO if another rank could not close the file. All living ranks, from the thread
 *  that called MPI_Init; not collective. */
cnn_status cnn_closings_gather(const cnn_rank_context *context, int lost, cnn_status st);

#endif
