/* SPDX-License-Identifier: Apache-2.0 */
/* A 5x5 'same' convolution over one or three channels; the libraries' kernels are made for many.
 * A thread has one filter and walks along a row. It keeps the pixels under the filter, and the
 * weights or their gradient, in registers: 25 multiplications for every five values from shared
 * memory. */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/last_block.cuh"
#include "gpu/kernels/launch.cuh"

enum { KERNEL = 5, TAPS = KERNEL * KERNEL, REACH = KERNEL / 2 };
/* The most threads that the registers of each kernel allow. */
enum { FORWARD_THREADS = 256, BACKWARD_THREADS = 512, MAX_LANES = 8, MAX_PARTS = 128 };

typedef cnn_gpu_convolution shape;

/* Rows of one image that a block does at a time: one for each lane, a lane being the threads that
 * share a row. In shared memory the band has REACH zeros around it, and columns for whole strides
 * of KERNEL places. */
struct band {
    int image, line, lanes, columns;
};

__host__ __device__ static inline int band_columns(shape s)
{
    return (s.w + KERNEL - 1) / KERNEL * KERNEL + 2 * REACH;
}

__host__ __device__ static inline int bands_of(shape s, int lanes)
{
    return (s.h + lanes - 1) / lanes;
}

__device__ static inline band band_at(shape s, int i, int lanes)
{
    const int an_image = bands_of(s, lanes);
    const band b = {i / an_image, i % an_image * lanes, lanes, band_columns(s)};
    return b;
}

/* rows [lanes + 2 REACH, columns, C] */
template <int C>
__device__ static inline void load_rows(shape s, band b, const float *x, float *rows)
{
    for (int i = (int)threadIdx.x; i < (b.lanes + 2 * REACH) * b.columns * C;
         i += (int)blockDim.x) {
        const int c = i % C, column = i / C % b.columns - REACH;
        const int row = i / C / b.columns + b.line - REACH;
        const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
        const size_t pixel =
            ((size_t)b.image * (size_t)s.h + (size_t)row) * (size_t)s.w + (size_t)column;
        rows[i] = inside ? x[pixel * C + (size_t)c] : 0.0f;
    }
}

/* The pixels of one channel under a place, by row and by column modulo KERNEL: a step to the right
 * replaces one column. */
struct window {
    float v[KERNEL][KERNEL];
};

/* Column `at` from the left end of the row into its slot. */
template <int C>
__device__ static inline void load_column(window &w, const float *row, int columns, int at,
                                          int slot)
{
#pragma unroll
    for (int r = 0; r < KERNEL; r++)
        w.v[r][slot] = row[(r * columns + at) * C];
}

template <int C>
__device__ static inline void load_first_columns(window &w, const float *row, int columns)
{
#pragma unroll
    for (int k = 0; k < KERNEL - 1; k++)
        load_column<C>(w, row, columns, k, k);
}

/* ---- forward ------------------------------------------------------------------------------- */

/* The result of a place whose first column is in slot `first`. */
__device__ static inline float multiply(const window &w, const float *weights, int first, float sum)
{
#pragma unroll
    for (int r = 0; r < KERNEL; r++)
#pragma unroll
        for (int k = 0; k < KERNEL; k++)
            sum = fmaf(w.v[r][(first + k) % KERNEL], weights[r * KERNEL + k], sum);
    return sum;
}

/* Block: a band. Threads: filter, lane. */
template <int C>
static __global__ void __launch_bounds__(FORWARD_THREADS)
    forward(shape s, int lanes, const float *x, const float *weights, const float *bias, bool relu,
            float *y)
{
    cnn_wait_for_previous();
    float *rows = cnn_dynamic_shared<float>();
    const int o = (int)threadIdx.x % s.out_c, lane = (int)threadIdx.x / s.out_c;
    const band b = band_at(s, (int)blockIdx.x, lanes);
    const int line = b.line + lane;
    load_rows<C>(s, b, x, rows);
    __syncthreads();
    if (line >= s.h)
        return;
    float mine[C][TAPS];
    window w[C];
#pragma unroll
    for (int c = 0; c < C; c++) {
#pragma unroll
        for (int tap = 0; tap < TAPS; tap++)
            mine[c][tap] = weights[(o * TAPS + tap) * C + c];
        load_first_columns<C>(w[c], rows + lane * b.columns * C + c, b.columns);
    }
    const float start = bias ? bias[o] : 0.0f;
    float *to =
        y + ((size_t)b.image * (size_t)s.h + (size_t)line) * (size_t)s.w * (size_t)s.out_c + o;
    for (int column = 0; column < s.w; column += KERNEL)
#pragma unroll
        for (int u = 0; u < KERNEL; u++) {
            float sum = start;
#pragma unroll
            for (int c = 0; c < C; c++) {
                load_column<C>(w[c], rows + lane * b.columns * C + c, b.columns,
                               column + u + KERNEL - 1, (u + KERNEL - 1) % KERNEL);
                sum = multiply(w[c], mine[c], u, sum);
            }
            if (column + u < s.w)
                to[(size_t)(column + u) * (size_t)s.out_c] = relu && !(sum > 0.0f) ? 0.0f : sum;
        }
}

