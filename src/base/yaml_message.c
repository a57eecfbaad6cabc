/* SPDX-License-Identifier: Apache-2.0 */
/** Errors of a document: where they are, how they look, in which order they are reported. */
#include "base/printable.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/yaml_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_PROBLEMS = 100, /* kept for the message */
    MOST_BYTES = 15000,  /* of the message: cnn_error_set keeps 16 kB */
    MOST_MESSAGE = 800,  /* of one error's wording, which may repeat the file's words */
    MOST_LABEL = 400,    /* of a file's name or a --set */
    SOURCE_WIDTH = 96,   /* characters of a source line that are shown */
};

static const char *next_character(const char *s)
{
    size_t n = cnn_utf8_length(s);
    return s + (n ? n : 1);
}

/** Appends one line of text as it can be shown. */
static void append_clean(cnn_text *out, const char *s, const char *end)
{
    char shown[5];
    while (s < end) {
        s += cnn_show_character(s, false, shown);
        cnn_text_append(out, shown);
    }
}

/** Appends at most about `most` bytes of s. */
static void append_limited(cnn_text *out, const char *s, size_t most)
{
    const char *end = s;
    while (*end && (size_t)(end - s) < most)
        end = next_character(end);
    append_clean(out, s, end);
    cnn_text_append(out, *end ? "..." : "");
}

static const char *line_start(const cnn_yaml_origin *origin, int line)
{
    const char *s = origin->text, *end = s + origin->len;
    for (int i = 1; i < line && s < end; s++)
        i += *s == '\n' || (*s == '\r' && s[1] != '\n');
    return s;
}

/** Appends the source line and a caret below its column; of a long line, the part around it. */
static void append_source(cnn_text *out, cnn_yaml_place at)
{
    const char *s = line_start(at.origin, at.line);
    const char *end = s + strcspn(s, "\r\n");
    int first = at.column > SOURCE_WIDTH - 16 ? at.column - SOURCE_WIDTH / 2 : 1;
    for (int i = 1; i < first && s < end; i++)
        s = next_character(s);
    const char *stop = s;
    for (int i = 0; i < SOURCE_WIDTH && stop < end; i++)
        stop = next_character(stop);
    const char *before = first > 1 ? "..." : "";
    cnn_text_printf(out, "\n%s", before);
    append_clean(out, s, stop);
    cnn_text_append(out, stop < end ? "...\n" : "\n");
    cnn_text_printf(out, "%*s^", (int)strlen(before) + at.column - first, "");
}

