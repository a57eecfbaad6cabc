/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation of the native path, over channels or rows, in own loops on the blocked
 * layout. A strip is the part of a plane with the same statistics in each lane: the whole plane
 * where statistics are over channels, one row where they are over height. Sums are kept per image
 * and added in the images' order, so the result does not depend on the number of threads. */
#include "cpu/native/internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    cnn_cpu_pool *pool;      /* NULL: none */
    int mid, mid_gradient;   /* tensors before the pool; CNN_NO_TENSOR without one */
    int keys;                /* statistics with the filling of the last block */
    double *sums, *products; /* f64 [max batch, keys] */
    float *mean, *inverse;   /* f32 [keys]: of the batch; inverse standard deviation */
    float *scratch;          /* f32 [2, keys] */
    float *lane_mean, *lane_scale, *lane_shift, *lane_extra; /* f32 [strips' lanes] */
} norm_node;

/* How an axis cuts one image into strips. */
typedef struct {
    bool rows;
    int strips;   /* of one image */
    size_t count; /* vectors of a strip */
} cut;

static cut cut_of(const cnn_node *node)
{
    const cnn_grid *g = &node->in;
    const bool rows = node->layer->axis == CNN_AXIS_HEIGHT;
    return (cut){rows, rows ? g->blocks * g->h : g->blocks,
                 rows ? (size_t)g->w : (size_t)g->h * (size_t)g->w};
}

static int statistics_of(const cnn_node *node)
{
    return node->layer->axis == CNN_AXIS_HEIGHT ? node->in.h : node->in.c;
}

/* Offset of strip i in an image; *block: its block of channels, *lanes: how many channels. */
static size_t strip_at(const cnn_node *node, const cut *c, int i, int *block, int *lanes)
{
    const cnn_grid *g = &node->in;
    *block = c->rows ? i / g->h : i;
    *lanes = cnn_grid_lanes(g, *block);
    return (size_t)i * c->count * (size_t)g->block;
}

/* Where a strip's parameters lie in the lane arrays [strips, block] (rows) or [blocks, block]. */
static size_t lanes_at(const cnn_node *node, int strip)
{
    return (size_t)strip * (size_t)node->in.block;
}

static cnn_status create_buffers(cnn_step *s, cnn_node *node, norm_node *o)
{
    cnn_status st = CNN_OK;
    const cut c = cut_of(node);
    const size_t lanes = (size_t)c.strips * (size_t)node->in.block;
    const size_t images = (size_t)cnn_ops_max_batch(s->ops);
    void *memory = NULL;
    o->keys = c.rows ? node->in.h : node->in.block * node->in.blocks;
    CNN_TRY(cnn_cpu_alloc(images * (size_t)o->keys * sizeof(double), "batch norm's sums", &memory));
    o->sums = memory;
    CNN_TRY(cnn_cpu_alloc(images * (size_t)o->keys * sizeof(double), "batch norm's sums", &memory));
    o->products = memory;
    CNN_TRY(cnn_cpu_floats((size_t)o->keys, "batch norm's means", &o->mean));
    CNN_TRY(cnn_cpu_floats((size_t)o->keys, "batch norm's deviations", &o->inverse));
    CNN_TRY(cnn_cpu_floats(2 * (size_t)o->keys, "batch norm's factors", &o->scratch));
    CNN_TRY(cnn_cpu_floats(lanes, "batch norm's factors", &o->lane_mean));
    CNN_TRY(cnn_cpu_floats(lanes, "batch norm's factors", &o->lane_scale));
    CNN_TRY(cnn_cpu_floats(lanes, "batch norm's factors", &o->lane_shift));
    CNN_TRY(cnn_cpu_floats(lanes, "batch norm's factors", &o->lane_extra));
done:
    return st;
}

static cnn_status norm_create(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    norm_node *o = calloc(1, sizeof *o);
    const int count = statistics_of(node);
    CNN_CHECK(o, CNN_ENOMEM, "a batchnorm node");
    node->own = o;
    o->mid = o->mid_gradient = CNN_NO_TENSOR;
    cnn_step_add_parameter(s, node, 0, (size_t)count, NULL);
    cnn_step_add_parameter(s, node, 1, (size_t)count, NULL);
    CNN_TRY(create_buffers(s, node, o));
    if (node->pool) {
        CNN_TRY(cnn_cpu_pool_create(s, node, &o->pool));
        CNN_TRY(cnn_step_add_mid(s, node, &o->mid, &o->mid_gradient));
    }
done:
    return st;
}

static void norm_destroy(cnn_node *node)
{
    norm_node *o = node->own;
    if (!o)
        return;
    cnn_cpu_pool_destroy(&o->pool);
    free(o->sums);
    free(o->products);
    free(o->mean);
    free(o->inverse);
    free(o->scratch);
    free(o->lane_mean);
    free(o->lane_scale);
    free(o->lane_shift);
    free(o->lane_extra);
    free(o);
    node->own = NULL;
}

