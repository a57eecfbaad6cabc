/* SPDX-License-Identifier: Apache-2.0 */
/** A job file's text and its top-level keys. */
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20 /* of a job file */ };

static const char *const assign_names[] = {"balanced", "dynamic", NULL};
static const char *const sharing_names[] = {"refuse", "allow", NULL};

#define MEMBER(member, type) .kind = CNN_FIELD_##type, .offset = offsetof(cnn_job, member)

static const cnn_field schedule_fields[] = {
    {.key = "assign", MEMBER(schedule.assign, ENUM), .names = assign_names},
    {.key = "warmup", MEMBER(schedule.warmup, INT), .min = 0, .max = 1000},
    {.key = "sharing", MEMBER(schedule.sharing, ENUM), .names = sharing_names},
    {0},
};

static const cnn_field limits_fields[] = {
    {.key = "run_seconds", MEMBER(limits.run_seconds, REAL), .min = 1, .max = 1e7, .word = "auto"},
    {.key = "retries", MEMBER(limits.retries, INT), .min = 0, .max = 100},
    {.key = "grace_seconds", MEMBER(limits.grace_seconds, REAL), .min = 0, .max = 3600},
    {.key = "rank_seconds", MEMBER(limits.rank_seconds, REAL), .min = 2, .max = 1e6},
    {0},
};

/** The keys of analysis: */
typedef struct {
    double margin_time, margin_error, alpha;
    struct fy_node *primary, *looks, *pool;
} analysis_keys;

#define ANALYSIS(member, type) .kind = CNN_FIELD_##type, .offset = offsetof(analysis_keys, member)

static const cnn_field analysis_fields[] = {
    {.key = "margin_time", ANALYSIS(margin_time, REAL), .min = 1e-6, .max = 1},
    {.key = "margin_error", ANALYSIS(margin_error, REAL), .min = 1e-6, .max = 1},
    {.key = "alpha", ANALYSIS(alpha, REAL), .min = 1e-6, .max = 0.5},
    {.key = "primary", ANALYSIS(primary, NODE)},
    {.key = "looks", ANALYSIS(looks, NODE)},
    {.key = "pool", ANALYSIS(pool, NODE)},
    {0},
};

static const cnn_field compare_fields[] = {
    {.key = "allow", .kind = CNN_FIELD_NODE, .required = true},
    {0},
};

static const cnn_field repeats_field = {
    .key = "repeats", MEMBER(repeats, INT), .min = 1, .max = 100000, .word = "auto"};
static const cnn_field crossed_field[] = {
    {.key = "crossed", MEMBER(crossed, INT), .required = true, .min = 1, .max = 100000}, {0}};

/** The top level; nodes are read by the tables above, or by readers of their own. */
typedef struct {
    char *name, *output;
    int seed, backend, kind;
    struct fy_node *metric;
    struct fy_node *repeats, *contrast, *seeds, *train, *factors, *schedule, *limits, *analysis;
    struct fy_node *compare, *datasets, *architectures, *run_environment;
} top;

#define TOP(member, type) .key = #member, .kind = CNN_FIELD_##type, .offset = offsetof(top, member)

static const cnn_field top_fields[] = {
    {TOP(name, STRING)},
    {TOP(repeats, NODE)},
    {TOP(seed, INT), .min = 0, .max = 2147483647},
    {TOP(output, STRING)},
    {TOP(backend, ENUM), .names = cnn_backend_names},
    {TOP(kind, ENUM), .names = cnn_job_kind_names},
    {TOP(metric, NODE)},
    {TOP(train, NODE)},
    {TOP(factors, NODE)},
    {TOP(contrast, NODE)},
    {TOP(seeds, NODE)},
    {TOP(schedule, NODE)},
    {TOP(limits, NODE)},
    {TOP(analysis, NODE)},
    {TOP(compare, NODE)},
    {TOP(datasets, NODE)},
    {TOP(architectures, NODE)},
    {TOP(run_environment, NODE)},
    {0},
};

