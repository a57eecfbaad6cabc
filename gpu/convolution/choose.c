/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a convolution's algorithm: checks and times candidates, cuDNN's proposals and own
 * kernels, on the real shapes. */
#include "gpu/convolution/internal.h"
#include "gpu/convolution/timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const size_t workspace_limit = (size_t)1 << 30; /* most bytes for a candidate */

/* ---- a place to try candidates in ---------------------------------------------------------- */

typedef struct {
    cnn_ops *ops;
    cnn_conv_problem problem;
    float *tensors[6];      /* input, output, weights, bias; with a pool: its result, its mask */
    float *expected;        /* the direct kernels' result */
    uint8_t *expected_mask; /* with a pool: their mask, on the host */
    float *distance;        /* f32 [2] on the device */
    size_t result_size;
    cnn_conv_operands operands;
    bool from_graph; /* the convolution will run from one */
} bench;

static cnn_status fill(bench *b, int tensor, size_t size, const char *what)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_cuda_floats(b->ops, size, what, &b->tensors[tensor]));
    CNN_CUDA(cnn_gpu_fill_random(b->ops->current.stream, size, (uint32_t)tensor + 1,
                                 b->tensors[tensor]));
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
    *b = (bench){.ops = ops, .problem = *problem, .from_graph = p->native};
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
    cnn_conv_operands o = b->operands;
    o.result = b->expected;
    CNN_TRY(cnn_own_convolutions[0]->run(ops, problem, o, NULL));
    if (o.mask) {
        CNN_CHECK((b->expected_mask = malloc(b->result_size)), CNN_ENOMEM, "tuning: a mask");
        CNN_TRY(cnn_ops_download(ops, b->expected_mask, o.mask, b->result_size));
    }
done:
    return st;
}

static void bench_close(bench *b)
{
    for (size_t i = 0; i < sizeof b->tensors / sizeof b->tensors[0]; i++)
        cnn_cuda_free(b->ops, (void **)&b->tensors[i]);
    cnn_cuda_free(b->ops, (void **)&b->expected);
    cnn_cuda_free(b->ops, (void **)&b->distance);
    free(b->expected_mask);
}

/* Rounding of the sum grows with the root of its number of terms; TF32 adds the rounding of the
 * inputs; the floor covers algorithms that transform their input. */
double cnn_conv_tolerance(const cnn_ops *ops, const cnn_conv_problem *p)
{
    const cnn_gpu_convolution *s = &p->shape;
    const int channels = p->direction == CNN_CONV_BACKWARD_DATA ? s->out_c : s->c;
    const double terms = p->direction == CNN_CONV_BACKWARD_WEIGHTS
                             ? (double)s->n * s->out_h * s->out_w
                             : (double)s->kernel * s->kernel * channels;
    const bool tf32 = ops->config.precision == CNN_PRECISION_TF32;
    return fmax(1e-5, 4 * 0x1p-23 * sqrt(terms)) + (tf32 ? 4 * 0x1p-10 : 0);
}

/* The share of the mask that differs from the direct kernels'. A few windows with two nearly equal
 * maxima may. */
static cnn_status check_mask(const bench *b, double *differing)
{
    cnn_status st = CNN_OK;
    const size_t size = b->result_size;
    uint8_t *mask = malloc(size);
    size_t count = 0;
    CNN_CHECK(mask != NULL, CNN_ENOMEM, "tuning: a mask");
    CNN_TRY(cnn_ops_download(b->ops, mask, b->operands.mask, size));
    for (size_t i = 0; i < size; i++)
        count += mask[i] != b->expected_mask[i];
    *differing = (double)count / (double)size;
done:
    free(mask);
    return st;
}

/* CNN_EBACKEND: the last result is wrong. */
static cnn_status check_result(const bench *b)
{
    static const double masks_may_differ = 0.02;
    cnn_status st = CNN_OK;
    float distance[2];
    double differing = 0;
    CNN_CUDA(cnn_gpu_distance(b->ops->current.stream, b->result_size, b->expected,
                              b->operands.result, b->distance));
    CNN_TRY(cnn_ops_download(b->ops, distance, b->distance, sizeof distance));
    if (b->expected_mask)
        CNN_TRY(check_mask(b, &differing));
    CNN_CHECK((double)distance[1] <=
                      cnn_conv_tolerance(b->ops, &b->problem) * (double)distance[0] &&
                  differing <= masks_may_differ,
              CNN_EBACKEND, "its result is wrong: by %g of %g, %g %% of its mask",
              (double)distance[1], (double)distance[0], 100 * differing);
done:
    return st;
}

/* ---- trying candidates --------------------------------------------------------------------- */

