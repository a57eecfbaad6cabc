/* SPDX-License-Identifier: Apache-2.0 */
/** First epochs are often slower than the rest: caches, kernels and clocks settle. The measure
 *  steady_seconds leaves them out. */
#ifndef CNN_ANALYSIS_STEADY_H
#define CNN_ANALYSIS_STEADY_H

#include "base/status.h"
#include "results/results.h"

#include <stdbool.h>

/** Fewer epochs than that are no mean of steady ones. */
#define CNN_STEADY_LEAST 3

/** Leading epochs of each combination that are left out, alike for all its levels.
 *
 *  The profile of a cell: the median over its runs that count, of each epoch's time
 *  over the run's median epoch. A level's leading epochs are those slower than every epoch of the
 *  last half; w is the largest number of any level, at most a quarter of the epochs. Epochs: the
 *  least that such a run of the combination has completed.
 *  counted [run_count]; warm [combination_count]. CNN_ENOMEM. O(runs x epochs x log). */
cnn_status cnn_steady_find(const cnn_results *results, const bool *counted, int *warm);

/** Mean seconds per epoch after the first `warm`; NaN where fewer than CNN_STEADY_LEAST remain or
 *  the seconds of one are unknown. */
double cnn_steady_seconds(const cnn_results *results, int run, int warm);

#endif