/** Reads `paired` or {crossed: K}. */
static void read_seeds(cnn_job_reader *r)
{
    const char *text = cnn_yaml_scalar(r->seeds);
    if (text && strcmp(text, "paired") == 0)
        return;
    if (!text && fy_node_is_mapping(r->seeds)) {
        r->job->seeds = CNN_SEEDS_CROSSED;
        cnn_yaml_fields(r->y, r->seeds, "seeds", crossed_field, r->job);
        return;
    }
    cnn_yaml_error(r->y, r->seeds, "'seeds' must be paired or {crossed: K} with a number K%s",
                   text && strcmp(text, "crossed") == 0 ? ", as in seeds: {crossed: 3}" : "");
}

/** Crossed seeds settle the repeats (K on every device), so that a number of repeats beside them
 *  would be ignored: it is refused. */
static void read_repeats(cnn_job_reader *r)
{
    cnn_job *job = r->job;
    if (job->seeds == CNN_SEEDS_CROSSED)
        job->repeats = job->crossed;
    if (!r->repeats)
        return;
    cnn_job read = {0};
    if (!cnn_yaml_field(r->y, r->repeats, &repeats_field, &read))
        return;
    int given = read.repeats; /* 0: auto */
    if (given && job->seeds == CNN_SEEDS_CROSSED)
        cnn_yaml_error(r->y, r->repeats,
                       "seeds: {crossed: K} settles the repeats, K on each device; leave 'repeats' "
                       "out or write repeats: auto");
    else if (!given && job->seeds == CNN_SEEDS_PAIRED)
        cnn_yaml_error(r->y, r->repeats, "repeats: auto needs seeds: {crossed: K}");
    else if (given)
        job->repeats = given;
}

static void read_section(cnn_job_reader *r, struct fy_node *node, const char *what,
                         const cnn_field *fields, void *out)
{
    if (node)
        cnn_yaml_fields(r->y, node, what, fields, out);
}

/** Reads [0.33, 0.67, 1]: ascending shares of the blocks, the last of them 1. */
static void read_looks(cnn_job_reader *r, struct fy_node *list)
{
    static const cnn_field share = {.key = "looks", .kind = CNN_FIELD_REAL, .min = 0.01, .max = 1};
    const int count = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : 0;
    double *looks = r->job->analysis.looks;
    void *iter = NULL;
    int n = 0;
    if (count < 1 || count > CNN_JOB_LOOKS_MAX) {
        cnn_yaml_error(r->y, list,
                       "'looks' must be a list of 1 to %d shares of the blocks, as in "
                       "[0.33, 0.67, 1]",
                       CNN_JOB_LOOKS_MAX);
        return;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(list, &iter));) {
        if (!cnn_yaml_field(r->y, item, &share, &looks[n]))
            return;
        if (n && looks[n] <= looks[n - 1]) {
            cnn_yaml_error(r->y, item, "looks must be ascending shares of the blocks");
            return;
        }
        if (++n == count && looks[n - 1] < 1)
            cnn_yaml_error(r->y, item, "the last of the looks must be 1: all blocks");
    }
    r->job->analysis.look_count = n;
}

/** Reads [first.h5, second.h5]: names of files, without folders. */
static void read_pool(cnn_job_reader *r, struct fy_node *list)
{
    static const cnn_field word = {.key = "pool", .kind = CNN_FIELD_STRING};
    const int count = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : 0;
    char **names = count >= 2 ? calloc((size_t)count + 1, sizeof *names) : NULL;
    void *iter = NULL;
    int n = 0;
    if (!names) {
        cnn_yaml_error(r->y, list,
                       "'pool' must be a list of at least two names of results files, as in "
                       "[first.h5, second.h5]");
        return;
    }
    r->job->analysis.pool = names;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(list, &iter));) {
        if (!cnn_yaml_field(r->y, item, &word, &names[n]))
            return;
        if (strchr(names[n++], '/'))
            cnn_yaml_error(r->y, item, "'pool' has names of files without their folders");
    }
}

