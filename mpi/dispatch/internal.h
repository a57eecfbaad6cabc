/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the parts of the dispatcher: messages and blocks (dispatcher.c), the tasks of a block
 *  (task.c), the time that is left (time.c), quarantined devices (quarantine.c). Only these include
 *  it. Rank 0 only; nothing blocks, nothing is collective. */
#ifndef CNN_MPI_DISPATCH_INTERNAL_H
#define CNN_MPI_DISPATCH_INTERNAL_H

#include "mpi/dispatch/consecutive_failures.h"
#include "mpi/dispatch/dealing.h"
#include "mpi/dispatch/dispatcher.h"
#include "mpi/dispatch/states.h"

/** Durations of a cell's finished runs, seconds. */
typedef struct {
    double longest; /* of all sessions; 0: no run has finished */
    double sum;     /* of this session */
    int count;      /* of this session */
} cnn_cell_times;

struct cnn_dispatcher {
    cnn_rank_context *context;
    cnn_progress *progress;
    cnn_dealing *dealing;
    cnn_cell_times *cells; /* [cell_count] */
    cnn_job_state state;
    cnn_rank_state *ranks;              /* [size] */
    int *block;                         /* [size] the block of each rank; -1: none */
    signed char *tasks;                 /* [size, level_count] cnn_task: the rest of that block */
    cnn_consecutive_failures *failures; /* [size] on the rank's device */
    cnn_quarantine quarantine;          /* the session's row of the results file */
    cnn_consistency *consistency;       /* borrowed */
    bool *whole;                        /* [block_count] to be repeated whole on another device */
    bool *earlier;      /* [run_count] finished in an earlier session: never trained again */
    int next_recipient; /* rank that gets the next block of a quarantined one */
    int signal;         /* that stopped the job; 0: none */
    cnn_allocation *allocation; /* NULL: the job's time does not end */
    bool late;                  /* SIGUSR1 was received */
    bool out_of_time;           /* a block was left for another session because of either */
};

/** What is to be done with a block's run of a contrast level. */
cnn_task cnn_dispatcher_task(const cnn_dispatcher *d, int block, int level);
/** Fills the tasks of a rank's new block. */
void cnn_dispatcher_set_tasks(cnn_dispatcher *d, int rank, int block);
/** What is left of a rank's block: [level_count]. */
signed char *cnn_dispatcher_tasks(const cnn_dispatcher *d, int rank);
/** Whether a rank returned its block before all of it was done: after a failed run. */
bool cnn_dispatcher_has_task(const cnn_dispatcher *d, int rank);

/** Whether enough time is left to start this block. Prints once that it is not. */
bool cnn_dispatcher_is_in_time(cnn_dispatcher *d, int block);

/** Takes in that a rank received SIGUSR1. */
void cnn_dispatcher_handle_late(cnn_dispatcher *d);

/** Quarantines the device of a rank unless it is the last one: notes it on the screen and in the
 *  results file, and deals the rank's blocks to the queues of the others. *quarantined: whether it
 *  did. CNN_EIO: the results file cannot be written. */
cnn_status cnn_dispatcher_quarantine(cnn_dispatcher *d, int rank, bool *quarantined);

#endif
