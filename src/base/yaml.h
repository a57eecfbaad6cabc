/* SPDX-License-Identifier: Apache-2.0 */
/** Reading YAML and JSON with libfyaml: declarative fields, and diagnostics that name file, line
 *  and column. Errors are collected, so that one pass reports all of them, in the order of the
 *  file:
 *
 *      jobs/a.yaml:3:3: error: unknown key 'epoch' in train; did you mean 'epochs'?
 *        epoch: 20
 *        ^
 *
 *  Columns count characters from 1. Anchors, aliases, tags, several documents, keys given twice and
 *  nesting deeper than 24 levels are refused. */
#ifndef CNN_BASE_YAML_H
#define CNN_BASE_YAML_H

#include "base/status.h"
#include "base/text.h"

#include <libfyaml.h>
#include <stdbool.h>
#include <stddef.h>

/** A parsed document with the errors found in it so far. */
typedef struct cnn_yaml cnn_yaml;

typedef enum {
    CNN_FIELD_INT,    /* int */
    CNN_FIELD_REAL,   /* double, finite */
    CNN_FIELD_BOOL,   /* bool: true or false */
    CNN_FIELD_ENUM,   /* int: the index in names */
    CNN_FIELD_STRING, /* char *, owned by the struct; an older value is freed; never empty */
    CNN_FIELD_NODE,   /* struct fy_node *, for a reader of its own; lives as long as the document */
} cnn_field_kind;

/** One key of a mapping and the struct member that it fills. A table ends with {0}. */
typedef struct {
    const char *key;
    cnn_field_kind kind;
    size_t offset;            /* offsetof the member */
    bool required;            /* of a key with `kinds`: where the mapping is of one of these */
    double min, max;          /* INT, REAL: bounds, both included; min == max: unbounded; DBL_MIN to
                                 infinity: above 0. Numbers are plain decimals: no quotes, no
                                 leading zeros, no inf or nan */
    const char *const *names; /* ENUM: NULL-terminated */
    const char *word;         /* INT, REAL: a word allowed instead, such as "all" ... */
    double word_value;        /* ... and the value it stands for */
    bool silent;              /* ENUM: the first name is written by leaving the key out */
    unsigned kinds;           /* of a mapping of several kinds: bits of those that have the key, for
                                 the caller to check; 0: all have it */
    const char *help;         /* one line for people, where the key is an option of a program */
} cnn_field;

/** Parses text (YAML, of which JSON is a part), called `name` in messages. Syntax errors are kept
 *  like all others: cnn_yaml_root is NULL then, and cnn_yaml_finish reports. *out is owned by the
 *  caller. */
cnn_status cnn_yaml_parse(const char *name, const char *text, cnn_yaml **out);
/** The same from text of len bytes, in which a NUL byte is an error like others. */
cnn_status cnn_yaml_parse_bytes(const char *name, const char *text, size_t len, cnn_yaml **out);
void cnn_yaml_close(cnn_yaml **y);

/** The root node, borrowed; NULL when the document is empty or has syntax errors (recorded). */
struct fy_node *cnn_yaml_root(cnn_yaml *y);

/** Replaces or adds the value at a path of keys and list indices ("train.epochs"), as --set does; a
 *  key that holds a dot stands in quotes; the index behind the last one appends. value is YAML;
 *  NULL (an argument without '=') is an error. Errors are recorded like others, here and later, but
 *  name `--set key=value` instead of the file. Nodes taken from the document before may be gone. */
cnn_status cnn_yaml_set(cnn_yaml *y, const char *path, const char *value);

/** Records an error at a node (NULL: at the document as a whole). */
void cnn_yaml_error(cnn_yaml *y, struct fy_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** How many errors have been recorded. */
int cnn_yaml_errors(const cnn_yaml *y);

/** CNN_OK, or CNN_EUSAGE with all recorded errors as the message, one after the other (the first
 *  15 kB of them and how many more there are). CNN_ENOMEM: memory ran out on the way. */
cnn_status cnn_yaml_finish(const cnn_yaml *y);

/** Reads the mapping `node` into *out by the table. Unknown keys, wrong types, values out of bounds
 *  and missing required keys are recorded as errors; absent keys leave their member as it is. what
 *  names the mapping in messages ("train"). */
void cnn_yaml_fields(cnn_yaml *y, struct fy_node *node, const char *what, const cnn_field *fields,
                     void *out);

/** Reads one value by its field into *out; true when it was good. */
bool cnn_yaml_field(cnn_yaml *y, struct fy_node *value, const cnn_field *field, void *out);

/** Appends the members of *in by the table, in its order, as "key":value with commas between:
 *  cnn_yaml_fields reads them back unchanged from braces. Left out are keys that a mapping of this
 *  kind does not have, silent ones, numbers out of bounds and strings that are NULL or empty (an
 *  absent key), and nodes. Returns whether anything was appended. */
bool cnn_fields_write_json(const cnn_field *fields, int kind, const void *in, cnn_text *out);
/** Appends one value of *in as JSON; nothing where its key is absent. */
void cnn_fields_write_value(const cnn_field *field, const void *in, cnn_text *out);

/** Appends any value as JSON: plain numbers as JSON writes them, true, false and null are themselves,
 *  every other scalar is a text. */
void cnn_yaml_write_json(struct fy_node *node, cnn_text *out);

/** The field called key, or NULL. */
const cnn_field *cnn_field_find(const cnn_field *fields, const char *key);

/** The scalar's text (borrowed, lives as long as the document), or NULL if the node is no
 *  scalar. */
const char *cnn_yaml_scalar(struct fy_node *node);

/** Value of a key of a mapping, or NULL; and the key itself, to report at. */
struct fy_node *cnn_yaml_lookup(struct fy_node *mapping, const char *key);
struct fy_node *cnn_yaml_key(struct fy_node *mapping, const char *key);

#endif
