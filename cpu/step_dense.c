/* Dense nodes: oneDNN's inner product on the layout that is there; weights as it wants them. */
#include "cpu/step_internal.h"

#include <stdlib.h>

typedef struct {
    cnn_dnn_primitive *forward, *backward_data, *backward_weights;
    cnn_cpu_side data_weights, gradient;
} by_size;

typedef struct {
    by_size sizes[CNN_MAX_BATCH_SIZES];
} dense_node;

/* A vector has rank 2; an image keeps rank 4. rows: images, or units of weights. */
static bool is_vector(const cnn_grid *g)
{
    return g->h == 1 && g->w == 1 && g->block == g->c;
}

static cnn_status source_layout(const cnn_node *node, int n, cnn_dnn_layout **out)
{
    if (is_vector(&node->in))
        return cnn_dnn_layout_create(2, (const dnnl_dim_t[]){n, node->in.c}, dnnl_nc, out);
    return cnn_step_layout(n, &node->in, out);
}

static cnn_status weights_layout(const cnn_node *node, bool any, cnn_dnn_layout **out)
{
    const int units = node->layer->out.c;
    if (is_vector(&node->in))
        return cnn_dnn_layout_create(2, (const dnnl_dim_t[]){units, node->in.c},
                                     any ? dnnl_format_tag_any : dnnl_nc, out);
    return cnn_cpu_image_layout(units, node->layer->in, any ? dnnl_format_tag_any : dnnl_nchw, out);
}

static cnn_status create_size(cnn_step *s, cnn_node *node, int n, cnn_dnn_layout **weights,
                              by_size *p)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *src = NULL, *dst = NULL, *any = NULL, *bias = NULL, *own = NULL;
    cnn_dnn *d = &s->ops->dnn;
    const int units = node->layer->out.c;
    CNN_TRY(source_layout(node, n, &src));
    CNN_TRY(weights_layout(node, true, &any));
    CNN_TRY(cnn_cpu_vector_layout(units, &bias));
    CNN_TRY(cnn_dnn_layout_create(2, (const dnnl_dim_t[]){n, units}, dnnl_nc, &dst));
    CNN_TRY(cnn_dnn_dense_forward(d, "dense forward", src, *weights ? *weights : any, bias, dst,
                                  &p->forward));
    if (!*weights)
        CNN_TRY(cnn_dnn_primitive_layout(p->forward, DNNL_ARG_WEIGHTS, weights));
    CNN_TRY(cnn_dnn_dense_backward_weights(d, "dense backward_weights", src, any, bias, dst,
                                           p->forward, &p->backward_weights));
    CNN_TRY(cnn_dnn_primitive_layout(p->backward_weights, DNNL_ARG_DIFF_WEIGHTS, &own));
    CNN_TRY(
        cnn_cpu_side_create(s->ops, "dense weights' gradient", *weights, own, false, &p->gradient));
    if (node->input_gradient) {
        cnn_dnn_layout_destroy(&own);
        CNN_TRY(cnn_dnn_dense_backward_data(d, "dense backward_data", src, any, dst, p->forward,
                                            &p->backward_data));
        CNN_TRY(cnn_dnn_primitive_layout(p->backward_data, DNNL_ARG_WEIGHTS, &own));
        CNN_TRY(cnn_cpu_side_create(s->ops, "dense weights for backward_data", *weights, own, true,
                                    &p->data_weights));
    }
done:
    cnn_dnn_layout_destroy(&src);
    cnn_dnn_layout_destroy(&dst);
    cnn_dnn_layout_destroy(&any);
    cnn_dnn_layout_destroy(&bias);
    cnn_dnn_layout_destroy(&own);
    return st;
}

static cnn_status dense_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *weights = NULL, *canonical = NULL;
    dense_node *o = calloc(1, sizeof *o);
    CNN_CHECK(o, CNN_ENOMEM, "a dense node");
    node->own = o;
    for (int i = 0; i < s->ops->size_count; i++)
        CNN_TRY(create_size(s, node, s->ops->sizes[i], &weights, &o->sizes[i]));
    CNN_TRY(weights_layout(node, false, &canonical));
    CNN_TRY(cnn_step_add_parameter(s, node, 0, cnn_dnn_layout_bytes(weights) / sizeof(float),
                                   canonical, weights));
    CNN_TRY(cnn_step_add_parameter(s, node, 1, (size_t)node->layer->out.c, NULL, NULL));
done:
    cnn_dnn_layout_destroy(&weights);
    cnn_dnn_layout_destroy(&canonical);
    return st;
}

static void dense_destroy(cnn_node *node)
{
    dense_node *o = node->own;
    if (!o)
        return;
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++) {
        by_size *p = &o->sizes[i];
        cnn_dnn_primitive_destroy(&p->forward);
        cnn_dnn_primitive_destroy(&p->backward_data);
        cnn_dnn_primitive_destroy(&p->backward_weights);
        cnn_cpu_side_destroy(&p->data_weights);
        cnn_cpu_side_destroy(&p->gradient);
    }
    free(o);
    node->own = NULL;
}

static cnn_status dense_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    dense_node *o = node->own;
    float *y = cnn_step_value(s, node->index + 1);
    CNN_TRY(CNN_DNN_RUN(&s->ops->dnn, o->sizes[pass->size].forward, cnn_step_value(s, node->index),
                        cnn_step_weights(s, node, 0), cnn_step_weights(s, node, 1), y));
    if (node->relu)
        CNN_TRY(cnn_relu_forward(s->ops, cnn_grid_size(&node->out) * (size_t)pass->n, y, y));
done:
    return st;
}

static cnn_status dense_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    cnn_dnn *d = &s->ops->dnn;
    by_size *p = &((dense_node *)node->own)->sizes[pass->size];
    const float *x = cnn_step_value(s, node->index), *dy = cnn_step_gradient(s, node->index + 1);
    float *slopes = cnn_step_slopes(s, node, 0);
    float *own = p->gradient.reorder ? p->gradient.buffer : slopes;
    CNN_TRY(CNN_DNN_RUN(d, p->backward_weights, x, dy, own, cnn_step_slopes(s, node, 1)));
    if (p->gradient.reorder)
        CNN_TRY(CNN_DNN_RUN(d, p->gradient.reorder, own, slopes));
    if (!node->input_gradient)
        goto done;
    const float *weights = cnn_step_weights(s, node, 0);
    float *dx = cnn_step_gradient(s, node->index);
    if (p->data_weights.reorder) {
        CNN_TRY(CNN_DNN_RUN(d, p->data_weights.reorder, weights, p->data_weights.buffer));
        weights = p->data_weights.buffer;
    }
    CNN_TRY(CNN_DNN_RUN(d, p->backward_data, dy, weights, dx));
    if (node->mask_input)
        CNN_TRY(cnn_relu_backward(s->ops, cnn_grid_size(&node->in) * (size_t)pass->n, x, dx, dx));
done:
    return st;
}

static void dense_describe(const cnn_node *node, cnn_text *out)
{
    const by_size *p = &((const dense_node *)node->own)->sizes[0];
    cnn_text_printf(out, "oneDNN %s, weights %s", cnn_dnn_primitive_kernel(p->forward),
                    cnn_dnn_primitive_kernel(p->backward_weights));
    if (p->backward_data)
        cnn_text_printf(out, ", data %s", cnn_dnn_primitive_kernel(p->backward_data));
}

const cnn_node_class cnn_dense_node = {dense_create, dense_destroy, dense_forward, dense_backward,
                                       dense_describe};
