/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the native path: a pool, a ReLU or a dropout that is fused into no other node. */
#include "base/philox.h"
#include "gpu/native/internal.h"

static cnn_status nothing_to_create(cnn_step *s, cnn_node *node)
{
    (void)s;
    (void)node;
    return CNN_OK;
}

static cnn_status pool_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_cuda_windows(node->layer, &cnn_gpu_node_of(node)->windows));
    if (node->layer->kind == CNN_LAYER_MAXPOOL)
        CNN_TRY(cnn_gpu_node_add_mask(s, node));
done:
    return st;
}

static cnn_status pool_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const float *x = cnn_step_value(s, node->index);
    float *y = cnn_step_value(s, node->index + 1);
    if (node->layer->kind == CNN_LAYER_MAXPOOL)
        CNN_CUDA(cnn_gpu_maxpool_forward(s->ops->current.stream, pass->n, own->windows, x, NULL,
                                         false, y, cnn_step_at(s, own->mask)));
    else
        CNN_CUDA(cnn_gpu_avgpool_forward(s->ops->current.stream, pass->n, own->windows, x, y));
done:
    return st;
}

static cnn_status pool_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    const float *dy = cnn_step_gradient(s, node->index + 1);
    float *dx = cnn_step_gradient(s, node->index);
    if (!node->input_gradient)
        return CNN_OK;
    if (node->layer->kind == CNN_LAYER_MAXPOOL)
        CNN_CUDA(cnn_gpu_maxpool_backward(s->ops->current.stream, pass->n, own->windows,
                                          cnn_step_at(s, own->mask), dy, dx));
    else
        CNN_CUDA(cnn_gpu_avgpool_backward(s->ops->current.stream, pass->n, own->windows, dy, dx));
done:
    return st;
}

static cnn_status relu_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(
        cnn_gpu_relu_forward(s->ops->current.stream, cnn_gpu_pass_values(pass, node->layer->out),
                             cnn_step_value(s, node->index), cnn_step_value(s, node->index + 1)));
done:
    return st;
}

static cnn_status relu_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    if (node->input_gradient)
        CNN_CUDA(cnn_gpu_relu_backward(
            s->ops->current.stream, cnn_gpu_pass_values(pass, node->layer->out),
            cnn_step_value(s, node->index + 1), cnn_step_gradient(s, node->index + 1),
            cnn_step_gradient(s, node->index)));
done:
    return st;
}

/* Forward and backward are the same; in evaluation, rate 0 copies. */
static cnn_status drop(cnn_step *s, const cnn_node *node, const cnn_step_pass *pass,
                       const cnn_gpu_position *position, const float *from, float *to)
{
    cnn_status st = CNN_OK;
    const int layer = (int)(node->layer - s->net.layers);
    CNN_CUDA(cnn_gpu_dropout(s->ops->current.stream, cnn_gpu_pass_values(pass, node->layer->out),
                             pass->training ? node->layer->rate : 0, s->seed,
                             CNN_RANDOM_DROPOUT + (uint32_t)layer, &position->step, 0, from, to));
done:
    return st;
}

static cnn_status dropout_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    return drop(s, node, pass, &cnn_gpu_step_of(s)->place->forward, cnn_step_value(s, node->index),
                cnn_step_value(s, node->index + 1));
}

static cnn_status dropout_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    if (!node->input_gradient)
        return CNN_OK;
    return drop(s, node, pass, &cnn_gpu_step_of(s)->place->backward,
                cnn_step_gradient(s, node->index + 1), cnn_step_gradient(s, node->index));
}

static void simple_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "%s; backward: the same", cnn_layer_kind_name(node->layer->kind));
}

const cnn_node_class cnn_gpu_pool_node = {pool_create, NULL, pool_forward, pool_backward,
                                          simple_describe};
const cnn_node_class cnn_gpu_relu_node = {nothing_to_create, NULL, relu_forward, relu_backward,
                                          simple_describe};
const cnn_node_class cnn_gpu_dropout_node = {nothing_to_create, NULL, dropout_forward,
                                             dropout_backward, simple_describe};
