/* SPDX-License-Identifier: Apache-2.0 */
/** Messages between ranks while a job runs: plain structs, one for each tag. */
#ifndef CNN_MPI_MESSAGE_H
#define CNN_MPI_MESSAGE_H

#include "mpi/worker/limit.h"

#include <stdint.h>

/** Levels of a contrast: those of a block travel in one message. */
enum { CNN_MAX_LEVELS = 64 };

typedef enum {
    CNN_TAG_IDLE = 1, /* to rank 0, no body: the rank asks for work */
    CNN_TAG_BLOCK,    /* from rank 0: cnn_message_block */
    CNN_TAG_STATE,    /* to rank 0: cnn_message_state */
    CNN_TAG_READY,    /* to rank 0: cnn_message_ready; rank 0 answers with CNN_TAG_CHECKED */
    CNN_TAG_CHECKED,  /* from rank 0: cnn_message_checked */
    CNN_TAG_WRITE,    /* to rank 0: cnn_message_write; rank 0 answers with CNN_TAG_GRANTED */
    CNN_TAG_GRANTED,  /* from rank 0: cnn_message_write: write its row now */
    CNN_TAG_ATTEMPT,  /* to rank 0: cnn_message_attempt */
    CNN_TAG_RUN,      /* to rank 0: cnn_message_run */
    CNN_TAG_SIGNAL,   /* to rank 0: cnn_message_stop, the rank received a signal */
    CNN_TAG_LATE,     /* to rank 0, no body: the rank received SIGUSR1, time is running out */
    CNN_TAG_BROKEN,   /* to rank 0, no body: the rank cannot continue; it keeps the error */
    CNN_TAG_STOP,     /* from rank 0: cnn_message_stop */
    CNN_TAG_END,      /* from rank 0: cnn_message_end: leave the loop */
    CNN_TAG_CLOSED,   /* to rank 0, after an end with lost ranks: cnn_message_closed */
} cnn_tag;

/** What is to be done with a run of a block. */
typedef enum {
    CNN_TASK_NONE,    /* nothing */
    CNN_TASK_TRAIN,   /* train it */
    CNN_TASK_RETRAIN, /* retrain; keep the old result, of another device, unless this run
                         succeeds */
} cnn_task;

/** Train these runs of a block, in its order. After a failed run the rank returns the block
 *  (CNN_TAG_IDLE), since its device may be to blame. */
typedef struct {
    int block;
    cnn_limit limits[CNN_MAX_LEVELS]; /* of an attempt, by level of the contrast */
    int attempts[CNN_MAX_LEVELS];     /* places for attempts that are taken, by level */
    signed char task[CNN_MAX_LEVELS]; /* cnn_task, by level */
} cnn_message_block;

/** The run that a rank trains now, for the screen. */
typedef struct {
    int run, epoch, epochs; /* completed epochs, of all */
} cnn_message_state;

/** What a trainer reports of its set-up: the same in all runs of a cell. -1, "": unknown. */
typedef struct {
    int64_t parameters, train_images, test_images;
    char data_checksum[32];
} cnn_setup_report;

/** A trainer is ready. */
typedef struct {
    int run;
    cnn_setup_report report;
} cnn_message_ready;

/** Whether that agrees with the other runs. */
typedef struct {
    int run;
    int agrees;       /* 0: the run must fail */
    char reason[128]; /* then */
} cnn_message_checked;

/** A rank writes rows of a run only by rank 0's leave, and ends the leave by its next report. So
 *  rank 0 knows whether a rank that counts as dead may still have a write under way, which nobody
 *  can recall, and a rank that wakes up after it was declared dead writes nothing. */
typedef struct {
    int run;
    int may_finish; /* 1: it is done, so that its row may get a result; 0: a failed attempt's row */
} cnn_message_write;

/** A failed attempt that will be repeated. */
typedef struct {
    int run, attempt; /* 1, 2, ... */
    char reason[128];
} cnn_message_attempt;

/** A run has ended and its row is written. */
typedef struct {
    int run, status, attempts; /* status: cnn_run_status; attempts of this session */
    int kept;                  /* 1: it failed, and an earlier result stays in its row */
    int occupied; /* 1: processes of its trainer did not end and may still use the device */
    double life_seconds, train_seconds, test_error;
    char reason[128]; /* of a failure */
} cnn_message_run;

/** Start no new run. */
typedef struct {
    int signal; /* 0: another rank is broken */
    int now;    /* 1: kill running trainers at once, 0: after the time of grace */
} cnn_message_stop;

/** The end of the job. */
typedef struct {
    int lost; /* ranks that are dead: not 0, no collective call is possible any more */
} cnn_message_end;

/** A rank has closed the results file, or could not. */
typedef struct {
    int rank, status; /* status: cnn_status */
} cnn_message_closed;

/** Room for any of them. */
typedef union {
    cnn_message_block block;
    cnn_message_state state;
    cnn_message_attempt attempt;
    cnn_message_ready ready;
    cnn_message_checked checked;
    cnn_message_write write;
    cnn_message_run run;
    cnn_message_stop stop;
    cnn_message_end end;
    cnn_message_closed closed;
} cnn_message;

#endif
