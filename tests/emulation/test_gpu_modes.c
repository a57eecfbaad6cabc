/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/ on the emulated device: capture modes of the native step, which all end in the same bits. */
#include "emulation/gpu_run.h"

static const cnn_shape rgb = {6, 4, 3}; /* as many values as run_shape has */

static const char *const modes[] = {"plain", "branches",      "dependent", "branches+dependent",
                                    "early", "branches+early"};
enum { PLAIN, BRANCHES, DEPENDENT, MODES = 6 };

/* Modes from `first` on end in the bits of plain, which has run. */
static void check_modes_from(int first, const run *plain)
{
    const char *const orders[] = {"forward", "reverse", "5", "6"};
    for (int v = first; v < MODES; v++)
        for (int i = 0; i < 4; i++) {
            run other = *plain;
            cnn_text text = {0};
            const size_t before = cnn_emulated_dependent_launches();
            other.algorithms = (cnn_text){0};
            with_mode(plain, modes[v], &text);
            other.config.algorithms = text.s;
            cnn_emulated_order(orders[i]);
            run_or_fail(&other);
            assert_memory_equal(other.parameters, plain->parameters, run_parameter_bytes(plain));
            assert_string_equal(other.algorithms.s, text.s);
            assert_int_equal(cnn_emulated_dependent_launches() > before, v >= DEPENDENT);
            cnn_text_free(&text);
            cnn_text_free(&other.algorithms);
        }
}

static void check_modes_of(const run *plain)
{
    check_modes_from(PLAIN, plain);
}

static void check_modes(run plain)
{
    run_or_fail(&plain);
    check_modes_of(&plain);
    cnn_text_free(&plain.algorithms);
}

/* All of it by own kernels but the convolution in the middle: the first one reads the batch while
 * the classifier's branch moves the step's place on. */
static const cnn_network like_the_study = {
    .name = "like the study's",
    .layer_count = 7,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 4, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_CONV2D, .filters = 3, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DENSE}}};

/* Branches that lack an order that they need, or share memory, end in other bits in one of the
 * orders, or are refused as a race. */
static void test_modes_end_in_the_same_bits(void **state)
{
    (void)state;
    check_modes(make_native(&drawn));
    check_modes(make_native(&deep));
    check_modes(make_native_for(rgb, &like_the_study));
}

/* With dependent launches nothing may rest on a library's kernel that never waits. */
static void check_dependent_modes_of(run plain)
{
    cnn_emulated_libraries_never_wait(false);
    run_or_fail(&plain);
    cnn_emulated_libraries_never_wait(true);
    check_modes_from(DEPENDENT, &plain);
    cnn_text_free(&plain.algorithms);
}

/* The networks have products and convolutions of the libraries, in branches and beside them, and in
 * the last one a kernel of ours before the branches join. */
static void test_dependent_modes_hold_with_libraries_that_never_wait(void **state)
{
    (void)state;
    check_dependent_modes_of(make_native(&drawn));
    check_dependent_modes_of(make_native(&deep));
    check_dependent_modes_of(make_native_for(rgb, &like_the_study));
}

/* ";fwd:4x6x6x16>6x6x16k5...=e1" -> "...=winograd"; returns how many were such. */
static int with_winograd(const char *algorithms, cnn_text *out)
{
    int count = 0;
    const char *at = strchr(algorithms, ';');
    cnn_text_printf(out, "%.*s", (int)(at - algorithms), algorithms);
    while (at) {
        const size_t problem = strcspn(at, "="), entry = 1 + strcspn(at + 1, ";");
        const char *wide_input = strstr(at, "x6x6x16>");
        const bool fits = wide_input && wide_input < at + problem;
        cnn_text_printf(out, "%.*s%s", (int)(fits ? problem : entry), at, fits ? "=winograd" : "");
        count += fits;
        at = at[entry] ? at + entry : NULL;
    }
    return count;
}

/* Within whole steps: its products also use a stream's handle and workspace. */
static void test_winograd_does_what_cudnn_does(void **state)
{
    (void)state;
    enum { CHOICES = 4 * 2 }; /* forward, with the pool, two backward; batch sizes */
    run engines = make_native(&wide), winograd;
    cnn_text algorithms = {0};
    engines.train.optimizer = CNN_OPTIMIZER_SGD;
    engines.train.learning_rate = 0.05;
    winograd = engines;
    run_or_fail(&engines);
    assert_int_equal(with_winograd(engines.algorithms.s, &algorithms), CHOICES);
    winograd.config.algorithms = algorithms.s;
    run_or_fail(&winograd);
    assert_string_equal(winograd.algorithms.s, algorithms.s);
    for (int64_t i = 0; i < engines.net.parameter_total; i++)
        assert_float_equal(winograd.parameters[i], engines.parameters[i], 1e-5f);
    check_modes_of(&winograd);
    run failing = winograd;
    failing.algorithms = (cnn_text){0};
    int64_t n = 1;
    while (run_with_failure(&failing, "cublasSgemmStridedBatched", n))
        n++;
    assert_true(n > CHOICES);
    cnn_text_free(&failing.algorithms);
    cnn_text_free(&algorithms);
    cnn_text_free(&engines.algorithms);
    cnn_text_free(&winograd.algorithms);
}

/* The algorithms of r, and one for the backward of its pooled convolution at both batch sizes. */
static void with_unpool(const run *r, const char *choice, cnn_text *out)
{
    cnn_text_append(out, r->algorithms.s);
    for (int i = 0; i < 2; i++)
        cnn_text_printf(out, ";unpool:%dx6x6x16>6x6x16k5s1p2.2>3x3k2s2p0.0r=%s",
                        r->config.batch_sizes[i], choice);
}

