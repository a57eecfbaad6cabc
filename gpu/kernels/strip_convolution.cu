/* SPDX-License-Identifier: Apache-2.0 */
/* 5x5 'same' convolutions over many channels, and the gradient of their input, which is the same
 * convolution with rotated weights: strips.cuh. */
#include "gpu/kernels/strips.cuh"

/* The gradient through a 2x2 maximum pool [n, out_h, out_w, c]: each value has one place. */
struct pooled_source {
    const float *dy;
    const uint8_t *mask;
    int out_h, out_w;

    /* Of channel 0, and the tap of its window. */
    __device__ inline int find(problem p, int image, int line, int column) const
    {
        return ((image * out_h + line / 2) * out_w + column / 2) * p.c * 4 + line % 2 * 2 +
               column % 2;
    }

    enum { BATCH = 4 };

    /* Four channels of some positions, in registers. */
    struct pending {
        int sources[BATCH];
        float4 v[BATCH];
        uchar4 where[BATCH];
    };

    template <class T>
    __device__ inline void load(problem p, int first, const int *sources, int positions, int start,
                                pending *batch) const
    {
        enum { FOURS = T::STAGE / 4 };
        const int c = first + (int)threadIdx.x % FOURS * 4;
#pragma unroll
        for (int k = 0; k < BATCH; k++) {
            const int i = start + k * (THREADS / FOURS);
            const int source = i < positions && c < p.c ? sources[i] : -1;
            batch->sources[k] = source;
            batch->v[k] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            batch->where[k] = make_uchar4(0, 0, 0, 0);
            if (source >= 0) {
                batch->v[k] = *reinterpret_cast<const float4 *>(dy + source / 4 + c);
                batch->where[k] = *reinterpret_cast<const uchar4 *>(mask + source / 4 + c);
            }
        }
    }

    template <class T>
    __device__ inline void store(problem p, int positions, int start, float *values,
                                 const pending *batch) const
    {
        enum { FOURS = T::STAGE / 4 };
        float *const to = values + (int)threadIdx.x % FOURS * 4 * p.plane;
#pragma unroll
        for (int k = 0; k < BATCH; k++) {
            const int i = start + k * (THREADS / FOURS), tap = batch->sources[k] & 3;
            const uchar4 where = batch->where[k];
            if (i >= positions)
                continue;
            to[i] = where.x == tap ? batch->v[k].x : 0.0f;
            to[p.plane + i] = where.y == tap ? batch->v[k].y : 0.0f;
            to[2 * p.plane + i] = where.z == tap ? batch->v[k].z : 0.0f;
            to[3 * p.plane + i] = where.w == tap ? batch->v[k].w : 0.0f;
        }
    }

    /* Loads of a first batch overlap with the work on the stage before. */
    template <class T>
    __device__ inline void begin(problem p, int first, const int *sources, int positions,
                                 cnn_async_copies *, float *, pending *batch) const
    {
        load<T>(p, first, sources, positions, (int)threadIdx.x / (T::STAGE / 4), batch);
    }

    template <class T>
    __device__ inline void end(problem p, int first, const int *sources, int positions,
                               float *values, pending *batch) const
    {
        enum { STEP = THREADS / (T::STAGE / 4) };
        int start = (int)threadIdx.x / (T::STAGE / 4);
        store<T>(p, positions, start, values, batch);
        for (start += BATCH * STEP; start < positions; start += BATCH * STEP) {
            load<T>(p, first, sources, positions, start, batch);
            store<T>(p, positions, start, values, batch);
        }
    }
};

/* Block (x, y): strips from x STRIPS on, filters from y FILTERS on. */
template <class T, bool TURNED, class Source>
static __global__ void __launch_bounds__(THREADS, 2)
    convolve(problem p, Source source, const float *weights, target to)
{
    cnn_wait_for_previous();
    const int first_strip = (int)blockIdx.x * T::STRIPS, all = p.n * p.h * p.strips;
    const int last_strip = (first_strip + T::STRIPS < all ? first_strip + T::STRIPS : all) - 1;
    const int top = stacked(first_strip / p.strips, p.h) - REACH;
    const block_rows b = {top, stacked(last_strip / p.strips, p.h) + REACH + 1 - top,
                          (int)blockIdx.y * T::FILTERS};
    const place<T> at = place_of<T>((int)threadIdx.x);
    /* A strip past the end repeats the last one and stores nothing. */
    const int mine = first_strip + at.strip < all ? first_strip + at.strip : last_strip;
    const auto store = [&](int i, int f, float4 v) {
        const int strip = first_strip + at.strip, row = strip / p.strips;
        const int column = strip % p.strips * T::S + i, filter = b.filter + f;
        if (row >= p.n * p.h || column >= p.w || filter >= p.out_c)
            return;
        const float4 none = {0.0f, 0.0f, 0.0f, 0.0f};
        const float4 bias = to.bias ? *reinterpret_cast<const float4 *>(to.bias + filter) : none;
        const size_t i_y = ((size_t)row * (size_t)p.w + (size_t)column) * (size_t)p.out_c;
        *reinterpret_cast<float4 *>(to.y + i_y + filter) =
            make_float4(finished(v.x + bias.x, to.relu), finished(v.y + bias.y, to.relu),
                        finished(v.z + bias.z, to.relu), finished(v.w + bias.w, to.relu));
    };
    sum_strip<T, TURNED>(p, b, at, stacked(mine / p.strips, p.h), mine % p.strips, source, weights,
                         store);
}

