/* SPDX-License-Identifier: Apache-2.0 */
/* What an analysis says of experiments that lack something; its figures are judged by R in
 * test_analysis_golden.c. */
#include "experiment.h"
#include "golden_csv.h"

#include "analysis/analysis.h"
#include "base/clock.h"
#include "base/philox.h"
#include "base/text.h"
#include "job/job.h"
#include "stats/mixed/mixed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cnn_analysis *analyse(const cnn_results *r)
{
    cnn_analysis *a = NULL;
    if (cnn_analysis_create(r, 1, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return a;
}

static const cnn_comparison *first_comparison(const cnn_analysis *a)
{
    return cnn_analysis_comparison(a, 0, CNN_MEASURE_TRAIN_SECONDS);
}

static void assert_same(double a, double b)
{
    golden_compare(a, b, 1e-12, "value", 0);
}

/** Fills what a trainer reports; times and errors vary a little and repeatably. */
static void measure(cnn_results *r, int run, double seconds, double error)
{
    cnn_measured *m = &r->measured[run];
    cnn_copy_string(m->host, sizeof m->host, "node1");
    cnn_copy_string(m->device, sizeof m->device, "gpu0");
    m->session = 0;
    m->epochs_done = 2;
    m->start_time = 1000 + 10.0 * run;
    m->train_seconds = seconds;
    m->test_error = error;
    m->test_loss = 3 * error;
}

/** Two levels, one combination; level 1 takes `ratio` times as long. */
static cnn_results *make_pairs(int blocks, double ratio)
{
    cnn_results *r = experiment_make_done(2, 1, blocks, 1);
    for (int i = 0; i < r->run_count; i++)
        measure(r, i, (i % 2 ? ratio : 1) * (20 + 0.001 * ((i * 7) % 5)), 0.1 + 1e-5 * (i % 3));
    return r;
}

/* ---- verdicts and reasons ------------------------------------------------------------------ */

static void assert_judged(const cnn_results *r, cnn_verdict verdict, cnn_reason reason)
{
    cnn_analysis *a = analyse(r);
    const cnn_comparison *x = first_comparison(a);
    assert_string_equal(cnn_verdict_names[x->verdict], cnn_verdict_names[verdict]);
    assert_string_equal(cnn_reason_names[x->verdict_reason], cnn_reason_names[reason]);
    cnn_analysis_destroy(&a);
}

static void test_verdicts_are_equivalent_faster_slower(void **state)
{
    (void)state;
    const struct {
        double ratio;
        cnn_verdict verdict;
    } cases[] = {
        {1.001, CNN_VERDICT_EQUIVALENT}, {1.02, CNN_VERDICT_FASTER}, {0.98, CNN_VERDICT_SLOWER}};
    for (int i = 0; i < 3; i++) {
        cnn_results *r = make_pairs(8, cases[i].ratio);
        assert_judged(r, cases[i].verdict, CNN_REASON_NONE);
        cnn_results_free(&r);
    }
}

static void test_degenerate_pairs_have_a_reason(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(1, 1.02);
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_ONE_BLOCK);
    r->measured[1].train_seconds = NAN;
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_NOT_REPORTED);
    r->status[1] = CNN_RUN_PLANNED;
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_NO_RUNS);
    r->status[1] = CNN_RUN_FAILED;
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_ALL_FAILED);
    cnn_results_free(&r);
    r = make_pairs(2, 1.02);
    cnn_analysis *two = analyse(r);
    assert_int_equal(first_comparison(two)->variance_reason, CNN_REASON_FEW_BLOCKS);
    cnn_analysis_destroy(&two);
    r->status[1] = CNN_RUN_FAILED;
    r->status[3] = CNN_RUN_PLANNED; /* may still be done */
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_NO_RUNS);
    cnn_results_free(&r);
    r = make_pairs(6, 1.02);
    for (int i = 1; i < r->run_count; i += 2)
        cnn_copy_string(r->measured[i].device, 96, "gpu1");
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_NO_BLOCKS);
    cnn_results_free(&r);
    r = make_pairs(6, 1.02);
    r->measured[3].train_seconds = 0;
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_NOT_POSITIVE);
    cnn_results_free(&r);
}

