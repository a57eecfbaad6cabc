/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, batch normalisation, ReLU, dropout and optimisers, by kernels of our own: cuDNN's pools
 * cannot end 'same' windows outside the image on one side alone, nor say which of equal values is
 * the maximum, and its batch normalisation takes an unbiased running variance and no rows. */
#include "base/philox.h"
#include "gpu/device/internal.h"

#include <stdlib.h>

/* ---- pools --------------------------------------------------------------------------------- */

struct cnn_pool {
    cnn_ops *ops; /* borrowed */
    cnn_layer layer;
    cnn_gpu_windows windows;
    uint8_t *mask; /* [max batch, out]; NULL for averages */
};

cnn_status cnn_cuda_windows(const cnn_layer *l, cnn_gpu_windows *out)
{
    if (l->kernel > CNN_GPU_MAX_WINDOW)
        return cnn_error_set(CNN_EUSAGE, "a pool over %dx%d: the GPU backend has at most %dx%d",
                             l->kernel, l->kernel, CNN_GPU_MAX_WINDOW, CNN_GPU_MAX_WINDOW);
    *out = (cnn_gpu_windows){.h = l->in.h,
                             .w = l->in.w,
                             .c = l->in.c,
                             .out_h = l->out.h,
                             .out_w = l->out.w,
                             .kernel = l->kernel,
                             .stride = l->stride,
                             .pad_top = l->pad_top,
                             .pad_left = l->pad_left};
    return CNN_OK;
}

cnn_status cnn_pool_create(cnn_ops *ops, const cnn_layer *layer, cnn_pool **out)
{
    cnn_status st = CNN_OK;
    void *mask = NULL;
    cnn_pool *pool = calloc(1, sizeof *pool);
    CNN_CHECK(pool != NULL, CNN_ENOMEM, "a pool");
    pool->ops = ops;
    pool->layer = *layer;
    CNN_TRY(cnn_cuda_windows(layer, &pool->windows));
    if (layer->kind == CNN_LAYER_MAXPOOL)
        CNN_TRY(cnn_cuda_alloc(ops, (size_t)ops->sizes[0] * (size_t)cnn_shape_size(layer->out),
                               "where a pool's maxima are", &mask));
    pool->mask = mask;
    *out = pool;
    pool = NULL; /* the caller owns it now */
done:
    cnn_pool_destroy(&pool);
    return st;
}

void cnn_pool_destroy(cnn_pool **handle)
{
    if (!*handle)
        return;
    cnn_cuda_free((*handle)->ops, (void **)&(*handle)->mask);
    free(*handle);
    *handle = NULL;
}

cnn_status cnn_pool_forward(cnn_pool *pool, int n, bool training, const float *x, float *y)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(pool->ops, n, &size));
    if (pool->mask)
        CNN_CUDA(cnn_gpu_maxpool_forward(pool->ops->current.stream, n, pool->windows, x, NULL,
                                         false, y, training ? pool->mask : NULL));
    else
        CNN_CUDA(cnn_gpu_avgpool_forward(pool->ops->current.stream, n, pool->windows, x, y));
done:
    return st;
}

cnn_status cnn_pool_backward(cnn_pool *pool, int n, const float *dy, float *dx)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(pool->ops, n, &size));
    if (pool->mask)
        CNN_CUDA(cnn_gpu_maxpool_backward(pool->ops->current.stream, n, pool->windows, pool->mask,
                                          dy, dx));
    else
        CNN_CUDA(cnn_gpu_avgpool_backward(pool->ops->current.stream, n, pool->windows, dy, dx));
done:
    return st;
}

/* ---- batch normalisation ------------------------------------------------------------------- */

struct cnn_batchnorm {
    cnn_ops *ops; /* borrowed */
    cnn_layer layer;
    float *mean, *inverse; /* f32 [statistics] of the last training batch */
    cnn_gpu_sums sums;
};

cnn_gpu_norm_shape cnn_cuda_norm_shape(const cnn_layer *l, int n)
{
    if (l->axis == CNN_AXIS_HEIGHT)
        return (cnn_gpu_norm_shape){n, l->in.h, l->in.w * l->in.c};
    return (cnn_gpu_norm_shape){n * l->in.h * l->in.w, l->in.c, 1};
}

