/* SPDX-License-Identifier: Apache-2.0 */
/** The command `data`. */
#ifndef CNN_CLI_DATA_H
#define CNN_CLI_DATA_H

#include "cli/command_line.h"

/** Prints what was found of each data set of a job. CNN_EDATA: one of them cannot be used. */
cnn_status cnn_command_data(const cnn_command_line *line);

#endif
