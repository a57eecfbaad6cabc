/* SPDX-License-Identifier: Apache-2.0 */
/* Making a results file and locking it, in good and in bad places. */
#include "base/text.h"
#include "hdf5io/file_replace.h"
#include "hdf5io/lock.h"
#include "hdf5io/reader.h"
#include "hdf5io/results_create.h"
#include "results_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { REPEATS = 2, NOBODY = 65534 };

static char folder[] = "/tmp/cnn-results-XXXXXX";
static char path[64], part[72], lock_path[72];
static cnn_design *design;

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chmod(folder, 0755) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/results.h5", folder);
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    design = fixture_design(fixture_job(REPEATS));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_design_destroy(&design);
    unlink(path);
    unlink(lock_path);
    return rmdir(folder); /* nothing else may be left in it */
}

static cnn_status create(const char *where)
{
    return cnn_results_create(where, fixture_job(REPEATS), design, FIXTURE_PLAN, NULL);
}

static void write_old_file(void)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("old", f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_old_file_untouched(void)
{
    char text[8] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_string_equal(text, "old");
}

static void assert_message_has(const char *words)
{
    if (!strstr(cnn_error_message(), words))
        fail_msg("'%s' lacks '%s'", cnn_error_message(), words);
}

static void test_create_replaces_older_file(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    write_old_file();
    assert_int_equal(create(path), CNN_OK);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(cnn_results_read(path, &r), CNN_OK);
    cnn_results_free(&r);
}

static void test_create_in_missing_folder_says_so(void **state)
{
    (void)state;
    char missing[96];
    snprintf(missing, sizeof missing, "%s/missing/results.h5", folder);
    assert_int_equal(create(missing), CNN_EIO);
    assert_message_has(missing);
    assert_message_has("No such file or directory");
}

static void test_create_over_folder_leaves_nothing(void **state)
{
    (void)state;
    char inner[80], inner_part[96];
    snprintf(inner, sizeof inner, "%s/folder", folder);
    snprintf(inner_part, sizeof inner_part, "%s.part", inner);
    assert_int_equal(mkdir(inner, 0755), 0);
    assert_int_equal(create(inner), CNN_EIO);
    assert_message_has("Is a directory");
    assert_int_equal(access(inner_part, F_OK), -1);
    rmdir(inner);
}

static void test_create_in_read_only_folder_keeps_older_file(void **state)
{
    (void)state;
    bool root = geteuid() == 0;
    write_old_file();
    assert_int_equal(chmod(folder, 0555), 0);
    if (root) /* whom no folder stops */
        assert_int_equal(seteuid(NOBODY), 0);
    cnn_status st = create(path);
    cnn_lock *lock = NULL;
    char message[256];
    snprintf(message, sizeof message, "%s", cnn_error_message());
    cnn_status locked = cnn_lock_take(path, &lock);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(st, CNN_EIO);
    assert_non_null(strstr(message, "Permission denied"));
    assert_int_equal(locked, CNN_EIO);
    assert_null(lock);
    assert_old_file_untouched();
}

/** A limit on the size of files stands for a full disk: write fails in the same places. */
static void test_create_on_full_disk_keeps_older_file(void **state)
{
    (void)state;
    struct rlimit old, small;
    write_old_file();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 0; limit < 200000; limit = limit * 3 + 1000) {
        small = (struct rlimit){limit, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        cnn_status st = create(path);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(st, CNN_EIO);
        assert_message_has(part);
        assert_message_has("File too large");
        assert_int_equal(access(part, F_OK), -1);
        assert_old_file_untouched();
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void test_create_without_runs_is_refused(void **state)
{
    (void)state;
    cnn_design none = *design;
    none.run_count = 0;
    assert_int_equal(cnn_results_create(path, fixture_job(REPEATS), &none, "", NULL), CNN_EINVAL);
}

static void test_create_with_factor_that_is_no_name_is_refused(void **state)
{
    (void)state;
    cnn_job job = *fixture_job(REPEATS);
    cnn_factor factors[FIXTURE_FACTORS];
    memcpy(factors, job.factors, sizeof factors);
    job.factors = factors;
    factors[1].name = "a/b";
    write_old_file();
    assert_int_equal(cnn_results_create(path, &job, design, "", NULL), CNN_EINVAL);
    assert_message_has("a/b");
    assert_old_file_untouched();
}

static void write_victim(const char *victim)
{
    FILE *f = fopen(victim, "wb");
    assert_non_null(f);
    assert_true(fputs("precious", f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_victim_untouched(const char *victim)
{
    char *text = NULL;
    assert_int_equal(cnn_read_file(victim, 64, &text, NULL), CNN_OK);
    assert_string_equal(text, "precious");
    free(text);
}

/** In a folder of several people somebody could have put links there. */
static void test_links_in_the_way_are_not_followed(void **state)
{
    (void)state;
    cnn_lock *lock = NULL;
    char victim[128];
    snprintf(victim, sizeof victim, "%s.victim", path);
    write_victim(victim);
    assert_int_equal(symlink(victim, lock_path), 0);
    assert_int_equal(cnn_lock_take(path, &lock), CNN_EIO);
    assert_null(lock);
    assert_victim_untouched(victim);
    unlink(lock_path);
    assert_int_equal(symlink(victim, part), 0);
    assert_int_equal(cnn_file_replace(path, "new", 3), CNN_EIO);
    assert_victim_untouched(victim);
    unlink(part);
    unlink(victim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_replaces_older_file),
        cmocka_unit_test(test_create_in_missing_folder_says_so),
        cmocka_unit_test(test_create_over_folder_leaves_nothing),
        cmocka_unit_test(test_create_in_read_only_folder_keeps_older_file),
        cmocka_unit_test(test_create_on_full_disk_keeps_older_file),
        cmocka_unit_test(test_create_without_runs_is_refused),
        cmocka_unit_test(test_create_with_factor_that_is_no_name_is_refused),
        cmocka_unit_test(test_links_in_the_way_are_not_followed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
