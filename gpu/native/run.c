/* SPDX-License-Identifier: Apache-2.0 */
/* The native path on a GPU: launches graphs and reads counts. */
#include "gpu/native/internal.h"

#include <stdlib.h>

static cnn_status alloc(cnn_ops *ops, size_t bytes, const char *what, void **out)
{
    return cnn_cuda_alloc(ops, bytes, what, out);
}

static void destroy(cnn_step *s)
{
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    cnn_gpu_step_drop_graphs(&gpu->graphs);
    cnn_gpu_step_close_branches(s);
    for (int64_t i = 0; i < gpu->event_count; i++)
        cudaEventDestroy(gpu->events[i]);
    free(gpu->events);
    cnn_gpu_step_free(s);
}

/* ---- parameters ---------------------------------------------------------------------------- */

static cnn_status import_weights(cnn_step *s, const cnn_step_parameter *p, const float *from,
                                 float *to)
{
    const cnn_parameter *c = p->layout;
    return cnn_cuda_import_weights(s->ops, c->dims[0], c->dims[1], c->dims[2], c->dims[3], from,
                                   to);
}

static cnn_status export_weights(cnn_step *s, const cnn_step_parameter *p, const float *from,
                                 float *to)
{
    const cnn_parameter *c = p->layout;
    return cnn_cuda_export_weights(s->ops, c->dims[0], c->dims[1], c->dims[2], c->dims[3], from,
                                   to);
}

static cnn_status reset(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    CNN_TRY(cnn_ops_zero(s->ops, gpu->place, sizeof *gpu->place));
    CNN_TRY(cnn_ops_zero(s->ops, gpu->training, sizeof *gpu->training));
done:
    return st;
}

/* ---- one batch ----------------------------------------------------------------------------- */

/* Sets the next step's batch. */
static cnn_status go_to(cnn_step *s, int64_t b)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(
        cnn_gpu_go_to(s->ops->current.stream, b * s->train.batch_size, cnn_gpu_step_of(s)->place));
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

/* Leaves the counts of training unchanged. */
static cnn_status differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    cnn_metrics before, after;
    int n;
    CNN_TRY(cnn_feed_batch_images(feed, s->train.batch_size, b, &n));
    CNN_TRY(go_to(s, b));
    CNN_TRY(read_counts(s, gpu->training, &before));
    CNN_TRY(cnn_gpu_step_queue(s, feed, n, false));
    CNN_TRY(read_counts(s, gpu->training, &after));
    const cnn_gpu_counts kept = {before.loss_sum, before.errors, before.images};
    CNN_TRY(cnn_ops_upload(s->ops, gpu->training, &kept, sizeof kept));
    *loss = after.loss_sum / (double)after.images;
done:
    return st;
}

/* ---- training, evaluation ------------------------------------------------------------------ */

static cnn_status launch(cnn_step *s, cudaGraphExec_t graph)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cudaGraphLaunch(graph, cnn_gpu_foreign(s->ops->current.stream)));
done:
    return st;
}

static cnn_status train_untraced(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t end)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const int64_t whole = feed->count / s->train.batch_size;
    int64_t b = first;
    for (; b + CNN_GPU_GRAPH_STEPS <= (end < whole ? end : whole); b += CNN_GPU_GRAPH_STEPS)
        CNN_TRY(launch(s, gpu->graphs.several));
    for (; b < end; b++)
        CNN_TRY(launch(s, b < whole ? gpu->graphs.one : gpu->graphs.tail));
done:
    return st;
}

/* Creates events up to this number; the next epoch reuses them. */
static cnn_status need_events(cnn_step *s, int64_t count)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    if (count <= gpu->event_count)
        return CNN_OK;
    cudaEvent_t *events = realloc(gpu->events, (size_t)count * sizeof *events);
    CNN_CHECK(events != NULL, CNN_ENOMEM, "%lld events", (long long)count);
    gpu->events = events;
    while (gpu->event_count < count) {
        CNN_CUDA(cudaEventCreate(&gpu->events[gpu->event_count]));
        gpu->event_count++;
    }
done:
    return st;
}

