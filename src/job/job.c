/* SPDX-License-Identifier: Apache-2.0 */
#include "job/job.h"

#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

const char *const cnn_backend_names[] = {"auto", "cudnn", "onednn", NULL};

const char *const cnn_job_measure_names[] = {"train_seconds", "seconds_per_epoch", "test_error",
                                             "test_loss",     "steady_seconds",    NULL};

const char *const cnn_job_kind_names[] = {"training", "measurement", NULL};

const char *cnn_job_measure_name(const cnn_job *job, int measure)
{
    enum { OWN = sizeof cnn_job_measure_names / sizeof cnn_job_measure_names[0] - 1 };
    return measure < OWN ? cnn_job_measure_names[measure] : job->metrics[measure - OWN].name;
}

void cnn_job_defaults(cnn_job *job)
{
    job->repeats = 15;
    job->seed = 1;
    job->backend = CNN_BACKEND_AUTO;
    job->train = cnn_train_defaults();
    job->seeds = CNN_SEEDS_PAIRED;
    job->schedule.assign = CNN_ASSIGN_BALANCED;
    job->schedule.warmup = 0;
    job->schedule.sharing = CNN_SHARING_REFUSE;
    job->limits.run_seconds = 0;
    job->limits.retries = 2;
    job->limits.grace_seconds = 10;
    job->limits.rank_seconds = 120;
    job->analysis.margin_time = 0.01;
    job->analysis.margin_error = 0.001;
    job->analysis.alpha = 0.05;
    job->analysis.primary = 0;
    job->analysis.look_count = 1;
    job->analysis.looks[0] = 1;
}

static bool is_same_command(const cnn_framework *a, const cnn_framework *b)
{
    int i = 0;
    while (a->command[i] && b->command[i] && !strcmp(a->command[i], b->command[i]))
        i++;
    return !a->command[i] && !b->command[i];
}

bool cnn_framework_is_same(const cnn_framework *a, const cnn_framework *b)
{
    if (a->is_simulated != b->is_simulated || a->is_command != b->is_command)
        return false;
    if (a->trainer || b->trainer) /* their texts are those of one table */
        return a->trainer == b->trainer && a->mode == b->mode && a->backend == b->backend;
    if (a->is_command)
        return is_same_command(a, b);
    if (!a->is_simulated)
        return a->path == b->path;
    cnn_text of_a = {0}, of_b = {0};
    cnn_truth_write_json(&a->truth, &of_a);
    cnn_truth_write_json(&b->truth, &of_b);
    const bool same = of_a.s && of_b.s && !strcmp(of_a.s, of_b.s);
    cnn_text_free(&of_a);
    cnn_text_free(&of_b);
    return same;
}

void cnn_job_describe_allowed(const bool allow[CNN_CONDITION_COUNT], cnn_text *out)
{
    const char *comma = "";
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        if (allow[c]) {
            cnn_text_printf(out, "%s%s", comma, cnn_condition_names[c]);
            comma = ", ";
        }
}

static void free_list(char **list)
{
    for (char **s = list; s && *s; s++)
        free(*s);
    free(list);
}

static void free_framework(cnn_framework *f)
{
    free(f->name);
    free_list(f->command);
    free(f->folder);
}

static void free_factor(cnn_factor *f)
{
    for (int i = 0; f->labels && i < f->level_count; i++)
        free(f->labels[i]);
    for (int i = 0; f->settings && i < f->level_count; i++) {
        free(f->settings[i].name);
        free(f->settings[i].text);
        free(f->settings[i].value);
    }
    for (int i = 0; i < f->member_count; i++)
        free_factor(&f->members[i]);
    free(f->members);
    free(f->settings);
    free(f->name);
    free(f->labels);
    free(f->index);
    free(f->values);
}

void cnn_job_destroy(cnn_job **handle)
{
    cnn_job *job = *handle;
    if (!job)
        return;
    for (int i = 0; i < job->factor_count; i++)
        free_factor(&job->factors[i]);
    for (int i = 0; i < job->framework_count; i++)
        free_framework(&job->frameworks[i]);
    for (int i = 0; i < job->dataset_count; i++)
        cnn_source_free(&job->datasets[i]);
    for (int i = 0; i < job->architecture_count; i++)
        free(job->architectures[i].opaque);
    free_list(job->analysis.pool);
    free_list(job->run_environment.pass);
    free_list(job->run_environment.set);
    free(job->factors);
    free(job->frameworks);
    free(job->architectures);
    free(job->datasets);
    free(job->path);
    free(job->folder);
    free(job->text);
    free(job->overrides);
    free(job->name);
    free(job->output);
    free(job);
    *handle = NULL;
}

