#include "cpu/step_sparse.h"

#include "cpu/kernels_sparse.h"

#include <omp.h>
#include <stdlib.h>

enum { LANES = CNN_SPARSE_LANES };

/* Buffers of one thread, one after the other in its part of the scratch tensor. */
typedef struct {
    float *image; /* f32 [height, row, width (+ slack)]: a padded image, or its gradient */
    cnn_sparse_entry *entries, *room;
    cnn_sparse_pixel *pixels;
} workspace;

struct cnn_sparse {
    bool few;             /* taps of a row in one vector */
    int width, blocks;    /* values of a padded pixel; blocks of input channels */
    int height, row;      /* of padded images, in pixels */
    size_t tap_values;    /* of one filter: its gradients here, all blocks */
    size_t own_size;      /* values of the weights in the parameter arena */
    int32_t *gradient_of; /* [own_size]: where each weight's gradient is here; -1: filling */
    int32_t *weight_to;   /* [own_size]: where each weight goes here; NULL without dx */
    float *gradients;     /* f32 [filters, blocks, kernel, kernel, LANES] (few: [filters,
                             kernel, LANES]) */
    float *weights;       /* f32 [blocks, kernel, filters, kernel, LANES]; NULL without dx */
    size_t image_bytes, entry_bytes, room_bytes, pixel_bytes;
    int scratch; /* tensor: a workspace for each thread */
};

bool cnn_sparse_suits(const cnn_node *node)
{
    const cnn_layer *l = node->layer;
    if (!node->pool || !cnn_step_pool_is_pair(node->pool) || l->stride != 1 ||
        (l->kernel != 3 && l->kernel != 5))
        return false;
    const bool few = l->kernel * l->in.c <= LANES;
    return !few || !node->input_gradient;
}

/* ---- creation ------------------------------------------------------------------------------ */

/* Where canonical weight [o][i][kh][kw] has its gradient here. */
static int32_t gradient_index(const cnn_sparse *p, const cnn_layer *l, int o, int i, int kh, int kw)
{
    const int k = l->kernel;
    if (p->few)
        return (int32_t)((o * k + kh) * LANES + kw * p->width + i);
    return (int32_t)((((o * p->blocks + i / LANES) * k + kh) * k + kw) * LANES + i % LANES);
}

static int32_t weight_index(const cnn_layer *l, int o, int i, int kh, int kw)
{
    const int k = l->kernel;
    return (int32_t)((((i / LANES * k + kh) * l->filters + o) * k + kw) * LANES + i % LANES);
}

/* The layout of the weights in the arena is oneDNN's secret. Importing the numbers 1, 2, 3, ...
 * tells where each one goes (floats hold them exactly up to 2^24; larger layers do not come here).
 */
