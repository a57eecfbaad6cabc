/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml_internal.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void origin_free(cnn_yaml_origin *o)
{
    if (!o)
        return;
    free(o->label);
    free(o->text);
    free(o);
}

cnn_yaml_origin *cnn_yaml_origin_create(char *label, const char *text, size_t len, int order)
{
    static const char mark[] = "\xef\xbb\xbf"; /* the byte order mark of some editors */
    if (len >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        len -= 3;
    }
    cnn_yaml_origin *o = calloc(1, sizeof *o);
    if (!o) {
        free(label);
        return NULL;
    }
    *o = (cnn_yaml_origin){
        .label = label, .text = cnn_strndup(text, len), .len = len, .order = order};
    if (o->label && o->text)
        return o;
    origin_free(o);
    return NULL;
}

/** Makes the document of the file's text, if that is sound. Keys given twice are allowed here, as
 *  cnn_yaml_check_tree reports all of them. */
static cnn_status build(cnn_yaml *y)
{
    cnn_status st = CNN_OK;
    if (!cnn_yaml_scan(y, y->file))
        return CNN_OK;
    CNN_CHECK((y->diag = cnn_yaml_collector()) != NULL, CNN_ENOMEM, "'%s'", y->file->label);
    struct fy_parse_cfg cfg = {.flags = FYPCF_ALLOW_DUPLICATE_KEYS, .diag = y->diag};
    y->document = fy_document_build_from_string(&cfg, y->file->text, y->file->len);
    if (y->document)
        cnn_yaml_check_tree(y, fy_document_root(y->document));
    else if (!cnn_yaml_report_collected(y, y->file, y->diag))
        cnn_yaml_error(y, NULL, "this is not YAML that can be read");
done:
    return st;
}

cnn_status cnn_yaml_parse_bytes(const char *name, const char *text, size_t len, cnn_yaml **out)
{
    cnn_status st = CNN_OK;
    cnn_yaml *y = calloc(1, sizeof *y);
    CNN_CHECK(y, CNN_ENOMEM, "document '%s'", name);
    y->file = cnn_yaml_origin_create(cnn_strdup(name), text, len, 0);
    CNN_CHECK(y->file, CNN_ENOMEM, "document '%s'", name);
    CNN_TRY(build(y));
    *out = y;
    y = NULL;
done:
    cnn_yaml_close(&y);
    return st;
}

cnn_status cnn_yaml_parse(const char *name, const char *text, cnn_yaml **out)
{
    return cnn_yaml_parse_bytes(name, text, strlen(text), out);
}

void cnn_yaml_close(cnn_yaml **handle)
{
    cnn_yaml *y = *handle;
    if (!y)
        return;
    fy_document_destroy(y->document);
    fy_diag_destroy(y->diag);
    for (int i = 0; i < y->problem_count; i++)
        free(y->problems[i].text);
    free(y->problems);
    origin_free(y->file);
    for (cnn_yaml_origin *next; y->sets; y->sets = next) {
        next = y->sets->next;
        origin_free(y->sets);
    }
    free(y);
    *handle = NULL;
}

struct fy_node *cnn_yaml_root(cnn_yaml *y)
{
    return y->document ? fy_document_root(y->document) : NULL;
}

const char *cnn_yaml_scalar(struct fy_node *node)
{
    return node && fy_node_is_scalar(node) && !fy_node_is_alias(node) ? fy_node_get_scalar0(node)
                                                                      : NULL;
}

struct fy_node_pair *cnn_yaml_find_pair(struct fy_node *mapping, const char *key, size_t n)
{
    void *iter = NULL;
    if (!mapping || !fy_node_is_mapping(mapping))
        return NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &iter));) {
        const char *text = cnn_yaml_scalar(fy_node_pair_key(pair));
        if (text && strlen(text) == n && memcmp(text, key, n) == 0)
            return pair;
    }
    return NULL;
}

struct fy_node *cnn_yaml_lookup(struct fy_node *mapping, const char *key)
{
    struct fy_node_pair *pair = cnn_yaml_find_pair(mapping, key, strlen(key));
    return pair ? fy_node_pair_value(pair) : NULL;
}

struct fy_node *cnn_yaml_key(struct fy_node *mapping, const char *key)
{
    struct fy_node_pair *pair = cnn_yaml_find_pair(mapping, key, strlen(key));
    return pair ? fy_node_pair_key(pair) : NULL;
}
