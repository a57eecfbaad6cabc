/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A mapping with a field of each kind. */
typedef struct {
    int count, any, choice;
    double rate, positive;
    bool flag;
    char *text;
    struct fy_node *node;
} sample;

static const char *const choices[] = {"sgd", "adam", NULL};

static const cnn_field fields[] = {
    {.key = "count",
     .kind = CNN_FIELD_INT,
     .offset = offsetof(sample, count),
     .min = 1,
     .max = 100,
     .word = "all",
     .word_value = -7},
    {.key = "any", .kind = CNN_FIELD_INT, .offset = offsetof(sample, any)},
    {.key = "rate", .kind = CNN_FIELD_REAL, .offset = offsetof(sample, rate)},
    {.key = "positive",
     .kind = CNN_FIELD_REAL,
     .offset = offsetof(sample, positive),
     .min = 0,
     .max = HUGE_VAL},
    {.key = "flag", .kind = CNN_FIELD_BOOL, .offset = offsetof(sample, flag)},
    {.key = "choice", .kind = CNN_FIELD_ENUM, .offset = offsetof(sample, choice), .names = choices},
    {.key = "text", .kind = CNN_FIELD_STRING, .offset = offsetof(sample, text)},
    {.key = "node", .kind = CNN_FIELD_NODE, .offset = offsetof(sample, node)},
    {0},
};

/** Parses text of len bytes as f.yaml, applies sets (pairs of path and value, then NULL), reads it
 * by the fields and returns the status. *out is freed but for its numbers. */
static cnn_status read_sample(const char *text, size_t len, const char *const *sets, sample *out)
{
    cnn_yaml *y = NULL;
    assert_int_equal(cnn_yaml_parse_bytes("f.yaml", text, len, &y), CNN_OK);
    for (; sets && *sets; sets += 2)
        assert_int_equal(cnn_yaml_set(y, sets[0], sets[1]), CNN_OK);
    cnn_yaml_fields(y, cnn_yaml_root(y), "the file", fields, out);
    cnn_status st = cnn_yaml_finish(y);
    assert_int_equal(st == CNN_OK, cnn_yaml_errors(y) == 0);
    free(out->text);
    out->text = NULL;
    cnn_yaml_close(&y);
    assert_null(y);
    return st;
}

static void assert_good(const char *text, sample *out)
{
    if (read_sample(text, strlen(text), NULL, out) != CNN_OK)
        fail_msg("%s", cnn_error_message());
}

/** The whole message of a wrong text. */
static void assert_message(const char *text, const char *message)
{
    sample s = {0};
    assert_int_equal(read_sample(text, strlen(text), NULL, &s), CNN_EUSAGE);
    assert_string_equal(cnn_error_message(), message);
}

/** The first line of the message; one error only. */
static void assert_error(const char *text, const char *line)
{
    sample s = {0};
    assert_int_equal(read_sample(text, strlen(text), NULL, &s), CNN_EUSAGE);
    size_t n = strcspn(cnn_error_message(), "\n");
    if (n != strlen(line) || strncmp(cnn_error_message(), line, n) != 0 ||
        strstr(cnn_error_message() + n, ": error: "))
        fail_msg("expected '%s', got '%s'", line, cnn_error_message());
}

static void assert_set_error(const char *path, const char *value, const char *message)
{
    sample s = {0};
    const char *const sets[] = {path, value, NULL};
    static const char text[] = "text: x\nnode: {a: 1, list: [1, 2]}\n";
    assert_int_equal(read_sample(text, strlen(text), sets, &s), CNN_EUSAGE);
    assert_string_equal(cnn_error_message(), message);
}

/* --- values ---------------------------------------------------------------------------------- */

static void test_fields_fill_their_members(void **state)
{
    (void)state;
    sample s = {.any = 42};
    assert_good("count: 7\nrate: -1.5e-3\nflag: true\nchoice: adam\ntext: abc\nnode: [1]\n", &s);
    assert_int_equal(s.count, 7);
    assert_true(s.rate == -1.5e-3);
    assert_true(s.flag);
    assert_int_equal(s.choice, 1);
    assert_non_null(s.node);
    assert_int_equal(s.any, 42); /* absent: as it was */
}

