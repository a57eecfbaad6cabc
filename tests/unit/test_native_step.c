/* SPDX-License-Identifier: Apache-2.0 */
/* What src/nn/native does for every backend, with one that computes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native_fixture.h"

enum { BATCH = 4, DROPOUT = 0, CONV = 1, NORM = 2, DENSE = 3, NODES = 4 };

static cnn_step *build(const cnn_step_backend *backend, cnn_ops *ops)
{
    const cnn_network net = fixture_network();
    cnn_train train = cnn_train_defaults();
    cnn_step *s = NULL;
    train.batch_size = BATCH;
    assert_int_equal(cnn_step_build(backend, ops, &net, &train, 1, &s), CNN_OK);
    return s;
}

static void assert_shape(const cnn_grid *g, int h, int w, int c)
{
    assert_int_equal(g->h, h);
    assert_int_equal(g->w, w);
    assert_int_equal(g->c, c);
}

/* ---- nodes --------------------------------------------------------------------------------- */

static void test_build_sets_nodes_up(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    assert_int_equal(s->node_count, NODES);
    assert_int_equal(s->first_trained, CONV);
    for (int i = 0; i < NODES; i++) {
        const cnn_node *node = &s->nodes[i];
        assert_int_equal(node->index, i);
        assert_int_equal(node->trains, i >= CONV);
        assert_int_equal(node->input_gradient, i > CONV);
        assert_int_equal(node->relu, i == CONV || i == NORM);
        assert_int_equal(node->input_is_relu, i == DENSE); /* the norm's input is a pool's result */
        assert_int_equal(node->reads_until, cnn_step_back(s, i));
        assert_ptr_equal(node->pool, i == CONV ? &s->net.layers[3] : NULL);
        assert_int_equal(node->in.block, node->in.c);
    }
    assert_shape(&s->nodes[CONV].in, 8, 8, 2);
    assert_shape(&s->nodes[CONV].mid, 8, 8, 20);
    assert_shape(&s->nodes[CONV].out, 4, 4, 20);
    assert_shape(&s->nodes[DENSE].in, 4, 4, 20);
    assert_shape(&s->nodes[DENSE].out, 1, 1, 3);
    cnn_step_destroy(&s);
}

static void test_build_counts_running_statistics(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_train train = cnn_train_defaults();
    cnn_network net;
    cnn_step *s = NULL;
    size_t offset = 0;
    assert_true(cnn_network_builtin("arch2", &net));
    assert_int_equal(cnn_network_infer(&net, (cnn_shape){50, 50, 3}, 2), CNN_OK);
    assert_int_equal(cnn_step_build(&fixture_backend, &ops, &net, &train, 1, &s), CNN_OK);
    for (int i = 0; i < s->node_count; i++) {
        assert_int_equal(s->nodes[i].running, offset);
        if (s->nodes[i].layer->kind == CNN_LAYER_BATCHNORM)
            offset += 2 * (size_t)s->nodes[i].in.c;
    }
    assert_true(offset > 0);
    assert_int_equal(offset, s->net.state_total);
    cnn_step_destroy(&s);
}

static void test_set_block_reaches_both_neighbours(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    cnn_step_set_block(s, 2, 16);
    assert_int_equal(s->grids[2].blocks, 2);
    assert_int_equal(s->nodes[CONV].mid.block, 16);
    assert_shape(&s->nodes[CONV].mid, 8, 8, 20);
    assert_int_equal(s->nodes[CONV].out.block, 16);
    assert_int_equal(s->nodes[NORM].in.block, 16);
    assert_int_equal(s->nodes[NORM].out.block, 20);
    assert_int_equal(cnn_step_values(s, &s->grids[2]), BATCH * 4 * 4 * 32);
    cnn_step_set_block(s, 0, 1); /* no writer */
    assert_int_equal(s->nodes[DROPOUT].in.blocks, 2);
    cnn_step_set_block(s, NODES, 8); /* no reader */
    assert_int_equal(s->nodes[DENSE].out.block, 8);
    cnn_step_destroy(&s);
}

/* ---- tensors ------------------------------------------------------------------------------- */

static void assert_tensor(const cnn_step *s, int tensor, int first, int last, size_t bytes)
{
    assert_true(tensor >= 0);
    assert_int_equal(s->plan.tensors[tensor].first, first);
    assert_int_equal(s->plan.tensors[tensor].last, last);
    assert_int_equal(s->plan.tensors[tensor].bytes, bytes);
}

