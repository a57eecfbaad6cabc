/* SPDX-License-Identifier: Apache-2.0 */
/** Several results files of one plan as one experiment: more blocks, added later. */
#ifndef CNN_ANALYSIS_POOL_H
#define CNN_ANALYSIS_POOL_H

#include "base/status.h"
#include "results/results.h"

#include <stdbool.h>

/** A file of the pool. Texts are its own copies. */
typedef struct {
    char *path;
    char *created;       /* program version, date */
    double first_start;  /* start of its first run, seconds since 1970; NaN: none has started */
    int first_run, runs; /* its runs are first_run .. first_run + runs - 1 of the pool */
    int blocks;          /* measured blocks planned */
    int repeated_seeds;  /* of them with a seed that an earlier file has in that combination: their
                            errors and losses repeat earlier ones, only their times are new */
    bool other_split;    /* its data sets are divided into training and test images by another seed
                            than the first file's: its errors are of other test images */
} cnn_pool_source;

/** Files are ordered by the start of their first run: the first is the first look at the study,
 * each other one more look. */
typedef struct {
    cnn_results *results; /* all runs; numbers of blocks, repeats, sessions and environments go on,
                             algorithms are left out; job_text, plan and margins are those of the
                             first file */
    bool is_named;        /* every job named just these files beforehand: they are one look */
    int source_count;
    cnn_pool_source *sources; /* [source_count] */
} cnn_pool;

/** Pools files [n], which stay the caller's and are not changed; paths [n] name them. One file is also
 *  a pool. CNN_EUSAGE, naming the files and the difference: they differ in the contrast, factors,
 *  levels, what is trained (settings, data sets, architectures, frameworks, backend, run_environment),
 *  what `compare` allows, margins or alpha; or two of them hold the same runs. Free to differ: name, repeats, seed, schedule, limits,
 *  output. */
cnn_status cnn_pool_create(const cnn_results *const *files, const char *const *paths, int n,
                           cnn_pool **out);
void cnn_pool_destroy(cnn_pool **pool);

#endif
