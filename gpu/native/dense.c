/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the native path: dense + bias [+ ReLU], but for the last one. */
#include "gpu/native/internal.h"

static cnn_status dense_create(cnn_step *s, cnn_node *node)
{
    cnn_gpu_node_add_weights(s, node);
    return cnn_gpu_node_add_bias_sums(s, node, (size_t)cnn_ops_max_batch(s->ops), node->mid.c);
}

static cnn_status dense_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    float *y = cnn_step_value(s, node->index + 1);
    CNN_TRY(cnn_cuda_dense_forward(s->ops, pass->n, (int)cnn_shape_size(node->layer->in),
                                   node->mid.c, cnn_step_value(s, node->index),
                                   cnn_step_weights(s, node, 0), y));
    CNN_CUDA(cnn_gpu_add_bias(s->ops->current.stream, (size_t)pass->n, node->mid.c,
                              cnn_step_weights(s, node, 1), node->relu, y));
done:
    return st;
}

static cnn_status dense_bias_gradient(cnn_step *s, cnn_node *node, const cnn_step_pass *pass,
                                      float *dy)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_sums sums = cnn_gpu_node_sums(s, node);
    float *dbias = cnn_step_weight_gradients(s, node, 1);
    if (node->relu)
        CNN_CUDA(cnn_gpu_relu_bias_gradient(s->ops->current.stream, (size_t)pass->n, node->mid.c,
                                            cnn_step_value(s, node->index + 1), dy, sums, dbias));
    else
        CNN_CUDA(cnn_gpu_bias_gradient(s->ops->current.stream, (size_t)pass->n, node->mid.c, dy,
                                       sums, dbias));
done:
    return st;
}

static cnn_status dense_weights_gradient(cnn_step *s, cnn_node *node, const cnn_step_pass *pass,
                                         const float *dy)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_gpu_step_begin_aside(s, node));
    st = cnn_cuda_dense_backward_weights(s->ops, pass->n, (int)cnn_shape_size(node->layer->in),
                                         node->mid.c, cnn_step_value(s, node->index), dy,
                                         cnn_step_weight_gradients(s, node, 0));
    cnn_gpu_step_end_aside(s, node);
done:
    return st;
}

static cnn_status dense_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const int inputs = (int)cnn_shape_size(node->layer->in), units = node->mid.c;
    float *dy = cnn_step_gradient(s, node->index + 1);
    if (!cnn_gpu_node_of(node)->finished_by_next)
        CNN_TRY(dense_bias_gradient(s, node, pass, dy));
    CNN_TRY(dense_weights_gradient(s, node, pass, dy));
    if (node->input_gradient)
        CNN_TRY(cnn_cuda_dense_backward_data(s->ops, pass->n, inputs, units, dy,
                                             cnn_step_weights(s, node, 0),
                                             cnn_step_gradient(s, node->index)));
done:
    return st;
}

static void dense_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "cuBLAS sgemm, bias%s in one kernel; backward: %ssgemm%s",
                    node->relu ? " + relu" : "",
                    cnn_gpu_node_of(node)->finished_by_next ? ""
                    : node->relu                            ? "relu + bias, "
                                                            : "bias, ",
                    node->input_gradient ? ", sgemm" : "");
}

const cnn_node_class cnn_gpu_dense_node = {dense_create, NULL, dense_forward, dense_backward,
                                           dense_describe};
