/* SPDX-License-Identifier: Apache-2.0 */
/* From a network to nodes: layouts, tensors, parameters, memory. */
#include "cpu/native/internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- helpers of the nodes ------------------------------------------------------------------ */

cnn_status cnn_step_tensor(cnn_step *s, const char *what, int node, size_t bytes, int first,
                           int last, int *out)
{
    char name[sizeof s->plan.tensors[0].name];
    snprintf(name, sizeof name, "%d %s", node, what);
    *out = cnn_plan_add(&s->plan, name, bytes, first, last);
    if (*out < 0)
        return cnn_error_set(CNN_ENOMEM, "network '%s' needs more than %d tensors", s->net.name,
                             CNN_MAX_PLAN_TENSORS);
    return CNN_OK;
}

void cnn_step_add_parameter(cnn_step *s, cnn_node *node, int k, size_t size, cnn_weighted *weighted)
{
    enum { VALUES_ALIGNED = 16 };
    s->parameters[s->parameter_count] = (cnn_step_parameter){
        .parameter = node->layer->first_parameter + k,
        .offset = s->parameter_size,
        .size = size,
        .weighted = weighted,
    };
    node->parameters[k] = s->parameter_count++;
    s->parameter_size += (size + VALUES_ALIGNED - 1) / VALUES_ALIGNED * VALUES_ALIGNED;
}

/* The layout of weights in the arena is oneDNN's secret. Importing the numbers 1, 2, 3, ... tells
 * where each one goes. */
cnn_status cnn_step_map_weights(cnn_step *s, const cnn_node *node, int32_t **map, size_t *size)
{
    cnn_status st = CNN_OK;
    const cnn_step_parameter *p = &s->parameters[node->parameters[0]];
    const int64_t count = s->net.parameters[p->parameter].size;
    float *canonical = NULL, *own = NULL;
    CNN_CHECK(count < CNN_STEP_MAX_MAPPED, CNN_EINVAL, "a map of %lld weights", (long long)count);
    CNN_TRY(cnn_cpu_floats((size_t)count, "a map of weights", &canonical));
    CNN_TRY(cnn_cpu_floats(p->size, "a map of weights", &own));
    for (int64_t i = 0; i < count; i++)
        canonical[i] = (float)(i + 1);
    CNN_TRY(cnn_weighted_import(p->weighted, canonical, own));
    CNN_CHECK((*map = malloc(p->size * sizeof **map)), CNN_ENOMEM, "a map of weights");
    for (size_t j = 0; j < p->size; j++)
        (*map)[j] = (int32_t)own[j] - 1;
    *size = p->size;
done:
    free(canonical);
    free(own);
    return st;
}

/* Some memory has two names, as NHWC and nChw16c of 16 channels or NHWC and NCHW of one: it goes by
 * the one for which oneDNN has its fastest kernels. */
dnnl_format_tag_t cnn_step_tag(const cnn_grid *g)
{
    return g->block == 1    ? dnnl_nchw
           : g->block == 8  ? dnnl_nChw8c
           : g->block == 16 ? dnnl_nChw16c
                            : dnnl_nhwc;
}

cnn_status cnn_step_mask_input(cnn_step *s, const cnn_node *node, const cnn_step_pass *pass)
{
    if (!node->mask_input)
        return CNN_OK;
    float *dx = cnn_step_gradient(s, node->index);
    return cnn_relu_backward(s->ops, cnn_grid_size(&node->in) * (size_t)pass->n,
                             cnn_step_value(s, node->index), dx, dx);
}

void cnn_step_describe_grid(const cnn_grid *g, cnn_text *out)
{
    cnn_text_printf(out, "%dx%dx%d ", g->h, g->w, g->c);
    if (g->block == 8 || g->block == 16)
        cnn_text_printf(out, "nChw%dc", g->block);
    else
        cnn_text_append(out, g->block == 1 && g->c > 1 ? "NCHW" : "NHWC");
}

