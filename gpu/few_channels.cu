/* The gradient of the weights of a 5x5 'same' convolution over one or three channels, for which
 * libraries have only kernels made for many. A thread has one filter and one row of taps, and keeps
 * their sums in registers; a block does rows of images from shared memory; a second kernel adds the
 * blocks' parts up, in their order. */
#include "gpu/gpu_kernels.h"
#include "gpu/launch.cuh"

enum { KERNEL = 5, TAPS = KERNEL * KERNEL, REACH = KERNEL / 2 };
/* Rows of results that a block does at a time; rows of the image that they see. */
enum { BAND = 4, BAND_ROWS = BAND + 2 * REACH };
enum { MAX_THREADS = 1024, MAX_PARTS = 132 };

typedef cnn_gpu_convolution shape;

template <int C>
__device__ static inline void load_rows(shape s, int image, int line, const float *x, float *rows)
{
    const int columns = s.w + 2 * REACH;
    for (int i = (int)threadIdx.x; i < BAND_ROWS * columns * C; i += (int)blockDim.x) {
        const int c = i % C, column = i / C % columns - REACH;
        const int row = i / C / columns + line - REACH;
        const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
        rows[i] =
            inside
                ? x[(((size_t)image * (size_t)s.h + (size_t)row) * (size_t)s.w + (size_t)column) *
                        C +
                    c]
                : 0.0f;
    }
}

/* Threads: filter o of row r of the taps, o fastest. */
template <int C>
static __global__ void sum_bands(shape s, const float *x, const float *dy, float *parts)
{
    cnn_wait_for_previous();
    float *rows = cnn_dynamic_shared<float>();
    const int o = (int)threadIdx.x % s.out_c, r = (int)threadIdx.x / s.out_c;
    const int columns = s.w + 2 * REACH, bands = (s.h + BAND - 1) / BAND;
    float sums[KERNEL * C] = {};
    for (int i = (int)blockIdx.x; i < s.n * bands; i += (int)gridDim.x) {
        const int image = i / bands, line = i % bands * BAND;
        const int lines = s.h - line < BAND ? s.h - line : BAND;
        __syncthreads(); /* the last band is done with */
        load_rows<C>(s, image, line, x, rows);
        __syncthreads();
        const float *slopes =
            dy + ((size_t)image * (size_t)s.h + (size_t)line) * (size_t)s.w * (size_t)s.out_c + o;
        for (int place = 0; r < KERNEL && place < lines * s.w; place++) {
            const float slope = slopes[(size_t)place * (size_t)s.out_c];
            const float *v = rows + ((place / s.w + r) * columns + place % s.w) * C;
            for (int k = 0; k < KERNEL * C; k++)
                sums[k] = fmaf(v[k], slope, sums[k]);
        }
    }
    float *part = parts + (size_t)blockIdx.x * (size_t)(TAPS * C * s.out_c);
    for (int k = 0; r < KERNEL && k < KERNEL * C; k++)
        part[(r * KERNEL * C + k) * s.out_c + o] = sums[k];
}

/* parts [blocks][tap, c, filter] -> dweights [filter, tap, c] */
static __global__ void add_parts(int blocks, int out_c, int taps, const float *parts,
                                 float *dweights)
{
    cnn_wait_for_previous();
    CNN_EACH(i, (size_t)taps * (size_t)out_c)
    {
        double sum = 0.0;
        for (int block = 0; block < blocks; block++)
            sum += (double)parts[(size_t)block * (size_t)taps * (size_t)out_c + i];
        dweights[i % (size_t)out_c * (size_t)taps + i / (size_t)out_c] = (float)sum;
    }
}

static int blocks_of(shape s)
{
    const int bands = s.n * ((s.h + BAND - 1) / BAND);
    return bands < MAX_PARTS ? bands : (int)MAX_PARTS;
}

static size_t shared_bytes(shape s)
{
    return sizeof(float) * (size_t)BAND_ROWS * (size_t)(s.w + 2 * REACH) * (size_t)s.c;
}

bool cnn_gpu_few_fits(shape s)
{
    const size_t shared = 48 * 1024; /* what every kernel may have */
    return s.kernel == KERNEL && s.stride == 1 && s.pad_top == REACH && s.pad_left == REACH &&
           s.out_h == s.h && s.out_w == s.w && (s.c == 1 || s.c == 3) &&
           s.out_c * KERNEL <= MAX_THREADS && shared_bytes(s) <= shared;
}

size_t cnn_gpu_few_workspace(shape s)
{
    return sizeof(float) * (size_t)blocks_of(s) * (size_t)(TAPS * s.c * s.out_c);
}

cudaError_t cnn_gpu_few_backward_weights(cudaStream_t stream, shape s, const float *x,
                                         const float *dy, void *workspace, float *dweights)
{
    float *parts = static_cast<float *>(workspace);
    const int blocks = blocks_of(s), taps = TAPS * s.c;
    const unsigned threads = (unsigned)(s.out_c * KERNEL + CNN_WARP - 1) / CNN_WARP * CNN_WARP;
    const cudaError_t error = cnn_launch(s.c == 1 ? sum_bands<1> : sum_bands<3>, (unsigned)blocks,
                                         threads, shared_bytes(s), stream, s, x, dy, parts);
    if (error != cudaSuccess)
        return error;
    return cnn_launch(add_parts, cnn_grid_for((size_t)taps * (size_t)s.out_c), CNN_BLOCK, 0, stream,
                      blocks, s.out_c, taps, parts, dweights);
}