/* A candidate in the bench. */
typedef struct {
    bench *b;
    cnn_algorithm algorithm; /* frozen if it is chosen */
    cnn_cudnn_plan *plan;    /* of an engine; owned */
} trial;

static cnn_conv_candidate candidate_of(const trial *t)
{
    return (cnn_conv_candidate){t->algorithm.kind, t->algorithm.own, t->plan};
}

static cnn_status run_trial(void *context)
{
    const trial *t = context;
    return cnn_conv_candidate_run(t->b->ops, &t->b->problem, candidate_of(t), t->b->operands);
}

/* Prints the thread's message after the names of candidate and problem. A sticky error, which every
 * later call would report, ends the run instead. */
static cnn_status leave_out(void *context, cnn_status st)
{
    const trial *t = context;
    cnn_text name = {0}, problem = {0};
    if (st != CNN_EBACKEND && st != CNN_ENOMEM)
        return st;
    cnn_algorithm_describe(&t->algorithm, &name);
    cnn_conv_problem_name(&t->b->problem, &problem);
    cnn_error_prefix(st, "candidate %s for %s", name.s ? name.s : "", problem.s ? problem.s : "");
    st = cnn_cuda_clear_error();
    if (st == CNN_OK)
        fprintf(stderr, "left out: %s\n", cnn_error_message());
    cnn_text_free(&name);
    cnn_text_free(&problem);
    return st;
}

/* CNN_EBACKEND: the candidate fails, or its result is wrong. */
static cnn_status check(trial *t)
{
    cnn_status st = CNN_OK;
    bench *b = t->b;
    const cudaStream_t stream = b->ops->current.stream;
    CNN_TRY(cnn_cuda_need_workspace(b->ops,
                                    cnn_conv_candidate_workspace(&b->problem, candidate_of(t))));
    CNN_CUDA(cudaMemsetAsync(b->operands.result, 0xff, b->result_size * sizeof(float),
                             cnn_gpu_foreign(stream)));
    if (b->operands.mask)
        CNN_CUDA(cudaMemsetAsync(b->operands.mask, 0xee, b->result_size, cnn_gpu_foreign(stream)));
    CNN_TRY(run_trial(t));
    CNN_TRY(check_result(b));
done:
    return st;
}

/* ---- candidates ---------------------------------------------------------------------------- */

/* The budget of tuning: the first ENGINES_TRIED engines that cuDNN proposes for a graph, and all
 * own kernels that fit. A limit of time would make results depend on it. */
enum { ENGINES_TRIED = 12, GRAPHS = 2, MOST_TRIALS = 32 + GRAPHS * ENGINES_TRIED };

static cnn_status plan_within_limit(cnn_cudnn_graph *graph, const cnn_cudnn_engine *engine,
                                    cnn_cudnn_plan **out)
{
    const cnn_status st = cnn_cudnn_plan_create(graph, engine, out);
    if (st == CNN_OK && *out && cnn_cudnn_plan_workspace(*out) > workspace_limit)
        cnn_cudnn_plan_destroy(out);
    return st;
}

/* The direct kernels can be fastest only on small problems; on large ones timing takes seconds. */
static bool is_small(const cnn_conv_problem *p)
{
    const double a_result = (double)p->shape.kernel * p->shape.kernel * p->shape.c;
    return (double)cnn_conv_problem_output(p) * a_result < 0x1p27;
}

static bool competes(const cnn_conv_plan *p, const cnn_own_convolution *own)
{
    const cnn_conv_problem part = cnn_conv_own_part(&p->problem, own);
    return p->native && own->fits(&part) &&
           cnn_own_convolution_workspace(own, &part) <= workspace_limit &&
           (own != cnn_own_convolutions[0] || is_small(&p->problem));
}

/* Engines that the heuristics propose for one of the plan's graphs. */
typedef struct {
    cnn_cudnn_graph *graph;
    cnn_algorithm_kind kind;
    int count;
    cnn_cudnn_engine engines[CNN_MAX_ENGINES];
} proposals;

/* Candidates in a fixed order: own kernels, then engines. */
typedef struct {
    int count;
    trial list[MOST_TRIALS];
} trials;

/* Adds a candidate whose result is right. Takes the plan, which may be NULL. */
static cnn_status add_trial(trials *all, bench *b, cnn_algorithm algorithm, cnn_cudnn_plan *plan)
{
    trial *t = &all->list[all->count];
    *t = (trial){.b = b, .algorithm = algorithm, .plan = plan};
    const cnn_status st = check(t);
    if (st == CNN_OK) {
        all->count++;
        return CNN_OK;
    }
    const cnn_status left = leave_out(t, st);
    cnn_cudnn_plan_destroy(&t->plan);
    return left;
}

