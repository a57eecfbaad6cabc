/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions as products of matrices: one output row's windows are laid out as the rows of a
 * matrix X [P, K] (P output columns, K = taps x input channels), so that
 *     forward  Y [P, O] = X W        weights  dW [K, O] = X' dY        data  dX = dY W'
 * Images are shared among threads; each thread sums its own dW. */
#include "reference.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define REF_VECTOR __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define REF_VECTOR
#endif

enum { TILE_ROWS = 4, TILE_COLUMNS = 8 };

void *ref_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p) {
        fprintf(stderr, "the reference has no memory for %zu x %zu bytes\n", count, size);
        abort();
    }
    return p;
}

/* A matrix whose element (i, k) is v[i * row + k * column]. */
typedef struct {
    const double *v;
    size_t row, column;
} matrix;

/* Four values side by side: written out, because compilers leave an array of sums in memory. */
typedef double lanes
    __attribute__((vector_size(4 * sizeof(double)), aligned(sizeof(double)), may_alias));

/* C [m,n] += A [m,k] B [k,n] for one whole tile, whose sums stay in registers. */
REF_VECTOR static void multiply_tile(int k, matrix a, const double *b, size_t ldb, double *c,
                                     size_t ldc)
{
    lanes sum[TILE_ROWS][2] = {{{0}}};
    for (int t = 0; t < k; t++, b += ldb, a.v += a.column) {
        const lanes low = *(const lanes *)b, high = *(const lanes *)(b + 4);
        for (int i = 0; i < TILE_ROWS; i++) {
            double factor = a.v[(size_t)i * a.row];
            sum[i][0] += factor * low;
            sum[i][1] += factor * high;
        }
    }
    for (int i = 0; i < TILE_ROWS; i++) {
        *(lanes *)(c + (size_t)i * ldc) += sum[i][0];
        *(lanes *)(c + (size_t)i * ldc + 4) += sum[i][1];
    }
}

static void multiply_edge(int m, int n, int k, matrix a, const double *b, size_t ldb, double *c,
                          size_t ldc)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int t = 0; t < k; t++)
                sum +=
                    a.v[(size_t)i * a.row + (size_t)t * a.column] * b[(size_t)t * ldb + (size_t)j];
            c[(size_t)i * ldc + (size_t)j] += sum;
        }
}

/* C [m,n] += A [m,k] B [k,n] */
static void multiply(int m, int n, int k, matrix a, const double *b, size_t ldb, double *c,
                     size_t ldc)
{
    for (int j = 0; j < n; j += TILE_COLUMNS)
        for (int i = 0; i < m; i += TILE_ROWS) {
            matrix rows = {a.v + (size_t)i * a.row, a.row, a.column};
            double *to = c + (size_t)i * ldc + (size_t)j;
            int high = m - i < TILE_ROWS ? m - i : TILE_ROWS;
            int wide = n - j < TILE_COLUMNS ? n - j : TILE_COLUMNS;
            if (high == TILE_ROWS && wide == TILE_COLUMNS)
                multiply_tile(k, rows, b + j, ldb, to, ldc);
            else
                multiply_edge(high, wide, k, rows, b + j, ldb, to, ldc);
        }
}

/* ---- windows ------------------------------------------------------------------------------- */

typedef struct {
    cnn_shape in, out;
    int kh, kw, stride, top, left;
    int k; /* kh * kw * in.c */
    size_t in_size, out_size;
} geometry;

static geometry geometry_of(const cnn_layer *l)
{
    bool dense = l->kind == CNN_LAYER_DENSE;
    geometry g = {.in = l->in,
                  .out = l->out,
                  .kh = dense ? l->in.h : l->kernel,
                  .kw = dense ? l->in.w : l->kernel,
                  .stride = dense ? 1 : l->stride,
                  .top = dense ? 0 : l->pad_top,
                  .left = dense ? 0 : l->pad_left,
                  .in_size = (size_t)cnn_shape_size(l->in),
                  .out_size = (size_t)cnn_shape_size(l->out)};
    g.k = g.kh * g.kw * g.in.c;
    return g;
}

/* Where tap (y, x) of the window at (oh, ow) lies in the image; -1: in the padding. */
static long tap_pixel(const geometry *g, int oh, int ow, int y, int x)
{
    int row = oh * g->stride - g->top + y, column = ow * g->stride - g->left + x;
    if (row < 0 || row >= g->in.h || column < 0 || column >= g->in.w)
        return -1;
    return ((long)row * g->in.w + column) * g->in.c;
}

/* The windows of output row oh as a matrix [out.w, k]. */
static void gather_windows(const geometry *g, const double *image, int oh, double *windows)
{
    const size_t bytes = (size_t)g->in.c * sizeof *windows;
    for (int ow = 0; ow < g->out.w; ow++)
        for (int y = 0; y < g->kh; y++)
            for (int x = 0; x < g->kw; x++, windows += g->in.c) {
                long pixel = tap_pixel(g, oh, ow, y, x);
                if (pixel >= 0)
                    memcpy(windows, image + pixel, bytes);
                else
                    memset(windows, 0, bytes);
            }
}

