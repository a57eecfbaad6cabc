/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the device, transfers, and waiting for its stream. */
#include "gpu/device/internal.h"

#include <stdlib.h>
#include <string.h>

/* An ops that only plans has no device: its memory is the host's, and nothing runs. */
static cnn_status alloc_for_plan(size_t bytes, const char *what, void **out)
{
    *out = calloc(bytes ? bytes : 1, 1);
    return *out ? CNN_OK : cnn_error_set(CNN_ENOMEM, "a plan of %s (%zu bytes)", what, bytes);
}

cnn_status cnn_cuda_alloc(const cnn_ops *ops, size_t bytes, const char *what, void **out)
{
    cnn_status st = CNN_OK;
    void *memory = NULL;
    if (ops->config.plan_only)
        return alloc_for_plan(bytes, what, out);
    const cudaError_t error = cudaMalloc(&memory, bytes ? bytes : 1);
    if (error == cudaErrorMemoryAllocation) {
        size_t left = 0, total = 0;
        cudaGetLastError(); /* the error is recoverable: clear it */
        cudaMemGetInfo(&left, &total);
        return cnn_error_set(CNN_ENOMEM,
                             "the GPU has no memory for %s (%zu bytes; %zu of its %zu are free)",
                             what, bytes, left, total);
    }
    CNN_CUDA(error);
    /* The host does not wait for it, and our streams do not wait for the one that it is in. */
    CNN_CUDA(cudaMemset(memory, 0, bytes));
    CNN_CUDA(cudaStreamSynchronize(NULL));
    *out = memory;
    memory = NULL; /* the caller owns it now */
done:
    if (memory)
        cudaFree(memory);
    return st;
}

cnn_status cnn_cuda_floats(const cnn_ops *ops, size_t count, const char *what, float **out)
{
    void *memory = NULL;
    const cnn_status st = cnn_cuda_alloc(ops, count * sizeof(float), what, &memory);
    *out = memory;
    return st;
}

void cnn_cuda_free(const cnn_ops *ops, void **memory)
{
    if (*memory && ops->config.plan_only)
        free(*memory);
    else if (*memory)
        cudaFree(*memory);
    *memory = NULL;
}

cnn_status cnn_cuda_sums(const cnn_ops *ops, size_t parts, size_t tickets, cnn_gpu_sums *out)
{
    cnn_status st = CNN_OK;
    void *memory = NULL;
    *out = (cnn_gpu_sums){0};
    CNN_TRY(cnn_cuda_alloc(ops, parts * sizeof(double), "parts of sums", &memory));
    out->parts = memory;
    CNN_TRY(cnn_cuda_alloc(ops, tickets * sizeof(unsigned), "tickets of sums", &memory));
    out->tickets = memory;
done:
    if (st != CNN_OK)
        cnn_cuda_free_sums(ops, out);
    return st;
}

void cnn_cuda_free_sums(const cnn_ops *ops, cnn_gpu_sums *sums)
{
    cnn_cuda_free(ops, (void **)&sums->parts);
    cnn_cuda_free(ops, (void **)&sums->tickets);
}

cnn_status cnn_cuda_need_workspace(cnn_ops *ops, size_t bytes)
{
    cnn_status st = CNN_OK;
    void *longer = NULL;
    if (bytes <= ops->current.workspace_bytes)
        return CNN_OK;
    CNN_TRY(cnn_cuda_alloc(ops, bytes, "the workspace of convolutions", &longer));
    st = cnn_ops_sync(ops);
    if (st != CNN_OK) {
        cnn_cuda_free(ops, &longer);
        goto done;
    }
    cnn_cuda_free(ops, &ops->current.workspace);
    ops->current.workspace = longer;
    ops->current.workspace_bytes = bytes;
done:
    return st;
}

cnn_status cnn_ops_alloc(cnn_ops *ops, size_t bytes, const char *what, void **out)
{
    if (bytes > CNN_CUDA_MAX_TENSOR)
        return cnn_error_set(CNN_ENOMEM,
                             "%s would take %zu bytes, more than the GPU backend's kernels can "
                             "count: use a smaller batch or data set",
                             what, bytes);
    return cnn_cuda_alloc(ops, bytes, what, out);
}

void cnn_ops_free(cnn_ops *ops, void **memory)
{
    cnn_cuda_free(ops, memory);
}

cnn_status cnn_cuda_clear_error(void)
{
    cudaGetLastError();
    const cudaError_t error = cudaDeviceSynchronize();
    return error == cudaSuccess
               ? CNN_OK
               : cnn_error_prefix(CNN_EBACKEND,
                                  "the GPU stays unusable (%s), so this process ends; before that",
                                  cudaGetErrorName(error));
}

cnn_status cnn_ops_sync(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    if (ops->config.plan_only)
        return CNN_OK;
    CNN_CUDA(cudaStreamSynchronize(ops->current.stream));
done:
    return st;
}

/* Transfers go through the stream, so that they come after what was queued. */
static cnn_status copy(cnn_ops *ops, void *to, const void *from, size_t bytes,
                       enum cudaMemcpyKind kind)
{
    cnn_status st = CNN_OK;
    if (bytes == 0)
        return CNN_OK;
    if (ops->config.plan_only) {
        memcpy(to, from, bytes);
        return CNN_OK;
    }
    CNN_CUDA(cudaMemcpyAsync(to, from, bytes, kind, cnn_gpu_foreign(ops->current.stream)));
    CNN_CUDA(cudaStreamSynchronize(ops->current.stream));
done:
    return st;
}

cnn_status cnn_ops_upload(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    return copy(ops, to, from, bytes, cudaMemcpyHostToDevice);
}

cnn_status cnn_ops_download(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    return copy(ops, to, from, bytes, cudaMemcpyDeviceToHost);
}

cnn_status cnn_ops_zero(cnn_ops *ops, void *memory, size_t bytes)
{
    cnn_status st = CNN_OK;
    if (bytes > 0 && ops->config.plan_only)
        memset(memory, 0, bytes);
    else if (bytes > 0)
        CNN_CUDA(cudaMemsetAsync(memory, 0, bytes, cnn_gpu_foreign(ops->current.stream)));
done:
    return st;
}
