/* SPDX-License-Identifier: Apache-2.0 */
/* A 5x5 'same' convolution over many channels with its bias, ReLU and 2x2 maximum pool
 * (strips.cuh): a block computes whole lines of windows, keeps the results under them in shared
 * memory, and writes only the maxima and their positions. */
#include "gpu/kernels/strips.cuh"

/* 2x2 maxima of the results; a window may hang over the last row or column. */
struct pooling {
    int out_h, out_w;
    int lines; /* of windows, of a block */
    uint8_t *mask;
};

/* Stacked row of the first row under a line of windows; lines of all images follow each other. */
__host__ __device__ static inline int stacked_line(int line, int h, int out_h)
{
    return line / out_h * (h + REACH) + line % out_h * 2;
}

/* The maximum of a window's results, and the bias: of one filter. */
__device__ static inline float maximum(const float v[4], const bool inside[4], bool relu,
                                       uint8_t *where)
{
    float best = 0.0f;
    int tap = -1;
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (inside[i] && (tap < 0 || v[i] > best || (v[i] != v[i] && best == best))) {
            best = v[i];
            tap = i;
        }
    const bool cut = relu && !(best > 0.0f);
    *where = (uint8_t)(cut ? (int)CNN_GPU_NOWHERE : tap);
    return cut ? 0.0f : best;
}

/* Of the block's results [line][2][columns][FILTERS]: four filters at a time. */
template <class T>
__device__ static inline void pool_block(problem p, pooling q, int filter, const float *results,
                                         target to)
{
    enum { FOURS = T::FILTERS / 4 };
    const int first = (int)blockIdx.x * q.lines, all = p.n * q.out_h, columns = p.strips * T::S;
    const int lines = all - first < q.lines ? all - first : q.lines;
    for (int i = (int)threadIdx.x; i < lines * q.out_w * FOURS; i += THREADS) {
        const int f = i % FOURS * 4, column = i / FOURS % q.out_w, line = i / FOURS / q.out_w;
        if (filter + f >= p.out_c)
            continue;
        const bool below = (first + line) % q.out_h * 2 + 1 < p.h, right = 2 * column + 1 < p.w;
        const bool inside[4] = {true, right, below, below && right};
        const float *from = results + (line * 2 * columns + 2 * column) * T::FILTERS + f;
        float v[4][4], bias[4], y[4]; /* [tap][filter] */
        uint8_t where[4];
        read_four(to.bias + filter + f, bias);
#pragma unroll
        for (int tap = 0; tap < 4; tap++)
            if (inside[tap])
                read_four(from + (tap / 2 * columns + tap % 2) * T::FILTERS, v[tap]);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const float of_filter[4] = {v[0][k] + bias[k], v[1][k] + bias[k], v[2][k] + bias[k],
                                        v[3][k] + bias[k]};
            y[k] = maximum(of_filter, inside, to.relu, &where[k]);
        }
        const size_t i_y =
            ((size_t)(first + line) * (size_t)q.out_w + (size_t)column) * (size_t)p.out_c +
            (size_t)(filter + f);
        *reinterpret_cast<float4 *>(to.y + i_y) = make_float4(y[0], y[1], y[2], y[3]);
        if (q.mask)
            *reinterpret_cast<uchar4 *>(q.mask + i_y) =
                make_uchar4(where[0], where[1], where[2], where[3]);
    }
}

/* Block (x, y): the results under q.lines lines of windows from x q.lines on, with their maxima. */
template <class T>
static __global__ void __launch_bounds__(THREADS, 2)
    convolve_and_pool(problem p, pooling q, const float *x, const float *weights, target to)
{
    cnn_wait_for_previous();
    const int first = (int)blockIdx.x * q.lines, all = p.n * q.out_h;
    const int last = (first + q.lines < all ? first + q.lines : all) - 1;
    const int top = stacked_line(first, p.h, q.out_h) - REACH;
    const block_rows b = {top, stacked_line(last, p.h, q.out_h) + 1 + REACH + 1 - top,
                          (int)blockIdx.y * T::FILTERS};
    const place<T> at = place_of<T>((int)threadIdx.x);
    const int line = first + at.strip / (2 * p.strips);
    const bool exists = line <= last;
    const int row = stacked_line(exists ? line : last, p.h, q.out_h) + at.strip / p.strips % 2;
    float *const results = cnn_dynamic_shared<float>() + p.plane + T::GROUPED;
    const auto keep = [&](int i, int f, float4 v) {
        if (exists)
            *reinterpret_cast<float4 *>(results + (at.strip * T::S + i) * T::FILTERS + f) = v;
    };
    sum_strip<T, false>(p, b, at, row, at.strip % p.strips, whole_source{x}, weights, keep);
    __syncthreads();
    pool_block<T>(p, q, b.filter, results, to);
}

