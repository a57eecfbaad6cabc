/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter of network descriptions in double precision. */
#include "reference.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ref_network {
    cnn_network net;
    cnn_train train;
    uint64_t seed;
    int64_t updates;
    double jitter; /* share of a layer's largest output */
    uint32_t jitter_stream;
    double *parameters, *gradients, *first, *second; /* [parameter_total] */
    double *state;                                   /* [state_total] */
    double *y[CNN_MAX_LAYERS + 1];  /* y[i] is layer i's input, y[i+1] its output */
    double *dy[CNN_MAX_LAYERS + 1]; /* their gradients */
    int32_t *argmax[CNN_MAX_LAYERS];
    double *statistics[CNN_MAX_LAYERS]; /* batchnorm: the batch's mean [K], variance [K] */
    double *running[CNN_MAX_LAYERS];    /* borrowed from state: mean [K], variance [K] */
};

ref_network *ref_network_create(const cnn_network *net, const cnn_train *train, uint64_t seed,
                                int max_batch)
{
    ref_network *r = ref_alloc(1, sizeof *r);
    size_t total = (size_t)net->parameter_total, batch = (size_t)max_batch;
    r->net = *net;
    r->train = *train;
    r->seed = seed;
    r->parameters = ref_alloc(total, sizeof(double));
    r->gradients = ref_alloc(total, sizeof(double));
    r->first = ref_alloc(total, sizeof(double));
    r->second = ref_alloc(total, sizeof(double));
    r->state = ref_alloc((size_t)net->state_total, sizeof(double));
    double *running = r->state;
    for (int i = 0; i <= net->layer_count; i++) {
        cnn_shape shape = i ? net->layers[i - 1].out : net->input;
        r->y[i] = ref_alloc(batch * (size_t)cnn_shape_size(shape), sizeof(double));
        r->dy[i] = ref_alloc(batch * (size_t)cnn_shape_size(shape), sizeof(double));
    }
    for (int i = 0; i < net->layer_count; i++) {
        const cnn_layer *l = &net->layers[i];
        r->argmax[i] = ref_alloc(batch * (size_t)cnn_shape_size(l->out), sizeof(int32_t));
        if (l->kind != CNN_LAYER_BATCHNORM)
            continue;
        r->statistics[i] = ref_alloc(2 * (size_t)ref_norm_count(l), sizeof(double));
        r->running[i] = running;
        running += 2 * ref_norm_count(l);
    }
    return r;
}

void ref_network_destroy(ref_network **handle)
{
    ref_network *r = *handle;
    if (!r)
        return;
    for (int i = 0; i <= r->net.layer_count; i++) {
        free(r->y[i]);
        free(r->dy[i]);
    }
    for (int i = 0; i < r->net.layer_count; i++) {
        free(r->argmax[i]);
        free(r->statistics[i]);
    }
    free(r->parameters);
    free(r->gradients);
    free(r->first);
    free(r->second);
    free(r->state);
    free(r);
    *handle = NULL;
}

void ref_network_reset(ref_network *r, const float *parameters)
{
    size_t total = (size_t)r->net.parameter_total;
    for (size_t i = 0; i < total; i++)
        r->parameters[i] = (double)parameters[i];
    memset(r->gradients, 0, total * sizeof(double));
    memset(r->first, 0, total * sizeof(double));
    memset(r->second, 0, total * sizeof(double));
    for (int i = 0; i < r->net.layer_count; i++) {
        if (!r->running[i])
            continue;
        int k = ref_norm_count(&r->net.layers[i]);
        for (int s = 0; s < 2 * k; s++)
            r->running[i][s] = s < k ? 0 : 1;
    }
    r->updates = 0;
}

double *ref_network_parameters(ref_network *r)
{
    return r->parameters;
}

const double *ref_network_gradients(const ref_network *r)
{
    return r->gradients;
}

const double *ref_network_state(const ref_network *r)
{
    return r->state;
}

/* First value of tensor 0 or 1 (weights or bias) of layer i in a flat vector. */
static double *tensor(const ref_network *r, double *flat, int i, int which)
{
    return flat + r->net.parameters[r->net.layers[i].first_parameter + which].offset;
}

static void forward_norm(ref_network *r, int i, int n, bool training)
{
    const cnn_layer *l = &r->net.layers[i];
    int k = ref_norm_count(l);
    const double *gamma = tensor(r, r->parameters, i, 0), *beta = tensor(r, r->parameters, i, 1);
    double *running = r->running[i], *batch = r->statistics[i];
    if (training)
        ref_norm_forward_training(l, n, r->y[i], gamma, beta, running, running + k, batch,
                                  batch + k, r->y[i + 1]);
    else
        ref_norm_forward_inference(l, n, r->y[i], gamma, beta, running, running + k, r->y[i + 1]);
}

