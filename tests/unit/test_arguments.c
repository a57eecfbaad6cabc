/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines of all programs. */
#include "base/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const cnn_option options[] = {
    {"--set", 0, "KEY=VALUE",
     "an option with a value, whose description is so long that it is "
     "wrapped into the column that it starts in"},
    {"--output", 'o', "FILE", "short"},
    {"--quiet", 'q', NULL, "a switch"},
    {"--hidden", 0, NULL, NULL},
    {0},
};

static cnn_status next(char **argv, int *i, cnn_argument *out)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return cnn_argument_next(options, argc, argv, i, out);
}

static void test_options_words_and_values(void **state)
{
    (void)state;
    char *argv[] = {"p", "--set", "a=b", "--set=c=d", "-o", "-", "-q", "-", "word", NULL};
    static const struct {
        const char *name, *text;
    } expected[] = {{"--set", "a=b"},  {"--set", "c=d"}, {"--output", "-"},
                    {"--quiet", NULL}, {NULL, "-"},      {NULL, "word"}};
    int i = 1;
    for (size_t n = 0; n < sizeof expected / sizeof expected[0]; n++) {
        cnn_argument a;
        assert_int_equal(next(argv, &i, &a), CNN_OK);
        assert_int_equal(a.option != NULL, expected[n].name != NULL);
        if (a.option)
            assert_string_equal(a.option->name, expected[n].name);
        assert_int_equal(a.text != NULL, expected[n].text != NULL);
        if (a.text)
            assert_string_equal(a.text, expected[n].text);
    }
    assert_int_equal(i, 9);
}

static void assert_refused(char **argv, const char *why)
{
    int i = 1;
    cnn_argument a;
    assert_int_equal(next(argv, &i, &a), CNN_EUSAGE);
    if (!strstr(cnn_error_message(), why))
        fail_msg("'%s' should say '%s'", cnn_error_message(), why);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    assert_refused((char *[]){"p", "--qiet", NULL}, "did you mean --quiet?");
    assert_refused((char *[]){"p", "--qiet=1", NULL}, "unknown option '--qiet'");
    assert_refused((char *[]){"p", "-x", NULL}, "unknown option '-x'");
    assert_refused((char *[]){"p", "-quiet", NULL}, "unknown option '-quiet'");
    assert_refused((char *[]){"p", "--set", NULL}, "--set needs a value");
    assert_refused((char *[]){"p", "--quiet=yes", NULL}, "--quiet takes no value");
}

static void test_help_is_wrapped_into_a_column(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_options_help(options, &t);
    assert_string_equal(
        t.s, "  --set KEY=VALUE         an option with a value, whose description is so long that "
             "it is wrapped\n"
             "                          into the column that it starts in\n"
             "  -o, --output FILE       short\n"
             "  -q, --quiet             a switch\n");
    cnn_text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_words_and_values),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_help_is_wrapped_into_a_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
