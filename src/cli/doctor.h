/* SPDX-License-Identifier: Apache-2.0 */
/** The command `doctor`. */
#ifndef CNN_CLI_DOCTOR_H
#define CNN_CLI_DOCTOR_H

#include "cli/command_line.h"

/** Prints what may disturb measurements on the hosts and devices of all ranks. Starts and ends MPI;
 *  called by all processes of a parallel start; only rank 0 prints. Returns the exit status: 0, or
 *  CNN_EXIT_SOME_FAILED where something may disturb them. */
int cnn_command_doctor(int argc, char **argv, const cnn_command_line *line);

#endif
