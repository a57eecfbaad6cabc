/* SPDX-License-Identifier: Apache-2.0 */
/* What `cnnmpi status` computes, on results made by hand: two cells, two devices of the plan. */
#include "status/job_status.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 12, ATTEMPTS = 3, CELLS = 2, DEVICES = 2 };

/** Run i: cell i % 2, on device (i / 2) % 2 of the plan, nothing has run; one session of 2 ranks.
 */
static cnn_results *make_results(void)
{
    static const char *const labels[CELLS] = {"native", "layered"};
    cnn_results *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->job_name = cnn_strdup("job");
    r->factor_count = 1;
    r->factors = calloc(1, sizeof *r->factors);
    r->factors[0] =
        (cnn_results_factor){cnn_strdup("framework"), CELLS, calloc(CELLS, sizeof(char *)), 0};
    for (int c = 0; c < CELLS; c++)
        r->factors[0].labels[c] = cnn_strdup(labels[c]);
    r->cell_count = r->level_count = CELLS;
    r->combination_count = 1;
    r->cell_levels = calloc(CELLS, sizeof *r->cell_levels);
    r->cell_levels[1] = 1;
    r->run_count = RUNS;
    r->attempts_per_run = ATTEMPTS;
    r->status = calloc(RUNS, sizeof *r->status);
    r->planned = calloc(RUNS, sizeof *r->planned);
    r->measured = calloc(RUNS, sizeof *r->measured);
    r->attempts = calloc(RUNS * ATTEMPTS, sizeof *r->attempts);
    r->session_count = 1;
    r->sessions = calloc(2, sizeof *r->sessions);
    r->sessions[0] = (cnn_session){1000, DEVICES};
    for (int i = 0; i < RUNS; i++) {
        r->planned[i] =
            (cnn_planned){.cell = i % 2, .level = i % 2, .repeat = i / 2, .block = i / 2};
        r->planned[i].planned_device = i / 2 % 2;
        r->measured[i] = cnn_measured_unknown();
        for (int a = 0; a < ATTEMPTS; a++)
            r->attempts[i * ATTEMPTS + a] = cnn_attempt_unknown();
    }
    return r;
}

/** The run has ended on the device of its rank, "gpu 0" or "gpu 1". */
static void end_run(cnn_results *r, int run, cnn_run_status status, double start, double life)
{
    cnn_measured *m = &r->measured[run];
    r->status[run] = (int8_t)status;
    m->session = r->session_count - 1;
    m->rank = r->planned[run].planned_device;
    cnn_copy_string(m->device, sizeof m->device, m->rank ? "gpu 1" : "gpu 0");
    m->start_time = start;
    m->life_seconds = life;
}

static void fail_attempt(cnn_results *r, int run, int attempt, cnn_outcome outcome,
                         const char *reason)
{
    cnn_attempt *a = &r->attempts[run * ATTEMPTS + attempt];
    a->attempt_outcome = (int8_t)outcome;
    cnn_copy_string(a->attempt_reason, sizeof a->attempt_reason, reason);
}

