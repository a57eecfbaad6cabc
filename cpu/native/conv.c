/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution nodes: bias and ReLU in oneDNN's forward primitive, then the pool. */
#include "cpu/native/few_channels.h"
#include "cpu/native/pooled_backward.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    cnn_weighted weighted;
    cnn_cpu_pool *pool;                   /* NULL: none */
    int mid, mid_gradient;                /* tensors before the pool; CNN_NO_TENSOR without one */
    cnn_pooled_backward *pooled_backward; /* the whole backward, where supported; NULL: oneDNN's */
    cnn_few_channels_node *few_channels;  /* weight gradient, where supported; NULL: oneDNN's */
} conv_node;

/* ---- layouts ------------------------------------------------------------------------------- */

/* The block of a grid with this layout; 0 if there is none. */
static cnn_status block_of(int n, cnn_shape shape, const cnn_dnn_layout *layout, int *block)
{
    cnn_status st = CNN_OK;
    const int candidates[] = {16, 8, shape.c, 1};
    cnn_dnn_layout *candidate = NULL;
    *block = 0;
    for (int i = 0; i < 4 && *block == 0; i++) {
        const cnn_grid g = cnn_grid_of(shape, candidates[i]);
        CNN_TRY(cnn_cpu_image_layout(n, shape, cnn_cpu_tag(&g), &candidate));
        if (cnn_dnn_layout_equal(layout, candidate))
            *block = candidates[i];
        cnn_dnn_layout_destroy(&candidate);
    }
done:
    cnn_dnn_layout_destroy(&candidate);
    return st;
}

cnn_status cnn_cpu_conv_preferred_blocks(cnn_step *s, const cnn_layer *l, bool relu, int *src_block,
                                         int *dst_block)
{
    cnn_status st = CNN_OK;
    const cnn_weighted_spec spec = {
        .layer = l, .src = dnnl_format_tag_any, .dst = dnnl_format_tag_any, .relu = relu};
    const int n = cnn_ops_max_batch(s->ops);
    cnn_weighted w = {0};
    cnn_dnn_layout *preferred = NULL;
    CNN_TRY(cnn_weighted_create(s->ops, &spec, 1, &w));
    CNN_TRY(cnn_dnn_primitive_layout(w.sizes[0].forward, DNNL_ARG_SRC, &preferred));
    CNN_TRY(block_of(n, l->in, preferred, src_block));
    cnn_dnn_layout_destroy(&preferred);
    CNN_TRY(cnn_dnn_primitive_layout(w.sizes[0].forward, DNNL_ARG_DST, &preferred));
    CNN_TRY(block_of(n, l->out, preferred, dst_block));
done:
    cnn_dnn_layout_destroy(&preferred);
    cnn_weighted_destroy(&w);
    return st;
}

static cnn_weighted_spec spec_of(const cnn_node *node)
{
    return (cnn_weighted_spec){
        .layer = node->layer,
        .src = cnn_cpu_tag(&node->in),
        .dst = cnn_cpu_tag(&node->mid),
        .relu = node->relu,
        .backward = node->trains && !cnn_pooled_backward_suits(node),
        .input_gradient = node->input_gradient,
    };
}

static bool is_slow(const cnn_dnn_primitive *p)
{
    return p && !strncmp(cnn_dnn_primitive_kernel(p), "ref", 3);
}

cnn_status cnn_cpu_conv_count_slow(cnn_step *s, const cnn_node *node, int *count)
{
    const cnn_weighted_spec spec = spec_of(node);
    cnn_weighted w = {0};
    cnn_status st = cnn_weighted_create(s->ops, &spec, 1, &w);
    const cnn_weighted_primitives *p = &w.sizes[0];
    *count += is_slow(p->forward) + is_slow(p->backward_data) +
              (is_slow(p->backward_weights) && !cnn_few_channels_suits(node));
    cnn_weighted_destroy(&w);
    return st;
}

/* ---- creation ------------------------------------------------------------------------------ */

static cnn_status create_pool(cnn_step *s, const cnn_node *node, conv_node *o)
{
    cnn_status st = CNN_OK;
    const bool pooled = cnn_pooled_backward_suits(node);
    CNN_TRY(cnn_cpu_pool_create(s, node, &o->pool));
    CNN_TRY(cnn_step_add_mid(s, node, &o->mid, pooled ? NULL : &o->mid_gradient));
    if (pooled)
        CNN_TRY(cnn_pooled_backward_create(s, node, &o->pooled_backward));
done:
    return st;
}

