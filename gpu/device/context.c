/* SPDX-License-Identifier: Apache-2.0 */
/* The device, its libraries' handles, memory, transfers. */
#include "gpu/device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory -------------------------------------------------------------------------------- */

/* An ops that only plans has no device: its memory is the host's, and nothing runs on it. */
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
        cudaGetLastError(); /* the device is none the worse for it */
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
    CNN_CUDA(cudaMemcpyAsync(to, from, bytes, kind, ops->current.stream));
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
        CNN_CUDA(cudaMemsetAsync(memory, 0, bytes, ops->current.stream));
done:
    return st;
}

/* ---- opening ------------------------------------------------------------------------------- */

static cnn_status take_sizes(cnn_ops *ops)
{
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++) {
        const int n = ops->config.batch_sizes[i];
        int at = 0;
        while (at < ops->size_count && ops->sizes[at] > n)
            at++;
        if (n < 1 || (at < ops->size_count && ops->sizes[at] == n))
            continue;
        memmove(&ops->sizes[at + 1], &ops->sizes[at],
                (size_t)(ops->size_count - at) * sizeof ops->sizes[0]);
        ops->sizes[at] = n;
        ops->size_count++;
    }
    return ops->size_count > 0 ? CNN_OK : cnn_error_set(CNN_EINVAL, "no batch size was given");
}

/* The first visible device: who starts a trainer makes one visible. */
static cnn_status open_device(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    struct cudaDeviceProp properties;
    int count = 0;
    CNN_CUDA(cudaGetDeviceCount(&count));
    CNN_CHECK(count > 0, CNN_EENV, "no GPU is visible (CUDA_VISIBLE_DEVICES)");
    CNN_CUDA(cudaSetDevice(ops->device));
    CNN_CUDA(cudaGetDeviceProperties(&properties, ops->device));
    CNN_CHECK(properties.major >= 8, CNN_EENV,
              "%s has compute capability %d.%d, but this program was built for 8.0 and newer",
              properties.name, properties.major, properties.minor);
    cnn_copy_string(ops->name, sizeof ops->name, properties.name);
done:
    return st;
}

static cnn_status describe_versions(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    int runtime = 0, driver = 0, cublas = 0;
    const size_t cudnn = cudnnGetVersion();
    CNN_CUDA(cudaRuntimeGetVersion(&runtime));
    CNN_CUDA(cudaDriverGetVersion(&driver));
    CNN_CUBLAS(cublasGetVersion(ops->current.cublas, &cublas));
    snprintf(ops->versions, sizeof ops->versions,
             "cuDNN %zu.%zu.%zu, cuBLAS %d.%d.%d, CUDA %d.%d, driver for CUDA %d.%d", cudnn / 10000,
             cudnn / 100 % 100, cudnn % 100, cublas / 10000, cublas / 100 % 100, cublas % 100,
             runtime / 1000, runtime / 10 % 100, driver / 1000, driver / 10 % 100);
done:
    return st;
}

static cnn_status open_libraries(cnn_ops *ops)
{
    cnn_status st = open_device(ops);
    if (st == CNN_EENV)
        cnn_error_prefix(st, "no usable GPU");
    CNN_TRY(st);
    CNN_TRY(cnn_cuda_open_stream(ops));
    CNN_TRY(describe_versions(ops));
done:
    return st;
}

cnn_status cnn_ops_open(const cnn_ops_config *config, cnn_ops **out)
{
    cnn_status st = CNN_OK;
    cnn_ops *ops = calloc(1, sizeof *ops);
    CNN_CHECK(ops != NULL, CNN_ENOMEM, "a device");
    ops->config = *config;
    ops->config.algorithms = NULL; /* the caller's */
    CNN_TRY(take_sizes(ops));
    if (config->algorithms && *config->algorithms)
        CNN_TRY(cnn_choices_read(config->algorithms, cudnnGetVersion(), &ops->choices));
    if (!config->plan_only)
        CNN_TRY(open_libraries(ops));
    *out = ops;
    ops = NULL; /* the caller owns it now */
done:
    cnn_ops_close(&ops);
    return st;
}

void cnn_ops_close(cnn_ops **handle)
{
    cnn_ops *ops = *handle;
    if (!ops)
        return;
    cnn_cuda_change_stream(ops); /* the side stream first: it may queue in the main one */
    cnn_cuda_close_stream(ops);
    cnn_cuda_change_stream(ops);
    cnn_cuda_close_stream(ops);
    cnn_cuda_free(ops, (void **)&ops->keys);
    cnn_cuda_free(ops, (void **)&ops->sorted);
    cnn_cuda_free(ops, &ops->sort_scratch);
    cnn_choices_free(&ops->choices);
    free(ops);
    *handle = NULL;
}

void cnn_ops_describe(const cnn_ops *ops, cnn_ops_info *out)
{
    *out = (cnn_ops_info){.backend = "cudnn", .threads = ops->config.threads};
    cnn_copy_string(out->version, sizeof out->version, ops->versions);
    cnn_copy_string(out->device, sizeof out->device, ops->name);
}

int cnn_ops_max_batch(const cnn_ops *ops)
{
    return ops->sizes[0];
}

cnn_status cnn_cuda_size_index(const cnn_ops *ops, int n, int *index)
{
    for (int i = 0; i < ops->size_count; i++)
        if (ops->sizes[i] == n) {
            *index = i;
            return CNN_OK;
        }
    return cnn_error_set(CNN_EINVAL, "the device was not opened for batches of %d images", n);
}

cnn_status cnn_ops_algorithms(const cnn_ops *ops, cnn_text *out)
{
    cnn_choices_write(&ops->choices, cudnnGetVersion(), out);
    return cnn_text_status(out);
}
