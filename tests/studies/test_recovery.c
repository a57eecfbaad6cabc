/* SPDX-License-Identifier: Apache-2.0 */
/* What was planted is found again: variance components and effect, by the mixed model, over
 * hundreds of simulated studies of 40 devices. Bounds on counts come from the binomial distribution
 * (bounds.h), seeds are fixed. */
#include "analysis/analysis.h"
#include "bounds.h"
#include "rates.h"
#include "stats/dist.h"
#include "stats/mixed/mixed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    DEVICES = 40,
    STUDIES = 300,
    INCOMPLETE_STUDIES = 100,
    ZERO_STUDIES = 200,
    FIRST_SEED = 1000
};
#define LEVEL 0.95

/* clang-format off */
static const char job_text[] =
    "repeats: 160\n"
    "train: {epochs: 1}\n"
    "limits: {retries: 0}\n"
    "factors:\n"
    "  framework:\n"
    "    - name: a\n"
    "      simulate:\n"
    "        time: {run: 300, node: 0.03, device: 0.02, device_framework: 0.01, block: 0.015,\n"
    "               residual: 0.01}\n"
    "        devices_per_node: 2\n"
    "    - name: b\n"
    "      simulate:\n"
    "        time: {run: 300, ratio: 1.02, node: 0.03, device: 0.02, device_framework: 0.01,\n"
    "               block: 0.015, residual: 0.02}\n"
    "        devices_per_node: 2\n"
    "  architecture: [arch1]\n"
    "  dataset: [mnist]\n";
/* clang-format on */

static cnn_job *make_job(const char *const *sets)
{
    cnn_job *job = NULL;
    if (cnn_job_parse("recovery", job_text, sets, &job) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return job;
}

/** The runs of a study as the mixed model takes them. */
typedef struct {
    double *y;
    int *level, *node, *device, *block;
    cnn_mixed_data data;
} model_input;

static void take_runs(const cnn_results *r, model_input *in)
{
    const size_t n = (size_t)r->run_count;
    in->y = calloc(n, sizeof *in->y);
    in->level = calloc(n, sizeof *in->level);
    in->node = calloc(n, sizeof *in->node);
    in->device = calloc(n, sizeof *in->device);
    in->block = calloc(n, sizeof *in->block);
    assert_true(in->y && in->level && in->node && in->device && in->block);
    int done = 0;
    for (int i = 0; i < r->run_count; i++) {
        if (r->status[i] != CNN_RUN_DONE)
            continue;
        in->y[done] = log(r->measured[i].train_seconds);
        in->level[done] = r->planned[i].level;
        in->device[done] = r->measured[i].rank;
        in->node[done] = r->measured[i].rank / 2;
        in->block[done++] = r->planned[i].block;
    }
    in->data = (cnn_mixed_data){done, 2, in->y, in->level, in->node, in->device, in->block, true};
}

static void free_runs(model_input *in)
{
    free(in->y);
    free(in->level);
    free(in->node);
    free(in->device);
    free(in->block);
}

/** Draws the study with this seed. */
static cnn_results *run_study(cnn_job *job, int seed)
{
    cnn_design *design = NULL;
    cnn_results *results = NULL;
    job->seed = (uint32_t)seed;
    if (cnn_design_create(job, DEVICES, &design) != CNN_OK ||
        cnn_study_run(job, design, CNN_STUDY_BLOCKS, &results) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_design_destroy(&design);
    return results;
}

static cnn_mixed_fit *fit(const cnn_results *results, cnn_mixed_options options)
{
    cnn_mixed_fit *f = NULL;
    model_input in;
    take_runs(results, &in);
    if (cnn_mixed_fit_create(&in.data, options, &f) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    free_runs(&in);
    return f;
}

static cnn_mixed_fit *fit_study(cnn_job *job, int seed, cnn_mixed_options options)
{
    cnn_results *results = run_study(job, seed);
    cnn_mixed_fit *f = fit(results, options);
    cnn_results_free(&results);
    if (f->state > CNN_MIXED_FLAT)
        fail_msg("seed %d: state %d", seed, (int)f->state);
    return f;
}

/* ---- components and effect ----------------------------------------------------------------- */

/** What the job plants: sds of the four random effects and of both residuals. */
enum { PARTS = 6 };
static const double planted[PARTS] = {0.03, 0.02, 0.01, 0.015, 0.01, 0.02};
static const char *const part_names[PARTS] = {"node",  "device",     "device x framework",
                                              "block", "residual a", "residual b"};

static const cnn_mixed_estimate *part_of(const cnn_mixed_fit *f, int part)
{
    return part < CNN_MIXED_RESIDUAL ? &f->component[part]
                                     : &f->residual[part - CNN_MIXED_RESIDUAL];
}

typedef struct {
    int covered[PARTS], effect_covered, studies;
    double sum[PARTS], squares[PARTS]; /* of estimated over planted variance */
} recovery;

static void add_study(recovery *r, const cnn_mixed_fit *f)
{
    double error;
    const double effect = cnn_mixed_difference(f, 1, 0, &error) - log(1.02);
    for (int part = 0; part < PARTS; part++) {
        const cnn_mixed_estimate *e = part_of(f, part);
        const double ratio = e->variance / (planted[part] * planted[part]);
        assert_true(isfinite(e->low) && isfinite(e->high)); /* else it would count as a miss */
        r->covered[part] += e->low <= planted[part] && planted[part] <= e->high;
        r->sum[part] += ratio;
        r->squares[part] += ratio * ratio;
    }
    /* Devices are what the effect's error rests on: t with one degree of freedom less than these.
     */
    r->effect_covered += fabs(effect) <= cnn_student_quantile((1 + LEVEL) / 2, DEVICES - 1) * error;
    r->studies++;
}

static void assert_covers(int covered, int studies, const char *what)
{
    if (!cnn_at_least(covered, studies, LEVEL) || !cnn_at_most(covered, studies, LEVEL))
        fail_msg("%s: %d of %d intervals at %g cover what was planted", what, covered, studies,
                 LEVEL);
}

/** REML has no bias where no estimate is at the boundary: the mean lies within 4 standard errors of
 *  what was planted. */
static void assert_unbiased(const recovery *r, int part)
{
    const double n = r->studies, mean = r->sum[part] / n;
    const double error = sqrt((r->squares[part] / n - mean * mean) / n);
    if (fabs(mean - 1) > 4 * error)
        fail_msg("%s: %g of the planted variance on average, standard error %g", part_names[part],
                 mean, error);
}

static void assert_recovers(const char *const *sets, int studies)
{
    recovery r = {0};
    cnn_job *job = make_job(sets);
    for (int s = 0; s < studies; s++) {
        cnn_mixed_fit *f = fit_study(job, FIRST_SEED + s, (cnn_mixed_options){LEVEL, false});
        add_study(&r, f);
        cnn_mixed_fit_destroy(&f);
    }
    for (int part = 0; part < PARTS; part++) {
        assert_covers(r.covered[part], r.studies, part_names[part]);
        assert_unbiased(&r, part);
    }
    assert_covers(r.effect_covered, r.studies, "effect");
    cnn_job_destroy(&job);
}

static void test_components_and_effect_are_recovered(void **state)
{
    (void)state;
    assert_recovers(NULL, STUDIES);
}

/** A fifth of the runs fail, so that blocks and devices have unequal shares. */
static void test_they_are_recovered_from_incomplete_studies(void **state)
{
    (void)state;
    static const char *const sets[] = {"factors.framework.0.simulate.failures=0.1",
                                       "factors.framework.1.simulate.failures=0.3", NULL};
    assert_recovers(sets, INCOMPLETE_STUDIES);
}

/* ---- tests of components ------------------------------------------------------------------- */

/** A component that is not there is found in no more than 5 % of the studies (the mixture of
 *  chi-squareds is a limit, and careful before it); one that is there, in most. */
static void test_components_are_found_where_they_are(void **state)
{
    (void)state;
    static const char *const without[] = {
        "factors.framework.0.simulate.time.node=0", "factors.framework.1.simulate.time.node=0",
        "factors.framework.0.simulate.time.device_framework=0",
        "factors.framework.1.simulate.time.device_framework=0", NULL};
    int node = 0, interaction = 0, device = 0, block = 0;
    cnn_job *job = make_job(without);
    for (int s = 0; s < ZERO_STUDIES; s++) {
        cnn_mixed_fit *f = fit_study(job, FIRST_SEED + s, (cnn_mixed_options){0, true});
        node += f->component[CNN_MIXED_NODE].p < 0.05;
        interaction += f->component[CNN_MIXED_DEVICE_LEVEL].p < 0.05;
        device += f->component[CNN_MIXED_DEVICE].p < 0.05;
        block += f->component[CNN_MIXED_BLOCK].p < 0.05;
        cnn_mixed_fit_destroy(&f);
    }
    assert_true(cnn_at_most(node, ZERO_STUDIES, 0.05));
    assert_true(cnn_at_most(interaction, ZERO_STUDIES, 0.05));
    assert_true(node + interaction > 0); /* the tests are not dead */
    assert_true(cnn_at_least(device, ZERO_STUDIES, 0.95));
    assert_true(cnn_at_least(block, ZERO_STUDIES, 0.99));
    cnn_job_destroy(&job);
}

/* ---- the analysis says the same ------------------------------------------------------------ */

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-6 * fabs(b) + 1e-12))
        fail_msg("%.12g is not %.12g", a, b);
}

