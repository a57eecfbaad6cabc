/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/layered.h"

#include "nn/layered_layers.h"

#include <stdlib.h>

enum { MAX_CALLBACKS = 8 };

struct cnn_layered {
    cnn_ops *ops; /* borrowed */
    cnn_network net;
    cnn_train train;
    cnn_layer_object layers[CNN_MAX_LAYERS];
    int first_trained; /* backward ends here: nothing before it has variables */
    float *x;          /* f32 [batch, in] on the device */
    int32_t *y;        /* i32 [batch] on the device */
    float *dlogits;    /* f32 [batch, classes] on the device */
    cnn_loss *training, *evaluation;
    int64_t updates; /* since the last reset */
    int callback_count;
    struct {
        cnn_batch_callback call;
        void *user;
    } callbacks[MAX_CALLBACKS];
};

/* ---- making ------------------------------------------------------------------------------- */

static cnn_status create_buffers(cnn_layered *m)
{
    cnn_status st = CNN_OK;
    size_t batch = (size_t)m->train.batch_size;
    CNN_TRY(cnn_ops_alloc(m->ops, batch * (size_t)cnn_shape_size(m->net.input) * sizeof(float),
                          "a batch of images", (void **)&m->x));
    CNN_TRY(cnn_ops_alloc(m->ops, batch * sizeof(int32_t), "a batch of labels", (void **)&m->y));
    CNN_TRY(cnn_ops_alloc(m->ops, batch * (size_t)m->net.classes * sizeof(float),
                          "gradient of the logits", (void **)&m->dlogits));
    CNN_TRY(cnn_loss_create(m->ops, m->net.classes, &m->training));
    CNN_TRY(cnn_loss_create(m->ops, m->net.classes, &m->evaluation));
done:
    return st;
}

static cnn_status create_layers(cnn_layered *m, uint64_t seed)
{
    cnn_status st = CNN_OK;
    while (m->net.layers[m->first_trained].parameters == 0) /* the last layer has parameters */
        m->first_trained++;
    for (int i = 0; i < m->net.layer_count; i++)
        CNN_TRY(cnn_layer_object_create(m->ops, &m->net.layers[i], i, m->train.batch_size,
                                        i > m->first_trained, seed, &m->layers[i]));
done:
    return st;
}

/* What the optimiser keeps for each variable. */
static cnn_status create_optimizer(cnn_layered *m)
{
    cnn_status st = CNN_OK;
    bool adam = m->train.optimizer == CNN_OPTIMIZER_ADAM;
    if (!adam && m->train.momentum == 0)
        return CNN_OK;
    for (int i = 0; i < m->net.layer_count; i++) {
        cnn_layer_object *o = &m->layers[i];
        for (int k = 0; k < o->variable_count; k++) {
            cnn_variable *v = &o->variables[k];
            size_t bytes = v->size * sizeof(float);
            CNN_TRY(cnn_ops_alloc(m->ops, bytes, "the optimiser's state", (void **)&v->first));
            if (adam)
                CNN_TRY(cnn_ops_alloc(m->ops, bytes, "the optimiser's state", (void **)&v->second));
        }
    }
done:
    return st;
}

cnn_status cnn_layered_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                              uint64_t seed, cnn_layered **out)
{
    cnn_status st = CNN_OK;
    cnn_layered *m = NULL;
    CNN_CHECK(ops && net && train && out && net->parameter_total > 0, CNN_EINVAL,
              "a model needs a device, an inferred network and training settings");
    CNN_CHECK(train->batch_size <= cnn_ops_max_batch(ops), CNN_EINVAL,
              "batches of %d images, but the device was opened for %d", train->batch_size,
              cnn_ops_max_batch(ops));
    CNN_CHECK((m = calloc(1, sizeof *m)) != NULL, CNN_ENOMEM, "a layered model");
    m->ops = ops;
    m->net = *net;
    m->train = *train;
    CNN_TRY(create_buffers(m));
    CNN_TRY(create_layers(m, seed));
    CNN_TRY(create_optimizer(m));
    *out = m;
    m = NULL; /* the caller owns it now */
done:
    cnn_layered_destroy(&m);
    return st;
}

