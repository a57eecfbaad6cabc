/* SPDX-License-Identifier: Apache-2.0 */
/** Changing a document's values from the command line: --set key.path=value. */
#include "base/text.h"
#include "base/yaml_internal.h"

#include <stdlib.h>
#include <string.h>

/** One --set on its way. */
typedef struct {
    cnn_yaml *y;
    const cnn_yaml_origin *set;
} walk;

static void set_error(const walk *w, const char *message)
{
    cnn_yaml_report(w->y, (cnn_yaml_place){w->set, 1, 1}, message);
}

/** Puts value under the key (n bytes) of a mapping; value is the mapping's on success. */
static bool put_in_mapping(const walk *w, struct fy_node *mapping, const char *key, size_t n,
                           struct fy_node *value)
{
    struct fy_node_pair *pair = cnn_yaml_find_pair(mapping, key, n);
    if (pair)
        return fy_node_pair_set_value(pair, value) == 0;
    struct fy_node *name = fy_node_create_scalar_copy(w->y->document, key, n);
    if (!name)
        return false;
    if (fy_node_set_meta(name, (void *)w->set) == 0 &&
        fy_node_mapping_append(mapping, name, value) == 0)
        return true;
    fy_node_free(name);
    return false;
}

static bool put_in_list(struct fy_node *list, int index, struct fy_node *value)
{
    struct fy_node *old = fy_node_sequence_get_by_index(list, index);
    if (!old)
        return fy_node_sequence_append(list, value) == 0;
    if (fy_node_sequence_insert_before(list, old, value) != 0)
        return false;
    fy_node_free(fy_node_sequence_remove(list, old));
    return true;
}

/** The index that the first n bytes of s are, at most `most`; -1 if they are none. */
static int parse_index(const char *s, size_t n, int most)
{
    int index = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || index > most)
            return -1;
        index = index * 10 + (s[i] - '0');
    }
    return index <= most ? index : -1;
}

static bool is_empty(struct fy_node *node)
{
    const char *text = node ? cnn_yaml_scalar(node) : NULL;
    return !node || (text && !*text);
}

/** Puts value at the key or index that step (n bytes) names in container. */
static bool put(const walk *w, struct fy_node *container, const char *step, size_t n,
                struct fy_node *value)
{
    if (!fy_node_is_sequence(container)) {
        bool ok = put_in_mapping(w, container, step, n, value);
        w->y->out_of_memory |= !ok;
        return ok;
    }
    int count = fy_node_sequence_item_count(container);
    int index = parse_index(step, n, count);
    if (index < 0) {
        char *message = cnn_asprintf("'%.*s' is no index of a list of %d", (int)n, step, count);
        set_error(w, message ? message : "wrong index");
        free(message);
        return false;
    }
    bool ok = put_in_list(container, index, value);
    w->y->out_of_memory |= !ok;
    return ok;
}

static struct fy_node *child(struct fy_node *container, const char *step, size_t n)
{
    if (fy_node_is_sequence(container)) {
        int index = parse_index(step, n, fy_node_sequence_item_count(container) - 1);
        return index < 0 ? NULL : fy_node_sequence_get_by_index(container, index);
    }
    struct fy_node_pair *pair = cnn_yaml_find_pair(container, step, n);
    return pair ? fy_node_pair_value(pair) : NULL;
}

/** The mapping or list at a step of the path; where nothing is yet, a new mapping. */
static struct fy_node *enter(const walk *w, struct fy_node *container, const char *step, size_t n)
{
    struct fy_node *next = child(container, step, n);
    if (is_empty(next)) {
        next = fy_node_create_mapping(w->y->document);
        w->y->out_of_memory |= !next;
        if (next && fy_node_set_meta(next, (void *)w->set) == 0 && put(w, container, step, n, next))
            return next;
        fy_node_free(next);
        return NULL;
    }
    if (!fy_node_is_scalar(next))
        return next;
    char *message = cnn_asprintf("'%.*s' is a single value: it has no keys", (int)n, step);
    set_error(w, message ? message : "a single value has no keys");
    free(message);
    return NULL;
}

/** Makes a node of the value, checked like a file's text; NULL after an error. */
static struct fy_node *make_value(const walk *w)
{
    cnn_yaml *y = w->y;
    if (!cnn_yaml_scan(y, w->set))
        return NULL;
    struct fy_node *value = fy_node_build_from_string(y->document, w->set->text, w->set->len);
    if (!value) {
        if (!cnn_yaml_report_collected(y, w->set, y->diag))
            set_error(w, "this is not YAML that can be read");
        return NULL;
    }
    if (fy_node_set_meta(value, (void *)w->set) != 0) {
        y->out_of_memory = true;
        fy_node_free(value);
        return NULL;
    }
    cnn_yaml_check_tree(y, value);
    return value;
}

/** A key or index of a path: "train" of train.epochs; a key in quotes may hold dots. */
typedef struct {
    const char *key;
    size_t n;
    const char *rest; /* of the path; NULL: this is the last step */
} step;

static bool read_step(const char *path, step *out)
{
    const bool quoted = *path == '"' || *path == '\'';
    const char *key = path + quoted;
    const char *end = quoted ? strchr(key, *path) : key + strcspn(key, ".");
    if (!end || end == key)
        return false;
    *out = (step){key, (size_t)(end - key), NULL};
    end += quoted;
    if (*end == '.')
        out->rest = end + 1;
    return !*end || (*end == '.' && end[1]);
}

static bool is_path(const char *path)
{
    step s = {.rest = path};
    while (s.rest)
        if (!read_step(s.rest, &s))
            return false;
    return true;
}

/** Walks down the path and puts the value there. */
static void set_at(const walk *w, const char *path, struct fy_node *value)
{
    struct fy_node *at = fy_document_root(w->y->document);
    if (!at || fy_node_is_scalar(at)) {
        set_error(w, "the file holds no keys to set");
        fy_node_free(value);
        return;
    }
    for (step s = {.rest = path}; at && s.rest;) {
        if (!read_step(s.rest, &s))
            break;
        if (s.rest)
            at = enter(w, at, s.key, s.n);
        else if (put(w, at, s.key, s.n, value))
            return;
    }
    fy_node_free(value);
}

cnn_status cnn_yaml_set(cnn_yaml *y, const char *path, const char *value)
{
    if (!y->document)
        return CNN_OK; /* its errors are already reported */
    char *label = cnn_asprintf(value ? "--set %s=%s" : "--set %s", path, value);
    cnn_yaml_origin *set = cnn_yaml_origin_create(
        label, value ? value : "", value ? strlen(value) : 0, y->sets ? y->sets->order + 1 : 1);
    if (!set)
        return cnn_error_set(CNN_ENOMEM, "--set %s", path);
    set->next = y->sets;
    y->sets = set;
    walk w = {y, set};
    if (!value || !is_path(path))
        set_error(&w, "write --set key=value or --set key.path=value");
    else if (strpbrk(set->label, "\r\n"))
        set_error(&w, "it must be one line");
    else {
        struct fy_node *node = make_value(&w);
        if (node)
            set_at(&w, path, node);
    }
    return y->out_of_memory ? cnn_error_set(CNN_ENOMEM, "--set %s", path) : CNN_OK;
}
