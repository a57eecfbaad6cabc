/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what a trainer writes is what a rank reads, and no line whatever harms the rank. */
#include "protocol/event.h"

#include "base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char ready_line[] =
    "{\"event\":\"ready\",\"setup_seconds\":1.25,\"parameters\":28938,\"train_images\":60000,"
    "\"test_images\":10000,\"backend\":\"onednn\",\"versions\":\"oneDNN 2.6.3\","
    "\"device\":\"a \\\"CPU\\\"\",\"threads\":2}";
static const char epoch_line[] =
    "{\"event\":\"epoch\",\"epoch\":3,\"seconds\":11.5,\"train_loss\":0.5,\"test_loss\":0.625,"
    "\"test_error\":0.125,\"evaluation_seconds\":0.75}";
static const char done_line[] =
    "{\"event\":\"done\",\"train_seconds\":230.5,\"total_seconds\":260.25,\"diverged\":true,"
    "\"checksum\":\"0123456789abcdef\"}";
static const char error_line[] = "{\"event\":\"error\",\"message\":\"no data\\u000aat all\"}";
static const char tuned_line[] = "{\"event\":\"tuned\",\"algorithms\":\"conv 1: 6\"}";
static const char *const valid_lines[] = {ready_line, epoch_line, done_line, error_line,
                                          tuned_line};
enum { VALID = sizeof valid_lines / sizeof valid_lines[0] };

static cnn_status parse(const char *line, cnn_event *out)
{
    return cnn_event_parse(line, strlen(line), out);
}

static void assert_refused(const char *line, const char *why)
{
    cnn_event e;
    assert_int_equal(parse(line, &e), CNN_EPROTOCOL);
    if (!strstr(cnn_error_message(), why))
        fail_msg("'%s' should say '%s' of: %s", cnn_error_message(), why, line);
}

static void assert_written(const cnn_event *event, const char *line)
{
    cnn_text text = {0};
    cnn_event_write(event, &text);
    assert_int_equal(cnn_text_status(&text), CNN_OK);
    assert_int_equal(text.s[text.len - 1], '\n');
    text.s[text.len - 1] = '\0';
    assert_string_equal(text.s, line);
    cnn_text_free(&text);
}

static void test_parse_ready_has_every_member(void **state)
{
    (void)state;
    cnn_event e;
    assert_int_equal(parse(ready_line, &e), CNN_OK);
    assert_int_equal(e.kind, CNN_EVENT_READY);
    assert_true(e.setup_seconds == 1.25);
    assert_int_equal(e.parameters, 28938);
    assert_int_equal(e.train_images, 60000);
    assert_int_equal(e.test_images, 10000);
    assert_int_equal(e.threads, 2);
    assert_string_equal(e.backend, "onednn");
    assert_string_equal(e.versions, "oneDNN 2.6.3");
    assert_string_equal(e.device, "a \"CPU\"");
}

static void test_parse_epoch_done_error_have_every_member(void **state)
{
    (void)state;
    cnn_event e;
    assert_int_equal(parse(epoch_line, &e), CNN_OK);
    assert_int_equal(e.epoch, 3);
    assert_true(e.seconds == 11.5 && e.train_loss == 0.5 && e.test_loss == 0.625);
    assert_true(e.test_error == 0.125 && e.evaluation_seconds == 0.75);
    assert_int_equal(parse(done_line, &e), CNN_OK);
    assert_true(e.train_seconds == 230.5 && e.total_seconds == 260.25 && e.diverged);
    assert_string_equal(e.checksum, "0123456789abcdef");
    assert_int_equal(parse(error_line, &e), CNN_OK);
    assert_string_equal(e.message, "no data\nat all");
}

static void test_write_gives_back_what_was_parsed(void **state)
{
    (void)state;
    for (int i = 0; i < VALID; i++) {
        cnn_event e;
        assert_int_equal(parse(valid_lines[i], &e), CNN_OK);
        assert_written(&e, valid_lines[i]);
    }
}

