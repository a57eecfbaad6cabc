/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/timing.h"

#include "base/clock.h"
#include "gpu/device/internal.h"

#include <math.h>
#include <stdlib.h>

enum { RUNS = 4, MOST_LAUNCHES = 64, MOST_WARM_UPS = 100000 };
static const double round_milliseconds = 0.2; /* least length of a candidate's part of a round */
static const double idle_seconds = 0.02;      /* after which the clock may have dropped */
static const float equal = 1.02f;             /* times within this ratio count as equal */
const double cnn_timing_warm_up = 200;

/* ---- small helpers ------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

float cnn_timing_median(float times[CNN_TIMING_ROUNDS])
{
    qsort(times, CNN_TIMING_ROUNDS, sizeof times[0], by_time);
    return times[CNN_TIMING_ROUNDS / 2];
}

int cnn_timing_fastest(const float *microseconds, int count)
{
    float least = INFINITY;
    for (int i = 0; i < count; i++)
        least = fminf(least, microseconds[i]);
    for (int i = 0; i < count; i++)
        if (isfinite(microseconds[i]) && microseconds[i] <= equal * least)
            return i;
    return -1;
}

bool cnn_timing_is_cold(const cnn_ops *ops)
{
    return ops->worked_at == 0 || cnn_clock_monotonic() - ops->worked_at > idle_seconds;
}

void cnn_timing_worked(cnn_ops *ops)
{
    ops->worked_at = cnn_clock_monotonic();
}

void cnn_timing_record(cnn_ops *ops, const char *problem, const char *candidate, float microseconds)
{
    if (isfinite(microseconds))
        cnn_text_printf(&ops->timings, "%s %s %.2f us\n", problem, candidate, (double)microseconds);
    else
        cnn_text_printf(&ops->timings, "%s %s left out\n", problem, candidate);
}

/* ---- one candidate ------------------------------------------------------------------------- */

typedef struct {
    cnn_timed *timed;
    int runs;              /* in a graph: one that fills its part of a round by itself, or RUNS */
    cudaGraphExec_t graph; /* NULL: queued one by one */
    int launches;          /* of the graph, or of as many runs, a round */
    float times[CNN_TIMING_ROUNDS];
    bool out;
} contender;

typedef struct {
    cnn_ops *ops;
    contender *list;
    int count;
    cudaEvent_t start, stop;
} contest;

static cnn_status queue_runs(const contender *one)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < one->runs && st == CNN_OK; i++)
        st = one->timed->work(one->timed->context);
    return st;
}

/* A failure still ends the capture. */
static cnn_status capture_runs(const contest *c, contender *one)
{
    cnn_status st = CNN_OK;
    cudaGraph_t graph = NULL;
    const cudaStream_t stream = c->ops->current.stream;
    CNN_CUDA(cudaStreamBeginCapture(cnn_gpu_foreign(stream), cudaStreamCaptureModeThreadLocal));
    st = queue_runs(one);
    const cudaError_t ended = cudaStreamEndCapture(cnn_gpu_foreign(stream), &graph);
    CNN_TRY(st);
    CNN_CUDA(ended);
    CNN_CUDA(cudaGraphInstantiate(&one->graph, graph, 0));
done:
    if (graph)
        cudaGraphDestroy(graph);
    return st;
}

/* Milliseconds of all the launches of a round. */
static cnn_status measure(const contest *c, const contender *one, float *milliseconds)
{
    cnn_status st = CNN_OK;
    const cudaStream_t stream = c->ops->current.stream;
    CNN_CUDA(cudaEventRecord(c->start, stream));
    for (int i = 0; i < one->launches; i++) {
        if (one->graph)
            CNN_CUDA(cudaGraphLaunch(one->graph, cnn_gpu_foreign(stream)));
        else
            CNN_TRY(queue_runs(one));
    }
    CNN_CUDA(cudaEventRecord(c->stop, stream));
    CNN_CUDA(cudaEventSynchronize(c->stop));
    CNN_CUDA(cudaEventElapsedTime(milliseconds, c->start, c->stop));
done:
    return st;
}

