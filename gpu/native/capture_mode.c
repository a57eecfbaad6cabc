/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the capture mode of a network's step: the frozen one, or the fastest of those that
 * reproduce the plain mode bit for bit, timed on the feed before the first step. */
#include "gpu/convolution/timing.h"
#include "gpu/native/internal.h"

#include <math.h>
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

cnn_status cnn_gpu_step_take_capture_mode(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
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
    if (cnn_gpu_step_has_dependents(gpu->mode))
        CNN_TRY(check_dependents(s));
    if (gpu->may_branch)
        CNN_TRY(cnn_gpu_step_open_branches(s));
done:
    cnn_text_free(&name);
    return st;
}

/* GPU models on which early launches have passed a soak (docs/gpu.md): none yet. */
static const char *const soaked_models[] = {NULL};

/* Whether tuning may choose early launches. Frozen ones are always taken. */
static bool may_be_early(const cnn_ops *ops)
{
    const char *asked = getenv("CNN_GPU_TRY_EARLY");
    bool soaked = asked && strcmp(asked, "1") == 0;
    for (int i = 0; soaked_models[i]; i++)
        soaked = soaked || strcmp(soaked_models[i], ops->name) == 0;
    return soaked;
}

void cnn_gpu_step_describe_capture_mode(const cnn_step *s, cnn_text *out)
{
    const cnn_gpu_step *gpu = cnn_gpu_step_of(s);
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
        if (!(v & CNN_CAPTURE_EARLY) || may_be_early(s->ops))
            cnn_text_printf(out, "%s %s", v ? "," : "", cnn_capture_mode_name(v));
    cnn_text_append(out, "\n");
}

/* ---- a place to time modes in -------------------------------------------------------------- */

/* RUN_GRAPHS makes the latency of the first launch, on an idle device, negligible. */
enum { RUN_GRAPHS = 4, STATES = 6 };
/* Largest accepted ratio of an early mode's time to that of the fastest other mode. */
static const float early_at_most = 0.95f;

/* Memory that a step changes and later steps read. */
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
    char *before; /* the states on the host: at the beginning, */
    char *plain;  /* after a run in plain mode, */
    char *after;  /* after one in another */
    cnn_gpu_step_graphs graphs[CNN_CAPTURE_MODES];
    bool out[CNN_CAPTURE_MODES]; /* the mode is unsupported, failed, or gave other bits */
    float times[CNN_CAPTURE_MODES][CNN_TIMING_ROUNDS]; /* milliseconds of a step */
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
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
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
    for (int i = 0; i < CNN_CAPTURE_MODES; i++)
        cnn_gpu_step_drop_graphs(&b->graphs[i]);
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

static bool runs_several(const bench *b)
{
    return b->whole >= CNN_GPU_GRAPH_STEPS;
}

static int64_t timed_graphs(const bench *b)
{
    return runs_several(b) ? at_most(b->whole / CNN_GPU_GRAPH_STEPS, RUN_GRAPHS) : b->whole;
}

static int64_t timed_steps(const bench *b)
{
    return timed_graphs(b) * (runs_several(b) ? CNN_GPU_GRAPH_STEPS : 1);
}

/* Runs a few graphs of several steps, or all whole batches where there are too few; then the last
 * batch, untimed. *milliseconds: of a step. */
static cnn_status run_steps(bench *b, unsigned mode, float *milliseconds)
{
    cnn_status st = CNN_OK;
    const cudaStream_t stream = b->s->ops->current.stream;
    const cnn_gpu_step_graphs *g = &b->graphs[mode];
    cnn_gpu_place *place = cnn_gpu_step_of(b->s)->place;
    CNN_CUDA(cnn_gpu_go_to(stream, 0, place));
    CNN_CUDA(cudaEventRecord(b->start, stream));
    for (int64_t i = 0; i < timed_graphs(b); i++)
        CNN_CUDA(cudaGraphLaunch(runs_several(b) ? g->several : g->one, cnn_gpu_foreign(stream)));
    CNN_CUDA(cudaEventRecord(b->stop, stream));
    if (g->tail) {
        CNN_CUDA(cnn_gpu_go_to(stream, b->whole * b->s->train.batch_size, place));
        CNN_CUDA(cudaGraphLaunch(g->tail, cnn_gpu_foreign(stream)));
    }
    CNN_CUDA(cudaEventSynchronize(b->stop));
    CNN_CUDA(cudaEventElapsedTime(milliseconds, b->start, b->stop));
    *milliseconds /= (float)timed_steps(b);
done:
    return st;
}

/* ---- timing -------------------------------------------------------------------------------- */

/* A mode that fails is left out, unless it is the plain one or the error is sticky. */
static cnn_status judge(bench *b, unsigned mode, cnn_status st)
{
    if (st == CNN_OK || mode == 0)
        return st;
    b->out[mode] = true;
    cnn_error_prefix(st, "capture mode %s", cnn_capture_mode_name(mode));
    st = cnn_cuda_clear_error();
    if (st == CNN_OK)
        fprintf(stderr, "left out: %s\n", cnn_error_message());
    return st;
}

static cnn_status can_have(const cnn_step *s, unsigned mode, bool *can)
{
    cnn_status st = CNN_OK;
    *can = (!(mode & CNN_CAPTURE_BRANCHES) || cnn_gpu_step_of(s)->may_branch) &&
           (!(mode & CNN_CAPTURE_EARLY) || may_be_early(s->ops));
    if (*can && cnn_gpu_step_has_dependents(mode))
        CNN_CUDA(cnn_gpu_can_launch_dependents(s->ops->device, can));
done:
    return st;
}

