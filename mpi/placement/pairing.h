/* SPDX-License-Identifier: Apache-2.0 */
/** Which rank takes which of the GPUs that several ranks were given: pure arithmetic on tables. */
#ifndef CNN_MPI_PLACEMENT_PAIRING_H
#define CNN_MPI_PLACEMENT_PAIRING_H

#include "base/status.h"

#include <stdbool.h>

/** Pairs ranks with GPUs of their host: as many as possible get one near their cores (launchers
 * bind ranks to sockets in turn, while GPUs are numbered socket by socket), and of equal ones a
 * rank takes the one of its own number. Where there are more ranks than GPUs, all take turns by
 * number.
 *
 *  near [ranks, gpus] true: the GPU is near the rank's cores; none of a rank's: it does not matter
 *  gpu  [ranks]       out */
cnn_status cnn_pair_gpus(int ranks, int gpus, const bool *near, int *gpu);

#endif
