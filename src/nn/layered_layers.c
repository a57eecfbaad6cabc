/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/layered_layers.h"

#include <stdlib.h>

static cnn_status alloc_values(cnn_ops *ops, size_t size, const char *what, float **out)
{
    void *memory = NULL;
    cnn_status st = cnn_ops_alloc(ops, size * sizeof(float), what, &memory);
    *out = memory;
    return st;
}

static cnn_status add_variable(cnn_layer_object *o, size_t size)
{
    cnn_variable *v = &o->variables[o->variable_count++];
    v->size = size;
    cnn_status st = alloc_values(o->ops, size, "parameters", &v->value);
    return st == CNN_OK ? alloc_values(o->ops, size, "parameters' gradient", &v->gradient) : st;
}

/* ---- conv2d -------------------------------------------------------------------------------- */

static cnn_status conv_create(cnn_layer_object *o, int max_batch)
{
    (void)max_batch;
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_conv2d_create(o->ops, &o->layer, o->input_gradient, &o->conv));
    CNN_TRY(add_variable(o, cnn_conv2d_weights_size(o->conv)));
    CNN_TRY(add_variable(o, (size_t)o->layer.out.c));
done:
    return st;
}

static void conv_destroy(cnn_layer_object *o)
{
    cnn_conv2d_destroy(&o->conv);
}

static cnn_status conv_forward(cnn_layer_object *o, const cnn_pass *pass, const float *x)
{
    return cnn_conv2d_forward(o->conv, pass->n, x, o->variables[0].value, o->variables[1].value,
                              o->y);
}

static cnn_status conv_backward(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                                const float *dy)
{
    cnn_status st = cnn_conv2d_backward_weights(o->conv, pass->n, x, dy, o->variables[0].gradient,
                                                o->variables[1].gradient);
    if (st != CNN_OK || !o->input_gradient)
        return st;
    return cnn_conv2d_backward_data(o->conv, pass->n, dy, o->variables[0].value, o->dx);
}

static cnn_status conv_import(cnn_layer_object *o, int variable, const float *canonical,
                              float *device)
{
    if (variable == 0)
        return cnn_conv2d_import(o->conv, canonical, device);
    return cnn_ops_upload(o->ops, device, canonical, o->variables[1].size * sizeof(float));
}

static cnn_status conv_export(cnn_layer_object *o, int variable, const float *device,
                              float *canonical)
{
    if (variable == 0)
        return cnn_conv2d_export(o->conv, device, canonical);
    return cnn_ops_download(o->ops, canonical, device, o->variables[1].size * sizeof(float));
}

/* ---- dense --------------------------------------------------------------------------------- */

static cnn_status dense_create(cnn_layer_object *o, int max_batch)
{
    (void)max_batch;
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_dense_create(o->ops, &o->layer, o->input_gradient, &o->dense));
    CNN_TRY(add_variable(o, cnn_dense_weights_size(o->dense)));
    CNN_TRY(add_variable(o, (size_t)o->layer.out.c));
done:
    return st;
}

static void dense_destroy(cnn_layer_object *o)
{
    cnn_dense_destroy(&o->dense);
}

static cnn_status dense_forward(cnn_layer_object *o, const cnn_pass *pass, const float *x)
{
    return cnn_dense_forward(o->dense, pass->n, x, o->variables[0].value, o->variables[1].value,
                             o->y);
}

static cnn_status dense_backward(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                                 const float *dy)
{
    cnn_status st = cnn_dense_backward_weights(o->dense, pass->n, x, dy, o->variables[0].gradient,
                                               o->variables[1].gradient);
    if (st != CNN_OK || !o->input_gradient)
        return st;
    return cnn_dense_backward_data(o->dense, pass->n, dy, o->variables[0].value, o->dx);
}

static cnn_status dense_import(cnn_layer_object *o, int variable, const float *canonical,
                               float *device)
{
    if (variable == 0)
        return cnn_dense_import(o->dense, canonical, device);
    return cnn_ops_upload(o->ops, device, canonical, o->variables[1].size * sizeof(float));
}

static cnn_status dense_export(cnn_layer_object *o, int variable, const float *device,
                               float *canonical)
{
    if (variable == 0)
        return cnn_dense_export(o->dense, device, canonical);
    return cnn_ops_download(o->ops, canonical, device, o->variables[1].size * sizeof(float));
}

