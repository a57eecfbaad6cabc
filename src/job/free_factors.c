/* SPDX-License-Identifier: Apache-2.0 */
/* Free factors: values for trainers, threads (`threads`), variables of the environment
 * (`env.NAME`). */
#include "base/variables.h"
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 4096 };

static const char prefix[] = "env."; /* of factors that set a variable */

static const char *variable_of(const char *name)
{
    return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : NULL;
}

const char *cnn_setting_variable(const cnn_setting *setting)
{
    return variable_of(setting->name);
}

static bool is_threads(const char *name)
{
    return strcmp(name, "threads") == 0;
}

/** Whether trainers read it from their specification, where they read it at all. */
static bool is_for_trainers(const char *name)
{
    return !variable_of(name) && !is_threads(name);
}

/** The name is that of a column of the results file and of a member of specifications. */
static bool is_name(const char *s)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";
    return strchr(first, *s) && strlen(s) == strspn(s, rest);
}

static int count_free(const cnn_job *job)
{
    int count = 0;
    for (int f = 0; f < job->factor_count; f++)
        count += job->factors[f].kind == CNN_FACTOR_FREE;
    return count;
}

/** A name that is nearly that of another factor is taken for a misspelling: as a free factor it would
 *  change nothing, and say that nothing differs. */
static const char *meant_by(const char *name)
{
    const char *names[CNN_JOB_FACTORS_MAX + 2] = {"framework", "architecture", "dataset",
                                                  "threads"};
    int n = 4;
    for (const cnn_field *f = cnn_train_fields; f->key && n < CNN_JOB_FACTORS_MAX; f++)
        names[n++] = f->key;
    return is_threads(name) || variable_of(name) ? NULL : cnn_suggest(name, names);
}

bool cnn_job_check_free_name(cnn_job_reader *r, struct fy_node *key, const char *name)
{
    const char *meant = meant_by(name), *variable = variable_of(name);
    if (meant)
        cnn_yaml_error(r->y, key, "unknown factor '%s'; did you mean '%s'?", name, meant);
    else if (!cnn_job_check_name(r->y, key, name))
        return false;
    else if (!is_name(name))
        cnn_yaml_error(r->y, key,
                       "a factor's name has letters, digits, '_', '-' and '.', and begins with a "
                       "letter or '_'");
    else if (!variable && strncasecmp(name, "env.", 4) == 0)
        cnn_yaml_error(r->y, key, "a variable of the environment is written env.NAME");
    else if (variable && strcmp(variable, "OMP_NUM_THREADS") == 0)
        cnn_yaml_error(r->y, key,
                       "'OMP_NUM_THREADS' belongs to the run protocol: the factor 'threads' sets "
                       "it, together with the cores");
    else if (variable && !cnn_job_check_assignment(r, key, key, variable, ""))
        return false;
    else if (count_free(r->job) >= CNN_JOB_FREE_MAX)
        cnn_yaml_error(r->y, key, "at most %d free factors are possible", CNN_JOB_FREE_MAX);
    else
        return true;
    return false;
}

static bool check_value(cnn_job_reader *r, struct fy_node *level, const char *name,
                        const char *text)
{
    static const cnn_field threads = {
        .key = "threads", .kind = CNN_FIELD_INT, .min = 1, .max = MOST_THREADS};
    int count;
    if (is_threads(name))
        return cnn_yaml_field(r->y, level, &threads, &count);
    if (text && *text && strcmp(text, "null") != 0 && strcmp(text, "~") != 0)
        return true;
    cnn_yaml_error(r->y, level, "a level of '%s' must be a word, a number, true or false", name);
    return false;
}

cnn_status cnn_job_read_setting(cnn_job_reader *r, struct fy_node *level, const cnn_factor *factor,
                                cnn_setting *out, char **label)
{
    cnn_status st = CNN_OK;
    const char *text = cnn_yaml_scalar(level);
    cnn_text value = {0};
    if (!check_value(r, level, factor->name, text))
        return CNN_OK;
    free(*label);
    *label = cnn_asprintf("%s %s", factor->name, text);
    out->name = cnn_strdup(factor->name);
    out->text = cnn_strdup(text);
    cnn_yaml_write_json(level, &value);
    out->value = cnn_text_take(&value);
    CNN_CHECK(*label && out->name && out->text && out->value, CNN_ENOMEM, "level of '%s'",
              factor->name);
    cnn_job_check_name(r->y, level, *label);
done:
    return st;
}

bool cnn_job_same_value(const cnn_setting *a, const cnn_setting *b)
{
    double x, y;
    if (!a->value || !b->value)
        return false;
    if (cnn_parse_real(a->value, &x) && cnn_parse_real(b->value, &y)) /* texts have quotes */
        return x == y;
    return strcmp(a->value, b->value) == 0;
}

/** A level of `mode` chooses among the modes of a trainer that comes with cnnmpi. */
static void check_mode(cnn_job_reader *r, const cnn_framework *f, const cnn_factor *factor,
                       struct fy_node *list)
{
    for (int l = 0; l < factor->level_count; l++) {
        struct fy_node *node = fy_node_sequence_get_by_index(list, l);
        const char *text = factor->settings[l].text, *const *mode = f->trainer->modes;
        while (text && *mode && strcmp(*mode, text) != 0)
            mode++;
        if (text && !*mode)
            cnn_yaml_error(r->y, node, "the trainer '%s' of framework '%s' has no mode '%s'",
                           f->trainer->name, f->name ? f->name : "", text);
    }
}

/** Programs that come with cnnmpi know no factors but their mode: to give them others would compare
 *  a thing with itself. Simulated ones have the effects of their stated truth. */
static void check_readers(cnn_job_reader *r, const cnn_factor *factor, struct fy_node *list)
{
    for (int i = 0; i < r->job->framework_count; i++) {
        const cnn_framework *f = &r->job->frameworks[i];
        if (f->is_command || f->is_simulated)
            continue;
        if (f->trainer && strcmp(factor->name, "mode") == 0)
            check_mode(r, f, factor, list);
        else
            cnn_yaml_error(r->y, list,
                           "framework '%s' does not read the factor '%s': only programs given as "
                           "command: [...] do",
                           f->name ? f->name : "", factor->name);
    }
}

/** A variable that run_environment sets has one value. */
static void check_set_twice(cnn_job_reader *r, const char *variable, struct fy_node *list)
{
    for (char *const *v = r->job->run_environment.set; v && *v; v++)
        if (cnn_variable_is_same(*v, variable))
            cnn_yaml_error(r->y, list, "'%s' is set by run_environment and by a factor", variable);
}

void cnn_job_check_free_factors(cnn_job_reader *r)
{
    for (int i = 0; i < r->job->factor_count; i++) {
        const cnn_factor *factor = &r->job->factors[i];
        if (factor->kind != CNN_FACTOR_FREE)
            continue;
        if (is_for_trainers(factor->name))
            check_readers(r, factor, r->lists[i]);
        else if (variable_of(factor->name))
            check_set_twice(r, variable_of(factor->name), r->lists[i]);
    }
}

void cnn_job_describe_settings(const cnn_treatment *treatment, cnn_text *out)
{
    int written = 0;
    for (int i = 0; i < treatment->setting_count; i++) {
        const cnn_setting *s = treatment->settings[i];
        if (!is_for_trainers(s->name) || treatment->framework->trainer)
            continue;
        cnn_text_append(out, written++ ? "," : "{");
        cnn_text_append_json(out, s->name);
        cnn_text_printf(out, ":%s", s->value);
    }
    if (written)
        cnn_text_append(out, "}");
}
