/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons free of the position within the block: the crossover fit, the plan's rule, what follows
 * the adjusted difference. R's figures are in test_analysis_golden. */
#include "experiment.h"
#include "golden_csv.h"

#include "analysis/analysis.h"
#include "document/render.h"
#include "report/report.h"
#include "stats/crossover.h"
#include "stats/permutation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the fit -------------------------------------------------------------------------------- */

enum { PAIRS = 7 };
static const double noise[PAIRS] = {0.3, -0.2, 0.5, -0.6, 0.1, -0.4, 0.25};

/** a first in the first four pairs. */
static cnn_crossover fit_two_levels(double difference, double first_slower, double *free_of)
{
    double x[PAIRS], y[PAIRS];
    int px[PAIRS], py[PAIRS];
    cnn_crossover fit;
    for (int i = 0; i < PAIRS; i++) {
        px[i] = i >= 4;
        py[i] = i < 4;
        x[i] = 10 + difference + noise[i] + (px[i] ? 0 : first_slower);
        y[i] = 10 + (py[i] ? 0 : first_slower);
    }
    assert_int_equal(cnn_crossover_fit(x, y, px, py, PAIRS, 2, 0.95, free_of, &fit), CNN_OK);
    return fit;
}

static void test_two_levels_are_the_mean_of_two_orders(void **state)
{
    (void)state;
    double free_of[PAIRS], mean = 0, squares = 0;
    const double ab = (0.3 - 0.2 + 0.5 - 0.6) / 4, ba = (0.1 - 0.4 + 0.25) / 3;
    const cnn_crossover fit = fit_two_levels(1, 3, free_of);
    assert_true(fit.is_estimable);
    assert_int_equal(fit.parameters, 2);
    for (int i = 0; i < PAIRS; i++) {
        const double residual = noise[i] - (i < 4 ? ab : ba);
        squares += residual * residual;
        mean += free_of[i] / PAIRS;
        golden_compare(free_of[i], 1 + (ab + ba) / 2 + residual, 1e-12, "free of positions", i);
    }
    golden_compare(fit.t.difference, 1 + (ab + ba) / 2, 1e-12, "difference", 0);
    golden_compare(mean, fit.t.difference, 1e-12, "mean", 0);
    golden_compare(fit.sd, sqrt(squares / 5), 1e-12, "sd", 0);
    golden_compare(fit.t.df, 5, 0, "df", 0);
    golden_compare(fit.t.standard_error, fit.sd * sqrt(1.0 / 4 + 1.0 / 3) / 2, 1e-12, "se", 0);
    /* whatever the position adds */
    const cnn_crossover other = fit_two_levels(1, -50, NULL);
    golden_compare(other.t.difference, fit.t.difference, 1e-11, "difference", 1);
    golden_compare(other.sd, fit.sd, 1e-11, "sd", 1);
}

/** Levels a and b of a cyclic order of `levels`, `blocks` blocks. */
static cnn_crossover fit_cycle(int levels, int a, int b, int blocks)
{
    double x[32], y[32];
    int px[32], py[32];
    cnn_crossover fit;
    for (int i = 0; i < blocks; i++) {
        px[i] = (a + i) % levels;
        py[i] = (b + i) % levels;
        x[i] = 5 + px[i] * px[i] + noise[i % PAIRS];
        y[i] = 4 + py[i] * py[i];
    }
    assert_int_equal(cnn_crossover_fit(x, y, px, py, blocks, levels, 0.95, NULL, &fit), CNN_OK);
    return fit;
}