/* ---- backward ------------------------------------------------------------------------------ */

/* The gradient of KERNEL places of a row from `column` on, of one filter. */
__device__ static inline void load_gradients(shape s, int column, const float *dy, const float *y,
                                             float gradients[KERNEL])
{
#pragma unroll
    for (int u = 0; u < KERNEL; u++) {
        const size_t i = (size_t)(column + u) * (size_t)s.out_c;
        gradients[u] = column + u < s.w ? dy[i] : 0.0f;
        if (y && column + u < s.w && !(y[i] > 0.0f))
            gradients[u] = 0.0f;
    }
}

/* Adds a row's share to the sums of one filter and channel: by tap, and the bias's at the end. row:
 * in shared memory; dy, y: of the row's first place. */
template <int C>
__device__ static inline void add_row(shape s, int columns, const float *row, const float *dy,
                                      const float *y, float sums[TAPS + 1])
{
    window w;
    load_first_columns<C>(w, row, columns);
    for (int column = 0; column < s.w; column += KERNEL) {
        float gradients[KERNEL];
        load_gradients(s, column, dy, y, gradients);
#pragma unroll
        for (int u = 0; u < KERNEL; u++) {
            load_column<C>(w, row, columns, column + u + KERNEL - 1, (u + KERNEL - 1) % KERNEL);
#pragma unroll
            for (int tap = 0; tap < TAPS; tap++)
                sums[tap] =
                    fmaf(w.v[tap / KERNEL][(u + tap % KERNEL) % KERNEL], gradients[u], sums[tap]);
            sums[TAPS] += gradients[u];
        }
    }
}

/* Adds the other lanes' sums to those of lane 0, in their order. shared [TAPS + 1, width]. */
__device__ static inline void add_lanes(int lanes, int lane, int width, int at, float *shared,
                                        float sums[TAPS + 1])
{
    for (int from = 1; from < lanes; from++) {
        __syncthreads();
        for (int k = 0; lane == from && k <= TAPS; k++)
            shared[k * width + at] = sums[k];
        __syncthreads();
        for (int k = 0; lane == 0 && k <= TAPS; k++)
            sums[k] += shared[k * width + at];
    }
}

/* Threads: filter, channel, lane. parts [block][tap, c, filter] and then [filter] of the bias. */
template <int C>
static __global__ void __launch_bounds__(BACKWARD_THREADS)
    sum_bands(shape s, int lanes, int bands_a_block, const float *x, const float *dy,
              const float *y, float *parts)
{
    cnn_wait_for_previous();
    float *rows = cnn_dynamic_shared<float>();
    const int width = s.out_c * C, at = (int)threadIdx.x % width;
    const int o = at % s.out_c, c = at / s.out_c, lane = (int)threadIdx.x / width;
    float sums[TAPS + 1] = {};
    for (int k = 0; k < bands_a_block; k++) {
        const int i = (int)blockIdx.x * bands_a_block + k;
        if (i >= s.n * bands_of(s, lanes))
            break;
        const band b = band_at(s, i, lanes);
        const size_t start = ((size_t)b.image * (size_t)s.h + (size_t)(b.line + lane)) *
                                 (size_t)s.w * (size_t)s.out_c +
                             (size_t)o;
        __syncthreads(); /* no thread reads the last band any more */
        load_rows<C>(s, b, x, rows);
        __syncthreads();
        if (b.line + lane < s.h)
            add_row<C>(s, b.columns, rows + lane * b.columns * C + c, dy + start,
                       y ? y + start : nullptr, sums);
    }
    add_lanes(lanes, lane, width, at, rows, sums);
    float *part = parts + (size_t)blockIdx.x * (size_t)((TAPS * C + 1) * s.out_c);
    for (int tap = 0; lane == 0 && tap < TAPS; tap++)
        part[(tap * C + c) * s.out_c + o] = sums[tap];
    if (lane == 0 && c == 0)
        part[TAPS * C * s.out_c + o] = sums[TAPS];
}