/* Backward from behind a pool at once: the same gradients, in every capture mode. */
static void test_backward_from_the_pooled_gradient(void **state)
{
    (void)state;
    run apart = make_native(&wide), pooled;
    cnn_text text = {0};
    apart.train.optimizer = CNN_OPTIMIZER_SGD;
    apart.train.learning_rate = 0.05;
    pooled = apart;
    run_or_fail(&apart);
    assert_null(strstr(apart.algorithms.s, "unpool")); /* not tuned */
    with_unpool(&apart, "pooled", &text);
    pooled.config.algorithms = text.s;
    run_or_fail(&pooled);
    assert_string_equal(pooled.algorithms.s, text.s);
    assert_memory_not_equal(pooled.parameters, apart.parameters, run_parameter_bytes(&apart));
    for (int64_t i = 0; i < apart.net.parameter_total; i++)
        assert_float_equal(pooled.parameters[i], apart.parameters[i], 1e-5f);
    check_modes_of(&pooled);
    text.s[text.len - 1] = 'y'; /* pooley */
    assert_int_equal(run_once(&pooled), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "apart or pooled"));
    cnn_text_free(&text);
    cnn_text_free(&apart.algorithms);
    cnn_text_free(&pooled.algorithms);
}

static void test_modes_have_branches(void **state)
{
    (void)state;
    run plain = make_native(&deep), other = plain;
    cnn_text text = {0};
    run_or_fail(&plain);
    with_mode(&plain, "branches", &text);
    other.config.algorithms = text.s;
    cnn_emulated_break_branches(true);
    if (run_once(&other) == CNN_OK) /* else the counts were missed */
        assert_memory_not_equal(other.parameters, plain.parameters, run_parameter_bytes(&plain));
    cnn_text_free(&text);
    cnn_text_free(&plain.algorithms);
    cnn_text_free(&other.algorithms);
}

/* Two models of one device: each has its own capture mode, whatever the other did before. */
static void test_models_with_different_modes_share_a_device(void **state)
{
    (void)state;
    run plain = make_native(&drawn), mixed = plain;
    cnn_text text = {0};
    cnn_ops *ops = NULL;
    cnn_feed *feed = NULL;
    cnn_model *model[2] = {NULL, NULL};
    cnn_train small = plain.train;
    double loss;
    run_or_fail(&plain);
    with_mode(&plain, "branches", &text);
    mixed.config.algorithms = text.s;
    small.batch_size = COUNT % BATCH;
    assert_int_equal(cnn_ops_open(&mixed.config, &ops), CNN_OK);
    assert_int_equal(make_run_feed(ops, mixed.net.input, &feed), CNN_OK);
    assert_int_equal(
        cnn_model_create(ops, &mixed.net, &mixed.train, CNN_PATH_NATIVE, run_seed, &model[0]),
        CNN_OK);
    assert_int_equal(
        cnn_model_create(ops, &mixed.net, &small, CNN_PATH_NATIVE, run_seed, &model[1]), CNN_OK);
    assert_int_equal(cnn_model_differentiate(model[0], feed, 0, &loss), CNN_OK);
    assert_int_equal(cnn_model_differentiate(model[1], feed, 0, &loss), CNN_OK);
    if (train_run(&mixed, model[0], feed) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    assert_memory_equal(mixed.parameters, plain.parameters, run_parameter_bytes(&plain));
    cnn_model_destroy(&model[0]);
    cnn_model_destroy(&model[1]);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
    cnn_text_free(&text);
    cnn_text_free(&plain.algorithms);
}

static void test_frozen_modes_that_cannot_be_had_are_refused(void **state)
{
    (void)state;
    run r = make_native(&drawn);
    const char *const wrong[] = {"", "branch", "branches+", "plain2", "e0", "direct"};
    run_or_fail(&r);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cnn_text text = {0};
        run other = r;
        other.algorithms = (cnn_text){0};
        with_mode(&r, wrong[i], &text);
        other.config.algorithms = text.s;
        assert_int_equal(run_once(&other), CNN_EUSAGE);
        assert_non_null(strstr(cnn_error_message(), "a capture mode"));
        cnn_text_free(&text);
    }
    run other = r;
    cnn_text text = {0};
    other.algorithms = (cnn_text){0};
    with_mode(&r, "dependent", &text);
    other.config.algorithms = text.s;
    cnn_emulated_code_for(80);
    assert_int_equal(run_once(&other), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "compute capability 9.0"));
    cnn_emulated_code_for(90);
    cnn_text_free(&text);
    cnn_text_free(&r.algorithms);
}

static void test_a_run_that_may_not_tune_is_plain(void **state)
{
    (void)state;
    run r = make_native(&deep);
    cnn_emulated_graph_seconds(1, 0.5, 0.2, 0);
    run_or_fail(&r);
    assert_null(strstr(r.algorithms.s, ";step:"));
    cnn_text_free(&r.algorithms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_modes_end_in_the_same_bits, reset_device),
        cmocka_unit_test_setup(test_dependent_modes_hold_with_libraries_that_never_wait,
                               reset_device),
        cmocka_unit_test_setup(test_winograd_does_what_cudnn_does, reset_device),
        cmocka_unit_test_setup(test_backward_from_the_pooled_gradient, reset_device),
        cmocka_unit_test_setup(test_modes_have_branches, reset_device),
        cmocka_unit_test_setup(test_models_with_different_modes_share_a_device, reset_device),
        cmocka_unit_test_setup(test_frozen_modes_that_cannot_be_had_are_refused, reset_device),
        cmocka_unit_test_setup(test_a_run_that_may_not_tune_is_plain, reset_device),
    };
    cmocka_set_test_filter(getenv("CNN_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
