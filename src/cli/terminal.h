/* SPDX-License-Identifier: Apache-2.0 */
/** How the commands end, and what they print. */
#ifndef CNN_CLI_TERMINAL_H
#define CNN_CLI_TERMINAL_H

#include "base/text.h"

#include <stdbool.h>

/** Exit statuses of cnnmpi: name, value, meaning in --help. docs/cnnmpi.1 has the same ones. */
#define CNN_EXIT_STATUSES(X)                                                                       \
    X(CNN_EXIT_DONE, 0, "all runs done")                                                           \
    X(CNN_EXIT_SOME_FAILED, 1,                                                                     \
      "some failed, or a rule of check-trainer; doctor: something disturbs")                       \
    X(CNN_EXIT_USAGE, 2, "wrong job file or usage")                                                \
    X(CNN_EXIT_ENVIRONMENT, 3, "data or environment")                                              \
    X(CNN_EXIT_BEYOND, 4, "beyond the limit of compare --fail-on")                                 \
    X(CNN_EXIT_UNDECIDED, 5, "compare --fail-on cannot tell")                                      \
    X(CNN_EXIT_UNFINISHED, 75, "unfinished, continue with --resume")
#define CNN_EXIT_MEMBER(name, value, meaning) name = value,
enum { CNN_EXIT_STATUSES(CNN_EXIT_MEMBER) };
#undef CNN_EXIT_MEMBER

/** The program's exit status for a status. */
int cnn_exit_status(cnn_status st);

/** False for all but one process of a parallel start, before or without MPI_Init. */
bool cnn_is_first_process(void);

/** Prints the thread's error message on standard error. */
void cnn_print_error(void);

/** Prints a text on standard output, which may be a file on a full disk. CNN_ENOMEM: the text has
 *  failed. CNN_EIO: it could not be written. */
cnn_status cnn_print_text(const cnn_text *text);

#endif