static void test_values_live_until_their_writer_is_differentiated(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    for (int i = 0; i <= NODES; i++) {
        const int writer = i > 0 ? i - 1 : 0;
        const size_t bytes = BATCH * cnn_grid_size(&s->grids[i]) * sizeof(float);
        assert_tensor(s, s->values[i], writer, cnn_step_back(s, writer), bytes);
        if (i > CONV)
            assert_tensor(s, s->gradients[i], cnn_step_back(s, i), cnn_step_back(s, i - 1), bytes);
        else
            assert_int_equal(s->gradients[i], CNN_NO_TENSOR);
    }
    assert_non_null(cnn_step_value(s, 0));
    assert_null(cnn_step_gradient(s, CONV));
    cnn_step_destroy(&s);
}

static void test_a_late_reader_keeps_its_tensors(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    ops.late_node = DENSE;
    cnn_step *s = build(&fixture_backend, &ops);
    const int end = cnn_step_back(s, 0);
    assert_int_equal(s->plan.tensors[s->values[DENSE]].last, end);
    assert_int_equal(s->plan.tensors[s->gradients[DENSE + 1]].last, end);
    assert_int_equal(s->plan.tensors[s->values[NORM]].last, cnn_step_back(s, CONV));
    assert_int_equal(s->plan.tensors[s->gradients[DENSE]].last, cnn_step_back(s, NORM));
    cnn_step_destroy(&s);
}

static void test_tensors_before_a_pool(void **state)
{
    (void)state;
    const size_t bytes = BATCH * (size_t)(8 * 8 * 20) * sizeof(float);
    cnn_ops ops = fixture_ops(BATCH);
    ops.late_node = CONV;
    cnn_step *s = build(&fixture_backend, &ops);
    assert_tensor(s, ops.mid, CONV, CONV, bytes);
    assert_tensor(s, ops.mid_gradient, cnn_step_back(s, CONV), cnn_step_back(s, 0), bytes);
    cnn_step_destroy(&s);
    ops = fixture_ops(BATCH);
    ops.no_mid_gradient = true;
    s = build(&fixture_backend, &ops);
    assert_tensor(s, ops.mid, CONV, CONV, bytes);
    assert_int_equal(ops.mid_gradient, CNN_NO_TENSOR);
    cnn_step_destroy(&s);
}

static void test_a_classifier_leaves_gradients_in_its_forward(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_classifier_backend, &ops);
    assert_ptr_equal(s->nodes[DENSE].class, fixture_classifier_backend.classifier);
    assert_int_equal(s->values[NODES], CNN_NO_TENSOR);
    assert_int_equal(s->plan.tensors[s->gradients[NODES]].first, DENSE);
    assert_int_equal(s->plan.tensors[s->gradients[DENSE]].first, DENSE);
    assert_int_equal(s->plan.tensors[s->gradients[NORM]].first, cnn_step_back(s, NORM));
    cnn_step_destroy(&s);
}

static void test_images_read_from_the_feed_are_no_tensor(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    ops.reads_feed = true;
    cnn_step *s = build(&fixture_backend, &ops);
    assert_int_equal(s->values[0], CNN_NO_TENSOR);
    assert_null(cnn_step_value(s, 0));
    assert_true(s->values[1] >= 0);
    cnn_step_destroy(&s);
}

/* ---- parameters ---------------------------------------------------------------------------- */

static void test_parameters_are_aligned_and_apart(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    size_t end = 0;
    assert_int_equal(s->parameter_count, s->net.parameter_count);
    for (int i = 0; i < s->parameter_count; i++) {
        assert_int_equal(s->parameters[i].offset % fixture_backend.parameter_values, 0);
        assert_true(s->parameters[i].offset >= end);
        end = s->parameters[i].offset + s->parameters[i].size;
    }
    assert_true(end <= s->parameter_size);
    assert_ptr_equal(cnn_step_weights(s, &s->nodes[CONV], 0), s->weights);
    assert_ptr_equal(cnn_step_weight_gradients(s, &s->nodes[CONV], 1),
                     s->weight_gradients + s->parameters[s->nodes[CONV].parameters[1]].offset);
    cnn_step_destroy(&s);
}

