/* SPDX-License-Identifier: Apache-2.0 */
/* Dense nodes: oneDNN's inner product on the input's layout; it chooses the layout of weights. */
#include "cpu/native/internal.h"

#include <stdlib.h>

static dnnl_format_tag_t source_tag(const cnn_grid *g)
{
    const bool vector = g->h == 1 && g->w == 1 && g->block == g->c;
    return vector ? dnnl_nc : cnn_cpu_tag(g);
}

static cnn_status dense_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    const cnn_weighted_spec spec = {
        .layer = node->layer,
        .src = source_tag(&node->in),
        .dst = dnnl_nc,
        .backward = node->trains,
        .input_gradient = node->input_gradient,
    };
    cnn_weighted *w = calloc(1, sizeof *w);
    CNN_CHECK(w, CNN_ENOMEM, "a dense node");
    node->own = w;
    CNN_TRY(cnn_weighted_create(s->ops, &spec, s->ops->size_count, w));
    cnn_cpu_add_weights(s, node, w, node->layer->out.c);
done:
    return st;
}

static void dense_destroy(cnn_node *node)
{
    if (!node->own)
        return;
    cnn_weighted_destroy(node->own);
    free(node->own);
    node->own = NULL;
}

static cnn_status dense_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    float *y = cnn_step_value(s, node->index + 1);
    CNN_TRY(cnn_weighted_forward(node->own, pass->n, cnn_step_value(s, node->index),
                                 cnn_step_weights(s, node, 0), cnn_step_weights(s, node, 1), y));
    if (node->relu)
        CNN_TRY(cnn_relu_forward(s->ops, cnn_grid_size(&node->out) * (size_t)pass->n, y, y));
done:
    return st;
}

static cnn_status dense_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const float *dy = cnn_step_gradient(s, node->index + 1);
    CNN_TRY(cnn_weighted_backward_weights(node->own, pass->n, cnn_step_value(s, node->index), dy,
                                          cnn_step_weight_gradients(s, node, 0),
                                          cnn_step_weight_gradients(s, node, 1)));
    if (!node->input_gradient)
        goto done;
    CNN_TRY(cnn_weighted_backward_data(node->own, pass->n, dy, cnn_step_weights(s, node, 0),
                                       cnn_step_gradient(s, node->index)));
    CNN_TRY(cnn_cpu_mask_input(s, node, pass));
done:
    return st;
}

static void dense_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    const cnn_weighted_primitives *p = ((const cnn_weighted *)node->own)->sizes;
    cnn_text_printf(out, "oneDNN %s, weights %s", cnn_dnn_primitive_kernel(p->forward),
                    cnn_dnn_primitive_kernel(p->backward_weights));
    if (p->backward_data)
        cnn_text_printf(out, ", data %s", cnn_dnn_primitive_kernel(p->backward_data));
}

const cnn_node_class cnn_cpu_dense_node = {dense_create, dense_destroy, dense_forward,
                                           dense_backward, dense_describe};