static void test_parameters_are_those_of_cyclic_orders(void **state)
{
    (void)state;
    for (int levels = 2; levels <= 6; levels++)
        for (int a = 0; a < levels; a++)
            for (int b = a + 1; b < levels; b++) {
                const int blocks = 4 * levels;
                const cnn_crossover fit = fit_cycle(levels, a, b, blocks);
                assert_int_equal(fit.parameters, cnn_crossover_parameters(blocks, levels, b - a));
                golden_compare(fit.information, blocks, 1e-12, "information", levels);
            }
    assert_int_equal(cnn_crossover_parameters(8, 4, 1), 4);
    assert_int_equal(cnn_crossover_parameters(8, 4, 2), 3);
    assert_int_equal(cnn_crossover_parameters(7, 4, 1), 1); /* a position once only */
    assert_int_equal(cnn_crossover_parameters(5, 2, 1), 1);
    assert_int_equal(cnn_crossover_parameters(6, 2, 1), 2);
    assert_int_equal(cnn_crossover_parameters(100, 1, 0), 1);
}

static void test_orders_that_do_not_tell(void **state)
{
    (void)state;
    assert_false(fit_cycle(3, 0, 1, 2).is_estimable); /* two of three orders */
    assert_false(fit_cycle(3, 0, 1, 3).is_estimable); /* no degree of freedom is left */
    assert_true(fit_cycle(3, 0, 1, 4).is_estimable);
    assert_true(isnan(fit_cycle(3, 0, 1, 2).t.p));
    assert_false(fit_cycle(2, 0, 1, 1).is_estimable);
    assert_false(fit_cycle(2, 0, 1, 0).is_estimable);
}

static void test_choices_of_two_samples_are_counted(void **state)
{
    (void)state;
    const double x[] = {4, 5, 6, 7}, y[] = {1, 2, 3, 3.5}, many[11] = {0};
    cnn_sign_flip p;
    assert_int_equal(cnn_two_sample_permutation(x, 4, y, 4, &p), CNN_OK);
    golden_compare(p.p, 2.0 / 70, 1e-15, "p", 0);
    assert_int_equal(p.permutations, 70);
    assert_int_equal(cnn_two_sample_permutation(x, 4, y, 1, &p), CNN_OK);
    golden_compare(p.p, 1.0 / 5, 1e-15, "p", 1); /* the least value stands alone */
    assert_int_equal(cnn_two_sample_permutation(x, 2, x, 2, &p), CNN_OK);
    golden_compare(p.p, 1, 0, "p", 2);
    assert_int_equal(cnn_two_sample_permutation(x, 0, y, 4, &p), CNN_OK);
    assert_true(p.outcome == CNN_STAT_TOO_FEW && isnan(p.p));
    assert_int_equal(cnn_two_sample_permutation(many, 11, many, 10, &p), CNN_OK);
    assert_true(p.outcome == CNN_STAT_DOMAIN && isnan(p.p));
}

/* ---- the plan's rule ------------------------------------------------------------------------ */

/** One combination of `levels` in cyclic orders, the first runs 2 % slower, level 1 slower by 1 %. */
static cnn_results *make(int levels, int blocks)
{
    cnn_results *r = experiment_make_done(levels, 1, blocks, 1);
    for (int i = 0; i < r->run_count; i++) {
        cnn_planned *p = &r->planned[i];
        p->position = (p->level + p->block) % levels;
        r->measured[i].train_seconds =
            100 * exp(0.02 * (p->position == 0) + 0.01 * (p->level == 1) +
                      0.002 * noise[(3 * p->block + p->level) % PAIRS]);
        r->measured[i].test_error = 0.1 + 0.001 * noise[(p->block + 2 * p->level) % PAIRS];
        cnn_copy_string(r->measured[i].host, sizeof r->measured[i].host, "host");
        cnn_copy_string(r->measured[i].device, sizeof r->measured[i].device, "gpu");
    }
    return r;
}

