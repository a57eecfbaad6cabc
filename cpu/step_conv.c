/* Convolution nodes: bias and ReLU in oneDNN's forward primitive, then the pool. */
#include "cpu/step_few.h"
#include "cpu/step_sparse.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    cnn_dnn_primitive *forward, *backward_data, *backward_weights;
    cnn_cpu_side data_weights, gradient; /* as in ops_conv.c */
} by_size;

typedef struct {
    cnn_step_pool *pool;   /* NULL: none */
    int mid, mid_gradient; /* tensors before the pool; CNN_NO_TENSOR without one */
    cnn_sparse *sparse;    /* the whole backward, where it suits; NULL: oneDNN's */
    cnn_few_node *few;     /* the weights' gradient over few channels; NULL: oneDNN's */
    by_size sizes[CNN_MAX_BATCH_SIZES];
} conv_node;

static cnn_status weights_layout(const cnn_layer *l, dnnl_format_tag_t tag, cnn_dnn_layout **out)
{
    return cnn_cpu_image_layout(l->filters, (cnn_shape){l->kernel, l->kernel, l->in.c}, tag, out);
}

/* ---- layouts ------------------------------------------------------------------------------- */

/* The block of a grid that lies like layout; 0 if there is none. */
static cnn_status block_of(int n, cnn_shape shape, const cnn_dnn_layout *layout, int *block)
{
    cnn_status st = CNN_OK;
    const int candidates[] = {16, 8, shape.c, 1};
    cnn_dnn_layout *candidate = NULL;
    *block = 0;
    for (int i = 0; i < 4 && *block == 0; i++) {
        const cnn_grid g = cnn_grid_of(shape, candidates[i]);
        CNN_TRY(cnn_step_layout(n, &g, &candidate));
        if (cnn_dnn_layout_equal(layout, candidate))
            *block = candidates[i];
        cnn_dnn_layout_destroy(&candidate);
    }
done:
    cnn_dnn_layout_destroy(&candidate);
    return st;
}

cnn_status cnn_conv_wishes(cnn_step *s, const cnn_layer *l, bool relu, int *src_block,
                           int *dst_block)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *src = NULL, *dst = NULL, *weights = NULL, *bias = NULL, *wish = NULL;
    cnn_dnn_primitive *forward = NULL;
    const int n = cnn_ops_max_batch(s->ops);
    const cnn_dnn_geometry g = cnn_cpu_geometry(l);
    CNN_TRY(cnn_cpu_image_layout(n, l->in, dnnl_format_tag_any, &src));
    CNN_TRY(cnn_cpu_image_layout(n, l->out, dnnl_format_tag_any, &dst));
    CNN_TRY(weights_layout(l, dnnl_format_tag_any, &weights));
    CNN_TRY(cnn_cpu_vector_layout(l->filters, &bias));
    CNN_TRY(cnn_dnn_conv_forward(&s->ops->dnn, "conv2d forward", &g, relu, src, weights, bias, dst,
                                 &forward));
    CNN_TRY(cnn_dnn_primitive_layout(forward, DNNL_ARG_SRC, &wish));
    CNN_TRY(block_of(n, l->in, wish, src_block));
    cnn_dnn_layout_destroy(&wish);
    CNN_TRY(cnn_dnn_primitive_layout(forward, DNNL_ARG_DST, &wish));
    CNN_TRY(block_of(n, l->out, wish, dst_block));
done:
    cnn_dnn_layout_destroy(&src);
    cnn_dnn_layout_destroy(&dst);
    cnn_dnn_layout_destroy(&weights);
    cnn_dnn_layout_destroy(&bias);
    cnn_dnn_layout_destroy(&wish);
    cnn_dnn_primitive_destroy(&forward);
    return st;
}

/* ---- creation ------------------------------------------------------------------------------ */

typedef struct {
    cnn_dnn_layout *src, *dst, *any, *bias;
} layouts;

static void destroy_layouts(layouts *l)
{
    cnn_dnn_layout_destroy(&l->src);
    cnn_dnn_layout_destroy(&l->dst);
    cnn_dnn_layout_destroy(&l->any);
    cnn_dnn_layout_destroy(&l->bias);
}

static cnn_status create_layouts(const cnn_node *node, int n, layouts *l)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_step_layout(n, &node->in, &l->src));
    CNN_TRY(cnn_step_layout(n, &node->mid, &l->dst));
    CNN_TRY(weights_layout(node->layer, dnnl_format_tag_any, &l->any));
    CNN_TRY(cnn_cpu_vector_layout(node->layer->filters, &l->bias));
done:
    return st;
}

