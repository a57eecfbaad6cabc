/* SPDX-License-Identifier: Apache-2.0 */
/* Weight gradient of a convolution over few input channels. Lanes are filters, so that channels
 * need no padding to a vector's length. */
#include "cpu/kernels/few_channels.h"

#define INLINED static inline __attribute__((always_inline))

typedef float floats16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef float floats8 __attribute__((vector_size(32), aligned(4), may_alias));

/* One row of dy under one row of taps of one channel: its sums stay in registers. */
#define ROW_OF(count)                                                                              \
    INLINED void row##count(int kernel, const cnn_few_channels *f, const float *x,                 \
                            const float *dy, float *dw)                                            \
    {                                                                                              \
        floats##count sum[CNN_FEW_CHANNELS_MAX_KERNEL];                                            \
        for (int kw = 0; kw < kernel; kw++)                                                        \
            sum[kw] = *(const floats##count *)(dw + kw * count);                                   \
        for (int w = 0; w < f->w; w++) {                                                           \
            const floats##count gradient = *(const floats##count *)(dy + (size_t)w * f->block);    \
            for (int kw = 0; kw < kernel; kw++)                                                    \
                sum[kw] += x[(size_t)(w + kw) * f->width] * gradient;                              \
        }                                                                                          \
        for (int kw = 0; kw < kernel; kw++)                                                        \
            *(floats##count *)(dw + kw * count) = sum[kw];                                         \
    }                                                                                              \
    INLINED void image##count(int kernel, const cnn_few_channels *f, const float *x,               \
                              const float *dy, float *dw, float *db)                               \
    {                                                                                              \
        floats##count bias = *(const floats##count *)db;                                           \
        for (int h = 0; h < f->h; h++) {                                                           \
            const float *gradients = dy + (size_t)h * (size_t)f->w * f->block;                     \
            for (int w = 0; w < f->w; w++)                                                         \
                bias += *(const floats##count *)(gradients + (size_t)w * f->block);                \
            for (int kh = 0; kh < kernel; kh++)                                                    \
                for (size_t i = 0; i < f->width; i++)                                              \
                    row##count(kernel, f, x + (size_t)(h + kh) * f->row * f->width + i, gradients, \
                               dw + ((size_t)kh * f->width + i) * (size_t)(kernel * count));       \
        }                                                                                          \
        *(floats##count *)db = bias;                                                               \
    }
ROW_OF(16)
ROW_OF(8)

CNN_KERNEL void cnn_kernel_few_channels_weights(int kernel, int lanes, const cnn_few_channels *f,
                                                const float *x, const float *dy, float *dw,
                                                float *db)
{
    if (lanes == 16 && kernel == 5)
        image16(5, f, x, dy, dw, db);
    else if (lanes == 16)
        image16(3, f, x, dy, dw, db);
    else if (kernel == 5)
        image8(5, f, x, dy, dw, db);
    else
        image8(3, f, x, dy, dw, db);
}
