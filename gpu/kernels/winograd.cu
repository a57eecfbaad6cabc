/* SPDX-License-Identifier: Apache-2.0 */
/* The transforms of Winograd's convolutions with 5x5 filters: F(4x4, 5x5) and, for the gradient of
 * the weights, F(5x5, 4x4), on tiles of 8x8 values that overlap by 4. A thread has a tile of one
 * channel, or a filter's taps, in registers; lanes lie along channels. Between the transforms are
 * 64 products of matrices, which are cuBLAS's (gpu/convolution/winograd.c). */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/maximum.cuh"
#include "gpu/kernels/winograd_transforms.cuh"

#include <limits.h>

enum {
    RESULTS = cnn_winograd_results::OUT, /* of a tile, a side */
    TAPS = cnn_winograd_taps::IN,
    TILE = cnn_winograd_inputs::IN,
    REACH = TAPS / 2,
    THREADS = 128, /* of a block */
    BLOCKS = 4,    /* resident on a multiprocessor: 128 registers for a thread */
    LEAST_CHANNELS = 16,
};

typedef cnn_gpu_tiles tiling;

/* ---- one tile ------------------------------------------------------------------------------ */

/* T in T', in being IN x IN values. take(j, column) gives a column of them, give(i, row) gets a row
 * of the result. */
template <class T, class Take, class Give>
__device__ static inline void transform(Take take, Give give)
{
    float half[T::OUT][T::IN];
#pragma unroll
    for (int j = 0; j < T::IN; j++) {
        float column[T::IN], result[T::OUT];
        take(j, column);
        T::apply(column, result);
#pragma unroll
        for (int i = 0; i < T::OUT; i++)
            half[i][j] = result[i];
    }
#pragma unroll
    for (int i = 0; i < T::OUT; i++) {
        float row[T::OUT];
        T::apply(half[i], row);
        give(i, row);
    }
}

/* Takes columns of, or gives rows to, matrices that lie `size` values apart. */
struct to_matrices {
    float *first;
    size_t size;
    __device__ inline void operator()(int i, const float (&row)[TILE]) const
    {
        float *at = first + (size_t)(i * TILE) * size;
#pragma unroll
        for (int j = 0; j < TILE; j++, at += size)
            *at = row[j];
    }
};
struct from_matrices {
    const float *first;
    size_t size;
    __device__ inline void operator()(int j, float (&column)[TILE]) const
    {
        const float *at = first + (size_t)j * size;
#pragma unroll
        for (int i = 0; i < TILE; i++, at += TILE * size)
            column[i] = *at;
    }
};

/* ---- tiles of images ----------------------------------------------------------------------- */

/* Position of the results of a thread's tile. */
typedef struct {
    int channel, image, top, left;
} place;

__device__ static inline place place_of(const tiling &t, int c, unsigned i)
{
    const unsigned tile = i / (unsigned)c, line = tile / (unsigned)t.columns;
    place p;
    p.channel = (int)(i % (unsigned)c);
    p.image = (int)(line / (unsigned)t.rows);
    p.top = (int)(line % (unsigned)t.rows) * RESULTS;
    p.left = (int)(tile % (unsigned)t.columns) * RESULTS;
    return p;
}

/* Tiles that pad the last part are outside every image. */
__device__ static inline bool is_inside(const tiling &t, const place &p, int row, int column)
{
    return p.image < t.n && (unsigned)row < (unsigned)t.h && (unsigned)column < (unsigned)t.w;
}

/* Of a row and a column, which may be outside. */
__device__ static inline long long index_of(const tiling &t, int c, const place &p, int row,
                                            int column)
{
    return (((long long)p.image * t.h + row) * t.w + column) * c + p.channel;
}

/* Values of an image from `before` rows and columns before the tile's results on. */
template <class T>
__device__ static inline void transform_images(const tiling &t, int c, int before,
                                               const float *images, float *matrices, unsigned i)
{
    const place p = place_of(t, c, i);
    const int top = p.top - before, left = p.left - before;
    const long long line = (long long)t.w * c;
    const float *corner = images + index_of(t, c, p, top, left); /* may be outside */
    transform<T>(
        [&](int j, float(&column)[T::IN]) {
            const float *at = corner + (long long)j * c;
#pragma unroll
            for (int k = 0; k < T::IN; k++, at += line)
                column[k] = is_inside(t, p, top + k, left + j) ? *at : 0.0f;
        },
        to_matrices{matrices + i, (size_t)t.count * (size_t)c});
}

/* ---- filters ------------------------------------------------------------------------------- */

/* The taps of filter i / c for channel i % c; turned: by half a turn, for the gradient of data. */
__device__ static inline void transform_filter(unsigned size, int c, bool turned,
                                               const float *weights, float *matrices, unsigned i)
{
    const float *first =
        weights + (size_t)(i / (unsigned)c) * (size_t)(TAPS * TAPS * c) + i % (unsigned)c;
    const float *corner = turned ? first + (TAPS * TAPS - 1) * c : first;
    const int step = turned ? -c : c;
    transform<cnn_winograd_taps>(
        [&](int j, float(&column)[TAPS]) {
#pragma unroll
            for (int k = 0; k < TAPS; k++)
                column[k] = corner[(k * TAPS + j) * step];
        },
        to_matrices{matrices + i, size});
}