/* oneDNN's AVX-512 kernels support few channels; its others pad them to 8 or fall back to plain
 * loops. */
static bool wants_few_channels(const cnn_node *node, const conv_node *o)
{
    const cnn_dnn_primitive *weights = o->weighted.sizes[0].backward_weights;
    return weights && cnn_few_channels_suits(node) &&
           !strstr(cnn_dnn_primitive_kernel(weights), "avx512");
}

static cnn_status conv_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    const cnn_weighted_spec spec = spec_of(node);
    conv_node *o = calloc(1, sizeof *o);
    CNN_CHECK(o, CNN_ENOMEM, "a convolution node");
    node->own = o;
    o->mid = o->mid_gradient = CNN_NO_TENSOR;
    CNN_TRY(cnn_weighted_create(s->ops, &spec, s->ops->size_count, &o->weighted));
    cnn_cpu_add_weights(s, node, &o->weighted, node->layer->filters);
    if (node->pool)
        CNN_TRY(create_pool(s, node, o));
    if (wants_few_channels(node, o))
        CNN_TRY(cnn_few_channels_create(s, node, &o->few_channels));
done:
    return st;
}

static void conv_destroy(cnn_node *node)
{
    conv_node *o = node->own;
    if (!o)
        return;
    cnn_weighted_destroy(&o->weighted);
    cnn_cpu_pool_destroy(&o->pool);
    cnn_pooled_backward_destroy(&o->pooled_backward);
    cnn_few_channels_destroy(&o->few_channels);
    free(o);
    node->own = NULL;
}

/* ---- passes -------------------------------------------------------------------------------- */

static cnn_status conv_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    conv_node *o = node->own;
    float *y = cnn_step_value(s, node->index + 1);
    float *mid = o->pool ? cnn_step_at(s, o->mid) : y;
    CNN_TRY(cnn_weighted_forward(&o->weighted, pass->n, cnn_step_value(s, node->index),
                                 cnn_step_weights(s, node, 0), cnn_step_weights(s, node, 1), mid));
    if (o->pool)
        CNN_TRY(cnn_cpu_pool_forward(s, o->pool, pass, mid, y));
done:
    return st;
}

static cnn_status conv_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    conv_node *o = node->own;
    const float *dy = cnn_step_gradient(s, node->index + 1);
    if (o->pooled_backward) {
        cnn_pooled_backward_run(s, node, o->pooled_backward, pass, cnn_cpu_pool_where(s, o->pool),
                                dy);
        goto done;
    }
    if (o->pool) {
        float *mid = cnn_step_at(s, o->mid_gradient);
        CNN_TRY(cnn_cpu_pool_backward(s, o->pool, pass, dy, mid));
        dy = mid;
    }
    if (o->few_channels)
        cnn_few_channels_backward(s, node, o->few_channels, pass, dy);
    else
        CNN_TRY(cnn_weighted_backward_weights(&o->weighted, pass->n, cnn_step_value(s, node->index),
                                              dy, cnn_step_weight_gradients(s, node, 0),
                                              cnn_step_weight_gradients(s, node, 1)));
    if (!node->input_gradient)
        goto done;
    CNN_TRY(cnn_weighted_backward_data(&o->weighted, pass->n, dy, cnn_step_weights(s, node, 0),
                                       cnn_step_gradient(s, node->index)));
    CNN_TRY(cnn_cpu_mask_input(s, node, pass));
done:
    return st;
}

static void conv_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    const conv_node *o = node->own;
    const cnn_weighted_primitives *p = &o->weighted.sizes[0];
    cnn_text_printf(out, "oneDNN %s", cnn_dnn_primitive_kernel(p->forward));
    if (o->pooled_backward)
        cnn_text_append(out, ", own backward of conv + pool");
    if (o->few_channels)
        cnn_text_append(out, ", own weights' gradient");
    else if (p->backward_weights)
        cnn_text_printf(out, ", weights %s", cnn_dnn_primitive_kernel(p->backward_weights));
    if (p->backward_data)
        cnn_text_printf(out, ", data %s", cnn_dnn_primitive_kernel(p->backward_data));
    if (o->pool)
        cnn_text_append(out, cnn_cpu_pool_is_2x2(node->pool) ? ", own 2x2 pool" : ", own pool");
}

const cnn_node_class cnn_cpu_conv_node = {conv_create, conv_destroy, conv_forward, conv_backward,
                                          conv_describe};
