/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a list of layers from a job file or a run's specification. */
#include "nn/network.h"

#include <string.h>

enum { MAX_WINDOW = 1024, MAX_FILTERS = 65536, MAX_UNITS = 1 << 20 };

static const char *const padding_names[] = {"same", "valid", NULL};
static const char *const activation_names[] = {"none", "relu", NULL};
static const char *const axis_names[] = {"channels", "height", "study", NULL};

/* The value of any kind of layer, as it is written. */
typedef struct {
    int filters, window, stride, padding, activation, axis, units;
    double rate;
} spec;

#define MEMBER(member, type, ...)                                                                  \
    .kind = CNN_FIELD_##type, .offset = offsetof(spec, member), __VA_ARGS__

static const cnn_field conv_fields[] = {
    {.key = "filters", MEMBER(filters, INT, .required = true, .min = 1, .max = MAX_FILTERS)},
    {.key = "kernel", MEMBER(window, INT, .min = 1, .max = MAX_WINDOW)},
    {.key = "stride", MEMBER(stride, INT, .min = 1, .max = MAX_WINDOW)},
    {.key = "padding", MEMBER(padding, ENUM, .names = padding_names)},
    {.key = "activation", MEMBER(activation, ENUM, .names = activation_names)},
    {0},
};

static const cnn_field pool_fields[] = {
    {.key = "window", MEMBER(window, INT, .required = true, .min = 1, .max = MAX_WINDOW)},
    {.key = "stride", MEMBER(stride, INT, .min = 1, .max = MAX_WINDOW)},
    {.key = "padding", MEMBER(padding, ENUM, .names = padding_names)},
    {0},
};

static const cnn_field norm_fields[] = {
    {.key = "axis", MEMBER(axis, ENUM, .names = axis_names)},
    {0},
};

static const cnn_field dropout_fields[] = {
    {.key = "rate", MEMBER(rate, REAL, .required = true, .min = 0, .max = 1)},
    {0},
};

static const cnn_field dense_fields[] = {
    {.key = "units",
     MEMBER(units, INT, .required = true, .min = 1, .max = MAX_UNITS, .word = "classes")},
    {.key = "activation", MEMBER(activation, ENUM, .names = activation_names)},
    {0},
};

static const cnn_field no_fields[] = {{0}};

/* Syntax of a kind's value: its keys, and the key that a lone scalar stands for. */
static const struct {
    const cnn_field *fields;
    const char *lone;
    const char *example; /* NULL: a value is not needed */
} grammar[] = {
    [CNN_LAYER_CONV2D] = {conv_fields, NULL, "conv2d: {filters: 16, kernel: 5}"},
    [CNN_LAYER_RELU] = {no_fields, NULL, NULL},
    [CNN_LAYER_MAXPOOL] = {pool_fields, "window", "maxpool: 2"},
    [CNN_LAYER_AVGPOOL] = {pool_fields, "window", "avgpool: 2"},
    [CNN_LAYER_BATCHNORM] = {norm_fields, NULL, NULL},
    [CNN_LAYER_DROPOUT] = {dropout_fields, "rate", "dropout: 0.5"},
    [CNN_LAYER_DENSE] = {dense_fields, "units", "dense: classes"},
};

static void read_value(cnn_yaml *y, struct fy_node *at, struct fy_node *value, cnn_layer_kind kind,
                       spec *s)
{
    if (!value || fy_node_is_null(value)) {
        if (grammar[kind].example)
            cnn_yaml_error(y, at, "%s needs a value, for example '%s'", cnn_layer_kind_names[kind],
                           grammar[kind].example);
    } else if (grammar[kind].lone && fy_node_is_scalar(value)) {
        cnn_yaml_field(y, value, cnn_field_find(grammar[kind].fields, grammar[kind].lone), s);
    } else {
        cnn_yaml_fields(y, value, cnn_layer_kind_names[kind], grammar[kind].fields, s);
    }
    if (kind == CNN_LAYER_DROPOUT && s->rate >= 1)
        cnn_yaml_error(y, value, "dropout needs a rate below 1: at %g nothing is left", s->rate);
}

/* The kind named word, or -1 with an error recorded. */
static int find_kind(cnn_yaml *y, struct fy_node *at, const char *word)
{
    for (int k = 0; cnn_layer_kind_names[k]; k++)
        if (strcmp(cnn_layer_kind_names[k], word) == 0)
            return k;
    const char *close = cnn_suggest(word, cnn_layer_kind_names);
    if (close)
        cnn_yaml_error(y, at, "unknown layer '%s'; did you mean '%s'?", word, close);
    else
        cnn_yaml_error(y, at,
                       "unknown layer '%s'; there are conv2d, relu, maxpool, avgpool, batchnorm, "
                       "dropout and dense",
                       word);
    return -1;
}

