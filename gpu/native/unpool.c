/* SPDX-License-Identifier: Apache-2.0 */
/* Backward of a convolution straight from the pooled gradient: the kernels for weights and data
 * read that gradient and the mask. Otherwise one kernel writes the gradient before the pool, and
 * two read it. The two candidates are timed as a whole. */
#include "gpu/convolution/timing.h"
#include "gpu/native/internal.h"

#include <stdio.h>
#include <string.h>

bool cnn_gpu_node_may_unpool(const cnn_step *s, const cnn_node *node)
{
    const cnn_gpu_node *own = node->own;
    if (!node->pool || !node->trains || !node->input_gradient)
        return false;
    const cnn_gpu_convolution shape =
        cnn_conv_problem_of(node->layer, cnn_ops_max_batch(s->ops), CNN_CONV_FORWARD).shape;
    return cnn_gpu_strips_unpool_fit(shape, own->windows) &&
           cnn_gpu_strips_unpool_weights_fit(shape, own->windows);
}

/* Operands of backward. */
typedef struct {
    cnn_gpu_convolution shape;
    const float *x, *weights, *dy;
    const uint8_t *mask;
    float *dx, *dweights, *dbias;
} operands;

static cnn_status run_weights(cnn_step *s, const cnn_node *node, const operands *o)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_strips_unpool_weights(s->ops->current.stream, o->shape,
                                           cnn_gpu_node_of(node)->windows, o->x, o->dy, o->mask,
                                           s->ops->current.workspace, o->dweights, o->dbias));
done:
    return st;
}

static cnn_status run_data(cnn_step *s, const cnn_node *node, const operands *o)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_strips_unpool_data(s->ops->current.stream, o->shape,
                                        cnn_gpu_node_of(node)->windows, o->dy, o->mask, o->weights,
                                        o->dx));
done:
    return st;
}

cnn_status cnn_gpu_node_unpool_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const operands o = {.shape = cnn_conv_problem_of(node->layer, pass->n, CNN_CONV_FORWARD).shape,
                        .x = cnn_step_value(s, node->index),
                        .weights = cnn_step_weights(s, node, 0),
                        .dy = cnn_step_gradient(s, node->index + 1),
                        .mask = cnn_step_at(s, cnn_gpu_node_of(node)->mask),
                        .dx = cnn_step_gradient(s, node->index),
                        .dweights = cnn_step_weight_gradients(s, node, 0),
                        .dbias = cnn_step_weight_gradients(s, node, 1)};
    CNN_TRY(cnn_gpu_step_begin_aside(s, node));
    st = run_weights(s, node, &o);
    cnn_gpu_step_end_aside(s, node);
    if (st == CNN_OK)
        CNN_TRY(run_data(s, node, &o));
done:
    return st;
}

/* ---- timing -------------------------------------------------------------------------------- */

enum { X, WEIGHTS, Z, DY, DZ, POOLED, MASK, DX, DWEIGHTS, DBIAS, RESULTS = 3, TENSORS = DX + 6 };

typedef struct {
    cnn_step *s;
    const cnn_node *node;
    int size;                /* index of the batch size */
    float *tensors[TENSORS]; /* from DX on: three results apart, then three at once */
    size_t sizes[TENSORS];
    float *distance; /* f32 [2] */
    cnn_gpu_sums sums;
    operands o;
} bench;

static cnn_status bench_open(cnn_step *s, const cnn_node *node, int size, bench *b)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const int n = s->ops->sizes[size];
    const cnn_conv_problem p = cnn_conv_problem_with_pool(node->layer, n, own->windows, node->relu);
    const size_t in = cnn_conv_problem_input(&p), out = cnn_conv_problem_output(&p);
    const size_t weights = cnn_conv_problem_weights(&p), pooled = cnn_conv_problem_pooled(&p);
    const size_t bias = (size_t)p.shape.out_c, rows = pooled / bias;
    const size_t sizes[TENSORS] = {[X] = in,
                                   [WEIGHTS] = weights,
                                   [Z] = out,
                                   [DY] = pooled,
                                   [DZ] = out,
                                   [POOLED] = pooled,
                                   [MASK] = pooled,
                                   [DX] = in,
                                   [DWEIGHTS] = weights,
                                   [DBIAS] = bias,
                                   [DX + RESULTS] = in,
                                   [DWEIGHTS + RESULTS] = weights,
                                   [DBIAS + RESULTS] = bias};
    *b = (bench){.s = s, .node = node, .size = size};
    memcpy(b->sizes, sizes, sizeof sizes);
    for (int i = 0; i < TENSORS; i++) {
        CNN_TRY(cnn_cuda_floats(s->ops, sizes[i], "tuning: a pool's backward", &b->tensors[i]));
        CNN_CUDA(
            cnn_gpu_fill_random(s->ops->current.stream, sizes[i], (uint32_t)i + 1, b->tensors[i]));
    }
    CNN_TRY(cnn_cuda_floats(s->ops, 2, "tuning: a distance", &b->distance));
    CNN_TRY(cnn_cuda_sums(s->ops, cnn_gpu_column_sums(rows, (int)bias), cnn_gpu_tickets((int)bias),
                          &b->sums));
    CNN_CUDA(cnn_gpu_maxpool_forward(s->ops->current.stream, n, own->windows, b->tensors[Z], NULL,
                                     node->relu, b->tensors[POOLED], (uint8_t *)b->tensors[MASK]));
    b->o = (operands){p.shape,
                      b->tensors[X],
                      b->tensors[WEIGHTS],
                      b->tensors[DY],
                      (uint8_t *)b->tensors[MASK],
                      b->tensors[DX + RESULTS],
                      b->tensors[DWEIGHTS + RESULTS],
                      b->tensors[DBIAS + RESULTS]};
