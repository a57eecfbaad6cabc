/* SPDX-License-Identifier: Apache-2.0 */
/** Backward of convolution + ReLU + 2x2 maximum pool, from the pool's result.
 *
 *  Of each window of the convolution's result at most one value has a gradient, so three quarters
 *  of the multiply-adds of the ordinary backward passes are with zeros. These kernels visit only
 *  the positions that have one: backward of pool, ReLU and convolution are one pass.
 *
 *  Images here are padded: [H + k - 1, W + k - 1, width] with the convolution's padding around
 *  them, `width` values a pixel. */
#ifndef CNN_CPU_KERNELS_POOLED_BACKWARD_H
#define CNN_CPU_KERNELS_POOLED_BACKWARD_H

#include "cpu/kernels/blocked.h"

enum { CNN_POOLED_LANES = 16, CNN_POOLED_MAX_KERNEL = 5 };

/** One gradient: `at` is the first tap's pixel in the padded image, or a filter. */
typedef struct {
    uint32_t at;
    float gradient;
} cnn_pooled_entry;

/** Filters whose gradients are sorted together, for instruction-level parallelism. */
enum { CNN_POOLED_FILTERS = 4 };

/** The gradients of 1 to CNN_POOLED_FILTERS neighbouring filters of a block in one image: where, dy
 *  [out.h, out.w, block] from the first filter's lane on; row: pixels of a padded row. Filter f's
 *  go to lists + f * (out.h * out.w + 1); counts[f]: how many; their sum is added to bias[f]. */
void cnn_kernel_pooled_filters(int filters, const cnn_grid *out, int row, const uint8_t *where,
                               const float *dy, cnn_pooled_entry *lists, int *counts, double *bias);

/** dw [kernel, kernel, LANES] of one filter and block of channels += list * x, a padded image of
 *  LANES values a pixel. kernel: 3 or 5. */
void cnn_kernel_pooled_weights(int kernel, int row, const cnn_pooled_entry *list, int count,
                               const float *x, float *dw);
/** The same for few channels: x has kernel * width <= LANES values under a row of taps, which are
 *  taken as one vector; dw [kernel, LANES]. Reads up to LANES values beyond x. */
void cnn_kernel_pooled_weights_few_channels(int kernel, int row, int width,
                                            const cnn_pooled_entry *list, int count, const float *x,
                                            float *dw);

/** A pixel with gradients: entries begin .. end-1, with filters in `at`. */
typedef struct {
    uint32_t at;
    int begin, end;
} cnn_pooled_pixel;

/** The gradients of one image by pixel: where, dy [blocks, out.h, out.w, block]. Room for
 *  4 out.h out.w pixels and as many entries as the image has values (and 4 c more). Returns the
 *  number of pixels. */
int cnn_kernel_pooled_pixels(const cnn_grid *out, int row, const uint8_t *where, const float *dy,
                             cnn_pooled_pixel *pixels, cnn_pooled_entry *entries,
                             cnn_pooled_entry *room);
/** dx, a padded image of LANES values a pixel, += weights of one block of channels
 *  [kernel, filters, kernel, LANES] * gradients. kernel: 3 or 5. */
void cnn_kernel_pooled_data(int kernel, int row, int filters, const cnn_pooled_pixel *pixels,
                            int count, const cnn_pooled_entry *entries, const float *weights,
                            float *dx);

#endif
