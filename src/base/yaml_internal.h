/* SPDX-License-Identifier: Apache-2.0 */
/** What the files yaml*.c share; not for others. */
#ifndef CNN_BASE_YAML_INTERNAL_H
#define CNN_BASE_YAML_INTERNAL_H

#include "base/yaml.h"

/** Where text came from: the file, or one --set. Nodes made by a --set carry its origin as meta. */
typedef struct cnn_yaml_origin {
    struct cnn_yaml_origin *next; /* older ones */
    char *label;                  /* the file's name, or "--set key=value" */
    char *text;                   /* libfyaml keeps pointers into it; without a byte order mark */
    size_t len;
    int order; /* of a --set: 1, 2, ...; 0: the file */
} cnn_yaml_origin;

/** A place in an origin's text; line and column count from 1, columns in characters. */
typedef struct {
    const cnn_yaml_origin *origin;
    int line, column;
} cnn_yaml_place;

typedef struct {
    int order, line, column; /* the origin's order */
    char *text;              /* all its lines, without the last newline */
} cnn_yaml_problem;

struct cnn_yaml {
    cnn_yaml_origin *file;
    cnn_yaml_origin *sets;
    struct fy_diag *diag; /* of the document */
    struct fy_document *document;
    cnn_yaml_problem *problems; /* in the order of their places */
    int problem_count;          /* kept; `errors` counts all */
    int errors;
    bool out_of_memory;
};

/** Takes over label (NULL: out of memory); copies text. NULL when out of memory. */
cnn_yaml_origin *cnn_yaml_origin_create(char *label, const char *text, size_t len, int order);
/** The pair of a mapping whose key is the first n bytes of key, or NULL. */
struct fy_node_pair *cnn_yaml_find_pair(struct fy_node *mapping, const char *key, size_t n);

/** Records an error at a place. */
void cnn_yaml_report(cnn_yaml *y, cnn_yaml_place place, const char *message);
/** Takes over what libfyaml has collected; true if there was something. */
bool cnn_yaml_report_collected(cnn_yaml *y, const cnn_yaml_origin *origin, struct fy_diag *diag);
/** A silent libfyaml diagnostic object that collects errors; NULL when out of memory. */
struct fy_diag *cnn_yaml_collector(void);

/** Checks text before a document is made of it: encoding, syntax, depth, one document, and no
 *  anchors, aliases and tags. False if something was wrong; it has been reported then. */
bool cnn_yaml_scan(cnn_yaml *y, const cnn_yaml_origin *origin);
/** Reports duplicate keys, keys that are no words, and escapes ("\0", "\ud800") that make text no
 *  C string of UTF-8, in a node and all below it. */
void cnn_yaml_check_tree(cnn_yaml *y, struct fy_node *node);

#endif
