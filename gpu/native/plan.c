/* SPDX-License-Identifier: Apache-2.0 */
/* From a network to nodes: tensors, parameters, algorithms, memory. */
#include "gpu/native/internal.h"

#include <stdio.h>

cnn_status cnn_native_tensor(cnn_step *s, const char *what, int node, size_t bytes, int first,
                             int last, int *out)
{
    char name[sizeof s->plan.tensors[0].name];
    if (bytes > CNN_CUDA_MAX_TENSOR)
        return cnn_error_set(CNN_EUSAGE,
                             "%s of layer %d would take %zu bytes, more than the GPU backend's "
                             "kernels can count: use a smaller batch",
                             what, node + 1, bytes);
    snprintf(name, sizeof name, "%d %s", node, what);
    *out = cnn_plan_add(&s->plan, name, bytes, first, last);
    if (*out < 0)
        return cnn_error_set(CNN_ENOMEM, "network '%s' needs more than %d tensors", s->net.name,
                             CNN_MAX_PLAN_TENSORS);
    return CNN_OK;
}

void cnn_native_add_parameter(cnn_step *s, cnn_native_node *node, int k, bool packed)
{
    enum { VALUES_ALIGNED = 64 };
    const int parameter = node->layer->first_parameter + k;
    const size_t size = (size_t)s->net.parameters[parameter].size;
    s->parameters[s->parameter_count] = (cnn_native_parameter){
        .parameter = parameter, .offset = s->parameter_size, .size = size, .packed = packed};
    node->parameters[k] = s->parameter_count++;
    s->parameter_size += (size + VALUES_ALIGNED - 1) / VALUES_ALIGNED * VALUES_ALIGNED;
}

cnn_status cnn_native_add_sums(cnn_step *s, cnn_native_node *node, size_t parts, size_t tickets,
                               int first, int last)
{
    node->tickets = s->ticket_count;
    s->ticket_count += tickets;
    return cnn_native_tensor(s, "parts of sums", node->index, parts * sizeof(double), first, last,
                             &node->parts);
}

cnn_gpu_sums cnn_native_sums(const cnn_step *s, const cnn_native_node *node)
{
    return (cnn_gpu_sums){cnn_native_at(s, node->parts), s->tickets + node->tickets};
}

/* Whether a node's ReLU and bias are finished, backward, by a batch normalisation behind it. */
static bool finished_by_next(const cnn_step *s, int i)
{
    const cnn_plan_node *p = &s->plan.nodes[i];
    return (p->kind == CNN_NODE_CONV || p->kind == CNN_NODE_DENSE) && p->relu >= 0 && p->pool < 0 &&
           i + 1 < s->node_count && s->plan.nodes[i + 1].kind == CNN_NODE_NORM &&
           i + 1 > s->first_trained;
}

static void set_up_node(cnn_step *s, int i, size_t *running)
{
    cnn_native_node *node = &s->nodes[i];
    const cnn_plan_node *p = &s->plan.nodes[i];
    const cnn_layer *layer = &s->net.layers[p->layer];
    *node = (cnn_native_node){
        .class = i == s->node_count - 1 ? &cnn_native_classifier : cnn_native_class_of(p->kind),
        .index = i,
        .layer = layer,
        .pool = p->pool >= 0 ? &s->net.layers[p->pool] : NULL,
        .relu = p->relu >= 0,
        .trains = i >= s->first_trained,
        .input_gradient = i > s->first_trained,
        .finished_by_next = finished_by_next(s, i),
        .mid = layer->out,
        .before_pool = CNN_NO_TENSOR,
        .before_pool_gradient = CNN_NO_TENSOR,
        .mask = CNN_NO_TENSOR,
        .mean = CNN_NO_TENSOR,
        .inverse = CNN_NO_TENSOR,
        .parts = CNN_NO_TENSOR,
        .losses = CNN_NO_TENSOR,
        .running = *running,
    };
    if (p->kind == CNN_NODE_NORM)
        *running += (size_t)layer->parameters; /* as many means and variances */
}

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

static size_t value_bytes(const cnn_step *s, int i)
{
    return cnn_native_floats(s, shape_of(s, i)) * sizeof(float);
}

/* The reader's gradient of its weights may be late. */
static int last_of_value(const cnn_step *s, int i)
{
    const int writer = i > 0 ? i - 1 : 0, back = cnn_native_back(s, writer);
    const int aside = i < s->node_count ? cnn_native_aside_until(s, i) : back;
    return aside > back ? aside : back;
}

static int last_of_gradient(const cnn_step *s, int i)
{
    return cnn_native_aside_until(s, i - 1);
}

/* Values live until their writer's backward has masked by them, and their reader has used them. The
 * first is added where the images are gathered, the last, the logits, where the classifier leaves
 * them. */
