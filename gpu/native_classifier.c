/* The last node of the native path: dense + bias + softmax cross-entropy. */
#include "gpu/native_internal.h"

static cnn_status classifier_create(cnn_step *s, cnn_native_node *node)
{
    const int i = node->index;
    cnn_native_add_parameter(s, node, 0, true);
    cnn_native_add_parameter(s, node, 1, false);
    return cnn_native_tensor(s, "logits", i, cnn_native_floats(s, node->mid) * sizeof(float), i, i,
                             &s->values[i + 1]);
}

static cnn_gpu_labels labels_of(const cnn_step *s, const cnn_native_pass *pass)
{
    return (cnn_gpu_labels){pass->feed->labels, cnn_native_order(pass, &s->place->forward)};
}

static cnn_status classifier_forward(cnn_step *s, cnn_native_node *node,
                                     const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const int inputs = (int)cnn_shape_size(node->layer->in), classes = node->mid.c;
    const bool training = pass->training;
    float *logits = cnn_native_value(s, node->index + 1);
    CNN_TRY(cnn_cuda_dense_forward(s->ops, pass->n, inputs, classes,
                                   cnn_native_value(s, node->index), cnn_native_weights(s, node, 0),
                                   logits));
    CNN_CUDA(cnn_gpu_softmax_loss(s->ops->stream, pass->n, classes, logits,
                                  cnn_native_weights(s, node, 1), labels_of(s, pass),
                                  training ? cnn_native_gradient(s, node->index + 1) : NULL,
                                  training ? cnn_native_slopes(s, node, 1) : NULL, s->place,
                                  pass->updates, training ? s->training : s->evaluation));
done:
    return st;
}

static cnn_status classifier_backward(cnn_step *s, cnn_native_node *node,
                                      const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const int inputs = (int)cnn_shape_size(node->layer->in), classes = node->mid.c;
    const float *dy = cnn_native_gradient(s, node->index + 1);
    CNN_TRY(cnn_native_begin_aside(s, node));
    st = cnn_cuda_dense_backward_weights(s->ops, pass->n, inputs, classes,
                                         cnn_native_value(s, node->index), dy,
                                         cnn_native_slopes(s, node, 0));
    cnn_native_end_aside(s, node);
    CNN_TRY(st);
    if (node->input_gradient)
        CNN_TRY(cnn_cuda_dense_backward_data(s->ops, pass->n, inputs, classes, dy,
                                             cnn_native_weights(s, node, 0),
                                             cnn_native_gradient(s, node->index)));
done:
    return st;
}

static void classifier_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "cuBLAS sgemm, bias + softmax loss in one kernel; backward: sgemm%s",
                    node->input_gradient ? ", sgemm" : "");
}

const cnn_native_class cnn_native_classifier = {classifier_create, classifier_forward,
                                                classifier_backward, classifier_describe};
