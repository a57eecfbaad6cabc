/* SPDX-License-Identifier: Apache-2.0 */
/* The study's networks, a few images, both paths: gradients and loss against the double-precision
 * reference. Quick; test_agreement.c follows whole trainings on real images. These networks have
 * what a backend may treat apart: 5x5 kernels over one, three and many channels, each followed by
 * ReLU, batch normalisation or a pool. */
#include "pair.h"

#include <math.h>

enum { BATCH = 2, COUNT = 3 }; /* and a smaller last batch */
static const uint64_t seed = 5;

/* A ReLU or a maximum near its kink makes gradients jump; the reference's own jump as well. */
static void check_path(pair *p, cnn_path path, int64_t b, double expected)
{
    enum { JUMP = 10 };
    const double tolerance = p->rig.precision == CNN_PRECISION_TF32 ? 3e-3 : 1e-4;
    double loss, errors[CNN_MAX_PARAMETERS], spread[CNN_MAX_PARAMETERS];
    OK(cnn_model_differentiate(p->model[path], p->feed, b, &loss));
    assert_true(fabs(loss - expected) <= 0.1 * tolerance * expected);
    pair_gradient_errors(p, path, errors);
    bool measured = false;
    for (int t = 0; t < p->net.parameter_count; t++) {
        if (errors[t] <= tolerance)
            continue;
        if (!measured)
            pair_gradient_spread(p, b, spread);
        measured = true;
        if (!(errors[t] <= JUMP * spread[t]))
            fail_msg("%s: %s: batch %d: gradients of tensor %d are %.3g from the reference's",
                     p->rig.context, path == CNN_PATH_NATIVE ? "native" : "layered", (int)b, t,
                     errors[t]);
    }
}

static void check(const char *network, cnn_shape shape, int classes)
{
    pair p;
    cnn_network net;
    cnn_train train = cnn_train_defaults();
    picture_set pictures = pictures_synthetic(shape, classes, COUNT);
    train.batch_size = BATCH;
    assert_true(cnn_network_builtin(network, &net));
    pair_open(&p, &net, &train, seed, &pictures);
    for (int64_t b = 0; b < 2; b++) {
        const double expected = pair_differentiate_reference(&p, b);
        check_path(&p, CNN_PATH_LAYERED, b, expected);
        check_path(&p, CNN_PATH_NATIVE, b, expected);
    }
    /* A step's update reaches the weights, as a whole step is what a path may have planned. */
    for (int path = 0; path < 2; path++)
        OK(cnn_model_train(p.model[path], p.feed, 0, 2, NULL));
    OK(cnn_ops_sync(p.rig.ops));
    const double expected = pair_differentiate_reference(&p, 0);
    for (int path = 0; path < 2; path++) {
        double loss;
        OK(cnn_model_differentiate(p.model[path], p.feed, 0, &loss));
        assert_true(loss != expected);
    }
    pair_close(&p);
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

/* Sizes that the study lacks: odd ones, whose pools have windows that hang over the edge. */
static void test_arch1_on_odd_sizes(void **state)
{
    (void)state;
    check("arch1", (cnn_shape){13, 9, 3}, 4);
    check("arch1", (cnn_shape){11, 17, 1}, 4);
    check("arch1", (cnn_shape){12, 10, 2}, 4);
}

static void test_arch2_on_28x28x1(void **state)
{
    (void)state;
    check("arch2", (cnn_shape){28, 28, 1}, 10);
}

static void test_arch2_on_small_colour(void **state)
{
    (void)state;
    check("arch2", (cnn_shape){14, 12, 3}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arch1_on_28x28x1),      cmocka_unit_test(test_arch1_on_50x50x3),
        cmocka_unit_test(test_arch1_on_odd_sizes),    cmocka_unit_test(test_arch2_on_28x28x1),
        cmocka_unit_test(test_arch2_on_small_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
