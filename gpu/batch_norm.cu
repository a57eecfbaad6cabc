/* Batch normalisation over [outer, statistics, inner]. Sums are taken in double precision, first of
 * chunks, then of chunks' sums: single precision loses what the variance of a nearly constant
 * channel is made of. */
#include "gpu/gpu_kernels.h"
#include "gpu/launch.cuh"

#include "nn/train.h"

enum { TILE = 32, LANES = 8, MAX_CHUNKS = 128, ROWS_A_CHUNK = 128 };

typedef cnn_gpu_norm_shape norm_shape;

/* What is summed over a statistic's values: x and x^2 forward, dy and dy xhat backward. */
struct sums {
    double first, second;
};

static int chunk_count(norm_shape s)
{
    const int chunks =
        (s.outer + (s.inner == 1 ? ROWS_A_CHUNK - 1 : 0)) / (s.inner == 1 ? ROWS_A_CHUNK : 1);
    return chunks < MAX_CHUNKS ? chunks : MAX_CHUNKS;
}

/* The terms that the value at i adds. dy NULL: forward. */
__device__ static inline void add_terms(sums *s, size_t i, const float *x, const float *dy,
                                        const float *y, float mean, float inverse)
{
    if (!dy) {
        const double value = (double)x[i];
        s->first += value;
        s->second += value * value;
        return;
    }
    const double slope = y && !(y[i] > 0.0f) ? 0.0 : (double)dy[i];
    s->first += slope;
    s->second += slope * (double)((x[i] - mean) * inverse);
}

/* inner 1. Block (x, y): statistics 32 x .. of chunk y of the rows. */
static __global__ void sum_channels(norm_shape s, int chunks, const float *x, const float *dy,
                                    const float *y, const float *mean, const float *inverse,
                                    sums *out)
{
    __shared__ double first[LANES][TILE], second[LANES][TILE];
    const int k = (int)(blockIdx.x * TILE + threadIdx.x);
    sums sum = {0.0, 0.0};
    if (k < s.statistics) {
        const float m = dy ? mean[k] : 0.0f, v = dy ? inverse[k] : 0.0f;
        for (int row = (int)(blockIdx.y * LANES + threadIdx.y); row < s.outer;
             row += chunks * LANES)
            add_terms(&sum, (size_t)row * (size_t)s.statistics + (size_t)k, x, dy, y, m, v);
    }
    first[threadIdx.y][threadIdx.x] = sum.first;
    second[threadIdx.y][threadIdx.x] = sum.second;
    __syncthreads();
    if (threadIdx.y == 0 && k < s.statistics) {
        for (int lane = 1; lane < LANES; lane++) {
            sum.first += first[lane][threadIdx.x];
            sum.second += second[lane][threadIdx.x];
        }
        out[(size_t)blockIdx.y * (size_t)s.statistics + (size_t)k] = sum;
    }
}

/* inner > 1. Block (x, y): statistic x, chunk y of the outer ones. */
static __global__ void sum_rows(norm_shape s, int chunks, const float *x, const float *dy,
                                const float *y, const float *mean, const float *inverse, sums *out)
{
    __shared__ double first[CNN_BLOCK], second[CNN_BLOCK];
    const int k = (int)blockIdx.x;
    const float m = dy ? mean[k] : 0.0f, v = dy ? inverse[k] : 0.0f;
    sums sum = {0.0, 0.0};
    for (int outer = (int)blockIdx.y; outer < s.outer; outer += chunks) {
        const size_t start = ((size_t)outer * (size_t)s.statistics + (size_t)k) * (size_t)s.inner;
        for (int i = (int)threadIdx.x; i < s.inner; i += CNN_BLOCK)
            add_terms(&sum, start + (size_t)i, x, dy, y, m, v);
    }
    first[threadIdx.x] = sum.first;
    second[threadIdx.x] = sum.second;
    __syncthreads();
    for (unsigned half = CNN_BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            first[threadIdx.x] += first[threadIdx.x + half];
            second[threadIdx.x] += second[threadIdx.x + half];
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        sum.first = first[0];
        sum.second = second[0];
        out[(size_t)blockIdx.y * (size_t)s.statistics + (size_t)k] = sum;
    }
}