static void test_reset_imports_layouts_and_clears_the_rest(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    const size_t count = (size_t)s->net.parameter_total;
    float *set = malloc(count * sizeof *set), *read = malloc(count * sizeof *read);
    for (size_t i = 0; i < count; i++)
        set[i] = (float)(i + 1);
    for (size_t i = 0; i < s->parameter_size; i++)
        s->weight_gradients[i] = 5;
    assert_int_equal(cnn_step_reset(s, set), CNN_OK);
    assert_non_null(strstr(ops.log, "reset "));
    assert_float_equal(cnn_step_weights(s, &s->nodes[CONV], 0)[0], -1, 0); /* has a layout */
    const cnn_parameter *gamma = &s->net.parameters[2];
    assert_float_equal(cnn_step_weights(s, &s->nodes[NORM], 0)[0], set[gamma->offset], 0);
    assert_int_equal(cnn_step_parameters(s, read), CNN_OK);
    assert_memory_equal(set, read, count * sizeof *set);
    assert_int_equal(cnn_step_gradients(s, read), CNN_OK);
    for (size_t i = 0; i < count; i++)
        assert_true(read[i] == 0);
    for (int64_t k = 0; k < s->net.state_total; k++)
        assert_float_equal(s->running[k], k < s->net.state_total / 2 ? 0 : 1, 0);
    free(set);
    free(read);
    cnn_step_destroy(&s);
}

static void assert_optimiser_state(int optimizer, double momentum, bool first, bool second)
{
    const cnn_network net = fixture_network();
    cnn_ops ops = fixture_ops(BATCH);
    cnn_train train = cnn_train_defaults();
    cnn_step *s = NULL;
    train.optimizer = optimizer;
    train.momentum = momentum;
    assert_int_equal(cnn_step_build(&fixture_backend, &ops, &net, &train, 1, &s), CNN_OK);
    assert_int_equal(s->first != NULL, first);
    assert_int_equal(s->second != NULL, second);
    float *parameters = calloc((size_t)net.parameter_total, sizeof *parameters);
    for (size_t i = 0; i < s->parameter_size; i++) {
        if (first)
            s->first[i] = 1;
        if (second)
            s->second[i] = 1;
    }
    assert_int_equal(cnn_step_reset(s, parameters), CNN_OK);
    for (size_t i = 0; i < s->parameter_size; i++) {
        assert_true(!first || s->first[i] == 0);
        assert_true(!second || s->second[i] == 0);
    }
    free(parameters);
    cnn_step_destroy(&s);
}

static void test_optimisers_have_the_state_they_need(void **state)
{
    (void)state;
    assert_optimiser_state(CNN_OPTIMIZER_SGD, 0, false, false);
    assert_optimiser_state(CNN_OPTIMIZER_SGD, 0.9, true, false);
    assert_optimiser_state(CNN_OPTIMIZER_ADAM, 0, true, true);
}

/* ---- order and failures -------------------------------------------------------------------- */

static void test_build_and_destroy_call_in_order(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    assert_string_equal(ops.log, "begin create0 create1 create2 create3 finish ");
    ops.log[0] = '\0';
    cnn_step_destroy(&s);
    assert_string_equal(ops.log, "destroy gone0 gone1 gone2 gone3 ");
    assert_null(s);
    assert_int_equal(ops.live, 0);
    cnn_step_destroy(&s); /* takes NULL */
}

static void test_least_backend(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_least_backend, &ops);
    cnn_text text = {0};
    float *parameters = calloc((size_t)s->net.parameter_total, sizeof *parameters);
    assert_int_equal(cnn_step_reset(s, parameters), CNN_OK);
    cnn_step_describe(s, &text);
    assert_int_equal(cnn_text_status(&text), CNN_OK);
    assert_string_equal(ops.log, "create0 create1 create2 create3 ");
    cnn_text_free(&text);
    free(parameters);
    cnn_step_destroy(&s);
    assert_int_equal(ops.live, 0);
}

static void assert_build_fails(cnn_ops *ops, cnn_status expected)
{
    const cnn_network net = fixture_network();
    cnn_train train = cnn_train_defaults();
    int untouched;
    cnn_step *s = (cnn_step *)&untouched;
    train.optimizer = CNN_OPTIMIZER_ADAM;
    assert_int_equal(cnn_step_build(&fixture_classifier_backend, ops, &net, &train, 1, &s),
                     expected);
    assert_ptr_equal(s, (cnn_step *)&untouched);
    assert_int_equal(ops->live, 0);
    assert_non_null(strstr(ops->log, "destroy "));
    for (int i = 0; i < NODES; i++) { /* each node that was created, and no other, is destroyed */
        char created[16], gone[16];
        snprintf(created, sizeof created, "create%d ", i);
        snprintf(gone, sizeof gone, "gone%d ", i);
        assert_int_equal(strstr(ops->log, created) != NULL, strstr(ops->log, gone) != NULL);
    }
}