/* ---- kernels ------------------------------------------------------------------------------- */

/* A tensor of c channels, and its transform [TILE * TILE, size]. */
typedef struct {
    int c;
    const float *from;
    float *to;
    unsigned size;
} operand;

static unsigned blocks_for(unsigned size)
{
    return (size + THREADS - 1) / THREADS;
}

/* The first blocks transform the filters, the others the data. */
static __global__
__launch_bounds__(THREADS, BLOCKS) void transform_data_and_filters(tiling t, operand data,
                                                                   operand filters, bool turned)
{
    cnn_wait_for_previous();
    const unsigned filter_blocks = (filters.size + THREADS - 1) / THREADS;
    if (blockIdx.x < filter_blocks) {
        const unsigned i = blockIdx.x * THREADS + threadIdx.x;
        if (i < filters.size)
            transform_filter(filters.size, filters.c, turned, filters.from, filters.to, i);
    } else {
        const unsigned i = (blockIdx.x - filter_blocks) * THREADS + threadIdx.x;
        if (i < data.size)
            transform_images<cnn_winograd_inputs>(t, data.c, REACH, data.from, data.to, i);
    }
}

static __global__
__launch_bounds__(THREADS, BLOCKS) void transform_data_and_gradients(tiling t, operand data,
                                                                     operand gradients)
{
    cnn_wait_for_previous();
    const unsigned data_blocks = (data.size + THREADS - 1) / THREADS;
    if (blockIdx.x < data_blocks) {
        const unsigned i = blockIdx.x * THREADS + threadIdx.x;
        if (i < data.size)
            transform_images<cnn_winograd_inputs>(t, data.c, REACH, data.from, data.to, i);
    } else {
        const unsigned i = (blockIdx.x - data_blocks) * THREADS + threadIdx.x;
        if (i < gradients.size)
            transform_images<cnn_winograd_gradients>(t, gradients.c, 0, gradients.from,
                                                     gradients.to, i);
    }
}

/* bias NULL: none, and no ReLU. */
static __global__ __launch_bounds__(THREADS, BLOCKS) void transform_results(tiling t, int c,
                                                                            const float *matrices,
                                                                            const float *bias,
                                                                            float *y)
{
    cnn_wait_for_previous();
    const unsigned i = blockIdx.x * THREADS + threadIdx.x;
    const unsigned size = (unsigned)(t.count * c);
    if (i >= size)
        return;
    const place p = place_of(t, c, i);
    const float shift = bias ? bias[p.channel] : 0.0f;
    const long long line = (long long)t.w * c;
    float *corner = y + index_of(t, c, p, p.top, p.left);
    transform<cnn_winograd_results>(from_matrices{matrices + i, size},
                                    [&](int k, const float(&row)[RESULTS]) {
                                        float *at = corner + k * line;
#pragma unroll
                                        for (int j = 0; j < RESULTS; j++, at += c) {
                                            const float v = row[j] + shift;
                                            if (is_inside(t, p, p.top + k, p.left + j))
                                                *at = bias && !(v > 0.0f) ? 0.0f : v;
                                        }
                                    });
}

/* Windows of 2x2 results, of which a tile has whole ones. */
static __global__ __launch_bounds__(THREADS, BLOCKS) void transform_and_pool(
    tiling t, int c, const float *matrices, const float *bias, bool relu, float *y, uint8_t *mask)
{
    enum { WINDOW = 2, WINDOWS = RESULTS / WINDOW };
    cnn_wait_for_previous();
    const unsigned i = blockIdx.x * THREADS + threadIdx.x;
    const unsigned size = (unsigned)(t.count * c);
    if (i >= size)
        return;
    const place p = place_of(t, c, i);
    const float shift = bias[p.channel];
    const tiling windows = {t.n, (t.h + 1) / WINDOW, (t.w + 1) / WINDOW, 0, 0, 0};
    cnn_maximum best[WINDOWS];
    transform<cnn_winograd_results>(
        from_matrices{matrices + i, size}, [&](int k, const float(&row)[RESULTS]) {
#pragma unroll
            for (int j = 0; j < RESULTS; j++)
                if (is_inside(t, p, p.top + k, p.left + j))
                    best[j / WINDOW].see(row[j] + shift, k % WINDOW * WINDOW + j % WINDOW);
            if (k % WINDOW == 0)
                return;
#pragma unroll
            for (int j = 0; j < WINDOWS; j++) {
                const int line = (p.top + k) / WINDOW, column = p.left / WINDOW + j;
                const long long at = index_of(windows, c, p, line, column);
                if (is_inside(windows, p, line, column))
                    best[j].leave(relu, y + at, mask ? mask + at : nullptr);
                best[j] = cnn_maximum();
            }
        });
}

