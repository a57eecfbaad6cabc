/** Rank 0's part: who gets which block, what has come of the runs, when all is done. */
#ifndef CNN_MPI_DISPATCHER_H
#define CNN_MPI_DISPATCHER_H

#include "base/status.h"
#include "mpi/progress.h"
#include "mpi/task.h"

#include <stdbool.h>

typedef struct cnn_dispatcher cnn_dispatcher;

/** task (whose status[] it keeps current) and progress are borrowed. known_life [cell_count]: the
 *  longest life of a finished run of each cell in earlier sessions, seconds; 0: none has finished.
 */
cnn_status cnn_dispatcher_create(cnn_task *task, cnn_progress *progress, const double *known_life,
                                 cnn_dispatcher **out);
void cnn_dispatcher_destroy(cnn_dispatcher **dispatcher);

/** Takes in a message of a rank, and answers it. */
cnn_status cnn_dispatcher_receive(cnn_dispatcher *dispatcher, int from, cnn_tag tag,
                                  const cnn_message *body);

/** The signal that stopped the job, or 0. */
int cnn_dispatcher_signal(const cnn_dispatcher *dispatcher);

/** Seconds until all is done, as far as can be told; NaN: it cannot. */
double cnn_dispatcher_time_left(const cnn_dispatcher *dispatcher);

#endif
