/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/ on the emulated device: what its host logic does when calls fail, memory ends, algorithms
 * are tuned, frozen or forbidden. What its layers compute is tests/conformance's subject. */
#include "emulation/emulation.h"

#include "base/text.h"
#include "gpu/device/internal.h"
#include "nn/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 10, BATCH = 4, CLASSES = 3, MAX_PARAMETERS = 16000 };
static const uint64_t seed = 77;
static const cnn_shape shape = {6, 6, 2}, rgb = {6, 4, 3}; /* as many values */

static const cnn_network drawn = {
    .name = "small",
    .layer_count = 7,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 4, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_CONV2D, .filters = 3, .kernel = 2, .stride = 1, .same = true},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DROPOUT, .rate = 0.2},
               {.kind = CNN_LAYER_DENSE}}};

/* A run of one epoch, from opening the device to closing it. */
typedef struct {
    cnn_path path;
    cnn_ops_config config;
    cnn_network net;
    cnn_train train;
    bool step_seconds;
    float parameters[MAX_PARAMETERS]; /* at the end */
    cnn_text algorithms;
} run;

static run make_run(cnn_path path)
{
    run r = {.path = path, .net = drawn, .train = cnn_train_defaults()};
    r.config = (cnn_ops_config){
        .threads = 1, .deterministic = true, .batch_sizes = {BATCH, COUNT % BATCH}};
    r.train.batch_size = BATCH;
    r.train.optimizer = CNN_OPTIMIZER_ADAM;
    assert_int_equal(cnn_network_infer(&r.net, shape, CLASSES), CNN_OK);
    assert_true(r.net.parameter_total <= MAX_PARAMETERS);
    return r;
}

static cnn_status make_feed(cnn_ops *ops, cnn_shape of, cnn_feed **out)
{
    uint8_t images[COUNT * 6 * 6 * 2];
    int32_t labels[COUNT];
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)(i * 37 + i / 11);
    for (int i = 0; i < COUNT; i++)
        labels[i] = i % CLASSES;
    return cnn_feed_create(ops, of, COUNT, CNN_PIXEL_U8, 1.0 / 255, images, labels, out);
}

static cnn_status train(run *r, cnn_model *model, cnn_feed *feed)
{
    cnn_status st = CNN_OK;
    float seconds[COUNT];
    cnn_metrics metrics;
    cnn_network_draw(&r->net, seed, r->parameters);
    CNN_TRY(cnn_model_reset(model, r->parameters));
    CNN_TRY(cnn_feed_shuffle(feed, seed, 0));
    CNN_TRY(cnn_model_train(model, feed, 0, cnn_feed_batches(feed, BATCH),
                            r->step_seconds ? seconds : NULL));
    CNN_TRY(cnn_model_metrics(model, &metrics));
    CNN_CHECK(metrics.images == COUNT, CNN_EBACKEND, "%d images", (int)metrics.images);
    CNN_TRY(cnn_model_evaluate(model, feed, &metrics));
    CNN_TRY(cnn_model_parameters(model, r->parameters));
done:
    return st;
}

static cnn_status go(run *r)
{
    cnn_status st = CNN_OK;
    cnn_ops *ops = NULL;
    cnn_feed *feed = NULL;
    cnn_model *model = NULL;
    cnn_text_free(&r->algorithms);
    CNN_TRY(cnn_ops_open(&r->config, &ops));
    CNN_TRY(make_feed(ops, r->net.input, &feed));
    CNN_TRY(cnn_model_create(ops, &r->net, &r->train, r->path, seed, &model));
    CNN_TRY(train(r, model, feed));
    CNN_TRY(cnn_ops_algorithms(ops, &r->algorithms));
done:
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
    return st;
}

static void must_go(run *r)
{
    if (go(r) != CNN_OK)
        fail_msg("%s", cnn_error_message());
}

static size_t parameter_bytes(const run *r)
{
    return (size_t)r->net.parameter_total * sizeof r->parameters[0];
}

static int reset(void **state)
{
    (void)state;
    cnn_emulated_fail(NULL, 0);
    cnn_emulated_clear_error();
    cnn_emulated_break_engine(-1);
    cnn_emulated_break_branches(false);
    cnn_emulated_code_for(90);
    cnn_emulated_graph_seconds(0, 0, 0, 0);
    cnn_emulated_order("forward");
    cnn_emulated_memory_limit((size_t)1 << 30);
    return 0;
}

/* ---- calls that fail ----------------------------------------------------------------------- */

/* An engine that cannot be had is left out, an edge that cannot be early stays as it is, and so is
 * a candidate that fails while it is tried; a failure there may stay without consequence. */
