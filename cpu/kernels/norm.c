/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation's loops over `count` vectors of channels, `block` values apart. Each handles
 * groups of up to GROUP channels, so that their sums stay in registers. */
#include "cpu/kernels/blocked.h"

enum { GROUP = 16 };

#define INLINED static inline __attribute__((always_inline))

/* Calls f(lanes, ...) for each group of channels; lanes is a constant where a group is full. */
#define FOR_GROUPS(lanes, f, ...)                                                                  \
    do {                                                                                           \
        int base = 0;                                                                              \
        for (; base + GROUP <= (lanes); base += GROUP)                                             \
            f(GROUP, base, __VA_ARGS__);                                                           \
        if (base < (lanes))                                                                        \
            f((lanes)-base, base, __VA_ARGS__);                                                    \
    } while (0)

INLINED void sum_group(int lanes, int base, size_t count, int block, const float *x, double *sum)
{
    double s[GROUP] = {0};
    x += base;
    for (size_t p = 0; p < count; p++, x += block)
        for (int i = 0; i < lanes; i++)
            s[i] += (double)x[i];
    for (int i = 0; i < lanes; i++)
        sum[base + i] += s[i];
}

CNN_KERNEL void cnn_kernel_lane_sum(size_t count, int lanes, int block, const float *x, double *sum)
{
    FOR_GROUPS(lanes, sum_group, count, block, x, sum);
}

INLINED void squares_group(int lanes, int base, size_t count, int block, const float *x,
                           const float *mean, double *sum)
{
    double s[GROUP] = {0};
    x += base;
    mean += base;
    for (size_t p = 0; p < count; p++, x += block)
        for (int i = 0; i < lanes; i++) {
            const double d = (double)(x[i] - mean[i]);
            s[i] += d * d;
        }
    for (int i = 0; i < lanes; i++)
        sum[base + i] += s[i];
}

CNN_KERNEL void cnn_kernel_lane_squares(size_t count, int lanes, int block, const float *x,
                                        const float *mean, double *sum)
{
    FOR_GROUPS(lanes, squares_group, count, block, x, mean, sum);
}

INLINED void affine_group(int lanes, int base, size_t count, int block, bool relu,
                          const float *restrict x, const float *mean, const float *scale,
                          const float *shift, float *restrict y)
{
    for (size_t p = 0; p < count; p++) {
        const size_t at = p * (size_t)block + (size_t)base;
        for (int i = 0; i < lanes; i++) {
            const float v =
                (x[at + (size_t)i] - mean[base + i]) * scale[base + i] + shift[base + i];
            y[at + (size_t)i] = relu && !(v > 0) ? 0 : v;
        }
    }
}

CNN_KERNEL void cnn_kernel_lane_affine(size_t count, int lanes, int block, bool relu,
                                       const float *x, const float *mean, const float *scale,
                                       const float *shift, float *y)
{
    if (relu)
        FOR_GROUPS(lanes, affine_group, count, block, true, x, mean, scale, shift, y);
    else
        FOR_GROUPS(lanes, affine_group, count, block, false, x, mean, scale, shift, y);
}

INLINED void products_group(int lanes, int base, size_t count, int block, const float *x,
                            const float *dy, const float *mean, double *sum, double *product)
{
    double s[GROUP] = {0}, t[GROUP] = {0};
    for (size_t p = 0; p < count; p++) {
        const size_t at = p * (size_t)block + (size_t)base;
        for (int i = 0; i < lanes; i++) {
            const float d = dy[at + (size_t)i];
            s[i] += (double)d;
            t[i] += (double)d * (double)(x[at + (size_t)i] - mean[base + i]);
        }
    }
    for (int i = 0; i < lanes; i++) {
        sum[base + i] += s[i];
        product[base + i] += t[i];
    }
}

CNN_KERNEL void cnn_kernel_lane_products(size_t count, int lanes, int block, const float *x,
                                         const float *dy, const float *mean, double *sum,
                                         double *product)
{
    FOR_GROUPS(lanes, products_group, count, block, x, dy, mean, sum, product);
}

INLINED void backward_group(int lanes, int base, size_t count, int block, const float *x,
                            const float *dy, bool mask, const cnn_norm_backward *k, float *dx)
{
    for (size_t p = 0; p < count; p++) {
        const size_t at = p * (size_t)block + (size_t)base;
        for (int i = 0; i < lanes; i++) {
            const float v = x[at + (size_t)i];
            const float d = dy[at + (size_t)i];
            const float r =
                k->a[base + i] * d + k->b[base + i] * (v - k->mean[base + i]) + k->c[base + i];
            dx[at + (size_t)i] = !mask || v > 0 ? r : 0;
        }
    }
}

CNN_KERNEL void cnn_kernel_lane_backward(size_t count, int lanes, int block, const float *x,
                                         const float *dy, bool mask, const cnn_norm_backward *k,
                                         float *dx)
{
    if (mask)
        FOR_GROUPS(lanes, backward_group, count, block, x, dy, true, k, dx);
    else
        FOR_GROUPS(lanes, backward_group, count, block, x, dy, false, k, dx);
}
