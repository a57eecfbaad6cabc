/* SPDX-License-Identifier: Apache-2.0 */
#include "emulation/gpu_run.h"

const cnn_network drawn = {
    .name = "small",
    .layer_count = 7,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 4, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_CONV2D, .filters = 3, .kernel = 2, .stride = 1, .same = true},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DROPOUT, .rate = 0.2},
               {.kind = CNN_LAYER_DENSE}}};

const cnn_network deep = {
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

const cnn_network wide = {
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

run make_run(cnn_path path)
{
    run r = {.path = path, .net = drawn, .train = cnn_train_defaults()};
    r.config = (cnn_ops_config){
        .threads = 1, .deterministic = true, .batch_sizes = {BATCH, COUNT % BATCH}};
    r.train.batch_size = BATCH;
    r.train.optimizer = CNN_OPTIMIZER_ADAM;
    assert_int_equal(cnn_network_infer(&r.net, run_shape, CLASSES), CNN_OK);
    assert_true(r.net.parameter_total <= MAX_PARAMETERS);
    return r;
}

cnn_status make_run_feed(cnn_ops *ops, cnn_shape of, cnn_feed **out)
{
    uint8_t images[COUNT * 6 * 6 * 2];
    int32_t labels[COUNT];
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)(i * 37 + i / 11);
    for (int i = 0; i < COUNT; i++)
        labels[i] = i % CLASSES;
    return cnn_feed_create(ops, of, COUNT, CNN_PIXEL_U8, 1.0 / 255, images, labels, out);
}

cnn_status train_run(run *r, cnn_model *model, cnn_feed *feed)
{
    cnn_status st = CNN_OK;
    float seconds[COUNT];
    cnn_metrics metrics;
    cnn_network_draw(&r->net, run_seed, r->parameters);
    CNN_TRY(cnn_model_reset(model, r->parameters));
    CNN_TRY(cnn_feed_shuffle(feed, run_seed, 0));
    CNN_TRY(cnn_model_train(model, feed, 0, cnn_feed_batches(feed, BATCH),
                            r->step_seconds ? seconds : NULL));
    CNN_TRY(cnn_model_metrics(model, &metrics));
    CNN_CHECK(metrics.images == COUNT, CNN_EBACKEND, "%d images", (int)metrics.images);
    CNN_TRY(cnn_model_evaluate(model, feed, &metrics));
    CNN_TRY(cnn_model_parameters(model, r->parameters));
done:
    return st;
}

cnn_status open_run(const run *r, cnn_ops **out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_ops_open(&r->config, out));
    if (!r->known)
        return CNN_OK;
    CNN_TRY(cnn_algorithms_read(r->known, cudnnGetVersion(), &(*out)->algorithms));
    (*out)->algorithms.frozen = false;
done:
    return st;
}

cnn_status run_once(run *r)
{
    cnn_status st = CNN_OK;
    cnn_ops *ops = NULL;
    cnn_feed *feed = NULL;
    cnn_model *model = NULL;
    cnn_text_free(&r->algorithms);
    CNN_TRY(open_run(r, &ops));
    CNN_TRY(make_run_feed(ops, r->net.input, &feed));
    CNN_TRY(cnn_model_create(ops, &r->net, &r->train, r->path, run_seed, &model));
    CNN_TRY(train_run(r, model, feed));
    CNN_TRY(cnn_ops_algorithms(ops, &r->algorithms));
done:
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    cnn_ops_close(&ops);
    return st;
}

void run_or_fail(run *r)
{
    if (run_once(r) != CNN_OK)
        fail_msg("%s", cnn_error_message());
}

size_t run_parameter_bytes(const run *r)
{
    return (size_t)r->net.parameter_total * sizeof r->parameters[0];
}

int reset_device(void **state)
{
    (void)state;
    cnn_emulated_fail(NULL, 0);
    cnn_emulated_clear_error();
    cnn_emulated_break_engine(-1);
    cnn_emulated_break_branches(false);
    cnn_emulated_libraries_never_wait(false);
    cnn_emulated_code_for(90);
    cnn_emulated_graph_seconds(0, 0, 0, 0);
    cnn_emulated_order("forward");
    cnn_emulated_memory_limit((size_t)1 << 30);
    setenv("CNN_GPU_TRY_EARLY", "1", 1);
    return 0;
}

run make_native_for(cnn_shape images, const cnn_network *network)
{
    run r = make_run(CNN_PATH_NATIVE);
    r.net = *network;
    assert_int_equal(cnn_network_infer(&r.net, images, CLASSES), CNN_OK);
    assert_true(r.net.parameter_total <= MAX_PARAMETERS);
    return r;
}

run make_native(const cnn_network *network)
{
    return make_native_for(run_shape, network);
}

void with_mode(const run *r, const char *mode, cnn_text *out)
{
    const char *step = strstr(r->algorithms.s, ";step:");
    const int length = step ? (int)(step - r->algorithms.s) : (int)r->algorithms.len;
    cnn_text_printf(out, "%.*s;step:%dx%dx%dx%d=%s", length, r->algorithms.s, BATCH, r->net.input.h,
                    r->net.input.w, r->net.input.c, mode);
}

void with_direct(const char *algorithms, const char *but, cnn_text *out)
{
    const char *at = strchr(algorithms, ';');
    cnn_text_printf(out, "%.*s", at ? (int)(at - algorithms) : (int)strlen(algorithms), algorithms);
    while (at) {
        const int length = 1 + (int)strcspn(at + 1, ";"), problem = (int)strcspn(at, "=");
        if (but && strncmp(at + 1, but, strlen(but)) == 0)
            cnn_text_printf(out, "%.*s", length, at);
        else
            cnn_text_printf(out, "%.*s=direct", problem, at);
        at = at[length] ? at + length : NULL;
    }
}

/* ---- calls that fail ----------------------------------------------------------------------- */

/* An engine that cannot be built is left out, as is a candidate that fails while it is tried. An edge
 * that cannot be early stays as it is; a node that cannot be noted counts as foreign. Such failures
 * may have no consequence. */
static bool may_be_absorbed(const run *r, const char *call)
{
    return r->config.autotune || strncmp(call, "cudnnBackend", 12) == 0 ||
           strstr(call, "Dependencies") || strcmp(call, "cudaStreamGetCaptureInfo") == 0;
}

bool run_with_failure(run *r, const char *function, int64_t n)
{
    cnn_emulated_fail(function, n);
    const cnn_status st = run_once(r);
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
