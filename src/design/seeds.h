/* SPDX-License-Identifier: Apache-2.0 */
/** Seeds of blocks. */
#ifndef CNN_DESIGN_SEEDS_H
#define CNN_DESIGN_SEEDS_H

#include "job/job.h"

#include <stdbool.h>
#include <stdint.h>

/** The seed that all runs of a block share; a function of the job's seed, the names of the
 *  combination's factors and levels, and a number, and of nothing else: levels and factors may be
 *  reordered and levels added without changing the seeds of the combinations that stay. A free factor
 *  with one level does not count.
 *
 *  levels  [factor_count], one level of each factor; the contrast's entry is not looked at
 *  number  the repeat (seeds: crossed: the seed's index; warm-up: a count over all warm-up blocks)
 *
 *  Rule: each pair is hashed with FNV-1a over "factor\0level\0" and mixed with Philox; the sum of
 *  the pairs, mixed again, gives the first seed, and the others follow at an odd distance, modulo
 *  2^30: so the seeds of a combination are all different. Warm-up seeds have 2^30 added, so none
 *  is the seed of a measured block. Every seed is below 2^31. */
uint32_t cnn_design_seed(const cnn_job *job, const int *levels, bool warmup, uint32_t number);

#endif