/* ---- sizes --------------------------------------------------------------------------------- */

/* Rows of stacked images that a block sees at most: its strips span some rows, wherever they
 * begin. */
template <class T> static int rows_at_most(int h, int w)
{
    const int strips = (w + T::S - 1) / T::S, span = (T::STRIPS + strips - 2) / strips + 1;
    return span + (span + h - 2) / h * REACH + 2 * REACH;
}

template <class T> static problem problem_of(int n, int h, int w, int c, int out_c)
{
    return problem_with<T>(n, h, w, c, out_c, rows_at_most<T>(h, w));
}

template <class T, bool TURNED, class Source>
static cudaError_t launch(cudaStream_t stream, problem p, Source source, const float *weights,
                          target to)
{
    const int all = p.n * p.h * p.strips;
    const dim3 grid((unsigned)((all + T::STRIPS - 1) / T::STRIPS),
                    (unsigned)((p.out_c + T::FILTERS - 1) / T::FILTERS));
    return launch_with_shared(convolve<T, TURNED, Source>, grid, shared_of<T>(p), stream, p, source,
                              weights, to);
}

/* ---- the tilings --------------------------------------------------------------------------- */

typedef cnn_gpu_convolution shape;

/* The functions of one tiling. */
struct entry {
    bool (*fits)(int n, int h, int w, int c, int out_c);
    cudaError_t (*run)(cudaStream_t stream, bool turned, shape s, const float *x,
                       const float *weights, target to);
};

template <class T> static bool tiling_fits(int n, int h, int w, int c, int out_c)
{
    const problem p = problem_of<T>(n, h, w, c, out_c);
    return pays<T>(p) && shared_of<T>(p) * sizeof(float) <= CNN_SHARED_MOST;
}

template <class T>
static cudaError_t tiling_run(cudaStream_t stream, bool turned, shape s, const float *x,
                              const float *weights, target to)
{
    if (turned)
        return launch<T, true>(stream, problem_of<T>(s.n, s.h, s.w, s.out_c, s.c), whole_source{x},
                               weights, to);
    return launch<T, false>(stream, problem_of<T>(s.n, s.h, s.w, s.c, s.out_c), whole_source{x},
                            weights, to);
}

template <class T> constexpr entry entry_of()
{
    return {tiling_fits<T>, tiling_run<T>};
}

/* Large images of 50 and 28 columns with many channels; small ones of 25 and 14, which need the
 * more groups the fewer filters they have. */
static const entry tilings[CNN_GPU_STRIP_TILINGS] = {
    entry_of<tiling<10, 8, 64, 1, 4>>(), entry_of<tiling<7, 8, 64, 1, 4>>(),
    entry_of<tiling<7, 8, 64, 2, 2>>(),  entry_of<tiling<7, 4, 32, 4, 2>>(),
    entry_of<tiling<7, 4, 16, 8, 2>>(),  entry_of<tiling<5, 8, 32, 4, 2>>(),
    entry_of<tiling<5, 4, 16, 4, 2>>(),
};

bool cnn_gpu_strips_fit(int number, bool backward, shape s)
{
    return cnn_is_same_5x5(s) &&
           tilings[number].fits(s.n, s.h, s.w, backward ? s.out_c : s.c, backward ? s.c : s.out_c);
}

cudaError_t cnn_gpu_strips_forward(cudaStream_t stream, int number, shape s, const float *x,
                                   const float *weights, const float *bias, bool relu, float *y)
{
    return tilings[number].run(stream, false, s, x, weights, {bias, relu, y});
}

cudaError_t cnn_gpu_strips_backward_data(cudaStream_t stream, int number, shape s, const float *dy,
                                         const float *weights, float *dx)
{
    return tilings[number].run(stream, true, s, dy, weights, {nullptr, false, dx});
}

/* ---- from behind a pool -------------------------------------------------------------------- */

typedef tiling<7, 4, 16, 8, 2> sevens;
typedef tiling<5, 4, 16, 4, 2> fives;

/* Whether strips of seven columns waste no more than strips of five. */
static bool takes_sevens(shape s)
{
    return (s.w + 6) / 7 * 7 <= (s.w + 4) / 5 * 5;
}

bool cnn_gpu_strips_unpool_fit(shape s, cnn_gpu_windows pool)
{
    const size_t pooled = (size_t)s.n * (size_t)pool.out_h * (size_t)pool.out_w * (size_t)s.out_c;
    return cnn_is_same_5x5(s) && cnn_is_2x2_pool(s, pool) && pooled < (size_t)1 << 29 &&
           (takes_sevens(s) ? tiling_fits<sevens> : tiling_fits<fives>)(s.n, s.h, s.w, s.out_c,
                                                                        s.c);
}

template <class T>
static cudaError_t unpool(cudaStream_t stream, shape s, pooled_source source, const float *weights,
                          target to)
{
    return launch<T, true>(stream, problem_of<T>(s.n, s.h, s.w, s.out_c, s.c), source, weights, to);
}

cudaError_t cnn_gpu_strips_unpool_data(cudaStream_t stream, shape s, cnn_gpu_windows pool,
                                       const float *dy, const uint8_t *mask, const float *weights,
                                       float *dx)
{
    const pooled_source source = {dy, mask, pool.out_h, pool.out_w};
    return (takes_sevens(s) ? unpool<sevens> : unpool<fives>)(stream, s, source, weights,
                                                              {nullptr, false, dx});
}