static cnn_analysis *analyse(const cnn_results *r)
{
    cnn_analysis *a = NULL;
    if (cnn_analysis_create(r, 1, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return a;
}

static cnn_comparison time_of(const cnn_results *r)
{
    cnn_analysis *a = analyse(r);
    const cnn_comparison x = *cnn_analysis_comparison(a, 0, CNN_MEASURE_TRAIN_SECONDS);
    cnn_analysis_destroy(&a);
    return x;
}

static void test_the_plan_decides(void **state)
{
    (void)state;
    static const struct {
        int levels, blocks;
        bool adjusted;
        double df;
    } cases[] = {{2, 5, false, 4}, {2, 6, true, 4},  {3, 5, false, 4},
                 {3, 6, true, 3},  {4, 7, false, 6}, {4, 8, true, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_results *r = make(cases[i].levels, cases[i].blocks);
        const cnn_comparison x = time_of(r);
        assert_int_equal(x.position_adjusted, cases[i].adjusted);
        assert_int_equal(x.position_reason,
                         cases[i].adjusted ? CNN_REASON_NONE : CNN_REASON_FEW_ORDERS);
        golden_compare(x.paired_df, cases[i].df, 0, "df", (int)i);
        cnn_results_free(&r);
    }
}

static void test_what_has_ended_does_not_decide(void **state)
{
    (void)state;
    cnn_results *r = make(2, 8);
    for (int i = 0; i < r->run_count; i++) /* 3 of each order are left, then one of the second */
        if (r->planned[i].block >= 6)
            r->status[i] = CNN_RUN_FAILED;
    assert_int_equal(time_of(r).position_adjusted, 1);
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].block >= 5)
            r->status[i] = CNN_RUN_FAILED;
    cnn_comparison x = time_of(r);
    assert_int_equal(x.position_adjusted, 1);
    golden_compare(x.paired_df, 3, 0, "df", 0);
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].block % 2)
            r->status[i] = CNN_RUN_FAILED;
    x = time_of(r);
    assert_int_equal(x.position_adjusted, 0);
    assert_int_equal(x.position_reason, CNN_REASON_ORDERS_LOST);
    golden_compare(x.paired_df, 2, 0, "df", 1);
    cnn_results_free(&r);
}

static void test_a_look_counts_its_own_blocks(void **state)
{
    (void)state;
    cnn_results *r = make(2, 12);
    r->look_count = 2;
    r->looks[0] = 5.0 / 12;
    r->looks[1] = 1;
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].repeat >= 5)
            r->status[i] = CNN_RUN_PLANNED;
    assert_int_equal(time_of(r).position_reason, CNN_REASON_FEW_ORDERS);
    r->looks[0] = 0.5;
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].repeat < 6)
            r->status[i] = CNN_RUN_DONE;
    assert_int_equal(time_of(r).position_adjusted, 1);
    cnn_results_free(&r);
}

static void test_positions_out_of_range_are_not_used(void **state)
{
    (void)state;
    cnn_results *r = make(2, 8);
    r->planned[3].position = 7;
    assert_int_equal(time_of(r).position_reason, CNN_REASON_FEW_ORDERS);
    cnn_results_free(&r);
}

/* ---- what follows --------------------------------------------------------------------------- */

