/* SPDX-License-Identifier: Apache-2.0 */
/** How the commands end, and what they print. */
#ifndef CNN_CLI_TERMINAL_H
#define CNN_CLI_TERMINAL_H

#include "base/text.h"

#include <stdbool.h>

/** Exit statuses of cnnmpi; 0: all done. */
enum {
    CNN_EXIT_SOME_FAILED = 1,
    CNN_EXIT_USAGE,
    CNN_EXIT_ENVIRONMENT,
    CNN_EXIT_BEYOND,    /* the limit of compare --fail-on */
    CNN_EXIT_UNDECIDED, /* whether it is */
    CNN_EXIT_UNFINISHED = 75
};

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
