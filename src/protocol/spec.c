/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/spec.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 4096, MAX_SEED = INT32_MAX };

/** The object as it is read, before its parts are. */
typedef struct {
    int protocol, run, path, seed, threads;
    bool tune;
    char *framework, *algorithms, *weights_out, *mode, *backend;
    struct fy_node *network, *dataset, *train, *simulate, *factors;
} outline;

/** What a specification asks for; "tune" is written in the second kind only. */
enum { TRAINS, TUNES };

static const cnn_field outline_fields[] = {
    {"protocol", CNN_FIELD_INT, offsetof(outline, protocol), .required = true},
    {"run", CNN_FIELD_INT, offsetof(outline, run), .min = -1, .max = INT32_MAX},
    {"framework", CNN_FIELD_STRING, offsetof(outline, framework), .required = false},
    {"path", CNN_FIELD_ENUM, offsetof(outline, path), .names = cnn_path_names},
    {"seed", CNN_FIELD_INT, offsetof(outline, seed), .required = true, .max = MAX_SEED},
    {"threads", CNN_FIELD_INT, offsetof(outline, threads), .required = true, .min = 1,
     .max = MAX_THREADS},
    {"network", CNN_FIELD_NODE, offsetof(outline, network), .required = true},
    {"dataset", CNN_FIELD_NODE, offsetof(outline, dataset), .required = true},
    {"train", CNN_FIELD_NODE, offsetof(outline, train), .required = false},
    {"tune", CNN_FIELD_BOOL, offsetof(outline, tune), .kinds = 1u << TUNES},
    {"algorithms", CNN_FIELD_STRING, offsetof(outline, algorithms), .required = false},
    {"simulate", CNN_FIELD_NODE, offsetof(outline, simulate), .required = false},
    {"weights_out", CNN_FIELD_STRING, offsetof(outline, weights_out), .required = false},
    {"mode", CNN_FIELD_STRING, offsetof(outline, mode), .required = false},
    {"backend", CNN_FIELD_STRING, offsetof(outline, backend), .required = false},
    {"factors", CNN_FIELD_NODE, offsetof(outline, factors), .required = false},
    {0},
};

/** "network" and "dataset": a name, and what base readers make the rest of. */
typedef struct {
    char *name;
    struct fy_node *body, *opaque; /* one of them */
} named;

static const cnn_field network_fields[] = {
    {"name", CNN_FIELD_STRING, offsetof(named, name), .required = true},
    {"layers", CNN_FIELD_NODE, offsetof(named, body), .required = false},
    {"opaque", CNN_FIELD_NODE, offsetof(named, opaque), .required = false},
    {0},
};

static const cnn_field dataset_fields[] = {
    {"name", CNN_FIELD_STRING, offsetof(named, name), .required = true},
    {"source", CNN_FIELD_NODE, offsetof(named, body), .required = true},
    {0},
};

/** A network that this trainer does not know, kept for its message. */
static void read_opaque(cnn_yaml *y, struct fy_node *node, const named *n, cnn_network *out)
{
    cnn_text text = {0};
    *out = (cnn_network){0};
    cnn_copy_string(out->name, sizeof out->name, n->name);
    cnn_yaml_write_json(n->opaque, &text);
    if ((out->opaque = cnn_text_take(&text)) == NULL)
        cnn_yaml_error(y, node, "out of memory");
}

static void read_network(cnn_yaml *y, struct fy_node *node, cnn_network *out)
{
    named n = {0};
    cnn_yaml_fields(y, node, "network", network_fields, &n);
    if (!n.body == !n.opaque)
        cnn_yaml_error(y, node, "'layers' is missing in network, or stands beside 'opaque'");
    else if (n.name && n.body)
        cnn_network_read(y, n.body, n.name, out);
    else if (n.name)
        read_opaque(y, node, &n, out);
    free(n.name);
}

static void read_dataset(cnn_yaml *y, struct fy_node *node, cnn_source *out)
{
    named n = {0};
    cnn_yaml_fields(y, node, "dataset", dataset_fields, &n);
    if (n.name && n.body)
        cnn_source_read(y, n.body, n.name, out);
    free(n.name);
}

/** Whether the version is known. If not, nothing else is reported: the members of another version
 *  would only look wrong. */
static bool is_known_version(cnn_yaml *y)
{
    struct fy_node *root = cnn_yaml_root(y);
    struct fy_node *node =
        root && fy_node_is_mapping(root) ? cnn_yaml_lookup(root, "protocol") : NULL;
    const char *text = node ? cnn_yaml_scalar(node) : NULL;
    int64_t version;
    if (!text || !cnn_parse_int(text, &version) ||
        (version >= 1 && version <= CNN_PROTOCOL_VERSION))
        return true;
    cnn_yaml_error(y, node,
                   "protocol %.20s is not known here; this trainer speaks protocols 1 to %d", text,
                   CNN_PROTOCOL_VERSION);
    return false;
}

/** Members that version 1 does not have are errors there. */
static void check_members(cnn_yaml *y, const outline *o)
{
    static const char *const keys[] = {"weights_out", "mode", "backend", "factors"};
    const bool given[] = {o->weights_out, o->mode, o->backend, o->factors};
    for (int i = 0; i < 4; i++)
        if (given[i] && o->protocol == 1)
            cnn_yaml_error(y, cnn_yaml_lookup(cnn_yaml_root(y), keys[i]),
                           "'%s' is a member of protocol 2, but \"protocol\" is 1", keys[i]);
}

