/* SPDX-License-Identifier: Apache-2.0 */
/* Which capture mode a network's step has: the frozen one, or the fastest of those that end in the
 * plain one's bits, timed on the feed before the first step. */
#include "gpu/convolution/timing.h"
#include "gpu/native/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void name_of(const cnn_step *s, cnn_text *out)
{
    const cnn_shape in = s->net.input;
    cnn_text_printf(out, "step:%dx%dx%dx%d", s->train.batch_size, in.h, in.w, in.c);
}

static cnn_status check_dependents(const cnn_step *s)
{
    cnn_status st = CNN_OK;
    bool can = false;
    CNN_CUDA(cnn_gpu_can_launch_dependents(s->ops->device, &can));
    CNN_CHECK(can, CNN_EUSAGE,
              "the frozen algorithms have kernels launched as dependents, which needs compute "
              "capability 9.0 in the GPU and in the program, and CUDA 12.3 in both it and the "
              "driver");
done:
    return st;
}

static bool has_branches(const cnn_step *s)
{
    for (int i = s->first_trained + 1; i < s->node_count; i++)
        if (s->plan.nodes[i].kind == CNN_NODE_CONV || s->plan.nodes[i].kind == CNN_NODE_DENSE)
            return true;
    return false;
}

cnn_status cnn_native_take_capture_mode(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_native *gpu = cnn_native_of(s);
    const cnn_ops *ops = s->ops;
    cnn_text name = {0};
    name_of(s, &name);
    CNN_TRY(cnn_text_status(&name));
    const cnn_algorithm *known = cnn_algorithms_find(&ops->algorithms, name.s);
    gpu->mode = known ? known->mode : 0;
    gpu->tunes = !known && !ops->algorithms.frozen && ops->config.autotune;
    gpu->may_branch = gpu->mode & CNN_CAPTURE_BRANCHES;
    if (ops->config.plan_only)
        goto done;
    gpu->may_branch = gpu->may_branch || (gpu->tunes && has_branches(s));
    if (cnn_native_has_dependents(gpu->mode))
        CNN_TRY(check_dependents(s));
    if (gpu->may_branch)
        CNN_TRY(cnn_native_open_branches(s));
done:
    cnn_text_free(&name);
    return st;
}

void cnn_native_describe_capture_mode(const cnn_step *s, cnn_text *out)
{
    const cnn_native *gpu = cnn_native_of(s);
    if (!gpu->tunes) {
        cnn_text_printf(out, "capture mode of the step: %s", cnn_capture_mode_name(gpu->mode));
        for (unsigned v = 0; v < CNN_CAPTURE_MODES; v++)
            if (gpu->tuned[v] > 0)
                cnn_text_printf(out, "; %s %.2f us", cnn_capture_mode_name(v),
                                1e3 * (double)gpu->tuned[v]);
        cnn_text_append(out, "\n");
        return;
    }
    cnn_text_append(out, "capture modes of the step that tuning times, to take the fastest:");
    for (unsigned v = 0; v < CNN_CAPTURE_MODES; v++)
        cnn_text_printf(out, "%s %s", v ? "," : "", cnn_capture_mode_name(v));
    cnn_text_append(out, "\n");
}

/* ---- timing -------------------------------------------------------------------------------- */

/* RUN_GRAPHS: so that a launch of one, on an idle device, is a small part of what is timed. */
enum { RUN_GRAPHS = 4, STATES = 6 };
/* Minimum gain that justifies another mode than plain. */
static const float least_gain = 0.01f;

/* All that steps change and later ones see. */
typedef struct {
    void *at; /* on the device */
    size_t bytes;
} state;

typedef struct {
    cnn_step *s;
    const cnn_feed *feed;
    int64_t whole; /* batches */
    state states[STATES];
    size_t bytes; /* of all states */
    char *before; /* the states on the host: when it began, */
    char *plain;  /* after the plain mode's runs, */
    char *after;  /* after another's */
    cudaEvent_t start, stop;
} bench;

