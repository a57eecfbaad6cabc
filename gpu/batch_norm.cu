/* Batch normalisation over [outer, statistics, inner]. Sums are taken in double precision: single
 * precision loses what the variance of a nearly constant channel is made of. */
#include "gpu/gpu_kernels.h"
#include "gpu/last_block.cuh"
#include "gpu/launch.cuh"

#include "nn/train.h"

enum { TILE = 32, LANES = 8, MAX_CHUNKS = 512, ROWS_A_CHUNK = 32 };

typedef cnn_gpu_norm_shape norm_shape;

/* What is summed over a statistic's values, as x and y: x and x^2 forward, dy and dy xhat backward.
 */
typedef double2 moments;

/* Forward: dy NULL; mean and inverse are results, the running ones move. Backward: mean and inverse
 * are given, dgamma and dbeta are results. */
struct operands {
    const float *x, *dy, *y;
    float *mean, *inverse, *running_mean, *running_variance, *dgamma, *dbeta;
};

static int chunk_count(norm_shape s)
{
    const int chunks =
        (s.outer + (s.inner == 1 ? ROWS_A_CHUNK - 1 : 0)) / (s.inner == 1 ? ROWS_A_CHUNK : 1);
    return chunks < MAX_CHUNKS ? chunks : MAX_CHUNKS;
}

/* The terms that the value at i adds. */
__device__ static inline void add_terms(moments *sum, size_t i, const operands &o, float mean,
                                        float inverse)
{
    if (!o.dy) {
        const double value = (double)o.x[i];
        sum->x += value;
        sum->y += value * value;
        return;
    }
    const double slope = o.y && !(o.y[i] > 0.0f) ? 0.0 : (double)o.dy[i];
    sum->x += slope;
    sum->y += slope * (double)((o.x[i] - mean) * inverse);
}

/* What statistic k's sums over all values say. */
__device__ static inline void conclude(norm_shape s, int k, moments sum, const operands &o)
{
    if (o.dy) {
        o.dbeta[k] = (float)sum.x;
        o.dgamma[k] = (float)sum.y;
        return;
    }
    const double count = (double)s.outer * (double)s.inner;
    const double mean = sum.x / count;
    const double spread = sum.y / count - mean * mean;
    const double variance = spread < 0.0 ? 0.0 : spread; /* NaN stays */
    o.mean[k] = (float)mean;
    o.inverse[k] = (float)(1.0 / sqrt(variance + CNN_NORM_EPSILON));
    o.running_mean[k] =
        (float)(CNN_NORM_MOMENTUM * (double)o.running_mean[k] + (1.0 - CNN_NORM_MOMENTUM) * mean);
    o.running_variance[k] = (float)(CNN_NORM_MOMENTUM * (double)o.running_variance[k] +
                                    (1.0 - CNN_NORM_MOMENTUM) * variance);
}

/* inner 1. Block (x, y): statistics 32 x .. of chunk y of the rows. */
static __global__ void sum_channels(norm_shape s, operands o, moments *parts, unsigned *tickets)
{
    cnn_wait_for_previous();
    __shared__ moments shared[TILE * LANES];
    const int k = (int)(blockIdx.x * TILE + threadIdx.x);
    moments sum = {0.0, 0.0};
    if (k < s.statistics) {
        const float m = o.dy ? o.mean[k] : 0.0f, v = o.dy ? o.inverse[k] : 0.0f;
        for (int row = (int)(blockIdx.y * LANES + threadIdx.y); row < s.outer;
             row += (int)gridDim.y * LANES)
            add_terms(&sum, (size_t)row * (size_t)s.statistics + (size_t)k, o, m, v);
    }
    if (cnn_sum_of_rows(sum, k, s.statistics, parts, tickets, shared, &sum))
        conclude(s, k, sum, o);
}

/* inner > 1. Block (x, y): statistic x, chunk y of the outer ones; its threads lie along y. */
static __global__ void sum_rows(norm_shape s, operands o, moments *parts, unsigned *tickets)
{
    cnn_wait_for_previous();
    __shared__ moments shared[CNN_BLOCK];
    const int k = (int)blockIdx.x;
    const float m = o.dy ? o.mean[k] : 0.0f, v = o.dy ? o.inverse[k] : 0.0f;
    moments sum = {0.0, 0.0};
    for (int outer = (int)blockIdx.y; outer < s.outer; outer += (int)gridDim.y) {
        const size_t start = ((size_t)outer * (size_t)s.statistics + (size_t)k) * (size_t)s.inner;
        for (int i = (int)threadIdx.y; i < s.inner; i += CNN_BLOCK)
            add_terms(&sum, start + (size_t)i, o, m, v);
    }
    if (cnn_sum_of_rows(sum, k, s.statistics, parts, tickets, shared, &sum))
        conclude(s, k, sum, o);
}

