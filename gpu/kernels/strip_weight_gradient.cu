/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of the weights of a 5x5 'same' convolution over many channels, register-tiled in
 * single precision.
 *
 * A thread has F filters, four channels and a row of five taps in registers. It goes along a row of
 * results, and the five values of the image under them form a window that moves by one value a
 * result: for each it reads one float4 of the image and F gradients, and does 20 F multiply-adds. A
 * warp has a row of taps; five warps are a group; GROUPS groups take turns with the rows. Rows of
 * all images follow each other. A block takes a range of them and copies the next rows into a ring
 * in shared memory meanwhile. Blocks write their parts to the workspace, and a second kernel adds
 * them up in their order. */
#include "gpu/kernels/async_copy.cuh"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/last_block.cuh"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/same_5x5.h"

enum { KERNEL = 5, TAPS = KERNEL * KERNEL, REACH = KERNEL / 2 };
/* Ranges are balanced for this number on every device, so that all devices sum in one order. */
enum { MULTIPROCESSORS = 132 };

template <int F_, int GROUPS_, int BLOCKS_> struct tiling {
    enum {
        F = F_,
        GROUPS = GROUPS_,
        BLOCKS = BLOCKS_, /* of a multiprocessor */
        WARPS = KERNEL * GROUPS,
        THREADS = WARPS * CNN_WARP,
        ACROSS = 8, /* lanes with different filters; the others differ in channels */
        FILTERS = ACROSS * F,
        CHANNELS = CNN_WARP / ACROSS * 4,
        /* Rows of stacked images in shared memory: those of a step and of the next, REACH on
         * either side, and the zeros between two images once, or twice. */
        RING = GROUPS == 1 ? 8 : 16,
    };
    static_assert(GROUPS == 1 || 2 * GROUPS + 2 * REACH + 2 * REACH <= RING,
                  "the ring is too short");
};

struct problem {
    int n, h, w, c, out_c;
    int range; /* rows of a block */
    int part;  /* floats that it leaves: [out_c, tap, c], then [out_c] if gradients are summed */
};

/* Images lie below each other with REACH rows of zeros between them; the row of all rows. */
__device__ static inline int stacked(int row, int h)
{
    return row + row / h * REACH;
}

/* A block's shared memory. */
struct buffers {
    float *ring;      /* [RING][REACH + w + REACH][CHANNELS] */
    float *gradients; /* [2][GROUPS][w][FILTERS] */
};

/* Copies the rows of the image that contribute to results up to row `last`, from stacked row `from`
 * on; returns the first row that is not copied yet. */
template <class T>
__device__ static inline int copy_image(problem p, int from, int last, int channel, const float *x,
                                        cnn_async_copies *copies, float *ring)
{
    enum { FOURS = T::CHANNELS / 4 };
    const int end = stacked(last, p.h) + REACH + 1;
    for (int row = from; row < end; row++) {
        const int image = row / (p.h + REACH), line = row - image * (p.h + REACH);
        if (row < 0 || line >= p.h || image >= p.n)
            continue; /* zeros, which nobody reads */
        const float *line_start = x + (size_t)(image * p.h + line) * (size_t)(p.w * p.c);
        float *to = ring + (row % T::RING * (p.w + 2 * REACH) + REACH) * T::CHANNELS;
        for (int i = (int)threadIdx.x; i < p.w * FOURS; i += T::THREADS) {
            const int c = channel + i % FOURS * 4;
            const bool inside = c < p.c;
            copies->four_floats(to + i * 4, inside ? line_start + i / FOURS * p.c + c : x, inside);
        }
    }
    return end > from ? end : from;
}

/* Gradients [n, h, w, out_c]. */
struct whole_gradients {
    enum { SUMMED = 0 };
    const float *dy;

    /* Starts the copies of rows first .. last. */
    template <class T>
    __device__ inline void begin(problem p, int first, int last, int filter,
                                 cnn_async_copies *copies, float *to)
    {
        enum { FOURS = T::FILTERS / 4 };
        const float *from = dy + (size_t)first * (size_t)(p.w * p.out_c);
        for (int i = (int)threadIdx.x; i < (last - first + 1) * p.w * FOURS; i += T::THREADS) {
            const int o = filter + i % FOURS * 4;
            const bool inside = o < p.out_c;
            copies->four_floats(to + i * 4, inside ? from + i / FOURS * p.out_c + o : dy, inside);
        }
    }
    /* They are. */
    __device__ inline void end()
    {
    }
};