static bool may_be_absorbed(const run *r, const char *call)
{
    return r->config.autotune || strncmp(call, "cudnnBackend", 12) == 0 ||
           strstr(call, "Dependencies");
}

/* Lets call n fail; false: there were fewer. */
static bool fail_once(run *r, const char *function, int64_t n)
{
    cnn_emulated_fail(function, n);
    const cnn_status st = go(r);
    const bool failed = cnn_emulated_has_failed();
    char call[64];
    snprintf(call, sizeof call, "%s", cnn_emulated_failed_call());
    cnn_emulated_fail(NULL, 0);
    cnn_emulated_clear_error();
    if (failed && st == CNN_OK && !may_be_absorbed(r, call))
        fail_msg("%s failed at call %d of %s, and nobody noticed", call, (int)n, function);
    if (failed && st != CNN_OK && strlen(cnn_error_message()) < 20)
        fail_msg("%s failed, and the message is '%s'", call, cnn_error_message());
    if (cnn_emulated_live_objects() > 0) {
        cnn_emulated_print_live();
        fail_msg("after %s failed at call %d of %s, something was never freed (%s)", call, (int)n,
                 function, st == CNN_OK ? "" : cnn_error_message());
    }
    if (!failed && st != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return failed;
}

static void walk(cnn_path path, const char *function, bool step_seconds)
{
    run r = make_run(path);
    r.step_seconds = step_seconds;
    must_go(&r);
    char *algorithms = strdup(r.algorithms.s);
    r.config.algorithms = algorithms;
    int64_t n = 1;
    while (fail_once(&r, function, n))
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
        for (int64_t n = 1; n < 4000 && fail_once(&r, functions[i], n); n += 1 + n * 2)
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
            must_go(&r);
            assert_int_equal(cnn_emulated_has_failed(), path == CNN_PATH_NATIVE || i < 2);
            cnn_emulated_fail(NULL, 0);
            cnn_emulated_clear_error();
            cnn_text_free(&r.algorithms);
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
        st = go(&r);
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

/* ---- algorithms ---------------------------------------------------------------------------- */

static void test_frozen_algorithms_repeat_a_run(void **state)
{
    (void)state;
    for (int path = 0; path < 2; path++) {
        run first = make_run((cnn_path)path), second = first;
        first.config.autotune = second.config.autotune = true;
        must_go(&first);
        second.config.algorithms = first.algorithms.s;
        must_go(&second);
        assert_string_equal(second.algorithms.s, first.algorithms.s);
        assert_memory_equal(second.parameters, first.parameters, parameter_bytes(&first));
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
    must_go(&r);
    assert_null(strstr(r.algorithms.s, "=direct"));
    for (int64_t index = 0; index < 2; index++) {
        char name[8];
        snprintf(name, sizeof name, "=e%d", (int)index);
        cnn_emulated_break_engine(index);
        must_go(&r);
        for (const char *at = strstr(r.algorithms.s, name); at; at = strstr(at + 1, name))
            assert_in_range(at[3], '0', '9'); /* another engine, =e1.. */
    }
    cnn_text_free(&r.algorithms);
}

static void test_frozen_algorithms_of_another_network_are_refused(void **state)
{
    (void)state;
    run first = make_run(CNN_PATH_LAYERED), second = first;
    must_go(&first);
    second.config.algorithms = first.algorithms.s;
    second.net = drawn;
    second.net.layers[0].filters = 5;
    assert_int_equal(cnn_network_infer(&second.net, shape, CLASSES), CNN_OK);
    assert_int_equal(go(&second), CNN_EUSAGE);
    cnn_text_free(&first.algorithms);
}

/* Names that nobody has, and one whose kernel is not made for such a convolution. */
static void test_frozen_own_kernels_are_checked(void **state)
{
    (void)state;
    const char *const names[] = {"directly", "direc", "", "few"};
    run good = make_run(CNN_PATH_NATIVE);
    must_go(&good);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run r = good;
        cnn_text text = {0};
        const size_t known = strcspn(strchr(good.algorithms.s, ';') + 1, "=");
        const size_t version = strcspn(good.algorithms.s, ";");
        cnn_text_printf(&text, "%.*s=%s", (int)(version + 1 + known), good.algorithms.s, names[i]);
        r.config.algorithms = text.s;
        r.algorithms = (cnn_text){0};
        assert_int_equal(go(&r), CNN_EUSAGE);
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
    must_go(&r);
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
    must_go(&r);
    assert_null(strstr(r.algorithms.s, "=e67"));
    assert_null(strstr(r.algorithms.s, "=e71"));
    assert_null(strstr(r.algorithms.s, "=e68"));
    assert_null(strstr(r.algorithms.s, "=e25"));
    assert_null(strstr(r.algorithms.s, "=e20"));
    r.config.deterministic = false;
    must_go(&r);
    assert_non_null(strstr(r.algorithms.s, "=e25"));
    assert_non_null(strstr(r.algorithms.s, "=e20"));
    r.config.precision = CNN_PRECISION_TF32;
    must_go(&r);
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
        must_go(&first);
        must_go(&second);
        assert_memory_equal(second.parameters, first.parameters, parameter_bytes(&first));
        first.config.deterministic = second.config.deterministic = false;
        must_go(&first);
        must_go(&second);
        assert_memory_not_equal(second.parameters, first.parameters, parameter_bytes(&first));
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
        must_go(&full);
        must_go(&tf32);
        assert_memory_not_equal(tf32.parameters, full.parameters, parameter_bytes(&full));
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
        must_go(&engines);
        assert_null(strstr(engines.algorithms.s, "=direct"));
        all_direct(engines.algorithms.s, &algorithms);
        direct.config.algorithms = algorithms.s;
        must_go(&direct);
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
    must_go(&layered);
    must_go(&native);
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
        must_go(&forward);
        for (int i = 0; i < 3; i++) {
            run other = make_run((cnn_path)path);
            cnn_emulated_order(orders[i]);
            must_go(&other);
            assert_memory_equal(other.parameters, forward.parameters, parameter_bytes(&forward));
            cnn_text_free(&other.algorithms);
        }
        cnn_emulated_order("forward");
        cnn_text_free(&forward.algorithms);
    }
}

/* ---- capture modes -------------------------------------------------------------------------- */

static const char *const modes[] = {"plain", "branches",      "dependent", "branches+dependent",
                                    "early", "branches+early"};
enum { PLAIN, BRANCHES, DEPENDENT, VARIANTS = 6 };

/* With a convolution before a pool and two dense layers: what is read beside the rest has every
 * place that it can have. */
static const cnn_network deep = {
    .name = "deep",
    .layer_count = 8,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 4, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_CONV2D, .filters = 3, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DENSE, .units = 5},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_DENSE}}};

