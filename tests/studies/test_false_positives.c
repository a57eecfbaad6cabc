/* SPDX-License-Identifier: Apache-2.0 */
/* Frameworks that do not differ (A/A studies): how often tests find a difference all the same, with
 * and without effects of devices, in blocks and in the first study's order. Bounds come from the
 * binomial distribution (bounds.h); seeds are fixed. */
#include "analysis/analysis.h"
#include "bounds.h"
#include "rates.h"
#include "stats/power.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEVICES = 8, STUDIES = 1000, FIRST_SEED = 50000 };
#define ALPHA           0.05
#define COUNT(settings) (int)(sizeof(settings) / sizeof(settings)[0])

static const cnn_study_setting alike[] = {{"node", 0}, {"device", 0}};

static cnn_job *read_job(const cnn_study_setting *settings, int count, double ratio)
{
    cnn_job *job = NULL;
    if (cnn_study_job(settings, count, ratio, &job) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return job;
}

static cnn_rates find(const cnn_study_setting *settings, int count, double ratio,
                      cnn_study_order order)
{
    cnn_rates rates;
    cnn_job *job = read_job(settings, count, ratio);
    if (cnn_rates_find(job, DEVICES, order, FIRST_SEED, STUDIES, CNN_RATE_COUNT, &rates) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_job_destroy(&job);
    return rates;
}

static void assert_at_most(int k, int n, double p, const char *what)
{
    if (!cnn_at_most(k, n, p))
        fail_msg("%s: %d of %d are too many for a rate of %g", what, k, n, p);
}

static void assert_at_least(int k, int n, double p, const char *what)
{
    if (!cnn_at_least(k, n, p))
        fail_msg("%s: %d of %d are too few for a rate of %g", what, k, n, p);
}

/** The test finds as much as its level says, and no more in a family. */
static void assert_holds(const cnn_rates *r, cnn_rate_test test, const char *what)
{
    assert_at_most(r->found[test], r->comparisons, ALPHA, what);
    assert_at_least(r->found[test], r->comparisons, ALPHA, what);
    assert_at_most(r->holm[test], r->studies, ALPHA, what);
}

/** It may be careful, but not bold. */
static void assert_is_not_bold(const cnn_rates *r, cnn_rate_test test, const char *what)
{
    assert_at_most(r->found[test], r->comparisons, ALPHA, what);
    assert_at_most(r->holm[test], r->studies, ALPHA, what);
}

/** Far more than its level, so that no reader of the study would be warned. */
static void assert_fails(const cnn_rates *r, cnn_rate_test test, const char *what)
{
    assert_at_least(r->found[test], r->comparisons, 0.5, what);
    assert_at_least(r->holm[test], r->studies, 0.9, what);
}

/** Tests on the blocks; Wilcoxon's p is discrete, so that it finds a little less. */
static void assert_blocks_hold(const cnn_rates *r, const char *what)
{
    assert_holds(r, CNN_RATE_PAIRED, what);
    assert_holds(r, CNN_RATE_SIGN_FLIP, what);
    assert_is_not_bold(r, CNN_RATE_WILCOXON, what);
    assert_at_least(r->found[CNN_RATE_WILCOXON], r->comparisons, 0.045, what);
    assert_holds(r, CNN_RATE_PITMAN_MORGAN, what);
    assert_is_not_bold(r, CNN_RATE_WELCH, what);
}

static void test_without_devices_every_test_holds(void **state)
{
    (void)state;
    cnn_rates r = find(alike, COUNT(alike), 1, CNN_STUDY_BLOCKS);
    assert_int_equal(r.comparisons, 6 * STUDIES);
    assert_blocks_hold(&r, "blocks");
    assert_holds(&r, CNN_RATE_WELCH, "Welch in blocks");
    /* the study's rule takes t for normal and corrects for nothing: 1.96 at 28 df is 6 % */
    assert_at_least(r.found[CNN_RATE_STUDY], r.comparisons, 0.06, "the study's rule");
    assert_at_least(r.holm[CNN_RATE_STUDY], r.studies, 1 - pow(1 - 0.06, 6), "the study's rule");
    cnn_rates_free(&r);
    r = find(alike, COUNT(alike), 1, CNN_STUDY_CELL_AFTER_CELL);
    assert_holds(&r, CNN_RATE_WELCH, "Welch cell after cell");
    cnn_rates_free(&r);
}

static void test_with_devices_blocks_hold(void **state)
{
    (void)state;
    cnn_rates r = find(NULL, 0, 1, CNN_STUDY_BLOCKS);
    assert_blocks_hold(&r, "blocks");
    cnn_rates_free(&r);
}

static void test_with_devices_welch_fails_cell_after_cell(void **state)
{
    (void)state;
    cnn_rates r = find(NULL, 0, 1, CNN_STUDY_CELL_AFTER_CELL);
    assert_fails(&r, CNN_RATE_WELCH, "Welch cell after cell");
    assert_fails(&r, CNN_RATE_STUDY, "the study's rule cell after cell");
    cnn_rates_free(&r);
}

static void test_drift_is_no_difference_in_blocks(void **state)
{
    (void)state;
    static const cnn_study_setting drift[] = {{"node", 0}, {"device", 0}, {"drift", 0.0001}};
    cnn_rates r = find(drift, COUNT(drift), 1, CNN_STUDY_BLOCKS);
    assert_blocks_hold(&r, "drift");
    cnn_rates_free(&r);
    r = find(drift, COUNT(drift), 1, CNN_STUDY_CELL_AFTER_CELL);
    assert_fails(&r, CNN_RATE_WELCH, "drift cell after cell");
    cnn_rates_free(&r);
    /* 0.2 % from run to run: half a standard error within a block, were its order always the same
     */
    static const cnn_study_setting steep[] = {{"drift", 0.002}};
    r = find(steep, COUNT(steep), 1, CNN_STUDY_BLOCKS);
    assert_is_not_bold(&r, CNN_RATE_PAIRED, "steep drift");
    assert_at_least(r.found[CNN_RATE_PAIRED], r.comparisons, 0.04, "steep drift");
    cnn_rates_free(&r);
}

/** Tests on means only: heavy tails spoil those on variances. */
static void test_tails_and_outliers_make_nothing_bold(void **state)
{
    (void)state;
    static const cnn_study_setting tails[] = {{"df", 3}};
    static const cnn_study_setting outliers[] = {{"outlier_probability", 0.02},
                                                 {"outlier_factor", 2}};
    cnn_rates r = find(tails, COUNT(tails), 1, CNN_STUDY_BLOCKS);
    assert_is_not_bold(&r, CNN_RATE_PAIRED, "tails");
    assert_holds(&r, CNN_RATE_SIGN_FLIP, "tails");
    assert_is_not_bold(&r, CNN_RATE_WILCOXON, "tails");
    cnn_rates_free(&r);
    r = find(outliers, COUNT(outliers), 1, CNN_STUDY_BLOCKS);
    assert_is_not_bold(&r, CNN_RATE_PAIRED, "outliers");
    assert_holds(&r, CNN_RATE_SIGN_FLIP, "outliers");
    assert_is_not_bold(&r, CNN_RATE_WILCOXON, "outliers");
    cnn_rates_free(&r);
}

static void test_equivalence_is_not_found_at_the_margin(void **state)
{
    (void)state;
    static const cnn_study_setting narrow[] = {{"residual", 0.003}};
    cnn_rates r = find(narrow, COUNT(narrow), 1.01, CNN_STUDY_BLOCKS);
    assert_at_most(r.found[CNN_RATE_TOST], r.comparisons, ALPHA, "TOST at the margin");
    assert_at_least(r.found[CNN_RATE_TOST], r.comparisons, ALPHA, "TOST at the margin");
    assert_at_most(r.holm[CNN_RATE_TOST], r.studies, ALPHA, "TOST at the margin");
    cnn_rates_free(&r);
    r = find(narrow, COUNT(narrow), 1, CNN_STUDY_BLOCKS);
    assert_at_least(r.found[CNN_RATE_TOST], r.comparisons, 0.99, "TOST of equals");
    cnn_rates_free(&r);
}

static void test_differences_are_found_with_the_promised_power(void **state)
{
    (void)state;
    const double power = cnn_paired_power(15, 2, log(1.01) / (0.01 * sqrt(2)), ALPHA);
    cnn_rates r = find(NULL, 0, 1.01, CNN_STUDY_BLOCKS);
    assert_true(power > 0.6 && power < 0.8);
    assert_at_most(r.found[CNN_RATE_PAIRED], r.comparisons, power, "power");
    assert_at_least(r.found[CNN_RATE_PAIRED], r.comparisons, power, "power");
    /* in the right direction: b is slower */
    assert_int_equal(r.faster[CNN_RATE_PAIRED], r.found[CNN_RATE_PAIRED]);
    cnn_rates_free(&r);
}

/* ---- the analysis says the same ------------------------------------------------------------ */

static void assert_same(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b)))
        fail_msg("%.17g is not %.17g", a, b);
}

