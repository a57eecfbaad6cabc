/* SPDX-License-Identifier: Apache-2.0 */
/** How the processes of a job were started. */
#ifndef CNN_MPI_LAUNCH_H
#define CNN_MPI_LAUNCH_H

#include "base/status.h"

#include <mpi.h>
#include <stdbool.h>

/** Whether one of the NULL-terminated names was in the environment that this process was started
 *  with; MPI_Init adds variables of launchers to that of a process that nobody launched. true:
 *  it cannot be read. Any process; does not block. */
bool cnn_launch_had_variable(const char *const *names);

/** CNN_EENV: srun has started several processes, and MPI in each of them knows only itself. Any
 *  rank, after MPI_Init; does not block; not collective. */
cnn_status cnn_launch_check(MPI_Comm comm);
/** Whether this process speaks for the others where it is the only one that MPI knows: srun's first
 *  task, or a process that srun did not start. */
bool cnn_launch_is_first(void);

/** CNN_EUSAGE on all ranks, naming both: a rank was started with other `--set` and `--output`
 *  options than rank 0. overrides: NULL-terminated, may be NULL. Collective, asleep while it
 *  waits. */
cnn_status cnn_launch_agree(MPI_Comm comm, const char *const *overrides);

#endif
