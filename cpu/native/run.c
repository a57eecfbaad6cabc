/* SPDX-License-Identifier: Apache-2.0 */
/* The native path on a CPU: gathers batches and runs them node by node. */
#include "base/clock.h"
#include "cpu/native/internal.h"

#include <stdlib.h>

typedef struct {
    cnn_step step;        /* what every backend has */
    uint32_t updates;     /* made so far */
    int32_t *labels;      /* i32 [max batch] */
    cnn_metrics training; /* since they were last read */
} cpu_step;

static cpu_step *cpu(cnn_step *s)
{
    return (cpu_step *)s;
}

/* ---- creation ------------------------------------------------------------------------------ */

static cnn_status begin(cnn_step *s)
{
    cnn_status st = CNN_OK;
    void *memory = NULL;
    int unused;
    CNN_TRY(cnn_cpu_size_index(s->ops, s->train.batch_size, &unused));
    CNN_TRY(cnn_cpu_alloc((size_t)cnn_ops_max_batch(s->ops) * sizeof(int32_t), "labels", &memory));
    cpu(s)->labels = memory;
    CNN_TRY(cnn_cpu_choose_layouts(s));
done:
    return st;
}

static void destroy(cnn_step *s)
{
    free(cpu(s)->labels);
}

/* ---- parameters ---------------------------------------------------------------------------- */

static cnn_status import_weights(cnn_step *s, const cnn_step_parameter *p, const float *from,
                                 float *to)
{
    (void)s;
    return cnn_weighted_import(p->layout, from, to);
}

static cnn_status export_weights(cnn_step *s, const cnn_step_parameter *p, const float *from,
                                 float *to)
{
    (void)s;
    return cnn_weighted_export(p->layout, from, to);
}

static cnn_status reset(cnn_step *s)
{
    cpu(s)->updates = 0;
    cpu(s)->training = (cnn_metrics){0};
    return CNN_OK;
}

/* ---- one batch ----------------------------------------------------------------------------- */

/* Copies the batch's images into the first node's layout; *n: how many. */
static cnn_status gather(cnn_step *s, const cnn_feed *feed, int64_t b, int *n)
{
    const cnn_status st = cnn_feed_batch_images(feed, s->train.batch_size, b, n);
    const int64_t first = b * s->train.batch_size;
    const cnn_grid *g = &s->grids[0];
    const size_t pixels = (size_t)cnn_shape_size(s->net.input), stride = cnn_grid_size(g);
    const float scale = (float)feed->scale;
    float *x = cnn_step_value(s, 0);
    int32_t *labels = cpu(s)->labels;
    if (st != CNN_OK)
        return st;
    const int count = *n;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++) {
        const size_t image = (size_t)feed->order[first + i];
        if (feed->pixel == CNN_PIXEL_U8)
            cnn_kernel_place_u8(g, scale, (const uint8_t *)feed->images + image * pixels,
                                x + (size_t)i * stride);
        else
            cnn_kernel_place_f32(g, scale, (const float *)feed->images + image * pixels,
                                 x + (size_t)i * stride);
        labels[i] = feed->labels[image];
    }
    return CNN_OK;
}

/* Forward; adds the batch's loss to counts. */
static cnn_status run_forward(cnn_step *s, int64_t b, cnn_step_pass *pass, cnn_metrics *counts)
{
    cnn_status st = CNN_OK;
    CNN_TRY(gather(s, pass->feed, b, &pass->n));
    CNN_TRY(cnn_step_forward(s, pass));
    CNN_TRY(cnn_kernel_softmax_loss(
        pass->n, s->net.classes, cnn_step_value(s, s->node_count), cpu(s)->labels,
        pass->training ? cnn_step_gradient(s, s->node_count) : NULL, counts));
done:
    return st;
}

static cnn_status run_backward(cnn_step *s, const cnn_feed *feed, int64_t b, cnn_metrics *counts)
{
    cnn_status st = CNN_OK;
    cnn_step_pass pass = {.feed = feed, .training = true, .step = cpu(s)->updates};
    CNN_TRY(run_forward(s, b, &pass, counts));
    CNN_TRY(cnn_step_backward(s, &pass));
done:
    return st;
}

static cnn_status update(cnn_step *s)
{
    const cnn_train *t = &s->train;
    const uint32_t updates = ++cpu(s)->updates;
    if (t->optimizer == CNN_OPTIMIZER_ADAM)
        return cnn_adam_update(s->ops, s->parameter_size, t->learning_rate, updates,
                               s->weight_gradients, s->first, s->second, s->weights);
    return cnn_sgd_update(s->ops, s->parameter_size, t->learning_rate, t->momentum,
                          s->weight_gradients, s->first, s->weights);
}

/* ---- for nn/native/run.c ------------------------------------------------------------------- */

static cnn_status differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    cnn_metrics counts = {0};
    const cnn_status st = run_backward(s, feed, b, &counts);
    if (st == CNN_OK)
        *loss = counts.loss_sum / (double)counts.images;
    return st;
}

static cnn_status train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                        float *seconds)
{
    cnn_status st = CNN_OK;
    for (int64_t b = first; b < first + count; b++) {
        const double start = seconds ? cnn_clock_monotonic() : 0;
        CNN_TRY(run_backward(s, feed, b, &cpu(s)->training));
        CNN_TRY(update(s));
        if (seconds)
            seconds[b - first] = (float)(cnn_clock_monotonic() - start);
    }
done:
    return st;
}

static cnn_status metrics(cnn_step *s, cnn_metrics *out)
{
    *out = cpu(s)->training;
    cpu(s)->training = (cnn_metrics){0};
    return CNN_OK;
}

static cnn_status evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    cnn_metrics counts = {0};
    const int64_t batches = cnn_feed_batches(feed, s->train.batch_size);
    for (int64_t b = 0; b < batches; b++) {
        cnn_step_pass pass = {.feed = feed, .training = false};
        CNN_TRY(run_forward(s, b, &pass, &counts));
    }
    *out = counts;
done:
    return st;
}

static const cnn_step_backend backend = {
    .step_bytes = sizeof(cpu_step),
    .parameter_values = 16,
    .classes = {[CNN_NODE_CONV] = &cnn_cpu_conv_node,
                [CNN_NODE_NORM] = &cnn_cpu_norm_node,
                [CNN_NODE_POOL] = &cnn_cpu_pool_node,
                [CNN_NODE_RELU] = &cnn_cpu_relu_node,
                [CNN_NODE_DROPOUT] = &cnn_cpu_dropout_node,
                [CNN_NODE_DENSE] = &cnn_cpu_dense_node},
    .alloc = cnn_ops_alloc,
    .begin = begin,
    .destroy = destroy,
    .import = import_weights,
    .export = export_weights,
    .reset = reset,
    .differentiate = differentiate,
    .train = train,
    .metrics = metrics,
    .evaluate = evaluate,
};

cnn_status cnn_step_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train_settings,
                           uint64_t seed, cnn_step **out)
{
    return cnn_step_build(&backend, ops, net, train_settings, seed, out);
}
