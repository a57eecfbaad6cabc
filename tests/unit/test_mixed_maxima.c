/* SPDX-License-Identifier: Apache-2.0 */
/* The likelihood of a mixed model may have several maxima: the fit must report the highest, however
 * small the experiment and however many of its runs are missing. */
#include "stats/mixed/internal.h"

#include "base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RUNS = 256, LEVELS = 3, DESIGNS = 300, STARTS = 20, MOST_PARAMETERS = 8 };

typedef struct {
    cnn_mixed_data data;
    double y[RUNS];
    int level[RUNS], node[RUNS], device[RUNS], block[RUNS];
} runs;

/** Numbers of one design: uniform in 0..1, and normal. */
typedef struct {
    uint64_t seed, next;
} stream;

static double uniform(stream *s)
{
    return (cnn_philox_at(s->seed, CNN_RANDOM_SIGNS, 0, s->next++).w[0] + 0.5) / 4294967296.0;
}

static double normal(stream *s)
{
    const double radius = sqrt(-2 * log(uniform(s)));
    return radius * cos(6.283185307179586 * uniform(s));
}

static int whole(stream *s, int least, int most)
{
    return least + (int)(uniform(s) * (most - least + 1));
}

/** A small experiment: up to 2 nodes of 3 devices with 6 blocks of 2 or 3 levels, each component
 *  0 or some multiple of the residual, the levels' residuals alike or not, up to 40 % of the runs
 *  missing. */
static void draw_design(int number, runs *r)
{
    stream s = {(uint64_t)number, 0};
    const int levels = whole(&s, 2, LEVELS), nodes = whole(&s, 1, 2), devices = whole(&s, 1, 3);
    const int blocks = whole(&s, 1, 6);
    const double missing = uniform(&s) < 0.5 ? 0 : 0.4 * uniform(&s);
    double size[CNN_MIXED_COMPONENT_COUNT], residual[LEVELS];
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        size[k] = uniform(&s) < 0.5 ? 0 : 2 * uniform(&s);
    for (int l = 0; l < levels; l++)
        residual[l] = uniform(&s) < 0.7 ? 1 : 0.2 + 2 * uniform(&s);
    r->data = (cnn_mixed_data){.level_count = levels,
                               .y = r->y,
                               .level = r->level,
                               .node = r->node,
                               .device = r->device,
                               .block = r->block,
                               .residual_per_level = uniform(&s) < 0.8};
    for (int node = 0; node < nodes; node++) {
        const double at_node = size[CNN_MIXED_NODE] * normal(&s);
        for (int d = 0; d < devices; d++) {
            const double at_device = at_node + size[CNN_MIXED_DEVICE] * normal(&s);
            double at_level[LEVELS];
            for (int l = 0; l < levels; l++)
                at_level[l] = size[CNN_MIXED_DEVICE_LEVEL] * normal(&s);
            for (int b = 0; b < blocks; b++) {
                const double at_block = at_device + size[CNN_MIXED_BLOCK] * normal(&s);
                for (int l = 0; l < levels; l++) {
                    const double y = at_block + at_level[l] + residual[l] * normal(&s);
                    const int i = r->data.n;
                    if (uniform(&s) < missing)
                        continue;
                    r->node[i] = node;
                    r->device[i] = d;
                    r->block[i] = b;
                    r->level[i] = l;
                    r->y[i] = y;
                    r->data.n++;
                }
            }
        }
    }
}

