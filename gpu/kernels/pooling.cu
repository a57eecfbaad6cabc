/* SPDX-License-Identifier: Apache-2.0 */
/* Pools. Forward: a thread for each result. Backward: a thread for each input, which gathers
 * from the windows that contain it, so that overlapping windows need no atomic additions. */
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/maximum.cuh"

/* Position of item i of [n, rows, columns, c]. */
struct place {
    unsigned image, row, column, channel;
};

__device__ static inline place place_of(size_t i, int rows, int columns, int c)
{
    place p;
    unsigned rest = (unsigned)i;
    p.channel = rest % (unsigned)c;
    rest /= (unsigned)c;
    p.column = rest % (unsigned)columns;
    rest /= (unsigned)columns;
    p.row = rest % (unsigned)rows;
    p.image = rest / (unsigned)rows;
    return p;
}

__device__ static inline size_t index_of(int rows, int columns, int c, unsigned image, int row,
                                         int column, unsigned channel)
{
    return (((size_t)image * (size_t)rows + (size_t)row) * (size_t)columns + (size_t)column) *
               (size_t)c +
           channel;
}

static __global__ void maxpool_forward(size_t size, cnn_gpu_windows w, const float *x,
                                       const float *bias, bool relu, float *y, uint8_t *mask)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const place p = place_of(i, w.out_h, w.out_w, w.c);
        const int top = (int)p.row * w.stride - w.pad_top;
        const int left = (int)p.column * w.stride - w.pad_left;
        const float b = bias ? bias[p.channel] : 0.0f;
        cnn_maximum best;
        for (int r = top < 0 ? -top : 0; r < w.kernel && top + r < w.h; r++)
            for (int k = left < 0 ? -left : 0; k < w.kernel && left + k < w.w; k++)
                best.see(x[index_of(w.h, w.w, w.c, p.image, top + r, left + k, p.channel)] + b,
                         r * w.kernel + k);
        best.leave(relu, &y[i], mask ? &mask[i] : nullptr);
    }
}

/* Windows first .. last hold row (or column) `at`. */
__device__ static inline void holders(int at, int pad, int kernel, int stride, int count,
                                      int *first, int *last)
{
    const int low = at + pad - kernel + 1;
    *first = low <= 0 ? 0 : (low + stride - 1) / stride;
    *last = (at + pad) / stride < count ? (at + pad) / stride : count - 1;
}

static __global__ void maxpool_backward(size_t size, cnn_gpu_windows w, const uint8_t *mask,
                                        const float *dy, float *dx)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const place p = place_of(i, w.h, w.w, w.c);
        int row0, row1, column0, column1;
        holders((int)p.row, w.pad_top, w.kernel, w.stride, w.out_h, &row0, &row1);
        holders((int)p.column, w.pad_left, w.kernel, w.stride, w.out_w, &column0, &column1);
        float sum = 0.0f;
        for (int row = row0; row <= row1; row++)
            for (int column = column0; column <= column1; column++) {
                const int r = (int)p.row + w.pad_top - row * w.stride;
                const int k = (int)p.column + w.pad_left - column * w.stride;
                const size_t from =
                    index_of(w.out_h, w.out_w, w.c, p.image, row, column, p.channel);
                if (mask[from] == r * w.kernel + k)
                    sum += dy[from];
            }
        dx[i] = sum;
    }
}

/* Taps of a window inside the image along one side. */
__device__ static inline int inside(int start, int kernel, int length)
{
    const int first = start < 0 ? 0 : start;
    const int end = start + kernel < length ? start + kernel : length;
    return end - first;
}

static __global__ void avgpool_forward(size_t size, cnn_gpu_windows w, const float *x, float *y)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const place p = place_of(i, w.out_h, w.out_w, w.c);
        const int top = (int)p.row * w.stride - w.pad_top;
        const int left = (int)p.column * w.stride - w.pad_left;
        float sum = 0.0f;
        for (int r = top < 0 ? -top : 0; r < w.kernel && top + r < w.h; r++)
            for (int k = left < 0 ? -left : 0; k < w.kernel && left + k < w.w; k++)
                sum += x[index_of(w.h, w.w, w.c, p.image, top + r, left + k, p.channel)];
        y[i] = sum / (float)(inside(top, w.kernel, w.h) * inside(left, w.kernel, w.w));
    }
}

static __global__ void avgpool_backward(size_t size, cnn_gpu_windows w, const float *dy, float *dx)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        const place p = place_of(i, w.h, w.w, w.c);
        int row0, row1, column0, column1;
        holders((int)p.row, w.pad_top, w.kernel, w.stride, w.out_h, &row0, &row1);
        holders((int)p.column, w.pad_left, w.kernel, w.stride, w.out_w, &column0, &column1);
        float sum = 0.0f;
        for (int row = row0; row <= row1; row++)
            for (int column = column0; column <= column1; column++) {
                const int taps = inside(row * w.stride - w.pad_top, w.kernel, w.h) *
                                 inside(column * w.stride - w.pad_left, w.kernel, w.w);
                sum += dy[index_of(w.out_h, w.out_w, w.c, p.image, row, column, p.channel)] /
                       (float)taps;
            }
        dx[i] = sum;
    }
}

static size_t inputs(int n, cnn_gpu_windows w)
{
    return (size_t)n * (size_t)w.h * (size_t)w.w * (size_t)w.c;
}

static size_t outputs(int n, cnn_gpu_windows w)
{
    return (size_t)n * (size_t)w.out_h * (size_t)w.out_w * (size_t)w.c;
}

cudaError_t cnn_gpu_maxpool_forward(cudaStream_t stream, int n, cnn_gpu_windows w, const float *x,
                                    const float *bias, bool relu, float *y, uint8_t *mask)
{
    const size_t size = outputs(n, w);
    return cnn_launch(maxpool_forward, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, w, x, bias,
                      relu, y, mask);
}

cudaError_t cnn_gpu_maxpool_backward(cudaStream_t stream, int n, cnn_gpu_windows w,
                                     const uint8_t *mask, const float *dy, float *dx)
{
    const size_t size = inputs(n, w);
    return cnn_launch(maxpool_backward, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, w, mask, dy,
                      dx);
}

cudaError_t cnn_gpu_avgpool_forward(cudaStream_t stream, int n, cnn_gpu_windows w, const float *x,
                                    float *y)
{
    const size_t size = outputs(n, w);
    return cnn_launch(avgpool_forward, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, w, x, y);
}

cudaError_t cnn_gpu_avgpool_backward(cudaStream_t stream, int n, cnn_gpu_windows w, const float *dy,
                                     float *dx)
{
    const size_t size = inputs(n, w);
    return cnn_launch(avgpool_backward, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, w, dy, dx);
}
