/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run.h"

#include "cli/report.h"
#include "cli/terminal.h"
#include "hdf5io/writer.h"
#include "job/job.h"
#include "mpi/stop.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Rank 0 reads and checks the job file; the others get its text from there, or rank 0's status. */
static cnn_status read_job_together(const cnn_command_line *line, int rank, cnn_job **job)
{
    cnn_status st = CNN_OK;
    char *copy = NULL;
    int header[2] = {CNN_OK, 0};
    if (rank == 0) {
        header[0] = (int)cnn_job_read(line->file, line->overrides, job);
        header[1] = header[0] == CNN_OK ? (int)strlen((*job)->text) : 0;
    }
    CNN_CHECK(MPI_Bcast(header, 2, MPI_INT, 0, MPI_COMM_WORLD) == MPI_SUCCESS, CNN_EMPI,
              "broadcast of the job file failed");
    CNN_TRY((cnn_status)header[0]); /* rank 0 has the message, and only rank 0 prints */
    if (rank != 0)
        CNN_CHECK((copy = calloc((size_t)header[1] + 1, 1)) != NULL, CNN_ENOMEM,
                  "job file of %d bytes", header[1]);
    CNN_CHECK(MPI_Bcast(rank == 0 ? (*job)->text : copy, header[1], MPI_CHAR, 0, MPI_COMM_WORLD) ==
                  MPI_SUCCESS,
              CNN_EMPI, "broadcast of the job file failed");
    if (rank != 0)
        CNN_TRY(cnn_job_parse(line->file, copy, line->overrides, job));
done:
    free(copy);
    return st;
}

/** Runs the job on all ranks; *exit_status is the program's. */
static cnn_status run_job(const cnn_command_line *line, const char *argv0, int rank,
                          int *exit_status)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_run_outcome outcome = {0};
    cnn_run_options options = {
        .resume = line->resume, .force = line->force, .progress = line->progress, .argv0 = argv0};
    CNN_TRY(read_job_together(line, rank, &job));
    CNN_TRY(cnn_job_runner_run(MPI_COMM_WORLD, job, &options, &outcome));
    if (rank == 0 && !line->quiet)
        CNN_TRY(cnn_command_report_print(job->output));
    *exit_status = outcome.signal        ? 128 + outcome.signal
                   : outcome.missing > 0 ? CNN_EXIT_UNFINISHED
                   : outcome.failed > 0  ? CNN_EXIT_SOME_FAILED
                                         : EXIT_SUCCESS;
done:
    cnn_job_destroy(&job);
    return st;
}

int cnn_command_run(int argc, char **argv, const cnn_command_line *line)
{
    int rank = 0, exit_status = EXIT_SUCCESS;
    cnn_stop_watch_late();
    cnn_writer_prepare();
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
        fprintf(stderr, "cnnmpi: error: MPI_Init failed\n");
        return CNN_EXIT_ENVIRONMENT;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    cnn_status st = run_job(line, argv[0], rank, &exit_status);
    if (st != CNN_OK) {
        exit_status = cnn_exit_status(st);
        if (rank == 0 || st == CNN_EMPI)
            cnn_print_error();
    }
    fflush(stdout);
    if (st == CNN_EMPI) /* the others may not know, and would wait for ever */
        MPI_Abort(MPI_COMM_WORLD, exit_status);
    MPI_Finalize();
    return exit_status;
}
