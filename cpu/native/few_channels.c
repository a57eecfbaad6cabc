/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/native/few_channels.h"

#include "cpu/kernels/few_channels.h"
#include "cpu/kernels/padded.h"

#include <omp.h>
#include <stdlib.h>

struct cnn_few_channels_node {
    cnn_padded padded;
    int lanes, groups;    /* filters of a vector; vectors */
    size_t group_values;  /* gradients of a vector's weights */
    size_t image_values;  /* of one thread's padded image */
    float *gradients;     /* f32 [groups, kernel, channels, kernel, lanes] */
    float *bias;          /* f32 [groups, lanes] */
    int32_t *gradient_of; /* [own_size]: index of each weight's gradient here; -1: filling */
    size_t own_size;
    int scratch; /* tensor: a padded image for each thread */
};

static int lanes_of(const cnn_grid *g)
{
    return g->block % 16 == 0 ? 16 : g->block % 8 == 0 ? 8 : 0;
}

bool cnn_few_channels_suits(const cnn_node *node)
{
    const cnn_layer *l = node->layer;
    return l->in.c <= CNN_FEW_CHANNELS_MAX_CHANNELS && l->stride == 1 &&
           (l->kernel == 3 || l->kernel == 5) && lanes_of(&node->mid) > 0 &&
           l->parameters < CNN_CPU_MAX_MAPPED;
}

static cnn_status map_weights(cnn_step *s, const cnn_node *node, cnn_few_channels_node *p)
{
    cnn_status st = CNN_OK;
    const int k = node->layer->kernel, channels = node->layer->in.c;
    CNN_TRY(cnn_cpu_map_weights(s, node, &p->gradient_of, &p->own_size));
    for (size_t j = 0; j < p->own_size; j++) {
        const int at = p->gradient_of[j];
        const int kw = at % k, kh = at / k % k, i = at / (k * k) % channels;
        const int o = at / (k * k * channels);
        if (at >= 0)
            p->gradient_of[j] = (int32_t)((size_t)(o / p->lanes) * p->group_values) +
                                ((kh * channels + i) * k + kw) * p->lanes + o % p->lanes;
    }
done:
    return st;
}

cnn_status cnn_few_channels_create(cnn_step *s, const cnn_node *node, cnn_few_channels_node **out)
{
    cnn_status st = CNN_OK;
    const cnn_layer *l = node->layer;
    const int back = cnn_step_back(s, node->index);
    cnn_few_channels_node *p = calloc(1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "a convolution's backward");
    p->padded = cnn_padded_of(l, l->in.c);
    p->lanes = lanes_of(&node->mid);
    p->groups = node->mid.block * node->mid.blocks / p->lanes;
    p->group_values = (size_t)(l->kernel * l->kernel * l->in.c * p->lanes);
    p->image_values = (cnn_padded_plane(&p->padded) + 15) / 16 * 16;
    CNN_TRY(map_weights(s, node, p));
    CNN_TRY(
        cnn_cpu_floats(p->group_values * (size_t)p->groups, "a weights' gradient", &p->gradients));
    CNN_TRY(cnn_cpu_floats((size_t)(p->lanes * p->groups), "a bias's gradient", &p->bias));
    CNN_TRY(cnn_step_tensor(s, "padded images", node->index,
                            p->image_values * sizeof(float) * (size_t)s->ops->config.threads, back,
                            back, &p->scratch));
    *out = p;
    p = NULL;
done:
    cnn_few_channels_destroy(&p);
    return st;
}

void cnn_few_channels_destroy(cnn_few_channels_node **node)
{
    if (!*node)
        return;
    free((*node)->gradients);
    free((*node)->bias);
    free((*node)->gradient_of);
    free(*node);
    *node = NULL;
}

/* Vectors begin .. end-1 of filters, all images in their order: the sums do not depend on the
 * threads. */
static void groups_gradient(const cnn_step *s, const cnn_node *node, cnn_few_channels_node *p,
                            int n, const float *dy, int begin, int end)
{
    const cnn_grid *g = &node->mid;
    const cnn_few_channels shape = {node->layer->out.h, node->layer->out.w, (size_t)p->padded.row,
                                    (size_t)p->padded.width, (size_t)g->block};
    float *image =
        (float *)cnn_step_at(s, p->scratch) + (size_t)omp_get_thread_num() * p->image_values;
    for (int i = 0; i < n && begin < end; i++) {
        cnn_padded_fill(&p->padded, &node->in,
                        cnn_step_value(s, node->index) + (size_t)i * cnn_grid_size(&node->in),
                        image);
        for (int v = begin; v < end; v++) {
            const int filter = v * p->lanes;
            const size_t at = (size_t)i * cnn_grid_size(g) +
                              (size_t)(filter / g->block) * cnn_grid_plane(g) +
                              (size_t)(filter % g->block);
            cnn_kernel_few_channels_weights(node->layer->kernel, p->lanes, &shape, image, dy + at,
                                            p->gradients + (size_t)v * p->group_values,
                                            p->bias + filter);
        }
    }
}

void cnn_few_channels_backward(cnn_step *s, const cnn_node *node, cnn_few_channels_node *p,
                               const cnn_step_pass *pass, const float *dy)
{
    const size_t filters = (size_t)node->layer->filters;
    float *dweights = cnn_step_weight_gradients(s, node, 0);
    memset(p->gradients, 0, p->group_values * (size_t)p->groups * sizeof(float));
    memset(p->bias, 0, (size_t)(p->lanes * p->groups) * sizeof(float));
#pragma omp parallel
    {
        size_t begin, end;
        cnn_cpu_share((size_t)p->groups, 1, &begin, &end);
        groups_gradient(s, node, p, pass->n, dy, (int)begin, (int)end);
    }
    for (size_t j = 0; j < p->own_size; j++)
        dweights[j] = p->gradient_of[j] < 0 ? 0 : p->gradients[p->gradient_of[j]];
    memcpy(cnn_step_weight_gradients(s, node, 1), p->bias, filters * sizeof(float));
}
