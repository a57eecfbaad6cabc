/* SPDX-License-Identifier: Apache-2.0 */
/** The command `plan`. */
#ifndef CNN_CLI_PLAN_H
#define CNN_CLI_PLAN_H

#include "cli/command_line.h"

/** Prints the plan of a job; with --from, what the file says of time and power. CNN_EUSAGE: a
 *  wrong job, or the file knows no cell of it; CNN_EDATA, CNN_EIO: as cnn_results_read. */
cnn_status cnn_command_plan(const cnn_command_line *line);

#endif