/* ---- sizes --------------------------------------------------------------------------------- */

/* Two rows of strips are a line of windows. */
template <class T> static int lines_of(int w)
{
    return T::STRIPS / (2 * ((w + T::S - 1) / T::S));
}

/* Rows of stacked images that a block sees at most: images may end within it, and an odd row below
 * the last one counts as well. */
template <class T> static problem problem_of(cnn_gpu_convolution s, cnn_gpu_windows pool)
{
    const int lines = lines_of<T>(s.w);
    const int ends = (lines - 1 + pool.out_h - 1) / pool.out_h;
    return problem_with<T>(s.n, s.h, s.w, s.c, s.out_c, 2 * lines + ends * REACH + 2 * REACH);
}

template <class T> static size_t shared_with_results(problem p)
{
    const size_t results = (size_t)T::STRIPS * T::S * T::FILTERS;
    const size_t before = shared_of<T>(p), end = (size_t)p.plane + T::GROUPED + results;
    return before > end ? before : end;
}

template <class T> static bool tiling_fits(cnn_gpu_convolution s, cnn_gpu_windows pool)
{
    const problem p = problem_of<T>(s, pool);
    return lines_of<T>(s.w) > 0 && pays<T>(p) &&
           shared_with_results<T>(p) * sizeof(float) <= CNN_SHARED_MOST;
}

template <class T>
static cudaError_t tiling_run(cudaStream_t stream, cnn_gpu_convolution s, cnn_gpu_windows pool,
                              const float *x, const float *weights, target to, uint8_t *mask)
{
    const problem p = problem_of<T>(s, pool);
    const pooling q = {pool.out_h, pool.out_w, lines_of<T>(s.w), mask};
    const dim3 grid((unsigned)((s.n * pool.out_h + q.lines - 1) / q.lines),
                    (unsigned)((s.out_c + T::FILTERS - 1) / T::FILTERS));
    return launch_with_shared(convolve_and_pool<T>, grid, shared_with_results<T>(p), stream, p, q,
                              x, weights, to);
}

/* ---- the tilings --------------------------------------------------------------------------- */

struct entry {
    bool (*fits)(cnn_gpu_convolution s, cnn_gpu_windows pool);
    cudaError_t (*run)(cudaStream_t stream, cnn_gpu_convolution s, cnn_gpu_windows pool,
                       const float *x, const float *weights, target to, uint8_t *mask);
};

template <class T> constexpr entry entry_of()
{
    return {tiling_fits<T>, tiling_run<T>};
}

static const entry tilings[CNN_GPU_STRIP_POOL_TILINGS] = {
    entry_of<tiling<7, 4, 32, 4, 2>>(),
    entry_of<tiling<7, 4, 16, 8, 2>>(),
};

bool cnn_gpu_strips_pool_fit(int number, cnn_gpu_convolution s, cnn_gpu_windows pool)
{
    return cnn_is_same_5x5(s) && cnn_is_2x2_pool(s, pool) && tilings[number].fits(s, pool);
}

cudaError_t cnn_gpu_strips_forward_pool(cudaStream_t stream, int number, cnn_gpu_convolution s,
                                        cnn_gpu_windows pool, const float *x, const float *weights,
                                        const float *bias, bool relu, float *y, uint8_t *mask)
{
    return tilings[number].run(stream, s, pool, x, weights, {bias, relu, y}, mask);
}