static void test_json_is_read_too(void **state)
{
    (void)state;
    sample s = {0};
    assert_good("{\"count\": 7, \"rate\": 2.5E+3, \"flag\": false, \"choice\": \"adam\", "
                "\"text\": \"\\u00e9\\n\"}",
                &s);
    assert_int_equal(s.count, 7);
    assert_true(s.rate == 2500);
    assert_int_equal(s.choice, 1);
}

static void test_words_stand_for_numbers(void **state)
{
    (void)state;
    sample s = {0};
    assert_good("count: all\n", &s);
    assert_int_equal(s.count, -7);
    assert_error("count: al\n", "f.yaml:1:8: error: 'count' must be a whole number or 'all', not "
                                "'al'");
}

static void test_numbers_of_all_shapes(void **state)
{
    (void)state;
    static const char *const good[] = {"0",   "-0",  "1",    "1.",      ".5", "+3",
                                       "1e5", "0.1", "1e-7", "-2.5E+2", "0e0"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[64];
        sample s = {0};
        snprintf(text, sizeof text, "rate: %s\n", good[i]);
        assert_good(text, &s);
        assert_true(s.rate == strtod(good[i], NULL));
    }
    static const char *const bad[] = {".nan", ".inf", "nan", "inf",   "0x10", "1_000", "1,5",
                                      "e5",   ".",    "1e",  "1.2.3", "007",  "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64], line[96];
        snprintf(text, sizeof text, "rate: %s\n", bad[i]);
        snprintf(line, sizeof line, "f.yaml:1:7: error: 'rate' must be a number, not '%s'", bad[i]);
        assert_error(text, line);
    }
}

static void test_whole_numbers_are_decimal(void **state)
{
    (void)state;
    static const char *const bad[] = {"010", "0o10", "0x10", "1.0", "1e3", "true", "1 000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64], line[96];
        snprintf(text, sizeof text, "any: %s\n", bad[i]);
        snprintf(line, sizeof line, "f.yaml:1:6: error: 'any' must be a whole number, not '%s'",
                 bad[i]);
        assert_error(text, line);
    }
}

static void test_numbers_out_of_bounds(void **state)
{
    (void)state;
    sample s = {0};
    assert_good("count: 1\npositive: 0\nany: -2147483648\n", &s);
    assert_int_equal(s.any, INT32_MIN);
    assert_good("count: 100\npositive: 1e300\nany: 2147483647\n", &s);
    assert_error("count: 0\n",
                 "f.yaml:1:8: error: 'count' must be between 1 and 100 or 'all', not '0'");
    assert_error("count: 101\n",
                 "f.yaml:1:8: error: 'count' must be between 1 and 100 or 'all', not '101'");
    assert_error("positive: -1e-9\n",
                 "f.yaml:1:11: error: 'positive' must be at least 0, not '-1e-9'");
    assert_error("any: 2147483648\n", "f.yaml:1:6: error: 'any' must be between -2147483648 and "
                                      "2147483647, not '2147483648'");
    assert_error("any: 99999999999999999999999\n",
                 "f.yaml:1:6: error: 'any' must be between -2147483648 and 2147483647, not "
                 "'99999999999999999999999'");
    assert_error("rate: 1e400\n", "f.yaml:1:7: error: 'rate' must be in the range of double "
                                  "precision, not '1e400'");
}

static void test_quoted_numbers_are_text(void **state)
{
    (void)state;
    assert_error("any: \"5\"\n",
                 "f.yaml:1:6: error: 'any' must be a whole number, not '5' in quotes");
    assert_error("flag: 'true'\n", "f.yaml:1:7: error: 'flag' must be true or false, not 'true'");
}

