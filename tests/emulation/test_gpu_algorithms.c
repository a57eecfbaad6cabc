/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/ on the emulated device: algorithms that are frozen or forbidden, and what the choice of them must
 * not change. What its layers compute is tests/conformance's subject. */
#include "emulation/gpu_run.h"

static void test_frozen_algorithms_of_another_network_are_refused(void **state)
{
    (void)state;
    run first = make_run(CNN_PATH_LAYERED), second = first;
    run_or_fail(&first);
    second.config.algorithms = first.algorithms.s;
    second.net = drawn;
    second.net.layers[0].filters = 5;
    assert_int_equal(cnn_network_infer(&second.net, run_shape, CLASSES), CNN_OK);
    assert_int_equal(run_once(&second), CNN_EUSAGE);
    cnn_text_free(&first.algorithms);
}

/* Names that nobody has, and one whose kernel is not made for such a convolution. */
static void test_frozen_own_kernels_are_checked(void **state)
{
    (void)state;
    const char *const names[] = {"directly", "direc", "", "few"};
    run good = make_run(CNN_PATH_NATIVE);
    run_or_fail(&good);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run r = good;
        cnn_text text = {0};
        const size_t known = strcspn(strchr(good.algorithms.s, ';') + 1, "=");
        const size_t version = strcspn(good.algorithms.s, ";");
        cnn_text_printf(&text, "%.*s=%s", (int)(version + 1 + known), good.algorithms.s, names[i]);
        r.config.algorithms = text.s;
        r.algorithms = (cnn_text){0};
        assert_int_equal(run_once(&r), CNN_EUSAGE);
        assert_non_null(strstr(cnn_error_message(), "frozen algorithms"));
        cnn_text_free(&text);
    }
    cnn_text_free(&good.algorithms);
}

/* The emulated engines: 67, 71, 68 are TF32; 25 and 20 differ from run to run; 62, 67, 65 (by
 * direction) round to half precision, and are never proposed. */
static void test_precision_and_determinism_limit_the_engines(void **state)
{
    (void)state;
    run r = make_run(CNN_PATH_LAYERED);
    run_or_fail(&r);
    assert_null(strstr(r.algorithms.s, "=e67"));
    assert_null(strstr(r.algorithms.s, "=e71"));
    assert_null(strstr(r.algorithms.s, "=e68"));
    assert_null(strstr(r.algorithms.s, "=e25"));
    assert_null(strstr(r.algorithms.s, "=e20"));
    r.config.deterministic = false;
    run_or_fail(&r);
    assert_non_null(strstr(r.algorithms.s, "=e25"));
    assert_non_null(strstr(r.algorithms.s, "=e20"));
    r.config.precision = CNN_PRECISION_TF32;
    run_or_fail(&r);
    assert_non_null(strstr(r.algorithms.s, "=e67"));
    assert_non_null(strstr(r.algorithms.s, "=e71"));
    assert_non_null(strstr(r.algorithms.s, "=e68"));
    cnn_text_free(&r.algorithms);
}

static void test_runs_repeat_to_the_bit_if_deterministic(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        run first = make_run((cnn_path)path), second = first;
        run_or_fail(&first);
        run_or_fail(&second);
        assert_memory_equal(second.parameters, first.parameters, run_parameter_bytes(&first));
        first.config.deterministic = second.config.deterministic = false;
        run_or_fail(&first);
        run_or_fail(&second);
        assert_memory_not_equal(second.parameters, first.parameters, run_parameter_bytes(&first));
        cnn_text_free(&first.algorithms);
        cnn_text_free(&second.algorithms);
    }
}

static void test_tf32_changes_results(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        run full = make_run((cnn_path)path), tf32 = full;
        tf32.config.precision = CNN_PRECISION_TF32;
        run_or_fail(&full);
        run_or_fail(&tf32);
        assert_memory_not_equal(tf32.parameters, full.parameters, run_parameter_bytes(&full));
        cnn_text_free(&full.algorithms);
        cnn_text_free(&tf32.algorithms);
    }
}

/* Two ways to the same gradients; Adam's first steps would magnify what separates them. */
static void test_own_kernels_do_what_cudnn_does(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        run engines = make_run((cnn_path)path), direct;
        cnn_text algorithms = {0};
        engines.train.optimizer = CNN_OPTIMIZER_SGD;
        engines.train.learning_rate = 0.05;
        direct = engines;
        run_or_fail(&engines);
        assert_null(strstr(engines.algorithms.s, "=direct"));
        with_direct(engines.algorithms.s, NULL, &algorithms);
        direct.config.algorithms = algorithms.s;
        run_or_fail(&direct);
        assert_string_equal(direct.algorithms.s, algorithms.s);
        for (int64_t i = 0; i < engines.net.parameter_total; i++)
            assert_float_equal(direct.parameters[i], engines.parameters[i], 1e-5f);
        cnn_text_free(&algorithms);
        cnn_text_free(&engines.algorithms);
        cnn_text_free(&direct.algorithms);
    }
}

/* The first layer's weights: elsewhere, gradients that are zero but for rounding make Adam go
 * either way. */
static void test_paths_agree_with_adam(void **state)
{
    (void)state;
    enum { FIRST = 3 * 3 * 2 * 4 };
    run layered = make_run(CNN_PATH_LAYERED), native = make_run(CNN_PATH_NATIVE);
    run_or_fail(&layered);
    run_or_fail(&native);
    for (int k = 0; k < FIRST; k++)
        assert_float_equal(native.parameters[k], layered.parameters[k],
                           layered.train.learning_rate / 100);
    cnn_text_free(&layered.algorithms);
    cnn_text_free(&native.algorithms);
}

/* What depends on the order of threads is a race. */
static void test_order_of_threads_changes_no_bit(void **state)
{
    (void)state;
    const char *const orders[] = {"reverse", "3", "4"};
    for (int path = 0; path < 2; path++) {
        run forward = make_run((cnn_path)path);
        run_or_fail(&forward);
        for (int i = 0; i < 3; i++) {
            run other = make_run((cnn_path)path);
            cnn_emulated_order(orders[i]);
            run_or_fail(&other);
            assert_memory_equal(other.parameters, forward.parameters,
                                run_parameter_bytes(&forward));
            cnn_text_free(&other.algorithms);
        }
        cnn_emulated_order("forward");
        cnn_text_free(&forward.algorithms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_frozen_algorithms_of_another_network_are_refused, reset_device),
        cmocka_unit_test_setup(test_frozen_own_kernels_are_checked, reset_device),
        cmocka_unit_test_setup(test_precision_and_determinism_limit_the_engines, reset_device),
        cmocka_unit_test_setup(test_runs_repeat_to_the_bit_if_deterministic, reset_device),
        cmocka_unit_test_setup(test_tf32_changes_results, reset_device),
        cmocka_unit_test_setup(test_own_kernels_do_what_cudnn_does, reset_device),
        cmocka_unit_test_setup(test_paths_agree_with_adam, reset_device),
        cmocka_unit_test_setup(test_order_of_threads_changes_no_bit, reset_device),
    };
    cmocka_set_test_filter(getenv("CNN_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
