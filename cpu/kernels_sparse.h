/** Backward of convolution + ReLU + 2x2 maximum pool, from the pool's result.
 *
 *  Of each window of the convolution's result at most one value has a gradient, so three quarters
 *  of the multiply-adds of the ordinary backward passes are with zeros. These kernels visit only
 *  the positions that have one: the pool's own backward, the ReLU's and the convolution's are one.
 *
 *  Images here are padded: [H + k - 1, W + k - 1, width] with the convolution's padding around
 * them, `width` values a pixel. */
#ifndef CNN_CPU_KERNELS_SPARSE_H
#define CNN_CPU_KERNELS_SPARSE_H

#include "cpu/kernels_grid.h"

enum { CNN_SPARSE_LANES = 16, CNN_SPARSE_MAX_KERNEL = 5 };

/** One gradient: of the first tap's pixel in the padded image (filters in a row's order), or of a
 *  filter. */
typedef struct {
    uint32_t at;
    float slope;
} cnn_sparse_entry;

/** The gradients of one filter in one image, one channel of the pool's planes: where, dy
 *  [out.h, out.w, block], the filter's lane in them; row: pixels of a padded row. Returns how many
 *  were written to list [out.h * out.w]; adds their sum to *bias. */
int cnn_kernel_sparse_filter(const cnn_grid *out, int row, const uint8_t *where, const float *dy,
                             cnn_sparse_entry *list, double *bias);

/** dw [kernel, kernel, LANES] of one filter and block of channels += list * x, a padded image of
 *  LANES values a pixel. kernel: 3 or 5. */
void cnn_kernel_sparse_weights(int kernel, int row, const cnn_sparse_entry *list, int count,
                               const float *x, float *dw);
/** The same for few channels: x has kernel * width <= LANES values under a row of taps, which are
 *  taken as one vector; dw [kernel, LANES]. Reads up to LANES values beyond x. */
void cnn_kernel_sparse_weights_few(int kernel, int row, int width, const cnn_sparse_entry *list,
                                   int count, const float *x, float *dw);

/** A pixel with gradients: entries begin .. end-1, whose `at` are filters. */
typedef struct {
    uint32_t at;
    int begin, end;
} cnn_sparse_pixel;

/** The gradients of one image by pixel: where, dy [blocks, out.h, out.w, block]. Room for
 *  4 out.h out.w pixels and as many entries as the image has values (and 4 c more). Returns the
 *  number of pixels. */
int cnn_kernel_sparse_pixels(const cnn_grid *out, int row, const uint8_t *where, const float *dy,
                             cnn_sparse_pixel *pixels, cnn_sparse_entry *entries,
                             cnn_sparse_entry *room);
/** dx, a padded image of LANES values a pixel, += weights of one block of channels
 *  [kernel, filters, kernel, LANES] * gradients. kernel: 3 or 5. */
void cnn_kernel_sparse_data(int kernel, int row, int filters, const cnn_sparse_pixel *pixels,
                            int count, const cnn_sparse_entry *entries, const float *weights,
                            float *dx);

#endif