static void test_bools_are_true_or_false(void **state)
{
    (void)state;
    static const char *const bad[] = {"yes", "no", "on", "True", "TRUE", "1", "y"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64], line[96];
        snprintf(text, sizeof text, "flag: %s\n", bad[i]);
        snprintf(line, sizeof line, "f.yaml:1:7: error: 'flag' must be true or false, not '%s'",
                 bad[i]);
        assert_error(text, line);
    }
}

static void test_wrong_types_are_named(void **state)
{
    (void)state;
    assert_error("any: [1]\n", "f.yaml:1:6: error: 'any' must be a whole number, not a list");
    assert_error("any: {a: 1}\n", "f.yaml:1:6: error: 'any' must be a whole number, not a mapping");
    assert_error("any:\n", "f.yaml:1:1: error: 'any' must be a whole number, not nothing");
    assert_error("text: [a]\n", "f.yaml:1:7: error: 'text' must be text, not a list");
    assert_error("text: ~\n", "f.yaml:1:7: error: 'text' must be text, not '~'");
    assert_error("text: \"\"\n", "f.yaml:1:7: error: 'text' must be text, not nothing");
    assert_error("choice: {}\n", "f.yaml:1:9: error: 'choice' must be sgd or adam, not a mapping");
    assert_error("choice: adm\n", "f.yaml:1:9: error: 'choice' must be sgd or adam, not 'adm'; did "
                                  "you mean 'adam'?");
    assert_error("[1, 2]\n",
                 "f.yaml:1:1: error: the file must be a mapping (key: value), not a list");
}

static void test_strings_own_their_memory(void **state)
{
    (void)state;
    cnn_yaml *y = NULL;
    sample s = {.text = cnn_strdup("older")}; /* freed when it is replaced */
    assert_int_equal(cnn_yaml_parse("f.yaml", "text: 5 apples\n", &y), CNN_OK);
    cnn_yaml_fields(y, cnn_yaml_root(y), "the file", fields, &s);
    assert_int_equal(cnn_yaml_finish(y), CNN_OK);
    cnn_yaml_close(&y);
    assert_string_equal(s.text, "5 apples");
    free(s.text);
}

static void test_required_keys(void **state)
{
    (void)state;
    static const cnn_field needed[] = {
        {.key = "a", .kind = CNN_FIELD_INT, .required = true},
        {.key = "b", .kind = CNN_FIELD_INT, .required = true},
        {0},
    };
    cnn_yaml *y = NULL;
    int value = 0;
    assert_int_equal(cnn_yaml_parse("f.yaml", "x:\n  {a: 1}\n", &y), CNN_OK);
    cnn_yaml_fields(y, cnn_yaml_lookup(cnn_yaml_root(y), "x"), "x", needed, &value);
    assert_int_equal(cnn_yaml_finish(y), CNN_EUSAGE);
    assert_string_equal(cnn_error_message(), "f.yaml:2:3: error: 'b' is missing in x\n"
                                             "  {a: 1}\n"
                                             "  ^");
    cnn_yaml_close(&y);
}

static void test_fields_are_found_by_key(void **state)
{
    (void)state;
    assert_ptr_equal(cnn_field_find(fields, "rate"), &fields[2]);
    assert_null(cnn_field_find(fields, "rates"));
}

static void test_scalars_and_lookup(void **state)
{
    (void)state;
    cnn_yaml *y = NULL;
    assert_int_equal(cnn_yaml_parse("f.yaml", "a: 'x y'\nb: [1]\n", &y), CNN_OK);
    struct fy_node *root = cnn_yaml_root(y);
    assert_string_equal(cnn_yaml_scalar(cnn_yaml_lookup(root, "a")), "x y");
    assert_null(cnn_yaml_scalar(cnn_yaml_lookup(root, "b")));
    assert_null(cnn_yaml_scalar(NULL));
    assert_null(cnn_yaml_lookup(root, "c"));
    assert_null(cnn_yaml_lookup(cnn_yaml_lookup(root, "a"), "x"));
    assert_null(cnn_yaml_lookup(NULL, "x"));
    cnn_yaml_close(&y);
}