static run make_native_for(cnn_shape images, const cnn_network *network)
{
    run r = make_run(CNN_PATH_NATIVE);
    r.net = *network;
    assert_int_equal(cnn_network_infer(&r.net, images, CLASSES), CNN_OK);
    assert_true(r.net.parameter_total <= MAX_PARAMETERS);
    return r;
}

static run make_native(const cnn_network *network)
{
    return make_native_for(shape, network);
}

/* The algorithms of r, which has gone, and a capture mode. */
static void with_mode(const run *r, const char *mode, cnn_text *out)
{
    const char *step = strstr(r->algorithms.s, ";step:");
    const int length = step ? (int)(step - r->algorithms.s) : (int)r->algorithms.len;
    cnn_text_printf(out, "%.*s;step:%dx%dx%dx%d=%s", length, r->algorithms.s, BATCH, r->net.input.h,
                    r->net.input.w, r->net.input.c, mode);
}

/* Every mode ends in the bits of plain, which has gone. */
static void check_modes_of(const run *plain)
{
    const char *const orders[] = {"forward", "reverse", "5", "6"};
    for (int v = 0; v < VARIANTS; v++)
        for (int i = 0; i < 4; i++) {
            run other = *plain;
            cnn_text text = {0};
            const size_t before = cnn_emulated_dependent_launches();
            other.algorithms = (cnn_text){0};
            with_mode(plain, modes[v], &text);
            other.config.algorithms = text.s;
            cnn_emulated_order(orders[i]);
            must_go(&other);
            assert_memory_equal(other.parameters, plain->parameters, parameter_bytes(plain));
            assert_string_equal(other.algorithms.s, text.s);
            assert_int_equal(cnn_emulated_dependent_launches() > before, v >= DEPENDENT);
            cnn_text_free(&text);
            cnn_text_free(&other.algorithms);
        }
}

