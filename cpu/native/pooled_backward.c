/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/native/pooled_backward.h"

#include "cpu/kernels/padded.h"
#include "cpu/kernels/pooled_backward.h"

#include <omp.h>
#include <stdlib.h>

enum { LANES = CNN_POOLED_LANES };

/* Buffers of one thread, consecutive in its part of the scratch tensor. */
typedef struct {
    float *image; /* f32 [height, row, width (+ slack)]: a padded image, or its gradient */
    cnn_pooled_entry *entries, *room;
    cnn_pooled_pixel *pixels;
} workspace;

struct cnn_pooled_backward {
    bool few_channels; /* taps of a row in one vector */
    cnn_padded padded;
    size_t tap_values;    /* of one filter: its gradients here, all blocks */
    size_t own_size;      /* values of the weights in the parameter arena */
    int32_t *gradient_of; /* [own_size]: index of each weight's gradient here; -1: filling */
    int32_t *weight_to;   /* [own_size]: index of each weight here; NULL without dx */
    float *gradients;     /* f32 [filters, blocks, kernel, kernel, LANES] (few_channels: [filters,
                             kernel, LANES]) */
    float *weights;       /* f32 [blocks, kernel, filters, kernel, LANES]; NULL without dx */
    size_t image_bytes, entry_bytes, room_bytes, pixel_bytes;
    int scratch; /* tensor: a workspace for each thread */
};

bool cnn_pooled_backward_suits(const cnn_node *node)
{
    const cnn_layer *l = node->layer;
    if (!node->pool || !cnn_cpu_pool_is_2x2(node->pool) || l->stride != 1 ||
        (l->kernel != 3 && l->kernel != 5) || l->parameters >= CNN_CPU_MAX_MAPPED)
        return false;
    const bool few_channels = l->kernel * l->in.c <= LANES;
    return !few_channels || !node->input_gradient;
}

/* ---- creation ------------------------------------------------------------------------------ */

/* Index of the gradient of canonical weight [o][i][kh][kw]. */
static int32_t gradient_index(const cnn_pooled_backward *p, const cnn_layer *l, int o, int i,
                              int kh, int kw)
{
    const int k = l->kernel;
    if (p->few_channels)
        return (int32_t)((o * k + kh) * LANES + kw * p->padded.width + i);
    return (int32_t)((((o * p->padded.blocks + i / LANES) * k + kh) * k + kw) * LANES + i % LANES);
}

static int32_t weight_index(const cnn_layer *l, int o, int i, int kh, int kw)
{
    const int k = l->kernel;
    return (int32_t)((((i / LANES * k + kh) * l->filters + o) * k + kw) * LANES + i % LANES);
}

