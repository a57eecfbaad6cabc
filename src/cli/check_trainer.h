/* SPDX-License-Identifier: Apache-2.0 */
/** `cnnmpi check-trainer`: a trainer judged by the run protocol and by the reference. */
#ifndef CNN_CLI_CHECK_TRAINER_H
#define CNN_CLI_CHECK_TRAINER_H

#include "cli/command_line.h"

/** Prints the verdicts; *exit_status becomes 1 where a rule fails. argv0: as cnnmpi was started, to
 *  find the programs that belong to it. Ended by SIGINT or SIGTERM it removes its files and dies of
 *  that signal. */
cnn_status cnn_command_check_trainer(const char *argv0, const cnn_command_line *line,
                                     int *exit_status);

#endif
