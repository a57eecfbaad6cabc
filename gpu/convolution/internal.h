/* SPDX-License-Identifier: Apache-2.0 */
/** A convolution's plan, for plan.c and choose.c. */
#ifndef CNN_GPU_CONVOLUTION_INTERNAL_H
#define CNN_GPU_CONVOLUTION_INTERNAL_H

#include "gpu/convolution/candidate.h"
#include "gpu/convolution/plan.h"
#include "gpu/device/internal.h"

struct cnn_conv_plan {
    cnn_ops *ops; /* borrowed */
    cnn_conv_problem problem;
    bool native;             /* own kernels are candidates */
    cnn_algorithm algorithm; /* problem: NULL */
    cnn_cudnn_graph *graph;  /* of the whole problem; NULL: it has a pool */
    cnn_cudnn_graph *plain;  /* forward with bias: of the convolution alone; else NULL */
    cnn_cudnn_plan *plan;    /* of the graph that the algorithm names; NULL: own kernels */
};

/* choose.c */
/** Chooses the plan's algorithm: the fastest candidate or, without autotune, cuDNN's first
 *  proposal. */
cnn_status cnn_conv_choose(cnn_conv_plan *plan);

#endif
