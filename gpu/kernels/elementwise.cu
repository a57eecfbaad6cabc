/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise kernels. */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/philox.cuh"

static __global__ void relu_forward(size_t size, const float *x, float *y)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

static __global__ void relu_backward(size_t size, const float *y, const float *dy, float *dx)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

/* A block: as many columns as it has threads along x, or all of them; rows by its other threads. */
static __global__ void add_bias(size_t rows, int columns, const float *bias, bool relu, float *y)
{
    cnn_wait_for_previous();
    const int column = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (column >= columns)
        return;
    const float b = bias[column];
    for (size_t row = blockIdx.y * blockDim.y + threadIdx.y; row < rows;
         row += (size_t)gridDim.y * blockDim.y) {
        const size_t i = row * (size_t)columns + (size_t)column;
        const float v = y[i] + b;
        y[i] = relu && !(v > 0.0f) ? 0.0f : v;
    }
}

/* One thread draws the numbers of four values. */
static __global__ void dropout(size_t size, double rate, uint64_t seed, uint32_t purpose,
                               const int64_t *step, uint32_t step_value, const float *x, float *y)
{
    cnn_wait_for_previous();
    const uint32_t epoch = step ? (uint32_t)*step : step_value;
    const float scale = (float)(1.0 / (1.0 - rate));
    CNN_EACH(four, (size + 3) / 4)
    {
        const uint4 words = cnn_device_philox(seed, purpose, epoch, four);
        const uint32_t word[4] = {words.x, words.y, words.z, words.w};
        for (int k = 0; k < 4; k++) {
            const size_t i = 4 * four + (size_t)k;
            if (i < size)
                y[i] = cnn_device_unit(word[k]) < rate ? 0.0f : x[i] * scale;
        }
    }
}

static __global__ void fill_random(size_t size, uint32_t stream_number, float *x)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    x[i] = (float)(2.0 * cnn_device_unit(cnn_device_philox(stream_number, 0, 0, i).x) - 1.0);
}

static __global__ void reset_distance(unsigned *result)
{
    cnn_wait_for_previous();
    result[threadIdx.x] = 0;
}

/* Non-negative floats compare like their bits as integers. */
static __global__ void distance(size_t size, const float *a, const float *b, unsigned *result)
{
    cnn_wait_for_previous();
    __shared__ float largest[CNN_BLOCK], apart[CNN_BLOCK];
    float most = 0.0f, far = 0.0f;
    CNN_EACH(i, size)
    {
        const float value = fabsf(a[i]), gap = fabsf(a[i] - b[i]);
        most = value <= 3.0e38f ? fmaxf(most, value) : INFINITY;
        far = gap <= 3.0e38f ? fmaxf(far, gap) : INFINITY;
    }
    largest[threadIdx.x] = most;
    apart[threadIdx.x] = far;
    __syncthreads();
    for (unsigned half = CNN_BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            largest[threadIdx.x] = fmaxf(largest[threadIdx.x], largest[threadIdx.x + half]);
            apart[threadIdx.x] = fmaxf(apart[threadIdx.x], apart[threadIdx.x + half]);
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        atomicMax(&result[0], __float_as_uint(largest[0]));
        atomicMax(&result[1], __float_as_uint(apart[0]));
    }
}

cudaError_t cnn_gpu_relu_forward(cudaStream_t stream, size_t size, const float *x, float *y)
{
    return cnn_launch(relu_forward, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, x, y);
}

cudaError_t cnn_gpu_relu_backward(cudaStream_t stream, size_t size, const float *y, const float *dy,
                                  float *dx)
{
    return cnn_launch(relu_backward, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, y, dy, dx);
}

cudaError_t cnn_gpu_add_bias(cudaStream_t stream, size_t rows, int columns, const float *bias,
                             bool relu, float *y)
{
    const unsigned width = columns <= CNN_WARP / 2 ? CNN_WARP / 2 : CNN_WARP;
    const unsigned height = CNN_BLOCK / width;
    const size_t bands = (rows + height - 1) / height, most = 4096;
    const dim3 grid(((unsigned)columns + width - 1) / width, (unsigned)(bands == 0     ? 1
                                                                        : bands < most ? bands
                                                                                       : most));
    return cnn_launch(add_bias, grid, dim3(width, height), 0, stream, rows, columns, bias, relu, y);
}

cudaError_t cnn_gpu_dropout(cudaStream_t stream, size_t size, double rate, uint64_t seed,
                            uint32_t purpose, const int64_t *step, uint32_t step_value,
                            const float *x, float *y)
{
    return cnn_launch(dropout, cnn_grid_for((size + 3) / 4), CNN_BLOCK, 0, stream, size, rate, seed,
                      purpose, step, step_value, x, y);
}

cudaError_t cnn_gpu_fill_random(cudaStream_t stream, size_t size, uint32_t stream_number, float *x)
{
    return cnn_launch(fill_random, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, stream_number,
                      x);
}

cudaError_t cnn_gpu_distance(cudaStream_t stream, size_t size, const float *a, const float *b,
                             float *result)
{
    unsigned *const bits = reinterpret_cast<unsigned *>(result);
    const cudaError_t error = cnn_launch(reset_distance, 1, 2, 0, stream, bits);
    return error != cudaSuccess
               ? error
               : cnn_launch(distance, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, a, b, bits);
}
