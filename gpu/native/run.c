/* SPDX-License-Identifier: Apache-2.0 */
/* The native path's public functions: creation, parameters, training, evaluation. */
#include "gpu/native/internal.h"

#include <stdlib.h>

cnn_status cnn_step_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                           uint64_t seed, cnn_step **out)
{
    cnn_status st = CNN_OK;
    cnn_step *s = NULL;
    int unused;
    CNN_CHECK(ops && net && train && out && net->parameter_total > 0, CNN_EINVAL,
              "a training step needs a device, an inferred network and training settings");
    CNN_TRY(cnn_cuda_size_index(ops, train->batch_size, &unused));
    CNN_CHECK((s = calloc(1, sizeof *s)), CNN_ENOMEM, "a training step");
    s->ops = ops;
    s->net = *net;
    s->train = *train;
    s->seed = seed;
    CNN_TRY(cnn_native_build(s));
    *out = s;
    s = NULL; /* the caller owns it now */
done:
    cnn_step_destroy(&s);
    return st;
}

static void destroy_events(cnn_step *s)
{
    for (int64_t i = 0; i < s->event_count; i++)
        cudaEventDestroy(s->events[i]);
    free(s->events);
    s->events = NULL;
    s->event_count = 0;
}

void cnn_step_destroy(cnn_step **step)
{
    cnn_step *s = *step;
    if (!s)
        return;
    cnn_native_drop_graphs(&s->graphs);
    cnn_native_close_branches(s);
    for (int i = 0; i < s->node_count; i++)
        cnn_native_node_destroy(&s->nodes[i]);
    void *memory[] = {
        s->arena, s->weights,  s->weight_gradients, s->first,   s->second,       s->running,
        s->place, s->training, s->evaluation,       s->tickets, s->running_kept, s->training_kept};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        cnn_cuda_free(s->ops, &memory[i]);
    destroy_events(s);
    free(s);
    *step = NULL;
}

/* ---- parameters ---------------------------------------------------------------------------- */

static cnn_status import_parameter(cnn_step *s, const cnn_native_parameter *p, const float *from)
{
    const cnn_parameter *c = &s->net.parameters[p->parameter];
    float *to = s->weights + p->offset;
    if (p->packed)
        return cnn_cuda_import_weights(s->ops, c->dims[0], c->dims[1], c->dims[2], c->dims[3], from,
                                       to);
    return cnn_ops_upload(s->ops, to, from, p->size * sizeof(float));
}

/* Means 0 and variances 1. */
static cnn_status reset_running(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const size_t count = (size_t)s->net.state_total;
    float *values = calloc(count ? count : 1, sizeof *values);
    CNN_CHECK(values != NULL, CNN_ENOMEM, "%zu running statistics", count);
    for (int i = 0; i < s->node_count; i++) {
        const cnn_native_node *node = &s->nodes[i];
        const int64_t both = node->layer->kind == CNN_LAYER_BATCHNORM ? node->layer->parameters : 0;
        for (int64_t k = both / 2; k < both; k++)
            values[node->running + (size_t)k] = 1;
    }
    CNN_TRY(cnn_ops_upload(s->ops, s->running, values, count * sizeof *values));
done:
    free(values);
    return st;
}

cnn_status cnn_step_reset(cnn_step *s, const float *parameters)
{
    cnn_status st = CNN_OK;
    const size_t bytes = s->parameter_size * sizeof(float);
    for (int i = 0; i < s->parameter_count; i++) {
        const cnn_native_parameter *p = &s->parameters[i];
        CNN_TRY(import_parameter(s, p, parameters + s->net.parameters[p->parameter].offset));
    }
    CNN_TRY(cnn_ops_zero(s->ops, s->weight_gradients, bytes));
    if (s->first)
        CNN_TRY(cnn_ops_zero(s->ops, s->first, bytes));
    if (s->second)
        CNN_TRY(cnn_ops_zero(s->ops, s->second, bytes));
    CNN_TRY(reset_running(s));
    CNN_TRY(cnn_ops_zero(s->ops, s->place, sizeof *s->place));
    CNN_TRY(cnn_ops_zero(s->ops, s->training, sizeof *s->training));
done:
    return st;
}