static void read_analysis(cnn_job_reader *r, struct fy_node *node, struct fy_node *metrics)
{
    cnn_job *job = r->job;
    analysis_keys keys = {.margin_time = job->analysis.margin_time,
                          .margin_error = job->analysis.margin_error,
                          .alpha = job->analysis.alpha};
    read_section(r, node, "analysis", analysis_fields, &keys);
    job->analysis.margin_time = keys.margin_time;
    job->analysis.margin_error = keys.margin_error;
    job->analysis.alpha = keys.alpha;
    cnn_job_read_metrics(r, metrics, keys.primary);
    if (keys.looks)
        read_looks(r, keys.looks);
    if (keys.pool)
        read_pool(r, keys.pool);
}

/** Reads {allow: [parameters, threads]}. */
static void read_compare(cnn_job_reader *r, struct fy_node *node)
{
    static const cnn_field word = {
        .key = "allow", .kind = CNN_FIELD_ENUM, .names = cnn_condition_names};
    bool *allow = r->job->compare.allow;
    struct fy_node *list = NULL;
    void *iter = NULL;
    int condition;
    cnn_yaml_fields(r->y, node, "compare", compare_fields, &list);
    if (!list)
        return;
    if (!fy_node_is_sequence(list) || fy_node_sequence_item_count(list) < 1) {
        cnn_yaml_error(r->y, list,
                       "'allow' must be a list of conditions in which the levels of the contrast "
                       "may differ, as in [parameters]");
        return;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(list, &iter));) {
        if (!cnn_yaml_field(r->y, item, &word, &condition))
            continue;
        if (allow[condition])
            cnn_yaml_error(r->y, item, "'%s' is given twice", cnn_condition_names[condition]);
        allow[condition] = true;
    }
}

static void read_top(cnn_job_reader *r)
{
    cnn_job *job = r->job;
    top t = {.seed = (int)job->seed, .backend = job->backend};
    cnn_yaml_fields(r->y, cnn_yaml_root(r->y), "the job file", top_fields, &t);
    job->name = t.name;
    job->output = t.output;
    job->seed = (uint32_t)t.seed;
    job->backend = t.backend;
    job->kind = t.kind;
    r->repeats = t.repeats;
    r->contrast = t.contrast;
    r->seeds = t.seeds;
    r->train = t.train;
    r->factors = t.factors;
    r->schedule = t.schedule;
    r->datasets = t.datasets;
    r->architectures = t.architectures;
    r->run_environment = t.run_environment;
    cnn_job_expand_path(r, cnn_yaml_lookup(cnn_yaml_root(r->y), "output"), &job->output);
    if (job->name)
        cnn_job_check_name(r->y, cnn_yaml_lookup(cnn_yaml_root(r->y), "name"), job->name);
    read_section(r, t.train, "train", cnn_train_fields, &job->train);
    read_section(r, t.schedule, "schedule", schedule_fields, job);
    read_section(r, t.limits, "limits", limits_fields, job);
    read_analysis(r, t.analysis, t.metric);
    if (t.compare)
        read_compare(r, t.compare);
    if (t.seeds)
        read_seeds(r);
    read_repeats(r);
}

/** Path, folder and text, and what follows from the path where the file does not say. */
static cnn_status identify(cnn_job *job, const char *path, const char *text)
{
    cnn_status st = CNN_OK;
    const char *slash = strrchr(path, '/');
    job->path = cnn_strdup(path);
    job->text = cnn_strdup(text);
    job->folder = !slash          ? cnn_strdup(".")
                  : slash == path ? cnn_strdup("/")
                                  : cnn_strndup(path, (size_t)(slash - path));
    CNN_CHECK(job->path && job->text && job->folder, CNN_ENOMEM, "job '%s'", path);
done:
    return st;
}

/** The default name: the file's, without folder and .yaml or .yml. */
static char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *s = slash ? slash + 1 : path;
    size_t n = strlen(s);
    if (n > 5 && strcmp(s + n - 5, ".yaml") == 0)
        n -= 5;
    else if (n > 4 && strcmp(s + n - 4, ".yml") == 0)
        n -= 4;
    return cnn_strndup(s, n);
}

