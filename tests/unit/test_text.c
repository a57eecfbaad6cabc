/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_json(const char *s, const char *json)
{
    cnn_text t = {0};
    cnn_text_append_json(&t, s);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    assert_string_equal(t.s, json);
    assert_int_equal(t.len, strlen(json));
    cnn_text_free(&t);
}

static void test_json_escapes_what_json_forbids(void **state)
{
    (void)state;
    assert_json("", "\"\"");
    assert_json("plain", "\"plain\"");
    assert_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_json("a\nb\tc\x01\x7f", "\"a\\u000ab\\u0009c\\u0001\\u007f\"");
}

static void test_json_keeps_utf8_and_replaces_other_bytes(void **state)
{
    (void)state;
    assert_json("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    assert_json("a\xff", "\"a\\ufffd\"");
    assert_json("\xc3", "\"\\ufffd\"");                       /* cut */
    assert_json("\xc0\x80", "\"\\ufffd\\ufffd\"");            /* longer than needed */
    assert_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* half of a surrogate pair */
    assert_json("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void test_utf8_length_counts_bytes(void **state)
{
    (void)state;
    assert_int_equal(cnn_utf8_length("a"), 1);
    assert_int_equal(cnn_utf8_length("\xc3\xa9x"), 2);
    assert_int_equal(cnn_utf8_length("\xe2\x82\xac"), 3);
    assert_int_equal(cnn_utf8_length("\xf0\x9f\x98\x80"), 4);
    assert_int_equal(cnn_utf8_length("\xe2\x82"), 0);
    assert_int_equal(cnn_utf8_length("\x80"), 0);
    assert_int_equal(cnn_utf8_length(""), 1);
}

static void test_padding_counts_characters(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_text_append_padded(&t, "\xc3\xa9\xe2\x82\xac", 4);
    cnn_text_append_padded(&t, "|a", 1); /* never cut */
    cnn_text_append_padded(&t, "\xff", 2);
    assert_string_equal(t.s, "\xc3\xa9\xe2\x82\xac  |a\xff ");
    cnn_text_free(&t);
}

static void test_json_numbers_come_back_unchanged(void **state)
{
    (void)state;
    const double values[] = {0, -1, 0.1, 1e-7, 1.0 / 3, 123456789012345678.0, 5e-324, 1e308};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        cnn_text t = {0};
        cnn_text_append_json_number(&t, values[i]);
        assert_true(strtod(t.s, NULL) == values[i]);
        cnn_text_free(&t);
    }
}

static void test_json_has_no_nan_or_infinity(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_text_append_json_number(&t, NAN);
    cnn_text_append_json_number(&t, INFINITY);
    assert_string_equal(t.s, "nullnull");
    cnn_text_free(&t);
}

static void test_text_grows_and_is_taken(void **state)
{
    (void)state;
    cnn_text t = {0};
    for (int i = 0; i < 1000; i++)
        cnn_text_printf(&t, "%03d,", i);
    assert_int_equal(t.len, 4000);
    assert_memory_equal(t.s + 3996, "999,", 5);
    char *s = cnn_text_take(&t);
    assert_int_equal(strlen(s), 4000);
    assert_null(t.s);
    assert_int_equal(t.len, 0);
    free(s);
    s = cnn_text_take(&t); /* of nothing: an empty string */
    assert_string_equal(s, "");
    free(s);
}

static void test_text_keeps_bytes_after_nul(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_text_append_bytes(&t, "a\0b", 3);
    assert_int_equal(t.len, 3);
    assert_memory_equal(t.s, "a\0b", 4);
    cnn_text_append_bytes(&t, NULL, 0);
    assert_int_equal(t.len, 3);
    cnn_text_free(&t);
}

static void test_failed_text_stays_failed(void **state)
{
    (void)state;
    cnn_text t = {.failed = true};
    cnn_text_append(&t, "x");
    assert_int_equal(t.len, 0);
    assert_int_equal(cnn_text_status(&t), CNN_ENOMEM);
    assert_null(cnn_text_take(&t));
    assert_int_equal(cnn_text_status(&t), CNN_OK);
}

static void test_copies_of_strings(void **state)
{
    (void)state;
    char *a = cnn_strdup("abc"), *b = cnn_strndup("abc", 2), *c = cnn_asprintf("%s-%d", "x", 7);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "x-7");
    free(a);
    free(b);
    free(c);
}

static void test_copy_string_cuts_and_fills(void **state)
{
    (void)state;
    char field[6] = "zzzzz";
    cnn_copy_string(field, sizeof field, "ab");
    assert_memory_equal(field, "ab\0\0\0\0", 6);
    cnn_copy_string(field, sizeof field, "abcdefgh");
    assert_string_equal(field, "abcde");
}

