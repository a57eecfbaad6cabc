/* SPDX-License-Identifier: Apache-2.0 */
/** Dividing the cores of one host among its ranks: a pure function on tables, for any rank. */
#ifndef CNN_MPI_PLACEMENT_DIVIDE_H
#define CNN_MPI_PLACEMENT_DIVIDE_H

#include "base/status.h"

#include <stdbool.h>

/** Ranks whose cores overlap, directly or through others, form a group. Within a group every rank
 *  gets the same number of whole cores, as many as possible, so that devices are alike; cores may
 *  be left over. Where all ranks of a group have the same cores, neighbouring cores stay together,
 *  and cores near a rank's GPU go to it first: ranks near the same cores share them equally, and
 *  the rest of a rank's share comes from the cores that are left.
 *
 *  may   [ranks, cores]  true: the launcher lets the rank use (part of) the core
 *  near  [ranks, cores]  true: the core is near the rank's GPU; a row of false: any core will do.
 *                        NULL: any core will do for all ranks
 *  gets  [ranks, cores]  out: the rank's cores
 *  lacks [ranks]         out: true for all ranks of a group with too few cores; each then has one
 *                        core, the least used of its own, which it may share */
cnn_status cnn_divide_cores(int ranks, int cores, const bool *may, const bool *near, bool *gets,
                            bool *lacks);

#endif
