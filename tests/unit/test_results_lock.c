/* SPDX-License-Identifier: Apache-2.0 */
/** The lock on a results file: who holds it, under which names, and until when. */
#include "base/text.h"
#include "hdf5io/lock.h"
#include "hdf5io/target.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/cnn-lock-XXXXXX", path[64], lock_path[72], other[72];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/r.h5", folder);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    snprintf(other, sizeof other, "%s/other.h5", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder); /* each test cleans up after itself */
}

static void make_file(const char *name)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void assert_message_has(const char *part)
{
    if (!strstr(cnn_error_message(), part))
        fail_msg("'%s' is not in: %s", part, cnn_error_message());
}

static void assert_free(const char *name)
{
    cnn_lock *lock = NULL;
    if (cnn_lock_take(name, &lock) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_lock_release(&lock);
}

/** A process that takes a lock, starts a program that outlives it if asked to, and waits. */
static pid_t start_holder(bool with_program, pid_t *program)
{
    static char *argv[] = {"sleep", "30", NULL}, *env[] = {NULL};
    int ready[2];
    *program = -1;
    assert_int_equal(pipe(ready), 0);
    const pid_t holder = fork();
    if (holder == 0) {
        cnn_lock *lock = NULL;
        pid_t started = -1;
        if (cnn_lock_take(path, &lock) != CNN_OK ||
            (with_program && posix_spawnp(&started, "sleep", NULL, NULL, argv, env) != 0) ||
            write(ready[1], &started, sizeof started) != sizeof started)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]); /* a holder that fails is not waited for */
    assert_int_equal(read(ready[0], program, sizeof *program), sizeof *program);
    close(ready[0]);
    return holder;
}

