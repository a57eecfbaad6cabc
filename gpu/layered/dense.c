/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layers: one cuBLAS call a direction, and the bias by a kernel of ours. cuBLAS counts by
 * columns: a row-major [n, k] is its k x n. */
#include "gpu/device/internal.h"

#include <stdlib.h>

static const float one = 1, zero = 0;

cnn_status cnn_cuda_dense_forward(cnn_ops *ops, int n, int inputs, int units, const float *x,
                                  const float *weights, float *y)
{
    cnn_status st = CNN_OK;
    CNN_CUBLAS(cublasSgemm(cnn_cuda_cublas(ops), CUBLAS_OP_T, CUBLAS_OP_N, units, n, inputs, &one,
                           weights, inputs, x, inputs, &zero, y, units));
done:
    return st;
}

cnn_status cnn_cuda_dense_backward_data(cnn_ops *ops, int n, int inputs, int units, const float *dy,
                                        const float *weights, float *dx)
{
    cnn_status st = CNN_OK;
    CNN_CUBLAS(cublasSgemm(cnn_cuda_cublas(ops), CUBLAS_OP_N, CUBLAS_OP_N, inputs, n, units, &one,
                           weights, inputs, dy, units, &zero, dx, inputs));
done:
    return st;
}

cnn_status cnn_cuda_dense_backward_weights(cnn_ops *ops, int n, int inputs, int units,
                                           const float *x, const float *dy, float *dweights)
{
    cnn_status st = CNN_OK;
    CNN_CUBLAS(cublasSgemm(cnn_cuda_cublas(ops), CUBLAS_OP_N, CUBLAS_OP_T, inputs, units, n, &one,
                           x, inputs, dy, units, &zero, dweights, inputs));
done:
    return st;
}

struct cnn_dense {
    cnn_ops *ops; /* borrowed */
    cnn_layer layer;
    int inputs, units;
    cnn_gpu_sums sums; /* of the bias's gradient */
};

cnn_status cnn_dense_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                            cnn_dense **out)
{
    cnn_status st = CNN_OK;
    cnn_dense *dense = calloc(1, sizeof *dense);
    (void)input_gradient;
    CNN_CHECK(dense != NULL, CNN_ENOMEM, "a dense layer");
    dense->ops = ops;
    dense->layer = *layer;
    dense->inputs = (int)cnn_shape_size(layer->in);
    dense->units = layer->out.c;
    CNN_TRY(cnn_cuda_sums(dense->ops, cnn_gpu_column_sums((size_t)ops->sizes[0], dense->units),
                          cnn_gpu_tickets(dense->units), &dense->sums));
    *out = dense;
    dense = NULL; /* the caller owns it now */
done:
    cnn_dense_destroy(&dense);
    return st;
}

void cnn_dense_destroy(cnn_dense **handle)
{
    if (!*handle)
        return;
    cnn_cuda_free_sums((*handle)->ops, &(*handle)->sums);
    free(*handle);
    *handle = NULL;
}

size_t cnn_dense_weights_size(const cnn_dense *dense)
{
    return (size_t)dense->inputs * (size_t)dense->units;
}

cnn_status cnn_dense_import(cnn_dense *dense, const float *ochw, float *weights)
{
    const cnn_shape in = dense->layer.in;
    return cnn_cuda_import_weights(dense->ops, dense->units, in.c, in.h, in.w, ochw, weights);
}

cnn_status cnn_dense_export(cnn_dense *dense, const float *weights, float *ochw)
{
    const cnn_shape in = dense->layer.in;
    return cnn_cuda_export_weights(dense->ops, dense->units, in.c, in.h, in.w, weights, ochw);
}

cnn_status cnn_dense_forward(cnn_dense *dense, int n, const float *x, const float *weights,
                             const float *bias, float *y)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(dense->ops, n, &size));
    CNN_TRY(cnn_cuda_dense_forward(dense->ops, n, dense->inputs, dense->units, x, weights, y));
    CNN_CUDA(cnn_gpu_add_bias(dense->ops->current.stream, (size_t)n, dense->units, bias, false, y));
done:
    return st;
}

cnn_status cnn_dense_backward_data(cnn_dense *dense, int n, const float *dy, const float *weights,
                                   float *dx)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(dense->ops, n, &size));
    CNN_TRY(
        cnn_cuda_dense_backward_data(dense->ops, n, dense->inputs, dense->units, dy, weights, dx));
done:
    return st;
}

cnn_status cnn_dense_backward_weights(cnn_dense *dense, int n, const float *x, const float *dy,
                                      float *dweights, float *dbias)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(dense->ops, n, &size));
    CNN_TRY(cnn_cuda_dense_backward_weights(dense->ops, n, dense->inputs, dense->units, x, dy,
                                            dweights));
    CNN_CUDA(cnn_gpu_bias_gradient(dense->ops->current.stream, (size_t)n, dense->units, dy,
                                   dense->sums, dbias));
done:
    return st;
}
