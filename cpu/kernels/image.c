/* SPDX-License-Identifier: Apache-2.0 */
/* From pixels to the first node's layout. */
#include "cpu/kernels/blocked.h"

/* Value of channel c at pixel p of a plane-wise image. */
static inline size_t index_of(const cnn_grid *g, size_t pixel, int c)
{
    return (size_t)(c / g->block) * cnn_grid_plane(g) + pixel * (size_t)g->block +
           (size_t)(c % g->block);
}

void cnn_kernel_place_u8(const cnn_grid *g, float scale, const uint8_t *image, float *x)
{
    const size_t pixels = (size_t)g->h * (size_t)g->w;
    if (g->block == g->c) {
        cnn_kernel_scale_u8(pixels * (size_t)g->c, scale, image, x);
        return;
    }
    cnn_grid_clear_filling(g, x);
    for (int c = 0; c < g->c; c++)
        for (size_t p = 0; p < pixels; p++)
            x[index_of(g, p, c)] = (float)image[p * (size_t)g->c + (size_t)c] * scale;
}

void cnn_kernel_place_f32(const cnn_grid *g, float scale, const float *image, float *x)
{
    const size_t pixels = (size_t)g->h * (size_t)g->w;
    if (g->block == g->c) {
        cnn_kernel_scale_f32(pixels * (size_t)g->c, scale, image, x);
        return;
    }
    cnn_grid_clear_filling(g, x);
    for (int c = 0; c < g->c; c++)
        for (size_t p = 0; p < pixels; p++)
            x[index_of(g, p, c)] = image[p * (size_t)g->c + (size_t)c] * scale;
}
