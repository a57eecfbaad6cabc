/* SPDX-License-Identifier: Apache-2.0 */
/** run_environment: variables that trainers get from the rank's environment, or from the job. */
#include "base/printable.h"
#include "base/variables.h"
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_VARIABLES = 256, MOST_NAME = 128, MOST_VALUE = 4096 };

typedef struct {
    struct fy_node *pass, *set;
} keys;

static const cnn_field fields[] = {
    {.key = "pass", .kind = CNN_FIELD_NODE, .offset = offsetof(keys, pass)},
    {.key = "set", .kind = CNN_FIELD_NODE, .offset = offsetof(keys, set)},
    {0},
};

static bool is_name(const char *s)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return s && *s && strchr(first, *s) && strlen(s) == strspn(s, others) && strlen(s) <= MOST_NAME;
}

static bool is_in(char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (cnn_variable_is_same(*list, name))
            return true;
    return false;
}

bool cnn_job_check_variable(cnn_job_reader *r, struct fy_node *node, const char *name)
{
    const cnn_variable_kind kind = is_name(name) ? cnn_variable_kind_of(name) : CNN_VARIABLE_OTHER;
    if (!is_name(name))
        cnn_yaml_error(r->y, node,
                       "a variable's name has letters, digits and _, at most %d of them, and does "
                       "not begin with a digit",
                       MOST_NAME);
    else if (kind == CNN_VARIABLE_OWNED || !strncmp(name, "CNN_", 4))
        cnn_yaml_error(r->y, node, "'%s' belongs to the run protocol: a job does not change it",
                       name);
    else if (kind == CNN_VARIABLE_LAUNCHER)
        cnn_yaml_error(r->y, node,
                       "'%s' marks the ranks of an MPI launcher: trainers do not get it", name);
    else
        return true;
    return false;
}

static void read_passed(cnn_job_reader *r, struct fy_node *item, char **list, int *n)
{
    const char *name = cnn_yaml_scalar(item);
    if (!cnn_job_check_variable(r, item, name))
        return;
    if (is_in(list, name))
        cnn_yaml_error(r->y, item, "'%s' is given twice", name);
    else
        list[(*n)++] = cnn_strdup(name);
}

bool cnn_job_check_assignment(cnn_job_reader *r, struct fy_node *key, struct fy_node *node,
                              const char *name, const char *value)
{
    if (!cnn_job_check_variable(r, key, name))
        return false;
    if (strcmp(name, "LD_PRELOAD") == 0)
        cnn_yaml_error(r->y, key,
                       "a job does not set LD_PRELOAD; run_environment: {pass: "
                       "[LD_PRELOAD]} passes the rank's on");
    else if (cnn_variable_is_secret(name))
        cnn_yaml_error(r->y, key,
                       "the job file is kept in its results file: '%s' looks like a "
                       "secret; leave it in the environment, from where it is passed on",
                       name);
    else if (is_in(r->job->run_environment.pass, name))
        cnn_yaml_error(r->y, key, "'%s' is both passed on and set", name);
    else if (!value)
        cnn_yaml_error(r->y, node, "the value of '%s' must be a text", name);
    else if (strlen(value) > MOST_VALUE || !cnn_is_printable(value))
        cnn_yaml_error(r->y, node, "the value of '%s' must be printable text of at most %d bytes",
                       name, MOST_VALUE);
    else
        return true;
    return false;
}

static void read_set(cnn_job_reader *r, struct fy_node *key, struct fy_node *node, char **list,
                     int *n)
{
    const char *name = cnn_yaml_scalar(key), *value = cnn_yaml_scalar(node);
    if (cnn_job_check_assignment(r, key, node, name, value))
        list[(*n)++] = cnn_asprintf("%s=%s", name, value);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/** Room for so many variables; the list is sorted later, so that its order in the file means
 *  nothing. */
static cnn_status make_list(cnn_job_reader *r, struct fy_node *node, int count, char ***out)
{
    cnn_status st = CNN_OK;
    if (count > MOST_VARIABLES)
        cnn_yaml_error(r->y, node, "at most %d variables are possible", MOST_VARIABLES);
    else
        CNN_CHECK((*out = calloc((size_t)count + 1, sizeof **out)) != NULL, CNN_ENOMEM,
                  "%d variables", count);
done:
    return st;
}

static cnn_status settle(char **list, int n)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < n; i++)
        CNN_CHECK(list[i] != NULL, CNN_ENOMEM, "%d variables", n);
    if (n)
        qsort(list, (size_t)n, sizeof *list, by_text);
