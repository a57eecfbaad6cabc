/* SPDX-License-Identifier: Apache-2.0 */
/* From a network to nodes: tensors, parameters, memory. */
#include "nn/native/step.h"

#include <stdlib.h>

static int first_with_parameters(const cnn_step *s)
{
    int i = 0;
    while (i < s->node_count && s->net.layers[s->plan.nodes[i].layer].parameters == 0)
        i++;
    return i;
}

/* Shape of value[i]. */
static cnn_shape shape_of(const cnn_step *s, int i)
{
    if (i == 0)
        return s->net.input;
    const int next = i == s->node_count ? s->net.layer_count : s->plan.nodes[i].layer;
    return s->net.layers[next - 1].out;
}

static cnn_grid nhwc(cnn_shape shape)
{
    return cnn_grid_of(shape, shape.c);
}

static const cnn_node_class *class_of(const cnn_step *s, int i)
{
    if (i == s->node_count - 1 && s->backend->classifier)
        return s->backend->classifier;
    return s->backend->classes[s->plan.nodes[i].kind];
}

/* With grids in NHWC; *running: number of running statistics of the nodes before. */
static void set_up_node(cnn_step *s, int i, size_t *running)
{
    const cnn_plan_node *p = &s->plan.nodes[i], *before = i > 0 ? p - 1 : NULL;
    const cnn_layer *layer = &s->net.layers[p->layer];
    const bool is_pool = p->kind == CNN_NODE_POOL;
    s->nodes[i] = (cnn_node){
        .class = class_of(s, i),
        .index = i,
        .layer = layer,
        .pool = is_pool        ? layer
                : p->pool >= 0 ? &s->net.layers[p->pool]
                               : NULL,
        .relu = p->relu >= 0,
        .trains = i >= s->first_trained,
        .input_gradient = i > s->first_trained,
        .input_is_relu = before && before->relu >= 0 && before->pool < 0,
        .in = s->grids[i],
        .mid = nhwc(is_pool ? layer->in : layer->out),
        .out = s->grids[i + 1],
        .reads_until = cnn_step_back(s, i),
        .running = *running,
    };
    if (p->kind == CNN_NODE_NORM)
        *running += (size_t)layer->parameters; /* as many means and variances */
}

static void set_up_nodes(cnn_step *s)
{
    size_t running = 0;
    cnn_plan_fuse(&s->net, &s->plan);
    s->node_count = s->plan.node_count - 1;
    s->first_trained = first_with_parameters(s);
    for (int i = 0; i <= s->node_count; i++)
        s->grids[i] = nhwc(shape_of(s, i));
    for (int i = 0; i < s->node_count; i++)
        set_up_node(s, i, &running);
}

/* A value lives until its writer's backward has masked by it and its reader's has used it. */
static cnn_status add_value(cnn_step *s, int i)
{
    const int writer = i > 0 ? i - 1 : 0, back = cnn_step_back(s, writer);
    const int read = i < s->node_count ? s->nodes[i].reads_until : back;
    s->values[i] = CNN_NO_TENSOR;
    if ((i == 0 && s->reads_feed) || (i == s->node_count && s->backend->classifier))
        return CNN_OK;
    return cnn_step_tensor(s, i == 0 ? "images" : "result", writer,
                           cnn_step_values(s, &s->grids[i]) * sizeof(float), writer,
                           read > back ? read : back, &s->values[i]);
}

/* A gradient lives from the backward of node i, which leaves it, to that of node i - 1. */
static cnn_status add_gradient(cnn_step *s, int i)
{
    const int last = s->node_count - 1;
    const bool early = s->backend->classifier && i >= last;
    s->gradients[i] = CNN_NO_TENSOR;
    if (i <= s->first_trained)
        return CNN_OK;
    return cnn_step_tensor(s, "gradient", i - 1, cnn_step_values(s, &s->grids[i]) * sizeof(float),
                           early ? last : cnn_step_back(s, i), s->nodes[i - 1].reads_until,
                           &s->gradients[i]);
}

static cnn_status alloc_floats(cnn_step *s, size_t count, const char *what, float **out)
{
    void *memory = NULL;
    const cnn_status st = s->backend->alloc(s->ops, count * sizeof **out, what, &memory);
    *out = memory;
    return st;
}

static cnn_status allocate(cnn_step *s)
{
    cnn_status st = CNN_OK;
    void *memory = NULL;
    const bool adam = s->train.optimizer == CNN_OPTIMIZER_ADAM;
    CNN_TRY(cnn_plan_place(&s->plan));
    CNN_TRY(
        s->backend->alloc(s->ops, s->plan.arena_bytes, "the arena of a training step", &memory));
    s->arena = memory;
    CNN_TRY(alloc_floats(s, s->parameter_size, "parameters", &s->weights));
    CNN_TRY(alloc_floats(s, s->parameter_size, "parameters' gradients", &s->weight_gradients));
    if (adam || s->train.momentum != 0)
        CNN_TRY(alloc_floats(s, s->parameter_size, "the optimiser's state", &s->first));
    if (adam)
        CNN_TRY(alloc_floats(s, s->parameter_size, "the optimiser's state", &s->second));
    CNN_TRY(alloc_floats(s, (size_t)s->net.state_total, "running statistics", &s->running));
done:
    return st;
}

static cnn_status build(cnn_step *s)
{
    cnn_status st = CNN_OK;
    set_up_nodes(s);
    if (s->backend->begin)
        CNN_TRY(s->backend->begin(s));
    for (int i = 0; i <= s->node_count; i++) {
        CNN_TRY(add_value(s, i));
        CNN_TRY(add_gradient(s, i));
    }
    for (int i = 0; i < s->node_count; i++)
        CNN_TRY(s->nodes[i].class->create(s, &s->nodes[i]));
    CNN_TRY(allocate(s));
    if (s->backend->finish)
        CNN_TRY(s->backend->finish(s));
done:
    return st;
}

cnn_status cnn_step_build(const cnn_step_backend *backend, cnn_ops *ops, const cnn_network *net,
                          const cnn_train *train, uint64_t seed, cnn_step **out)
{
    cnn_status st = CNN_OK;
    cnn_step *s = NULL;
    CNN_CHECK(ops && net && train && out && net->parameter_total > 0, CNN_EINVAL,
              "a training step needs a device, an inferred network and training settings");
    CNN_CHECK((s = calloc(1, backend->step_bytes)) != NULL, CNN_ENOMEM, "a training step");
    s->backend = backend;
    s->ops = ops;
    s->net = *net;
    s->train = *train;
    s->seed = seed;
    CNN_TRY(build(s));
    *out = s;
    s = NULL; /* the caller owns it now */
done:
    cnn_step_destroy(&s);
    return st;
}

void cnn_step_destroy(cnn_step **step)
{
    cnn_step *s = *step;
    if (!s)
        return;
    if (s->backend->destroy)
        s->backend->destroy(s);
    for (int i = 0; i < s->node_count; i++)
        if (s->nodes[i].class->destroy)
            s->nodes[i].class->destroy(&s->nodes[i]);
    void *memory[] = {s->arena, s->weights, s->weight_gradients, s->first, s->second, s->running};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        cnn_ops_free(s->ops, &memory[i]);
    free(s);
    *step = NULL;
}
