/* SPDX-License-Identifier: Apache-2.0 */
/** A trainer as its worker sees it: a program that is started, reports events, is killed, and ends.
 *  The interface; mpi/worker/process.h starts real processes, tests bring their own. */
#ifndef CNN_MPI_WORKER_TRAINER_H
#define CNN_MPI_WORKER_TRAINER_H

#include "base/status.h"
#include "mpi/worker/run_record.h"
#include "results/record.h"

#include <stdbool.h>

typedef struct cnn_trainer cnn_trainer;
typedef struct cnn_trainers cnn_trainers;

/** An implementation has this as its first member. All functions: one rank, one thread; only poll
 *  waits, and destroy for a bounded time. */
struct cnn_trainer {
    /** Moves bytes and notices the end; waits that many seconds at most for something to happen. */
    cnn_status (*poll)(cnn_trainer *trainer, double timeout);
    /** The next event line (terminated, without newline, borrowed until the next call), or NULL. A
     *  line that is too long is given cut and marks *too_long. */
    const char *(*next_line)(cnn_trainer *trainer, bool *too_long);
    /** Ended with all its descendants, and all its output read. */
    bool (*has_ended)(const cnn_trainer *trainer);
    /** No further event can come: it has closed the descriptor. */
    bool (*is_mute)(const cnn_trainer *trainer);
    /** Of its process, seconds: so far, or from start to end. */
    double (*life_seconds)(const cnn_trainer *trainer);
    /** Orders its end and does not wait. Again: does nothing. */
    void (*kill)(cnn_trainer *trainer);
    /** Of an ended one: how it ended (texts are borrowed from it), and in the row what the machine
     *  was doing meanwhile. */
    void (*describe_end)(cnn_trainer *trainer, cnn_trainer_end *end, cnn_measured *row);
    /** Kills it if it still runs, and frees. */
    void (*destroy)(cnn_trainer *trainer);
};

/** Starts a rank's trainers, one at a time. */
struct cnn_trainers {
    /** Starts the program of a run's cell with a specification. CNN_EENV: no process can be had. */
    cnn_status (*start)(cnn_trainers *trainers, int run, const char *spec, cnn_trainer **out);
    void (*destroy)(cnn_trainers *trainers);
};

static inline void cnn_trainer_destroy(cnn_trainer **trainer)
{
    if (*trainer)
        (*trainer)->destroy(*trainer);
    *trainer = NULL;
}

static inline void cnn_trainers_destroy(cnn_trainers **trainers)
{
    if (*trainers)
        (*trainers)->destroy(*trainers);
    *trainers = NULL;
}

#endif
