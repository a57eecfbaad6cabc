/* SPDX-License-Identifier: Apache-2.0 */
/** Error and loss are functions of the seed: runs that share one are copies of a result, not
 *  independent ones. Their unit of analysis is the seed. */
#ifndef CNN_ANALYSIS_SEED_MEANS_H
#define CNN_ANALYSIS_SEED_MEANS_H

#include "analysis/groups.h"

typedef struct {
    int64_t seed;
    const char *checksum; /* of the final weights; "": unknown, unlike any other. Borrowed */
    double value;
    int run;
} cnn_seed_value;

/** A run's value of a measure. */
cnn_seed_value cnn_seed_value_of(const cnn_groups *g, int run, cnn_measure measure);

/** Sorts values [n] by seed and leaves one a seed in front: the mean over its different weights,
 *  bit-identical ones counted once. Its run is the first of them, its checksum "" where there are
 *  several. Returns the number of seeds. */
int cnn_seed_means(cnn_seed_value *values, int n);

#endif