static void forward_layer(ref_network *r, int i, int n, bool training)
{
    const cnn_layer *l = &r->net.layers[i];
    const double *x = r->y[i];
    double *y = r->y[i + 1];
    size_t size = (size_t)n * (size_t)cnn_shape_size(l->out);
    switch (l->kind) {
    case CNN_LAYER_CONV2D:
    case CNN_LAYER_DENSE:
        ref_conv_forward(l, n, x, tensor(r, r->parameters, i, 0), tensor(r, r->parameters, i, 1),
                         y);
        break;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        ref_pool_forward(l, n, x, y, r->argmax[i]);
        break;
    case CNN_LAYER_BATCHNORM:
        forward_norm(r, i, n, training);
        break;
    case CNN_LAYER_RELU:
        ref_relu_forward(size, x, y);
        break;
    case CNN_LAYER_DROPOUT:
        ref_dropout(size, training ? l->rate : 0, r->seed, i, (uint32_t)r->updates, x, y);
        break;
    }
}

void ref_network_jitter(ref_network *r, double share, uint32_t stream)
{
    r->jitter = share;
    r->jitter_stream = stream;
}

static void jitter_layer(ref_network *r, int i, int n)
{
    size_t size = (size_t)n * (size_t)cnn_shape_size(r->net.layers[i].out);
    double *y = r->y[i + 1], largest = 0;
    for (size_t k = 0; k < size; k++)
        largest = fmax(largest, fabs(y[k]));
    for (size_t k = 0; k < size; k++) {
        uint32_t word = cnn_philox_at(r->jitter_stream, CNN_RANDOM_SYNTHETIC, (uint32_t)i, k).w[0];
        y[k] += r->jitter * largest * (2 * cnn_random_unit(word) - 1);
    }
}

static void backward_layer(ref_network *r, int i, int n)
{
    const cnn_layer *l = &r->net.layers[i];
    const double *x = r->y[i], *dy = r->dy[i + 1];
    double *dx = r->dy[i];
    size_t size = (size_t)n * (size_t)cnn_shape_size(l->out);
    switch (l->kind) {
    case CNN_LAYER_CONV2D:
    case CNN_LAYER_DENSE:
        ref_conv_backward_weights(l, n, x, dy, tensor(r, r->gradients, i, 0),
                                  tensor(r, r->gradients, i, 1));
        if (i > 0)
            ref_conv_backward_data(l, n, dy, tensor(r, r->parameters, i, 0), dx);
        break;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        ref_pool_backward(l, n, r->argmax[i], dy, dx);
        break;
    case CNN_LAYER_BATCHNORM:
        ref_norm_backward(l, n, x, dy, tensor(r, r->parameters, i, 0), r->statistics[i],
                          r->statistics[i] + ref_norm_count(l), dx, tensor(r, r->gradients, i, 0),
                          tensor(r, r->gradients, i, 1));
        break;
    case CNN_LAYER_RELU:
        ref_relu_backward(size, r->y[i + 1], dy, dx);
        break;
    case CNN_LAYER_DROPOUT:
        ref_dropout(size, l->rate, r->seed, i, (uint32_t)r->updates, dy, dx);
        break;
    }
}

const double *ref_network_forward(ref_network *r, int n, bool training, const double *x)
{
    memcpy(r->y[0], x, (size_t)n * (size_t)cnn_shape_size(r->net.input) * sizeof(double));
    for (int i = 0; i < r->net.layer_count; i++) {
        forward_layer(r, i, n, training);
        if (r->jitter != 0 && r->net.layers[i].parameters > 0)
            jitter_layer(r, i, n);
    }
    return r->y[r->net.layer_count];
}

double ref_network_differentiate(ref_network *r, int n, const double *x, const int32_t *labels,
                                 int64_t *errors)
{
    double loss = 0;
    int64_t wrong = 0;
    const double *logits = ref_network_forward(r, n, true, x);
    ref_loss(r->net.classes, n, logits, labels, &loss, &wrong, r->dy[r->net.layer_count]);
    for (int i = r->net.layer_count - 1; i >= 0; i--)
        backward_layer(r, i, n);
    if (errors)
        *errors += wrong;
    return loss / n;
}

void ref_network_update(ref_network *r)
{
    size_t total = (size_t)r->net.parameter_total;
    r->updates++;
    if (r->train.optimizer == CNN_OPTIMIZER_ADAM)
        ref_adam_update(total, r->train.learning_rate, r->updates, r->gradients, r->first,
                        r->second, r->parameters);
    else
        ref_sgd_update(total, r->train.learning_rate, r->train.momentum, r->gradients, r->first,
                       r->parameters);
}