/** Verdicts on time; counts of them. */
typedef struct {
    int equivalent, different, inconclusive;
} verdicts;

static void compare_study(const cnn_results *results, const cnn_rates *rates, verdicts *v)
{
    cnn_analysis *a = NULL, *verdicts_only = NULL;
    if (cnn_analysis_create(results, 1, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    if (cnn_analysis_create_verdicts(results, 1, true, &verdicts_only) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    assert_int_equal(a->comparison_count, rates->comparisons);
    for (int i = 0; i < a->comparison_count; i++) {
        const cnn_comparison *c = cnn_analysis_comparison(a, i, CNN_MEASURE_TRAIN_SECONDS);
        assert_same(c->welch_p, rates->p[CNN_RATE_WELCH][i]);
        assert_same(c->paired_p, rates->p[CNN_RATE_PAIRED][i]);
        assert_same(c->sign_flip_p, rates->p[CNN_RATE_SIGN_FLIP][i]);
        assert_same(c->wilcoxon_p, rates->p[CNN_RATE_WILCOXON][i]);
        assert_same(c->pitman_morgan_p, rates->p[CNN_RATE_PITMAN_MORGAN][i]);
        assert_same(c->tost_p, rates->p[CNN_RATE_TOST][i]);
        const cnn_comparison *same =
            cnn_analysis_comparison(verdicts_only, i, CNN_MEASURE_TRAIN_SECONDS);
        assert_same(same->paired_p_holm, c->paired_p_holm);
        assert_int_equal(same->verdict, c->verdict);
        assert_int_equal(same->verdict_reason, c->verdict_reason);
        assert_int_equal(same->variance_verdict, c->variance_verdict);
        v->equivalent += c->verdict == CNN_VERDICT_EQUIVALENT;
        v->inconclusive += c->verdict == CNN_VERDICT_INCONCLUSIVE;
        v->different += c->verdict == CNN_VERDICT_FASTER || c->verdict == CNN_VERDICT_SLOWER;
    }
    cnn_analysis_destroy(&a);
    cnn_analysis_destroy(&verdicts_only);
}

/** Every p value above is the analysis's, so that what holds for them holds for its verdicts. */
static void test_the_analysis_agrees(void **state)
{
    (void)state;
    enum { FEW = 20 };
    verdicts v = {0};
    cnn_job *job = read_job(NULL, 0, 1);
    for (int s = 0; s < FEW; s++) {
        cnn_rates rates;
        cnn_design *design = NULL;
        cnn_results *results = NULL;
        assert_int_equal(cnn_rates_find(job, DEVICES, CNN_STUDY_BLOCKS, FIRST_SEED + s, 1,
                                        CNN_RATE_COUNT, &rates),
                         CNN_OK);
        assert_int_equal(cnn_design_create(job, DEVICES, &design), CNN_OK);
        assert_int_equal(cnn_study_run(job, design, CNN_STUDY_BLOCKS, &results), CNN_OK);
        compare_study(results, &rates, &v);
        cnn_results_free(&results);
        cnn_design_destroy(&design);
        cnn_rates_free(&rates);
    }
    assert_int_equal(v.equivalent + v.different + v.inconclusive, 6 * FEW);
    assert_at_most(v.different, FEW, ALPHA, "verdicts of a difference, in studies");
    cnn_job_destroy(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_devices_every_test_holds),
        cmocka_unit_test(test_with_devices_blocks_hold),
        cmocka_unit_test(test_with_devices_welch_fails_cell_after_cell),
        cmocka_unit_test(test_drift_is_no_difference_in_blocks),
        cmocka_unit_test(test_tails_and_outliers_make_nothing_bold),
        cmocka_unit_test(test_equivalence_is_not_found_at_the_margin),
        cmocka_unit_test(test_differences_are_found_with_the_promised_power),
        cmocka_unit_test(test_the_analysis_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