/* parts [blocks][tap, c, filter] -> dweights [filter, tap, c]; [filter] -> dbias. Blocks of a
 * warp's columns. */
static __global__ void add_parts(int blocks, int out_c, int taps, const float *parts,
                                 float *dweights, float *dbias)
{
    cnn_wait_for_previous();
    __shared__ double shared[CNN_BLOCK];
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x), count = (taps + 1) * out_c;
    const double sum = cnn_sum_of_parts(parts, blocks, count, i, shared);
    if (threadIdx.y > 0 || i >= count)
        return;
    if (i < taps * out_c)
        dweights[i % out_c * taps + i / out_c] = (float)sum;
    else
        dbias[i - taps * out_c] = (float)sum;
}

/* ---- from the host ------------------------------------------------------------------------- */

/* Lanes of `width` threads in a block of at most `threads`. */
static int lanes_in(int threads, int width)
{
    const int lanes = threads / width;
    return lanes < MAX_LANES ? lanes : (int)MAX_LANES;
}

static int lanes_forward(shape s)
{
    return lanes_in(FORWARD_THREADS, s.out_c);
}

static int lanes_backward(shape s)
{
    return lanes_in(BACKWARD_THREADS, s.out_c * s.c);
}

static size_t band_bytes(shape s, int lanes)
{
    return sizeof(float) * (size_t)((lanes + 2 * REACH) * band_columns(s) * s.c);
}

static size_t shared_backward(shape s)
{
    const int lanes = lanes_backward(s);
    const size_t sums = sizeof(float) * (size_t)((TAPS + 1) * s.out_c * s.c);
    return lanes > 1 && sums > band_bytes(s, lanes) ? sums : band_bytes(s, lanes);
}

static int bands_backward(shape s)
{
    return s.n * bands_of(s, lanes_backward(s));
}

/* Does not decrease with more images, so that the room for parts suffices; the last may be idle. */
static int blocks_backward(shape s)
{
    return bands_backward(s) < MAX_PARTS ? bands_backward(s) : (int)MAX_PARTS;
}

static int bands_a_block(shape s)
{
    return (bands_backward(s) + blocks_backward(s) - 1) / blocks_backward(s);
}

bool cnn_gpu_few_channels_fits(shape s)
{
    const size_t shared = 48 * 1024; /* what every kernel may have */
    return s.kernel == KERNEL && s.stride == 1 && s.pad_top == REACH && s.pad_left == REACH &&
           s.out_h == s.h && s.out_w == s.w && (s.c == 1 || s.c == 3) &&
           s.out_c <= FORWARD_THREADS && s.out_c * s.c <= BACKWARD_THREADS &&
           shared_backward(s) <= shared && band_bytes(s, lanes_forward(s)) <= shared;
}

cudaError_t cnn_gpu_few_channels_forward(cudaStream_t stream, shape s, const float *x,
                                         const float *weights, const float *bias, bool relu,
                                         float *y)
{
    const int lanes = lanes_forward(s);
    return cnn_launch(s.c == 1 ? forward<1> : forward<3>, (unsigned)(s.n * bands_of(s, lanes)),
                      (unsigned)(lanes * s.out_c), band_bytes(s, lanes), stream, s, lanes, x,
                      weights, bias, relu, y);
}

size_t cnn_gpu_few_channels_parts(shape s)
{
    const size_t count = (size_t)(TAPS * s.c + 1) * (size_t)s.out_c;
    return ((size_t)blocks_backward(s) * count + 1) / 2; /* floats, counted as doubles */
}

cudaError_t cnn_gpu_few_channels_backward(cudaStream_t stream, shape s, const float *x,
                                          const float *dy, const float *y, double *parts,
                                          float *dweights, float *dbias)
{
    float *sums = reinterpret_cast<float *>(parts);
    const int blocks = blocks_backward(s), taps = TAPS * s.c, lanes = lanes_backward(s);
    const int count = (taps + 1) * s.out_c;
    const cudaError_t error = cnn_launch(s.c == 1 ? sum_bands<1> : sum_bands<3>, (unsigned)blocks,
                                         (unsigned)(lanes * s.out_c * s.c), shared_backward(s),
                                         stream, s, lanes, bands_a_block(s), x, dy, y, sums);
    if (error != cudaSuccess)
        return error;
    return cnn_launch(add_parts, (unsigned)((count + CNN_WARP - 1) / CNN_WARP),
                      dim3(CNN_WARP, CNN_BLOCK / CNN_WARP), 0, stream, blocks, s.out_c, taps, sums,
                      dweights, dbias);
}