static cnn_status add_values(cnn_step *s)
{
    cnn_status st = CNN_OK;
    s->values[0] = s->values[s->node_count] = CNN_NO_TENSOR;
    for (int i = 1; i < s->node_count; i++)
        CNN_TRY(cnn_native_tensor(s, "result", i - 1, value_bytes(s, i), i - 1, last_of_value(s, i),
                                  &s->values[i]));
done:
    return st;
}

/* Gradients live from their writer's backward to their reader's. The classifier's are left by its
 * forward, which has the loss in it. */
static cnn_status add_gradients(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const int classifier = s->node_count - 1;
    for (int i = 0; i <= s->node_count; i++) {
        const int first = i >= classifier ? classifier : cnn_native_back(s, i);
        s->gradients[i] = CNN_NO_TENSOR;
        if (i > s->first_trained)
            CNN_TRY(cnn_native_tensor(s, "gradient", i - 1, value_bytes(s, i), first,
                                      last_of_gradient(s, i), &s->gradients[i]));
    }
done:
    return st;
}

/* Images are gathered unless the first node reads them where the feed has them. */
static cnn_status add_images(cnn_step *s)
{
    if (s->nodes[0].own_first)
        return CNN_OK;
    return cnn_native_tensor(s, "images", 0, value_bytes(s, 0), 0, last_of_value(s, 0),
                             &s->values[0]);
}

static cnn_status allocate(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const bool adam = s->train.optimizer == CNN_OPTIMIZER_ADAM;
    CNN_TRY(cnn_plan_place(&s->plan));
    CNN_TRY(cnn_cuda_alloc(s->ops, s->plan.arena_bytes, "the arena of a training step",
                           (void **)&s->arena));
    CNN_TRY(cnn_cuda_floats(s->ops, s->parameter_size, "parameters", &s->weights));
    CNN_TRY(
        cnn_cuda_floats(s->ops, s->parameter_size, "parameters' gradients", &s->weight_gradients));
    if (adam || s->train.momentum != 0)
        CNN_TRY(cnn_cuda_floats(s->ops, s->parameter_size, "the optimiser's state", &s->first));
    if (adam)
        CNN_TRY(cnn_cuda_floats(s->ops, s->parameter_size, "the optimiser's state", &s->second));
    CNN_TRY(cnn_cuda_floats(s->ops, (size_t)s->net.state_total, "running statistics", &s->running));
    CNN_TRY(cnn_cuda_alloc(s->ops, s->ticket_count * sizeof *s->tickets, "tickets of sums",
                           (void **)&s->tickets));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *s->place, "a step's place", (void **)&s->place));
    CNN_TRY(cnn_cuda_floats(s->ops, (size_t)s->net.state_total, "running statistics",
                            &s->running_kept));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *s->training, "counts", (void **)&s->training));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *s->training, "counts", (void **)&s->training_kept));
    CNN_TRY(cnn_cuda_alloc(s->ops, sizeof *s->evaluation, "counts", (void **)&s->evaluation));
done:
    return st;
}

cnn_status cnn_native_build(cnn_step *s)
{
    cnn_status st = CNN_OK;
    size_t running = 0;
    cnn_plan_fuse(&s->net, &s->plan);
    s->node_count = s->plan.node_count - 1;
    s->first_trained = first_with_parameters(s);
    CNN_TRY(cnn_native_take_capture_mode(s));
    CNN_TRY(add_values(s));
    CNN_TRY(add_gradients(s));
    for (int i = 0; i < s->node_count; i++) {
        set_up_node(s, i, &running);
        CNN_TRY(s->nodes[i].class->create(s, &s->nodes[i]));
    }
    CNN_TRY(add_images(s));
    CNN_TRY(allocate(s));
done:
    return st;
}

void cnn_step_describe(const cnn_step *s, cnn_text *out)
{
    for (int i = 0; i < s->node_count; i++) {
        const cnn_shape in = shape_of(s, i), to = shape_of(s, i + 1);
        cnn_text_printf(out, "node %-2d %dx%dx%d -> %dx%dx%d: ", i, in.h, in.w, in.c, to.h, to.w,
                        to.c);
        s->nodes[i].class->describe(s, &s->nodes[i], out);
        cnn_text_append(out, "\n");
    }
    cnn_text_printf(out, "update %s in one kernel over all parameters\n",
                    cnn_optimizer_names[s->train.optimizer]);
    cnn_text_printf(out, "graphs of %d steps, of 1 step and of the last batch\n", CNN_NATIVE_STEPS);
    cnn_native_describe_capture_mode(s, out);
    cnn_text_append(out, "\n");
    cnn_plan_describe(&s->plan, &s->net, out);
    cnn_text_printf(out, "parameters %zu values in one arena\n", s->parameter_size);
}