/* --- how errors look -------------------------------------------------------------------------- */

static void test_all_errors_come_in_the_order_of_the_file(void **state)
{
    (void)state;
    assert_message("text: [x]\n"
                   "cuont: 3\n"
                   "text: y\n"
                   "flag:   maybe\n",
                   "f.yaml:1:7: error: 'text' must be text, not a list\n"
                   "text: [x]\n"
                   "      ^\n"
                   "f.yaml:2:1: error: unknown key 'cuont' in the file; did you mean 'count'?\n"
                   "cuont: 3\n"
                   "^\n"
                   "f.yaml:3:1: error: key 'text' is given twice\n"
                   "text: y\n"
                   "^\n"
                   "f.yaml:4:9: error: 'flag' must be true or false, not 'maybe'\n"
                   "flag:   maybe\n"
                   "        ^");
}

static void test_unknown_keys_without_a_guess_list_the_keys(void **state)
{
    (void)state;
    assert_error("zzz: 1\n",
                 "f.yaml:1:1: error: unknown key 'zzz' in the file; its keys are count, "
                 "any, rate, positive, flag, choice, text, node");
}

static void test_columns_count_characters(void **state)
{
    (void)state;
    assert_message("{text: \"\xc3\xa9\xe2\x82\xac\", any: x}\n",
                   "f.yaml:1:19: error: 'any' must be a whole number, not 'x'\n"
                   "{text: \"\xc3\xa9\xe2\x82\xac\", any: x}\n"
                   "                  ^");
    assert_message("{any:\tx}\n", "f.yaml:1:7: error: 'any' must be a whole number, not 'x'\n"
                                  "{any: x}\n"
                                  "      ^");
}

static void test_byte_order_mark_and_line_ends_are_skipped(void **state)
{
    (void)state;
    assert_message("\xef\xbb\xbf"
                   "text: a\r\nany: x\r\n",
                   "f.yaml:2:6: error: 'any' must be a whole number, not 'x'\n"
                   "any: x\n"
                   "     ^");
    assert_message("\xef\xbb\xbf"
                   "any: x",
                   "f.yaml:1:6: error: 'any' must be a whole number, not 'x'\n"
                   "any: x\n"
                   "     ^");
}

static void test_long_lines_are_cut_around_the_error(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_text_append(&t, "{text: ");
    for (int i = 0; i < 500; i++)
        cnn_text_append(&t, "abc");
    cnn_text_append(&t, ", any: wrong, rate: 1");
    for (int i = 0; i < 500; i++)
        cnn_text_append(&t, "0");
    cnn_text_append(&t, "}\n");
    sample s = {0};
    assert_int_equal(read_sample(t.s, t.len, NULL, &s), CNN_EUSAGE);
    const char *source = strchr(cnn_error_message(), '\n') + 1;
    const char *caret = strchr(source, '\n') + 1;
    assert_true(caret - source < 110);
    assert_memory_equal(source, "...", 3);
    assert_memory_equal(source + strcspn(caret, "^"), "wrong", 5);
    cnn_text_free(&t);
}

static void test_terminals_are_safe_from_control_characters(void **state)
{
    (void)state;
    assert_error("any: \"a\\e[31mb\\nc\"\n",
                 "f.yaml:1:6: error: 'any' must be a whole number, not 'a?[31mb c'");
}

static void test_many_errors_are_counted(void **state)
{
    (void)state;
    cnn_text t = {0};
    for (int i = 0; i < 2000; i++)
        cnn_text_printf(&t, "key%d: 1\n", i);
    sample s = {0};
    assert_int_equal(read_sample(t.s, t.len, NULL, &s), CNN_EUSAGE);
    const char *message = cnn_error_message(), *last = strrchr(message, '\n') + 1;
    int told = 0;
    for (const char *hit = message; (hit = strstr(hit, ": error: ")); hit++)
        told++;
    char expected[64];
    snprintf(expected, sizeof expected, "f.yaml: %d more errors", 2000 - told);
    assert_true(told > 20);
    assert_string_equal(last, expected);
    cnn_text_free(&t);
}