static cnn_status read_states(const bench *b, char *to)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < STATES; to += b->states[i].bytes, i++)
        if (b->states[i].at)
            CNN_TRY(cnn_ops_download(b->s->ops, to, b->states[i].at, b->states[i].bytes));
done:
    return st;
}

static cnn_status restore_states(const bench *b)
{
    cnn_status st = CNN_OK;
    const char *from = b->before;
    for (int i = 0; i < STATES; from += b->states[i].bytes, i++)
        if (b->states[i].at)
            CNN_TRY(cnn_ops_upload(b->s->ops, b->states[i].at, from, b->states[i].bytes));
done:
    return st;
}

static cnn_status bench_open(cnn_step *s, const cnn_feed *feed, bench *b)
{
    cnn_status st = CNN_OK;
    cnn_native *gpu = cnn_native_of(s);
    const size_t values = s->parameter_size * sizeof(float);
    *b = (bench){.s = s,
                 .feed = feed,
                 .whole = feed->count / s->train.batch_size,
                 .states = {{s->weights, values},
                            {s->first, values},
                            {s->second, values},
                            {s->running, (size_t)s->net.state_total * sizeof(float)},
                            {gpu->place, sizeof *gpu->place},
                            {gpu->training, sizeof *gpu->training}}};
    for (int i = 0; i < STATES; i++)
        b->bytes += b->states[i].bytes;
    b->before = calloc(1, b->bytes);
    b->plain = calloc(1, b->bytes);
    b->after = calloc(1, b->bytes);
    CNN_CHECK(b->before && b->plain && b->after, CNN_ENOMEM, "tuning: a step's state");
    CNN_CUDA(cudaEventCreate(&b->start));
    CNN_CUDA(cudaEventCreate(&b->stop));
    CNN_TRY(read_states(b, b->before));
done:
    return st;
}

