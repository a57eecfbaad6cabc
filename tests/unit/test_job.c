/* SPDX-License-Identifier: Apache-2.0 */
/* Job files: the shipped ones, every default, and what a wrong file is told. */
#include "job/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The smallest good job: four lines that other lines follow in tests. */
#define SMALL                                                                                      \
    "factors:\n"                                                                                   \
    "  framework: [native, layered]\n"                                                             \
    "  architecture: [arch1]\n"                                                                    \
    "  dataset: [mnist]\n"

static cnn_job *parse(const char *text, const char *const *sets)
{
    cnn_job *job = NULL;
    if (cnn_job_parse("jobs/job.yaml", text, sets, &job) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    assert_non_null(job);
    return job;
}

/** The lines of the message that name errors, without source lines and carets. */
static char *error_lines(void)
{
    cnn_text t = {0};
    for (const char *s = cnn_error_message(); *s;) {
        size_t n = strcspn(s, "\n");
        char *line = cnn_strndup(s, n);
        if (strstr(line, ": error: "))
            cnn_text_printf(&t, "%s\n", line);
        free(line);
        s += n + (s[n] == '\n');
    }
    return cnn_text_take(&t);
}

static void assert_set_errors(const char *text, const char *const *sets, const char *expected)
{
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_parse("j", text, sets, &job), CNN_EUSAGE);
    assert_null(job);
    char *lines = error_lines();
    bool same = strcmp(lines, expected) == 0;
    if (!same)
        print_error("expected:\n%sgot:\n%s", expected, lines);
    free(lines);
    assert_true(same);
}

/** All errors of a file, by place and wording. The file is called j. */
static void assert_errors(const char *text, const char *expected)
{
    assert_set_errors(text, NULL, expected);
}

/* --- good files ------------------------------------------------------------------------------- */

static void test_small_job_has_all_defaults(void **state)
{
    (void)state;
    cnn_job *job = parse(SMALL, NULL);
    assert_string_equal(job->path, "jobs/job.yaml");
    assert_string_equal(job->folder, "jobs");
    assert_string_equal(job->text, SMALL);
    assert_string_equal(job->overrides, "");
    assert_string_equal(job->name, "job");
    assert_string_equal(job->output, "job.h5");
    assert_int_equal(job->repeats, 15);
    assert_int_equal(job->seed, 1);
    assert_int_equal(job->backend, CNN_BACKEND_AUTO);
    cnn_train defaults = cnn_train_defaults();
    assert_int_equal(job->train.epochs, defaults.epochs);
    assert_true(job->train.learning_rate == defaults.learning_rate);
    assert_int_equal(job->contrast, 0);
    assert_int_equal(job->seeds, CNN_SEEDS_PAIRED);
    assert_int_equal(job->crossed, 0);
    assert_int_equal(job->schedule.assign, CNN_ASSIGN_BALANCED);
    assert_int_equal(job->schedule.warmup, 0);
    assert_int_equal(job->schedule.sharing, CNN_SHARING_REFUSE);
    assert_true(job->limits.run_seconds == 0);
    assert_int_equal(job->limits.retries, 2);
    assert_true(job->limits.grace_seconds == 10);
    assert_true(job->analysis.margin_time == 0.01);
    assert_true(job->analysis.margin_error == 0.001);
    assert_true(job->analysis.alpha == 0.05);
    cnn_job_destroy(&job);
    assert_null(job);
    cnn_job_destroy(&job);
}

static void test_all_keys_are_read(void **state)
{
    (void)state;
    cnn_job *job = parse(
        SMALL "name: n\nrepeats: 3\nseed: 2147483647\noutput: results/x.h5\nbackend: onednn\n"
              "train: {epochs: 4, batch_size: 8, optimizer: adam, learning_rate: 0.5, precision: "
              "fp32, deterministic: false, autotune: false, trace: step}\n"
              "schedule: {assign: dynamic, warmup: 2, sharing: allow}\n"
              "limits: {run_seconds: 60, retries: 0, grace_seconds: 0.5}\n"
              "analysis: {margin_time: 0.02, margin_error: 0.01, alpha: 0.1}\nseeds: paired\n",
        NULL);
    assert_string_equal(job->name, "n");
    assert_int_equal(job->repeats, 3);
    assert_int_equal(job->seed, 2147483647);
    assert_string_equal(job->output, "results/x.h5");
    assert_int_equal(job->backend, CNN_BACKEND_ONEDNN);
    assert_int_equal(job->train.epochs, 4);
    assert_int_equal(job->train.batch_size, 8);
    assert_int_equal(job->train.optimizer, CNN_OPTIMIZER_ADAM);
    assert_true(job->train.learning_rate == 0.5);
    assert_false(job->train.deterministic);
    assert_false(job->train.autotune);
    assert_int_equal(job->train.trace, CNN_TRACE_STEP);
    assert_int_equal(job->schedule.assign, CNN_ASSIGN_DYNAMIC);
    assert_int_equal(job->schedule.warmup, 2);
    assert_int_equal(job->schedule.sharing, CNN_SHARING_ALLOW);
    assert_true(job->limits.run_seconds == 60);
    assert_int_equal(job->limits.retries, 0);
    assert_true(job->limits.grace_seconds == 0.5);
    assert_true(job->analysis.margin_time == 0.02);
    assert_true(job->analysis.margin_error == 0.01);
    assert_true(job->analysis.alpha == 0.1);
    cnn_job_destroy(&job);
}

static void assert_shipped(const char *path, int repeats, int cells, const char *output)
{
    cnn_job *job = NULL;
    if (cnn_job_read(path, NULL, &job) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    int product = 1;
    for (int i = 0; i < job->factor_count; i++)
        product *= job->factors[i].level_count;
    assert_int_equal(product, cells);
    assert_int_equal(job->repeats, repeats);
    assert_string_equal(job->output, output);
    assert_string_equal(job->folder, "jobs");
    cnn_job_destroy(&job);
}

static void test_shipped_jobs_are_good(void **state)
{
    (void)state;
    assert_shipped("jobs/all.yaml", 15, 12, "all.h5"); /* 180 runs */
    assert_shipped("jobs/mini.yaml", 15, 12, "mini.h5");
    assert_shipped("jobs/quick.yaml", 8, 2, "quick.h5");
}

/** jobs/all.yaml spells the defaults out: they must be the defaults. */
static void test_study_spells_the_defaults_out(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_read("jobs/all.yaml", NULL, &job), CNN_OK);
    cnn_job *small = parse(SMALL, NULL);
    cnn_text a = {0}, b = {0};
    cnn_train_write_json(&job->train, &a);
    cnn_train_write_json(&small->train, &b);
    assert_string_equal(a.s, b.s);
    assert_memory_equal(&job->schedule, &small->schedule, sizeof job->schedule);
    assert_memory_equal(&job->analysis, &small->analysis, sizeof job->analysis);
    assert_true(job->limits.run_seconds == small->limits.run_seconds);
    assert_int_equal(job->limits.retries, small->limits.retries);
    assert_true(job->limits.grace_seconds == small->limits.grace_seconds);
    assert_int_equal(job->repeats, small->repeats);
    assert_int_equal(job->backend, small->backend);
    cnn_text_free(&a);
    cnn_text_free(&b);
    cnn_job_destroy(&job);
    cnn_job_destroy(&small);
}

static void test_names_come_from_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *path, *folder, *name;
    } cases[] = {{"x.yaml", ".", "x"},
                 {"/x.yml", "/", "x"},
                 {"a/b.c/x.job", "a/b.c", "x.job"},
                 {".yaml", ".", ".yaml"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_job *job = NULL;
        assert_int_equal(cnn_job_parse(cases[i].path, SMALL, NULL, &job), CNN_OK);
        assert_string_equal(job->folder, cases[i].folder);
        assert_string_equal(job->name, cases[i].name);
        cnn_job_destroy(&job);
    }
}

