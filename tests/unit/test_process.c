/* SPDX-License-Identifier: Apache-2.0 */
/** Other processes: which one it is, its end, and that no other is taken for it. */
#include "host/process.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/** A process that waits for its end and has said who it is. */
static cnn_process_identity start(void)
{
    int ends[2];
    cnn_process_identity child;
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child = cnn_process_self();
        if (write(ends[1], &child, sizeof child) != (ssize_t)sizeof child)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    assert_int_equal(child.pid, pid);
    close(ends[0]);
    close(ends[1]);
    return child;
}

/** Skips where the kernel has no descriptors of processes. */
static int open_or_skip(const cnn_process_identity *which)
{
    bool ended = true;
    const int fd = cnn_process_open(which, &ended);
    assert_false(ended);
    if (fd < 0)
        skip();
    return fd;
}

static void test_process_is_killed_and_seen_to_end(void **state)
{
    (void)state;
    const cnn_process_identity child = start();
    const int fd = open_or_skip(&child);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    bool ended = false;
    assert_false(cnn_process_has_ended(fd));
    cnn_process_kill(fd);
    assert_int_equal(poll(&end, 1, -1), 1);
    assert_true(cnn_process_has_ended(fd)); /* before its parent has asked */
    int code;
    assert_int_equal(waitpid((pid_t)child.pid, &code, 0), child.pid);
    assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
    assert_true(cnn_process_has_ended(fd));
    assert_int_equal(cnn_process_open(&child, &ended), -1);
    assert_true(ended);
    close(fd);
}

/** A stopped process has not ended. */
static void test_process_that_is_stopped_lives(void **state)
{
    (void)state;
    const cnn_process_identity child = start();
    const int fd = open_or_skip(&child);
    int code;
    kill((pid_t)child.pid, SIGSTOP);
    assert_int_equal(waitpid((pid_t)child.pid, &code, WUNTRACED), child.pid);
    assert_false(cnn_process_has_ended(fd));
    cnn_process_kill(fd);
    assert_int_equal(waitpid((pid_t)child.pid, &code, 0), child.pid);
    assert_true(WIFSIGNALED(code));
    close(fd);
}

/** The number was given to another process: the one that is meant has ended. */
static void test_process_of_another_start_is_another(void **state)
{
    (void)state;
    cnn_process_identity child = start();
    bool ended = false;
    close(open_or_skip(&child));
    child.start--;
    assert_int_equal(cnn_process_open(&child, &ended), -1);
    assert_true(ended);
    assert_int_equal(kill((pid_t)child.pid, 0), 0);
    kill((pid_t)child.pid, SIGKILL);
    waitpid((pid_t)child.pid, NULL, 0);
}

static void test_process_near_and_far(void **state)
{
    (void)state;
    const cnn_process_identity self = cnn_process_self();
    cnn_process_identity other = self;
    assert_true(cnn_process_is_near(&self, &other));
    other.boot[0] ^= 1;
    assert_false(cnn_process_is_near(&self, &other));
    other = self;
    other.namespace ++;
    assert_false(cnn_process_is_near(&self, &other));
    other = self;
    other.start = 0;
    assert_false(cnn_process_is_near(&self, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process_is_killed_and_seen_to_end),
        cmocka_unit_test(test_process_that_is_stopped_lives),
        cmocka_unit_test(test_process_of_another_start_is_another),
        cmocka_unit_test(test_process_near_and_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