static void bench_close(bench *b)
{
    free(b->before);
    free(b->plain);
    free(b->after);
    if (b->start)
        cudaEventDestroy(b->start);
    if (b->stop)
        cudaEventDestroy(b->stop);
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

/* Steps of a few graphs, or of as many whole batches as there are; and, untimed, the last batch.
 * Milliseconds of a step. */
static cnn_status run_steps(bench *b, float *milliseconds)
{
    cnn_status st = CNN_OK;
    const cudaStream_t stream = b->s->ops->current.stream;
    const cnn_native_graphs *g = &cnn_native_of(b->s)->graphs;
    const bool several = b->whole >= CNN_NATIVE_STEPS;
    const int64_t graphs = several ? at_most(b->whole / CNN_NATIVE_STEPS, RUN_GRAPHS) : b->whole;
    CNN_CUDA(cnn_gpu_go_to(stream, 0, cnn_native_of(b->s)->place));
    CNN_CUDA(cudaEventRecord(b->start, stream));
    for (int64_t i = 0; i < graphs; i++)
        CNN_CUDA(cudaGraphLaunch(several ? g->several : g->one, cnn_gpu_foreign(stream)));
    CNN_CUDA(cudaEventRecord(b->stop, stream));
    if (g->tail) {
        CNN_CUDA(
            cnn_gpu_go_to(stream, b->whole * b->s->train.batch_size, cnn_native_of(b->s)->place));
        CNN_CUDA(cudaGraphLaunch(g->tail, cnn_gpu_foreign(stream)));
    }
    CNN_CUDA(cudaEventSynchronize(b->stop));
    CNN_CUDA(cudaEventElapsedTime(milliseconds, b->start, b->stop));
    *milliseconds /= (float)(several ? graphs * CNN_NATIVE_STEPS : graphs);
done:
    return st;
}

/* Median of some runs, which train on. */
static cnn_status time_runs(bench *b, float *milliseconds)
{
    cnn_status st = CNN_OK;
    float times[CNN_WARM_RUNS + CNN_TIMED_RUNS];
    for (int i = 0; i < CNN_WARM_RUNS + CNN_TIMED_RUNS; i++)
        CNN_TRY(run_steps(b, &times[i]));
    *milliseconds = cnn_timing_median(times + CNN_WARM_RUNS);
done:
    return st;
}

/* Trains from the state at the beginning, timed; every step counts for the comparison. */
static cnn_status try_mode(bench *b, unsigned mode, float *milliseconds)
{
    cnn_status st = CNN_OK;
    char *after = mode == 0 ? b->plain : b->after;
    cnn_native_of(b->s)->mode = mode;
    CNN_TRY(cnn_native_capture(b->s, b->feed));
    CNN_TRY(time_runs(b, milliseconds));
    CNN_TRY(read_states(b, after));
    CNN_CHECK(memcmp(after, b->plain, b->bytes) == 0, CNN_EBACKEND,
              "it ends in other weights than the plain one");
    cnn_native_of(b->s)->tuned[mode] = *milliseconds;
done:
    return st;
}

static cnn_status can_have(const cnn_step *s, unsigned mode, bool *can)
{
    cnn_status st = CNN_OK;
    *can = !(mode & CNN_CAPTURE_BRANCHES) || cnn_native_of(s)->may_branch;
    if (*can && cnn_native_has_dependents(mode))
        CNN_CUDA(cnn_gpu_can_launch_dependents(s->ops->device, can));
done:
    return st;
}

/* Variants beside the plain one: what cannot be captured, or is wrong, is left out. */
static cnn_status try_others(bench *b, float *best, unsigned *chosen)
{
    cnn_status st = CNN_OK;
    float milliseconds;
    for (unsigned v = 1; v < CNN_CAPTURE_MODES; v++) {
        bool can = false;
        CNN_TRY(can_have(b->s, v, &can));
        if (!can)
            continue;
        if (try_mode(b, v, &milliseconds) != CNN_OK) {
            cudaGetLastError(); /* not one that stays: the next call would tell */
            fprintf(stderr, "the capture mode %s is left out: %s\n", cnn_capture_mode_name(v),
                    cnn_error_message());
        } else if (milliseconds < *best) {
            *best = milliseconds;
            *chosen = v;
        }
        CNN_TRY(restore_states(b));
    }
done:
    return st;
}

static cnn_status add_algorithm(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_text name = {0};
    const cnn_algorithm algorithm = {.kind = CNN_ALGORITHM_STEP, .mode = cnn_native_of(s)->mode};
    name_of(s, &name);
    CNN_TRY(cnn_text_status(&name));
    CNN_TRY(cnn_algorithms_add(&s->ops->algorithms, name.s, &algorithm));
done:
    cnn_text_free(&name);
    return st;
}

cnn_status cnn_native_tune_capture_mode(cnn_step *s, const cnn_feed *feed)
{
    cnn_status st = CNN_OK;
    cnn_native *gpu = cnn_native_of(s);
    bench b = {0};
    float plain = 0, again = 0, best = 0;
    unsigned chosen = 0;
    gpu->tunes = false;
    CNN_TRY(bench_open(s, feed, &b));
    if (b.whole > 0) {
        CNN_TRY(try_mode(&b, 0, &plain));
        CNN_TRY(restore_states(&b));
        best = plain;
        CNN_TRY(try_others(&b, &best, &chosen));
    }
    if (chosen != 0) { /* again, as it came first, on a device that may have idled */
        CNN_TRY(try_mode(&b, 0, &again));
        CNN_TRY(restore_states(&b));
        plain = gpu->tuned[0] = again < plain ? again : plain;
    }
    gpu->mode = best < plain * (1 - least_gain) ? chosen : 0;
    CNN_TRY(add_algorithm(s));
done:
    if (st != CNN_OK)
        gpu->mode = 0;
    bench_close(&b);
    return st;
}
