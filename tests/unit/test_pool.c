/* SPDX-License-Identifier: Apache-2.0 */
/* Files of one plan as one experiment; files of different plans are refused, with the difference.
 */
#include "golden_csv.h"
#include "job_results.h"

#include "analysis/analysis.h"
#include "analysis/pool.h"
#include "base/text.h"
#include "design/design.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JOB(seed, repeats, epochs, fraction, margin)                                               \
    "name: pooled\nrepeats: " repeats "\nseed: " seed "\ntrain: {epochs: " epochs                  \
    "}\nfactors:\n  framework: [native, layered]\n  architecture: [arch1]\n  dataset: "            \
    "[toy]\ncontrast: framework\n"                                                                 \
    "schedule: {warmup: 1}\nanalysis: {margin_time: " margin "}\ndatasets:\n"                      \
    "  toy: {type: synthetic, count: 100, test_fraction: " fraction "}\n"
#define FIRST  JOB("1", "4", "2", "0.2", "0.01")
#define SECOND JOB("2", "6", "2", "0.2", "0.01")

static cnn_pool *pool_two(cnn_results *a, cnn_results *b)
{
    const cnn_results *const files[] = {a, b};
    const char *const paths[] = {"a.h5", "b.h5"};
    cnn_pool *pool = NULL;
    if (cnn_pool_create(files, paths, 2, &pool) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return pool;
}

static cnn_analysis *analyse(const cnn_results *r, int looks)
{
    cnn_analysis *a = NULL;
    if (cnn_analysis_create(r, looks, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return a;
}

static void test_pool_holds_the_blocks_of_all_files(void **state)
{
    (void)state;
    cnn_results *a = job_results(FIRST, 1000), *b = job_results(SECOND, 90000);
    cnn_pool *pool = pool_two(b, a); /* by time, not as given */
    assert_int_equal(pool->source_count, 2);
    assert_string_equal(pool->sources[0].path, "b.h5");
    assert_int_equal(pool->sources[0].runs, a->run_count);
    assert_int_equal(pool->sources[0].blocks, 4);
    assert_int_equal(pool->sources[1].blocks, 6);
    assert_int_equal(pool->sources[1].first_run, a->run_count);
    assert_int_equal(pool->sources[1].repeated_seeds, 0);
    assert_true(pool->sources[1].other_split); /* the job's seed divides the images */
    assert_true(pool->sources[1].first_start == 90000);
    assert_int_equal(pool->results->run_count, a->run_count + b->run_count);
    assert_int_equal(pool->results->session_count, 2);
    const int run = a->run_count + 5;
    assert_int_equal(pool->results->measured[run].session, 1);
    assert_string_equal(pool->results->measured[run].device, b->measured[5].device);
    assert_int_equal(pool->results->planned[run].block, b->planned[5].block + a->run_count);
    assert_int_equal(pool->results->planned[run].repeat, b->planned[5].repeat + 4);
    cnn_analysis *x = analyse(pool->results, pool->source_count);
    assert_int_equal(cnn_analysis_comparison(x, 0, CNN_MEASURE_TRAIN_SECONDS)->blocks, 10);
    assert_int_equal(x->family_size[CNN_MEASURE_TRAIN_SECONDS][CNN_TEST_PAIRED], 2);
    assert_int_equal(x->scope.devices, JOB_RESULTS_DEVICES);
    assert_int_equal(x->scope.sessions, 2);
    cnn_analysis_destroy(&x);
    cnn_pool_destroy(&pool);
    assert_null(pool);
    cnn_results_free(&a);
    cnn_results_free(&b);
}

static void test_looks_count_in_the_family(void **state)
{
    (void)state;
    cnn_results *a = job_results(FIRST, 1000);
    cnn_analysis *once = analyse(a, 1), *third = analyse(a, 3);
    const cnn_comparison *x = cnn_analysis_comparison(once, 0, CNN_MEASURE_TRAIN_SECONDS);
    const cnn_comparison *y = cnn_analysis_comparison(third, 0, CNN_MEASURE_TRAIN_SECONDS);
    assert_true(x->paired_p < 1 / 3.0);
    golden_compare(y->paired_p_holm, 3 * x->paired_p, 1e-12, "paired_p_holm", 0);
    assert_true(y->detectable > x->detectable);
    cnn_analysis_destroy(&once);
    cnn_analysis_destroy(&third);
    cnn_results_free(&a);
}

static void test_one_file_is_a_pool_of_itself(void **state)
{
    (void)state;
    cnn_results *a = job_results(FIRST, 1000);
    const cnn_results *const files[] = {a};
    const char *const paths[] = {"a.h5"};
    cnn_pool *pool = NULL;
    assert_int_equal(cnn_pool_create(files, paths, 1, &pool), CNN_OK);
    assert_int_equal(pool->results->run_count, a->run_count);
    assert_memory_equal(pool->results->planned, a->planned,
                        (size_t)a->run_count * sizeof *a->planned);
    assert_false(pool->sources[0].other_split);
    cnn_pool_destroy(&pool);
    cnn_results_free(&a);
}

static void test_seeds_that_come_again_are_counted(void **state)
{
    (void)state;
    cnn_results *a = job_results(FIRST, 1000);
    cnn_results *b = job_results(JOB("1", "6", "2", "0.2", "0.01"), 90000);
    cnn_pool *pool = pool_two(a, b);
    assert_int_equal(pool->sources[0].repeated_seeds, 0);
    assert_int_equal(pool->sources[1].repeated_seeds, 4);
    assert_false(pool->sources[1].other_split);
    cnn_pool_destroy(&pool);
    cnn_results_free(&a);
    cnn_results_free(&b);
}

/** Files that all jobs named beforehand are one look; one that names others is not. */
static void test_named_files_are_one_look(void **state)
{
    (void)state;
#define NAMED(seed, names) JOB(seed, "4", "2", "0.2", "0.01, pool: [" names "]")
    static const char *const seconds[] = {NAMED("2", "a.h5, b.h5"), NAMED("2", "a.h5, c.h5"),
                                          NAMED("2", "a.h5, b.h5, c.h5"), SECOND};
    for (int i = 0; i < 4; i++) {
        cnn_results *a = job_results(NAMED("1", "a.h5, b.h5"), 1000);
        cnn_results *b = job_results(seconds[i], 90000);
        cnn_pool *pool = pool_two(a, b);
        assert_int_equal(pool->is_named, i == 0);
        cnn_pool_destroy(&pool);
        cnn_results_free(&a);
        cnn_results_free(&b);
    }
#undef NAMED
}

static void assert_refused(const cnn_results *a, const cnn_results *b, const char *part)
{
    const cnn_results *const files[] = {a, b};
    const char *const paths[] = {"a.h5", "b.h5"};
    cnn_pool *pool = NULL;
    assert_int_equal(cnn_pool_create(files, paths, 2, &pool), CNN_EUSAGE);
    assert_null(pool);
    if (!strstr(cnn_error_message(), part) || !strstr(cnn_error_message(), "'a.h5' and 'b.h5'"))
        fail_msg("'%s' lacks '%s'", cnn_error_message(), part);
}

static void test_other_jobs_are_refused_with_the_difference(void **state)
{
    (void)state;
    static const char *const others[][2] = {
        {JOB("2", "4", "3", "0.2", "0.01"), "\"epochs\":2 and \"epochs\":3"},
        {JOB("2", "4", "2", "0.25", "0.01"), "\"test_fraction\":0.2 and \"test_fraction\":0.25"},
        {JOB("2", "4", "2", "0.2", "0.02"), "margin_time is 0.01 and 0.02"},
    };
    cnn_results *a = job_results(FIRST, 1000);
    for (int i = 0; i < 3; i++) {
        cnn_results *b = job_results(others[i][0], 90000);
        assert_refused(a, b, others[i][1]);
        cnn_results_free(&b);
    }
    cnn_results *b = job_results(SECOND, 90000);
    cnn_copy_string(b->factors[0].labels[1], 8, "torch");
    assert_refused(a, b, "level 2 of framework is layered and torch");
    cnn_results_free(&b);
    b = job_results(SECOND, 90000);
    cnn_copy_string(b->backend, 7, "cudnn");
    assert_refused(a, b, "backends are onednn and cudnn");
    cnn_results_free(&b);
    cnn_results_free(&a);
}

static void test_the_same_runs_twice_are_refused(void **state)
{
    (void)state;
    cnn_results *a = job_results(FIRST, 1000), *b = job_results(FIRST, 1000);
    for (int i = 0; i < b->run_count; i++)
        if (i != 7)
            b->measured[i].start_time = NAN; /* one is enough */
    assert_refused(a, b, "same runs");
    cnn_results_free(&a);
    cnn_results_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_holds_the_blocks_of_all_files),
        cmocka_unit_test(test_looks_count_in_the_family),
        cmocka_unit_test(test_one_file_is_a_pool_of_itself),
        cmocka_unit_test(test_seeds_that_come_again_are_counted),
        cmocka_unit_test(test_named_files_are_one_look),
        cmocka_unit_test(test_other_jobs_are_refused_with_the_difference),
        cmocka_unit_test(test_the_same_runs_twice_are_refused),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
