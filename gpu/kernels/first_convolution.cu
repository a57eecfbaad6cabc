/* SPDX-License-Identifier: Apache-2.0 */
/* A network's first convolution, 5x5 over one or three channels, with its bias, ReLU and 2x2
 * maximum pool. The forward kernel writes only the pooled result and the position of each maximum.
 * Backward needs no more: each pooled result has one position, so the gradient of the weights is a
 * sum over a quarter of the positions, and a first layer has no gradient of its input. */
#include "gpu/kernels/batch.cuh"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/last_block.cuh"
#include "gpu/kernels/launch.cuh"

enum { KERNEL = 5, TAPS = KERNEL * KERNEL, REACH = KERNEL / 2, PATCH = KERNEL + 1 };
/* Rows of windows that a block does at a time; rows of the image that they see. */
enum { BAND = 2, BAND_ROWS = 2 * BAND + 2 * REACH };
enum { MAX_THREADS = 1024, MAX_PARTS = 128 };

typedef cnn_gpu_convolution shape;

/* A block's input: the image's rows under a band of windows, with REACH zeros around it. */
struct band {
    int image, line; /* of the first window */
    int columns;     /* of a row in shared memory */
};

__host__ __device__ static inline int padded_columns(cnn_gpu_windows w)
{
    return 2 * w.out_w + 2 * REACH;
}

/* Rows of windows in a band: the last one may have fewer. */
__device__ static inline int lines_of(cnn_gpu_windows pool, band b)
{
    return pool.out_h - b.line < BAND ? pool.out_h - b.line : BAND;
}

/* image: of the data set. */
template <int C, class Pixel>
__device__ static inline void load_band(shape s, band b, const Pixel *image, float scale,
                                        float *rows)
{
    const int first_row = 2 * b.line - REACH, count = BAND_ROWS * b.columns * C;
    for (int i = (int)threadIdx.x; i < count; i += (int)blockDim.x) {
        const int c = i % C, column = i / C % b.columns - REACH;
        const int row = i / C / b.columns + first_row;
        const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
        rows[i] = inside ? (float)image[(row * s.w + column) * C + c] * scale : 0.0f;
    }
}

