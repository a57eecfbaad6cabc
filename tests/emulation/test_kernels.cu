/* SPDX-License-Identifier: Apache-2.0 */
#include "emulation/test_kernels.h"

#include "emulation/device.h"

enum { BLOCK = 256 };

template <class... P, class... A>
static cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                          cudaStream_t stream, A... args)
{
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    return cnn_launch_with(config, kernel, args...);
}

__global__ void index_kernel(int n, int *out)
{
    cnn_wait_for_previous();
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n)
        out[i] = i;
}

__global__ void __launch_bounds__(BLOCK) block_sum_kernel(const float *__restrict__ in, float *out)
{
    cnn_wait_for_previous();
    __shared__ float part[BLOCK];
    const unsigned t = threadIdx.x;
    part[t] = in[blockIdx.x * BLOCK + t];
    for (unsigned half = BLOCK / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half)
            part[t] += part[t + half];
    }
    if (t == 0)
        out[blockIdx.x] = part[0];
}

__global__ void warp_sum_kernel(const float *in, float *out)
{
    cnn_wait_for_previous();
    __shared__ float part[BLOCK / 32];
    float sum = __ldg(&in[blockIdx.x * BLOCK + threadIdx.x]);
    for (int bits = 16; bits > 0; bits /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, bits);
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x < 32) {
        sum = threadIdx.x < BLOCK / 32 ? part[threadIdx.x] : 0.0f;
        for (unsigned delta = 16; delta > 0; delta /= 2)
            sum += __shfl_down_sync(0xffffffffu, sum, delta);
        if (threadIdx.x == 0)
            out[blockIdx.x] = sum;
    }
}

__global__ void count_kernel(unsigned *counts)
{
    cnn_wait_for_previous();
    atomicAdd(&counts[0], 1u);
    atomicMax(&counts[1], blockIdx.x * blockDim.x + threadIdx.x);
}

__global__ void reverse_kernel(const float *in, float *out)
{
    cnn_wait_for_previous();
    float *values = cnn_dynamic_shared<float>();
    values[threadIdx.x] = in[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = values[BLOCK - 1 - threadIdx.x];
}

__global__ void hasty_kernel(float *x)
{
    if (threadIdx.x == 0)
        return;
    cnn_wait_for_previous();
    x[0] = 1;
}

__global__ void torn_barrier_kernel()
{
    cnn_wait_for_previous();
    if (threadIdx.x % 2)
        __syncthreads();
}

__global__ void race_kernel(int *out)
{
    cnn_wait_for_previous();
    __shared__ int mine[BLOCK];
    const unsigned t = threadIdx.x;
    mine[t] = -1;
    __syncthreads();
    mine[t] = int(t);
    out[t] = mine[(t + BLOCK - 1) % BLOCK];
}

__global__ void increment_kernel(float *x)
{
    cnn_wait_for_previous();
    x[0] += 1.0f;
}

__global__ void ballot_kernel(unsigned *out)
{
    cnn_wait_for_previous();
    const unsigned mask = threadIdx.x < 16 ? 0x0000ffffu : 0xffff0000u;
    out[threadIdx.x] = __ballot_sync(mask, threadIdx.x % 2);
}

__global__ void intrinsics_kernel(float *out)
{
    cnn_wait_for_previous();
    out[0] = rsqrtf(4.0f);
    out[1] = float(__umulhi(0x80000000u, 6u));
    out[2] = __saturatef(3.0f);
    out[3] = float(__popc(255u));
    out[4] = float(min(-1, 2));
    out[5] = max(1.5f, 0.5f);
}

cudaError_t launch_index(int n, int *out, cudaStream_t stream)
{
    return launch(index_kernel, dim3(unsigned(n + 63) / 64), dim3(64), 0, stream, n, out);
}

cudaError_t launch_block_sum(int blocks, const float *in, float *out, cudaStream_t stream)
{
    return launch(block_sum_kernel, dim3(unsigned(blocks)), dim3(BLOCK), 0, stream, in, out);
}

cudaError_t launch_warp_sum(int blocks, const float *in, float *out, cudaStream_t stream)
{
    return launch(warp_sum_kernel, dim3(unsigned(blocks)), dim3(BLOCK), 0, stream, in, out);
}

cudaError_t launch_count(int blocks, int threads, unsigned *counts, cudaStream_t stream)
{
    return launch(count_kernel, dim3(unsigned(blocks)), dim3(unsigned(threads)), 0, stream, counts);
}

cudaError_t launch_reverse(size_t bytes, const float *in, float *out, cudaStream_t stream)
{
    return launch(reverse_kernel, dim3(1), dim3(BLOCK), bytes, stream, in, out);
}

cudaError_t allow_reverse(size_t bytes)
{
    return cudaFuncSetAttribute(reverse_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                int(bytes));
}

cudaError_t launch_hasty(float *x, cudaStream_t stream)
{
    return launch(hasty_kernel, dim3(1), dim3(2), 0, stream, x);
}

cudaError_t launch_torn_barrier(cudaStream_t stream)
{
    return launch(torn_barrier_kernel, dim3(2), dim3(64), 0, stream);
}

cudaError_t launch_race(int *out, cudaStream_t stream)
{
    return launch(race_kernel, dim3(1), dim3(BLOCK), 0, stream, out);
}

cudaError_t launch_increment(float *x, cudaStream_t stream)
{
    return launch(increment_kernel, dim3(1), dim3(1), 0, stream, x);
}

cudaError_t launch_dependent_increment(float *x, cudaStream_t stream)
{
    cudaLaunchAttribute dependent = {};
    dependent.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    dependent.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = 1;
    config.blockDim = 1;
    config.stream = stream;
    config.attrs = &dependent;
    config.numAttrs = 1;
    return cnn_launch_with(config, increment_kernel, x);
}

cudaError_t launch_ballot(unsigned *out, cudaStream_t stream)
{
    return launch(ballot_kernel, dim3(1), dim3(32), 0, stream, out);
}

cudaError_t launch_shape(dim3 grid, dim3 block, size_t shared_bytes)
{
    return launch(torn_barrier_kernel, grid, block, shared_bytes, nullptr);
}

cudaError_t launch_intrinsics(float *out, cudaStream_t stream)
{
    return launch(intrinsics_kernel, dim3(1), dim3(1), 0, stream, out);
}
