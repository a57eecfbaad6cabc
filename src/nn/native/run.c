/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of nn/step.h, but for creation and destruction. */
#include "nn/native/step.h"

#include <stdlib.h>

/* ---- parameters ---------------------------------------------------------------------------- */

/* Means 0 and variances 1. */
static cnn_status reset_running(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const size_t count = (size_t)s->net.state_total;
    float *values = calloc(count ? count : 1, sizeof *values);
    CNN_CHECK(values != NULL, CNN_ENOMEM, "%zu running statistics", count);
    for (int i = 0; i < s->node_count; i++) {
        const cnn_node *node = &s->nodes[i];
        const int64_t both = node->layer->kind == CNN_LAYER_BATCHNORM ? node->layer->parameters : 0;
        for (int64_t k = both / 2; k < both; k++)
            values[node->running + (size_t)k] = 1;
    }
    CNN_TRY(cnn_ops_upload(s->ops, s->running, values, count * sizeof *values));
done:
    free(values);
    return st;
}

static cnn_status import_all(cnn_step *s, const float *parameters)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < s->parameter_count; i++) {
        const cnn_step_parameter *p = &s->parameters[i];
        const float *from = parameters + s->net.parameters[p->parameter].offset;
        float *to = s->weights + p->offset;
        CNN_TRY(p->layout ? s->backend->import(s, p, from, to)
                          : cnn_ops_upload(s->ops, to, from, p->size * sizeof *to));
    }
done:
    return st;
}

static cnn_status export_all(cnn_step *s, const float *arena, float *parameters)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < s->parameter_count; i++) {
        const cnn_step_parameter *p = &s->parameters[i];
        const float *from = arena + p->offset;
        float *to = parameters + s->net.parameters[p->parameter].offset;
        CNN_TRY(p->layout ? s->backend->export(s, p, from, to)
                          : cnn_ops_download(s->ops, to, from, p->size * sizeof *to));
    }
done:
    return st;
}

cnn_status cnn_step_reset(cnn_step *s, const float *parameters)
{
    cnn_status st = CNN_OK;
    const size_t bytes = s->parameter_size * sizeof(float);
    CNN_TRY(import_all(s, parameters));
    CNN_TRY(cnn_ops_zero(s->ops, s->weight_gradients, bytes));
    if (s->first)
        CNN_TRY(cnn_ops_zero(s->ops, s->first, bytes));
    if (s->second)
        CNN_TRY(cnn_ops_zero(s->ops, s->second, bytes));
    CNN_TRY(reset_running(s));
    if (s->backend->reset)
        CNN_TRY(s->backend->reset(s));
done:
    return st;
}

cnn_status cnn_step_parameters(cnn_step *s, float *parameters)
{
    return export_all(s, s->weights, parameters);
}

cnn_status cnn_step_gradients(cnn_step *s, float *gradients)
{
    return export_all(s, s->weight_gradients, gradients);
}

/* ---- passes -------------------------------------------------------------------------------- */

cnn_status cnn_step_forward(cnn_step *s, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < s->node_count; i++)
        CNN_TRY(s->nodes[i].class->forward(s, &s->nodes[i], pass));
done:
    return st;
}

cnn_status cnn_step_backward(cnn_step *s, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    for (int i = s->node_count - 1; i >= s->first_trained; i--)
        CNN_TRY(s->nodes[i].class->backward(s, &s->nodes[i], pass));
done:
    return st;
}

cnn_status cnn_step_differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    cnn_status st = CNN_OK;
    int n;
    CNN_TRY(cnn_feed_check(feed, &s->net));
    CNN_TRY(cnn_feed_batch_images(feed, s->train.batch_size, b, &n));
    CNN_TRY(s->backend->differentiate(s, feed, b, loss));
done:
    return st;
}

cnn_status cnn_step_train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                          float *seconds)
{
    cnn_status st = CNN_OK;
    const int64_t batches = cnn_feed_batches(feed, s->train.batch_size);
    CNN_TRY(cnn_feed_check(feed, &s->net));
    if (count == 0)
        return CNN_OK;
    CNN_CHECK(first >= 0 && count > 0 && first <= batches - count, CNN_EINVAL,
              "%lld batches from batch %lld on, of the %lld that the images make", (long long)count,
              (long long)first, (long long)batches);
    CNN_TRY(s->backend->train(s, feed, first, count, seconds));
done:
    return st;
}

cnn_status cnn_step_metrics(cnn_step *s, cnn_metrics *out)
{
    return s->backend->metrics(s, out);
}

cnn_status cnn_step_evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    const cnn_status st = cnn_feed_check(feed, &s->net);
    return st == CNN_OK ? s->backend->evaluate(s, feed, out) : st;
}

/* ---- for people ---------------------------------------------------------------------------- */

static void describe_grid(const cnn_grid *g, cnn_text *out)
{
    cnn_text_printf(out, "%dx%dx%d ", g->h, g->w, g->c);
    if (g->block == g->c)
        cnn_text_append(out, "NHWC");
    else if (g->block == 1)
        cnn_text_append(out, "NCHW");
    else
        cnn_text_printf(out, "nChw%dc", g->block);
}

void cnn_step_describe(const cnn_step *s, cnn_text *out)
{
    for (int i = 0; i < s->node_count; i++) {
        const cnn_node *node = &s->nodes[i];
        cnn_text_printf(out, "node %-2d ", i);
        describe_grid(&node->in, out);
        cnn_text_append(out, " -> ");
        describe_grid(&node->out, out);
        cnn_text_append(out, ": ");
        node->class->describe(s, node, out);
        cnn_text_append(out, "\n");
    }
    if (s->backend->describe)
        s->backend->describe(s, out);
    cnn_text_append(out, "\n");
    cnn_plan_describe(&s->plan, &s->net, out);
    cnn_text_printf(out, "parameters %zu values in one arena\n", s->parameter_size);
}
