/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the native path: convolution + bias [+ ReLU] [+ maximum pool]. */
#include "gpu/native/internal.h"

static cnn_conv_problem problem_of(const cnn_node *node, int n, cnn_conv_direction direction)
{
    return direction == CNN_CONV_FORWARD_POOL
               ? cnn_conv_problem_with_pool(node->layer, n, cnn_gpu_node_of(node)->windows,
                                            node->relu)
               : cnn_conv_problem_of(node->layer, n, direction);
}

static cnn_status add_plans(cnn_step *s, cnn_node *node, cnn_conv_direction direction)
{
    for (int i = 0; i < s->ops->size_count; i++) {
        const cnn_conv_problem problem = problem_of(node, s->ops->sizes[i], direction);
        const cnn_status st = cnn_conv_plan_create(s->ops, &problem, true,
                                                   &cnn_gpu_node_of(node)->plans[direction][i]);
        if (st != CNN_OK)
            return st;
    }
    return CNN_OK;
}

/* Plans use the handles of the stream that they run in. */
static cnn_status add_weights_plans(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    const bool aside = cnn_gpu_step_goes_aside(s, node->index);
    if (aside)
        cnn_cuda_change_stream(s->ops);
    st = add_plans(s, node, CNN_CONV_BACKWARD_WEIGHTS);
    if (aside)
        cnn_cuda_change_stream(s->ops);
    return st;
}

static cnn_gpu_convolution geometry(const cnn_node *node, int n)
{
    return cnn_conv_problem_of(node->layer, n, CNN_CONV_FORWARD).shape;
}

/* A first layer with a pool, without a gradient of its input: own kernels compute all of it. */
static cnn_status fused_first_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_gpu_node *own = node->own;
    const int back = cnn_step_back(s, node->index);
    const size_t parts =
        cnn_gpu_first_parts(geometry(node, cnn_ops_max_batch(s->ops)), own->windows);
    own->fused_first = true;
    CNN_TRY(cnn_gpu_node_add_mask(s, node));
    CNN_TRY(cnn_gpu_node_add_sums(s, node, parts, 1, back, back));
done:
    return st;
}

/* The part of the node that its plan computes: without a ReLU or pool, all but the bias. */
static cnn_conv_direction forward_of(const cnn_node *node)
{
    return node->pool   ? CNN_CONV_FORWARD_POOL
           : node->relu ? CNN_CONV_FORWARD_BIAS_RELU
                        : CNN_CONV_FORWARD;
}

/* Whether own kernels apply the ReLU's mask and sum the gradients of weights and bias: a first
 * layer over few channels without a pool. */
static bool uses_few_channels(const cnn_node *node)
{
    return node->trains && !node->input_gradient && !node->pool &&
           !cnn_gpu_node_of(node)->finished_by_next && cnn_gpu_few_channels_fits(geometry(node, 1));
}

static cnn_status few_channels_create(cnn_step *s, cnn_node *node)
{
    const int back = cnn_step_back(s, node->index);
    const size_t parts = cnn_gpu_few_channels_parts(geometry(node, cnn_ops_max_batch(s->ops)));
    cnn_gpu_node_of(node)->few_channels = true;
    return cnn_gpu_node_add_sums(s, node, parts, 0, back, back);
}

static cnn_status library_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    const bool tile = node->pool && cnn_gpu_windows_tile(cnn_gpu_node_of(node)->windows);
    const cnn_shape out =
        tile ? node->pool->out : node->layer->out; /* bias gradients sum over its rows */
    const size_t images = (size_t)cnn_ops_max_batch(s->ops);
    CNN_TRY(add_plans(s, node, forward_of(node)));
    if (uses_few_channels(node))
        return few_channels_create(s, node);
    if (node->trains)
        CNN_TRY(add_weights_plans(s, node));
    if (node->input_gradient)
        CNN_TRY(add_plans(s, node, CNN_CONV_BACKWARD_DATA));
    if (node->pool)
        CNN_TRY(cnn_gpu_node_add_pool(s, node));
    CNN_TRY(cnn_gpu_node_choose_unpool(s, node));
    if (node->trains)
        CNN_TRY(cnn_gpu_node_add_bias_sums(s, node, images * (size_t)out.h * (size_t)out.w, out.c));
done:
    return st;
}

bool cnn_gpu_node_fuses_first(const cnn_node *node)
{
    cnn_gpu_windows windows;
    return node->pool && node->trains && !node->input_gradient &&
           cnn_cuda_windows(node->pool, &windows) == CNN_OK &&
           cnn_gpu_first_fits(geometry(node, 1), windows);
}

