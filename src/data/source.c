/* SPDX-License-Identifier: Apache-2.0 */
#include "data/source.h"

#include "base/text.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const cnn_source_type_names[] = {"idx",       "npy",      "png_tree",
                                             "synthetic", "external", NULL};
const char *const cnn_split_by_names[] = {"image", "patient", NULL};
const char *const cnn_layout_names[] = {"unstated", "nhwc", "nchw", NULL};
const char *const cnn_skip_names[] = {"few", "allow", NULL};

enum { MAX_SIDE = 4096, MAX_CHANNELS = 1024, MAX_CLASSES = 256 };

static const cnn_source defaults = {
    .test_fraction = 0.2,
    .height = 28,
    .width = 28,
    .channels = 1,
    .classes = 10,
    .count = 1000,
};

/** A source while it is read. */
typedef struct {
    cnn_source source;
    struct fy_node *shape; /* [height, width, channels] */
} entry;

/** All keys, with the types that have them. */
#define AT(member) offsetof(entry, source.member)
#define OF(type)   (1u << CNN_SOURCE_##type)
#define FILES      (OF(IDX) | OF(NPY) | OF(PNG_TREE))
#define UNDIVIDED  (OF(NPY) | OF(PNG_TREE) | OF(SYNTHETIC))
#define WHOLE(name, least, most, types)                                                            \
    {                                                                                              \
#name, CNN_FIELD_INT, AT(name), .min = least, .max = most, .kinds = types                  \
    }
#define LIMIT(name)                                                                                \
    {                                                                                              \
#name, CNN_FIELD_INT, AT(name), .max = INT_MAX, .word = "all", .word_value = 0             \
    }
static const cnn_field fields[] = {
    {"type", CNN_FIELD_ENUM, AT(type), .required = true, .names = cnn_source_type_names},
    {"path", CNN_FIELD_STRING, AT(path), .required = true, .kinds = OF(IDX) | OF(PNG_TREE)},
    {"images", CNN_FIELD_STRING, AT(images), .required = true, .kinds = OF(NPY)},
    {"labels", CNN_FIELD_STRING, AT(labels), .required = true, .kinds = OF(NPY)},
    {"scale", CNN_FIELD_REAL, AT(scale), .min = DBL_MIN, .max = INFINITY, .kinds = FILES},
    {"test_fraction", CNN_FIELD_REAL, AT(test_fraction), .max = 1, .kinds = UNDIVIDED},
    {"split", CNN_FIELD_ENUM, AT(split), .names = cnn_split_by_names, .kinds = OF(PNG_TREE)},
    {"shape", CNN_FIELD_NODE, offsetof(entry, shape), .kinds = OF(PNG_TREE)},
    {"layout", CNN_FIELD_ENUM, AT(layout), .names = cnn_layout_names, .silent = true,
     .kinds = OF(IDX) | OF(NPY)},
    {"skip", CNN_FIELD_ENUM, AT(skip), .names = cnn_skip_names, .silent = true,
     .kinds = OF(PNG_TREE)},
    WHOLE(height, 1, MAX_SIDE, OF(SYNTHETIC)),
    WHOLE(width, 1, MAX_SIDE, OF(SYNTHETIC)),
    WHOLE(channels, 1, MAX_CHANNELS, OF(SYNTHETIC)),
    WHOLE(classes, 2, MAX_CLASSES, OF(SYNTHETIC)),
    WHOLE(count, 2, INT_MAX, OF(SYNTHETIC)),
    LIMIT(limit),
    LIMIT(test_limit),
    WHOLE(split_seed, 0, INT_MAX, 0),
    {0},
};

static void check_keys(cnn_yaml *y, struct fy_node *node, const char *name, int type)
{
    for (const cnn_field *f = fields; f->key; f++) {
        struct fy_node *value = cnn_yaml_lookup(node, f->key);
        const bool belongs = !f->kinds || f->kinds >> type & 1;
        if (value && !belongs)
            cnn_yaml_error(y, value, "'%s' is not a key of data set '%s', whose type is %s", f->key,
                           name, cnn_source_type_names[type]);
        else if (!value && belongs && f->kinds && f->required)
            cnn_yaml_error(y, node, "data set '%s' of type %s needs '%s'", name,
                           cnn_source_type_names[type], f->key);
    }
}

/** Open bounds, which the table of fields cannot express. */
static void check_values(cnn_yaml *y, struct fy_node *node)
{
    struct fy_node *at = cnn_yaml_lookup(node, "test_fraction");
    const char *text = at ? cnn_yaml_scalar(at) : NULL;
    double x;
    if (text && cnn_parse_real(text, &x) && (x == 0 || x == 1))
        cnn_yaml_error(y, at, "test_fraction must be above 0 and below 1");
}

/** "[50, 50, 3]"; without it the size that most images have. */
static void read_shape(cnn_yaml *y, struct fy_node *node, cnn_source *out)
{
    static const cnn_field sides[] = {
        {"height", CNN_FIELD_INT, offsetof(cnn_source, height), .min = 1, .max = MAX_SIDE},
        {"width", CNN_FIELD_INT, offsetof(cnn_source, width), .min = 1, .max = MAX_SIDE},
        {"channels", CNN_FIELD_INT, offsetof(cnn_source, channels), .min = 1, .max = 3},
    };
    out->height = out->width = out->channels = 0;
    if (node && (!fy_node_is_sequence(node) || fy_node_sequence_item_count(node) != 3))
        cnn_yaml_error(y, node, "shape must be a list of height, width and channels: [50, 50, 3]");
    else if (node)
        for (int i = 0; i < 3; i++)
            cnn_yaml_field(y, fy_node_sequence_get_by_index(node, i), &sides[i], out);
    if (out->channels == 2)
        cnn_yaml_error(y, node, "channels (the third of shape) must be 3, or 1 for grey images");
}