static void test_levels_stand_for_things(void **state)
{
    (void)state;
    cnn_job *job = parse("seed: 7\n"
                         "factors:\n"
                         "  dataset: [tiny, idc]\n"
                         "  learning_rate: [0.01, 1e-3]\n"
                         "  framework: [layered, {name: torch, command: [python3, t.py]}]\n"
                         "  architecture: [mine, arch2]\n"
                         "contrast: learning_rate\n"
                         "datasets:\n"
                         "  unused: {type: synthetic}\n"
                         "  tiny: {type: synthetic, limit: 10, split_seed: 3}\n"
                         "architectures:\n"
                         "  other: [{dense: classes}]\n"
                         "  mine: [{dense: 5}, {dense: classes}]\n",
                         NULL);
    assert_int_equal(job->factor_count, 4);
    assert_int_equal(job->contrast, 1);
    assert_string_equal(job->factors[0].name, "dataset");
    assert_string_equal(job->factors[1].labels[1], "1e-3");
    assert_string_equal(job->factors[2].labels[1], "torch");
    assert_int_equal(job->dataset_count, 2);
    assert_string_equal(job->datasets[0].name, "tiny");
    assert_int_equal(job->datasets[0].limit, 10);
    assert_int_equal(job->datasets[0].split_seed, 3); /* its own; the job's elsewhere */
    assert_int_equal(job->datasets[1].split_seed, 7);
    assert_string_equal(job->datasets[0].folder, "jobs");
    assert_string_equal(job->datasets[1].folder, "jobs");
    assert_int_equal(job->architecture_count, 2);
    assert_string_equal(job->architectures[0].name, "mine");
    assert_int_equal(job->framework_count, 2);
    assert_false(job->frameworks[0].is_command);
    assert_int_equal(job->frameworks[0].path, CNN_PATH_LAYERED);
    assert_true(job->frameworks[1].is_command);
    assert_string_equal(job->frameworks[1].command[0], "python3");
    assert_string_equal(job->frameworks[1].command[1], "t.py");
    assert_null(job->frameworks[1].command[2]);
    assert_string_equal(job->frameworks[1].folder, "jobs");

    const int levels[] = {1, 1, 0, 0};
    cnn_treatment t = cnn_job_treatment(job, levels);
    assert_string_equal(t.source->name, "idc");
    assert_string_equal(t.framework->name, "layered");
    assert_string_equal(t.architecture->name, "mine");
    assert_true(t.train.learning_rate == 1e-3);
    assert_true(job->train.learning_rate == 0.01);
    cnn_job_destroy(&job);
}

static void test_settings_of_every_kind_can_be_factors(void **state)
{
    (void)state;
    cnn_job *job = parse(SMALL "  epochs: [1, 2]\n  optimizer: [sgd, adam]\n"
                               "  deterministic: [true, false]\n  precision: [fp32, tf32]\n"
                               "train: {epochs: 9}\n",
                         NULL);
    const int levels[] = {0, 0, 0, 1, 1, 1, 1};
    cnn_treatment t = cnn_job_treatment(job, levels);
    assert_int_equal(t.train.epochs, 2); /* the factor, not train: */
    assert_int_equal(t.train.optimizer, CNN_OPTIMIZER_ADAM);
    assert_false(t.train.deterministic);
    assert_int_equal(t.train.precision, CNN_PRECISION_TF32);
    cnn_job_destroy(&job);
}

static void test_crossed_seeds(void **state)
{
    (void)state;
    cnn_job *job = parse(SMALL "seeds: {crossed: 3}\n", NULL);
    assert_int_equal(job->seeds, CNN_SEEDS_CROSSED);
    assert_int_equal(job->crossed, 3);
    assert_int_equal(job->repeats, 3);
    cnn_job_destroy(&job);
    job = parse(SMALL "repeats: auto\nseeds:\n  crossed: 3\n", NULL);
    assert_int_equal(job->repeats, 3);
    cnn_job_destroy(&job);
}

static void test_sets_override_the_file(void **state)
{
    (void)state;
    const char *const sets[] = {"train.epochs=2",
                                "factors.architecture=[arch2, arch1]",
                                "name=a=b",
                                "datasets.mnist={type: idx, path: x, limit: 5}",
                                "datasets.mnist.limit=6",
                                NULL};
    cnn_job *job = parse(SMALL, sets);
    assert_int_equal(job->train.epochs, 2);
    assert_int_equal(job->architecture_count, 2);
    assert_string_equal(job->factors[1].labels[0], "arch2");
    assert_string_equal(job->name, "a=b");
    assert_int_equal(job->datasets[0].limit, 6);
    assert_string_equal(job->text, SMALL);
    assert_string_equal(job->overrides, "train.epochs=2\nfactors.architecture=[arch2, arch1]\n"
                                        "name=a=b\n"
                                        "datasets.mnist={type: idx, path: x, limit: 5}\n"
                                        "datasets.mnist.limit=6\n");
    cnn_job_destroy(&job);
}

static void test_sets_reach_keys_with_dots(void **state)
{
    (void)state;
    const char *const sets[] = {"datasets.\"v1.0 = b\".limit=6", "datasets.'v2.0'.limit=7", NULL};
    cnn_job *job = parse("repeats: 2\n"
                         "factors:\n"
                         "  framework: [native, layered]\n"
                         "  architecture: [arch1]\n"
                         "  dataset: [v1.0 = b, v2.0]\n"
                         "datasets:\n"
                         "  v1.0 = b: {type: idx, path: x}\n"
                         "  v2.0: {type: idx, path: y}\n",
                         sets);
    assert_int_equal(job->datasets[0].limit, 6);
    assert_int_equal(job->datasets[1].limit, 7);
    cnn_job_destroy(&job);
}

/* --- wrong files ------------------------------------------------------------------------------ */

static void test_error_shows_line_and_caret(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_parse("jobs/a.yaml", SMALL "train:\n  epoch: 3\n", NULL, &job),
                     CNN_EUSAGE);
    assert_string_equal(
        cnn_error_message(),
        "jobs/a.yaml:6:3: error: unknown key 'epoch' in train; did you mean 'epochs'?\n"
        "  epoch: 3\n"
        "  ^");
}

static void test_top_level_values_are_checked(void **state)
{
    (void)state;
    assert_errors(SMALL
                  "repeat: 3\nrepeats: 0\nseed: 2147483648\nbackend: gpu\nname: [x]\noutput:\n",
                  "j:5:1: error: unknown key 'repeat' in the job file; did you mean 'repeats'?\n"
                  "j:6:10: error: 'repeats' must be between 1 and 100000 or 'auto', not '0'\n"
                  "j:7:7: error: 'seed' must be between 0 and 2147483647, not '2147483648'\n"
                  "j:8:10: error: 'backend' must be auto, cudnn or onednn, not 'gpu'\n"
                  "j:9:7: error: 'name' must be text, not a list\n"
                  "j:10:1: error: 'output' must be text, not nothing\n");
}

