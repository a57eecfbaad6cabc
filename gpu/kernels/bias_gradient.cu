/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients of biases: sums over rows, a block for a tile of columns and a chunk of rows. */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/last_block.cuh"
#include "gpu/kernels/row_chunks.cuh"

/* Rows that a thread has in flight. */
enum { AT_ONCE = 4 };

__device__ static inline void finish(double sum, int column, int columns, double *parts,
                                     unsigned *tickets, float *dbias)
{
    __shared__ double shared[CNN_BLOCK];
    double total;
    if (cnn_sum_of_rows(sum, column, columns, parts, tickets, shared, &total))
        dbias[column] = (float)total;
}

/* If y is not NULL, masked (which may be dy) becomes zero where y is not positive. */
static __global__ void sum_rows(unsigned rows, unsigned a_chunk, int columns, const float *dy,
                                const float *y, float *masked, double *parts, unsigned *tickets,
                                float *dbias)
{
    cnn_wait_for_previous();
    const int column = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const cnn_chunk c = cnn_chunk_of_block(rows, a_chunk);
    double sum = 0.0;
    for (unsigned row = c.first + threadIdx.y; column < columns && row < c.end;
         row += AT_ONCE * blockDim.y) {
        float value[AT_ONCE];
        bool cut[AT_ONCE];
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            const unsigned r = row + (unsigned)k * blockDim.y;
            const size_t i = (size_t)r * (size_t)columns + (size_t)column;
            value[k] = r < c.end ? dy[i] : 0.0f;
            cut[k] = y && r < c.end && !(y[i] > 0.0f);
        }
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            const unsigned r = row + (unsigned)k * blockDim.y;
            if (cut[k])
                masked[(size_t)r * (size_t)columns + (size_t)column] = value[k] = 0.0f;
            sum += (double)value[k];
        }
    }
    finish(sum, column, columns, parts, tickets, dbias);
}

/* Writes the gradients of all inputs of one window, of one channel. */
template <int Kernel>
__device__ static inline void spread(const cnn_gpu_windows &w, unsigned row, int channel, int where,
                                     float value, float *dx)
{
    const int kernel = Kernel > 0 ? Kernel : w.kernel;
    const unsigned column = row % (unsigned)w.out_w;
    const unsigned rest = row / (unsigned)w.out_w, line = rest % (unsigned)w.out_h;
    const size_t image = rest / (unsigned)w.out_h;
#pragma unroll
    for (int r = 0; r < kernel; r++)
#pragma unroll
        for (int k = 0; k < kernel; k++) {
            const int y = (int)line * w.stride - w.pad_top + r;
            const int x = (int)column * w.stride - w.pad_left + k;
            if (y >= 0 && y < w.h && x >= 0 && x < w.w)
                dx[((image * (size_t)w.h + (size_t)y) * (size_t)w.w + (size_t)x) * (size_t)w.c +
                   (size_t)channel] = where == r * kernel + k ? value : 0.0f;
        }
}

/* Rows are windows, columns channels. Kernel 0: the size is that of the windows. */
template <int Kernel>
static __global__ void unpool(unsigned rows, unsigned a_chunk, cnn_gpu_windows w,
                              const uint8_t *mask, const float *dy, float *__restrict__ dx,
                              double *parts, unsigned *tickets, float *dbias)
{
    cnn_wait_for_previous();
    const int channel = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const cnn_chunk c = cnn_chunk_of_block(rows, a_chunk);
    double sum = 0.0;
    for (unsigned row = c.first + threadIdx.y; channel < w.c && row < c.end; row += blockDim.y) {
        const size_t i = (size_t)row * (size_t)w.c + (size_t)channel;
        const int where = mask[i];
        const float value = dy[i];
        sum += where != CNN_GPU_NOWHERE ? (double)value : 0.0;
        spread<Kernel>(w, row, channel, where, value, dx);
    }
    finish(sum, channel, w.c, parts, tickets, dbias);
}

size_t cnn_gpu_column_sums(size_t rows, int columns)
{
    return (size_t)cnn_chunks_of(rows, columns) * (size_t)columns;
}

cudaError_t cnn_gpu_bias_gradient(cudaStream_t stream, size_t rows, int columns, const float *dy,
                                  cnn_gpu_sums sums, float *dbias)
{
    return cnn_launch(sum_rows, cnn_chunk_grid(rows, columns), cnn_chunk_block(columns), 0, stream,
                      (unsigned)rows, cnn_rows_a_chunk(rows, columns), columns, dy, nullptr,
                      nullptr, sums.parts, sums.tickets, dbias);
}

cudaError_t cnn_gpu_relu_bias_gradient(cudaStream_t stream, size_t rows, int columns,
                                       const float *y, float *dy, cnn_gpu_sums sums, float *dbias)
{
    return cnn_launch(sum_rows, cnn_chunk_grid(rows, columns), cnn_chunk_block(columns), 0, stream,
                      (unsigned)rows, cnn_rows_a_chunk(rows, columns), columns, dy, y, dy,
                      sums.parts, sums.tickets, dbias);
}

bool cnn_gpu_windows_tile(cnn_gpu_windows w)
{
    return w.stride == w.kernel && w.out_h * w.stride - w.pad_top >= w.h &&
           w.out_w * w.stride - w.pad_left >= w.w;
}

cudaError_t cnn_gpu_unpool_bias_gradient(cudaStream_t stream, int n, cnn_gpu_windows w,
                                         const uint8_t *mask, const float *dy, float *dx,
                                         cnn_gpu_sums sums, float *dbias)
{
    const size_t rows = (size_t)n * (size_t)w.out_h * (size_t)w.out_w;
    return cnn_launch(w.kernel == 2 ? unpool<2> : unpool<0>, cnn_chunk_grid(rows, w.c),
                      cnn_chunk_block(w.c), 0, stream, (unsigned)rows, cnn_rows_a_chunk(rows, w.c),
                      w, mask, dy, dx, sums.parts, sums.tickets, dbias);
}
