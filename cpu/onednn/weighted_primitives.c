/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and inner products: the primitives with weights. */
#include "cpu/onednn/internal.h"

#include <stdio.h>

static const dnnl_dims_t no_dilation = {0, 0};

#if DNNL_VERSION_MAJOR >= 3

static dnnl_status_t append_relu(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0.f, 0.f);
}

static dnnl_status_t describe_forward(cnn_dnn *d, const cnn_dnn_weighted *w,
                                      const_dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *out)
{
    const cnn_dnn_geometry *g = w->geometry;
    const cnn_dnn_md src = cnn_dnn_view(w->src), weights = cnn_dnn_view(w->weights);
    const cnn_dnn_md bias = cnn_dnn_view(w->bias), dst = cnn_dnn_view(w->dst);
    if (!g)
        return dnnl_inner_product_forward_primitive_desc_create(
            out, d->engine, dnnl_forward_training, src, weights, bias, dst, attr);
    return dnnl_convolution_forward_primitive_desc_create(
        out, d->engine, dnnl_forward_training, dnnl_convolution_direct, src, weights, bias, dst,
        g->stride, no_dilation, g->before, g->after, attr);
}

static dnnl_status_t describe_backward_data(cnn_dnn *d, const cnn_dnn_weighted *w,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_desc_t *out)
{
    const cnn_dnn_geometry *g = w->geometry;
    const cnn_dnn_md src = cnn_dnn_view(w->src), weights = cnn_dnn_view(w->weights);
    const cnn_dnn_md dst = cnn_dnn_view(w->dst);
    if (!g)
        return dnnl_inner_product_backward_data_primitive_desc_create(out, d->engine, src, weights,
                                                                      dst, forward, NULL);
    return dnnl_convolution_backward_data_primitive_desc_create(
        out, d->engine, dnnl_convolution_direct, src, weights, dst, g->stride, no_dilation,
        g->before, g->after, forward, NULL);
}

static dnnl_status_t describe_backward_weights(cnn_dnn *d, const cnn_dnn_weighted *w,
                                               const_dnnl_primitive_desc_t forward,
                                               dnnl_primitive_desc_t *out)
{
    const cnn_dnn_geometry *g = w->geometry;
    const cnn_dnn_md src = cnn_dnn_view(w->src), weights = cnn_dnn_view(w->weights);
    const cnn_dnn_md bias = cnn_dnn_view(w->bias), dst = cnn_dnn_view(w->dst);
    if (!g)
        return dnnl_inner_product_backward_weights_primitive_desc_create(
            out, d->engine, src, weights, bias, dst, forward, NULL);
    return dnnl_convolution_backward_weights_primitive_desc_create(
        out, d->engine, dnnl_convolution_direct, src, weights, bias, dst, g->stride, no_dilation,
        g->before, g->after, forward, NULL);
}

#else /* version 2: first the operation, then the primitive */

typedef union {
    dnnl_convolution_desc_t conv;
    dnnl_inner_product_desc_t dense;
} operation;

static dnnl_status_t append_relu(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_relu, 0.f, 0.f);
}

static dnnl_status_t describe_forward(cnn_dnn *d, const cnn_dnn_weighted *w,
                                      const_dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *out)
{
    operation op;
    const cnn_dnn_geometry *g = w->geometry;
    const cnn_dnn_md src = cnn_dnn_view(w->src), weights = cnn_dnn_view(w->weights);
    const cnn_dnn_md bias = cnn_dnn_view(w->bias), dst = cnn_dnn_view(w->dst);
    const dnnl_status_t status =
        g ? dnnl_dilated_convolution_forward_desc_init(
                &op.conv, dnnl_forward_training, dnnl_convolution_direct, src, weights, bias, dst,
                g->stride, no_dilation, g->before, g->after)
          : dnnl_inner_product_forward_desc_init(&op.dense, dnnl_forward_training, src, weights,
                                                 bias, dst);
    return status ? status : dnnl_primitive_desc_create(out, &op, attr, d->engine, NULL);
}

