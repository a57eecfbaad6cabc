#include "gpu/conv_plan.h"

#include "gpu/cuda_internal.h"
#include "gpu/timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct cnn_conv_plan {
    cnn_ops *ops; /* borrowed */
    cnn_conv_problem problem;
    bool native;            /* own kernels compete */
    cnn_choice choice;      /* problem: NULL */
    cnn_cudnn_graph *graph; /* of the whole problem; NULL: it has a pool */
    cnn_cudnn_graph *plain; /* forward with bias: of the convolution alone; else NULL */
    cnn_cudnn_plan *plan;   /* of the graph that the choice names; NULL: own kernels */
};

static const size_t workspace_limit = (size_t)1 << 30; /* bytes that an engine may ask for */

/* ---- running ------------------------------------------------------------------------------- */

/* One way to run the problem. */
typedef struct {
    cnn_choice_kind kind;
    const cnn_own_convolution *own; /* of CNN_CHOICE_OWN */
    cnn_cudnn_plan *plan;           /* of the others */
} way;

/* What own kernels do of the problem: all of it, or the convolution before a pool. */
static cnn_conv_problem own_part(const cnn_conv_problem *problem, const cnn_own_convolution *own)
{
    return problem->direction == CNN_CONV_FORWARD_POOL && !own->fits(problem)
               ? cnn_conv_problem_plain(problem)
               : *problem;
}

static cnn_status run_own(cnn_ops *ops, const cnn_conv_problem *problem,
                          const cnn_own_convolution *own, cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    const cnn_conv_problem part = own_part(problem, own);
    if (part.direction == problem->direction)
        return own->run(ops, problem, o, ops->workspace);
    CNN_TRY(own->run(ops, &part, cnn_conv_operands_plain(problem, o), ops->workspace));
    CNN_CUDA(cnn_conv_finish(ops->stream, problem, o));
done:
    return st;
}

static cnn_status run(cnn_ops *ops, const cnn_conv_problem *problem, way w, cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    if (w.kind == CNN_CHOICE_OWN)
        return run_own(ops, problem, w.own, o);
    CNN_TRY(cnn_cudnn_plan_run(w.plan, cnn_conv_operands_plain(problem, o), ops->workspace));
    if (w.kind == CNN_CHOICE_PLAIN)
        CNN_CUDA(cnn_conv_finish(ops->stream, problem, o));
done:
    return st;
}

static size_t workspace_of(const cnn_conv_problem *problem, way w)
{
    if (w.kind != CNN_CHOICE_OWN)
        return cnn_cudnn_plan_workspace(w.plan);
    const cnn_conv_problem part = own_part(problem, w.own);
    return cnn_own_convolution_workspace(w.own, &part);
}

static way way_of(const cnn_conv_plan *p)
{
    return (way){p->choice.kind, p->choice.own, p->plan};
}

cnn_status cnn_conv_plan_run(cnn_conv_plan *p, cnn_conv_operands o)
{
    return run(p->ops, &p->problem, way_of(p), o);
}

void cnn_conv_plan_describe(const cnn_conv_plan *plan, cnn_text *out)
{
    if (!plan->graph && !plan->plain) {
        cnn_text_append(out, "by an engine that the device chooses");
        return;
    }
    cnn_choice_describe(&plan->choice, out);
}

/* ---- timing candidates --------------------------------------------------------------------- */

/* A place to try candidates in. */
typedef struct {
    cnn_ops *ops;
    cnn_conv_problem problem;
    float *tensors[6]; /* input, output, weights, bias; with a pool: its result, its mask */
    float *expected;   /* the direct kernels' result */
    float *distance;   /* f32 [2] on the device */
    size_t result_size;
    cnn_conv_operands operands;
    cudaEvent_t start, stop;
    bool in_graphs; /* the convolution will run from a graph */
} bench;

static cnn_status fill(bench *b, int tensor, size_t size, const char *what)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_cuda_floats(b->ops, size, what, &b->tensors[tensor]));
    CNN_CUDA(cnn_gpu_fill_random(b->ops->stream, size, (uint32_t)tensor + 1, b->tensors[tensor]));
done:
    return st;
}