static void test_sections_are_checked(void **state)
{
    (void)state;
    assert_errors(
        SMALL "train: {epochs: 1.5, optimizer: adm}\n"
              "schedule: {asign: balanced, warmup: -1, sharing: no}\n"
              "limits: {run_seconds: 0, retries: many, grace_seconds: -1}\n"
              "analysis: {margin_time: 0, margin_error: 2, alpha: 0.6}\n",
        "j:5:17: error: 'epochs' must be a whole number, not '1.5'\n"
        "j:5:33: error: 'optimizer' must be sgd or adam, not 'adm'; did you mean 'adam'?\n"
        "j:6:12: error: unknown key 'asign' in schedule; did you mean 'assign'?\n"
        "j:6:37: error: 'warmup' must be between 0 and 1000, not '-1'\n"
        "j:6:50: error: 'sharing' must be refuse or allow, not 'no'\n"
        "j:7:23: error: 'run_seconds' must be between 1 and 10000000 or 'auto', not '0'\n"
        "j:7:35: error: 'retries' must be a whole number, not 'many'\n"
        "j:7:56: error: 'grace_seconds' must be between 0 and 3600, not '-1'\n"
        "j:8:25: error: 'margin_time' must be between 1e-06 and 1, not '0'\n"
        "j:8:42: error: 'margin_error' must be between 1e-06 and 1, not '2'\n"
        "j:8:52: error: 'alpha' must be between 1e-06 and 0.5, not '0.6'\n");
    assert_errors(SMALL "train: []\nanalysis: 5\n",
                  "j:5:8: error: train must be a mapping (key: value), not a list\n"
                  "j:6:11: error: analysis must be a mapping (key: value), not '5'\n");
}

static void test_factors_must_be_there(void **state)
{
    (void)state;
    assert_errors("name: x\n", "j:1:1: error: 'factors' is missing; add factors: {framework: "
                               "[native, layered], architecture: [arch1], dataset: [mnist]}\n");
    assert_errors("factors: [a]\n",
                  "j:1:10: error: factors must be a mapping; add factors: {framework: [native, "
                  "layered], architecture: [arch1], dataset: [mnist]}\n");
    assert_errors("factors:\n  epochs: [1, 2]\n",
                  "j:2:3: error: 'framework' is missing in factors; add it, as in framework: "
                  "[native, layered]\n"
                  "j:2:3: error: 'architecture' is missing in factors; add it, as in architecture: "
                  "[arch1, arch2]\n"
                  "j:2:3: error: 'dataset' is missing in factors; add it, as in dataset: [mnist, "
                  "fashion_mnist]\n");
    assert_errors("- a\n", "j:1:1: error: a job file must be a mapping (key: value)\n");
    assert_errors("", "j:1:1: error: the document is empty\n");
}

static void test_factors_are_lists_of_known_things(void **state)
{
    (void)state;
    assert_errors(
        "factors:\n"
        "  framework: native\n"
        "  architecture: []\n"
        "  dataset: {a: b}\n"
        "  epoch: [1]\n"
        "  framewrk: [red]\n",
        "j:2:14: error: 'framework' must be a list of 1 to 256 levels, as in framework: [native]\n"
        "j:3:17: error: 'architecture' must be a list of 1 to 256 levels, as in architecture: "
        "[...]\n"
        "j:4:12: error: 'dataset' must be a list of 1 to 256 levels, as in dataset: [...]\n"
        "j:5:3: error: unknown factor 'epoch'; did you mean 'epochs'?\n"
        "j:6:3: error: unknown factor 'framewrk'; did you mean 'framework'?\n");
}

/* --- free factors ----------------------------------------------------------------------------- */

#define FREE                                                                                       \
    "factors:\n"                                                                                   \
    "  framework: [{name: a, command: [a]}, {name: b, command: [b]}]\n"                            \
    "  architecture: [arch1]\n"                                                                    \
    "  dataset: [mnist]\n"

static void test_free_factors_are_settings_of_their_cells(void **state)
{
    (void)state;
    cnn_job *job = parse(FREE "  num_workers: [0, '4']\n"
                              "  env.OMP_PLACES: [cores, threads]\n"
                              "  compiler: [gcc]\n"
                              "  threads: [1, 2, 4]\n",
                         NULL);
    assert_int_equal(job->factor_count, 7);
    assert_string_equal(job->factors[3].labels[1], "num_workers 4");
    assert_string_equal(job->factors[4].labels[0], "env.OMP_PLACES cores");
    assert_false(cnn_factor_is_shown(&job->factors[5]));
    assert_true(cnn_factor_is_shown(&job->factors[3]) && cnn_factor_is_shown(&job->factors[0]));
    assert_ptr_equal(cnn_job_find_factor(job, "threads"), &job->factors[6]);
    const cnn_treatment t = cnn_job_treatment(job, (int[]){1, 0, 0, 1, 1, 0, 2});
    cnn_text text = {0};
    cnn_job_describe_settings(&t, &text); /* variables and threads reach trainers otherwise */
    assert_string_equal(text.s, "{\"num_workers\":\"4\",\"compiler\":\"gcc\"}");
    cnn_text_free(&text);
    const cnn_treatment u = cnn_job_treatment(job, (int[]){0, 0, 0, 0, 0, 0, 0});
    cnn_job_describe_settings(&u, &text);
    assert_string_equal(text.s, "{\"num_workers\":0,\"compiler\":\"gcc\"}");
    cnn_text_free(&text);
    assert_int_equal(t.threads, 4);
    char **variables = NULL;
    assert_int_equal(cnn_job_variables(job, &t, &variables), CNN_OK);
    assert_string_equal(variables[0], "OMP_PLACES=threads");
    assert_null(variables[1]);
    cnn_job_free_variables(&variables);
    cnn_job_destroy(&job);
}

static void test_a_factor_mode_chooses_the_mode_of_shipped_trainers(void **state)
{
    (void)state;
    static const char text[] =
        "factors:\n"
        "  framework: [{name: t, trainer: tensorflow}, {name: c, command: [c]}]\n"
        "  architecture: [arch1]\n"
        "  dataset: [mnist]\n"
        "  mode: [graph, xla]\n"
        "contrast: [framework, mode]\n";
    cnn_job *job = parse(text, NULL);
    assert_string_equal(cnn_job_treatment(job, (int[]){1, 0, 0}).mode, "xla");
    cnn_text settings = {0};
    const cnn_treatment t = cnn_job_treatment(job, (int[]){1, 0, 0});
    cnn_job_describe_settings(&t, &settings);
    assert_null(settings.s);
    const cnn_treatment c = cnn_job_treatment(job, (int[]){3, 0, 0});
    assert_null(c.mode);
    cnn_job_describe_settings(&c, &settings);
    assert_string_equal(settings.s, "{\"mode\":\"xla\"}");
    cnn_text_free(&settings);
    cnn_job_destroy(&job);
    assert_errors("factors:\n"
                  "  framework: [{name: t, trainer: jax}, {name: c, command: [c]}]\n"
                  "  architecture: [arch1]\n"
                  "  dataset: [mnist]\n"
                  "  mode: [jit, xla]\n",
                  "j:5:15: error: the trainer 'jax' of framework 't' has no mode 'xla'\n");
}

