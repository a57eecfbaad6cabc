/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation over [outer, statistics, inner], forward: statistics, normalised values, and
 * a maximum pool behind them. */
#include "gpu/kernels/maximum.cuh"
#include "gpu/kernels/norm_sums.cuh"

#include "nn/train.h"

typedef cnn_gpu_norm_shape norm_shape;

/* x and x^2; the batch's mean and deviation, by which the running ones move. */
struct batch_terms {
    const float *x;
    float *mean, *inverse, *running_mean, *running_variance;

    __device__ inline void begin(int k)
    {
        (void)k;
    }

    __device__ inline void add(double2 *sum, unsigned i) const
    {
        const double value = (double)x[i];
        sum->x += value;
        sum->y += value * value;
    }

    __device__ inline void conclude(norm_shape s, int k, double2 sum) const
    {
        const double count = (double)s.outer * (double)s.inner, m = sum.x / count;
        const double spread = sum.y / count - m * m;
        const double variance = spread < 0.0 ? 0.0 : spread; /* NaN stays */
        mean[k] = (float)m;
        inverse[k] = (float)(1.0 / sqrt(variance + CNN_NORM_EPSILON));
        running_mean[k] =
            (float)(CNN_NORM_MOMENTUM * (double)running_mean[k] + (1.0 - CNN_NORM_MOMENTUM) * m);
        running_variance[k] = (float)(CNN_NORM_MOMENTUM * (double)running_variance[k] +
                                      (1.0 - CNN_NORM_MOMENTUM) * variance);
    }
};

__device__ static inline float scaled(const cnn_gpu_norm_scale &by, float x, unsigned k)
{
    const float spread = by.is_variance
                             ? (float)(1.0 / sqrt((double)by.spread[k] + CNN_NORM_EPSILON))
                             : by.spread[k];
    return by.gamma[k] * ((x - by.mean[k]) * spread) + by.beta[k];
}

static __global__ void normalise(norm_shape s, size_t size, cnn_gpu_norm_scale by, const float *x,
                                 bool relu, float *__restrict__ y)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const unsigned k = (unsigned)i / (unsigned)s.inner % (unsigned)s.statistics;
        const float value = scaled(by, x[i], k);
        y[i] = relu && !(value > 0.0f) ? 0.0f : value;
    }
}

/* A thread for each result. */
static __global__ void normalise_pool(bool rows, size_t size, cnn_gpu_windows w,
                                      cnn_gpu_norm_scale by, const float *x, bool relu,
                                      float *__restrict__ y, uint8_t *__restrict__ mask)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const unsigned channel = (unsigned)i % (unsigned)w.c, pixel = (unsigned)i / (unsigned)w.c;
        const unsigned rest = pixel / (unsigned)w.out_w;
        const int left = (int)(pixel % (unsigned)w.out_w) * w.stride - w.pad_left;
        const int top = (int)(rest % (unsigned)w.out_h) * w.stride - w.pad_top;
        const size_t image = rest / (unsigned)w.out_h;
        cnn_maximum best;
        for (int r = 0; r < w.kernel; r++)
            for (int k = 0; k < w.kernel; k++) {
                const int line = top + r, column = left + k;
                if (line < 0 || line >= w.h || column < 0 || column >= w.w)
                    continue;
                const size_t at =
                    ((image * (size_t)w.h + (size_t)line) * (size_t)w.w + (size_t)column) *
                        (size_t)w.c +
                    channel;
                best.see(scaled(by, x[at], rows ? (unsigned)line : channel), r * w.kernel + k);
            }
        best.leave(relu, &y[i], mask ? &mask[i] : nullptr);
    }
}

size_t cnn_gpu_norm_sums(norm_shape s)
{
    return 2 * (size_t)cnn_norm_chunks(s) * (size_t)s.statistics;
}

size_t cnn_gpu_norm_tickets(norm_shape s)
{
    return (size_t)s.statistics;
}

cudaError_t cnn_gpu_norm_statistics(cudaStream_t stream, norm_shape s, const float *x,
                                    float *running_mean, float *running_variance, cnn_gpu_sums sums,
                                    float *mean, float *inverse)
{
    const batch_terms terms = {x, mean, inverse, running_mean, running_variance};
    return cnn_norm_sum(stream, s, terms, sums);
}

cudaError_t cnn_gpu_normalise(cudaStream_t stream, norm_shape s, cnn_gpu_norm_scale by,
                              const float *x, bool relu, float *y)
{
    const size_t size = (size_t)s.outer * (size_t)s.statistics * (size_t)s.inner;
    return cnn_launch(normalise, cnn_grid_for(size), CNN_BLOCK, 0, stream, s, size, by, x, relu, y);
}

cudaError_t cnn_gpu_normalise_pool(cudaStream_t stream, int n, norm_shape s, cnn_gpu_windows w,
                                   cnn_gpu_norm_scale by, const float *x, bool relu, float *y,
                                   uint8_t *mask)
{
    const size_t size = (size_t)n * (size_t)w.out_h * (size_t)w.out_w * (size_t)w.c;
    return cnn_launch(normalise_pool, cnn_grid_for(size), CNN_BLOCK, 0, stream,
                      !cnn_gpu_norm_is_by_channel(s, w.c), size, w, by, x, relu, y, mask);
}
