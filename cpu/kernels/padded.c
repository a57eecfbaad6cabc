/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/padded.h"

cnn_padded cnn_padded_of(const cnn_layer *l, int width)
{
    return (cnn_padded){
        .height = l->out.h + l->kernel - 1,
        .row = l->out.w + l->kernel - 1,
        .width = width,
        .blocks = (l->in.c + width - 1) / width,
        .top = l->pad_top,
        .left = l->pad_left,
    };
}

/* Number of channels from c on that are contiguous in both, and where row h of them begins. */
typedef struct {
    size_t grid, padded;
    int count;
} run;

static run run_at(const cnn_padded *p, const cnn_grid *g, int h, int c)
{
    const int in_grid = g->block - c % g->block, in_padded = p->width - c % p->width;
    const int rest = g->c - c, least = in_grid < in_padded ? in_grid : in_padded;
    const size_t pixel = (size_t)(h + p->top) * (size_t)p->row + (size_t)p->left;
    return (run){
        .grid = (size_t)(c / g->block) * cnn_grid_plane(g) + (size_t)h * cnn_grid_row(g) +
                (size_t)(c % g->block),
        .padded = (size_t)(c / p->width) * cnn_padded_plane(p) + pixel * (size_t)p->width +
                  (size_t)(c % p->width),
        .count = least < rest ? least : rest,
    };
}

static void copy_row(int w, int count, const float *from, int from_step, float *to, int to_step)
{
    if (from_step == to_step) { /* a row is contiguous in both */
        memcpy(to, from, (size_t)w * (size_t)to_step * sizeof *to);
        return;
    }
    for (int i = 0; i < w; i++, from += from_step, to += to_step)
        for (int c = 0; c < count; c++)
            to[c] = from[c];
}

void cnn_padded_fill(const cnn_padded *p, const cnn_grid *g, const float *x, float *image)
{
    memset(image, 0, cnn_padded_plane(p) * (size_t)p->blocks * sizeof *image);
    for (int c = 0, count; c < g->c; c += count) {
        count = run_at(p, g, 0, c).count;
        for (int h = 0; h < g->h; h++) {
            const run r = run_at(p, g, h, c);
            copy_row(g->w, count, x + r.grid, g->block, image + r.padded, p->width);
        }
    }
}

void cnn_padded_read(const cnn_padded *p, const cnn_grid *g, const float *image, float *x)
{
    cnn_grid_clear_filling(g, x);
    for (int c = 0, count; c < g->c; c += count) {
        count = run_at(p, g, 0, c).count;
        for (int h = 0; h < g->h; h++) {
            const run r = run_at(p, g, h, c);
            copy_row(g->w, count, image + r.padded, p->width, x + r.grid, g->block);
        }
    }
}
