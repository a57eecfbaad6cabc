/* SPDX-License-Identifier: Apache-2.0 */
/* Every figure of whole experiments against R (tests/golden/analysis.R). */
#include "experiment.h"
#include "golden_csv.h"

#include "analysis/analysis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const scenarios[] = {"balanced", "incomplete", "crossed", "constant"};
enum { SCENARIOS = 4 };

typedef struct {
    cnn_results *results[SCENARIOS];
    cnn_analysis *analyses[SCENARIOS];
    cnn_analysis *twice[SCENARIOS]; /* as the second look at a study */
} analysed;

static cnn_analysis *analyse(const cnn_results *r, int looks)
{
    cnn_analysis *a = NULL;
    if (cnn_analysis_create(r, looks, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return a;
}

static int set_up(void **state)
{
    analysed *all = calloc(1, sizeof *all);
    assert_non_null(all);
    for (int s = 0; s < SCENARIOS; s++) {
        all->results[s] = experiment_read(scenarios[s]);
        all->analyses[s] = analyse(all->results[s], 1);
        all->twice[s] = analyse(all->results[s], 2);
    }
    *state = all;
    return 0;
}

static int tear_down(void **state)
{
    analysed *all = *state;
    for (int s = 0; s < SCENARIOS; s++) {
        cnn_analysis_destroy(&all->analyses[s]);
        cnn_analysis_destroy(&all->twice[s]);
        assert_null(all->twice[s]);
        cnn_results_free(&all->results[s]);
    }
    free(all);
    return 0;
}

static int index_of(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    fail_msg("'%s' is unknown", name);
    return -1;
}

static int scenario_of(const golden *g, int row)
{
    return index_of(scenarios, SCENARIOS, golden_text(g, row, "scenario"));
}

static cnn_measure measure_of(const golden *g, int row)
{
    return (cnn_measure)index_of(cnn_measure_names, CNN_MEASURE_COUNT,
                                 golden_text(g, row, "measure"));
}

/** Where R's way of computing leaves 0 with a rest. */
static void compare(double actual, double expected, const char *what, int row)
{
    if (fabs(actual) < 1e-15 && fabs(expected) < 1e-15)
        return;
    golden_compare(actual, expected, 1e-8, what, row);
}

static void test_cells_agree_with_r(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
    } columns[] = {
#define COLUMN(m) {#m, offsetof(cnn_summary, m)}
        COLUMN(mean),
        COLUMN(mean_lower),
        COLUMN(mean_upper),
        COLUMN(variance),
        COLUMN(sd),
        COLUMN(cv),
        COLUMN(median),
        COLUMN(median_lower),
        COLUMN(median_upper),
        COLUMN(median_coverage),
        COLUMN(q1),
        COLUMN(q3),
        COLUMN(p5),
        COLUMN(p95),
        COLUMN(min),
        COLUMN(max),
        COLUMN(fence_lower),
        COLUMN(fence_upper),
        COLUMN(trend_rho),
        COLUMN(trend_p),
        COLUMN(autocorrelation),
#undef COLUMN
    };
    const analysed *all = *state;
    golden g = golden_read("tests/golden/analysis_cells.csv");
    int rows = 0;
    for (int s = 0; s < SCENARIOS; s++)
        rows += all->analyses[s]->cell_count * CNN_MEASURE_COUNT;
    assert_int_equal(g.row_count, rows);
    for (int i = 0; i < g.row_count; i++) {
        const cnn_analysis *a = all->analyses[scenario_of(&g, i)];
        const int combination = (int)golden_number(&g, i, "combination");
        const int level = (int)golden_number(&g, i, "level");
        const cnn_summary *x = cnn_analysis_summary(
            a, a->cell_of[combination * a->level_count + level], measure_of(&g, i));
        assert_int_equal(a->counts[a->cell_of[combination * a->level_count + level]].warm_epochs,
                         (int)golden_number(&g, i, "warm_epochs"));
        assert_int_equal(x->n, (int)golden_number(&g, i, "n"));
        assert_int_equal(x->counted, (int)golden_number(&g, i, "counted"));
        assert_int_equal(x->outliers, (int)golden_number(&g, i, "outliers"));
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
            compare(*(const double *)(const void *)((const char *)x + columns[c].offset),
                    golden_number(&g, i, columns[c].name), columns[c].name, i);
        if (!isnan(x->autocorrelation))
            assert_int_equal(x->autocorrelation_pairs,
                             (int)golden_number(&g, i, "autocorrelation_pairs"));
    }
    golden_free(&g);
}

static const struct {
    const char *name;
    size_t offset;
} compared[] = {
#define COLUMN(m)                                                                                  \
    {                                                                                              \
#m, offsetof(cnn_comparison, m)                                                            \
    }
    COLUMN(difference),
    COLUMN(difference_lower),
    COLUMN(difference_upper),
    COLUMN(ratio),
    COLUMN(ratio_lower),
    COLUMN(ratio_upper),
    COLUMN(study_t),
    COLUMN(welch_t),
    COLUMN(welch_df),
    COLUMN(welch_p),
    COLUMN(paired_difference),
    COLUMN(paired_difference_lower),
    COLUMN(paired_difference_upper),
    COLUMN(paired_mean),
    COLUMN(paired_sd),
    COLUMN(paired_lower),
    COLUMN(paired_upper),
    COLUMN(paired_ratio),
    COLUMN(paired_ratio_lower),
    COLUMN(paired_ratio_upper),
    COLUMN(paired_t),
    COLUMN(paired_df),
    COLUMN(paired_p),
    COLUMN(wilcoxon_v),
    COLUMN(wilcoxon_p),
    COLUMN(mann_whitney_u),
    COLUMN(mann_whitney_p),
    COLUMN(variance_ratio),
    COLUMN(variance_ratio_lower),
    COLUMN(variance_ratio_upper),
    COLUMN(f_p),
    COLUMN(brown_forsythe_f),
    COLUMN(brown_forsythe_p),
    COLUMN(paired_variance_ratio),
    COLUMN(paired_variance_ratio_lower),
    COLUMN(paired_variance_ratio_upper),
    COLUMN(pitman_morgan_t),
    COLUMN(pitman_morgan_df),
    COLUMN(pitman_morgan_p),
    COLUMN(spread_ratio),
    COLUMN(spread_lower),
    COLUMN(spread_upper),
    COLUMN(spread_t),
    COLUMN(spread_df),
    COLUMN(spread_p),
    COLUMN(hedges_g),
    COLUMN(hedges_g_lower),
    COLUMN(hedges_g_upper),
    COLUMN(superiority),
    COLUMN(superiority_lower),
    COLUMN(superiority_upper),
    COLUMN(resolution),
    COLUMN(tost_lower),
    COLUMN(tost_upper),
    COLUMN(tost_p),
    COLUMN(device_mean),
    COLUMN(device_lower),
    COLUMN(device_upper),
    COLUMN(device_p),
    COLUMN(device_tost_p),
    COLUMN(blocking_gain),
    COLUMN(detectable),
    COLUMN(normality_w),
    COLUMN(normality_p),
#undef COLUMN
};

/** Effects of positions against R's lm. */
static void test_positions_agree_with_r(void **state)
{
    const analysed *all = *state;
    golden g = golden_read("tests/golden/analysis_positions.csv");
    int rows = 0, estimated = 0;
    for (int s = 0; s < SCENARIOS; s++)
        rows += all->analyses[s]->cell_count * CNN_MEASURE_COUNT;
    assert_int_equal(g.row_count, rows);
    for (int i = 0; i < g.row_count; i++) {
        const cnn_position_effect *x = cnn_analysis_position(
            all->analyses[scenario_of(&g, i)], (int)golden_number(&g, i, "combination"),
            measure_of(&g, i), (int)golden_number(&g, i, "position"));
        compare(x->effect, golden_number(&g, i, "effect"), "effect", i);
        compare(x->lower, golden_number(&g, i, "lower"), "lower", i);
        compare(x->upper, golden_number(&g, i, "upper"), "upper", i);
        assert_int_equal(x->df, (int)golden_number(&g, i, "df"));
        estimated += !isnan(x->lower);
    }
    assert_true(estimated > 20);
    golden_free(&g);
}

static double *p_value_of(const cnn_comparison *x, int test, bool adjusted)
{
    static const size_t offsets[][2] = {
#define OFFSETS(constant, name)                                                                    \
    {offsetof(cnn_comparison, name##_p), offsetof(cnn_comparison, name##_p_holm)},
        CNN_TESTS(OFFSETS)
#undef OFFSETS
    };
    return (double *)(void *)((char *)(uintptr_t)x + offsets[test][adjusted]);
}

/** R has no sign flips of more than 20 pairs: they are drawn, and only bounded here. */
static void compare_sign_flip(const golden *g, int row, const cnn_comparison *x)
{
    if (x->units <= 20) {
        compare(x->sign_flip_p, golden_number(g, row, "sign_flip_p"), "sign_flip_p", row);
        return;
    }
    assert_true(x->sign_flip_p > 0 && fabs(x->sign_flip_p - x->paired_p) < 0.05);
    assert_int_equal(x->sign_flip_exact, 0);
}

static void compare_row(const golden *g, int row, const cnn_comparison *x,
                        const cnn_comparison *second_look, bool has_verdicts)
{
    char name[64];
    assert_int_equal(x->n_a, (int)golden_number(g, row, "n_a"));
    assert_int_equal(x->n_b, (int)golden_number(g, row, "n_b"));
    assert_int_equal(x->blocks, (int)golden_number(g, row, "blocks"));
    assert_int_equal(x->device_units, (int)golden_number(g, row, "device_units"));
    assert_int_equal(x->units, (int)golden_number(g, row, "units"));
    assert_int_equal(x->position_adjusted, (int)golden_number(g, row, "position_adjusted"));
    assert_string_equal(cnn_reason_names[x->position_reason],
                        golden_text(g, row, "position_reason"));
    assert_int_equal(x->same_weights, (int)golden_number(g, row, "same_weights"));
    assert_int_equal(x->blocks_split, (int)golden_number(g, row, "blocks_split"));
    assert_int_equal(x->blocks_incomplete, (int)golden_number(g, row, "blocks_incomplete"));
    assert_int_equal(x->blocks_needed, (int)golden_number(g, row, "blocks_needed"));
    for (size_t c = 0; c < sizeof compared / sizeof compared[0]; c++)
        compare(*(const double *)(const void *)((const char *)x + compared[c].offset),
                golden_number(g, row, compared[c].name), compared[c].name, row);
    compare_sign_flip(g, row, x);
    for (int t = 0; t < CNN_TEST_COUNT; t++) {
        if (t == CNN_TEST_SIGN_FLIP && x->units > 20)
            continue;
        snprintf(name, sizeof name, "%s_holm", cnn_test_names[t]);
        compare(*p_value_of(x, t, true), golden_number(g, row, name), name, row);
        snprintf(name, sizeof name, "%s_holm_2", cnn_test_names[t]);
        compare(*p_value_of(second_look, t, true), golden_number(g, row, name), name, row);
    }
    if (!has_verdicts) { /* unfinished */
        assert_int_equal(x->verdict, CNN_VERDICT_INCONCLUSIVE);
        assert_int_equal(x->variance_verdict, CNN_VARIANCE_INCONCLUSIVE);
        return;
    }
    assert_string_equal(cnn_verdict_names[x->verdict], golden_text(g, row, "verdict"));
    assert_string_equal(cnn_verdict_names[second_look->verdict], golden_text(g, row, "verdict_2"));
    assert_string_equal(cnn_variance_verdict_names[x->variance_verdict],
                        golden_text(g, row, "variance_verdict"));
    assert_string_equal(cnn_variance_verdict_names[second_look->variance_verdict],
                        golden_text(g, row, "variance_verdict_2"));
}

static void test_comparisons_agree_with_r(void **state)
{
    const analysed *all = *state;
    golden g = golden_read("tests/golden/analysis_comparisons.csv");
    int row = 0;
    for (int s = 0; s < SCENARIOS; s++)
        for (int i = 0; i < all->analyses[s]->comparison_count; i++)
            for (int m = 0; m < CNN_MEASURE_COUNT; m++, row++) {
                /* the golden rows are in the order of the contract: combination, pair, measure */
                const cnn_pair *pair = &all->analyses[s]->pairs[i];
                assert_int_equal(scenario_of(&g, row), s);
                assert_int_equal(measure_of(&g, row), m);
                assert_int_equal(pair->combination, (int)golden_number(&g, row, "combination"));
                assert_int_equal(pair->a, (int)golden_number(&g, row, "a"));
                assert_int_equal(pair->b, (int)golden_number(&g, row, "b"));
                compare_row(&g, row, cnn_analysis_comparison(all->analyses[s], i, (cnn_measure)m),
                            cnn_analysis_comparison(all->twice[s], i, (cnn_measure)m),
                            all->analyses[s]->look.number > 0);
            }
    assert_int_equal(row, g.row_count);
    golden_free(&g);
}

static void test_blocking_agrees_with_r(void **state)
{
    const analysed *all = *state;
    golden g = golden_read("tests/golden/analysis_blocking.csv");
    assert_int_equal(g.row_count, SCENARIOS * CNN_MEASURE_COUNT);
    for (int i = 0; i < g.row_count; i++) {
        const cnn_blocking *x = &all->analyses[scenario_of(&g, i)]->blocking[measure_of(&g, i)];
        assert_int_equal(x->comparisons, (int)golden_number(&g, i, "comparisons"));
        assert_int_equal(x->blocks, (int)golden_number(&g, i, "blocks"));
        compare(x->unpaired_variance, golden_number(&g, i, "unpaired_variance"), "unpaired", i);
        compare(x->paired_variance, golden_number(&g, i, "paired_variance"), "paired", i);
        compare(x->gain, golden_number(&g, i, "gain"), "gain", i);
        compare(x->removed, golden_number(&g, i, "removed"), "removed", i);
    }
    golden_free(&g);
}

static void test_seeds_agree_with_r(void **state)
{
    const analysed *all = *state;
    const cnn_analysis *a = all->analyses[2];
    golden g = golden_read("tests/golden/analysis_seeds.csv");
    int groups[2] = {0}, different[2] = {0};
    assert_int_equal(g.row_count, a->seed_group_count);
    assert_int_equal(all->analyses[0]->seed_group_count, 0);
    for (int i = 0; i < g.row_count; i++) {
        const cnn_seed_group *x = &a->seed_groups[i];
        const cnn_cell_seeds *cell = &a->cell_seeds[x->cell];
        const int level = (int)golden_number(&g, i, "level");
        assert_int_equal(x->cell, a->cell_of[level]);
        assert_int_equal(x->number, (int)golden_number(&g, i, "seed"));
        assert_string_equal(cnn_seed_kind_names[x->kind], golden_text(&g, i, "kind"));
        assert_int_equal(x->runs, (int)golden_number(&g, i, "runs"));
        assert_int_equal(x->devices, (int)golden_number(&g, i, "devices"));
        assert_int_equal(x->checksums, (int)golden_number(&g, i, "checksums"));
        compare(x->time_mean, golden_number(&g, i, "time_mean"), "time_mean", i);
        compare(x->time_sd, golden_number(&g, i, "time_sd"), "time_sd", i);
        compare(x->time_cv, golden_number(&g, i, "time_cv"), "time_cv", i);
        compare(x->error_min, golden_number(&g, i, "error_min"), "error_min", i);
        compare(x->error_max, golden_number(&g, i, "error_max"), "error_max", i);
        compare(cell->noise_sd, golden_number(&g, i, "noise_sd"), "noise_sd", i);
        compare(cell->error_sd, golden_number(&g, i, "error_sd"), "error_sd", i);
        assert_int_equal(cell->noise_df, (int)golden_number(&g, i, "noise_df"));
        groups[level] += x->kind != CNN_SEED_UNKNOWN;
        different[level] += x->kind == CNN_SEED_DIFFERENT;
    }
    for (int l = 0; l < 2; l++) {
        assert_int_equal(a->cell_seeds[a->cell_of[l]].groups, groups[l]);
        assert_int_equal(a->cell_seeds[a->cell_of[l]].different, different[l]);
        assert_int_equal(a->cell_seeds[a->cell_of[l]].identical, groups[l] - different[l]);
    }
    golden_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_agree_with_r),
        cmocka_unit_test(test_comparisons_agree_with_r),
        cmocka_unit_test(test_positions_agree_with_r),
        cmocka_unit_test(test_blocking_agrees_with_r),
        cmocka_unit_test(test_seeds_agree_with_r),
    };
    return cmocka_run_group_tests_name("analysis against R", tests, set_up, tear_down);
}
