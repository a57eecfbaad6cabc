/* SPDX-License-Identifier: Apache-2.0 */
/** Which rank takes which of the GPUs that several ranks share: a pure function on tables, for any
 *  rank. */
#ifndef CNN_MPI_PLACEMENT_PAIRING_H
#define CNN_MPI_PLACEMENT_PAIRING_H

#include "base/status.h"

#include <stdbool.h>

/** Pairs ranks with GPUs of their host. As many ranks as possible get a GPU near their cores
 *  (launchers bind ranks to sockets in turn, while GPUs are numbered socket by socket); among equal
 *  GPUs a rank takes the one of its own number. Where there are more ranks than GPUs, rank r takes
 *  GPU r modulo their number.
 *
 *  near [ranks, gpus] true: the GPU is near the rank's cores; a row of false: any GPU will do
 *  gpu  [ranks]       out */
cnn_status cnn_pair_gpus(int ranks, int gpus, const bool *near, int *gpu);

#endif
