/* SPDX-License-Identifier: Apache-2.0 */
/** 5x5 'same' convolutions over many channels by register-tiled direct convolution in single
 *  precision: the work of a block of threads on its strips.
 *
 * A strip is S neighbouring results of a row. A thread has a strip of F filters in registers; for a
 * row of taps of one channel it reads S + 4 values of the image and 5 F weights, and does 5 S F
 * multiply-adds with them. A block computes FILTERS filters of consecutive strips, in the order of
 * image, row, strip and across images, so that all blocks have equal work. Its threads
 * form GROUPS groups with a share of the channels each, whose sums are added up at the end, in the
 * order of the groups: small images have too few results to fill a GPU otherwise. Groups take
 * CHANNELS channels at a time; while they are worked on, the next are copied to shared memory. */
#ifndef CNN_GPU_KERNELS_STRIPS_CUH
#define CNN_GPU_KERNELS_STRIPS_CUH

#include "gpu/kernels/async_copy.cuh"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/same_5x5.h"

enum { KERNEL = 5, TAPS = KERNEL * KERNEL, REACH = KERNEL / 2 };
enum { THREADS = CNN_BLOCK };

template <int S_, int F_, int FILTERS_, int GROUPS_, int CHANNELS_> struct tiling {
    enum {
        S = S_,
        F = F_,
        FILTERS = FILTERS_,
        GROUPS = GROUPS_,
        CHANNELS = CHANNELS_,
        STAGE = GROUPS * CHANNELS, /* channels in shared memory at a time */
        GROUP = THREADS / GROUPS,  /* threads of a group */
        ACROSS = FILTERS / F,      /* of them, beside each other: of one strip */
        STRIPS = GROUP / ACROSS,   /* strips of a block */
        WINDOW =
            (S + 2 * REACH + 3) / 4 * 4, /* values under a strip's row, room for whole float4 */
        /* Paddings let the channels of a pixel, which are copied beside each other, lie in
         * different banks. */
        PADDING = 32 / STAGE > 4 ? 32 / STAGE : 4,
        WEIGHTS = TAPS * FILTERS + PADDING,       /* floats of a channel */
        GROUPED = GROUPS > 1 ? THREADS *S *F : 0, /* floats of the groups' sums */
    };
    static_assert(F == 4 || F == 8, "filters of a thread are one or two float4");
    static_assert(THREADS % STAGE == 0 && GROUP % CNN_WARP == 0, "warps are of one group");
};

/* x [n, h, w, c] -> y [n, h, w, out_c]. */
struct problem {
    int n, h, w, c, out_c;
    int strips; /* of a row */
    int plane;  /* floats of a channel's values in shared memory */
};

/* Images lie below each other with REACH rows of zeros between them; the row of all rows. */
__host__ __device__ static inline int stacked(int row, int h)
{
    return row + row / h * REACH;
}

/* For each float of a plane, where the source has it; -1: it is zero. */
template <class T, class Source>
__device__ static inline void find_sources(problem p, Source source, int first_row, int rows,
                                           int *sources)
{
    for (int i = (int)threadIdx.x; i < rows * p.strips * T::WINDOW; i += THREADS) {
        const int strip = i / T::WINDOW % p.strips;
        const int row = first_row + i / T::WINDOW / p.strips;
        const int column = strip * T::S + i % T::WINDOW - REACH;
        const int image = row < 0 ? 0 : row / (p.h + REACH), line = row - image * (p.h + REACH);
        const bool inside = line >= 0 && line < p.h && image < p.n && column >= 0 && column < p.w &&
                            i % T::WINDOW < T::S + 2 * REACH;
        sources[i] = inside ? source.find(p, image, line, column) : -1;
    }
}

/* A tensor [n, h, w, c]. */
struct whole_source {
    const float *x;

    /* Of channel 0. */
    __device__ inline int find(problem p, int image, int line, int column) const
    {
        return ((image * p.h + line) * p.w + column) * p.c;
    }

    struct pending {
    };

    /* Starts the copies of channels first .. first + STAGE - 1 of the block's values. */
    template <class T>
    __device__ inline void begin(problem p, int first, const int *sources, int positions,
                                 cnn_async_copies *copies, float *values, pending *) const
    {
        const int c = (int)threadIdx.x % T::STAGE;
        const bool exists = first + c < p.c;
#pragma unroll 2 /* the sums need the registers */
        for (int i = (int)threadIdx.x / T::STAGE; i < positions; i += THREADS / T::STAGE) {
            const bool inside = exists && sources[i] >= 0;
            copies->one_float(values + c * p.plane + i, inside ? x + sources[i] + first + c : x,
                              inside);
        }
    }

    /* They need no more than to be waited for. */
    template <class T>
    __device__ inline void end(problem, int, const int *, int, float *, pending *) const
    {
    }
};