static cnn_status add_own(const cnn_conv_plan *p, bench *b, trials *all)
{
    cnn_status st = CNN_OK;
    for (int i = 0; cnn_own_convolutions[i]; i++) {
        const cnn_own_convolution *own = cnn_own_convolutions[i];
        if (competes(p, own))
            CNN_TRY(
                add_trial(all, b, (cnn_algorithm){.kind = CNN_ALGORITHM_OWN, .own = own}, NULL));
    }
done:
    return st;
}

static cnn_status add_proposals(bench *b, const proposals *list, trials *all)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < list->count && i < ENGINES_TRIED; i++) {
        cnn_cudnn_plan *plan = NULL;
        CNN_TRY(plan_within_limit(list->graph, &list->engines[i], &plan));
        if (plan)
            CNN_TRY(add_trial(
                all, b, (cnn_algorithm){.kind = list->kind, .engine = list->engines[i]}, plan));
    }
done:
    return st;
}

/* ---- choosing ------------------------------------------------------------------------------ */

static cnn_algorithm direct_algorithm(void)
{
    return (cnn_algorithm){.kind = CNN_ALGORITHM_OWN, .own = cnn_own_convolutions[0]};
}

static void record(const trial *t, float microseconds)
{
    cnn_text name = {0}, problem = {0};
    cnn_algorithm_describe(&t->algorithm, &name);
    cnn_conv_problem_name(&t->b->problem, &problem);
    cnn_timing_record(t->b->ops, problem.s ? problem.s : "", name.s ? name.s : "", microseconds);
    cnn_text_free(&name);
    cnn_text_free(&problem);
}

/* Gives the plan the fastest trial, or the direct kernels where none could be timed. */
static cnn_status take_fastest(cnn_conv_plan *p, trials *all)
{
    cnn_status st = CNN_OK;
    cnn_timed timed[MOST_TRIALS];
    float times[MOST_TRIALS];
    for (int i = 0; i < all->count; i++)
        timed[i] = (cnn_timed){.work = run_trial,
                               .failed = leave_out,
                               .context = &all->list[i],
                               .from_graph = p->native};
    CNN_TRY(cnn_cuda_time(p->ops, timed, all->count));
    for (int i = 0; i < all->count; i++) {
        times[i] = timed[i].microseconds;
        record(&all->list[i], times[i]);
    }
    const int best = cnn_timing_fastest(times, all->count);
    p->algorithm = best < 0 ? direct_algorithm() : all->list[best].algorithm;
done:
    return st;
}

static cnn_status choose_fastest(cnn_conv_plan *p, const proposals *lists, int list_count)
{
    cnn_status st = CNN_OK;
    bench b;
    trials *all = calloc(1, sizeof *all);
    CNN_TRY(bench_open(p, &b));
    CNN_CHECK(all != NULL, CNN_ENOMEM, "candidates for a convolution");
    CNN_TRY(add_own(p, &b, all));
    for (int i = 0; i < list_count; i++)
        CNN_TRY(add_proposals(&b, &lists[i], all));
    CNN_TRY(take_fastest(p, all));
done:
    for (int i = 0; all && i < all->count; i++)
        cnn_cudnn_plan_destroy(&all->list[i].plan);
    free(all);
    bench_close(&b);
    return st;
}

/* cuDNN's first proposal that can be built; our own kernels where there is none. */
static cnn_status choose_first(cnn_conv_plan *p, const proposals *lists, int list_count)
{
    p->algorithm = direct_algorithm();
    for (int k = 0; k < list_count; k++)
        for (int i = 0; i < lists[k].count && p->algorithm.kind == CNN_ALGORITHM_OWN; i++) {
            cnn_cudnn_plan *plan = NULL;
            const cnn_status st = plan_within_limit(lists[k].graph, &lists[k].engines[i], &plan);
            if (st != CNN_OK)
                return st;
            if (plan)
                p->algorithm =
                    (cnn_algorithm){.kind = lists[k].kind, .engine = lists[k].engines[i]};
            cnn_cudnn_plan_destroy(&plan);
        }
    return CNN_OK;
}

cnn_status cnn_conv_choose(cnn_conv_plan *p)
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
        lists[count++].kind = CNN_ALGORITHM_ENGINE;
    }
    if (p->plain) {
        lists[count].graph = p->plain;
        lists[count++].kind = CNN_ALGORITHM_PLAIN;
    }
    for (int i = 0; i < count; i++)
        CNN_TRY(cnn_cudnn_graph_engines(lists[i].graph, limits, lists[i].engines, &lists[i].count));
    CNN_TRY(config->autotune ? choose_fastest(p, lists, count) : choose_first(p, lists, count));
done:
    free(lists);
    return st;
}
