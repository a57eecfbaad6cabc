/* Gradients of biases: sums over rows, a block for a tile of columns and a chunk of rows. */
#include "gpu/gpu_kernels.h"
#include "gpu/last_block.cuh"
#include "gpu/launch.cuh"

enum { MAX_CHUNKS = 1024 };

static size_t rows_a_chunk(size_t rows)
{
    const size_t usual = 128, least = (rows + MAX_CHUNKS - 1) / MAX_CHUNKS;
    return least > usual ? least : usual;
}

static size_t chunks_of(size_t rows)
{
    const size_t a_chunk = rows_a_chunk(rows);
    return (rows + a_chunk - 1) / a_chunk;
}

/* A block: as many columns as a warp has lanes, or half as many where there are no more. */
static dim3 block_for(int columns)
{
    return columns <= CNN_WARP / 2 ? dim3(CNN_WARP / 2, 2 * CNN_BLOCK / CNN_WARP)
                                   : dim3(CNN_WARP, CNN_BLOCK / CNN_WARP);
}

static dim3 grid_for(size_t rows, int columns)
{
    const unsigned tile = block_for(columns).x;
    return dim3(((unsigned)columns + tile - 1) / tile, (unsigned)chunks_of(rows));
}

/* Adds the threads' sums of a column up, leaves the chunk's, and lets the last block finish. */
__device__ static inline void finish(double sum, int columns, double *sums, unsigned *tickets,
                                     float *dbias)
{
    __shared__ double part[CNN_BLOCK];
    const int column = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const bool first = threadIdx.y == 0 && column < columns;
    part[threadIdx.y * blockDim.x + threadIdx.x] = sum;
    __syncthreads();
    if (first) {
        for (unsigned lane = 1; lane < blockDim.y; lane++)
            sum += part[lane * blockDim.x + threadIdx.x];
        sums[blockIdx.y * (size_t)columns + (size_t)column] = sum;
    }
    if (!cnn_is_last_block(&tickets[blockIdx.x], gridDim.y) || !first)
        return;
    const volatile double *all = sums;
    double total = 0.0;
    for (unsigned chunk = 0; chunk < gridDim.y; chunk++)
        total += all[chunk * (size_t)columns + (size_t)column];
    dbias[column] = (float)total;
}

/* y not NULL: masked is dy, and is set to zero where y is not above it. */
static __global__ void sum_rows(size_t rows, size_t a_chunk, int columns, const float *dy,
                                const float *y, float *masked, double *sums, unsigned *tickets,
                                float *dbias)
{
    const int column = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const size_t first = blockIdx.y * a_chunk;
    const size_t last = first + a_chunk < rows ? first + a_chunk : rows;
    double sum = 0.0;
    for (size_t row = first + threadIdx.y; column < columns && row < last; row += blockDim.y) {
        const size_t i = row * (size_t)columns + (size_t)column;
        float value = dy[i];
        if (y && !(y[i] > 0.0f))
            masked[i] = value = 0.0f;
        sum += (double)value;
    }
    finish(sum, columns, sums, tickets, dbias);
}

/* Rows are windows, columns channels: each window writes all its inputs' gradients. */
static __global__ void unpool(size_t rows, size_t a_chunk, cnn_gpu_windows w, const uint8_t *mask,
                              const float *dy, float *dx, double *sums, unsigned *tickets,
                              float *dbias)
{
    const int channel = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const size_t first = blockIdx.y * a_chunk;
    const size_t last = first + a_chunk < rows ? first + a_chunk : rows;
    double sum = 0.0;
    for (size_t row = first + threadIdx.y; channel < w.c && row < last; row += blockDim.y) {
        const size_t i = row * (size_t)w.c + (size_t)channel;
        const int where = mask[i];
        const float value = dy[i];
        const int column = (int)(row % (size_t)w.out_w);
        const int line = (int)(row / (size_t)w.out_w % (size_t)w.out_h);
        const size_t image = row / (size_t)w.out_w / (size_t)w.out_h;
        sum += where != CNN_GPU_NOWHERE ? (double)value : 0.0;
        for (int r = 0; r < w.kernel; r++)
            for (int k = 0; k < w.kernel; k++) {
                const int y = line * w.stride - w.pad_top + r;
                const int x = column * w.stride - w.pad_left + k;
                if (y >= 0 && y < w.h && x >= 0 && x < w.w)
                    dx[((image * (size_t)w.h + (size_t)y) * (size_t)w.w + (size_t)x) * (size_t)w.c +
                       (size_t)channel] = where == r * w.kernel + k ? value : 0.0f;
            }
    }
    finish(sum, w.c, sums, tickets, dbias);
}

size_t cnn_gpu_column_sums(size_t rows, int columns)
{
    return chunks_of(rows) * (size_t)columns;
}

cudaError_t cnn_gpu_bias_gradient(cudaStream_t stream, size_t rows, int columns, const float *dy,
                                  cnn_gpu_sums sums, float *dbias)
{
    return cnn_launch(sum_rows, grid_for(rows, columns), block_for(columns), 0, stream, rows,
                      rows_a_chunk(rows), columns, dy, nullptr, nullptr, sums.parts, sums.tickets,
                      dbias);
}

cudaError_t cnn_gpu_relu_bias_gradient(cudaStream_t stream, size_t rows, int columns,
                                       const float *y, float *dy, cnn_gpu_sums sums, float *dbias)
{
    return cnn_launch(sum_rows, grid_for(rows, columns), block_for(columns), 0, stream, rows,
                      rows_a_chunk(rows), columns, dy, y, dy, sums.parts, sums.tickets, dbias);
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
    return cnn_launch(unpool, grid_for(rows, w.c), block_for(w.c), 0, stream, rows,
                      rows_a_chunk(rows), w, mask, dy, dx, sums.parts, sums.tickets, dbias);
}
