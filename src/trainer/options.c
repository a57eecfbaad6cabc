/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/options.h"

#include "base/arguments.h"
#include "trainer/cores.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** What the options other than those of `train:` may set; -1 and NULL: not given. */
typedef struct {
    char *spec, *architecture, *dataset, *data;
    int path, seed, threads, limit, test_limit, split_seed;
} settings;

static const cnn_field fields[] = {
    {.key = "spec", .kind = CNN_FIELD_STRING, .offset = offsetof(settings, spec)},
    {.key = "path",
     .kind = CNN_FIELD_ENUM,
     .offset = offsetof(settings, path),
     .names = cnn_path_names},
    {.key = "architecture", .kind = CNN_FIELD_STRING, .offset = offsetof(settings, architecture)},
    {.key = "dataset", .kind = CNN_FIELD_STRING, .offset = offsetof(settings, dataset)},
    {.key = "data", .kind = CNN_FIELD_STRING, .offset = offsetof(settings, data)},
    {.key = "seed", .kind = CNN_FIELD_INT, .offset = offsetof(settings, seed), .max = INT_MAX},
    {.key = "threads",
     .kind = CNN_FIELD_INT,
     .offset = offsetof(settings, threads),
     .min = 1,
     .max = 4096},
    {.key = "limit",
     .kind = CNN_FIELD_INT,
     .offset = offsetof(settings, limit),
     .max = INT_MAX,
     .word = "all"},
    {.key = "test_limit",
     .kind = CNN_FIELD_INT,
     .offset = offsetof(settings, test_limit),
     .max = INT_MAX,
     .word = "all"},
    {.key = "split_seed",
     .kind = CNN_FIELD_INT,
     .offset = offsetof(settings, split_seed),
     .max = INT_MAX},
    {0},
};

/** All that --help lists but the keys of `train:`. */
static const cnn_option own_options[] = {
    {"--path", 0, "native|layered", "how the network is driven; default native"},
    {"--architecture", 0, "NAME", "arch1 or arch2; default arch1"},
    {"--dataset", 0, "NAME", "mnist, fashion_mnist, idc or synthetic; default fashion_mnist"},
    {"--data", 0, "FOLDER", "where data is sought first"},
    {"--limit", 0, "N", "the first N training images of the seeded shuffle; default all"},
    {"--test-limit", 0, "N", "test images likewise; default all"},
    {"--split-seed", 0, "N", "of that shuffle and of the split; default 0"},
    {"--seed", 0, "N", "weights, batch order, dropout; default 1"},
    {"--threads", 0, "N", "default: the cores that this process may use"},
    {"--spec", 0, "FILE", "start from a specification (docs/trainer-protocol.md)"},
    {"--plan", 0, NULL, "print network and plan, and train nothing"},
    {"--verbose", 0, NULL, "print on standard error what tuning has timed"},
    {"--print-spec", 0, NULL, "print the specification as JSON, and train nothing"},
    {"--help", 'h', NULL, ""},
    {"--version", 0, NULL, ""},
};
enum { OWN = sizeof own_options / sizeof own_options[0], MOST_TRAIN = 32, TEXT = 96 };

/** The options of a trainer: its own, and one for each key of `train:`. */
typedef struct {
    cnn_option options[OWN + MOST_TRAIN + 1];
    char names[MOST_TRAIN][TEXT], values[MOST_TRAIN][TEXT], helps[MOST_TRAIN][TEXT];
} option_table;

/** "--batch-size" -> "batch_size" */
static void key_of(const char *option, char *key, size_t n)
{
    cnn_copy_string(key, n, option + 2);
    for (char *c = key; *c; c++)
        *c = *c == '-' ? '_' : *c;
}

