/* SPDX-License-Identifier: Apache-2.0 */
/** What a rank makes of a trainer's events. */
#include "mpi/worker/run_record.h"

#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char ready[] = "{\"event\":\"ready\",\"setup_seconds\":0.5,\"parameters\":12,"
                            "\"backend\":\"b\",\"versions\":\"v 1\",\"threads\":2}";
static const char epoch_0[] = "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":2,"
                              "\"test_loss\":3,\"test_error\":0.5,\"evaluation_seconds\":0.25}";
static const char epoch_1[] = "{\"event\":\"epoch\",\"epoch\":1,\"seconds\":1.5,\"train_loss\":1,"
                              "\"test_loss\":1.5,\"test_error\":0.25,\"evaluation_seconds\":0.5}";
static const char epoch_1_nan[] =
    "{\"event\":\"epoch\",\"epoch\":1,\"seconds\":1.5,\"train_loss\":null,"
    "\"test_loss\":null,\"test_error\":0.9,\"evaluation_seconds\":0.5}";
static const char epoch_2[] = "{\"event\":\"epoch\",\"epoch\":2,\"seconds\":1.5,\"train_loss\":1,"
                              "\"test_loss\":1.5,\"test_error\":0.25,\"evaluation_seconds\":0.5}";
static const char done[] = "{\"event\":\"done\",\"train_seconds\":2.5,\"checksum\":\"00ff\"}";
static const char diverged[] =
    "{\"event\":\"done\",\"train_seconds\":1,\"checksum\":\"00ff\",\"diverged\":true}";
static const char epoch_0_nan[] =
    "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":null,"
    "\"test_loss\":null,\"test_error\":0.9,\"evaluation_seconds\":0.5}";
static const char error[] = "{\"event\":\"error\",\"message\":\"no\\u001b luck\"}";

/** Judges by what a rank knows of a process that lived 10 s. */
static cnn_outcome end(cnn_record *r, int exit_code, const char *log)
{
    const cnn_trainer_end known = {
        .exit_code = exit_code, .started = true, .life_seconds = 10, .log = log};
    return cnn_record_judge(r, &known);
}

/** Judges a run of two epochs by its events (NULL-terminated) and exit code. */
static cnn_outcome judge(cnn_record *r, const char *const *lines, int exit_code)
{
    assert_int_equal(cnn_record_create(3, r), CNN_OK);
    cnn_record_begin(r, 2);
    for (; *lines; lines++)
        cnn_record_line(r, *lines, false);
    return end(r, exit_code, "first\nlast words");
}

static void test_record_good_run(void **state)
{
    (void)state;
    cnn_record r;
    const char *const lines[] = {ready, epoch_0, epoch_1, done, NULL};
    assert_int_equal(judge(&r, lines, 0), CNN_OUTCOME_DONE);
    assert_float_equal(r.row.train_seconds, 2.5, 0);
    assert_float_equal(r.row.setup_seconds, 0.5, 0);
    assert_float_equal(r.row.evaluation_seconds, 0.75, 0);
    assert_float_equal(r.row.train_loss, 1, 0);
    assert_float_equal(r.row.test_loss, 1.5, 0);
    assert_float_equal(r.row.test_error, 0.25, 0);
    assert_int_equal(r.row.epochs_done, 2);
    assert_int_equal(r.row.parameters, 12);
    assert_int_equal(r.row.threads, 2);
    assert_string_equal(r.row.weight_checksum, "00ff");
    assert_string_equal(r.row.versions, "v 1");
    assert_float_equal(r.epochs[0].epoch_seconds, 1, 0);
    assert_float_equal(r.epochs[1].epoch_test_error, 0.25, 0);
    assert_true(isnan(r.epochs[2].epoch_seconds));
    assert_string_equal(r.reason, "");
    cnn_record_free(&r);
}

static void test_record_divergence_is_a_result(void **state)
{
    (void)state;
    cnn_record r;
    const char *const said[] = {ready, epoch_0_nan, diverged, NULL};
    assert_int_equal(judge(&r, said, 0), CNN_OUTCOME_DIVERGED);
    assert_int_equal(r.row.epochs_done, 1);
    cnn_record_free(&r);
    const char *const seen[] = {ready, epoch_0, epoch_1_nan, done, NULL};
    assert_int_equal(judge(&r, seen, 0), CNN_OUTCOME_DIVERGED);
    cnn_record_free(&r);
}