bool cnn_job_is_simulated(const cnn_job *job)
{
    for (int i = 0; i < job->framework_count; i++)
        if (!job->frameworks[i].is_simulated)
            return false;
    return job->framework_count > 0;
}

static size_t value_size(cnn_field_kind kind)
{
    switch (kind) {
    case CNN_FIELD_INT:
    case CNN_FIELD_ENUM:
        return sizeof(int);
    case CNN_FIELD_REAL:
        return sizeof(double);
    case CNN_FIELD_BOOL:
        return sizeof(bool);
    case CNN_FIELD_STRING:
    case CNN_FIELD_NODE:
        break;
    }
    return 0; /* no training setting is of these kinds */
}

bool cnn_job_same_setting(const char *key, const cnn_train *a, const cnn_train *b)
{
    const cnn_field *f = cnn_field_find(cnn_train_fields, key);
    if (f->kind == CNN_FIELD_REAL) /* 0 and -0 are the same */
        return *(const double *)((const char *)a + f->offset) ==
               *(const double *)((const char *)b + f->offset);
    return memcmp((const char *)a + f->offset, (const char *)b + f->offset, value_size(f->kind)) ==
           0;
}

const cnn_factor *cnn_job_find_factor(const cnn_job *job, const char *name)
{
    for (int f = 0; f < job->factor_count; f++) {
        const cnn_factor *factor = &job->factors[f];
        if (factor->kind != CNN_FACTOR_COMPOUND && strcmp(factor->name, name) == 0)
            return factor;
        for (int m = 0; m < factor->member_count; m++)
            if (strcmp(factor->members[m].name, name) == 0)
                return &factor->members[m];
    }
    return NULL;
}

int cnn_factor_member_level(const cnn_factor *compound, int member, int level)
{
    for (int m = compound->member_count - 1; m > member; m--)
        level /= compound->members[m].level_count;
    return level % compound->members[member].level_count;
}

bool cnn_factor_makes_differ(const cnn_factor *factor, int a, int b, cnn_condition condition)
{
    for (int m = 0; m < factor->member_count; m++)
        if (cnn_condition_is_varied_by(condition, factor->members[m].name) &&
            cnn_factor_member_level(factor, m, a) != cnn_factor_member_level(factor, m, b))
            return true;
    return factor->member_count == 0 && a != b &&
           cnn_condition_is_varied_by(condition, factor->name);
}

/** Settings of the job that do more than to reach the trainer's specification. */
static void apply_setting(const cnn_setting *setting, cnn_treatment *t)
{
    int64_t threads;
    t->settings[t->setting_count++] = setting;
    if (strcmp(setting->name, "threads") == 0 && cnn_parse_int(setting->text, &threads))
        t->threads = (int)threads;
}

static void apply_level(const cnn_job *job, const cnn_factor *f, int level, cnn_treatment *t)
{
    const cnn_field *field;
    switch (f->kind) {
    case CNN_FACTOR_FRAMEWORK:
        t->framework = &job->frameworks[f->index[level]];
        break;
    case CNN_FACTOR_ARCHITECTURE:
        t->architecture = &job->architectures[f->index[level]];
        break;
    case CNN_FACTOR_DATASET:
        t->source = &job->datasets[f->index[level]];
        break;
    case CNN_FACTOR_TRAIN:
        field = cnn_field_find(cnn_train_fields, f->name);
        memcpy((char *)&t->train + field->offset, (const char *)&f->values[level] + field->offset,
               value_size(field->kind));
        break;
    case CNN_FACTOR_FREE:
        apply_setting(&f->settings[level], t);
        break;
    case CNN_FACTOR_COMPOUND:
        for (int m = 0; m < f->member_count; m++)
            apply_level(job, &f->members[m], cnn_factor_member_level(f, m, level), t);
        break;
    }
}

cnn_treatment cnn_job_treatment(const cnn_job *job, const int *levels)
{
    cnn_treatment t = {.train = job->train};
    for (int i = 0; i < job->factor_count; i++)
        apply_level(job, &job->factors[i], levels[i], &t);
    t.mode = t.framework->mode;
    for (int i = 0; i < t.setting_count && t.framework->trainer; i++)
        if (strcmp(t.settings[i]->name, "mode") == 0)
            t.mode = t.settings[i]->text;
    return t;
}
