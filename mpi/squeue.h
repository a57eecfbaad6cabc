/* SPDX-License-Identifier: Apache-2.0 */
/** Asks Slurm for the end of this job's allocation. Rank 0 only; not collective. */
#ifndef CNN_MPI_SQUEUE_H
#define CNN_MPI_SQUEUE_H

#include "mpi/dispatch/allocation.h"

/** In a Slurm allocation (SLURM_JOB_ID); elsewhere *out is NULL. helper: cnn-exec, borrowed. Does
 *  not block. */
cnn_status cnn_squeue_create(const char *helper, cnn_end_source **out);

#endif
