/* SPDX-License-Identifier: Apache-2.0 */
/** When the time that Slurm has given to the job ends. */
#ifndef CNN_MPI_DISPATCH_ALLOCATION_H
#define CNN_MPI_DISPATCH_ALLOCATION_H

#include "base/status.h"

#include <stdbool.h>

typedef struct cnn_allocation cnn_allocation;

/** In an allocation of Slurm (SLURM_JOB_ID) asks squeue for its end, and waits for the answer, at
 * most for some seconds; elsewhere *out is NULL, which all others take. helper: cnn-exec, borrowed.
 * An end that cannot be learned is no failure. Not collective. */
cnn_status cnn_allocation_create(const char *helper, cnn_allocation **out);
void cnn_allocation_destroy(cnn_allocation **allocation);

/** Asks again now and then (an administrator can move the end) and takes the answer in, without
 * waiting. Call often. */
void cnn_allocation_step(cnn_allocation *allocation);

/** Seconds until the end; INFINITY: there is none, or none is known. */
double cnn_allocation_left(const cnn_allocation *allocation);

/** Why no end is known, for people; NULL: one is, or there is no allocation. */
const char *cnn_allocation_trouble(const cnn_allocation *allocation);

/** The end in what `squeue -h -o %e` has printed, seconds since 1970: "2026-11-24T23:10:00" in
 * local time, alone on a line. false: there is none ("N/A" where the job has no time limit). */
bool cnn_allocation_parse(const char *answer, double *end);

#endif