static void test_record_failures_and_their_reasons(void **state)
{
    (void)state;
    const struct {
        const char *lines[6];
        int exit_code;
        cnn_outcome outcome;
        const char *reason;
    } cases[] = {
        {{ready, epoch_0, NULL}, 4, CNN_OUTCOME_EXIT, "exit code 4: last words"},
        {{NULL}, 127, CNN_OUTCOME_EXIT, "exit code 127: last words"},
        {{ready, NULL}, -SIGSEGV, CNN_OUTCOME_SIGNAL, "killed by signal 11"},
        {{ready, error, NULL}, 1, CNN_OUTCOME_ERROR, "no? luck"},
        {{ready, epoch_0, epoch_1, NULL}, 0, CNN_OUTCOME_PROTOCOL, "ended without a done event"},
        {{ready, epoch_0, epoch_1, done, NULL}, 1, CNN_OUTCOME_EXIT, "exit code 1"},
        {{ready, epoch_0, done, NULL}, 0, CNN_OUTCOME_PROTOCOL, "done after 1 of 2 epochs"},
        {{epoch_0, NULL}, 0, CNN_OUTCOME_PROTOCOL, "an epoch event before ready"},
        {{done, NULL}, 0, CNN_OUTCOME_PROTOCOL, "a done event before ready"},
        {{ready, ready, NULL}, 0, CNN_OUTCOME_PROTOCOL, "a second ready event"},
        {{ready, epoch_1, NULL}, 0, CNN_OUTCOME_PROTOCOL, "event of epoch 1, when epoch 0 was due"},
        {{ready, epoch_0, epoch_1, epoch_2, NULL},
         0,
         CNN_OUTCOME_PROTOCOL,
         "event of epoch 2, after all 2 epochs"},
        {{ready, epoch_0, epoch_0, NULL},
         0,
         CNN_OUTCOME_PROTOCOL,
         "event of epoch 0, when epoch 1 was due"},
        {{ready, "hello", NULL}, 0, CNN_OUTCOME_PROTOCOL, "an event must be one JSON object"},
        {{ready, error, epoch_0, NULL}, 0, CNN_OUTCOME_PROTOCOL, "an event after error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_record r;
        assert_int_equal(judge(&r, cases[i].lines, cases[i].exit_code), cases[i].outcome);
        if (strncmp(r.reason, cases[i].reason, strlen(cases[i].reason)) != 0)
            fail_msg("case %zu: '%s' instead of '%s'", i, r.reason, cases[i].reason);
        cnn_record_free(&r);
    }
}

static void test_record_numbers_that_cannot_be(void **state)
{
    (void)state;
    static const char epoch_75[] =
        "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":2,"
        "\"test_loss\":3,\"test_error\":7.5,\"evaluation_seconds\":0.25}";
    static const char epoch_below[] =
        "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":2,"
        "\"test_loss\":3,\"test_error\":-0.5,\"evaluation_seconds\":0.25}";
    static const char still_clock[] =
        "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":0,\"train_loss\":2,"
        "\"test_loss\":3,\"test_error\":0.5,\"evaluation_seconds\":0.25}";
    static const char loss_below[] =
        "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":-1e308,"
        "\"test_loss\":3,\"test_error\":0.5,\"evaluation_seconds\":0.25}";
    static const char test_loss_below[] =
        "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":1,"
        "\"test_loss\":-0.01,\"test_error\":0.5,\"evaluation_seconds\":0.25}";
    static const char no_checksum[] =
        "{\"event\":\"done\",\"train_seconds\":2.5,\"checksum\":\"\"}";
    static const char too_little[] =
        "{\"event\":\"done\",\"train_seconds\":2.4955,\"checksum\":\"00ff\"}";
    static const char too_much[] =
        "{\"event\":\"done\",\"train_seconds\":2.5045,\"checksum\":\"00ff\"}";
    static const char long_total[] =
        "{\"event\":\"done\",\"train_seconds\":2.5,\"checksum\":\"00ff\",\"total_seconds\":10.1}";
    static const char slow_ready[] = "{\"event\":\"ready\",\"setup_seconds\":6.8,\"parameters\":12,"
                                     "\"backend\":\"b\"}";
    const struct {
        const char *lines[5];
        const char *reason;
    } cases[] = {
        {{ready, epoch_75, NULL}, "test_error of epoch 0 is 7.5, not between 0 and 1"},
        {{ready, epoch_below, NULL}, "test_error of epoch 0 is -0.5, not between 0 and 1"},
        {{ready, still_clock, NULL}, "epoch 0 took 0 s"},
        {{ready, loss_below, NULL}, "a loss of epoch 0 is -1e+308"},
        {{ready, test_loss_below, NULL}, "a loss of epoch 0 is -0.01"},
        {{ready, epoch_0, epoch_1, no_checksum, NULL}, "the checksum of the weights is empty"},
        {{ready, epoch_0, epoch_1, too_little, NULL},
         "train_seconds is 2.4955, but the epochs' seconds sum to 2.5"},
        {{ready, epoch_0, epoch_1, too_much, NULL},
         "train_seconds is 2.5045, but the epochs' seconds sum to 2.5"},
        {{ready, epoch_0, epoch_1, long_total, NULL}, "reports 10.1 s"},
        {{slow_ready, epoch_0, epoch_1, done, NULL}, "reports 10.05 s"},
        {{ready, epoch_0, diverged, NULL}, "diverged, but every loss"},
        {{ready, diverged, NULL}, "diverged, but every loss"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_record r;
        assert_int_equal(judge(&r, cases[i].lines, 0), CNN_OUTCOME_PROTOCOL);
        if (strncmp(r.reason, cases[i].reason, strlen(cases[i].reason)) != 0)
            fail_msg("case %zu: '%s' instead of '%s'", i, r.reason, cases[i].reason);
        cnn_record_free(&r);
    }
}

/* Rounding of what a trainer reports is no reason, and the epochs' sum is what is kept. */
static void test_record_keeps_the_epochs_sum(void **state)
{
    (void)state;
    static const char near[] =
        "{\"event\":\"done\",\"train_seconds\":2.504,\"checksum\":\"00ff\",\"total_seconds\":10}";
    const char *const lines[] = {ready, epoch_0, epoch_1, near, NULL};
    cnn_record r;
    assert_int_equal(judge(&r, lines, 0), CNN_OUTCOME_DONE);
    assert_float_equal(r.row.train_seconds, 2.5, 0);
    cnn_record_free(&r);
}

/* A loss that rounding makes negative is none. */
static void test_record_rounding_of_a_loss(void **state)
{
    (void)state;
    static const char tiny[] =
        "{\"event\":\"epoch\",\"epoch\":1,\"seconds\":1.5,\"train_loss\":-1e-7,"
        "\"test_loss\":-0.0,\"test_error\":0,\"evaluation_seconds\":0.5}";
    const char *const lines[] = {ready, epoch_0, tiny, done, NULL};
    cnn_record r;
    assert_int_equal(judge(&r, lines, 0), CNN_OUTCOME_DONE);
    cnn_record_free(&r);
}

static void test_record_fewer_threads_than_given(void **state)
{
    (void)state;
    for (int given = 1; given <= 3; given++) { /* it reports 2 */
        cnn_record r;
        assert_int_equal(cnn_record_create(2, &r), CNN_OK);
        cnn_record_begin(&r, 2);
        r.given_threads = given;
        assert_int_equal(cnn_record_line(&r, ready, false), given <= 2);
        if (given > 2)
            assert_string_equal(r.reason,
                                "it uses 2 of the 3 CPU threads that it was given (compare: "
                                "{allow: [threads]} permits that)");
        cnn_record_free(&r);
    }
}

/** A run of two epochs that reports 3.25 s in all, looked at every 20 ms of a clock: each event is
 *  found by the look that begins at its time. stop: the looks cease between these times. long_line:
 *  a look before the last epoch finds so much that it may have left something. life: NaN simulates. */
static cnn_outcome watch(const double at[4], double stop_from, double stop_to, bool long_line,
                         double life, char reason[128])
{
    static const char *const lines[] = {ready, epoch_0, epoch_1, done};
    const cnn_trainer_end known = {.started = true, .life_seconds = life, .log = ""};
    cnn_record r;
    int next = 0;
    assert_int_equal(cnn_record_create(2, &r), CNN_OK);
    cnn_record_begin(&r, 2);
    for (double now = 0; next < 4; now += 0.02) {
        if (now >= stop_from && now < stop_to)
            continue;
        cnn_record_look(&r, now);
        if (long_line && next == 2)
            r.times.bytes = CNN_EVENT_MAX_BYTES;
        while (next < 4 && now >= at[next])
            assert_true(cnn_record_line(&r, lines[next++], false));
    }
    const cnn_outcome outcome = cnn_record_judge(&r, &known);
    cnn_copy_string(reason, 128, r.reason);
    cnn_record_free(&r);
    return outcome;
}

/* It may spend 2 x 3.25 + 5 + 2 = 13.5 s between its events. */
static void test_record_more_time_passes_than_is_reported(void **state)
{
    (void)state;
    static const double honest[4] = {1, 2.5, 4.5, 4.6}, slow[4] = {1, 7, 14.5, 14.6};
    static const double lie[4] = {1, 10, 21, 21.1}, late_end[4] = {1, 2.5, 4.5, 60};
    char reason[128];
    assert_int_equal(watch(honest, 0, 0, false, 100, reason), CNN_OUTCOME_DONE);
    assert_int_equal(watch(slow, 0, 0, false, 100, reason), CNN_OUTCOME_DONE);
    assert_int_equal(watch(late_end, 0, 0, false, 100, reason), CNN_OUTCOME_DONE);
    assert_int_equal(watch(lie, 0, 0, false, 100, reason), CNN_OUTCOME_PROTOCOL);
    assert_non_null(strstr(reason, "reports 3.25 s of training and evaluation, but 19.9"));
    assert_int_equal(watch(lie, 0, 0, false, NAN, reason), CNN_OUTCOME_DONE);
    /* The rank did not look, so that it does not know. */
    assert_int_equal(watch(lie, 3, 12, false, 100, reason), CNN_OUTCOME_DONE);
    assert_int_equal(watch(lie, 12, 20, false, 100, reason), CNN_OUTCOME_DONE);
    assert_int_equal(watch(lie, 0, 0, true, 100, reason), CNN_OUTCOME_DONE);
    static const double unseen[4] = {1, 2.5, 4.5, 4.6};
    assert_int_equal(watch(unseen, 3, 60, false, 100, reason), CNN_OUTCOME_DONE);
}

static void test_record_of_a_program_that_could_not_be_executed(void **state)
{
    (void)state;
    cnn_record r;
    assert_int_equal(cnn_record_create(2, &r), CNN_OK);
    cnn_record_begin(&r, 2);
    const cnn_trainer_end known = {.exit_code = 127, .life_seconds = 0.1, .log = "no such file"};
    assert_int_equal(cnn_record_judge(&r, &known), CNN_OUTCOME_EXIT);
    assert_string_equal(r.reason, "could not be started: no such file");
    cnn_record_free(&r);
}

static void test_record_more_epochs_than_planned(void **state)
{
    (void)state;
    cnn_record r;
    assert_int_equal(cnn_record_create(1, &r), CNN_OK);
    cnn_record_begin(&r, 1);
    assert_true(cnn_record_line(&r, ready, false));
    assert_true(cnn_record_line(&r, epoch_0, false));
    assert_false(cnn_record_line(&r, epoch_1, false)); /* there is no row for it */
    assert_false(cnn_record_line(&r, done, false));
    assert_int_equal(end(&r, 0, ""), CNN_OUTCOME_PROTOCOL);
    cnn_record_begin(&r, 1); /* the next attempt starts afresh */
    assert_false(cnn_record_line(&r, ready, true));
    assert_string_equal(r.reason, "an event line that is too long");
    cnn_record_free(&r);
}

static void test_record_tuning(void **state)
{
    (void)state;
    static const char tuned[] =
        "{\"event\":\"tuned\",\"algorithms\":\"conv 1: 6\",\"timings\":\"conv 1 6 0.2\"}";
    cnn_record r;
    assert_int_equal(cnn_record_create(0, &r), CNN_OK);
    cnn_record_begin_tuning(&r);
    assert_true(cnn_record_line(&r, tuned, false));
    assert_string_equal(r.algorithms, "conv 1: 6");
    assert_string_equal(r.timings, "conv 1 6 0.2");
    assert_int_equal(end(&r, 0, ""), CNN_OUTCOME_DONE);
    assert_int_equal(end(&r, 9, ""), CNN_OUTCOME_EXIT);
    assert_false(cnn_record_line(&r, tuned, false)); /* once is enough */
    cnn_record_begin_tuning(&r);
    assert_int_equal(end(&r, 0, ""), CNN_OUTCOME_PROTOCOL);
    assert_string_equal(r.reason, "ended without a tuned event");
    assert_string_equal(r.algorithms, "");
    assert_string_equal(r.timings, "");
    assert_false(cnn_record_line(&r, ready, false));
    assert_string_equal(r.reason, "it trains, when it was asked to tune");
    cnn_record_begin_tuning(&r);
    assert_true(cnn_record_line(&r, error, false));
    assert_int_equal(end(&r, 1, ""), CNN_OUTCOME_ERROR);
    cnn_record_begin(&r, 1); /* a run that was not asked */
    assert_false(cnn_record_line(&r, tuned, false));
    assert_int_equal(end(&r, 0, ""), CNN_OUTCOME_PROTOCOL);
    cnn_record_free(&r);
}

/** Judges a run of a job of one planned epoch by its events and the job's rules. */
static cnn_outcome judge_by(cnn_record *r, const cnn_event_rules *rules, const char *const *lines)
{
    assert_int_equal(cnn_record_create(2, r), CNN_OK);
    r->rules = rules;
    cnn_record_begin(r, 1);
    for (; *lines; lines++)
        cnn_record_line(r, *lines, false);
    return end(r, 0, "");
}

static void test_record_measurement(void **state)
{
    (void)state;
    cnn_record r;
    const cnn_event_rules rules = {.is_measurement = true, .metric_count = 1, .metrics = {"score"}};
    const char *const plain[] = {"{\"event\":\"ready\",\"setup_seconds\":0.5,\"backend\":\"b\"}",
                                 "{\"event\":\"done\",\"train_seconds\":2.5,\"score\":7}", NULL};
    assert_int_equal(judge_by(&r, &rules, plain), CNN_OUTCOME_DONE);
    assert_false(r.diverged);
    assert_float_equal(r.row.train_seconds, 2.5, 0);
    assert_float_equal(cnn_measured_metric(&r.row, 0), 7, 0);
    assert_true(isnan(cnn_measured_metric(&r.row, 1)));
    assert_true(isnan(r.row.test_loss) && isnan(r.row.test_error) &&
                isnan(r.row.evaluation_seconds));
    assert_int_equal(r.row.parameters, -1);
    assert_string_equal(r.row.weight_checksum, "");
    cnn_record_free(&r);
    const char *const epochs[] = {
        plain[0], "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":2,\"test_loss\":null,\"score\":1}",
        "{\"event\":\"done\",\"train_seconds\":2}", NULL};
    assert_int_equal(judge_by(&r, &rules, epochs), CNN_OUTCOME_DONE);
    assert_false(r.diverged);
    assert_float_equal(cnn_measured_metric(&r.row, 0), 1, 0);
    cnn_record_free(&r);
    const char *const still[] = {plain[0], "{\"event\":\"done\",\"train_seconds\":0}", NULL};
    assert_int_equal(judge_by(&r, &rules, still), CNN_OUTCOME_PROTOCOL);
    assert_string_equal(r.reason, "train_seconds is 0: the clock did not run");
    cnn_record_free(&r);
    const char *const wrong[] = {plain[0], epochs[1], "{\"event\":\"done\",\"train_seconds\":5}",
                                 NULL};
    assert_int_equal(judge_by(&r, &rules, wrong), CNN_OUTCOME_PROTOCOL);
    cnn_record_free(&r);
    assert_int_equal(judge_by(&r, NULL, plain), CNN_OUTCOME_PROTOCOL); /* of a job that trains */
    cnn_record_free(&r);
}

static void test_record_metrics_of_a_training_job(void **state)
{
    (void)state;
    cnn_record r;
    const cnn_event_rules rules = {.metric_count = 1, .metrics = {"score"}};
    const char *const lines[] = {
        ready,
        "{\"event\":\"epoch\",\"epoch\":0,\"seconds\":1,\"train_loss\":2,\"test_loss\":3,"
        "\"test_error\":0.5,\"evaluation_seconds\":0.25,\"score\":4}",
        "{\"event\":\"done\",\"train_seconds\":1,\"checksum\":\"00ff\"}", NULL};
    assert_int_equal(judge_by(&r, &rules, lines), CNN_OUTCOME_DONE);
    assert_float_equal(cnn_measured_metric(&r.row, 0), 4, 0);
    cnn_record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_good_run),
        cmocka_unit_test(test_record_tuning),
        cmocka_unit_test(test_record_divergence_is_a_result),
        cmocka_unit_test(test_record_failures_and_their_reasons),
        cmocka_unit_test(test_record_numbers_that_cannot_be),
        cmocka_unit_test(test_record_keeps_the_epochs_sum),
        cmocka_unit_test(test_record_rounding_of_a_loss),
        cmocka_unit_test(test_record_fewer_threads_than_given),
        cmocka_unit_test(test_record_more_time_passes_than_is_reported),
        cmocka_unit_test(test_record_of_a_program_that_could_not_be_executed),
        cmocka_unit_test(test_record_measurement),
        cmocka_unit_test(test_record_metrics_of_a_training_job),
        cmocka_unit_test(test_record_more_epochs_than_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
