/* SPDX-License-Identifier: Apache-2.0 */
/* A writer to be killed: results_victim FILE. Goes on where the last one was stopped, writes
 * one byte to standard output for every run, and never stops before the last. */
#include "hdf5io/reader.h"
#include "results_fill.h"
#include "results_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static cnn_status go_on(const char *path)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    cnn_writer *writer = NULL;
    CNN_TRY(cnn_results_read(path, &results));
    CNN_TRY(cnn_writer_open(path, MPI_COMM_WORLD, &writer));
    for (int run = 0; run < results->run_count; run++) {
        if (results->status[run] != CNN_RUN_PLANNED)
            continue;
        CNN_TRY(fill_run(writer, run, CNN_RUN_DONE));
        CNN_CHECK(write(STDOUT_FILENO, "", 1) == 1, CNN_EIO, "the parent is gone");
    }
    CNN_TRY(cnn_writer_close(&writer));
done:
    cnn_results_free(&results);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    MPI_Init(&argc, &argv);
    cnn_status st = go_on(argv[1]);
    if (st != CNN_OK)
        fprintf(stderr, "%s\n", cnn_error_message());
    MPI_Finalize();
    return st != CNN_OK;
}
