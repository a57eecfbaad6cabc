/* SPDX-License-Identifier: Apache-2.0 */
/** A convolution's plan, for plan.c and candidates.c. */
#ifndef CNN_GPU_CONVOLUTION_INTERNAL_H
#define CNN_GPU_CONVOLUTION_INTERNAL_H

#include "gpu/convolution/plan.h"
#include "gpu/device/internal.h"

struct cnn_conv_plan {
    cnn_ops *ops; /* borrowed */
    cnn_conv_problem problem;
    bool native;            /* own kernels compete */
    cnn_choice choice;      /* problem: NULL */
    cnn_cudnn_graph *graph; /* of the whole problem; NULL: it has a pool */
    cnn_cudnn_graph *plain; /* forward with bias: of the convolution alone; else NULL */
    cnn_cudnn_plan *plan;   /* of the graph that the choice names; NULL: own kernels */
};

/** One way to run a problem. */
typedef struct {
    cnn_choice_kind kind;
    const cnn_own_convolution *own; /* of CNN_CHOICE_OWN */
    cnn_cudnn_plan *plan;           /* of the others */
} cnn_conv_way;

/* plan.c */
/** What own kernels do of a problem: all of it, or the convolution before a pool. */
cnn_conv_problem cnn_conv_own_part(const cnn_conv_problem *problem, const cnn_own_convolution *own);
cnn_status cnn_conv_run_way(cnn_ops *ops, const cnn_conv_problem *problem, cnn_conv_way way,
                            cnn_conv_operands operands);
/** Bytes. */
size_t cnn_conv_way_workspace(const cnn_conv_problem *problem, cnn_conv_way way);

/* candidates.c */
/** Makes the plan's choice: the fastest candidate or, without autotune, cuDNN's first proposal. */
cnn_status cnn_conv_choose(cnn_conv_plan *plan);

#endif