static void test_build_fails_cleanly_wherever_the_backend_does(void **state)
{
    (void)state;
    const char *const calls[] = {"begin", "create0", "create1", "create3", "finish"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        cnn_ops ops = fixture_ops(BATCH);
        snprintf(ops.failing, sizeof ops.failing, "%s", calls[i]);
        assert_build_fails(&ops, CNN_EBACKEND);
        assert_non_null(strstr(cnn_error_message(), calls[i]));
    }
}

static void test_build_fails_cleanly_without_memory(void **state)
{
    (void)state;
    enum { ALLOCATIONS = 6 }; /* arena, weights, gradients, two moments, running statistics */
    for (int i = 1; i <= ALLOCATIONS; i++) {
        cnn_ops ops = fixture_ops(BATCH);
        ops.fails_at = i;
        assert_build_fails(&ops, CNN_ENOMEM);
        assert_int_equal(ops.allocations, i);
    }
}

static void test_build_refuses_a_tensor_that_kernels_cannot_index(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    ops.node_bytes = (1 << 20) + 1;
    assert_build_fails(&ops, CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "smaller batch"));
    ops = fixture_ops(BATCH);
    ops.node_bytes = 1 << 20;
    cnn_step *s = build(&fixture_classifier_backend, &ops);
    cnn_step_destroy(&s);
}

static void test_build_refuses_too_many_tensors(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    ops.node_tensors = CNN_MAX_PLAN_TENSORS;
    assert_build_fails(&ops, CNN_ENOMEM);
    assert_non_null(strstr(cnn_error_message(), "tensors"));
}

static void test_build_refuses_missing_arguments(void **state)
{
    (void)state;
    const cnn_network net = fixture_network(), empty = {0};
    const cnn_train train = cnn_train_defaults();
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = NULL;
    assert_int_equal(cnn_step_build(&fixture_backend, NULL, &net, &train, 1, &s), CNN_EINVAL);
    assert_int_equal(cnn_step_build(&fixture_backend, &ops, NULL, &train, 1, &s), CNN_EINVAL);
    assert_int_equal(cnn_step_build(&fixture_backend, &ops, &net, NULL, 1, &s), CNN_EINVAL);
    assert_int_equal(cnn_step_build(&fixture_backend, &ops, &empty, &train, 1, &s), CNN_EINVAL);
    assert_null(s);
}

/* ---- passes -------------------------------------------------------------------------------- */

static void test_passes_run_forward_and_back(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    const cnn_step_pass pass = {.n = BATCH, .training = true};
    ops.log[0] = '\0';
    assert_int_equal(cnn_step_forward(s, &pass), CNN_OK);
    assert_int_equal(cnn_step_backward(s, &pass), CNN_OK);
    assert_string_equal(ops.log, "f0 f1 f2 f3 b3 b2 b1 "); /* the dropout has no backward */
    ops.log[0] = '\0';
    strcpy(ops.failing, "f1");
    assert_int_equal(cnn_step_forward(s, &pass), CNN_EBACKEND);
    assert_string_equal(ops.log, "f0 f1 ");
    strcpy(ops.failing, "b2");
    ops.log[0] = '\0';
    assert_int_equal(cnn_step_backward(s, &pass), CNN_EBACKEND);
    assert_string_equal(ops.log, "b3 b2 ");
    cnn_step_destroy(&s);
}