static bool is_before(const cnn_yaml_problem *a, const cnn_yaml_problem *b)
{
    if (a->order != b->order)
        return a->order < b->order;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/** Inserts p behind all that are not after it; the list owns p.text from now on. */
static void keep(cnn_yaml *y, cnn_yaml_problem p)
{
    cnn_yaml_problem *more = NULL;
    if (p.text)
        more = realloc(y->problems, ((size_t)y->problem_count + 1) * sizeof *more);
    if (!more) {
        y->out_of_memory = true;
        free(p.text);
        return;
    }
    y->problems = more;
    int i = y->problem_count++;
    for (; i > 0 && is_before(&p, &more[i - 1]); i--)
        more[i] = more[i - 1];
    more[i] = p;
}

void cnn_yaml_report(cnn_yaml *y, cnn_yaml_place at, const char *message)
{
    y->errors++;
    if (y->problem_count == MOST_PROBLEMS)
        return;
    cnn_text t = {0};
    append_limited(&t, at.origin->label, MOST_LABEL);
    if (at.origin->order == 0)
        cnn_text_printf(&t, ":%d:%d", at.line, at.column);
    cnn_text_append(&t, ": error: ");
    append_limited(&t, message, MOST_MESSAGE);
    if (at.origin->order == 0 && at.origin->len > 0)
        append_source(&t, at);
    keep(y, (cnn_yaml_problem){at.origin->order, at.line, at.column, cnn_text_take(&t)});
}

static void swallow(struct fy_diag *diag, void *user, const char *bytes, size_t n)
{
    (void)diag, (void)user, (void)bytes, (void)n;
}

struct fy_diag *cnn_yaml_collector(void)
{
    struct fy_diag_cfg cfg;
    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL; /* nothing is written: collected errors are reported our way */
    cfg.output_fn = swallow;
    cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create(&cfg);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

bool cnn_yaml_report_collected(cnn_yaml *y, const cnn_yaml_origin *origin, struct fy_diag *diag)
{
    bool any = false;
    void *iter = NULL;
    for (struct fy_diag_error *e; (e = fy_diag_errors_iterate(diag, &iter)); any = true)
        cnn_yaml_report(y, (cnn_yaml_place){origin, e->line, e->column}, e->msg);
    fy_diag_reset_error(diag);
    return any;
}

/** The origin of a node: that of the nearest --set above it, else the file. */
static const cnn_yaml_origin *origin_of(const cnn_yaml *y, struct fy_node *node)
{
    for (; node; node = fy_node_get_document_parent(node)) {
        const cnn_yaml_origin *set = fy_node_get_meta(node);
        if (set)
            return set;
    }
    return y->file;
}

/** Finds where a node starts; false for an empty value, which is nowhere. */
static bool start_of(struct fy_node *node, cnn_yaml_place *at)
{
    bool found = false;
    struct fy_document_iterator *iter = fy_document_iterator_create();
    if (!iter)
        return false;
    fy_document_iterator_node_start(iter, node);
    struct fy_event *event = fy_document_iterator_body_next(iter);
    const struct fy_mark *mark = event ? fy_event_start_mark(event) : NULL;
    if (mark) {
        enum fy_node_style style = fy_node_get_style(node);
        bool quoted = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
        at->line = mark->line + 1;
        at->column = mark->column + 1 - (quoted && mark->column > 0); /* the quote itself */
        found = true;
    }
    if (event)
        fy_document_iterator_event_free(iter, event);
    fy_document_iterator_destroy(iter);
    return found;
}

/** The key of a value in a mapping, or NULL. */
static struct fy_node *key_of(struct fy_node *value)
{
    struct fy_node *mapping = fy_node_get_parent(value);
    void *iter = NULL;
    if (!mapping || !fy_node_is_mapping(mapping))
        return NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &iter));)
        if (fy_node_pair_value(pair) == value)
            return fy_node_pair_key(pair);
    return NULL;
}

static cnn_yaml_place place_of(const cnn_yaml *y, struct fy_node *node)
{
    cnn_yaml_place at = {origin_of(y, node), 1, 1};
    while (node && !start_of(node, &at)) {
        struct fy_node *key = key_of(node);
        node = key ? key : fy_node_get_document_parent(node);
    }
    return at;
}

void cnn_yaml_error(cnn_yaml *y, struct fy_node *at, const char *fmt, ...)
{
    char *message = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&message, fmt, ap) < 0)
        message = NULL;
    va_end(ap);
    y->out_of_memory |= !message;
    cnn_yaml_report(y, place_of(y, at), message ? message : "out of memory");
    free(message);
}

int cnn_yaml_errors(const cnn_yaml *y)
{
    return y->errors;
}

cnn_status cnn_yaml_finish(const cnn_yaml *y)
{
    if (y->out_of_memory)
        return cnn_error_set(CNN_ENOMEM, "reading '%s'", y->file->label);
    if (y->errors == 0)
        return CNN_OK;
    cnn_text all = {0};
    int reported = 0;
    for (; reported < y->problem_count; reported++) {
        const char *text = y->problems[reported].text;
        if (reported && all.len + strlen(text) > MOST_BYTES)
            break;
        cnn_text_printf(&all, "%s%s", reported ? "\n" : "", text);
    }
    if (reported < y->errors)
        cnn_text_printf(&all, "\n%s: %d more errors", y->file->label, y->errors - reported);
    cnn_status st = cnn_text_status(&all);
    if (st == CNN_OK)
        st = cnn_error_set(CNN_EUSAGE, "%s", all.s);
    cnn_text_free(&all);
    return st;
}
