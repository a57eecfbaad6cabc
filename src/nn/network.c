/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes, padding, parameters and work, inferred from a network's description. */
#include "nn/network.h"

#include <limits.h>
#include <string.h>

/* Bounds within which every product below fits 64 bits. */
enum { MAX_SIDE = 1 << 16, MAX_CLASSES = 1 << 20 };

const char *const cnn_layer_kind_names[] = {"conv2d",    "relu",    "maxpool", "avgpool",
                                            "batchnorm", "dropout", "dense",   NULL};

const char *cnn_layer_kind_name(cnn_layer_kind kind)
{
    const unsigned n = sizeof cnn_layer_kind_names / sizeof cnn_layer_kind_names[0] - 1;
    return (unsigned)kind < n ? cnn_layer_kind_names[kind] : "unknown";
}

/* ---- the study's networks ------------------------------------------------------------------ */

const char *const cnn_network_builtins[] = {"arch1", "arch2", NULL};

static void add_layer(cnn_network *net, cnn_layer layer)
{
    net->layers[net->layer_count++] = layer;
}

static void add_conv_relu(cnn_network *net, int filters)
{
    add_layer(
        net,
        (cnn_layer){
            .kind = CNN_LAYER_CONV2D, .filters = filters, .kernel = 5, .stride = 1, .same = true});
    add_layer(net, (cnn_layer){.kind = CNN_LAYER_RELU});
}

static void add_norm(cnn_network *net)
{
    add_layer(net, (cnn_layer){.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_STUDY});
}

static void add_pool(cnn_network *net)
{
    add_layer(net, (cnn_layer){.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true});
}

bool cnn_network_builtin(const char *name, cnn_network *out)
{
    cnn_network net = {0};
    if (strcmp(name, "arch1") == 0) {
        add_conv_relu(&net, 16);
        add_pool(&net);
        add_conv_relu(&net, 32);
        add_pool(&net);
    } else if (strcmp(name, "arch2") == 0) {
        add_conv_relu(&net, 128);
        add_conv_relu(&net, 64);
        add_norm(&net);
        add_pool(&net);
        add_conv_relu(&net, 32);
        add_conv_relu(&net, 16);
        add_norm(&net);
        add_pool(&net);
    } else {
        return false;
    }
    add_layer(&net, (cnn_layer){.kind = CNN_LAYER_DENSE}); /* units 0: the classes */
    cnn_copy_string(net.name, sizeof net.name, name);
    *out = net;
    return true;
}

/* ---- inference ----------------------------------------------------------------------------- */

/* Output length and leading padding along one axis; 0 when a valid window does not fit. */
static int slide(int length, const cnn_layer *l, int *pad)
{
    *pad = 0;
    if (!l->same)
        return length < l->kernel ? 0 : (length - l->kernel) / l->stride + 1;
    int out = (length + l->stride - 1) / l->stride;
    int total = (out - 1) * l->stride + l->kernel - length;
    *pad = total > 0 ? total / 2 : 0; /* the surplus goes to the bottom and right */
    return out;
}

static cnn_status infer_window(const cnn_network *net, int i, cnn_layer *l)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(l->kernel >= 1 && l->kernel <= MAX_SIDE && l->stride >= 1 && l->stride <= MAX_SIDE,
              CNN_EUSAGE, "network '%s': layer %d (%s): window %d and stride %d must be positive",
              net->name, i + 1, cnn_layer_kind_name(l->kind), l->kernel, l->stride);
    l->out.h = slide(l->in.h, l, &l->pad_top);
    l->out.w = slide(l->in.w, l, &l->pad_left);
    CNN_CHECK(l->out.h > 0 && l->out.w > 0, CNN_EUSAGE,
              "network '%s': layer %d (%s): a window of %dx%d does not fit into %dx%d; use a "
              "smaller one or padding: same",
              net->name, i + 1, cnn_layer_kind_name(l->kind), l->kernel, l->kernel, l->in.h,
              l->in.w);