static dnnl_status_t describe_backward_data(cnn_dnn *d, const cnn_dnn_weighted *w,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_desc_t *out)
{
    operation op;
    const cnn_dnn_geometry *g = w->geometry;
    const cnn_dnn_md src = cnn_dnn_view(w->src), weights = cnn_dnn_view(w->weights);
    const cnn_dnn_md dst = cnn_dnn_view(w->dst);
    const dnnl_status_t status =
        g ? dnnl_dilated_convolution_backward_data_desc_init(&op.conv, dnnl_convolution_direct, src,
                                                             weights, dst, g->stride, no_dilation,
                                                             g->before, g->after)
          : dnnl_inner_product_backward_data_desc_init(&op.dense, src, weights, dst);
    return status ? status : dnnl_primitive_desc_create(out, &op, NULL, d->engine, forward);
}

static dnnl_status_t describe_backward_weights(cnn_dnn *d, const cnn_dnn_weighted *w,
                                               const_dnnl_primitive_desc_t forward,
                                               dnnl_primitive_desc_t *out)
{
    operation op;
    const cnn_dnn_geometry *g = w->geometry;
    const cnn_dnn_md src = cnn_dnn_view(w->src), weights = cnn_dnn_view(w->weights);
    const cnn_dnn_md bias = cnn_dnn_view(w->bias), dst = cnn_dnn_view(w->dst);
    const dnnl_status_t status =
        g ? dnnl_dilated_convolution_backward_weights_desc_init(&op.conv, dnnl_convolution_direct,
                                                                src, weights, bias, dst, g->stride,
                                                                no_dilation, g->before, g->after)
          : dnnl_inner_product_backward_weights_desc_init(&op.dense, src, weights, bias, dst);
    return status ? status : dnnl_primitive_desc_create(out, &op, NULL, d->engine, forward);
}

#endif

/* "conv2d forward": the name of one of an operation's primitives. */
typedef struct {
    char s[64];
} full_name;

static full_name name_of(const cnn_dnn_weighted *w, const char *pass)
{
    full_name name;
    snprintf(name.s, sizeof name.s, "%s %s", w->name, pass);
    return name;
}

static cnn_status relu_attributes(const char *name, dnnl_primitive_attr_t *out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    CNN_DNN_CALL("dnnl_primitive_attr_create", name, dnnl_primitive_attr_create(&attr));
    CNN_DNN_CALL("dnnl_post_ops_create", name, dnnl_post_ops_create(&ops));
    CNN_DNN_CALL("dnnl_post_ops_append_eltwise", name, append_relu(ops));
    CNN_DNN_CALL("dnnl_primitive_attr_set_post_ops", name,
                 dnnl_primitive_attr_set_post_ops(attr, ops));
    *out = attr;
    attr = NULL;
done:
    if (ops)
        dnnl_post_ops_destroy(ops);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

cnn_status cnn_dnn_weighted_forward(cnn_dnn *d, const cnn_dnn_weighted *w, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    const full_name name = name_of(w, "forward");
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t desc = NULL;
    if (w->relu)
        CNN_TRY(relu_attributes(name.s, &attr));
    CNN_DNN_CALL("primitive descriptor", name.s, describe_forward(d, w, attr, &desc));
    CNN_TRY(CNN_DNN_BUILD(d, name.s, desc, out, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS,
                          DNNL_ARG_DST));
done:
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

cnn_status cnn_dnn_weighted_backward_data(cnn_dnn *d, const cnn_dnn_weighted *w,
                                          const cnn_dnn_primitive *forward, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    const full_name name = name_of(w, "backward_data");
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name.s,
                 describe_backward_data(d, w, forward->desc, &desc));
    CNN_TRY(CNN_DNN_BUILD(d, name.s, desc, out, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS,
                          DNNL_ARG_DIFF_SRC));
done:
    return st;
}

cnn_status cnn_dnn_weighted_backward_weights(cnn_dnn *d, const cnn_dnn_weighted *w,
                                             const cnn_dnn_primitive *forward,
                                             cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    const full_name name = name_of(w, "backward_weights");
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name.s,
                 describe_backward_weights(d, w, forward->desc, &desc));
    CNN_TRY(CNN_DNN_BUILD(d, name.s, desc, out, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST,
                          DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS));
done:
    return st;
}
