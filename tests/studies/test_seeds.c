/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds against machine: what the analysis says of runs that repeat a seed on several devices,
 * where it is known which of them are nondeterministic and how far devices differ. */
#include "analysis/analysis.h"
#include "bounds.h"
#include "study.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEVICES = 6, SEEDS = 200, CELLS = 2, GROUPS = CELLS * SEEDS };

static const char job_text[] =
    "seeds: {crossed: 200}\n"
    "train: {epochs: 1}\n"
    "limits: {retries: 0}\n"
    "factors:\n"
    "  framework:\n"
    "    - {name: a, simulate: {time: {run: 300, residual: 0.01, block: 0.02},\n"
    "       error: {mean: 0.1, seed: 0.002, residual: 0.001}}}\n"
    "    - {name: b, simulate: {time: {run: 300, residual: 0.01, block: 0.02},\n"
    "       error: {mean: 0.1, seed: 0.002, residual: 0.001}}}\n"
    "  architecture: [arch1]\n"
    "  dataset: [mnist]\n";

static cnn_analysis *analyse(const char *const *sets)
{
    cnn_job *job = NULL;
    cnn_design *design = NULL;
    cnn_results *results = NULL;
    cnn_analysis *a = NULL;
    if (cnn_job_parse("seeds", job_text, sets, &job) != CNN_OK ||
        cnn_design_create(job, DEVICES, &design) != CNN_OK ||
        cnn_study_run(job, design, CNN_STUDY_BLOCKS, &results) != CNN_OK ||
        cnn_analysis_create(results, 1, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_results_free(&results);
    cnn_design_destroy(&design);
    cnn_job_destroy(&job);
    assert_int_equal(a->seed_group_count, GROUPS);
    return a;
}

/** One checksum, one error, and times that differ as block and run do: the planted variance, within
 * 5 standard errors of a chi-squared variable over its degrees of freedom. */
static void test_identical_weights_show_the_machine(void **state)
{
    (void)state;
    cnn_analysis *a = analyse(NULL);
    double variance = 0;
    for (int g = 0; g < GROUPS; g++) {
        const cnn_seed_group *group = &a->seed_groups[g];
        assert_int_equal(group->kind, CNN_SEED_IDENTICAL);
        assert_int_equal(group->runs, DEVICES);
        assert_int_equal(group->devices, DEVICES);
        assert_int_equal(group->checksums, 1);
        assert_true(group->error_min == group->error_max);
        variance += group->time_cv * group->time_cv / GROUPS;
    }
    const double planted = 0.02 * 0.02 + 0.01 * 0.01;
    /* the two cells share the blocks' effects: half of the groups count */
    assert_true(fabs(variance / planted - 1) < 5 * sqrt(2.0 / (SEEDS * (DEVICES - 1))));
    for (int c = 0; c < CELLS; c++) {
        const double noise = a->cell_seeds[c].noise_sd * a->cell_seeds[c].noise_sd;
        assert_int_equal(a->cell_seeds[c].identical, SEEDS);
        assert_true(fabs(noise / planted - 1) < 5 * sqrt(2.0 / (SEEDS * (DEVICES - 1))));
    }
    cnn_analysis_destroy(&a);
}

/** A seed's weights agree where none of its six runs of a cell is one of the stated share. */
static void test_nondeterminism_is_the_stated_share(void **state)
{
    (void)state;
    static const char *const sets[] = {"factors.framework.1.simulate.nondeterminism=0.1", NULL};
    cnn_analysis *a = analyse(sets);
    int different = 0, checksums = 0;
    for (int g = 0; g < GROUPS; g++) {
        const cnn_seed_group *group = &a->seed_groups[g];
        const int differs = group->kind == CNN_SEED_DIFFERENT;
        assert_int_equal(differs, group->checksums > 1);
        assert_int_equal(differs, group->error_max > group->error_min);
        assert_false(differs && group->cell == 0); /* a is deterministic */
        different += differs;
        checksums += group->cell == 1 ? group->checksums - 1 : 0;
    }
    const double p = 1 - pow(0.9, DEVICES);
    assert_true(cnn_at_most(different, SEEDS, p) && cnn_at_least(different, SEEDS, p));
    /* each deviating run has a checksum of its own */
    assert_true(cnn_at_most(checksums, SEEDS * DEVICES, 0.1));
    assert_true(cnn_at_least(checksums, SEEDS * DEVICES, 0.1));
    cnn_analysis_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identical_weights_show_the_machine),
        cmocka_unit_test(test_nondeterminism_is_the_stated_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
