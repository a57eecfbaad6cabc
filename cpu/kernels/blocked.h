/* SPDX-License-Identifier: Apache-2.0 */
/** Own kernels on the blocked activations of the native path; see kernels.h for how they are
 *  compiled. Each works on one plane ([H, W, lanes], one block of one image) or one image. */
#ifndef CNN_CPU_KERNELS_BLOCKED_H
#define CNN_CPU_KERNELS_BLOCKED_H

#include "cpu/kernels/kernels.h"
#include "nn/native/grid.h"

/* ---- pool.c ------------------------------------------------------------------------ */

typedef struct {
    int in_h, in_w, out_h, out_w;
    int kernel, stride, pad_top, pad_left;
} cnn_window;

/** `where` of a window whose maximum the ReLU sets to 0: it has no gradient. */
enum { CNN_NOWHERE = 4 };

/** 2x2 maximum, stride 2. where u8: 0 to 3 in row order. relu: x is a ReLU's result. */
void cnn_kernel_pool_2x2_forward(const cnn_window *p, int lanes, bool relu, const float *x,
                                 float *y, uint8_t *where);
void cnn_kernel_pool_2x2_backward(const cnn_window *p, int lanes, const float *dy,
                                  const uint8_t *where, float *dx);
/** Any window. where i32: row * width + column, -1 for nowhere. */
void cnn_kernel_max_forward(const cnn_window *p, int lanes, bool relu, const float *x, float *y,
                            int32_t *where);
void cnn_kernel_max_backward(const cnn_window *p, int lanes, const float *dy, const int32_t *where,
                             float *dx);
void cnn_kernel_average_forward(const cnn_window *p, int lanes, const float *x, float *y);
void cnn_kernel_average_backward(const cnn_window *p, int lanes, const float *dy, float *dx);

/* ---- norm.c ------------------------------------------------------------------------ */

/* All over `count` vectors of `lanes` channels that lie `block` values apart. */

/** Adds the sums to sum [lanes]. */
void cnn_kernel_lane_sum(size_t count, int lanes, int block, const float *x, double *sum);
/** Adds the sums of (x - mean)^2. */
void cnn_kernel_lane_squares(size_t count, int lanes, int block, const float *x, const float *mean,
                             double *sum);
/** y = (x - mean) * scale + shift, then max(., 0) with relu. */
void cnn_kernel_lane_affine(size_t count, int lanes, int block, bool relu, const float *x,
                            const float *mean, const float *scale, const float *shift, float *y);
/** Adds the sums of dy and of dy * (x - mean). */
void cnn_kernel_lane_products(size_t count, int lanes, int block, const float *x, const float *dy,
                              const float *mean, double *sum, double *product);

typedef struct {
    const float *mean, *a, *b, *c; /* [lanes] */
} cnn_norm_backward;

/** dx = a dy + b (x - mean) + c; with mask, 0 where x, a ReLU's result, is not above 0. */
void cnn_kernel_lane_backward(size_t count, int lanes, int block, const float *x, const float *dy,
                              bool mask, const cnn_norm_backward *k, float *dx);

/* ---- image.c ----------------------------------------------------------------------- */

/** Writes one NHWC image, times scale, into a grid. */
void cnn_kernel_place_u8(const cnn_grid *g, float scale, const uint8_t *image, float *x);
void cnn_kernel_place_f32(const cnn_grid *g, float scale, const float *image, float *x);

#endif
