/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation over [outer, statistics, inner], backward: from the gradients of its
 * results or of the pool behind it, to the gradients of its inputs or, through the ReLU before
 * them, to that of the bias there. */
#include "gpu/kernels/norm_sums.cuh"
#include "gpu/kernels/row_chunks.cuh"

typedef cnn_gpu_norm_shape norm_shape;

/* Gradient of the result at i: y is NULL, or a ReLU's result, by which dy is masked. */
struct plain_gradient {
    const float *dy, *y;

    __device__ inline float at(unsigned i) const
    {
        return y && !(y[i] > 0.0f) ? 0.0f : dy[i];
    }
};

/* The same behind a pool whose windows tile the results: dy where the maximum was, else 0. */
struct pooled_gradient {
    const float *dy;
    const uint8_t *mask;
    cnn_gpu_windows w;

    __device__ inline float at(unsigned i) const
    {
        const unsigned channel = i % (unsigned)w.c, pixel = i / (unsigned)w.c;
        const unsigned rest = pixel / (unsigned)w.w, image = rest / (unsigned)w.h;
        const unsigned x = pixel % (unsigned)w.w + (unsigned)w.pad_left;
        const unsigned y = rest % (unsigned)w.h + (unsigned)w.pad_top;
        const unsigned kernel = (unsigned)w.kernel, line = y / kernel, column = x / kernel;
        const size_t j =
            (((size_t)image * (size_t)w.out_h + line) * (size_t)w.out_w + column) * (size_t)w.c +
            channel;
        return mask[j] == (y - line * kernel) * kernel + x - column * kernel ? dy[j] : 0.0f;
    }
};

/* dy and dy xhat: the gradients of beta and gamma. */
template <class Gradient> struct gradient_terms {
    Gradient gradient;
    const float *x, *mean, *inverse;
    float *dgamma, *dbeta;
    float m, v; /* of the thread's statistic */

    __device__ inline void begin(int k)
    {
        m = mean[k];
        v = inverse[k];
    }

    __device__ inline void add(double2 *sum, unsigned i) const
    {
        const double value = (double)gradient.at(i);
        sum->x += value;
        sum->y += value * (double)((x[i] - m) * v);
    }

    __device__ inline void conclude(norm_shape s, int k, double2 sum) const
    {
        (void)s;
        dbeta[k] = (float)sum.x;
        dgamma[k] = (float)sum.y;
    }
};

/* Seen as [rows, columns], columns being channels. */
struct inputs {
    const float *x, *gamma, *mean, *inverse, *dgamma, *dbeta;
    unsigned rows, rows_a_chunk, columns;
    bool by_channel;
    bool relu;    /* x is a ReLU's result, which masks its gradient */
    float *dbias; /* NULL, or its sums over rows */
};

/* The gradient of the input at (row, column). */
template <class Gradient>
__device__ static inline float input_gradient(norm_shape s, const inputs &in,
                                              const Gradient &gradient, unsigned row,
                                              unsigned column, float share)
{
    const unsigned i = row * in.columns + column;
    const unsigned k =
        in.by_channel ? column : row / ((unsigned)s.inner / in.columns) % (unsigned)s.statistics;
    const float x = in.x[i], xhat = (x - in.mean[k]) * in.inverse[k];
    const float result = in.gamma[k] * in.inverse[k] *
                         (gradient.at(i) - share * (in.dbeta[k] + xhat * in.dgamma[k]));
    return in.relu && !(x > 0.0f) ? 0.0f : result;
}

template <class Gradient>
static __global__ void input_gradients(norm_shape s, inputs in, Gradient gradient,
                                       float *__restrict__ dx, double *parts, unsigned *tickets)
{
    cnn_wait_for_previous();
    __shared__ double shared[CNN_BLOCK];
    const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
    const float share = (float)(1.0 / ((double)s.outer * (double)s.inner));
    const cnn_chunk c = cnn_chunk_of_block(in.rows, in.rows_a_chunk);
    double sum = 0.0;
#pragma unroll 4
    for (unsigned row = c.first + threadIdx.y; column < in.columns && row < c.end;
         row += blockDim.y) {
        const float value = input_gradient(s, in, gradient, row, column, share);
        dx[(size_t)row * in.columns + column] = value;
        sum += (double)value;
    }
    if (in.dbias &&
        cnn_sum_of_rows(sum, (int)column, (int)in.columns, parts, tickets, shared, &sum))
        in.dbias[column] = (float)sum;
}

template <class Gradient>
static cudaError_t backward(cudaStream_t stream, norm_shape s, int channels, Gradient gradient,
                            cnn_gpu_norm_backward_operands o)
{
    const gradient_terms<Gradient> terms = {gradient, o.x,     o.mean, o.inverse,
                                            o.dgamma, o.dbeta, 0.0f,   0.0f};
    const cudaError_t error = cnn_norm_sum(stream, s, terms, o.sums);
    if (error != cudaSuccess || !o.dx)
        return error;
    const size_t rows = (size_t)s.outer * (size_t)s.statistics * (size_t)s.inner / (size_t)channels;
    const inputs in = {o.x,
                       o.gamma,
                       o.mean,
                       o.inverse,
                       o.dgamma,
                       o.dbeta,
                       (unsigned)rows,
                       cnn_rows_a_chunk(rows, channels),
                       (unsigned)channels,
                       cnn_gpu_norm_is_by_channel(s, channels),
                       o.relu_before,
                       o.dbias_before};
    return cnn_launch(input_gradients<Gradient>, cnn_chunk_grid(rows, channels),
                      cnn_chunk_block(channels), 0, stream, s, in, gradient, o.dx,
                      o.sums_before.parts, o.sums_before.tickets);
}

cudaError_t cnn_gpu_norm_backward(cudaStream_t stream, norm_shape s, int channels, const float *dy,
                                  const float *y, cnn_gpu_norm_backward_operands o)
{
    const plain_gradient gradient = {dy, y};
    return backward(stream, s, channels, gradient, o);
}

cudaError_t cnn_gpu_norm_pool_backward(cudaStream_t stream, norm_shape s, cnn_gpu_windows w,
                                       const float *dy, const uint8_t *mask,
                                       cnn_gpu_norm_backward_operands o)
{
    const pooled_gradient gradient = {dy, mask, w};
    return backward(stream, s, w.c, gradient, o);
}