/* Indices of each weight and its gradient as the kernels have them. */
static cnn_status map_weights(cnn_step *s, const cnn_node *node, cnn_pooled_backward *p)
{
    cnn_status st = CNN_OK;
    const cnn_layer *l = node->layer;
    const int k = l->kernel;
    CNN_TRY(cnn_cpu_map_weights(s, node, &p->gradient_of, &p->own_size));
    if (node->input_gradient)
        CNN_TRY(cnn_cpu_map_weights(s, node, &p->weight_to, &p->own_size));
    for (size_t j = 0; j < p->own_size; j++) {
        const int at = p->gradient_of[j];
        const int kw = at % k, kh = at / k % k, i = at / (k * k) % l->in.c;
        const int o = at / (k * k * l->in.c);
        if (at < 0)
            continue;
        p->gradient_of[j] = gradient_index(p, l, o, i, kh, kw);
        if (p->weight_to)
            p->weight_to[j] = weight_index(l, o, i, kh, kw);
    }
done:
    return st;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static cnn_status add_scratch(cnn_step *s, const cnn_node *node, cnn_pooled_backward *p)
{
    const int back = cnn_step_back(s, node->index);
    const size_t windows = (size_t)node->out.h * (size_t)node->out.w;
    const size_t pixels = (size_t)p->padded.height * (size_t)p->padded.row;
    const size_t channels = (size_t)node->out.c;
    const size_t lists = channels > CNN_POOLED_FILTERS ? channels : CNN_POOLED_FILTERS;
    p->image_bytes = aligned(sizeof(float) *
                             (pixels * (size_t)p->padded.width * (size_t)p->padded.blocks + LANES));
    p->entry_bytes = aligned(sizeof(cnn_pooled_entry) * (windows + 1) * lists);
    p->room_bytes = aligned(sizeof(cnn_pooled_entry) * (CNN_NOWHERE + 1) * channels);
    p->pixel_bytes = aligned(sizeof(cnn_pooled_pixel) * windows * CNN_NOWHERE);
    return cnn_step_tensor(s, "pooled backward", node->index,
                           (p->image_bytes + p->entry_bytes + p->room_bytes + p->pixel_bytes) *
                               (size_t)s->ops->config.threads,
                           back, back, &p->scratch);
}

cnn_status cnn_pooled_backward_create(cnn_step *s, const cnn_node *node, cnn_pooled_backward **out)
{
    cnn_status st = CNN_OK;
    const cnn_layer *l = node->layer;
    cnn_pooled_backward *p = calloc(1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "a convolution's backward");
    p->few_channels = l->kernel * l->in.c <= LANES;
    p->padded = cnn_padded_of(l, p->few_channels ? l->in.c : LANES);
    p->tap_values = (size_t)p->padded.blocks * (size_t)l->kernel * LANES *
                    (p->few_channels ? 1u : (size_t)l->kernel);
    CNN_TRY(map_weights(s, node, p));
    CNN_TRY(
        cnn_cpu_floats(p->tap_values * (size_t)l->filters, "a weights' gradient", &p->gradients));
    if (node->input_gradient)
        CNN_TRY(cnn_cpu_floats(p->tap_values * (size_t)l->filters, "weights", &p->weights));
    CNN_TRY(add_scratch(s, node, p));
    *out = p;
    p = NULL;
done:
    cnn_pooled_backward_destroy(&p);
    return st;
}

void cnn_pooled_backward_destroy(cnn_pooled_backward **out)
{
    cnn_pooled_backward *p = *out;
    if (!p)
        return;
    free(p->gradient_of);
    free(p->weight_to);
    free(p->gradients);
    free(p->weights);
    free(p);
    *out = NULL;
}

static workspace workspace_of(const cnn_step *s, const cnn_pooled_backward *p, int thread)
{
    char *at = (char *)cnn_step_at(s, p->scratch) +
               (size_t)thread * (p->image_bytes + p->entry_bytes + p->room_bytes + p->pixel_bytes);
    workspace w;
    w.image = (float *)at;
    w.entries = (cnn_pooled_entry *)(at + p->image_bytes);
    w.room = (cnn_pooled_entry *)(at + p->image_bytes + p->entry_bytes);
    w.pixels = (cnn_pooled_pixel *)(at + p->image_bytes + p->entry_bytes + p->room_bytes);
    return w;
}

/* ---- backward ------------------------------------------------------------------------------ */

/* Adds the gradients of one filter in one padded image. */
static void filter_gradient(const cnn_node *node, cnn_pooled_backward *p, int filter,
                            const cnn_pooled_entry *list, int count, const float *image)
{
    const int kernel = node->layer->kernel;
    const size_t plane = cnn_padded_plane(&p->padded);
    float *dw = p->gradients + (size_t)filter * p->tap_values;
    if (p->few_channels) {
        cnn_kernel_pooled_weights_few_channels(kernel, p->padded.row, p->padded.width, list, count,
                                               image, dw);
        return;
    }
    for (int b = 0; b < p->padded.blocks; b++)
        cnn_kernel_pooled_weights(kernel, p->padded.row, list, count, image + (size_t)b * plane,
                                  dw + (size_t)(b * kernel * kernel * LANES));
}

/* Filters from `first` on that are sorted together: neighbours in a block, before `last`. */
static int together(const cnn_grid *g, int first, int last)
{
    int count = g->block - first % g->block;
    count = count < last - first ? count : last - first;
    return count < CNN_POOLED_FILTERS ? count : CNN_POOLED_FILTERS;
}

/* Filters first .. last-1, all images in their order: the sums do not depend on the threads. */
static void filters_gradient(const cnn_step *s, const cnn_node *node, cnn_pooled_backward *p, int n,
                             const uint8_t *where, const float *dy, int first, int last,
                             double *bias)
{
    const cnn_grid *g = &node->out;
    const workspace ws = workspace_of(s, p, omp_get_thread_num());
    const float *x = cnn_step_value(s, node->index);
    const size_t length = (size_t)g->h * (size_t)g->w + 1;
    for (int i = 0; i < n && first < last; i++) {
        cnn_padded_fill(&p->padded, &node->in, x + (size_t)i * cnn_grid_size(&node->in), ws.image);
        for (int o = first; o < last;) {
            int counts[CNN_POOLED_FILTERS];
            const int some = together(g, o, last);
            const size_t at = (size_t)i * cnn_grid_size(g) +
                              (size_t)(o / g->block) * cnn_grid_plane(g) + (size_t)(o % g->block);
            cnn_kernel_pooled_filters(some, g, p->padded.row, where + at, dy + at, ws.entries,
                                      counts, bias + (o - first));
            for (int f = 0; f < some; f++, o++)
                filter_gradient(node, p, o, ws.entries + (size_t)f * length, counts[f], ws.image);
        }
    }
}

static void weights_gradient(cnn_step *s, const cnn_node *node, cnn_pooled_backward *p, int n,
                             const uint8_t *where, const float *dy)
{
    enum { AT_ONCE = 32 };
    const int filters = node->layer->filters;
    float *dweights = cnn_step_weight_gradients(s, node, 0),
          *dbias = cnn_step_weight_gradients(s, node, 1);
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

static void input_gradient(cnn_step *s, const cnn_node *node, cnn_pooled_backward *p, int n,
                           const uint8_t *where, const float *dy)
{
    const cnn_layer *l = node->layer;
    const float *weights = cnn_step_weights(s, node, 0);
    const size_t plane = cnn_padded_plane(&p->padded);
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
            cnn_kernel_pooled_pixels(&node->out, p->padded.row, where + (size_t)i * out,
                                     dy + (size_t)i * out, ws.pixels, ws.entries, ws.room);
        memset(ws.image, 0, p->image_bytes);
        for (int b = 0; b < p->padded.blocks; b++)
            cnn_kernel_pooled_data(l->kernel, p->padded.row, l->filters, ws.pixels, count,
                                   ws.entries, p->weights + (size_t)b * taps,
                                   ws.image + (size_t)b * plane);
        cnn_padded_read(&p->padded, &node->in, ws.image, dx);
        if (cnn_cpu_masks_input(node))
            cnn_kernel_relu_backward(in, cnn_step_value(s, node->index) + (size_t)i * in, dx, dx);
    }
}

void cnn_pooled_backward_run(cnn_step *s, const cnn_node *node, cnn_pooled_backward *p,
                             const cnn_step_pass *pass, const uint8_t *where, const float *dy)
{
    weights_gradient(s, node, p, pass->n, where, dy);
    if (node->input_gradient)
        input_gradient(s, node, p, pass->n, where, dy);
}