static void test_free_factors_that_are_refused(void **state)
{
    (void)state;
    assert_errors(
        FREE "  env.OMP_NUM_THREADS: [1, 2]\n"
             "  env.CUDA_VISIBLE_DEVICES: [0]\n"
             "  env.LD_PRELOAD: [x.so]\n"
             "  env.CNN_TORCH_DEVICE: [cpu]\n"
             "  env.MY_TOKEN: [a]\n"
             "  env.: [a]\n"
             "  a/b: [1]\n"
             "  workers: [1, 1.0, [2], null, '']\n"
             "  threads: [0, x, 2, 2]\n",
        "j:5:3: error: 'OMP_NUM_THREADS' belongs to the run protocol: the factor 'threads' "
        "sets it, together with the cores\n"
        "j:6:3: error: 'CUDA_VISIBLE_DEVICES' belongs to the run protocol: a job does not "
        "change it\n"
        "j:7:3: error: a job does not set LD_PRELOAD; run_environment: {pass: "
        "[LD_PRELOAD]} passes the rank's on\n"
        "j:8:3: error: 'CNN_TORCH_DEVICE' belongs to the run protocol: a job does not "
        "change it\n"
        "j:9:3: error: the job file is kept in its results file: 'MY_TOKEN' looks like a "
        "secret; leave it in the environment, from where it is passed on\n"
        "j:10:3: error: a variable's name has letters, digits and _, at most 128 of them, "
        "and does not begin with a digit\n"
        "j:11:3: error: a factor's name has letters, digits, '_', '-' and '.', and begins "
        "with a letter or '_'\n"
        "j:12:16: error: level '1.0' of 'workers' is given twice\n"
        "j:12:21: error: a level of 'workers' must be a word, a number, true or false\n"
        "j:12:26: error: a level of 'workers' must be a word, a number, true or false\n"
        "j:12:32: error: a level of 'workers' must be a word, a number, true or false\n"
        "j:13:13: error: 'threads' must be between 1 and 4096, not '0'\n"
        "j:13:16: error: 'threads' must be a whole number, not 'x'\n"
        "j:13:22: error: level '2' of 'threads' is given twice\n");
    assert_errors(FREE "  Env.X: [1, 2]\n"
                       "  n: [4, \"4\"]\n",
                  "j:5:3: error: a variable of the environment is written env.NAME\n"
                  "j:6:10: error: level '4' of 'n' is given twice\n");
    assert_errors(FREE "  env.X: [1, 2]\n"
                       "run_environment: {set: {X: 3}}\n",
                  "j:5:10: error: 'X' is set by run_environment and by a factor\n");
    assert_errors(SMALL "  colour: [red, blue]\n",
                  "j:5:11: error: framework 'native' does not read the factor 'colour': only "
                  "programs given as command: [...] do\n"
                  "j:5:11: error: framework 'layered' does not read the factor 'colour': only "
                  "programs given as command: [...] do\n");
}

static void test_a_contrast_of_two_factors_is_one_of_combinations(void **state)
{
    (void)state;
    cnn_job *job = parse(FREE "  batch_size: [16, 32]\n"
                              "  threads: [1, 2, 4]\n"
                              "contrast: [threads, framework]\n",
                         NULL);
    const cnn_factor *contrast = &job->factors[job->contrast];
    assert_int_equal(job->factor_count, 4);
    assert_int_equal(job->contrast, 0);
    assert_string_equal(contrast->name, "threads x framework");
    assert_int_equal(contrast->level_count, 6);
    assert_string_equal(contrast->labels[3], "threads 2 x b");
    assert_string_equal(job->factors[3].name, "batch_size");
    const cnn_treatment t = cnn_job_treatment(job, (int[]){5, 0, 0, 1});
    assert_int_equal(t.threads, 4);
    assert_string_equal(t.framework->name, "b");
    assert_int_equal(t.train.batch_size, 32);
    assert_string_equal(cnn_job_find_factor(job, "framework")->name, "framework");
    assert_null(cnn_job_find_factor(job, "threads x framework"));
    assert_true(cnn_factor_makes_differ(contrast, 0, 2, CNN_CONDITION_THREADS));
    assert_false(cnn_factor_makes_differ(contrast, 0, 1, CNN_CONDITION_THREADS)); /* a, b */
    assert_false(cnn_factor_makes_differ(contrast, 0, 2, CNN_CONDITION_DATA));
    cnn_job_destroy(&job);
    static const char *const set[] = {"contrast=[framework, batch_size]",
                                      "factors.batch_size=[8, 9]", NULL};
    job = parse(FREE, set);
    assert_string_equal(job->factors[job->contrast].labels[2], "b x 8");
    cnn_job_destroy(&job);
    assert_errors(FREE "  threads: [1]\n"
                       "contrast: [framework, threads, framewrk, framework]\n",
                  "j:6:23: error: 'threads' has one level, so that there is nothing to compare; "
                  "name a factor with two or more\n"
                  "j:6:32: error: 'contrast' must name a factor; did you mean 'framework'?\n"
                  "j:6:42: error: 'framework' is given twice\n");
    assert_errors(
        FREE "contrast: [framework]\n",
        "j:5:11: error: 'contrast' must be a factor, or a list of two factors or more, as "
        "in [framework, threads]\n");
    assert_errors(
        "factors:\n"
        "  framework:\n"
        "    - {name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, command: [a]}\n"
        "    - {name: b, command: [b]}\n"
        "  architecture: [arch1]\n"
        "  dataset: [mnist]\n"
        "  threads: [1, 2]\n"
        "contrast: [framework, threads]\n",
        "j:8:11: error: the name of a combination, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaa x threads 1', has more than 63 bytes; shorten the names of its levels\n");
}

static void test_unknown_levels(void **state)
{
    (void)state;
    assert_errors(
        "factors:\n"
        "  framework: [natve, keras]\n"
        "  architecture: [arch3, lenet, vgg, [x]]\n"
        "  dataset: [mnst, cifar10, smal]\n"
        "architectures: {lenett: [{dense: classes}]}\n"
        "datasets: {small: {type: synthetic}}\n",
        "j:2:15: error: unknown framework 'natve'; did you mean 'native'?\n"
        "j:2:22: error: unknown framework 'keras'; there are native, layered, {name: "
        "..., trainer: keras}, {name: ..., command: [...]} and {name: ..., simulate: {...}}\n"
        "j:3:18: error: unknown architecture 'arch3'; did you mean 'arch1'?\n"
        "j:3:25: error: unknown architecture 'lenet'; did you mean 'lenett'?\n"
        "j:3:32: error: unknown architecture 'vgg'; describe it under architectures:\n"
        "j:3:37: error: a level of 'architecture' must be a name\n"
        "j:4:13: error: unknown data set 'mnst'; did you mean 'mnist'?\n"
        "j:4:19: error: unknown data set 'cifar10'; describe it under datasets:\n"
        "j:4:28: error: unknown data set 'smal'; did you mean 'small'?\n");
}

static void test_levels_are_unique(void **state)
{
    (void)state;
    assert_errors(
        "factors:\n"
        "  framework: [native, layered, native, {name: t, command: [a]}, {name: t, command: [b]}]\n"
        "  architecture: [arch1, 'arch1']\n"
        "  dataset: [mnist, mnist]\n"
        "  learning_rate: [0.01, 0.010, 1e-2, 0.1]\n"
        "  deterministic: [true, true]\n",
        "j:2:32: error: level 'native' of 'framework' is given twice\n"
        "j:2:65: error: level 't' of 'framework' is given twice\n"
        "j:3:25: error: level 'arch1' of 'architecture' is given twice\n"
        "j:4:20: error: level 'mnist' of 'dataset' is given twice\n"
        "j:5:25: error: level '0.010' of 'learning_rate' is the same value as '0.01'\n"
        "j:5:32: error: level '1e-2' of 'learning_rate' is the same value as '0.01'\n"
        "j:6:25: error: level 'true' of 'deterministic' is given twice\n");
}

static void test_values_of_setting_factors_are_checked(void **state)
{
    (void)state;
    assert_errors(
        SMALL "  epochs: [0, 1, x, [2]]\n  precision: [fp16]\n",
        "j:5:12: error: 'epochs' must be between 1 and 1000000, not '0'\n"
        "j:5:18: error: 'epochs' must be a whole number, not 'x'\n"
        "j:5:21: error: a level of 'epochs' must be a value\n"
        "j:6:15: error: 'precision' must be fp32 or tf32, not 'fp16'; did you mean 'fp32'?\n");
}

