#include "gpu/own_convolutions.h"

#include "gpu/cuda_internal.h"

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
        CNN_CUDA(cnn_gpu_direct_backward_data(ops->stream, p->shape, o.first, o.second, o.result));
        break;
    case CNN_CONV_BACKWARD_WEIGHTS:
        CNN_CUDA(
            cnn_gpu_direct_backward_weights(ops->stream, p->shape, o.first, o.second, o.result));
        break;
    default:
        CNN_CUDA(cnn_gpu_direct_forward(ops->stream, p->shape, o.first, o.second, o.result));
        if (p->direction == CNN_CONV_FORWARD_BIAS_RELU)
            CNN_CUDA(cnn_conv_finish(ops->stream, p, o));
    }
done:
    return st;
}

static const cnn_own_convolution direct = {"direct", direct_fits, NULL, direct_run};

/* ---- few: few_channels.cu ------------------------------------------------------------------ */

static bool few_fits(const cnn_conv_problem *p)
{
    return (p->direction == CNN_CONV_FORWARD || p->direction == CNN_CONV_FORWARD_BIAS_RELU) &&
           cnn_gpu_few_fits(p->shape);
}

static cnn_status few_run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,
                          void *workspace)
{
    cnn_status st = CNN_OK;
    const bool whole = p->direction == CNN_CONV_FORWARD_BIAS_RELU;
    (void)workspace;
    CNN_CUDA(cnn_gpu_few_forward(ops->stream, p->shape, o.first, o.second, whole ? o.bias : NULL,
                                 whole, o.result));
done:
    return st;
}

static const cnn_own_convolution few = {"few", few_fits, NULL, few_run};

/* ---- the table ----------------------------------------------------------------------------- */

const cnn_own_convolution *const cnn_own_convolutions[] = {&direct, &few, NULL};

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
