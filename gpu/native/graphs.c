/* SPDX-License-Identifier: Apache-2.0 */
/* Training steps as CUDA graphs: captured once for a feed, replayed for every batch. */
#include "gpu/native/internal.h"

static void drop(cudaGraphExec_t *graph)
{
    if (*graph)
        cudaGraphExecDestroy(*graph);
    *graph = NULL;
}

void cnn_gpu_step_drop_graphs(cnn_gpu_step_graphs *g)
{
    drop(&g->several);
    drop(&g->one);
    drop(&g->tail);
    *g = (cnn_gpu_step_graphs){0};
}

static cnn_status copy(cnn_step *s, void *to, const void *from, size_t bytes)
{
    cnn_status st = CNN_OK;
    if (bytes > 0)
        CNN_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice,
                                 cnn_gpu_foreign(s->ops->current.stream)));
done:
    return st;
}

/* Runs a step outside a graph, with an update of no values: a capture must not contain what
 * libraries load at a first call. The step's state stays unchanged. */
static cnn_status try_out(cnn_step *s, const cnn_feed *feed, int n)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const size_t bytes = (size_t)s->net.state_total * sizeof(float);
    CNN_CUDA(cnn_gpu_go_to(s->ops->current.stream, 0, gpu->place));
    CNN_TRY(copy(s, gpu->running_kept, s->running, bytes));
    CNN_TRY(copy(s, gpu->training_kept, gpu->training, sizeof *gpu->training));
    CNN_TRY(cnn_gpu_step_queue(s, feed, n, false));
    CNN_TRY(cnn_gpu_step_queue_update(s, 0));
    CNN_TRY(copy(s, s->running, gpu->running_kept, bytes));
    CNN_TRY(copy(s, gpu->training, gpu->training_kept, sizeof *gpu->training));
    CNN_TRY(cnn_ops_sync(s->ops));
done:
    return st;
}

/* A graph of `steps` steps on n images each. A failure still ends the capture. */
static cnn_status capture(cnn_step *s, const cnn_feed *feed, int n, int steps, cudaGraphExec_t *out)
{
    cnn_status st = CNN_OK;
    cudaGraph_t graph = NULL;
    cnn_gpu_note_nodes(cnn_gpu_step_has_dependents(cnn_gpu_step_of(s)->mode));
    CNN_CUDA(cudaStreamBeginCapture(cnn_gpu_foreign(s->ops->current.stream),
                                    cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < steps && st == CNN_OK; i++)
        st = cnn_gpu_step_queue(s, feed, n, true);
    const cudaError_t ended = cudaStreamEndCapture(cnn_gpu_foreign(s->ops->current.stream), &graph);
    CNN_TRY(st);
    CNN_CUDA(ended);
    if (cnn_gpu_step_has_dependents(cnn_gpu_step_of(s)->mode))
        CNN_TRY(cnn_gpu_step_order_edges(graph, cnn_gpu_step_of(s)->mode & CNN_CAPTURE_EARLY));
    CNN_CUDA(cudaGraphInstantiate(out, graph, 0));
    CNN_CUDA(cudaGraphUpload(*out, cnn_gpu_foreign(s->ops->current.stream)));
done:
    cnn_gpu_note_nodes(false);
    if (graph)
        cudaGraphDestroy(graph);
    return st;
}

static bool are_of(const cnn_gpu_step_graphs *g, const cnn_step *s, const cnn_feed *feed)
{
    return g->images && g->images == feed->images && g->labels == feed->labels &&
           g->order == feed->order && g->count == feed->count &&
           g->mode == cnn_gpu_step_of(s)->mode && g->workspaces[0] == s->ops->current.workspace &&
           g->workspaces[1] == s->ops->other.workspace;
}

cnn_status cnn_gpu_step_capture(cnn_step *s, const cnn_feed *feed)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    cnn_gpu_step_graphs *g = &gpu->graphs;
    const int batch = s->train.batch_size, tail = feed->count % batch;
    if (are_of(g, s, feed))
        return CNN_OK;
    CNN_TRY(cnn_ops_sync(s->ops));
    cnn_gpu_step_drop_graphs(g);
    g->images = feed->images;
    g->labels = feed->labels;
    g->order = feed->order;
    g->count = feed->count;
    g->mode = gpu->mode;
    g->workspaces[0] = s->ops->current.workspace;
    g->workspaces[1] = s->ops->other.workspace;
    if (feed->count >= batch) {
        CNN_TRY(try_out(s, feed, batch));
        CNN_TRY(capture(s, feed, batch, CNN_GPU_GRAPH_STEPS, &g->several));
        CNN_TRY(capture(s, feed, batch, 1, &g->one));
    }
    if (tail > 0) {
        CNN_TRY(try_out(s, feed, tail));
        CNN_TRY(capture(s, feed, tail, 1, &g->tail));
    }
done:
    if (st != CNN_OK)
        cnn_gpu_step_drop_graphs(g);
    return st;
}