done:
    return st;
}

static cnn_status read_pass(cnn_job_reader *r, struct fy_node *list)
{
    cnn_status st = CNN_OK;
    char **names = NULL;
    void *iter = NULL;
    int n = 0;
    if (!fy_node_is_sequence(list)) {
        cnn_yaml_error(r->y, list, "'pass' must be a list of names, as in [OMP_SCHEDULE]");
        return CNN_OK;
    }
    CNN_TRY(make_list(r, list, fy_node_sequence_item_count(list), &names));
    r->job->run_environment.pass = names;
    for (struct fy_node *item; names && (item = fy_node_sequence_iterate(list, &iter));)
        read_passed(r, item, names, &n);
    CNN_TRY(settle(names, n));
done:
    return st;
}

static cnn_status read_settings(cnn_job_reader *r, struct fy_node *table)
{
    cnn_status st = CNN_OK;
    char **list = NULL;
    void *iter = NULL;
    int n = 0;
    if (!fy_node_is_mapping(table)) {
        cnn_yaml_error(r->y, table, "'set' must be a mapping, as in {OMP_SCHEDULE: static}");
        return CNN_OK;
    }
    CNN_TRY(make_list(r, table, fy_node_mapping_item_count(table), &list));
    r->job->run_environment.set = list;
    for (struct fy_node_pair *pair; list && (pair = fy_node_mapping_iterate(table, &iter));)
        read_set(r, fy_node_pair_key(pair), fy_node_pair_value(pair), list, &n);
    CNN_TRY(settle(list, n));
done:
    return st;
}

cnn_status cnn_job_read_environment(cnn_job_reader *r, struct fy_node *node)
{
    cnn_status st = CNN_OK;
    keys k = {0};
    if (!node)
        return CNN_OK;
    cnn_yaml_fields(r->y, node, "run_environment", fields, &k);
    if (k.pass)
        CNN_TRY(read_pass(r, k.pass));
    if (k.set)
        CNN_TRY(read_settings(r, k.set));
done:
    return st;
}

static void write_list(const char *key, char *const *list, cnn_text *out)
{
    cnn_text_printf(out, ",\"%s\":[", key);
    for (int i = 0; list && list[i]; i++) {
        cnn_text_append(out, i ? " " : "");
        cnn_text_append_json(out, list[i]);
    }
    cnn_text_append(out, "]");
}

void cnn_job_describe_environment(const cnn_job *job, cnn_text *out)
{
    write_list("environment passed", job->run_environment.pass, out);
    write_list("environment set", job->run_environment.set, out);
}

cnn_status cnn_job_variables(const cnn_job *job, const cnn_treatment *treatment, char ***out)
{
    cnn_status st = CNN_OK;
    char **list = NULL, **set = job->run_environment.set;
    size_t count = 0, n = 0;
    while (set && set[count])
        count++;
    list = calloc(count + CNN_JOB_FREE_MAX + 1, sizeof *list);
    CNN_CHECK(list != NULL, CNN_ENOMEM, "variables of a run");
    for (; n < count; n++)
        CNN_CHECK((list[n] = cnn_strdup(set[n])) != NULL, CNN_ENOMEM, "variables of a run");
    for (int i = 0; i < treatment->setting_count; i++) {
        const char *name = cnn_setting_variable(treatment->settings[i]);
        if (name)
            CNN_CHECK((list[n++] = cnn_asprintf("%s=%s", name, treatment->settings[i]->text)) !=
                          NULL,
                      CNN_ENOMEM, "variables of a run");
    }
    *out = list;
    list = NULL;
done:
    cnn_job_free_variables(&list);
    return st;
}

void cnn_job_free_variables(char ***variables)
{
    for (char **v = *variables; v && *v; v++)
        free(*v);
    free(*variables);
    *variables = NULL;
}