static cnn_status name_output(cnn_job *job)
{
    cnn_status st = CNN_OK;
    char *base = base_name(job->path);
    CNN_CHECK(base, CNN_ENOMEM, "job '%s'", job->path);
    if (!job->output)
        job->output = cnn_asprintf("%s.h5", base);
    if (!job->name) {
        size_t n = strlen(base) > CNN_JOB_NAME_MAX ? CNN_JOB_NAME_MAX : strlen(base);
        while (n > 0 && (base[n] & 0xc0) == 0x80)
            n--; /* not within a character */
        base[n] = '\0';
        job->name = base;
        base = NULL;
    }
    CNN_CHECK(job->output && job->name, CNN_ENOMEM, "job '%s'", job->path);
done:
    free(base);
    return st;
}

/** Bytes before the "=" of an override; one in quotes is of a key. */
static size_t key_length(const char *override)
{
    char quote = '\0';
    size_t n = 0;
    for (; override[n] && (quote || override[n] != '='); n++)
        if (override[n] == quote)
            quote = '\0';
        else if (!quote && (override[n] == '"' || override[n] == '\''))
            quote = override[n];
    return n;
}

static cnn_status apply_overrides(cnn_yaml *y, const char *const *overrides, char **lines)
{
    cnn_status st = CNN_OK;
    cnn_text all = {0};
    char *key = NULL;
    for (; overrides && *overrides; overrides++) {
        const size_t n = key_length(*overrides);
        free(key);
        CNN_CHECK((key = cnn_strndup(*overrides, n)) != NULL, CNN_ENOMEM, "--set %s", *overrides);
        CNN_TRY(cnn_yaml_set(y, key, (*overrides)[n] ? *overrides + n + 1 : NULL));
        cnn_text_printf(&all, "%s\n", *overrides);
    }
    CNN_CHECK((*lines = cnn_text_take(&all)) != NULL, CNN_ENOMEM, "--set arguments");
done:
    free(key);
    cnn_text_free(&all);
    return st;
}

cnn_status cnn_job_parse_bytes(const char *path, const char *text, size_t len, bool stored,
                               const char *const *overrides, cnn_job **out)
{
    cnn_status st = CNN_OK;
    cnn_job_reader r = {.stored = stored};
    CNN_CHECK((r.job = calloc(1, sizeof *r.job)) != NULL, CNN_ENOMEM, "job '%s'", path);
    cnn_job_defaults(r.job);
    CNN_TRY(identify(r.job, path, text));
    CNN_TRY(cnn_yaml_parse_bytes(path, text, len, &r.y));
    CNN_TRY(apply_overrides(r.y, overrides, &r.job->overrides));
    if (cnn_yaml_root(r.y) && fy_node_is_mapping(cnn_yaml_root(r.y))) {
        read_top(&r);
        CNN_TRY(cnn_job_read_environment(&r, r.run_environment));
        CNN_TRY(cnn_job_read_entries(&r));
        CNN_TRY(cnn_job_read_factors(&r));
        CNN_TRY(cnn_job_check(&r));
    } else if (cnn_yaml_root(r.y)) {
        cnn_yaml_error(r.y, cnn_yaml_root(r.y), "a job file must be a mapping (key: value)");
    }
    CNN_TRY(name_output(r.job));
    CNN_TRY(cnn_yaml_finish(r.y));
    *out = r.job;
    r.job = NULL;
done:
    cnn_job_free_entries(&r);
    cnn_yaml_close(&r.y);
    cnn_job_destroy(&r.job);
    return st;
}

cnn_status cnn_job_parse(const char *path, const char *text, const char *const *overrides,
                         cnn_job **out)
{
    return cnn_job_parse_bytes(path, text, strlen(text), false, overrides, out);
}

cnn_status cnn_job_read(const char *path, const char *const *overrides, cnn_job **out)
{
    cnn_status st = CNN_OK;
    char *text = NULL;
    size_t len = 0;
    CNN_TRY(cnn_read_file(path, MOST_BYTES, &text, &len));
    CNN_TRY(cnn_job_parse_bytes(path, text, len, false, overrides, out));
done:
    free(text);
    return st;
}