/* matrices [TILE * TILE, parts, size], size values being [filters, c]. A block has a warp of
 * values, and a thread for each of their columns, then of their rows: there are few values, each a
 * sum of many parts. */
static __global__ __launch_bounds__(CNN_WARP *TILE) void transform_gradient(unsigned size, int c,
                                                                            int parts,
                                                                            const float *matrices,
                                                                            float *dweights)
{
    cnn_wait_for_previous();
    __shared__ float half[TAPS][TILE][CNN_WARP];
    const unsigned lane = threadIdx.x, line = threadIdx.y, i = blockIdx.x * CNN_WARP + lane;
    if (i < size) {
        float column[TILE], result[TAPS];
        const from_matrices first = {matrices + i, (size_t)parts * size};
        first((int)line, column);
#pragma unroll 4
        for (int part = 1; part < parts; part++) {
            const from_matrices next = {first.first + (size_t)part * size, first.size};
            float more[TILE];
            next((int)line, more);
#pragma unroll
            for (int k = 0; k < TILE; k++)
                column[k] += more[k];
        }
        cnn_winograd_gradient::apply(column, result);
#pragma unroll
        for (int k = 0; k < TAPS; k++)
            half[k][line][lane] = result[k];
    }
    __syncthreads();
    if (i >= size || line >= TAPS)
        return;
    const size_t channels = (size_t)c;
    float row[TILE], result[TAPS];
#pragma unroll
    for (int j = 0; j < TILE; j++)
        row[j] = half[line][j][lane];
    cnn_winograd_gradient::apply(row, result);
    float *taps = dweights + i / (unsigned)c * (TAPS * TAPS * channels) + i % (unsigned)c;
#pragma unroll
    for (int j = 0; j < TAPS; j++)
        taps[(size_t)(line * TAPS + (unsigned)j) * channels] = result[j];
}

/* ---- launches ------------------------------------------------------------------------------ */

static size_t along(int extent)
{
    return ((size_t)extent + RESULTS - 1) / RESULTS;
}

bool cnn_gpu_winograd_fits(cnn_gpu_convolution s)
{
    const size_t tiles = (size_t)s.n * along(s.h) * along(s.w);
    const size_t channels = (size_t)(s.c > s.out_c ? s.c : s.out_c);
    return s.kernel == TAPS && s.stride == 1 && s.pad_top == REACH && s.pad_left == REACH &&
           s.out_h == s.h && s.out_w == s.w && s.c >= LEAST_CHANNELS && s.out_c >= LEAST_CHANNELS &&
           tiles * channels < INT_MAX / 2 && (size_t)s.c * (size_t)s.out_c < INT_MAX / 2;
}

tiling cnn_gpu_winograd_tiles(cnn_gpu_convolution s, int parts)
{
    tiling t = {s.n, s.h, s.w, (int)along(s.h), (int)along(s.w), 0};
    t.count = (t.n * t.rows * t.columns + parts - 1) / parts * parts;
    return t;
}

cudaError_t cnn_gpu_winograd_data_and_filters(cudaStream_t stream, tiling t, int c,
                                              const float *images, float *data, int out_c,
                                              bool turned, const float *weights, float *filters)
{
    const operand x = {c, images, data, (unsigned)(t.count * c)};
    const operand w = {turned ? out_c : c, weights, filters, (unsigned)(c * out_c)};
    return cnn_launch(transform_data_and_filters, blocks_for(x.size) + blocks_for(w.size), THREADS,
                      0, stream, t, x, w, turned);
}

cudaError_t cnn_gpu_winograd_data_and_gradients(cudaStream_t stream, tiling t, int c,
                                                const float *x, float *data, int out_c,
                                                const float *dy, float *gradients)
{
    const operand from_x = {c, x, data, (unsigned)(t.count * c)};
    const operand from_dy = {out_c, dy, gradients, (unsigned)(t.count * out_c)};
    return cnn_launch(transform_data_and_gradients,
                      blocks_for(from_x.size) + blocks_for(from_dy.size), THREADS, 0, stream, t,
                      from_x, from_dy);
}

cudaError_t cnn_gpu_winograd_results(cudaStream_t stream, tiling t, int c, const float *products,
                                     const float *bias, float *y)
{
    return cnn_launch(transform_results, blocks_for((unsigned)(t.count * c)), THREADS, 0, stream, t,
                      c, products, bias, y);
}

cudaError_t cnn_gpu_winograd_pooled(cudaStream_t stream, tiling t, int c, const float *products,
                                    const float *bias, bool relu, float *y, uint8_t *mask)
{
    return cnn_launch(transform_and_pool, blocks_for((unsigned)(t.count * c)), THREADS, 0, stream,
                      t, c, products, bias, relu, y, mask);
}

cudaError_t cnn_gpu_winograd_gradient(cudaStream_t stream, int c, int out_c, int parts,
                                      const float *products, float *dweights)
{
    const unsigned size = (unsigned)(c * out_c);
    return cnn_launch(transform_gradient, (size + CNN_WARP - 1) / CNN_WARP, dim3(CNN_WARP, TILE), 0,
                      stream, size, c, parts, products, dweights);
}