static void aim(bench *b)
{
    float *x = b->tensors[0], *y = b->tensors[1], *w = b->tensors[2], *bias = b->tensors[3];
    const cnn_conv_operands by_direction[] = {
        [CNN_CONV_FORWARD] = {.first = x, .second = w, .result = y},
        [CNN_CONV_BACKWARD_DATA] = {.first = y, .second = w, .result = x},
        [CNN_CONV_BACKWARD_WEIGHTS] = {.first = x, .second = y, .result = w},
        [CNN_CONV_FORWARD_BIAS_RELU] = {.first = x, .second = w, .result = y, .bias = bias},
        [CNN_CONV_FORWARD_POOL] = {.first = x,
                                   .second = w,
                                   .result = b->tensors[4],
                                   .bias = bias,
                                   .before = y,
                                   .mask = (uint8_t *)b->tensors[5]},
    };
    const size_t sizes[] = {
        [CNN_CONV_FORWARD] = cnn_conv_problem_output(&b->problem),
        [CNN_CONV_BACKWARD_DATA] = cnn_conv_problem_input(&b->problem),
        [CNN_CONV_BACKWARD_WEIGHTS] = cnn_conv_problem_weights(&b->problem),
        [CNN_CONV_FORWARD_BIAS_RELU] = cnn_conv_problem_output(&b->problem),
        [CNN_CONV_FORWARD_POOL] = cnn_conv_problem_pooled(&b->problem),
    };
    b->operands = by_direction[b->problem.direction];
    b->result_size = sizes[b->problem.direction];
}

static cnn_status bench_open(const cnn_conv_plan *p, bench *b)
{
    cnn_status st = CNN_OK;
    cnn_ops *ops = p->ops;
    const cnn_conv_problem *problem = &p->problem;
    *b = (bench){.ops = ops, .problem = *problem, .in_graphs = p->native};
    CNN_TRY(fill(b, 0, cnn_conv_problem_input(problem), "tuning: a convolution's input"));
    CNN_TRY(fill(b, 1, cnn_conv_problem_output(problem), "tuning: a convolution's result"));
    CNN_TRY(fill(b, 2, cnn_conv_problem_weights(problem), "tuning: a convolution's weights"));
    CNN_TRY(fill(b, 3, (size_t)problem->shape.out_c, "tuning: a convolution's bias"));
    if (problem->direction == CNN_CONV_FORWARD_POOL) {
        CNN_TRY(fill(b, 4, cnn_conv_problem_pooled(problem), "tuning: a pool's result"));
        CNN_TRY(fill(b, 5, cnn_conv_problem_pooled(problem), "tuning: a pool's mask"));
    }
    aim(b);
    CNN_TRY(cnn_cuda_floats(b->ops, b->result_size, "tuning: the expected result", &b->expected));
    CNN_TRY(cnn_cuda_floats(b->ops, 2, "tuning: a distance", &b->distance));
    CNN_CUDA(cudaEventCreate(&b->start));
    CNN_CUDA(cudaEventCreate(&b->stop));
    cnn_conv_operands o = b->operands;
    o.result = b->expected;
    CNN_TRY(cnn_own_convolutions[0]->run(ops, problem, o, NULL));
done:
    return st;
}

static void bench_close(bench *b)
{
    for (size_t i = 0; i < sizeof b->tensors / sizeof b->tensors[0]; i++)
        cnn_cuda_free(b->ops, (void **)&b->tensors[i]);
    cnn_cuda_free(b->ops, (void **)&b->expected);
    cnn_cuda_free(b->ops, (void **)&b->distance);
    if (b->start)
        cudaEventDestroy(b->start);
    if (b->stop)
        cudaEventDestroy(b->stop);
}

/* How far, relative to the largest value, rounding may take a result from the direct kernels': the
 * sum's own grows with the root of its terms; TF32's is that of the inputs; the floor leaves room
 * for algorithms that transform their input. */
static double tolerance(const bench *b)
{
    const cnn_gpu_convolution *s = &b->problem.shape;
    const double terms = b->problem.direction == CNN_CONV_BACKWARD_WEIGHTS
                             ? (double)s->n * s->out_h * s->out_w
                             : (double)s->kernel * s->kernel * s->c;
    const bool tf32 = b->ops->config.precision == CNN_PRECISION_TF32;
    return fmax(1e-5, 4 * 0x1p-23 * sqrt(terms)) + (tf32 ? 4 * 0x1p-10 : 0);
}

