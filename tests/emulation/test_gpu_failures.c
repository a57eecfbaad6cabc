/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/ on the emulated device when calls fail and memory ends; `test_gpu_failures long`: where there
 * are most calls, in tuning and in graphs with branches. */
#include "emulation/gpu_run.h"

static void walk(cnn_path path, const char *function, bool step_seconds)
{
    run r = make_run(path);
    r.step_seconds = step_seconds;
    run_or_fail(&r);
    char *algorithms = strdup(r.algorithms.s);
    r.config.algorithms = algorithms;
    int64_t n = 1;
    while (run_with_failure(&r, function, n))
        n++;
    print_message("%s: %d calls\n", function, (int)n - 1);
    assert_true(n > 2);
    free(algorithms);
    cnn_text_free(&r.algorithms);
}

static void test_any_call_may_fail_layered(void **state)
{
    (void)state;
    walk(CNN_PATH_LAYERED, "any", false);
}

static void test_any_call_may_fail_native(void **state)
{
    (void)state;
    walk(CNN_PATH_NATIVE, "any", true);
}

/* Where algorithms are chosen there are thousands of calls: some of each kind fail. */
static void test_calls_may_fail_while_algorithms_are_tuned(void **state)
{
    (void)state;
    static const char *const functions[] = {
        "cudnnBackendCreateDescriptor", "cudnnBackendSetAttribute", "cudnnBackendGetAttribute",
        "cudnnBackendFinalize",         "cudnnBackendExecute",      "cudaMalloc",
        "cudaEventElapsedTime",         "cudaEventRecord",          "cnn_launch"};
    run r = make_run(CNN_PATH_LAYERED);
    r.config.autotune = true;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        for (int64_t n = 1; n < 4000 && run_with_failure(&r, functions[i], n); n += 1 + n * 2)
            ;
    cnn_text_free(&r.algorithms);
}

/* What fails while it is tried is left out, and the next ones are tried. */
static void test_a_failing_candidate_is_left_out(void **state)
{
    (void)state;
    const char *const functions[] = {"cudnnBackendExecute", "cudaEventElapsedTime",
                                     "cudaStreamBeginCapture", "cudaGraphInstantiate"};
    for (int path = 0; path < 2; path++)
        for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
            run r = make_run((cnn_path)path);
            r.config.autotune = true;
            cnn_emulated_fail(functions[i], 1);
            run_or_fail(&r);
            assert_int_equal(cnn_emulated_has_failed(), path == CNN_PATH_NATIVE || i < 2);
            cnn_emulated_fail(NULL, 0);
            cnn_emulated_clear_error();
            cnn_text_free(&r.algorithms);
        }
}

/* An error that stays ends the run: the message says so, and names candidate, engine and problem. */
static void test_a_sticky_error_ends_the_run_and_names_the_candidate(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        run r = make_run((cnn_path)path);
        r.config.autotune = true;
        cnn_emulated_fail("a kernel of cuDNN", 2);
        assert_int_equal(run_once(&r), CNN_EBACKEND);
        assert_true(cnn_emulated_has_failed());
        assert_non_null(
            strstr(cnn_error_message(), "the GPU stays unusable (cudaErrorIllegalAddress)"));
        assert_non_null(strstr(cnn_error_message(), "candidate e"));
        assert_non_null(strstr(cnn_error_message(), " for fwd"));
        cnn_emulated_fail(NULL, 0);
        cnn_emulated_clear_error();
        assert_int_equal(cnn_emulated_live_objects(), 0);
    }
}

/* A candidate that asks for too much takes nothing from those that were chosen before. */
static void test_a_workspace_outlives_one_that_cannot_be_had(void **state)
{
    (void)state;
    const run r = make_run(CNN_PATH_NATIVE);
    cnn_ops *ops = NULL;
    assert_int_equal(cnn_ops_open(&r.config, &ops), CNN_OK);
    assert_int_equal(cnn_cuda_need_workspace(ops, 4096), CNN_OK);
    const void *before = ops->current.workspace;
    assert_int_equal(cnn_cuda_need_workspace(ops, (size_t)1 << 31), CNN_ENOMEM);
    assert_ptr_equal(ops->current.workspace, before);
    assert_int_equal(ops->current.workspace_bytes, 4096);
    assert_int_equal(cnn_cuda_need_workspace(ops, 8192), CNN_OK);
    assert_int_equal(ops->current.workspace_bytes, 8192);
    cnn_ops_close(&ops);
}

static void test_memory_that_ends_is_named(void **state)
{
    (void)state;
    run r = make_run(CNN_PATH_NATIVE);
    size_t limit = 1024;
    cnn_status st;
    int steps = 0;
    do {
        cnn_emulated_memory_limit(limit);
        st = run_once(&r);
        if (st != CNN_OK) {
            assert_int_equal(st, CNN_ENOMEM);
            assert_non_null(strstr(cnn_error_message(), "the GPU has no memory for "));
        }
        assert_int_equal(cnn_emulated_live_objects(), 0);
        limit += limit / 4;
        steps++;
    } while (st != CNN_OK);
    assert_true(steps > 10);
    cnn_text_free(&r.algorithms);
}

static void test_any_call_may_fail_in_branches(void **state)
{
    (void)state;
    run r = make_native(&deep);
    cnn_text text = {0};
    run_or_fail(&r);
    with_mode(&r, "branches+early", &text);
    r.config.algorithms = text.s;
    int64_t n = 1;
    while (run_with_failure(&r, "any", n))
        n++;
    print_message("branches: %d calls\n", (int)n - 1);
    cnn_text_free(&text);
    cnn_text_free(&r.algorithms);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_any_call_may_fail_layered, reset_device),
        cmocka_unit_test_setup(test_any_call_may_fail_native, reset_device),
        cmocka_unit_test_setup(test_a_failing_candidate_is_left_out, reset_device),
        cmocka_unit_test_setup(test_a_sticky_error_ends_the_run_and_names_the_candidate,
                               reset_device),
        cmocka_unit_test_setup(test_a_workspace_outlives_one_that_cannot_be_had, reset_device),
        cmocka_unit_test_setup(test_memory_that_ends_is_named, reset_device),
    };
    const struct CMUnitTest long_tests[] = {
        cmocka_unit_test_setup(test_calls_may_fail_while_algorithms_are_tuned, reset_device),
        cmocka_unit_test_setup(test_any_call_may_fail_in_branches, reset_device),
    };
    cmocka_set_test_filter(getenv("CNN_TEST_ONLY"));
    if (argc > 1 && strcmp(argv[1], "long") == 0)
        return cmocka_run_group_tests(long_tests, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
