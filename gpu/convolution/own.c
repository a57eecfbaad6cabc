/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/own.h"

#include "gpu/convolution/winograd.h"
#include "gpu/device/internal.h"

#include <string.h>

/* ---- direct: direct_convolution.cu --------------------------------------------------------- */

static bool direct_fits(const cnn_conv_problem *p)
{
    (void)p;
    return true;
}

static cnn_status direct_run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,
                             void *workspace)
{
    cnn_status st = CNN_OK;
    (void)workspace;
    switch (p->direction) {
    case CNN_CONV_BACKWARD_DATA:
        CNN_CUDA(cnn_gpu_direct_backward_data(ops->current.stream, p->shape, o.first, o.second,
                                              o.result));
        break;
    case CNN_CONV_BACKWARD_WEIGHTS:
        CNN_CUDA(cnn_gpu_direct_backward_weights(ops->current.stream, p->shape, o.first, o.second,
                                                 o.result));
        break;
    default:
        CNN_CUDA(cnn_gpu_direct_forward(ops->current.stream, p->shape, o.first, o.second,
                                        cnn_conv_operands_plain(p, o).result));
        if (p->direction != CNN_CONV_FORWARD)
            CNN_CUDA(cnn_conv_finish(ops->current.stream, p, o));
    }
done:
    return st;
}

static const cnn_own_convolution direct = {"direct", direct_fits, NULL, direct_run};

/* ---- few_channels: few_channels.cu ----------------------------------------------------------- */

static bool few_channels_fits(const cnn_conv_problem *p)
{
    return (p->direction == CNN_CONV_FORWARD || p->direction == CNN_CONV_FORWARD_BIAS_RELU) &&
           cnn_gpu_few_channels_fits(p->shape);
}

static cnn_status few_channels_run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,
                                   void *workspace)
{
    cnn_status st = CNN_OK;
    const bool whole = p->direction == CNN_CONV_FORWARD_BIAS_RELU;
    (void)workspace;
    CNN_CUDA(cnn_gpu_few_channels_forward(ops->current.stream, p->shape, o.first, o.second,
                                          whole ? o.bias : NULL, whole, o.result));
done:
    return st;
}

static const cnn_own_convolution few_channels = {"few", few_channels_fits, NULL, few_channels_run};

/* ---- tilings of strip_convolution.cu and strip_weight_gradient.cu -------------------------- */

static bool strips_fit(int tiling, const cnn_conv_problem *p)
{
    const bool backward = p->direction == CNN_CONV_BACKWARD_DATA;
    return (backward || p->direction == CNN_CONV_FORWARD ||
            p->direction == CNN_CONV_FORWARD_BIAS_RELU) &&
           cnn_gpu_strips_fit(tiling, backward, p->shape);
}

static cnn_status strips_run(int tiling, cnn_ops *ops, const cnn_conv_problem *p,
                             cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    const bool finishes = p->direction == CNN_CONV_FORWARD_BIAS_RELU;
    if (p->direction == CNN_CONV_BACKWARD_DATA)
        CNN_CUDA(cnn_gpu_strips_backward_data(ops->current.stream, tiling, p->shape, o.first,
                                              o.second, o.result));
    else
        CNN_CUDA(cnn_gpu_strips_forward(ops->current.stream, tiling, p->shape, o.first, o.second,
                                        finishes ? o.bias : NULL, finishes, o.result));
done:
    return st;
}

#define STRIPS(tiling, name)                                                                       \
    static bool name##_fits(const cnn_conv_problem *p)                                             \
    {                                                                                              \
        return strips_fit(tiling, p);                                                              \
    }                                                                                              \
    static cnn_status name##_run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,     \
                                 void *workspace)                                                  \
    {                                                                                              \
        (void)workspace;                                                                           \
        return strips_run(tiling, ops, p, o);                                                      \
    }                                                                                              \
    static const cnn_own_convolution name = {#name, name##_fits, NULL, name##_run};

/* By their columns, filters of a thread, filters of a block, groups. */
STRIPS(0, strip10x8x64)
STRIPS(1, strip7x8x64)
STRIPS(2, strip7x8x64g2)
STRIPS(3, strip7x4x32g4)
STRIPS(4, strip7x4x16g8)
STRIPS(5, strip5x8x32g4)
STRIPS(6, strip5x4x16g4)

#define STRIPS_POOL(tiling, name)                                                                  \
    static bool name##_fits(const cnn_conv_problem *p)                                             \
    {                                                                                              \
        return p->direction == CNN_CONV_FORWARD_POOL &&                                            \
               cnn_gpu_strips_pool_fit(tiling, p->shape, p->pool);                                 \
    }                                                                                              \
    static cnn_status name##_run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,     \
                                 void *workspace)                                                  \
    {                                                                                              \
        cnn_status st = CNN_OK;                                                                    \
        (void)workspace;                                                                           \
        CNN_CUDA(cnn_gpu_strips_forward_pool(ops->current.stream, tiling, p->shape, p->pool,       \
                                             o.first, o.second, o.bias, p->relu, o.result,         \
                                             o.mask));                                             \
    done:                                                                                          \
        return st;                                                                                 \
    }                                                                                              \
    static const cnn_own_convolution name = {#name, name##_fits, NULL, name##_run};

STRIPS_POOL(0, pool7x4x32g4)
STRIPS_POOL(1, pool7x4x16g8)

#define STRIP_WEIGHTS(tiling, name)                                                                \
    static bool name##_fits(const cnn_conv_problem *p)                                             \
    {                                                                                              \
        return p->direction == CNN_CONV_BACKWARD_WEIGHTS &&                                        \
               cnn_gpu_strip_weights_fit(tiling, p->shape);                                        \
    }                                                                                              \
    static size_t name##_workspace(const cnn_conv_problem *p)                                      \
    {                                                                                              \
        return cnn_gpu_strip_weights_workspace(tiling, p->shape);                                  \
    }                                                                                              \
    static cnn_status name##_run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,     \
                                 void *workspace)                                                  \
    {                                                                                              \
        cnn_status st = CNN_OK;                                                                    \
        CNN_CUDA(cnn_gpu_strip_weights(ops->current.stream, tiling, p->shape, o.first, o.second,   \
                                       workspace, o.result));                                      \
    done:                                                                                          \
        return st;                                                                                 \
    }                                                                                              \
    static const cnn_own_convolution name = {#name, name##_fits, name##_workspace, name##_run};

/* By their filters of a thread and groups. */
STRIP_WEIGHTS(0, strip4)
STRIP_WEIGHTS(1, strip2g4)

/* ---- the table ----------------------------------------------------------------------------- */

/* clang-format off */
const cnn_own_convolution *const cnn_own_convolutions[] = {
    &direct, &few_channels,
    &strip10x8x64, &strip7x8x64, &strip7x8x64g2, &strip7x4x32g4,
    &strip7x4x16g8, &strip5x8x32g4, &strip5x4x16g4,
    &pool7x4x32g4, &pool7x4x16g8,
    &strip4, &strip2g4, &cnn_winograd_convolution, NULL
};
/* clang-format on */

const cnn_own_convolution *cnn_own_convolution_named(const char *name, size_t length)
{
    for (int i = 0; cnn_own_convolutions[i]; i++)
        if (strlen(cnn_own_convolutions[i]->name) == length &&
            strncmp(cnn_own_convolutions[i]->name, name, length) == 0)
            return cnn_own_convolutions[i];
    return NULL;
}

size_t cnn_own_convolution_workspace(const cnn_own_convolution *own, const cnn_conv_problem *p)
{
    return own->workspace ? own->workspace(p) : 0;
}
