/* SPDX-License-Identifier: Apache-2.0 */
/** Before the first run: checks, the plan, the results file made or found. Rank 0 only; not
 *  collective; each call blocks for as long as its files take. */
#ifndef CNN_MPI_PREPARE_H
#define CNN_MPI_PREPARE_H

#include "base/status.h"
#include "design/design.h"
#include "hdf5io/lock.h"
#include "mpi/file_state.h"
#include "mpi/job_runner.h"
#include "mpi/placement/devices.h"
#include "results/results.h"

#include <stdbool.h>

/** State of the results file and the plan. The head is broadcast as bytes, then the arrays. */
typedef struct {
    struct {
        int device_count; /* of the plan */
        int session;      /* number of this invocation */
        int run_count, epoch_count;
        int resumed;  /* 1: an existing file is continued */
        int complete; /* 1: there is nothing to do */
        int tuning_places;
    } head;
    cnn_file_state state; /* rank 0 */
    cnn_tuning *tunings;  /* [tuning_places] algorithms as the file has them; cell -1: free */
    cnn_stored_environment *environments; /* [CNN_ENVIRONMENT_PLACES] as the file has them */
    cnn_lock *lock;                       /* of the results file; NULL: none */
    char *plan; /* text of the plan for a new file; NULL: the file exists */
} cnn_prepared;

/** Locks the output, reads an existing file if `resume` is set, and checks the job's data. A new
 *  file is made later, by cnn_prepared_make_file, once all ranks agree. devices: those of the
 *  runs. CNN_EUSAGE: the file exists and neither resume nor force is set, or it belongs to
 *  another job (resume and force together replace it). CNN_EDATA: data sets are missing. Free
 *  with cnn_prepared_free, also after a failure. */
cnn_status cnn_prepare(const cnn_job *job, const cnn_run_options *options, const cnn_place *places,
                       int ranks, const cnn_devices *devices, cnn_prepared *out);

/** Makes the results file unless it exists. CNN_EIO: it cannot be written. */
cnn_status cnn_prepared_make_file(cnn_prepared *prepared, const cnn_job *job,
                                  const cnn_design *design, const cnn_devices *devices);

/** Releases the lock and frees. */
void cnn_prepared_free(cnn_prepared *prepared);

#endif
