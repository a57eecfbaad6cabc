/* SPDX-License-Identifier: Apache-2.0 */
/** The environment of a run: the table of variables and its page, what is made of a rank's environment,
 *  and what a job may say about it. */
#include "base/text.h"
#include "base/variables.h"
#include "host/environment.h"
#include "job/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the table ----------------------------------------------------------------------------- */

static const char *const kind_words[] = {
    [CNN_VARIABLE_OWNED] = "set by the rank alone",
    [CNN_VARIABLE_DEFAULT] = "set by the rank, unless the job passes or sets it",
    [CNN_VARIABLE_CLEARED] = "cleared, unless the job passes or sets it",
    [CNN_VARIABLE_PASSED] = "passed on and recorded",
    [CNN_VARIABLE_LAUNCHER] = "removed",
};

/** The row of a group in docs/job-files.md. */
static char *row_of(const cnn_variable_group *g)
{
    cnn_text row = {0};
    cnn_text_printf(&row, "| %s | %s |", g->title, kind_words[g->kind]);
    for (const char *p = g->patterns; *p; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " ");
        cnn_text_printf(&row, "%s `%.*s`", p == g->patterns ? "" : ",", (int)n, p);
        p += n;
    }
    cnn_text_append(&row, " |\n");
    return cnn_text_take(&row);
}

static void test_variables_are_those_of_the_page(void **state)
{
    (void)state;
    char *page = NULL;
    int rows = 0, expected = 0;
    assert_int_equal(cnn_read_file("docs/job-files.md", 1 << 20, &page, NULL), CNN_OK);
    const char *begin = strstr(page, "<!-- table of environment variables: begin -->\n");
    const char *end = strstr(page, "<!-- table of environment variables: end -->");
    assert_true(begin && end && begin < end);
    for (const char *c = begin; c < end; c++)
        rows += *c == '\n' && c[1] == '|';
    for (const cnn_variable_group *g = cnn_variable_groups; g->title; g++, expected++) {
        char *row = row_of(g);
        const char *at = strstr(begin, row);
        if (!at || at >= end)
            fail_msg("docs/job-files.md lacks the row: %s", row);
        free(row);
    }
    assert_int_equal(rows, expected + 2); /* the head and its rule */
    free(page);
}