/** The lowest REML deviance that searches from random points find. */
static double lowest_deviance(const runs *r, const cnn_mixed_fit *fit, int number)
{
    cnn_mixed_model *m = NULL;
    cnn_mixed_space *space = NULL;
    const bool per_level = fit->residual != NULL;
    bool varies = false;
    double floor = 0, lowest = INFINITY, x[MOST_PARAMETERS];
    stream s = {(uint64_t)number + 1000000, 0};
    assert_int_equal(cnn_mixed_model_create(&r->data, &m), CNN_OK);
    assert_int_equal(cnn_mixed_model_sums(m, r->y, &varies), CNN_OK);
    assert_int_equal(cnn_mixed_residual_floor(m, &fit->design, per_level, &floor), CNN_OK);
    assert_int_equal(cnn_mixed_space_create(m, &fit->design, per_level, floor, &space), CNN_OK);
    assert_true(space->count <= MOST_PARAMETERS);
    for (int start = 0; start < STARTS; start++) {
        cnn_mixed_optimum found;
        for (int k = 0; k < space->count; k++)
            x[k] = uniform(&s) < 0.3 ? 1.0001 * space->floor[k] : pow(10, -3.5 + 4 * uniform(&s));
        assert_int_equal(cnn_mixed_search(space, true, -1, x, &found), CNN_OK);
        lowest = fmin(lowest, found.deviance);
    }
    lowest += 2 * (m->runs - m->levels) * log(m->scale);
    cnn_mixed_space_destroy(&space);
    cnn_mixed_model_destroy(&m);
    return lowest;
}

static void test_no_start_finds_a_higher_maximum(void **state)
{
    (void)state;
    int fitted = 0;
    for (int i = 0; fitted < DESIGNS; i++) {
        runs *r = calloc(1, sizeof *r);
        cnn_mixed_fit *fit = NULL;
        assert_non_null(r);
        draw_design(i, r);
        assert_int_equal(cnn_mixed_fit_create(&r->data, (cnn_mixed_options){0, false}, &fit),
                         CNN_OK);
        if (fit->state < CNN_MIXED_NOT_CONVERGED) {
            const double best = -lowest_deviance(r, fit, i) / 2;
            fitted++;
            if (!(best - fit->reml_log_likelihood <= 1e-3))
                fail_msg("design %d: the fit reports a log likelihood of %.6f, another start %.6f",
                         i, fit->reml_log_likelihood, best);
        }
        cnn_mixed_fit_destroy(&fit);
        free(r);
    }
}

/** 30 combinations of two levels in 5 blocks on two or three devices, without any effect of devices:
 *  where a fit reports effects of devices and of devices x levels, a search from the corner where
 *  both are 0 must not end higher. */
static void test_effects_that_are_not_there_are_no_local_maximum(void **state)
{
    (void)state;
    enum { COMBINATIONS = 30, BLOCKS = 5 };
    int at_zero = 0;
    for (int i = 0; i < COMBINATIONS; i++) {
        stream s = {(uint64_t)i + 2000000, 0};
        runs *r = calloc(1, sizeof *r);
        cnn_mixed_fit *fit = NULL;
        assert_non_null(r);
        r->data = (cnn_mixed_data){.level_count = 2,
                                   .y = r->y,
                                   .level = r->level,
                                   .node = r->node,
                                   .device = r->device,
                                   .block = r->block,
                                   .residual_per_level = true};
        for (int b = 0; b < BLOCKS; b++)
            for (int l = 0; l < 2; l++, r->data.n++) {
                r->device[r->data.n] = b % (2 + i % 2);
                r->block[r->data.n] = b;
                r->level[r->data.n] = l;
                r->y[r->data.n] = 0.02 * l + 0.005 * normal(&s);
            }
        assert_int_equal(cnn_mixed_fit_create(&r->data, (cnn_mixed_options){0, false}, &fit),
                         CNN_OK);
        if (fit->state < CNN_MIXED_NOT_CONVERGED) {
            const double best = -lowest_deviance(r, fit, i + 3000000) / 2;
            if (!(best - fit->reml_log_likelihood <= 1e-3))
                fail_msg("combination %d: the fit reports a log likelihood of %.6f, another start "
                         "%.6f",
                         i, fit->reml_log_likelihood, best);
            at_zero += fit->component[CNN_MIXED_DEVICE].at_zero &&
                       fit->component[CNN_MIXED_DEVICE_LEVEL].at_zero;
        }
        cnn_mixed_fit_destroy(&fit);
        free(r);
    }
    assert_true(at_zero >= COMBINATIONS / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_start_finds_a_higher_maximum),
        cmocka_unit_test(test_effects_that_are_not_there_are_no_local_maximum),
    };
    return cmocka_run_group_tests_name("mixed maxima", tests, NULL, NULL);
}
