/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nn/native/plan.h"

static cnn_network study_network(const char *name, cnn_shape input, int classes)
{
    cnn_network net;
    assert_true(cnn_network_builtin(name, &net));
    assert_int_equal(cnn_network_infer(&net, input, classes), CNN_OK);
    return net;
}

static const struct {
    const char *name;
    cnn_shape input;
    int classes;
} study[] = {
    {"arch1", {28, 28, 1}, 10},
    {"arch1", {50, 50, 3}, 2},
    {"arch2", {28, 28, 1}, 10},
    {"arch2", {50, 50, 3}, 2},
};

/* Every tensor of a batch of 32 as a training step has them: each node's result lives until its own
 * backward, each gradient from its reader's backward to its writer's. */
static void add_step_tensors(const cnn_network *net, cnn_plan *plan)
{
    const int last = 2 * plan->node_count - 1;
    for (int i = 0; i < plan->node_count - 1; i++) {
        const cnn_plan_node *node = &plan->nodes[i];
        const int layer = node->pool >= 0 ? node->pool : node->relu >= 0 ? node->relu : node->layer;
        const size_t bytes = 32 * sizeof(float) * (size_t)cnn_shape_size(net->layers[layer].out);
        assert_true(cnn_plan_add(plan, "result", bytes, i, last - i) >= 0);
        assert_true(cnn_plan_add(plan, "gradient", bytes, last - i - 1, last - i) >= 0);
        assert_true(cnn_plan_add(plan, "scratch", bytes / 3 + 1, i, i) >= 0);
    }
}

static void assert_placed_well(const cnn_plan *plan)
{
    size_t sum = 0, largest = 0, end = 0;
    for (int i = 0; i < plan->tensor_count; i++) {
        const cnn_plan_tensor *a = &plan->tensors[i];
        assert_int_equal(a->offset % 64, 0);
        assert_true(a->offset + a->bytes <= plan->arena_bytes);
        sum += (a->bytes + 63) / 64 * 64;
        largest = a->bytes > largest ? a->bytes : largest;
        end = a->offset + a->bytes > end ? a->offset + a->bytes : end;
        for (int j = 0; j < i; j++) {
            const cnn_plan_tensor *b = &plan->tensors[j];
            if (a->first <= b->last && b->first <= a->last)
                assert_true(a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset);
        }
    }
    assert_true(plan->arena_bytes <= sum);
    assert_true(plan->arena_bytes >= largest);
    assert_true(plan->arena_bytes < end + 64);
}

static void test_place_study_networks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof study / sizeof *study; i++) {
        cnn_network net = study_network(study[i].name, study[i].input, study[i].classes);
        cnn_plan plan;
        cnn_plan_fuse(&net, &plan);
        add_step_tensors(&net, &plan);
        assert_int_equal(cnn_plan_place(&plan), CNN_OK);
        assert_placed_well(&plan);
        size_t sum = 0;
        for (int t = 0; t < plan.tensor_count; t++)
            sum += plan.tensors[t].bytes;
        assert_true(plan.arena_bytes < sum); /* something is shared */
    }
}

static void test_place_random_lifetimes(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int repeat = 0; repeat < 50; repeat++) {
        cnn_plan plan = {0};
        for (int i = 0; i < 60; i++) {
            random = random * 1664525u + 1013904223u;
            const int first = (int)(random >> 8) % 20, length = (int)(random >> 16) % 6;
            cnn_plan_add(&plan, "t", (random >> 10) % 5000, first, first + length);
        }
        assert_int_equal(cnn_plan_place(&plan), CNN_OK);
        assert_placed_well(&plan);
    }
}

static void test_place_shares_what_never_meets(void **state)
{
    (void)state;
    cnn_plan plan = {0};
    cnn_plan_add(&plan, "early", 1000, 0, 1);
    cnn_plan_add(&plan, "late", 640, 2, 3);
    cnn_plan_add(&plan, "both", 100, 1, 2);
    assert_int_equal(cnn_plan_place(&plan), CNN_OK);
    assert_int_equal(plan.tensors[0].offset, plan.tensors[1].offset);
    assert_int_equal(plan.arena_bytes, 1024 + 128);
}

static void test_place_rejects_lifetime_backwards(void **state)
{
    (void)state;
    cnn_plan plan = {0};
    cnn_plan_add(&plan, "odd", 64, 3, 2);
    assert_int_equal(cnn_plan_place(&plan), CNN_EINVAL);
    assert_non_null(strstr(cnn_error_message(), "odd"));
}