/* An item is a word, or a mapping of one key: *kind (-1: an error was recorded) and its value. */
static void read_item(cnn_yaml *y, struct fy_node *item, int *kind, spec *s)
{
    *kind = -1;
    const char *word = cnn_yaml_scalar(item);
    if (word) {
        if ((*kind = find_kind(y, item, word)) >= 0)
            read_value(y, item, NULL, (cnn_layer_kind)*kind, s);
        return;
    }
    if (!fy_node_is_mapping(item) || fy_node_mapping_item_count(item) != 1) {
        cnn_yaml_error(y, item,
                       "a layer is a word or a mapping of one key, such as 'relu' or "
                       "'maxpool: 2'");
        return;
    }
    void *position = NULL;
    struct fy_node_pair *pair = fy_node_mapping_iterate(item, &position);
    struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
    word = key ? cnn_yaml_scalar(key) : NULL;
    if (!word)
        cnn_yaml_error(y, item, "the name of a layer must be a word, such as conv2d");
    else if ((*kind = find_kind(y, key, word)) >= 0)
        read_value(y, key, value, (cnn_layer_kind)*kind, s);
}

static bool append(cnn_yaml *y, struct fy_node *item, cnn_network *net, cnn_layer layer)
{
    if (net->layer_count == CNN_MAX_LAYERS) {
        cnn_yaml_error(y, item,
                       "network '%s' has more than %d layers (an activation counts as a layer)",
                       net->name, CNN_MAX_LAYERS);
        return false;
    }
    net->layers[net->layer_count++] = layer;
    return true;
}

static cnn_layer to_layer(cnn_layer_kind kind, const spec *s)
{
    cnn_layer layer = {.kind = kind};
    switch (kind) {
    case CNN_LAYER_CONV2D:
        layer.filters = s->filters;
        layer.kernel = s->window ? s->window : 5;
        layer.stride = s->stride ? s->stride : 1;
        layer.same = s->padding == 0;
        break;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        layer.kernel = s->window;
        layer.stride = s->stride ? s->stride : s->window;
        layer.same = s->padding == 0;
        break;
    case CNN_LAYER_BATCHNORM:
        layer.axis = (cnn_axis)s->axis; /* axis_names follow the enum */
        break;
    case CNN_LAYER_DROPOUT:
        layer.rate = s->rate;
        break;
    case CNN_LAYER_DENSE:
        layer.units = s->units;
        break;
    case CNN_LAYER_RELU:
        break;
    }
    return layer;
}

/** {opaque: anything} */
static void read_opaque(cnn_yaml *y, struct fy_node *node, const char *name, cnn_network *out)
{
    cnn_text text = {0};
    struct fy_node *body = cnn_yaml_lookup(node, "opaque");
    if (!body || fy_node_mapping_item_count(node) != 1) {
        cnn_yaml_error(y, node, "network '%s' must be a list of layers, or {opaque: ...} alone",
                       name);
        return;
    }
    cnn_yaml_write_json(body, &text);
    if ((out->opaque = cnn_text_take(&text)) == NULL)
        cnn_yaml_error(y, node, "out of memory");
}

void cnn_network_read(cnn_yaml *y, struct fy_node *list, const char *name, cnn_network *out)
{
    *out = (cnn_network){0};
    cnn_copy_string(out->name, sizeof out->name, name);
    if (list && fy_node_is_mapping(list)) {
        read_opaque(y, list, name, out);
        return;
    }
    if (!list || !fy_node_is_sequence(list) || fy_node_sequence_item_count(list) == 0) {
        cnn_yaml_error(y, list,
                       "network '%s' must be a list of layers, such as "
                       "[{conv2d: {filters: 16}}, relu, {maxpool: 2}, {dense: classes}]",
                       name);
        return;
    }
    int errors = cnn_yaml_errors(y);
    void *position = NULL;
    struct fy_node *item, *last = NULL;
    while ((item = fy_node_sequence_iterate(list, &position)) != NULL) {
        int kind;
        spec s = {0};
        last = item;
        read_item(y, item, &kind, &s);
        if (kind < 0)
            continue;
        if (!append(y, item, out, to_layer((cnn_layer_kind)kind, &s)))
            return;
        if (s.activation && !append(y, item, out, (cnn_layer){.kind = CNN_LAYER_RELU}))
            return;
    }
    if (cnn_yaml_errors(y) == errors && out->layers[out->layer_count - 1].kind != CNN_LAYER_DENSE)
        cnn_yaml_error(y, last,
                       "the last layer of network '%s' must be dense without an activation, such "
                       "as 'dense: classes'",
                       name);
}
