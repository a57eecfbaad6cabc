/* SPDX-License-Identifier: Apache-2.0 */
/* The study's networks by every capture mode: the same weights to the last bit. On a
 * real GPU this is what shows a branch that lacks an order, or a kernel that begins too early.
 * CNN_SOAK_STEPS=N: at least N steps in each mode. */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CNN_EMULATED_DEVICE
enum { BATCH = 2, WHOLE = 1, TAIL = 1, EPOCHS = 1 };
#else
enum {
    BATCH = 32,
    WHOLE = 17,
    TAIL = 7,
    EPOCHS = 8
}; /* graphs of several steps, of one, the tail */
#endif
enum { COUNT = WHOLE * BATCH + TAIL };
static const uint64_t seed = 11;

static uint32_t epochs(void)
{
    const char *steps = getenv("CNN_SOAK_STEPS");
    const long asked = steps ? strtol(steps, NULL, 10) : 0, each = WHOLE + 1;
    return asked > EPOCHS * each ? (uint32_t)((asked + each - 1) / each) : EPOCHS;
}

/* Trains by these algorithms (NULL: by those that are chosen here, added to *chosen). False: the
 * device has no dependent launches. parameters [parameter_total]: at the end. */
static bool train(const cnn_network *net, const picture_set *pictures, const char *algorithms,
                  float *parameters, cnn_text *chosen)
{
    rig r;
    cnn_feed *feed = NULL;
    cnn_model *model = NULL;
    cnn_train settings = cnn_train_defaults();
    settings.batch_size = BATCH;
    rig_algorithms = algorithms;
    rig_open(&r, BATCH, TAIL);
    OK(cnn_feed_create(r.ops, pictures->shape, COUNT, CNN_PIXEL_F32, 1, pictures->x,
                       pictures->labels, &feed));
    const cnn_status st = cnn_model_create(r.ops, net, &settings, CNN_PATH_NATIVE, seed, &model);
    const bool can = st != CNN_EUSAGE || !strstr(cnn_error_message(), "dependents");
    if (can) {
        OK(st);
        for (uint32_t epoch = 0, end = epochs(); epoch < end; epoch++) {
            OK(cnn_feed_shuffle(feed, seed, epoch));
            OK(cnn_model_train(model, feed, 0, cnn_feed_batches(feed, BATCH), NULL));
        }
        OK(cnn_model_parameters(model, parameters));
        if (chosen)
            OK(cnn_ops_algorithms(r.ops, chosen));
    }
    cnn_model_destroy(&model);
    cnn_feed_destroy(&feed);
    rig_close(&r);
    return can;
}

static void check(const char *network, cnn_shape shape, int classes)
{
    static const char *const modes[] = {"branches", "dependent", "early", "branches+dependent",
                                        "branches+early"};
    cnn_network net;
    cnn_text chosen = {0};
    picture_set pictures = pictures_synthetic(shape, classes, COUNT);
    assert_true(cnn_network_builtin(network, &net));
    OK(cnn_network_infer(&net, shape, classes));
    const size_t bytes = (size_t)net.parameter_total * sizeof(float);
    float *plain = malloc(bytes), *other = malloc(bytes);
    assert_true(plain && other);
    train(&net, &pictures, NULL, plain, &chosen);
    const char *step = strstr(chosen.s, ";step:"); /* tuned, and with it the last */
    const int length = step ? (int)(step - chosen.s) : (int)chosen.len;
    for (int v = -1; v < (int)(sizeof modes / sizeof modes[0]); v++) {
        cnn_text text = {0};
        const char *mode = v < 0 ? "plain" : modes[v];
        cnn_text_printf(&text, "%.*s;step:%dx%dx%dx%d=%s", length, chosen.s, BATCH, shape.h,
                        shape.w, shape.c, mode);
        OK(cnn_text_status(&text));
        if (!train(&net, &pictures, text.s, v < 0 ? plain : other, NULL))
            print_message("%s: not on this device\n", mode);
        else if (v >= 0 && memcmp(other, plain, bytes) != 0)
            fail_msg("%s %dx%dx%d: %s ends in other weights than plain", network, shape.h, shape.w,
                     shape.c, mode);
        cnn_text_free(&text);
    }
    free(plain);
    free(other);
    cnn_text_free(&chosen);
    pictures_free(&pictures);
}

static void test_arch1_on_28x28x1(void **state)
{
    (void)state;
    check("arch1", (cnn_shape){28, 28, 1}, 10);
}

static void test_arch1_on_50x50x3(void **state)
{
    (void)state;
    check("arch1", (cnn_shape){50, 50, 3}, 2);
}

static void test_arch2_on_28x28x1(void **state)
{
    (void)state;
    check("arch2", (cnn_shape){28, 28, 1}, 10);
}

static void test_arch2_in_colour(void **state)
{
    (void)state;
#ifdef CNN_EMULATED_DEVICE
    check("arch2", (cnn_shape){14, 12, 3}, 2);
#else
    check("arch2", (cnn_shape){50, 50, 3}, 2);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arch1_on_28x28x1),
        cmocka_unit_test(test_arch1_on_50x50x3),
        cmocka_unit_test(test_arch2_on_28x28x1),
        cmocka_unit_test(test_arch2_in_colour),
    };
    cmocka_set_test_filter(getenv("CNN_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
