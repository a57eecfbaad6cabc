/* SPDX-License-Identifier: Apache-2.0 */
/* What both paths promise, on a small network that has every kind of layer. */
#include "nn/layered.h"
#include "pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 23, BATCH = 8, BATCHES = 3, CLASSES = 5, MANY_CLASSES = 40 };
static const uint64_t seed = 1234;
static const cnn_shape shape = {12, 10, 3};

static const cnn_network every_kind = {
    .name = "every kind",
    .layer_count = 11,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 6, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
               {.kind = CNN_LAYER_AVGPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DROPOUT, .rate = 0.3},
               {.kind = CNN_LAYER_CONV2D, .filters = 5, .kernel = 3, .stride = 1, .same = false},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_HEIGHT},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DENSE, .units = 9},
               {.kind = CNN_LAYER_DENSE}}};

/* Batch normalisation between ReLUs and pools, whose windows hang over; a first convolution over
 * few channels without a pool; dense layers before a normalisation. */
static const cnn_network normalised = {
    .name = "normalised",
    .layer_count = 14,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 6, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_CONV2D, .filters = 4, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 3, .stride = 3, .same = true},
               {.kind = CNN_LAYER_CONV2D, .filters = 5, .kernel = 3, .stride = 1, .same = true},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_HEIGHT},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DENSE, .units = 9},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
               {.kind = CNN_LAYER_DENSE}}};

static const cnn_network no_trained_layer_first = {
    .name = "no trained layer first",
    .layer_count = 4,
    .layers = {{.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
               {.kind = CNN_LAYER_DENSE}}};

/* What backends may have kernels of their own for. */
static const cnn_network like_the_study = {
    .name = "like the study's",
    .layer_count = 5,
    .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 6, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_RELU},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DROPOUT, .rate = 0.3},
               {.kind = CNN_LAYER_DENSE}}};

