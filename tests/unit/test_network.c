/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cnn_shape small = {28, 28, 1}, large = {50, 50, 3};

static cnn_network inferred(const char *name, cnn_shape input, int classes)
{
    cnn_network net;
    assert_true(cnn_network_builtin(name, &net));
    assert_int_equal(cnn_network_infer(&net, input, classes), CNN_OK);
    return net;
}

/* Reads a list; returns its network, and the errors in *message ("" when there are none). */
static cnn_network read_list(const char *text, char *message, size_t size)
{
    cnn_yaml *y = NULL;
    cnn_network net;
    assert_int_equal(cnn_yaml_parse("job.yaml", text, &y), CNN_OK);
    cnn_network_read(y, cnn_yaml_root(y), "mine", &net);
    message[0] = '\0';
    if (cnn_yaml_finish(y) != CNN_OK)
        cnn_copy_string(message, size, cnn_error_message());
    assert_int_equal(cnn_yaml_errors(y) > 0, message[0] != '\0');
    cnn_yaml_close(&y);
    return net;
}

static cnn_network read_good(const char *text)
{
    char message[4096];
    cnn_network net = read_list(text, message, sizeof message);
    assert_string_equal(message, "");
    return net;
}

/* The list has an error at line:column that contains `part`. */
static void expect_error(const char *text, const char *place, const char *part)
{
    char message[4096], start[32];
    read_list(text, message, sizeof message);
    cnn_copy_string(start, sizeof start, "job.yaml:");
    strcat(start, place);
    if (!strstr(message, start) || !strstr(message, part))
        fail_msg("'%s' should say '%s... %s', not: %s", text, start, part, message);
}

/* ---- the study's networks ------------------------------------------------------------------ */

static void test_builtins_have_the_published_parameter_counts(void **state)
{
    (void)state;
    assert_int_equal(inferred("arch1", small, 10).parameter_total, 28938);
    assert_int_equal(inferred("arch1", large, 2).parameter_total, 24866);
    assert_int_equal(inferred("arch2", small, 10).parameter_total, 280174);
    assert_int_equal(inferred("arch2", large, 2).parameter_total, 284210);
}

static void test_builtins_are_listed_and_others_unknown(void **state)
{
    (void)state;
    cnn_network net;
    int count = 0;
    for (; cnn_network_builtins[count]; count++) {
        assert_true(cnn_network_builtin(cnn_network_builtins[count], &net));
        assert_string_equal(net.name, cnn_network_builtins[count]);
    }
    assert_int_equal(count, 2);
    assert_false(cnn_network_builtin("arch3", &net));
}

static void test_study_axis_follows_each_input(void **state)
{
    (void)state;
    cnn_network net = inferred("arch2", small, 10);
    assert_int_equal(net.layers[4].kind, CNN_LAYER_BATCHNORM);
    assert_int_equal(net.layers[4].axis, CNN_AXIS_HEIGHT);
    assert_int_equal(net.state_total, 2 * (28 + 14));
    assert_int_equal(cnn_network_infer(&net, large, 2), CNN_OK);
    assert_int_equal(net.layers[4].axis, CNN_AXIS_CHANNELS);
    assert_int_equal(net.parameter_total, 284210);
    assert_int_equal(net.state_total, 2 * (64 + 16));
    assert_int_equal(cnn_network_infer(&net, (cnn_shape){28, 28, 3}, 10), CNN_OK);
    assert_int_equal(net.layers[4].axis, CNN_AXIS_CHANNELS);
    assert_int_equal(cnn_network_infer(&net, small, 10), CNN_OK);
    assert_int_equal(net.layers[4].axis, CNN_AXIS_HEIGHT);
    assert_int_equal(net.parameter_total, 280174);
}

/* ---- shapes -------------------------------------------------------------------------------- */

static void test_same_pools_go_from_50_to_25_to_13(void **state)
{
    (void)state;
    cnn_network net = inferred("arch1", large, 2);
    const int sides[] = {50, 50, 25, 25, 25, 13, 1};
    for (int i = 0; i < net.layer_count; i++) {
        assert_int_equal(net.layers[i].out.h, sides[i]);
        assert_int_equal(net.layers[i].out.w, sides[i]);
    }
    assert_int_equal(net.layers[5].pad_top, 0); /* the surplus is at the bottom */
    assert_int_equal(net.layers[0].pad_top, 2);
    assert_int_equal(net.layers[0].pad_left, 2);
}

