/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/device/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 96 };

/* "GPU 0 (0000:1B:00.0)", as far as a broken device can still be asked. */
static const char *device_label(char label[LABEL])
{
    int device = 0;
    char bus[32] = "";
    if (cudaGetDevice(&device) != cudaSuccess)
        snprintf(label, LABEL, "the GPU");
    else if (cudaDeviceGetPCIBusId(bus, sizeof bus, device) != cudaSuccess)
        snprintf(label, LABEL, "GPU %d", device);
    else
        snprintf(label, LABEL, "GPU %d (%s)", device, bus);
    return label;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The function's name alone: its arguments are ours, and long. */
static int name_length(const char *call)
{
    return (int)strcspn(call, "(");
}

static cnn_status fail(cnn_status st, const char *call, const char *file, int line,
                       const char *name, const char *text)
{
    char label[LABEL];
    return cnn_error_set(st, "%.*s failed on %s (%s:%d): %s: %s", name_length(call), call,
                         device_label(label), file_name(file), line, name, text);
}

static cnn_status status_of(cudaError_t error)
{
    switch (error) {
    case cudaErrorMemoryAllocation:
        return CNN_ENOMEM;
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
        return CNN_EENV;
    default:
        return CNN_EBACKEND;
    }
}

cnn_status cnn_cuda_failed(cudaError_t error, const char *call, const char *file, int line)
{
    return fail(status_of(error), call, file, line, cudaGetErrorName(error),
                cudaGetErrorString(error));
}

cnn_status cnn_cublas_failed(cublasStatus_t error, const char *call, const char *file, int line)
{
    const cnn_status st = error == CUBLAS_STATUS_ALLOC_FAILED ? CNN_ENOMEM : CNN_EBACKEND;
    return fail(st, call, file, line, cublasGetStatusName(error), cublasGetStatusString(error));
}

cnn_status cnn_cudnn_failed(cudnnStatus_t error, const char *call, const char *file, int line)
{
    char text[512] = "";
    const bool memory = error == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
                        error == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    cudnnGetLastErrorString(text, sizeof text);
    text[strcspn(text, "\n")] = '\0';
    return fail(memory ? CNN_ENOMEM : CNN_EBACKEND, call, file, line, cudnnGetErrorString(error),
                text);
}