static void check_modes(run plain)
{
    must_go(&plain);
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
    must_go(&engines);
    assert_int_equal(with_winograd(engines.algorithms.s, &algorithms), CHOICES);
    winograd.config.algorithms = algorithms.s;
    must_go(&winograd);
    assert_string_equal(winograd.algorithms.s, algorithms.s);
    for (int64_t i = 0; i < engines.net.parameter_total; i++)
        assert_float_equal(winograd.parameters[i], engines.parameters[i], 1e-5f);
    check_modes_of(&winograd);
    run failing = winograd;
    failing.algorithms = (cnn_text){0};
    int64_t n = 1;
    while (fail_once(&failing, "cublasSgemmStridedBatched", n))
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
    must_go(&apart);
    assert_null(strstr(apart.algorithms.s, "unpool")); /* not tuned */
    with_unpool(&apart, "pooled", &text);
    pooled.config.algorithms = text.s;
    must_go(&pooled);
    assert_string_equal(pooled.algorithms.s, text.s);
    assert_memory_not_equal(pooled.parameters, apart.parameters, parameter_bytes(&apart));
    for (int64_t i = 0; i < apart.net.parameter_total; i++)
        assert_float_equal(pooled.parameters[i], apart.parameters[i], 1e-5f);
    check_modes_of(&pooled);
    text.s[text.len - 1] = 'y'; /* pooley */
    assert_int_equal(go(&pooled), CNN_EUSAGE);
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
    must_go(&tuned);
    for (int i = 0; i < 2; i++) {
        cnn_text name = {0};
        cnn_text_printf(&name, ";unpool:%dx6x6x16>", tuned.config.batch_sizes[i]);
        assert_non_null(strstr(tuned.algorithms.s, name.s));
        cnn_text_free(&name);
    }
    frozen.config.algorithms = tuned.algorithms.s;
    must_go(&frozen);
    assert_string_equal(frozen.algorithms.s, tuned.algorithms.s);
    assert_memory_equal(frozen.parameters, tuned.parameters, parameter_bytes(&tuned));
    cnn_text_free(&tuned.algorithms);
    cnn_text_free(&frozen.algorithms);
}

static void test_modes_have_branches(void **state)
{
    (void)state;
    run plain = make_native(&deep), other = plain;
    cnn_text text = {0};
    must_go(&plain);
    with_mode(&plain, "branches", &text);
    other.config.algorithms = text.s;
    cnn_emulated_break_branches(true);
    if (go(&other) == CNN_OK) /* else the counts were missed */
        assert_memory_not_equal(other.parameters, plain.parameters, parameter_bytes(&plain));
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
    must_go(&plain);
    with_mode(&plain, "branches", &text);
    mixed.config.algorithms = text.s;
    small.batch_size = COUNT % BATCH;
    assert_int_equal(cnn_ops_open(&mixed.config, &ops), CNN_OK);
    assert_int_equal(make_feed(ops, mixed.net.input, &feed), CNN_OK);
    assert_int_equal(
        cnn_model_create(ops, &mixed.net, &mixed.train, CNN_PATH_NATIVE, seed, &model[0]), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &mixed.net, &small, CNN_PATH_NATIVE, seed, &model[1]),
                     CNN_OK);
    assert_int_equal(cnn_model_differentiate(model[0], feed, 0, &loss), CNN_OK);
    assert_int_equal(cnn_model_differentiate(model[1], feed, 0, &loss), CNN_OK);
    if (train(&mixed, model[0], feed) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    assert_memory_equal(mixed.parameters, plain.parameters, parameter_bytes(&plain));
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
    must_go(&r);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cnn_text text = {0};
        run other = r;
        other.algorithms = (cnn_text){0};
        with_mode(&r, wrong[i], &text);
        other.config.algorithms = text.s;
        assert_int_equal(go(&other), CNN_EUSAGE);
        assert_non_null(strstr(cnn_error_message(), "a capture mode"));
        cnn_text_free(&text);
    }
    run other = r;
    cnn_text text = {0};
    other.algorithms = (cnn_text){0};
    with_mode(&r, "dependent", &text);
    other.config.algorithms = text.s;
    cnn_emulated_code_for(80);
    assert_int_equal(go(&other), CNN_EUSAGE);
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
    snprintf(entry, sizeof entry, ";step:%dx%dx%dx%d=%s", BATCH, shape.h, shape.w, shape.c,
             expected);
    tuned.config.autotune = again.config.autotune = true;
    cnn_emulated_graph_seconds(node, dependent, early, branch);
    must_go(&tuned);
    const char *step = strstr(tuned.algorithms.s, ";step:");
    assert_non_null(step);
    assert_string_equal(step, entry);
    again.config.algorithms = tuned.algorithms.s;
    must_go(&again);
    assert_string_equal(again.algorithms.s, tuned.algorithms.s);
    assert_memory_equal(again.parameters, tuned.parameters, parameter_bytes(&plain));
    cnn_text text = {0};
    with_mode(&tuned, "plain", &text);
    plain.config.algorithms = text.s;
    must_go(&plain);
    assert_memory_equal(tuned.parameters, plain.parameters, parameter_bytes(&plain));
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
    cnn_emulated_fail("cudaGraphGetEdges", 1); /* of "early" */
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
    assert_int_equal(make_feed(ops, shape, &feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &r.net, &r.train, CNN_PATH_NATIVE, seed, &model),
                     CNN_OK);
    assert_int_equal(train(&r, model, feed), CNN_OK);
    cnn_model_describe(model, &text);
    const char *line = strstr(text.s, "capture mode of the step: dependent; plain ");
    assert_non_null(line);
    const size_t length = strcspn(line, "\n");
    assert_true(strstr(line, "; dependent ") < line + length);
    assert_true(strstr(line, "; early ") < line + length);
    assert_false(strstr(line, "branches") && strstr(line, "branches") < line + length);
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
    must_go(&r);
    assert_null(strstr(r.algorithms.s, ";step:"));
    cnn_text_free(&r.algorithms);
}

