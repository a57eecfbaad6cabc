/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions straight from the definition: slow, and correct for every shape. */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"

typedef cnn_gpu_convolution shape;

__device__ static inline size_t input_index(shape s, int image, int row, int column)
{
    return (((size_t)image * (size_t)s.h + (size_t)row) * (size_t)s.w + (size_t)column) *
           (size_t)s.c;
}

__device__ static inline size_t output_index(shape s, int image, int row, int column)
{
    return (((size_t)image * (size_t)s.out_h + (size_t)row) * (size_t)s.out_w + (size_t)column) *
           (size_t)s.out_c;
}

__device__ static inline size_t weight_index(shape s, int out, int row, int column)
{
    return (((size_t)out * (size_t)s.kernel + (size_t)row) * (size_t)s.kernel + (size_t)column) *
           (size_t)s.c;
}

/* A thread for each result. */
static __global__ void forward(shape s, size_t size, const float *x, const float *weights, float *y)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        size_t rest = i;
        const int out = (int)(rest % (size_t)s.out_c);
        rest /= (size_t)s.out_c;
        const int column = (int)(rest % (size_t)s.out_w);
        rest /= (size_t)s.out_w;
        const int row = (int)(rest % (size_t)s.out_h), image = (int)(rest / (size_t)s.out_h);
        float sum = 0.0f;
        for (int r = 0; r < s.kernel; r++)
            for (int k = 0; k < s.kernel; k++) {
                const int in_row = row * s.stride - s.pad_top + r;
                const int in_column = column * s.stride - s.pad_left + k;
                if (in_row < 0 || in_row >= s.h || in_column < 0 || in_column >= s.w)
                    continue;
                const float *from = x + input_index(s, image, in_row, in_column);
                const float *w = weights + weight_index(s, out, r, k);
                for (int c = 0; c < s.c; c++)
                    sum = fmaf(from[c], w[c], sum);
            }
        y[i] = sum;
    }
}

/* A thread for each input. */
static __global__ void backward_data(shape s, size_t size, const float *dy, const float *weights,
                                     float *dx)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        size_t rest = i;
        const int c = (int)(rest % (size_t)s.c);
        rest /= (size_t)s.c;
        const int column = (int)(rest % (size_t)s.w);
        rest /= (size_t)s.w;
        const int row = (int)(rest % (size_t)s.h), image = (int)(rest / (size_t)s.h);
        float sum = 0.0f;
        for (int r = 0; r < s.kernel; r++)
            for (int k = 0; k < s.kernel; k++) {
                const int down = row + s.pad_top - r, right = column + s.pad_left - k;
                if (down < 0 || right < 0 || down % s.stride != 0 || right % s.stride != 0 ||
                    down / s.stride >= s.out_h || right / s.stride >= s.out_w)
                    continue;
                const float *from = dy + output_index(s, image, down / s.stride, right / s.stride);
                for (int out = 0; out < s.out_c; out++)
                    sum = fmaf(from[out], weights[weight_index(s, out, r, k) + (size_t)c], sum);
            }
        dx[i] = sum;
    }
}

/* A block for each weight: its threads divide the results among them, then reduce as a tree. */
static __global__ void backward_weights(shape s, size_t size, const float *x, const float *dy,
                                        float *dweights)
{
    cnn_wait_for_previous();
    __shared__ float part[CNN_BLOCK];
    const size_t places = (size_t)s.n * (size_t)s.out_h * (size_t)s.out_w;
    for (size_t i = blockIdx.x; i < size; i += gridDim.x) {
        size_t rest = i;
        const int c = (int)(rest % (size_t)s.c);
        rest /= (size_t)s.c;
        const int k = (int)(rest % (size_t)s.kernel);
        rest /= (size_t)s.kernel;
        const int r = (int)(rest % (size_t)s.kernel), out = (int)(rest / (size_t)s.kernel);
        float sum = 0.0f;
        for (size_t p = threadIdx.x; p < places; p += CNN_BLOCK) {
            const int column = (int)(p % (size_t)s.out_w);
            const int row = (int)(p / (size_t)s.out_w % (size_t)s.out_h);
            const int image = (int)(p / (size_t)s.out_w / (size_t)s.out_h);
            const int in_row = row * s.stride - s.pad_top + r;
            const int in_column = column * s.stride - s.pad_left + k;
            if (in_row >= 0 && in_row < s.h && in_column >= 0 && in_column < s.w)
                sum = fmaf(x[input_index(s, image, in_row, in_column) + (size_t)c],
                           dy[output_index(s, image, row, column) + (size_t)out], sum);
        }
        part[threadIdx.x] = sum;
        __syncthreads();
        for (unsigned half = CNN_BLOCK / 2; half > 0; half /= 2) {
            if (threadIdx.x < half)
                part[threadIdx.x] += part[threadIdx.x + half];
            __syncthreads();
        }
        if (threadIdx.x == 0)
            dweights[i] = part[0];
        __syncthreads();
    }
}

static size_t weights_of(shape s)
{
    return (size_t)s.out_c * (size_t)s.kernel * (size_t)s.kernel * (size_t)s.c;
}

cudaError_t cnn_gpu_direct_forward(cudaStream_t stream, shape s, const float *x,
                                   const float *weights, float *y)
{
    const size_t size = (size_t)s.n * (size_t)s.out_h * (size_t)s.out_w * (size_t)s.out_c;
    return cnn_launch(forward, cnn_grid_for(size), CNN_BLOCK, 0, stream, s, size, x, weights, y);
}

cudaError_t cnn_gpu_direct_backward_data(cudaStream_t stream, shape s, const float *dy,
                                         const float *weights, float *dx)
{
    const size_t size = (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)s.c;
    return cnn_launch(backward_data, cnn_grid_for(size), CNN_BLOCK, 0, stream, s, size, dy, weights,
                      dx);
}

cudaError_t cnn_gpu_direct_backward_weights(cudaStream_t stream, shape s, const float *x,
                                            const float *dy, float *dweights)
{
    const size_t size = weights_of(s);
    return cnn_launch(backward_weights, dim3((unsigned)(size < 65535 ? size : 65535)), CNN_BLOCK, 0,
                      stream, s, size, x, dy, dweights);
}