cnn_status cnn_batchnorm_create(cnn_ops *ops, const cnn_layer *layer, cnn_batchnorm **out)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(layer, ops->sizes[0]);
    cnn_batchnorm *norm = calloc(1, sizeof *norm);
    CNN_CHECK(norm != NULL, CNN_ENOMEM, "a batch normalisation");
    norm->ops = ops;
    norm->layer = *layer;
    CNN_TRY(cnn_cuda_floats(norm->ops, (size_t)shape.statistics, "means of a batch", &norm->mean));
    CNN_TRY(cnn_cuda_floats(norm->ops, (size_t)shape.statistics, "deviations of a batch",
                            &norm->inverse));
    CNN_TRY(cnn_cuda_sums(norm->ops, cnn_gpu_norm_sums(shape), cnn_gpu_norm_tickets(shape),
                          &norm->sums));
    *out = norm;
    norm = NULL; /* the caller owns it now */
done:
    cnn_batchnorm_destroy(&norm);
    return st;
}

void cnn_batchnorm_destroy(cnn_batchnorm **handle)
{
    cnn_batchnorm *norm = *handle;
    if (!norm)
        return;
    cnn_cuda_free(norm->ops, (void **)&norm->mean);
    cnn_cuda_free(norm->ops, (void **)&norm->inverse);
    cnn_cuda_free_sums(norm->ops, &norm->sums);
    free(norm);
    *handle = NULL;
}

cnn_status cnn_batchnorm_forward_training(cnn_batchnorm *norm, int n, const float *x,
                                          const float *gamma, const float *beta,
                                          float *running_mean, float *running_variance, float *y)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(norm->ops, n, &size));
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(&norm->layer, n);
    const cnn_gpu_norm_scale by = {norm->mean, norm->inverse, gamma, beta, false};
    CNN_CUDA(cnn_gpu_norm_statistics(norm->ops->current.stream, shape, x, running_mean,
                                     running_variance, norm->sums, norm->mean, norm->inverse));
    CNN_CUDA(cnn_gpu_normalise(norm->ops->current.stream, shape, by, x, false, y));
done:
    return st;
}

cnn_status cnn_batchnorm_forward_inference(cnn_batchnorm *norm, int n, const float *x,
                                           const float *gamma, const float *beta,
                                           const float *running_mean, const float *running_variance,
                                           float *y)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(norm->ops, n, &size));
    const cnn_gpu_norm_scale by = {running_mean, running_variance, gamma, beta, true};
    CNN_CUDA(cnn_gpu_normalise(norm->ops->current.stream, cnn_cuda_norm_shape(&norm->layer, n), by,
                               x, false, y));
done:
    return st;
}

cnn_status cnn_batchnorm_backward(cnn_batchnorm *norm, int n, const float *x, const float *dy,
                                  const float *gamma, float *dx, float *dgamma, float *dbeta)
{
    cnn_status st = CNN_OK;
    int size;
    CNN_TRY(cnn_cuda_size_index(norm->ops, n, &size));
    const cnn_gpu_norm_backward_operands o = {.x = x,
                                              .gamma = gamma,
                                              .mean = norm->mean,
                                              .inverse = norm->inverse,
                                              .sums = norm->sums,
                                              .dgamma = dgamma,
                                              .dbeta = dbeta,
                                              .dx = dx};
    CNN_CUDA(cnn_gpu_norm_backward(norm->ops->current.stream, cnn_cuda_norm_shape(&norm->layer, n),
                                   norm->layer.in.c, dy, NULL, o));
done:
    return st;
}

/* ---- ReLU, dropout, optimisers ------------------------------------------------------------- */

cnn_status cnn_relu_forward(cnn_ops *ops, size_t size, const float *x, float *y)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_relu_forward(ops->current.stream, size, x, y));
done:
    return st;
}

cnn_status cnn_relu_backward(cnn_ops *ops, size_t size, const float *y, const float *dy, float *dx)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_relu_backward(ops->current.stream, size, y, dy, dx));
done:
    return st;
}

cnn_status cnn_dropout_apply(cnn_ops *ops, size_t size, double rate, uint64_t seed, int layer,
                             uint32_t step, const float *x, float *y)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_dropout(ops->current.stream, size, rate, seed,
                             CNN_RANDOM_DROPOUT + (uint32_t)layer, NULL, step, x, y));
done:
    return st;
}

cnn_status cnn_sgd_update(cnn_ops *ops, size_t size, double rate, double momentum, const float *g,
                          float *velocity, float *w)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_sgd(ops->current.stream, size, rate, momentum, g,
                         momentum != 0 ? velocity : NULL, w));
done:
    return st;
}

cnn_status cnn_adam_update(cnn_ops *ops, size_t size, double rate, int64_t step, const float *g,
                           float *m, float *v, float *w)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_adam(ops->current.stream, size, rate, NULL, step, g, m, v, w));
done:
    return st;
}