static void test_write_unknown_is_null_or_left_out(void **state)
{
    (void)state;
    cnn_event e = cnn_event_make(CNN_EVENT_EPOCH);
    e.epoch = 0;
    e.seconds = e.evaluation_seconds = 1;
    e.train_loss = INFINITY;
    assert_written(&e, "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":null,"
                       "\"test_loss\":null,\"test_error\":null,\"evaluation_seconds\":1}");
    e = cnn_event_make(CNN_EVENT_READY);
    e.setup_seconds = 1;
    assert_written(&e, "{\"event\":\"ready\",\"setup_seconds\":1,\"backend\":\"\"}");
    e = cnn_event_make(CNN_EVENT_DONE);
    e.train_seconds = 1;
    assert_written(&e, "{\"event\":\"done\",\"train_seconds\":1,\"diverged\":false,"
                       "\"checksum\":\"\"}");
}

static void test_parse_null_measure_is_unknown(void **state)
{
    (void)state;
    cnn_event e;
    assert_int_equal(parse("{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":null,"
                           "\"test_loss\":null,\"test_error\":null,\"evaluation_seconds\":0}",
                           &e),
                     CNN_OK);
    assert_true(isnan(e.train_loss) && isnan(e.test_loss) && isnan(e.test_error));
}

static void test_parse_unknown_members_are_ignored(void **state)
{
    (void)state;
    cnn_event e;
    assert_int_equal(parse("{\"event\": \"error\", \"x\": [1, {\"y\": null}], \"message\": \"m\", "
                           "\"train_loss\": \"no number\"}",
                           &e),
                     CNN_OK);
    assert_string_equal(e.message, "m");
}

static void test_parse_missing_members_are_named(void **state)
{
    (void)state;
    assert_refused("{\"event\":\"error\"}", "\"message\"");
    assert_refused("{\"event\":\"done\",\"train_seconds\":1}", "\"checksum\"");
    assert_refused("{\"event\":\"ready\",\"setup_seconds\":1,\"backend\":\"b\"}", "\"parameters\"");
    assert_refused("{\"event\":\"epoch\",\"epoch\":1,\"seconds\":1,\"train_loss\":1,"
                   "\"test_loss\":1,\"evaluation_seconds\":1}",
                   "\"test_error\"");
}

static void test_parse_mistyped_members_are_named(void **state)
{
    (void)state;
    static const char *const values[] = {"\"1\"", "null", "true", "[1]", "{}", "-1", "1e999"};
    char line[128];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(line, sizeof line, "{\"event\":\"done\",\"train_seconds\":%s,\"checksum\":\"0\"}",
                 values[i]);
        assert_refused(line, "\"train_seconds\" of the done event must be a number, 0 or more");
    }
    assert_refused("{\"event\":\"done\",\"train_seconds\":1,\"checksum\":17}", "must be a string");
    /* cut, two different ones could become one */
    assert_refused("{\"event\":\"done\",\"train_seconds\":1,"
                   "\"checksum\":\"0123456789abcdef0123456789abcdef\"}",
                   "a string of at most 31 bytes");
    assert_refused("{\"event\":\"done\",\"train_seconds\":1,\"checksum\":\"0\",\"diverged\":1}",
                   "must be true or false");
    assert_refused("{\"event\":\"ready\",\"setup_seconds\":1,\"parameters\":1.5,\"backend\":\"\"}",
                   "must be a whole number, 0 or more");
    assert_refused("{\"event\":\"ready\",\"setup_seconds\":1,\"parameters\":-1,\"backend\":\"\"}",
                   "must be a whole number, 0 or more");
}

static void test_parse_unknown_kind_is_named(void **state)
{
    (void)state;
    assert_refused("{\"event\":\"reddy\"}", "not \"reddy\"");
    assert_refused("{\"event\":[\"ready\"]}",
                   "must be \"ready\", \"epoch\", \"done\", \"error\" or \"tuned\"");
    assert_refused("{}", "must be \"ready\"");
}

