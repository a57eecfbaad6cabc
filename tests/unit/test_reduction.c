/* Reduction and report of an experiment whose figures R has computed (tests/golden/stats.R). */
#include "golden_csv.h"

#include "report/reduction.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEVELS = 3, COMBINATIONS = 2, ATTEMPTS = 2 };

static char **labels_of(int n, const char *const *from)
{
    char **labels = calloc((size_t)n, sizeof *labels);
    assert_non_null(labels);
    for (int i = 0; i < n; i++)
        assert_non_null(labels[i] = cnn_strdup(from[i]));
    return labels;
}

/** A results file of run_count runs without any run in it. Cells are [level, combination]. */
static cnn_results *make_results(int run_count, int session_count)
{
    static const char *const frameworks[] = {"native", "layered", "torch"};
    static const char *const architectures[] = {"arch1", "arch2"};
    cnn_results *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->job_name = cnn_strdup("golden");
    r->created = cnn_strdup("cnnmpi 0.1.0");
    r->job_text = cnn_strdup("");
    r->factor_count = 2;
    r->factors = calloc(2, sizeof *r->factors);
    assert_non_null(r->factors);
    r->factors[0] =
        (cnn_results_factor){cnn_strdup("framework"), LEVELS, labels_of(LEVELS, frameworks)};
    r->factors[1] = (cnn_results_factor){cnn_strdup("architecture"), COMBINATIONS,
                                         labels_of(COMBINATIONS, architectures)};
    r->level_count = LEVELS;
    r->combination_count = COMBINATIONS;
    r->cell_count = LEVELS * COMBINATIONS;
    r->run_count = run_count;
    r->attempts_per_run = ATTEMPTS;
    r->session_count = session_count;
    r->cell_levels = calloc((size_t)r->cell_count * 2, sizeof *r->cell_levels);
    r->status = calloc((size_t)run_count, sizeof *r->status);
    r->planned = calloc((size_t)run_count, sizeof *r->planned);
    r->measured = calloc((size_t)run_count, sizeof *r->measured);
    r->attempts = calloc((size_t)run_count * ATTEMPTS, sizeof *r->attempts);
    r->sessions = calloc((size_t)session_count + 1, sizeof *r->sessions);
    assert_true(r->cell_levels && r->status && r->planned && r->measured && r->attempts &&
                r->sessions);
    for (int c = 0; c < r->cell_count; c++) {
        r->cell_levels[2 * c] = c / COMBINATIONS;
        r->cell_levels[2 * c + 1] = c % COMBINATIONS;
    }
    for (int i = 0; i < run_count; i++)
        r->measured[i] = cnn_measured_unknown();
    for (int i = 0; i < run_count * ATTEMPTS; i++)
        r->attempts[i] = cnn_attempt_unknown();
    return r;
}

static void set_run(cnn_results *r, int run, int combination, int level, int repeat,
                    cnn_run_status status)
{
    r->planned[run] = (cnn_planned){.cell = level * COMBINATIONS + combination,
                                    .combination = combination,
                                    .level = level,
                                    .repeat = repeat,
                                    .warmup = repeat < 0};
    r->status[run] = (int8_t)status;
}

static void set_attempt(cnn_results *r, int run, int attempt, cnn_outcome outcome, int session,
                        int rank, double start, double life)
{
    cnn_attempt *a = &r->attempts[run * ATTEMPTS + attempt];
    a->attempt_outcome = (int8_t)outcome;
    a->attempt_session = session;
    a->attempt_rank = rank;
    a->attempt_start_time = start;
    a->attempt_life_seconds = life;
}

static cnn_results *read_golden_runs(void)
{
    golden g = golden_read("tests/golden/reduction_runs.csv");
    cnn_results *r = make_results(g.row_count, 1);
    r->sessions[0] = (cnn_session){1527854096, 1};
    for (int i = 0; i < g.row_count; i++) {
        set_run(r, i, (int)golden_number(&g, i, "combination"), (int)golden_number(&g, i, "level"),
                (int)golden_number(&g, i, "repeat."),
                (cnn_run_status)golden_number(&g, i, "status"));
        cnn_measured *m = &r->measured[i];
        /* also of runs that must not count */
        m->train_seconds = golden_number(&g, i, "train_seconds");
        m->test_error = golden_number(&g, i, "test_error");
        cnn_copy_string(m->host, sizeof m->host, "node1");
        cnn_copy_string(m->device, sizeof m->device, i % 2 ? "node1 cpus 1" : "node1 cpus 0");
        m->threads = 1;
    }
    golden_free(&g);
    return r;
}