/* Gradients that come back through a 2x2 maximum pool [n, out_h, out_w, out_c]: each has one place.
 * A thread has one float4 of them at a time, and sums them up for the bias. */
struct pooled_gradients {
    enum { SUMMED = 1 };
    const float *dy;
    const uint8_t *mask;
    int out_h, out_w;
    float *to; /* of the float4 on its way; NULL: none is */
    int tap;   /* of their windows, where they lie */
    float4 gradient;
    uchar4 where;
    float4 sum;

    template <class T>
    __device__ inline void begin(problem p, int first, int last, int filter, cnn_async_copies *,
                                 float *rows)
    {
        enum { FOURS = T::FILTERS / 4 };
        const int i = (int)threadIdx.x, o = filter + i % FOURS * 4;
        const int row = first + i / FOURS / p.w, column = i / FOURS % p.w;
        to = nullptr;
        if (row > last)
            return;
        to = rows + i * 4;
        gradient = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (o >= p.out_c)
            return;
        const int line = row % p.h;
        tap = line % 2 * 2 + column % 2;
        const size_t from =
            ((size_t)(row / p.h * out_h + line / 2) * (size_t)out_w + (size_t)(column / 2)) *
                (size_t)p.out_c +
            (size_t)o;
        gradient = *reinterpret_cast<const float4 *>(dy + from);
        where = *reinterpret_cast<const uchar4 *>(mask + from);
    }
    __device__ inline void end()
    {
        if (!to)
            return;
        const float4 v =
            make_float4(where.x == tap ? gradient.x : 0.0f, where.y == tap ? gradient.y : 0.0f,
                        where.z == tap ? gradient.z : 0.0f, where.w == tap ? gradient.w : 0.0f);
        *reinterpret_cast<float4 *>(to) = v;
        sum.x += v.x;
        sum.y += v.y;
        sum.z += v.z;
        sum.w += v.w;
        to = nullptr;
    }
    /* The block's sum for each of its filters, by threads whose float4 are of the same ones. */
    template <class T>
    __device__ inline void add_up(problem p, int filter, float4 *shared, float *dbias)
    {
        enum { FOURS = T::FILTERS / 4 };
        static_assert(T::THREADS % FOURS == 0, "a thread's float4 are of the same filters");
        __syncthreads(); /* all else is done with shared memory */
        shared[threadIdx.x] = sum;
        __syncthreads();
        const int f = (int)threadIdx.x;
        if (f >= T::FILTERS || filter + f >= p.out_c)
            return;
        const float *values = reinterpret_cast<const float *>(shared) + f;
        float total = 0.0f;
        for (int i = 0; i < T::THREADS / FOURS; i++)
            total += values[i * FOURS * 4];
        dbias[filter + f] = total;
    }
};

template <int F> __device__ static inline void read_gradients(const float *from, float gradient[F])
{
    if (F == 4) {
        const float4 v = *reinterpret_cast<const float4 *>(from);
        gradient[0] = v.x;
        gradient[1] = v.y;
        gradient[F - 2] = v.z;
        gradient[F - 1] = v.w;
    } else {
        const float2 v = *reinterpret_cast<const float2 *>(from);
        gradient[0] = v.x;
        gradient[1] = v.y;
    }
}

__device__ static inline void multiply_add(float4 v, float gradient, float4 *sum)
{
    sum->x = fmaf(v.x, gradient, sum->x);
    sum->y = fmaf(v.y, gradient, sum->y);
    sum->z = fmaf(v.z, gradient, sum->z);
    sum->w = fmaf(v.w, gradient, sum->w);
}

/* A row of results. values: those of the thread's channels under the first result, from its first
 * tap on; gradients: its filters'. */
