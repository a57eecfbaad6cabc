#include "base/yaml.h"

#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/** One --set: its node, and what to call it in messages. */
typedef struct {
    struct fy_node *node;
    char *label;
} override;

struct cnn_yaml {
    char *name;
    char *text; /* libfyaml keeps pointers into it */
    struct fy_document *document;
    cnn_text messages;
    int errors;
    override *overrides;
    int override_count;
};

static void keep_message(struct fy_diag *diag, void *user, const char *bytes, size_t n)
{
    (void)diag;
    cnn_yaml *y = user;
    cnn_text_append_bytes(&y->messages, bytes, n);
    y->errors += y->errors == 0;
}

/** libfyaml names text that it parses from memory by its address; give it the file's name. */
static void rename_memory(cnn_yaml *y, size_t from)
{
    if (y->messages.failed || y->messages.len <= from)
        return;
    cnn_text out = {0};
    cnn_text_append_bytes(&out, y->messages.s, from);
    const char *s = y->messages.s + from;
    for (const char *hit; (hit = strstr(s, "<memory-@")); s = strchr(hit, '>') + 1) {
        if (!strchr(hit, '>'))
            break;
        cnn_text_append_bytes(&out, s, (size_t)(hit - s));
        cnn_text_append(&out, y->name);
    }
    cnn_text_append(&out, s);
    cnn_text_free(&y->messages);
    y->messages = out;
}

cnn_status cnn_yaml_parse(const char *name, const char *text, cnn_yaml **out)
{
    cnn_status st = CNN_OK;
    struct fy_diag *diag = NULL;
    cnn_yaml *y = calloc(1, sizeof *y);
    CNN_CHECK(y && (y->name = cnn_strdup(name)) && (y->text = cnn_strdup(text)), CNN_ENOMEM,
              "document '%s'", name);
    struct fy_diag_cfg diag_cfg = {
        .output_fn = keep_message,
        .user = y,
        .level = FYET_ERROR,
        .module_mask = ~0u,
        .show_source = false,
        .show_position = false,
        .show_type = true,
    };
    CNN_CHECK((diag = fy_diag_create(&diag_cfg)) != NULL, CNN_ENOMEM, "document '%s'", name);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_RESOLVE_DOCUMENT, .diag = diag};
    cfg.flags &= ~(unsigned)FYPCF_QUIET;
    y->document = fy_document_build_from_string(&cfg, y->text, FY_NT);
    rename_memory(y, 0);
    if (!y->document && y->errors == 0)
        cnn_yaml_error(y, NULL, "the document cannot be parsed");
    *out = y;
    y = NULL;
done:
    fy_diag_unref(diag);
    cnn_yaml_close(&y);
    return st;
}

void cnn_yaml_close(cnn_yaml **handle)
{
    cnn_yaml *y = *handle;
    if (!y)
        return;
    fy_document_destroy(y->document);
    for (int i = 0; i < y->override_count; i++)
        free(y->overrides[i].label);
    free(y->overrides);
    cnn_text_free(&y->messages);
    free(y->name);
    free(y->text);
    free(y);
    *handle = NULL;
}

struct fy_node *cnn_yaml_root(cnn_yaml *y)
{
    return y->document ? fy_document_root(y->document) : NULL;
}

/** The --set that a node came from, or NULL. */
static const override *override_of(const cnn_yaml *y, struct fy_node *node)
{
    for (; node; node = fy_node_get_parent(node))
        for (int i = 0; i < y->override_count; i++)
            if (y->overrides[i].node == node)
                return &y->overrides[i];
    return NULL;
}

/** A report on a mapping or list would print all of it: take its first scalar. */
static struct fy_node *first_scalar(struct fy_node *node)
{
    while (node && !fy_node_is_scalar(node)) {
        struct fy_node *first = NULL;
        void *iter = NULL;
        if (fy_node_is_mapping(node)) {
            struct fy_node_pair *pair = fy_node_mapping_iterate(node, &iter);
            first = pair ? fy_node_pair_key(pair) : NULL;
        } else if (fy_node_is_sequence(node)) {
            first = fy_node_sequence_iterate(node, &iter);
        }
        if (!first)
            break;
        node = first;
    }
    return node;
}

void cnn_yaml_error(cnn_yaml *y, struct fy_node *at, const char *fmt, ...)
{
    cnn_text message = {0};
    va_list ap;
    va_start(ap, fmt);
    char buffer[1024];
    vsnprintf(buffer, sizeof buffer, fmt, ap);
    va_end(ap);
    cnn_text_append(&message, buffer);

    size_t before = y->messages.len;
    const override *set = override_of(y, at);
    if (set)
        cnn_text_printf(&y->messages, "%s: error: %s\n", set->label, buffer);
    else if (at)
        fy_node_report(first_scalar(at), FYET_ERROR, "%s", buffer);
    if (y->messages.len == before)
        cnn_text_printf(&y->messages, "%s:1:1: error: %s\n", y->name, buffer);
    rename_memory(y, before);
    y->errors = y->errors ? y->errors : 1;
    if (before)
        y->errors++;
    cnn_text_free(&message);
}

int cnn_yaml_errors(const cnn_yaml *y)
{
    return y->errors;
}

cnn_status cnn_yaml_finish(const cnn_yaml *y)
{
    if (y->errors == 0)
        return CNN_OK;
    size_t n = y->messages.len;
    while (n && y->messages.s[n - 1] == '\n')
        n--;
    return cnn_error_set(CNN_EUSAGE, "%.*s", (int)n, n ? y->messages.s : "");
}
