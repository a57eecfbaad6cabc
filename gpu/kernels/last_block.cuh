/* SPDX-License-Identifier: Apache-2.0 */
/** Reductions in one kernel: every block writes its part to memory, and the last one to finish
 *  adds the parts up. The order of the sum depends on shapes alone, so that the result does not
 *  depend on which block was last. */
#ifndef CNN_GPU_KERNELS_LAST_BLOCK_CUH
#define CNN_GPU_KERNELS_LAST_BLOCK_CUH

#include <cuda_runtime.h>

/** Whether this block is the last of `blocks` to get here; then it sees what all of them wrote
 *  before, if it reads with __ldcg. All threads of the block call it. *ticket is 0 before the
 *  kernel, and again after it. */
__device__ static inline bool cnn_is_last_block(unsigned *ticket, unsigned blocks)
{
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        __threadfence(); /* of one thread, for all that it has seen in its block */
        last = atomicAdd(ticket, 1u) == blocks - 1;
        if (last)
            *ticket = 0;
        __threadfence();
    }
    __syncthreads();
    return last;
}

__device__ static inline double cnn_plus(double a, double b)
{
    return a + b;
}

__device__ static inline double2 cnn_plus(double2 a, double2 b)
{
    return make_double2(a.x + b.x, a.y + b.y);
}

/** The sum of the threads of a column, which have one threadIdx.x; valid where threadIdx.y is 0.
 *  blockDim.y is a power of two. All threads of the block call it.
 *  shared  [blockDim.x * blockDim.y]; free again afterwards */
template <class T> __device__ inline T cnn_sum_of_column(T mine, T *shared)
{
    const unsigned columns = blockDim.x, at = threadIdx.y * columns + threadIdx.x;
    shared[at] = mine;
    __syncthreads();
    for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
        if (threadIdx.y < half)
            shared[at] = cnn_plus(shared[at], shared[at + half * columns]);
        __syncthreads();
    }
    mine = shared[threadIdx.x];
    __syncthreads();
    return mine;
}

/** The sum of the parts of a column that earlier blocks left in [count, columns]: the threads of
 *  the column take turns with them. As cnn_sum_of_column; column may lie outside. */
__device__ static inline double cnn_sum_of_parts(const float *parts, int count, int columns,
                                                 int column, double *shared)
{
    double mine = 0.0;
#pragma unroll 4
    for (int k = (int)threadIdx.y; k < count && column < columns; k += (int)blockDim.y)
        mine += (double)parts[(size_t)k * (size_t)columns + (size_t)column];
    return cnn_sum_of_column(mine, shared);
}

/** Sums over rows of a matrix: block (x, y) has tile x of the columns, blockDim.x wide, and chunk y
 *  of the rows, whose rows its threads y share; `sum` is the thread's own. True for the one thread
 *  of the grid that gets column's *total.
 *  parts    [gridDim.y][columns]
 *  tickets  [gridDim.x] */
template <class T>
__device__ inline bool cnn_sum_of_rows(T sum, int column, int columns, T *parts, unsigned *tickets,
                                       T *shared, T *total)
{
    const bool inside = column < columns, first = inside && threadIdx.y == 0;
    sum = cnn_sum_of_column(sum, shared);
    if (first)
        parts[(size_t)blockIdx.y * (size_t)columns + (size_t)column] = sum;
    if (!cnn_is_last_block(&tickets[blockIdx.x], gridDim.y))
        return false;
    T mine = {};
    for (unsigned chunk = threadIdx.y; inside && chunk < gridDim.y; chunk += blockDim.y)
        mine = cnn_plus(mine, __ldcg(&parts[(size_t)chunk * (size_t)columns + (size_t)column]));
    *total = cnn_sum_of_column(mine, shared);
    return first;
}

#endif