static void test_times_without_any_variance(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(6, 1);
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].train_seconds = 20;
    assert_judged(r, CNN_VERDICT_INCONCLUSIVE, CNN_REASON_SAME_DIFFERENCE);
    for (int i = 1; i < r->run_count; i += 2)
        r->measured[i].train_seconds = 21; /* 6 equal signs: p = 2 / 2^6 */
    assert_judged(r, CNN_VERDICT_FASTER, CNN_REASON_SAME_DIFFERENCE);
    cnn_analysis *a = analyse(r);
    assert_int_equal(first_comparison(a)->variance_verdict, CNN_VARIANCE_INCONCLUSIVE);
    assert_int_equal(a->summaries[0].reason, CNN_REASON_NO_VARIANCE);
    assert_int_equal(a->models[0].reason, CNN_REASON_NO_VARIANCE);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void set_error(cnn_results *r, int run, double error, const char *weights)
{
    r->measured[run].test_error = error;
    cnn_copy_string(r->measured[run].weight_checksum, 32, weights);
}

static cnn_comparison error_of(const cnn_results *r)
{
    cnn_analysis *a = analyse(r);
    const cnn_comparison x = *cnn_analysis_comparison(a, 0, CNN_MEASURE_TEST_ERROR);
    cnn_analysis_destroy(&a);
    return x;
}

/** Errors without variance are equivalent if the weights are the same, bit for bit; else one image
 *  is the least that they may differ by. */
static void test_errors_without_any_variance(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(8, 1);
    for (int i = 0; i < r->run_count; i++) {
        r->measured[i].test_images = 200;
        r->planned[i].seed = i / 2;
        set_error(r, i, 0.1, i % 2 ? "b" : "a");
    }
    cnn_comparison x = error_of(r);
    assert_int_equal(x.verdict, CNN_VERDICT_INCONCLUSIVE);
    assert_true(x.resolution == 1.0 / 200 && x.tost_p > 0.2);
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].test_images = 20000;
    assert_int_equal(error_of(r).verdict, CNN_VERDICT_EQUIVALENT);
    for (int i = 0; i < r->run_count; i++) {
        r->measured[i].test_images = 200;
        set_error(r, i, 0.1, "same");
    }
    x = error_of(r);
    assert_int_equal(x.verdict, CNN_VERDICT_EQUIVALENT);
    assert_true(x.same_weights == 1 && x.tost_p == 0);
    cnn_results_free(&r);
}

/** A difference of the margin, up to rounding, decides nothing. */
static void test_a_difference_of_the_margin_is_not_decided_by_rounding(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(8, 1);
    for (int i = 0; i < r->run_count; i++) {
        r->planned[i].seed = i / 2;
        r->measured[i].test_images = 100000;
        set_error(r, i, 0.1 + (i % 2 ? 0.001 : 0) + (i % 4 < 2 ? 3e-17 : 0), "");
    }
    const cnn_comparison x = error_of(r);
    assert_true(fabs(x.tost_p - 0.5) < 1e-6);
    cnn_results_free(&r);
}

/** Eight blocks of two seeds are two independent errors; bit-identical weights count once. */
static void test_errors_of_one_seed_count_once(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(8, 1);
    for (int i = 0; i < r->run_count; i++) {
        const int seed = i / 8;
        r->planned[i].seed = seed;
        r->measured[i].test_images = 10000;
        set_error(r, i, i % 2 ? 0.1 : 0.11 + 0.01 * seed, i % 2 ? "b" : "a");
    }
    cnn_comparison x = error_of(r);
    assert_int_equal(x.blocks, 8);
    assert_int_equal(x.units, 2);
    assert_int_equal(x.n_a, 2);
    assert_true(x.paired_df == 1 && fabs(x.paired_mean - 0.015) < 1e-12);
    set_error(r, 0, 0.17, "other"); /* a second result of seed 0: the mean of both */
    x = error_of(r);
    assert_true(fabs(x.paired_mean - (0.04 + 0.02) / 2) < 1e-12);
    cnn_results_free(&r);
}

