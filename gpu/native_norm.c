/* Nodes of the native path: batch normalisation [+ ReLU] [+ maximum pool]. */
#include "gpu/native_internal.h"

static cnn_status norm_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index, back = cnn_native_back(s, i);
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, cnn_ops_max_batch(s->ops));
    const size_t bytes = (size_t)shape.statistics * sizeof(float);
    cnn_native_add_parameter(s, node, 0, false);
    cnn_native_add_parameter(s, node, 1, false);
    CNN_TRY(cnn_native_tensor(s, "mean", i, bytes, i, back, &node->mean));
    CNN_TRY(cnn_native_tensor(s, "deviation", i, bytes, i, back, &node->inverse));
    CNN_TRY(cnn_native_add_sums(s, node, cnn_gpu_norm_sums(shape), cnn_gpu_norm_tickets(shape), i,
                                back));
    if (node->pool) {
        CNN_TRY(cnn_cuda_windows(node->pool, &node->windows));
        CNN_TRY(cnn_native_add_pool(s, node));
    }
done:
    return st;
}

static cnn_status normalise(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass,
                            bool relu, float *y)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, pass->n);
    const float *x = cnn_native_value(s, node->index);
    const float *gamma = cnn_native_weights(s, node, 0), *beta = cnn_native_weights(s, node, 1);
    float *mean = s->running + node->running, *variance = mean + shape.statistics;
    if (pass->training)
        CNN_CUDA(cnn_gpu_norm_training(s->ops->stream, shape, x, gamma, beta, mean, variance,
                                       cnn_native_sums(s, node), cnn_native_at(s, node->mean),
                                       cnn_native_at(s, node->inverse), relu, y));
    else
        CNN_CUDA(
            cnn_gpu_norm_inference(s->ops->stream, shape, x, gamma, beta, mean, variance, relu, y));
done:
    return st;
}

static cnn_status norm_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    float *y = cnn_native_value(s, node->index + 1);
    float *z = cnn_native_at(s, node->before_pool);
    if (!node->pool)
        return normalise(s, node, pass, node->relu, y);
    CNN_TRY(normalise(s, node, pass, false, z));
    CNN_CUDA(cnn_gpu_maxpool_forward(s->ops->stream, pass->n, node->windows, z, NULL, node->relu, y,
                                     pass->training ? cnn_native_at(s, node->mask) : NULL));
done:
    return st;
}

static cnn_status norm_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const float *dz = cnn_native_gradient(s, node->index + 1);
    const float *y = node->relu && !node->pool ? cnn_native_value(s, node->index + 1) : NULL;
    if (node->pool) {
        float *unpooled = cnn_native_at(s, node->before_pool_gradient);
        CNN_CUDA(cnn_gpu_maxpool_backward(s->ops->stream, pass->n, node->windows,
                                          cnn_native_at(s, node->mask), dz, unpooled));
        dz = unpooled;
    }
    CNN_CUDA(cnn_gpu_norm_backward(
        s->ops->stream, cnn_cuda_norm_shape(node->layer, pass->n), cnn_native_value(s, node->index),
        dz, y, cnn_native_weights(s, node, 0), cnn_native_at(s, node->mean),
        cnn_native_at(s, node->inverse), cnn_native_sums(s, node),
        node->input_gradient ? cnn_native_gradient(s, node->index) : NULL,
        cnn_native_slopes(s, node, 0), cnn_native_slopes(s, node, 1)));
done:
    return st;
}

static void norm_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "sums, statistics, normalised%s%s; backward: %ssums%s",
                    node->relu && !node->pool ? " + relu" : "",
                    node->pool ? (node->relu ? ", relu + maxpool" : ", maxpool") : "",
                    node->pool ? "pool, " : "", node->input_gradient ? ", data" : "");
}

const cnn_native_class cnn_native_norm = {norm_create, norm_forward, norm_backward, norm_describe};
