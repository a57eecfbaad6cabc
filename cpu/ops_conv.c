/* Convolution on NHWC activations. Weights and their gradient lie as the forward primitive of the
 * largest batch wants them; what another primitive wants differently is reordered around it. */
#include "cpu/ops_internal.h"

#include <stdlib.h>

typedef struct {
    cnn_dnn_primitive *forward, *backward_data, *backward_weights;
    cnn_cpu_side data_weights; /* weights as backward_data wants them */
    cnn_cpu_side gradient;     /* gradient as backward_weights writes it */
} by_size;

struct cnn_conv2d {
    cnn_ops *ops;
    cnn_layer layer;
    cnn_dnn_layout *weights, *bias;
    cnn_cpu_exchange exchange;
    by_size sizes[CNN_MAX_BATCH_SIZES];
};

static cnn_status create_forward(cnn_conv2d *c, int n, const cnn_dnn_geometry *g, by_size *s)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *src = NULL, *dst = NULL, *any = NULL;
    const cnn_layer *l = &c->layer;
    CNN_TRY(cnn_cpu_image_layout(n, l->in, dnnl_nhwc, &src));
    CNN_TRY(cnn_cpu_image_layout(n, l->out, dnnl_nhwc, &dst));
    CNN_TRY(cnn_cpu_image_layout(l->filters, (cnn_shape){l->kernel, l->kernel, l->in.c},
                                 dnnl_format_tag_any, &any));
    CNN_TRY(cnn_dnn_conv_forward(&c->ops->dnn, "conv2d forward", g, false, src,
                                 c->weights ? c->weights : any, c->bias, dst, &s->forward));
    if (!c->weights)
        CNN_TRY(cnn_dnn_primitive_layout(s->forward, DNNL_ARG_WEIGHTS, &c->weights));
done:
    cnn_dnn_layout_destroy(&src);
    cnn_dnn_layout_destroy(&dst);
    cnn_dnn_layout_destroy(&any);
    return st;
}

static cnn_status create_backward(cnn_conv2d *c, int n, bool input_gradient,
                                  const cnn_dnn_geometry *g, by_size *s)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *src = NULL, *dst = NULL, *any = NULL, *own = NULL;
    cnn_dnn *d = &c->ops->dnn;
    const cnn_layer *l = &c->layer;
    CNN_TRY(cnn_cpu_image_layout(n, l->in, dnnl_nhwc, &src));
    CNN_TRY(cnn_cpu_image_layout(n, l->out, dnnl_nhwc, &dst));
    CNN_TRY(cnn_cpu_image_layout(l->filters, (cnn_shape){l->kernel, l->kernel, l->in.c},
                                 dnnl_format_tag_any, &any));
    CNN_TRY(cnn_dnn_conv_backward_weights(d, "conv2d backward_weights", g, src, any, c->bias, dst,
                                          s->forward, &s->backward_weights));
    CNN_TRY(cnn_dnn_primitive_layout(s->backward_weights, DNNL_ARG_DIFF_WEIGHTS, &own));
    CNN_TRY(cnn_cpu_side_create(c->ops, "conv2d weights' gradient", c->weights, own, false,
                                &s->gradient));
    if (input_gradient) {
        cnn_dnn_layout_destroy(&own);
        CNN_TRY(cnn_dnn_conv_backward_data(d, "conv2d backward_data", g, src, any, dst, s->forward,
                                           &s->backward_data));
        CNN_TRY(cnn_dnn_primitive_layout(s->backward_data, DNNL_ARG_WEIGHTS, &own));
        CNN_TRY(cnn_cpu_side_create(c->ops, "conv2d weights for backward_data", c->weights, own,
                                    true, &s->data_weights));
    }
done:
    cnn_dnn_layout_destroy(&src);
    cnn_dnn_layout_destroy(&dst);
    cnn_dnn_layout_destroy(&any);
    cnn_dnn_layout_destroy(&own);
    return st;
}