/* ---- pools --------------------------------------------------------------------------------- */

static cnn_status pool_create(cnn_layer_object *o, int max_batch)
{
    (void)max_batch;
    return cnn_pool_create(o->ops, &o->layer, &o->pool);
}

static void pool_destroy(cnn_layer_object *o)
{
    cnn_pool_destroy(&o->pool);
}

static cnn_status pool_forward(cnn_layer_object *o, const cnn_pass *pass, const float *x)
{
    return cnn_pool_forward(o->pool, pass->n, pass->training, x, o->y);
}

static cnn_status pool_backward(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                                const float *dy)
{
    (void)x;
    return cnn_pool_backward(o->pool, pass->n, dy, o->dx);
}

/* ---- batch normalisation ------------------------------------------------------------------- */

static size_t norm_statistics(const cnn_layer_object *o)
{
    return (size_t)(o->layer.axis == CNN_AXIS_HEIGHT ? o->layer.in.h : o->layer.in.c);
}

static cnn_status norm_create(cnn_layer_object *o, int max_batch)
{
    cnn_status st = CNN_OK;
    size_t k = norm_statistics(o);
    CNN_TRY(cnn_batchnorm_create(o->ops, &o->layer, &o->norm));
    CNN_TRY(add_variable(o, k));
    CNN_TRY(add_variable(o, k));
    CNN_TRY(alloc_values(o->ops, k, "running means", &o->running_mean));
    CNN_TRY(alloc_values(o->ops, k, "running variances", &o->running_variance));
    if (!o->dx) /* the library always computes it */
        CNN_TRY(alloc_values(o->ops, (size_t)max_batch * (size_t)cnn_shape_size(o->layer.in),
                             "input gradient of batchnorm", &o->dx));
done:
    return st;
}

static void norm_destroy(cnn_layer_object *o)
{
    cnn_batchnorm_destroy(&o->norm);
    cnn_ops_free(o->ops, (void **)&o->running_mean);
    cnn_ops_free(o->ops, (void **)&o->running_variance);
}

static cnn_status norm_reset(cnn_layer_object *o)
{
    cnn_status st = CNN_OK;
    size_t k = norm_statistics(o);
    float *ones = NULL;
    CNN_CHECK((ones = malloc(k * sizeof *ones)) != NULL, CNN_ENOMEM, "%zu running variances", k);
    for (size_t i = 0; i < k; i++)
        ones[i] = 1;
    CNN_TRY(cnn_ops_zero(o->ops, o->running_mean, k * sizeof(float)));
    CNN_TRY(cnn_ops_upload(o->ops, o->running_variance, ones, k * sizeof(float)));
done:
    free(ones);
    return st;
}

static cnn_status norm_forward(cnn_layer_object *o, const cnn_pass *pass, const float *x)
{
    const float *gamma = o->variables[0].value, *beta = o->variables[1].value;
    if (pass->training)
        return cnn_batchnorm_forward_training(o->norm, pass->n, x, gamma, beta, o->running_mean,
                                              o->running_variance, o->y);
    return cnn_batchnorm_forward_inference(o->norm, pass->n, x, gamma, beta, o->running_mean,
                                           o->running_variance, o->y);
}

static cnn_status norm_backward(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                                const float *dy)
{
    return cnn_batchnorm_backward(o->norm, pass->n, x, dy, o->variables[0].value, o->dx,
                                  o->variables[0].gradient, o->variables[1].gradient);
}

/* ---- relu and dropout ---------------------------------------------------------------------- */

static size_t batch_values(const cnn_layer_object *o, const cnn_pass *pass)
{
    return (size_t)pass->n * (size_t)cnn_shape_size(o->layer.out);
}

static cnn_status relu_forward(cnn_layer_object *o, const cnn_pass *pass, const float *x)
{
    return cnn_relu_forward(o->ops, batch_values(o, pass), x, o->y);
}

static cnn_status relu_backward(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                                const float *dy)
{
    (void)x;
    return cnn_relu_backward(o->ops, batch_values(o, pass), o->y, dy, o->dx);
}

static cnn_status dropout(cnn_layer_object *o, const cnn_pass *pass, const float *from, float *to)
{
    double rate = pass->training ? o->layer.rate : 0; /* rate 0 copies */
    return cnn_dropout_apply(o->ops, batch_values(o, pass), rate, o->seed, o->index, pass->step,
                             from, to);
}

