/* SPDX-License-Identifier: Apache-2.0 */
/** Rank 0's part: which rank gets which block, what became of the runs, when the job ends. Its
 *  states and transitions: dispatch/states.c. Rank 0 only, one thread; nothing blocks; not
 *  collective. */
#ifndef CNN_MPI_DISPATCH_DISPATCHER_H
#define CNN_MPI_DISPATCH_DISPATCHER_H

#include "base/status.h"
#include "mpi/dispatch/allocation.h"
#include "mpi/dispatch/consistency.h"
#include "mpi/dispatch/leases.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"

#include <stdbool.h>

typedef struct cnn_dispatcher cnn_dispatcher;

/** context (whose status[] it keeps current), progress and allocation (NULL: the job's time does not
 *  end) are borrowed, and so is what earlier sessions left:
 *  known_durations  [cell_count] the longest duration of a finished run of each cell, seconds; 0:
 *                   none has finished
 *  consistency      what their trainers reported; kept current */
cnn_status cnn_dispatcher_create(cnn_rank_context *context, cnn_progress *progress,
                                 const double *known_durations, cnn_consistency *consistency,
                                 cnn_allocation *allocation, cnn_dispatcher **out);
void cnn_dispatcher_destroy(cnn_dispatcher **dispatcher);

/** Updates the end of the allocation. Call often. */
void cnn_dispatcher_step(cnn_dispatcher *dispatcher);

/** Handles a message of a rank.
 *
 *  A device on which runs of three different cells fail in succession is quarantined unless it is
 *  the last one: its rank gets no more blocks, and the rest of its queue and the blocks of the
 *  failed runs, whole, go to the others. Once time runs out (SIGUSR1, the end of the allocation) a
 *  rank gets no block that could not be finished, judged by the slowest finished runs of its cells;
 *  without a known end SIGUSR1 lets no further block begin. */
cnn_status cnn_dispatcher_receive(cnn_dispatcher *dispatcher, int from, cnn_tag tag,
                                  const cnn_message *body);

/** A rank was declared dead. Its device gets no more blocks; the block that it had is repeated whole on
 *  another device, and its queue goes to the others. Messages of it are ignored from now on. A block
 *  of which a run may still be written (it had leave to, and its process is not known to have
 *  ended) is left for `--resume`. Without a device that is left all blocks are. CNN_EIO: the
 *  results file cannot be written. */
cnn_status cnn_dispatcher_lose(cnn_dispatcher *dispatcher, const cnn_loss *loss);

/** Whether all living ranks have been asked to leave their loops: no further loss may be reported. */
bool cnn_dispatcher_has_ended(const cnn_dispatcher *dispatcher);

/** Whether a rank has reported that it cannot continue; it keeps the reason. */
bool cnn_dispatcher_is_broken(const cnn_dispatcher *dispatcher);

/** The signal that stopped the job, or 0. */
int cnn_dispatcher_signal(const cnn_dispatcher *dispatcher);

/** Seconds until all is done, estimated; NaN: unknown. */
double cnn_dispatcher_time_left(const cnn_dispatcher *dispatcher);

#endif
