/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution layers: one cuDNN call a direction, and the bias by a kernel of ours. */
#include "gpu/convolution/plan.h"
#include "gpu/device/internal.h"

#include <stdlib.h>

struct cnn_conv2d {
    cnn_ops *ops; /* borrowed */
    cnn_layer layer;
    /* by direction and batch size; backward data is NULL for a first layer */
    cnn_conv_plan *plans[3][CNN_MAX_BATCH_SIZES];
    cnn_gpu_sums sums; /* of the bias's gradient */
};

static size_t rows_of(const cnn_conv2d *conv, int n)
{
    return (size_t)n * (size_t)conv->layer.out.h * (size_t)conv->layer.out.w;
}

static cnn_status make_plans(cnn_conv2d *conv, cnn_conv_direction direction)
{
    for (int i = 0; i < conv->ops->size_count; i++) {
        const cnn_conv_problem problem =
            cnn_conv_problem_of(&conv->layer, conv->ops->sizes[i], direction);
        const cnn_status st =
            cnn_conv_plan_create(conv->ops, &problem, false, &conv->plans[direction][i]);
        if (st != CNN_OK)
            return st;
    }
    return CNN_OK;
}

cnn_status cnn_conv2d_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                             cnn_conv2d **out)
{
    cnn_status st = CNN_OK;
    cnn_conv2d *conv = calloc(1, sizeof *conv);
    CNN_CHECK(conv != NULL, CNN_ENOMEM, "a convolution");
    conv->ops = ops;
    conv->layer = *layer;
    CNN_TRY(make_plans(conv, CNN_CONV_FORWARD));
    CNN_TRY(make_plans(conv, CNN_CONV_BACKWARD_WEIGHTS));
    if (input_gradient)
        CNN_TRY(make_plans(conv, CNN_CONV_BACKWARD_DATA));
    CNN_TRY(cnn_cuda_sums(conv->ops,
                          cnn_gpu_column_sums(rows_of(conv, ops->sizes[0]), layer->out.c),
                          cnn_gpu_tickets(layer->out.c), &conv->sums));
    *out = conv;
    conv = NULL; /* the caller owns it now */
done:
    cnn_conv2d_destroy(&conv);
    return st;
}

void cnn_conv2d_destroy(cnn_conv2d **handle)
{
    cnn_conv2d *conv = *handle;
    if (!conv)
        return;
    for (int d = 0; d < 3; d++)
        for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
            cnn_conv_plan_destroy(&conv->plans[d][i]);
    cnn_cuda_free_sums(conv->ops, &conv->sums);
    free(conv);
    *handle = NULL;
}

size_t cnn_conv2d_weights_size(const cnn_conv2d *conv)
{
    return (size_t)(conv->layer.parameters - conv->layer.out.c);
}

cnn_status cnn_conv2d_import(cnn_conv2d *conv, const float *oihw, float *weights)
{
    const cnn_layer *l = &conv->layer;
    return cnn_cuda_import_weights(conv->ops, l->out.c, l->in.c, l->kernel, l->kernel, oihw,
                                   weights);
}

cnn_status cnn_conv2d_export(cnn_conv2d *conv, const float *weights, float *oihw)
{
    const cnn_layer *l = &conv->layer;
    return cnn_cuda_export_weights(conv->ops, l->out.c, l->in.c, l->kernel, l->kernel, weights,
                                   oihw);
}

static cnn_status run(cnn_conv2d *conv, cnn_conv_direction direction, int n,
                      cnn_conv_operands operands)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(conv->ops, n, &size));
    CNN_CHECK(conv->plans[direction][size] != NULL, CNN_EINVAL,
              "a first layer has no gradient of its input");
    CNN_TRY(cnn_conv_plan_run(conv->plans[direction][size], operands));
done:
    return st;
}

cnn_status cnn_conv2d_forward(cnn_conv2d *conv, int n, const float *x, const float *weights,
                              const float *bias, float *y)
{
    cnn_status st = CNN_OK;
    CNN_TRY(run(conv, CNN_CONV_FORWARD, n,
                (cnn_conv_operands){.first = x, .second = weights, .result = y}));
    CNN_CUDA(cnn_gpu_add_bias(conv->ops->current.stream, rows_of(conv, n), conv->layer.out.c, bias,
                              false, y));
done:
    return st;
}

cnn_status cnn_conv2d_backward_data(cnn_conv2d *conv, int n, const float *dy, const float *weights,
                                    float *dx)
{
    return run(conv, CNN_CONV_BACKWARD_DATA, n,
               (cnn_conv_operands){.first = dy, .second = weights, .result = dx});
}

cnn_status cnn_conv2d_backward_weights(cnn_conv2d *conv, int n, const float *x, const float *dy,
                                       float *dweights, float *dbias)
{
    cnn_status st = CNN_OK;
    CNN_TRY(run(conv, CNN_CONV_BACKWARD_WEIGHTS, n,
                (cnn_conv_operands){.first = x, .second = dy, .result = dweights}));
    CNN_CUDA(cnn_gpu_bias_gradient(conv->ops->current.stream, rows_of(conv, n), conv->layer.out.c,
                                   dy, conv->sums, dbias));
done:
    return st;
}
