/* SPDX-License-Identifier: Apache-2.0 */
/* The reference against itself: its gradients are the slopes of its loss. */
#include "base/philox.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

enum { IMAGES = 3, CLASSES = 4, SAMPLES = 12 };
static const uint64_t seed = 5;
static const cnn_shape input = {9, 8, 3};

#define CONV(f, k, s, p)                                                                           \
    {                                                                                              \
        .kind = CNN_LAYER_CONV2D, .filters = (f), .kernel = (k), .stride = (s), .same = (p)        \
    }
#define POOL(which, k, s, p)                                                                       \
    {                                                                                              \
        .kind = CNN_LAYER_##which, .kernel = (k), .stride = (s), .same = (p)                       \
    }
#define NORM(a)                                                                                    \
    {                                                                                              \
        .kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_##a                                          \
    }
#define RELU                                                                                       \
    {                                                                                              \
        .kind = CNN_LAYER_RELU                                                                     \
    }
#define DENSE(u)                                                                                   \
    {                                                                                              \
        .kind = CNN_LAYER_DENSE, .units = (u)                                                      \
    }

static const cnn_network networks[] = {
    {.name = "dense", .layer_count = 1, .layers = {DENSE(0)}},
    {.name = "two dense", .layer_count = 3, .layers = {DENSE(6), RELU, DENSE(0)}},
    {.name = "same convolutions",
     .layer_count = 5,
     .layers = {CONV(5, 3, 1, true), RELU, CONV(4, 4, 2, true), RELU, DENSE(0)}},
    {.name = "valid convolutions",
     .layer_count = 4,
     .layers = {CONV(5, 3, 2, false), RELU, CONV(9, 2, 1, false), DENSE(0)}},
    {.name = "maximum pools",
     .layer_count = 5,
     .layers = {CONV(4, 5, 1, true), POOL(MAXPOOL, 2, 2, true), CONV(3, 3, 1, true),
                POOL(MAXPOOL, 3, 2, false), DENSE(0)}},
    {.name = "average pools",
     .layer_count = 5,
     .layers = {CONV(4, 5, 1, true), POOL(AVGPOOL, 2, 2, true), CONV(3, 3, 1, true),
                POOL(AVGPOOL, 3, 2, true), DENSE(0)}},
    {.name = "normalisation over channels",
     .layer_count = 5,
     .layers = {CONV(4, 3, 1, true), NORM(CHANNELS), CONV(3, 3, 1, true), NORM(CHANNELS),
                DENSE(0)}},
    {.name = "normalisation over height",
     .layer_count = 5,
     .layers = {NORM(HEIGHT), CONV(4, 3, 1, true), RELU, NORM(HEIGHT), DENSE(0)}},
    {.name = "dropout",
     .layer_count = 4,
     .layers = {CONV(4, 3, 1, true),
                {.kind = CNN_LAYER_DROPOUT, .rate = 0.4},
                CONV(3, 3, 1, true),
                DENSE(0)}},
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

typedef struct {
    cnn_network net;
    ref_network *r;
    double *x;
    int32_t labels[IMAGES];
} subject;

static subject begin(const cnn_network *net)
{
    subject s = {.net = *net};
    cnn_train train = cnn_train_defaults();
    assert_int_equal(cnn_network_infer(&s.net, input, CLASSES), CNN_OK);
    s.r = ref_network_create(&s.net, &train, seed, IMAGES);
    double *parameters = ref_network_parameters(s.r);
    for (int64_t i = 0; i < s.net.parameter_total; i++)
        parameters[i] =
            cnn_random_unit(cnn_random_word(seed, CNN_RANDOM_SYNTHETIC, 1, (uint64_t)i)) - 0.4;
    size_t size = IMAGES * (size_t)cnn_shape_size(input);
    s.x = ref_alloc(size, sizeof *s.x);
    for (size_t i = 0; i < size; i++)
        s.x[i] = cnn_random_unit(cnn_random_word(seed, CNN_RANDOM_SYNTHETIC, 2, i));
    for (int i = 0; i < IMAGES; i++)
        s.labels[i] = (i + 1) % CLASSES;
    return s;
}

static void end(subject *s)
{
    ref_network_destroy(&s->r);
    free(s->x);
}

static double loss_of(subject *s)
{
    double loss = 0;
    int64_t errors = 0;
    const double *logits = ref_network_forward(s->r, IMAGES, true, s->x);
    ref_loss(CLASSES, IMAGES, logits, s->labels, &loss, &errors, NULL);
    return loss / IMAGES;
}

/* Samples a tensor's values evenly; |slope - gradient| against the tensor's largest gradient. */
static void check_tensor(subject *s, const cnn_parameter *p, const double *gradients)
{
    const double h = 1e-6;
    double *parameters = ref_network_parameters(s->r), largest = 1e-3;
    for (int64_t i = 0; i < p->size; i++)
        largest = fmax(largest, fabs(gradients[p->offset + i]));
    int64_t stride = p->size > SAMPLES ? p->size / SAMPLES : 1;
    for (int64_t i = p->offset; i < p->offset + p->size; i += stride) {
        double kept = parameters[i];
        parameters[i] = kept + h;
        double above = loss_of(s);
        parameters[i] = kept - h;
        double below = loss_of(s);
        parameters[i] = kept;
        double slope = (above - below) / (2 * h);
        if (!(fabs(slope - gradients[i]) <= 1e-6 * largest))
            fail_msg("%s: layer %d (%s), value %d: gradient %.12g, slope %.12g", s->net.name,
                     p->layer + 1, cnn_layer_kind_name(s->net.layers[p->layer].kind),
                     (int)(i - p->offset), gradients[i], slope);
    }
}

static void test_gradients_are_slopes_of_the_loss(void **state)
{
    (void)state;
    for (int k = 0; k < NETWORKS; k++) {
        subject s = begin(&networks[k]);
        size_t total = (size_t)s.net.parameter_total;
        double *gradients = ref_alloc(total, sizeof *gradients), largest = 0;
        double loss = ref_network_differentiate(s.r, IMAGES, s.x, s.labels, NULL);
        assert_true(loss == loss_of(&s));
        for (size_t i = 0; i < total; i++) {
            gradients[i] = ref_network_gradients(s.r)[i];
            largest = fmax(largest, fabs(gradients[i]));
        }
        assert_true(largest > 0.01);
        for (int t = 0; t < s.net.parameter_count; t++)
            check_tensor(&s, &s.net.parameters[t], gradients);
        free(gradients);
        end(&s);
    }
}

/* The running statistics move by 1 % to the batch's, and inference uses them. */
static void test_running_statistics_move_to_the_batch(void **state)
{
    (void)state;
    subject s = begin(&networks[NETWORKS - 2]); /* its first layer is a normalisation of x */
    const int row = input.w * input.c, rows = input.h;
    float *start = ref_alloc((size_t)s.net.parameter_total, sizeof *start);
    ref_network_reset(s.r, start);
    free(start);
    ref_network_forward(s.r, IMAGES, true, s.x);
    const double *running = ref_network_state(s.r);
    for (int h = 0; h < rows; h++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < IMAGES * row; i++)
            mean += s.x[(i / row * rows + h) * row + i % row] / (IMAGES * row);
        for (int i = 0; i < IMAGES * row; i++)
            variance += pow(s.x[(i / row * rows + h) * row + i % row] - mean, 2) / (IMAGES * row);
        assert_true(fabs(running[h] - 0.01 * mean) < 1e-12);
        assert_true(fabs(running[rows + h] - (0.99 + 0.01 * variance)) < 1e-12);
    }
    end(&s);
}

