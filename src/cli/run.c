/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run.h"

#include "base/text.h"
#include "cli/job_together.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "hdf5io/writer.h"
#include "job/job.h"
#include "mpi/exit_file.h"
#include "mpi/heartbeat/heartbeat.h"
#include "mpi/launch.h"
#include "mpi/stop.h"
#include "ranks/collectives.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** One start of `run` on one rank. */
typedef struct {
    int rank, exit_status;
    int lost;        /* ranks that have died */
    char *exit_file; /* to say how it has ended; NULL: none */
    cnn_heartbeat *heartbeat;
} invocation;

/** What is left of a job that has not ended, and how to go on: the last line. */
static void print_left(const cnn_run_outcome *o, FILE *out)
{
    fprintf(out, "%s%s: %d of %d runs are left; to continue, repeat the command with --resume\n",
            o->signal ? "stopped by " : "unfinished", o->signal ? cnn_stop_cause(o->signal) : "",
            o->missing, o->planned);
}

/** Leases as long as the job says, and where rank 0 says how it has ended: beside the results, where
 *  the launcher may hide it. */
static cnn_status set_up_heartbeat(invocation *i, const cnn_job *job)
{
    cnn_status st = CNN_OK;
    if (!i->exit_file && cnn_heartbeat_survives_deaths() && i->rank == 0) {
        i->exit_file = cnn_exit_file_beside(job->output);
        if (!i->exit_file)
            st = cnn_error_set(CNN_ENOMEM, "name of a file");
    }
    if (st == CNN_OK && i->exit_file && i->rank == 0)
        st = cnn_heartbeat_set_exit_file(i->heartbeat, i->exit_file);
    CNN_TRY(cnn_collective_agree(MPI_COMM_WORLD, st));
    cnn_heartbeat_set_lease(i->heartbeat, job->limits.rank_seconds);
done:
    return st;
}

/** Runs the job on all ranks. */
static cnn_status run_job(const cnn_command_line *line, const char *argv0, invocation *i)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_run_outcome outcome = {0};
    const int rank = i->rank;
    cnn_run_options options = {.resume = line->resume,
                               .force = line->force,
                               .progress = line->progress,
                               .argv0 = argv0,
                               .heartbeat = i->heartbeat};
    CNN_TRY(cnn_heartbeat_join(i->heartbeat, MPI_COMM_WORLD));
    CNN_TRY(cnn_read_job_together(line, rank, &job));
    CNN_TRY(set_up_heartbeat(i, job));
    CNN_TRY(cnn_job_runner_run(MPI_COMM_WORLD, job, &options, &outcome));
    if (outcome.lost && rank != 0)
        goto done;
    /* out of time, a job goes on by itself in most cases: the report comes when it is whole */
    if (rank == 0 && !line->quiet && (outcome.signal || outcome.missing == 0))
        CNN_TRY(cnn_command_report_print(job->output));
    if (rank == 0 && outcome.missing > 0)
        print_left(&outcome, line->quiet ? stderr : stdout);
    i->exit_status = outcome.signal        ? 128 + outcome.signal
                     : outcome.missing > 0 ? CNN_EXIT_UNFINISHED
                     : outcome.failed > 0  ? CNN_EXIT_SOME_FAILED
                                           : EXIT_SUCCESS;
done:
    i->lost = outcome.lost;
    cnn_job_destroy(&job);
    return st;
}

/** Rank 0 writes how the job has ended where that is wanted. */
static void write_exit_file(const invocation *i, cnn_status st)
{
    char lost[64] = "";
    if (i->rank != 0 || !i->exit_file)
        return;
    if (i->lost)
        snprintf(lost, sizeof lost, "%d rank%s died; ", i->lost, i->lost == 1 ? "" : "s");
    char *reason =
        cnn_asprintf("%s%s", lost, st == CNN_OK ? "the job has ended" : cnn_error_message());
    cnn_exit_file_write(i->exit_file, i->exit_status, reason ? reason : "out of memory");
    free(reason);
}

/** Ends MPI, unless some of its ranks are dead or cannot know that this one has failed. Returns the
 *  exit status. */
static int leave(invocation *i, cnn_status st)
{
    const int exit_status = i->exit_status;
    fflush(stdout);
    write_exit_file(i, st);
    if (i->lost)
        _exit(exit_status);
    if (st == CNN_EMPI) /* the others may not know, and would wait for ever */
        MPI_Abort(MPI_COMM_WORLD, exit_status);
    cnn_heartbeat_leave(i->heartbeat, exit_status);
    cnn_collective_barrier(MPI_COMM_WORLD); /* MPI_Finalize need not wait: no rank may end before */
    MPI_Finalize();
    cnn_heartbeat_destroy(&i->heartbeat);
    free(i->exit_file);
    return exit_status;
}

int cnn_command_run(int argc, char **argv, const cnn_command_line *line)
{
    const bool is_first = cnn_is_first_process(); /* MPI_Init may add a launcher's variables */
    invocation i = {.exit_status = EXIT_SUCCESS};
    cnn_stop_watch_late();
    signal(SIGPIPE, SIG_IGN); /* runs go on when whoever reads the log has gone */
    cnn_writer_prepare();
    if (cnn_heartbeat_create(CNN_EXIT_ENVIRONMENT, &i.heartbeat) != CNN_OK) {
        cnn_print_error();
        return CNN_EXIT_ENVIRONMENT;
    }
    if (getenv("CNNMPI_EXIT_FILE"))
        i.exit_file = cnn_strdup(getenv("CNNMPI_EXIT_FILE"));
    if (i.exit_file && is_first)
        cnn_heartbeat_set_exit_file(i.heartbeat, i.exit_file);
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
        fprintf(stderr, "cnnmpi: error: MPI_Init failed\n");
        return CNN_EXIT_ENVIRONMENT;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &i.rank);
    cnn_status st = run_job(line, argv[0], &i);
    if (st != CNN_OK) {
        i.exit_status = cnn_exit_status(st);
        if ((i.rank == 0 && cnn_launch_is_first() && is_first) || st == CNN_EMPI || i.lost)
            cnn_print_error();
    }
    return leave(&i, st);
}
