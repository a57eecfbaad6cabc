/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals of the statistics cover what was planted at their level: 1,000 simulated studies of 6
 * comparisons with 15 blocks each. Bounds come from the binomial distribution (bounds.h). */
#include "bounds.h"
#include "rates.h"
#include "stats/describe.h"
#include "stats/effect.h"
#include "stats/t_tests.h"
#include "stats/variance_tests.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEVICES = 8, STUDIES = 1000, FIRST_SEED = 90000 };
#define LEVEL 0.95

#define SET(framework, key, value) "factors.framework." #framework ".simulate.time." #key "=" #value

/** Counts intervals of all comparisons that hold a value. */
typedef struct {
    const char *what;
    double truth;
    int covered, all;
} tally;

static void count(tally *t, cnn_interval interval)
{
    t->covered += interval.low <= t->truth && t->truth <= interval.high;
    t->all++;
}

/** At the level, neither more nor less. */
static void assert_at(const tally *t, double level)
{
    if (!cnn_at_least(t->covered, t->all, level) || !cnn_at_most(t->covered, t->all, level))
        fail_msg("%s: %d of %d intervals cover %g", t->what, t->covered, t->all, t->truth);
}

/** Of an interval that is an approximation: off by no more than `slack`. */
static void assert_about(const tally *t, double level, double slack)
{
    if (!cnn_at_least(t->covered, t->all, level - slack) ||
        !cnn_at_most(t->covered, t->all, level + slack))
        fail_msg("%s: %d of %d intervals cover %g", t->what, t->covered, t->all, t->truth);
}

/** Calls `judge` for every comparison of every study. */
static void for_all(const char *const *sets, void (*judge)(const cnn_sample *, void *), void *user)
{
    cnn_job *job = NULL;
    if (cnn_job_read(CNN_STUDY_JOB, sets, &job) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    for (int s = 0; s < STUDIES; s++) {
        cnn_design *design = NULL;
        cnn_results *results = NULL;
        job->seed = (uint32_t)(FIRST_SEED + s);
        assert_int_equal(cnn_design_create(job, DEVICES, &design), CNN_OK);
        assert_int_equal(cnn_study_run(job, design, CNN_STUDY_BLOCKS, &results), CNN_OK);
        for (int c = 0; c < results->combination_count; c++) {
            cnn_sample sample;
            assert_int_equal(cnn_sample_take(results, c, &sample), CNN_OK);
            judge(&sample, user);
            cnn_sample_free(&sample);
        }
        cnn_results_free(&results);
        cnn_design_destroy(&design);
    }
    cnn_job_destroy(&job);
}

/* ---- blocks -------------------------------------------------------------------------------- */

enum { MEAN, MEDIAN, PAIRED, VARIANCES, BLOCK_TALLIES };

static void judge_blocks(const cnn_sample *s, void *user)
{
    tally *t = user;
    cnn_description a;
    assert_int_equal(cnn_describe(s->a, s->n, LEVEL, &a), CNN_OK);
    count(&t[MEAN], a.mean_interval);
    count(&t[MEDIAN], a.median_interval);
    assert_true(fabs(a.median_level - 0.96484375) < 1e-12); /* binomial(15, 1/2) from 4 to 11 */
    count(&t[PAIRED], cnn_t_paired(s->a, s->b, s->n, LEVEL).interval);
    count(&t[VARIANCES], cnn_pitman_morgan(s->a, s->b, s->n, LEVEL).interval);
}

/** Blocks have an effect of their own, and b varies more than a. */
static void test_intervals_on_blocks_cover(void **state)
{
    (void)state;
    static const char *const sets[] = {SET(0, node, 0),        SET(1, node, 0),
                                       SET(0, device, 0),      SET(1, device, 0),
                                       SET(0, block, 0.01),    SET(1, block, 0.01),
                                       SET(0, residual, 0.01), SET(1, residual, 0.02),
                                       SET(1, ratio, 1.01),    NULL};
    const double effect = -log(1.01);
    tally t[BLOCK_TALLIES] = {
        [MEAN] = {"mean", log(300), 0, 0},
        [MEDIAN] = {"median", log(300), 0, 0},
        [PAIRED] = {"paired difference", effect, 0, 0},
        [VARIANCES] = {"ratio of variances in blocks", 0.0002 / 0.0005, 0, 0},
    };
    for_all(sets, judge_blocks, t);
    assert_at(&t[MEAN], LEVEL);
    assert_at(&t[MEDIAN], 0.96484375);
    assert_at(&t[PAIRED], LEVEL);
    assert_at(&t[VARIANCES], LEVEL);
}

/* ---- independent samples ------------------------------------------------------------------- */

enum { WELCH, EFFECT, SUPERIORITY, F_RATIO, SAMPLE_TALLIES };

static void judge_samples(const cnn_sample *s, void *user)
{
    tally *t = user;
    cnn_superiority superiority;
    assert_int_equal(cnn_probability_greater(s->a, s->n, s->b, s->n, LEVEL, &superiority), CNN_OK);
    count(&t[WELCH], cnn_t_welch(s->a, s->n, s->b, s->n, LEVEL).interval);
    count(&t[EFFECT], cnn_hedges_unpaired(s->a, s->n, s->b, s->n, LEVEL).interval);
    count(&t[SUPERIORITY], superiority.interval);
    count(&t[F_RATIO], cnn_f_test(s->a, s->n, s->b, s->n, LEVEL).interval);
}

/** Nothing but residuals, alike in both, and a difference of about one of their sds. */
static void test_intervals_on_samples_cover(void **state)
{
    (void)state;
    static const char *const sets[] = {SET(0, node, 0),   SET(1, node, 0),     SET(0, device, 0),
                                       SET(1, device, 0), SET(1, ratio, 1.01), NULL};
    const double size = -log(1.01) / 0.01;
    tally t[SAMPLE_TALLIES] = {
        [WELCH] = {"Welch's difference", -log(1.01), 0, 0},
        [EFFECT] = {"effect size", size, 0, 0},
        [SUPERIORITY] = {"P(A > B)", cnn_normal_cdf(size / sqrt(2)), 0, 0},
        [F_RATIO] = {"ratio of variances", 1, 0, 0},
    };
    for_all(sets, judge_samples, t);
    assert_about(&t[WELCH], LEVEL, 0.002);
    assert_at(&t[EFFECT], LEVEL);
    assert_about(&t[SUPERIORITY], LEVEL, 0.015);
    assert_at(&t[F_RATIO], LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals_on_blocks_cover),
        cmocka_unit_test(test_intervals_on_samples_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