/** Reads an object of plain values as JSON text; NULL: it is none. */
static char *read_factors(cnn_yaml *y, struct fy_node *node)
{
    cnn_text out = {0};
    void *iter = NULL;
    bool good = fy_node_is_mapping(node) && fy_node_mapping_item_count(node) > 0;
    for (struct fy_node_pair *pair; good && (pair = fy_node_mapping_iterate(node, &iter));)
        good = cnn_yaml_scalar(fy_node_pair_value(pair)) != NULL;
    if (!good) {
        cnn_yaml_error(y, node, "'factors' must be an object of numbers, texts, true and false");
        return NULL;
    }
    cnn_yaml_write_json(node, &out);
    return cnn_text_take(&out);
}

static void read_spec(cnn_yaml *y, outline *o, cnn_spec *spec)
{
    struct fy_node *root = cnn_yaml_root(y);
    if (!root || !is_known_version(y))
        return;
    cnn_yaml_fields(y, root, "specification", outline_fields, o);
    check_members(y, o);
    if (o->network)
        read_network(y, o->network, &spec->network);
    if (o->dataset)
        read_dataset(y, o->dataset, &spec->source);
    if (o->train)
        cnn_yaml_fields(y, o->train, "train", cnn_train_fields, &spec->train);
    spec->run = o->run;
    spec->path = o->path;
    spec->seed = (uint32_t)o->seed;
    spec->threads = o->threads;
    spec->tune = o->tune;
    spec->algorithms = o->algorithms;
    spec->weights_out = o->weights_out;
    spec->mode = o->mode;
    spec->backend = o->backend;
    o->algorithms = o->weights_out = o->mode = o->backend = NULL;
    if (o->factors)
        spec->factors = read_factors(y, o->factors);
    if (o->simulate && (spec->simulate = calloc(1, sizeof *spec->simulate)) != NULL)
        cnn_simulation_read(y, o->simulate, spec->simulate);
    else if (o->simulate)
        cnn_yaml_error(y, o->simulate, "out of memory");
}

cnn_status cnn_spec_parse(const char *text, cnn_spec *out)
{
    cnn_status st = CNN_OK;
    cnn_yaml *y = NULL;
    outline o = {.run = -1, .path = CNN_PATH_NATIVE};
    cnn_spec spec = {.train = cnn_train_defaults()};
    CNN_TRY(cnn_yaml_parse("specification", text, &y));
    read_spec(y, &o, &spec);
    if (!cnn_yaml_root(y) && cnn_yaml_errors(y) == 0)
        cnn_yaml_error(y, NULL, "it is empty; one JSON object is expected");
    CNN_TRY(cnn_yaml_finish(y));
    spec.framework = o.framework ? o.framework : cnn_strdup(cnn_path_names[o.path]);
    o.framework = NULL;
    CNN_CHECK(spec.framework, CNN_ENOMEM, "the framework's name");
    *out = spec;
    spec = (cnn_spec){0};
done:
    free(o.framework);
    free(o.algorithms);
    free(o.weights_out);
    free(o.mode);
    free(o.backend);
    cnn_spec_free(&spec);
    cnn_yaml_close(&y);
    return st;
}

/** Appends ,"key":{"name":name,"body_key":body}. */
static void write_named(const char *key, const char *name, const char *body_key,
                        const cnn_text *body, cnn_text *out)
{
    cnn_text_printf(out, ",\"%s\":{\"name\":", key);
    cnn_text_append_json(out, name);
    cnn_text_printf(out, ",\"%s\":%s}", body_key, body->s ? body->s : "null");
    out->failed |= body->failed;
}

/** The lowest version that has all members of the specification. */
static int lowest_version(const cnn_spec *spec)
{
    const char *const newer[] = {spec->weights_out, spec->mode, spec->backend, spec->factors};
    for (int i = 0; i < 4; i++)
        if (newer[i] && newer[i][0])
            return 2;
    return spec->network.opaque || spec->source.type == CNN_SOURCE_EXTERNAL ? 2 : 1;
}

void cnn_spec_write(const cnn_spec *spec, cnn_text *out)
{
    const outline o = {.protocol = lowest_version(spec),
                       .run = spec->run,
                       .path = spec->path,
                       .seed = (int)spec->seed,
                       .threads = spec->threads,
                       .tune = spec->tune,
                       .framework = spec->framework,
                       .algorithms = spec->algorithms,
                       .weights_out = spec->weights_out,
                       .mode = spec->mode,
                       .backend = spec->backend};
    cnn_text layers = {0}, source = {0};
    if (spec->network.opaque)
        cnn_text_append(&layers, spec->network.opaque);
    else
        cnn_network_write_json(&spec->network, &layers);
    cnn_source_write_json(&spec->source, &source);
    cnn_text_append(out, "{");
    cnn_fields_write_json(outline_fields, spec->tune ? TUNES : TRAINS, &o, out);
    write_named("network", spec->network.name, spec->network.opaque ? "opaque" : "layers", &layers,
                out);
    write_named("dataset", spec->source.name, "source", &source, out);
    cnn_text_append(out, ",\"train\":");
    cnn_train_write_json(&spec->train, out);
    if (spec->factors && spec->factors[0])
        cnn_text_printf(out, ",\"factors\":%s", spec->factors);
    if (spec->simulate) {
        cnn_text_append(out, ",\"simulate\":");
        cnn_simulation_write_json(spec->simulate, out);
    }
    cnn_text_append(out, "}");
    cnn_text_free(&layers);
    cnn_text_free(&source);
}

void cnn_spec_free(cnn_spec *spec)
{
    free(spec->framework);
    free(spec->algorithms);
    free(spec->weights_out);
    free(spec->factors);
    free(spec->mode);
    free(spec->backend);
    free(spec->network.opaque);
    cnn_source_free(&spec->source);
    if (spec->simulate)
        cnn_simulation_free(spec->simulate);
    free(spec->simulate);
    *spec = (cnn_spec){0};
}