/* The same not quite at the beginning. */
static const cnn_network convolution_second = {
    .name = "convolution second",
    .layer_count = 4,
    .layers = {{.kind = CNN_LAYER_DROPOUT, .rate = 0.3},
               {.kind = CNN_LAYER_CONV2D, .filters = 6, .kernel = 5, .stride = 1, .same = true},
               {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
               {.kind = CNN_LAYER_DENSE}}};

typedef struct {
    picture_set pictures;
    pair pair;
} setup;

static cnn_train sgd(double momentum)
{
    cnn_train train = cnn_train_defaults();
    train.batch_size = BATCH;
    train.learning_rate = 0.05;
    train.momentum = momentum;
    return train;
}

static void begin_with(setup *s, const cnn_network *net, int classes, cnn_train train)
{
    s->pictures = pictures_synthetic(shape, classes, COUNT);
    pair_open(&s->pair, net, &train, seed, &s->pictures);
}

static void begin(setup *s)
{
    begin_with(s, &every_kind, CLASSES, sgd(0));
}

static void end(setup *s)
{
    pair_close(&s->pair);
    pictures_free(&s->pictures);
}

static void test_models_start_from_drawn_weights(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    for (int path = 0; path < 2; path++) {
        OK(cnn_model_parameters(s.pair.model[path], s.pair.values));
        assert_memory_equal(s.pair.values, s.pair.start,
                            (size_t)s.pair.net.parameter_total * sizeof(float));
    }
    end(&s);
}

static void check_gradients(const cnn_network *net, int classes)
{
    setup s;
    begin_with(&s, net, classes, sgd(0));
    for (int64_t b = 0; b < BATCHES; b++) {
        double expected = pair_differentiate_reference(&s.pair, b);
        for (int path = 0; path < 2; path++) {
            double loss;
            OK(cnn_model_differentiate(s.pair.model[path], s.pair.feed, b, &loss));
            assert_true(fabs(loss - expected) <= 1e-5 * expected);
            pair_compare_gradients(&s.pair, (cnn_path)path, 1e-4);
        }
    }
    for (int path = 0; path < 2; path++) { /* nothing was updated */
        OK(cnn_model_parameters(s.pair.model[path], s.pair.values));
        assert_memory_equal(s.pair.values, s.pair.start,
                            (size_t)s.pair.net.parameter_total * sizeof(float));
    }
    end(&s);
}

static void test_gradients_agree_with_reference(void **state)
{
    (void)state;
    check_gradients(&every_kind, CLASSES);
    check_gradients(&every_kind, MANY_CLASSES);
    check_gradients(&normalised, CLASSES);
    check_gradients(&no_trained_layer_first, CLASSES);
    check_gradients(&like_the_study, CLASSES);
    check_gradients(&like_the_study, MANY_CLASSES);
    check_gradients(&convolution_second, CLASSES);
}

/* Two epochs with a smaller last batch: weights, counts, and the running statistics that
 * evaluation uses. */
static void check_training(const cnn_network *net, int classes, cnn_train train, double tolerance)
{
    setup s;
    begin_with(&s, net, classes, train);
    pair *p = &s.pair;
    double expected_sum = 0;
    int64_t expected_errors = 0, evaluated_errors = 0;
    for (int64_t b = 0; b < 2 * BATCHES; b++) {
        const int32_t *labels;
        int n = pair_batch(p, b % BATCHES, &labels);
        expected_sum +=
            n * ref_network_differentiate(p->reference, n, p->x, labels, &expected_errors);
        ref_network_update(p->reference);
    }
    double evaluated_sum = 0;
    for (int64_t b = 0; b < BATCHES; b++) {
        const int32_t *labels;
        int n = pair_batch(p, b, &labels);
        const double *logits = ref_network_forward(p->reference, n, false, p->x);
        ref_loss(classes, n, logits, labels, &evaluated_sum, &evaluated_errors, NULL);
    }
    for (int path = 0; path < 2; path++) {
        cnn_metrics trained, evaluated;
        OK(cnn_model_train(p->model[path], p->feed, 0, BATCHES, NULL));
        OK(cnn_model_train(p->model[path], p->feed, 0, 2, NULL));
        OK(cnn_model_train(p->model[path], p->feed, 2, 1, NULL));
        OK(cnn_model_evaluate(p->model[path], p->feed, &evaluated));
        OK(cnn_model_metrics(p->model[path], &trained));
        assert_int_equal(trained.images, 2 * COUNT);
        assert_int_equal(trained.errors, expected_errors);
        assert_true(fabs(trained.loss_sum - expected_sum) <= tolerance * expected_sum);
        assert_int_equal(evaluated.images, COUNT);
        assert_int_equal(evaluated.errors, evaluated_errors);
        assert_true(fabs(evaluated.loss_sum - evaluated_sum) <= tolerance * evaluated_sum);
        pair_compare_parameters(p, (cnn_path)path, tolerance);
        OK(cnn_model_metrics(p->model[path], &trained)); /* counts start anew */
        assert_int_equal(trained.images, 0);
    }
    end(&s);
}

static void test_training_follows_reference_with_sgd(void **state)
{
    (void)state;
    check_training(&every_kind, CLASSES, sgd(0), 1e-4);
    check_training(&like_the_study, CLASSES, sgd(0), 1e-4);
    check_training(&like_the_study, MANY_CLASSES, sgd(0), 1e-4);
    check_training(&convolution_second, CLASSES, sgd(0), 1e-4);
}

static void test_training_follows_reference_with_momentum(void **state)
{
    (void)state;
    check_training(&every_kind, CLASSES, sgd(0.9), 1e-4);
}

static void test_training_follows_reference_with_adam(void **state)
{
    (void)state;
    cnn_train train = sgd(0);
    train.optimizer = CNN_OPTIMIZER_ADAM;
    train.learning_rate = 0.001;
    check_training(&every_kind, CLASSES, train,
                   1e-3); /* tiny gradients lose digits and count as much as large ones */
}

/* The checksum of the weights after an epoch. */
static uint64_t train_epoch(pair *p, int path)
{
    OK(cnn_model_train(p->model[path], p->feed, 0, BATCHES, NULL));
    OK(cnn_model_parameters(p->model[path], p->values));
    return cnn_network_checksum(&p->net, p->values);
}

static void test_reset_restores_the_beginning(void **state)
{
    (void)state;
    cnn_train trains[2] = {sgd(0.9), sgd(0)};
    trains[1].optimizer = CNN_OPTIMIZER_ADAM;
    for (int k = 0; k < 2; k++) {
        setup s;
        begin_with(&s, &every_kind, CLASSES, trains[k]);
        for (int path = 0; path < 2; path++) {
            cnn_metrics first, second;
            uint64_t once = train_epoch(&s.pair, path);
            OK(cnn_model_evaluate(s.pair.model[path], s.pair.feed, &first));
            assert_true(train_epoch(&s.pair, path) != once);
            OK(cnn_model_reset(s.pair.model[path], s.pair.start));
            OK(cnn_model_metrics(s.pair.model[path], &second));
            assert_int_equal(second.images, 0);
            assert_true(train_epoch(&s.pair, path) == once);
            OK(cnn_model_evaluate(s.pair.model[path], s.pair.feed, &second));
            assert_true(first.loss_sum == second.loss_sum); /* running statistics too */
        }
        end(&s);
    }
}

static void test_same_seed_gives_same_checksum(void **state)
{
    (void)state;
    uint64_t sums[2][2];
    cnn_text algorithms = {0};
    for (int repeat = 0; repeat < 2; repeat++) {
        setup s;
        begin(&s);
        for (int path = 0; path < 2; path++)
            sums[repeat][path] = train_epoch(&s.pair, path);
        if (repeat == 0)
            OK(cnn_ops_algorithms(s.pair.rig.ops, &algorithms));
        rig_algorithms = algorithms.s;
        end(&s);
    }
    rig_algorithms = NULL;
    cnn_text_free(&algorithms);
    assert_true(sums[0][CNN_PATH_LAYERED] == sums[1][CNN_PATH_LAYERED]);
    assert_true(sums[0][CNN_PATH_NATIVE] == sums[1][CNN_PATH_NATIVE]);
}

static void test_step_seconds_change_nothing_else(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    for (int path = 0; path < 2; path++) {
        float seconds[BATCHES] = {-1, -1, -1};
        uint64_t untimed = train_epoch(&s.pair, path);
        OK(cnn_model_reset(s.pair.model[path], s.pair.start));
        OK(cnn_model_train(s.pair.model[path], s.pair.feed, 0, BATCHES, seconds));
        OK(cnn_ops_sync(s.pair.rig.ops));
        for (int b = 0; b < BATCHES; b++)
            assert_true(seconds[b] > 0 && seconds[b] < 60);
        OK(cnn_model_parameters(s.pair.model[path], s.pair.values));
        assert_true(cnn_network_checksum(&s.pair.net, s.pair.values) == untimed);
    }
    end(&s);
}

static void test_evaluation_changes_nothing(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    for (int path = 0; path < 2; path++) {
        cnn_metrics first, second;
        uint64_t once = train_epoch(&s.pair, path);
        OK(cnn_model_evaluate(s.pair.model[path], s.pair.feed, &first));
        OK(cnn_model_evaluate(s.pair.model[path], s.pair.feed, &second));
        assert_true(first.loss_sum == second.loss_sum && first.errors == second.errors);
        OK(cnn_model_parameters(s.pair.model[path], s.pair.values));
        assert_true(cnn_network_checksum(&s.pair.net, s.pair.values) == once);
    }
    end(&s);
}

static void test_models_describe_themselves(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    for (int path = 0; path < 2; path++) {
        cnn_text text = {0};
        cnn_model_describe(s.pair.model[path], &text);
        assert_int_equal(cnn_text_status(&text), CNN_OK);
        assert_true(text.len > 100);
        cnn_text_free(&text);
    }
    end(&s);
}

/* ---- layered only -------------------------------------------------------------------------- */

typedef struct {
    int calls, images, stop_after;
} watcher;

static cnn_status watch(void *user, int64_t batch, int n)
{
    watcher *w = user;
    assert_int_equal(batch, w->calls);
    w->calls++;
    w->images += n;
    return w->calls == w->stop_after ? cnn_error_set(CNN_ESTOPPED, "seen enough") : CNN_OK;
}

static void test_layered_calls_back_after_each_batch(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    cnn_layered *m = NULL;
    watcher w = {.stop_after = -1}, stop = {.stop_after = 2};
    OK(cnn_layered_create(s.pair.rig.ops, &s.pair.net, &s.pair.train, seed, &m));
    OK(cnn_layered_reset(m, s.pair.start));
    OK(cnn_layered_on_batch(m, watch, &w));
    OK(cnn_layered_train(m, s.pair.feed, 0, BATCHES));
    assert_int_equal(w.calls, BATCHES);
    assert_int_equal(w.images, COUNT);
    w = (watcher){.stop_after = -1};
    OK(cnn_layered_on_batch(m, watch, &stop));
    assert_int_equal(cnn_layered_train(m, s.pair.feed, 0, BATCHES), CNN_ESTOPPED);
    assert_int_equal(w.calls, 2);
    cnn_layered_destroy(&m);
    assert_null(m);
    end(&s);
}

static void test_layered_refuses_images_of_another_shape(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    cnn_feed *feed = NULL;
    cnn_metrics counts;
    picture_set other = pictures_synthetic((cnn_shape){12, 10, 1}, CLASSES, BATCH);
    OK(cnn_feed_create(s.pair.rig.ops, other.shape, BATCH, CNN_PIXEL_F32, 1, other.x, other.labels,
                       &feed));
    cnn_model *m = s.pair.model[CNN_PATH_LAYERED];
    assert_int_equal(cnn_model_train(m, feed, 0, 1, NULL), CNN_EINVAL);
    assert_int_equal(cnn_model_evaluate(m, feed, &counts), CNN_EINVAL);
    assert_non_null(strstr(cnn_error_message(), "12x10x3"));
    cnn_feed_destroy(&feed);
    pictures_free(&other);
    end(&s);
}

static void test_batches_larger_than_the_device_was_opened_for_are_refused(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    cnn_layered *m = NULL;
    cnn_train train = s.pair.train;
    train.batch_size = BATCH + 1;
    assert_int_equal(cnn_layered_create(s.pair.rig.ops, &s.pair.net, &train, seed, &m), CNN_EINVAL);
    assert_null(m);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_start_from_drawn_weights),
        cmocka_unit_test(test_gradients_agree_with_reference),
        cmocka_unit_test(test_training_follows_reference_with_sgd),
        cmocka_unit_test(test_training_follows_reference_with_momentum),
        cmocka_unit_test(test_training_follows_reference_with_adam),
        cmocka_unit_test(test_reset_restores_the_beginning),
        cmocka_unit_test(test_same_seed_gives_same_checksum),
        cmocka_unit_test(test_step_seconds_change_nothing_else),
        cmocka_unit_test(test_evaluation_changes_nothing),
        cmocka_unit_test(test_models_describe_themselves),
        cmocka_unit_test(test_layered_calls_back_after_each_batch),
        cmocka_unit_test(test_layered_refuses_images_of_another_shape),
        cmocka_unit_test(test_batches_larger_than_the_device_was_opened_for_are_refused),
    };
    return cmocka_run_group_tests_name("paths", tests, NULL, NULL);
}