template <class Pixel>
__device__ static inline const Pixel *image_of(shape s, cnn_gpu_images images, int image)
{
    return static_cast<const Pixel *>(images.pixels) +
           (size_t)cnn_image_number(images.batch, image) * (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* The four results under a window, before the bias: of filter o, from a 6x6 patch of the image. */
template <int C>
__device__ static inline void convolve(const float *patch, int columns, const float *weights,
                                       int out_c, float result[2][2])
{
    result[0][0] = result[0][1] = result[1][0] = result[1][1] = 0.0f;
    for (int c = 0; c < C; c++) {
        float w[TAPS];
#pragma unroll
        for (int tap = 0; tap < TAPS; tap++)
            w[tap] = weights[(tap * C + c) * out_c];
#pragma unroll
        for (int r = 0; r < PATCH; r++)
#pragma unroll
            for (int k = 0; k < PATCH; k++) {
                const float v = patch[(r * columns + k) * C + c];
#pragma unroll
                for (int down = 0; down < 2; down++)
#pragma unroll
                    for (int right = 0; right < 2; right++)
                        if (r >= down && r - down < KERNEL && k >= right && k - right < KERNEL)
                            result[down][right] =
                                fmaf(v, w[(r - down) * KERNEL + k - right], result[down][right]);
            }
    }
}

/* Block (x, y): band x of image y; a thread for each window and filter. */
template <int C, class Pixel>
static __global__ void forward(shape s, cnn_gpu_windows pool, cnn_gpu_images x,
                               const float *weights, const float *bias, bool relu, float *y,
                               uint8_t *mask)
{
    cnn_wait_for_previous();
    float *rows = cnn_dynamic_shared<float>();
    const band b = {(int)blockIdx.y, (int)blockIdx.x * BAND, padded_columns(pool)};
    const Pixel *image = image_of<Pixel>(s, x, b.image);
    float *w = rows + BAND_ROWS * b.columns * C; /* [tap, c, filter] */
    for (int i = (int)threadIdx.x; i < TAPS * C * s.out_c; i += (int)blockDim.x)
        w[i] = weights[i % s.out_c * (TAPS * C) + i / s.out_c];
    load_band<C>(s, b, image, x.scale, rows);
    __syncthreads();
    for (int i = (int)threadIdx.x; i < lines_of(pool, b) * pool.out_w * s.out_c;
         i += (int)blockDim.x) {
        const int o = i % s.out_c, column = i / s.out_c % pool.out_w;
        const int line = i / s.out_c / pool.out_w;
        float result[2][2], best = 0.0f;
        int where = -1;
        convolve<C>(rows + (2 * line * b.columns + 2 * column) * C, b.columns, w + o, s.out_c,
                    result);
        for (int tap = 0; tap < 4; tap++) {
            const float v = result[tap / 2][tap % 2] + bias[o];
            if (2 * (b.line + line) + tap / 2 >= s.out_h || 2 * column + tap % 2 >= s.out_w)
                continue; /* a window may hang over the last row or column */
            if (where < 0 || v > best || (v != v && best == best)) {
                best = v;
                where = tap;
            }
        }
        const bool cut = relu && !(best > 0.0f);
        const size_t to =
            (((size_t)b.image * (size_t)pool.out_h + (size_t)(b.line + line)) * (size_t)pool.out_w +
             (size_t)column) *
                (size_t)s.out_c +
            (size_t)o;
        y[to] = cut ? 0.0f : best;
        if (mask)
            mask[to] = (uint8_t)(cut ? (int)CNN_GPU_NOWHERE : where);
    }
}

/* Gradient that enters one window of one filter (zero where the ReLU masks it), and the position in
 * the band's rows of the first tap of the window's maximum. */
struct passed {
    float gradient;
    int at;
};

__host__ __device__ static inline int windows_of_band(shape s, cnn_gpu_windows pool)
{
    return BAND * pool.out_w * s.out_c;
}

/* [window][filter] */
template <int C>
__device__ static inline void load_passed(shape s, cnn_gpu_windows pool, band b, const float *dy,
                                          const uint8_t *mask, passed *windows)
{
    const size_t start = ((size_t)b.image * (size_t)pool.out_h + (size_t)b.line) *
                         (size_t)pool.out_w * (size_t)s.out_c;
    for (int i = (int)threadIdx.x; i < lines_of(pool, b) * pool.out_w * s.out_c;
         i += (int)blockDim.x) {
        const int where = mask[start + (size_t)i], window = i / s.out_c;
        const float gradient = dy[start + (size_t)i];
        const bool cut = where == CNN_GPU_NOWHERE;
        const int tap = cut ? 0 : where;
        const int row = 2 * (window / pool.out_w) + tap / 2;
        const int column = 2 * (window % pool.out_w) + tap % 2;
        windows[i] = {cut ? 0.0f : gradient, (row * b.columns + column) * C};
    }
}

/* A thread for each filter and tap. Parts: [block][tap, c, filter], then [filter] of the bias. */
template <int C, class Pixel>
static __global__ void __launch_bounds__(MAX_THREADS)
    backward(shape s, cnn_gpu_windows pool, int bands_a_block, cnn_gpu_images x, const float *dy,
             const uint8_t *mask, float *parts, unsigned *ticket, float *dweights, float *dbias)
{
    cnn_wait_for_previous();
    passed *windows = cnn_dynamic_shared<passed>();
    float *rows = reinterpret_cast<float *>(windows + windows_of_band(s, pool));
    const int o = (int)threadIdx.x % s.out_c, tap = (int)threadIdx.x / s.out_c;
    const int bands = (pool.out_h + BAND - 1) / BAND, count = (TAPS * C + 1) * s.out_c;
    float sums[C] = {}, bias_sum = 0.0f;
    for (int k = 0; k < bands_a_block; k++) {
        const int i = (int)blockIdx.x * bands_a_block + k;
        if (i >= s.n * bands)
            break;
        const band b = {i / bands, i % bands * BAND, padded_columns(pool)};
        __syncthreads(); /* no thread reads the last band any more */
        load_band<C>(s, b, image_of<Pixel>(s, x, b.image), x.scale, rows);
        load_passed<C>(s, pool, b, dy, mask, windows);
        __syncthreads();
        const float *from = rows + (tap / KERNEL * b.columns + tap % KERNEL) * C;
        const int end = tap < TAPS ? lines_of(pool, b) * pool.out_w : 0;
#pragma unroll 4
        for (int window = 0; window < end; window++) {
            const passed p = windows[window * s.out_c + o];
            for (int c = 0; c < C; c++)
                sums[c] = fmaf(from[p.at + c], p.gradient, sums[c]);
            bias_sum += p.gradient;
        }
    }
    float *part = parts + (size_t)blockIdx.x * (size_t)count;
    for (int c = 0; tap < TAPS && c < C; c++)
        part[(tap * C + c) * s.out_c + o] = sums[c];
    if (tap == 0)
        part[TAPS * C * s.out_c + o] = bias_sum;
    if (!cnn_is_last_block(ticket, gridDim.x))
        return;
    for (int i = (int)threadIdx.x; i < count; i += (int)blockDim.x) {
        double sum = 0.0;
#pragma unroll 16
        for (unsigned block = 0; block < gridDim.x; block++)
            sum += (double)__ldcg(&parts[(size_t)block * (size_t)count + (size_t)i]);
        const int filter = i % s.out_c, at = i / s.out_c;
        if (at < TAPS * C)
            dweights[filter * (TAPS * C) + at] = (float)sum;
        else
            dbias[filter] = (float)sum;
    }
}

static size_t band_bytes(shape s, cnn_gpu_windows pool)
{
    return sizeof(float) * (size_t)BAND_ROWS * (size_t)padded_columns(pool) * (size_t)s.c;
}

static size_t weight_bytes(shape s)
{
    return sizeof(float) * (size_t)TAPS * (size_t)s.c * (size_t)s.out_c;
}

static size_t passed_bytes(shape s, cnn_gpu_windows pool)
{
    return sizeof(passed) * (size_t)windows_of_band(s, pool);
}

static int bands_of(shape s, cnn_gpu_windows pool)
{
    return s.n * ((pool.out_h + BAND - 1) / BAND);
}

/* Does not decrease with more images, so that the room for parts suffices; the last may be idle. */
static unsigned blocks_backward(shape s, cnn_gpu_windows pool)
{
    return (unsigned)(bands_of(s, pool) < MAX_PARTS ? bands_of(s, pool) : (int)MAX_PARTS);
}

static int bands_a_block(shape s, cnn_gpu_windows pool)
{
    const int blocks = (int)blocks_backward(s, pool);
    return (bands_of(s, pool) + blocks - 1) / blocks;
}

bool cnn_gpu_first_fits(shape s, cnn_gpu_windows pool)
{
    const size_t shared = 48 * 1024 - 64; /* what every kernel may have, besides a few variables */
    return s.kernel == KERNEL && s.stride == 1 && s.pad_top == REACH && s.pad_left == REACH &&
           (s.c == 1 || s.c == 3) && s.out_c * TAPS <= MAX_THREADS && pool.kernel == 2 &&
           pool.stride == 2 && pool.pad_top == 0 && pool.pad_left == 0 &&
           cnn_gpu_windows_tile(pool) && band_bytes(s, pool) + weight_bytes(s) <= shared &&
           band_bytes(s, pool) + passed_bytes(s, pool) <= shared;
}

/* By channels and pixels: a kernel's instance. */
#define INSTANCE(kernel, s, x)                                                                     \
    ((s).c == 1 ? ((x).is_u8 ? kernel<1, uint8_t> : kernel<1, float>)                              \
                : ((x).is_u8 ? kernel<3, uint8_t> : kernel<3, float>))

cudaError_t cnn_gpu_first_forward(cudaStream_t stream, shape s, cnn_gpu_windows pool,
                                  cnn_gpu_images x, const float *weights, const float *bias,
                                  bool relu, float *y, uint8_t *mask)
{
    const dim3 grid((unsigned)((pool.out_h + BAND - 1) / BAND), (unsigned)s.n);
    return cnn_launch(INSTANCE(forward, s, x), grid, CNN_BLOCK,
                      band_bytes(s, pool) + weight_bytes(s), stream, s, pool, x, weights, bias,
                      relu, y, mask);
}

size_t cnn_gpu_first_parts(shape s, cnn_gpu_windows pool)
{
    const size_t count = (size_t)(TAPS * s.c + 1) * (size_t)s.out_c;
    return (blocks_backward(s, pool) * count + 1) / 2; /* floats, counted as doubles */
}

cudaError_t cnn_gpu_first_backward(cudaStream_t stream, shape s, cnn_gpu_windows pool,
                                   cnn_gpu_images x, const float *dy, const uint8_t *mask,
                                   cnn_gpu_sums sums, float *dweights, float *dbias)
{
    const unsigned threads = (unsigned)(s.out_c * TAPS + CNN_WARP - 1) / CNN_WARP * CNN_WARP;
    return cnn_launch(INSTANCE(backward, s, x), blocks_backward(s, pool), threads,
                      passed_bytes(s, pool) + band_bytes(s, pool), stream, s, pool,
                      bands_a_block(s, pool), x, dy, mask, reinterpret_cast<float *>(sums.parts),
                      sums.tickets, dweights, dbias);
}