static void test_lines_that_other_programs_write(void **state)
{
    (void)state;
    assert_refused("{\"event\":\"error\",\"message\":\"m\"}\r", "ends in \\r\\n");
    assert_refused("{\"event\":\"error\",\"message\":\"m\"}\r", "\"m\"}\\r'");
    assert_refused("{\"event\":\"epoch\",\"epoch\":0,\"train_loss\":NaN}",
                   "NaN is not JSON: write null");
    assert_refused("{\"event\":\"epoch\",\"train_loss\":-Infinity}", "-Infinity is not JSON");
    assert_refused("NaN", "NaN is not JSON");
    cnn_event e;
    assert_int_equal(parse("{\"event\":\"error\",\"message\":\"NaN \\\" NaN\"}", &e), CNN_OK);
}

static void test_parse_what_is_no_json_object(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "Epoch 1/20",
        "[]",
        "null",
        "{\"event\":\"error\",\"message\":\"m\"} trailing",
        " {\"event\":\"error\",\"message\":\"m\"}",
        "{\"event\":\"error\",\"message\":\"m\"}{}",
        "{'event':'error','message':'m'}",
        "{\"event\":\"error\",\"message\":&a \"m\"}",
        "{\"a\":&a [1],\"b\":[*a,*a],\"event\":\"error\",\"message\":\"m\"}",
        "{\"event\":!!str \"error\",\"message\":\"m\"}",
        "{\"event\":\"error\",\"message\":\"m\" # comment\n}",
        "{\"event\":\"error\",\"message\":\"\t\"}",
        "{\"event\":\"error\",\"message\":\"\xff\xfe\"}",
        "{\"event\":\"error\",\"message\":\"m\",\"message\":\"n\"}",
        "{\"event\":\"error\",\"message\":\"m}",
        "{\"event\":\"error\",\"message\":\"\\ud83d half\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_refused(lines[i], "one JSON object on one line");
    cnn_event e;
    assert_int_equal(cnn_event_parse("{\"event\":\"error\",\0\"message\":\"m\"}", 32, &e),
                     CNN_EPROTOCOL);
}

static void test_parse_every_prefix_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < VALID; i++) {
        for (size_t n = 0; n < strlen(valid_lines[i]); n++) {
            char *exact = malloc(n ? n : 1); /* so that a sanitizer sees reads beyond it */
            cnn_event e;
            memcpy(exact, valid_lines[i], n);
            assert_int_equal(cnn_event_parse(exact, n, &e), CNN_EPROTOCOL);
            free(exact);
        }
    }
}

/** Whatever the bytes are: an event or an explained refusal. */
static void parse_anything(const char *bytes, size_t n)
{
    cnn_event e;
    cnn_status st = cnn_event_parse(bytes, n, &e);
    assert_true(st == CNN_OK || st == CNN_EPROTOCOL);
    assert_true(st == CNN_OK || cnn_error_message()[0]);
}

static void test_parse_random_bytes_do_no_harm(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 4000; round++) {
        char bytes[300];
        uint32_t n = cnn_random_word(1, 1, round, 0) % sizeof bytes;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = (char)cnn_random_word(1, 2, round, i);
        if (n >= 2 && round % 2) {
            bytes[0] = '{';
            bytes[n - 1] = '}';
        }
        parse_anything(bytes, n);
    }
}

static void test_parse_changed_lines_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[]:,\"\\ \t0123456789.-+eEtrufalsn\x01\x80\xff&*!#\n";
    for (uint32_t round = 0; round < 8000; round++) {
        char bytes[512];
        size_t n = strlen(valid_lines[round % VALID]);
        memcpy(bytes, valid_lines[round % VALID], n);
        for (uint32_t k = 0; k <= round % 3; k++) {
            cnn_philox r = cnn_philox_at(2, 1, round, k);
            bytes[r.w[0] % n] = alphabet[r.w[1] % (sizeof alphabet - 1)];
        }
        parse_anything(bytes, n);
    }
}

