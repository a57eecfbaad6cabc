/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU's part of a step: preparation before nodes are created, and memory besides theirs. */
#include "gpu/native/internal.h"

/* Whether the batch normalisation after a node computes the gradients of its ReLU and bias. */
static bool finished_by_next(const cnn_step *s, int i)
{
    const cnn_plan_node *p = &s->plan.nodes[i];
    return (p->kind == CNN_NODE_CONV || p->kind == CNN_NODE_DENSE) && p->relu >= 0 && p->pool < 0 &&
           i + 1 < s->node_count && s->plan.nodes[i + 1].kind == CNN_NODE_NORM &&
           i + 1 > s->first_trained;
}

cnn_status cnn_gpu_step_prepare_nodes(cnn_step *s)
{
    cnn_status st = CNN_OK;
    int unused;
    CNN_TRY(cnn_cuda_size_index(s->ops, s->train.batch_size, &unused));
    CNN_TRY(cnn_gpu_step_take_capture_mode(s));
    for (int i = 0; i < s->node_count; i++) {
        cnn_gpu_node *own = &cnn_gpu_step_of(s)->nodes[i];
        *own = (cnn_gpu_node){
            .finished_by_next = finished_by_next(s, i),
            .before_pool = CNN_NO_TENSOR,
            .before_pool_gradient = CNN_NO_TENSOR,
            .mask = CNN_NO_TENSOR,
            .mean = CNN_NO_TENSOR,
            .inverse = CNN_NO_TENSOR,
            .parts = CNN_NO_TENSOR,
            .losses = CNN_NO_TENSOR,
        };
        s->nodes[i].own = own;
        s->nodes[i].reads_until = cnn_gpu_step_aside_until(s, i);
    }
    s->reads_feed =
        s->plan.nodes[0].kind == CNN_NODE_CONV && cnn_gpu_node_fuses_first(&s->nodes[0]);
done:
    return st;
}

cnn_status cnn_gpu_step_allocate(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    CNN_TRY(cnn_cuda_floats(s->ops, (size_t)s->net.state_total, "running statistics",
                            &gpu->running_kept));
    CNN_TRY(cnn_cuda_alloc(s->ops, gpu->ticket_count * sizeof *gpu->tickets, "tickets of sums",
                           (void **)&gpu->tickets));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *gpu->place, "a step's place", (void **)&gpu->place));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *gpu->training, "counts", (void **)&gpu->training));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *gpu->training, "counts", (void **)&gpu->training_kept));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *gpu->evaluation, "counts", (void **)&gpu->evaluation));
done:
    return st;
}

void cnn_gpu_step_free(cnn_step *s)
{
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    void *memory[] = {gpu->running_kept, gpu->tickets,       gpu->place,
                      gpu->training,     gpu->training_kept, gpu->evaluation};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        cnn_cuda_free(s->ops, &memory[i]);
}
