/* SPDX-License-Identifier: Apache-2.0 */
/* A network as JSON and as a table for people. */
#include "nn/network.h"

#include <stdio.h>

static const char *axis_name(const cnn_layer *l)
{
    if (l->study_axis || l->axis == CNN_AXIS_STUDY)
        return "study";
    return l->axis == CNN_AXIS_HEIGHT ? "height" : "channels";
}

static void write_layer(const cnn_layer *l, cnn_text *out)
{
    const char *kind = cnn_layer_kind_name(l->kind), *padding = l->same ? "same" : "valid";
    switch (l->kind) {
    case CNN_LAYER_CONV2D:
        cnn_text_printf(out,
                        "{\"conv2d\": {\"filters\": %d, \"kernel\": %d, \"stride\": %d, "
                        "\"padding\": \"%s\"}}",
                        l->filters, l->kernel, l->stride ? l->stride : 1, padding);
        break;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        cnn_text_printf(out, "{\"%s\": {\"window\": %d, \"stride\": %d, \"padding\": \"%s\"}}",
                        kind, l->kernel, l->stride ? l->stride : l->kernel, padding);
        break;
    case CNN_LAYER_BATCHNORM:
        cnn_text_printf(out, "{\"batchnorm\": {\"axis\": \"%s\"}}", axis_name(l));
        break;
    case CNN_LAYER_DROPOUT:
        cnn_text_append(out, "{\"dropout\": {\"rate\": ");
        cnn_text_append_json_number(out, l->rate);
        cnn_text_append(out, "}}");
        break;
    case CNN_LAYER_DENSE:
        if (l->units)
            cnn_text_printf(out, "{\"dense\": {\"units\": %d}}", l->units);
        else
            cnn_text_append(out, "{\"dense\": {\"units\": \"classes\"}}");
        break;
    case CNN_LAYER_RELU:
        cnn_text_append(out, "\"relu\"");
        break;
    }
}

void cnn_network_write_json(const cnn_network *net, cnn_text *out)
{
    if (net->opaque) {
        cnn_text_printf(out, "{\"opaque\":%s}", net->opaque);
        return;
    }
    cnn_text_append(out, "[");
    for (int i = 0; i < net->layer_count; i++) {
        cnn_text_append(out, i ? ", " : "");
        write_layer(&net->layers[i], out);
    }
    cnn_text_append(out, "]");
}

/* A layer in short: "conv2d 16, 5x5/1" has 16 filters and stride 1. */
static void summarise(const cnn_layer *l, char *s, size_t n)
{
    const char *kind = cnn_layer_kind_name(l->kind);
    switch (l->kind) {
    case CNN_LAYER_CONV2D:
        snprintf(s, n, "%s %d, %dx%d/%d%s", kind, l->filters, l->kernel, l->kernel, l->stride,
                 l->same ? "" : " valid");
        break;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        snprintf(s, n, "%s %dx%d/%d%s", kind, l->kernel, l->kernel, l->stride,
                 l->same ? "" : " valid");
        break;
    case CNN_LAYER_BATCHNORM:
        snprintf(s, n, "%s over %s", kind, l->axis == CNN_AXIS_HEIGHT ? "height" : "channels");
        break;
    case CNN_LAYER_DROPOUT:
        snprintf(s, n, "%s %g", kind, l->rate);
        break;
    case CNN_LAYER_RELU:
    case CNN_LAYER_DENSE:
        snprintf(s, n, "%s", kind);
        break;
    }
}

void cnn_network_describe(const cnn_network *net, cnn_text *out)
{
    cnn_text_printf(out, "%s: input %dx%dx%d, %d classes, %lld parameters\n", net->name,
                    net->input.h, net->input.w, net->input.c, net->classes,
                    (long long)net->parameter_total);
    cnn_text_printf(out, "  %3s  %-26s %-14s %10s %14s\n", "#", "layer", "output", "parameters",
                    "multiply-adds");
    for (int i = 0; i < net->layer_count; i++) {
        const cnn_layer *l = &net->layers[i];
        char what[64], shape[48];
        summarise(l, what, sizeof what);
        snprintf(shape, sizeof shape, "%dx%dx%d", l->out.h, l->out.w, l->out.c);
        cnn_text_printf(out, "  %3d  %-26s %-14s %10lld %14lld\n", i + 1, what, shape,
                        (long long)l->parameters, (long long)cnn_layer_multiply_adds(l));
    }
}