/** The components of an analysis are those of the fits above: hosts and devices are told apart by
 *  the names that a results file has. */
static void test_the_analysis_agrees(void **state)
{
    (void)state;
    enum { FEW = 3 };
    cnn_job *job = make_job(NULL);
    for (int s = 0; s < FEW; s++) {
        cnn_results *results = run_study(job, FIRST_SEED + s);
        cnn_mixed_fit *f = fit(results, (cnn_mixed_options){LEVEL, true});
        cnn_analysis *a = NULL;
        if (cnn_analysis_create(results, 1, &a) != CNN_OK)
            fail_msg("%s", cnn_error_message());
        for (int part = 0; part < PARTS; part++) {
            const int c =
                part < CNN_MIXED_RESIDUAL ? part : CNN_COMPONENT_LEVELS + part - CNN_MIXED_RESIDUAL;
            const cnn_component *found = cnn_analysis_component(a, 0, CNN_MEASURE_TRAIN_SECONDS, c);
            assert_close(found->sd, part_of(f, part)->sd);
            assert_close(found->sd_lower, part_of(f, part)->low);
            assert_close(found->sd_upper, part_of(f, part)->high);
        }
        double error;
        const cnn_fixed *fixed = cnn_analysis_fixed(a, 0, CNN_MEASURE_TRAIN_SECONDS, 1);
        assert_close(fixed->effect, cnn_mixed_difference(f, 1, 0, &error));
        assert_close(fixed->effect_se, error);
        cnn_analysis_destroy(&a);
        cnn_mixed_fit_destroy(&f);
        cnn_results_free(&results);
    }
    cnn_job_destroy(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_components_and_effect_are_recovered),
        cmocka_unit_test(test_they_are_recovered_from_incomplete_studies),
        cmocka_unit_test(test_components_are_found_where_they_are),
        cmocka_unit_test(test_the_analysis_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