static cnn_reduction *reduce(const cnn_results *r)
{
    cnn_reduction *d = NULL;
    if (cnn_reduction_create(r, &d) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return d;
}

static int measure_of(const char *name)
{
    for (int m = 0; m < CNN_MEASURE_COUNT; m++)
        if (!strcmp(cnn_reduced_measure_names[m], name))
            return m;
    fail_msg("no measure '%s'", name);
    return -1;
}

static void test_cells_agree_with_r(void **state)
{
    (void)state;
    cnn_results *r = read_golden_runs();
    cnn_reduction *d = reduce(r);
    golden g = golden_read("tests/golden/reduction_cells.csv");
    assert_int_equal(g.row_count, d->cell_count * CNN_MEASURE_COUNT);
    for (int i = 0; i < g.row_count; i++) {
        int cell = (int)golden_number(&g, i, "level") * COMBINATIONS +
                   (int)golden_number(&g, i, "combination");
        const cnn_summary *s =
            &d->summaries[cell * CNN_MEASURE_COUNT + measure_of(golden_text(&g, i, "measure"))];
        assert_int_equal(s->n, (int)golden_number(&g, i, "n"));
        golden_compare(s->mean, golden_number(&g, i, "mean"), 1e-8, "mean", i);
        golden_compare(s->variance, golden_number(&g, i, "variance"), 1e-8, "variance", i);
        golden_compare(s->sd, golden_number(&g, i, "sd"), 1e-8, "sd", i);
        golden_compare(s->min, golden_number(&g, i, "min"), 0, "min", i);
        golden_compare(s->max, golden_number(&g, i, "max"), 0, "max", i);
    }
    golden_free(&g);
    cnn_reduction_destroy(&d);
    assert_null(d);
    cnn_results_free(&r);
    assert_null(r);
}

static void test_comparisons_agree_with_r(void **state)
{
    (void)state;
    cnn_results *r = read_golden_runs();
    cnn_reduction *d = reduce(r);
    golden g = golden_read("tests/golden/reduction_comparisons.csv");
    assert_int_equal(d->comparison_count, COMBINATIONS * 3);
    assert_int_equal(g.row_count, d->comparison_count * CNN_MEASURE_COUNT);
    for (int i = 0; i < g.row_count; i++) {
        /* the golden rows are in the order of the contract: combination, pair, measure */
        const cnn_comparison *x = &d->comparisons[i];
        assert_int_equal(measure_of(golden_text(&g, i, "measure")), i % CNN_MEASURE_COUNT);
        assert_int_equal(x->combination, (int)golden_number(&g, i, "combination"));
        assert_int_equal(x->a, (int)golden_number(&g, i, "a"));
        assert_int_equal(x->b, (int)golden_number(&g, i, "b"));
        golden_compare(x->difference, golden_number(&g, i, "difference"), 1e-8, "difference", i);
        golden_compare(x->ratio, golden_number(&g, i, "ratio"), 1e-8, "ratio", i);
        golden_compare(x->study_t, golden_number(&g, i, "study_t"), 1e-8, "study_t", i);
        golden_compare(x->welch_t, golden_number(&g, i, "welch_t"), 1e-8, "welch_t", i);
        golden_compare(x->welch_df, golden_number(&g, i, "welch_df"), 1e-8, "welch_df", i);
        golden_compare(x->welch_p, golden_number(&g, i, "welch_p"), 1e-8, "welch_p", i);
    }
    golden_free(&g);
    cnn_reduction_destroy(&d);
    cnn_results_free(&r);
}

static void test_runs_are_counted_by_status(void **state)
{
    (void)state;
    cnn_results *r = read_golden_runs();
    cnn_reduction *d = reduce(r);
    /* cell = level * 2 + combination; see stats.R for what is planned, failed, diverged */
    const int done[] = {6, 6, 5, 1, 4, 0}, failed[] = {0, 0, 1, 0, 0, 6},
              diverged[] = {0, 0, 0, 5, 0, 0};
    for (int c = 0; c < 6; c++) {
        assert_int_equal(d->planned[c], 6);
        assert_int_equal(d->done[c], done[c]);
        assert_int_equal(d->failed[c], failed[c]);
        assert_int_equal(d->diverged[c], diverged[c]);
    }
    cnn_reduction_destroy(&d);
    cnn_results_free(&r);
}

static void test_value_that_is_unknown_is_left_out(void **state)
{
    (void)state;
    cnn_results *r = read_golden_runs();
    int run = 0;
    while (r->planned[run].cell != 0 || r->planned[run].warmup)
        run++;
    r->measured[run].test_error = NAN; /* a trainer that does not report it */
    cnn_reduction *d = reduce(r);
    assert_int_equal(d->summaries[CNN_MEASURE_TRAIN_SECONDS].n, 6);
    assert_int_equal(d->summaries[CNN_MEASURE_TEST_ERROR].n, 5);
    assert_false(isnan(d->summaries[CNN_MEASURE_TEST_ERROR].mean));
    cnn_reduction_destroy(&d);
    cnn_results_free(&r);
}

/** All runs done, in cells one after the other. */
static cnn_results *make_done(int run_count, int session_count)
{
    cnn_results *r = make_results(run_count, session_count);
    for (int i = 0; i < run_count; i++)
        set_run(r, i, i / LEVELS % COMBINATIONS, i % LEVELS, i / 6, CNN_RUN_DONE);
    return r;
}

static void test_overhead_counts_all_children_and_no_tail(void **state)
{
    (void)state;
    cnn_results *r = make_done(6, 3);
    r->sessions[0] = (cnn_session){1000, 3}; /* its third rank has nothing to do */
    r->sessions[1] = (cnn_session){5000, 1};
    r->sessions[2] = (cnn_session){9000, 2}; /* nothing was attempted */
    r->planned[0].warmup = 1;
    set_attempt(r, 0, 0, CNN_OUTCOME_DONE, 0, 0, 1002, 10);  /* warm-up */
    set_attempt(r, 1, 0, CNN_OUTCOME_ERROR, 0, 0, 1013, 20); /* superseded */
    set_attempt(r, 1, 1, CNN_OUTCOME_DONE, 0, 0, 1034, 66);  /* ends at 1100: 100 s, 96 used */
    set_attempt(r, 2, 0, CNN_OUTCOME_DONE, 0, 1, 1001, 49);  /* ends at 1050: 50 s, 49 used */
    set_attempt(r, 3, 0, CNN_OUTCOME_DONE, 1, 0, 5010, 30);  /* ends at 5040: 40 s, 30 used */
    cnn_reduction *d = reduce(r);
    assert_int_equal(d->session_count, 3);
    golden_compare(d->session_overhead[0], 5 / 150.0, 1e-12, "first session", 0);
    golden_compare(d->session_overhead[1], 10 / 40.0, 1e-12, "second session", 1);
    assert_true(isnan(d->session_overhead[2]));
    golden_compare(d->overhead, 15 / 190.0, 1e-12, "all", 2);
    cnn_reduction_destroy(&d);
    /* a clock that went back: children seem to live longer than their rank */
    set_attempt(r, 3, 0, CNN_OUTCOME_DONE, 1, 0, 4990, 30);
    d = reduce(r);
    assert_true(isnan(d->session_overhead[1]));
    cnn_reduction_destroy(&d);
    /* damaged rows are not followed */
    set_attempt(r, 4, 0, CNN_OUTCOME_DONE, 7, 0, 1000, 1);
    set_attempt(r, 5, 0, CNN_OUTCOME_DONE, 0, 99, 1000, 1);
    d = reduce(r);
    golden_compare(d->session_overhead[0], 5 / 150.0, 1e-12, "first session", 3);
    cnn_reduction_destroy(&d);
    cnn_results_free(&r);
}

static void test_damaged_results_are_refused(void **state)
{
    (void)state;
    cnn_results *r = make_done(12, 0);
    cnn_reduction *d = NULL;
    r->planned[3].cell = 6;
    assert_int_equal(cnn_reduction_create(r, &d), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "run 3"));
    r->planned[3].cell = 1;
    r->status[4] = 9;
    assert_int_equal(cnn_reduction_create(r, &d), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "status 9"));
    r->status[4] = CNN_RUN_DONE;
    r->cell_levels[2] = 3;
    assert_int_equal(cnn_reduction_create(r, &d), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "framework"));
    r->cell_levels[2] = 0;
    r->combination_count = 3;
    assert_int_equal(cnn_reduction_create(r, &d), CNN_EDATA);
    r->combination_count = COMBINATIONS;
    for (int i = 0; i < 12; i++)
        if (r->planned[i].level == 2)
            set_run(r, i, r->planned[i].combination, 1, 9, CNN_RUN_DONE);
    assert_int_equal(cnn_reduction_create(r, &d), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "no run of level 2"));
    assert_null(d);
    cnn_results_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_agree_with_r),
        cmocka_unit_test(test_comparisons_agree_with_r),
        cmocka_unit_test(test_runs_are_counted_by_status),
        cmocka_unit_test(test_value_that_is_unknown_is_left_out),
        cmocka_unit_test(test_overhead_counts_all_children_and_no_tail),
        cmocka_unit_test(test_damaged_results_are_refused),
    };
    return cmocka_run_group_tests_name("reduction", tests, NULL, NULL);
}