done:
    return st;
}

static cnn_status infer_shape(const cnn_network *net, int i, cnn_layer *l)
{
    cnn_status st = CNN_OK;
    const char *kind = cnn_layer_kind_name(l->kind);
    l->out = l->in;
    l->pad_top = l->pad_left = 0;
    switch (l->kind) {
    case CNN_LAYER_CONV2D:
        if (l->stride == 0)
            l->stride = 1;
        CNN_CHECK(l->filters >= 1 && l->filters <= MAX_SIDE, CNN_EUSAGE,
                  "network '%s': layer %d (%s): %d filters; it needs 1 to %d", net->name, i + 1,
                  kind, l->filters, MAX_SIDE);
        CNN_TRY(infer_window(net, i, l));
        l->out.c = l->filters;
        break;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        if (l->stride == 0)
            l->stride = l->kernel;
        CNN_TRY(infer_window(net, i, l));
        break;
    case CNN_LAYER_BATCHNORM:
        l->study_axis |= l->axis == CNN_AXIS_STUDY;
        if (l->study_axis) {
            bool published = net->input.h == 28 && net->input.w == 28 && net->input.c == 1;
            l->axis = published ? CNN_AXIS_HEIGHT : CNN_AXIS_CHANNELS;
        }
        break;
    case CNN_LAYER_DROPOUT:
        CNN_CHECK(l->rate >= 0 && l->rate < 1, CNN_EUSAGE,
                  "network '%s': layer %d (%s): rate %g; it needs 0 <= rate < 1", net->name, i + 1,
                  kind, l->rate);
        break;
    case CNN_LAYER_DENSE:
        CNN_CHECK(l->units >= 0 && l->units <= MAX_CLASSES, CNN_EUSAGE,
                  "network '%s': layer %d (%s): %d units; it needs 1 to %d, or 0 for the classes",
                  net->name, i + 1, kind, l->units, MAX_CLASSES);
        l->out = (cnn_shape){1, 1, l->units ? l->units : net->classes};
        break;
    case CNN_LAYER_RELU:
        break;
    default:
        CNN_CHECK(false, CNN_EUSAGE, "network '%s': layer %d is of no known kind (%d)", net->name,
                  i + 1, (int)l->kind);
    }
    CNN_CHECK(cnn_shape_size(l->out) <= INT_MAX, CNN_EUSAGE,
              "network '%s': layer %d (%s): its output of %dx%dx%d is too large", net->name, i + 1,
              kind, l->out.h, l->out.w, l->out.c);
done:
    return st;
}

/* The weights' dimensions; false when the layer has no parameters. */
static bool weights_of(const cnn_layer *l, int dims[4])
{
    const int conv[4] = {l->out.c, l->in.c, l->kernel, l->kernel};
    const int dense[4] = {l->out.c, l->in.c, l->in.h, l->in.w};
    const int norm[4] = {l->axis == CNN_AXIS_HEIGHT ? l->in.h : l->in.c, 1, 1, 1};
    const int *from = l->kind == CNN_LAYER_CONV2D      ? conv
                      : l->kind == CNN_LAYER_DENSE     ? dense
                      : l->kind == CNN_LAYER_BATCHNORM ? norm
                                                       : NULL;
    if (from)
        memcpy(dims, from, sizeof conv);
    return from != NULL;
}

