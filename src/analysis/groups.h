/* SPDX-License-Identifier: Apache-2.0 */
/** The runs of an experiment in the orders that the analysis goes through them: by cell, by block,
 *  with numbers for nodes and devices. */
#ifndef CNN_ANALYSIS_GROUPS_H
#define CNN_ANALYSIS_GROUPS_H

#include "analysis/figures.h"
#include "base/status.h"
#include "results/results.h"

/** A measured block, planned; what became of its runs is elsewhere. */
typedef struct {
    int combination, repeat, block;
} cnn_block_key;

typedef struct {
    const cnn_results *results; /* borrowed */
    int blocks_used;            /* repeats below it count */
    int measure_count;
    cnn_measure_info measures[CNN_MEASURES_MAX]; /* [measure_count] */
    double *values; /* [run_count, measure_count] finite, or NaN: no value, or a warm-up run */
    int *node;      /* [run_count] 0..node_count-1; -1 of a warm-up run and one that is not done */
    int *device;    /* [run_count] the same; equal if both host and device are */
    int *warm_epochs; /* [combination_count] left out of steady_seconds */
    int node_count, device_count;
    int *cell_start; /* [cell_count + 1] into cell_runs */
    int *cell_runs;  /* done runs, warm-up runs left out, by cell, then run */
    int block_count;
    cnn_block_key *blocks;  /* [block_count] by combination, repeat, block */
    int *combination_start; /* [combination_count + 1] into blocks */
    int *block_runs;        /* [block_count, level_count] the run; -1: the block has none */
} cnn_groups;

/** blocks: of each combination that count, those with a repeat below it; others are left out like
 *  warm-up runs. results must have passed cnn_analysis_check. CNN_EDATA: a block of two combinations, or with two
 *  runs of one level. End with cnn_groups_free, also after a failure. */
cnn_status cnn_groups_create(const cnn_results *results, int blocks, cnn_groups *out);
void cnn_groups_free(cnn_groups *groups);

static inline double cnn_groups_value(const cnn_groups *g, int run, cnn_measure measure)
{
    return g->values[run * g->measure_count + (int)measure];
}

#endif
