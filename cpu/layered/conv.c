/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution on NHWC activations. */
#include "cpu/onednn/weighted.h"

#include <stdlib.h>

struct cnn_conv2d {
    cnn_weighted weighted;
};

cnn_status cnn_conv2d_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                             cnn_conv2d **out)
{
    cnn_status st = CNN_OK;
    cnn_conv2d *c = NULL;
    const cnn_weighted_spec spec = {layer, dnnl_nhwc, dnnl_nhwc, false, true, input_gradient};
    CNN_CHECK(layer->kind == CNN_LAYER_CONV2D, CNN_EINVAL, "not a conv2d layer");
    CNN_CHECK((c = calloc(1, sizeof *c)), CNN_ENOMEM, "a conv2d layer");
    CNN_TRY(cnn_weighted_create(ops, &spec, ops->size_count, &c->weighted));
    *out = c;
    c = NULL;
done:
    cnn_conv2d_destroy(&c);
    return st;
}

void cnn_conv2d_destroy(cnn_conv2d **conv)
{
    if (!*conv)
        return;
    cnn_weighted_destroy(&(*conv)->weighted);
    free(*conv);
    *conv = NULL;
}

size_t cnn_conv2d_weights_size(const cnn_conv2d *conv)
{
    return cnn_weighted_size(&conv->weighted);
}

cnn_status cnn_conv2d_import(cnn_conv2d *conv, const float *oihw, float *weights)
{
    return cnn_weighted_import(&conv->weighted, oihw, weights);
}

cnn_status cnn_conv2d_export(cnn_conv2d *conv, const float *weights, float *oihw)
{
    return cnn_weighted_export(&conv->weighted, weights, oihw);
}

cnn_status cnn_conv2d_forward(cnn_conv2d *conv, int n, const float *x, const float *weights,
                              const float *bias, float *y)
{
    return cnn_weighted_forward(&conv->weighted, n, x, weights, bias, y);
}

cnn_status cnn_conv2d_backward_data(cnn_conv2d *conv, int n, const float *dy, const float *weights,
                                    float *dx)
{
    return cnn_weighted_backward_data(&conv->weighted, n, dy, weights, dx);
}

cnn_status cnn_conv2d_backward_weights(cnn_conv2d *conv, int n, const float *x, const float *dy,
                                       float *dweights, float *dbias)
{
    return cnn_weighted_backward_weights(&conv->weighted, n, x, dy, dweights, dbias);
}
