/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include "base/printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cnn_exit_status(cnn_status st)
{
    switch (st) {
    case CNN_OK:
        return EXIT_SUCCESS;
    case CNN_EUSAGE:
    case CNN_EINVAL:
        return CNN_EXIT_USAGE;
    case CNN_ESTOPPED:
        return CNN_EXIT_UNFINISHED;
    default:
        return CNN_EXIT_ENVIRONMENT;
    }
}

void cnn_print_error(void)
{
    /* The messages of a job file name the file themselves. */
    bool located = strstr(cnn_error_message(), ": error: ") != NULL;
    cnn_printf(stderr, "%s%s\n", located ? "" : "cnnmpi: error: ", cnn_error_message());
}

cnn_status cnn_print_text(const cnn_text *text)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_text_status(text));
    cnn_print(stdout, text->s ? text->s : "");
    CNN_CHECK(!ferror(stdout) && fflush(stdout) == 0, CNN_EIO,
              "cannot write to standard output: %s", strerror(errno));
done:
    return st;
}

bool cnn_is_first_process(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *rank = getenv(names[i]);
        if (rank)
            return !strcmp(rank, "0");
    }
    return true;
}