/* Whether an image's loss depends on the others, or on its place in the batch. */
static bool mixes_images(const cnn_network *net)
{
    for (int i = 0; i < net->layer_count; i++)
        if (net->layers[i].kind == CNN_LAYER_BATCHNORM || net->layers[i].kind == CNN_LAYER_DROPOUT)
            return true;
    return false;
}

static void test_loss_of_a_batch_is_the_mean_of_its_images(void **state)
{
    (void)state;
    for (int k = 0; k < NETWORKS; k++) {
        if (mixes_images(&networks[k]))
            continue;
        subject s = begin(&networks[k]);
        double whole = ref_network_differentiate(s.r, IMAGES, s.x, s.labels, NULL), sum = 0;
        for (int i = 0; i < IMAGES; i++)
            sum += ref_network_differentiate(s.r, 1, s.x + i * cnn_shape_size(input), s.labels + i,
                                             NULL);
        assert_true(fabs(sum / IMAGES - whole) < 1e-13);
        end(&s);
    }
}

/* A flat image: every window's gradient goes to its upper left corner. */
static void test_first_of_equal_maxima_takes_the_gradient(void **state)
{
    (void)state;
    cnn_network net = {.layer_count = 2,
                       .layers = {POOL(MAXPOOL, 2, 2, true), {.kind = CNN_LAYER_DENSE}}};
    assert_int_equal(cnn_network_infer(&net, (cnn_shape){3, 3, 1}, 2), CNN_OK);
    const double x[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, dy[4] = {1, 2, 3, 4};
    const double expected[9] = {1, 0, 2, 0, 0, 0, 3, 0, 4};
    double y[4], dx[9];
    int32_t argmax[4];
    ref_pool_forward(&net.layers[0], 1, x, y, argmax);
    ref_pool_backward(&net.layers[0], 1, argmax, dy, dx);
    for (int i = 0; i < 9; i++)
        assert_true(dx[i] == expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_are_slopes_of_the_loss),
        cmocka_unit_test(test_running_statistics_move_to_the_batch),
        cmocka_unit_test(test_first_of_equal_maxima_takes_the_gradient),
        cmocka_unit_test(test_loss_of_a_batch_is_the_mean_of_its_images),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