/* Whether the last result is right. */
static cnn_status check_result(bench *b, bool *right)
{
    cnn_status st = CNN_OK;
    float distance[2];
    CNN_CUDA(cnn_gpu_distance(b->ops->stream, b->result_size, b->expected, b->operands.result,
                              b->distance));
    CNN_TRY(cnn_ops_download(b->ops, distance, b->distance, sizeof distance));
    *right = (double)distance[1] <= tolerance(b) * (double)distance[0];
done:
    return st;
}

/* Runs of a candidate that are timed as one: the host is then ahead of the device. */
enum { RUNS_AT_ONCE = 8 };

static cnn_status queue_runs(bench *b, way w)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < RUNS_AT_ONCE; i++)
        CNN_TRY(run(b->ops, &b->problem, w, b->operands));
done:
    return st;
}

/* The runs as a graph: what the native path makes of them. */
static cnn_status capture_runs(bench *b, way w, cudaGraphExec_t *out)
{
    cnn_status st = CNN_OK;
    cudaGraph_t graph = NULL;
    CNN_CUDA(cudaStreamBeginCapture(b->ops->stream, cudaStreamCaptureModeThreadLocal));
    st = queue_runs(b, w);
    const cudaError_t ended = cudaStreamEndCapture(b->ops->stream, &graph);
    CNN_TRY(st);
    CNN_CUDA(ended);
    CNN_CUDA(cudaGraphInstantiate(out, graph, 0));
done:
    if (graph)
        cudaGraphDestroy(graph);
    return st;
}

/* graph NULL: one launch after the other, as on the layered path. */
static cnn_status time_runs(bench *b, way w, cudaGraphExec_t graph, float *milliseconds)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cudaEventRecord(b->start, b->ops->stream));
    if (graph)
        CNN_CUDA(cudaGraphLaunch(graph, b->ops->stream));
    else
        CNN_TRY(queue_runs(b, w));
    CNN_CUDA(cudaEventRecord(b->stop, b->ops->stream));
    CNN_CUDA(cudaEventSynchronize(b->stop));
    CNN_CUDA(cudaEventElapsedTime(milliseconds, b->start, b->stop));
done:
    return st;
}

/* Median of some timings, in milliseconds. */
static cnn_status time_way(bench *b, way w, float *out)
{
    cnn_status st = CNN_OK;
    cudaGraphExec_t graph = NULL;
    float times[CNN_WARM_RUNS + CNN_TIMED_RUNS];
    if (b->in_graphs)
        CNN_TRY(capture_runs(b, w, &graph));
    for (int i = 0; i < CNN_WARM_RUNS + CNN_TIMED_RUNS; i++)
        CNN_TRY(time_runs(b, w, graph, &times[i]));
    *out = cnn_timing_median(times + CNN_WARM_RUNS);
done:
    if (graph)
        cudaGraphExecDestroy(graph);
    return st;
}

static cnn_status judge_way(bench *b, way w, float *milliseconds)
{
    cnn_status st = CNN_OK;
    bool right = false;
    CNN_TRY(cnn_cuda_need_workspace(b->ops, workspace_of(&b->problem, w)));
    CNN_CUDA(
        cudaMemsetAsync(b->operands.result, 0xff, b->result_size * sizeof(float), b->ops->stream));
    CNN_TRY(run(b->ops, &b->problem, w, b->operands));
    CNN_TRY(check_result(b, &right));
    if (right)
        CNN_TRY(time_way(b, w, milliseconds));
done:
    return st;
}

/* Times one candidate; *milliseconds infinite: it fails, cannot be had, or is wrong. */
static cnn_status try_way(bench *b, way w, float *milliseconds)
{
    *milliseconds = INFINITY;
    const cnn_status st = judge_way(b, w, milliseconds);
    if (st != CNN_EBACKEND && st != CNN_ENOMEM)
        return st;
    cudaGetLastError(); /* not one that stays: the next call would tell */
    *milliseconds = INFINITY;
    fprintf(stderr, "a candidate for a convolution is left out: %s\n", cnn_error_message());
    return CNN_OK;
}

/* ---- choosing ------------------------------------------------------------------------------ */

static cnn_status plan_within_limit(cnn_cudnn_graph *graph, const cnn_cudnn_engine *engine,
                                    cnn_cudnn_plan **out)
{
    const cnn_status st = cnn_cudnn_plan_create(graph, engine, out);
    if (st == CNN_OK && *out && cnn_cudnn_plan_workspace(*out) > workspace_limit)
        cnn_cudnn_plan_destroy(out);
    return st;
}

