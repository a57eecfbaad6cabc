/* SPDX-License-Identifier: Apache-2.0 */
/** Writing values by tables of fields: what yaml_fields.c reads. */
#include "base/text.h"
#include "base/yaml.h"

#include <string.h>

/** Whether a number is the value of a key: one out of bounds says that the key is absent. */
static bool is_stated(const cnn_field *f, double value)
{
    const bool is_word = f->word && value == f->word_value;
    return is_word || f->min == f->max || (value >= f->min && value <= f->max);
}

static void write_number(const cnn_field *f, double value, cnn_text *out)
{
    const bool is_word_only = f->word && value == f->word_value &&
                              !(f->min == f->max || (value >= f->min && value <= f->max));
    if (is_word_only)
        cnn_text_append_json(out, f->word);
    else if (f->kind == CNN_FIELD_INT)
        cnn_text_printf(out, "%d", (int)value);
    else
        cnn_text_append_json_number(out, value);
}

/** Appends the value of a member; nothing where its key is absent. */
static void write_value(const cnn_field *f, const void *member, cnn_text *out)
{
    const double value = f->kind == CNN_FIELD_INT    ? *(const int *)member
                         : f->kind == CNN_FIELD_REAL ? *(const double *)member
                                                     : 0;
    const char *text = f->kind == CNN_FIELD_STRING ? *(char *const *)member : NULL;
    switch (f->kind) {
    case CNN_FIELD_INT:
    case CNN_FIELD_REAL:
        if (is_stated(f, value))
            write_number(f, value, out);
        break;
    case CNN_FIELD_BOOL:
        cnn_text_append(out, *(const bool *)member ? "true" : "false");
        break;
    case CNN_FIELD_ENUM:
        if (!f->silent || *(const int *)member != 0)
            cnn_text_append_json(out, f->names[*(const int *)member]);
        break;
    case CNN_FIELD_STRING:
        if (text && *text)
            cnn_text_append_json(out, text);
        break;
    case CNN_FIELD_NODE: /* has a writer of its own, as it has a reader */
        break;
    }
}

void cnn_fields_write_value(const cnn_field *field, const void *in, cnn_text *out)
{
    write_value(field, (const char *)in + field->offset, out);
}

bool cnn_fields_write_json(const cnn_field *fields, int kind, const void *in, cnn_text *out)
{
    bool any = false;
    for (const cnn_field *f = fields; f->key; f++) {
        cnn_text value = {0};
        if (!f->kinds || f->kinds >> kind & 1)
            cnn_fields_write_value(f, in, &value);
        out->failed |= value.failed;
        if (value.len)
            cnn_text_printf(out, "%s\"%s\":%s", any ? "," : "", f->key, value.s);
        any |= value.len > 0;
        cnn_text_free(&value);
    }
    return any;
}

/** Whether text is a number as JSON writes them. */
static bool is_json_number(const char *s)
{
    double value;
    const char *digits = *s == '-' ? s + 1 : s;
    const size_t whole = strspn(digits, "0123456789");
    if (whole == 0 || (digits[0] == '0' && whole > 1) || digits[whole] == 'x' ||
        digits[whole] == 'X')
        return false;
    if (digits[whole] == '.' && strspn(digits + whole + 1, "0123456789") == 0)
        return false;
    return cnn_parse_real(s, &value);
}

static void write_scalar(struct fy_node *node, cnn_text *out)
{
    const char *text = cnn_yaml_scalar(node);
    const bool plain = fy_node_get_style(node) == FYNS_PLAIN;
    if (!text || (plain && (!*text || !strcmp(text, "~"))))
        cnn_text_append(out, "null");
    else if (plain && (is_json_number(text) || !strcmp(text, "true") || !strcmp(text, "false") ||
                       !strcmp(text, "null")))
        cnn_text_append(out, text);
    else
        cnn_text_append_json(out, text);
}

void cnn_yaml_write_json(struct fy_node *node, cnn_text *out)
{
    void *iter = NULL;
    const char *comma = "";
    if (node && fy_node_is_mapping(node)) {
        cnn_text_append(out, "{");
        for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iter));) {
            const char *key = cnn_yaml_scalar(fy_node_pair_key(pair));
            cnn_text_append(out, comma);
            cnn_text_append_json(out, key ? key : "");
            cnn_text_append(out, ":");
            cnn_yaml_write_json(fy_node_pair_value(pair), out);
            comma = ",";
        }
        cnn_text_append(out, "}");
    } else if (node && fy_node_is_sequence(node)) {
        cnn_text_append(out, "[");
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iter));) {
            cnn_text_append(out, comma);
            cnn_yaml_write_json(item, out);
            comma = ",";
        }
        cnn_text_append(out, "]");
    } else {
        write_scalar(node, out);
    }
}