/* weights [out_c, tap, c] -> [STAGE][tap][FILTERS] */
template <class T>
__device__ static inline void copy_weights(problem p, int first, int filter, const float *weights,
                                           cnn_async_copies *copies, float *to)
{
    enum { LANES = THREADS / T::STAGE, STEP = LANES < T::FILTERS ? LANES : T::FILTERS };
    const int c = (int)threadIdx.x % T::STAGE, lane = (int)threadIdx.x / T::STAGE;
    for (int f = lane % STEP; f < T::FILTERS; f += STEP) {
        const bool inside = first + c < p.c && filter + f < p.out_c;
        const float *from = inside ? weights + (filter + f) * TAPS * p.c + first + c : weights;
#pragma unroll 2
        for (int tap = lane / STEP; tap < TAPS; tap += LANES / STEP)
            copies->one_float(to + c * T::WEIGHTS + tap * T::FILTERS + f,
                              inside ? from + tap * p.c : weights, inside);
    }
}

/* The same from weights [c, tap, out_c], taps in reverse. */
template <class T>
__device__ static inline void copy_turned_weights(problem p, int first, int filter,
                                                  const float *weights, cnn_async_copies *copies,
                                                  float *to)
{
    enum { FOURS = T::FILTERS / 4 };
    const int f = (int)threadIdx.x % FOURS * 4;
#pragma unroll 2
    for (int i = (int)threadIdx.x / FOURS; i < T::STAGE * TAPS; i += THREADS / FOURS) {
        const int c = i / TAPS, tap = i % TAPS;
        const bool inside = first + c < p.c && filter + f < p.out_c;
        copies->four_floats(
            to + c * T::WEIGHTS + (TAPS - 1 - tap) * T::FILTERS + f,
            inside ? weights + ((first + c) * TAPS + tap) * p.out_c + filter + f : weights, inside);
    }
}

__device__ static inline void read_four(const float *from, float *to)
{
    const float4 v = *reinterpret_cast<const float4 *>(from);
    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
    to[3] = v.w;
}

/* Adds a group's CHANNELS channels to its sums. values and weights: where the thread's begin. */
template <class T>
__device__ static inline void multiply(const float *values, int row_pitch, int plane,
                                       const float *weights, float sums[T::S][T::F])
{
#pragma unroll 1
    for (int c = 0; c < T::CHANNELS; c++) {
        const float *row = values + c * plane, *taps = weights + c * T::WEIGHTS;
#pragma unroll 1
        for (int r = 0; r < KERNEL; r++) {
            float v[T::WINDOW];
#pragma unroll
            for (int i = 0; i < T::WINDOW; i += 4)
                read_four(row + i, v + i);
#pragma unroll
            for (int k = 0; k < KERNEL; k++) {
                float w[T::F];
                read_four(taps + k * T::FILTERS, w);
                if (T::F == 8)
                    read_four(taps + k * T::FILTERS + T::FILTERS / 2, w + T::F - 4);
#pragma unroll
                for (int i = 0; i < T::S; i++)
#pragma unroll
                    for (int f = 0; f < T::F; f++)
                        sums[i][f] = fmaf(v[i + k], w[f], sums[i][f]);
            }
            row += row_pitch;
            taps += KERNEL * T::FILTERS;
        }
    }
}

/* A thread's place in its group: strips and filters alternate within a warp, so that lanes
 * read shared values once. */
template <class T> struct place {
    int group, strip, filter; /* of its first float4; the second is FILTERS / 2 further */
};

template <class T> __device__ static inline place<T> place_of(int thread)
{
    const int in_group = thread % T::GROUP;
    const int pair = in_group / (2 * T::ACROSS), rest = in_group % (2 * T::ACROSS);
    return {thread / T::GROUP, 2 * pair + rest % 2, rest / 2 * 4};
}

/* Adds the groups' sums up through shared memory [group][float4][thread], in order; each group
 * passes on a part of them: finish(column of the strip, filter in the block, four filters'
 * sums). */
template <class T, class Finish>
__device__ static inline void add_groups(place<T> at, const float sums[T::S][T::F], float4 *shared,
                                         Finish finish)
{
    enum { FOURS = T::S * T::F / 4 };
    const int thread = (int)threadIdx.x % T::GROUP;
    __syncthreads(); /* no thread reads the last stage any more */
#pragma unroll
    for (int i = 0; i < FOURS; i++) {
        const float *v = sums[i * 4 / T::F] + i * 4 % T::F;
        shared[(at.group * FOURS + i) * T::GROUP + thread] = make_float4(v[0], v[1], v[2], v[3]);
    }
    __syncthreads();
    for (int i = at.group; i < FOURS; i += T::GROUPS) {
        float4 sum = shared[i * T::GROUP + thread];
#pragma unroll
        for (int group = 1; group < T::GROUPS; group++) {
            const float4 v = shared[(group * FOURS + i) * T::GROUP + thread];
            sum.x += v.x;
            sum.y += v.y;
            sum.z += v.z;
            sum.w += v.w;
        }
        finish(i * 4 / T::F, at.filter + (i * 4 % T::F ? T::FILTERS / 2 : 0), sum);
    }
}