/* The direct kernels can win only where there is little to do; elsewhere timing them takes seconds.
 */
static bool is_small(const cnn_conv_problem *p)
{
    const double a_result = (double)p->shape.kernel * p->shape.kernel * p->shape.c;
    return (double)cnn_conv_problem_output(p) * a_result < 0x1p27;
}

static bool competes(const cnn_conv_plan *p, const cnn_own_convolution *own)
{
    const cnn_conv_problem part = own_part(&p->problem, own);
    return p->native && own->fits(&part) &&
           cnn_own_convolution_workspace(own, &part) <= workspace_limit &&
           (own != cnn_own_convolutions[0] || is_small(&p->problem));
}

/* Engines that the heuristics propose for one of the plan's graphs. */
typedef struct {
    cnn_cudnn_graph *graph;
    cnn_choice_kind kind;
    int count;
    cnn_cudnn_engine engines[CNN_MAX_ENGINES];
} proposals;

/* Times the proposals; *best: the least milliseconds so far, whose choice the plan has. */
static cnn_status try_proposals(cnn_conv_plan *p, bench *b, const proposals *list, float *best)
{
    cnn_status st = CNN_OK;
    cnn_cudnn_plan *plan = NULL;
    float milliseconds;
    for (int i = 0; i < list->count; i++) {
        CNN_TRY(plan_within_limit(list->graph, &list->engines[i], &plan));
        if (!plan)
            continue;
        CNN_TRY(try_way(b, (way){list->kind, NULL, plan}, &milliseconds));
        cnn_cudnn_plan_destroy(&plan);
        if (milliseconds < *best) {
            *best = milliseconds;
            p->choice = (cnn_choice){.kind = list->kind, .engine = list->engines[i]};
        }
    }
done:
    cnn_cudnn_plan_destroy(&plan);
    return st;
}

/* As try_proposals, with our own kernels. */
static cnn_status try_own(cnn_conv_plan *p, bench *b, float *best)
{
    cnn_status st = CNN_OK;
    for (int i = 0; cnn_own_convolutions[i]; i++) {
        const cnn_own_convolution *own = cnn_own_convolutions[i];
        float milliseconds;
        if (!competes(p, own))
            continue;
        CNN_TRY(try_way(b, (way){CNN_CHOICE_OWN, own, NULL}, &milliseconds));
        if (milliseconds < *best) {
            *best = milliseconds;
            p->choice = (cnn_choice){.kind = CNN_CHOICE_OWN, .own = own};
        }
    }
done:
    return st;
}

static cnn_choice direct_choice(void)
{
    return (cnn_choice){.kind = CNN_CHOICE_OWN, .own = cnn_own_convolutions[0]};
}

/* The fastest of all candidates. */
static cnn_status choose_fastest(cnn_conv_plan *p, const proposals *lists, int list_count)
{
    cnn_status st = CNN_OK;
    float best = INFINITY;
    bench b;
    p->choice = direct_choice();
    CNN_TRY(bench_open(p, &b));
    CNN_TRY(try_own(p, &b, &best));
    for (int i = 0; i < list_count; i++)
        CNN_TRY(try_proposals(p, &b, &lists[i], &best));
done:
    bench_close(&b);
    return st;
}

/* cuDNN's first proposal that can be had; our own kernels where there is none. */
static cnn_status choose_first(cnn_conv_plan *p, const proposals *lists, int list_count)
{
    p->choice = direct_choice();
    for (int k = 0; k < list_count; k++)
        for (int i = 0; i < lists[k].count && p->choice.kind == CNN_CHOICE_OWN; i++) {
            cnn_cudnn_plan *plan = NULL;
            const cnn_status st = plan_within_limit(lists[k].graph, &lists[k].engines[i], &plan);
            if (st != CNN_OK)
                return st;
            if (plan)
                p->choice = (cnn_choice){.kind = lists[k].kind, .engine = lists[k].engines[i]};
            cnn_cudnn_plan_destroy(&plan);
        }
    return CNN_OK;
}

