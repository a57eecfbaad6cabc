/* SPDX-License-Identifier: Apache-2.0 */
/* The last node of the native path: dense + bias + softmax cross-entropy. */
#include "gpu/native/internal.h"

static cnn_gpu_classifier shape_of(const cnn_native_node *node, int n)
{
    return (cnn_gpu_classifier){
        .n = n, .inputs = (int)cnn_shape_size(node->layer->in), .classes = node->mid.c};
}

static cnn_status classifier_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index, images = cnn_ops_max_batch(s->ops);
    cnn_native_add_parameter(s, node, 0, true);
    cnn_native_add_parameter(s, node, 1, false);
    node->own_classifier = cnn_gpu_classifier_fits(shape_of(node, images));
    if (node->own_classifier)
        CNN_TRY(cnn_native_tensor(s, "losses", i, 2 * (size_t)images * sizeof(double), i,
                                  cnn_native_aside_until(s, i), &node->losses));
    else
        CNN_TRY(cnn_native_tensor(s, "logits", i, cnn_native_floats(s, node->mid) * sizeof(float),
                                  i, i, &s->values[i + 1]));
done:
    return st;
}

static cnn_gpu_labels labels_of(const cnn_step *s, const cnn_native_pass *pass)
{
    return (cnn_gpu_labels){pass->feed->labels, cnn_native_order(pass, &s->place->forward)};
}

/* By cuBLAS, and a kernel for the loss. */
static cnn_status library_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    const bool training = pass->training;
    float *logits = cnn_native_value(s, node->index + 1);
    CNN_TRY(cnn_cuda_dense_forward(s->ops, shape.n, shape.inputs, shape.classes,
                                   cnn_native_value(s, node->index), cnn_native_weights(s, node, 0),
                                   logits));
    CNN_CUDA(cnn_gpu_softmax_loss(s->ops->current.stream, shape.n, shape.classes, logits,
                                  cnn_native_weights(s, node, 1), labels_of(s, pass),
                                  training ? cnn_native_gradient(s, node->index + 1) : NULL,
                                  training ? cnn_native_weight_gradients(s, node, 1) : NULL,
                                  s->place, pass->updates, training ? s->training : s->evaluation));
done:
    return st;
}

static cnn_status classifier_forward(cnn_step *s, cnn_native_node *node,
                                     const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    double *losses = cnn_native_at(s, node->losses);
    if (!node->own_classifier)
        return library_forward(s, node, pass);
    CNN_CUDA(cnn_gpu_classifier_forward(
        s->ops->current.stream, shape, cnn_native_value(s, node->index),
        cnn_native_weights(s, node, 0), cnn_native_weights(s, node, 1), labels_of(s, pass),
        s->place, losses, pass->training ? cnn_native_gradient(s, node->index + 1) : NULL,
        pass->training && node->input_gradient ? cnn_native_gradient(s, node->index) : NULL));
    if (!pass->training)
        CNN_CUDA(cnn_gpu_classifier_count(s->ops->current.stream, shape, losses, s->place,
                                          pass->updates, s->evaluation));
done:
    return st;
}

/* What is a sum over images: of cuBLAS's and the loss's way the weights' gradient alone. */
static cnn_status sum_images(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    const float *x = cnn_native_value(s, node->index);
    const float *dlogits = cnn_native_gradient(s, node->index + 1);
    float *dweights = cnn_native_weight_gradients(s, node, 0);
    if (!node->own_classifier)
        return cnn_cuda_dense_backward_weights(s->ops, shape.n, shape.inputs, shape.classes, x,
                                               dlogits, dweights);
    CNN_CUDA(cnn_gpu_classifier_backward(
        s->ops->current.stream, shape, x, cnn_native_at(s, node->losses), dlogits, dweights,
        cnn_native_weight_gradients(s, node, 1), s->place, pass->updates, s->training));
done:
    return st;
}

static cnn_status classifier_backward(cnn_step *s, cnn_native_node *node,
                                      const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    CNN_TRY(cnn_native_begin_aside(s, node));
    st = sum_images(s, node, pass);
    cnn_native_end_aside(s, node);
    CNN_TRY(st);
    if (node->input_gradient && !node->own_classifier)
        CNN_TRY(cnn_cuda_dense_backward_data(
            s->ops, shape.n, shape.inputs, shape.classes, cnn_native_gradient(s, node->index + 1),
            cnn_native_weights(s, node, 0), cnn_native_gradient(s, node->index)));
done:
    return st;
}

static void classifier_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    (void)s;
    const bool data = node->input_gradient;
    if (node->own_classifier)
        cnn_text_printf(out,
                        "dense + bias + softmax loss%s in one kernel; backward: weights, bias and "
                        "counts in one kernel",
                        data ? " + data gradient" : "");
    else
        cnn_text_printf(out, "cuBLAS sgemm, bias + softmax loss in one kernel; backward: sgemm%s",
                        data ? ", sgemm" : "");
}

const cnn_native_class cnn_native_classifier = {classifier_create, classifier_forward,
                                                classifier_backward, classifier_describe};