static cnn_status learn_layout(cnn_step *s, const cnn_node *node, cnn_sparse *p)
{
    cnn_status st = CNN_OK;
    const cnn_layer *l = node->layer;
    const cnn_step_parameter *w = &s->parameters[node->parameters[0]];
    const int k = l->kernel, count = l->filters * l->in.c * k * k;
    float *canonical = NULL, *own = NULL;
    CNN_TRY(cnn_cpu_floats((size_t)count, "a map of weights", &canonical));
    CNN_TRY(cnn_cpu_floats(w->size, "a map of weights", &own));
    for (int i = 0; i < count; i++)
        canonical[i] = (float)(i + 1);
    CNN_TRY(CNN_DNN_RUN(&s->ops->dnn, w->exchange.import, canonical, own));
    CNN_CHECK((p->gradient_of = malloc(w->size * sizeof *p->gradient_of)), CNN_ENOMEM,
              "a map of weights");
    if (node->input_gradient)
        CNN_CHECK((p->weight_to = malloc(w->size * sizeof *p->weight_to)), CNN_ENOMEM,
                  "a map of weights");
    for (size_t j = 0; j < w->size; j++) {
        const int at = (int)own[j] - 1;
        const int kw = at % k, kh = at / k % k, i = at / (k * k) % l->in.c;
        const int o = at / (k * k * l->in.c);
        p->gradient_of[j] = at < 0 ? -1 : gradient_index(p, l, o, i, kh, kw);
        if (p->weight_to)
            p->weight_to[j] = at < 0 ? -1 : weight_index(l, o, i, kh, kw);
    }
    p->own_size = w->size;
done:
    free(canonical);
    free(own);
    return st;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static cnn_status add_scratch(cnn_step *s, const cnn_node *node, cnn_sparse *p)
{
    const int back = cnn_step_back(s, node->index);
    const size_t windows = (size_t)node->out.h * (size_t)node->out.w;
    const size_t pixels = (size_t)p->height * (size_t)p->row;
    const size_t channels = (size_t)node->out.c;
    const size_t lists = channels > CNN_SPARSE_FILTERS ? channels : CNN_SPARSE_FILTERS;
    p->image_bytes =
        aligned(sizeof(float) * (pixels * (size_t)p->width * (size_t)p->blocks + LANES));
    p->entry_bytes = aligned(sizeof(cnn_sparse_entry) * (windows + 1) * lists);
    p->room_bytes = aligned(sizeof(cnn_sparse_entry) * (CNN_NOWHERE + 1) * channels);
    p->pixel_bytes = aligned(sizeof(cnn_sparse_pixel) * windows * CNN_NOWHERE);
    return cnn_step_tensor(s, "sparse backward", node->index,
                           (p->image_bytes + p->entry_bytes + p->room_bytes + p->pixel_bytes) *
                               (size_t)s->ops->config.threads,
                           back, back, &p->scratch);
}

cnn_status cnn_sparse_create(cnn_step *s, const cnn_node *node, cnn_sparse **out)
{
    cnn_status st = CNN_OK;
    const cnn_layer *l = node->layer;
    cnn_sparse *p = calloc(1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "a convolution's backward");
    p->few = l->kernel * l->in.c <= LANES;
    p->width = p->few ? l->in.c : LANES;
    p->blocks = p->few ? 1 : (l->in.c + LANES - 1) / LANES;
    p->height = l->out.h + l->kernel - 1;
    p->row = l->out.w + l->kernel - 1;
    p->tap_values =
        (size_t)p->blocks * (size_t)l->kernel * LANES * (p->few ? 1u : (size_t)l->kernel);
    CNN_TRY(learn_layout(s, node, p));
    CNN_TRY(
        cnn_cpu_floats(p->tap_values * (size_t)l->filters, "a weights' gradient", &p->gradients));
    if (node->input_gradient)
        CNN_TRY(cnn_cpu_floats(p->tap_values * (size_t)l->filters, "weights", &p->weights));
    CNN_TRY(add_scratch(s, node, p));
    *out = p;
    p = NULL;
done:
    cnn_sparse_destroy(&p);
    return st;
}

void cnn_sparse_destroy(cnn_sparse **sparse)
{
    cnn_sparse *p = *sparse;
    if (!p)
        return;
    free(p->gradient_of);
    free(p->weight_to);
    free(p->gradients);
    free(p->weights);
    free(p);
    *sparse = NULL;
}

/* ---- padded images ------------------------------------------------------------------------- */

static workspace workspace_of(const cnn_step *s, const cnn_sparse *p, int thread)
{
    char *at = (char *)cnn_step_at(s, p->scratch) +
               (size_t)thread * (p->image_bytes + p->entry_bytes + p->room_bytes + p->pixel_bytes);
    workspace w;
    w.image = (float *)at;
    w.entries = (cnn_sparse_entry *)(at + p->image_bytes);
    w.room = (cnn_sparse_entry *)(at + p->image_bytes + p->entry_bytes);
    w.pixels = (cnn_sparse_pixel *)(at + p->image_bytes + p->entry_bytes + p->room_bytes);
    return w;
}

/* Values of channels c .. c+count-1 (the run that lies together in both) at a pixel. */
typedef struct {
    size_t grid, padded;
    int count;
} run;

static run run_at(const cnn_sparse *p, const cnn_node *node, int h, int w, int c)
{
    const cnn_grid *g = &node->in;
    const int in_grid = g->block - c % g->block, in_padded = p->width - c % p->width;
    const int rest = g->c - c, least = in_grid < in_padded ? in_grid : in_padded;
    const size_t pixel =
        (size_t)(h + node->layer->pad_top) * (size_t)p->row + (size_t)(w + node->layer->pad_left);
    return (run){
        .grid = (size_t)(c / g->block) * cnn_grid_plane(g) + (size_t)h * cnn_grid_row(g) +
                (size_t)w * (size_t)g->block + (size_t)(c % g->block),
        .padded = (size_t)(c / p->width) * (size_t)p->height * (size_t)p->row * (size_t)p->width +
                  pixel * (size_t)p->width + (size_t)(c % p->width),
        .count = least < rest ? least : rest,
    };
}

/* Whether whole rows of a block lie together in the grid and in padded images. */
static bool same_rows(const cnn_sparse *p, const cnn_grid *g)
{
    return g->block == p->width;
}

static void pad_image(const cnn_sparse *p, const cnn_node *node, const float *x, float *image)
{
    const cnn_grid *g = &node->in;
    memset(image, 0, p->image_bytes);
    for (int c = 0; c < g->c;) {
        run r = run_at(p, node, 0, 0, c);
        for (int h = 0; h < g->h; h++) {
            r = run_at(p, node, h, 0, c);
            if (same_rows(p, g)) {
                memcpy(image + r.padded, x + r.grid, cnn_grid_row(g) * sizeof *x);
                continue;
            }
            for (int w = 0; w < g->w; w++)
                memcpy(image + r.padded + (size_t)(w * p->width),
                       x + r.grid + (size_t)(w * g->block), (size_t)r.count * sizeof *x);
        }
        c += r.count;
    }
}

static void unpad_image(const cnn_sparse *p, const cnn_node *node, const float *image, float *dx)
{
    const cnn_grid *g = &node->in;
    cnn_grid_clear_filling(g, dx);
    for (int c = 0; c < g->c;) {
        run r = run_at(p, node, 0, 0, c);
        for (int h = 0; h < g->h; h++) {
            r = run_at(p, node, h, 0, c);
            if (same_rows(p, g)) {
                memcpy(dx + r.grid, image + r.padded, cnn_grid_row(g) * sizeof *dx);
                continue;
            }
            for (int w = 0; w < g->w; w++)
                memcpy(dx + r.grid + (size_t)(w * g->block),
                       image + r.padded + (size_t)(w * p->width), (size_t)r.count * sizeof *dx);
        }
        c += r.count;
    }
}

/* ---- backward ------------------------------------------------------------------------------ */

/* Adds the gradients of one filter in one padded image. */
static void filter_gradient(const cnn_node *node, cnn_sparse *p, int filter,
                            const cnn_sparse_entry *list, int count, const float *image)
{
    const int kernel = node->layer->kernel;
    const size_t plane = (size_t)p->height * (size_t)p->row * (size_t)p->width;
    float *dw = p->gradients + (size_t)filter * p->tap_values;
    if (p->few) {
        cnn_kernel_sparse_weights_few(kernel, p->row, p->width, list, count, image, dw);
        return;
    }
    for (int b = 0; b < p->blocks; b++)
        cnn_kernel_sparse_weights(kernel, p->row, list, count, image + (size_t)b * plane,
                                  dw + (size_t)(b * kernel * kernel * LANES));
}

/* Filters from `first` on that are sorted together: neighbours in a block, before `last`. */
static int together(const cnn_grid *g, int first, int last)
{
    int count = g->block - first % g->block;
    count = count < last - first ? count : last - first;
    return count < CNN_SPARSE_FILTERS ? count : CNN_SPARSE_FILTERS;
}

/* Filters first .. last-1, all images in their order: the sums do not depend on the threads. */
static void filters_gradient(const cnn_step *s, const cnn_node *node, cnn_sparse *p, int n,
                             const uint8_t *where, const float *dy, int first, int last,
                             double *bias)
{
    const cnn_grid *g = &node->out;
    const workspace ws = workspace_of(s, p, omp_get_thread_num());
    const float *x = cnn_step_value(s, node->index);
    const size_t length = (size_t)g->h * (size_t)g->w + 1;
    for (int i = 0; i < n && first < last; i++) {
        pad_image(p, node, x + (size_t)i * cnn_grid_size(&node->in), ws.image);
        for (int o = first; o < last;) {
            int counts[CNN_SPARSE_FILTERS];
            const int some = together(g, o, last);
            const size_t at = (size_t)i * cnn_grid_size(g) +
                              (size_t)(o / g->block) * cnn_grid_plane(g) + (size_t)(o % g->block);
            cnn_kernel_sparse_filters(some, g, p->row, where + at, dy + at, ws.entries, counts,
                                      bias + (o - first));
            for (int f = 0; f < some; f++, o++)
                filter_gradient(node, p, o, ws.entries + (size_t)f * length, counts[f], ws.image);
        }
    }
}

static void weights_gradient(cnn_step *s, const cnn_node *node, cnn_sparse *p, int n,
                             const uint8_t *where, const float *dy)
{
    enum { AT_ONCE = 32 };
    const int filters = node->layer->filters;
    float *dweights = cnn_step_slopes(s, node, 0), *dbias = cnn_step_slopes(s, node, 1);
    memset(p->gradients, 0, p->tap_values * (size_t)filters * sizeof(float));
#pragma omp parallel
    {
        size_t begin, end;
        cnn_cpu_share((size_t)filters, 1, &begin, &end);
        for (int first = (int)begin; first < (int)end; first += AT_ONCE) {
            double bias[AT_ONCE] = {0};
            const int last = (int)end - first < AT_ONCE ? (int)end : first + AT_ONCE;
            filters_gradient(s, node, p, n, where, dy, first, last, bias);
            for (int o = first; o < last; o++)
                dbias[o] = (float)bias[o - first];
        }
    }
    for (size_t j = 0; j < p->own_size; j++)
        dweights[j] = p->gradient_of[j] < 0 ? 0 : p->gradients[p->gradient_of[j]];
}

static void input_gradient(cnn_step *s, const cnn_node *node, cnn_sparse *p, int n,
                           const uint8_t *where, const float *dy)
{
    const cnn_layer *l = node->layer;
    const float *weights = cnn_step_weights(s, node, 0);
    const size_t plane = (size_t)p->height * (size_t)p->row * LANES;
    const size_t taps = (size_t)(l->kernel * l->kernel * l->filters) * LANES;
    const size_t in = cnn_grid_size(&node->in), out = cnn_grid_size(&node->out);
    for (size_t j = 0; j < p->own_size; j++)
        if (p->weight_to[j] >= 0)
            p->weights[p->weight_to[j]] = weights[j];
#pragma omp parallel for schedule(static)
    for (int i = 0; i < n; i++) {
        const workspace ws = workspace_of(s, p, omp_get_thread_num());
        float *dx = cnn_step_gradient(s, node->index) + (size_t)i * in;
        const int count =
            cnn_kernel_sparse_pixels(&node->out, p->row, where + (size_t)i * out,
                                     dy + (size_t)i * out, ws.pixels, ws.entries, ws.room);
        memset(ws.image, 0, p->image_bytes);
        for (int b = 0; b < p->blocks; b++)
            cnn_kernel_sparse_data(l->kernel, p->row, l->filters, ws.pixels, count, ws.entries,
                                   p->weights + (size_t)b * taps, ws.image + (size_t)b * plane);
        unpad_image(p, node, ws.image, dx);
        if (node->mask_input)
            cnn_kernel_relu_backward(in, cnn_step_value(s, node->index) + (size_t)i * in, dx, dx);
    }
}

void cnn_sparse_backward(cnn_step *s, const cnn_node *node, cnn_sparse *p,
                         const cnn_step_pass *pass, const uint8_t *where, const float *dy)
{
    weights_gradient(s, node, p, pass->n, where, dy);
    if (node->input_gradient)
        input_gradient(s, node, p, pass->n, where, dy);
}