static void test_variables_have_the_kinds_of_their_groups(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        cnn_variable_kind kind;
    } cases[] = {
        {"OMP_NUM_THREADS", CNN_VARIABLE_OWNED},
        {"CNN_EVENTS_FD=3", CNN_VARIABLE_OWNED},
        {"CUDA_VISIBLE_DEVICES=0", CNN_VARIABLE_OWNED},
        {"OMP_PROC_BIND=close", CNN_VARIABLE_DEFAULT},
        {"OMP_THREAD_LIMIT=1", CNN_VARIABLE_CLEARED},
        {"GOMP_SPINCOUNT=0", CNN_VARIABLE_CLEARED},
        {"KMP_AFFINITY=none", CNN_VARIABLE_CLEARED},
        {"DNNL_MAX_CPU_ISA=AVX", CNN_VARIABLE_CLEARED},
        {"ONEDNN_DEFAULT_FPMATH_MODE=BF16", CNN_VARIABLE_CLEARED},
        {"MKL_CBWR=AVX2", CNN_VARIABLE_CLEARED},
        {"OPENBLAS_CORETYPE=Haswell", CNN_VARIABLE_CLEARED},
        {"BLIS_NUM_THREADS=1", CNN_VARIABLE_CLEARED},
        {"CUDA_LAUNCH_BLOCKING=1", CNN_VARIABLE_CLEARED},
        {"CUBLAS_WORKSPACE_CONFIG=:0:0", CNN_VARIABLE_CLEARED},
        {"CUDNN_CONV_WSCAP_DBG=1", CNN_VARIABLE_CLEARED},
        {"NVIDIA_TF32_OVERRIDE=0", CNN_VARIABLE_CLEARED},
        {"TF_ENABLE_ONEDNN_OPTS=0", CNN_VARIABLE_CLEARED},
        {"XLA_FLAGS=--x", CNN_VARIABLE_CLEARED},
        {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1", CNN_VARIABLE_CLEARED},
        {"PYTORCH_CUDA_ALLOC_CONF=x", CNN_VARIABLE_CLEARED},
        {"JAX_ENABLE_X64=1", CNN_VARIABLE_CLEARED},
        {"JAX_PLATFORMS=cpu", CNN_VARIABLE_CLEARED},
        {"MALLOC_ARENA_MAX=1", CNN_VARIABLE_CLEARED},
        {"LD_PRELOAD=/x.so", CNN_VARIABLE_CLEARED},
        {"GLIBC_TUNABLES=x", CNN_VARIABLE_CLEARED},
        {"CNN_TORCH_DEVICE=cpu", CNN_VARIABLE_PASSED},
        {"KERAS_BACKEND=jax", CNN_VARIABLE_PASSED},
        {"OMPI_MCA_btl=tcp", CNN_VARIABLE_LAUNCHER},
        {"PMIX_RANK=1", CNN_VARIABLE_LAUNCHER},
        {"PRTE_X=1", CNN_VARIABLE_LAUNCHER},
        {"SLURM_STEP_ID=0", CNN_VARIABLE_LAUNCHER},
        {"SLURM_JOB_ID=1", CNN_VARIABLE_OTHER},
        {"PATH=/bin", CNN_VARIABLE_OTHER},
        {"LD_LIBRARY_PATH=/x", CNN_VARIABLE_OTHER},
        {"CUDA_HOME=/x", CNN_VARIABLE_OTHER},
        {"CUDA_PATH=/x", CNN_VARIABLE_OTHER},
        {"CUDA_CACHE_PATH=/x", CNN_VARIABLE_OTHER},
        {"CUDA_MPS_PIPE_DIRECTORY=/x", CNN_VARIABLE_OTHER},
        {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=50", CNN_VARIABLE_OTHER},
        {"TORCH_HOME=/x", CNN_VARIABLE_OTHER},
        {"TORCHINDUCTOR_CACHE_DIR=/x", CNN_VARIABLE_OTHER},
        {"JAX_COMPILATION_CACHE_DIR=/x", CNN_VARIABLE_OTHER},
        {"XLA_PYTHON_CLIENT_MEM_FRACTION=.5", CNN_VARIABLE_OTHER},
        {"TF_FORCE_GPU_ALLOW_GROWTH=true", CNN_VARIABLE_OTHER},
        {"MKLROOT=/x", CNN_VARIABLE_OTHER},
        {"OMP", CNN_VARIABLE_OTHER},
        {"XLA_FLAGSHIP=1", CNN_VARIABLE_OTHER},
        {"LD_PRELOA=1", CNN_VARIABLE_OTHER},
        {"", CNN_VARIABLE_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (cnn_variable_kind_of(cases[i].name) != cases[i].kind)
            fail_msg("%s is of kind %d", cases[i].name, cnn_variable_kind_of(cases[i].name));
}

static void test_secrets_are_never_recorded(void **state)
{
    (void)state;
    static const char *const secrets[] = {"HF_TOKEN=x",    "AWS_SECRET_ACCESS_KEY=x",
                                          "DB_PASSWORD=x", "api_key=x",
                                          "OMP_TOKEN=x",   "KMP_PASS=x"};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        assert_true(cnn_variable_is_secret(secrets[i]));
        assert_false(cnn_variable_is_recorded(secrets[i]));
    }
    assert_false(cnn_variable_is_secret("OMP_SCHEDULE=KEY")); /* the name counts */
    assert_true(cnn_variable_is_recorded("OMP_SCHEDULE=static"));
    assert_true(cnn_variable_is_recorded("CNN_TORCH_DEVICE=cpu"));
    assert_false(cnn_variable_is_recorded("PATH=/bin"));
    assert_false(cnn_variable_is_recorded("CUDA_VISIBLE_DEVICES=1"));
    for (const cnn_variable_group *g = cnn_variable_groups; g->title; g++)
        for (const char *p = g->patterns; *p; p += strspn(p, " ")) {
            char name[96];
            const size_t n = strcspn(p, " ");
            snprintf(name, sizeof name, "%.*s", (int)n, p);
            assert_false(cnn_variable_is_secret(name));
            p += n;
        }
}

/* ---- the made environment ------------------------------------------------------------------ */

static char *const rank_environment[] = {"PATH=/bin",
                                         "OMP_SCHEDULE=dynamic",
                                         "OMP_NUM_THREADS=64",
                                         "OMP_PROC_BIND=spread",
                                         "LD_PRELOAD=/x.so",
                                         "OMPI_X=1",
                                         "HF_TOKEN=secret",
                                         "CNN_TORCH_DEVICE=cpu",
                                         "CNN_EVENTS_FD=9",
                                         "SLURM_JOB_ID=7",
                                         "CUDA_VISIBLE_DEVICES=0",
                                         NULL};

/** The environment of a run as sorted lines. */
static char *made(const cnn_environment_wishes *wishes, bool owns_cores, const char *gpu)
{
    const cnn_environment_place place = {.threads = 3, .owns_cores = owns_cores, .gpu = gpu};
    char **environment = NULL, *sorted[32];
    cnn_text lines = {0};
    int n = 0;
    assert_int_equal(cnn_environment_of_run(rank_environment, wishes, &place, &environment),
                     CNN_OK);
    for (char **v = environment; *v; v++) {
        int at = n++;
        for (; at > 0 && strcmp(sorted[at - 1], *v) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = *v;
    }
    for (int i = 0; i < n; i++)
        cnn_text_printf(&lines, "%s\n", sorted[i]);
    cnn_environment_free(&environment);
    assert_null(environment);
    return cnn_text_take(&lines);
}

static void assert_made(const cnn_environment_wishes *wishes, bool owns_cores, const char *gpu,
                        const char *expected)
{
    char *lines = made(wishes, owns_cores, gpu);
    assert_string_equal(lines, expected);
    free(lines);
}

static void test_environment_is_made(void **state)
{
    (void)state;
    const cnn_environment_wishes none = {0};
    assert_made(&none, true, NULL,
                "CNN_TORCH_DEVICE=cpu\nCUDA_DEVICE_ORDER=PCI_BUS_ID\nCUDA_VISIBLE_DEVICES=-1\n"
                "HF_TOKEN=secret\nOMP_NUM_THREADS=3\nOMP_PLACES=cores\nOMP_PROC_BIND=true\n"
                "OMP_WAIT_POLICY=active\nPATH=/bin\nSLURM_JOB_ID=7\n");
    assert_made(&none, false, "GPU-1",
                "CNN_TORCH_DEVICE=cpu\nCUDA_DEVICE_ORDER=PCI_BUS_ID\nCUDA_VISIBLE_DEVICES=GPU-1\n"
                "HF_TOKEN=secret\nOMP_NUM_THREADS=3\nOMP_PLACES=cores\nOMP_PROC_BIND=false\n"
                "OMP_WAIT_POLICY=passive\nPATH=/bin\nSLURM_JOB_ID=7\n");
}

static void test_environment_keeps_the_gpus_where_it_should(void **state)
{
    (void)state;
    const cnn_environment_wishes none = {0};
    const cnn_environment_place place = {.threads = 1, .sees_all_gpus = true};
    char *const without[] = {"PATH=/bin", NULL};
    for (int has = 0; has < 2; has++) {
        char **made_of = NULL;
        int found = 0;
        assert_int_equal(
            cnn_environment_of_run(has ? rank_environment : without, &none, &place, &made_of),
            CNN_OK);
        for (char **v = made_of; *v; v++) {
            assert_string_not_equal(*v, "CUDA_VISIBLE_DEVICES=-1");
            found += strcmp(*v, "CUDA_VISIBLE_DEVICES=0") == 0;
        }
        assert_int_equal(found, has);
        cnn_environment_free(&made_of);
    }
}

static void test_environment_passes_and_sets(void **state)
{
    (void)state;
    /* OMP_WAIT_POLICY is passed, but the rank has none: the default stays. */
    char *const pass[] = {"LD_PRELOAD", "OMP_PROC_BIND", "OMP_SCHEDULE", "OMP_WAIT_POLICY", NULL};
    char *const set[] = {"OMP_PLACES=threads", "PATH=/else", "XLA_FLAGS=--x", NULL};
    const cnn_environment_wishes wishes = {pass, set};
    assert_made(&wishes, true, NULL,
                "CNN_TORCH_DEVICE=cpu\nCUDA_DEVICE_ORDER=PCI_BUS_ID\nCUDA_VISIBLE_DEVICES=-1\n"
                "HF_TOKEN=secret\nLD_PRELOAD=/x.so\nOMP_NUM_THREADS=3\nOMP_PLACES=threads\n"
                "OMP_PROC_BIND=spread\nOMP_SCHEDULE=dynamic\nOMP_WAIT_POLICY=active\nPATH=/else\n"
                "SLURM_JOB_ID=7\nXLA_FLAGS=--x\n");
}

static void test_environment_record_has_listed_variables_only(void **state)
{
    (void)state;
    char *const environment[] = {"PATH=/bin", "OMP_SCHEDULE=a\tb",      "HF_TOKEN=secret", "MINE=1",
                                 "API_KEY=2", "CUDA_VISIBLE_DEVICES=0", "BLIS_X=",         NULL};
    char *const set[] = {"MINE=1", "API_KEY=2", NULL};
    const cnn_environment_wishes wishes = {NULL, set};
    char text[4096];
    assert_int_equal(cnn_environment_describe(environment, &wishes, text, sizeof text), CNN_OK);
    assert_string_equal(text, "BLIS_X=\nMINE\nOMP_SCHEDULE=a b\n");
}

static void test_environment_record_of_long_values_tells_them_apart(void **state)
{
    (void)state;
    const cnn_environment_wishes none = {0};
    char a[700], b[700], text_a[4096], text_b[4096];
    memset(a, 'x', sizeof a);
    memcpy(a, "XLA_FLAGS=", 10);
    a[sizeof a - 1] = '\0';
    memcpy(b, a, sizeof a);
    b[690] = 'y';
    char *const of_a[] = {a, NULL}, *const of_b[] = {b, NULL};
    assert_int_equal(cnn_environment_describe(of_a, &none, text_a, sizeof text_a), CNN_OK);
    assert_int_equal(cnn_environment_describe(of_b, &none, text_b, sizeof text_b), CNN_OK);
    assert_non_null(strstr(text_a, "xxx... (689 bytes, FNV-1a "));
    assert_true(strlen(text_a) < 350);
    assert_string_not_equal(text_a, text_b);
    /* Too many of them: likewise. */
    char names[40][128], *many[41] = {NULL};
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "OMP_X%02d=%0100d", i, i);
        many[i] = names[i];
    }
    assert_int_equal(cnn_environment_describe(many, &none, text_a, 1024), CNN_OK);
    names[39][120 - 15]++;
    assert_int_equal(cnn_environment_describe(many, &none, text_b, 1024), CNN_OK);
    assert_true(strlen(text_a) < 1024 && strstr(text_a, " bytes more, FNV-1a "));
    assert_string_not_equal(text_a, text_b);
}

static void test_environment_record_of_long_names_is_cut(void **state)
{
    (void)state;
    const cnn_environment_wishes none = {0};
    char variable[2000], text[4096];
    memset(variable, 'X', sizeof variable);
    memcpy(variable, "OMP_", 4);
    variable[1000] = '=';
    variable[sizeof variable - 1] = '\0';
    char *const environment[] = {variable, NULL};
    assert_int_equal(cnn_environment_describe(environment, &none, text, sizeof text), CNN_OK);
    assert_non_null(strstr(text, "XXX... (998 bytes, FNV-1a "));
    assert_true(strlen(text) < 1000);
}

/* ---- the job ------------------------------------------------------------------------------- */

static const char rest[] = "\nfactors: {framework: [native, layered], architecture: [arch1], "
                           "dataset: [mnist]}\n";

static void test_job_environment_is_read(void **state)
{
    (void)state;
    cnn_job *job = NULL;
    char *text = cnn_asprintf("%s%s",
                              "run_environment: {set: {XLA_FLAGS: '--a=1 --b', OMP_X: 3, "
                              "MINE: ''}, pass: [OMP_Y, LD_PRELOAD]}",
                              rest);
    assert_int_equal(cnn_job_parse("j.yaml", text, NULL, &job), CNN_OK);
    assert_string_equal(job->run_environment.pass[0], "LD_PRELOAD");
    assert_string_equal(job->run_environment.pass[1], "OMP_Y");
    assert_null(job->run_environment.pass[2]);
    assert_string_equal(job->run_environment.set[0], "MINE=");
    assert_string_equal(job->run_environment.set[1], "OMP_X=3");
    assert_string_equal(job->run_environment.set[2], "XLA_FLAGS=--a=1 --b");
    assert_null(job->run_environment.set[3]);
    cnn_job_destroy(&job);
    const char *const overrides[] = {"run_environment.set.OMP_X=4", NULL};
    assert_int_equal(cnn_job_parse("j.yaml", text, overrides, &job), CNN_OK);
    assert_string_equal(job->run_environment.set[1], "OMP_X=4");
    cnn_job_destroy(&job);
    free(text);
    assert_int_equal(cnn_job_parse("j.yaml", rest, NULL, &job), CNN_OK);
    assert_null(job->run_environment.pass);
    assert_null(job->run_environment.set);
    cnn_job_destroy(&job);
}

static void test_job_environment_errors_name_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *value, *message;
    } cases[] = {
        {"{set: {CNN_EVENTS_FD: 3}}", "j.yaml:1:25: error: 'CNN_EVENTS_FD' belongs to the run"},
        {"{set: {CNN_TORCH_DEVICE: cpu}}", "j.yaml:1:25: error: 'CNN_TORCH_DEVICE' belongs"},
        {"{set: {CUDA_VISIBLE_DEVICES: 0}}", "j.yaml:1:25: error: 'CUDA_VISIBLE_DEVICES' belongs"},
        {"{set: {OMP_NUM_THREADS: 2}}", "j.yaml:1:25: error: 'OMP_NUM_THREADS' belongs"},
        {"{set: {LD_PRELOAD: /x.so}}", "j.yaml:1:25: error: a job does not set LD_PRELOAD"},
        {"{set: {OMPI_COMM_WORLD_RANK: 1}}", "j.yaml:1:25: error: 'OMPI_COMM_WORLD_RANK' marks"},
        {"{set: {HF_TOKEN: x}}", "looks like a secret"},
        {"{set: {A B: x}}", "j.yaml:1:25: error: a variable's name has letters"},
        {"{set: {1A: x}}", "does not begin with a digit"},
        {"{set: {A: [1]}}", "the value of 'A' must be a text"},
        {"{set: {A: \"a\\nb\"}}", "the value of 'A' must be printable text"},
        {"{set: [A]}", "'set' must be a mapping"},
        {"{pass: OMP_X}", "'pass' must be a list of names"},
        {"{pass: [OMP_NUM_THREADS]}", "j.yaml:1:26: error: 'OMP_NUM_THREADS' belongs"},
        {"{pass: [OMP_X, OMP_X]}", "'OMP_X' is given twice"},
        {"{pass: [[]]}", "a variable's name has letters"},
        {"{pass: [OMP_X], set: {OMP_X: 1}}", "'OMP_X' is both passed on and set"},
        {"{sets: {}}", "did you mean 'set'?"},
        {"[]", "run_environment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_job *job = NULL;
        char *text = cnn_asprintf("run_environment: %s%s", cases[i].value, rest);
        assert_int_equal(cnn_job_parse("j.yaml", text, NULL, &job), CNN_EUSAGE);
        if (!strstr(cnn_error_message(), cases[i].message))
            fail_msg("%s: %s", cases[i].value, cnn_error_message());
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables_are_those_of_the_page),
        cmocka_unit_test(test_variables_have_the_kinds_of_their_groups),
        cmocka_unit_test(test_secrets_are_never_recorded),
        cmocka_unit_test(test_environment_is_made),
        cmocka_unit_test(test_environment_keeps_the_gpus_where_it_should),
        cmocka_unit_test(test_environment_passes_and_sets),
        cmocka_unit_test(test_environment_record_has_listed_variables_only),
        cmocka_unit_test(test_environment_record_of_long_values_tells_them_apart),
        cmocka_unit_test(test_environment_record_of_long_names_is_cut),
        cmocka_unit_test(test_job_environment_is_read),
        cmocka_unit_test(test_job_environment_errors_name_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
