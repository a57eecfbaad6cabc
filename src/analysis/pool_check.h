/* SPDX-License-Identifier: Apache-2.0 */
/** Whether results files may be pooled. */
#ifndef CNN_ANALYSIS_POOL_CHECK_H
#define CNN_ANALYSIS_POOL_CHECK_H

#include "base/status.h"
#include "results/results.h"

#include <stdbool.h>

/** CNN_EUSAGE with the first difference that matters between two files' jobs. *other_split: the
 * data sets are divided into training and test images by another seed. *named: how
 * many files both jobs name as a pool (analysis: {pool}), these two among them; 0: they name none,
 * or not the same. */
cnn_status cnn_pool_check_jobs(const cnn_results *a, const char *path_a, const cnn_results *b,
                               const char *path_b, bool *other_split, int *named);

/** CNN_EUSAGE if a run is in two of the files [n]: started at the same time on the same device. */
cnn_status cnn_pool_check_runs(const cnn_results *const *files, const char *const *paths, int n);

#endif