static void test_padding_follows_kernel_and_stride(void **state)
{
    (void)state;
    static const struct {
        int length, kernel, stride, same, out, pad;
    } cases[] = {{28, 5, 1, 1, 28, 2}, {28, 5, 1, 0, 24, 0}, {28, 4, 1, 1, 28, 1},
                 {9, 4, 2, 1, 5, 1},   {9, 3, 2, 0, 4, 0},   {7, 2, 3, 1, 3, 0},
                 {3, 5, 1, 1, 3, 2},   {10, 3, 2, 1, 5, 0},  {5, 5, 1, 0, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_network net = {.layer_count = 2,
                           .layers = {{.kind = CNN_LAYER_MAXPOOL,
                                       .kernel = cases[i].kernel,
                                       .stride = cases[i].stride,
                                       .same = cases[i].same},
                                      {.kind = CNN_LAYER_DENSE}}};
        assert_int_equal(
            cnn_network_infer(&net, (cnn_shape){cases[i].length, cases[i].length, 1}, 2), CNN_OK);
        assert_int_equal(net.layers[0].out.h, cases[i].out);
        assert_int_equal(net.layers[0].out.w, cases[i].out);
        assert_int_equal(net.layers[0].pad_top, cases[i].pad);
        assert_int_equal(net.layers[0].pad_left, cases[i].pad);
    }
}

static void test_parameters_lie_one_after_the_other(void **state)
{
    (void)state;
    cnn_network net = inferred("arch2", small, 10);
    int64_t offset = 0;
    assert_int_equal(net.parameter_count, 14);
    for (int t = 0; t < net.parameter_count; t++) {
        const cnn_parameter *p = &net.parameters[t];
        assert_int_equal(p->offset, offset);
        assert_int_equal(p->size, p->dims[0] * p->dims[1] * p->dims[2] * p->dims[3]);
        assert_int_equal(net.layers[p->layer].first_parameter, t - t % 2);
        offset += p->size;
    }
    assert_int_equal(offset, net.parameter_total);
    const cnn_parameter *dense = &net.parameters[12];
    assert_true(dense->is_weights && dense->dims[0] == 10 && dense->dims[1] == 16 &&
                dense->dims[2] == 7 && dense->dims[3] == 7);
    assert_false(net.parameters[4].is_weights); /* gamma */
}

static void test_multiply_adds_leave_out_padding(void **state)
{
    (void)state;
    cnn_network net = inferred("arch1", small, 10);
    /* 28 positions of 5 taps, of which 1 + 2 fall out at each edge: 134 a direction. */
    assert_int_equal(cnn_layer_multiply_adds(&net.layers[0]), 134 * 134 * 16);
    assert_int_equal(cnn_layer_multiply_adds(&net.layers[1]), 0);
    assert_int_equal(cnn_layer_multiply_adds(&net.layers[2]), 0);
    assert_int_equal(cnn_layer_multiply_adds(&net.layers[3]), 64 * 64 * 16 * 32);
    assert_int_equal(cnn_layer_multiply_adds(&net.layers[6]), 7 * 7 * 32 * 10);
}

/* ---- initial values ------------------------------------------------------------------------ */

static void test_draw_is_glorot_uniform(void **state)
{
    (void)state;
    cnn_network net = inferred("arch2", small, 10);
    float *values = calloc((size_t)net.parameter_total, sizeof *values);
    assert_non_null(values);
    cnn_network_draw(&net, 99, values);
    for (int t = 0; t < net.parameter_count; t++) {
        const cnn_parameter *p = &net.parameters[t];
        bool conv = net.layers[p->layer].kind == CNN_LAYER_CONV2D;
        bool gamma = net.layers[p->layer].kind == CNN_LAYER_BATCHNORM && t % 2 == 0;
        double taps = p->dims[2] * p->dims[3], sum = 0, largest = 0;
        double limit = sqrt(6 / (p->dims[1] * taps + p->dims[0] * (conv ? taps : 1)));
        for (int64_t i = 0; i < p->size; i++) {
            double v = (double)values[p->offset + i];
            sum += v;
            largest = fmax(largest, fabs(v));
            if (!p->is_weights)
                assert_true(values[p->offset + i] == (gamma ? 1 : 0));
        }
        if (p->is_weights) {
            assert_true(largest <= limit && largest > 0.99 * limit);
            assert_true(fabs(sum / (double)p->size) < 4 * limit / sqrt(3.0 * (double)p->size));
        }
    }
    free(values);
}

static void test_draw_depends_on_the_seed_alone(void **state)
{
    (void)state;
    cnn_network net = inferred("arch1", small, 10);
    float *values = calloc((size_t)net.parameter_total, sizeof *values);
    assert_non_null(values);
    uint64_t sums[3];
    const uint64_t seeds[3] = {1, 2, 1};
    for (int i = 0; i < 3; i++) {
        cnn_network_draw(&net, seeds[i], values);
        sums[i] = cnn_network_checksum(&net, values);
    }
    assert_true(sums[0] == sums[2]);
    assert_true(sums[0] != sums[1]);
    values[17] = nextafterf(values[17], 1);
    assert_true(cnn_network_checksum(&net, values) != sums[2]);
    free(values);
}

/* ---- errors of inference ------------------------------------------------------------------- */

static void expect_refusal(const cnn_network *net, cnn_shape input, int classes, const char *part)
{
    cnn_network copy = *net;
    assert_int_equal(cnn_network_infer(&copy, input, classes), CNN_EUSAGE);
    if (!strstr(cnn_error_message(), part))
        fail_msg("'%s' is not in: %s", part, cnn_error_message());
}

static void test_infer_names_the_layer_that_does_not_fit(void **state)
{
    (void)state;
    cnn_network net = {.name = "mine",
                       .layer_count = 3,
                       .layers = {{.kind = CNN_LAYER_RELU},
                                  {.kind = CNN_LAYER_MAXPOOL, .kernel = 9, .stride = 9},
                                  {.kind = CNN_LAYER_DENSE}}};
    expect_refusal(&net, (cnn_shape){8, 8, 1}, 2, "layer 2 (maxpool)");
    net.layers[1] = (cnn_layer){.kind = CNN_LAYER_CONV2D, .filters = 0, .kernel = 3};
    expect_refusal(&net, small, 2, "layer 2 (conv2d)");
    net.layers[1] = (cnn_layer){.kind = CNN_LAYER_DROPOUT, .rate = 1};
    expect_refusal(&net, small, 2, "layer 2 (dropout)");
    net.layers[1] = (cnn_layer){.kind = (cnn_layer_kind)99};
    expect_refusal(&net, small, 2, "layer 2");
    net.layers[1] = (cnn_layer){.kind = CNN_LAYER_DENSE, .units = 1 << 20};
    expect_refusal(&net, (cnn_shape){4096, 4096, 1}, 2, "layer 2 (dense)");
}

static void test_infer_wants_a_dense_layer_of_the_classes_at_the_end(void **state)
{
    (void)state;
    cnn_network net = {.name = "mine", .layer_count = 1, .layers = {{.kind = CNN_LAYER_RELU}}};
    expect_refusal(&net, small, 10, "must be dense");
    net.layers[0] = (cnn_layer){.kind = CNN_LAYER_DENSE, .units = 9};
    expect_refusal(&net, small, 10, "has 9 units, but the data set has 10 classes");
    net.layer_count = 0;
    expect_refusal(&net, small, 10, "0 layers");
}

static void test_infer_refuses_impossible_inputs(void **state)
{
    (void)state;
    cnn_network net = inferred("arch1", small, 10);
    expect_refusal(&net, (cnn_shape){0, 28, 1}, 10, "0x28x1");
    expect_refusal(&net, (cnn_shape){28, 28, -1}, 10, "28x28x-1");
    expect_refusal(&net, small, 1, "1 classes");
    expect_refusal(&net, (cnn_shape){1 << 16, 1 << 16, 1 << 16}, 10, "cannot be its input");
}

/* ---- reading and writing ------------------------------------------------------------------- */

static void test_read_takes_every_kind_and_default(void **state)
{
    (void)state;
    cnn_network net = read_good("- conv2d: {filters: 6, activation: relu}\n"
                                "- conv2d: {filters: 7, kernel: 3, stride: 2, padding: valid}\n"
                                "- maxpool: 2\n"
                                "- avgpool: {window: 3, stride: 2, padding: valid}\n"
                                "- batchnorm\n"
                                "- batchnorm: {}\n"
                                "- batchnorm: {axis: height}\n"
                                "- relu\n"
                                "- dropout: 0.25\n"
                                "- dropout: {rate: 0.5}\n"
                                "- dense: {units: 84, activation: relu}\n"
                                "- dense: classes\n");
    assert_string_equal(net.name, "mine");
    assert_int_equal(net.layer_count, 14);
    const cnn_layer *l = net.layers;
    assert_true(l[0].kind == CNN_LAYER_CONV2D && l[0].filters == 6 && l[0].kernel == 5 &&
                l[0].stride == 1 && l[0].same);
    assert_int_equal(l[1].kind, CNN_LAYER_RELU);
    assert_true(l[2].filters == 7 && l[2].kernel == 3 && l[2].stride == 2 && !l[2].same);
    assert_true(l[3].kind == CNN_LAYER_MAXPOOL && l[3].kernel == 2 && l[3].stride == 2 &&
                l[3].same);
    assert_true(l[4].kind == CNN_LAYER_AVGPOOL && l[4].kernel == 3 && l[4].stride == 2 &&
                !l[4].same);
    assert_true(l[5].kind == CNN_LAYER_BATCHNORM && l[5].axis == CNN_AXIS_CHANNELS);
    assert_true(l[6].axis == CNN_AXIS_CHANNELS && l[7].axis == CNN_AXIS_HEIGHT);
    assert_int_equal(l[8].kind, CNN_LAYER_RELU);
    assert_true(l[9].rate == 0.25 && l[10].rate == 0.5);
    assert_true(l[11].units == 84 && l[12].kind == CNN_LAYER_RELU && l[13].units == 0);
}

static void test_read_returns_what_was_written(void **state)
{
    (void)state;
    cnn_network nets[3];
    assert_true(cnn_network_builtin("arch1", &nets[0]));
    assert_true(cnn_network_builtin("arch2", &nets[1]));
    nets[2] = read_good("[{conv2d: {filters: 3, kernel: 2, stride: 3, padding: valid}}, relu, "
                        "{avgpool: {window: 3, stride: 1}}, {batchnorm: {axis: height}}, "
                        "{dropout: 0.1}, {dense: 5}, {dense: classes}]");
    for (int i = 0; i < 3; i++) {
        cnn_text text = {0};
        cnn_network_write_json(&nets[i], &text);
        assert_int_equal(cnn_text_status(&text), CNN_OK);
        cnn_network again = read_good(text.s);
        assert_int_equal(again.layer_count, nets[i].layer_count);
        assert_memory_equal(again.layers, nets[i].layers, sizeof nets[i].layers);
        cnn_text_free(&text);
    }
}

/* What was inferred for one data set does not show in what is written. */
static void test_written_network_keeps_its_study_axis_and_classes(void **state)
{
    (void)state;
    cnn_network plain, net = inferred("arch2", small, 10);
    cnn_text before = {0}, after = {0};
    assert_true(cnn_network_builtin("arch2", &plain));
    cnn_network_write_json(&plain, &before);
    cnn_network_write_json(&net, &after);
    assert_string_equal(after.s, before.s);
    cnn_text_free(&before);
    cnn_text_free(&after);
}

static void test_read_errors_name_place_and_cure(void **state)
{
    (void)state;
    expect_error("- conv2d: {filters: 6}\n- conv3d: {filters: 6}\n- dense: classes\n", "2:3",
                 "did you mean 'conv2d'");
    expect_error("- rellu\n- dense: classes\n", "1:3", "did you mean 'relu'");
    expect_error("- xyzzy\n- dense: classes\n", "1:3", "there are conv2d, relu");
    expect_error("- maxpool\n- dense: classes\n", "1:3", "maxpool needs a value");
    expect_error("- relu\n- conv2d:\n- dense: classes\n", "2:3", "conv2d needs a value");
    expect_error("- conv2d: {filter: 6}\n- dense: classes\n", "1:12", "did you mean 'filters'");
    expect_error("- conv2d: {kernel: 6}\n- dense: classes\n", "1:", "filters");
    expect_error("- conv2d: {filters: 0}\n- dense: classes\n", "1:21", "filters");
    expect_error("- maxpool: two\n- dense: classes\n", "1:12", "window");
    expect_error("- dropout: 1\n- dense: classes\n", "1:12", "below 1");
    expect_error("- batchnorm: {axis: rows}\n- dense: classes\n", "1:21", "axis");
    expect_error("- dense: clases\n", "1:10", "classes");
    expect_error("- {relu: {}, maxpool: 2}\n- dense: classes\n", "1:3", "one key");
    expect_error("- [relu]\n- dense: classes\n", "1:3", "one key");
    expect_error("- dense: classes\n- relu\n", "2:3", "must be dense");
    expect_error("- dense: {units: classes, activation: relu}\n", "1:3", "must be dense");
    expect_error("{conv2d: {filters: 3}}\n", "1:1", "list of layers");
    expect_error("[]\n", "1:1", "list of layers");
}

static void test_read_reports_all_errors_of_a_list(void **state)
{
    (void)state;
    char message[4096];
    read_list("- rellu\n- maxpool\n- dense: clases\n", message, sizeof message);
    assert_non_null(strstr(message, "job.yaml:1:"));
    assert_non_null(strstr(message, "job.yaml:2:"));
    assert_non_null(strstr(message, "job.yaml:3:"));
}

static void test_read_refuses_more_than_64_layers(void **state)
{
    (void)state;
    cnn_text text = {0};
    for (int i = 0; i < CNN_MAX_LAYERS - 1; i++)
        cnn_text_append(&text, "- relu\n");
    cnn_text_append(&text, "- dense: classes\n");
    assert_int_equal(read_good(text.s).layer_count, CNN_MAX_LAYERS);
    cnn_text_append(&text, "- dense: classes\n");
    expect_error(text.s, "65:3", "more than 64 layers");
    cnn_text_free(&text);
}

static void test_describe_shows_layers_and_counts(void **state)
{
    (void)state;
    cnn_network net = inferred("arch2", small, 10);
    cnn_text text = {0};
    cnn_network_describe(&net, &text);
    assert_non_null(strstr(text.s, "280174"));
    assert_non_null(strstr(text.s, "batchnorm over height"));
    assert_non_null(strstr(text.s, "conv2d 128, 5x5/1"));
    assert_non_null(strstr(text.s, "14x14x64"));
    cnn_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtins_have_the_published_parameter_counts),
        cmocka_unit_test(test_builtins_are_listed_and_others_unknown),
        cmocka_unit_test(test_study_axis_follows_each_input),
        cmocka_unit_test(test_same_pools_go_from_50_to_25_to_13),
        cmocka_unit_test(test_padding_follows_kernel_and_stride),
        cmocka_unit_test(test_parameters_lie_one_after_the_other),
        cmocka_unit_test(test_multiply_adds_leave_out_padding),
        cmocka_unit_test(test_draw_is_glorot_uniform),
        cmocka_unit_test(test_draw_depends_on_the_seed_alone),
        cmocka_unit_test(test_infer_names_the_layer_that_does_not_fit),
        cmocka_unit_test(test_infer_wants_a_dense_layer_of_the_classes_at_the_end),
        cmocka_unit_test(test_infer_refuses_impossible_inputs),
        cmocka_unit_test(test_read_takes_every_kind_and_default),
        cmocka_unit_test(test_read_returns_what_was_written),
        cmocka_unit_test(test_written_network_keeps_its_study_axis_and_classes),
        cmocka_unit_test(test_read_errors_name_place_and_cure),
        cmocka_unit_test(test_read_reports_all_errors_of_a_list),
        cmocka_unit_test(test_read_refuses_more_than_64_layers),
        cmocka_unit_test(test_describe_shows_layers_and_counts),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