/* Appends the layer's two tensors: weights and bias, or gamma and beta. */
static cnn_status infer_parameters(cnn_network *net, int i, cnn_layer *l)
{
    cnn_status st = CNN_OK;
    int dims[4];
    l->parameters = 0;
    l->first_parameter = net->parameter_count;
    if (!weights_of(l, dims))
        return CNN_OK;
    int64_t per_output = (int64_t)dims[1] * dims[2] * dims[3]; /* below 2^48 */
    CNN_CHECK(per_output <= INT_MAX && per_output * dims[0] <= INT_MAX, CNN_EUSAGE,
              "network '%s': layer %d (%s): its weights of %dx%dx%dx%d are too many", net->name,
              i + 1, cnn_layer_kind_name(l->kind), dims[0], dims[1], dims[2], dims[3]);
    for (int tensor = 0; tensor < 2; tensor++) {
        cnn_parameter *p = &net->parameters[net->parameter_count++];
        *p = (cnn_parameter){.layer = i,
                             .is_weights = tensor == 0 && l->kind != CNN_LAYER_BATCHNORM,
                             .dims = {dims[0], 1, 1, 1},
                             .offset = net->parameter_total};
        if (p->is_weights)
            memcpy(p->dims, dims, sizeof dims);
        p->size = (int64_t)p->dims[0] * p->dims[1] * p->dims[2] * p->dims[3];
        net->parameter_total += p->size;
        l->parameters += p->size;
    }
    if (l->kind == CNN_LAYER_BATCHNORM)
        net->state_total += 2 * dims[0];
done:
    return st;
}

cnn_status cnn_network_infer(cnn_network *net, cnn_shape input, int classes)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(net->layer_count >= 1 && net->layer_count <= CNN_MAX_LAYERS, CNN_EUSAGE,
              "network '%s' has %d layers; it needs 1 to %d", net->name, net->layer_count,
              CNN_MAX_LAYERS);
    CNN_CHECK(input.h >= 1 && input.h <= MAX_SIDE && input.w >= 1 && input.w <= MAX_SIDE &&
                  input.c >= 1 && input.c <= MAX_SIDE && cnn_shape_size(input) <= INT_MAX,
              CNN_EUSAGE, "network '%s': images of %dx%dx%d cannot be its input", net->name,
              input.h, input.w, input.c);
    CNN_CHECK(classes >= 2 && classes <= MAX_CLASSES, CNN_EUSAGE,
              "network '%s': %d classes; it needs 2 to %d", net->name, classes, MAX_CLASSES);
    net->input = input;
    net->classes = classes;
    net->parameter_total = net->state_total = 0;
    net->parameter_count = 0;
    cnn_shape shape = input;
    for (int i = 0; i < net->layer_count; i++) {
        cnn_layer *l = &net->layers[i];
        l->in = shape;
        CNN_TRY(infer_shape(net, i, l));
        CNN_TRY(infer_parameters(net, i, l));
        shape = l->out;
    }
    const cnn_layer *last = &net->layers[net->layer_count - 1];
    CNN_CHECK(last->kind == CNN_LAYER_DENSE, CNN_EUSAGE,
              "network '%s': the last layer, %d (%s), must be dense: end the list with "
              "'- dense: classes'",
              net->name, net->layer_count, cnn_layer_kind_name(last->kind));
    CNN_CHECK(last->out.c == classes, CNN_EUSAGE,
              "network '%s': layer %d (dense) has %d units, but the data set has %d classes; write "
              "'dense: classes'",
              net->name, net->layer_count, last->out.c, classes);
done:
    return st;
}

/* ---- work ---------------------------------------------------------------------------------- */

/* Taps inside the image, summed over the positions of a window along one axis. */
static int64_t taps_inside(int in, int out, int kernel, int stride, int pad)
{
    int64_t taps = 0;
    for (int o = 0; o < out; o++) {
        int from = o * stride - pad, to = from + kernel;
        taps += (to < in ? to : in) - (from > 0 ? from : 0);
    }
    return taps;
}

int64_t cnn_layer_multiply_adds(const cnn_layer *l)
{
    if (l->kind == CNN_LAYER_DENSE)
        return cnn_shape_size(l->in) * l->out.c;
    if (l->kind != CNN_LAYER_CONV2D)
        return 0;
    return taps_inside(l->in.h, l->out.h, l->kernel, l->stride, l->pad_top) *
           taps_inside(l->in.w, l->out.w, l->kernel, l->stride, l->pad_left) * l->in.c * l->out.c;
}