void cnn_layered_destroy(cnn_layered **model)
{
    cnn_layered *m = *model;
    if (!m)
        return;
    for (int i = 0; i < m->net.layer_count; i++)
        cnn_layer_object_destroy(&m->layers[i]);
    cnn_ops_free(m->ops, (void **)&m->x);
    cnn_ops_free(m->ops, (void **)&m->y);
    cnn_ops_free(m->ops, (void **)&m->dlogits);
    cnn_loss_destroy(&m->training);
    cnn_loss_destroy(&m->evaluation);
    free(m);
    *model = NULL;
}

cnn_status cnn_layered_on_batch(cnn_layered *m, cnn_batch_callback call, void *user)
{
    if (m->callback_count == MAX_CALLBACKS)
        return cnn_error_set(CNN_EINVAL, "a model takes at most %d callbacks", MAX_CALLBACKS);
    m->callbacks[m->callback_count].call = call;
    m->callbacks[m->callback_count++].user = user;
    return CNN_OK;
}

/* ---- parameters --------------------------------------------------------------------------- */

static cnn_status reset_variable(cnn_layered *m, cnn_layer_object *o, int k, const float *canonical)
{
    cnn_status st = CNN_OK;
    cnn_variable *v = &o->variables[k];
    CNN_TRY(cnn_layer_object_import(o, k, canonical));
    CNN_TRY(cnn_ops_zero(m->ops, v->gradient, v->size * sizeof(float)));
    if (v->first)
        CNN_TRY(cnn_ops_zero(m->ops, v->first, v->size * sizeof(float)));
    if (v->second)
        CNN_TRY(cnn_ops_zero(m->ops, v->second, v->size * sizeof(float)));
done:
    return st;
}

cnn_status cnn_layered_reset(cnn_layered *m, const float *parameters)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < m->net.layer_count; i++) {
        cnn_layer_object *o = &m->layers[i];
        const cnn_parameter *p = &m->net.parameters[m->net.layers[i].first_parameter];
        for (int k = 0; k < o->variable_count; k++)
            CNN_TRY(reset_variable(m, o, k, parameters + p[k].offset));
        if (o->class->reset)
            CNN_TRY(o->class->reset(o));
    }
    m->updates = 0;
    CNN_TRY(cnn_loss_reset(m->training));
done:
    return st;
}

/* All variables, or their gradients, into canonical order. */
static cnn_status export_all(cnn_layered *m, bool gradients, float *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_ops_sync(m->ops));
    for (int i = 0; i < m->net.layer_count; i++) {
        cnn_layer_object *o = &m->layers[i];
        const cnn_parameter *p = &m->net.parameters[m->net.layers[i].first_parameter];
        for (int k = 0; k < o->variable_count; k++) {
            const cnn_variable *v = &o->variables[k];
            CNN_TRY(cnn_layer_object_export(o, k, gradients ? v->gradient : v->value,
                                            out + p[k].offset));
        }
    }
done:
    return st;
}

cnn_status cnn_layered_parameters(cnn_layered *m, float *parameters)
{
    return export_all(m, false, parameters);
}

cnn_status cnn_layered_gradients(cnn_layered *m, float *gradients)
{
    return export_all(m, true, gradients);
}

/* ---- one batch ---------------------------------------------------------------------------- */

static const float *output_of(const cnn_layered *m, int layer)
{
    return layer < 0 ? m->x : m->layers[layer].y;
}

static cnn_status forward(cnn_layered *m, const cnn_pass *pass)
{
    for (int i = 0; i < m->net.layer_count; i++) {
        cnn_layer_object *o = &m->layers[i];
        cnn_status st = o->class->forward(o, pass, output_of(m, i - 1));
        if (st != CNN_OK)
            return st;
    }
    return CNN_OK;
}

static cnn_status backward(cnn_layered *m, const cnn_pass *pass)
{
    const float *dy = m->dlogits;
    for (int i = m->net.layer_count - 1; i >= m->first_trained; i--) {
        cnn_layer_object *o = &m->layers[i];
        cnn_status st = o->class->backward(o, pass, output_of(m, i - 1), dy);
        if (st != CNN_OK)
            return st;
        dy = o->dx;
    }
    return CNN_OK;
}