template <class T>
__device__ static inline void add_row(int w, const float *values, const float *gradients,
                                      float4 sums[KERNEL][T::F])
{
    float4 window[KERNEL];
#pragma unroll
    for (int k = 0; k < KERNEL - 1; k++)
        window[k] = *reinterpret_cast<const float4 *>(values + k * T::CHANNELS);
    values += (KERNEL - 1) * T::CHANNELS;
#pragma unroll 1
    for (int column = 0; column < w; column += KERNEL) {
#pragma unroll
        for (int i = 0; i < KERNEL; i++) { /* result column + i sees window[(i + k) % KERNEL] */
            float gradient[T::F];
            if (column + i >= w)
                break;
            window[(i + KERNEL - 1) % KERNEL] =
                *reinterpret_cast<const float4 *>(values + i * T::CHANNELS);
            read_gradients<T::F>(gradients + i * T::FILTERS, gradient);
#pragma unroll
            for (int k = 0; k < KERNEL; k++)
#pragma unroll
                for (int f = 0; f < T::F; f++)
                    multiply_add(window[(i + k) % KERNEL], gradient[f], &sums[k][f]);
        }
        values += KERNEL * T::CHANNELS;
        gradients += KERNEL * T::FILTERS;
    }
}

/* Adds the groups' sums to the first one's, in order, through shared memory. */
template <class T>
__device__ static inline void add_groups(int group, int thread, float4 sums[KERNEL][T::F],
                                         float4 *shared)
{
    enum { GROUP = T::THREADS / T::GROUPS };
    for (int from = 1; from < T::GROUPS; from++) {
        __syncthreads();
        if (group == from)
#pragma unroll
            for (int i = 0; i < KERNEL * T::F; i++)
                shared[i * GROUP + thread] = sums[i / T::F][i % T::F];
        __syncthreads();
        if (group == 0)
#pragma unroll
            for (int i = 0; i < KERNEL * T::F; i++) {
                const float4 v = shared[i * GROUP + thread];
                float4 *sum = &sums[i / T::F][i % T::F];
                sum->x += v.x;
                sum->y += v.y;
                sum->z += v.z;
                sum->w += v.w;
            }
    }
}

/* Block (x, y, z): range x of the rows, channels from y CHANNELS on, filters from z FILTERS on. */
template <class T, class Gradients>
static __global__ void __launch_bounds__(T::THREADS, T::BLOCKS)
    sum_ranges(problem p, const float *x, Gradients source, float *parts)
{
    cnn_wait_for_previous();
    const int channel = (int)blockIdx.y * T::CHANNELS, filter = (int)blockIdx.z * T::FILTERS;
    const int first = (int)blockIdx.x * p.range;
    const int end = first + p.range < p.n * p.h ? first + p.range : p.n * p.h;
    const int warp = (int)threadIdx.x / CNN_WARP, lane = (int)threadIdx.x % CNN_WARP;
    const int group = warp / KERNEL, tap = warp % KERNEL;
    /* Filters and channels alternate, so that lanes read shared values once. */
    const int o = lane / 2 % T::ACROSS * T::F;
    const int c = (lane % 2 + lane / (2 * T::ACROSS) * 2) * 4;
    const int columns = p.w + 2 * REACH;

    buffers b;
    b.ring = cnn_dynamic_shared<float>();
    b.gradients = b.ring + T::RING * columns * T::CHANNELS;
    for (int i = (int)threadIdx.x; i < T::RING * 2 * REACH * T::CHANNELS; i += T::THREADS) {
        const int row = i / (2 * REACH * T::CHANNELS), at = i / T::CHANNELS % (2 * REACH);
        b.ring[(row * columns + (at < REACH ? at : p.w + at)) * T::CHANNELS + i % T::CHANNELS] =
            0.0f;
    }

    cnn_async_copies copies;
    float4 sums[KERNEL][T::F] = {};
    int to_copy = stacked(first, p.h) - REACH;
    for (int row = first - T::GROUPS; row < end; row += T::GROUPS) {
        const int next = row + T::GROUPS, step = (next - first) / T::GROUPS % 2;
        if (row >= first) {
            copies.wait();
            __syncthreads(); /* these rows have arrived, and no thread reads those before */
        }
        if (next < end) {
            const int last = (next + T::GROUPS < end ? next + T::GROUPS : end) - 1;
            to_copy = copy_image<T>(p, to_copy, last, channel, x, &copies, b.ring);
            source.template begin<T>(p, next, last, filter, &copies,
                                     b.gradients + step * T::GROUPS * p.w * T::FILTERS);
        }
        const int mine = row + group, line = mine % p.h + tap - REACH;
        if (row >= first && mine < end && line >= 0 && line < p.h)
            add_row<T>(p.w,
                       b.ring +
                           (stacked(mine, p.h) + tap - REACH) % T::RING * columns * T::CHANNELS + c,
                       b.gradients + ((1 - step) * T::GROUPS + group) * p.w * T::FILTERS + o, sums);
        source.end();
    }

    if constexpr (T::GROUPS > 1)
        add_groups<T>(group, tap * CNN_WARP + lane, sums, reinterpret_cast<float4 *>(b.ring));
    float *part = parts + (size_t)blockIdx.x * (size_t)p.part;
    if constexpr (Gradients::SUMMED)
        if (blockIdx.y == 0)
            source.template add_up<T>(p, filter, reinterpret_cast<float4 *>(b.ring),
                                      part + p.out_c * TAPS * p.c);
    if (group > 0 || channel + c >= p.c)
        return;
#pragma unroll
    for (int f = 0; f < T::F; f++)
#pragma unroll
        for (int k = 0; k < KERNEL; k++)
            if (filter + o + f < p.out_c)
                *reinterpret_cast<float4 *>(
                    part + ((filter + o + f) * TAPS + tap * KERNEL + k) * p.c + channel + c) =
                    sums[k][f];
}

