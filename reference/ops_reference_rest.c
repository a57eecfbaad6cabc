/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of nn/ops.h in plain C: normalisation, elementwise work, loss, optimisers, data. */
#include "base/philox.h"
#include "nn/ops.h"
#include "reference_convert.h"

#include <stdlib.h>
#include <string.h>

/* ---- batch normalisation ------------------------------------------------------------------- */

struct cnn_batchnorm {
    cnn_layer layer;
    double *mean, *variance; /* [K] of the last forward in training */
};

cnn_status cnn_batchnorm_create(cnn_ops *ops, const cnn_layer *layer, cnn_batchnorm **out)
{
    (void)ops;
    *out = ref_alloc(1, sizeof **out);
    (*out)->layer = *layer;
    (*out)->mean = ref_alloc((size_t)ref_norm_count(layer), sizeof(double));
    (*out)->variance = ref_alloc((size_t)ref_norm_count(layer), sizeof(double));
    return CNN_OK;
}

void cnn_batchnorm_destroy(cnn_batchnorm **norm)
{
    if (*norm) {
        free((*norm)->mean);
        free((*norm)->variance);
    }
    free(*norm);
    *norm = NULL;
}

cnn_status cnn_batchnorm_forward_training(cnn_batchnorm *norm, int n, const float *x,
                                          const float *gamma, const float *beta,
                                          float *running_mean, float *running_variance, float *y)
{
    size_t k = (size_t)ref_norm_count(&norm->layer);
    size_t size = (size_t)n * (size_t)cnn_shape_size(norm->layer.in);
    double *xd = widen(x, size), *yd = ref_alloc(size, sizeof *yd);
    double *g = widen(gamma, k), *b = widen(beta, k);
    double *rm = widen(running_mean, k), *rv = widen(running_variance, k);
    ref_norm_forward_training(&norm->layer, n, xd, g, b, rm, rv, norm->mean, norm->variance, yd);
    narrow_and_free(yd, size, y);
    narrow_and_free(rm, k, running_mean);
    narrow_and_free(rv, k, running_variance);
    free(xd);
    free(g);
    free(b);
    return CNN_OK;
}

cnn_status cnn_batchnorm_forward_inference(cnn_batchnorm *norm, int n, const float *x,
                                           const float *gamma, const float *beta,
                                           const float *running_mean, const float *running_variance,
                                           float *y)
{
    size_t k = (size_t)ref_norm_count(&norm->layer);
    size_t size = (size_t)n * (size_t)cnn_shape_size(norm->layer.in);
    double *xd = widen(x, size), *yd = ref_alloc(size, sizeof *yd);
    double *g = widen(gamma, k), *b = widen(beta, k);
    double *rm = widen(running_mean, k), *rv = widen(running_variance, k);
    ref_norm_forward_inference(&norm->layer, n, xd, g, b, rm, rv, yd);
    narrow_and_free(yd, size, y);
    free(xd);
    free(g);
    free(b);
    free(rm);
    free(rv);
    return CNN_OK;
}

cnn_status cnn_batchnorm_backward(cnn_batchnorm *norm, int n, const float *x, const float *dy,
                                  const float *gamma, float *dx, float *dgamma, float *dbeta)
{
    size_t k = (size_t)ref_norm_count(&norm->layer);
    size_t size = (size_t)n * (size_t)cnn_shape_size(norm->layer.in);
    double *xd = widen(x, size), *dyd = widen(dy, size), *g = widen(gamma, k);
    double *dxd = ref_alloc(size, sizeof *dxd);
    double *dg = ref_alloc(k, sizeof *dg), *db = ref_alloc(k, sizeof *db);
    ref_norm_backward(&norm->layer, n, xd, dyd, g, norm->mean, norm->variance, dxd, dg, db);
    narrow_and_free(dxd, size, dx);
    narrow_and_free(dg, k, dgamma);
    narrow_and_free(db, k, dbeta);
    free(xd);
    free(dyd);
    free(g);
    return CNN_OK;
}

/* ---- relu and dropout ---------------------------------------------------------------------- */