/* Passes the thread's sums on, if there is one group. */
template <class T, class Finish>
__device__ static inline void pass_on(place<T> at, const float sums[T::S][T::F], Finish finish)
{
#pragma unroll
    for (int i = 0; i < T::S; i++)
#pragma unroll
        for (int f = 0; f < T::F; f += 4)
            finish(i, at.filter + (f ? T::FILTERS / 2 : 0),
                   make_float4(sums[i][f], sums[i][f + 1], sums[i][f + 2], sums[i][f + 3]));
}

/* A block's work. */
struct block_rows {
    int top, count; /* stacked rows of its results' windows, REACH above the first result */
    int filter;     /* the first one */
};

/* The sums of the thread's strip, which is number `strip` of stacked row `row`; finished by its
 * group, or by all. Shared memory: the sources, then one or two stages of values and weights. */
template <class T, bool TURNED, class Source, class Finish>
__device__ static inline void sum_strip(problem p, block_rows b, place<T> at, int row, int strip,
                                        Source source, const float *weights, Finish finish)
{
    const int pitch = p.strips * T::WINDOW, positions = b.count * pitch;
    int *sources = cnn_dynamic_shared<int>();
    float *const stages = reinterpret_cast<float *>(sources + p.plane);
    const int stage_size = T::STAGE * (p.plane + T::WEIGHTS);
    cnn_async_copies copies;
    typename Source::pending pending;
    find_sources<T>(p, source, b.top, b.count, sources);
    __syncthreads();

    const float *const mine = stages + at.group * T::CHANNELS * p.plane +
                              (row - REACH - b.top) * pitch + strip * T::WINDOW;
    const float *const my_weights =
        stages + T::STAGE * p.plane + at.group * T::CHANNELS * T::WEIGHTS + at.filter;
    float sums[T::S][T::F] = {};
    const int count = (p.c + T::STAGE - 1) / T::STAGE;
    for (int i = -1; i < count; i++) {
        if (i >= 0) {
            copies.wait();
            __syncthreads(); /* stage i has arrived, and no thread reads stage i - 1 */
        }
        const int next = i + 1;
        float *const to = stages + next % 2 * stage_size;
        if (next < count) {
            source.template begin<T>(p, next * T::STAGE, sources, positions, &copies, to, &pending);
            if (TURNED)
                copy_turned_weights<T>(p, next * T::STAGE, b.filter, weights, &copies,
                                       to + T::STAGE * p.plane);
            else
                copy_weights<T>(p, next * T::STAGE, b.filter, weights, &copies,
                                to + T::STAGE * p.plane);
        }
        if (i >= 0)
            multiply<T>(mine + i % 2 * stage_size, pitch, p.plane, my_weights + i % 2 * stage_size,
                        sums);
        if (next < count)
            source.template end<T>(p, next * T::STAGE, sources, positions, to, &pending);
    }
    if constexpr (T::GROUPS > 1)
        add_groups<T>(at, sums, reinterpret_cast<float4 *>(stages), finish);
    else
        pass_on<T>(at, sums, finish);
}

/* Destination of results, and the operations before the store. */
struct target {
    const float *bias; /* or NULL */
    bool relu;
    float *y;
};

__device__ static inline float finished(float v, bool relu)
{
    return relu && !(v > 0.0f) ? 0.0f : v;
}

/* Floats of shared memory before the results of a block. */
template <class T> static size_t shared_of(problem p)
{
    const size_t stages = p.c > T::STAGE ? 2 : 1;
    const size_t staged = stages * T::STAGE * ((size_t)p.plane + T::WEIGHTS);
    return (size_t)p.plane + (staged > (size_t)T::GROUPED ? staged : (size_t)T::GROUPED);
}

/* The problem for a block that covers at most so many stacked rows. */
template <class T> static problem problem_with(int n, int h, int w, int c, int out_c, int rows)
{
    problem p = {n, h, w, c, out_c, (w + T::S - 1) / T::S, 0};
    p.plane = (rows * p.strips * T::WINDOW + 31) / 32 * 32 + T::PADDING;
    return p;
}

/* Whether strips cover rows of w, and blocks the filters, without wasting half of them. */
template <class T> static bool pays(problem p)
{
    const int columns = p.strips * T::S;
    const int filters = (p.out_c + T::FILTERS - 1) / T::FILTERS * T::FILTERS;
    return 5 * columns <= 8 * p.w && 5 * filters <= 8 * p.out_c;
}

/* Launches a kernel that may need more than the default shared memory. */
template <class... P, class... A>
static cudaError_t launch_with_shared(void (*kernel)(P...), dim3 grid, size_t floats,
                                      cudaStream_t stream, A &&...args)
{
    const size_t bytes = floats * sizeof(float);
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, CNN_SHARED_MOST);
    if (error != cudaSuccess)
        return error;
    return cnn_launch(kernel, grid, THREADS, bytes, stream, std::forward<A>(args)...);
}

#endif