static void test_add_until_full(void **state)
{
    (void)state;
    static cnn_plan plan;
    for (int i = 0; i < CNN_MAX_PLAN_TENSORS; i++)
        assert_int_equal(cnn_plan_add(&plan, "t", 1, 0, 0), i);
    assert_int_equal(cnn_plan_add(&plan, "t", 1, 0, 0), -1);
}

static void assert_node(const cnn_plan_node *node, cnn_node_kind kind, int layer, int relu,
                        int pool)
{
    assert_int_equal(node->kind, kind);
    assert_int_equal(node->layer, layer);
    assert_int_equal(node->relu, relu);
    assert_int_equal(node->pool, pool);
}

static void test_fuse_study_networks(void **state)
{
    (void)state;
    cnn_plan plan;
    cnn_network net = study_network("arch1", (cnn_shape){28, 28, 1}, 10);
    cnn_plan_fuse(&net, &plan);
    assert_int_equal(plan.node_count, 4);
    assert_node(&plan.nodes[0], CNN_NODE_CONV, 0, 1, 2);
    assert_node(&plan.nodes[1], CNN_NODE_CONV, 3, 4, 5);
    assert_node(&plan.nodes[2], CNN_NODE_DENSE, 6, -1, -1);
    assert_node(&plan.nodes[3], CNN_NODE_LOSS, -1, -1, -1);
    net = study_network("arch2", (cnn_shape){50, 50, 3}, 2);
    cnn_plan_fuse(&net, &plan);
    assert_int_equal(plan.node_count, 8);
    assert_node(&plan.nodes[1], CNN_NODE_CONV, 2, 3, -1);
    assert_node(&plan.nodes[2], CNN_NODE_NORM, 4, -1, 5);
    assert_node(&plan.nodes[5], CNN_NODE_NORM, 10, -1, 11);
}

/* Each layer belongs to exactly one node, in order, whatever the layers are. */
static void test_fuse_covers_every_layer(void **state)
{
    (void)state;
    static const cnn_layer_kind kinds[] = {
        CNN_LAYER_DROPOUT,   CNN_LAYER_RELU,   CNN_LAYER_MAXPOOL, CNN_LAYER_CONV2D,
        CNN_LAYER_AVGPOOL,   CNN_LAYER_CONV2D, CNN_LAYER_MAXPOOL, CNN_LAYER_RELU,
        CNN_LAYER_BATCHNORM, CNN_LAYER_RELU,   CNN_LAYER_RELU,    CNN_LAYER_DENSE,
        CNN_LAYER_RELU,      CNN_LAYER_DENSE};
    cnn_network net = {.layer_count = sizeof kinds / sizeof *kinds};
    for (int i = 0; i < net.layer_count; i++)
        net.layers[i].kind = kinds[i];
    cnn_plan plan;
    cnn_plan_fuse(&net, &plan);
    int next = 0;
    for (int i = 0; i < plan.node_count - 1; i++) {
        const cnn_plan_node *node = &plan.nodes[i];
        assert_int_equal(node->layer, next++);
        if (node->relu >= 0)
            assert_int_equal(node->relu, next++);
        if (node->pool >= 0)
            assert_int_equal(node->pool, next++);
    }
    assert_int_equal(next, net.layer_count);
    assert_int_equal(plan.nodes[plan.node_count - 1].kind, CNN_NODE_LOSS);
}

static void test_describe_names_nodes_and_arena(void **state)
{
    (void)state;
    cnn_network net = study_network("arch1", (cnn_shape){28, 28, 1}, 10);
    cnn_plan plan;
    cnn_text text = {0};
    cnn_plan_fuse(&net, &plan);
    add_step_tensors(&net, &plan);
    assert_int_equal(cnn_plan_place(&plan), CNN_OK);
    cnn_plan_describe(&plan, &net, &text);
    assert_int_equal(cnn_text_status(&text), CNN_OK);
    assert_non_null(strstr(text.s, "conv2d + bias + relu + maxpool"));
    assert_non_null(strstr(text.s, "arena "));
    cnn_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place_study_networks),
        cmocka_unit_test(test_place_random_lifetimes),
        cmocka_unit_test(test_place_shares_what_never_meets),
        cmocka_unit_test(test_place_rejects_lifetime_backwards),
        cmocka_unit_test(test_add_until_full),
        cmocka_unit_test(test_fuse_study_networks),
        cmocka_unit_test(test_fuse_covers_every_layer),
        cmocka_unit_test(test_describe_names_nodes_and_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
