/* SPDX-License-Identifier: Apache-2.0 */
/** Dividing the cores of one host among its ranks: pure arithmetic on tables. */
#ifndef CNN_MPI_PLACEMENT_DIVIDE_H
#define CNN_MPI_PLACEMENT_DIVIDE_H

#include "base/status.h"

#include <stdbool.h>

/** Ranks whose cores overlap, directly or through others, form a group; within a group every rank
 *  gets the same number of whole cores, as many as possible, so that devices are alike (cores may
 * be left over). Where the group's ranks all have the same ones, neighbouring cores stay together,
 * and cores near a rank's GPU go to it first: ranks that are near the same ones share those
 * equally, and what a rank then lacks comes from those that are left.
 *
 *  may   [ranks, cores] true: the launcher lets the rank use (part of) the core
 *  near  [ranks, cores] true: the core is near the rank's GPU; none of a rank's: it does not
 * matter. NULL: it matters to nobody gets  [ranks, cores] out: the rank's cores lacks [ranks] out:
 * true for all ranks of a group with too few cores; each of them then has one core, the least used
 * of its own, which it may share. */
cnn_status cnn_divide_cores(int ranks, int cores, const bool *may, const bool *near, bool *gets,
                            bool *lacks);

#endif
