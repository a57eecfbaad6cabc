/* SPDX-License-Identifier: Apache-2.0 */
/** One direction of one convolution at one batch size: the problem that cuDNN's engines and our own
 *  kernels compete for. Tensors are f32 NHWC; weights [O, kernel, kernel, I]. */
#ifndef CNN_GPU_CONVOLUTION_PROBLEM_H
#define CNN_GPU_CONVOLUTION_PROBLEM_H

#include "base/text.h"
#include "gpu/kernels/kernels.h"
#include "nn/network.h"

typedef enum {
    CNN_CONV_FORWARD,           /* x, weights -> y */
    CNN_CONV_BACKWARD_DATA,     /* dy, weights -> dx */
    CNN_CONV_BACKWARD_WEIGHTS,  /* x, dy -> dweights */
    CNN_CONV_FORWARD_BIAS_RELU, /* x, weights, bias -> max(y + bias, 0) */
    CNN_CONV_FORWARD_POOL,      /* x, weights, bias -> maximum pool of y + bias [, ReLU]; mask */
    CNN_CONV_DIRECTIONS
} cnn_conv_direction;

typedef struct {
    cnn_conv_direction direction;
    cnn_gpu_convolution shape;
    int pad_bottom, pad_right;
    cnn_gpu_windows pool; /* of CNN_CONV_FORWARD_POOL */
    bool relu;            /* likewise: whether it has a ReLU */
} cnn_conv_problem;

/** Of an inferred conv2d layer and n images. */
cnn_conv_problem cnn_conv_problem_of(const cnn_layer *layer, int n, cnn_conv_direction direction);

/** Its CNN_CONV_FORWARD_POOL. */
cnn_conv_problem cnn_conv_problem_with_pool(const cnn_layer *layer, int n, cnn_gpu_windows pool,
                                            bool relu);
/** The convolution alone of a forward one. */
cnn_conv_problem cnn_conv_problem_plain(const cnn_conv_problem *p);

/** Values of x (and dx), of y (and dy) before a pool, of the weights. */
size_t cnn_conv_problem_input(const cnn_conv_problem *p);
size_t cnn_conv_problem_output(const cnn_conv_problem *p);
size_t cnn_conv_problem_weights(const cnn_conv_problem *p);
/** Values of the pool's result, and of its mask. */
size_t cnn_conv_problem_pooled(const cnn_conv_problem *p);

/** The problem's name in the table of algorithms, without spaces:
 * "fwd:32x28x28x1>28x28x16k5s1p2.2". */
void cnn_conv_problem_name(const cnn_conv_problem *p, cnn_text *out);

/** Operands in the order of the arrows above; by direction one of them is the result. */
typedef struct {
    const float *first, *second;
    float *result;
    const float *bias; /* of CNN_CONV_FORWARD_BIAS_RELU, CNN_CONV_FORWARD_POOL */
    float *before;     /* of CNN_CONV_FORWARD_POOL: room for y */
    uint8_t *mask;     /* likewise; NULL: not wanted */
} cnn_conv_operands;

/** Of its convolution alone, whose y the second half reads. */
cnn_conv_operands cnn_conv_operands_plain(const cnn_conv_problem *p, cnn_conv_operands o);
/** What CNN_CONV_FORWARD_BIAS_RELU and CNN_CONV_FORWARD_POOL add to a plain forward. */
cudaError_t cnn_conv_finish(cudaStream_t stream, const cnn_conv_problem *p, cnn_conv_operands o);

#endif