static void test_programs_are_checked(void **state)
{
    (void)state;
    assert_errors(
        "factors:\n"
        "  framework:\n"
        "    - native\n"
        "    - {name: sim, simulate: {mean: 1}}\n"
        "    - {name: both, simulate: {time: {run: 1}}, command: [x]}\n"
        "    - {name: a, command: []}\n"
        "    - {name: b, command: python3 x.py}\n"
        "    - {name: c, command: [python3, [x]]}\n"
        "    - {name: layered, command: [x]}\n"
        "    - {command: [x]}\n"
        "    - {name: d}\n"
        "    - {name: e, comand: [x]}\n"
        "  architecture: [arch1]\n"
        "  dataset: [mnist]\n",
        "j:4:29: error: 'time' is missing in simulate\n"
        "j:4:30: error: unknown key 'mean' in simulate; its keys are time, error, failures, "
        "hangs, divergence, nondeterminism, devices_per_node, machine_seed, sleep, reports\n"
        "j:5:48: error: a framework is one of 'command', 'trainer', 'simulate' and 'path'\n"
        "j:6:26: error: 'command' must be a list of words, as in [python3, trainers/pytorch.py]\n"
        "j:7:26: error: 'command' must be a list of words, as in [python3, trainers/pytorch.py]\n"
        "j:8:36: error: 'command' must be text, not a list\n"
        "j:9:14: error: 'layered' is a path of cnnmpi's own; give this level another name\n"
        "j:10:7: error: 'name' is missing in a framework\n"
        "j:11:7: error: 'command' is missing in a framework; add it, or trainer: keras, or simulate: {...}, or path: native\n"
        "j:12:7: error: 'command' is missing in a framework; add it, or trainer: keras, or simulate: {...}, or path: native\n"
        "j:12:17: error: unknown key 'comand' in a framework; did you mean 'command'?\n");
}

static void test_trainers_of_cnnmpi_are_named(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_parse("j",
                                   "factors:\n"
                                   "  framework: [{name: k, trainer: keras}, {name: k2, trainer: "
                                   "keras, mode: fit, backend: tensorflow},\n"
                                   "    {name: g, trainer: tensorflow}, {name: x, trainer: "
                                   "tensorflow, mode: xla}]\n"
                                   "  architecture: [arch1]\n"
                                   "  dataset: [mnist]\n",
                                   NULL, &job),
                     CNN_OK);
    const cnn_framework *f = job->frameworks;
    assert_string_equal(f[0].trainer->script, "keras/train.py");
    assert_string_equal(f[0].mode, "fit");
    assert_string_equal(f[0].backend, "tensorflow");
    assert_string_equal(f[2].mode, "graph");
    assert_null(f[2].backend);
    assert_false(cnn_framework_is_own(&f[2]));
    assert_true(cnn_framework_is_same(&f[0], &f[1])); /* the defaults, written out */
    assert_false(cnn_framework_is_same(&f[1], &f[2]));
    assert_false(cnn_framework_is_same(&f[2], &f[3]));
    cnn_job_destroy(&job);
    static const char *const files[] = {"jobs/published.yaml", "jobs/published-small.yaml",
                                        "jobs/frameworks.yaml", "jobs/frameworks-small.yaml"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(cnn_job_read(files[i], NULL, &job), CNN_OK);
        cnn_job_destroy(&job);
    }
    assert_errors(
        "factors:\n"
        "  framework:\n"
        "    - {name: a, trainer: keres}\n"
        "    - {name: b, trainer: tensorflow, mode: fit}\n"
        "    - {name: c, trainer: tensorflow, backend: jax}\n"
        "    - {name: d, command: [x], mode: fit}\n"
        "    - {name: e, trainer: keras, path: native}\n"
        "  architecture: [arch1]\n"
        "  dataset: [mnist]\n",
        "j:3:26: error: unknown trainer 'keres'; did you mean 'keras'?\n"
        "j:4:38: error: the trainer 'tensorflow' has no mode 'fit'; it has graph, eager, xla\n"
        "j:5:38: error: the trainer 'tensorflow' has no choice of a backend\n"
        "j:6:31: error: 'mode' belongs to a framework with 'trainer'\n"
        "j:7:17: error: a framework is one of 'command', 'trainer', 'simulate' and 'path'\n");
}

/** A path under another name: a negative control. */
static void test_one_path_can_have_two_names(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_parse("j",
                                   "factors:\n"
                                   "  framework: [native, {name: native_b, path: native}, "
                                   "{name: other, path: layered}]\n"
                                   "  architecture: [arch1]\n"
                                   "  dataset: [mnist]\n",
                                   NULL, &job),
                     CNN_OK);
    assert_string_equal(job->frameworks[1].name, "native_b");
    assert_true(cnn_framework_is_own(&job->frameworks[1]));
    assert_int_equal(job->frameworks[1].path, job->frameworks[0].path);
    assert_true(cnn_framework_is_same(&job->frameworks[0], &job->frameworks[1]));
    assert_false(cnn_framework_is_same(&job->frameworks[1], &job->frameworks[2]));
    cnn_job_destroy(&job);
    assert_int_equal(cnn_job_read("jobs/aa.yaml", NULL, &job), CNN_OK);
    assert_true(cnn_framework_is_same(&job->frameworks[0], &job->frameworks[1]));
    cnn_job_destroy(&job);
}

static void test_looks_and_primary_are_read(void **state)
{
    (void)state;
#define LOOKS(analysis)                                                                            \
    "factors:\n  framework: [native, layered]\n  architecture: [arch1]\n  dataset: [mnist]\n"      \
    "analysis: {" analysis "}\n"
    cnn_job *job = NULL;
    assert_int_equal(
        cnn_job_parse("j", LOOKS("looks: [0.33, 0.67, 1], primary: test_error"), NULL, &job),
        CNN_OK);
    assert_int_equal(job->analysis.look_count, 3);
    assert_true(job->analysis.looks[0] == 0.33 && job->analysis.looks[2] == 1);
    assert_string_equal(cnn_job_measure_names[job->analysis.primary], "test_error");
    cnn_job_destroy(&job);
    assert_int_equal(cnn_job_parse("j", LOOKS("alpha: 0.05"), NULL, &job), CNN_OK);
    assert_int_equal(job->analysis.look_count, 1);
    assert_true(job->analysis.looks[0] == 1 && job->analysis.primary == 0);
    cnn_job_destroy(&job);
    assert_set_errors(
        LOOKS("looks: 0.5"), NULL,
        "j:5:19: error: 'looks' must be a list of 1 to 10 shares of the blocks, as in "
        "[0.33, 0.67, 1]\n");
    assert_set_errors(LOOKS("looks: [0.5, 0.5, 1]"), NULL,
                      "j:5:25: error: looks must be ascending shares of the blocks\n");
    assert_set_errors(LOOKS("looks: [0.5, 0.9]"), NULL,
                      "j:5:25: error: the last of the looks must be 1: all blocks\n");
    assert_set_errors(LOOKS("looks: [0, 1]"), NULL,
                      "j:5:20: error: 'looks' must be between 0.01 and 1, not '0'\n");
#undef LOOKS
}

