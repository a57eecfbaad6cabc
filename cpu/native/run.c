/* SPDX-License-Identifier: Apache-2.0 */
/* The native path's public functions: creation, parameters, training, evaluation. */
#include "base/clock.h"
#include "cpu/native/internal.h"

#include <stdlib.h>
#include <string.h>

cnn_status cnn_step_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                           uint64_t seed, cnn_step **out)
{
    cnn_status st = CNN_OK;
    cnn_step *s = NULL;
    int unused;
    CNN_CHECK(ops && net && train && out && net->parameter_total > 0, CNN_EINVAL,
              "a training step needs a device, an inferred network and training settings");
    CNN_TRY(cnn_cpu_size_index(ops, train->batch_size, &unused));
    CNN_CHECK((s = calloc(1, sizeof *s)), CNN_ENOMEM, "a training step");
    s->ops = ops;
    s->net = *net;
    s->train = *train;
    s->seed = seed;
    CNN_TRY(cnn_step_build(s));
    *out = s;
    s = NULL;
done:
    cnn_step_destroy(&s);
    return st;
}

void cnn_step_destroy(cnn_step **step)
{
    cnn_step *s = *step;
    if (!s)
        return;
    for (int i = 0; i < s->node_count; i++)
        if (s->nodes[i].class && s->nodes[i].class->destroy)
            s->nodes[i].class->destroy(&s->nodes[i]);
    free(s->arena);
    free(s->weights);
    free(s->weight_gradients);
    free(s->first);
    free(s->second);
    free(s->running);
    free(s->labels);
    free(s);
    *step = NULL;
}

/* ---- parameters ---------------------------------------------------------------------------- */

static void reset_running(cnn_step *s)
{
    float *at = s->running;
    for (int i = 0; i < s->net.layer_count; i++) {
        const cnn_layer *l = &s->net.layers[i];
        if (l->kind != CNN_LAYER_BATCHNORM)
            continue;
        for (int64_t k = 0; k < l->parameters; k++)
            at[k] = k < l->parameters / 2 ? 0 : 1; /* means, variances */
        at += l->parameters;
    }
}

cnn_status cnn_step_reset(cnn_step *s, const float *parameters)
{
    cnn_status st = CNN_OK;
    const size_t bytes = s->parameter_size * sizeof(float);
    for (int i = 0; i < s->parameter_count; i++) {
        const cnn_step_parameter *p = &s->parameters[i];
        const float *from = parameters + s->net.parameters[p->parameter].offset;
        float *to = s->weights + p->offset;
        if (p->weighted)
            CNN_TRY(cnn_weighted_import(p->weighted, from, to));
        else
            memcpy(to, from, p->size * sizeof(float));
    }
    memset(s->weight_gradients, 0, bytes);
    if (s->first)
        memset(s->first, 0, bytes);
    if (s->second)
        memset(s->second, 0, bytes);
    reset_running(s);
    s->updates = 0;
    s->training = (cnn_metrics){0};
done:
    return st;
}

static cnn_status export_all(cnn_step *s, const float *arena, float *out)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < s->parameter_count; i++) {
        const cnn_step_parameter *p = &s->parameters[i];
        float *to = out + s->net.parameters[p->parameter].offset;
        if (p->weighted)
            CNN_TRY(cnn_weighted_export(p->weighted, arena + p->offset, to));
        else
            memcpy(to, arena + p->offset, p->size * sizeof(float));
    }
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

/* ---- one batch ----------------------------------------------------------------------------- */

/* The batch's images straight into the first node's layout; *n: how many. */
static cnn_status gather(cnn_step *s, const cnn_feed *feed, int64_t b, int *n)
{
    const int64_t first = b * s->train.batch_size, rest = feed->count - first;
    const int count = rest < s->train.batch_size ? (int)rest : s->train.batch_size;
    const cnn_grid *g = &s->grids[0];
    const size_t pixels = (size_t)cnn_shape_size(s->net.input), stride = cnn_grid_size(g);
    const float scale = (float)feed->scale;
    float *x = cnn_step_value(s, 0);
    if (b < 0 || rest < 1)
        return cnn_error_set(CNN_EINVAL, "batch %lld of size %d lies outside the %d images",
                             (long long)b, s->train.batch_size, feed->count);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++) {
        const size_t image = (size_t)feed->order[first + i];
        if (feed->pixel == CNN_PIXEL_U8)
            cnn_kernel_place_u8(g, scale, (const uint8_t *)feed->images + image * pixels,
                                x + (size_t)i * stride);
        else
            cnn_kernel_place_f32(g, scale, (const float *)feed->images + image * pixels,
                                 x + (size_t)i * stride);
        s->labels[i] = feed->labels[image];
    }
    *n = count;
    return CNN_OK;
}

