/* SPDX-License-Identifier: Apache-2.0 */
/** A convolution of one direction and batch size with its algorithm chosen: frozen, timed on the
 *  device, or cuDNN's first proposal. */
#ifndef CNN_GPU_CONVOLUTION_PLAN_H
#define CNN_GPU_CONVOLUTION_PLAN_H

#include "gpu/convolution/problem.h"
#include "nn/ops.h"

typedef struct cnn_conv_plan cnn_conv_plan;

/** Takes the algorithm from ops's table or, where the table is open, chooses and adds it: with
 *  autotune the fastest candidate on this device whose result agrees with our direct kernels. Grows
 *  ops's workspace. CNN_EBACKEND: the frozen algorithm is not available here.
 *  native  runs from a graph, and is timed so; own kernels compete. Otherwise they only stand in
 *          where cuDNN has no engine */
cnn_status cnn_conv_plan_create(cnn_ops *ops, const cnn_conv_problem *problem, bool native,
                                cnn_conv_plan **out);
void cnn_conv_plan_destroy(cnn_conv_plan **plan);

/** Largest distance of a result from the direct kernels', relative to the largest value. */
double cnn_conv_tolerance(const cnn_ops *ops, const cnn_conv_problem *problem);

/** Queues it. */
cnn_status cnn_conv_plan_run(cnn_conv_plan *plan, cnn_conv_operands operands);

/** "e67,2:5" or "direct". */
void cnn_conv_plan_describe(const cnn_conv_plan *plan, cnn_text *out);

#endif
