/* SPDX-License-Identifier: Apache-2.0 */
/* Queues the work of a pass in the current stream, whether it is captured or not. */
#include "gpu/native/internal.h"

cnn_status cnn_gpu_step_queue_forward(cnn_step *s, const cnn_step_pass *pass)
{
    cnn_status st = CNN_OK;
    float *gathered = cnn_step_value(s, 0);
    if (gathered)
        CNN_CUDA(cnn_gpu_gather(s->ops->current.stream,
                                cnn_gpu_pass_images(pass, &cnn_gpu_step_of(s)->place->forward),
                                NULL, pass->n, cnn_shape_size(s->net.input), gathered, NULL));
    CNN_TRY(cnn_step_forward(s, pass));
done:
    return st;
}

cnn_status cnn_gpu_step_queue_update(cnn_step *s, size_t values)
{
    cnn_status st = CNN_OK;
    const cnn_train *t = &s->train;
    if (t->optimizer == CNN_OPTIMIZER_ADAM)
        CNN_CUDA(cnn_gpu_adam(s->ops->current.stream, values, t->learning_rate,
                              &cnn_gpu_step_of(s)->place->backward.step, 0, s->weight_gradients,
                              s->first, s->second, s->weights));
    else
        CNN_CUDA(cnn_gpu_sgd(s->ops->current.stream, values, t->learning_rate, t->momentum,
                             s->weight_gradients, s->first, s->weights));
done:
    return st;
}

cnn_status cnn_gpu_step_queue(cnn_step *s, const cnn_feed *feed, int n, bool updates)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    cnn_step_pass pass = {.feed = feed, .n = n, .training = true, .updates = updates};
    CNN_TRY(cnn_cuda_size_index(s->ops, n, &pass.size));
    if (gpu->may_branch)
        CNN_TRY(cnn_cuda_separate_streams(s->ops, gpu->mode & CNN_CAPTURE_BRANCHES));
    cnn_gpu_launch_dependents(cnn_gpu_step_has_dependents(gpu->mode) ? s->ops->current.stream
                                                                     : NULL);
    CNN_TRY(cnn_gpu_step_queue_forward(s, &pass));
    CNN_TRY(cnn_step_backward(s, &pass));
    CNN_TRY(cnn_gpu_step_join(s));
    if (updates)
        CNN_TRY(cnn_gpu_step_queue_update(s, s->parameter_size));
done:
    cnn_gpu_launch_dependents(NULL);
    if (st != CNN_OK)
        cnn_gpu_step_abandon(s);
    return st;
}
