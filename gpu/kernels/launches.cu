/* SPDX-License-Identifier: Apache-2.0 */
/* How this thread launches kernels. */
#include "gpu/kernels/launch.cuh"

enum { LEAST_VERSION = 12030, LEAST_ARCHITECTURE = 90 };

/* A thread's, as the capture is in which it is set. */
static thread_local cudaStream_t with_dependents = nullptr;

/* Asked for what it was compiled for, as all of them are; never launched. */
static __global__ void specimen(int *out)
{
    cnn_wait_for_previous();
    *out = 0;
}

cudaError_t cnn_gpu_can_launch_dependents(int device, bool *can)
{
    int driver = 0, major = 0;
    cudaFuncAttributes code = {};
    cudaError_t error = cudaDriverGetVersion(&driver);
    *can = false;
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (error == cudaSuccess)
        error = cudaFuncGetAttributes(&code, reinterpret_cast<const void *>(specimen));
    if (error == cudaSuccess)
        *can = CUDART_VERSION >= LEAST_VERSION && driver >= LEAST_VERSION &&
               10 * major >= LEAST_ARCHITECTURE && code.ptxVersion >= LEAST_ARCHITECTURE;
    return error;
}

void cnn_gpu_launch_dependents(cudaStream_t stream)
{
    with_dependents = stream;
}

bool cnn_gpu_launches_dependents(cudaStream_t stream)
{
    return stream && stream == with_dependents;
}
