/* SPDX-License-Identifier: Apache-2.0 */
/** Running a job: dispatcher on rank 0, a worker on every rank, one event loop in each. */
#ifndef CNN_MPI_JOB_RUNNER_H
#define CNN_MPI_JOB_RUNNER_H

#include "base/status.h"
#include "job/job.h"
#include "mpi/heartbeat/heartbeat.h"

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
    const char *argv0;        /* to find trainers beside the program */
    cnn_heartbeat *heartbeat; /* NULL: none; borrowed */
} cnn_run_options;

typedef struct {
    int planned, done, failed, diverged, missing; /* runs, warm-ups not counted */
    int signal;                                   /* that stopped the job, or 0 */
    int lost; /* ranks that have died: not 0, MPI_Finalize would wait for them for ever */
} cnn_run_outcome;

/** Trains every run of the job that is not finished and writes the results file with its
 *  analysis, which is left out while runs are missing (after a signal, or at the end of the
 *  Slurm allocation). Rank 0 prints progress.
 *
 *  Called by all ranks of comm with the same job, from the thread that called MPI_Init;
 *  collective; blocks, asleep, until the job ends. All ranks return the same status, message and
 *  outcome, unless some have died (outcome->lost): then each returns its own status, and only rank
 *  0 the outcome, of the job that went on without them.
 *
 *  Failed runs and signals are outcomes, not errors. CNN_EUSAGE: the output exists and neither
 *  resume nor force is set, or it belongs to another job (resume and force together replace it).
 *  CNN_EDATA: data sets are missing. CNN_EENV: programs or cores are missing. CNN_EBUSY: another
 *  process uses the output. CNN_EIO: it cannot be written, or was taken away. CNN_EMPI, possibly
 *  on one rank alone: ranks cannot reach each other; only MPI_Abort is left. Until all checks on
 *  all ranks have passed, only the output's folders and its lock are written. */
cnn_status cnn_job_runner_run(MPI_Comm comm, const cnn_job *job, const cnn_run_options *options,
                              cnn_run_outcome *out);

#endif
