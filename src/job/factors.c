/* SPDX-License-Identifier: Apache-2.0 */
/** Factors and their levels. */
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

static cnn_factor_kind kind_of(const char *name)
{
    if (strcmp(name, "framework") == 0)
        return CNN_FACTOR_FRAMEWORK;
    if (strcmp(name, "architecture") == 0)
        return CNN_FACTOR_ARCHITECTURE;
    if (strcmp(name, "dataset") == 0)
        return CNN_FACTOR_DATASET;
    return cnn_field_find(cnn_train_fields, name) ? CNN_FACTOR_TRAIN : CNN_FACTOR_FREE;
}

/** Room for count levels of a factor, and for what they stand for. */
static cnn_status allocate(cnn_job *job, cnn_factor *f, int count)
{
    cnn_status st = CNN_OK;
    f->labels = calloc((size_t)count, sizeof *f->labels);
    f->index = calloc((size_t)count, sizeof *f->index);
    bool ok = f->labels && f->index;
    switch (f->kind) {
    case CNN_FACTOR_FRAMEWORK:
        ok &= (job->frameworks = calloc((size_t)count, sizeof *job->frameworks)) != NULL;
        job->framework_count = job->frameworks ? count : 0;
        break;
    case CNN_FACTOR_ARCHITECTURE:
        ok &= (job->architectures = calloc((size_t)count, sizeof *job->architectures)) != NULL;
        job->architecture_count = job->architectures ? count : 0;
        break;
    case CNN_FACTOR_DATASET:
        ok &= (job->datasets = calloc((size_t)count, sizeof *job->datasets)) != NULL;
        job->dataset_count = job->datasets ? count : 0;
        break;
    case CNN_FACTOR_TRAIN:
        ok &= (f->values = calloc((size_t)count, sizeof *f->values)) != NULL;
        break;
    case CNN_FACTOR_FREE:
        ok &= (f->settings = calloc((size_t)count, sizeof *f->settings)) != NULL;
        break;
    case CNN_FACTOR_COMPOUND: /* made of factors that have been read */
        break;
    }
    CNN_CHECK(ok, CNN_ENOMEM, "%d levels of '%s'", count, f->name);
done:
    return st;
}

/** Reports a level whose label another one has already. */
static bool label_repeats(cnn_job_reader *r, const cnn_factor *f, struct fy_node *level, int i)
{
    for (int j = 0; j < i; j++)
        if (strcmp(f->labels[i], f->labels[j]) == 0) {
            cnn_yaml_error(r->y, level, "level '%s' of '%s' is given twice", f->labels[i], f->name);
            return true;
        }
    return false;
}

/** A value of a training setting; index is i of a good value and -1 of a wrong one. */
static void read_setting(cnn_job_reader *r, cnn_factor *f, struct fy_node *level, int i)
{
    f->index[i] = -1;
    if (!cnn_yaml_field(r->y, level, cnn_field_find(cnn_train_fields, f->name), &f->values[i]))
        return;
    f->index[i] = i;
    for (int j = 0; j < i; j++)
        if (f->index[j] == j && cnn_job_same_setting(f->name, &f->values[i], &f->values[j])) {
            cnn_yaml_error(r->y, level, "level '%s' of '%s' is the same value as '%s'",
                           f->labels[i], f->name, f->labels[j]);
            return;
        }
}

/** A level of a free factor. */
static cnn_status read_free(cnn_job_reader *r, cnn_factor *f, struct fy_node *level, int i)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_job_read_setting(r, level, f, &f->settings[i], &f->labels[i]));
    for (int j = 0; j < i; j++) {
        const char *a = f->settings[i].text, *b = f->settings[j].text;
        /* 4 and "4" have one label */
        if (cnn_job_same_value(&f->settings[i], &f->settings[j]) || (a && b && !strcmp(a, b))) {
            cnn_yaml_error(r->y, level, "level '%s' of '%s' is given twice", f->settings[i].text,
                           f->name);
            break;
        }
    }
done:
    return st;
}

/** Reads a level that is one word. */
static cnn_status read_word(cnn_job_reader *r, cnn_factor *f, struct fy_node *level, int i)
{
    cnn_job *job = r->job;
    switch (f->kind) {
    case CNN_FACTOR_FRAMEWORK:
        return cnn_job_read_framework(r, level, &job->frameworks[i]);
    case CNN_FACTOR_ARCHITECTURE:
        return cnn_job_take_architecture(r, level, &job->architectures[i]);
    case CNN_FACTOR_DATASET:
        return cnn_job_take_dataset(r, level, &job->datasets[i]);
    case CNN_FACTOR_TRAIN:
        read_setting(r, f, level, i);
        break;
    case CNN_FACTOR_FREE:
    case CNN_FACTOR_COMPOUND:
        break;
    }
    return CNN_OK;
}