static cnn_status export_all(cnn_step *s, const float *arena, float *out)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < s->parameter_count; i++) {
        const cnn_native_parameter *p = &s->parameters[i];
        const cnn_parameter *c = &s->net.parameters[p->parameter];
        const float *from = arena + p->offset;
        float *to = out + c->offset;
        if (p->packed)
            CNN_TRY(cnn_cuda_export_weights(s->ops, c->dims[0], c->dims[1], c->dims[2], c->dims[3],
                                            from, to));
        else
            CNN_TRY(cnn_ops_download(s->ops, to, from, p->size * sizeof(float)));
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

/* Forward, with the loss of the batch into the counts. */
static cnn_status queue_forward(cnn_step *s, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    float *gathered = cnn_native_value(s, 0);
    if (gathered)
        CNN_CUDA(cnn_gpu_gather(s->ops->current.stream, cnn_native_images(pass, &s->place->forward),
                                NULL, pass->n, cnn_shape_size(s->net.input), gathered, NULL));
    for (int i = 0; i < s->node_count; i++)
        CNN_TRY(s->nodes[i].class->forward(s, &s->nodes[i], pass));
done:
    return st;
}

cnn_status cnn_native_queue_update(cnn_step *s, size_t values)
{
    cnn_status st = CNN_OK;
    const cnn_train *t = &s->train;
    if (t->optimizer == CNN_OPTIMIZER_ADAM)
        CNN_CUDA(cnn_gpu_adam(s->ops->current.stream, values, t->learning_rate,
                              &s->place->backward.step, 0, s->weight_gradients, s->first, s->second,
                              s->weights));
    else
        CNN_CUDA(cnn_gpu_sgd(s->ops->current.stream, values, t->learning_rate, t->momentum,
                             s->weight_gradients, s->first, s->weights));
done:
    return st;
}

cnn_status cnn_native_queue_step(cnn_step *s, const cnn_feed *feed, int n, bool updates)
{
    cnn_status st = CNN_OK;
    cnn_native_pass pass = {.feed = feed, .n = n, .training = true, .updates = updates};
    CNN_TRY(cnn_cuda_size_index(s->ops, n, &pass.size));
    if (s->may_branch)
        CNN_TRY(cnn_cuda_separate_streams(s->ops, s->mode & CNN_CAPTURE_BRANCHES));
    cnn_gpu_launch_dependents(cnn_native_has_dependents(s->mode) ? s->ops->current.stream : NULL);
    CNN_TRY(queue_forward(s, &pass));
    for (int i = s->node_count - 1; i >= s->first_trained; i--)
        CNN_TRY(s->nodes[i].class->backward(s, &s->nodes[i], &pass));
    if (s->unjoined) /* the update has two kernels in front of it */
        cnn_gpu_launch_dependents(NULL);
    CNN_TRY(cnn_native_join(s));
    if (updates)
        CNN_TRY(cnn_native_queue_update(s, s->parameter_size));
done:
    cnn_gpu_launch_dependents(NULL);
    if (st != CNN_OK)
        cnn_native_abandon(s);
    return st;
}

static cnn_status check_feed(const cnn_step *s, const cnn_feed *feed)
{
    const cnn_shape is = feed->shape, want = s->net.input;
    if (is.h == want.h && is.w == want.w && is.c == want.c)
        return CNN_OK;
    return cnn_error_set(CNN_EINVAL, "network '%s' was made for images of %dx%dx%d, not %dx%dx%d",
                         s->net.name, want.h, want.w, want.c, is.h, is.w, is.c);
}

/* Images of batch b. */
static int images_of(const cnn_step *s, const cnn_feed *feed, int64_t b)
{
    const int64_t rest = feed->count - b * s->train.batch_size;
    return rest < s->train.batch_size ? (int)rest : s->train.batch_size;
}

/* The next step is that of batch b. */
static cnn_status go_to(cnn_step *s, const cnn_feed *feed, int64_t b)
{
    cnn_status st = CNN_OK;
    const int64_t first = b * s->train.batch_size;
    CNN_CHECK(b >= 0 && first < feed->count, CNN_EINVAL,
              "batch %lld of size %d lies outside the %d images", (long long)b, s->train.batch_size,
              feed->count);
    CNN_CUDA(cnn_gpu_go_to(s->ops->current.stream, first, s->place));
done:
    return st;
}

static cnn_status read_counts(cnn_step *s, cnn_gpu_counts *counts, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    cnn_gpu_counts c;
    CNN_TRY(cnn_ops_download(s->ops, &c, counts, sizeof c));
    CNN_TRY(cnn_ops_zero(s->ops, counts, sizeof c));
    *out = (cnn_metrics){c.loss_sum, c.errors, c.images};
done:
    return st;
}

/* ---- for nn/model.c ------------------------------------------------------------------------ */

/* The counts of training stay as they were. */
cnn_status cnn_step_differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    cnn_status st = CNN_OK;
    cnn_metrics before, after;
    CNN_TRY(check_feed(s, feed));
    CNN_TRY(go_to(s, feed, b));
    CNN_TRY(read_counts(s, s->training, &before));
    CNN_TRY(cnn_native_queue_step(s, feed, images_of(s, feed, b), false));
    CNN_TRY(read_counts(s, s->training, &after));
    const cnn_gpu_counts kept = {before.loss_sum, before.errors, before.images};
    CNN_TRY(cnn_ops_upload(s->ops, s->training, &kept, sizeof kept));
    *loss = after.loss_sum / (double)after.images;
done:
    return st;
}

