/* SPDX-License-Identifier: Apache-2.0 */
/* Variables in which the environments of runs differ. */
#include "report/parts.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_VARIABLES = 8, MOST_VARIABLES_FULL = 256 };

/** Environments that runs had, and how many runs each. */
typedef struct {
    int n;
    const char **texts; /* [n] lines NAME=value */
    int *runs;          /* [n] */
} environments;

/** A line of an environment. */
typedef struct {
    const char *s; /* NULL: the variable is not set */
    size_t name, length;
} variable;

static variable variable_at(const char *line)
{
    const size_t length = strcspn(line, "\n"), name = strcspn(line, "=\n");
    return (variable){line, name, length};
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

static variable find(const char *text, const variable *name)
{
    for (; *text; text = next_line(text)) {
        const variable v = variable_at(text);
        if (v.name == name->name && memcmp(v.s, name->s, v.name) == 0)
            return v;
    }
    return (variable){0};
}

static bool is_same(const variable *a, const variable *b)
{
    return a->length == b->length && (!a->s == !b->s) &&
           (!a->s || memcmp(a->s, b->s, a->length) == 0);
}

/** Whether the variable is varied by the job, as a factor. */
static bool is_varied(const cnn_results *results, const variable *name)
{
    char *factor = cnn_asprintf("env.%.*s", (int)name->name, name->s);
    const bool varied = factor && cnn_results_varies(results, factor);
    free(factor);
    return varied;
}

/** Whether the variable differs between environments. */
static bool differs(const environments *e, const variable *name)
{
    const variable first = find(e->texts[0], name);
    for (int i = 1; i < e->n; i++) {
        const variable other = find(e->texts[i], name);
        if (!is_same(&first, &other))
            return true;
    }
    return false;
}

/** "'static' in 8 runs, not set in 4 runs" */
static void put_values(const environments *e, const variable *name, cnn_text *out)
{
    for (int i = 0; i < e->n; i++) {
        const variable v = find(e->texts[i], name);
        int runs = 0;
        bool is_first = true;
        for (int k = 0; k < e->n; k++) {
            const variable other = find(e->texts[k], name);
            if (!is_same(&v, &other))
                continue;
            is_first &= k >= i;
            runs += e->runs[k];
        }
        if (!is_first)
            continue;
        cnn_text_append(out, out->len ? ", " : "");
        if (!v.s)
            cnn_text_append(out, "not set");
        else if (v.name == v.length)
            cnn_text_append(out, "set");
        else
            cnn_text_printf(out, "'%.*s'", (int)(v.length - v.name - 1), v.s + v.name + 1);
        cnn_text_printf(out, " in %d run%s", runs, cnn_report_plural(runs));
    }
}

/** Each variable that differs, once: where the first environment that has it lists it. */
static void put_differences(const cnn_report *r, const environments *e, cnn_table *t)
{
    const int most = r->full ? MOST_VARIABLES_FULL : MOST_VARIABLES;
    int count = 0;
    for (int i = 0; i < e->n; i++)
        for (const char *line = e->texts[i]; *line; line = next_line(line)) {
            const variable v = variable_at(line);
            bool is_known = false;
            for (int k = 0; k < i; k++)
                is_known |= find(e->texts[k], &v).s != NULL;
            if (is_known || !differs(e, &v) || is_varied(r->results, &v) || count++ >= most)
                continue;
            cnn_text values = {0};
            put_values(e, &v, &values);
            cnn_table_row(t);
            cnn_table_text(t, "WARNING");
            cnn_table_text(t, "the environments of runs differ in %.*s: %s", (int)v.name, v.s,
                           values.s ? values.s : "");
            *t->failed |= values.failed;
            cnn_text_free(&values);
        }
    if (count > most) {
        cnn_table_row(t);
        cnn_table_text(t, "WARNING");
        cnn_table_text(t, "... and in %d more variables", count - most);
    }
}

/** Each environment as one line, with how many runs had it. */
static void put_all(const environments *e, cnn_table *t)
{
    for (int i = 0; i < e->n; i++) {
        char *line = cnn_strdup(e->texts[i]);
        for (char *c = line; c && *c; c++)
            *c = *c == '\n' ? ' ' : *c;
        *t->failed |= !line;
        cnn_table_row(t);
        cnn_table_text(t, "%s", i ? "" : "environment");
        cnn_table_text(t, "%s(%d run%s)", line ? line : "", e->runs[i],
                       cnn_report_plural(e->runs[i]));
        free(line);
    }
}

/** Counts the runs of each environment; those of *unrecorded have none, though others do. */
static bool gather(const cnn_results *x, environments *e, int *unrecorded)
{
    e->texts = calloc((size_t)x->environment_count + 1, sizeof *e->texts);
    e->runs = calloc((size_t)x->environment_count + 1, sizeof *e->runs);
    int *runs = calloc((size_t)x->environment_count + 1, sizeof *runs);
    for (int i = 0; runs && i < x->run_count; i++) {
        const cnn_measured *m = &x->measured[i];
        if (x->status[i] == CNN_RUN_PLANNED)
            continue;
        if (m->environment >= 0 && m->environment < x->environment_count)
            runs[m->environment]++;
        else
            *unrecorded += strcmp(m->backend, "simulate") != 0;
    }
    for (int i = 0; runs && e->texts && e->runs && i < x->environment_count; i++)
        if (runs[i]) {
            e->texts[e->n] = x->environments[i].variables;
            e->runs[e->n++] = runs[i];
        }
    const bool gathered = runs && e->texts && e->runs;
    free(runs);
    return gathered;
}

void cnn_report_put_environment(const cnn_report *r, cnn_table *t)
{
    environments e = {0};
    int unrecorded = 0;
    *t->failed |= !gather(r->results, &e, &unrecorded);
    if (e.n > 0) {
        if (r->full)
            put_all(&e, t);
        put_differences(r, &e, t);
    }
    if (e.n > 0 && unrecorded > 0) {
        cnn_table_row(t);
        cnn_table_text(t, "WARNING");
        cnn_table_text(t, "the environments of %d run%s are not on record", unrecorded,
                       cnn_report_plural(unrecorded));
    }
    free(e.texts);
    free(e.runs);
}
