/* SPDX-License-Identifier: Apache-2.0 */
/* What of a text reaches a terminal. */
#include "base/printable.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_text_stays_and_the_rest_is_marked(void **state)
{
    (void)state;
    char text[] = "a\tb\033[31m\r\n\xc3\xa9 \xff\xc0\x80 \xed\xa0\x80 \xe2\x82\xac\x7f\xc2\x85.";
    cnn_make_printable(text, true);
    assert_string_equal(text, "a b?[31m \n\xc3\xa9 ??? ??? \xe2\x82\xac??.");
    char line[] = "a\nb";
    cnn_make_printable(line, false);
    assert_string_equal(line, "a b");
    char field[6];
    memset(field, 'z', sizeof field);
    cnn_copy_printable(field, sizeof field, "abc\xe2\x82\xac", false); /* the sign does not fit */
    assert_memory_equal(field, "abc\0\0\0", 6);
}

/** UTF-8 of a code point below U+10000. */
static void encode(uint32_t code, char *s)
{
    size_t n = 0;
    if (code < 0x80) {
        s[n++] = (char)code;
    } else if (code < 0x800) {
        s[n++] = (char)(0xc0 | code >> 6);
        s[n++] = (char)(0x80 | (code & 0x3f));
    } else {
        s[n++] = (char)(0xe0 | code >> 12);
        s[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        s[n++] = (char)(0x80 | (code & 0x3f));
    }
    s[n] = '\0';
}

static void test_every_character_that_steers_a_terminal(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0xd800; code++) {
        char s[5];
        encode(code, s);
        const bool steers = code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
                            (code >= 0x202a && code <= 0x202e) ||
                            (code >= 0x2066 && code <= 0x2069);
        if (cnn_is_printable(s) == steers)
            fail_msg("U+%04X", (unsigned)code);
    }
}

static void test_what_is_printed_is_clean(void **state)
{
    (void)state;
    char *got = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&got, &n);
    assert_non_null(out);
    cnn_print(out, "caf\xc3\xa9\n\x1b]0;title\x07 \xe2\x80\xae"
                   "abc\xff");
    cnn_printf(out, "%s %d",
               "\xc2\x9b"
               "31m",
               7);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(got, "caf\xc3\xa9\n?]0;title? ?abc??31m 7");
    free(got);
}

static void test_json_escapes_what_is_not_printable(void **state)
{
    (void)state;
    cnn_text t = {0};
    cnn_text_append_json(&t, "\x1b\xc2\x9b\xe2\x80\xae\xe2\x81\xa9\xe2\x82\xac");
    assert_string_equal(t.s, "\"\\u001b\\u009b\\u202e\\u2069\xe2\x82\xac\"");
    cnn_text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_stays_and_the_rest_is_marked),
        cmocka_unit_test(test_every_character_that_steers_a_terminal),
        cmocka_unit_test(test_what_is_printed_is_clean),
        cmocka_unit_test(test_json_escapes_what_is_not_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