/* ---- layouts ------------------------------------------------------------------------------- */

/* Layers that keep their input's layout. */
static bool keeps_layout(const cnn_plan_node *node)
{
    return node->kind != CNN_NODE_CONV && node->kind != CNN_NODE_DENSE;
}

/* The layout (block of channels, 0: no wish) that oneDNN prefers for value[first .. last], between
 * the convolution that leaves value[first] (first > 0) and the one that reads value[last]. */
static cnn_status preferred_block(cnn_step *s, int first, int last, int *block)
{
    cnn_status st = CNN_OK;
    int unused = 0;
    const cnn_plan_node *writer = first > 0 ? &s->plan.nodes[first - 1] : NULL;
    const cnn_plan_node *reader = &s->plan.nodes[last];
    *block = 0;
    if (writer && writer->kind == CNN_NODE_DENSE) /* which leaves a vector */
        goto done;
    if (reader->kind == CNN_NODE_CONV)
        CNN_TRY(
            cnn_conv_wishes(s, &s->net.layers[reader->layer], reader->relu >= 0, block, &unused));
    if (*block == 0 && writer)
        CNN_TRY(
            cnn_conv_wishes(s, &s->net.layers[writer->layer], writer->relu >= 0, &unused, block));
done:
    return st;
}

/* Shape of value[i]. */
static cnn_shape shape_of(const cnn_step *s, int i)
{
    if (i == 0)
        return s->net.input;
    const int last = i == s->node_count ? s->net.layer_count : s->plan.nodes[i].layer;
    return s->net.layers[last - 1].out;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static const cnn_node_class *class_of(cnn_node_kind kind)
{
    switch (kind) {
    case CNN_NODE_CONV:
        return &cnn_conv_node;
    case CNN_NODE_NORM:
        return &cnn_norm_node;
    case CNN_NODE_POOL:
        return &cnn_pool_node;
    case CNN_NODE_RELU:
        return &cnn_relu_node;
    case CNN_NODE_DROPOUT:
        return &cnn_dropout_node;
    default:
        return &cnn_dense_node;
    }
}

static void set_up_node(cnn_step *s, int i)
{
    cnn_node *node = &s->nodes[i];
    const cnn_plan_node *p = &s->plan.nodes[i];
    node->class = class_of(p->kind);
    node->index = i;
    node->layer = &s->net.layers[p->layer];
    node->relu = p->relu >= 0;
    node->pool = p->pool >= 0               ? &s->net.layers[p->pool]
                 : p->kind == CNN_NODE_POOL ? node->layer
                                            : NULL;
    node->in = s->grids[i];
    node->out = s->grids[i + 1];
    node->mid =
        cnn_grid_of(p->kind == CNN_NODE_POOL ? node->layer->in : node->layer->out, node->out.block);
    node->trains = i >= s->first_trained;
    node->input_gradient = i > s->first_trained;
    node->mask_input =
        node->input_gradient && s->plan.nodes[i - 1].relu >= 0 && s->plan.nodes[i - 1].pool < 0;
}

/* What to do where convolutions have wishes: grant them, or give all the same layout. */
typedef enum { AS_WISHED = -1, ALL_NHWC = 0, ALL_8 = 8, ALL_16 = 16 } layout_policy;

/* Layout of every value: one for each stretch between convolutions and dense layers. */
static cnn_status assign_layouts(cnn_step *s, layout_policy policy)
{
    cnn_status st = CNN_OK;
    for (int first = 0; first <= s->node_count;) {
        int last = first, block = 0;
        while (last < s->node_count && keeps_layout(&s->plan.nodes[last]))
            last++;
        if (last < s->node_count)
            CNN_TRY(preferred_block(s, first, last, &block));
        if (policy != AS_WISHED && block > 0 && first > 0)
            block = (int)policy;
        for (int i = first; i <= last; i++) {
            const cnn_shape shape = shape_of(s, i);
            s->grids[i] = cnn_grid_of(shape, block > 0 ? block : shape.c);
        }
        first = last + 1;
    }
done:
    return st;
}

/* Convolutions wish one by one; together their wishes may leave oneDNN only its plain loops, which
 * are a hundred times slower. Then the same layout for all may do better. */
static cnn_status choose_layouts(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const layout_policy policies[] = {AS_WISHED, ALL_16, ALL_8, ALL_NHWC};
    int best = 0, least = INT_MAX;
    for (int i = 0; i < 4 && least > 0; i++) {
        int slow = 0;
        CNN_TRY(assign_layouts(s, policies[i]));
        for (int k = 0; k < s->node_count; k++) {
            set_up_node(s, k);
            if (s->plan.nodes[k].kind == CNN_NODE_CONV)
                CNN_TRY(cnn_conv_count_slow(s, &s->nodes[k], &slow));
        }
        best = slow < least ? i : best;
        least = slow < least ? slow : least;
    }
    CNN_TRY(assign_layouts(s, policies[best]));
done:
    return st;
}

static int first_with_parameters(const cnn_step *s)
{
    int i = 0;
    while (i < s->node_count && s->net.layers[s->plan.nodes[i].layer].parameters == 0)
        i++;
    return i;
}

/* Values live until their writer's backward has masked by them; gradients from their writer's
 * backward to their reader's. */
static cnn_status add_values(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const size_t images = (size_t)cnn_ops_max_batch(s->ops) * sizeof(float);
    for (int i = 0; i <= s->node_count; i++) {
        const size_t bytes = images * cnn_grid_size(&s->grids[i]);
        const int writer = i > 0 ? i - 1 : 0;
        CNN_TRY(cnn_step_tensor(s, i == 0 ? "images" : "result", writer, bytes, writer,
                                cnn_step_back(s, writer), &s->values[i]));
        s->gradients[i] = CNN_NO_TENSOR;
        if (i > s->first_trained)
            CNN_TRY(cnn_step_tensor(s, "gradient", writer, bytes, cnn_step_back(s, i),
                                    cnn_step_back(s, writer), &s->gradients[i]));
    }
done:
    return st;
}

static cnn_status allocate(cnn_step *s)
{
    cnn_status st = CNN_OK;
    void *memory = NULL;
    const bool adam = s->train.optimizer == CNN_OPTIMIZER_ADAM;
    CNN_TRY(cnn_plan_place(&s->plan));
    CNN_TRY(cnn_cpu_alloc(s->plan.arena_bytes, "the arena of a training step", &memory));
    s->arena = memory;
    CNN_TRY(cnn_cpu_floats(s->parameter_size, "parameters", &s->weights));
    CNN_TRY(cnn_cpu_floats(s->parameter_size, "parameters' gradients", &s->weight_gradients));
    if (adam || s->train.momentum != 0)
        CNN_TRY(cnn_cpu_floats(s->parameter_size, "the optimiser's state", &s->first));
    if (adam)
        CNN_TRY(cnn_cpu_floats(s->parameter_size, "the optimiser's state", &s->second));
done:
    return st;
}

cnn_status cnn_step_build(cnn_step *s)
{
    cnn_status st = CNN_OK;
    void *memory = NULL;
    cnn_plan_fuse(&s->net, &s->plan);
    s->node_count = s->plan.node_count - 1;
    s->first_trained = first_with_parameters(s);
    CNN_TRY(cnn_cpu_alloc((size_t)cnn_ops_max_batch(s->ops) * sizeof(int32_t), "labels", &memory));
    s->labels = memory;
    CNN_TRY(cnn_cpu_floats((size_t)s->net.state_total, "running statistics", &s->running));
    CNN_TRY(choose_layouts(s));
    CNN_TRY(add_values(s));
    for (int i = 0; i < s->node_count; i++) {
        set_up_node(s, i);
        CNN_TRY(s->nodes[i].class->create(s, &s->nodes[i]));
    }
    CNN_TRY(allocate(s));
done:
    return st;
}
