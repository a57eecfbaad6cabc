/* SPDX-License-Identifier: Apache-2.0 */
/* Paths that people write. */
#include "base/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_home_and_variables_are_expanded(void **state)
{
    (void)state;
    static const struct {
        const char *path, *expanded;
    } cases[] = {
        {"", ""},
        {"a/b.h5", "a/b.h5"},
        {"~", "/home/me"},
        {"~/a", "/home/me/a"},
        {"a~/~", "a~/~"},
        {"$CNN_TEST/a", "/x y/a"},
        {"a${CNN_TEST}b", "a/x yb"},
        {"~/$CNN_TEST$CNN_TEST", "/home/me//x y/x y"},
        {"a$$b$$", "a$b$"},
    };
    setenv("HOME", "/home/me", 1);
    setenv("CNN_TEST", "/x y", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = NULL;
        assert_int_equal(cnn_path_expand(cases[i].path, &out), CNN_OK);
        assert_string_equal(out, cases[i].expanded);
        free(out);
    }
}

static void test_what_cannot_be_expanded_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path, *why;
    } cases[] = {
        {"$CNN_TEST_UNSET/a", "no variable CNN_TEST_UNSET"},
        {"${CNN_TEST", "begins no variable's name"},
        {"${}", "begins no variable's name"},
        {"a$", "begins no variable's name"},
        {"$-", "begins no variable's name"},
        {"~other/a", "another user"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = NULL;
        assert_int_equal(cnn_path_expand(cases[i].path, &out), CNN_EUSAGE);
        if (!strstr(cnn_error_message(), cases[i].why))
            fail_msg("'%s' should say '%s'", cnn_error_message(), cases[i].why);
        assert_null(out);
    }
}

static void assert_output(const char *path, const char *expected)
{
    char *out = NULL;
    const cnn_status st = cnn_path_of_output(path, &out);
    assert_int_equal(st, expected ? CNN_OK : CNN_EUSAGE);
    if (expected)
        assert_string_equal(out, expected);
    free(out);
}

static void test_output_follows_links_to_regular_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnn_paths_XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("d", 0777) | mkfifo("fifo", 0666), 0);
    assert_int_equal(symlink("new", "link") | symlink("../link", "d/up") | symlink("fifo", "f"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_output("new", "new");
    assert_output("link", "new");
    assert_output("d/up", "d/../new");
    assert_output("absent/new", "absent/new");
    assert_output("d", NULL);
    assert_output("fifo", NULL);
    assert_output("f", NULL);
    assert_output("loop", NULL);
    fclose(fopen("new", "w"));
    assert_output("link", "new");
    assert_int_equal(link("new", "hard"), 0);
    assert_true(cnn_path_is_same_file("hard", "d/up"));
    assert_false(cnn_path_is_same_file("hard", "fifo"));
    assert_false(cnn_path_is_same_file("absent", "absent"));
    static const char *const made[] = {"new", "hard", "link", "d/up", "f", "fifo", "loop"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        unlink(made[i]);
    rmdir("d");
    assert_int_equal(chdir("/"), 0);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_home_and_variables_are_expanded),
        cmocka_unit_test(test_what_cannot_be_expanded_is_refused),
        cmocka_unit_test(test_output_follows_links_to_regular_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
