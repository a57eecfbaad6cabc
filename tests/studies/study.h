/* SPDX-License-Identifier: Apache-2.0 */
/** Whole studies in memory: a job of simulated frameworks as if it had been run, without processes
 *  and without waiting. Thousands of studies a minute; the runs are those that cnnmpi would get
 * from cnntrain-simulate on the same devices. */
#ifndef CNN_TESTS_STUDIES_STUDY_H
#define CNN_TESTS_STUDIES_STUDY_H

#include "design/design.h"
#include "results/results.h"

/** The results of a job of which no run has been done. *out is owned by the caller. */
cnn_status cnn_study_plan(const cnn_job *job, const cnn_design *design, cnn_results **out);

typedef enum {
    /* As cnnmpi does it: every device works through its queue of blocks. */
    CNN_STUDY_BLOCKS,
    /* As the first study did it: cell after cell, all runs of a cell on the one device that happens
     * to be lent (drawn for every cell), so that framework, device and time of day are confounded.
     */
    CNN_STUDY_CELL_AFTER_CELL,
} cnn_study_order;

/** Runs the job on the design's devices; devices_per_node comes from the first framework (0: one
 *  node). Start times are those of a cluster on which runs follow each other without a pause. Every
 *  framework must be simulated. *out is owned by the caller: cnn_results_free. */
cnn_status cnn_study_run(const cnn_job *job, const cnn_design *design, cnn_study_order order,
                         cnn_results **out);

#endif