__device__ static inline sums add_chunks(norm_shape s, int chunks, size_t k, const sums *parts)
{
    sums sum = {0.0, 0.0};
    for (int chunk = 0; chunk < chunks; chunk++) {
        sum.first += parts[(size_t)chunk * (size_t)s.statistics + k].first;
        sum.second += parts[(size_t)chunk * (size_t)s.statistics + k].second;
    }
    return sum;
}

static __global__ void finish_training(norm_shape s, int chunks, const sums *parts,
                                       float *running_mean, float *running_variance, float *mean,
                                       float *inverse)
{
    CNN_EACH(k, (size_t)s.statistics)
    {
        const sums sum = add_chunks(s, chunks, k, parts);
        const double count = (double)s.outer * (double)s.inner;
        const double m = sum.first / count;
        const double spread = sum.second / count - m * m;
        const double variance = spread < 0.0 ? 0.0 : spread; /* NaN stays */
        mean[k] = (float)m;
        inverse[k] = (float)(1.0 / sqrt(variance + CNN_NORM_EPSILON));
        running_mean[k] =
            (float)(CNN_NORM_MOMENTUM * (double)running_mean[k] + (1.0 - CNN_NORM_MOMENTUM) * m);
        running_variance[k] = (float)(CNN_NORM_MOMENTUM * (double)running_variance[k] +
                                      (1.0 - CNN_NORM_MOMENTUM) * variance);
    }
}

static __global__ void finish_backward(norm_shape s, int chunks, const sums *parts, float *dgamma,
                                       float *dbeta)
{
    CNN_EACH(k, (size_t)s.statistics)
    {
        const sums sum = add_chunks(s, chunks, k, parts);
        dbeta[k] = (float)sum.first;
        dgamma[k] = (float)sum.second;
    }
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

static cudaError_t add_up(cudaStream_t stream, norm_shape s, const float *x, const float *dy,
                          const float *y, const float *mean, const float *inverse, sums *parts)
{
    const int chunks = chunk_count(s);
    if (s.inner == 1)
        return cnn_launch(sum_channels,
                          dim3((unsigned)((s.statistics + TILE - 1) / TILE), (unsigned)chunks),
                          dim3(TILE, LANES), 0, stream, s, chunks, x, dy, y, mean, inverse, parts);
    return cnn_launch(sum_rows, dim3((unsigned)s.statistics, (unsigned)chunks), CNN_BLOCK, 0,
                      stream, s, chunks, x, dy, y, mean, inverse, parts);
}

size_t cnn_gpu_norm_scratch(norm_shape s)
{
    return 2 * (size_t)chunk_count(s) * (size_t)s.statistics;
}

cudaError_t cnn_gpu_norm_training(cudaStream_t stream, norm_shape s, const float *x,
                                  const float *gamma, const float *beta, float *running_mean,
                                  float *running_variance, double *scratch, float *mean,
                                  float *inverse, bool relu, float *y)
{
    sums *parts = reinterpret_cast<sums *>(scratch);
    cudaError_t error = add_up(stream, s, x, nullptr, nullptr, nullptr, nullptr, parts);
    if (error == cudaSuccess)
        error =
            cnn_launch(finish_training, cnn_grid_for((size_t)s.statistics), CNN_BLOCK, 0, stream, s,
                       chunk_count(s), parts, running_mean, running_variance, mean, inverse);
    if (error == cudaSuccess)
        error = cnn_launch(normalise, cnn_grid_for(size_of(s)), CNN_BLOCK, 0, stream, s, size_of(s),
                           x, mean, inverse, false, gamma, beta, relu, y);
    return error;
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
                                  const float *mean, const float *inverse, double *scratch,
                                  float *dx, float *dgamma, float *dbeta)
{
    sums *parts = reinterpret_cast<sums *>(scratch);
    cudaError_t error = add_up(stream, s, x, dy, y, mean, inverse, parts);
    if (error == cudaSuccess)
        error = cnn_launch(finish_backward, cnn_grid_for((size_t)s.statistics), CNN_BLOCK, 0,
                           stream, s, chunk_count(s), parts, dgamma, dbeta);
    if (error == cudaSuccess && dx)
        error = cnn_launch(input_gradient, cnn_grid_for(size_of(s)), CNN_BLOCK, 0, stream, s,
                           size_of(s), x, dy, y, gamma, mean, inverse, dgamma, dbeta, dx);
    return error;
}