/* A block: CNN_WARP values of the parts; its rows of threads take turns with the parts. The
 * first `weights` values go to dweights, the others to dbias. */
static __global__ void add_parts(int count, int part, int weights, const float *parts,
                                 float *dweights, float *dbias)
{
    __shared__ double shared[CNN_BLOCK];
    cnn_wait_for_previous();
    const int i = (int)blockIdx.x * CNN_WARP + (int)threadIdx.x;
    const float sum = (float)cnn_sum_of_parts(parts, count, part, i, shared);
    if (threadIdx.y > 0 || i >= part)
        return;
    if (i < weights)
        dweights[i] = sum;
    else
        dbias[i - weights] = sum;
}

/* ---- sizes --------------------------------------------------------------------------------- */

static int quotient_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* The smallest number of ranges that minimises the time of the multiprocessors. */
template <class T> static problem problem_of(cnn_gpu_convolution s)
{
    problem p = {s.n, s.h, s.w, s.c, s.out_c, 0, s.out_c * TAPS * s.c};
    const int rows = p.n * p.h, slots = MULTIPROCESSORS * T::BLOCKS;
    const int tiles = quotient_up(p.c, T::CHANNELS) * quotient_up(p.out_c, T::FILTERS);
    long best = 0;
    for (int ranges = 1; ranges <= rows && (ranges - 1) * tiles < slots; ranges++) {
        const int steps = quotient_up(quotient_up(rows, ranges), T::GROUPS);
        const long cost = (long)quotient_up(ranges * tiles, slots) * steps;
        if (best == 0 || cost < best) {
            best = cost;
            p.range = steps * T::GROUPS;
        }
    }
    return p;
}

static int ranges_of(problem p)
{
    return quotient_up(p.n * p.h, p.range);
}

template <class T> static size_t shared_of(problem p)
{
    const size_t ring = (size_t)T::RING * (size_t)(p.w + 2 * REACH) * T::CHANNELS;
    const size_t gradients = (size_t)2 * T::GROUPS * (size_t)p.w * T::FILTERS;
    /* Sums of a group of threads, or of all for the bias. */
    const size_t sums = T::GROUPS > 1 ? (size_t)T::THREADS / T::GROUPS * KERNEL * T::F * 4 : 0;
    const size_t summed = sums > (size_t)T::THREADS * 4 ? sums : (size_t)T::THREADS * 4;
    return sizeof(float) * (ring + gradients > summed ? ring + gradients : summed);
}

template <class T> static bool fits(cnn_gpu_convolution s)
{
    const int filters = quotient_up(s.out_c, T::FILTERS) * T::FILTERS;
    const int channels = quotient_up(s.c, T::CHANNELS) * T::CHANNELS;
    return (T::GROUPS == 1 || s.h >= T::GROUPS) && 5 * filters <= 8 * s.out_c &&
           5 * channels <= 8 * s.c && shared_of<T>(problem_of<T>(s)) <= CNN_SHARED_MOST;
}

template <class T> static size_t workspace(cnn_gpu_convolution s)
{
    const int ranges = ranges_of(problem_of<T>(s));
    return ranges > 1 ? sizeof(float) * (size_t)ranges * (size_t)(s.out_c * TAPS * s.c) : 0;
}

