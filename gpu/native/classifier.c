/* SPDX-License-Identifier: Apache-2.0 */
/* The last node of the native path: dense + bias + softmax cross-entropy. */
#include "gpu/native/internal.h"

static cnn_gpu_classifier shape_of(const cnn_node *node, int n)
{
    return (cnn_gpu_classifier){
        .n = n, .inputs = (int)cnn_shape_size(node->layer->in), .classes = node->mid.c};
}

static cnn_status classifier_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_gpu_node *own = node->own;
    const int i = node->index, images = cnn_ops_max_batch(s->ops);
    cnn_gpu_node_add_weights(s, node);
    own->fused_classifier = cnn_gpu_classifier_fits(shape_of(node, images));
    if (own->fused_classifier)
        CNN_TRY(cnn_step_tensor(s, "losses", i, 2 * (size_t)images * sizeof(double), i,
                                node->reads_until, &own->losses));
    else
        CNN_TRY(cnn_step_tensor(s, "logits", i, cnn_step_values(s, &node->out) * sizeof(float), i,
                                i, &s->values[i + 1]));
done:
    return st;
}

static cnn_gpu_labels labels_of(const cnn_step *s, const cnn_step_pass *pass)
{
    return (cnn_gpu_labels){pass->feed->labels,
                            cnn_gpu_pass_batch(pass, &cnn_gpu_step_of(s)->place->forward)};
}

/* Forward by cuBLAS, with a kernel for the loss. */
static cnn_status library_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    const bool training = pass->training;
    float *logits = cnn_step_value(s, node->index + 1);
    CNN_TRY(cnn_cuda_dense_forward(s->ops, shape.n, shape.inputs, shape.classes,
                                   cnn_step_value(s, node->index), cnn_step_weights(s, node, 0),
                                   logits));
    CNN_CUDA(cnn_gpu_softmax_loss(
        s->ops->current.stream, shape.n, shape.classes, logits, cnn_step_weights(s, node, 1),
        labels_of(s, pass), training ? cnn_step_gradient(s, node->index + 1) : NULL,
        training ? cnn_step_weight_gradients(s, node, 1) : NULL, gpu->place, pass->updates,
        training ? gpu->training : gpu->evaluation));
done:
    return st;
}

static cnn_status classifier_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    double *losses = cnn_step_at(s, own->losses);
    if (!own->fused_classifier)
        return library_forward(s, node, pass);
    CNN_CUDA(cnn_gpu_classifier_forward(
        s->ops->current.stream, shape, cnn_step_value(s, node->index), cnn_step_weights(s, node, 0),
        cnn_step_weights(s, node, 1), labels_of(s, pass), gpu->place, losses,
        pass->training ? cnn_step_gradient(s, node->index + 1) : NULL,
        pass->training && node->input_gradient ? cnn_step_gradient(s, node->index) : NULL));
    if (!pass->training)
        CNN_CUDA(cnn_gpu_classifier_count(s->ops->current.stream, shape, losses, gpu->place,
                                          pass->updates, gpu->evaluation));
done:
    return st;
}

/* Gradients summed over images: those of the weights, and of the bias where one kernel computes
 * both. */
static cnn_status sum_images(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_node *own = node->own;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    const float *x = cnn_step_value(s, node->index);
    const float *dlogits = cnn_step_gradient(s, node->index + 1);
    float *dweights = cnn_step_weight_gradients(s, node, 0);
    if (!own->fused_classifier)
        return cnn_cuda_dense_backward_weights(s->ops, shape.n, shape.inputs, shape.classes, x,
                                               dlogits, dweights);
    CNN_CUDA(cnn_gpu_classifier_backward(
        s->ops->current.stream, shape, x, cnn_step_at(s, own->losses), dlogits, dweights,
        cnn_step_weight_gradients(s, node, 1), gpu->place, pass->updates, gpu->training));
done:
    return st;
}

static cnn_status classifier_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_classifier shape = shape_of(node, pass->n);
    CNN_TRY(cnn_gpu_step_begin_aside(s, node));
    st = sum_images(s, node, pass);
    cnn_gpu_step_end_aside(s, node);
    CNN_TRY(st);
    if (node->input_gradient && !cnn_gpu_node_of(node)->fused_classifier)
        CNN_TRY(cnn_cuda_dense_backward_data(
            s->ops, shape.n, shape.inputs, shape.classes, cnn_step_gradient(s, node->index + 1),
            cnn_step_weights(s, node, 0), cnn_step_gradient(s, node->index)));
done:
    return st;
}

static void classifier_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    const bool data = node->input_gradient;
    if (cnn_gpu_node_of(node)->fused_classifier)
        cnn_text_printf(out,
                        "dense + bias + softmax loss%s in one kernel; backward: weights, bias and "
                        "counts in one kernel",
                        data ? " + data gradient" : "");
    else
        cnn_text_printf(out, "cuBLAS sgemm, bias + softmax loss in one kernel; backward: sgemm%s",
                        data ? ", sgemm" : "");
}

const cnn_node_class cnn_gpu_classifier_node = {classifier_create, NULL, classifier_forward,
                                                classifier_backward, classifier_describe};
