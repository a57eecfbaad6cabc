/* SPDX-License-Identifier: Apache-2.0 */
/** The place of one run: its rank's, as far as the run's cell does not change it. Any rank; not
 *  collective. */
#ifndef CNN_MPI_WORKER_RUN_PLACE_H
#define CNN_MPI_WORKER_RUN_PLACE_H

#include "job/job.h"
#include "mpi/placement/placement.h"

/** The stated place of a simulated run (mpi/worker/simulated.h); with the factor `threads` as many
 *  cores as it says, the device staying that of all the rank's cores. Pure. */
cnn_place cnn_run_place(const cnn_treatment *treatment, const cnn_place *real);

/** Leaves a place its first `cores` cores, where it has more. CNN_EINVAL: its CPUs are no list. Reads
 *  /sys. */
cnn_status cnn_run_place_confine(cnn_place *place);

/** CNN_EUSAGE: a level of the factor `threads` is more than a rank has cores. Jobs that only simulate
 *  need none. Pure. */
cnn_status cnn_run_place_check(const cnn_job *job, const cnn_place *places, int count);

#endif