/* ---- statistics ---------------------------------------------------------------------------- */

enum { MAX_LANES_AT_ONCE = 512 };

/* Folds the sums of a strip's lanes into its keys. */
static void fold(const cnn_node *node, const cut *c, int strip, int first, int lanes,
                 const double *lane_sums, double *keys)
{
    if (c->rows) {
        for (int i = 0; i < lanes; i++)
            keys[strip % node->in.h] += lane_sums[i];
        return;
    }
    for (int i = 0; i < lanes; i++)
        keys[(size_t)strip * (size_t)node->in.block + (size_t)(first + i)] += lane_sums[i];
}

typedef enum { SUMS, SQUARES, PRODUCTS } reduction;

/* Sums over one image: o->sums (and o->products) of image n become those of x (and dy). */
static void reduce_image(const cnn_node *node, norm_node *o, reduction what, int n, const float *x,
                         const float *dy)
{
    const cut c = cut_of(node);
    const int block_size = node->in.block;
    double *sums = o->sums + (size_t)n * (size_t)o->keys;
    double *products = o->products + (size_t)n * (size_t)o->keys;
    for (int k = 0; k < o->keys; k++)
        sums[k] = products[k] = 0;
    for (int strip = 0; strip < c.strips; strip++) {
        int block, lanes;
        const size_t at = strip_at(node, &c, strip, &block, &lanes);
        for (int first = 0; first < lanes; first += MAX_LANES_AT_ONCE) {
            double a[MAX_LANES_AT_ONCE] = {0}, b[MAX_LANES_AT_ONCE] = {0};
            const int some = lanes - first < MAX_LANES_AT_ONCE ? lanes - first : MAX_LANES_AT_ONCE;
            const size_t from = at + (size_t)first;
            const float *mean = o->lane_mean + lanes_at(node, strip) + first;
            if (what == SUMS)
                cnn_kernel_lane_sum(c.count, some, block_size, x + from, a);
            else if (what == SQUARES)
                cnn_kernel_lane_squares(c.count, some, block_size, x + from, mean, a);
            else
                cnn_kernel_lane_products(c.count, some, block_size, x + from, dy + from, mean, a,
                                         b);
            fold(node, &c, strip, first, some, a, sums);
            if (what == PRODUCTS)
                fold(node, &c, strip, first, some, b, products);
        }
    }
}

static void reduce(const cnn_node *node, norm_node *o, reduction what, int n, const float *x,
                   const float *dy)
{
    const size_t size = cnn_grid_size(&node->in);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < n; i++)
        reduce_image(node, o, what, i, x + (size_t)i * size, dy ? dy + (size_t)i * size : NULL);
}

static double total(const norm_node *o, const double *sums, int n, int key)
{
    double t = 0;
    for (int i = 0; i < n; i++)
        t += sums[(size_t)i * (size_t)o->keys + (size_t)key];
    return t;
}

/* Number of values in each statistic. */
static double population(const cnn_node *node, int n)
{
    return (double)cnn_shape_size(node->layer->in) / statistics_of(node) * n;
}

/* Copies a value per statistic to each lane of its strips. */
static void spread(const cnn_node *node, const float *values, float *lanes)
{
    const cut c = cut_of(node);
    for (int strip = 0; strip < c.strips; strip++)
        for (int i = 0; i < node->in.block; i++) {
            const int key = c.rows ? strip % node->in.h : strip * node->in.block + i;
            lanes[lanes_at(node, strip) + (size_t)i] = key < statistics_of(node) ? values[key] : 0;
        }
}

/* ---- forward ------------------------------------------------------------------------------- */

/* running f32 [2, K]: means, variances. */
static void batch_statistics(cnn_node *node, norm_node *o, int n, const float *x, float *running)
{
    const double m = population(node, n);
    const int count = statistics_of(node);
    const float keep = (float)CNN_NORM_MOMENTUM, take = (float)(1 - CNN_NORM_MOMENTUM);
    reduce(node, o, SUMS, n, x, NULL);
    for (int k = 0; k < count; k++)
        o->mean[k] = (float)(total(o, o->sums, n, k) / m);
    spread(node, o->mean, o->lane_mean);
    reduce(node, o, SQUARES, n, x, NULL);
    for (int k = 0; k < count; k++) {
        const float variance = (float)(total(o, o->sums, n, k) / m);
        o->inverse[k] = (float)(1 / sqrt((double)variance + CNN_NORM_EPSILON));
        running[k] = keep * running[k] + take * o->mean[k];
        running[count + k] = keep * running[count + k] + take * variance;
    }
}

static void running_statistics(const cnn_node *node, norm_node *o, const float *running)
{
    const int count = statistics_of(node);
    for (int k = 0; k < count; k++) {
        o->mean[k] = running[k];
        o->inverse[k] = (float)(1 / sqrt((double)running[count + k] + CNN_NORM_EPSILON));
    }
    spread(node, o->mean, o->lane_mean);
}