done:
    return st;
}

static void bench_close(bench *b)
{
    for (int i = 0; i < TENSORS; i++)
        cnn_cuda_free(b->s->ops, (void **)&b->tensors[i]);
    cnn_cuda_free(b->s->ops, (void **)&b->distance);
    cnn_cuda_free_sums(b->s->ops, &b->sums);
}

/* Both streams queue in one CUDA stream here; plans and workspaces differ. */
static void change_stream(const bench *b)
{
    if (cnn_gpu_step_goes_aside(b->s, b->node->index))
        cnn_cuda_change_stream(b->s->ops);
}

static cnn_status run_apart(void *context)
{
    cnn_status st = CNN_OK;
    const bench *b = context;
    float *const *t = b->tensors;
    CNN_CUDA(cnn_gpu_unpool_bias_gradient(b->s->ops->current.stream, b->o.shape.n,
                                          cnn_gpu_node_of(b->node)->windows, b->o.mask, t[DY],
                                          t[DZ], b->sums, t[DBIAS]));
    change_stream(b);
    st = cnn_conv_plan_run(
        cnn_gpu_node_of(b->node)->plans[CNN_CONV_BACKWARD_WEIGHTS][b->size],
        (cnn_conv_operands){.first = t[X], .second = t[DZ], .result = t[DWEIGHTS]});
    change_stream(b);
    if (st == CNN_OK)
        CNN_TRY(cnn_conv_plan_run(
            cnn_gpu_node_of(b->node)->plans[CNN_CONV_BACKWARD_DATA][b->size],
            (cnn_conv_operands){.first = t[DZ], .second = t[WEIGHTS], .result = t[DX]}));
done:
    return st;
}

static cnn_status run_pooled(void *context)
{
    cnn_status st = CNN_OK;
    const bench *b = context;
    change_stream(b);
    st = run_weights(b->s, b->node, &b->o);
    change_stream(b);
    if (st == CNN_OK)
        CNN_TRY(run_data(b->s, b->node, &b->o));
done:
    return st;
}

/* CNN_EBACKEND: the last results differ by more than twice the tolerance that each has against the
 * direct kernels. */
static cnn_status check_results(const bench *b)
{
    cnn_status st = CNN_OK;
    const cnn_conv_direction directions[RESULTS] = {
        CNN_CONV_BACKWARD_DATA, CNN_CONV_BACKWARD_WEIGHTS, CNN_CONV_BACKWARD_WEIGHTS};
    for (int i = 0; i < RESULTS; i++) {
        float distance[2];
        const cnn_conv_problem p = cnn_conv_problem_of(b->node->layer, b->o.shape.n, directions[i]);
        CNN_CUDA(cnn_gpu_distance(b->s->ops->current.stream, b->sizes[DX + i], b->tensors[DX + i],
                                  b->tensors[DX + i + RESULTS], b->distance));
        CNN_TRY(cnn_ops_download(b->s->ops, distance, b->distance, sizeof distance));
        CNN_CHECK((double)distance[1] <=
                      2 * cnn_conv_tolerance(b->s->ops, &p) * (double)distance[0],
                  CNN_EBACKEND, "its result is wrong: by %g of %g", (double)distance[1],
                  (double)distance[0]);
    }
done:
    return st;
}