static void test_suggest_finds_close_words_only(void **state)
{
    (void)state;
    static const char *const names[] = {"epochs", "batch_size", "learning_rate", "momentum", NULL};
    assert_string_equal(cnn_suggest("epoch", names), "epochs");
    assert_string_equal(cnn_suggest("batchsize", names), "batch_size");
    assert_string_equal(cnn_suggest("lerning_rat", names), "learning_rate");
    assert_string_equal(cnn_suggest("momentum", names), "momentum");
    assert_null(cnn_suggest("optimizer", names));
    assert_null(cnn_suggest("x", names));
    assert_null(cnn_suggest("epochs", (const char *const[]){NULL}));
    assert_null(cnn_suggest("epochs", NULL));
}

static void test_suggest_takes_the_closest(void **state)
{
    (void)state;
    static const char *const names[] = {"arch21", "arch2", "arch1", NULL};
    assert_string_equal(cnn_suggest("arch", names), "arch2"); /* the first of the equally close */
    assert_string_equal(cnn_suggest("arch11", names), "arch21");
    assert_string_equal(cnn_suggest("arsh1", names), "arch1");
}

static void test_suggest_survives_long_words(void **state)
{
    (void)state;
    char word[1000];
    memset(word, 'e', sizeof word);
    word[sizeof word - 1] = '\0';
    static const char *const names[] = {"epochs", NULL};
    assert_null(cnn_suggest(word, names));
    word[63] = '\0';
    assert_null(cnn_suggest(word, names));
}

static void test_parse_int_takes_whole_numbers_only(void **state)
{
    (void)state;
    int64_t v = 5;
    assert_true(cnn_parse_int("-9223372036854775808", &v));
    assert_true(v == INT64_MIN);
    assert_true(cnn_parse_int("010", &v));
    assert_int_equal(v, 10);
    static const char *const bad[] = {"", "x", "1x", "1.0", "1e3", "0x10", "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(cnn_parse_int(bad[i], &v));
    assert_int_equal(v, 10); /* untouched by failures */
}

static void test_parse_real_takes_finite_numbers_only(void **state)
{
    (void)state;
    double v = 5;
    assert_true(cnn_parse_real("-1.5e-3", &v));
    assert_true(v == -1.5e-3);
    static const char *const bad[] = {"", "x", "1.5x", "nan", "inf", "-infinity", "1e400"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(cnn_parse_real(bad[i], &v));
    assert_true(v == -1.5e-3);
}

static void test_lack_of_memory_is_named_once(void **state)
{
    (void)state;
    assert_int_equal(cnn_error_set(CNN_ENOMEM, "%d labels", 10), CNN_ENOMEM);
    assert_string_equal(cnn_error_message(), "out of memory: 10 labels");
    cnn_error_prefix(CNN_ENOMEM, "rank 1");
    assert_string_equal(cnn_error_message(), "rank 1: out of memory: 10 labels");
    cnn_error_set(CNN_ENOMEM, "%s", cnn_error_message());
    assert_string_equal(cnn_error_message(), "rank 1: out of memory: 10 labels");
    cnn_error_set(CNN_EIO, "disk");
    assert_string_equal(cnn_error_message(), "disk");
}

static void test_read_file_has_a_limit(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnn-text-XXXXXX", path[64], *text = NULL;
    size_t n = 0;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(cnn_read_file(path, 10, &text, &n), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), path));
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite("ab\0de", 1, 5, f), 5);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(cnn_read_file(path, 5, &text, &n), CNN_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(text, "ab\0de", 6);
    free(text);
    text = NULL;
    assert_int_equal(cnn_read_file(path, 4, &text, &n), CNN_EUSAGE);
    assert_int_equal(cnn_read_file(folder, 4, &text, &n), CNN_EDATA);
    assert_null(text);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_escapes_what_json_forbids),
        cmocka_unit_test(test_json_keeps_utf8_and_replaces_other_bytes),
        cmocka_unit_test(test_utf8_length_counts_bytes),
        cmocka_unit_test(test_padding_counts_characters),
        cmocka_unit_test(test_json_numbers_come_back_unchanged),
        cmocka_unit_test(test_json_has_no_nan_or_infinity),
        cmocka_unit_test(test_text_grows_and_is_taken),
        cmocka_unit_test(test_text_keeps_bytes_after_nul),
        cmocka_unit_test(test_failed_text_stays_failed),
        cmocka_unit_test(test_copies_of_strings),
        cmocka_unit_test(test_copy_string_cuts_and_fills),
        cmocka_unit_test(test_suggest_finds_close_words_only),
        cmocka_unit_test(test_suggest_takes_the_closest),
        cmocka_unit_test(test_suggest_survives_long_words),
        cmocka_unit_test(test_parse_int_takes_whole_numbers_only),
        cmocka_unit_test(test_parse_real_takes_finite_numbers_only),
        cmocka_unit_test(test_lack_of_memory_is_named_once),
        cmocka_unit_test(test_read_file_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
