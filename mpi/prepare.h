/* SPDX-License-Identifier: Apache-2.0 */
/** Before the first run, on rank 0: checks, the plan, the results file made or found. */
#ifndef CNN_MPI_PREPARE_H
#define CNN_MPI_PREPARE_H

#include "base/status.h"
#include "design/design.h"
#include "hdf5io/lock.h"
#include "mpi/dispatch/consistency.h"
#include "mpi/job_runner.h"
#include "mpi/placement/devices.h"
#include "results/results.h"

#include <stdbool.h>
#include <stdint.h>

/** What rank 0 has found out; the head is broadcast as bytes, then the arrays. */
typedef struct {
    struct {
        int device_count; /* that the plan is for */
        int session;      /* number of this invocation */
        int run_count, epoch_count;
        int resumed;  /* 1: the file was there and is continued */
        int complete; /* 1: there is nothing to do */
        int tuning_places;
    } head;
    int8_t *status;          /* [run_count] cnn_run_status */
    int32_t *attempts;       /* [run_count] made so far */
    double *known_durations; /* [cell_count] longest duration of a finished run, seconds; 0: none */
    cnn_consistency *consistency; /* with what earlier sessions' trainers reported; rank 0 */
    cnn_tuning *tunings; /* [tuning_places] algorithms as the file has them; cell -1: free */
    int *home;           /* [block_count] see cnn_rank_context; NULL: no block is half done */
    cnn_lock *lock;      /* of the results file; NULL: none */
    char *plan; /* text of the plan, for a file that is still to be made; NULL: it is there */
} cnn_prepared;

/** Locks the output, takes up the file that is there if `resume` asks for it, and checks what can
 * be checked: a file that must be made is made by cnn_prepared_make_file, when all ranks are
 * content. devices: what the runs will compute on. CNN_EUSAGE: the file exists and neither resume
 * nor force was asked for, or it is another job's (with both, it is replaced then). CNN_EDATA: data
 * sets are missing. Free with cnn_prepared_free, also after a failure. Not collective. */
cnn_status cnn_prepare(const cnn_job *job, const cnn_run_options *options, const cnn_place *places,
                       int ranks, const cnn_devices *devices, cnn_prepared *out);

/** Makes the results file, unless it is there. Not collective. */
cnn_status cnn_prepared_make_file(cnn_prepared *prepared, const cnn_job *job,
                                  const cnn_design *design, const cnn_devices *devices);

/** Gives the lock back and frees. */
void cnn_prepared_free(cnn_prepared *prepared);

#endif