static cnn_status create_backward(cnn_step *s, const cnn_node *node, const cnn_dnn_geometry *g,
                                  const layouts *l, const cnn_dnn_layout *weights, by_size *p)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *own = NULL;
    cnn_dnn *d = &s->ops->dnn;
    CNN_TRY(cnn_dnn_conv_backward_weights(d, "conv2d backward_weights", g, l->src, l->any, l->bias,
                                          l->dst, p->forward, &p->backward_weights));
    CNN_TRY(cnn_dnn_primitive_layout(p->backward_weights, DNNL_ARG_DIFF_WEIGHTS, &own));
    CNN_TRY(
        cnn_cpu_side_create(s->ops, "conv2d weights' gradient", weights, own, false, &p->gradient));
    if (node->input_gradient) {
        cnn_dnn_layout_destroy(&own);
        CNN_TRY(cnn_dnn_conv_backward_data(d, "conv2d backward_data", g, l->src, l->any, l->dst,
                                           p->forward, &p->backward_data));
        CNN_TRY(cnn_dnn_primitive_layout(p->backward_data, DNNL_ARG_WEIGHTS, &own));
        CNN_TRY(cnn_cpu_side_create(s->ops, "conv2d weights for backward_data", weights, own, true,
                                    &p->data_weights));
    }
done:
    cnn_dnn_layout_destroy(&own);
    return st;
}

static cnn_status create_size(cnn_step *s, const cnn_node *node, int n, cnn_dnn_layout **weights,
                              by_size *p)
{
    cnn_status st = CNN_OK;
    const cnn_dnn_geometry g = cnn_cpu_geometry(node->layer);
    layouts l = {0};
    CNN_TRY(create_layouts(node, n, &l));
    CNN_TRY(cnn_dnn_conv_forward(&s->ops->dnn, "conv2d forward", &g, node->relu, l.src,
                                 *weights ? *weights : l.any, l.bias, l.dst, &p->forward));
    if (!*weights)
        CNN_TRY(cnn_dnn_primitive_layout(p->forward, DNNL_ARG_WEIGHTS, weights));
    if (node->trains && !cnn_sparse_suits(node))
        CNN_TRY(create_backward(s, node, &g, &l, *weights, p));
done:
    destroy_layouts(&l);
    return st;
}

static void destroy_size(by_size *p)
{
    cnn_dnn_primitive_destroy(&p->forward);
    cnn_dnn_primitive_destroy(&p->backward_data);
    cnn_dnn_primitive_destroy(&p->backward_weights);
    cnn_cpu_side_destroy(&p->data_weights);
    cnn_cpu_side_destroy(&p->gradient);
}

static bool is_slow(const cnn_dnn_primitive *p)
{
    return p && !strncmp(cnn_dnn_primitive_kernel(p), "ref", 3);
}

cnn_status cnn_conv_count_slow(cnn_step *s, const cnn_node *node, int *count)
{
    cnn_dnn_layout *weights = NULL;
    by_size p = {0};
    cnn_status st = create_size(s, node, cnn_ops_max_batch(s->ops), &weights, &p);
    *count += is_slow(p.forward) + is_slow(p.backward_data) +
              (is_slow(p.backward_weights) && !cnn_few_suits(node));
    destroy_size(&p);
    cnn_dnn_layout_destroy(&weights);
    return st;
}

static cnn_status create_pool(cnn_step *s, const cnn_node *node, conv_node *o)
{
    cnn_status st = CNN_OK;
    const int i = node->index, back = cnn_step_back(s, i);
    const size_t bytes =
        sizeof(float) * cnn_grid_size(&node->mid) * (size_t)cnn_ops_max_batch(s->ops);
    CNN_TRY(cnn_step_pool_create(s, node, &o->pool));
    CNN_TRY(cnn_step_tensor(s, "before pool", i, bytes, i, i, &o->mid));
    if (cnn_sparse_suits(node))
        CNN_TRY(cnn_sparse_create(s, node, &o->sparse));
    else
        CNN_TRY(cnn_step_tensor(s, "gradient before pool", i, bytes, back, back, &o->mid_gradient));
done:
    return st;
}

/* oneDNN's AVX-512 kernels take few channels as they are; its others pad them to 8 or fall back to
 * plain loops. */
static bool wants_few(const cnn_node *node, const conv_node *o)
{
    const cnn_dnn_primitive *weights = o->sizes[0].backward_weights;
    return weights && cnn_few_suits(node) && !strstr(cnn_dnn_primitive_kernel(weights), "avx512");
}

