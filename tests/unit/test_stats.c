/* SPDX-License-Identifier: Apache-2.0 */
/* Distributions, summaries and tests against R (tests/golden/stats.R) and the published study. */
#include "golden_csv.h"

#include "stats/dist.h"
#include "stats/power.h"
#include "stats/t_tests.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_distributions_agree_with_r(void **state)
{
    (void)state;
    golden g = golden_read("tests/golden/stats_distributions.csv");
    int seen[5] = {0};
    for (int i = 0; i < g.row_count; i++) {
        const char *name = golden_text(&g, i, "name");
        const double a = golden_number(&g, i, "a"), b = golden_number(&g, i, "b"),
                     c = golden_number(&g, i, "c");
        double x = NAN;
        if (!strcmp(name, "two_sided")) {
            x = cnn_student_two_sided(a, b);
            seen[0]++;
        } else if (!strcmp(name, "quantile")) {
            x = cnn_student_quantile(a, b);
            seen[1]++;
        } else if (!strcmp(name, "noncentral")) {
            x = cnn_student_noncentral(a, b, c);
            seen[2]++;
        } else if (!strcmp(name, "power")) {
            x = cnn_paired_power((int)a, 1, b, c);
            seen[3]++;
        } else if (!strcmp(name, "detectable")) {
            x = cnn_paired_detectable((int)a, 1, b, c);
            seen[4]++;
        }
        double expected = golden_number(&g, i, "value");
        golden_compare(x, expected, 1e-8, name, i);
    }
    for (int k = 0; k < 5; k++)
        assert_true(seen[k] >= 20);
    golden_free(&g);
}

static void test_distributions_outside_their_domain_are_nan(void **state)
{
    (void)state;
    assert_true(isnan(cnn_student_two_sided(1, 0)));
    assert_true(isnan(cnn_student_two_sided(1, -3)));
    assert_true(isnan(cnn_student_two_sided(1, NAN)));
    assert_true(isnan(cnn_student_two_sided(NAN, 3)));
    assert_true(cnn_student_two_sided(INFINITY, 3) == 0);
    assert_true(isnan(cnn_student_quantile(0, 3)));
    assert_true(isnan(cnn_student_quantile(1, 3)));
    assert_true(isnan(cnn_student_quantile(NAN, 3)));
    assert_true(isnan(cnn_student_quantile(0.5, INFINITY)));
    assert_true(isnan(cnn_student_noncentral(1, 0, 1)));
    assert_true(isnan(cnn_student_noncentral(NAN, 3, 1)));
    assert_true(isnan(cnn_student_noncentral(1, 3, INFINITY)));
    assert_true(isnan(cnn_paired_power(1, 1, 1, 0.05)));
    assert_true(isnan(cnn_paired_detectable(1, 1, 0.05, 0.8)));
    assert_true(isnan(cnn_paired_detectable(15, 1, 0.9, 0.8)));
}

static void test_detectable_effect_has_the_power_asked_for(void **state)
{
    (void)state;
    double before = INFINITY;
    for (int n = 2; n < 5000; n += 1 + n / 3) {
        double effect = cnn_paired_detectable(n, 1, 0.05, 0.8);
        assert_true(effect < before);
        golden_compare(cnn_paired_power(n, 1, effect, 0.05), 0.8, 1e-8, "power", n);
        before = effect;
    }
    /* many pairs: (z(0.975) + z(0.8)) / sqrt(n), as for a normal variable */
    const double normal = cnn_student_quantile(0.975, 1e9) + cnn_student_quantile(0.8, 1e9);
    golden_compare(cnn_paired_detectable(100000, 1, 0.05, 0.8), normal / sqrt(1e5), 1e-4, "effect",
                   0);
}

/** A sample of stats_samples.csv; returns its size. */
static int read_sample(const golden *g, const char *name, double *x)
{
    int n = 0;
    for (int i = 0; i < g->row_count; i++)
        if (!strcmp(golden_text(g, i, "sample"), name))
            x[n++] = golden_number(g, i, "value");
    return n;
}