static void test_parse_deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 20000 };
    static const char open[] = "{\"event\":\"error\",\"message\":\"m\",\"x\":";
    for (int mapping = 0; mapping < 2; mapping++) {
        cnn_text line = {0};
        cnn_text_append(&line, open);
        for (int i = 0; i < DEPTH / (mapping ? 5 : 1); i++)
            cnn_text_append(&line, mapping ? "{\"a\":" : "[");
        cnn_text_append(&line, "1");
        for (int i = 0; i < DEPTH / (mapping ? 5 : 1); i++)
            cnn_text_append(&line, mapping ? "}" : "]");
        cnn_text_append(&line, "}");
        assert_refused(line.s, "one JSON object");
        cnn_text_free(&line);
    }
}

/** An error event of n bytes. */
static char *long_line(size_t n)
{
    static const char open[] = "{\"event\":\"error\",\"message\":\"";
    char *line = malloc(n + 1);
    memset(line, 'x', n);
    memcpy(line, open, sizeof open - 1);
    memcpy(line + n - 2, "\"}", 3);
    return line;
}

static void test_parse_longest_line_is_64_kb(void **state)
{
    (void)state;
    cnn_event e;
    char *line = long_line(CNN_EVENT_MAX_BYTES);
    assert_int_equal(parse(line, &e), CNN_OK);
    assert_int_equal(strlen(e.message), sizeof e.message - 1);
    free(line);
    line = long_line(CNN_EVENT_MAX_BYTES + 1);
    assert_refused(line, "65537 bytes is longer than the 65536");
    free(line);
}

static void test_parse_cuts_text_between_characters(void **state)
{
    (void)state;
    cnn_event e;
    /* backend holds 15 bytes: seven characters of two bytes. */
    assert_int_equal(
        parse("{\"event\":\"ready\",\"setup_seconds\":1,\"parameters\":1,"
              "\"backend\":\"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\"}",
              &e),
        CNN_OK);
    assert_string_equal(e.backend, "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9");
    assert_int_equal(parse("{\"event\":\"error\",\"message\":\"\\ud83d\\ude00 \\u00e9\"}", &e),
                     CNN_OK);
    assert_string_equal(e.message, "\U0001f600 \u00e9");
}

static void test_parse_failure_leaves_the_event_alone(void **state)
{
    (void)state;
    cnn_event e = cnn_event_make(CNN_EVENT_DONE), before = e;
    assert_int_equal(parse("{\"event\":\"ready\",\"setup_seconds\":5,\"parameters\":true}", &e),
                     CNN_EPROTOCOL);
    assert_memory_equal(&e, &before, sizeof e);
}

static void test_write_the_longest_trace_fits_a_line(void **state)
{
    (void)state;
    float *steps = malloc(CNN_EVENT_MAX_STEPS * sizeof *steps);
    for (int i = 0; i < CNN_EVENT_MAX_STEPS; i++)
        steps[i] = 1.23456789e-5f;
    cnn_event e = cnn_event_make(CNN_EVENT_EPOCH), back;
    e.epoch = 1000000;
    e.seconds = e.train_loss = e.test_loss = e.test_error = e.evaluation_seconds = 1.0 / 3e-5;
    e.step_seconds = steps;
    e.step_count = CNN_EVENT_MAX_STEPS;
    cnn_text line = {0};
    cnn_event_write(&e, &line);
    assert_true(line.len - 1 <= CNN_EVENT_MAX_BYTES);
    assert_non_null(strstr(line.s, "\"step_seconds\":[1.23457e-05,1.23457e-05"));
    assert_int_equal(cnn_event_parse(line.s, line.len - 1, &back), CNN_OK);
    assert_true(back.seconds == e.seconds);
    cnn_text_free(&line);
    free(steps);
}

