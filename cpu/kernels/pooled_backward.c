/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/pooled_backward.h"

#define INLINED static inline __attribute__((always_inline))

/* 16 values that need not be aligned; smaller instruction sets split them. */
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));

/* Macros: a function that returns such a vector would need the largest instruction set. */
#define LOAD(p)     (*(const lanes *)(p))
#define STORE(p, v) (*(lanes *)(p) = (v))

INLINED void sort_filters(int filters, const cnn_grid *out, int row, const uint8_t *where,
                          const float *dy, cnn_pooled_entry *lists, int *counts, double *bias)
{
    const size_t length = (size_t)out->h * (size_t)out->w + 1;
    const uint32_t corner[CNN_NOWHERE + 1] = {0, 1, (uint32_t)row, (uint32_t)row + 1, 0};
    size_t count[CNN_POOLED_FILTERS] = {0}; /* local, so that they stay in registers */
    double sum[CNN_POOLED_FILTERS] = {0};
    for (int h = 0; h < out->h; h++) {
        for (int w = 0; w < out->w; w++) {
            const uint32_t first = (uint32_t)(2 * h * row + 2 * w);
            for (int f = 0; f < filters; f++) {
                /* Every entry is written and the count decides which are kept: a branch would be
                 * mispredicted. */
                cnn_pooled_entry *to = lists + (size_t)f * length + count[f];
                const bool counts_here = (where[f] != CNN_NOWHERE) & (dy[f] != 0);
                to->at = first + corner[where[f]];
                to->gradient = dy[f];
                sum[f] += (double)dy[f] * counts_here;
                count[f] += counts_here;
            }
            where += out->block;
            dy += out->block;
        }
    }
    for (int f = 0; f < filters; f++) {
        counts[f] = (int)count[f];
        bias[f] += sum[f];
    }
}

void cnn_kernel_pooled_filters(int filters, const cnn_grid *out, int row, const uint8_t *where,
                               const float *dy, cnn_pooled_entry *lists, int *counts, double *bias)
{
    if (filters == CNN_POOLED_FILTERS)
        sort_filters(CNN_POOLED_FILTERS, out, row, where, dy, lists, counts, bias);
    else
        sort_filters(filters, out, row, where, dy, lists, counts, bias);
}

/* One row of taps at a time: its sums stay in registers for the whole list. */
INLINED void weights_rows(int kernel, int row, const cnn_pooled_entry *list, int count,
                          const float *x, float *dw)
{
    for (int kh = 0; kh < kernel; kh++) {
        lanes sum[CNN_POOLED_MAX_KERNEL];
        float *to = dw + kh * kernel * CNN_POOLED_LANES;
        const float *taps = x + (size_t)kh * (size_t)row * CNN_POOLED_LANES;
        for (int kw = 0; kw < kernel; kw++)
            sum[kw] = LOAD(to + kw * CNN_POOLED_LANES);
        for (int i = 0; i < count; i++) {
            const float *p = taps + (size_t)list[i].at * CNN_POOLED_LANES;
            for (int kw = 0; kw < kernel; kw++)
                sum[kw] += list[i].gradient * LOAD(p + kw * CNN_POOLED_LANES);
        }
        for (int kw = 0; kw < kernel; kw++)
            STORE(to + kw * CNN_POOLED_LANES, sum[kw]);
    }
}

CNN_KERNEL void cnn_kernel_pooled_weights(int kernel, int row, const cnn_pooled_entry *list,
                                          int count, const float *x, float *dw)
{
    if (kernel == 5)
        weights_rows(5, row, list, count, x, dw);
    else
        weights_rows(3, row, list, count, x, dw);
}

INLINED void weights_few(int kernel, int row, int width, const cnn_pooled_entry *list, int count,
                         const float *x, float *dw)
{
    lanes sum[CNN_POOLED_MAX_KERNEL];
    const size_t step = (size_t)row * (size_t)width;
    for (int kh = 0; kh < kernel; kh++)
        sum[kh] = LOAD(dw + kh * CNN_POOLED_LANES);
    for (int i = 0; i < count; i++) {
        const float *p = x + (size_t)list[i].at * (size_t)width;
        for (int kh = 0; kh < kernel; kh++)
            sum[kh] += list[i].gradient * LOAD(p + (size_t)kh * step);
    }
    for (int kh = 0; kh < kernel; kh++)
        STORE(dw + kh * CNN_POOLED_LANES, sum[kh]);
}