static cnn_status conv_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *weights = NULL, *canonical = NULL;
    conv_node *o = calloc(1, sizeof *o);
    CNN_CHECK(o, CNN_ENOMEM, "a convolution node");
    node->own = o;
    o->mid = o->mid_gradient = CNN_NO_TENSOR;
    for (int i = 0; i < s->ops->size_count; i++)
        CNN_TRY(create_size(s, node, s->ops->sizes[i], &weights, &o->sizes[i]));
    CNN_TRY(weights_layout(node->layer, dnnl_nchw, &canonical));
    CNN_TRY(cnn_step_add_parameter(s, node, 0, cnn_dnn_layout_bytes(weights) / sizeof(float),
                                   canonical, weights));
    CNN_TRY(cnn_step_add_parameter(s, node, 1, (size_t)node->layer->filters, NULL, NULL));
    if (node->pool)
        CNN_TRY(create_pool(s, node, o));
    if (wants_few(node, o))
        CNN_TRY(cnn_few_create(s, node, &o->few));
done:
    cnn_dnn_layout_destroy(&weights);
    cnn_dnn_layout_destroy(&canonical);
    return st;
}

static void conv_destroy(cnn_node *node)
{
    conv_node *o = node->own;
    if (!o)
        return;
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
        destroy_size(&o->sizes[i]);
    cnn_step_pool_destroy(&o->pool);
    cnn_sparse_destroy(&o->sparse);
    cnn_few_destroy(&o->few);
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
    CNN_TRY(CNN_DNN_RUN(&s->ops->dnn, o->sizes[pass->size].forward, cnn_step_value(s, node->index),
                        cnn_step_weights(s, node, 0), cnn_step_weights(s, node, 1), mid));
    if (o->pool)
        CNN_TRY(cnn_step_pool_forward(s, o->pool, pass, mid, y));
done:
    return st;
}

static cnn_status weights_gradient(cnn_step *s, cnn_node *node, by_size *p, const float *dy)
{
    cnn_status st = CNN_OK;
    float *slopes = cnn_step_slopes(s, node, 0);
    float *own = p->gradient.reorder ? p->gradient.buffer : slopes;
    CNN_TRY(CNN_DNN_RUN(&s->ops->dnn, p->backward_weights, cnn_step_value(s, node->index), dy, own,
                        cnn_step_slopes(s, node, 1)));
    if (p->gradient.reorder)
        CNN_TRY(CNN_DNN_RUN(&s->ops->dnn, p->gradient.reorder, own, slopes));
done:
    return st;
}

static cnn_status input_gradient(cnn_step *s, cnn_node *node, by_size *p, const float *dy)
{
    cnn_status st = CNN_OK;
    const float *weights = cnn_step_weights(s, node, 0);
    if (p->data_weights.reorder) {
        CNN_TRY(
            CNN_DNN_RUN(&s->ops->dnn, p->data_weights.reorder, weights, p->data_weights.buffer));
        weights = p->data_weights.buffer;
    }
    CNN_TRY(CNN_DNN_RUN(&s->ops->dnn, p->backward_data, dy, weights,
                        cnn_step_gradient(s, node->index)));
done:
    return st;
}

static cnn_status conv_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    conv_node *o = node->own;
    by_size *p = &o->sizes[pass->size];
    const float *dy = cnn_step_gradient(s, node->index + 1);
    if (o->sparse) {
        cnn_sparse_backward(s, node, o->sparse, pass, cnn_step_pool_where(s, o->pool), dy);
        goto done;
    }
    if (o->pool) {
        float *mid = cnn_step_at(s, o->mid_gradient);
        CNN_TRY(cnn_step_pool_backward(s, o->pool, pass, dy, mid));
        dy = mid;
    }
    if (o->few)
        cnn_few_backward(s, node, o->few, pass, dy);
    else
        CNN_TRY(weights_gradient(s, node, p, dy));
    if (!node->input_gradient)
        goto done;
    CNN_TRY(input_gradient(s, node, p, dy));
    if (node->mask_input) {
        float *dx = cnn_step_gradient(s, node->index);
        CNN_TRY(cnn_relu_backward(s->ops, cnn_grid_size(&node->in) * (size_t)pass->n,
                                  cnn_step_value(s, node->index), dx, dx));
    }
done:
    return st;
}

static void conv_describe(const cnn_node *node, cnn_text *out)
{
    const conv_node *o = node->own;
    const by_size *p = &o->sizes[0];
    cnn_text_printf(out, "oneDNN %s", cnn_dnn_primitive_kernel(p->forward));
    if (o->sparse)
        cnn_text_append(out, ", own backward of conv + pool");
    if (o->few)
        cnn_text_append(out, ", own weights' gradient");
    else if (p->backward_weights)
        cnn_text_printf(out, ", weights %s", cnn_dnn_primitive_kernel(p->backward_weights));
    if (p->backward_data)
        cnn_text_printf(out, ", data %s", cnn_dnn_primitive_kernel(p->backward_data));
    if (o->pool)
        cnn_text_append(out, cnn_step_pool_is_pair(node->pool) ? ", own 2x2 pool" : ", own pool");
}

const cnn_node_class cnn_conv_node = {conv_create, conv_destroy, conv_forward, conv_backward,
                                      conv_describe};