static cnn_status choose(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    const cnn_ops_config *config = &p->ops->config;
    const cnn_cudnn_limits limits = {.tf32 = config->precision == CNN_PRECISION_TF32,
                                     .deterministic = config->deterministic};
    int count = 0;
    proposals *lists = calloc(2, sizeof *lists);
    CNN_CHECK(lists != NULL, CNN_ENOMEM, "candidates for a convolution");
    if (p->graph) {
        lists[count].graph = p->graph;
        lists[count++].kind = CNN_CHOICE_ENGINE;
    }
    if (p->plain) {
        lists[count].graph = p->plain;
        lists[count++].kind = CNN_CHOICE_PLAIN;
    }
    for (int i = 0; i < count; i++)
        CNN_TRY(cnn_cudnn_graph_engines(lists[i].graph, limits, lists[i].engines, &lists[i].count));
    CNN_TRY(config->autotune ? choose_fastest(p, lists, count) : choose_first(p, lists, count));
done:
    free(lists);
    return st;
}

/* The choice for the plan's problem: from the table, else made and added. */
static cnn_status take_choice(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text name = {0};
    cnn_conv_problem_name(&p->problem, &name);
    CNN_TRY(cnn_text_status(&name));
    const cnn_choice *known = cnn_choices_find(&p->ops->choices, name.s);
    if (known) {
        p->choice = *known;
        goto done;
    }
    CNN_CHECK(!p->ops->choices.frozen, CNN_EUSAGE,
              "the frozen algorithms have none for %s: they were tuned for another network, batch "
              "size or data set",
              name.s);
    CNN_TRY(choose(p));
    CNN_TRY(cnn_choices_add(&p->ops->choices, name.s, &p->choice));
done:
    p->choice.problem = NULL; /* the table's */
    cnn_text_free(&name);
    return st;
}

static cnn_status build(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    cnn_cudnn_graph *graph = p->choice.kind == CNN_CHOICE_PLAIN ? p->plain : p->graph;
    if (p->choice.kind != CNN_CHOICE_OWN) {
        CNN_CHECK(graph != NULL, CNN_EUSAGE,
                  "the frozen algorithms have an engine for a "
                  "convolution that is not computed so");
        CNN_TRY(cnn_cudnn_plan_create(graph, &p->choice.engine, &p->plan));
        if (!p->plan) {
            cnn_choice_describe(&p->choice, &text);
            st = cnn_error_prefix(CNN_EBACKEND, "cuDNN cannot run its algorithm %s here",
                                  text.s ? text.s : "");
            goto done;
        }
    }
    if (p->choice.kind == CNN_CHOICE_OWN) {
        const cnn_conv_problem part = own_part(&p->problem, p->choice.own);
        CNN_CHECK(p->choice.own->fits(&part), CNN_EUSAGE,
                  "the frozen algorithms have '%s' for a convolution that it cannot do",
                  p->choice.own->name);
    }
    CNN_TRY(cnn_cuda_need_workspace(p->ops, workspace_of(&p->problem, way_of(p))));
done:
    cnn_text_free(&text);
    return st;
}

static cnn_status make_graphs(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    const cnn_cudnn_target target = {.handle = p->ops->cudnn};
    const cnn_conv_problem plain = cnn_conv_problem_plain(&p->problem);
    const bool pool = p->problem.direction == CNN_CONV_FORWARD_POOL;
    if (!pool)
        CNN_TRY(cnn_cudnn_graph_create(target, &p->problem, &p->graph));
    if (pool || p->problem.direction == CNN_CONV_FORWARD_BIAS_RELU)
        CNN_TRY(cnn_cudnn_graph_create(target, &plain, &p->plain));
done:
    return st;
}

cnn_status cnn_conv_plan_create(cnn_ops *ops, const cnn_conv_problem *problem, bool native,
                                cnn_conv_plan **out)
{
    cnn_status st = CNN_OK;
    cnn_conv_plan *p = calloc(1, sizeof *p);
    CNN_CHECK(p != NULL, CNN_ENOMEM, "a convolution's plan");
    p->ops = ops;
    p->problem = *problem;
    p->native = native;
    if (!ops->config.plan_only) {
        CNN_TRY(make_graphs(p));
        CNN_TRY(take_choice(p));
        CNN_TRY(build(p));
    }
    *out = p;
    p = NULL; /* the caller owns it now */
done:
    cnn_conv_plan_destroy(&p);
    return st;
}

void cnn_conv_plan_destroy(cnn_conv_plan **plan)
{
    cnn_conv_plan *p = *plan;
    if (!p)
        return;
    cnn_cudnn_plan_destroy(&p->plan);
    cnn_cudnn_graph_destroy(&p->graph);
    cnn_cudnn_graph_destroy(&p->plain);
    free(p);
    *plan = NULL;
}
