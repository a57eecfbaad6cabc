/* SPDX-License-Identifier: Apache-2.0 */
/** The command `compare`. */
#ifndef CNN_CLI_COMPARE_H
#define CNN_CLI_COMPARE_H

#include "cli/command_line.h"

/** Reads two results files, compares their cells and writes the document. *exit_status: with
 *  --fail-on CNN_EXIT_BEYOND, CNN_EXIT_UNDECIDED or 0; else left alone. */
cnn_status cnn_command_compare(const cnn_command_line *line, int *exit_status);

#endif