/* Launches one graph a step and records an event after each; reads them after a wait at the end. */
static cnn_status train_traced(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t end,
                               float *seconds)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const int64_t whole = feed->count / s->train.batch_size, count = end - first;
    CNN_TRY(need_events(s, count + 1));
    CNN_CUDA(cudaEventRecord(gpu->events[0], s->ops->current.stream));
    for (int64_t i = 0; i < count; i++) {
        CNN_TRY(launch(s, first + i < whole ? gpu->graphs.one : gpu->graphs.tail));
        CNN_CUDA(cudaEventRecord(gpu->events[i + 1], s->ops->current.stream));
    }
    CNN_TRY(cnn_ops_sync(s->ops));
    for (int64_t i = 0; i < count; i++) {
        CNN_CUDA(cudaEventElapsedTime(&seconds[i], gpu->events[i], gpu->events[i + 1]));
        seconds[i] *= 1e-3f;
    }
done:
    return st;
}

static cnn_status train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                        float *seconds)
{
    cnn_status st = CNN_OK;
    if (cnn_gpu_step_of(s)->tunes)
        CNN_TRY(cnn_gpu_step_tune_capture_mode(s, feed));
    CNN_TRY(cnn_gpu_step_capture(s, feed));
    CNN_TRY(go_to(s, first));
    if (seconds)
        CNN_TRY(train_traced(s, feed, first, first + count, seconds));
    else
        CNN_TRY(train_untraced(s, feed, first, first + count));
done:
    return st;
}

static cnn_status metrics(cnn_step *s, cnn_metrics *out)
{
    return read_counts(s, cnn_gpu_step_of(s)->training, out);
}

static cnn_status evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const int64_t batches = cnn_feed_batches(feed, s->train.batch_size);
    CNN_TRY(cnn_ops_zero(s->ops, gpu->evaluation, sizeof *gpu->evaluation));
    CNN_TRY(go_to(s, 0));
    for (int64_t b = 0; b < batches; b++) {
        cnn_step_pass pass = {.feed = feed, .training = false};
        CNN_TRY(cnn_feed_batch_images(feed, s->train.batch_size, b, &pass.n));
        CNN_TRY(cnn_cuda_size_index(s->ops, pass.n, &pass.size));
        CNN_TRY(cnn_gpu_step_queue_forward(s, &pass));
    }
    CNN_TRY(read_counts(s, gpu->evaluation, out));
done:
    return st;
}

static void describe(const cnn_step *s, cnn_text *out)
{
    cnn_text_printf(out, "update %s in one kernel over all parameters\n",
                    cnn_optimizer_names[s->train.optimizer]);
    cnn_text_printf(out, "graphs of %d steps, of 1 step and of the last batch\n",
                    CNN_GPU_GRAPH_STEPS);
    cnn_gpu_step_describe_capture_mode(s, out);
}

static const cnn_step_backend backend = {
    .step_bytes = sizeof(cnn_gpu_step),
    .parameter_values = 64,
    .tensor_bytes = CNN_CUDA_MAX_TENSOR,
    .classes = {[CNN_NODE_CONV] = &cnn_gpu_conv_node,
                [CNN_NODE_NORM] = &cnn_gpu_norm_node,
                [CNN_NODE_POOL] = &cnn_gpu_pool_node,
                [CNN_NODE_RELU] = &cnn_gpu_relu_node,
                [CNN_NODE_DROPOUT] = &cnn_gpu_dropout_node,
                [CNN_NODE_DENSE] = &cnn_gpu_dense_node},
    .classifier = &cnn_gpu_classifier_node,
    .alloc = alloc,
    .begin = cnn_gpu_step_prepare_nodes,
    .finish = cnn_gpu_step_allocate,
    .destroy = destroy,
    .import = import_weights,
    .export = export_weights,
    .reset = reset,
    .differentiate = differentiate,
    .train = train,
    .metrics = metrics,
    .evaluate = evaluate,
    .describe = describe,
};

cnn_status cnn_step_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train_settings,
                           uint64_t seed, cnn_step **out)
{
    return cnn_step_build(&backend, ops, net, train_settings, seed, out);
}
