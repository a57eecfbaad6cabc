/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/options.h"

#include "trainer/cores.h"

#include <limits.h>
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

void cnn_trainer_options_help(const char *program, cnn_text *out)
{
    cnn_text_printf(out,
                    "Usage: %s [OPTION VALUE]...\n"
                    "Trains one network once and prints a table. (cnnmpi starts it by the run "
                    "protocol instead.)\n\n",
                    program);
    cnn_text_append(
        out, "  --path native|layered     how the network is driven; default native\n"
             "  --architecture NAME       arch1 or arch2; default arch1\n"
             "  --dataset NAME            mnist, fashion_mnist, idc or synthetic; default "
             "fashion_mnist\n"
             "  --data FOLDER             where data is sought first\n"
             "  --limit N, --test-limit N the first N images of the seeded shuffle; default all\n"
             "  --split-seed N            of that shuffle and of the split; default 0\n"
             "  --seed N                  weights, batch order, dropout; default 1\n"
             "  --threads N               default: the cores that this process may use\n"
             "  --spec FILE               start from a specification (docs/trainer-protocol.md)\n\n"
             "  --epochs N                default 20\n"
             "  --batch-size N            default 32\n"
             "  --optimizer sgd|adam      default sgd\n"
             "  --learning-rate X         default 0.01\n"
             "  --momentum X              default 0, sgd only\n"
             "  --precision fp32|tf32     default fp32\n"
             "  --deterministic BOOL      default true\n"
             "  --autotune BOOL           default true\n"
             "  --trace epoch|step        default epoch\n\n"
             "  --plan                    print network and plan, and train nothing\n"
             "  --print-spec              print the specification as JSON, and train nothing\n"
             "  --help, --version\n");
}

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

static cnn_status unknown_option(const char *option)
{
    enum { MOST = 40 };
    char texts[MOST][32];
    const char *names[MOST + 1] = {"--plan", "--print-spec", "--help", "--version"};
    int n = 4;
    for (const cnn_field *f = fields; f->key && n < MOST; f++, n++)
        option_of(f->key, texts[n], sizeof texts[n]), names[n] = texts[n];
    for (const cnn_field *f = cnn_train_fields; f->key && n < MOST; f++, n++)
        option_of(f->key, texts[n], sizeof texts[n]), names[n] = texts[n];
    names[n] = NULL;
    const char *near = cnn_suggest(option, names);
    return cnn_error_set(CNN_EUSAGE, "unknown option '%s'%s%s%s; --help lists them", option,
                         near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/** Reads the value of a field as a job file would, so that types, bounds and messages are the same.
 */
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

/** An option with its value: "--seed 3" or "--seed=3". */
typedef struct {
    char option[64]; /* without "=3" */
    char key[64];
    const char *value; /* NULL: missing */
    int words;         /* of the command line */
} argument;

static argument argument_at(int argc, char **argv, int i)
{
    argument a = {.words = 1};
    cnn_copy_string(a.option, sizeof a.option, argv[i]);
    char *equals = strchr(a.option, '=');
    if (equals) {
        *equals = '\0';
        a.value = strchr(argv[i], '=') + 1;
    } else if (i + 1 < argc) {
        a.value = argv[i + 1];
        a.words = 2;
    }
    key_of(a.option, a.key, sizeof a.key);
    return a;
}

/** Options without a value. */
static bool read_switch(const char *word, cnn_trainer_options *out)
{
    bool *asked = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ? &out->help
                  : strcmp(word, "--version") == 0                       ? &out->version
                  : strcmp(word, "--plan") == 0                          ? &out->plan
                  : strcmp(word, "--print-spec") == 0                    ? &out->print_spec
                                                                         : NULL;
    if (asked)
        *asked = true;
    return asked != NULL;
}

/** One pass over the arguments. only: NULL, or the one key to set; others are only checked. */
static cnn_status read_arguments(int argc, char **argv, const char *only, settings *s,
                                 cnn_trainer_options *out)
{
    cnn_status st = CNN_OK;
    for (int i = 1; i < argc && !out->help && !out->version;) {
        if (read_switch(argv[i], out)) {
            i++;
            continue;
        }
        CNN_CHECK(strncmp(argv[i], "--", 2) == 0, CNN_EUSAGE,
                  "unexpected argument '%s': options start with --; --help lists them", argv[i]);
        argument a = argument_at(argc, argv, i);
        const cnn_field *train = cnn_field_find(cnn_train_fields, a.key);
        const cnn_field *field = train ? train : cnn_field_find(fields, a.key);
        if (!field)
            return unknown_option(a.option);
        CNN_CHECK(a.value, CNN_EUSAGE, "option %s needs a value", a.option);
        if (!only || strcmp(only, a.key) == 0)
            CNN_TRY(
                set_field(a.option, field, a.value, train ? (void *)&out->spec.train : (void *)s));
        i += a.words;
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
    settings s = {.path = -1, .seed = -1, .threads = -1, .limit = -1};
    s.test_limit = s.split_seed = -1;
    *out = (cnn_trainer_options){0};
    CNN_TRY(read_arguments(argc, argv, "spec", &s, out));
    if (out->help || out->version)
        goto done;
    CNN_TRY(first_spec(&s, &out->spec));
    CNN_TRY(read_arguments(argc, argv, NULL, &s, out));
    CNN_TRY(apply(&s, &out->spec));
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
