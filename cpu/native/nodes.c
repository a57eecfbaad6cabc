/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that several kinds of nodes share. */
#include "cpu/native/internal.h"

#include <stdlib.h>

void cnn_cpu_add_weights(cnn_step *s, cnn_node *node, cnn_weighted *w, int bias)
{
    cnn_step_add_parameter(s, node, 0, cnn_weighted_size(w), w);
    cnn_step_add_parameter(s, node, 1, (size_t)bias, NULL);
}

/* oneDNN does not say how its weights lie in the arena. Importing the numbers 1, 2, 3, ... shows
 * where each one goes. */
cnn_status cnn_cpu_map_weights(cnn_step *s, const cnn_node *node, int32_t **map, size_t *size)
{
    cnn_status st = CNN_OK;
    const cnn_step_parameter *p = &s->parameters[node->parameters[0]];
    const int64_t count = s->net.parameters[p->parameter].size;
    float *canonical = NULL, *own = NULL;
    CNN_CHECK(count < CNN_CPU_MAX_MAPPED, CNN_EINVAL, "a map of %lld weights", (long long)count);
    CNN_TRY(cnn_cpu_floats((size_t)count, "a map of weights", &canonical));
    CNN_TRY(cnn_cpu_floats(p->size, "a map of weights", &own));
    for (int64_t i = 0; i < count; i++)
        canonical[i] = (float)(i + 1);
    CNN_TRY(cnn_weighted_import(p->layout, canonical, own));
    CNN_CHECK((*map = malloc(p->size * sizeof **map)), CNN_ENOMEM, "a map of weights");
    for (size_t j = 0; j < p->size; j++)
        (*map)[j] = (int32_t)own[j] - 1;
    *size = p->size;
done:
    free(canonical);
    free(own);
    return st;
}

/* Some layouts have two names, as NHWC and nChw16c of 16 channels or NHWC and NCHW of one. The one
 * for which oneDNN has its fastest kernels is chosen. */
dnnl_format_tag_t cnn_cpu_tag(const cnn_grid *g)
{
    return g->block == 1    ? dnnl_nchw
           : g->block == 8  ? dnnl_nChw8c
           : g->block == 16 ? dnnl_nChw16c
                            : dnnl_nhwc;
}

cnn_status cnn_cpu_mask_input(cnn_step *s, const cnn_node *node, const cnn_step_pass *pass)
{
    if (!cnn_cpu_masks_input(node))
        return CNN_OK;
    float *dx = cnn_step_gradient(s, node->index);
    return cnn_relu_backward(s->ops, cnn_grid_size(&node->in) * (size_t)pass->n,
                             cnn_step_value(s, node->index), dx, dx);
}