/* The first run loads what a capture must not contain. The shorter of two runs decides whether a
 * graph needs several. */
static cnn_status prepare(const contest *c, contender *one)
{
    cnn_status st = CNN_OK;
    float milliseconds[2];
    one->launches = one->runs = 1;
    for (int i = 0; i < 2; i++)
        CNN_TRY(measure(c, one, &milliseconds[i]));
    if ((double)fminf(milliseconds[0], milliseconds[1]) < round_milliseconds)
        one->runs = RUNS;
    if (one->timed->from_graph)
        CNN_TRY(capture_runs(c, one));
done:
    return st;
}

/* ---- all of them --------------------------------------------------------------------------- */

static cnn_status open_contest(contest *c, cnn_ops *ops, cnn_timed *list, int count)
{
    cnn_status st = CNN_OK;
    *c = (contest){.ops = ops, .count = count};
    CNN_CHECK((c->list = calloc((size_t)count + 1, sizeof *c->list)), CNN_ENOMEM,
              "candidates to be timed");
    CNN_CUDA(cudaEventCreate(&c->start));
    CNN_CUDA(cudaEventCreate(&c->stop));
    for (int i = 0; i < count; i++)
        c->list[i].timed = &list[i];
done:
    return st;
}

static void close_contest(contest *c)
{
    for (int i = 0; c->list && i < c->count; i++)
        if (c->list[i].graph)
            cudaGraphExecDestroy(c->list[i].graph);
    if (c->start)
        cudaEventDestroy(c->start);
    if (c->stop)
        cudaEventDestroy(c->stop);
    free(c->list);
}

/* Leaves a candidate out if its work failed. */
static cnn_status judge(contender *one, cnn_status st)
{
    if (st == CNN_OK)
        return CNN_OK;
    one->out = true;
    return one->timed->failed(one->timed->context, st);
}

/* Launches each candidate once; *milliseconds: of all of them. */
static cnn_status launch_each(contest *c, double *milliseconds)
{
    cnn_status st = CNN_OK;
    *milliseconds = 0;
    for (int i = 0; i < c->count; i++) {
        contender *one = &c->list[i];
        float now = 0;
        if (one->out)
            continue;
        CNN_TRY(judge(one, measure(c, one, &now)));
        one->times[0] = now;
        *milliseconds += (double)now;
    }
done:
    return st;
}

/* Runs the candidates until the clock is steady; a device that has not idled since then needs one
 * launch. The last launch decides how many a round needs. */
static cnn_status warm_up(contest *c)
{
    cnn_status st = CNN_OK;
    double total = 0, now = 0;
    const bool cold = cnn_timing_is_cold(c->ops);
    int i = 0;
    do {
        CNN_TRY(launch_each(c, &now));
        total += now;
    } while (cold && now > 0 && total < cnn_timing_warm_up && ++i < MOST_WARM_UPS);
    for (i = 0; i < c->count; i++) {
        const double needed = ceil(round_milliseconds / fmax((double)c->list[i].times[0], 1e-6));
        c->list[i].launches = (int)fmin(fmax(needed, 1), MOST_LAUNCHES);
    }
done:
    return st;
}

cnn_status cnn_cuda_time(cnn_ops *ops, cnn_timed *list, int count)
{
    cnn_status st = CNN_OK;
    contest c;
    CNN_TRY(open_contest(&c, ops, list, count));
    for (int i = 0; i < count; i++)
        CNN_TRY(judge(&c.list[i], prepare(&c, &c.list[i])));
    CNN_TRY(warm_up(&c));
    for (int round = 0; round < CNN_TIMING_ROUNDS; round++)
        for (int i = 0; i < count; i++)
            if (!c.list[i].out)
                CNN_TRY(judge(&c.list[i], measure(&c, &c.list[i], &c.list[i].times[round])));
    for (int i = 0; i < count; i++)
        list[i].microseconds = c.list[i].out ? INFINITY
                                             : 1e3f * cnn_timing_median(c.list[i].times) /
                                                   (float)(c.list[i].launches * c.list[i].runs);
    cnn_timing_worked(ops);
done:
    close_contest(&c);
    return st;
}
