/* SPDX-License-Identifier: Apache-2.0 */
/* A writer is killed again and again in the middle of its rows: every run whose status is set is
 * whole, none is lost, and the next writer goes on where the last one stopped. */
#include "hdf5io/reader.h"
#include "hdf5io/results_create.h"
#include "results_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { REPEATS = 150, KILLS = 10 };

extern char **environ;

static char folder[] = "/tmp/cnn-results-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    const cnn_job *job = fixture_job(REPEATS);
    cnn_design *design = fixture_design(job);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/results.h5", folder);
    cnn_status st = cnn_results_create(path, job, design, FIXTURE_PLAN, NULL);
    cnn_design_destroy(&design);
    return st == CNN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/** Starts a writer; *progress: the pipe that gets a byte for every run. */
static pid_t start_victim(int *progress)
{
    pid_t pid;
    int ends[2];
    char *argv[] = {(char[]){CNN_VICTIM}, path, NULL};
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, ends[0]), 0);
    assert_int_equal(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *progress = ends[0];
    return pid;
}

/** Waits for a number of runs (fewer if the writer ends); returns how many were written. */
static int wait_for_runs(int progress, int most)
{
    char byte;
    int n = 0;
    while (n < most && read(progress, &byte, 1) == 1)
        n++;
    return n;
}

/** Checks every row; returns how many runs are done. */
static int check_file(void)
{
    cnn_results *r = NULL;
    int done = 0;
    if (cnn_results_read(path, &r) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    for (int run = 0; run < r->run_count; run++) {
        cnn_measured expected = fixture_measured(run);
        if (r->status[run] == CNN_RUN_PLANNED)
            continue;
        done++;
        assert_int_equal(r->status[run], CNN_RUN_DONE);
        if (!same_measured(&r->measured[run], &expected))
            fail_msg("run %d: %s", run, fixture_difference());
        for (int e = 0; e < FIXTURE_EPOCHS; e++) {
            cnn_epoch_row row = fixture_epoch(run, e);
            assert_true(same_epoch(&r->epochs[run * r->epoch_count + e], &row));
        }
        for (int a = 0; a < expected.attempts; a++) {
            cnn_attempt row = fixture_attempt(run, a);
            assert_true(same_attempt(&r->attempts[run * r->attempts_per_run + a], &row));
        }
    }
    cnn_results_free(&r);
    return done;
}

/** Kills one writer after about `runs` runs, somewhere within a row; returns how many it wrote. */
static int kill_one(int runs, long nanoseconds)
{
    int progress, status;
    pid_t victim = start_victim(&progress);
    int reported = wait_for_runs(progress, runs);
    assert_int_equal(reported, runs);
    nanosleep(&(struct timespec){0, nanoseconds}, NULL);
    assert_int_equal(kill(victim, SIGKILL), 0);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    assert_true(WIFSIGNALED(status));
    reported += wait_for_runs(progress, 1 << 30);
    close(progress);
    return reported;
}

static void test_kill_leaves_whole_rows(void **state)
{
    (void)state;
    int reported = 0, done = 0;
    for (int k = 0; k < KILLS; k++) {
        reported += kill_one(20 + 7 * k, 137000L * k);
        int now = check_file();
        /* a kill may fall between the last status and its byte */
        assert_true(now >= reported && now <= reported + k + 1);
        assert_true(now > done);
        done = now;
    }
    printf("%d kills, %d runs written, all whole\n", KILLS, done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill_leaves_whole_rows)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
