/* SPDX-License-Identifier: Apache-2.0 */
/** A candidate for a convolution problem: one of cuDNN's engines or of our own kernels. Tuning and
 *  training run it in the same way. */
#ifndef CNN_GPU_CONVOLUTION_CANDIDATE_H
#define CNN_GPU_CONVOLUTION_CANDIDATE_H

#include "gpu/convolution/algorithms.h"
#include "gpu/convolution/problem.h"
#include "nn/ops.h"

typedef struct {
    cnn_algorithm_kind kind;
    const cnn_own_convolution *own; /* of CNN_ALGORITHM_OWN */
    cnn_cudnn_plan *plan;           /* of CNN_ALGORITHM_ENGINE, CNN_ALGORITHM_PLAIN; borrowed */
} cnn_conv_candidate;

/** The part of a problem that own kernels compute: all of it, or the convolution before a pool. */
cnn_conv_problem cnn_conv_own_part(const cnn_conv_problem *problem, const cnn_own_convolution *own);

/** Queues the whole problem on the device's stream; the device's workspace must be large enough. */
cnn_status cnn_conv_candidate_run(cnn_ops *ops, const cnn_conv_problem *problem,
                                  cnn_conv_candidate candidate, cnn_conv_operands operands);
/** Bytes. */
size_t cnn_conv_candidate_workspace(const cnn_conv_problem *problem, cnn_conv_candidate candidate);

#endif
