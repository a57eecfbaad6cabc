/* SPDX-License-Identifier: Apache-2.0 */
/* Variables that change what the CPU trainer computes: they end the run, or are recorded, or have no
 * effect. CNN_TRAINER is its path. */
#include "trainer_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const paths[] = {"native", "layered"};

/** The trainer by protocol with one variable more; on two threads unless the caller says otherwise. */
static trainer_process train(const char *path, int threads, const char *name, const char *value)
{
    char *spec = cnn_asprintf(
        "{\"protocol\":1,\"seed\":5,\"threads\":%d,\"path\":\"%s\",\"network\":{\"name\":\"n\","
        "\"layers\":[{\"conv2d\":{\"filters\":8}},\"relu\",{\"maxpool\":2},{\"dense\":"
        "\"classes\"}]},\"dataset\":{\"name\":\"s\",\"source\":{\"type\":\"synthetic\","
        "\"height\":13,\"width\":14,\"channels\":3,\"classes\":4,\"count\":300}},"
        "\"train\":{\"epochs\":1}}",
        threads, path);
    if (name)
        setenv(name, value, 1);
    trainer_process p = trainer_process_run((char *const[]){CNN_TRAINER, NULL}, "3", spec);
    if (name)
        unsetenv(name);
    free(spec);
    return p;
}

/** The story of a run that goes well. */
static trainer_story tell(const char *path, const char *name, const char *value)
{
    trainer_process p = train(path, 2, name, value);
    trainer_story s = trainer_story_read(&p, 1);
    trainer_process_free(&p);
    return s;
}

static void test_a_smaller_team_ends_the_run(void **state)
{
    (void)state;
    static const struct {
        int threads;
        const char *name, *value, *text;
    } cases[] = {
        {2, "OMP_THREAD_LIMIT", "1",
         "a team of 1 of the 2 threads asked for: OMP_THREAD_LIMIT is 1"},
        {4, "OMP_THREAD_LIMIT", "3",
         "a team of 3 of the 4 threads asked for: OMP_THREAD_LIMIT is 3"},
        {2, "OMP_MAX_ACTIVE_LEVELS", "0", "a team of 1 of the 2 threads"},
        {2, "OMP_MAX_ACTIVE_LEVELS", "0", "OMP_MAX_ACTIVE_LEVELS is 0"},
        {2, "LD_PRELOAD", CNN_NO_THREADS, "create 1 of 2 threads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int p = 0; p < 2; p++) {
            trainer_process run = train(paths[p], cases[i].threads, cases[i].name, cases[i].value);
            assert_trainer_failed(&run, 3, cases[i].text);
            trainer_process_free(&run);
        }
}

static void test_one_thread_needs_no_team(void **state)
{
    (void)state;
    trainer_process p = train("native", 1, "OMP_THREAD_LIMIT", "1");
    trainer_story s = trainer_story_read(&p, 1);
    assert_int_equal(s.ready.threads, 1);
    trainer_process_free(&p);
}

static void test_variables_without_an_effect_on_the_weights(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"OMP_DYNAMIC", "true"},
        {"OMP_NUM_THREADS", "1"},
        {"OMP_SCHEDULE", "dynamic,1"},
        {"ONEDNN_DEFAULT_FPMATH_MODE", "ANY"},
        {"ONEDNN_CPU_ISA_HINTS", "PREFER_YMM"},
        {"ONEDNN_MAX_CPU_ISA", ""},
    };
    for (int p = 0; p < 2; p++) {
        const trainer_story plain = tell(paths[p], NULL, NULL);
        assert_int_equal(plain.ready.threads, 2);
        assert_non_null(strstr(plain.ready.versions, ", fp-math strict"));
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            const trainer_story s = tell(paths[p], cases[i].name, cases[i].value);
            assert_string_equal(s.done.checksum, plain.done.checksum);
            assert_string_equal(s.ready.versions, plain.ready.versions);
            assert_int_equal(s.ready.threads, 2);
        }
    }
}

static void test_the_instruction_set_is_reported(void **state)
{
    (void)state;
    static const char *const names[] = {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"};
    for (int i = 0; i < 2; i++) {
        const trainer_story s = tell("native", names[i], "SSE41");
        assert_non_null(strstr(s.ready.versions, ", sse41, "));
        trainer_process p = train("native", 2, names[i], "AVX9000");
        assert_trainer_failed(&p, 3, names[i]);
        trainer_process_free(&p);
    }
}

int main(void)
{
    /* a sanitized trainer would refuse what is preloaded before its runtime */
    const char *asan = getenv("ASAN_OPTIONS");
    char *options = cnn_asprintf("%s:verify_asan_link_order=0", asan ? asan : "");
    setenv("ASAN_OPTIONS", options, 1);
    free(options);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_smaller_team_ends_the_run),
        cmocka_unit_test(test_one_thread_needs_no_team),
        cmocka_unit_test(test_variables_without_an_effect_on_the_weights),
        cmocka_unit_test(test_the_instruction_set_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