/* Applies a lane kernel to strips of all images. */
static void apply(const cnn_node *node, const norm_node *o, int n, bool relu, const float *x,
                  float *y)
{
    const cut c = cut_of(node);
    const size_t size = cnn_grid_size(&node->in);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < n; i++) {
        cnn_grid_clear_filling(&node->in, y + (size_t)i * size);
        for (int strip = 0; strip < c.strips; strip++) {
            int block, lanes;
            const size_t at = (size_t)i * size + strip_at(node, &c, strip, &block, &lanes);
            const size_t l = lanes_at(node, strip);
            cnn_kernel_lane_affine(c.count, lanes, node->in.block, relu, x + at, o->lane_mean + l,
                                   o->lane_scale + l, o->lane_shift + l, y + at);
        }
    }
}

static cnn_status norm_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    norm_node *o = node->own;
    const float *x = cnn_step_value(s, node->index);
    float *y = cnn_step_value(s, node->index + 1);
    const float *gamma = cnn_step_weights(s, node, 0);
    float *running = s->running + node->running;
    if (pass->training)
        batch_statistics(node, o, pass->n, x, running);
    else
        running_statistics(node, o, running);
    float *scale = o->scratch;
    for (int k = 0; k < statistics_of(node); k++)
        scale[k] = gamma[k] * o->inverse[k];
    spread(node, scale, o->lane_scale);
    spread(node, cnn_step_weights(s, node, 1), o->lane_shift);
    if (!node->pool) {
        apply(node, o, pass->n, node->relu, x, y);
        return CNN_OK;
    }
    float *mid = cnn_step_at(s, o->mid);
    apply(node, o, pass->n, node->relu, x, mid);
    return cnn_cpu_pool_forward(s, o->pool, pass, mid, y);
}

/* ---- backward ------------------------------------------------------------------------------ */

static void input_gradient(cnn_step *s, const cnn_node *node, const norm_node *o, int n,
                           const float *dy)
{
    const cut c = cut_of(node);
    const size_t size = cnn_grid_size(&node->in);
    const float *x = cnn_step_value(s, node->index);
    float *dx = cnn_step_gradient(s, node->index);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < n; i++) {
        cnn_grid_clear_filling(&node->in, dx + (size_t)i * size);
        for (int strip = 0; strip < c.strips; strip++) {
            int block, lanes;
            const size_t at = (size_t)i * size + strip_at(node, &c, strip, &block, &lanes);
            const size_t l = lanes_at(node, strip);
            const cnn_norm_backward k = {o->lane_mean + l, o->lane_scale + l, o->lane_extra + l,
                                         o->lane_shift + l};
            cnn_kernel_lane_backward(c.count, lanes, node->in.block, x + at, dy + at,
                                     cnn_cpu_masks_input(node), &k, dx + at);
        }
    }
}

/* With z = (x - mean) / sd: dbeta = sum dy, dgamma = sum dy z,
 * dx = gamma / sd (dy - dbeta / m - z dgamma / m). lane_scale still holds gamma / sd. */
static cnn_status norm_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    norm_node *o = node->own;
    const float *dy = cnn_step_gradient(s, node->index + 1);
    float *dgamma = cnn_step_weight_gradients(s, node, 0),
          *dbeta = cnn_step_weight_gradients(s, node, 1);
    const float *gamma = cnn_step_weights(s, node, 0);
    if (node->pool) {
        float *mid = cnn_step_at(s, o->mid_gradient);
        cnn_status st = cnn_cpu_pool_backward(s, o->pool, pass, dy, mid);
        if (st != CNN_OK)
            return st;
        dy = mid;
    }
    reduce(node, o, PRODUCTS, pass->n, cnn_step_value(s, node->index), dy);
    const double m = population(node, pass->n);
    const int count = statistics_of(node);
    for (int k = 0; k < count; k++) {
        dbeta[k] = (float)total(o, o->sums, pass->n, k);
        dgamma[k] = (float)(total(o, o->products, pass->n, k) * (double)o->inverse[k]);
    }
    if (!node->input_gradient)
        return CNN_OK;
    float *b = o->scratch, *c = o->scratch + o->keys;
    for (int k = 0; k < count; k++) {
        const double scale = (double)gamma[k] * (double)o->inverse[k];
        b[k] = (float)(-scale * (double)o->inverse[k] * (double)dgamma[k] / m);
        c[k] = (float)(-scale * (double)dbeta[k] / m);
    }
    spread(node, b, o->lane_extra);
    spread(node, c, o->lane_shift);
    input_gradient(s, node, o, pass->n, dy);
    return CNN_OK;
}

static void norm_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "own batch norm over %s%s",
                    node->layer->axis == CNN_AXIS_HEIGHT ? "height" : "channels",
                    node->pool ? ", own pool" : "");
}

const cnn_node_class cnn_cpu_norm_node = {norm_create, norm_destroy, norm_forward, norm_backward,
                                          norm_describe};
