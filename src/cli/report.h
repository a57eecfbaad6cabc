/* SPDX-License-Identifier: Apache-2.0 */
/** The command `report`. */
#ifndef CNN_CLI_REPORT_H
#define CNN_CLI_REPORT_H

#include "cli/command_line.h"

/** What the command line asks for. CNN_ESTOPPED: `--status` of a file with unfinished runs. */
cnn_status cnn_command_report(const cnn_command_line *line);

/** Prints the report of a results file, as a job does at its end. */
cnn_status cnn_command_report_print(const char *path);

#endif
