/* SPDX-License-Identifier: Apache-2.0 */
/** Running a job: dispatcher on rank 0, a worker on every rank, one event loop in each. */
#ifndef CNN_MPI_JOB_RUNNER_H
#define CNN_MPI_JOB_RUNNER_H

#include "base/status.h"
#include "job/job.h"

#include <mpi.h>
#include <stdbool.h>

typedef enum {
    CNN_PROGRESS_AUTO,
    CNN_PROGRESS_LIVE,
    CNN_PROGRESS_PLAIN,
    CNN_PROGRESS_QUIET
} cnn_progress_mode;

typedef struct {
    bool resume, force;
    cnn_progress_mode progress;
    const char *argv0; /* to find trainers beside the program */
} cnn_run_options;

typedef struct {
    int planned, done, failed, diverged, missing; /* runs, warm-ups not counted */
    int signal;                                   /* that stopped the job, or 0 */
} cnn_run_outcome;

/** Trains every run of the job that is not yet finished, writes the results file with its analysis
 *  (left out when runs stay undone: a signal, or the end of the time that Slurm gives), and on rank
 * 0 prints progress. Every rank passes the same job. Collective over comm, without spinning; all
 * ranks return the same status, message and outcome.
 *
 *  Runs that fail are no failure of the job, and neither is a signal: see the outcome. CNN_EUSAGE:
 * the output exists and neither resume nor force is set, or it is another job's (with resume and
 * force, it is replaced then). CNN_EDATA: data sets are missing. CNN_EENV: programs are missing, or
 * cores. CNN_EBUSY: another process has the output. CNN_EIO: it cannot be written.
 * CNN_EMPI, perhaps on one rank alone: ranks cannot reach each other, and only MPI_Abort is left.
 * Until all checks on all ranks have passed nothing is written but the output's folders and its
 * lock. */
cnn_status cnn_job_runner_run(MPI_Comm comm, const cnn_job *job, const cnn_run_options *options,
                              cnn_run_outcome *out);

#endif
