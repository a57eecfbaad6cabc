/* SPDX-License-Identifier: Apache-2.0 */
/** States of the ranks and of the job as the dispatcher sees them. The tables in states.c are the
 *  specification: a transition that is not in them is a programming error and ends the job.
 *  Pure functions: any caller, nothing blocks, nothing is collective. */
#ifndef CNN_MPI_DISPATCH_STATES_H
#define CNN_MPI_DISPATCH_STATES_H

#include "base/status.h"

typedef enum {
    CNN_RANK_STARTING,    /* it has not asked for work yet */
    CNN_RANK_TRAINING,    /* it has a block */
    CNN_RANK_IDLE,        /* it has asked for work and there was none for it */
    CNN_RANK_QUARANTINED, /* its device is to blame for failed runs: it gets no more blocks */
    CNN_RANK_BROKEN,      /* it cannot continue */
    CNN_RANK_LOST,        /* it counts as dead: nothing that it sends matters any more */
    CNN_RANK_STATE_COUNT
} cnn_rank_state;

typedef enum {
    CNN_RANK_PROGRESSES,   /* it has reported a state, an attempt or a run */
    CNN_RANK_GETS_BLOCK,   /* it has been sent a block, a new one or the rest of its own */
    CNN_RANK_GETS_NOTHING, /* it has asked, and no block may begin on it now */
    CNN_RANK_IS_BLAMED,    /* runs of several cells have failed on its device in succession */
    CNN_RANK_BREAKS,       /* it has reported that it cannot continue */
    CNN_RANK_DIES,         /* it was declared dead (dispatch/leases.h) */
    CNN_RANK_EVENT_COUNT
} cnn_rank_event;

typedef enum {
    CNN_JOB_RUNNING,  /* blocks are given out */
    CNN_JOB_STOPPING, /* no new run starts: a signal, or a broken rank */
    CNN_JOB_ENDED,    /* every rank has been asked to leave its loop */
    CNN_JOB_STATE_COUNT
} cnn_job_state;

typedef enum {
    CNN_JOB_IS_STOPPED, /* a rank has received a signal, or is broken */
    CNN_JOB_IS_DONE,    /* no rank trains, and none can be given a block */
    CNN_JOB_EVENT_COUNT
} cnn_job_event;

/** Moves *state by the table. CNN_EINVAL, naming rank, state and event: the table has no such
 *  transition; *state is unchanged. */
cnn_status cnn_rank_transition(cnn_rank_state *state, cnn_rank_event event, int rank);
/** The same for the job. */
cnn_status cnn_job_transition(cnn_job_state *state, cnn_job_event event);

#endif
