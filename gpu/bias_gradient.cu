/* Gradients of biases: sums over rows, first of chunks of rows, then of chunks. */
#include "gpu/gpu_kernels.h"
#include "gpu/launch.cuh"

enum { TILE = 32, LANES = 8, MAX_CHUNKS = 1024 };

static size_t rows_a_chunk(size_t rows)
{
    const size_t usual = 256, least = (rows + MAX_CHUNKS - 1) / MAX_CHUNKS;
    return least > usual ? least : usual;
}

static size_t chunks_of(size_t rows)
{
    const size_t a_chunk = rows_a_chunk(rows);
    return (rows + a_chunk - 1) / a_chunk;
}

/* y not NULL: masked is dy, and is set to zero where y is not above it. Block (x, y): columns 32 x
 * .. of chunk y; a thread adds every eighth row. */
static __global__ void sum_chunks(size_t rows, size_t a_chunk, int columns, const float *dy,
                                  const uint8_t *mask, const float *y, float *masked, double *sums)
{
    __shared__ double part[LANES][TILE];
    const int column = (int)(blockIdx.x * TILE + threadIdx.x);
    const size_t first = blockIdx.y * a_chunk;
    const size_t last = first + a_chunk < rows ? first + a_chunk : rows;
    double sum = 0.0;
    for (size_t row = first + threadIdx.y; column < columns && row < last; row += LANES) {
        const size_t i = row * (size_t)columns + (size_t)column;
        float value = dy[i];
        if (y && !(y[i] > 0.0f))
            masked[i] = value = 0.0f;
        if (!mask || mask[i] != CNN_GPU_NOWHERE)
            sum += (double)value;
    }
    part[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && column < columns) {
        for (int lane = 1; lane < LANES; lane++)
            sum += part[lane][threadIdx.x];
        sums[blockIdx.y * (size_t)columns + (size_t)column] = sum;
    }
}

static __global__ void sum_columns(size_t chunks, int columns, const double *sums, float *dbias)
{
    CNN_EACH(column, (size_t)columns)
    {
        double sum = 0.0;
        for (size_t chunk = 0; chunk < chunks; chunk++)
            sum += sums[chunk * (size_t)columns + column];
        dbias[column] = (float)sum;
    }
}

size_t cnn_gpu_bias_gradient_scratch(size_t rows, int columns)
{
    return chunks_of(rows) * (size_t)columns;
}

static cudaError_t add_up(cudaStream_t stream, size_t rows, int columns, const float *dy,
                          const uint8_t *mask, const float *y, float *masked, double *scratch,
                          float *dbias)
{
    const size_t chunks = chunks_of(rows);
    const dim3 grid((unsigned)((columns + TILE - 1) / TILE), (unsigned)chunks);
    const cudaError_t error = cnn_launch(sum_chunks, grid, dim3(TILE, LANES), 0, stream, rows,
                                         rows_a_chunk(rows), columns, dy, mask, y, masked, scratch);
    if (error != cudaSuccess)
        return error;
    return cnn_launch(sum_columns, cnn_grid_for((size_t)columns), CNN_BLOCK, 0, stream, chunks,
                      columns, scratch, dbias);
}

cudaError_t cnn_gpu_bias_gradient(cudaStream_t stream, size_t rows, int columns, const float *dy,
                                  const uint8_t *mask, double *scratch, float *dbias)
{
    return add_up(stream, rows, columns, dy, mask, nullptr, nullptr, scratch, dbias);
}

cudaError_t cnn_gpu_relu_bias_gradient(cudaStream_t stream, size_t rows, int columns,
                                       const float *y, float *dy, double *scratch, float *dbias)
{
    return add_up(stream, rows, columns, dy, nullptr, y, dy, scratch, dbias);
}