static void test_parse_tuned_is_never_cut(void **state)
{
    (void)state;
    cnn_event e = cnn_event_make(CNN_EVENT_TUNED), back;
    cnn_text line = {0};
    memset(e.algorithms, 'x', sizeof e.algorithms - 1);
    cnn_event_write(&e, &line);
    assert_int_equal(cnn_event_parse(line.s, line.len - 1, &back), CNN_OK);
    assert_int_equal(back.kind, CNN_EVENT_TUNED);
    assert_string_equal(back.algorithms, e.algorithms);
    line.s[line.len - 3] = '\0'; /* without its end */
    char *longer = cnn_asprintf("%sy\"}", line.s);
    assert_refused(longer, "\"algorithms\" of the tuned event must be a string of at most 16383");
    assert_refused("{\"event\":\"tuned\"}", "lacks its member \"algorithms\"");
    assert_refused("{\"event\":\"tuned\",\"algorithms\":5}", "must be a string");
    free(longer);
    cnn_text_free(&line);
}

static void test_rules_of_a_job(void **state)
{
    (void)state;
    cnn_event e;
    const cnn_event_rules rules = {
        .is_measurement = true, .metric_count = 2, .metrics = {"images_per_second", "auc"}};
    const char *line = "{\"event\":\"done\",\"train_seconds\":2,\"auc\":0.75}";
    assert_refused(line, "lacks its member \"checksum\"");
    assert_int_equal(cnn_event_parse_by(line, strlen(line), &rules, &e), CNN_OK);
    assert_true(isnan(e.metrics[0]) && e.metrics[1] == 0.75);
    line = "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"images_per_second\":null,\"auc\":-1}";
    assert_int_equal(cnn_event_parse_by(line, strlen(line), &rules, &e), CNN_OK);
    assert_true(isnan(e.train_loss) && isnan(e.metrics[0]) && e.metrics[1] == -1);
    line = "{\"event\":\"done\",\"train_seconds\":2,\"auc\":\"high\"}";
    assert_int_equal(cnn_event_parse_by(line, strlen(line), &rules, &e), CNN_EPROTOCOL);
    assert_non_null(
        strstr(cnn_error_message(), "the metric \"auc\" of the done event must be a number"));
    line = "{\"event\":\"done\",\"auc\":1}";
    assert_int_equal(cnn_event_parse_by(line, strlen(line), &rules, &e), CNN_EPROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_ready_has_every_member),
        cmocka_unit_test(test_parse_epoch_done_error_have_every_member),
        cmocka_unit_test(test_write_gives_back_what_was_parsed),
        cmocka_unit_test(test_write_unknown_is_null_or_left_out),
        cmocka_unit_test(test_parse_null_measure_is_unknown),
        cmocka_unit_test(test_parse_unknown_members_are_ignored),
        cmocka_unit_test(test_parse_missing_members_are_named),
        cmocka_unit_test(test_parse_mistyped_members_are_named),
        cmocka_unit_test(test_parse_unknown_kind_is_named),
        cmocka_unit_test(test_parse_what_is_no_json_object),
        cmocka_unit_test(test_lines_that_other_programs_write),
        cmocka_unit_test(test_parse_every_prefix_is_refused),
        cmocka_unit_test(test_parse_random_bytes_do_no_harm),
        cmocka_unit_test(test_parse_changed_lines_do_no_harm),
        cmocka_unit_test(test_parse_deep_nesting_is_refused),
        cmocka_unit_test(test_parse_longest_line_is_64_kb),
        cmocka_unit_test(test_parse_cuts_text_between_characters),
        cmocka_unit_test(test_parse_failure_leaves_the_event_alone),
        cmocka_unit_test(test_parse_tuned_is_never_cut),
        cmocka_unit_test(test_rules_of_a_job),
        cmocka_unit_test(test_write_the_longest_trace_fits_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