/** "batch_size" -> "--batch-size" */
static void option_of(const char *key, char *option, size_t n)
{
    cnn_copy_string(option, n, "--");
    cnn_copy_string(option + 2, n - 2, key);
    for (char *c = option; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

/** What stands for the value of a key in --help: N, X, or the words that it may be. */
static void describe_value(const cnn_field *f, char *s, size_t n)
{
    cnn_copy_string(s, n, f->kind == CNN_FIELD_INT ? "N" : f->kind == CNN_FIELD_REAL ? "X" : "");
    if (f->kind == CNN_FIELD_BOOL)
        cnn_copy_string(s, n, "true|false");
    for (int i = 0; f->kind == CNN_FIELD_ENUM && f->names[i]; i++)
        snprintf(s + strlen(s), n - strlen(s), "%s%s", i ? "|" : "", f->names[i]);
}

static cnn_status describe_train_key(const cnn_field *f, const cnn_train *defaults, char *s,
                                     size_t n)
{
    cnn_text value = {0};
    cnn_fields_write_value(f, defaults, &value);
    cnn_status st = cnn_text_status(&value);
    if (st == CNN_OK) { /* words are quoted as JSON: without the quotes */
        const size_t quoted = value.s[0] == '"';
        snprintf(s, n, "%s%sdefault %.*s", f->help, *f->help ? "; " : "",
                 (int)(value.len - 2 * quoted), value.s + quoted);
    }
    cnn_text_free(&value);
    return st;
}

static cnn_status make_options(option_table *t)
{
    cnn_status st = CNN_OK;
    const cnn_train defaults = cnn_train_defaults();
    int n = 0;
    *t = (option_table){0};
    for (const cnn_field *f = cnn_train_fields; f->key && n < MOST_TRAIN; f++, n++) {
        option_of(f->key, t->names[n], TEXT);
        describe_value(f, t->values[n], TEXT);
        CNN_TRY(describe_train_key(f, &defaults, t->helps[n], TEXT));
        t->options[n] = (cnn_option){t->names[n], 0, t->values[n], t->helps[n]};
    }
    memcpy(t->options + n, own_options, sizeof own_options);
done:
    return st;
}

cnn_status cnn_trainer_options_help(const char *program, cnn_text *out)
{
    cnn_status st = CNN_OK;
    option_table t;
    CNN_TRY(make_options(&t));
    cnn_text_printf(out,
                    "Usage: %s [OPTION VALUE]...\n"
                    "Trains one network once and prints a table. (cnnmpi starts it by the run "
                    "protocol instead.)\n\n",
                    program);
    cnn_options_help(t.options, out);
    CNN_TRY(cnn_text_status(out));
done:
    return st;
}

/** Reads the value of a field as a job file would, so that types, bounds and messages are the
 *  same. */
static cnn_status set_field(const char *option, const cnn_field *field, const char *value,
                            void *out)
{
    cnn_status st = CNN_OK;
    cnn_yaml *y = NULL;
    if (field->kind == CNN_FIELD_STRING) {
        char **text = (char **)((char *)out + field->offset);
        free(*text);
        *text = cnn_strdup(value);
        return *text ? CNN_OK : cnn_error_set(CNN_ENOMEM, "value of %s", option);
    }
    CNN_TRY(cnn_yaml_parse(option, value, &y));
    if (cnn_yaml_root(y))
        cnn_yaml_field(y, cnn_yaml_root(y), field, out);
    else if (cnn_yaml_errors(y) == 0)
        cnn_yaml_error(y, NULL, "needs a value");
    CNN_TRY(cnn_yaml_finish(y));
done:
    cnn_yaml_close(&y);
    return st;
}

/** Options without a value. */
static void set_switch(const char *name, cnn_trainer_options *out)
{
    out->help |= strcmp(name, "--help") == 0;
    out->version |= strcmp(name, "--version") == 0;
    out->plan |= strcmp(name, "--plan") == 0;
    out->verbose |= strcmp(name, "--verbose") == 0;
    out->print_spec |= strcmp(name, "--print-spec") == 0;
}

/** One pass over the arguments. only: NULL, or the one key to set; others are only checked. */
static cnn_status read_arguments(int argc, char **argv, const cnn_option *options, const char *only,
                                 settings *s, cnn_trainer_options *out)
{
    cnn_status st = CNN_OK;
    for (int i = 1; i < argc && !out->help && !out->version;) {
        cnn_argument a;
        char key[TEXT];
        CNN_TRY(cnn_argument_next(options, argc, argv, &i, &a));
        CNN_CHECK(a.option, CNN_EUSAGE,
                  "unexpected argument '%s': options start with --; --help lists them", a.text);
        key_of(a.option->name, key, sizeof key);
        const cnn_field *train = cnn_field_find(cnn_train_fields, key);
        const cnn_field *field = train ? train : cnn_field_find(fields, key);
        if (!field)
            set_switch(a.option->name, out);
        else if (!only || strcmp(only, key) == 0)
            CNN_TRY(set_field(a.option->name, field, a.text,
                              train ? (void *)&out->spec.train : (void *)s));
    }
done:
    return st;
}

/** A data set by name: a well-known one, or synthetic images with their default shape. */
static cnn_status name_dataset(const char *name, cnn_source *out)
{
    cnn_status st = CNN_OK;
    cnn_yaml *y = NULL;
    cnn_source source = {0};
    if (strcmp(name, "synthetic") != 0) {
        st = cnn_source_wellknown(name, &source);
        CNN_CHECK(st != CNN_EUSAGE, CNN_EUSAGE, "--dataset: %s; synthetic makes one up",
                  cnn_error_message());
        CNN_TRY(st);
    } else {
        CNN_TRY(cnn_yaml_parse("synthetic", "{type: synthetic}", &y));
        cnn_source_read(y, cnn_yaml_root(y), name, &source);
        CNN_TRY(cnn_yaml_finish(y));
    }
    cnn_source_free(out);
    *out = source;
    source = (cnn_source){0};
done:
    cnn_source_free(&source);
    cnn_yaml_close(&y);
    return st;
}

static cnn_status name_network(const char *name, cnn_network *out)
{
    if (cnn_network_builtin(name, out))
        return CNN_OK;
    const char *near = cnn_suggest(name, cnn_network_builtins);
    return cnn_error_set(CNN_EUSAGE,
                         "--architecture: no network is called '%s'%s%s%s; built in are arch1 and "
                         "arch2, others come with --spec",
                         name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/** The specification that the arguments then change. */
static cnn_status first_spec(const settings *s, cnn_spec *spec)
{
    cnn_status st = CNN_OK;
    char *text = NULL;
    if (s->spec) {
        CNN_TRY(cnn_read_file(s->spec, 1 << 20, &text, NULL));
        if (cnn_spec_parse(text, spec) != CNN_OK) {
            st = cnn_error_prefix(CNN_EUSAGE, "%s", s->spec);
            goto done;
        }
    } else {
        *spec = (cnn_spec){.run = -1, .path = CNN_PATH_NATIVE, .seed = 1};
        spec->threads = cnn_cores_available();
        spec->train = cnn_train_defaults();
        CNN_TRY(name_network("arch1", &spec->network));
        CNN_TRY(name_dataset("fashion_mnist", &spec->source));
    }
done:
    free(text);
    return st;
}

static cnn_status apply(const settings *s, cnn_spec *spec)
{
    cnn_status st = CNN_OK;
    if (s->architecture)
        CNN_TRY(name_network(s->architecture, &spec->network));
    if (s->dataset)
        CNN_TRY(name_dataset(s->dataset, &spec->source));
    if (s->data) {
        free(spec->source.folder);
        CNN_CHECK((spec->source.folder = cnn_strdup(s->data)), CNN_ENOMEM, "a folder's name");
    }
    spec->path = s->path >= 0 ? s->path : spec->path;
    spec->seed = s->seed >= 0 ? (uint32_t)s->seed : spec->seed;
    spec->threads = s->threads >= 0 ? s->threads : spec->threads;
    spec->source.limit = s->limit >= 0 ? s->limit : spec->source.limit;
    spec->source.test_limit = s->test_limit >= 0 ? s->test_limit : spec->source.test_limit;
    if (s->split_seed >= 0)
        spec->source.split_seed = (uint32_t)s->split_seed;
    if (!spec->framework || s->path >= 0) {
        free(spec->framework);
        spec->framework = cnn_strdup(cnn_path_names[spec->path]);
        CNN_CHECK(spec->framework, CNN_ENOMEM, "the path's name");
    }
done:
    return st;
}

cnn_status cnn_trainer_options_read(int argc, char **argv, cnn_trainer_options *out)
{
    cnn_status st = CNN_OK;
    option_table table;
    settings s = {.path = -1, .seed = -1, .threads = -1, .limit = -1};
    s.test_limit = s.split_seed = -1;
    *out = (cnn_trainer_options){0};
    CNN_TRY(make_options(&table));
    CNN_TRY(read_arguments(argc, argv, table.options, "spec", &s, out));
    if (out->help || out->version)
        goto done;
    CNN_TRY(first_spec(&s, &out->spec));
    CNN_TRY(read_arguments(argc, argv, table.options, NULL, &s, out));
    CNN_TRY(apply(&s, &out->spec));
    out->spec.verbose = out->verbose;
done:
    free(s.spec);
    free(s.architecture);
    free(s.dataset);
    free(s.data);
    return st;
}

void cnn_trainer_options_free(cnn_trainer_options *options)
{
    cnn_spec_free(&options->spec);
}
