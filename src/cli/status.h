/* SPDX-License-Identifier: Apache-2.0 */
/** The command `status`. */
#ifndef CNN_CLI_STATUS_H
#define CNN_CLI_STATUS_H

#include "cli/command_line.h"

/** Prints how far a job is, whether it runs or not. CNN_EDATA, CNN_EIO: as cnn_results_read. */
cnn_status cnn_command_status(const cnn_command_line *line);

#endif