static cnn_status update_variable(cnn_layered *m, cnn_variable *v)
{
    if (m->train.optimizer == CNN_OPTIMIZER_ADAM)
        return cnn_adam_update(m->ops, v->size, m->train.learning_rate, m->updates + 1, v->gradient,
                               v->first, v->second, v->value);
    return cnn_sgd_update(m->ops, v->size, m->train.learning_rate, m->train.momentum, v->gradient,
                          v->first, v->value);
}

static cnn_status update(cnn_layered *m)
{
    for (int i = m->first_trained; i < m->net.layer_count; i++) {
        cnn_layer_object *o = &m->layers[i];
        for (int k = 0; k < o->variable_count; k++) {
            cnn_status st = update_variable(m, &o->variables[k]);
            if (st != CNN_OK)
                return st;
        }
    }
    m->updates++;
    return CNN_OK;
}

/* Fetches batch b and runs it forward; *pass describes it. */
static cnn_status run_forward(cnn_layered *m, const cnn_feed *feed, int64_t b, bool training,
                              cnn_pass *pass)
{
    cnn_status st = CNN_OK;
    *pass = (cnn_pass){.training = training, .step = (uint32_t)m->updates};
    CNN_TRY(cnn_feed_batch(feed, m->train.batch_size, b, m->x, m->y, &pass->n));
    CNN_TRY(forward(m, pass));
done:
    return st;
}

static cnn_status train_batch(cnn_layered *m, const cnn_feed *feed, int64_t b)
{
    cnn_status st = CNN_OK;
    cnn_pass pass;
    CNN_TRY(run_forward(m, feed, b, true, &pass));
    CNN_TRY(cnn_loss_apply(m->training, pass.n, output_of(m, m->net.layer_count - 1), m->y,
                           m->dlogits));
    CNN_TRY(backward(m, &pass));
    CNN_TRY(update(m));
    for (int c = 0; c < m->callback_count; c++)
        CNN_TRY(m->callbacks[c].call(m->callbacks[c].user, b, pass.n));
done:
    return st;
}

/* ---- fit, evaluate ------------------------------------------------------------------------ */

cnn_status cnn_layered_differentiate(cnn_layered *m, const cnn_feed *feed, int64_t b, double *loss)
{
    cnn_status st = CNN_OK;
    cnn_pass pass;
    cnn_metrics counts;
    CNN_TRY(cnn_feed_check(feed, &m->net));
    CNN_TRY(cnn_loss_reset(m->evaluation));
    CNN_TRY(run_forward(m, feed, b, true, &pass));
    CNN_TRY(cnn_loss_apply(m->evaluation, pass.n, output_of(m, m->net.layer_count - 1), m->y,
                           m->dlogits));
    CNN_TRY(backward(m, &pass));
    CNN_TRY(cnn_loss_read(m->evaluation, &counts));
    *loss = counts.loss_sum / (double)counts.images;
done:
    return st;
}

cnn_status cnn_layered_train(cnn_layered *m, const cnn_feed *feed, int64_t first, int64_t count)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_feed_check(feed, &m->net));
    for (int64_t b = first; b < first + count; b++)
        CNN_TRY(train_batch(m, feed, b));
done:
    return st;
}

cnn_status cnn_layered_metrics(cnn_layered *m, cnn_metrics *out)
{
    cnn_status st = cnn_loss_read(m->training, out);
    return st == CNN_OK ? cnn_loss_reset(m->training) : st;
}

cnn_status cnn_layered_evaluate(cnn_layered *m, const cnn_feed *feed, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    cnn_pass pass;
    int64_t batches = cnn_feed_batches(feed, m->train.batch_size);
    CNN_TRY(cnn_feed_check(feed, &m->net));
    CNN_TRY(cnn_loss_reset(m->evaluation));
    for (int64_t b = 0; b < batches; b++) {
        CNN_TRY(run_forward(m, feed, b, false, &pass));
        CNN_TRY(cnn_loss_apply(m->evaluation, pass.n, output_of(m, m->net.layer_count - 1), m->y,
                               NULL));
    }
    CNN_TRY(cnn_loss_read(m->evaluation, out));
done:
    return st;
}

void cnn_layered_describe(const cnn_layered *m, cnn_text *out)
{
    cnn_network_describe(&m->net, out);
    cnn_text_printf(out,
                    "driven layer by layer: one library call per layer and direction, nothing "
                    "fused; backward ends at layer %d\n",
                    m->first_trained + 1);
}
