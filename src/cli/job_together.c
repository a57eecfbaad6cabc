/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/job_together.h"

#include "base/text.h"
#include "mpi/launch.h"
#include "ranks/collectives.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

/** A string of rank 0's on the others, who own the copy. Collective. */
static cnn_status share_string(int rank, char **string)
{
    cnn_status st = CNN_OK;
    int n = rank == 0 ? (int)strlen(*string) : 0;
    CNN_CHECK(MPI_Bcast(&n, 1, MPI_INT, 0, MPI_COMM_WORLD) == MPI_SUCCESS, CNN_EMPI,
              "broadcast of the job file failed");
    if (rank != 0)
        *string = calloc((size_t)n + 1, 1);
    CNN_TRY(cnn_collective_agree(MPI_COMM_WORLD,
                                 *string ? CNN_OK : cnn_error_set(CNN_ENOMEM, "%d bytes", n)));
    CNN_CHECK(MPI_Bcast(*string, n, MPI_CHAR, 0, MPI_COMM_WORLD) == MPI_SUCCESS, CNN_EMPI,
              "broadcast of the job file failed");
done:
    return st;
}

cnn_status cnn_read_job_together(const cnn_command_line *line, int rank, cnn_job **job)
{
    cnn_status st = CNN_OK;
    char *text = NULL;
    CNN_TRY(cnn_launch_check(MPI_COMM_WORLD));
    CNN_TRY(cnn_launch_agree(MPI_COMM_WORLD, line->overrides));
    if (rank == 0) {
        st = cnn_job_read(line->file, line->overrides, job);
        if (st == CNN_OK)
            st = cnn_job_check_output(*job);
    }
    CNN_TRY(cnn_collective_agree(MPI_COMM_WORLD, st));
    CNN_TRY(share_string(rank, rank == 0 ? &(*job)->text : &text));
    if (rank != 0)
        st = cnn_job_parse(line->file, text, line->overrides, job);
    CNN_TRY(cnn_collective_agree(MPI_COMM_WORLD, st));
done:
    free(text);
    return st;
}