static cnn_status conv_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_gpu_node_add_weights(s, node);
    if (node->pool)
        CNN_TRY(cnn_cuda_windows(node->pool, &cnn_gpu_node_of(node)->windows));
    CNN_TRY(cnn_gpu_node_fuses_first(node) ? fused_first_create(s, node) : library_create(s, node));
done:
    return st;
}

static void conv_destroy(cnn_node *node)
{
    cnn_gpu_node *own = node->own;
    for (int d = 0; own && d < CNN_CONV_DIRECTIONS; d++)
        for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
            cnn_conv_plan_destroy(&own->plans[d][i]);
}

/* Input of a first convolution's own kernels: the feed's images, if no node comes before. */
static cnn_gpu_images first_images(const cnn_step *s, const cnn_node *node,
                                   const cnn_step_pass *pass, const cnn_gpu_position *position)
{
    if (node->index == 0)
        return cnn_gpu_pass_images(pass, position);
    return (cnn_gpu_images){.pixels = cnn_step_value(s, node->index), .scale = 1};
}

static cnn_status conv_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const cudaStream_t stream = s->ops->current.stream;
    const float *x = cnn_step_value(s, node->index), *weights = cnn_step_weights(s, node, 0);
    const float *bias = cnn_step_weights(s, node, 1);
    float *y = cnn_step_value(s, node->index + 1);
    uint8_t *mask = pass->training ? cnn_step_at(s, own->mask) : NULL;
    const cnn_conv_direction direction = forward_of(node);
    const cnn_conv_operands o = {.first = x,
                                 .second = weights,
                                 .result = y,
                                 .bias = bias,
                                 .before = cnn_step_at(s, own->before_pool),
                                 .mask = mask};
    if (own->fused_first) {
        CNN_CUDA(
            cnn_gpu_first_forward(stream, geometry(node, pass->n), own->windows,
                                  first_images(s, node, pass, &cnn_gpu_step_of(s)->place->forward),
                                  weights, bias, node->relu, y, mask));
        goto done;
    }
    CNN_TRY(cnn_conv_plan_run(own->plans[direction][pass->size], o));
    if (direction == CNN_CONV_FORWARD)
        CNN_CUDA(cnn_gpu_add_bias(stream, cnn_gpu_pass_rows(pass, node->layer->out), node->mid.c,
                                  bias, false, y));
done:
    return st;
}

/* Gradients of the convolution's result and of the bias, where a pool follows. */
static cnn_status unpool(cnn_step *s, cnn_node *node, const cnn_step_pass *pass, float *dz)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const cudaStream_t stream = s->ops->current.stream;
    const float *dy = cnn_step_gradient(s, node->index + 1);
    const uint8_t *mask = cnn_step_at(s, own->mask);
    const cnn_gpu_sums sums = cnn_gpu_node_sums(s, node);
    float *dbias = cnn_step_weight_gradients(s, node, 1);
    if (cnn_gpu_windows_tile(own->windows)) {
        CNN_CUDA(
            cnn_gpu_unpool_bias_gradient(stream, pass->n, own->windows, mask, dy, dz, sums, dbias));
    } else {
        CNN_CUDA(cnn_gpu_maxpool_backward(stream, pass->n, own->windows, mask, dy, dz));
        CNN_CUDA(cnn_gpu_bias_gradient(stream, cnn_gpu_pass_rows(pass, node->layer->out),
                                       node->mid.c, dz, sums, dbias));
    }
done:
    return st;
}

static cnn_status conv_output_gradient(cnn_step *s, cnn_node *node, const cnn_step_pass *pass,
                                       float **dz)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const cnn_gpu_sums sums = cnn_gpu_node_sums(s, node);
    const size_t rows = cnn_gpu_pass_rows(pass, node->layer->out);
    float *dbias = cnn_step_weight_gradients(s, node, 1);
    *dz = node->pool ? cnn_step_at(s, own->before_pool_gradient)
                     : cnn_step_gradient(s, node->index + 1);
    if (own->finished_by_next)
        goto done;
    if (node->pool)
        CNN_TRY(unpool(s, node, pass, *dz));
    else if (node->relu)
        CNN_CUDA(cnn_gpu_relu_bias_gradient(s->ops->current.stream, rows, node->mid.c,
                                            cnn_step_value(s, node->index + 1), *dz, sums, dbias));
    else
        CNN_CUDA(
            cnn_gpu_bias_gradient(s->ops->current.stream, rows, node->mid.c, *dz, sums, dbias));
done:
    return st;
}