static cnn_status need_workspace(cnn_step *s, const cnn_node *node, int size)
{
    const cnn_conv_problem p =
        cnn_conv_problem_of(node->layer, s->ops->sizes[size], CNN_CONV_BACKWARD_WEIGHTS);
    const bool aside = cnn_gpu_step_goes_aside(s, node->index);
    if (aside)
        cnn_cuda_change_stream(s->ops);
    const cnn_status st =
        cnn_cuda_need_workspace(s->ops, cnn_gpu_strips_unpool_weights_workspace(p.shape));
    if (aside)
        cnn_cuda_change_stream(s->ops);
    return st;
}

static cnn_status fail_timing(void *context, cnn_status st)
{
    (void)context;
    return st;
}

enum { BY_APART, BY_POOLED, CANDIDATES };

static cnn_status tune(cnn_step *s, const cnn_node *node, int size, const char *name, bool *pooled)
{
    static const char *const names[CANDIDATES] = {"apart", "pooled"};
    cnn_status st = CNN_OK;
    bench b = {.s = s};
    cnn_timed timed[CANDIDATES] = {
        {.work = run_apart, .failed = fail_timing, .context = &b, .from_graph = true},
        {.work = run_pooled, .failed = fail_timing, .context = &b, .from_graph = true}};
    float times[CANDIDATES];
    CNN_TRY(need_workspace(s, node, size));
    CNN_TRY(bench_open(s, node, size, &b));
    CNN_TRY(run_apart(&b));
    CNN_TRY(run_pooled(&b));
    CNN_TRY(check_results(&b));
    CNN_TRY(cnn_cuda_time(s->ops, timed, CANDIDATES));
    for (int i = 0; i < CANDIDATES; i++) {
        times[i] = timed[i].microseconds;
        cnn_timing_record(s->ops, name, names[i], times[i]);
    }
    *pooled = cnn_timing_fastest(times, CANDIDATES) == BY_POOLED;
done:
    bench_close(&b);
    return st;
}

/* A failure leaves the pooled candidate out; if the other one failed, every step will report it. */
static cnn_status tune_or_leave(cnn_step *s, const cnn_node *node, int size, const char *name,
                                bool *pooled)
{
    cnn_status st = tune(s, node, size, name, pooled);
    if (st != CNN_EBACKEND && st != CNN_ENOMEM)
        return st;
    *pooled = false;
    cnn_error_prefix(st, "candidate pooled for %s", name);
    st = cnn_cuda_clear_error();
    if (st == CNN_OK)
        fprintf(stderr, "left out: %s\n", cnn_error_message());
    return st;
}

/* ---- choosing ------------------------------------------------------------------------------ */

static cnn_status name_of(const cnn_step *s, const cnn_node *node, int size, cnn_text *out)
{
    cnn_text forward = {0};
    const cnn_conv_problem p = cnn_conv_problem_with_pool(
        node->layer, s->ops->sizes[size], cnn_gpu_node_of(node)->windows, node->relu);
    cnn_conv_problem_name(&p, &forward);
    const cnn_status st = cnn_text_status(&forward);
    if (st == CNN_OK)
        cnn_text_printf(out, "unpool%s", strchr(forward.s, ':'));
    cnn_text_free(&forward);
    return st == CNN_OK ? cnn_text_status(out) : st;
}

/* A table without the algorithm means apart. */
static cnn_status choose(cnn_step *s, cnn_node *node, int size)
{
    cnn_status st = CNN_OK;
    cnn_gpu_node *own = node->own;
    cnn_text name = {0};
    cnn_algorithm algorithm = {.kind = CNN_ALGORITHM_UNPOOL};
    CNN_TRY(name_of(s, node, size, &name));
    const cnn_algorithm *known = cnn_algorithms_find(&s->ops->algorithms, name.s);
    if (known) {
        own->unpools[size] = known->pooled;
    } else if (!s->ops->algorithms.frozen && s->ops->config.autotune) {
        CNN_TRY(tune_or_leave(s, node, size, name.s, &algorithm.pooled));
        CNN_TRY(cnn_algorithms_add(&s->ops->algorithms, name.s, &algorithm));
        own->unpools[size] = algorithm.pooled;
    }
    if (own->unpools[size])
        CNN_TRY(need_workspace(s, node, size));
done:
    cnn_text_free(&name);
    return st;
}

cnn_status cnn_gpu_node_choose_unpool(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    if (s->ops->config.plan_only || !cnn_gpu_node_may_unpool(s, node))
        return CNN_OK;
    if (cnn_gpu_step_of(s)->may_branch)
        CNN_TRY(cnn_cuda_separate_streams(s->ops, false));
    for (int i = 0; i < s->ops->size_count; i++)
        CNN_TRY(choose(s, node, i));
done:
    return st;
}