static void test_any_call_may_fail_in_branches(void **state)
{
    (void)state;
    run r = make_native(&deep);
    cnn_text text = {0};
    must_go(&r);
    with_mode(&r, "branches+early", &text);
    r.config.algorithms = text.s;
    int64_t n = 1;
    while (fail_once(&r, "any", n))
        n++;
    print_message("branches: %d calls\n", (int)n - 1);
    cnn_text_free(&text);
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
    assert_int_equal(cnn_network_infer(&large, shape, CLASSES), CNN_OK);
    r.config.precision = CNN_PRECISION_TF32;
    r.config.autotune = true;
    assert_int_equal(cnn_ops_open(&r.config, &ops), CNN_OK);
    assert_int_equal(make_feed(ops, r.net.input, &feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &r.net, &r.train, CNN_PATH_NATIVE, seed, &model),
                     CNN_OK);
    assert_int_equal(train(&r, model, feed), CNN_OK);
    assert_int_equal(cnn_model_create(ops, &large, &r.train, CNN_PATH_NATIVE, seed, &later),
                     CNN_OK);
    if (train(&r, model, feed) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_model_destroy(&later);
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_any_call_may_fail_layered, reset),
        cmocka_unit_test_setup(test_any_call_may_fail_native, reset),
        cmocka_unit_test_setup(test_calls_may_fail_while_algorithms_are_tuned, reset),
        cmocka_unit_test_setup(test_a_failing_candidate_is_left_out, reset),
        cmocka_unit_test_setup(test_a_workspace_outlives_one_that_cannot_be_had, reset),
        cmocka_unit_test_setup(test_memory_that_ends_is_named, reset),
        cmocka_unit_test_setup(test_frozen_algorithms_repeat_a_run, reset),
        cmocka_unit_test_setup(test_tuning_takes_the_fast_but_not_the_wrong, reset),
        cmocka_unit_test_setup(test_frozen_algorithms_of_another_network_are_refused, reset),
        cmocka_unit_test_setup(test_frozen_own_kernels_are_checked, reset),
        cmocka_unit_test_setup(test_layered_path_is_the_librarys, reset),
        cmocka_unit_test_setup(test_precision_and_determinism_limit_the_engines, reset),
        cmocka_unit_test_setup(test_runs_repeat_to_the_bit_if_deterministic, reset),
        cmocka_unit_test_setup(test_tf32_changes_results, reset),
        cmocka_unit_test_setup(test_own_kernels_do_what_cudnn_does, reset),
        cmocka_unit_test_setup(test_paths_agree_with_adam, reset),
        cmocka_unit_test_setup(test_order_of_threads_changes_no_bit, reset),
        cmocka_unit_test_setup(test_modes_end_in_the_same_bits, reset),
        cmocka_unit_test_setup(test_winograd_does_what_cudnn_does, reset),
        cmocka_unit_test_setup(test_backward_from_the_pooled_gradient, reset),
        cmocka_unit_test_setup(test_backward_from_the_pooled_gradient_is_tuned, reset),
        cmocka_unit_test_setup(test_modes_have_branches, reset),
        cmocka_unit_test_setup(test_models_with_different_modes_share_a_device, reset),
        cmocka_unit_test_setup(test_frozen_modes_that_cannot_be_had_are_refused, reset),
        cmocka_unit_test_setup(test_tuning_takes_the_fastest_mode, reset),
        cmocka_unit_test_setup(test_tuning_leaves_out_modes_that_are_wrong_or_fail, reset),
        cmocka_unit_test_setup(test_tuned_times_are_described, reset),
        cmocka_unit_test_setup(test_a_run_that_may_not_tune_is_plain, reset),
        cmocka_unit_test_setup(test_any_call_may_fail_in_branches, reset),
        cmocka_unit_test_setup(test_graphs_survive_a_growing_workspace, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