/* The opposite: adds a matrix of windows' gradients to the image's. */
static void scatter_windows(const geometry *g, const double *windows, int oh, double *image)
{
    for (int ow = 0; ow < g->out.w; ow++)
        for (int y = 0; y < g->kh; y++)
            for (int x = 0; x < g->kw; x++, windows += g->in.c) {
                long pixel = tap_pixel(g, oh, ow, y, x);
                for (int c = 0; pixel >= 0 && c < g->in.c; c++)
                    image[pixel + c] += windows[c];
            }
}

/* Index of canonical weight (o, row k of the matrix) in [O, I, kh, kw]. */
static size_t canonical(const geometry *g, int o, int k)
{
    int taps = g->kh * g->kw, tap = k / g->in.c, i = k % g->in.c;
    return ((size_t)o * (size_t)g->in.c + (size_t)i) * (size_t)taps + (size_t)tap;
}

/* ---- the three products -------------------------------------------------------------------- */

void ref_conv_forward(const cnn_layer *layer, int n, const double *x, const double *w,
                      const double *b, double *y)
{
    const geometry g = geometry_of(layer);
    const size_t o = (size_t)g.out.c, k = (size_t)g.k;
    double *matrix_w = ref_alloc(k * o, sizeof *matrix_w); /* [K, O] */
    for (size_t r = 0; r < k; r++)
        for (size_t c = 0; c < o; c++)
            matrix_w[r * o + c] = w[canonical(&g, (int)c, (int)r)];
#pragma omp parallel
    {
        double *windows = ref_alloc((size_t)g.out.w * k, sizeof *windows);
#pragma omp for schedule(static)
        for (int image = 0; image < n; image++)
            for (int oh = 0; oh < g.out.h; oh++) {
                double *row = y + (size_t)image * g.out_size + (size_t)oh * (size_t)g.out.w * o;
                for (size_t i = 0; i < (size_t)g.out.w * o; i++)
                    row[i] = b[i % o];
                gather_windows(&g, x + (size_t)image * g.in_size, oh, windows);
                multiply(g.out.w, g.out.c, g.k, (matrix){windows, k, 1}, matrix_w, o, row, o);
            }
        free(windows);
    }
    free(matrix_w);
}

void ref_conv_backward_data(const cnn_layer *layer, int n, const double *dy, const double *w,
                            double *dx)
{
    const geometry g = geometry_of(layer);
    const size_t o = (size_t)g.out.c, k = (size_t)g.k;
    double *matrix_w = ref_alloc(o * k, sizeof *matrix_w); /* [O, K] */
    for (size_t c = 0; c < o; c++)
        for (size_t r = 0; r < k; r++)
            matrix_w[c * k + r] = w[canonical(&g, (int)c, (int)r)];
#pragma omp parallel
    {
        double *windows = ref_alloc((size_t)g.out.w * k, sizeof *windows);
#pragma omp for schedule(static)
        for (int image = 0; image < n; image++) {
            double *to = dx + (size_t)image * g.in_size;
            memset(to, 0, g.in_size * sizeof *to);
            for (int oh = 0; oh < g.out.h; oh++) {
                const double *row =
                    dy + (size_t)image * g.out_size + (size_t)oh * (size_t)g.out.w * o;
                memset(windows, 0, (size_t)g.out.w * k * sizeof *windows);
                multiply(g.out.w, g.k, g.out.c, (matrix){row, o, 1}, matrix_w, k, windows, k);
                scatter_windows(&g, windows, oh, to);
            }
        }
        free(windows);
    }
    free(matrix_w);
}

/* One thread's share of the sums: images first .. last-1. sums [K+1, O], the bias last. */
static void sum_weights(const geometry *g, int first, int last, const double *x, const double *dy,
                        double *sums)
{
    const size_t o = (size_t)g->out.c, k = (size_t)g->k;
    double *windows = ref_alloc((size_t)g->out.w * k, sizeof *windows);
    for (int image = first; image < last; image++)
        for (int oh = 0; oh < g->out.h; oh++) {
            const double *row =
                dy + (size_t)image * g->out_size + (size_t)oh * (size_t)g->out.w * o;
            gather_windows(g, x + (size_t)image * g->in_size, oh, windows);
            multiply(g->k, g->out.c, g->out.w, (matrix){windows, 1, k}, row, o, sums, o);
            for (size_t i = 0; i < (size_t)g->out.w * o; i++)
                sums[k * o + i % o] += row[i];
        }
    free(windows);
}

void ref_conv_backward_weights(const cnn_layer *layer, int n, const double *x, const double *dy,
                               double *dw, double *db)
{
    const geometry g = geometry_of(layer);
    const size_t o = (size_t)g.out.c, k = (size_t)g.k, size = (k + 1) * o;
    const int shares = omp_get_max_threads() < n ? omp_get_max_threads() : n;
    double *sums = ref_alloc((size_t)shares * size, sizeof *sums);
#pragma omp parallel for schedule(static)
    for (int s = 0; s < shares; s++)
        sum_weights(&g, n * s / shares, n * (s + 1) / shares, x, dy, sums + (size_t)s * size);
    for (int s = 1; s < shares; s++)
        for (size_t i = 0; i < size; i++)
            sums[i] += sums[(size_t)s * size + i];
    for (size_t r = 0; r < k; r++)
        for (size_t c = 0; c < o; c++)
            dw[canonical(&g, (int)c, (int)r)] = sums[r * o + c];
    memcpy(db, sums + k * o, o * sizeof *db);
    free(sums);
}
