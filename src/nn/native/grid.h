/* SPDX-License-Identifier: Apache-2.0 */
/** Layout of the native path's activations: [N, blocks, H, W, block] with block contiguous
 *  channels. NHWC is one block of all channels, NCHW is blocks of one. Where the channels do not
 *  fill the last block, the rest of it, its filling, is zero in activations and gradients alike. */
#ifndef CNN_NN_NATIVE_GRID_H
#define CNN_NN_NATIVE_GRID_H

#include "nn/network.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    int h, w, c;
    int block, blocks; /* block * blocks >= c */
} cnn_grid;

static inline cnn_grid cnn_grid_of(cnn_shape s, int block)
{
    return (cnn_grid){s.h, s.w, s.c, block, (s.c + block - 1) / block};
}

/** Values of one image, filling included. */
static inline size_t cnn_grid_size(const cnn_grid *g)
{
    return (size_t)g->blocks * (size_t)g->block * (size_t)g->h * (size_t)g->w;
}

/** Values between two rows of one block. */
static inline size_t cnn_grid_row(const cnn_grid *g)
{
    return (size_t)g->w * (size_t)g->block;
}

/** Values of one block of one image. */
static inline size_t cnn_grid_plane(const cnn_grid *g)
{
    return (size_t)g->h * cnn_grid_row(g);
}

/** Channels of block b that are not filling. */
static inline int cnn_grid_lanes(const cnn_grid *g, int b)
{
    const int rest = g->c - b * g->block;
    return rest < g->block ? rest : g->block;
}

/** For writers that skip the filling of the last block: zeroes the whole image where there is
 *  filling. */
static inline void cnn_grid_clear_filling(const cnn_grid *g, float *image)
{
    if (g->block * g->blocks != g->c)
        memset(image, 0, cnn_grid_size(g) * sizeof *image);
}

#endif