static void test_feeds_and_batches_are_checked_first(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    const cnn_feed feed = {.shape = {8, 8, 2}, .count = 10}; /* batches of 4, 4, 2 */
    const cnn_feed other = {.shape = {8, 8, 3}, .count = 10};
    cnn_metrics counts;
    double loss = 0;
    ops.log[0] = '\0';
    assert_int_equal(cnn_step_differentiate(s, &other, 0, &loss), CNN_EINVAL);
    assert_non_null(strstr(cnn_error_message(), "8x8x2, not 8x8x3"));
    assert_int_equal(cnn_step_differentiate(s, &feed, -1, &loss), CNN_EINVAL);
    assert_int_equal(cnn_step_differentiate(s, &feed, 3, &loss), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &other, 0, 1, NULL), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &other, 0, 0, NULL), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &feed, -1, 1, NULL), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &feed, 0, -1, NULL), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &feed, 2, 2, NULL), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &feed, 1, INT64_MAX, NULL), CNN_EINVAL);
    assert_int_equal(cnn_step_evaluate(s, &other, &counts), CNN_EINVAL);
    assert_int_equal(cnn_step_train(s, &feed, 0, 0, NULL), CNN_OK);
    assert_string_equal(ops.log, "");
    assert_int_equal(cnn_step_differentiate(s, &feed, 2, &loss), CNN_OK);
    assert_int_equal(cnn_step_train(s, &feed, 1, 2, NULL), CNN_OK);
    assert_int_equal(cnn_step_metrics(s, &counts), CNN_OK);
    assert_int_equal(counts.images, 7);
    assert_int_equal(cnn_step_evaluate(s, &feed, &counts), CNN_OK);
    assert_int_equal(counts.images, 8);
    assert_string_equal(ops.log, "differentiate2 train2 metrics evaluate ");
    cnn_step_destroy(&s);
}

static void test_batches_of_a_feed(void **state)
{
    (void)state;
    const cnn_feed feed = {.count = 10};
    int n = 0;
    assert_int_equal(cnn_feed_batch_images(&feed, 4, 0, &n), CNN_OK);
    assert_int_equal(n, 4);
    assert_int_equal(cnn_feed_batch_images(&feed, 4, 2, &n), CNN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(cnn_feed_batch_images(&feed, 10, 0, &n), CNN_OK);
    assert_int_equal(n, 10);
    assert_int_equal(cnn_feed_batch_images(&feed, 4, 3, &n), CNN_EINVAL);
    assert_int_equal(cnn_feed_batch_images(&feed, 4, INT64_MAX, &n), CNN_EINVAL);
    assert_int_equal(cnn_feed_batch_images(&feed, 0, 0, &n), CNN_EINVAL);
    assert_int_equal(n, 10);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void test_describe_names_layouts(void **state)
{
    (void)state;
    cnn_ops ops = fixture_ops(BATCH);
    cnn_step *s = build(&fixture_backend, &ops);
    cnn_text text = {0};
    cnn_step_set_block(s, 1, 1);
    cnn_step_set_block(s, 2, 16);
    cnn_step_describe(s, &text);
    assert_int_equal(cnn_text_status(&text), CNN_OK);
    assert_non_null(strstr(text.s, "node 0  8x8x2 NHWC -> 8x8x2 NCHW: nothing\n"));
    assert_non_null(strstr(text.s, "node 1  8x8x2 NCHW -> 4x4x20 nChw16c: nothing, then relu\n"));
    assert_non_null(strstr(text.s, "\na line of the backend\n\n"));
    assert_non_null(strstr(text.s, " values in one arena\n"));
    cnn_text_free(&text);
    cnn_step_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_sets_nodes_up),
        cmocka_unit_test(test_build_counts_running_statistics),
        cmocka_unit_test(test_set_block_reaches_both_neighbours),
        cmocka_unit_test(test_values_live_until_their_writer_is_differentiated),
        cmocka_unit_test(test_a_late_reader_keeps_its_tensors),
        cmocka_unit_test(test_tensors_before_a_pool),
        cmocka_unit_test(test_a_classifier_leaves_gradients_in_its_forward),
        cmocka_unit_test(test_images_read_from_the_feed_are_no_tensor),
        cmocka_unit_test(test_parameters_are_aligned_and_apart),
        cmocka_unit_test(test_reset_imports_layouts_and_clears_the_rest),
        cmocka_unit_test(test_optimisers_have_the_state_they_need),
        cmocka_unit_test(test_build_and_destroy_call_in_order),
        cmocka_unit_test(test_least_backend),
        cmocka_unit_test(test_build_fails_cleanly_wherever_the_backend_does),
        cmocka_unit_test(test_build_fails_cleanly_without_memory),
        cmocka_unit_test(test_build_refuses_a_tensor_that_kernels_cannot_index),
        cmocka_unit_test(test_build_refuses_too_many_tensors),
        cmocka_unit_test(test_build_refuses_missing_arguments),
        cmocka_unit_test(test_passes_run_forward_and_back),
        cmocka_unit_test(test_feeds_and_batches_are_checked_first),
        cmocka_unit_test(test_batches_of_a_feed),
        cmocka_unit_test(test_describe_names_layouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
