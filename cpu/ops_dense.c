/* Dense layers by oneDNN's inner product over flattened NHWC activations. */
#include "cpu/ops_internal.h"

#include <stdlib.h>

typedef struct {
    cnn_dnn_primitive *forward, *backward_data, *backward_weights;
    cnn_cpu_side data_weights, gradient; /* as in ops_conv.c */
} by_size;

struct cnn_dense {
    cnn_ops *ops;
    cnn_layer layer;
    cnn_dnn_layout *weights, *bias;
    cnn_cpu_exchange exchange;
    by_size sizes[CNN_MAX_BATCH_SIZES];
};

/* n images, or n = units rows of weights. A vector input has rank 2, which every oneDNN kernel
 * takes; an image keeps rank 4. */
static cnn_status flat_layout(const cnn_dense *d, int n, dnnl_format_tag_t image,
                              dnnl_format_tag_t vector, cnn_dnn_layout **out)
{
    const cnn_shape in = d->layer.in;
    if (in.h == 1 && in.w == 1)
        return cnn_dnn_layout_create(2, (const dnnl_dim_t[]){n, in.c}, vector, out);
    return cnn_cpu_image_layout(n, in, image, out);
}

static cnn_status create_primitives(cnn_dense *c, int n, bool input_gradient, by_size *s)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *src = NULL, *dst = NULL, *any = NULL, *own = NULL;
    cnn_dnn *d = &c->ops->dnn;
    const int units = c->layer.out.c;
    CNN_TRY(flat_layout(c, n, dnnl_nhwc, dnnl_nc, &src));
    CNN_TRY(flat_layout(c, units, dnnl_format_tag_any, dnnl_format_tag_any, &any));
    CNN_TRY(cnn_dnn_layout_create(2, (const dnnl_dim_t[]){n, units}, dnnl_nc, &dst));
    CNN_TRY(cnn_dnn_dense_forward(d, "dense forward", src, c->weights ? c->weights : any, c->bias,
                                  dst, &s->forward));
    if (!c->weights)
        CNN_TRY(cnn_dnn_primitive_layout(s->forward, DNNL_ARG_WEIGHTS, &c->weights));
    CNN_TRY(cnn_dnn_dense_backward_weights(d, "dense backward_weights", src, any, c->bias, dst,
                                           s->forward, &s->backward_weights));
    CNN_TRY(cnn_dnn_primitive_layout(s->backward_weights, DNNL_ARG_DIFF_WEIGHTS, &own));
    CNN_TRY(cnn_cpu_side_create(c->ops, "dense weights' gradient", c->weights, own, false,
                                &s->gradient));
    if (input_gradient) {
        cnn_dnn_layout_destroy(&own);
        CNN_TRY(cnn_dnn_dense_backward_data(d, "dense backward_data", src, any, dst, s->forward,
                                            &s->backward_data));
        CNN_TRY(cnn_dnn_primitive_layout(s->backward_data, DNNL_ARG_WEIGHTS, &own));
        CNN_TRY(cnn_cpu_side_create(c->ops, "dense weights for backward_data", c->weights, own,
                                    true, &s->data_weights));
    }
done:
    cnn_dnn_layout_destroy(&src);
    cnn_dnn_layout_destroy(&dst);
    cnn_dnn_layout_destroy(&any);
    cnn_dnn_layout_destroy(&own);
    return st;
}

cnn_status cnn_dense_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                            cnn_dense **out)
{
    cnn_status st = CNN_OK;
    cnn_dense *c = NULL;
    cnn_dnn_layout *ochw = NULL;
    CNN_CHECK(layer->kind == CNN_LAYER_DENSE, CNN_EINVAL, "not a dense layer");
    CNN_CHECK((c = calloc(1, sizeof *c)), CNN_ENOMEM, "a dense layer");
    c->ops = ops;
    c->layer = *layer;
    CNN_TRY(cnn_cpu_vector_layout(layer->out.c, &c->bias));
    for (int i = 0; i < ops->size_count; i++)
        CNN_TRY(create_primitives(c, ops->sizes[i], input_gradient, &c->sizes[i]));
    CNN_TRY(flat_layout(c, layer->out.c, dnnl_nchw, dnnl_nc, &ochw));
    CNN_TRY(cnn_cpu_exchange_create(ops, "dense weights", ochw, c->weights, &c->exchange));
    *out = c;
    c = NULL;
done:
    cnn_dnn_layout_destroy(&ochw);
    cnn_dense_destroy(&c);
    return st;
}

void cnn_dense_destroy(cnn_dense **dense)
{
    cnn_dense *c = *dense;
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
    *dense = NULL;
}

size_t cnn_dense_weights_size(const cnn_dense *dense)
{
    return cnn_dnn_layout_bytes(dense->weights) / sizeof(float);
}

cnn_status cnn_dense_import(cnn_dense *dense, const float *ochw, float *weights)
{
    return CNN_DNN_RUN(&dense->ops->dnn, dense->exchange.import, ochw, weights);
}

cnn_status cnn_dense_export(cnn_dense *dense, const float *weights, float *ochw)
{
    return CNN_DNN_RUN(&dense->ops->dnn, dense->exchange.export, weights, ochw);
}

cnn_status cnn_dense_forward(cnn_dense *dense, int n, const float *x, const float *weights,
                             const float *bias, float *y)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(dense->ops, n, &i);
    return st ? st : CNN_DNN_RUN(&dense->ops->dnn, dense->sizes[i].forward, x, weights, bias, y);
}

cnn_status cnn_dense_backward_data(cnn_dense *dense, int n, const float *dy, const float *weights,
                                   float *dx)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(dense->ops, n, &i));
    by_size *s = &dense->sizes[i];
    CNN_CHECK(s->backward_data, CNN_EINVAL, "this dense layer was made without input gradient");
    if (s->data_weights.reorder) {
        CNN_TRY(CNN_DNN_RUN(&dense->ops->dnn, s->data_weights.reorder, weights,
                            s->data_weights.buffer));
        weights = s->data_weights.buffer;
    }
    CNN_TRY(CNN_DNN_RUN(&dense->ops->dnn, s->backward_data, dy, weights, dx));
done:
    return st;
}

cnn_status cnn_dense_backward_weights(cnn_dense *dense, int n, const float *x, const float *dy,
                                      float *dweights, float *dbias)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(dense->ops, n, &i));
    by_size *s = &dense->sizes[i];
    cnn_dnn *d = &dense->ops->dnn;
    float *own = s->gradient.reorder ? s->gradient.buffer : dweights;
    CNN_TRY(CNN_DNN_RUN(d, s->backward_weights, x, dy, own, dbias));
    if (s->gradient.reorder)
        CNN_TRY(CNN_DNN_RUN(d, s->gradient.reorder, own, dweights));
done:
    return st;
}
