/* SPDX-License-Identifier: Apache-2.0 */
/** Checks of CUDA's, cuBLAS's and cuDNN's statuses, for functions with `cnn_status st` and `done:`.
 *  The message names the call, file and line, the device and what the library says. */
#ifndef CNN_GPU_DEVICE_CHECK_H
#define CNN_GPU_DEVICE_CHECK_H

#include "base/status.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

/** Sets the error message and returns the status that stands for the failure: CNN_ENOMEM,
 *  CNN_EENV (no driver, no device) or CNN_EBACKEND. */
cnn_status cnn_cuda_failed(cudaError_t error, const char *call, const char *file, int line);
cnn_status cnn_cublas_failed(cublasStatus_t error, const char *call, const char *file, int line);
cnn_status cnn_cudnn_failed(cudnnStatus_t error, const char *call, const char *file, int line);

#define CNN_CUDA(call)                                                                             \
    do {                                                                                           \
        const cudaError_t error_ = (call);                                                         \
        if (error_ != cudaSuccess) {                                                               \
            st = cnn_cuda_failed(error_, #call, __FILE__, __LINE__);                               \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#define CNN_CUBLAS(call)                                                                           \
    do {                                                                                           \
        const cublasStatus_t error_ = (call);                                                      \
        if (error_ != CUBLAS_STATUS_SUCCESS) {                                                     \
            st = cnn_cublas_failed(error_, #call, __FILE__, __LINE__);                             \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#define CNN_CUDNN(call)                                                                            \
    do {                                                                                           \
        const cudnnStatus_t error_ = (call);                                                       \
        if (error_ != CUDNN_STATUS_SUCCESS) {                                                      \
            st = cnn_cudnn_failed(error_, #call, __FILE__, __LINE__);                              \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

#endif
