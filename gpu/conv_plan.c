#include "gpu/conv_plan.h"

#include "gpu/cuda_internal.h"

#include <math.h>
#include <stdlib.h>

struct cnn_conv_plan {
    cnn_ops *ops; /* borrowed */
    cnn_conv_problem problem;
    cnn_choice choice; /* problem: NULL */
    cnn_cudnn_graph *graph;
    cnn_cudnn_plan *plan; /* NULL: direct */
};

static const size_t workspace_limit = (size_t)1 << 30; /* bytes that an engine may ask for */

/* ---- running ------------------------------------------------------------------------------- */

static cnn_status run(cnn_ops *ops, const cnn_conv_problem *problem, cnn_cudnn_plan *plan,
                      cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    if (plan)
        CNN_TRY(cnn_cudnn_plan_run(plan, o, ops->workspace));
    else
        CNN_CUDA(cnn_conv_run_direct(ops->stream, problem, o));
done:
    return st;
}

cnn_status cnn_conv_plan_run(cnn_conv_plan *plan, cnn_conv_operands o)
{
    return run(plan->ops, &plan->problem, plan->plan, o);
}

void cnn_conv_plan_describe(const cnn_conv_plan *plan, cnn_text *out)
{
    if (!plan->graph) {
        cnn_text_append(out, "by an engine that the device chooses");
        return;
    }
    cnn_choice_describe(&plan->choice, out);
}

/* ---- timing candidates --------------------------------------------------------------------- */

enum { WARM_RUNS = 2, TIMED_RUNS = 7 };

/* A place to try candidates in. */
typedef struct {
    cnn_ops *ops;
    cnn_conv_problem problem;
    float *tensors[3]; /* input, output, weights */
    float *expected;   /* the direct kernels' result */
    float *distance;   /* f32 [2] on the device */
    size_t result_size;
    cnn_conv_operands operands;
    cudaEvent_t start, stop;
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
    float *x = b->tensors[0], *y = b->tensors[1], *w = b->tensors[2];
    const cnn_conv_operands by_direction[] = {
        [CNN_CONV_FORWARD] = {x, w, y},
        [CNN_CONV_BACKWARD_DATA] = {y, w, x},
        [CNN_CONV_BACKWARD_WEIGHTS] = {x, y, w},
    };
    const size_t sizes[] = {
        [CNN_CONV_FORWARD] = cnn_conv_problem_output(&b->problem),
        [CNN_CONV_BACKWARD_DATA] = cnn_conv_problem_input(&b->problem),
        [CNN_CONV_BACKWARD_WEIGHTS] = cnn_conv_problem_weights(&b->problem),
    };
    b->operands = by_direction[b->problem.direction];
    b->result_size = sizes[b->problem.direction];
}

static cnn_status bench_open(cnn_ops *ops, const cnn_conv_problem *problem, bench *b)
{
    cnn_status st = CNN_OK;
    *b = (bench){.ops = ops, .problem = *problem};
    CNN_TRY(fill(b, 0, cnn_conv_problem_input(problem), "tuning: a convolution's input"));
    CNN_TRY(fill(b, 1, cnn_conv_problem_output(problem), "tuning: a convolution's result"));
    CNN_TRY(fill(b, 2, cnn_conv_problem_weights(problem), "tuning: a convolution's weights"));
    aim(b);
    CNN_TRY(cnn_cuda_floats(b->ops, b->result_size, "tuning: the expected result", &b->expected));
    CNN_TRY(cnn_cuda_floats(b->ops, 2, "tuning: a distance", &b->distance));
    CNN_CUDA(cudaEventCreate(&b->start));
    CNN_CUDA(cudaEventCreate(&b->stop));
    cnn_conv_operands o = b->operands;
    o.result = b->expected;
    CNN_CUDA(cnn_conv_run_direct(ops->stream, problem, o));
done:
    return st;
}

