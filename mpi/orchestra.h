/** Running a job: dispatcher on rank 0, a worker on every rank, one event loop in each. */
#ifndef CNN_MPI_ORCHESTRA_H
#define CNN_MPI_ORCHESTRA_H

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

/** Trains every run of the job that is not yet finished, writes the results file, and on rank 0
 * prints progress. Collective over comm; all ranks return the same status and outcome. */
cnn_status cnn_orchestra_run(MPI_Comm comm, const cnn_job *job, const cnn_run_options *options,
                             cnn_run_outcome *out);

#endif
