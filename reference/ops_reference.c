/* SPDX-License-Identifier: Apache-2.0 */
/* nn/ops.h in plain C: each operation converts to double, runs the reference and rounds once. */
#include "nn/ops.h"
#include "reference_convert.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct cnn_ops {
    cnn_ops_config config;
    int max_batch;
};

/* ---- device and memory --------------------------------------------------------------------- */

cnn_status cnn_ops_open(const cnn_ops_config *config, cnn_ops **out)
{
    cnn_status st = CNN_OK;
    cnn_ops *ops = ref_alloc(1, sizeof *ops);
    ops->config = *config;
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
        if (config->batch_sizes[i] > ops->max_batch)
            ops->max_batch = config->batch_sizes[i];
    CNN_CHECK(ops->max_batch > 0, CNN_EINVAL, "no batch size was given");
    CNN_CHECK(config->precision == CNN_PRECISION_FP32, CNN_EUSAGE, "the reference knows fp32 only");
    omp_set_num_threads(config->threads > 0 ? config->threads : 1);
    *out = ops;
    ops = NULL; /* the caller owns it now */
done:
    cnn_ops_close(&ops);
    return st;
}

void cnn_ops_close(cnn_ops **ops)
{
    free(*ops);
    *ops = NULL;
}

void cnn_ops_describe(const cnn_ops *ops, cnn_ops_info *out)
{
    *out = (cnn_ops_info){.backend = "reference",
                          .version = "plain C in double precision",
                          .device = "this processor",
                          .threads = ops->config.threads};
}

int cnn_ops_max_batch(const cnn_ops *ops)
{
    return ops->max_batch;
}

cnn_status cnn_ops_algorithms(const cnn_ops *ops, cnn_text *out)
{
    (void)ops; /* nothing to choose */
    (void)out;
    return CNN_OK;
}

cnn_status cnn_ops_timings(const cnn_ops *ops, cnn_text *out)
{
    (void)ops; /* nothing is timed */
    (void)out;
    return CNN_OK;
}

cnn_status cnn_ops_sync(cnn_ops *ops)
{
    (void)ops;
    return CNN_OK;
}

cnn_status cnn_ops_alloc(cnn_ops *ops, size_t bytes, const char *what, void **out)
{
    (void)ops;
    size_t rounded = (bytes + 63) / 64 * 64;
    *out = aligned_alloc(64, rounded ? rounded : 64);
    if (!*out)
        return cnn_error_set(CNN_ENOMEM, "no memory for %s (%zu bytes)", what, bytes);
    memset(*out, 0, rounded);
    return CNN_OK;
}

void cnn_ops_free(cnn_ops *ops, void **memory)
{
    (void)ops;
    free(*memory);
    *memory = NULL;
}

cnn_status cnn_ops_upload(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    (void)ops;
    memcpy(to, from, bytes);
    return CNN_OK;
}

cnn_status cnn_ops_download(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    return cnn_ops_upload(ops, to, from, bytes);
}

cnn_status cnn_ops_zero(cnn_ops *ops, void *memory, size_t bytes)
{
    (void)ops;
    memset(memory, 0, bytes);
    return CNN_OK;
}

static cnn_status check_batch(const cnn_ops *ops, int n)
{
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
        if (n > 0 && ops->config.batch_sizes[i] == n)
            return CNN_OK;
    return cnn_error_set(CNN_EINVAL, "the device was not opened for batches of %d images", n);
}

/* ---- conv2d and dense ---------------------------------------------------------------------- */

/* Both are the same windows to the reference; weights are kept in canonical order. */
typedef struct {
    cnn_ops *ops;
    cnn_layer layer;
    size_t in, out, weights, bias; /* values: of an image, of the parameters */
} window_op;

struct cnn_conv2d {
    window_op op;
};

struct cnn_dense {
    window_op op;
};

static window_op window_create(cnn_ops *ops, const cnn_layer *layer)
{
    size_t bias = (size_t)layer->out.c;
    return (window_op){.ops = ops,
                       .layer = *layer,
                       .in = (size_t)cnn_shape_size(layer->in),
                       .out = (size_t)cnn_shape_size(layer->out),
                       .weights = (size_t)layer->parameters - bias,
                       .bias = bias};
}

static cnn_status window_forward(const window_op *op, int n, const float *x, const float *weights,
                                 const float *bias, float *y)
{
    cnn_status st = check_batch(op->ops, n);
    if (st != CNN_OK)
        return st;
    double *xd = widen(x, (size_t)n * op->in), *wd = widen(weights, op->weights);
    double *bd = widen(bias, op->bias), *yd = ref_alloc((size_t)n * op->out, sizeof *yd);
    ref_conv_forward(&op->layer, n, xd, wd, bd, yd);
    narrow_and_free(yd, (size_t)n * op->out, y);
    free(xd);
    free(wd);
    free(bd);
    return CNN_OK;
}

static cnn_status window_backward_data(const window_op *op, int n, const float *dy,
                                       const float *weights, float *dx)
{
    cnn_status st = check_batch(op->ops, n);
    if (st != CNN_OK)
        return st;
    double *yd = widen(dy, (size_t)n * op->out), *wd = widen(weights, op->weights);
    double *xd = ref_alloc((size_t)n * op->in, sizeof *xd);
    ref_conv_backward_data(&op->layer, n, yd, wd, xd);
    narrow_and_free(xd, (size_t)n * op->in, dx);
    free(yd);
    free(wd);
    return CNN_OK;
}

