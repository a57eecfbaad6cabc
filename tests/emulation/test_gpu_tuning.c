/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/ on the emulated device: algorithms and capture modes that are chosen by timing. */
#include "emulation/gpu_run.h"

#include "gpu/convolution/timing.h"

#include <math.h>

static void test_of_equal_times_the_first_wins(void **state)
{
    (void)state;
    const float close[] = {10.1f, 10, 9.95f}, apart[] = {10.3f, 10, 9.95f};
    const float left_out[] = {INFINITY, 12, INFINITY}, none[] = {INFINITY, INFINITY};
    assert_int_equal(cnn_timing_fastest(close, 3), 0);
    assert_int_equal(cnn_timing_fastest(apart, 3), 1);
    assert_int_equal(cnn_timing_fastest(left_out, 3), 1);
    assert_int_equal(cnn_timing_fastest(none, 2), -1);
}

/* Over more values than a block has threads, the farthest of them anywhere. */
static void test_distance_is_that_of_all_values(void **state)
{
    (void)state;
    enum { SIZE = 70001 };
    const run r = make_run(CNN_PATH_NATIVE);
    cnn_ops *ops = NULL;
    float *values = calloc(SIZE, sizeof *values), *a, *b, *result, found[2];
    assert_int_equal(cnn_ops_open(&r.config, &ops), CNN_OK);
    assert_int_equal(cnn_cuda_floats(ops, SIZE, "a", &a), CNN_OK);
    assert_int_equal(cnn_cuda_floats(ops, SIZE, "b", &b), CNN_OK);
    assert_int_equal(cnn_cuda_floats(ops, 2, "result", &result), CNN_OK);
    for (int i = 0; i < 3; i++) {
        const size_t at = (size_t[]){0, SIZE / 2, SIZE - 1}[i];
        values[at] = i == 2 ? NAN : (float)(i + 1);
        assert_int_equal(cnn_ops_upload(ops, i == 1 ? a : b, values, SIZE * sizeof *values),
                         CNN_OK);
        assert_int_equal(cnn_gpu_distance(ops->current.stream, SIZE, a, b, result), cudaSuccess);
        assert_int_equal(cnn_ops_download(ops, found, result, sizeof found), CNN_OK);
        assert_float_equal(found[0], i == 0 ? 0 : 2, 0);
        assert_true(found[1] == (i == 0 ? 1.0f : i == 1 ? 2.0f : INFINITY));
    }
    cnn_cuda_free(ops, (void **)&a);
    cnn_cuda_free(ops, (void **)&b);
    cnn_cuda_free(ops, (void **)&result);
    cnn_ops_close(&ops);
    free(values);
}

static void test_frozen_algorithms_repeat_a_run(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        run first = make_run((cnn_path)path), second = first;
        first.config.autotune = second.config.autotune = true;
        run_or_fail(&first);
        second.config.algorithms = first.algorithms.s;
        run_or_fail(&second);
        assert_string_equal(second.algorithms.s, first.algorithms.s);
        assert_memory_equal(second.parameters, first.parameters, run_parameter_bytes(&first));
        cnn_text_free(&first.algorithms);
        cnn_text_free(&second.algorithms);
    }
}

/* Emulated engines are faster than our own kernels are when emulated, so one of them is taken; but
 * never one whose results are wrong. */
static void test_tuning_takes_the_fast_but_not_the_wrong(void **state)
{
    (void)state;
    run r = make_run(CNN_PATH_LAYERED);
    r.config.autotune = true;
    run_or_fail(&r);
    assert_null(strstr(r.algorithms.s, "=direct"));
    for (int64_t index = 0; index < 2; index++) {
        char name[8];
        snprintf(name, sizeof name, "=e%d", (int)index);
        cnn_emulated_break_engine(index);
        run_or_fail(&r);
        for (const char *at = strstr(r.algorithms.s, name); at; at = strstr(at + 1, name))
            assert_in_range(at[3], '0', '9'); /* another engine, =e1.. */
    }
    cnn_text_free(&r.algorithms);
}

/* Own kernels compete on the native path alone. */
static void test_layered_path_is_the_librarys(void **state)
{
    (void)state;
    cnn_emulated_break_engine(0);
    run r = make_run(CNN_PATH_LAYERED);
    r.config.autotune = true;
    run_or_fail(&r);
    for (const char *at = r.algorithms.s; (at = strchr(at, ';')); at++)
        assert_int_equal(strchr(at, '=')[1], 'e');
    cnn_text_free(&r.algorithms);
}

