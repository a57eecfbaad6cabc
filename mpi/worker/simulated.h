/* SPDX-License-Identifier: Apache-2.0 */
/** The place of a simulated run: a device of its stated nodes. Any rank; pure. */
#ifndef CNN_MPI_WORKER_SIMULATED_H
#define CNN_MPI_WORKER_SIMULATED_H

#include "job/job.h"
#include "mpi/placement/placement.h"

/** The place of a run of `framework` on a rank whose place is `real`. Of a simulated framework the
 *  device's model is "simulated", whatever it runs on; with devices_per_node: N, rank r stands for
 *  device r % N of node r / N, which it shares with nobody. */
cnn_place cnn_simulated_place(const cnn_framework *framework, const cnn_place *real);

#endif