cnn_status cnn_conv2d_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                             cnn_conv2d **out)
{
    cnn_status st = CNN_OK;
    cnn_conv2d *c = NULL;
    cnn_dnn_layout *oihw = NULL;
    CNN_CHECK(layer->kind == CNN_LAYER_CONV2D, CNN_EINVAL, "not a conv2d layer");
    CNN_CHECK((c = calloc(1, sizeof *c)), CNN_ENOMEM, "a convolution");
    c->ops = ops;
    c->layer = *layer;
    cnn_dnn_geometry g = cnn_cpu_geometry(layer);
    CNN_TRY(cnn_cpu_vector_layout(layer->filters, &c->bias));
    for (int i = 0; i < ops->size_count; i++) {
        CNN_TRY(create_forward(c, ops->sizes[i], &g, &c->sizes[i]));
        CNN_TRY(create_backward(c, ops->sizes[i], input_gradient, &g, &c->sizes[i]));
    }
    CNN_TRY(cnn_cpu_image_layout(
        layer->filters, (cnn_shape){layer->kernel, layer->kernel, layer->in.c}, dnnl_nchw, &oihw));
    CNN_TRY(cnn_cpu_exchange_create(ops, "conv2d weights", oihw, c->weights, &c->exchange));
    *out = c;
    c = NULL;
done:
    cnn_dnn_layout_destroy(&oihw);
    cnn_conv2d_destroy(&c);
    return st;
}

void cnn_conv2d_destroy(cnn_conv2d **conv)
{
    cnn_conv2d *c = *conv;
    if (!c)
        return;
    for (int i = 0; i < c->ops->size_count; i++) {
        by_size *s = &c->sizes[i];
        cnn_dnn_primitive_destroy(&s->forward);
        cnn_dnn_primitive_destroy(&s->backward_data);
        cnn_dnn_primitive_destroy(&s->backward_weights);
        cnn_cpu_side_destroy(&s->data_weights);
        cnn_cpu_side_destroy(&s->gradient);
    }
    cnn_cpu_exchange_destroy(&c->exchange);
    cnn_dnn_layout_destroy(&c->weights);
    cnn_dnn_layout_destroy(&c->bias);
    free(c);
    *conv = NULL;
}

size_t cnn_conv2d_weights_size(const cnn_conv2d *conv)
{
    return cnn_dnn_layout_bytes(conv->weights) / sizeof(float);
}

cnn_status cnn_conv2d_import(cnn_conv2d *conv, const float *oihw, float *weights)
{
    return CNN_DNN_RUN(&conv->ops->dnn, conv->exchange.import, oihw, weights);
}

cnn_status cnn_conv2d_export(cnn_conv2d *conv, const float *weights, float *oihw)
{
    return CNN_DNN_RUN(&conv->ops->dnn, conv->exchange.export, weights, oihw);
}

cnn_status cnn_conv2d_forward(cnn_conv2d *conv, int n, const float *x, const float *weights,
                              const float *bias, float *y)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(conv->ops, n, &i);
    return st ? st : CNN_DNN_RUN(&conv->ops->dnn, conv->sizes[i].forward, x, weights, bias, y);
}

cnn_status cnn_conv2d_backward_data(cnn_conv2d *conv, int n, const float *dy, const float *weights,
                                    float *dx)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(conv->ops, n, &i));
    by_size *s = &conv->sizes[i];
    CNN_CHECK(s->backward_data, CNN_EINVAL, "this convolution was made without input gradient");
    if (s->data_weights.reorder) {
        CNN_TRY(
            CNN_DNN_RUN(&conv->ops->dnn, s->data_weights.reorder, weights, s->data_weights.buffer));
        weights = s->data_weights.buffer;
    }
    CNN_TRY(CNN_DNN_RUN(&conv->ops->dnn, s->backward_data, dy, weights, dx));
done:
    return st;
}

cnn_status cnn_conv2d_backward_weights(cnn_conv2d *conv, int n, const float *x, const float *dy,
                                       float *dweights, float *dbias)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(conv->ops, n, &i));
    by_size *s = &conv->sizes[i];
    cnn_dnn *d = &conv->ops->dnn;
    float *own = s->gradient.reorder ? s->gradient.buffer : dweights;
    CNN_TRY(CNN_DNN_RUN(d, s->backward_weights, x, dy, own, dbias));
    if (s->gradient.reorder)
        CNN_TRY(CNN_DNN_RUN(d, s->gradient.reorder, own, dweights));
done:
    return st;
}