static void test_backward_from_the_pooled_gradient_is_tuned(void **state)
{
    (void)state;
    run first = make_native(&wide), tuned = first, frozen = first;
    run_or_fail(&first);
    tuned.known = first.algorithms.s;
    tuned.config.autotune = true;
    run_or_fail(&tuned);
    for (int i = 0; i < 2; i++) {
        cnn_text name = {0};
        cnn_text_printf(&name, ";unpool:%dx6x6x16>", tuned.config.batch_sizes[i]);
        assert_non_null(strstr(tuned.algorithms.s, name.s));
        cnn_text_free(&name);
    }
    frozen.config.algorithms = tuned.algorithms.s;
    run_or_fail(&frozen);
    assert_string_equal(frozen.algorithms.s, tuned.algorithms.s);
    assert_memory_equal(frozen.parameters, tuned.parameters, run_parameter_bytes(&tuned));
    cnn_text_free(&first.algorithms);
    cnn_text_free(&tuned.algorithms);
    cnn_text_free(&frozen.algorithms);
}

/* Tunes the step alone where a graph takes so long; whatever is chosen, a run ends in the same bits.
 * Own kernels do what may be launched early on the longest way through the graph. */
static void tune(double node, double dependent, double early, double branch, const char *expected)
{
    run plain = make_native(&deep), tuned = plain, again = plain;
    char entry[64];
    cnn_text known = {0};
    run_or_fail(&plain);
    with_direct(plain.algorithms.s, "wgrad:", &known);
    plain.config.algorithms = tuned.known = known.s;
    run_or_fail(&plain);
    snprintf(entry, sizeof entry, ";step:%dx%dx%dx%d=%s", BATCH, run_shape.h, run_shape.w,
             run_shape.c, expected);
    tuned.config.autotune = again.config.autotune = true;
    cnn_emulated_graph_seconds(node, dependent, early, branch);
    run_or_fail(&tuned);
    const char *step = strstr(tuned.algorithms.s, ";step:");
    assert_non_null(step);
    assert_string_equal(step, entry);
    again.config.algorithms = tuned.algorithms.s;
    run_or_fail(&again);
    assert_string_equal(again.algorithms.s, tuned.algorithms.s);
    assert_memory_equal(again.parameters, tuned.parameters, run_parameter_bytes(&plain));
    assert_memory_equal(tuned.parameters, plain.parameters, run_parameter_bytes(&plain));
    cnn_text_free(&known);
    cnn_text_free(&plain.algorithms);
    cnn_text_free(&tuned.algorithms);
    cnn_text_free(&again.algorithms);
}

static void test_tuning_takes_the_fastest_mode(void **state)
{
    (void)state;
    tune(1, 1.5, 1.5, 0, "branches");
    tune(1, 0.5, 0.7, 10, "dependent");
    tune(1, 0.5, 0.7, 0, "branches+dependent");
    tune(1, 0.5, 0.2, 10, "early");
    tune(1, 0.5, 0.2, 0, "branches+early");
    tune(1, 1.5, 1.5, 10, "plain");
    tune(1, 0.9999, 1, 10, "plain"); /* too little to gain */
}

/* Early launches are tried where they have passed a soak, or are asked for; they must gain 5 %. */
static void test_early_launches_need_a_soak_and_a_clear_gain(void **state)
{
    (void)state;
    tune(1, 0.5, 0.48, 10, "dependent"); /* with 0.2 for 0.48: early, above */
    unsetenv("CNN_GPU_TRY_EARLY");
    tune(1, 0.5, 0.2, 10, "dependent");
}

static void test_tuning_leaves_out_modes_that_are_wrong_or_fail(void **state)
{
    (void)state;
    cnn_emulated_break_branches(true);
    tune(1, 0.5, 0.7, 0, "dependent");
    cnn_emulated_break_branches(false);
    cnn_emulated_code_for(80);
    tune(1, 0.5, 0.2, 0, "branches");
    cnn_emulated_code_for(90);
    cnn_emulated_fail("cudaStreamWaitEvent", 1); /* of "branches", not of both */
    tune(1, 0.5, 0.7, 0, "branches+dependent");
    assert_true(cnn_emulated_has_failed());
    cnn_emulated_fail("cudaGraphGetEdges", 1); /* of "dependent" */
    tune(1, 0.5, 0.2, 0, "branches+early");
    assert_true(cnn_emulated_has_failed());
}