static cnn_status capture(bench *b, unsigned mode)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(b->s);
    gpu->mode = mode;
    CNN_TRY(cnn_gpu_step_capture(b->s, b->feed));
    b->graphs[mode] = gpu->graphs;
    gpu->graphs = (cnn_gpu_step_graphs){0};
done:
    return st;
}

static cnn_status capture_all(bench *b)
{
    cnn_status st = CNN_OK;
    for (unsigned v = 0; v < CNN_CAPTURE_MODES; v++) {
        bool can = false;
        CNN_TRY(can_have(b->s, v, &can));
        b->out[v] = !can;
        if (can)
            CNN_TRY(judge(b, v, capture(b, v)));
    }
done:
    return st;
}

/* Runs steps in every mode until the device's clock is steady, and ignores their results. */
static cnn_status warm_up(bench *b)
{
    cnn_status st = CNN_OK;
    double total = 0, before;
    do {
        before = total;
        for (unsigned v = 0; v < CNN_CAPTURE_MODES; v++) {
            float milliseconds = 0;
            if (b->out[v])
                continue;
            CNN_TRY(judge(b, v, run_steps(b, v, &milliseconds)));
            total += (double)milliseconds * (double)timed_steps(b);
        }
    } while (total > before && total < cnn_timing_warm_up);
done:
    return st;
}

/* Trains from the initial state, timed; the comparison of bits covers every step. */
static cnn_status time_once(bench *b, unsigned mode, int round)
{
    cnn_status st = CNN_OK;
    CNN_TRY(restore_states(b));
    CNN_TRY(run_steps(b, mode, &b->times[mode][round]));
    CNN_TRY(read_states(b, mode == 0 ? b->plain : b->after));
    CNN_CHECK(mode == 0 || memcmp(b->after, b->plain, b->bytes) == 0, CNN_EBACKEND,
              "it ends in other weights than plain");
done:
    return st;
}

static cnn_status time_all(bench *b)
{
    cnn_status st = CNN_OK;
    for (int round = 0; round < CNN_TIMING_ROUNDS; round++)
        for (unsigned v = 0; v < CNN_CAPTURE_MODES; v++)
            if (!b->out[v])
                CNN_TRY(judge(b, v, time_once(b, v, round)));
    cnn_timing_worked(b->s->ops);
done:
    return st;
}

/* ---- choosing ------------------------------------------------------------------------------ */

static cnn_status add_algorithm(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_text name = {0};
    const cnn_algorithm algorithm = {.kind = CNN_ALGORITHM_STEP, .mode = cnn_gpu_step_of(s)->mode};
    name_of(s, &name);
    CNN_TRY(cnn_text_status(&name));
    CNN_TRY(cnn_algorithms_add(&s->ops->algorithms, name.s, &algorithm));
done:
    cnn_text_free(&name);
    return st;
}

/* Takes the medians and records them in the step and in the device's timings. */
static void summarise(bench *b, float microseconds[CNN_CAPTURE_MODES])
{
    cnn_text name = {0};
    name_of(b->s, &name);
    for (unsigned v = 0; v < CNN_CAPTURE_MODES; v++) {
        microseconds[v] = b->out[v] ? INFINITY : 1e3f * cnn_timing_median(b->times[v]);
        cnn_gpu_step_of(b->s)->tuned[v] = b->out[v] ? 0 : 1e-3f * microseconds[v];
        cnn_timing_record(b->s->ops, name.s ? name.s : "step", cnn_capture_mode_name(v),
                          microseconds[v]);
    }
    cnn_text_free(&name);
}

/* The first of the fastest modes. An early one is riskier and must gain clearly. */
static unsigned fastest(const float microseconds[CNN_CAPTURE_MODES])
{
    enum { LATE = CNN_CAPTURE_EARLY };
    const int late = cnn_timing_fastest(microseconds, LATE);
    const int early = cnn_timing_fastest(microseconds + LATE, CNN_CAPTURE_MODES - LATE);
    return early >= 0 && microseconds[LATE + early] <= early_at_most * microseconds[late]
               ? (unsigned)(LATE + early)
               : (unsigned)late;
}

static cnn_status tune(bench *b, unsigned *chosen)
{
    cnn_status st = CNN_OK;
    float microseconds[CNN_CAPTURE_MODES];
    *chosen = 0;
    if (b->whole == 0)
        return CNN_OK;
    CNN_TRY(capture_all(b));
    CNN_TRY(warm_up(b));
    CNN_TRY(time_all(b));
    CNN_TRY(restore_states(b));
    summarise(b, microseconds);
    *chosen = fastest(microseconds);
done:
    return st;
}

cnn_status cnn_gpu_step_tune_capture_mode(cnn_step *s, const cnn_feed *feed)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    bench b = {0};
    unsigned chosen = 0;
    gpu->tunes = false;
    CNN_TRY(bench_open(s, feed, &b));
    CNN_TRY(tune(&b, &chosen));
    gpu->mode = chosen;
    gpu->graphs = b.graphs[chosen]; /* the step's from now on */
    b.graphs[chosen] = (cnn_gpu_step_graphs){0};
    CNN_TRY(add_algorithm(s));
done:
    if (st != CNN_OK)
        gpu->mode = 0;
    bench_close(&b);
    return st;
}