static cnn_job_status compute(const cnn_results *r, double now)
{
    cnn_job_status s;
    if (cnn_job_status_create(r, now, &s) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return s;
}

static void assert_near(double x, double y)
{
    if (!(fabs(x - y) < 1e-9))
        fail_msg("%.17g is not %.17g", x, y);
}

static void assert_says(const cnn_results *r, const cnn_job_status *s, const char *holder,
                        const char *part)
{
    cnn_text out = {0};
    cnn_job_status_text(r, s, holder, "job.h5", &out);
    assert_int_equal(cnn_text_status(&out), CNN_OK);
    if (!strstr(out.s, part))
        fail_msg("'%s' is not in:\n%s", part, out.s);
    cnn_text_free(&out);
}

static void test_nothing_has_run(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.planned, RUNS);
    assert_int_equal(s.left, RUNS);
    assert_int_equal(s.ranks, 2);
    assert_true(isnan(s.seconds_left));
    assert_int_equal(s.device_count, 2);
    assert_string_equal(s.devices[1].name, "");
    assert_int_equal(s.devices[1].planned_device, 1);
    assert_int_equal(s.devices[1].left, 6);
    assert_int_equal(s.failure_count, 0);
    assert_says(r, &s, "", "unfinished, and nobody works on it: --resume goes on");
    assert_says(r, &s, "", "time left unknown: no run has finished yet");
    assert_says(r, &s, "", "\ndevice 1 of the plan ");
    assert_says(r, &s, "process 7 on a", "state     running: process 7 on a\n");
    assert_says(r, &s, "process 7 on a", "12 left, of which up to 2 running now\n");
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_counts_and_devices(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    end_run(r, 0, CNN_RUN_DONE, 1000, 10);
    end_run(r, 1, CNN_RUN_DONE, 1010, 30);
    end_run(r, 2, CNN_RUN_DIVERGED, 1000, 12);
    end_run(r, 3, CNN_RUN_FAILED, 1012, 1);
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.done, 2);
    assert_int_equal(s.diverged, 1);
    assert_int_equal(s.failed, 1);
    assert_int_equal(s.left, 8);
    assert_int_equal(s.device_count, 2);
    assert_string_equal(s.devices[0].name, "gpu 0");
    assert_int_equal(s.devices[0].ended, 2);
    assert_int_equal(s.devices[0].failed, 0);
    assert_int_equal(s.devices[0].left, 4);
    assert_near(s.devices[0].mean_seconds, 20);
    assert_near(s.devices[0].last_end, 1040);
    assert_int_equal(s.devices[1].ended, 1);
    assert_int_equal(s.devices[1].failed, 1);
    assert_near(s.devices[1].mean_seconds, 12);
    assert_near(s.devices[1].last_end, 1013);
    /* cells: (10 + 12) / 2 and 30; either queue has two blocks of 41 s */
    assert_near(s.seconds_left, 82);
    assert_says(r, &s, "", "12 planned: 2 done, 1 diverged, 1 failed, 8 left\n");
    assert_says(r, &s, "", "time left about 1:22 with 2 ranks");
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_longest_queue_decides(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    for (int i = 0; i < RUNS; i++)
        if (r->planned[i].planned_device == 0 || i == 2)
            end_run(r, i, CNN_RUN_DONE, 1000, 10);
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.left, 5);
    assert_int_equal(s.devices[0].left, 0);
    assert_int_equal(s.devices[1].left, 5);
    assert_near(s.seconds_left, 50);
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_what_has_passed_of_running_runs_counts(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    end_run(r, 0, CNN_RUN_DONE, 1000, 10);
    end_run(r, 2, CNN_RUN_DONE, 1000, 10);
    cnn_job_status s = compute(r, 1014); /* 4 s after both ended */
    assert_near(s.seconds_left, 50 - 4);
    cnn_job_status_free(&s);
    s = compute(r, 5000); /* but never more than one run */
    assert_near(s.seconds_left, 50 - 10);
    cnn_job_status_free(&s);
    s = compute(r, 500); /* a clock that was set back */
    assert_near(s.seconds_left, 50);
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_other_number_of_ranks_shares_the_work(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    end_run(r, 0, CNN_RUN_DONE, 1000, 10);
    r->sessions[1] = (cnn_session){2000, 3};
    r->session_count = 2;
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.ranks, 3);
    assert_near(s.seconds_left, 110.0 / 3);
    assert_int_equal(s.device_count, 1);
    assert_int_equal(s.devices[0].left, -1);
    cnn_job_status_free(&s);
    r->session_count = 1;
    for (int i = 0; i < RUNS; i++)
        r->planned[i].planned_device = -1; /* schedule: {assign: dynamic} */
    s = compute(r, NAN);
    assert_near(s.seconds_left, 55);
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_device_of_an_earlier_session_keeps_its_counts(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    end_run(r, 0, CNN_RUN_DONE, 1000, 10);
    end_run(r, 2, CNN_RUN_DONE, 1000, 10);
    r->sessions[1] = (cnn_session){2000, DEVICES};
    r->session_count = 2;
    end_run(r, 1, CNN_RUN_DONE, 2000, 10);
    cnn_copy_string(r->measured[1].device, sizeof r->measured[1].device, "gpu 7");
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.device_count, 4); /* rank 1 of the second session has ended nothing yet */
    assert_string_equal(s.devices[2].name, "gpu 7");
    assert_int_equal(s.devices[0].left, -1);
    assert_int_equal(s.devices[2].left, 4);
    assert_int_equal(s.devices[3].planned_device, 1);
    assert_int_equal(s.devices[3].left, 5);
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_warmups_are_not_counted(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    r->planned[0].warmup = r->planned[1].warmup = 1;
    end_run(r, 0, CNN_RUN_DONE, 1000, 10);
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.planned, RUNS - 2);
    assert_int_equal(s.done, 0);
    assert_int_equal(s.devices[0].ended, 0);
    assert_int_equal(s.devices[0].left, 4);
    assert_near(s.devices[0].last_end, 1010);
    assert_near(s.seconds_left, 60); /* and yet they take time: device 1 has 6 runs, 0 has 5 */
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_failures_are_grouped_by_reason(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    end_run(r, 0, CNN_RUN_DONE, 1000, 10);
    fail_attempt(r, 0, 0, CNN_OUTCOME_EXIT, "exit code 9");
    end_run(r, 4, CNN_RUN_FAILED, 1000, 10);
    fail_attempt(r, 4, 0, CNN_OUTCOME_SIGNAL, "");
    fail_attempt(r, 4, 1, CNN_OUTCOME_EXIT, "exit code 9");
    fail_attempt(r, 4, 2, CNN_OUTCOME_EXIT, "exit code 9");
    end_run(r, 5, CNN_RUN_DIVERGED, 1000, 10);
    fail_attempt(r, 5, 0, CNN_OUTCOME_DIVERGED, "");
    cnn_job_status s = compute(r, NAN);
    assert_int_equal(s.failure_count, 2);
    assert_string_equal(s.failures[0].reason, "exit code 9");
    assert_int_equal(s.failures[0].attempts, 3);
    assert_int_equal(s.failures[0].runs, 1);
    assert_int_equal(s.failures[0].run, 4);
    assert_string_equal(s.failures[1].reason, "signal");
    assert_int_equal(s.failures[1].attempts, 1);
    assert_int_equal(s.failures[1].runs, 0);
    assert_says(r, &s, "", "        3            1  native, repeat 2\n");
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_complete_with_and_without_failures(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    for (int i = 0; i < RUNS; i++)
        end_run(r, i, CNN_RUN_DONE, 1000, 10);
    cnn_job_status s = compute(r, NAN);
    assert_near(s.seconds_left, 0);
    assert_says(r, &s, "", "state     complete\n");
    cnn_job_status_free(&s);
    end_run(r, 3, CNN_RUN_FAILED, 1000, 10);
    s = compute(r, NAN);
    assert_says(r, &s, "",
                "state     complete but for the failed runs, which --resume tries again\n");
    cnn_job_status_free(&s);
    cnn_results_free(&r);
}

static void test_impossible_device_is_refused(void **state)
{
    (void)state;
    cnn_results *r = make_results();
    cnn_job_status s;
    r->planned[3].planned_device = INT32_MAX;
    assert_int_equal(cnn_job_status_create(r, NAN, &s), CNN_EDATA);
    cnn_results_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_has_run),
        cmocka_unit_test(test_counts_and_devices),
        cmocka_unit_test(test_longest_queue_decides),
        cmocka_unit_test(test_what_has_passed_of_running_runs_counts),
        cmocka_unit_test(test_other_number_of_ranks_shares_the_work),
        cmocka_unit_test(test_device_of_an_earlier_session_keeps_its_counts),
        cmocka_unit_test(test_warmups_are_not_counted),
        cmocka_unit_test(test_failures_are_grouped_by_reason),
        cmocka_unit_test(test_complete_with_and_without_failures),
        cmocka_unit_test(test_impossible_device_is_refused),
    };
    return cmocka_run_group_tests_name("job_status", tests, NULL, NULL);
}
