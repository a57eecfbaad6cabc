/* SPDX-License-Identifier: Apache-2.0 */
/** The experiment: factors -> cells -> blocks -> runs, and which device does what in which order.
 *
 *  A cell is a combination of levels of all factors. A combination is one of all factors but the
 *  contrast. A block is one repeat of one combination: a run for every level of the contrast, back
 *  to back on one device, sharing a seed. */
#ifndef CNN_DESIGN_DESIGN_H
#define CNN_DESIGN_DESIGN_H

#include "base/text.h"
#include "job/job.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int *levels;     /* [factor_count] level of each factor */
    int combination; /* index */
    int level;       /* of the contrast */
    char *label;     /* "native / arch1 / mnist" */
} cnn_cell;

typedef struct {
    int *levels; /* [factor_count]; the contrast's entry is -1 */
    char *label; /* "arch1 / mnist" */
} cnn_combination;

typedef struct {
    int combination;
    int repeat;         /* 0, 1, ...; -1 for a warm-up block */
    bool warmup;        /* discarded: it warms the device up */
    uint32_t seed;      /* of all its runs, < 2^31 */
    int device;         /* planned; -1 with assign: dynamic */
    int queue_position; /* place in its device's queue, warm-up blocks counted (dynamic: in the common
                      queue, where the warm-up blocks of all devices come first) */
    int order;          /* cyclic order: run k of the block has contrast level (k + order) % L */
    int first_run;      /* its runs are first_run .. first_run + L - 1, ordered by contrast level */
} cnn_block;

/** A row of the results file. */
typedef struct {
    int cell, block;
    int level;    /* of the contrast */
    int position; /* 0-based place within its block */
} cnn_run;

typedef struct {
    int factor_count, contrast, level_count /* of the contrast */;
    int device_count;
    int cell_count, combination_count, block_count, run_count;
    cnn_cell *cells;
    cnn_combination *combinations;
    cnn_block *blocks; /* warm-up blocks first (device by device), then by combination and repeat */
    cnn_run *runs;     /* by block, then level */
    int *queue;        /* [block_count] the queues one after the other: a block of device d is
                          queue[queue_start[d] + queue_position]; dynamic: any block is queue[queue_position] */
    int *queue_start;  /* [device_count + 1] into queue; dynamic: [0] = 0, [1..] = block_count */
} cnn_design;

/** Lays the experiment out for a number of devices; a pure function of the job and that number.
 *
 *  Balanced: blocks are dealt to devices cyclically, continuing across combinations, so that the
 *  devices' counts differ by at most 1 per combination and in total. The counts of the orders
 *  differ by at most 1 per combination, per device, per combination on a device, and in total.
 *  Within a device the order of blocks is random by the job's seed, warm-up blocks first: each
 *  repeats the first measured block of its device's queue, with a seed of its own. Devices that get
 *  no measured block get no warm-up block. Dynamic: one common queue, orders balanced likewise;
 *  warm-up blocks belong to devices all the same.
 *
 *  A block's seed comes from the job's seed, the names of its combination's factors and levels and
 *  its repeat (design/seeds.h). seeds: crossed gives every combination K seeds, each on every
 *  device: repeat = seed's index * device_count + device, K * device_count repeats.
 *
 *  CNN_EUSAGE: too many runs, or crossed with assign: dynamic. *out is owned by the caller. */
cnn_status cnn_design_create(const cnn_job *job, int device_count, cnn_design **out);
void cnn_design_destroy(cnn_design **design);

/** The run of a block with contrast level `level`; and the level that runs at a position. */
static inline int cnn_block_run(const cnn_block *block, int level)
{
    return block->first_run + level;
}
static inline int cnn_block_level(const cnn_design *design, const cnn_block *block, int position)
{
    return (position + block->order) % design->level_count;
}

/** What a run was planned as, as text for people: "native / arch1 / mnist, repeat 3". */
void cnn_design_label_run(const cnn_design *design, int run, cnn_text *out);

/** Measured blocks of each combination. */
int cnn_design_repeats(const cnn_design *design);

/** The plan for people: factors, cells with parameter counts and multiply-adds, blocks per device
 *  and combination, orders, first blocks of each queue. Parameter counts need the data sets'
 *  shapes: networks [cell_count], inferred, or NULL entries where a data set is missing
 *  ("unknown"). */
void cnn_design_describe(const cnn_design *design, const cnn_job *job,
                         const cnn_network *const *networks, cnn_text *out);
/** Appends which variance components the planned runs of the first combination can tell apart, and
 *  why not the others (stats/mixed/mixed.h); combinations are balanced alike. CNN_ENOMEM. */
cnn_status cnn_design_describe_components(const cnn_design *design, cnn_text *out);
/** What follows it where nothing has been measured: that time is unknown, and which difference
 *  could be found, in standard deviations. */
void cnn_design_describe_unmeasured(const cnn_design *design, const cnn_job *job, cnn_text *out);

/** The largest difference between counts of blocks that should be equal: of devices, of orders and
 *  of the orders on each device, within each combination and in total. Warm-up blocks do not count.
 *  0 or 1 for every design of cnn_design_create; -1: out of memory. */
int cnn_design_imbalance(const cnn_design *design);

#endif
