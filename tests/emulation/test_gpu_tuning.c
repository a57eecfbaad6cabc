/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/ on the emulated device: algorithms and capture modes that are tuned, frozen or forbidden, and
 * what they must not change. What its layers compute is tests/conformance's subject. */
#include "emulation/gpu_run.h"

#include "gpu/convolution/timing.h"

#include <math.h>

static const cnn_shape rgb = {6, 4, 3}; /* as many values as run_shape has */

/* ---- algorithms ---------------------------------------------------------------------------- */

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

/* "fwd:...=e1,2:0;dgrad:...=direct" -> "fwd:...=direct;dgrad:...=direct" */
static void all_direct(const char *algorithms, cnn_text *out)
{
    const char *at = strchr(algorithms, ';');
    cnn_text_printf(out, "%.*s", at ? (int)(at - algorithms) : (int)strlen(algorithms), algorithms);
    while (at) {
        const char *equals = strchr(at, '=');
        assert_non_null(equals);
        cnn_text_printf(out, "%.*s=direct", (int)(equals - at), at);
        at = strchr(equals, ';');
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
        all_direct(engines.algorithms.s, &algorithms);
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

/* ---- capture modes -------------------------------------------------------------------------- */

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

/* Convolutions that Winograd's algorithm does, one of them before a pool. */
static const cnn_network wide = {
    .name = "wide",
    .layer_count = 8,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 16, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_CONV2D, .filters = 16, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_CONV2D, .filters = 16, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DENSE}}};

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

static void test_backward_from_the_pooled_gradient_is_tuned(void **state)
{
    (void)state;
    run tuned = make_native(&wide), frozen;
    tuned.config.autotune = true;
    frozen = tuned;
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
    cnn_text_free(&tuned.algorithms);
    cnn_text_free(&frozen.algorithms);
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

/* Tunes where a graph takes so long; whatever is chosen, a run ends in the same bits. */
static void tune(double node, double dependent, double early, double branch, const char *expected)
{
    run plain = make_native(&deep), tuned = plain, again = plain;
    char entry[64];
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
    cnn_text text = {0};
    with_mode(&tuned, "plain", &text);
    plain.config.algorithms = text.s;
    run_or_fail(&plain);
    assert_memory_equal(tuned.parameters, plain.parameters, run_parameter_bytes(&plain));
    cnn_text_free(&text);
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

static void test_a_run_that_may_not_tune_is_plain(void **state)
{
    (void)state;
    run r = make_native(&deep);
    cnn_emulated_graph_seconds(1, 0.5, 0.2, 0);
    run_or_fail(&r);
    assert_null(strstr(r.algorithms.s, ";step:"));
    cnn_text_free(&r.algorithms);
}

/* ---- graphs -------------------------------------------------------------------------------- */

/* A graph that was captured keeps the addresses of its time: what it uses must stay, or it must be
 * captured anew. Here a later model wants a larger workspace of the same device. */
static void test_graphs_survive_a_growing_workspace(void **state)
{
    (void)state;
    run r = make_run(CNN_PATH_NATIVE);
    cnn_network large = drawn;
    cnn_ops *ops = NULL;
    cnn_feed *feed = NULL;
    cnn_model *model = NULL, *later = NULL;
    large.layers[0].filters = 64;
    assert_int_equal(cnn_network_infer(&large, run_shape, CLASSES), CNN_OK);
    r.config.precision = CNN_PRECISION_TF32;
    r.config.autotune = true;
    assert_int_equal(cnn_ops_open(&r.config, &ops), CNN_OK);
    assert_int_equal(make_run_feed(ops, r.net.input, &feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &r.net, &r.train, CNN_PATH_NATIVE, run_seed, &model),
                     CNN_OK);
    assert_int_equal(train_run(&r, model, feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &large, &r.train, CNN_PATH_NATIVE, run_seed, &later),
                     CNN_OK);
    if (train_run(&r, model, feed) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_model_destroy(&later);
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_frozen_algorithms_repeat_a_run, reset_device),
        cmocka_unit_test_setup(test_tuning_takes_the_fast_but_not_the_wrong, reset_device),
        cmocka_unit_test_setup(test_frozen_algorithms_of_another_network_are_refused, reset_device),
        cmocka_unit_test_setup(test_frozen_own_kernels_are_checked, reset_device),
        cmocka_unit_test_setup(test_layered_path_is_the_librarys, reset_device),
        cmocka_unit_test_setup(test_precision_and_determinism_limit_the_engines, reset_device),
        cmocka_unit_test_setup(test_runs_repeat_to_the_bit_if_deterministic, reset_device),
        cmocka_unit_test_setup(test_tf32_changes_results, reset_device),
        cmocka_unit_test_setup(test_own_kernels_do_what_cudnn_does, reset_device),
        cmocka_unit_test_setup(test_paths_agree_with_adam, reset_device),
        cmocka_unit_test_setup(test_order_of_threads_changes_no_bit, reset_device),
        cmocka_unit_test_setup(test_modes_end_in_the_same_bits, reset_device),
        cmocka_unit_test_setup(test_dependent_modes_hold_with_libraries_that_never_wait,
                               reset_device),
        cmocka_unit_test_setup(test_winograd_does_what_cudnn_does, reset_device),
        cmocka_unit_test_setup(test_backward_from_the_pooled_gradient, reset_device),
        cmocka_unit_test_setup(test_backward_from_the_pooled_gradient_is_tuned, reset_device),
        cmocka_unit_test_setup(test_modes_have_branches, reset_device),
        cmocka_unit_test_setup(test_models_with_different_modes_share_a_device, reset_device),
        cmocka_unit_test_setup(test_frozen_modes_that_cannot_be_had_are_refused, reset_device),
        cmocka_unit_test_setup(test_tuning_takes_the_fastest_mode, reset_device),
        cmocka_unit_test_setup(test_early_launches_need_a_soak_and_a_clear_gain, reset_device),
        cmocka_unit_test_setup(test_of_equal_times_the_first_wins, reset_device),
        cmocka_unit_test_setup(test_distance_is_that_of_all_values, reset_device),
        cmocka_unit_test_setup(test_tuning_leaves_out_modes_that_are_wrong_or_fail, reset_device),
        cmocka_unit_test_setup(test_tuned_times_are_described, reset_device),
        cmocka_unit_test_setup(test_a_run_that_may_not_tune_is_plain, reset_device),
        cmocka_unit_test_setup(test_graphs_survive_a_growing_workspace, reset_device),
    };
    cmocka_set_test_filter(getenv("CNN_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