__device__ static inline unsigned statistic_of(norm_shape s, size_t i)
{
    return (unsigned)i / (unsigned)s.inner % (unsigned)s.statistics;
}

/* variance: the fourth argument is a variance, else already 1 / sqrt(variance + epsilon). */
static __global__ void normalise(norm_shape s, size_t size, const float *x, const float *mean,
                                 const float *spread, bool is_variance, const float *gamma,
                                 const float *beta, bool relu, float *y)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const unsigned k = statistic_of(s, i);
        const float inverse =
            is_variance ? (float)(1.0 / sqrt((double)spread[k] + CNN_NORM_EPSILON)) : spread[k];
        const float value = gamma[k] * ((x[i] - mean[k]) * inverse) + beta[k];
        y[i] = relu && !(value > 0.0f) ? 0.0f : value;
    }
}

static __global__ void input_gradient(norm_shape s, size_t size, const float *x, const float *dy,
                                      const float *y, const float *gamma, const float *mean,
                                      const float *inverse, const float *dgamma, const float *dbeta,
                                      float *dx)
{
    cnn_wait_for_previous();
    const float share = (float)(1.0 / ((double)s.outer * (double)s.inner));
    CNN_EACH(i, size)
    {
        const unsigned k = statistic_of(s, i);
        const float slope = y && !(y[i] > 0.0f) ? 0.0f : dy[i];
        const float xhat = (x[i] - mean[k]) * inverse[k];
        dx[i] = gamma[k] * inverse[k] * (slope - share * (dbeta[k] + xhat * dgamma[k]));
    }
}

static size_t size_of(norm_shape s)
{
    return (size_t)s.outer * (size_t)s.statistics * (size_t)s.inner;
}

static cudaError_t add_up(cudaStream_t stream, norm_shape s, operands o, cnn_gpu_sums sums)
{
    moments *parts = reinterpret_cast<moments *>(sums.parts);
    const unsigned chunks = (unsigned)chunk_count(s), count = (unsigned)s.statistics;
    if (s.inner == 1)
        return cnn_launch(sum_channels, dim3((count + TILE - 1) / TILE, chunks), dim3(TILE, LANES),
                          0, stream, s, o, parts, sums.tickets);
    return cnn_launch(sum_rows, dim3(count, chunks), dim3(1, CNN_BLOCK), 0, stream, s, o, parts,
                      sums.tickets);
}

size_t cnn_gpu_norm_sums(norm_shape s)
{
    return 2 * (size_t)chunk_count(s) * (size_t)s.statistics;
}

size_t cnn_gpu_norm_tickets(norm_shape s)
{
    return (size_t)s.statistics;
}

cudaError_t cnn_gpu_norm_training(cudaStream_t stream, norm_shape s, const float *x,
                                  const float *gamma, const float *beta, float *running_mean,
                                  float *running_variance, cnn_gpu_sums sums, float *mean,
                                  float *inverse, bool relu, float *y)
{
    operands o = {};
    o.x = x;
    o.mean = mean;
    o.inverse = inverse;
    o.running_mean = running_mean;
    o.running_variance = running_variance;
    const cudaError_t error = add_up(stream, s, o, sums);
    if (error != cudaSuccess)
        return error;
    return cnn_launch(normalise, cnn_grid_for(size_of(s)), CNN_BLOCK, 0, stream, s, size_of(s), x,
                      mean, inverse, false, gamma, beta, relu, y);
}

cudaError_t cnn_gpu_norm_inference(cudaStream_t stream, norm_shape s, const float *x,
                                   const float *gamma, const float *beta, const float *running_mean,
                                   const float *running_variance, bool relu, float *y)
{
    return cnn_launch(normalise, cnn_grid_for(size_of(s)), CNN_BLOCK, 0, stream, s, size_of(s), x,
                      running_mean, running_variance, true, gamma, beta, relu, y);
}

cudaError_t cnn_gpu_norm_backward(cudaStream_t stream, norm_shape s, const float *x,
                                  const float *dy, const float *y, const float *gamma,
                                  const float *mean, const float *inverse, cnn_gpu_sums sums,
                                  float *dx, float *dgamma, float *dbeta)
{
    operands o = {};
    o.x = x;
    o.dy = dy;
    o.y = y;
    o.mean = const_cast<float *>(mean); /* only read */
    o.inverse = const_cast<float *>(inverse);
    o.dgamma = dgamma;
    o.dbeta = dbeta;
    const cudaError_t error = add_up(stream, s, o, sums);
    if (error != cudaSuccess || !dx)
        return error;
    return cnn_launch(input_gradient, cnn_grid_for(size_of(s)), CNN_BLOCK, 0, stream, s, size_of(s),
                      x, dy, y, gamma, mean, inverse, dgamma, dbeta, dx);
}