cnn_status cnn_relu_forward(cnn_ops *ops, size_t size, const float *x, float *y)
{
    (void)ops;
    for (size_t i = 0; i < size; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
    return CNN_OK;
}

cnn_status cnn_relu_backward(cnn_ops *ops, size_t size, const float *y, const float *dy, float *dx)
{
    (void)ops;
    for (size_t i = 0; i < size; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
    return CNN_OK;
}

cnn_status cnn_dropout_apply(cnn_ops *ops, size_t size, double rate, uint64_t seed, int layer,
                             uint32_t step, const float *x, float *y)
{
    (void)ops;
    double *xd = widen(x, size), *yd = ref_alloc(size, sizeof *yd);
    ref_dropout(size, rate, seed, layer, step, xd, yd);
    narrow_and_free(yd, size, y);
    free(xd);
    return CNN_OK;
}

/* ---- loss ---------------------------------------------------------------------------------- */

struct cnn_loss {
    int classes;
    cnn_metrics counts;
};

cnn_status cnn_loss_create(cnn_ops *ops, int classes, cnn_loss **out)
{
    (void)ops;
    *out = ref_alloc(1, sizeof **out);
    (*out)->classes = classes;
    return CNN_OK;
}

void cnn_loss_destroy(cnn_loss **loss)
{
    free(*loss);
    *loss = NULL;
}

cnn_status cnn_loss_reset(cnn_loss *loss)
{
    loss->counts = (cnn_metrics){0};
    return CNN_OK;
}

cnn_status cnn_loss_apply(cnn_loss *loss, int n, const float *logits, const int32_t *labels,
                          float *dlogits)
{
    size_t size = (size_t)n * (size_t)loss->classes;
    double *zd = widen(logits, size), *dz = ref_alloc(size, sizeof *dz);
    ref_loss(loss->classes, n, zd, labels, &loss->counts.loss_sum, &loss->counts.errors, dz);
    loss->counts.images += n;
    if (dlogits)
        narrow_and_free(dz, size, dlogits);
    else
        free(dz);
    free(zd);
    return CNN_OK;
}

cnn_status cnn_loss_read(cnn_loss *loss, cnn_metrics *out)
{
    *out = loss->counts;
    return CNN_OK;
}

/* ---- optimisers ---------------------------------------------------------------------------- */

cnn_status cnn_sgd_update(cnn_ops *ops, size_t size, double rate, double momentum, const float *g,
                          float *velocity, float *w)
{
    (void)ops;
    double *gd = widen(g, size), *wd = widen(w, size);
    double *vd = momentum != 0 ? widen(velocity, size) : NULL;
    ref_sgd_update(size, rate, momentum, gd, vd, wd);
    narrow_and_free(wd, size, w);
    if (vd)
        narrow_and_free(vd, size, velocity);
    free(gd);
    return CNN_OK;
}

cnn_status cnn_adam_update(cnn_ops *ops, size_t size, double rate, int64_t step, const float *g,
                           float *m, float *v, float *w)
{
    (void)ops;
    double *gd = widen(g, size), *md = widen(m, size), *vd = widen(v, size), *wd = widen(w, size);
    ref_adam_update(size, rate, step, gd, md, vd, wd);
    narrow_and_free(md, size, m);
    narrow_and_free(vd, size, v);
    narrow_and_free(wd, size, w);
    free(gd);
    return CNN_OK;
}

/* ---- data ---------------------------------------------------------------------------------- */

cnn_status cnn_batch_gather(cnn_ops *ops, cnn_pixel pixel, double scale, const void *images,
                            const int32_t *labels, const int32_t *order, int64_t first, int n,
                            int64_t pixels, float *x, int32_t *y)
{
    (void)ops;
    for (int i = 0; i < n; i++) {
        int32_t image = order[first + i];
        for (int64_t p = 0; p < pixels; p++) {
            int64_t from = image * pixels + p;
            double value = pixel == CNN_PIXEL_U8 ? (double)((const uint8_t *)images)[from]
                                                 : (double)((const float *)images)[from];
            x[i * pixels + p] = (float)(value * scale);
        }
        y[i] = labels[image];
    }
    return CNN_OK;
}

cnn_status cnn_batch_shuffle(cnn_ops *ops, uint64_t seed, uint32_t epoch, int count, int32_t *order)
{
    (void)ops;
    return cnn_random_order(seed, CNN_RANDOM_SHUFFLE, epoch, count, order);
}
