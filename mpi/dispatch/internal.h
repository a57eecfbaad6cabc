/* SPDX-License-Identifier: Apache-2.0 */
/** What the parts of the dispatcher share: who does what (dispatcher.c), what can still be done in
 * time (time.c), devices that are to blame (quarantine.c). Nobody else includes this. */
#ifndef CNN_MPI_DISPATCH_INTERNAL_H
#define CNN_MPI_DISPATCH_INTERNAL_H

#include "mpi/dispatch/consecutive_failures.h"
#include "mpi/dispatch/dealing.h"
#include "mpi/dispatch/dispatcher.h"

/** What is known of a cell's runs. */
typedef struct {
    double longest; /* duration of a finished run, seconds; 0: none yet */
    double sum;     /* of durations in this session */
    int count;      /* likewise */
} cnn_cell_times;

struct cnn_dispatcher {
    cnn_rank_context *context;
    cnn_progress *progress;
    cnn_dealing *dealing;
    cnn_cell_times *cells; /* [cell_count] */
    bool *idle;            /* [size] the rank waits for a block */
    int *block;            /* [size] the block that it has; -1 none */
    signed char *task;     /* [size, level_count] cnn_task: what is still to be done of that */
    cnn_consecutive_failures *failures; /* [size] of failed runs on the rank's device */
    bool *out;                 /* [size] the device is quarantined: the rank gets no more blocks */
    cnn_quarantine quarantine; /* as the file tells it */
    bool *whole;               /* [block_count] to be repeated whole, on another device */
    bool *earlier;             /* [run_count] finished in an earlier session: never touched again */
    int next_recipient;        /* the rank that gets the next block of a quarantined one */
    int signal;
    bool stopping, ended;
    cnn_allocation *allocation; /* NULL: the time does not end */
    bool late;                  /* SIGUSR1 has come */
    bool out_of_time;           /* a block was left undone because of either */
};

/** What is to be done with a block's run of a contrast level. */
cnn_task cnn_dispatcher_task(const cnn_dispatcher *d, int block, int level);

/** Whether a block may begin now: that the time left does not forbid it. Where it does for the
 * first time, says so. */
bool cnn_dispatcher_is_in_time(cnn_dispatcher *d, int block);

/** SIGUSR1 has come. */
void cnn_dispatcher_handle_late(cnn_dispatcher *d);

/** A device on which runs of different cells fail, one after the other, gets no more, as long as
 * there is another: says so, in the file too, and gives its blocks to the others' queues. *taken:
 * whether it was taken out. */
cnn_status cnn_dispatcher_quarantine(cnn_dispatcher *d, int rank, bool *taken);

#endif