/* What was timed is told: of the modes that are right, the time of a step. */
static void test_tuned_times_are_described(void **state)
{
    (void)state;
    run r = make_native(&deep);
    cnn_text text = {0};
    cnn_ops *ops = NULL;
    cnn_feed *feed = NULL;
    cnn_model *model = NULL;
    r.config.autotune = true;
    cnn_emulated_break_branches(true);
    cnn_emulated_graph_seconds(1, 0.5, 0.7, 0);
    assert_int_equal(cnn_ops_open(&r.config, &ops), CNN_OK);
    assert_int_equal(make_run_feed(ops, run_shape, &feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &r.net, &r.train, CNN_PATH_NATIVE, run_seed, &model),
                     CNN_OK);
    assert_int_equal(train_run(&r, model, feed), CNN_OK);
    cnn_model_describe(model, &text);
    const char *line = strstr(text.s, "capture mode of the step: dependent; plain ");
    assert_non_null(line);
    const size_t length = strcspn(line, "\n");
    assert_true(strstr(line, "; dependent ") < line + length);
    assert_true(strstr(line, "; early ") < line + length);
    assert_false(strstr(line, "branches") && strstr(line, "branches") < line + length);
    cnn_text_free(&text);
    assert_int_equal(cnn_ops_timings(ops, &text), CNN_OK);
    assert_non_null(strstr(text.s, "step:4x6x6x2 dependent "));
    assert_non_null(strstr(text.s, "step:4x6x6x2 branches left out"));
    assert_non_null(strstr(text.s, "fwdpool:4x6x6x4>6x6x3k3s1p1.1>3x3k2s2p0.0r direct "));
    assert_non_null(strstr(text.s, "wgrad:2x6x6x4>6x6x3k3s1p1.1 e"));
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
    cnn_text_free(&text);
}

/* A graph that was captured keeps the addresses of its time: what it uses must stay, or it must be
 * captured anew. Here a later model wants a larger workspace of the same device. */
static void test_graphs_survive_a_growing_workspace(void **state)
{
    (void)state;
    run first = make_run(CNN_PATH_NATIVE), r;
    cnn_network large = drawn;
    cnn_ops *ops = NULL;
    cnn_feed *feed = NULL;
    cnn_model *model = NULL, *later = NULL;
    large.layers[0].filters = 16;
    assert_int_equal(cnn_network_infer(&large, run_shape, CLASSES), CNN_OK);
    first.config.precision = CNN_PRECISION_TF32; /* whose engines need workspace */
    run_or_fail(&first);
    r = first;
    r.known = first.algorithms.s;
    r.config.autotune = true;
    assert_int_equal(open_run(&r, &ops), CNN_OK);
    assert_int_equal(make_run_feed(ops, r.net.input, &feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &r.net, &r.train, CNN_PATH_NATIVE, run_seed, &model),
                     CNN_OK);
    assert_int_equal(train_run(&r, model, feed), CNN_OK);
    const size_t before = ops->current.workspace_bytes;
    assert_int_equal(cnn_model_create(ops, &large, &r.train, CNN_PATH_NATIVE, run_seed, &later),
                     CNN_OK);
    assert_true(before > 0 && ops->current.workspace_bytes > before);
    if (train_run(&r, model, feed) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_model_destroy(&later);
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
    cnn_text_free(&first.algorithms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_of_equal_times_the_first_wins, reset_device),
        cmocka_unit_test_setup(test_distance_is_that_of_all_values, reset_device),
        cmocka_unit_test_setup(test_frozen_algorithms_repeat_a_run, reset_device),
        cmocka_unit_test_setup(test_tuning_takes_the_fast_but_not_the_wrong, reset_device),
        cmocka_unit_test_setup(test_layered_path_is_the_librarys, reset_device),
        cmocka_unit_test_setup(test_backward_from_the_pooled_gradient_is_tuned, reset_device),
        cmocka_unit_test_setup(test_tuning_takes_the_fastest_mode, reset_device),
        cmocka_unit_test_setup(test_early_launches_need_a_soak_and_a_clear_gain, reset_device),
        cmocka_unit_test_setup(test_tuning_leaves_out_modes_that_are_wrong_or_fail, reset_device),
        cmocka_unit_test_setup(test_tuned_times_are_described, reset_device),
        cmocka_unit_test_setup(test_graphs_survive_a_growing_workspace, reset_device),
    };
    cmocka_set_test_filter(getenv("CNN_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