static void test_errors_of_callers_have_a_place(void **state)
{
    (void)state;
    cnn_yaml *y = NULL;
    assert_int_equal(cnn_yaml_parse("f.yaml", "a: 1\nb:\n  - {c: 2}\n  -\n", &y), CNN_OK);
    struct fy_node *b = cnn_yaml_lookup(cnn_yaml_root(y), "b");
    cnn_yaml_error(y, fy_node_sequence_get_by_index(b, 1), "empty %s", "item");
    cnn_yaml_error(y, fy_node_sequence_get_by_index(b, 0), "item");
    cnn_yaml_error(y, NULL, "whole");
    assert_int_equal(cnn_yaml_errors(y), 3);
    assert_int_equal(cnn_yaml_finish(y), CNN_EUSAGE);
    assert_string_equal(cnn_error_message(), "f.yaml:1:1: error: whole\na: 1\n^\n"
                                             "f.yaml:3:3: error: empty item\n  - {c: 2}\n  ^\n"
                                             "f.yaml:3:5: error: item\n  - {c: 2}\n    ^");
    cnn_yaml_close(&y);
}

/* --- documents that are wrong as a whole ------------------------------------------------------ */

static void test_syntax_errors(void **state)
{
    (void)state;
    assert_message("text: a\nnode: [1, 2\n",
                   "f.yaml:3:1: error: flow sequence without a closing bracket\n\n^");
    assert_message("node:\n\ta: 1\n",
                   "f.yaml:2:1: error: tab character may not be used as indentation\n a: 1\n^");
    static const char *const bad[] = {"a: b: c\n",  "text: \"x\n",
                                      "{a: 1} x\n", "a: 1\n b: 2\n",
                                      "a\nb: 1\n",  "%YAML 9.9\n---\na: 1\n",
                                      "}\n",        "\"",
                                      "!",          "&"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sample s = {0};
        assert_int_equal(read_sample(bad[i], strlen(bad[i]), NULL, &s), CNN_EUSAGE);
        assert_memory_equal(cnn_error_message(), "f.yaml:", 7);
    }
}

static void test_empty_documents(void **state)
{
    (void)state;
    assert_message("", "f.yaml:1:1: error: the document is empty");
    assert_error("\n\n", "f.yaml:1:1: error: the document is empty");
    assert_error("# only a comment\n", "f.yaml:1:1: error: the document is empty");
    assert_error("---\n", "f.yaml:1:1: error: the document is empty");
    sample s = {0};
    assert_good("{}\n", &s);
}

static void test_surprising_parts_of_yaml_are_refused(void **state)
{
    (void)state;
    assert_error("text: &a x\n", "f.yaml:1:7: error: anchors (&name) are not used here");
    assert_error("text: *a\n",
                 "f.yaml:1:7: error: aliases (*name) are not used here; write the value out");
    assert_error("any: !!int 5\n", "f.yaml:1:6: error: tags (!name) are not used here");
    assert_error("any: 1\n---\nany: 2\n",
                 "f.yaml:2:1: error: a second document starts here; one is expected");
    assert_error("any: 1\n? [a]\n: 2\n", "f.yaml:2:3: error: a key must be a word");
}

static void test_duplicate_keys_are_found_at_any_depth(void **state)
{
    (void)state;
    assert_message("node: [{x: {y: 1, z: 2, y: 3}}]\n",
                   "f.yaml:1:25: error: key 'y' is given twice\n"
                   "node: [{x: {y: 1, z: 2, y: 3}}]\n"
                   "                        ^");
}

