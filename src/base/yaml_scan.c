/* SPDX-License-Identifier: Apache-2.0 */
/** What a document must be before anyone reads values from it. Job files are short and written by
 *  hand, so the costly or surprising parts of YAML are refused rather than bounded one by one. */
#include "base/printable.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/yaml_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_DEPTH = 24,    /* the grammar needs 6; functions that walk the tree may recurse */
    MOST_VALUES = 50000 /* scalars, lists and mappings */
};

/** Reports the first byte that is not printable text: a control character, one that changes the
 *  direction of the text, broken UTF-8. */
static bool check_encoding(cnn_yaml *y, const cnn_yaml_origin *origin)
{
    const char *s = origin->text, *end = s + origin->len;
    for (int line = 1, column = 1; s < end; column++) {
        size_t n = cnn_utf8_length(s);
        const unsigned char c = (unsigned char)*s;
        const bool is_white = c == '\t' || c == '\n' || c == '\r';
        if (!is_white && !cnn_printable_length(s)) {
            char message[112];
            if (n <= 1)
                snprintf(message, sizeof message, "byte 0x%02x is %s; save the file as UTF-8 text",
                         c, n ? "a control character" : "not UTF-8");
            else
                snprintf(message, sizeof message,
                         "U+%04X is not printable; remove it, or write it as \\u%04X in quotes",
                         (unsigned)cnn_utf8_code(s, n), (unsigned)cnn_utf8_code(s, n));
            cnn_yaml_report(y, (cnn_yaml_place){origin, line, column}, message);
            return false;
        }
        if (c == '\n' || (c == '\r' && s[1] != '\n')) {
            line++;
            column = 0;
        }
        s += n;
    }
    return true;
}

typedef struct {
    cnn_yaml *y;
    const cnn_yaml_origin *origin;
    int depth, values, documents;
    bool empty; /* nothing but an empty scalar so far */
} scan;

static void report_mark(const scan *s, const struct fy_mark *mark, int back, const char *message)
{
    cnn_yaml_place at = {s->origin, 1, 1};
    if (mark) {
        at.line = mark->line + 1;
        at.column = mark->column + 1 - (mark->column >= back ? back : 0);
    }
    cnn_yaml_report(s->y, at, message);
}

/** A token's mark lies behind the & or * that it starts with. */
static void check_properties(const scan *s, struct fy_event *event)
{
    struct fy_token *anchor = fy_event_get_anchor_token(event);
    struct fy_token *tag = fy_event_get_tag_token(event);
    if (event->type == FYET_ALIAS)
        report_mark(s, fy_event_start_mark(event), 1,
                    "aliases (*name) are not used here; write the value out");
    else if (anchor)
        report_mark(s, fy_token_start_mark(anchor), 1, "anchors (&name) are not used here");
    if (tag)
        report_mark(s, fy_token_start_mark(tag), 0, "tags (!name) are not used here");
}

/** False: too much, stop. */
static bool scan_event(scan *s, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++s->documents == 2)
            report_mark(s, mark, 0, "a second document starts here; one is expected");
        return s->documents < 2;
    case FYET_MAPPING_START:
    case FYET_SEQUENCE_START:
        if (++s->depth > MOST_DEPTH) {
            report_mark(s, mark, 0, "lists and mappings are nested deeper than 24 levels");
            return false;
        }
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        s->depth--;
        return true;
    case FYET_SCALAR:
    case FYET_ALIAS:
        break;
    default:
        return true;
    }
    if (++s->values > MOST_VALUES) {
        report_mark(s, mark, 0, "more than 50000 values");
        return false;
    }
    s->empty &= event->type == FYET_SCALAR && !mark;
    check_properties(s, event);
    return true;
}

/** Runs the parser's events through scan_event. */
static void scan_events(scan *s, struct fy_parser *parser, struct fy_diag *diag)
{
    bool ended = false;
    for (struct fy_event *event; !ended && (event = fy_parser_parse(parser));) {
        ended = event->type == FYET_STREAM_END || !scan_event(s, event);
        fy_parser_event_free(parser, event);
    }
    int before = s->y->errors;
    bool reported = cnn_yaml_report_collected(s->y, s->origin, diag);
    if (!ended && !reported && s->y->errors == before)
        report_mark(s, NULL, 0, "this is not YAML that can be read");
}

bool cnn_yaml_scan(cnn_yaml *y, const cnn_yaml_origin *origin)
{
    int before = y->errors;
    if (!check_encoding(y, origin))
        return false;
    scan s = {.y = y, .origin = origin, .empty = true};
    struct fy_diag *diag = cnn_yaml_collector();
    struct fy_parse_cfg cfg = {.flags = FYPCF_DEFAULT_PARSE, .diag = diag};
    struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;
    if (parser && fy_parser_set_string(parser, origin->text, origin->len) == 0)
        scan_events(&s, parser, diag);
    else
        y->out_of_memory = true;
    if (y->errors == before && s.empty)
        report_mark(&s, NULL, 0,
                    origin->order > 0 ? "the value is empty" : "the document is empty");
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return y->errors == before && !y->out_of_memory;
}

/** What escapes in quotes can smuggle past check_encoding. */
static void check_scalar(cnn_yaml *y, struct fy_node *scalar)
{
    size_t len = 0;
    const char *text = fy_node_get_scalar(scalar, &len), *s = cnn_yaml_scalar(scalar);
    bool ok = !text || (s && strlen(s) == len);
    while (ok && s && *s) {
        size_t n = cnn_utf8_length(s);
        ok = n > 0;
        s += n;
    }
    if (!ok)
        cnn_yaml_error(y, scalar, "the text holds an escape that stands for no character");
}

typedef struct {
    const char *text;
    size_t order;
    struct fy_node *node;
} key;

static int by_text(const void *a, const void *b)
{
    const key *x = a, *z = b;
    int c = strcmp(x->text, z->text);
    return c ? c : (x->order > z->order) - (x->order < z->order);
}

static void check_mapping(cnn_yaml *y, struct fy_node *mapping)
{
    int count = fy_node_mapping_item_count(mapping), n = 0;
    key *keys = calloc((size_t)count + 1, sizeof *keys);
    void *iter = NULL;
    if (!keys) {
        y->out_of_memory = true;
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &iter));) {
        struct fy_node *node = fy_node_pair_key(pair);
        const char *text = node ? cnn_yaml_scalar(node) : NULL;
        if (text)
            check_scalar(y, node);
        if (text && *text)
            keys[n] = (key){text, (size_t)n, node}, n++;
        else
            cnn_yaml_error(y, node ? node : mapping, "a key must be a word");
        if (fy_node_pair_value(pair))
            cnn_yaml_check_tree(y, fy_node_pair_value(pair));
    }
    qsort(keys, (size_t)n, sizeof *keys, by_text);
    for (int i = 1; i < n; i++)
        if (strcmp(keys[i].text, keys[i - 1].text) == 0)
            cnn_yaml_error(y, keys[i].node, "key '%s' is given twice", keys[i].text);
    free(keys);
}

void cnn_yaml_check_tree(cnn_yaml *y, struct fy_node *node)
{
    void *iter = NULL;
    if (fy_node_is_scalar(node))
        check_scalar(y, node);
    else if (fy_node_is_mapping(node))
        check_mapping(y, node);
    else if (fy_node_is_sequence(node))
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iter));)
            cnn_yaml_check_tree(y, item);
}
