/* SPDX-License-Identifier: Apache-2.0 */
/** Trainer processes: what they get, what is read of them, how they end. Shell scripts play the
 * trainer; CNN_EXEC is the exec helper. */
#include "base/clock.h"
#include "base/text.h"
#include "host/child.h"
#include "host/cpulist.h"
#include "host/handover.h"
#include "host/lines.h"
#include "host/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/** Starts a program as a trainer. */
static cnn_child *start_program(char **argv, const char *input, const char *cpus)
{
    static char more[] = "CNN_TEST_MORE=more", path[] = "PATH=/usr/bin:/bin";
    char *const environment[] = {more, path, NULL};
    const cnn_child_options options = {
        .helper = CNN_EXEC, .argv = argv, .cpus = cpus, .environment = environment, .input = input};
    cnn_child *child = NULL;
    if (cnn_child_start(&options, &child) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return child;
}

/** Starts a shell script as a trainer. */
static cnn_child *start(const char *script, const char *input, const char *cpus)
{
    char *argv[] = {"/bin/sh", "-c", (char *)script, NULL};
    return start_program(argv, input, cpus);
}

/* ---- trainers that a shell script cannot play: this program, started with the part's name --- */

/** Starts a process that does nothing but sleep; it leads a group or a session of its own. */
static pid_t start_sleeper(bool session)
{
    int made[2];
    char byte = 0;
    if (pipe(made) != 0)
        exit(1);
    const pid_t pid = fork();
    if (pid == 0) {
        if ((session ? setsid() : setpgid(0, 0)) < 0 || write(made[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(made[0], &byte, 1) != 1)
        exit(1);
    close(made[0]);
    close(made[1]);
    return pid;
}

/** Prints the processes of interest as one event line, then goes on as the part says. */
static int play(const char *part)
{
    const bool leaves = strcmp(part, "leave-group") == 0;
    const pid_t sleeper = start_sleeper(!leaves);
    if (leaves && setpgid(0, sleeper) != 0)
        return 1;
    dprintf(CNN_EVENTS_DESCRIPTOR, "%d %d\n", (int)getpid(), (int)sleeper);
    if (strcmp(part, "kill-supervisor") == 0)
        kill(getppid(), SIGKILL);
    if (strcmp(part, "end") == 0)
        return 0;
    for (;;)
        pause();
}

/** Starts this program as a trainer that plays a part; reads what it printed. */
static cnn_child *start_part(const char *part, pid_t pids[2])
{
    char *argv[] = {"/proc/self/exe", "--play", (char *)part, NULL};
    char self[4096];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    argv[0] = self;
    cnn_child *child = start_program(argv, "", NULL);
    const char *line = NULL;
    bool cut;
    for (int i = 0; i < 400 && !line; i++) {
        assert_int_equal(cnn_child_poll(child, 0.05), CNN_OK);
        line = cnn_child_next_line(child, &cut);
    }
    assert_non_null(line);
    assert_int_equal(sscanf(line, "%d %d", &pids[0], &pids[1]), 2);
    return child;
}

/** Runs to the end (20 s at most), gathering event lines with newlines. */
static void finish(cnn_child *child, cnn_text *lines)
{
    const double deadline = cnn_clock_monotonic() + 20;
    bool cut;
    while (!cnn_child_ended(child)) {
        assert_true(cnn_clock_monotonic() < deadline);
        assert_int_equal(cnn_child_poll(child, 0.05), CNN_OK);
        for (const char *line; (line = cnn_child_next_line(child, &cut)) != NULL;)
            cnn_text_printf(lines, "%s%s\n", line, cut ? "[cut]" : "");
    }
}

/** Whole life of a script; its events and exit code. */
static int run(const char *script, const char *input, cnn_text *lines, char log[512])
{
    cnn_child *child = start(script, input, NULL);
    finish(child, lines);
    const int code = cnn_child_exit_code(child);
    if (log)
        cnn_copy_string(log, 512, cnn_child_log_tail(child));
    cnn_child_destroy(&child);
    assert_null(child);
    return code;
}

static void assert_output(const char *script, const char *expected)
{
    cnn_text lines = {0};
    assert_int_equal(run(script, "", &lines, NULL), 0);
    assert_string_equal(lines.s ? lines.s : "", expected);
    cnn_text_free(&lines);
}

static void test_child_reads_its_specification_and_reports(void **state)
{
    (void)state;
    cnn_text lines = {0};
    char log[512], *big = malloc(300001);
    assert_non_null(big);
    memset(big, 'x', 300000);
    big[300000] = '\0';
    assert_int_equal(run("wc -c >&3; echo out; echo err >&2; exit 5", big, &lines, log), 5);
    assert_string_equal(lines.s, "300000\n");
    assert_string_equal(log, "out\nerr");
    cnn_text_free(&lines);
    free(big);
}

static void test_child_last_line_needs_no_newline(void **state)
{
    (void)state;
    assert_output("printf 'a\\nb' >&3", "a\nb\n");
    assert_output("echo $CNN_EVENTS_FD >&$CNN_EVENTS_FD", "3\n");
}

static void test_child_many_lines_all_arrive(void **state)
{
    (void)state;
    cnn_text lines = {0}, expected = {0};
    assert_int_equal(run("seq 100000 >&3; seq 100000 >&2", "", &lines, NULL), 0);
    for (int i = 1; i <= 100000; i++)
        cnn_text_printf(&expected, "%d\n", i);
    assert_string_equal(lines.s, expected.s);
    cnn_text_free(&lines);
    cnn_text_free(&expected);
}

static void test_child_long_line_is_cut(void **state)
{
    (void)state;
    cnn_text lines = {0};
    const char *script = "head -c 200000 /dev/zero | tr '\\0' y >&3; echo >&3; echo end >&3";
    assert_int_equal(run(script, "", &lines, NULL), 0);
    assert_int_equal(lines.len, CNN_LINE_MOST + strlen("[cut]\nend\n"));
    assert_string_equal(lines.s + CNN_LINE_MOST, "[cut]\nend\n");
    cnn_text_free(&lines);
}

static void test_child_killed_by_a_signal(void **state)
{
    (void)state;
    cnn_text lines = {0};
    assert_int_equal(run("kill -SEGV $$", "", &lines, NULL), -SIGSEGV);
    cnn_text_free(&lines);
}

static void test_child_program_missing(void **state)
{
    (void)state;
    char *argv[] = {"/nowhere/to/be/found", NULL};
    const cnn_child_options options = {.helper = CNN_EXEC, .argv = argv};
    cnn_child *child = NULL;
    cnn_text lines = {0};
    assert_int_equal(cnn_child_start(&options, &child), CNN_OK);
    finish(child, &lines);
    assert_int_equal(cnn_child_exit_code(child), CNN_EXEC_FAILED);
    assert_false(cnn_child_was_started(child));
    assert_non_null(strstr(cnn_child_log_tail(child), "/nowhere/to/be/found"));
    assert_non_null(strstr(cnn_child_log_tail(child), "No such file"));
    cnn_child_destroy(&child);
    cnn_text_free(&lines);
}

static void test_child_helper_missing(void **state)
{
    (void)state;
    char *argv[] = {"/bin/true", NULL};
    const cnn_child_options options = {.helper = "/nowhere/cnn-exec", .argv = argv};
    cnn_child *child = NULL;
    assert_int_equal(cnn_child_start(&options, &child), CNN_EENV);
    assert_null(child);
    assert_non_null(strstr(cnn_error_message(), "/nowhere/cnn-exec"));
}

static void test_child_gets_the_environment_that_it_is_given(void **state)
{
    (void)state;
    setenv("CNN_TEST_OTHER", "of the rank", 1);
    assert_output("tr '\\0' '\\n' </proc/$$/environ | LC_ALL=C sort >&3",
                  "CNN_EVENTS_FD=3\nCNN_TEST_MORE=more\nPATH=/usr/bin:/bin\n");
    unsetenv("CNN_TEST_OTHER");
}

static void test_child_descriptors_are_closed(void **state)
{
    (void)state;
    const int open_one = dup(1), high = fcntl(1, F_DUPFD, 200); /* both inheritable */
    assert_true(open_one > 0 && high >= 200);
    /* ls itself opens one more for the folder. */
    assert_output("ls /proc/self/fd | tr '\\n' ' ' >&3", "0 1 2 3 4 \n");
    close(open_one);
    close(high);
}

static void test_child_signals_are_reset_but_those_that_stop_a_job(void **state)
{
    (void)state;
    const unsigned long long stops =
        1ull << (SIGINT - 1) | 1ull << (SIGTERM - 1) | 1ull << (SIGUSR1 - 1);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    signal(SIGPIPE, SIG_IGN);
    cnn_text lines = {0};
    unsigned long long blocked, ignored;
    assert_int_equal(run("exec grep -E 'SigBlk|SigIgn' /proc/self/status >&3", "", &lines, NULL),
                     0);
    assert_int_equal(sscanf(lines.s, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    assert_int_equal(blocked, 0);
    /* 32 and 33 belong to the C library, which lets nobody set them. */
    assert_int_equal(ignored & ~0x180000000ull, stops);
    cnn_text_free(&lines);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_child_runs_on_its_cores(void **state)
{
    (void)state;
    cpu_set_t mine;
    cnn_text lines = {0};
    char list[16], expected[96];
    int last = -1;
    assert_int_equal(sched_getaffinity(0, sizeof mine, &mine), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &mine))
            last = cpu;
    snprintf(list, sizeof list, "%d", last);
    snprintf(expected, sizeof expected, "Cpus_allowed_list:\t%d\n", last);
    cnn_child *child = start("grep Cpus_allowed_list /proc/$$/status >&3", "", list);
    finish(child, &lines);
    assert_string_equal(lines.s, expected);
    cnn_child_destroy(&child);
    cnn_text_free(&lines);
}

static void test_child_leads_a_group_that_ends_with_it(void **state)
{
    (void)state;
    cnn_text lines = {0};
    assert_int_equal(run("sleep 100 & echo $! >&3; ps -o pgid= -p $$ | tr -d ' ' >&3; echo $$ >&3",
                         "", &lines, NULL),
                     0);
    int sleeper, group, self;
    assert_int_equal(sscanf(lines.s, "%d %d %d", &sleeper, &group, &self), 3);
    assert_int_equal(group, self);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", sleeper);
    for (int i = 0; i < 200 && access(path, F_OK) == 0; i++) {
        waitpid(sleeper, NULL, WNOHANG); /* where this test is the subreaper */
        usleep(10000);
    }
    assert_int_not_equal(access(path, F_OK), 0);
    cnn_text_free(&lines);
}

static void test_child_destroy_kills(void **state)
{
    (void)state;
    const double before = cnn_clock_monotonic();
    cnn_child *child = start("trap '' TERM; sleep 100", "", NULL);
    const pid_t pid = cnn_child_pid(child);
    cnn_child_destroy(&child);
    assert_int_not_equal(kill(pid, 0), 0);
    assert_true(cnn_clock_monotonic() - before < 10);
}

static void test_child_usage_and_times(void **state)
{
    (void)state;
    cnn_text lines = {0};
    const double wall = cnn_clock_wall();
    cnn_child *child =
        start("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 0.2", "", NULL);
    finish(child, &lines);
    const struct rusage *usage = cnn_child_usage(child);
    assert_true(usage->ru_utime.tv_sec > 0 || usage->ru_utime.tv_usec > 0);
    assert_true(usage->ru_maxrss > 100);
    assert_true(cnn_child_life_seconds(child) >= 0.2 && cnn_child_life_seconds(child) < 20);
    assert_true(cnn_child_start_wall(child) >= wall - 1 && cnn_child_start_wall(child) < wall + 5);
    cnn_child_destroy(&child);
    cnn_text_free(&lines);
}

/** Waits for the end of any process, 20 s at most. */
static bool is_gone(pid_t pid)
{
    const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return errno == ESRCH;
    struct pollfd end = {.fd = fd, .events = POLLIN};
    const bool gone = poll(&end, 1, 20000) == 1;
    close(fd);
    return gone;
}

static void test_child_dies_with_its_parent(void **state)
{
    (void)state;
    int fds[2];
    pid_t pids[2];
    assert_int_equal(pipe(fds), 0);
    const pid_t rank = fork();
    assert_true(rank >= 0);
    if (rank == 0) { /* a rank of its own, that will be killed */
        start_part("stay", pids);
        if (write(fds[1], pids, sizeof pids) != sizeof pids)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(fds[0], pids, sizeof pids), sizeof pids);
    assert_false(kill(pids[0], 0) || kill(pids[1], 0));
    assert_int_equal(kill(rank, SIGKILL), 0);
    assert_int_equal(waitpid(rank, NULL, 0), rank);
    assert_true(is_gone(pids[0]) && is_gone(pids[1]));
    close(fds[0]);
    close(fds[1]);
}

/** Runs to the end, and sees that the trainer and its sleeper have ended. */
static void assert_all_end(cnn_child *child, const pid_t pids[2])
{
    cnn_text lines = {0};
    finish(child, &lines);
    for (int i = 0; i < 2; i++)
        assert_true(is_gone(pids[i]));
    cnn_text_free(&lines);
}

static void test_child_that_left_its_group_is_killed(void **state)
{
    (void)state;
    pid_t pids[2];
    cnn_child *child = start_part("leave-group", pids);
    assert_int_equal(pids[0], cnn_child_pid(child));
    cnn_child_kill(child);
    assert_all_end(child, pids);
    assert_int_equal(cnn_child_exit_code(child), -SIGKILL);
    assert_int_equal(cnn_child_left_behind(child), 0);
    cnn_child_destroy(&child);
}

static void test_child_leaves_no_session_behind(void **state)
{
    (void)state;
    pid_t pids[2];
    cnn_child *child = start_part("end", pids);
    assert_all_end(child, pids);
    assert_int_equal(cnn_child_exit_code(child), 0);
    assert_int_equal(cnn_child_left_behind(child), 0);
    cnn_child_destroy(&child);
}

static void test_child_destroy_kills_sessions(void **state)
{
    (void)state;
    pid_t pids[2];
    cnn_child *child = start_part("stay", pids);
    cnn_child_destroy(&child);
    assert_true(is_gone(pids[0]) && is_gone(pids[1]));
}

static void test_child_whose_supervisor_was_killed_ends_too(void **state)
{
    (void)state;
    pid_t pids[2];
    cnn_text lines = {0};
    cnn_child *child = start_part("kill-supervisor", pids);
    finish(child, &lines);
    assert_true(is_gone(pids[0]));
    assert_int_equal(cnn_child_exit_code(child), -SIGKILL);
    assert_int_equal(cnn_child_left_behind(child), -1); /* nobody knows of the sleeper */
    kill(pids[1], SIGKILL);
    cnn_child_destroy(&child);
    cnn_text_free(&lines);
}

/* A process that ended under a tracer stays until the tracer has waited for it. */
static void test_child_that_leaves_something_behind_says_so(void **state)
{
    (void)state;
    pid_t pids[2];
    cnn_text lines = {0};
    cnn_child *child = start_part("stay", pids);
    if (ptrace(PTRACE_SEIZE, pids[1], NULL, NULL) != 0) {
        cnn_child_destroy(&child);
        skip(); /* where tracing is not permitted */
    }
    cnn_child_kill(child);
    finish(child, &lines);
    assert_int_equal(cnn_child_left_behind(child), 1);
    assert_int_equal(cnn_child_exit_code(child), -SIGKILL);
    assert_true(cnn_child_life_seconds(child) < CNN_EXEC_PATIENCE); /* its own, not the wait's */
    waitpid(pids[1], NULL, __WALL);
    cnn_child_destroy(&child);
    cnn_text_free(&lines);
}

static void test_child_that_ends_with_127_was_started(void **state)
{
    (void)state;
    cnn_text lines = {0};
    cnn_child *child = start("exit 127", "", NULL);
    finish(child, &lines);
    assert_int_equal(cnn_child_exit_code(child), 127);
    assert_true(cnn_child_was_started(child));
    cnn_child_destroy(&child);
    cnn_text_free(&lines);
}

static void test_exec_refuses_a_wrong_parent(void **state)
{
    (void)state;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        execl(CNN_EXEC, CNN_EXEC, "1", "-", "/bin/true", (char *)NULL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CNN_EXEC_FAILED);
}

static void test_cpulist_parse(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_true(cnn_cpulist_parse("0-3,8", &set));
    assert_int_equal(CPU_COUNT(&set), 5);
    assert_true(CPU_ISSET(3, &set) && CPU_ISSET(8, &set) && !CPU_ISSET(4, &set));
    const char *const wrong[] = {"", "-", "1-", "3-1", "1,", ",1", "1 2", "a", "99999", "0-99999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(cnn_cpulist_parse(wrong[i], &set));
}

static void test_logtail_keeps_whole_last_lines(void **state)
{
    (void)state;
    static cnn_logtail tail;
    memset(&tail, 0, sizeof tail);
    assert_string_equal(cnn_logtail_text(&tail), "");
    for (int i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d\n", i);
        cnn_logtail_add(&tail, line, strlen(line));
    }
    const char *text = cnn_logtail_text(&tail);
    assert_true(strlen(text) <= CNN_LOGTAIL_MOST && strlen(text) > CNN_LOGTAIL_MOST - 10);
    assert_memory_equal(text, "line ", 5);
    assert_string_equal(text + strlen(text) - 8, "line 999");
    char much[3000];
    memset(much, 'm', sizeof much);
    cnn_logtail_add(&tail, much, sizeof much);
    assert_int_equal(strlen(cnn_logtail_text(&tail)), CNN_LOGTAIL_MOST);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--play") == 0)
        return play(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_reads_its_specification_and_reports),
        cmocka_unit_test(test_child_last_line_needs_no_newline),
        cmocka_unit_test(test_child_many_lines_all_arrive),
        cmocka_unit_test(test_child_long_line_is_cut),
        cmocka_unit_test(test_child_killed_by_a_signal),
        cmocka_unit_test(test_child_program_missing),
        cmocka_unit_test(test_child_helper_missing),
        cmocka_unit_test(test_child_gets_the_environment_that_it_is_given),
        cmocka_unit_test(test_child_descriptors_are_closed),
        cmocka_unit_test(test_child_signals_are_reset_but_those_that_stop_a_job),
        cmocka_unit_test(test_child_runs_on_its_cores),
        cmocka_unit_test(test_child_leads_a_group_that_ends_with_it),
        cmocka_unit_test(test_child_destroy_kills),
        cmocka_unit_test(test_child_usage_and_times),
        cmocka_unit_test(test_child_dies_with_its_parent),
        cmocka_unit_test(test_child_that_left_its_group_is_killed),
        cmocka_unit_test(test_child_leaves_no_session_behind),
        cmocka_unit_test(test_child_destroy_kills_sessions),
        cmocka_unit_test(test_child_whose_supervisor_was_killed_ends_too),
        cmocka_unit_test(test_child_that_leaves_something_behind_says_so),
        cmocka_unit_test(test_child_that_ends_with_127_was_started),
        cmocka_unit_test(test_exec_refuses_a_wrong_parent),
        cmocka_unit_test(test_cpulist_parse),
        cmocka_unit_test(test_logtail_keeps_whole_last_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
