/* SPDX-License-Identifier: Apache-2.0 */
/** cnnmpi: the commands, and the only file that sees every folder. */
#include "base/clock.h"
#include "base/printable.h"
#include "base/text.h"
#include "cli/command_line.h"
#include "cli/plan.h"
#include "cli/report.h"
#include "data/report.h"
#include "hdf5io/lock.h"
#include "hdf5io/reader.h"
#include "hdf5io/writer.h"
#include "mpi/job_runner.h"
#include "mpi/stop.h"
#include "status/job_status.h"

#include <errno.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SOME_FAILED = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3, EXIT_UNFINISHED = 75 };

static int exit_status_of(cnn_status st)
{
    switch (st) {
    case CNN_OK:
        return EXIT_SUCCESS;
    case CNN_EUSAGE:
    case CNN_EINVAL:
        return EXIT_USAGE;
    case CNN_ESTOPPED:
        return EXIT_UNFINISHED;
    default:
        return EXIT_ENVIRONMENT;
    }
}

/** False for all but one process of a parallel start, before or without MPI_Init. */
static bool is_first_process(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *rank = getenv(names[i]);
        if (rank)
            return !strcmp(rank, "0");
    }
    return true;
}

static void print_error(void)
{
    /* The messages of a job file name the file themselves. */
    bool located = strstr(cnn_error_message(), ": error: ") != NULL;
    cnn_printf(stderr, "%s%s\n", located ? "" : "cnnmpi: error: ", cnn_error_message());
}

/** Prints a text on standard output, which may be a file on a full disk. */
static cnn_status print_text(const cnn_text *text)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_text_status(text));
    cnn_print(stdout, text->s ? text->s : "");
    CNN_CHECK(!ferror(stdout) && fflush(stdout) == 0, CNN_EIO,
              "cannot write to standard output: %s", strerror(errno));
done:
    return st;
}

/** How far a job is. */
static cnn_status command_status(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    cnn_job_status status = {0};
    cnn_text text = {0};
    char holder[256];
    cnn_lock_holder(line->file, holder, sizeof holder); /* first: it may end meanwhile */
    CNN_TRY(cnn_results_read(line->file, &results));
    CNN_TRY(cnn_job_status_create(results, *holder ? cnn_clock_wall() : NAN, &status));
    cnn_job_status_text(results, &status, holder, line->file, &text);
    CNN_TRY(print_text(&text));
done:
    cnn_text_free(&text);
    cnn_job_status_free(&status);
    cnn_results_free(&results);
    return st;
}

static cnn_status command_plan(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    CNN_TRY(cnn_command_plan(line, &text));
    CNN_TRY(print_text(&text));
done:
    cnn_text_free(&text);
    return st;
}

static cnn_status command_data(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_text text = {0};
    int missing = 0;
    CNN_TRY(cnn_job_read(line->file, line->overrides, &job));
    if (cnn_job_is_simulated(job))
        cnn_text_append(&text, "All frameworks of this job are simulated: no data set is read.\n");
    else
        CNN_TRY(cnn_data_report(job->datasets, job->dataset_count, &text, &missing));
    CNN_TRY(print_text(&text));
    CNN_CHECK(missing == 0, CNN_EDATA, "%d of %d data sets cannot be used", missing,
              job->dataset_count);
done:
    cnn_text_free(&text);
    cnn_job_destroy(&job);
    return st;
}

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

static cnn_progress_mode progress_of(const cnn_command_line *line)
{
    return line->quiet                        ? CNN_PROGRESS_QUIET
           : !strcmp(line->progress, "live")  ? CNN_PROGRESS_LIVE
           : !strcmp(line->progress, "plain") ? CNN_PROGRESS_PLAIN
                                              : CNN_PROGRESS_AUTO;
}

/** Runs the job on all ranks; *exit_status is the program's. */
static cnn_status command_run(const cnn_command_line *line, const char *argv0, int rank,
                              int *exit_status)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_run_outcome outcome = {0};
    cnn_run_options options = {.resume = line->resume,
                               .force = line->force,
                               .progress = progress_of(line),
                               .argv0 = argv0};
    CNN_TRY(read_job_together(line, rank, &job));
    CNN_TRY(cnn_job_runner_run(MPI_COMM_WORLD, job, &options, &outcome));
    if (rank == 0 && !line->quiet)
        CNN_TRY(cnn_command_report_print(job->output));
    *exit_status = outcome.signal        ? 128 + outcome.signal
                   : outcome.missing > 0 ? EXIT_UNFINISHED
                   : outcome.failed > 0  ? EXIT_SOME_FAILED
                                         : EXIT_SUCCESS;
done:
    cnn_job_destroy(&job);
    return st;
}

/** The rest of main when a job is to be run: between MPI_Init and MPI_Finalize. */
static int run_under_mpi(int argc, char **argv, const cnn_command_line *line)
{
    int rank = 0, exit_status = EXIT_SUCCESS;
    cnn_stop_watch_late();
    cnn_writer_prepare();
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
        fprintf(stderr, "cnnmpi: error: MPI_Init failed\n");
        return EXIT_ENVIRONMENT;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    cnn_status st = command_run(line, argv[0], rank, &exit_status);
    if (st != CNN_OK) {
        exit_status = exit_status_of(st);
        if (rank == 0 || st == CNN_EMPI)
            print_error();
    }
    fflush(stdout);
    if (st == CNN_EMPI) /* the others may not know, and would wait for ever */
        MPI_Abort(MPI_COMM_WORLD, exit_status);
    MPI_Finalize();
    return exit_status;
}

int main(int argc, char **argv)
{
    cnn_status st = CNN_OK;
    int exit_status = EXIT_SUCCESS;
    cnn_command_line line = {0};
    CNN_TRY(cnn_command_line_parse(argc, argv, &line));
    if (line.command != CNN_COMMAND_RUN && !is_first_process())
        goto done; /* one copy of a table is enough */
    switch (line.command) {
    case CNN_COMMAND_RUN:
        exit_status = run_under_mpi(argc, argv, &line);
        break;
    case CNN_COMMAND_PLAN:
        CNN_TRY(command_plan(&line));
        break;
    case CNN_COMMAND_DATA:
        CNN_TRY(command_data(&line));
        break;
    case CNN_COMMAND_REPORT:
        CNN_TRY(cnn_command_report(&line));
        break;
    case CNN_COMMAND_STATUS:
        CNN_TRY(command_status(&line));
        break;
    case CNN_COMMAND_HELP:
        fputs(cnn_command_line_help, stdout);
        break;
    case CNN_COMMAND_VERSION:
        printf("cnnmpi %s\n", CNN_VERSION);
        break;
    }
done:
    if (st != CNN_OK) {
        if (!line.report.status_only && is_first_process())
            print_error();
        exit_status = exit_status_of(st);
    }
    cnn_command_line_free(&line);
    return exit_status;
}
