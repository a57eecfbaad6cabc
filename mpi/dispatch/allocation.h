/* SPDX-License-Identifier: Apache-2.0 */
/** When the Slurm allocation of the job ends. Rank 0 only; not collective. */
#ifndef CNN_MPI_DISPATCH_ALLOCATION_H
#define CNN_MPI_DISPATCH_ALLOCATION_H

#include "base/status.h"
#include "mpi/system.h"

#include <stdbool.h>

/** Who is asked for the end. The interface; mpi/squeue.h asks Slurm, tests bring their own. */
typedef struct cnn_end_source cnn_end_source;

/** An implementation has this as its first member. */
struct cnn_end_source {
    /** Begins a question, and gives up one that has no answer yet. Does not wait. */
    cnn_status (*ask)(cnn_end_source *source);
    /** The answer's text, borrowed until the next question; NULL: there is none yet. Waits that many
     *  seconds at most. *failed: there will be none; the text says why. */
    const char *(*listen)(cnn_end_source *source, double seconds, bool *failed);
    void (*destroy)(cnn_end_source *source);
};

typedef struct cnn_allocation cnn_allocation;

/** Asks for the end and blocks up to 10 seconds for the answer. The source becomes the allocation's;
 *  NULL: *out is NULL, which all functions here accept. system: borrowed. An unknown end is no
 *  failure. */
cnn_status cnn_allocation_create(cnn_end_source *source, const cnn_system *system,
                                 cnn_allocation **out);
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
