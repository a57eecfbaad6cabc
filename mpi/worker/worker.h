/* SPDX-License-Identifier: Apache-2.0 */
/** Training on one rank: one block at a time, one trainer process at a time. Any rank, one
 *  thread; not collective; only cnn_worker_wait blocks, and cnn_worker_destroy for a bounded
 *  time. */
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

/** Takes rank 0's leave to write the rows of the current attempt. */
void cnn_worker_take_leave(cnn_worker *worker);

/** Starts no new run; a running one has the job's grace_seconds to finish, or is killed at once. */
void cnn_worker_stop(cnn_worker *worker, bool at_once);

/** Handles events and deadlines, writes rows, starts the next run and reports to rank 0. *busy:
 *  something has happened. An error (a row cannot be written, say) ends this rank's work;
 *  failures of trainers are no errors. */
cnn_status cnn_worker_step(cnn_worker *worker, bool *busy);

/** Sleeps until its trainer does something, at most so many seconds. */
cnn_status cnn_worker_wait(cnn_worker *worker, double seconds);

/** Whether a trainer runs. */
bool cnn_worker_is_training(const cnn_worker *worker);

#endif
