/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/timing.h"

#include "gpu/device/internal.h"

#include <stdlib.h>

enum { RUNS_AT_ONCE = 4 };

typedef struct {
    cudaStream_t stream;
    cnn_timed_work *work;
    void *context;
    cudaGraphExec_t graph; /* of the runs; NULL: one by one */
    cudaEvent_t start, stop;
} timer;

static int by_time(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

float cnn_timing_median(float times[CNN_TIMED_RUNS])
{
    qsort(times, CNN_TIMED_RUNS, sizeof times[0], by_time);
    return times[CNN_TIMED_RUNS / 2];
}

static cnn_status queue_runs(const timer *t)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < RUNS_AT_ONCE && st == CNN_OK; i++)
        st = t->work(t->context);
    return st;
}

/* A capture that has begun is ended whatever happens. */
static cnn_status capture_runs(timer *t)
{
    cnn_status st = CNN_OK;
    cudaGraph_t graph = NULL;
    CNN_CUDA(cudaStreamBeginCapture(cnn_gpu_foreign(t->stream), cudaStreamCaptureModeThreadLocal));
    st = queue_runs(t);
    const cudaError_t ended = cudaStreamEndCapture(cnn_gpu_foreign(t->stream), &graph);
    CNN_TRY(st);
    CNN_CUDA(ended);
    CNN_CUDA(cudaGraphInstantiate(&t->graph, graph, 0));
done:
    if (graph)
        cudaGraphDestroy(graph);
    return st;
}

static cnn_status open_timer(timer *t, bool from_graph)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cudaEventCreate(&t->start));
    CNN_CUDA(cudaEventCreate(&t->stop));
    if (from_graph) {
        CNN_TRY(t->work(t->context)); /* what is loaded at a first call must not be in a capture */
        CNN_TRY(capture_runs(t));
    }
done:
    return st;
}

static void close_timer(timer *t)
{
    if (t->graph)
        cudaGraphExecDestroy(t->graph);
    if (t->start)
        cudaEventDestroy(t->start);
    if (t->stop)
        cudaEventDestroy(t->stop);
}

static cnn_status time_once(const timer *t, float *milliseconds)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cudaEventRecord(t->start, t->stream));
    if (t->graph)
        CNN_CUDA(cudaGraphLaunch(t->graph, cnn_gpu_foreign(t->stream)));
    else
        CNN_TRY(queue_runs(t));
    CNN_CUDA(cudaEventRecord(t->stop, t->stream));
    CNN_CUDA(cudaEventSynchronize(t->stop));
    CNN_CUDA(cudaEventElapsedTime(milliseconds, t->start, t->stop));
done:
    return st;
}

cnn_status cnn_cuda_time(cnn_ops *ops, cnn_timed_work *work, void *context, bool from_graph,
                         float *milliseconds)
{
    cnn_status st = CNN_OK;
    float times[CNN_WARM_RUNS + CNN_TIMED_RUNS];
    timer t = {.stream = ops->current.stream, .work = work, .context = context};
    CNN_TRY(open_timer(&t, from_graph));
    for (int i = 0; i < CNN_WARM_RUNS + CNN_TIMED_RUNS; i++)
        CNN_TRY(time_once(&t, &times[i]));
    *milliseconds = cnn_timing_median(times + CNN_WARM_RUNS);
done:
    close_timer(&t);
    return st;
}