CNN_KERNEL void cnn_kernel_pooled_weights_few_channels(int kernel, int row, int width,
                                                       const cnn_pooled_entry *list, int count,
                                                       const float *x, float *dw)
{
    if (kernel == 5)
        weights_few(5, row, width, list, count, x, dw);
    else
        weights_few(3, row, width, list, count, x, dw);
}

/* ---- by pixel ------------------------------------------------------------------------------ */

/* Sorts the gradients of one window by the pixel they belong to: room [4 + 1, c]. */
static void sort_window(const cnn_grid *out, const uint8_t *where, const float *dy,
                        cnn_pooled_entry *room, int *counts)
{
    const size_t plane = cnn_grid_plane(out);
    for (int b = 0; b < out->blocks; b++) {
        const int some = cnn_grid_lanes(out, b);
        for (int i = 0; i < some; i++) {
            const float gradient = dy[(size_t)b * plane + (size_t)i];
            const int q = gradient != 0 ? where[(size_t)b * plane + (size_t)i] : CNN_NOWHERE;
            cnn_pooled_entry *to = room + q * out->c + counts[q];
            to->at = (uint32_t)(b * out->block + i);
            to->gradient = gradient;
            counts[q]++;
        }
    }
}

int cnn_kernel_pooled_pixels(const cnn_grid *out, int row, const uint8_t *where, const float *dy,
                             cnn_pooled_pixel *pixels, cnn_pooled_entry *entries,
                             cnn_pooled_entry *room)
{
    int count = 0, used = 0;
    for (int h = 0; h < out->h; h++) {
        for (int w = 0; w < out->w; w++) {
            int counts[CNN_NOWHERE + 1] = {0};
            sort_window(out, where, dy, room, counts);
            for (int q = 0; q < CNN_NOWHERE; q++) {
                if (counts[q] == 0)
                    continue;
                pixels[count++] = (cnn_pooled_pixel){
                    .at = (uint32_t)((2 * h + (q >> 1)) * row + 2 * w + (q & 1)),
                    .begin = used,
                    .end = used + counts[q],
                };
                memcpy(entries + used, room + q * out->c, (size_t)counts[q] * sizeof *entries);
                used += counts[q];
            }
            where += out->block;
            dy += out->block;
        }
    }
    return count;
}

INLINED void data_rows(int kernel, int row, int filters, const cnn_pooled_pixel *pixels, int count,
                       const cnn_pooled_entry *entries, const float *weights, float *dx)
{
    const size_t step = (size_t)kernel * CNN_POOLED_LANES;
    for (int kh = 0; kh < kernel; kh++) {
        const float *from = weights + (size_t)kh * (size_t)filters * step;
        float *taps = dx + (size_t)kh * (size_t)row * CNN_POOLED_LANES;
        for (int i = 0; i < count; i++) {
            lanes sum[CNN_POOLED_MAX_KERNEL];
            float *to = taps + (size_t)pixels[i].at * CNN_POOLED_LANES;
            for (int kw = 0; kw < kernel; kw++)
                sum[kw] = LOAD(to + kw * CNN_POOLED_LANES);
            for (int e = pixels[i].begin; e < pixels[i].end; e++) {
                const float *w = from + (size_t)entries[e].at * step;
                for (int kw = 0; kw < kernel; kw++)
                    sum[kw] += entries[e].gradient * LOAD(w + kw * CNN_POOLED_LANES);
            }
            for (int kw = 0; kw < kernel; kw++)
                STORE(to + kw * CNN_POOLED_LANES, sum[kw]);
        }
    }
}

CNN_KERNEL void cnn_kernel_pooled_data(int kernel, int row, int filters,
                                       const cnn_pooled_pixel *pixels, int count,
                                       const cnn_pooled_entry *entries, const float *weights,
                                       float *dx)
{
    if (kernel == 5)
        data_rows(5, row, filters, pixels, count, entries, weights, dx);
    else
        data_rows(3, row, filters, pixels, count, entries, weights, dx);
}
