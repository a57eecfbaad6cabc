/* SPDX-License-Identifier: Apache-2.0 */
/** When the Slurm allocation of the job ends. Rank 0 only; not collective. */
#ifndef CNN_MPI_DISPATCH_ALLOCATION_H
#define CNN_MPI_DISPATCH_ALLOCATION_H

#include "base/status.h"

#include <stdbool.h>

typedef struct cnn_allocation cnn_allocation;

/** In a Slurm allocation (SLURM_JOB_ID) asks squeue for its end and blocks up to 10 seconds for the
 *  answer; elsewhere *out is NULL, which all functions here accept. helper: cnn-exec, borrowed. An
 *  unknown end is no failure. */
cnn_status cnn_allocation_create(const char *helper, cnn_allocation **out);
void cnn_allocation_destroy(cnn_allocation **allocation);

/** Asks again every 10 minutes, as an administrator can move the end, and reads the answer. Does
 *  not block. Call often. */
void cnn_allocation_step(cnn_allocation *allocation);

/** Seconds until the end; INFINITY: there is none, or it is unknown. */
double cnn_allocation_left(const cnn_allocation *allocation);

/** Why the end is unknown, for people; NULL: it is known, or there is no allocation. */
const char *cnn_allocation_trouble(const cnn_allocation *allocation);

/** The end in the output of `squeue -h -o %e`, seconds since 1970: "2026-11-24T23:10:00" in
 * local time, alone on a line. false: there is none ("N/A" where the job has no time limit). */
bool cnn_allocation_parse(const char *answer, double *end);

#endif
