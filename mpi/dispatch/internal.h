/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the parts of the dispatcher: messages and blocks (dispatcher.c), the tasks of a block
 *  (task.c), the time that is left (time.c), quarantined devices (quarantine.c), dead ranks
 *  (losses.c), and the blocks of both, which other ranks get (reassign.c). Only these include it.
 *  Rank 0 only; nothing blocks, nothing is collective. */
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
    cnn_rank_state *ranks;      /* [size] */
    int *block;                 /* [size] the block of each rank; -1: none */
    cnn_message_write *writing; /* [size] the leave to write that a rank has; run -1: none */
    int lost;                   /* ranks that are dead */
    bool broken;                /* a rank is, or was */
    signed char *tasks;         /* [size, level_count] cnn_task: the rest of that block */
    cnn_consecutive_failures *failures; /* [size] on the rank's device */
    cnn_quarantine quarantine;          /* the session's row of the results file */
    size_t listed;                      /* bytes of it that name devices */
    int unlisted;                       /* devices that it only counts */
    cnn_consistency *consistency;       /* borrowed */
    bool *whole;                        /* [block_count] to be repeated whole on another device */
    bool *earlier;      /* [run_count] finished in an earlier session: never trained again */
    int next_recipient; /* rank that got the last reassigned block */
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

/** An attempt has failed, or its rank has died: what its trainer reported does not stand, unless the
 *  run has an earlier result, which the file keeps. */
void cnn_dispatcher_forget_report(cnn_dispatcher *d, int run);

/** Whether a rank can be given blocks. */
bool cnn_dispatcher_is_usable(const cnn_dispatcher *d, int rank);

/** Records on the screen and in the results file that the job continues without the device of a
 *  rank. cell: one that it trained. CNN_EIO: the file cannot be written. */
cnn_status cnn_dispatcher_record_quarantine(cnn_dispatcher *d, int rank, int cell, const char *why);
/** Deals the blocks of a rank's consecutive failures, to be repeated whole, and its queue to the
 *  others, without its warm-up blocks, and notes how many. unfinished: a block that it leaves half
 *  done, dealt likewise; -1: none. kept_back: a block that is not dealt again; -1: none. */
void cnn_dispatcher_reassign(cnn_dispatcher *d, int rank, int unfinished, int kept_back);

/** Gives each rank that waits a block, if there is one for it. */
cnn_status cnn_dispatcher_give_blocks(cnn_dispatcher *d);
/** Ends the job once no rank trains or is about to ask. */
cnn_status cnn_dispatcher_end_if_done(cnn_dispatcher *d);

/** Quarantines the device of a rank unless it is the last one: notes it on the screen and in the
 *  results file, and deals the rank's blocks to the queues of the others. *quarantined: whether it
 *  did. CNN_EIO: the results file cannot be written. */
cnn_status cnn_dispatcher_quarantine(cnn_dispatcher *d, int rank, bool *quarantined);

#endif