static cnn_status conv_weights_gradient(cnn_step *s, cnn_node *node, const cnn_step_pass *pass,
                                        const float *dz)
{
    cnn_status st = CNN_OK;
    const cnn_conv_operands o = {.first = cnn_step_value(s, node->index),
                                 .second = dz,
                                 .result = cnn_step_weight_gradients(s, node, 0)};
    CNN_TRY(cnn_gpu_step_begin_aside(s, node));
    st = cnn_conv_plan_run(cnn_gpu_node_of(node)->plans[CNN_CONV_BACKWARD_WEIGHTS][pass->size], o);
    cnn_gpu_step_end_aside(s, node);
done:
    return st;
}

static cnn_status conv_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const float *x = cnn_step_value(s, node->index);
    float *dz = NULL, *dweights = cnn_step_weight_gradients(s, node, 0);
    if (own->fused_first) {
        CNN_CUDA(cnn_gpu_first_backward(
            s->ops->current.stream, geometry(node, pass->n), own->windows,
            first_images(s, node, pass, &cnn_gpu_step_of(s)->place->backward),
            cnn_step_gradient(s, node->index + 1), cnn_step_at(s, own->mask),
            cnn_gpu_node_sums(s, node), dweights, cnn_step_weight_gradients(s, node, 1)));
        goto done;
    }
    if (own->few_channels) {
        CNN_CUDA(cnn_gpu_few_channels_backward(
            s->ops->current.stream, geometry(node, pass->n), x,
            cnn_step_gradient(s, node->index + 1),
            node->relu ? cnn_step_value(s, node->index + 1) : NULL,
            cnn_gpu_node_sums(s, node).parts, dweights, cnn_step_weight_gradients(s, node, 1)));
        goto done;
    }
    if (own->unpools[pass->size])
        return cnn_gpu_node_unpool_backward(s, node, pass);
    CNN_TRY(conv_output_gradient(s, node, pass, &dz));
    CNN_TRY(conv_weights_gradient(s, node, pass, dz));
    if (node->input_gradient) {
        const cnn_conv_operands o = {.first = dz,
                                     .second = cnn_step_weights(s, node, 0),
                                     .result = cnn_step_gradient(s, node->index)};
        CNN_TRY(cnn_conv_plan_run(own->plans[CNN_CONV_BACKWARD_DATA][pass->size], o));
    }
done:
    return st;
}

static void describe_plan(const char *what, const cnn_conv_plan *plan, cnn_text *out)
{
    if (!plan)
        return;
    cnn_text_printf(out, "%s ", what);
    cnn_conv_plan_describe(plan, out);
}

static void conv_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    const cnn_gpu_node *own = node->own;
    if (own->fused_first) {
        cnn_text_printf(out,
                        "%sconvolution + bias%s + maxpool in one kernel; backward: weights and "
                        "bias in one kernel, from the pooled gradient",
                        node->index == 0 ? "batch + " : "", node->relu ? " + relu" : "");
        return;
    }
    const bool tile = node->pool && cnn_gpu_windows_tile(own->windows);
    describe_plan("convolution + bias + relu", own->plans[CNN_CONV_FORWARD_BIAS_RELU][0], out);
    describe_plan(node->relu ? "convolution + bias + relu + maxpool"
                             : "convolution + bias + maxpool",
                  own->plans[CNN_CONV_FORWARD_POOL][0], out);
    describe_plan("convolution", own->plans[CNN_CONV_FORWARD][0], out);
    if (forward_of(node) == CNN_CONV_FORWARD)
        cnn_text_append(out, ", bias in one kernel");
    if (own->few_channels) {
        cnn_text_printf(out, "; backward: %sweights and bias by own kernels",
                        node->relu ? "relu, " : "");
        return;
    }
    if (own->unpools[0]) {
        cnn_text_append(out, "; backward: weights and bias, data from the pooled gradient");
        return;
    }
    if (own->finished_by_next)
        cnn_text_append(out, "; backward: ");
    else if (node->trains)
        cnn_text_printf(out, "; backward: %s, ",
                        tile         ? "pool + relu + bias in one kernel"
                        : node->pool ? "pool + relu, bias"
                        : node->relu ? "relu + bias in one kernel"
                                     : "bias");
    describe_plan("weights", own->plans[CNN_CONV_BACKWARD_WEIGHTS][0], out);
    describe_plan(", data", own->plans[CNN_CONV_BACKWARD_DATA][0], out);
    if (s->ops->config.plan_only && cnn_gpu_node_may_unpool(s, node))
        cnn_text_append(out, "; or weights and bias, data by own kernels from the pooled gradient");
}

const cnn_node_class cnn_gpu_conv_node = {conv_create, conv_destroy, conv_forward, conv_backward,
                                          conv_describe};
