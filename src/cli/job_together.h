/* SPDX-License-Identifier: Apache-2.0 */
/** The job of a command that runs on all ranks. */
#ifndef CNN_CLI_JOB_TOGETHER_H
#define CNN_CLI_JOB_TOGETHER_H

#include "cli/command_line.h"
#include "job/job.h"

/** Rank 0 reads and checks the job file; the others get its text from there. Called by all ranks of
 *  MPI_COMM_WORLD; collective; blocks, asleep, until all have called; all return the same status. As
 *  cnn_job_read, or CNN_EENV, CNN_EUSAGE: the ranks were started differently (mpi/launch.h). *job is
 *  owned by the caller. */
cnn_status cnn_read_job_together(const cnn_command_line *line, int rank, cnn_job **job);

#endif