/** Level 1 warms up for `slow` epochs of `epochs`; the others take 1 s. */
static cnn_results *make_epochs(int epochs, int slow)
{
    cnn_results *r = make_pairs(4, 1);
    r->epoch_count = epochs;
    r->epochs = calloc((size_t)(r->run_count * epochs), sizeof *r->epochs);
    assert_non_null(r->epochs);
    for (int i = 0; i < r->run_count; i++) {
        r->measured[i].epochs_done = epochs;
        for (int e = 0; e < epochs; e++)
            r->epochs[i * epochs + e].epoch_seconds = i % 2 && e < slow ? 2 : 1;
    }
    return r;
}

static void assert_steady(int epochs, int slow, int warm, double mean_of_level_1)
{
    cnn_results *r = make_epochs(epochs, slow);
    cnn_analysis *a = analyse(r);
    const double mean = cnn_analysis_summary(a, 1, CNN_MEASURE_STEADY_SECONDS)->mean;
    assert_int_equal(a->counts[0].warm_epochs, warm); /* of both levels */
    assert_int_equal(a->counts[1].warm_epochs, warm);
    assert_true(isnan(mean_of_level_1) ? isnan(mean) : fabs(mean - mean_of_level_1) < 1e-12);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_first_epochs_are_left_out(void **state)
{
    (void)state;
    assert_steady(8, 0, 0, 1);
    assert_steady(8, 1, 1, 1);
    assert_steady(8, 2, 2, 1);
    assert_steady(8, 3, 2, 7.0 / 6); /* at most a quarter */
    assert_steady(4, 1, 1, 1);
    assert_steady(3, 1, 0, 4.0 / 3); /* a quarter is less than one */
    assert_steady(2, 1, 0, NAN);     /* fewer than three */
}

static void test_no_margin_no_equivalence(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(8, 1);
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].test_loss = 1 + 0.01 * ((i * 5) % 7);
    cnn_analysis *a = analyse(r);
    const cnn_comparison *x = cnn_analysis_comparison(a, 0, CNN_MEASURE_TEST_LOSS);
    assert_int_equal(x->verdict, CNN_VERDICT_INCONCLUSIVE);
    assert_int_equal(x->verdict_reason, CNN_REASON_NO_MARGIN);
    assert_true(isnan(x->margin) && isnan(x->tost_p));
    assert_int_equal(a->family_size[CNN_MEASURE_TEST_LOSS][CNN_TEST_TOST], 0);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_one_level_has_nothing_to_compare(void **state)
{
    (void)state;
    cnn_results *r = experiment_make_done(1, 2, 3, 0);
    for (int i = 0; i < r->run_count; i++)
        measure(r, i, 20 + i, 0.1);
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->comparison_count, 0);
    assert_int_equal(a->blocking[0].comparisons, 0);
    assert_int_equal(a->summaries[0].n, 3);
    assert_int_equal(cnn_analysis_component(a, 0, 0, CNN_COMPONENT_DEVICE_CONTRAST)->reason,
                     CNN_REASON_ONE_LEVEL);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_nothing_done_is_no_error(void **state)
{
    (void)state;
    cnn_results *r = experiment_make_done(3, 2, 2, 0);
    memset(r->status, CNN_RUN_PLANNED, (size_t)r->run_count);
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->total.missing, 12);
    assert_int_equal(a->scope.runs + a->scope.devices + a->scope.nodes, 0);
    assert_int_equal(a->summaries[0].n, 0);
    assert_int_equal(a->summaries[0].reason, CNN_REASON_NO_RUNS);
    for (int i = 0; i < a->comparison_count * CNN_MEASURE_COUNT; i++) {
        assert_int_equal(a->comparisons[i].verdict, CNN_VERDICT_INCONCLUSIVE);
        assert_int_equal(a->comparisons[i].verdict_reason, CNN_REASON_NO_RUNS);
        assert_int_equal(a->comparisons[i].variance_reason, CNN_REASON_NO_RUNS);
    }
    assert_int_equal(a->models[0].reason, CNN_REASON_NO_RUNS);
    assert_int_equal(a->flawed_count, 4);
    assert_true(isnan(a->overhead));
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_start_times_missing(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(6, 1.02);
    r->measured[4].start_time = NAN;
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->summaries[0].reason, CNN_REASON_NO_START_TIMES);
    assert_true(isnan(a->summaries[0].trend_rho) && isnan(a->summaries[0].autocorrelation));
    assert_false(isnan(a->summaries[0].mean));
    assert_int_equal(cnn_analysis_summary(a, 1, CNN_MEASURE_TRAIN_SECONDS)->reason,
                     CNN_REASON_NONE);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_every_constant_has_its_text(void **state)
{
    (void)state;
    for (int i = 0; i < CNN_REASON_COUNT; i++) {
        assert_null(strpbrk(cnn_reason_names[i], " ,\""));
        assert_true(i == CNN_REASON_NONE || *cnn_reason_sentences[i]);
    }
    assert_null(cnn_reason_names[CNN_REASON_COUNT]);
    assert_null(cnn_verdict_names[CNN_VERDICT_COUNT]);
    assert_null(cnn_component_names[CNN_COMPONENT_LEVELS]);
    assert_null(cnn_test_names[CNN_TEST_COUNT]);
    assert_non_null(strstr(cnn_verdict_rule, "equivalent"));
}

/** A job names its primary measure by a number that the analysis takes for its own. */
static void test_measures_of_jobs_are_those_of_the_analysis(void **state)
{
    (void)state;
    for (int m = 0; m < CNN_MEASURE_COUNT; m++)
        assert_string_equal(cnn_job_measure_names[m], cnn_measure_names[m]);
    assert_null(cnn_job_measure_names[CNN_MEASURE_COUNT]);
}

/* ---- what is counted and named ------------------------------------------------------------- */

static void test_runs_are_counted_by_status(void **state)
{
    (void)state;
    cnn_results *r = experiment_read("incomplete");
    cnn_analysis *a = analyse(r);
    /* combination 0: level 0 diverged once, 1 failed once, 2 lacks two; combination 1: level 1
     * diverged in all but one, level 2 failed in all (tests/golden/analysis.R) */
    const int done[3][3] = {{8, 8, 7}, {9, 1, 0}, {9, 9, 9}};
    for (int k = 0; k < 3; k++)
        for (int l = 0; l < 3; l++) {
            const cnn_cell_count *c = &a->counts[a->cell_of[k * 3 + l]];
            assert_int_equal(c->planned, 9);
            assert_int_equal(c->done, done[k][l]);
            assert_int_equal(c->done + c->failed + c->diverged + c->missing, 9);
        }
    assert_int_equal(a->total.failed, 10);
    assert_int_equal(a->total.diverged, 9);
    assert_int_equal(a->total.missing, 2);
    assert_int_equal(a->scope.runs, a->total.done);
    assert_int_equal(a->scope.nodes, 3); /* node0, node1, and node9 of one stray run */
    assert_int_equal(a->scope.devices, 5);
    assert_int_equal(a->scope.sessions, 1);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_blocks_left_out_are_named(void **state)
{
    (void)state;
    cnn_results *r = experiment_read("incomplete");
    cnn_analysis *a = analyse(r);
    static const cnn_flawed_block first[] = {
        {3, 0, 2, CNN_BLOCK_INCOMPLETE, 1}, {5, 0, 4, CNN_BLOCK_INCOMPLETE, 1},
        {6, 0, 5, CNN_BLOCK_SPLIT, 0},      {7, 0, 6, CNN_BLOCK_SPLIT, 0},
        {8, 0, 7, CNN_BLOCK_INCOMPLETE, 1}, {9, 0, 8, CNN_BLOCK_INCOMPLETE, 1}};
    assert_int_equal(a->block_count, 27);
    assert_int_equal(a->flawed_count, 6 + 9); /* all of combination 1 */
    for (int i = 0; i < 6; i++) {
        assert_int_equal(a->flawed[i].block, first[i].block);
        assert_int_equal(a->flawed[i].combination, first[i].combination);
        assert_int_equal(a->flawed[i].repeat, first[i].repeat);
        assert_int_equal(a->flawed[i].flaw, first[i].flaw);
        assert_int_equal(a->flawed[i].missing, first[i].missing);
    }
    for (int i = 0; i < r->run_count; i++) {
        int flaw = r->planned[i].warmup ? -1 : CNN_BLOCK_WHOLE;
        for (int f = 0; f < a->flawed_count; f++)
            flaw = a->flawed[f].block == r->planned[i].block ? a->flawed[f].flaw : flaw;
        assert_int_equal(a->block_flaw[i], flaw);
    }
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_outliers_are_listed_by_run(void **state)
{
    (void)state;
    cnn_results *r = experiment_read("incomplete");
    cnn_analysis *a = analyse(r);
    int listed = 0, counted = 0, low = 0, high = 0;
    for (int i = 0; i < a->cell_count * CNN_MEASURE_COUNT; i++)
        counted += a->summaries[i].outliers > 0 ? a->summaries[i].outliers : 0;
    assert_int_equal(a->outlier_count, counted);
    for (int i = 0; i < a->outlier_count; i++) {
        const cnn_outlier *x = &a->outliers[i];
        assert_int_equal(a->outlier[x->run * CNN_MEASURE_COUNT + x->measure], x->side);
        assert_int_equal(r->planned[x->run].cell, x->cell);
        if (x->measure != CNN_MEASURE_STEADY_SECONDS)
            assert_same(x->value, cnn_analysis_value(r, x->run, (cnn_measure)x->measure));
        low +=
            x->measure == CNN_MEASURE_TRAIN_SECONDS && x->value == 5 && x->side == CNN_OUTLIER_LOW;
        high += x->measure == CNN_MEASURE_TRAIN_SECONDS && x->value == 60 &&
                x->side == CNN_OUTLIER_HIGH;
        listed += x->measure == CNN_MEASURE_TRAIN_SECONDS;
    }
    assert_true(listed >= 2 && low == 1 && high == 1); /* the two that were planted */
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].warmup || r->status[i] != CNN_RUN_DONE)
            assert_int_equal(a->outlier[i * CNN_MEASURE_COUNT], -1);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/* ---- components ---------------------------------------------------------------------------- */

/** The components are those of stats/mixed/mixed.h for the runs that count; R judges that one. */
static void test_components_are_those_of_the_model(void **state)
{
    (void)state;
    cnn_results *r = experiment_read("balanced");
    cnn_analysis *a = analyse(r);
    double y[64];
    int level[64], node[64], device[64], block[64], n = 0;
    for (int l = 0; l < 2; l++)
        for (int i = 0; i < r->run_count; i++) {
            const cnn_planned *p = &r->planned[i];
            if (p->warmup || p->combination != 1 || p->level != l)
                continue;
            y[n] = log(r->measured[i].train_seconds);
            level[n] = p->level;
            node[n] = r->measured[i].host[4];
            device[n] = r->measured[i].device[3];
            block[n++] = p->block;
        }
    assert_int_equal(n, 24);
    const cnn_mixed_data data = {n, 2, y, level, node, device, block, true};
    cnn_mixed_fit *fit = NULL;
    assert_int_equal(cnn_mixed_fit_create(&data, (cnn_mixed_options){0.95, true}, &fit), CNN_OK);
    const cnn_model_row *model = cnn_analysis_model(a, 1, CNN_MEASURE_TRAIN_SECONDS);
    assert_int_equal(model->runs, 24);
    assert_int_equal(model->nodes, 2);
    assert_int_equal(model->devices, 4);
    assert_int_equal(model->blocks, 12);
    assert_same(model->total_variance, fit->total_variance);
    assert_same(model->residual_p, fit->residual_p);
    for (int c = 0; c < a->component_count; c++) {
        const cnn_component *x = cnn_analysis_component(a, 1, CNN_MEASURE_TRAIN_SECONDS, c);
        const cnn_mixed_estimate *e = c < CNN_COMPONENT_LEVELS
                                          ? &fit->component[c]
                                          : &fit->residual[c - CNN_COMPONENT_LEVELS];
        assert_same(x->variance, e->variance);
        assert_same(x->share, e->share);
        assert_same(x->sd_lower, e->low);
        assert_same(x->sd_upper, e->high);
        assert_same(x->lrt_p, e->p);
        assert_int_equal(x->reason, CNN_REASON_NONE);
    }
    double se = NAN;
    assert_same(cnn_analysis_fixed(a, 1, CNN_MEASURE_TRAIN_SECONDS, 1)->effect,
                cnn_mixed_difference(fit, 1, 0, &se));
    assert_same(cnn_analysis_fixed(a, 1, CNN_MEASURE_TRAIN_SECONDS, 1)->effect_se, se);
    assert_int_equal(cnn_analysis_model(a, 1, CNN_MEASURE_TEST_LOSS)->reason,
                     CNN_REASON_NOT_MODELLED);
    cnn_mixed_fit_destroy(&fit);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_components_that_cannot_be_told_are_named(void **state)
{
    (void)state;
    cnn_results *r = make_pairs(6, 1.02);
    cnn_analysis *a = analyse(r);
    const int m = CNN_MEASURE_TRAIN_SECONDS;
    assert_int_equal(cnn_analysis_component(a, 0, m, CNN_COMPONENT_NODE)->reason,
                     CNN_REASON_ONE_NODE);
    assert_int_equal(cnn_analysis_component(a, 0, m, CNN_COMPONENT_DEVICE)->reason,
                     CNN_REASON_ONE_DEVICE);
    assert_true(isnan(cnn_analysis_component(a, 0, m, CNN_COMPONENT_DEVICE)->variance));
    assert_int_equal(cnn_analysis_component(a, 0, m, CNN_COMPONENT_BLOCK)->reason, CNN_REASON_NONE);
    assert_int_equal(cnn_analysis_component(a, 0, m, CNN_COMPONENT_LEVELS + 1)->reason,
                     CNN_REASON_NONE);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/* ---- overhead ------------------------------------------------------------------------------ */

static void test_overhead_counts_all_children_and_no_tail(void **state)
{
    (void)state;
    cnn_results *r = experiment_make_done(3, 2, 1, 3);
    r->sessions[0] = (cnn_session){1000, 3}; /* its third rank has nothing to do */
    r->sessions[1] = (cnn_session){5000, 1};
    r->sessions[2] = (cnn_session){9000, 2}; /* nothing was attempted */
    experiment_set_attempt(r, 0, 0, CNN_OUTCOME_DONE, 0, 0, 1002, 10);
    experiment_set_attempt(r, 1, 0, CNN_OUTCOME_ERROR, 0, 0, 1013, 20); /* superseded */
    experiment_set_attempt(r, 1, 1, CNN_OUTCOME_DONE, 0, 0, 1034, 66);  /* 100 s, 96 used */
    experiment_set_attempt(r, 2, 0, CNN_OUTCOME_DONE, 0, 1, 1001, 49);  /* 50 s, 49 used */
    experiment_set_attempt(r, 3, 0, CNN_OUTCOME_DONE, 1, 0, 5010, 30);  /* 40 s, 30 used */
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->session_count, 3);
    assert_same(a->session_overhead[0], 5 / 150.0);
    assert_same(a->session_overhead[1], 10 / 40.0);
    assert_true(isnan(a->session_overhead[2]));
    assert_same(a->overhead, 15 / 190.0);
    cnn_analysis_destroy(&a);
    /* a clock that went back: children seem to live longer than their rank */
    experiment_set_attempt(r, 3, 0, CNN_OUTCOME_DONE, 1, 0, 4990, 30);
    a = analyse(r);
    assert_true(isnan(a->session_overhead[1]));
    cnn_analysis_destroy(&a);
    /* damaged rows are not followed */
    experiment_set_attempt(r, 4, 0, CNN_OUTCOME_DONE, 7, 0, 1000, 1);
    experiment_set_attempt(r, 5, 0, CNN_OUTCOME_DONE, 0, 99, 1000, 1);
    a = analyse(r);
    assert_same(a->session_overhead[0], 5 / 150.0);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/* ---- damage, speed ------------------------------------------------------------------------- */

static void assert_refused(const cnn_results *r, const char *part)
{
    cnn_analysis *a = NULL;
    assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_EDATA);
    if (!strstr(cnn_error_message(), part))
        fail_msg("'%s' lacks '%s'", cnn_error_message(), part);
    assert_null(a);
}

static void test_damaged_results_are_refused(void **state)
{
    (void)state;
    cnn_results *r = experiment_make_done(3, 2, 2, 0);
    r->planned[3].cell = 6;
    assert_refused(r, "run 3");
    r->planned[3].cell = 0;
    assert_refused(r, "are also cell");
    r->planned[3].cell = 1;
    r->status[4] = 9;
    assert_refused(r, "status 9");
    r->status[4] = CNN_RUN_DONE;
    r->planned[5].block = 12;
    assert_refused(r, "block 12");
    r->planned[5].block = 0;
    assert_refused(r, "block 0 has another combination");
    r->planned[5].block = 1;
    r->alpha = 0;
    assert_refused(r, "alpha");
    r->alpha = 0.05;
    r->cell_levels[2] = 3;
    assert_refused(r, "framework");
    r->cell_levels[2] = 0;
    r->combination_count = 3;
    assert_refused(r, "combinations");
    r->combination_count = 2;
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].level == 2)
            experiment_set_run(r, i, r->planned[i].combination, 1, 9, 1000 + i, CNN_RUN_DONE);
    for (int i = 0; i < r->run_count; i++)
        r->planned[i].block = i;
    assert_refused(r, "no run of level 2");
    cnn_results_free(&r);
}

/** 100,000 runs: 2 levels, 12 combinations, 64 devices on 16 nodes; crossed seeds. */
static cnn_results *make_many(void)
{
    cnn_results *r = experiment_make_done(2, 12, 4167, 1);
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[i];
        const cnn_philox random = cnn_philox_at(1, CNN_RANDOM_SIMULATE, 0, (uint64_t)i);
        const double noise = cnn_random_unit(random.w[0]) + cnn_random_unit(random.w[1]) - 1;
        const int block = r->planned[i].block, device = block % 64;
        measure(r, i, 20 * exp(0.002 * (device % 7) + 0.01 * noise + 0.003 * r->planned[i].level),
                0.1 + 0.01 * cnn_random_unit(random.w[2]));
        snprintf(m->host, sizeof m->host, "node%d", device / 4);
        snprintf(m->device, sizeof m->device, "gpu%d", device % 4);
        snprintf(m->weight_checksum, sizeof m->weight_checksum, "w%d", block / 64);
        r->planned[i].seed = block / 64;
        m->start_time = 1000 + 20.0 * block + r->planned[i].position;
    }
    return r;
}