/* parts NULL: there is one part, which is the result. */
template <class T, class Gradients>
static cudaError_t launch(cudaStream_t stream, problem p, const float *x, Gradients gradients,
                          float *parts, float *dweights, float *dbias)
{
    const int ranges = ranges_of(p), weights = p.out_c * TAPS * p.c;
    const dim3 grid((unsigned)ranges, (unsigned)quotient_up(p.c, T::CHANNELS),
                    (unsigned)quotient_up(p.out_c, T::FILTERS));
    const size_t shared = shared_of<T>(p);
    cudaError_t error = cudaFuncSetAttribute(
        sum_ranges<T, Gradients>, cudaFuncAttributeMaxDynamicSharedMemorySize, CNN_SHARED_MOST);
    if (error == cudaSuccess)
        error = cnn_launch(sum_ranges<T, Gradients>, grid, T::THREADS, shared, stream, p, x,
                           gradients, parts ? parts : dweights);
    if (error != cudaSuccess || !parts)
        return error;
    return cnn_launch(add_parts, (unsigned)quotient_up(p.part, CNN_WARP),
                      dim3(CNN_WARP, CNN_BLOCK / CNN_WARP), 0, stream, ranges, p.part, weights,
                      parts, dweights, dbias);
}

template <class T>
static cudaError_t run(cudaStream_t stream, cnn_gpu_convolution s, const float *x, const float *dy,
                       void *space, float *dweights)
{
    const problem p = problem_of<T>(s);
    return launch<T>(stream, p, x, whole_gradients{dy},
                     ranges_of(p) > 1 ? static_cast<float *>(space) : nullptr, dweights, nullptr);
}

/* ---- the tilings --------------------------------------------------------------------------- */

struct entry {
    bool (*fits)(cnn_gpu_convolution s);
    size_t (*workspace)(cnn_gpu_convolution s);
    cudaError_t (*run)(cudaStream_t stream, cnn_gpu_convolution s, const float *x, const float *dy,
                       void *space, float *dweights);
};

template <class T> constexpr entry entry_of()
{
    return {fits<T>, workspace<T>, run<T>};
}

/* Many filters and rows; few. */
static const entry tilings[CNN_GPU_STRIP_WEIGHT_TILINGS] = {
    entry_of<tiling<4, 1, 3>>(),
    entry_of<tiling<2, 4, 1>>(),
};

bool cnn_gpu_strip_weights_fit(int number, cnn_gpu_convolution s)
{
    return cnn_is_same_5x5(s) && tilings[number].fits(s);
}

size_t cnn_gpu_strip_weights_workspace(int number, cnn_gpu_convolution s)
{
    return tilings[number].workspace(s);
}

cudaError_t cnn_gpu_strip_weights(cudaStream_t stream, int number, cnn_gpu_convolution s,
                                  const float *x, const float *dy, void *workspace, float *dweights)
{
    return tilings[number].run(stream, s, x, dy, workspace, dweights);
}

/* ---- from behind a pool -------------------------------------------------------------------- */

typedef tiling<2, 4, 1> unpooling;

static problem unpool_problem(cnn_gpu_convolution s)
{
    problem p = problem_of<unpooling>(s);
    p.part += p.out_c;
    return p;
}

bool cnn_gpu_strips_unpool_weights_fit(cnn_gpu_convolution s, cnn_gpu_windows pool)
{
    const int gradients =
        unpooling::GROUPS * s.w * unpooling::FILTERS / 4; /* float4, one a thread */
    return cnn_is_same_5x5(s) && cnn_is_2x2_pool(s, pool) && gradients <= unpooling::THREADS &&
           fits<unpooling>(s);
}

size_t cnn_gpu_strips_unpool_weights_workspace(cnn_gpu_convolution s)
{
    const problem p = unpool_problem(s);
    return sizeof(float) * (size_t)ranges_of(p) * (size_t)p.part;
}

cudaError_t cnn_gpu_strips_unpool_weights(cudaStream_t stream, cnn_gpu_convolution s,
                                          cnn_gpu_windows pool, const float *x, const float *dy,
                                          const uint8_t *mask, void *workspace, float *dweights,
                                          float *dbias)
{
    const pooled_gradients gradients = {dy, mask, pool.out_h, pool.out_w, nullptr, 0, {}, {}, {}};
    return launch<unpooling>(stream, unpool_problem(s), x, gradients,
                             static_cast<float *>(workspace), dweights, dbias);
}