static void test_declared_differences_are_read(void **state)
{
    (void)state;
#define COMPARE(compare)                                                                           \
    "factors:\n  framework: [native, layered]\n  architecture: [arch1]\n  dataset: [mnist]\n"      \
    "compare: {" compare "}\n"
    cnn_text allowed = {0};
    cnn_job *job = parse(COMPARE("allow: [threads, parameters]"), NULL);
    assert_true(job->compare.allow[CNN_CONDITION_PARAMETERS]);
    assert_true(job->compare.allow[CNN_CONDITION_THREADS]);
    assert_false(job->compare.allow[CNN_CONDITION_EPOCHS]);
    cnn_job_describe_allowed(job->compare.allow, &allowed);
    assert_string_equal(allowed.s, "parameters, threads");
    cnn_text_free(&allowed);
    cnn_job_destroy(&job);
    assert_errors(COMPARE(""), "j:5:10: error: 'allow' is missing in compare\n");
    assert_errors(COMPARE("allow: parameters"),
                  "j:5:18: error: 'allow' must be a list of conditions in which the levels of the "
                  "contrast may differ, as in [parameters]\n");
    assert_errors(COMPARE("allow: []"),
                  "j:5:18: error: 'allow' must be a list of conditions in which the levels of the "
                  "contrast may differ, as in [parameters]\n");
    assert_errors(COMPARE("allow: [parameters, parameters]"),
                  "j:5:31: error: 'parameters' is given twice\n");
    assert_errors(COMPARE("allow: [epochs]"),
                  "j:5:19: error: 'allow' must be parameters, train_images, test_images, "
                  "epochs_done, data_checksum or threads, not 'epochs'\n");
#undef COMPARE
}

static void test_simulated_frameworks_are_read(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    assert_int_equal(
        cnn_job_parse(
            "j",
            "factors:\n"
            "  framework:\n"
            "    - {name: a, simulate: {time: {run: 2}, devices_per_node: 4}}\n"
            "    - {name: b, simulate: {time: {epoch: 3, ratio: 1.5}, error: {mean: 0.2}}}\n"
            "  architecture: [arch1]\n"
            "  dataset: [mnist]\n",
            NULL, &job),
        CNN_OK);
    assert_true(cnn_job_is_simulated(job));
    assert_false(cnn_framework_is_own(&job->frameworks[0]));
    assert_string_equal(job->frameworks[1].name, "b");
    assert_true(job->frameworks[0].truth.time.run == 2);
    assert_int_equal(job->frameworks[0].truth.devices_per_node, 4);
    assert_true(job->frameworks[1].truth.time.epoch == 3);
    assert_true(job->frameworks[1].truth.time.ratio == 1.5);
    assert_true(job->frameworks[1].truth.error.mean == 0.2);
    cnn_job_destroy(&job);
    assert_int_equal(cnn_job_parse("j",
                                   "factors:\n"
                                   "  framework: [native, {name: a, simulate: {time: {run: 2}}}]\n"
                                   "  architecture: [arch1]\n"
                                   "  dataset: [mnist]\n",
                                   NULL, &job),
                     CNN_OK);
    assert_false(cnn_job_is_simulated(job));
    assert_true(cnn_framework_is_own(&job->frameworks[0]));
    cnn_job_destroy(&job);
}

static void test_long_file_names_are_cut_for_the_name(void **state)
{
    (void)state;
    static const char path[] = "0123456789012345678901234567890123456789012345678901234567890"
                               "1\xc3\xa9z.yaml";
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_parse(path, SMALL, NULL, &job), CNN_OK);
    assert_int_equal(strlen(job->name), 62); /* a letter of two bytes does not fit */
    assert_int_equal(strlen(job->output), 62 + 3 + 3);
    cnn_job_destroy(&job);
    assert_errors(SMALL "name: \"a\\nb\"\n",
                  "j:5:7: error: a name must not hold control characters\n");
}

static void test_names_have_a_limit(void **state)
{
    (void)state;
#define TEN   "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN
    cnn_job *job = parse("factors: {framework: [native, {name: " SIXTY
                         "123, command: [x]}], architecture: [arch1], dataset: [mnist]}\n",
                         NULL);
    assert_int_equal(strlen(job->factors[0].labels[1]), 63);
    cnn_job_destroy(&job);
    assert_errors("factors: {framework: [native, {name: " SIXTY "1234, command: [x]}],\n"
                  "  architecture: [" SIXTY "1234], dataset: ['']}\n"
                  "datasets:\n"
                  "  " SIXTY "1234: {type: synthetic}\n"
                  "  \"a\\nb\": {type: synthetic}\n",
                  "j:1:38: error: a name has at most 63 bytes, this one 64\n"
                  "j:2:18: error: a name has at most 63 bytes, this one 64\n"
                  "j:2:95: error: a name must not be empty\n"
                  "j:4:3: error: a name has at most 63 bytes, this one 64\n"
                  "j:5:3: error: a name must not hold control characters\n");
}

static void test_contrast_needs_two_levels(void **state)
{
    (void)state;
    assert_errors(
        "factors: {framework: [native], architecture: [arch1, arch2], dataset: [mnist]}\n",
        "j:1:22: error: with one framework there is nothing to compare; add another one, or name a "
        "factor with two or more levels as contrast:\n");
    assert_errors(SMALL "contrast: dataset\n",
                  "j:5:11: error: 'dataset' has one level, so that there is nothing to compare; "
                  "name a factor with two or more\n");
    assert_errors(SMALL "contrast: framwork\n",
                  "j:5:11: error: 'contrast' must name a factor; did you mean 'framework'?\n");
    assert_errors(
        SMALL "contrast: {a: framework}\n",
        "j:5:11: error: 'contrast' must name one of the factors (framework, architecture, "
        "dataset)\n");
    cnn_job *job = parse("factors: {framework: [native], architecture: [arch1, arch2], dataset: "
                         "[mnist]}\ncontrast: architecture\n",
                         NULL);
    assert_int_equal(job->contrast, 1);
    cnn_job_destroy(&job);
}

static void test_seeds_and_repeats_agree(void **state)
{
    (void)state;
    assert_errors(SMALL "repeats: 3\nseeds: {crossed: 3}\n",
                  "j:5:10: error: seeds: {crossed: K} settles the repeats, K on each device; leave "
                  "'repeats' out or write repeats: auto\n");
    assert_errors(SMALL "repeats: auto\n",
                  "j:5:10: error: repeats: auto needs seeds: {crossed: K}\n");
    assert_errors(SMALL "seeds: crossed\n", "j:5:8: error: 'seeds' must be paired or {crossed: K} "
                                            "with a number K, as in seeds: {crossed: 3}\n");
    assert_errors(SMALL "seeds: {crossed: 0}\n",
                  "j:5:18: error: 'crossed' must be between 1 and 100000, not '0'\n");
    assert_errors(SMALL "seeds: {crosed: 2}\n",
                  "j:5:8: error: 'crossed' is missing in seeds\n"
                  "j:5:9: error: unknown key 'crosed' in seeds; did you mean 'crossed'?\n");
    assert_errors(SMALL "seeds: [1, 2]\n",
                  "j:5:8: error: 'seeds' must be paired or {crossed: K} with a number K\n");
    assert_errors(
        SMALL "seeds: {crossed: 2}\nschedule: {assign: dynamic}\n",
        "j:6:20: error: seeds: {crossed: K} ties blocks to devices; it needs assign: balanced\n");
}

static void test_settings_that_exclude_each_other(void **state)
{
    (void)state;
    assert_errors(SMALL "backend: onednn\ntrain: {precision: tf32}\n",
                  "j:6:20: error: precision tf32 needs a GPU; backend onednn has fp32 only\n");
    assert_errors(SMALL "  precision: [fp32, tf32]\nbackend: onednn\n",
                  "j:5:21: error: precision tf32 needs a GPU; backend onednn has fp32 only\n");
    assert_errors(
        SMALL "train: {optimizer: adam, momentum: 0.9}\n",
        "j:5:36: error: momentum is a setting of sgd; with optimizer adam it must be 0\n");
    assert_errors(
        SMALL "  optimizer: [sgd, adam]\n  momentum: [0, 0.9]\n",
        "j:6:17: error: momentum is a setting of sgd; with optimizer adam it must be 0\n");
    /* what a factor replaces does not count */
    cnn_job *job = parse(SMALL "  precision: [fp32]\n  momentum: [0]\nbackend: onednn\n"
                               "train: {precision: tf32, optimizer: adam, momentum: 0.9}\n",
                         NULL);
    cnn_job_destroy(&job);
}