static void test_times_are_judged_free_of_positions_and_errors_are_not(void **state)
{
    (void)state;
    cnn_results *r = make(2, 12);
    cnn_analysis *a = analyse(r);
    const cnn_comparison *x = cnn_analysis_comparison(a, 0, CNN_MEASURE_TRAIN_SECONDS);
    const cnn_comparison *e = cnn_analysis_comparison(a, 0, CNN_MEASURE_TEST_ERROR);
    assert_int_equal(x->verdict, CNN_VERDICT_FASTER);
    assert_true(fabs(x->paired_mean + 0.01) < 0.001);
    assert_true(x->paired_sd < 0.002); /* 0.02 with the effect of the position */
    assert_true(x->tost_lower < x->paired_mean && x->tost_upper - x->tost_lower < 0.003);
    assert_true(x->detectable < 0.003 && x->sign_flip_p < 0.01 && x->wilcoxon_p < 0.01);
    assert_int_equal(x->blocks_needed, 6);
    assert_int_equal(e->position_reason, CNN_REASON_BY_SEED);
    golden_compare(e->paired_df, 11, 0, "df", 0);
    const cnn_position_effect *p = cnn_analysis_position(a, 0, CNN_MEASURE_TRAIN_SECONDS, 1);
    assert_true(p->lower < -0.02 && -0.02 < p->upper && p->upper - p->lower < 0.004);
    assert_int_equal(p->df, 10);
    assert_true(isnan(cnn_analysis_position(a, 0, CNN_MEASURE_TEST_ERROR, 1)->effect));
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void assert_says(const cnn_results *r, bool full, const char *const *parts)
{
    cnn_analysis *a = analyse(r);
    cnn_document document = {0};
    cnn_text text = {0};
    const cnn_report_source source = {.results = r, .analysis = a, .path = "positions.h5"};
    assert_int_equal(cnn_report_document(&source, full, &document), CNN_OK);
    cnn_render_text(&document, NULL, CNN_TEXT_WIDTH, &text);
    assert_int_equal(cnn_text_status(&text), CNN_OK);
    for (char *s = text.s; *s; s++)
        *s = *s == '\n' ? ' ' : *s; /* wrapped */
    for (; *parts; parts++)
        if (!strstr(text.s, *parts)) {
            fputs(text.s, stderr); /* too long for cmocka's messages */
            fail_msg("'%s' is missing in the report above", *parts);
        }
    cnn_text_free(&text);
    cnn_document_free(&document);
    cnn_analysis_destroy(&a);
}

static void test_the_report_says_whether_it_adjusted(void **state)
{
    (void)state;
    cnn_results *r = make(2, 12);
    static const char *const adjusted[] = {
        "Position within the block: the second run takes 2.00 % less",
        "time than the first, 95 % interval 1.91 to 2.09 %.",
        "Comparisons of time are free of it.",
        "Free of the position of the runs within the block.",
        "cyclic orders do not separate the effect of the run before",
        NULL};
    assert_says(r, true, adjusted);
    cnn_results_free(&r);
    r = make(3, 9);
    static const char *const three[] = {"Position within the block: a later run takes -2.",
                                        "they are approximate", NULL};
    assert_says(r, true, three);
    cnn_results_free(&r);
    r = make(2, 4);
    static const char *const few[] = {"Comparisons of time are not adjusted for the position",
                                      "fewer than 6 blocks are planned", NULL};
    assert_says(r, false, few);
    cnn_results_free(&r);
}

static void test_the_report_says_when_differences_are_far_from_normal(void **state)
{
    (void)state;
    cnn_results *r = make(2, 12);
    cnn_comparison x = time_of(r);
    assert_true(x.normality_p > 0.05); /* of the residuals: the orders differ by 4 % */
    r->measured[8].train_seconds *= 1.5;
    x = time_of(r);
    assert_true(x.normality_p_holm < 0.001);
    static const char *const parts[] = {
        "Distribution: differences of training time are far from normal in 1 of 1 comparisons",
        "all after Holm: W 0.", "sign flips 0.", "Wilcoxon 0.", NULL};
    assert_says(r, false, parts);
    cnn_results_free(&r);
    r = make(2, 7);
    assert_true(isnan(time_of(r).normality_p));
    cnn_results_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_levels_are_the_mean_of_two_orders),
        cmocka_unit_test(test_parameters_are_those_of_cyclic_orders),
        cmocka_unit_test(test_orders_that_do_not_tell),
        cmocka_unit_test(test_choices_of_two_samples_are_counted),
        cmocka_unit_test(test_the_plan_decides),
        cmocka_unit_test(test_what_has_ended_does_not_decide),
        cmocka_unit_test(test_a_look_counts_its_own_blocks),
        cmocka_unit_test(test_positions_out_of_range_are_not_used),
        cmocka_unit_test(test_times_are_judged_free_of_positions_and_errors_are_not),
        cmocka_unit_test(test_the_report_says_whether_it_adjusted),
        cmocka_unit_test(test_the_report_says_when_differences_are_far_from_normal),
    };
    return cmocka_run_group_tests_name("positions", tests, NULL, NULL);
}
