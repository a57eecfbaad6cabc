/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* Reads settings over the defaults; the errors, or "", go into message. */
static cnn_train read_text(const char *text, char *message, size_t size)
{
    cnn_yaml *y = NULL;
    cnn_train train = cnn_train_defaults();
    assert_int_equal(cnn_yaml_parse("job.yaml", text, &y), CNN_OK);
    cnn_yaml_fields(y, cnn_yaml_root(y), "train", cnn_train_fields, &train);
    message[0] = '\0';
    if (cnn_yaml_finish(y) != CNN_OK)
        cnn_copy_string(message, size, cnn_error_message());
    cnn_yaml_close(&y);
    return train;
}

static void assert_same(const cnn_train *a, const cnn_train *b)
{
    assert_int_equal(a->epochs, b->epochs);
    assert_int_equal(a->batch_size, b->batch_size);
    assert_int_equal(a->optimizer, b->optimizer);
    assert_true(a->learning_rate == b->learning_rate);
    assert_true(a->momentum == b->momentum);
    assert_int_equal(a->precision, b->precision);
    assert_int_equal(a->deterministic, b->deterministic);
    assert_int_equal(a->autotune, b->autotune);
    assert_int_equal(a->trace, b->trace);
}

static void test_defaults_are_the_studys(void **state)
{
    (void)state;
    cnn_train t = cnn_train_defaults();
    assert_int_equal(t.epochs, 20);
    assert_int_equal(t.batch_size, 32);
    assert_int_equal(t.optimizer, CNN_OPTIMIZER_SGD);
    assert_true(t.learning_rate == 0.01 && t.momentum == 0);
    assert_int_equal(t.precision, CNN_PRECISION_FP32);
    assert_true(t.deterministic && t.autotune);
    assert_int_equal(t.trace, CNN_TRACE_EPOCH);
}

static void test_json_is_read_back_unchanged(void **state)
{
    (void)state;
    const cnn_train cases[] = {
        cnn_train_defaults(),
        {3, 7, CNN_OPTIMIZER_ADAM, 0.1 + 0.2, 0, CNN_PRECISION_TF32, false, false, CNN_TRACE_STEP},
        {1, 65535, CNN_OPTIMIZER_SGD, 1e-12, 0.9, CNN_PRECISION_FP32, false, true, CNN_TRACE_EPOCH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[1024];
        cnn_text text = {0};
        cnn_train_write_json(&cases[i], &text);
        assert_int_equal(cnn_text_status(&text), CNN_OK);
        cnn_train again = read_text(text.s, message, sizeof message);
        assert_string_equal(message, "");
        assert_same(&again, &cases[i]);
        cnn_text_free(&text);
    }
}

static void test_absent_keys_keep_their_defaults(void **state)
{
    (void)state;
    char message[1024];
    cnn_train expected = cnn_train_defaults();
    expected.optimizer = CNN_OPTIMIZER_ADAM;
    expected.deterministic = false;
    cnn_train train = read_text("{optimizer: adam, deterministic: false}", message, sizeof message);
    assert_string_equal(message, "");
    assert_same(&train, &expected);
}

static void test_wrong_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{epochs: 0}", "epochs"},
        {"{epochs: 1.5}", "epochs"},
        {"{batch_size: -1}", "batch_size"},
        {"{optimizer: sdg}", "sgd"},
        {"{learning_rate: 0}", "learning_rate"},
        {"{learning_rate: fast}", "learning_rate"},
        {"{momentum: 1}", "momentum"},
        {"{precision: fp16}", "precision"},
        {"{deterministic: perhaps}", "deterministic"},
        {"{trace: batch}", "trace"},
        {"{batchsize: 32}", "batch_size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[1024];
        read_text(cases[i].text, message, sizeof message);
        if (!strstr(message, "job.yaml:1:") || !strstr(message, cases[i].part))
            fail_msg("'%s' should be refused with '%s', not: %s", cases[i].text, cases[i].part,
                     message);
    }
}

static void test_names_follow_the_enums(void **state)
{
    (void)state;
    assert_string_equal(cnn_optimizer_names[CNN_OPTIMIZER_ADAM], "adam");
    assert_null(cnn_optimizer_names[CNN_OPTIMIZER_ADAM + 1]);
    assert_string_equal(cnn_precision_names[CNN_PRECISION_TF32], "tf32");
    assert_null(cnn_precision_names[CNN_PRECISION_TF32 + 1]);
    assert_string_equal(cnn_trace_names[CNN_TRACE_STEP], "step");
    assert_null(cnn_trace_names[CNN_TRACE_STEP + 1]);
    assert_string_equal(cnn_path_names[CNN_PATH_LAYERED], "layered");
    assert_string_equal(cnn_path_names[CNN_PATH_NATIVE], "native");
    assert_null(cnn_path_names[CNN_PATH_NATIVE + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_the_studys),
        cmocka_unit_test(test_json_is_read_back_unchanged),
        cmocka_unit_test(test_absent_keys_keep_their_defaults),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_names_follow_the_enums),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
