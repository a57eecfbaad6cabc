/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated runs: the truth is read, written and drawn from as described; the draws are those of an
 * independent program, and have the distribution that is stated. */
#include "golden_csv.h"
#include "simulate/draw.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cnn_simulation simulation_of(const golden *g, int row)
{
    cnn_simulation s = {.truth = cnn_truth_defaults()};
    cnn_truth *t = &s.truth;
#define TAKE(member) t->member = golden_number(g, row, #member)
#define TAKE_COMPONENTS(measure)                                                                   \
    t->measure.sd.node = golden_number(g, row, #measure ".node");                                  \
    t->measure.sd.device = golden_number(g, row, #measure ".device");                              \
    t->measure.sd.device_framework = golden_number(g, row, #measure ".device_framework");          \
    t->measure.sd.block = golden_number(g, row, #measure ".block");                                \
    t->measure.sd.residual = golden_number(g, row, #measure ".residual");                          \
    t->measure.sd.df = golden_number(g, row, #measure ".df")
    TAKE_COMPONENTS(time);
    TAKE_COMPONENTS(error);
    TAKE(time.run);
    TAKE(time.ratio);
    TAKE(time.drift);
    TAKE(time.outlier_probability);
    TAKE(time.outlier_factor);
    TAKE(error.mean);
    TAKE(error.effect);
    t->error.sd.seed = golden_number(g, row, "error.seed");
    TAKE(failures);
    TAKE(hangs);
    TAKE(divergence);
    TAKE(nondeterminism);
    t->machine_seed = (int)golden_number(g, row, "machine_seed");
    s.job_seed = (uint32_t)golden_number(g, row, "job_seed");
    s.cell = cnn_strdup(golden_text(g, row, "cell"));
    s.node = cnn_strdup(golden_text(g, row, "node"));
    s.device = cnn_strdup(golden_text(g, row, "device"));
    s.block = (int)golden_number(g, row, "block");
    s.order = (int)golden_number(g, row, "order");
    s.attempt = (int)golden_number(g, row, "attempt");
    return s;
}

static void test_draws_are_those_of_another_program(void **state)
{
    (void)state;
    static const char *const ends[] = {"done", "diverged", "error", "exit", "signal", "hang"};
    golden g = golden_read("tests/golden/simulate_draws.csv");
    for (int row = 0; row < g.row_count; row++) {
        enum { EPOCHS = 3 };
        cnn_simulation s = simulation_of(&g, row);
        const cnn_simulated_result r = cnn_simulate_run(
            &s, golden_text(&g, row, "framework"), (int)golden_number(&g, row, "run"),
            (uint32_t)golden_number(&g, row, "seed"), EPOCHS);
        golden_compare(EPOCHS * r.epoch_seconds, golden_number(&g, row, "seconds"), 1e-12, "time",
                       row);
        golden_compare(r.test_error, golden_number(&g, row, "test_error"), 1e-12, "error", row);
        assert_string_equal(ends[r.end], golden_text(&g, row, "end"));
        assert_in_range(r.epochs, r.end == CNN_SIMULATED_DIVERGED, EPOCHS);
        cnn_simulation_free(&s);
    }
    assert_true(g.row_count > 20);
    golden_free(&g);
}

/* ---- distributions ------------------------------------------------------------------------- */

/** A simulation with names, and no effects yet. */
static cnn_simulation plain(void)
{
    return (cnn_simulation){
        .truth = cnn_truth_defaults(), .job_seed = 1, .cell = "a / b", .node = "n", .device = "d"};
}

static double log_time(const cnn_simulation *s, int run)
{
    return log(cnn_simulate_run(s, "a", run, 5, 1).epoch_seconds);
}

enum { MANY = 40000 };

/** Variances of MANY values lie within 5 standard errors of the stated ones: for normal values,
 * sqrt(2 / n). */
static void assert_variance(double squares, double sd)
{
    const double ratio = squares / MANY / (sd * sd);
    if (fabs(ratio - 1) > 5 * sqrt(2.0 / MANY))
        fail_msg("variance is %g of the stated one", ratio);
}

static void test_each_component_has_its_standard_deviation(void **state)
{
    (void)state;
    double squares[5] = {0};
    char name[32];
    for (int i = 0; i < MANY; i++) {
        cnn_simulation s[5];
        for (int c = 0; c < 5; c++)
            s[c] = plain();
        snprintf(name, sizeof name, "%d", i);
        s[0].truth.time.sd.node = 0.5;
        s[0].node = name;
        s[1].truth.time.sd.device = 0.25;
        s[1].device = name;
        s[2].truth.time.sd.device_framework = 0.125;
        s[2].device = name;
        s[3].truth.time.sd.block = 0.0625;
        s[3].block = i;
        s[4].truth.time.sd.residual = 2;
        for (int c = 0; c < 5; c++) {
            const double x = log_time(&s[c], i);
            squares[c] += x * x;
        }
    }
    const double sds[] = {0.5, 0.25, 0.125, 0.0625, 2};
    for (int c = 0; c < 5; c++)
        assert_variance(squares[c], sds[c]);
}

/** Shares of a t distribution with 3 degrees of freedom, scaled to a variance of 1, beyond its
 *  quantiles: 5 % in both tails beyond 3.182446305 sqrt(1/3) (R: qt(0.975, 3)). */
static void test_heavy_tails_are_those_of_students_t(void **state)
{
    (void)state;
    cnn_simulation s = plain();
    int beyond = 0, median = 0;
    s.truth.time.sd.residual = 1;
    s.truth.time.sd.df = 3;
    for (int i = 0; i < MANY; i++) {
        const double x = log_time(&s, i);
        beyond += fabs(x) > 3.182446305 * sqrt(1.0 / 3);
        median += x > 0;
    }
    assert_true(fabs(beyond - 0.05 * MANY) < 5 * sqrt(0.05 * 0.95 * MANY));
    assert_true(fabs(median - 0.5 * MANY) < 5 * sqrt(0.25 * MANY));
}

static void test_probabilities_are_those_stated(void **state)
{
    (void)state;
    cnn_simulation s = plain();
    int outliers = 0, count[CNN_SIMULATED_HANG + 1] = {0}, differ = 0;
    s.truth.time.outlier_probability = 0.1;
    s.truth.time.outlier_factor = 2;
    s.truth.failures = 0.3;
    s.truth.hangs = 0.1;
    s.truth.divergence = 0.2;
    s.truth.error.sd.residual = 0.01;
    const double usual = cnn_simulate_run(&s, "a", 0, 5, 1).test_error;
    s.truth.nondeterminism = 0.15;
    for (int i = 0; i < MANY; i++) {
        const cnn_simulated_result r = cnn_simulate_run(&s, "a", i, 5, 1);
        outliers += r.epoch_seconds > 1.5;
        count[r.end]++;
        differ += r.test_error != usual;
    }
    const struct {
        int found;
        double p;
    } shares[] = {{outliers, 0.1},
                  {count[CNN_SIMULATED_ERROR], 0.1},
                  {count[CNN_SIMULATED_EXIT], 0.1},
                  {count[CNN_SIMULATED_SIGNAL], 0.1},
                  {count[CNN_SIMULATED_HANG], 0.7 * 0.1},
                  {count[CNN_SIMULATED_DIVERGED], 0.7 * 0.9 * 0.2},
                  {differ, 0.15}};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        const double p = shares[i].p;
        if (fabs(shares[i].found - p * MANY) > 5 * sqrt(p * (1 - p) * MANY))
            fail_msg("share %zu: %g instead of %g", i, (double)shares[i].found / MANY, p);
    }
}

/* ---- what is shared ------------------------------------------------------------------------ */

static void test_runs_share_the_effects_of_what_they_share(void **state)
{
    (void)state;
    cnn_simulation s = plain(), other = plain();
    s.truth.time.sd = (cnn_components){.node = 1, .device = 1, .device_framework = 1, .block = 1};
    other.truth = s.truth;
    assert_true(log_time(&s, 1) == log_time(&other, 2)); /* the run does not matter */
    other.block = 1;
    assert_true(log_time(&s, 1) != log_time(&other, 1));
    other.block = 0;
    other.cell = "something else";
    assert_true(log_time(&s, 1) == log_time(&other, 1));
    assert_true(cnn_simulate_run(&s, "b", 1, 5, 1).epoch_seconds !=
                cnn_simulate_run(&s, "a", 1, 5, 1).epoch_seconds);
    s.truth.time.sd.device_framework = 0;
    assert_true(cnn_simulate_run(&s, "b", 1, 5, 1).epoch_seconds ==
                cnn_simulate_run(&s, "a", 1, 5, 1).epoch_seconds);
    /* A device is one within its node: names that run together are told apart. */
    s.truth.time.sd = (cnn_components){.device = 1};
    other.truth = s.truth;
    s.node = "ab";
    s.device = "c";
    other.node = "a";
    other.device = "bc";
    assert_true(log_time(&s, 1) != log_time(&other, 1));
}

static void test_machine_seed_keeps_the_machines(void **state)
{
    (void)state;
    cnn_simulation s = plain(), other = plain();
    s.truth.time.sd = (cnn_components){.node = 1, .device = 1, .device_framework = 1};
    s.truth.machine_seed = 3;
    other.truth = s.truth;
    other.job_seed = 2;
    assert_true(log_time(&s, 1) == log_time(&other, 1));
    s.truth.time.sd.block = other.truth.time.sd.block = 1;
    assert_true(log_time(&s, 1) != log_time(&other, 1));
}

static void test_checksums_agree_where_weights_do(void **state)
{
    (void)state;
    cnn_simulation s = plain();
    s.truth.error.sd = (cnn_components){.seed = 0.01, .residual = 0.01};
    const cnn_simulated_result one = cnn_simulate_run(&s, "a", 1, 5, 1);
    const cnn_simulated_result same = cnn_simulate_run(&s, "a", 2, 5, 1);
    const cnn_simulated_result seed = cnn_simulate_run(&s, "a", 1, 6, 1);
    assert_string_equal(one.checksum, same.checksum);
    assert_true(one.test_error == same.test_error);
    assert_string_not_equal(one.checksum, seed.checksum);
    assert_true(one.test_error != seed.test_error);
    s.cell = "a / c";
    assert_string_not_equal(one.checksum, cnn_simulate_run(&s, "a", 1, 5, 1).checksum);
    s.truth.nondeterminism = 1;
    s.truth.error.sd.residual = 0;
    assert_string_not_equal(cnn_simulate_run(&s, "a", 1, 5, 1).checksum,
                            cnn_simulate_run(&s, "a", 2, 5, 1).checksum);
}

static void test_errors_fall_to_the_last(void **state)
{
    (void)state;
    cnn_simulation s = plain();
    const cnn_simulated_result r = cnn_simulate_run(&s, "a", 1, 5, 4);
    assert_true(r.test_error == 0.1);
    assert_true(cnn_simulated_error(&r, 3, 4) == r.test_error);
    for (int e = 1; e < 4; e++)
        assert_true(cnn_simulated_error(&r, e, 4) < cnn_simulated_error(&r, e - 1, 4));
    assert_true(fabs(cnn_simulated_loss(0.9) - log(10)) < 1e-15);
    assert_true(4 * r.epoch_seconds == 1); /* the run's second, whatever the epochs */
    s.truth.time.run = 0;
    s.truth.time.epoch = 2;
    assert_true(fabs(cnn_simulate_run(&s, "a", 1, 5, 4).epoch_seconds - 2) < 1e-14);
}

/* ---- reading and writing ------------------------------------------------------------------- */

static void read_back(const cnn_simulation *s, cnn_simulation *out)
{
    cnn_text text = {0};
    cnn_yaml *y = NULL;
    cnn_simulation_write_json(s, &text);
    assert_int_equal(cnn_yaml_parse("s", text.s, &y), CNN_OK);
    cnn_simulation_read(y, cnn_yaml_root(y), out);
    if (cnn_yaml_finish(y) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_yaml_close(&y);
    cnn_text_free(&text);
}

static void assert_same_components(const cnn_components *a, const cnn_components *b)
{
    assert_true(a->node == b->node && a->device == b->device && a->block == b->block);
    assert_true(a->device_framework == b->device_framework && a->seed == b->seed);
    assert_true(a->residual == b->residual && a->df == b->df);
}

static void test_simulations_are_read_back_as_written(void **state)
{
    (void)state;
    cnn_simulation s = plain(), r;
    s.cell = "a \"b\"";
    s.block = 3;
    s.order = 4;
    s.attempt = 5;
    s.job_seed = 2147483647;
    s.truth = (cnn_truth){.time = {.epoch = 0.1,
                                   .ratio = 1.5,
                                   .drift = -0.25,
                                   .sd = {.node = 0.1,
                                          .device = 0.2,
                                          .device_framework = 0.3,
                                          .block = 0.4,
                                          .residual = 0.7,
                                          .df = 2.5},
                                   .outlier_probability = 0.5,
                                   .outlier_factor = 3},
                          .error = {.mean = 0.75,
                                    .effect = -0.1,
                                    .sd = {.node = 0.11,
                                           .device = 0.12,
                                           .device_framework = 0.13,
                                           .block = 0.14,
                                           .seed = 0.15,
                                           .residual = 0.16}},
                          .failures = 0.6,
                          .hangs = 0.61,
                          .divergence = 0.62,
                          .nondeterminism = 0.63,
                          .devices_per_node = 4,
                          .machine_seed = 0,
                          .sleep = 0.001,
                          .reports = {1, 2, 3, 4}};
    read_back(&s, &r);
    assert_string_equal(r.cell, s.cell);
    assert_string_equal(r.node, s.node);
    assert_string_equal(r.device, s.device);
    assert_int_equal(r.block, 3);
    assert_int_equal(r.order, 4);
    assert_int_equal(r.attempt, 5);
    assert_true(r.job_seed == s.job_seed);
    assert_true(r.truth.time.run == 0 && r.truth.time.epoch == 0.1 && r.truth.time.ratio == 1.5);
    assert_true(r.truth.time.drift == -0.25 && r.truth.time.outlier_probability == 0.5);
    assert_true(r.truth.time.outlier_factor == 3);
    assert_same_components(&r.truth.time.sd, &s.truth.time.sd);
    assert_true(r.truth.error.mean == 0.75 && r.truth.error.effect == -0.1);
    assert_same_components(&r.truth.error.sd, &s.truth.error.sd);
    assert_true(r.truth.failures == 0.6 && r.truth.hangs == 0.61);
    assert_true(r.truth.divergence == 0.62 && r.truth.nondeterminism == 0.63);
    assert_true(r.truth.sleep == 0.001);
    assert_int_equal(r.truth.devices_per_node, 4);
    assert_int_equal(r.truth.machine_seed, 0);
    assert_memory_equal(&r.truth.reports, &s.truth.reports, sizeof r.truth.reports);
    cnn_simulation_free(&r);

    s.truth = cnn_truth_defaults();
    read_back(&s, &r);
    assert_true(r.truth.time.run == 1 && r.truth.time.epoch == 0 && r.truth.time.sd.df == 0);
    assert_int_equal(r.truth.machine_seed, -1);
    assert_int_equal(r.truth.devices_per_node, 0);
    assert_int_equal(r.truth.reports.parameters + r.truth.reports.threads, 0);
    cnn_simulation_free(&r);
}

static void assert_truth_errors(const char *text, const char *expected)
{
    cnn_yaml *y = NULL;
    cnn_truth truth;
    assert_int_equal(cnn_yaml_parse("t", text, &y), CNN_OK);
    cnn_truth_read(y, cnn_yaml_root(y), &truth);
    assert_int_equal(cnn_yaml_errors(y) > 0, 1);
    assert_int_equal(cnn_yaml_finish(y), CNN_EUSAGE);
    if (!strstr(cnn_error_message(), expected))
        fail_msg("should say '%s': %s", expected, cnn_error_message());
    cnn_yaml_close(&y);
}

static void test_wrong_truths_are_refused_at_their_place(void **state)
{
    (void)state;
    assert_truth_errors("{}", "t:1:1: error: 'time' is missing in simulate");
    assert_truth_errors("time: 3", "t:1:7: error: time must be a mapping");
    assert_truth_errors("time: {node: 1}", "t:1:7: error: 'run' is missing in time");
    assert_truth_errors("time: {run: 1, epoch: 1}", "t:1:16: error: 'epoch' stands beside 'run'");
    assert_truth_errors("time: {run: 1, nodes: 1}", "t:1:16: error: unknown key 'nodes' in time");
    assert_truth_errors("time: {run: 1, df: 2}", "t:1:20: error: 'df' must be between 2.01");
    assert_truth_errors("time: {run: 1, seed: 2}", "t:1:16: error: unknown key 'seed' in time");
    assert_truth_errors("time: {run: 1}\nerror: {mean: 2}",
                        "t:2:15: error: 'mean' must be between");
    assert_truth_errors("time: {run: 1}\nfailures: 1.5", "t:2:11: error: 'failures' must be betw");
    assert_truth_errors("time: {run: 1}\nsleep: maybe", "t:2:8: error: 'sleep' must be a number");
    assert_truth_errors("time: {run: 1}\nreports: {threads: 0}", "'threads' must be between 1");
    assert_truth_errors("time: {run: 1}\nfailure: 0", "did you mean 'failures'?");
}

static void test_sleep_is_a_bool_or_a_factor(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double sleep;
    } cases[] = {{"true", 1}, {"false", 0}, {"0.25", 0.25}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        cnn_yaml *y = NULL;
        cnn_truth truth;
        snprintf(text, sizeof text, "{time: {run: 1}, sleep: %s}", cases[i].text);
        assert_int_equal(cnn_yaml_parse("t", text, &y), CNN_OK);
        cnn_truth_read(y, cnn_yaml_root(y), &truth);
        assert_int_equal(cnn_yaml_finish(y), CNN_OK);
        assert_true(truth.sleep == cases[i].sleep);
        cnn_yaml_close(&y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws_are_those_of_another_program),
        cmocka_unit_test(test_each_component_has_its_standard_deviation),
        cmocka_unit_test(test_heavy_tails_are_those_of_students_t),
        cmocka_unit_test(test_probabilities_are_those_stated),
        cmocka_unit_test(test_runs_share_the_effects_of_what_they_share),
        cmocka_unit_test(test_machine_seed_keeps_the_machines),
        cmocka_unit_test(test_checksums_agree_where_weights_do),
        cmocka_unit_test(test_errors_fall_to_the_last),
        cmocka_unit_test(test_simulations_are_read_back_as_written),
        cmocka_unit_test(test_wrong_truths_are_refused_at_their_place),
        cmocka_unit_test(test_sleep_is_a_bool_or_a_factor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
