/* SPDX-License-Identifier: Apache-2.0 */
/** A rank's own training: one block at a time, one trainer process at a time. */
#ifndef CNN_MPI_WORKER_WORKER_H
#define CNN_MPI_WORKER_WORKER_H

#include "base/status.h"
#include "mpi/rank_context.h"

#include <stdbool.h>

typedef struct cnn_worker cnn_worker;

/** The context is borrowed. */
cnn_status cnn_worker_create(const cnn_rank_context *context, cnn_worker **out);
/** Kills a trainer that still runs. */
void cnn_worker_destroy(cnn_worker **worker);

/** Takes a block on; the worker must have none. */
void cnn_worker_take(cnn_worker *worker, const cnn_message_block *block);

/** Takes rank 0's answer to a CNN_TAG_READY. */
void cnn_worker_take_answer(cnn_worker *worker, const cnn_message_checked *answer);

/** Starts no new run; one that runs gets the job's grace_seconds, or is killed at once. */
void cnn_worker_stop(cnn_worker *worker, bool now);

/** Does what is due, without waiting: events, deadlines, rows, the next run. Tells rank 0. *busy:
 * something has happened. A failure (a row that cannot be written, say) is the end of this rank's
 * work; the trainer's failures are not. */
cnn_status cnn_worker_step(cnn_worker *worker, bool *busy);

/** Sleeps until its trainer does something, at most so many seconds. */
cnn_status cnn_worker_wait(cnn_worker *worker, double seconds);

/** Whether a trainer runs. */
bool cnn_worker_is_training(const cnn_worker *worker);

#endif
