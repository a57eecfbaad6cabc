/* SPDX-License-Identifier: Apache-2.0 */
/* Work beside the rest of a step: gradients of weights, which only the update waits for.
 *
 * It goes to the device's side stream. Where the capture mode has branches, a fork makes that
 * stream wait for what is queued so far, and the join before the update makes the main one wait for
 * it. Otherwise both queue in one CUDA stream, and all work is in order. */
#include "gpu/native/internal.h"

cnn_status cnn_gpu_step_open_branches(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    CNN_TRY(cnn_cuda_open_side_stream(s->ops));
    CNN_CUDA(cudaEventCreateWithFlags(&gpu->forked, cudaEventDisableTiming));
    CNN_CUDA(cudaEventCreateWithFlags(&gpu->joined, cudaEventDisableTiming));
done:
    return st;
}

void cnn_gpu_step_close_branches(cnn_step *s)
{
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    if (gpu->forked)
        cudaEventDestroy(gpu->forked);
    if (gpu->joined)
        cudaEventDestroy(gpu->joined);
    gpu->forked = gpu->joined = NULL;
}

bool cnn_gpu_step_goes_aside(const cnn_step *s, int node)
{
    const cnn_node_kind kind = s->plan.nodes[node].kind;
    return cnn_gpu_step_of(s)->may_branch && node > s->first_trained &&
           (kind == CNN_NODE_CONV || kind == CNN_NODE_DENSE);
}

int cnn_gpu_step_aside_until(const cnn_step *s, int node)
{
    return cnn_gpu_step_goes_aside(s, node) ? cnn_step_back(s, 0) : cnn_step_back(s, node);
}

cnn_status cnn_gpu_step_begin_aside(cnn_step *s, const cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    if (!cnn_gpu_step_goes_aside(s, node->index))
        return CNN_OK;
    if (gpu->mode & CNN_CAPTURE_BRANCHES) {
        CNN_CUDA(cudaEventRecord(gpu->forked, s->ops->current.stream));
        CNN_CUDA(cudaStreamWaitEvent(cnn_gpu_foreign(s->ops->other.stream), gpu->forked, 0));
        gpu->unjoined = true;
    }
    cnn_cuda_change_stream(s->ops);
done:
    return st;
}

void cnn_gpu_step_end_aside(cnn_step *s, const cnn_node *node)
{
    if (cnn_gpu_step_goes_aside(s, node->index))
        cnn_cuda_change_stream(s->ops);
}

cnn_status cnn_gpu_step_join(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    if (!gpu->unjoined)
        return CNN_OK;
    gpu->unjoined = false;
    CNN_CUDA(cudaEventRecord(gpu->joined, s->ops->other.stream));
    CNN_CUDA(cudaStreamWaitEvent(cnn_gpu_foreign(s->ops->current.stream), gpu->joined, 0));
done:
    return st;
}

void cnn_gpu_step_abandon(cnn_step *s)
{
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    if (gpu->unjoined && cudaEventRecord(gpu->joined, s->ops->other.stream) == cudaSuccess)
        cudaStreamWaitEvent(cnn_gpu_foreign(s->ops->current.stream), gpu->joined, 0);
    gpu->unjoined = false;
}