static void test_text_must_be_utf8_without_control_characters(void **state)
{
    (void)state;
    assert_message("any: 1\ntext: a\xff"
                   "b\n",
                   "f.yaml:2:8: error: byte 0xff is not UTF-8; save the file as UTF-8 text\n"
                   "text: a?b\n"
                   "       ^");
    assert_error(
        "text: a\xc2\x9b\n",
        "f.yaml:1:8: error: U+009B is not printable; remove it, or write it as \\u009B in quotes");
    assert_error(
        "text: \xe2\x80\xae\n",
        "f.yaml:1:7: error: U+202E is not printable; remove it, or write it as \\u202E in quotes");
    assert_error("text: \x1b[31m\n", "f.yaml:1:7: error: byte 0x1b is a control character; save "
                                     "the file as UTF-8 text");
    sample s = {0};
    assert_int_equal(read_sample("text: a\0b\n", 10, NULL, &s), CNN_EUSAGE);
    assert_memory_equal(cnn_error_message(), "f.yaml:1:8: error: byte 0x00 is a control", 41);
}

static void test_escapes_that_are_no_characters_are_refused(void **state)
{
    (void)state;
    static const char line[] = "the text holds an escape that stands for no character";
    static const struct {
        const char *text, *place;
    } bad[] = {{"text: \"a\\0b\"\n", "f.yaml:1:7"},
               {"{\"text\": \"a\\u0000\"}\n", "f.yaml:1:10"},
               {"node: [{\"a\\0\": 1}]\n", "f.yaml:1:9"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "%s: error: %s", bad[i].place, line);
        assert_error(bad[i].text, expected);
    }
}

static char *repeat(const char *s, int n)
{
    cnn_text t = {0};
    for (int i = 0; i < n; i++)
        cnn_text_append(&t, s);
    return cnn_text_take(&t);
}

static void test_deep_nesting_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *unit, *line;
    } deep[] = {
        {"[", "f.yaml:1:25: error: lists and mappings are nested deeper than 24 levels"},
        {"{a: ", "f.yaml:1:97: error: lists and mappings are nested deeper than 24 levels"},
        {"- ", "f.yaml:1:49: error: lists and mappings are nested deeper than 24 levels"},
    };
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++) {
        char *text = repeat(deep[i].unit, 20000);
        assert_error(text, deep[i].line);
        free(text);
    }
}

static void test_huge_documents_are_refused(void **state)
{
    (void)state;
    char *text = repeat("- 1\n", 60000);
    assert_error(text, "f.yaml:50000:3: error: more than 50000 values");
    free(text);
}

static void test_huge_scalars_are_no_problem(void **state)
{
    (void)state;
    cnn_text t = {0};
    char *x = repeat("x", 1000000);
    cnn_text_printf(&t, "text: %s\nany: %s\n", x, x);
    sample s = {0};
    assert_int_equal(read_sample(t.s, t.len, NULL, &s), CNN_EUSAGE);
    assert_true(strlen(cnn_error_message()) < 400);
    assert_memory_equal(cnn_error_message(), "f.yaml:2:6: error: 'any' must be a whole number", 47);
    t.len = 0;
    cnn_text_printf(&t, "%s: 1\n\"%s\": 2\n", x, x);
    assert_int_equal(read_sample(t.s, t.len, NULL, &s), CNN_EUSAGE);
    assert_true(strlen(cnn_error_message()) < 3000);
    const char *const sets[] = {"any", x, NULL};
    assert_int_equal(read_sample("any: 1\n", 7, sets, &s), CNN_EUSAGE);
    assert_true(strlen(cnn_error_message()) < 600);
    free(x);
    cnn_text_free(&t);
}

/** Every text that a good one turns into by losing its end or one byte is read without harm. */
static void test_mangled_documents_do_no_harm(void **state)
{
    (void)state;
    static const char good[] = "count: 7 # x\nnode:\n  - {a: \"q\\u00e9\", b: 'it''s'}\n  - |\n    "
                               "text\n  - [~, *x, &y z, !t 5]\ntext: >-\n  folded\n";
    const size_t n = sizeof good - 1;
    char text[sizeof good];
    for (size_t i = 0; i <= n; i++) {
        sample s = {0};
        read_sample(good, i, NULL, &s);
        static const char odd[] = {'\0', '\t', '"', '{', ']', '\xc3', '&', '-', ':', '\n', '?'};
        for (size_t k = 0; k < sizeof odd && i < n; k++) {
            memcpy(text, good, sizeof good);
            text[i] = odd[k];
            read_sample(text, n, NULL, &s);
        }
    }
}

