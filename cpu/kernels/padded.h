/* SPDX-License-Identifier: Apache-2.0 */
/** Images with a convolution's padding around them: [blocks, H, row, width], `width` channels a
 *  pixel. Some kernels read or write them in place of a grid, one image at a time. */
#ifndef CNN_CPU_KERNELS_PADDED_H
#define CNN_CPU_KERNELS_PADDED_H

#include "nn/native/grid.h"

typedef struct {
    int height, row; /* in pixels */
    int width, blocks;
    int top, left; /* padding before the image */
} cnn_padded;

/** The padded input of a convolution of stride 1. */
cnn_padded cnn_padded_of(const cnn_layer *layer, int width);

/** Values of one block. */
static inline size_t cnn_padded_plane(const cnn_padded *p)
{
    return (size_t)p->height * (size_t)p->row * (size_t)p->width;
}

/** Copies one image x of a grid into image, with zeros around it. */
void cnn_padded_fill(const cnn_padded *p, const cnn_grid *g, const float *x, float *image);
/** Copies image back into a grid, without the padding. */
void cnn_padded_read(const cnn_padded *p, const cnn_grid *g, const float *image, float *x);

#endif
