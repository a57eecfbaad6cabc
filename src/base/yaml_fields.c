/* SPDX-License-Identifier: Apache-2.0 */
/** Reading values by tables of fields. */
#include "base/text.h"
#include "base/utf8.h"
#include "base/yaml_internal.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 40 /* bytes of a wrong value that a message repeats */ };

const cnn_field *cnn_field_find(const cnn_field *fields, const char *key)
{
    for (; fields->key; fields++)
        if (strcmp(fields->key, key) == 0)
            return fields;
    return NULL;
}

/** What a value is, for messages: "'adma'", "a list", ... */
typedef struct {
    char text[SHOWN + 32];
} shown;

static shown show(struct fy_node *value)
{
    shown s;
    const char *text = cnn_yaml_scalar(value);
    size_t n = 0;
    while (text && text[n] && n < SHOWN) {
        size_t step = cnn_utf8_length(text + n);
        n += step ? step : 1;
    }
    if (!text)
        cnn_copy_string(s.text, sizeof s.text, fy_node_is_mapping(value) ? "a mapping" : "a list");
    else if (!*text && fy_node_get_style(value) == FYNS_PLAIN)
        cnn_copy_string(s.text, sizeof s.text, "nothing");
    else
        snprintf(s.text, sizeof s.text, "'%.*s%s'", (int)n, text, text[n] ? "..." : "");
    return s;
}

static bool is_plain(struct fy_node *value)
{
    return cnn_yaml_scalar(value) && fy_node_get_style(value) == FYNS_PLAIN;
}

/** YAML's ways to write nothing. */
static bool is_null(struct fy_node *value)
{
    const char *text = is_plain(value) ? cnn_yaml_scalar(value) : NULL;
    return text && (!*text || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0);
}

/** "between 1 and 10", "at least 0", ... */
static shown bounds(const cnn_field *f)
{
    shown s = {""};
    bool whole = f->kind == CNN_FIELD_INT, bounded = f->min != f->max;
    double min = bounded ? f->min : INT_MIN, max = bounded ? f->max : INT_MAX;
    if (whole || (bounded && isfinite(min) && isfinite(max)))
        snprintf(s.text, sizeof s.text, "between %.10g and %.10g", min, max);
    else if (bounded && min == DBL_MIN && !isfinite(max))
        cnn_copy_string(s.text, sizeof s.text, "above 0");
    else if (bounded && (isfinite(min) || isfinite(max)))
        snprintf(s.text, sizeof s.text, "at %s %.10g", isfinite(min) ? "least" : "most",
                 isfinite(min) ? min : max);
    else
        cnn_copy_string(s.text, sizeof s.text, "in the range of double precision");
    return s;
}

static bool in_bounds(const cnn_field *f, double v)
{
    return f->min == f->max || (v >= f->min && v <= f->max);
}

/** Decimal digits with a sign; leading zeros are refused, as they mean octal to some readers. */
static bool is_whole(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t n = strspn(s, "0123456789");
    return n > 0 && s[n] == '\0' && (n == 1 || s[0] != '0');
}

/** A decimal number: digits with at most one point, and an exponent. */
static bool is_decimal(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, "0123456789"), part = 0;
    if (whole > 1 && s[0] == '0')
        return false;
    s += whole;
    if (*s == '.') {
        part = strspn(s + 1, "0123456789");
        s += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t n = strspn(s, "0123456789");
        return n > 0 && s[n] == '\0';
    }
    return *s == '\0';
}

static void wrong_number(cnn_yaml *y, struct fy_node *value, const cnn_field *f, const char *what)
{
    const char *text = cnn_yaml_scalar(value);
    bool quoted = text && !is_plain(value) && (is_whole(text) || is_decimal(text));
    cnn_yaml_error(y, value, "'%s' must be %s%s%s%s, not %s%s", f->key, what,
                   f->word ? " or '" : "", f->word ? f->word : "", f->word ? "'" : "",
                   show(value).text, quoted ? " in quotes" : "");
}

static bool read_number(cnn_yaml *y, struct fy_node *value, const cnn_field *f, double *out)
{
    bool whole = f->kind == CNN_FIELD_INT;
    const char *word = cnn_yaml_scalar(value); /* JSON can only quote it */
    const char *text = word && is_plain(value) ? word : "";
    if (f->word && word && strcmp(word, f->word) == 0) {
        *out = f->word_value;
        return true;
    }
    int64_t i = 0;
    double v = 0;
    if (whole ? !is_whole(text) : !is_decimal(text)) {
        wrong_number(y, value, f, whole ? "a whole number" : "a number");
        return false;
    }
    bool fits =
        whole ? cnn_parse_int(text, &i) && i >= INT_MIN && i <= INT_MAX : cnn_parse_real(text, &v);
    v = whole ? (double)i : v;
    if (!fits || !in_bounds(f, v)) {
        wrong_number(y, value, f, bounds(f).text);
        return false;
    }
    *out = v;
    return true;
}