static cnn_status launch(cnn_step *s, cudaGraphExec_t graph)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cudaGraphLaunch(graph, s->ops->current.stream));
done:
    return st;
}

static cnn_status train_untraced(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t end)
{
    cnn_status st = CNN_OK;
    const int64_t whole = feed->count / s->train.batch_size;
    int64_t b = first;
    for (; b + CNN_NATIVE_STEPS <= (end < whole ? end : whole); b += CNN_NATIVE_STEPS)
        CNN_TRY(launch(s, s->graphs.several));
    for (; b < end; b++)
        CNN_TRY(launch(s, b < whole ? s->graphs.one : s->graphs.tail));
done:
    return st;
}

/* Events stay for the next epoch. */
static cnn_status need_events(cnn_step *s, int64_t count)
{
    cnn_status st = CNN_OK;
    if (count <= s->event_count)
        return CNN_OK;
    cudaEvent_t *events = realloc(s->events, (size_t)count * sizeof *events);
    CNN_CHECK(events != NULL, CNN_ENOMEM, "%lld events", (long long)count);
    s->events = events;
    while (s->event_count < count) {
        CNN_CUDA(cudaEventCreate(&s->events[s->event_count]));
        s->event_count++;
    }
done:
    return st;
}

/* One graph a step with an event after each; waits at the end and reads them. */
static cnn_status train_traced(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t end,
                               float *seconds)
{
    cnn_status st = CNN_OK;
    const int64_t whole = feed->count / s->train.batch_size, count = end - first;
    CNN_TRY(need_events(s, count + 1));
    CNN_CUDA(cudaEventRecord(s->events[0], s->ops->current.stream));
    for (int64_t i = 0; i < count; i++) {
        CNN_TRY(launch(s, first + i < whole ? s->graphs.one : s->graphs.tail));
        CNN_CUDA(cudaEventRecord(s->events[i + 1], s->ops->current.stream));
    }
    CNN_TRY(cnn_ops_sync(s->ops));
    for (int64_t i = 0; i < count; i++) {
        CNN_CUDA(cudaEventElapsedTime(&seconds[i], s->events[i], s->events[i + 1]));
        seconds[i] *= 1e-3f;
    }
done:
    return st;
}

cnn_status cnn_step_train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                          float *seconds)
{
    cnn_status st = CNN_OK;
    if (count == 0)
        return CNN_OK;
    CNN_TRY(check_feed(s, feed));
    CNN_CHECK(count > 0 && first + count <= cnn_feed_batches(feed, s->train.batch_size), CNN_EINVAL,
              "batches %lld to %lld of %lld", (long long)first, (long long)(first + count - 1),
              (long long)cnn_feed_batches(feed, s->train.batch_size));
    CNN_TRY(cnn_native_capture(s, feed));
    CNN_TRY(go_to(s, feed, first));
    if (seconds)
        CNN_TRY(train_traced(s, feed, first, first + count, seconds));
    else
        CNN_TRY(train_untraced(s, feed, first, first + count));
done:
    return st;
}

cnn_status cnn_step_metrics(cnn_step *s, cnn_metrics *out)
{
    return read_counts(s, s->training, out);
}

cnn_status cnn_step_evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    const int64_t batches = cnn_feed_batches(feed, s->train.batch_size);
    CNN_TRY(check_feed(s, feed));
    CNN_TRY(cnn_ops_zero(s->ops, s->evaluation, sizeof *s->evaluation));
    CNN_TRY(go_to(s, feed, 0));
    for (int64_t b = 0; b < batches; b++) {
        cnn_native_pass pass = {.feed = feed, .n = images_of(s, feed, b), .training = false};
        CNN_TRY(cnn_cuda_size_index(s->ops, pass.n, &pass.size));
        CNN_TRY(queue_forward(s, &pass));
    }
    CNN_TRY(read_counts(s, s->evaluation, out));
done:
    return st;
}
