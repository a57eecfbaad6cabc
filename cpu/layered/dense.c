/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layers by oneDNN's inner product over flattened NHWC activations. */
#include "cpu/onednn/weighted.h"

#include <stdlib.h>

struct cnn_dense {
    cnn_weighted weighted;
};

cnn_status cnn_dense_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                            cnn_dense **out)
{
    cnn_status st = CNN_OK;
    cnn_dense *c = NULL;
    const bool vector = layer->in.h == 1 && layer->in.w == 1;
    const cnn_weighted_spec spec = {
        layer, vector ? dnnl_nc : dnnl_nhwc, dnnl_nc, false, true, input_gradient};
    CNN_CHECK(layer->kind == CNN_LAYER_DENSE, CNN_EINVAL, "not a dense layer");
    CNN_CHECK((c = calloc(1, sizeof *c)), CNN_ENOMEM, "a dense layer");
    CNN_TRY(cnn_weighted_create(ops, &spec, ops->size_count, &c->weighted));
    *out = c;
    c = NULL;
done:
    cnn_dense_destroy(&c);
    return st;
}

void cnn_dense_destroy(cnn_dense **dense)
{
    if (!*dense)
        return;
    cnn_weighted_destroy(&(*dense)->weighted);
    free(*dense);
    *dense = NULL;
}

size_t cnn_dense_weights_size(const cnn_dense *dense)
{
    return cnn_weighted_size(&dense->weighted);
}

cnn_status cnn_dense_import(cnn_dense *dense, const float *ochw, float *weights)
{
    return cnn_weighted_import(&dense->weighted, ochw, weights);
}

cnn_status cnn_dense_export(cnn_dense *dense, const float *weights, float *ochw)
{
    return cnn_weighted_export(&dense->weighted, weights, ochw);
}

cnn_status cnn_dense_forward(cnn_dense *dense, int n, const float *x, const float *weights,
                             const float *bias, float *y)
{
    return cnn_weighted_forward(&dense->weighted, n, x, weights, bias, y);
}

cnn_status cnn_dense_backward_data(cnn_dense *dense, int n, const float *dy, const float *weights,
                                   float *dx)
{
    return cnn_weighted_backward_data(&dense->weighted, n, dy, weights, dx);
}

cnn_status cnn_dense_backward_weights(cnn_dense *dense, int n, const float *x, const float *dy,
                                      float *dweights, float *dbias)
{
    return cnn_weighted_backward_weights(&dense->weighted, n, x, dy, dweights, dbias);
}
