/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the native path: batch normalisation [+ ReLU] [+ maximum pool]. A pool whose windows
 * tile is fused, forward and backward: its input is never in memory. */
#include "gpu/native/internal.h"

static bool fuses_pool(const cnn_node *node)
{
    return node->pool && cnn_gpu_windows_tile(cnn_gpu_node_of(node)->windows);
}

static cnn_status add_pool(cnn_step *s, cnn_node *node)
{
    return fuses_pool(node) ? cnn_gpu_node_add_mask(s, node) : cnn_gpu_node_add_pool(s, node);
}

static cnn_status norm_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_gpu_node *own = node->own;
    const int i = node->index, back = cnn_step_back(s, i);
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, cnn_ops_max_batch(s->ops));
    const size_t bytes = (size_t)shape.statistics * sizeof(float);
    for (int k = 0; k < 2; k++)
        cnn_step_add_parameter(s, node, k, (size_t)shape.statistics, NULL);
    CNN_TRY(cnn_step_tensor(s, "mean", i, bytes, i, back, &own->mean));
    CNN_TRY(cnn_step_tensor(s, "deviation", i, bytes, i, back, &own->inverse));
    CNN_TRY(cnn_gpu_node_add_sums(s, node, cnn_gpu_norm_sums(shape), cnn_gpu_norm_tickets(shape), i,
                                  back));
    if (node->pool) {
        CNN_TRY(cnn_cuda_windows(node->pool, &own->windows));
        CNN_TRY(add_pool(s, node));
    }
done:
    return st;
}

/* The statistics to normalise by: the batch's, computed here, or the running ones. */
static cnn_status statistics(cnn_step *s, cnn_node *node, const cnn_step_pass *pass,
                             cnn_gpu_norm_scale *by)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, pass->n);
    float *mean = s->running + node->running, *variance = mean + shape.statistics;
    *by = (cnn_gpu_norm_scale){mean, variance, cnn_step_weights(s, node, 0),
                               cnn_step_weights(s, node, 1), true};
    if (!pass->training)
        return CNN_OK;
    by->mean = cnn_step_at(s, own->mean);
    by->spread = cnn_step_at(s, own->inverse);
    by->is_variance = false;
    CNN_CUDA(cnn_gpu_norm_statistics(s->ops->current.stream, shape, cnn_step_value(s, node->index),
                                     mean, variance, cnn_gpu_node_sums(s, node),
                                     cnn_step_at(s, own->mean), cnn_step_at(s, own->inverse)));
done:
    return st;
}

static cnn_status norm_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const cudaStream_t stream = s->ops->current.stream;
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, pass->n);
    const float *x = cnn_step_value(s, node->index);
    float *y = cnn_step_value(s, node->index + 1), *z = cnn_step_at(s, own->before_pool);
    uint8_t *mask = pass->training ? cnn_step_at(s, own->mask) : NULL;
    cnn_gpu_norm_scale by;
    CNN_TRY(statistics(s, node, pass, &by));
    if (fuses_pool(node)) {
        CNN_CUDA(cnn_gpu_normalise_pool(stream, pass->n, shape, own->windows, by, x, node->relu, y,
                                        mask));
    } else if (node->pool) {
        CNN_CUDA(cnn_gpu_normalise(stream, shape, by, x, false, z));
        CNN_CUDA(
            cnn_gpu_maxpool_forward(stream, pass->n, own->windows, z, NULL, node->relu, y, mask));
    } else {
        CNN_CUDA(cnn_gpu_normalise(stream, shape, by, x, node->relu, y));
    }
done:
    return st;
}

/* The node before, if this one computes the gradients of its ReLU and bias. */
static const cnn_node *finished(const cnn_step *s, const cnn_node *node)
{
    const cnn_node *before = node->index > 0 ? &s->nodes[node->index - 1] : NULL;
    return before && cnn_gpu_node_of(before)->finished_by_next ? before : NULL;
}

static cnn_gpu_norm_backward_operands operands(cnn_step *s, cnn_node *node)
{
    const cnn_gpu_node *own = node->own;
    const cnn_node *before = finished(s, node);
    cnn_gpu_norm_backward_operands o = {
        .x = cnn_step_value(s, node->index),
        .gamma = cnn_step_weights(s, node, 0),
        .mean = cnn_step_at(s, own->mean),
        .inverse = cnn_step_at(s, own->inverse),
        .sums = cnn_gpu_node_sums(s, node),
        .dgamma = cnn_step_weight_gradients(s, node, 0),
        .dbeta = cnn_step_weight_gradients(s, node, 1),
        .dx = node->input_gradient ? cnn_step_gradient(s, node->index) : NULL,
    };
    if (before) {
        o.relu_before = true;
        o.dbias_before = cnn_step_weight_gradients(s, before, 1);
        o.sums_before = cnn_gpu_node_sums(s, before);
    }
    return o;
}

static cnn_status norm_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const cudaStream_t stream = s->ops->current.stream;
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, pass->n);
    const cnn_gpu_norm_backward_operands o = operands(s, node);
    const float *dz = cnn_step_gradient(s, node->index + 1);
    const float *y = node->relu && !node->pool ? cnn_step_value(s, node->index + 1) : NULL;
    const uint8_t *mask = cnn_step_at(s, own->mask);
    if (fuses_pool(node)) {
        CNN_CUDA(cnn_gpu_norm_pool_backward(stream, shape, own->windows, dz, mask, o));
        goto done;
    }
    if (node->pool) {
        float *unpooled = cnn_step_at(s, own->before_pool_gradient);
        CNN_CUDA(cnn_gpu_maxpool_backward(stream, pass->n, own->windows, mask, dz, unpooled));
        dz = unpooled;
    }
    CNN_CUDA(cnn_gpu_norm_backward(stream, shape, node->layer->in.c, dz, y, o));
done:
    return st;
}

static void norm_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    const char *relu = node->relu ? " + relu" : "";
    cnn_text_append(out, "statistics, ");
    if (fuses_pool(node))
        cnn_text_printf(out, "normalised%s + maxpool in one kernel; backward: sums", relu);
    else if (node->pool)
        cnn_text_printf(out, "normalised, maxpool%s; backward: pool%s, sums", relu, relu);
    else
        cnn_text_printf(out, "normalised%s; backward:%s sums", relu, relu);
    if (node->input_gradient)
        cnn_text_printf(out, ", data%s", finished(s, node) ? " + relu + bias before" : "");
    if (fuses_pool(node))
        cnn_text_append(out, ", from the pooled gradient");
}

const cnn_node_class cnn_gpu_norm_node = {norm_create, NULL, norm_forward, norm_backward,
                                          norm_describe};