static cnn_status window_backward_weights(const window_op *op, int n, const float *x,
                                          const float *dy, float *dweights, float *dbias)
{
    cnn_status st = check_batch(op->ops, n);
    if (st != CNN_OK)
        return st;
    double *xd = widen(x, (size_t)n * op->in), *yd = widen(dy, (size_t)n * op->out);
    double *wd = ref_alloc(op->weights, sizeof *wd), *bd = ref_alloc(op->bias, sizeof *bd);
    ref_conv_backward_weights(&op->layer, n, xd, yd, wd, bd);
    narrow_and_free(wd, op->weights, dweights);
    narrow_and_free(bd, op->bias, dbias);
    free(xd);
    free(yd);
    return CNN_OK;
}

cnn_status cnn_conv2d_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                             cnn_conv2d **out)
{
    (void)input_gradient;
    *out = ref_alloc(1, sizeof **out);
    (*out)->op = window_create(ops, layer);
    return CNN_OK;
}

void cnn_conv2d_destroy(cnn_conv2d **conv)
{
    free(*conv);
    *conv = NULL;
}

size_t cnn_conv2d_weights_size(const cnn_conv2d *conv)
{
    return conv->op.weights;
}

cnn_status cnn_conv2d_import(cnn_conv2d *conv, const float *oihw, float *weights)
{
    memcpy(weights, oihw, conv->op.weights * sizeof *weights);
    return CNN_OK;
}

cnn_status cnn_conv2d_export(cnn_conv2d *conv, const float *weights, float *oihw)
{
    memcpy(oihw, weights, conv->op.weights * sizeof *weights);
    return CNN_OK;
}

cnn_status cnn_conv2d_forward(cnn_conv2d *conv, int n, const float *x, const float *weights,
                              const float *bias, float *y)
{
    return window_forward(&conv->op, n, x, weights, bias, y);
}

cnn_status cnn_conv2d_backward_data(cnn_conv2d *conv, int n, const float *dy, const float *weights,
                                    float *dx)
{
    return window_backward_data(&conv->op, n, dy, weights, dx);
}

cnn_status cnn_conv2d_backward_weights(cnn_conv2d *conv, int n, const float *x, const float *dy,
                                       float *dweights, float *dbias)
{
    return window_backward_weights(&conv->op, n, x, dy, dweights, dbias);
}

cnn_status cnn_dense_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                            cnn_dense **out)
{
    (void)input_gradient;
    *out = ref_alloc(1, sizeof **out);
    (*out)->op = window_create(ops, layer);
    return CNN_OK;
}

void cnn_dense_destroy(cnn_dense **dense)
{
    free(*dense);
    *dense = NULL;
}

size_t cnn_dense_weights_size(const cnn_dense *dense)
{
    return dense->op.weights;
}

cnn_status cnn_dense_import(cnn_dense *dense, const float *ochw, float *weights)
{
    memcpy(weights, ochw, dense->op.weights * sizeof *weights);
    return CNN_OK;
}

cnn_status cnn_dense_export(cnn_dense *dense, const float *weights, float *ochw)
{
    memcpy(ochw, weights, dense->op.weights * sizeof *weights);
    return CNN_OK;
}

cnn_status cnn_dense_forward(cnn_dense *dense, int n, const float *x, const float *weights,
                             const float *bias, float *y)
{
    return window_forward(&dense->op, n, x, weights, bias, y);
}

cnn_status cnn_dense_backward_data(cnn_dense *dense, int n, const float *dy, const float *weights,
                                   float *dx)
{
    return window_backward_data(&dense->op, n, dy, weights, dx);
}

cnn_status cnn_dense_backward_weights(cnn_dense *dense, int n, const float *x, const float *dy,
                                      float *dweights, float *dbias)
{
    return window_backward_weights(&dense->op, n, x, dy, dweights, dbias);
}

/* ---- pools --------------------------------------------------------------------------------- */

struct cnn_pool {
    cnn_ops *ops;
    cnn_layer layer;
    int32_t *argmax; /* [max_batch, out] of the last forward in training */
};

cnn_status cnn_pool_create(cnn_ops *ops, const cnn_layer *layer, cnn_pool **out)
{
    *out = ref_alloc(1, sizeof **out);
    (*out)->ops = ops;
    (*out)->layer = *layer;
    (*out)->argmax =
        ref_alloc((size_t)ops->max_batch * (size_t)cnn_shape_size(layer->out), sizeof(int32_t));
    return CNN_OK;
}

void cnn_pool_destroy(cnn_pool **pool)
{
    if (*pool)
        free((*pool)->argmax);
    free(*pool);
    *pool = NULL;
}

cnn_status cnn_pool_forward(cnn_pool *pool, int n, bool training, const float *x, float *y)
{
    cnn_status st = check_batch(pool->ops, n);
    if (st != CNN_OK)
        return st;
    size_t out = (size_t)n * (size_t)cnn_shape_size(pool->layer.out);
    double *xd = widen(x, (size_t)n * (size_t)cnn_shape_size(pool->layer.in));
    double *yd = ref_alloc(out, sizeof *yd);
    ref_pool_forward(&pool->layer, n, xd, yd, training ? pool->argmax : NULL);
    narrow_and_free(yd, out, y);
    free(xd);
    return CNN_OK;
}

cnn_status cnn_pool_backward(cnn_pool *pool, int n, const float *dy, float *dx)
{
    cnn_status st = check_batch(pool->ops, n);
    if (st != CNN_OK)
        return st;
    size_t in = (size_t)n * (size_t)cnn_shape_size(pool->layer.in);
    double *yd = widen(dy, (size_t)n * (size_t)cnn_shape_size(pool->layer.out));
    double *xd = ref_alloc(in, sizeof *xd);
    ref_pool_backward(&pool->layer, n, pool->argmax, yd, xd);
    narrow_and_free(xd, in, dx);
    free(yd);
    return CNN_OK;
}