static void test_100000_runs_take_seconds(void **state)
{
    (void)state;
    cnn_results *r = make_many();
    assert_true(r->run_count >= 100000);
    const double start = cnn_clock_monotonic();
    cnn_analysis *a = analyse(r);
    const double seconds = cnn_clock_monotonic() - start;
    print_message("%d runs: %.2f s\n", r->run_count, seconds);
    assert_true(seconds < 60); /* under sanitizers, on a busy machine, too */
    assert_int_equal(a->scope.devices, 64);
    assert_int_equal(first_comparison(a)->blocks, 4167);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** A ratio with the values of the training times and a difference with those of the errors have their
 *  figures, and other words for them. */
static void test_metrics_get_the_figures_of_times_and_errors(void **state)
{
    (void)state;
    enum { RATIO = CNN_MEASURE_COUNT, DIFFERENCE };
    cnn_results *r = experiment_make_done(2, 2, 12, 1);
    cnn_analysis *a = NULL;
    r->margin_time = 0.01;
    r->margin_error = 0.002;
    r->metric_count = 2;
    r->metrics[0] = (cnn_metric){"rate", "1/s", true, 1, 0.01};
    r->metrics[1] = (cnn_metric){"auc", "", false, 1, 0.002};
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[i];
        m->train_seconds = 100 + 3 * r->planned[i].level + (i * 7 % 11) * 0.1;
        m->test_error = 0.1 + 0.02 * r->planned[i].level + (i * 5 % 13) * 0.001;
        cnn_measured_set_metric(m, 0, m->train_seconds);
        cnn_measured_set_metric(m, 1, m->test_error);
    }
    assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_OK);
    assert_int_equal(a->measure_count, CNN_MEASURE_COUNT + 2);
    for (int i = 0; i < a->comparison_count; i++)
        for (int k = 0; k < 2; k++) {
            const cnn_comparison *x = cnn_analysis_comparison(
                a, i, k ? CNN_MEASURE_TEST_ERROR : CNN_MEASURE_TRAIN_SECONDS);
            const cnn_comparison *y =
                cnn_analysis_comparison(a, i, (cnn_measure)(k ? DIFFERENCE : RATIO));
            assert_int_equal(x->units, y->units);
            assert_true(x->paired_mean == y->paired_mean && x->paired_p_holm == y->paired_p_holm);
            assert_true(x->tost_p_holm == y->tost_p_holm && x->margin == y->margin);
            assert_true(x->blocks_needed == y->blocks_needed && x->paired_lower == y->paired_lower);
            assert_int_equal(x->verdict, k ? CNN_VERDICT_LOWER : CNN_VERDICT_FASTER);
            assert_int_equal(y->verdict, CNN_VERDICT_LOWER);
        }
    const cnn_summary *s = cnn_analysis_summary(a, 0, (cnn_measure)RATIO);
    assert_true(s->mean == cnn_analysis_summary(a, 0, CNN_MEASURE_TRAIN_SECONDS)->mean);
    assert_int_equal(a->family_size[RATIO][CNN_TEST_PAIRED],
                     a->family_size[CNN_MEASURE_TRAIN_SECONDS][CNN_TEST_PAIRED]);
    cnn_analysis_destroy(&a);
    cnn_copy_string(r->primary, sizeof r->primary, "auc");
    assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_OK);
    assert_int_equal(a->primary, DIFFERENCE);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_are_equivalent_faster_slower),
        cmocka_unit_test(test_degenerate_pairs_have_a_reason),
        cmocka_unit_test(test_times_without_any_variance),
        cmocka_unit_test(test_errors_without_any_variance),
        cmocka_unit_test(test_a_difference_of_the_margin_is_not_decided_by_rounding),
        cmocka_unit_test(test_errors_of_one_seed_count_once),
        cmocka_unit_test(test_first_epochs_are_left_out),
        cmocka_unit_test(test_no_margin_no_equivalence),
        cmocka_unit_test(test_one_level_has_nothing_to_compare),
        cmocka_unit_test(test_nothing_done_is_no_error),
        cmocka_unit_test(test_start_times_missing),
        cmocka_unit_test(test_every_constant_has_its_text),
        cmocka_unit_test(test_measures_of_jobs_are_those_of_the_analysis),
        cmocka_unit_test(test_runs_are_counted_by_status),
        cmocka_unit_test(test_blocks_left_out_are_named),
        cmocka_unit_test(test_outliers_are_listed_by_run),
        cmocka_unit_test(test_components_are_those_of_the_model),
        cmocka_unit_test(test_components_that_cannot_be_told_are_named),
        cmocka_unit_test(test_overhead_counts_all_children_and_no_tail),
        cmocka_unit_test(test_damaged_results_are_refused),
        cmocka_unit_test(test_metrics_get_the_figures_of_times_and_errors),
        cmocka_unit_test(test_100000_runs_take_seconds),
    };
    return cmocka_run_group_tests_name("analysis", tests, NULL, NULL);
}
