/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the device; what it says of itself. */
#include "gpu/device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The first visible device: cnnmpi makes exactly one visible to a trainer. */
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
        CNN_TRY(cnn_algorithms_read(config->algorithms, cudnnGetVersion(), &ops->algorithms));
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
    cnn_algorithms_free(&ops->algorithms);
    cnn_text_free(&ops->timings);
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
    cnn_algorithms_write(&ops->algorithms, cudnnGetVersion(), out);
    return cnn_text_status(out);
}

cnn_status cnn_ops_timings(const cnn_ops *ops, cnn_text *out)
{
    cnn_text_append(out, ops->timings.s ? ops->timings.s : "");
    return cnn_text_status(out);
}