/* --- --set ------------------------------------------------------------------------------------ */

static void test_set_replaces_and_adds(void **state)
{
    (void)state;
    cnn_yaml *y = NULL;
    assert_int_equal(cnn_yaml_parse("f.yaml", "a: {b: 1}\nlist: [x, y]\nnone:\n", &y), CNN_OK);
    static const char *const sets[][2] = {{"a.b", "2"},    {"a.c", "[3, 4]"},   {"d.e.f", "5"},
                                          {"list.0", "X"}, {"list.2", "z"},     {"none.k", "6"},
                                          {"a.b", "7"},    {"a.c.1", "{g: 8}"}, {"a.c.1.g", "9"},
                                          {"h", "{i: 1}"}, {"h.j", "'quoted'"}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        assert_int_equal(cnn_yaml_set(y, sets[i][0], sets[i][1]), CNN_OK);
    assert_int_equal(cnn_yaml_finish(y), CNN_OK);
    static const char *const expected[][2] = {
        {"/a/b", "7"},    {"/a/c/0", "3"},  {"/a/c/1/g", "9"}, {"/d/e/f", "5"}, {"/list/0", "X"},
        {"/list/1", "y"}, {"/list/2", "z"}, {"/none/k", "6"},  {"/h/i", "1"},   {"/h/j", "quoted"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct fy_node *node =
            fy_node_by_path(cnn_yaml_root(y), expected[i][0], FY_NT, FYNWF_DONT_FOLLOW);
        assert_non_null(node);
        assert_string_equal(cnn_yaml_scalar(node), expected[i][1]);
    }
    assert_int_equal(fy_node_sequence_item_count(cnn_yaml_lookup(cnn_yaml_root(y), "list")), 3);
    cnn_yaml_close(&y);
}

static void test_errors_name_the_set(void **state)
{
    (void)state;
    assert_set_error("any", "x", "--set any=x: error: 'any' must be a whole number, not 'x'");
    assert_set_error("cuont", "1",
                     "--set cuont=1: error: unknown key 'cuont' in the file; did you "
                     "mean 'count'?");
    assert_set_error("count", "", "--set count=: error: the value is empty");
    assert_set_error("count", NULL,
                     "--set count: error: write --set key=value or --set "
                     "key.path=value");
    assert_set_error("", "1", "--set =1: error: write --set key=value or --set key.path=value");
    assert_set_error("a..b", "1",
                     "--set a..b=1: error: write --set key=value or --set "
                     "key.path=value");
    assert_set_error("any", "[1", "--set any=[1: error: flow sequence without a closing bracket");
    assert_set_error("any", "1\n", "--set any=1 : error: it must be one line");
    assert_set_error("any", "\xff",
                     "--set any=?: error: byte 0xff is not UTF-8; save the file as "
                     "UTF-8 text");
    assert_set_error("any", "&a 1", "--set any=&a 1: error: anchors (&name) are not used here");
    assert_set_error("node", "{a: 1, a: 2}",
                     "--set node={a: 1, a: 2}: error: key 'a' is given twice");
}

static void test_set_paths_that_lead_nowhere(void **state)
{
    (void)state;
    assert_set_error("text.x", "1",
                     "--set text.x=1: error: 'text' is a single value: it has no "
                     "keys");
    assert_set_error("node.list.3", "1",
                     "--set node.list.3=1: error: '3' is no index of a list of 2");
    assert_set_error("node.list.x", "1",
                     "--set node.list.x=1: error: 'x' is no index of a list of 2");
    assert_set_error("node.list.99999999999999999999", "1",
                     "--set node.list.99999999999999999999=1: error: '99999999999999999999' is no "
                     "index of a list of 2");
}

/** An error deep in a value that came by --set, and errors of file and --set together. */
static void test_errors_below_a_set_name_it(void **state)
{
    (void)state;
    cnn_yaml *y = NULL;
    sample s = {0};
    assert_int_equal(cnn_yaml_parse("f.yaml", "any: x\n", &y), CNN_OK);
    assert_int_equal(cnn_yaml_set(y, "node", "{a: {raet: 1, count: 0}}"), CNN_OK);
    assert_int_equal(cnn_yaml_set(y, "node.a.flag", "1"), CNN_OK);
    struct fy_node *node = cnn_yaml_lookup(cnn_yaml_root(y), "node");
    cnn_yaml_fields(y, cnn_yaml_lookup(node, "a"), "a", fields, &s);
    cnn_yaml_fields(y, cnn_yaml_root(y), "the file", fields, &s);
    assert_int_equal(cnn_yaml_finish(y), CNN_EUSAGE);
    assert_string_equal(
        cnn_error_message(),
        "f.yaml:1:6: error: 'any' must be a whole number, not 'x'\nany: x\n     ^\n"
        "--set node={a: {raet: 1, count: 0}}: error: unknown key 'raet' in a; did you mean "
        "'rate'?\n"
        "--set node={a: {raet: 1, count: 0}}: error: 'count' must be between 1 and 100 or 'all', "
        "not '0'\n"
        "--set node.a.flag=1: error: 'flag' must be true or false, not '1'");
    cnn_yaml_close(&y);
}

static void test_set_leaves_a_broken_document_alone(void **state)
{
    (void)state;
    sample s = {0};
    const char *const sets[] = {"any", "1", NULL};
    assert_int_equal(read_sample("", 0, sets, &s), CNN_EUSAGE);
    assert_string_equal(cnn_error_message(), "f.yaml:1:1: error: the document is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_fill_their_members),
        cmocka_unit_test(test_json_is_read_too),
        cmocka_unit_test(test_words_stand_for_numbers),
        cmocka_unit_test(test_numbers_of_all_shapes),
        cmocka_unit_test(test_whole_numbers_are_decimal),
        cmocka_unit_test(test_numbers_out_of_bounds),
        cmocka_unit_test(test_quoted_numbers_are_text),
        cmocka_unit_test(test_bools_are_true_or_false),
        cmocka_unit_test(test_wrong_types_are_named),
        cmocka_unit_test(test_strings_own_their_memory),
        cmocka_unit_test(test_required_keys),
        cmocka_unit_test(test_fields_are_found_by_key),
        cmocka_unit_test(test_scalars_and_lookup),
        cmocka_unit_test(test_all_errors_come_in_the_order_of_the_file),
        cmocka_unit_test(test_unknown_keys_without_a_guess_list_the_keys),
        cmocka_unit_test(test_columns_count_characters),
        cmocka_unit_test(test_byte_order_mark_and_line_ends_are_skipped),
        cmocka_unit_test(test_long_lines_are_cut_around_the_error),
        cmocka_unit_test(test_terminals_are_safe_from_control_characters),
        cmocka_unit_test(test_many_errors_are_counted),
        cmocka_unit_test(test_errors_of_callers_have_a_place),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_empty_documents),
        cmocka_unit_test(test_surprising_parts_of_yaml_are_refused),
        cmocka_unit_test(test_duplicate_keys_are_found_at_any_depth),
        cmocka_unit_test(test_text_must_be_utf8_without_control_characters),
        cmocka_unit_test(test_escapes_that_are_no_characters_are_refused),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_huge_documents_are_refused),
        cmocka_unit_test(test_huge_scalars_are_no_problem),
        cmocka_unit_test(test_mangled_documents_do_no_harm),
        cmocka_unit_test(test_set_replaces_and_adds),
        cmocka_unit_test(test_errors_name_the_set),
        cmocka_unit_test(test_set_paths_that_lead_nowhere),
        cmocka_unit_test(test_errors_below_a_set_name_it),
        cmocka_unit_test(test_set_leaves_a_broken_document_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
