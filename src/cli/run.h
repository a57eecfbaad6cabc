/* SPDX-License-Identifier: Apache-2.0 */
/** Running a job: the command without a name. */
#ifndef CNN_CLI_RUN_H
#define CNN_CLI_RUN_H

#include "cli/command_line.h"

/** Initialises MPI, runs the job on all ranks and prints its report on rank 0. Returns the exit
 *  status of the program; errors are printed. Every process of the job calls it, once. */
int cnn_command_run(int argc, char **argv, const cnn_command_line *line);

#endif