static void test_experiments_have_a_size_limit(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_text_append(&t, SMALL "  epochs: [1");
    for (int i = 2; i <= 100; i++)
        cnn_text_printf(&t, ", %d", i);
    cnn_text_append(&t, "]\n  batch_size: [1");
    for (int i = 2; i <= 51; i++)
        cnn_text_printf(&t, ", %d", i);
    cnn_text_append(&t, "]\n");
    assert_errors(t.s, "j:2:3: error: the factors make 10200 cells; at most 10000 are possible\n");
    cnn_text_free(&t);
    assert_errors(SMALL "repeats: 100000\n  \n" /* 2 cells: fits */
                        "x: 1\n",
                  "j:7:1: error: unknown key 'x' in the job file; its keys are name, repeats, "
                  "seed, output, backend, kind, metric, train, factors, contrast, seeds, schedule, "
                  "limits, analysis, compare, datasets, architectures, run_environment\n");
    assert_errors(SMALL "  epochs: [1, 2, 3, 4, 5, 6]\nrepeats: 100000\n",
                  "j:6:10: error: 12 cells with 100000 repeats make 1200000 runs; at most 1000000 "
                  "are possible\n");
}

static void test_unused_entries_are_checked(void **state)
{
    (void)state;
    assert_errors(
        SMALL "datasets:\n"
              "  unused: {type: npz, path: x}\n"
              "  list: [1]\n"
              "architectures:\n"
              "  arch2: [{dense: classes}]\n"
              "  other: [{conv2d: {filters: 6, kernal: 5}}, {dense: classes}]\n",
        "j:6:18: error: 'type' must be idx, npy, png_tree, synthetic or external, not 'npz'; did "
        "you mean 'npy'?\n"
        "j:7:9: error: list must be a mapping (key: value), not a list\n"
        "j:9:3: error: 'arch2' is built in; give yours another name\n"
        "j:10:33: error: unknown key 'kernal' in conv2d; did you mean 'kernel'?\n");
    assert_errors(SMALL "datasets: [mnist]\narchitectures: x\n",
                  "j:5:11: error: datasets must be a mapping of names, as in datasets: {mnist: "
                  "{type: idx, path: mnist}}\n"
                  "j:6:16: error: architectures must be a mapping of names, as in architectures: "
                  "{small: [{dense: classes}]}\n");
}

static void test_set_errors_name_the_argument(void **state)
{
    (void)state;
    const char *const sets[] = {"train.epoch=3",       "train.epochs=x",   "repeats",
                                "factors.dataset=[a]", "contrast=dataset", NULL};
    assert_set_errors(
        SMALL "seed: x\n", sets,
        "j:5:7: error: 'seed' must be a whole number, not 'x'\n"
        "--set train.epoch=3: error: unknown key 'epoch' in train; did you mean 'epochs'?\n"
        "--set train.epochs=x: error: 'epochs' must be a whole number, not 'x'\n"
        "--set repeats: error: write --set key=value or --set key.path=value\n"
        "--set factors.dataset=[a]: error: unknown data set 'a'; describe it under datasets:\n"
        "--set contrast=dataset: error: 'dataset' has one level, so that there is nothing to "
        "compare; name a factor with two or more\n");
}

static void test_duplicate_factor_is_told_once(void **state)
{
    (void)state;
    assert_errors(SMALL "  dataset: [idc, nothing]\n",
                  "j:5:3: error: key 'dataset' is given twice\n");
}

static void test_files_that_cannot_be_read(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    assert_int_equal(cnn_job_read("no/such/file.yaml", NULL, &job), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "no/such/file.yaml"));
    assert_int_equal(cnn_job_read("jobs", NULL, &job), CNN_EDATA);
    assert_null(job);
}

static void test_file_with_nul_byte_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnn-job-XXXXXX", path[64];
    cnn_job *job = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/nul.yaml", folder);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(SMALL "\0", 1, sizeof SMALL, f), sizeof SMALL);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(cnn_job_read(path, NULL, &job), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "nul.yaml:5:1: error: byte 0x00 is a control"));
    unlink(path);
    rmdir(folder);
}

/** Fails unless the reference has each word of a list "a, b, c" that ends with the line. */
static int assert_documented(const char *reference, const char *list)
{
    int count = 0;
    for (size_t n; *list && *list != '\n'; list += n + strspn(list + n, ", ")) {
        char key[64];
        n = strcspn(list, ",\n");
        snprintf(key, sizeof key, "`%.*s`", (int)n, list);
        if (!strstr(reference, key))
            fail_msg("docs/job-files.md says nothing of %s", key);
        count++;
    }
    return count;
}

/** What is told of an unknown key is the list of those that there are. */
static void test_reference_has_every_key(void **state)
{
    (void)state;
    static const char marker[] = "; its keys are ";
    cnn_job *job = NULL;
    char *reference = NULL;
    int count = 0;
    assert_int_equal(cnn_read_file("docs/job-files.md", 1 << 20, &reference, NULL), CNN_OK);
    assert_int_equal(cnn_job_parse("j",
                                   SMALL "zzz: 1\ntrain: {zzz: 1}\nschedule: {zzz: 1}\n"
                                         "limits: {zzz: 1}\nanalysis: {zzz: 1}\n"
                                         "compare: {zzz: 1}\n"
                                         "datasets: {d: {type: synthetic, zzz: 1}}\n"
                                         "architectures: {a: [{conv2d: {filters: 1, zzz: 1}}, "
                                         "{dense: classes}]}\n",
                                   NULL, &job),
                     CNN_EUSAGE);
    for (const char *hit = cnn_error_message(); (hit = strstr(hit, marker)); hit++)
        count += assert_documented(reference, hit + strlen(marker));
    assert_in_range(count, 15 + 9 + 3 + 3 + 3 + 1 + 14 + 5, 100);
    const char *simulate = strstr(reference, "\n## simulate\n");
    assert_non_null(simulate);
    assert_int_equal(cnn_job_parse("j",
                                   "factors:\n"
                                   "  framework: [{name: a, simulate: {zzz: 1, time: {zzz: 1}, "
                                   "error: {zzz: 1}, reports: {zzz: 1}}}]\n"
                                   "  architecture: [arch1]\n"
                                   "  dataset: [mnist]\n",
                                   NULL, &job),
                     CNN_EUSAGE);
    count = 0;
    for (const char *hit = cnn_error_message(); (hit = strstr(hit, marker)); hit++)
        count += assert_documented(simulate, hit + strlen(marker));
    assert_int_equal(count, 10 + 12 + 9 + 4);
    free(reference);
}

/** Every beginning of a shipped file is read without harm, and so is it with lines left out. */
static void mangle(const char *path)
{
    char *text = NULL;
    size_t n = 0;
    assert_int_equal(cnn_read_file(path, 1 << 20, &text, &n), CNN_OK);
    for (size_t i = 0; i < n; i += 7) {
        cnn_job *job = NULL;
        char *begin = cnn_strndup(text, i);
        if (cnn_job_parse("j", begin, NULL, &job) == CNN_OK)
            cnn_job_destroy(&job);
        assert_null(job);
        free(begin);
    }
    for (size_t i = 0; i < n; i += strcspn(text + i, "\n") + 1) {
        cnn_job *job = NULL;
        size_t line = strcspn(text + i, "\n") + 1;
        cnn_text t = {0};
        cnn_text_append_bytes(&t, text, i);
        cnn_text_append(&t, text + i + (i + line <= n ? line : 0));
        if (cnn_job_parse("j", t.s, NULL, &job) == CNN_OK)
            cnn_job_destroy(&job);
        cnn_text_free(&t);
    }
    free(text);
}