static cnn_status dropout_forward(cnn_layer_object *o, const cnn_pass *pass, const float *x)
{
    return dropout(o, pass, x, o->y);
}

static cnn_status dropout_backward(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                                   const float *dy)
{
    (void)x;
    return dropout(o, pass, dy, o->dx);
}

/* ---- any kind ------------------------------------------------------------------------------ */

static const cnn_layer_class conv_class = {
    .create = conv_create,
    .destroy = conv_destroy,
    .forward = conv_forward,
    .backward = conv_backward,
    .import = conv_import,
    .export = conv_export,
};
static const cnn_layer_class dense_class = {
    .create = dense_create,
    .destroy = dense_destroy,
    .forward = dense_forward,
    .backward = dense_backward,
    .import = dense_import,
    .export = dense_export,
};
static const cnn_layer_class pool_class = {
    .create = pool_create,
    .destroy = pool_destroy,
    .forward = pool_forward,
    .backward = pool_backward,
};
static const cnn_layer_class norm_class = {
    .create = norm_create,
    .destroy = norm_destroy,
    .forward = norm_forward,
    .backward = norm_backward,
    .reset = norm_reset,
};
static const cnn_layer_class relu_class = {.forward = relu_forward, .backward = relu_backward};
static const cnn_layer_class dropout_class = {.forward = dropout_forward,
                                              .backward = dropout_backward};

static const cnn_layer_class *const classes[] = {
    [CNN_LAYER_CONV2D] = &conv_class,    [CNN_LAYER_RELU] = &relu_class,
    [CNN_LAYER_MAXPOOL] = &pool_class,   [CNN_LAYER_AVGPOOL] = &pool_class,
    [CNN_LAYER_BATCHNORM] = &norm_class, [CNN_LAYER_DROPOUT] = &dropout_class,
    [CNN_LAYER_DENSE] = &dense_class,
};

cnn_status cnn_layer_object_create(cnn_ops *ops, const cnn_layer *layer, int index, int max_batch,
                                   bool input_gradient, uint64_t seed, cnn_layer_object *o)
{
    cnn_status st = CNN_OK;
    *o = (cnn_layer_object){.class = classes[layer->kind],
                            .ops = ops,
                            .layer = *layer,
                            .index = index,
                            .seed = seed,
                            .input_gradient = input_gradient};
    size_t batch = (size_t)max_batch;
    CNN_TRY(alloc_values(ops, batch * (size_t)cnn_shape_size(layer->out), "activations", &o->y));
    if (input_gradient)
        CNN_TRY(alloc_values(ops, batch * (size_t)cnn_shape_size(layer->in),
                             "gradient of activations", &o->dx));
    if (o->class->create)
        CNN_TRY(o->class->create(o, max_batch));
done:
    if (st != CNN_OK)
        cnn_error_prefix(st, "layer %d (%s)", index + 1, cnn_layer_kind_name(layer->kind));
    return st;
}

void cnn_layer_object_destroy(cnn_layer_object *o)
{
    if (!o->class)
        return;
    if (o->class->destroy)
        o->class->destroy(o);
    for (int v = 0; v < o->variable_count; v++) {
        cnn_ops_free(o->ops, (void **)&o->variables[v].value);
        cnn_ops_free(o->ops, (void **)&o->variables[v].gradient);
        cnn_ops_free(o->ops, (void **)&o->variables[v].first);
        cnn_ops_free(o->ops, (void **)&o->variables[v].second);
    }
    cnn_ops_free(o->ops, (void **)&o->y);
    cnn_ops_free(o->ops, (void **)&o->dx);
    *o = (cnn_layer_object){0};
}

cnn_status cnn_layer_object_import(cnn_layer_object *o, int variable, const float *canonical)
{
    const cnn_variable *v = &o->variables[variable];
    if (o->class->import)
        return o->class->import(o, variable, canonical, v->value);
    return cnn_ops_upload(o->ops, v->value, canonical, v->size * sizeof(float));
}

cnn_status cnn_layer_object_export(cnn_layer_object *o, int variable, const float *device,
                                   float *canonical)
{
    if (o->class->export)
        return o->class->export(o, variable, device, canonical);
    return cnn_ops_download(o->ops, canonical, device, o->variables[variable].size * sizeof(float));
}