static void kill_it(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_lock_twice_names_the_holder(void **state)
{
    (void)state;
    cnn_lock *lock = NULL, *second = NULL;
    char holder[64], host[64] = "";
    assert_int_equal(cnn_lock_take(path, &lock), CNN_OK);
    assert_int_equal(cnn_lock_take(path, &second), CNN_EBUSY);
    assert_null(second);
    snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    assert_message_has(holder);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_message_has(host);
    cnn_lock_release(&lock);
    assert_null(lock);
    cnn_lock_release(&lock);
    assert_int_equal(access(lock_path, F_OK), -1);
    assert_free(path);
}

static void test_lock_holder_needs_no_lock(void **state)
{
    (void)state;
    pid_t program;
    char holder[256] = "x", expected[64];
    cnn_lock_holder(path, holder, sizeof holder);
    assert_string_equal(holder, ""); /* there is no such file */
    const pid_t pid = start_holder(false, &program);
    snprintf(expected, sizeof expected, "process %ld on ", (long)pid);
    cnn_lock_holder(path, holder, sizeof holder);
    assert_memory_equal(holder, expected, strlen(expected));
    kill_it(pid);
    assert_int_equal(access(lock_path, F_OK), 0);
    cnn_lock_holder(path, holder, sizeof holder);
    assert_string_equal(holder, ""); /* the file is there, its holder is not */
    assert_free(path);
}

static void test_lock_ends_with_its_process_not_with_programs_that_it_started(void **state)
{
    (void)state;
    cnn_lock *lock = NULL;
    pid_t program;
    const pid_t pid = start_holder(true, &program);
    assert_int_equal(cnn_lock_take(path, &lock), CNN_EBUSY);
    kill_it(pid);
    assert_free(path);
    kill(program, SIGKILL);
}

static void test_lock_holds_for_symbolic_links(void **state)
{
    (void)state;
    cnn_lock *lock = NULL, *second = NULL;
    char holder[256];
    /* Also for a file that is still to be made. */
    assert_int_equal(symlink("r.h5", other), 0);
    for (int made = 0; made < 2; made++) {
        if (made)
            make_file(path);
        assert_int_equal(cnn_lock_take(other, &lock), CNN_OK);
        assert_string_equal(cnn_lock_target(lock), path);
        assert_int_equal(cnn_lock_take(path, &second), CNN_EBUSY);
        cnn_lock_holder(path, holder, sizeof holder);
        assert_true(holder[0]);
        cnn_lock_release(&lock);
        assert_int_equal(cnn_lock_take(path, &lock), CNN_OK);
        assert_int_equal(cnn_lock_take(other, &second), CNN_EBUSY);
        cnn_lock_release(&lock);
    }
    unlink(other);
    unlink(path);
}

/** A name that shares neither folder nor lock file: on /tmp, the file's own byte is locked. */
static void test_lock_holds_for_the_file_under_a_new_name(void **state)
{
    (void)state;
    cnn_lock *lock = NULL, *second = NULL;
    make_file(path);
    assert_int_equal(cnn_lock_take(path, &lock), CNN_OK);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(cnn_lock_take(other, &second), CNN_EBUSY);
    assert_message_has("another name");
    cnn_lock_release(&lock);
    assert_free(other);
    unlink(other);
}

static void test_lock_of_a_file_that_was_made_since(void **state)
{
    (void)state;
    cnn_lock *lock = NULL, *second = NULL;
    assert_int_equal(cnn_lock_take(path, &lock), CNN_OK);
    make_file(path);
    assert_int_equal(cnn_lock_file(lock), CNN_OK);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(cnn_lock_take(other, &second), CNN_EBUSY);
    cnn_lock_release(&lock);
    unlink(other);
}

static void test_lock_refuses_hard_links(void **state)
{
    (void)state;
    cnn_lock *lock = NULL;
    make_file(path);
    assert_int_equal(link(path, other), 0);
    assert_int_equal(cnn_lock_take(path, &lock), CNN_EUSAGE);
    assert_message_has("2 names (hard links)");
    assert_int_equal(cnn_lock_take(other, &lock), CNN_EUSAGE);
    unlink(other);
    assert_free(path);
    unlink(path);
}

static void test_lock_refuses_what_is_no_regular_file(void **state)
{
    (void)state;
    cnn_lock *lock = NULL;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cnn_lock_take(path, &lock), CNN_EUSAGE);
    assert_message_has("only a regular file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(cnn_lock_take(path, &lock), CNN_EUSAGE);
    assert_message_has("is a folder");
    rmdir(path);
    assert_int_equal(symlink("/dev/null", other), 0);
    assert_int_equal(cnn_lock_take(other, &lock), CNN_EUSAGE);
    unlink(other);
    assert_int_equal(symlink("other.h5", other), 0);
    assert_int_equal(cnn_lock_take(other, &lock), CNN_EUSAGE);
    assert_message_has("leads nowhere");
    unlink(other);
}

static void test_lock_refuses_names_that_are_too_long(void **state)
{
    (void)state;
    cnn_lock *lock = NULL;
    char name[300];
    for (int bytes = CNN_RESULTS_NAME_MAX; bytes <= CNN_RESULTS_NAME_MAX + 1; bytes++) {
        const int start = snprintf(name, sizeof name, "%s/", folder);
        memset(name + start, 'a', (size_t)bytes);
        name[start + bytes] = '\0';
        assert_int_equal(cnn_lock_take(name, &lock),
                         bytes > CNN_RESULTS_NAME_MAX ? CNN_EUSAGE : CNN_OK);
        cnn_lock_release(&lock);
    }
    assert_message_has("201 bytes; at most 200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock_twice_names_the_holder),
        cmocka_unit_test(test_lock_holder_needs_no_lock),
        cmocka_unit_test(test_lock_ends_with_its_process_not_with_programs_that_it_started),
        cmocka_unit_test(test_lock_holds_for_symbolic_links),
        cmocka_unit_test(test_lock_holds_for_the_file_under_a_new_name),
        cmocka_unit_test(test_lock_of_a_file_that_was_made_since),
        cmocka_unit_test(test_lock_refuses_hard_links),
        cmocka_unit_test(test_lock_refuses_what_is_no_regular_file),
        cmocka_unit_test(test_lock_refuses_names_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