static void test_mangled_files_do_no_harm(void **state)
{
    (void)state;
    mangle("jobs/all.yaml");
    mangle("jobs/simulate.yaml");
}

/* --- metrics ----------------------------------------------------------------------------------- */

static void test_metrics_and_kind_are_read(void **state)
{
    (void)state;
    cnn_job *job =
        parse(SMALL "kind: measurement\n"
                    "metric:\n"
                    "  images_per_second: {unit: images/s, margin: 0.02, better: higher}\n"
                    "  auc: {compare: difference, margin: 3}\n"
                    "  plain: {}\n"
                    "analysis: {primary: auc}\n",
              NULL);
    assert_int_equal(job->kind, CNN_JOB_MEASUREMENT);
    assert_int_equal(job->metric_count, 3);
    assert_string_equal(job->metrics[0].units, "images/s");
    assert_true(job->metrics[0].margin == 0.02 && job->metrics[0].better == 1);
    assert_int_equal(job->metrics[0].compare, CNN_COMPARE_RATIO);
    assert_int_equal(job->metrics[1].compare, CNN_COMPARE_DIFFERENCE);
    assert_true(job->metrics[1].better == -1 && job->metrics[2].margin != job->metrics[2].margin);
    assert_string_equal(cnn_job_measure_name(job, job->analysis.primary), "auc");
    cnn_job_destroy(&job);
    job = parse(SMALL, NULL);
    assert_int_equal(job->kind, CNN_JOB_TRAINING);
    assert_string_equal(cnn_job_measure_name(job, job->analysis.primary), "train_seconds");
    cnn_job_destroy(&job);
    assert_errors(
        SMALL "metric: {test_error: {}, 9x: {}, a-b: {}, c: {margin: 2}, d: {unit: 'a,b'}, "
              "e: {compare: quotient}}\n"
              "kind: watching\n",
        "j:5:10: error: 'test_error' is a member of the run protocol's own\n"
        "j:5:26: error: a metric's name has letters, digits and '_', at most 31 of them, and "
        "begins with a letter\n"
        "j:5:34: error: a metric's name has letters, digits and '_', at most 31 of them, and "
        "begins with a letter\n"
        "j:5:55: error: the margin of a ratio is a share of it, at most 1\n"
        "j:5:69: error: 'unit' must be printable text of at most 31 bytes without a comma\n"
        "j:5:90: error: 'compare' must be ratio or difference, not 'quotient'\n"
        "j:6:7: error: 'kind' must be training or measurement, not 'watching'\n");
    assert_errors(SMALL "metric: [a]\n",
                  "j:5:9: error: metric must be a mapping of names, as in metric: "
                  "{images_per_second: {unit: images/s, better: higher}}\n");
}

/* --- opaque networks, external data ------------------------------------------------------------ */

#define OPAQUE                                                                                     \
    "  architecture: [arch1, resnet]\n"                                                            \
    "  dataset: [mnist, web]\n"                                                                    \
    "architectures: {resnet: {opaque: {depth: 50, stages: [3, '4']}}, unused: {opaque: x}}\n"      \
    "datasets: {web: {type: external, url: s3://bucket, limit: many}}\n"

static void test_opaque_entries_are_kept_unread(void **state)
{
    (void)state;
    cnn_job *job = parse("factors:\n"
                         "  framework: [{name: a, command: [a]}, {name: b, command: [b]}]\n" OPAQUE,
                         NULL);
    const cnn_treatment t = cnn_job_treatment(job, (int[]){0, 1, 1});
    assert_string_equal(t.architecture->opaque, "{\"depth\":50,\"stages\":[3,\"4\"]}");
    assert_string_equal(t.source->external,
                        "{\"type\":\"external\",\"url\":\"s3://bucket\",\"limit\":\"many\"}");
    assert_null(cnn_job_treatment(job, (int[]){0, 0, 0}).architecture->opaque);
    cnn_text text = {0};
    cnn_job_describe_treatment(&t, &text);
    assert_non_null(strstr(text.s, "\"architecture\":{\"opaque\":{\"depth\":50,"));
    cnn_text_free(&text);
    cnn_job_destroy(&job);
    assert_errors(
        "factors:\n"
        "  framework: [{name: a, command: [a]}, layered]\n" OPAQUE,
        "j:3:25: error: framework 'layered' cannot train the opaque architecture 'resnet': "
        "only programs given as command: [...] can\n"
        "j:4:20: error: framework 'layered' cannot read the external data set 'web': only "
        "programs given as command: [...] can\n");
    assert_errors(SMALL "architectures: {a: {opaque: 1, layers: 2}}\n",
                  "j:5:20: error: network 'a' must be a list of layers, or {opaque: ...} alone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_job_has_all_defaults),
        cmocka_unit_test(test_all_keys_are_read),
        cmocka_unit_test(test_shipped_jobs_are_good),
        cmocka_unit_test(test_study_spells_the_defaults_out),
        cmocka_unit_test(test_names_come_from_the_file),
        cmocka_unit_test(test_levels_stand_for_things),
        cmocka_unit_test(test_settings_of_every_kind_can_be_factors),
        cmocka_unit_test(test_crossed_seeds),
        cmocka_unit_test(test_sets_override_the_file),
        cmocka_unit_test(test_sets_reach_keys_with_dots),
        cmocka_unit_test(test_error_shows_line_and_caret),
        cmocka_unit_test(test_top_level_values_are_checked),
        cmocka_unit_test(test_sections_are_checked),
        cmocka_unit_test(test_factors_must_be_there),
        cmocka_unit_test(test_factors_are_lists_of_known_things),
        cmocka_unit_test(test_unknown_levels),
        cmocka_unit_test(test_levels_are_unique),
        cmocka_unit_test(test_values_of_setting_factors_are_checked),
        cmocka_unit_test(test_programs_are_checked),
        cmocka_unit_test(test_trainers_of_cnnmpi_are_named),
        cmocka_unit_test(test_one_path_can_have_two_names),
        cmocka_unit_test(test_looks_and_primary_are_read),
        cmocka_unit_test(test_declared_differences_are_read),
        cmocka_unit_test(test_simulated_frameworks_are_read),
        cmocka_unit_test(test_long_file_names_are_cut_for_the_name),
        cmocka_unit_test(test_names_have_a_limit),
        cmocka_unit_test(test_contrast_needs_two_levels),
        cmocka_unit_test(test_seeds_and_repeats_agree),
        cmocka_unit_test(test_settings_that_exclude_each_other),
        cmocka_unit_test(test_experiments_have_a_size_limit),
        cmocka_unit_test(test_unused_entries_are_checked),
        cmocka_unit_test(test_set_errors_name_the_argument),
        cmocka_unit_test(test_free_factors_are_settings_of_their_cells),
        cmocka_unit_test(test_a_factor_mode_chooses_the_mode_of_shipped_trainers),
        cmocka_unit_test(test_free_factors_that_are_refused),
        cmocka_unit_test(test_a_contrast_of_two_factors_is_one_of_combinations),
        cmocka_unit_test(test_duplicate_factor_is_told_once),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_file_with_nul_byte_is_refused),
        cmocka_unit_test(test_reference_has_every_key),
        cmocka_unit_test(test_metrics_and_kind_are_read),
        cmocka_unit_test(test_opaque_entries_are_kept_unread),
        cmocka_unit_test(test_mangled_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
