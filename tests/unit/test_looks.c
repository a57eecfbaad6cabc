/* SPDX-License-Identifier: Apache-2.0 */
/* Declared looks: which blocks a verdict uses, at which level, and what an unfinished study says. */
#include "experiment.h"
#include "golden_csv.h"

#include "analysis/analysis.h"
#include "design/design.h"
#include "job/looks.h"
#include "stats/spending.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_levels_agree_with_r(void **state)
{
    (void)state;
    golden g = golden_read("tests/golden/spending.csv");
    double fractions[10];
    for (int i = 0; i < g.row_count; i++) {
        const int look = (int)golden_number(&g, i, "look") - 1;
        fractions[look] = golden_number(&g, i, "fraction");
        golden_compare(cnn_look_alpha(golden_number(&g, i, "alpha"), fractions, look),
                       golden_number(&g, i, "level"), 1e-8, "level", i);
    }
    assert_true(g.row_count > 50);
    golden_free(&g);
}

static void test_blocks_of_a_look(void **state)
{
    (void)state;
    assert_int_equal(cnn_look_blocks(1, 15, 1), 15);
    assert_int_equal(cnn_look_blocks(0.33, 15, 1), 5);
    assert_int_equal(cnn_look_blocks(0.2, 15, 1), 3); /* not 4, by rounding */
    assert_int_equal(cnn_look_blocks(0.01, 15, 1), 1);
    assert_int_equal(cnn_look_blocks(0.5, 24, 8), 16); /* two of three seeds on 8 devices */
    assert_int_equal(cnn_look_blocks(0.9, 10, 4), 10);
}

enum { BLOCKS = 12 };

/** Two combinations of two levels; level 1 is slower. Runs of repeats from `ended` on are missing
 *  but for those of repeat `late`. */
static cnn_results *make(const double *looks, int count, int ended, int late)
{
    static const double noise[] = {0.3, -0.2, 0.5, -0.6, 0.1, -0.4, 0.6, -0.3};
    cnn_results *r = experiment_make_done(2, 2, BLOCKS, 1);
    r->look_count = count;
    memcpy(r->looks, looks, (size_t)count * sizeof *looks);
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        r->measured[i].train_seconds = 100 + 10 * p->level + noise[(p->repeat + 3 * p->level) % 8];
        cnn_copy_string(r->measured[i].device, sizeof r->measured[i].device, "gpu");
        if (p->repeat >= ended && p->repeat != late)
            r->status[i] = CNN_RUN_PLANNED;
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

static const double thirds[] = {1.0 / 3, 2.0 / 3, 1};

static void test_a_look_uses_its_blocks_and_no_others(void **state)
{
    (void)state;
    static const struct {
        int ended, late, number, blocks;
    } cases[] = {{3, -1, 0, BLOCKS}, {4, -1, 1, 4},  {7, 11, 1, 4},
                 {8, 10, 2, 8},      {11, -1, 2, 8}, {BLOCKS, -1, 3, BLOCKS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_results *r = make(thirds, 3, cases[i].ended, cases[i].late);
        cnn_analysis *a = analyse(r);
        const cnn_comparison *x = cnn_analysis_comparison(a, 0, CNN_MEASURE_TRAIN_SECONDS);
        assert_int_equal(a->look.number, cases[i].number);
        assert_int_equal(a->look.blocks, cases[i].blocks);
        assert_int_equal(a->look.interim, cases[i].ended < BLOCKS);
        if (cases[i].number) {
            assert_int_equal(x->blocks, cases[i].blocks);
            assert_int_equal(x->verdict, CNN_VERDICT_FASTER);
            assert_true(a->alpha == cnn_look_alpha(0.05, thirds, cases[i].number - 1));
            assert_int_equal(a->total.missing, 0);
        } else {
            assert_int_equal(x->verdict, CNN_VERDICT_INCONCLUSIVE);
            assert_int_equal(x->verdict_reason, CNN_REASON_INTERIM);
            assert_int_equal(x->variance_verdict, CNN_VARIANCE_INCONCLUSIVE);
            assert_true(x->paired_p < 0.05); /* the figures are there */
        }
        cnn_analysis_destroy(&a);
        cnn_results_free(&r);
    }
}

static void test_an_unfinished_study_without_looks_has_no_verdict(void **state)
{
    (void)state;
    static const double end[] = {1};
    cnn_results *r = make(end, 1, 11, -1);
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->look.number, 0);
    assert_true(a->look.interim);
    assert_int_equal(cnn_analysis_comparison(a, 1, CNN_MEASURE_TRAIN_SECONDS)->verdict_reason,
                     CNN_REASON_INTERIM);
    cnn_analysis_destroy(&a);
    for (int i = 0; i < r->run_count; i++) /* a failed run has ended */
        r->status[i] = r->status[i] == CNN_RUN_PLANNED ? CNN_RUN_FAILED : r->status[i];
    a = analyse(r);
    assert_int_equal(a->look.number, 1);
    assert_int_equal(cnn_analysis_comparison(a, 1, CNN_MEASURE_TRAIN_SECONDS)->verdict,
                     CNN_VERDICT_FASTER);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_damaged_looks_are_refused(void **state)
{
    (void)state;
    static const double falling[] = {0.7, 0.3, 1}, short_of_all[] = {0.3, 0.7, 0.9};
    const double *const bad[] = {falling, short_of_all};
    for (int i = 0; i < 2; i++) {
        cnn_results *r = make(bad[i], 3, BLOCKS, -1);
        cnn_analysis *a = NULL;
        assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_EDATA);
        cnn_results_free(&r);
    }
}

/** Queues: the blocks of an earlier look come first, with all devices and with a common queue. */
static void test_queues_take_looks_in_order(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "repeats: 10\nfactors: {framework: [native, layered], architecture: [arch1, arch2], "
        "dataset: [mnist]}\nanalysis: {looks: [0.3, 0.6, 1]}\n",
        "repeats: 10\nfactors: {framework: [native, layered], architecture: [arch1, arch2], "
        "dataset: [mnist]}\nanalysis: {looks: [0.3, 0.6, 1]}\nschedule: {assign: dynamic}\n"};
    for (int t = 0; t < 2; t++) {
        cnn_job *job = NULL;
        cnn_design *d = NULL;
        assert_int_equal(cnn_job_parse("j", texts[t], NULL, &job), CNN_OK);
        assert_int_equal(cnn_design_create(job, 3, &d), CNN_OK);
        for (int device = 0; device < 3; device++)
            for (int q = d->queue_start[device] + 1; q < d->queue_start[device + 1]; q++) {
                const int before = d->blocks[d->queue[q - 1]].repeat;
                const int here = d->blocks[d->queue[q]].repeat;
                assert_true((before >= 3) + (before >= 6) <= (here >= 3) + (here >= 6));
            }
        cnn_design_destroy(&d);
        cnn_job_destroy(&job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_agree_with_r),
        cmocka_unit_test(test_blocks_of_a_look),
        cmocka_unit_test(test_a_look_uses_its_blocks_and_no_others),
        cmocka_unit_test(test_an_unfinished_study_without_looks_has_no_verdict),
        cmocka_unit_test(test_damaged_looks_are_refused),
        cmocka_unit_test(test_queues_take_looks_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