static void test_moments_agree_with_r(void **state)
{
    (void)state;
    golden samples = golden_read("tests/golden/stats_samples.csv");
    golden g = golden_read("tests/golden/stats_moments.csv");
    for (int i = 0; i < g.row_count; i++) {
        double x[64];
        int n = read_sample(&samples, golden_text(&g, i, "sample"), x);
        assert_int_equal(n, (int)golden_number(&g, i, "n"));
        golden_compare(cnn_mean(x, n), golden_number(&g, i, "mean"), 1e-14, "mean", i);
        golden_compare(cnn_variance(x, n), golden_number(&g, i, "variance"), 1e-8, "variance", i);
    }
    golden_free(&g);
    golden_free(&samples);
}

static void test_welch_agrees_with_r(void **state)
{
    (void)state;
    golden samples = golden_read("tests/golden/stats_samples.csv");
    golden g = golden_read("tests/golden/stats_welch.csv");
    for (int i = 0; i < g.row_count; i++) {
        double x[64], y[64];
        int nx = read_sample(&samples, golden_text(&g, i, "x"), x);
        int ny = read_sample(&samples, golden_text(&g, i, "y"), y);
        cnn_t_result test = cnn_t_welch(x, nx, y, ny, 0.95);
        golden_compare(test.t, golden_number(&g, i, "t"), 1e-8, "t", i);
        golden_compare(test.df, golden_number(&g, i, "df"), 1e-8, "df", i);
        golden_compare(test.p, golden_number(&g, i, "p"), 1e-8, "p", i);
    }
    golden_free(&g);
    golden_free(&samples);
}

static void test_small_samples_have_no_statistics(void **state)
{
    (void)state;
    const double x[] = {3, 3, 3}, y[] = {4, 4};
    assert_true(isnan(cnn_mean(x, 0)));
    assert_true(cnn_mean(x, 1) == 3);
    assert_true(isnan(cnn_variance(x, 1)));
    assert_true(cnn_variance(x, 3) == 0);
    cnn_t_result test = cnn_t_welch(x, 3, y, 1, 0.95);
    assert_int_equal(test.outcome, CNN_STAT_TOO_FEW);
    assert_true(isnan(test.t) && isnan(test.p));
    test = cnn_t_welch(x, 3, y, 2, 0.95); /* no variance in either */
    assert_int_equal(test.outcome, CNN_STAT_NO_VARIANCE);
    assert_true(isinf(test.t) && test.t < 0 && isnan(test.p));
    test = cnn_t_welch(x, 3, x, 2, 0.95);
    assert_int_equal(test.outcome, CNN_STAT_IDENTICAL);
    assert_true(test.t == 0 && test.p == 1);
}

static void test_published_times_give_the_published_t(void **state)
{
    (void)state;
    golden g = golden_read("share/published.csv");
    int checked = 0;
    for (int i = 0; i < g.row_count; i++) {
        if (strcmp(golden_text(&g, i, "measure"), "time"))
            continue; /* the accuracies' variances are published with no digit left */
        const cnn_moments keras = {15, golden_number(&g, i, "keras_mean"),
                                   golden_number(&g, i, "keras_variance")};
        const cnn_moments tensorflow = {15, golden_number(&g, i, "tensorflow_mean"),
                                        golden_number(&g, i, "tensorflow_variance")};
        cnn_t_result test = cnn_t_welch_moments(keras, tensorflow, 0.95);
        char digits[32];
        snprintf(digits, sizeof digits, "%.2f", fabs(test.t));
        assert_string_equal(digits, golden_text(&g, i, "published_t"));
        assert_true(test.df > 14 && test.df <= 28);
        checked++;
    }
    assert_int_equal(checked, 6);
    golden_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions_agree_with_r),
        cmocka_unit_test(test_distributions_outside_their_domain_are_nan),
        cmocka_unit_test(test_detectable_effect_has_the_power_asked_for),
        cmocka_unit_test(test_moments_agree_with_r),
        cmocka_unit_test(test_welch_agrees_with_r),
        cmocka_unit_test(test_small_samples_have_no_statistics),
        cmocka_unit_test(test_published_times_give_the_published_t),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
