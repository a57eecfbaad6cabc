/* SPDX-License-Identifier: Apache-2.0 */
/** The position of a run within its block has an effect of its own on times: the first run finds a
 *  cold device, for example. Comparisons are free of it where the plan tells the two apart. */
#ifndef CNN_ANALYSIS_POSITION_H
#define CNN_ANALYSIS_POSITION_H

#include "analysis/groups.h"

#include <stdbool.h>

/** Whether the plan asks for the adjustment, whatever has finished: at least
 *  CNN_CROSSOVER_LEAST_BLOCKS blocks of the combination count, and each level stands at each position
 *  in at least CNN_CROSSOVER_LEAST_TIMES of them. CNN_ENOMEM. */
cnn_status cnn_position_is_planned(const cnn_groups *g, int combination, bool *out);

#endif