static void bench_close(bench *b)
{
    for (int i = 0; i < 3; i++)
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

static int by_time(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median of some runs, in milliseconds. */
static cnn_status time_plan(bench *b, cnn_cudnn_plan *plan, float *out)
{
    cnn_status st = CNN_OK;
    float times[TIMED_RUNS];
    for (int i = 0; i < WARM_RUNS; i++)
        CNN_TRY(run(b->ops, &b->problem, plan, b->operands));
    for (int i = 0; i < TIMED_RUNS; i++) {
        CNN_CUDA(cudaEventRecord(b->start, b->ops->stream));
        CNN_TRY(run(b->ops, &b->problem, plan, b->operands));
        CNN_CUDA(cudaEventRecord(b->stop, b->ops->stream));
        CNN_CUDA(cudaEventSynchronize(b->stop));
        CNN_CUDA(cudaEventElapsedTime(&times[i], b->start, b->stop));
    }
    qsort(times, TIMED_RUNS, sizeof times[0], by_time);
    *out = times[TIMED_RUNS / 2];
done:
    return st;
}

/* Times one candidate; *milliseconds infinite: not to be had, or wrong. */
static cnn_status try_plan(bench *b, cnn_cudnn_plan *plan, float *milliseconds)
{
    cnn_status st = CNN_OK;
    bool right = false;
    *milliseconds = INFINITY;
    CNN_TRY(cnn_cuda_need_workspace(b->ops, plan ? cnn_cudnn_plan_workspace(plan) : 0));
    CNN_CUDA(
        cudaMemsetAsync(b->operands.result, 0xff, b->result_size * sizeof(float), b->ops->stream));
    CNN_TRY(run(b->ops, &b->problem, plan, b->operands));
    CNN_TRY(check_result(b, &right));
    if (right)
        CNN_TRY(time_plan(b, plan, milliseconds));
done:
    return st;
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

/* Our direct kernels can win only where there is little to do; elsewhere timing them takes seconds.
 */
static bool is_small(const cnn_conv_problem *p)
{
    const double a_result = (double)p->shape.kernel * p->shape.kernel * p->shape.c;
    return (double)cnn_conv_problem_output(p) * a_result < 0x1p27;
}

/* The fastest of all candidates, our own kernels among them. */
static cnn_status choose_fastest(cnn_conv_plan *p, const cnn_cudnn_engine *engines, int count)
{
    cnn_status st = CNN_OK;
    cnn_cudnn_plan *plan = NULL;
    float best = INFINITY, milliseconds;
    bench b;
    CNN_TRY(bench_open(p->ops, &p->problem, &b));
    p->choice = (cnn_choice){.direct = true};
    if (is_small(&p->problem))
        CNN_TRY(try_plan(&b, NULL, &best));
    for (int i = 0; i < count; i++) {
        CNN_TRY(plan_within_limit(p->graph, &engines[i], &plan));
        if (!plan)
            continue;
        CNN_TRY(try_plan(&b, plan, &milliseconds));
        cnn_cudnn_plan_destroy(&plan);
        if (milliseconds < best) {
            best = milliseconds;
            p->choice = (cnn_choice){.engine = engines[i]};
        }
    }
done:
    cnn_cudnn_plan_destroy(&plan);
    bench_close(&b);
    return st;
}

/* cuDNN's first proposal that can be had; our own kernels where there is none. */
static cnn_status choose_first(cnn_conv_plan *p, const cnn_cudnn_engine *engines, int count)
{
    p->choice = (cnn_choice){.direct = true};
    for (int i = 0; i < count && p->choice.direct; i++) {
        cnn_cudnn_plan *plan = NULL;
        const cnn_status st = plan_within_limit(p->graph, &engines[i], &plan);
        if (st != CNN_OK)
            return st;
        if (plan)
            p->choice = (cnn_choice){.engine = engines[i]};
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
    cnn_cudnn_engine *engines = calloc(CNN_MAX_ENGINES, sizeof *engines);
    CNN_CHECK(engines != NULL, CNN_ENOMEM, "candidates for a convolution");
    CNN_TRY(cnn_cudnn_graph_engines(p->graph, limits, engines, &count));
    CNN_TRY(config->autotune ? choose_fastest(p, engines, count) : choose_first(p, engines, count));
done:
    free(engines);
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
    CNN_TRY(cnn_choices_add(&p->ops->choices, name.s, p->choice.direct, &p->choice.engine));
done:
    p->choice.problem = NULL; /* the table's */
    cnn_text_free(&name);
    return st;
}

static cnn_status build(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    if (p->choice.direct)
        return CNN_OK;
    CNN_TRY(cnn_cudnn_plan_create(p->graph, &p->choice.engine, &p->plan));
    if (!p->plan) {
        cnn_choice_describe(&p->choice, &text);
        st = cnn_error_prefix(CNN_EBACKEND, "cuDNN cannot run its algorithm %s here",
                              text.s ? text.s : "");
        goto done;
    }
    CNN_TRY(cnn_cuda_need_workspace(p->ops, cnn_cudnn_plan_workspace(p->plan)));
done:
    cnn_text_free(&text);
    return st;
}

cnn_status cnn_conv_plan_create(cnn_ops *ops, const cnn_conv_problem *problem, cnn_conv_plan **out)
{
    cnn_status st = CNN_OK;
    const cnn_cudnn_target target = {.handle = ops->cudnn};
    cnn_conv_plan *p = calloc(1, sizeof *p);
    CNN_CHECK(p != NULL, CNN_ENOMEM, "a convolution's plan");
    p->ops = ops;
    p->problem = *problem;
    if (!ops->config.plan_only) {
        CNN_TRY(cnn_cudnn_graph_create(target, problem, &p->graph));
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
    free(p);
    *plan = NULL;
}