static cnn_status set_label(cnn_factor *f, int i, const char *text)
{
    free(f->labels[i]);
    f->labels[i] = cnn_strdup(text ? text : "");
    return f->labels[i] ? CNN_OK : cnn_error_set(CNN_ENOMEM, "level of '%s'", f->name);
}

/** Reads level i. A level that is wrong still counts, so that later checks do not complain of too
 *  few; its label may be "" then. */
static cnn_status read_level(cnn_job_reader *r, cnn_factor *f, struct fy_node *level, int i)
{
    cnn_status st = CNN_OK;
    const char *text = cnn_yaml_scalar(level);
    f->index[i] = i;
    CNN_TRY(set_label(f, i, text));
    if (f->kind == CNN_FACTOR_FREE)
        return read_free(r, f, level, i);
    if (f->kind == CNN_FACTOR_FRAMEWORK && fy_node_is_mapping(level)) {
        CNN_TRY(cnn_job_read_framework(r, level, &r->job->frameworks[i]));
        CNN_TRY(set_label(f, i, r->job->frameworks[i].name));
        if (*f->labels[i])
            label_repeats(r, f, level, i);
    } else if (!text) {
        cnn_yaml_error(r->y, level, "a level of '%s' must be a %s", f->name,
                       f->kind == CNN_FACTOR_TRAIN ? "value" : "name");
    } else if (cnn_job_check_name(r->y, level, text) && !label_repeats(r, f, level, i)) {
        CNN_TRY(read_word(r, f, level, i));
    }
done:
    return st;
}

static cnn_status read_factor(cnn_job_reader *r, struct fy_node *key, struct fy_node *list)
{
    cnn_status st = CNN_OK;
    const char *name = cnn_yaml_scalar(key);
    cnn_factor_kind kind = kind_of(name);
    if (kind == CNN_FACTOR_FREE && !cnn_job_check_free_name(r, key, name))
        return CNN_OK;
    int count = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : 0;
    if (count < 1 || count > CNN_JOB_LEVELS_MAX) {
        cnn_yaml_error(r->y, list, "'%s' must be a list of 1 to %d levels, as in %s: [%s]", name,
                       CNN_JOB_LEVELS_MAX, name,
                       count < 1 && cnn_yaml_scalar(list) && *cnn_yaml_scalar(list)
                           ? cnn_yaml_scalar(list)
                           : "...");
        return CNN_OK;
    }
    r->lists[r->job->factor_count] = list;
    cnn_factor *f = &r->job->factors[r->job->factor_count++];
    f->kind = kind;
    CNN_CHECK((f->name = cnn_strdup(name)) != NULL, CNN_ENOMEM, "factor '%s'", name);
    CNN_TRY(allocate(r->job, f, count));
    f->level_count = count;
    for (int i = 0; i < count; i++)
        CNN_TRY(read_level(r, f, fy_node_sequence_get_by_index(list, i), i));
done:
    return st;
}

cnn_status cnn_job_read_factors(cnn_job_reader *r)
{
    static const struct {
        const char *key, *example;
    } needed[] = {{"framework", "[native, layered]"},
                  {"architecture", "[arch1, arch2]"},
                  {"dataset", "[mnist, fashion_mnist]"}};
    cnn_status st = CNN_OK;
    if (!r->factors || !fy_node_is_mapping(r->factors)) {
        cnn_yaml_error(r->y, r->factors ? r->factors : cnn_yaml_root(r->y),
                       "%s; add factors: {framework: [native, layered], architecture: [arch1], "
                       "dataset: [mnist]}",
                       r->factors ? "factors must be a mapping" : "'factors' is missing");
        return CNN_OK;
    }
    r->job->factors = calloc(CNN_JOB_FACTORS_MAX, sizeof *r->job->factors);
    CNN_CHECK(r->job->factors, CNN_ENOMEM, "factors");
    void *iter = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(r->factors, &iter));) {
        struct fy_node *key = fy_node_pair_key(pair);
        const char *name = cnn_yaml_scalar(key);
        bool repeated = name && cnn_yaml_lookup(r->factors, name) != fy_node_pair_value(pair);
        if (name && *name && !repeated) /* other keys are reported already */
            CNN_TRY(read_factor(r, key, fy_node_pair_value(pair)));
    }
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!cnn_yaml_lookup(r->factors, needed[i].key))
            cnn_yaml_error(r->y, r->factors, "'%s' is missing in factors; add it, as in %s: %s",
                           needed[i].key, needed[i].key, needed[i].example);
done:
    return st;
}