/* Forward, and the loss of the batch into counts. */
static cnn_status run_forward(cnn_step *s, const cnn_feed *feed, int64_t b, cnn_step_pass *pass,
                              cnn_metrics *counts)
{
    cnn_status st = CNN_OK;
    CNN_TRY(gather(s, feed, b, &pass->n));
    for (int i = 0; i < s->node_count; i++)
        CNN_TRY(s->nodes[i].class->forward(s, &s->nodes[i], pass));
    CNN_TRY(cnn_kernel_softmax_loss(
        pass->n, s->net.classes, cnn_step_value(s, s->node_count), s->labels,
        pass->training ? cnn_step_gradient(s, s->node_count) : NULL, counts));
done:
    return st;
}

static cnn_status differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, cnn_metrics *counts)
{
    cnn_status st = CNN_OK;
    cnn_step_pass pass = {.training = true, .update = s->updates};
    CNN_TRY(run_forward(s, feed, b, &pass, counts));
    for (int i = s->node_count - 1; i >= s->first_trained; i--)
        CNN_TRY(s->nodes[i].class->backward(s, &s->nodes[i], &pass));
done:
    return st;
}

static cnn_status update(cnn_step *s)
{
    const cnn_train *t = &s->train;
    s->updates++;
    if (t->optimizer == CNN_OPTIMIZER_ADAM)
        return cnn_adam_update(s->ops, s->parameter_size, t->learning_rate, s->updates,
                               s->weight_gradients, s->first, s->second, s->weights);
    return cnn_sgd_update(s->ops, s->parameter_size, t->learning_rate, t->momentum,
                          s->weight_gradients, s->first, s->weights);
}

static cnn_status check_feed(const cnn_step *s, const cnn_feed *feed)
{
    const cnn_shape is = feed->shape, want = s->net.input;
    if (is.h == want.h && is.w == want.w && is.c == want.c)
        return CNN_OK;
    return cnn_error_set(CNN_EINVAL, "network '%s' was made for images of %dx%dx%d, not %dx%dx%d",
                         s->net.name, want.h, want.w, want.c, is.h, is.w, is.c);
}

/* ---- for nn/model.c ------------------------------------------------------------------------ */

cnn_status cnn_step_differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    cnn_status st = CNN_OK;
    cnn_metrics counts = {0};
    CNN_TRY(check_feed(s, feed));
    CNN_TRY(differentiate(s, feed, b, &counts));
    *loss = counts.loss_sum / (double)counts.images;
done:
    return st;
}

cnn_status cnn_step_train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                          float *seconds)
{
    cnn_status st = CNN_OK;
    CNN_TRY(check_feed(s, feed));
    for (int64_t b = first; b < first + count; b++) {
        const double start = seconds ? cnn_clock_monotonic() : 0;
        CNN_TRY(differentiate(s, feed, b, &s->training));
        CNN_TRY(update(s));
        if (seconds)
            seconds[b - first] = (float)(cnn_clock_monotonic() - start);
    }
done:
    return st;
}

cnn_status cnn_step_metrics(cnn_step *s, cnn_metrics *out)
{
    *out = s->training;
    s->training = (cnn_metrics){0};
    return CNN_OK;
}

cnn_status cnn_step_evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    cnn_metrics counts = {0};
    const int64_t batches = cnn_feed_batches(feed, s->train.batch_size);
    CNN_TRY(check_feed(s, feed));
    for (int64_t b = 0; b < batches; b++) {
        cnn_step_pass pass = {.training = false};
        CNN_TRY(run_forward(s, feed, b, &pass, &counts));
    }
    *out = counts;
done:
    return st;
}

void cnn_step_describe(const cnn_step *s, cnn_text *out)
{
    for (int i = 0; i < s->node_count; i++) {
        const cnn_node *node = &s->nodes[i];
        cnn_text_printf(out, "node %-2d ", i);
        cnn_step_describe_grid(&node->in, out);
        cnn_text_append(out, " -> ");
        cnn_step_describe_grid(&node->out, out);
        cnn_text_append(out, ": ");
        node->class->describe(node, out);
        cnn_text_append(out, "\n");
    }
    cnn_text_append(out, "\n");
    cnn_plan_describe(&s->plan, &s->net, out);
    cnn_text_printf(out, "parameters %zu values in one arena\n", s->parameter_size);
}