/** Whether the mapping is of type external, whose other keys belong to trainers. */
static bool is_external(struct fy_node *node)
{
    struct fy_node *type = fy_node_is_mapping(node) ? cnn_yaml_lookup(node, "type") : NULL;
    const char *word = type ? cnn_yaml_scalar(type) : NULL;
    return word && strcmp(word, cnn_source_type_names[CNN_SOURCE_EXTERNAL]) == 0;
}

void cnn_source_read(cnn_yaml *y, struct fy_node *node, const char *name, cnn_source *out)
{
    entry e = {.source = defaults};
    cnn_text text = {0};
    e.source.name = cnn_strdup(name);
    if (!e.source.name)
        cnn_yaml_error(y, node, "out of memory");
    if (is_external(node)) {
        cnn_yaml_write_json(node, &text);
        *out = (cnn_source){
            .name = e.source.name, .type = CNN_SOURCE_EXTERNAL, .external = cnn_text_take(&text)};
        if (!out->external)
            cnn_yaml_error(y, node, "out of memory");
        return;
    }
    cnn_yaml_fields(y, node, name, fields, &e);
    *out = e.source;
    /* Without a valid type the other keys cannot be checked. */
    struct fy_node *type = fy_node_is_mapping(node) ? cnn_yaml_lookup(node, "type") : NULL;
    const char *word = type ? cnn_yaml_scalar(type) : NULL;
    if (!word || strcmp(word, cnn_source_type_names[out->type]) != 0)
        return;
    if (out->type == CNN_SOURCE_PNG_TREE)
        read_shape(y, e.shape, out);
    check_keys(y, node, name, out->type);
    check_values(y, node);
}

/** The found place of path, absolute; a copy of path where it is not found. */
static char *absolute(const cnn_source *source, const char *path)
{
    char *found = NULL, *real = NULL;
    if (cnn_source_find(source, path, &found) == CNN_OK)
        real = realpath(found, NULL);
    free(found);
    return real ? real : cnn_strdup(path);
}

void cnn_source_write_json(const cnn_source *s, cnn_text *out)
{
    if (s->type == CNN_SOURCE_EXTERNAL) {
        cnn_text_append(out, s->external ? s->external : "{}");
        return;
    }
    entry e = {.source = *s}; /* borrows its texts but for the paths */
    char **paths[] = {&e.source.path, &e.source.images, &e.source.labels};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (*paths[i]) {
            *paths[i] = absolute(s, *paths[i]);
            out->failed |= !*paths[i];
        }
    cnn_text_append(out, "{");
    cnn_fields_write_json(fields, s->type, &e, out);
    if (s->type == CNN_SOURCE_PNG_TREE && s->height > 0)
        cnn_text_printf(out, ",\"shape\":[%d,%d,%d]", s->height, s->width, s->channels);
    cnn_text_append(out, "}");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        free(*paths[i]);
}

/** Copies *s in place of itself; false when out of memory. NULL stays NULL. */
static bool own(char **s)
{
    if (!*s)
        return true;
    *s = cnn_strdup(*s);
    return *s != NULL;
}

cnn_status cnn_source_copy(const cnn_source *from, cnn_source *to)
{
    cnn_source copy = *from;
    /* All six first, so that none of the original's strings is left in a failed copy. */
    bool name = own(&copy.name), path = own(&copy.path), images = own(&copy.images);
    bool labels = own(&copy.labels), folder = own(&copy.folder);
    bool external = own(&copy.external);
    if (!(name && path && images && labels && folder && external)) {
        cnn_source_free(&copy);
        return cnn_error_set(CNN_ENOMEM, "copy of a data set's entry");
    }
    *to = copy;
    return CNN_OK;
}

void cnn_source_free(cnn_source *source)
{
    free(source->name);
    free(source->path);
    free(source->images);
    free(source->labels);
    free(source->external);
    free(source->folder);
    *source = (cnn_source){0};
}

cnn_status cnn_source_wellknown(const char *name, cnn_source *out)
{
    static const struct {
        char *name;
        cnn_source_type type;
        char *path, *images, *labels;
    } known[] = {
        {"mnist", CNN_SOURCE_IDX, "mnist", NULL, NULL},
        {"fashion_mnist", CNN_SOURCE_IDX, "fashion-mnist", NULL, NULL},
        {"idc", CNN_SOURCE_NPY, NULL, "idc/X.npy", "idc/Y.npy"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) != 0)
            continue;
        cnn_source s = defaults;
        s.name = known[i].name;
        s.type = known[i].type;
        s.path = known[i].path;
        s.images = known[i].images;
        s.labels = known[i].labels;
        return cnn_source_copy(&s, out);
    }
    return cnn_error_set(CNN_EUSAGE,
                         "'%s' is not a data set that needs no entry under datasets: (these are "
                         "mnist, fashion_mnist and idc)",
                         name);
}