static bool read_bool(cnn_yaml *y, struct fy_node *value, const cnn_field *f, bool *out)
{
    const char *text = is_plain(value) ? cnn_yaml_scalar(value) : "";
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) {
        cnn_yaml_error(y, value, "'%s' must be true or false, not %s", f->key, show(value).text);
        return false;
    }
    *out = yes;
    return true;
}

static char *join(const char *const *names, const char *last)
{
    cnn_text t = {0};
    for (int i = 0; names[i]; i++)
        cnn_text_printf(&t, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : last, names[i]);
    return cnn_text_take(&t);
}

static bool read_enum(cnn_yaml *y, struct fy_node *value, const cnn_field *f, int *out)
{
    const char *text = cnn_yaml_scalar(value);
    for (int i = 0; text && f->names[i]; i++)
        if (strcmp(text, f->names[i]) == 0) {
            *out = i;
            return true;
        }
    char *names = join(f->names, " or ");
    const char *meant = text ? cnn_suggest(text, f->names) : NULL;
    cnn_yaml_error(y, value, "'%s' must be %s, not %s%s%s%s", f->key,
                   names ? names : "one of a few", show(value).text,
                   meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
    free(names);
    return false;
}

static bool read_string(cnn_yaml *y, struct fy_node *value, const cnn_field *f, char **out)
{
    const char *text = cnn_yaml_scalar(value);
    if (!text || !*text || is_null(value)) {
        cnn_yaml_error(y, value, "'%s' must be text, not %s", f->key,
                       text && !*text ? "nothing" : show(value).text);
        return false;
    }
    char *copy = cnn_strdup(text);
    if (!copy) {
        y->out_of_memory = true;
        return false;
    }
    free(*out);
    *out = copy;
    return true;
}

bool cnn_yaml_field(cnn_yaml *y, struct fy_node *value, const cnn_field *f, void *out)
{
    void *member = (char *)out + f->offset;
    double number = 0;
    switch (f->kind) {
    case CNN_FIELD_INT:
        if (!read_number(y, value, f, &number))
            return false;
        *(int *)member = (int)number;
        return true;
    case CNN_FIELD_REAL:
        if (!read_number(y, value, f, &number))
            return false;
        *(double *)member = number;
        return true;
    case CNN_FIELD_BOOL:
        return read_bool(y, value, f, member);
    case CNN_FIELD_ENUM:
        return read_enum(y, value, f, member);
    case CNN_FIELD_STRING:
        return read_string(y, value, f, member);
    case CNN_FIELD_NODE:
        *(struct fy_node **)member = value;
        return true;
    }
    return false;
}

/** "; did you mean 'x'?", or else all the keys there are. */
static void unknown_key(cnn_yaml *y, struct fy_node *key, const char *what, const cnn_field *fields)
{
    int n = 0;
    while (fields[n].key)
        n++;
    const char **names = calloc((size_t)n + 1, sizeof *names);
    if (!names) {
        y->out_of_memory = true;
        return;
    }
    for (int i = 0; i < n; i++)
        names[i] = fields[i].key;
    const char *meant = cnn_suggest(cnn_yaml_scalar(key), names);
    char *all = meant ? NULL : join(names, ", ");
    if (meant)
        cnn_yaml_error(y, key, "unknown key %s in %s; did you mean '%s'?", show(key).text, what,
                       meant);
    else
        cnn_yaml_error(y, key, "unknown key %s in %s; its keys are %s", show(key).text, what,
                       all ? all : "others");
    free(all);
    free(names);
}

void cnn_yaml_fields(cnn_yaml *y, struct fy_node *node, const char *what, const cnn_field *fields,
                     void *out)
{
    if (!node && cnn_yaml_errors(y) > 0)
        return; /* a syntax error, already reported */
    if (!node || !fy_node_is_mapping(node)) {
        cnn_yaml_error(y, node, "%s must be a mapping (key: value), not %s", what,
                       node ? show(node).text : "nothing");
        return;
    }
    void *iter = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iter));) {
        struct fy_node *key = fy_node_pair_key(pair);
        const char *text = cnn_yaml_scalar(key);
        const cnn_field *field = text ? cnn_field_find(fields, text) : NULL;
        struct fy_node *value = fy_node_pair_value(pair);
        if (field && value)
            cnn_yaml_field(y, value, field, out);
        else if (field)
            cnn_yaml_error(y, key, "'%s' has no value", text);
        else if (text && *text)
            unknown_key(y, key, what, fields);
    }
    for (; fields->key; fields++)
        if (fields->required && !fields->kinds && !cnn_yaml_lookup(node, fields->key))
            cnn_yaml_error(y, node, "'%s' is missing in %s", fields->key, what);
}
