/* SPDX-License-Identifier: Apache-2.0 */
/* The mixed model against lme4 and nlme (tests/golden/mixed.R), against sums of squares of balanced
 * data, against the likelihood of a dense covariance matrix; and where there is nothing to fit. */
#include "golden_csv.h"

#include "stats/mixed/internal.h"

#include <lapacke.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 4096, LEVELS = 8 };

/** Runs with room to change them. */
typedef struct {
    cnn_mixed_data data;
    double y[RUNS];
    int level[RUNS], node[RUNS], device[RUNS], block[RUNS];
} runs;

static runs *runs_new(int level_count)
{
    runs *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->data = (cnn_mixed_data){.level_count = level_count,
                               .y = r->y,
                               .level = r->level,
                               .node = r->node,
                               .device = r->device,
                               .block = r->block};
    return r;
}

static void add_run(runs *r, int node, int device, int block, int level, double y)
{
    const int i = r->data.n++;
    assert_true(i < RUNS);
    r->node[i] = node;
    r->device[i] = device;
    r->block[i] = block;
    r->level[i] = level;
    r->y[i] = y;
}

/** Uniform, -1..1, the same everywhere. */
static double noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state / 2147483648.0 - 1;
}

/** nodes x devices x blocks x levels x copies, each effect of the given size. */
static runs *balanced(int nodes, int devices, int blocks, int levels, int copies,
                      const double *size)
{
    runs *r = runs_new(levels);
    for (int node = 0; node < nodes; node++) {
        const double at_node = size[CNN_MIXED_NODE] * noise();
        for (int d = 0; d < devices; d++) {
            const double at_device = at_node + size[CNN_MIXED_DEVICE] * noise();
            double at_level[LEVELS];
            for (int l = 0; l < levels; l++)
                at_level[l] = size[CNN_MIXED_DEVICE_LEVEL] * noise();
            for (int b = 0; b < blocks; b++) {
                const double at_block = at_device + size[CNN_MIXED_BLOCK] * noise();
                for (int l = 0; l < levels * copies; l++)
                    add_run(r, node, d, b, l % levels,
                            5 + 0.1 * (l % levels) + at_block + at_level[l % levels] +
                                size[CNN_MIXED_RESIDUAL] * noise());
            }
        }
    }
    return r;
}

static const double sizes[] = {0.09, 0.05, 0.02, 0.04, 0.03};

static cnn_mixed_fit *fit_of(const cnn_mixed_data *data, double confidence, bool tests)
{
    cnn_mixed_fit *fit = NULL;
    if (cnn_mixed_fit_create(data, (cnn_mixed_options){confidence, tests}, &fit) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return fit;
}

/* ---- lme4 and nlme ---- */

static runs *golden_runs(const golden *g, const char *name, int level_count, bool per_level)
{
    runs *r = runs_new(level_count);
    r->data.residual_per_level = per_level;
    for (int i = 0; i < g->row_count; i++)
        if (!strcmp(golden_text(g, i, "case"), name))
            add_run(r, (int)golden_number(g, i, "node"), (int)golden_number(g, i, "device"),
                    (int)golden_number(g, i, "block"), (int)golden_number(g, i, "level"),
                    golden_number(g, i, "y"));
    return r;
}

/** component of a golden row: index in cnn_mixed_component, or CNN_MIXED_COMPONENT_COUNT + level.
 */
static int component_index(const char *label)
{
    static const char *const labels[] = {"node", "device", "device_level", "block", "residual"};
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        if (!strcmp(labels[k], label))
            return k;
    assert_true(!strncmp(label, "level", 5));
    return CNN_MIXED_COMPONENT_COUNT + label[5] - '0';
}

static void compare_components(const cnn_mixed_fit *fit, const char *name, double tolerance)
{
    golden g = golden_read("tests/golden/mixed_components.csv");
    bool seen[CNN_MIXED_COMPONENT_COUNT] = {false};
    for (int i = 0; i < g.row_count; i++) {
        if (strcmp(golden_text(&g, i, "case"), name))
            continue;
        const int k = component_index(golden_text(&g, i, "component"));
        const cnn_mixed_estimate *e = k < CNN_MIXED_COMPONENT_COUNT
                                          ? &fit->component[k]
                                          : &fit->residual[k - CNN_MIXED_COMPONENT_COUNT];
        seen[k < CNN_MIXED_COMPONENT_COUNT ? k : CNN_MIXED_RESIDUAL] = true;
        assert_true(e->identified);
        /* a variance that is zero there is zero here; relative to the total otherwise */
        const double tiny = 1e-9 * fit->total_variance;
        const double variance = golden_number(&g, i, "variance"),
                     ml = golden_number(&g, i, "ml_variance");
        if (variance < tiny)
            assert_true(e->at_zero && e->variance == 0);
        else
            golden_compare(e->variance, variance, tolerance, "variance", i);
        if (ml < tiny)
            assert_true(e->ml_variance == 0);
        else
            golden_compare(e->ml_variance, ml, tolerance, "ml_variance", i);
        golden_compare(e->low, golden_number(&g, i, "low"), tolerance, "low", i);
        golden_compare(e->high, golden_number(&g, i, "high"), tolerance, "high", i);
        const double statistic = golden_number(&g, i, "statistic");
        if (statistic < 1e-6) {
            assert_true(e->at_zero && e->statistic == 0 && e->p == 1);
        } else if (!isnan(statistic)) {
            golden_compare(e->statistic, statistic, tolerance, "statistic", i);
            golden_compare(e->p, golden_number(&g, i, "p"), 10 * tolerance, "p", i);
        }
    }
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        assert_int_equal(seen[k], fit->component[k].identified);
    golden_free(&g);
}

static void compare_means(const cnn_mixed_fit *fit, const char *name, double tolerance)
{
    golden g = golden_read("tests/golden/mixed_means.csv");
    for (int i = 0; i < g.row_count; i++) {
        if (strcmp(golden_text(&g, i, "case"), name))
            continue;
        const int l = (int)golden_number(&g, i, "level");
        golden_compare(fit->mean[l], golden_number(&g, i, "mean"), tolerance, "mean", i);
        golden_compare(fit->covariance[l * fit->level_count + l], golden_number(&g, i, "variance"),
                       tolerance, "variance", i);
        golden_compare(fit->covariance[l * fit->level_count],
                       golden_number(&g, i, "covariance_with_first"), tolerance, "covariance", i);
    }
    golden_free(&g);
}

/** Shares of a run's variance: of all components one whole; of a level's residual, with the other
 *  components. */
static void check_shares(const cnn_mixed_fit *fit)
{
    double sum = 0, others = 0;
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++) {
        if (!fit->component[k].identified)
            continue;
        sum += fit->component[k].share;
        others += k != CNN_MIXED_RESIDUAL ? fit->component[k].variance : 0;
        golden_compare(fit->component[k].share * fit->total_variance, fit->component[k].variance,
                       1e-12, "share", k);
    }
    golden_compare(sum, 1, 1e-12, "sum of shares", 0);
    for (int l = 0; fit->residual && l < fit->level_count; l++)
        golden_compare(fit->residual[l].share, 1 / (1 + others / fit->residual[l].variance), 1e-12,
                       "level's share", l);
}

static int levels_of(const char *name)
{
    golden g = golden_read("tests/golden/mixed_means.csv");
    int count = 0;
    for (int i = 0; i < g.row_count; i++)
        count += !strcmp(golden_text(&g, i, "case"), name);
    golden_free(&g);
    return count;
}

static void test_fits_agree_with_lme4_and_nlme(void **state)
{
    (void)state;
    golden g = golden_read("tests/golden/mixed_runs.csv");
    golden fits = golden_read("tests/golden/mixed_fits.csv");
    for (int i = 0; i < fits.row_count; i++) {
        const char *name = golden_text(&fits, i, "case");
        const bool per_level = golden_number(&fits, i, "per_level") != 0;
        /* lme4's search has no gradient. Where one component is 700 times another it ends where
         * the derivatives, written out in R, are 1e-5 of their terms; here they are 1e-11. */
        const double tolerance = strcmp(name, "mixed_models_of_devices") ? 1e-5 : 3e-5;
        print_message("%s\n", name);
        runs *r = golden_runs(&g, name, levels_of(name), per_level);
        assert_int_equal(r->data.n, (int)golden_number(&fits, i, "runs"));
        cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
        assert_int_equal(fit->state, CNN_MIXED_CONVERGED);
        golden_compare(fit->reml_log_likelihood, golden_number(&fits, i, "reml"), tolerance, "reml",
                       i);
        golden_compare(fit->ml_log_likelihood, golden_number(&fits, i, "ml"), tolerance, "ml", i);
        golden_compare(fit->residual_statistic, golden_number(&fits, i, "equal_statistic"),
                       tolerance, "equal_statistic", i);
        compare_components(fit, name, tolerance);
        check_shares(fit);
        compare_means(fit, name, tolerance);
        cnn_mixed_fit_destroy(&fit);
        free(r);
    }
    golden_free(&fits);
    golden_free(&g);
}

/* ---- the likelihood by its definition ---- */

/** Covariance of runs i and j. */
static double covariance(const runs *r, const double *v, int i, int j)
{
    double c = 0;
    if (r->node[i] != r->node[j])
        return 0;
    c += v[CNN_MIXED_NODE];
    if (r->device[i] != r->device[j])
        return c;
    c += v[CNN_MIXED_DEVICE];
    c += r->level[i] == r->level[j] ? v[CNN_MIXED_DEVICE_LEVEL] : 0;
    c += r->block[i] == r->block[j] ? v[CNN_MIXED_BLOCK] : 0;
    return c + (i == j ? v[CNN_MIXED_FIRST_RESIDUAL + r->level[i]] : 0);
}

/** -2 log likelihood from the dense covariance matrix; every level has runs. */
static double dense_deviance(const runs *r, const double *v, bool reml)
{
    const int n = r->data.n, levels = r->data.level_count, columns = levels + 1;
    double *m = calloc((size_t)n * (size_t)n, sizeof *m);
    double *x = calloc((size_t)n * (size_t)columns, sizeof *x); /* [columns, n]: levels, y */
    double normal[LEVELS * LEVELS], linear[LEVELS], mean[LEVELS], squares = 0, log_v = 0, log_x = 0;
    assert_true(m && x);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            m[i * n + j] = covariance(r, v, i, j);
        x[r->level[i] * n + i] = 1;
        x[levels * n + i] = r->y[i];
    }
    assert_int_equal(LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', n, m, n), 0);
    assert_int_equal(LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'L', 'N', 'N', n, columns, m, n, x, n), 0);
    for (int a = 0; a < levels; a++) {
        linear[a] = 0;
        for (int i = 0; i < n; i++)
            linear[a] += x[a * n + i] * x[levels * n + i];
        mean[a] = linear[a];
        for (int b = 0; b < levels; b++) {
            normal[a * levels + b] = 0;
            for (int i = 0; i < n; i++)
                normal[a * levels + b] += x[a * n + i] * x[b * n + i];
        }
    }
    assert_int_equal(LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', levels, 1, normal, levels, mean, levels),
                     0);
    for (int i = 0; i < n; i++) {
        double e = x[levels * n + i];
        for (int a = 0; a < levels; a++)
            e -= x[a * n + i] * mean[a];
        squares += e * e;
        log_v += 2 * log(m[i * n + i]);
    }
    for (int a = 0; a < levels; a++)
        log_x += 2 * log(normal[a * levels + a]);
    free(m);
    free(x);
    return (n - (reml ? levels : 0)) * log(2 * acos(-1)) + log_v + squares + (reml ? log_x : 0);
}

/** Unequal counts of everything: some runs are lost, some repeated. */
static runs *ragged(void)
{
    runs *all = balanced(3, 4, 5, 3, 2, sizes), *r = runs_new(3);
    for (int i = 0; i < all->data.n; i++)
        if ((i * 7 + i / 11) % 5 < 3)
            add_run(r, all->node[i], all->device[i], all->block[i], all->level[i], all->y[i]);
    free(all);
    return r;
}

static void test_likelihood_is_that_of_the_dense_covariance(void **state)
{
    (void)state;
    runs *r = ragged();
    cnn_mixed_model *m = NULL;
    bool varies = false;
    assert_int_equal(cnn_mixed_model_create(&r->data, &m), CNN_OK);
    assert_int_equal(cnn_mixed_model_sums(m, r->y, &varies), CNN_OK);
    assert_true(varies);
    const double points[][CNN_MIXED_FIRST_RESIDUAL + 3] = {
        {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}, {0, 0.2, 0, 0.4, 0.5, 0.5, 0.5},
        {3, 0, 0.2, 0, 1, 0.1, 2},           {0, 0, 0, 0, 1, 1, 1},
        {50, 20, 10, 5, 1e-3, 2e-3, 1e-3},
    };
    for (size_t p = 0; p < sizeof points / sizeof *points; p++)
        for (int reml = 0; reml < 2; reml++) {
            double unscaled[CNN_MIXED_FIRST_RESIDUAL + 3];
            for (int k = 0; k < CNN_MIXED_FIRST_RESIDUAL + 3; k++)
                unscaled[k] = points[p][k] * m->scale * m->scale;
            const double deviance = cnn_mixed_deviance(m, points[p], reml, NULL, NULL) +
                                    2 * (m->runs - (reml ? 3 : 0)) * log(m->scale);
            golden_compare(deviance, dense_deviance(r, unscaled, reml), 1e-10, "deviance", (int)p);
        }
    cnn_mixed_model_destroy(&m);
    free(r);
}

static void test_gradient_is_that_of_differences(void **state)
{
    (void)state;
    runs *r = ragged();
    cnn_mixed_model *m = NULL;
    bool varies = false;
    enum { K = CNN_MIXED_FIRST_RESIDUAL + 3 };
    double v[K] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}, gradient[K], trace[K];
    assert_int_equal(cnn_mixed_model_create(&r->data, &m), CNN_OK);
    assert_int_equal(cnn_mixed_model_sums(m, r->y, &varies), CNN_OK);
    assert_true(varies);
    for (int reml = 0; reml < 2; reml++)
        for (int zero = 0; zero < 2; zero++) { /* inside, and near the boundary */
            for (int k = 0; k < CNN_MIXED_FIRST_RESIDUAL; k++)
                v[k] = zero ? 1e-3 : 0.1 * (k + 1);
            cnn_mixed_deviance(m, v, reml, gradient, trace);
            for (int k = 0; k < K; k++) {
                const double h = 1e-4 * v[k], at = v[k];
                v[k] = at + h;
                const double up = cnn_mixed_deviance(m, v, reml, NULL, NULL);
                v[k] = at - h;
                const double down = cnn_mixed_deviance(m, v, reml, NULL, NULL);
                v[k] = at;
                assert_true(fabs((up - down) / (2 * h) - gradient[k]) < 1e-4 * trace[k]);
            }
        }
    cnn_mixed_model_destroy(&m);
    free(r);
}

/* ---- balanced data: sums of squares ---- */

/** Mean squares of a balanced experiment: nodes, devices, blocks and levels as in balanced(), one
 *  copy. By subtracting means, from the inside out. */
typedef struct {
    double node, device, device_level, block, residual;
} mean_squares;

static double mean_of(const runs *r, int node, int device, int block, int level)
{
    double sum = 0, count = 0;
    for (int i = 0; i < r->data.n; i++)
        if ((node < 0 || r->node[i] == node) && (device < 0 || r->device[i] == device) &&
            (block < 0 || r->block[i] == block) && (level < 0 || r->level[i] == level)) {
            sum += r->y[i];
            count++;
        }
    return sum / count;
}

static mean_squares squares_of(const runs *r, int nodes, int devices, int blocks, int levels)
{
    mean_squares s = {0};
    for (int node = 0; node < nodes; node++)
        for (int d = 0; d < devices; d++) {
            const double at_device = mean_of(r, node, d, -1, -1);
            s.device += blocks * levels * pow(at_device - mean_of(r, node, -1, -1, -1), 2);
            s.node +=
                blocks * levels * pow(mean_of(r, node, -1, -1, -1) - mean_of(r, -1, -1, -1, -1), 2);
            for (int b = 0; b < blocks; b++)
                s.block += levels * pow(mean_of(r, node, d, b, -1) - at_device, 2);
            for (int l = 0; l < levels; l++) {
                const double at_level = mean_of(r, node, d, -1, l);
                s.device_level += blocks * pow(at_level - at_device - mean_of(r, -1, -1, -1, l) +
                                                   mean_of(r, -1, -1, -1, -1),
                                               2);
                for (int b = 0; b < blocks; b++)
                    s.residual += pow(mean_of(r, node, d, b, l) - at_level -
                                          mean_of(r, node, d, b, -1) + at_device,
                                      2);
            }
        }
    const int all = nodes * devices;
    s.node /= nodes - 1;
    s.device /= nodes * (devices - 1);
    s.device_level /= (all - 1) * (levels - 1);
    s.block /= all * (blocks - 1);
    s.residual /= all * (blocks - 1) * (levels - 1);
    return s;
}

/** Estimates and expected mean squares: E(device) = residual + levels block + blocks device_level +
 *  blocks levels device, and so on. */
static void compare_with_anova(const runs *r, int nodes, int devices, int blocks, int levels,
                               double tolerance)
{
    const mean_squares s = squares_of(r, nodes, devices, blocks, levels);
    const double expected[] = {
        (s.node - s.device) / (devices * blocks * levels),
        (s.device - s.block - s.device_level + s.residual) / (blocks * levels),
        (s.device_level - s.residual) / blocks,
        (s.block - s.residual) / levels,
        s.residual,
    };
    cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
    assert_int_equal(fit->state, CNN_MIXED_CONVERGED);
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++) {
        assert_true(expected[k] > 0);
        golden_compare(fit->component[k].variance, expected[k], tolerance, "component", k);
    }
    /* the difference of two levels: blocks and devices drop out */
    double error = 0;
    const double difference = cnn_mixed_difference(fit, 1, 0, &error);
    golden_compare(difference, mean_of(r, -1, -1, -1, 1) - mean_of(r, -1, -1, -1, 0), 1e-10,
                   "difference", 0);
    golden_compare(error, sqrt(2 * s.device_level / (nodes * devices * blocks)), tolerance, "error",
                   0);
    cnn_mixed_fit_destroy(&fit);
}

static void test_balanced_estimates_are_those_of_anova(void **state)
{
    (void)state;
    runs *r = balanced(4, 3, 5, 2, 1, sizes);
    compare_with_anova(r, 4, 3, 5, 2, 1e-7);
    free(r);
}

/** As between an old and a new model of device, whose times differ by a factor. */
static void test_components_of_very_different_sizes_are_found(void **state)
{
    (void)state;
    const double unlike[][5] = {
        {2, 0.05, 0.001, 0.002, 0.001}, {3, 2, 1e-4, 0.05, 1e-4}, {0.5, 0.01, 1e-3, 1, 1e-3}};
    for (size_t i = 0; i < sizeof unlike / sizeof *unlike; i++) {
        runs *r = balanced(5, 4, 20, 2, 1, unlike[i]);
        if (i < 2)
            compare_with_anova(r, 5, 4, 20, 2, 1e-5);
        for (int k = 0, n = r->data.n; k < n; k++) /* and with holes */
            if (k % 7 == 3) {
                r->data.n--;
                r->y[k] = r->y[r->data.n];
                r->node[k] = r->node[r->data.n];
                r->device[k] = r->device[r->data.n];
                r->block[k] = r->block[r->data.n];
                r->level[k] = r->level[r->data.n];
                n = r->data.n;
            }
        cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
        assert_int_equal(fit->state, CNN_MIXED_CONVERGED);
        const double sd = unlike[i][CNN_MIXED_RESIDUAL] / sqrt(3); /* of the uniform draw */
        assert_true(fit->component[CNN_MIXED_RESIDUAL].low < 1.05 * sd);
        assert_true(fit->component[CNN_MIXED_RESIDUAL].high > 0.95 * sd);
        cnn_mixed_fit_destroy(&fit);
        free(r);
    }
}

static void test_units_and_origin_of_y_change_nothing_else(void **state)
{
    (void)state;
    runs *r = ragged();
    cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
    for (int i = 0; i < r->data.n; i++)
        r->y[i] = 1e-4 * (r->y[i] + 300); /* spread 1e-5 on 0.03 */
    cnn_mixed_fit *other = fit_of(&r->data, 0.95, true);
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++) {
        const cnn_mixed_estimate *a = &fit->component[k], *b = &other->component[k];
        golden_compare(1e4 * b->sd, a->sd, 1e-6, "sd", k);
        golden_compare(1e4 * b->low, a->low, 1e-6, "low", k);
        golden_compare(1e4 * b->high, a->high, 1e-6, "high", k);
        golden_compare(b->share, a->share, 1e-6, "share", k);
        golden_compare(b->p, a->p, 1e-6, "p", k);
    }
    golden_compare(1e4 * other->mean[2] - 300, fit->mean[2], 1e-8, "mean", 2);
    cnn_mixed_fit_destroy(&other);
    cnn_mixed_fit_destroy(&fit);
    free(r);
}

/* ---- what a design identifies ---- */

/** Reasons in the order of the components, then of the residual per level. */
static void assert_reasons(runs *r, cnn_reason node, cnn_reason device, cnn_reason device_level,
                           cnn_reason block, cnn_reason per_level)
{
    const cnn_reason expected[] = {node, device, device_level, block, CNN_REASON_NONE};
    cnn_mixed_design design;
    cnn_mixed_data data = r->data;
    data.y = NULL;
    assert_int_equal(cnn_mixed_identify(&data, &design), CNN_OK);
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        if (design.reason[k] != expected[k])
            fail_msg("component %d: '%s', expected '%s'", k, cnn_reason_sentences[design.reason[k]],
                     cnn_reason_sentences[expected[k]]);
    assert_int_equal(design.residual_per_level, per_level);
    /* and the fit drops the same ones, and says so */
    cnn_mixed_fit *fit = fit_of(&r->data, 0, false);
    assert_true(fit->state == CNN_MIXED_CONVERGED || fit->state == CNN_MIXED_FLAT);
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++) {
        assert_int_equal(fit->design.reason[k], expected[k]);
        assert_int_equal(fit->component[k].identified, expected[k] == CNN_REASON_NONE);
        assert_int_equal(isnan(fit->component[k].variance), expected[k] != CNN_REASON_NONE);
    }
    cnn_mixed_fit_destroy(&fit);
    free(r);
}

static void test_components_that_the_design_cannot_tell_are_named(void **state)
{
    (void)state;
    const cnn_reason yes = CNN_REASON_NONE, no = CNN_REASON_NOT_MODELLED;
    assert_reasons(balanced(3, 2, 4, 2, 1, sizes), yes, yes, yes, yes, no);
    assert_reasons(balanced(1, 3, 4, 2, 1, sizes), CNN_REASON_ONE_NODE, yes, yes, yes, no);
    assert_reasons(balanced(4, 1, 4, 2, 1, sizes), CNN_REASON_DEVICE_IS_NODE, yes, yes, yes, no);
    assert_reasons(balanced(1, 1, 4, 2, 1, sizes), CNN_REASON_ONE_NODE, CNN_REASON_ONE_DEVICE,
                   CNN_REASON_ONE_DEVICE, yes, no);
    assert_reasons(balanced(1, 1, 1, 2, 3, sizes), CNN_REASON_ONE_NODE, CNN_REASON_ONE_DEVICE,
                   CNN_REASON_ONE_DEVICE, CNN_REASON_SAME_BLOCK, no);
    assert_reasons(balanced(3, 2, 1, 2, 1, sizes), yes, yes, CNN_REASON_RUN_IS_DEVICE_LEVEL,
                   CNN_REASON_BLOCK_IS_DEVICE, no);
    assert_reasons(balanced(3, 2, 1, 2, 2, sizes), yes, yes, yes, CNN_REASON_BLOCK_IS_DEVICE, no);
    assert_reasons(balanced(3, 2, 4, 1, 1, sizes), yes, yes, CNN_REASON_ONE_LEVEL,
                   CNN_REASON_RUN_IS_BLOCK, no);
    assert_reasons(balanced(3, 2, 4, 1, 2, sizes), yes, yes, CNN_REASON_ONE_LEVEL, yes, no);
    assert_reasons(balanced(3, 4, 1, 1, 1, sizes), yes, CNN_REASON_RUN_IS_DEVICE,
                   CNN_REASON_ONE_LEVEL, CNN_REASON_RUN_IS_BLOCK, no);
}

static void test_aliased_components_are_found(void **state)
{
    (void)state;
    const cnn_reason yes = CNN_REASON_NONE;
    /* each device ran one level: what was meant as framework is machine */
    runs *r = runs_new(2);
    for (int i = 0; i < 60; i++)
        add_run(r, 0, i / 10, i, i / 30, noise());
    assert_reasons(r, CNN_REASON_ONE_NODE, yes, CNN_REASON_LEVEL_IS_DEVICE, CNN_REASON_RUN_IS_BLOCK,
                   CNN_REASON_NOT_MODELLED);
    /* one device ran both levels, the other one: device and device x level are one thing */
    r = runs_new(2);
    for (int i = 0; i < 30; i++)
        add_run(r, 0, i / 20, i, i < 20 ? i / 10 : 0, noise());
    assert_reasons(r, CNN_REASON_ONE_NODE, yes, CNN_REASON_ALIASED, CNN_REASON_RUN_IS_BLOCK,
                   CNN_REASON_NOT_MODELLED);
    /* a level that ran once on one device has no residual variance of its own */
    r = balanced(1, 2, 5, 1, 2, sizes);
    r->data.level_count = 2;
    add_run(r, 0, 0, 0, 1, 5.1);
    r->data.residual_per_level = true;
    assert_reasons(r, CNN_REASON_ONE_NODE, yes, CNN_REASON_ALIASED, yes, CNN_REASON_ALIASED);
    /* with blocks of two, three variances follow from two variances and a covariance */
    r = balanced(1, 3, 8, 2, 1, sizes);
    r->data.residual_per_level = true;
    assert_reasons(r, CNN_REASON_ONE_NODE, yes, yes, yes, yes);
    r = balanced(1, 3, 8, 1, 2, sizes);
    r->data.residual_per_level = true;
    assert_reasons(r, CNN_REASON_ONE_NODE, yes, CNN_REASON_ONE_LEVEL, yes, CNN_REASON_ONE_LEVEL);
}

static void test_a_level_without_runs_has_no_mean(void **state)
{
    (void)state;
    runs *r = balanced(1, 4, 5, 2, 1, sizes);
    r->data.level_count = 3;
    for (int i = 0; i < r->data.n; i++)
        r->level[i] *= 2; /* 0 and 2 */
    r->data.residual_per_level = true;
    cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
    double error = 0;
    assert_int_equal(fit->state, CNN_MIXED_CONVERGED);
    assert_int_equal(fit->design.levels, 2);
    assert_true(isnan(fit->mean[1]) && isnan(fit->covariance[1]) && isnan(fit->covariance[4]));
    assert_true(isnan(fit->residual[1].variance) && !fit->residual[1].identified);
    assert_true(fit->residual[2].variance > 0 && fit->residual[2].high > fit->residual[2].sd);
    assert_true(cnn_mixed_difference(fit, 2, 0, &error) > 0 && error > 0);
    assert_true(isnan(cnn_mixed_difference(fit, 1, 0, &error)) && isnan(error));
    assert_true(isnan(cnn_mixed_difference(fit, 3, 0, &error)) && isnan(error));
    cnn_mixed_fit_destroy(&fit);
    free(r);
}

/* ---- boundaries ---- */

static void test_zero_is_told_apart_from_not_identified(void **state)
{
    (void)state;
    const double residual_only[] = {0, 0, 0, 0, 1};
    int zeros = 0;
    for (int i = 0; i < 10; i++) {
        runs *r = balanced(1, 4, 6, 2, 1, residual_only);
        cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
        assert_true(fit->state == CNN_MIXED_CONVERGED);
        for (int k = 0; k < CNN_MIXED_RESIDUAL; k++) {
            const cnn_mixed_estimate *e = &fit->component[k];
            if (!e->at_zero)
                continue;
            zeros++;
            assert_true(e->identified && e->variance == 0 && e->share == 0 && e->low == 0);
            assert_true(e->high > 0 && e->statistic == 0 && e->p == 1);
        }
        assert_true(!fit->component[CNN_MIXED_NODE].identified);
        assert_true(!fit->component[CNN_MIXED_NODE].at_zero);
        cnn_mixed_fit_destroy(&fit);
        free(r);
    }
    assert_true(zeros >= 5 && zeros < 30);
}

/** The state of a fit of which nothing is known, all figures NaN. */
static cnn_mixed_state state_without_figures(const cnn_mixed_data *data)
{
    cnn_mixed_fit *fit = fit_of(data, 0.95, true);
    const cnn_mixed_state state = fit->state;
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++) {
        const cnn_mixed_estimate *e = &fit->component[k];
        assert_true(isnan(e->variance) && isnan(e->share) && isnan(e->low) && isnan(e->p));
    }
    assert_true(isnan(fit->mean[0]) && isnan(fit->reml_log_likelihood));
    assert_null(fit->residual);
    cnn_mixed_fit_destroy(&fit);
    return state;
}

static void test_degenerate_data_have_a_state(void **state)
{
    (void)state;
    runs *r = runs_new(2);
    assert_int_equal(state_without_figures(&r->data), CNN_MIXED_TOO_FEW_RUNS);
    add_run(r, 0, 0, 0, 0, 1);
    assert_int_equal(state_without_figures(&r->data), CNN_MIXED_TOO_FEW_RUNS);
    add_run(r, 0, 0, 0, 1, 2);
    assert_int_equal(state_without_figures(&r->data), CNN_MIXED_TOO_FEW_RUNS);
    free(r);
    const double none[5] = {0}, no_residual[] = {0.1, 0.1, 0.1, 0.1, 0};
    r = balanced(2, 3, 4, 2, 1, none);
    assert_int_equal(state_without_figures(&r->data), CNN_MIXED_NO_VARIANCE);
    r->data.residual_per_level = true;
    assert_int_equal(state_without_figures(&r->data), CNN_MIXED_NO_VARIANCE);
    free(r);
    for (int part = 0; part < 4; part++) { /* all effects, and one at a time left out */
        double size[5];
        memcpy(size, no_residual, sizeof size);
        size[part] = 0;
        r = balanced(2, 3, 4, 2, 1, size);
        assert_int_equal(state_without_figures(&r->data), CNN_MIXED_NO_RESIDUAL);
        free(r);
    }
}

static void test_a_constant_level_has_no_variance_of_its_own(void **state)
{
    (void)state;
    runs *r = balanced(1, 3, 6, 2, 1, sizes);
    for (int i = 0; i < r->data.n; i++)
        if (r->level[i] == 1)
            r->y[i] = 5.1 + r->device[i];
    r->data.n -= 3; /* a block and a half are lost */
    r->data.residual_per_level = true;
    cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
    assert_int_equal(fit->design.residual_per_level, CNN_REASON_CONSTANT_LEVEL);
    assert_true(fit->state == CNN_MIXED_CONVERGED && !fit->residual);
    assert_true(fit->component[CNN_MIXED_RESIDUAL].variance > 0);
    cnn_mixed_fit_destroy(&fit);
    free(r);
}

static void test_two_levels_that_are_always_the_same_have_no_variance_of_their_own(void **state)
{
    (void)state;
    runs *r = balanced(1, 3, 6, 3, 1, sizes);
    for (int i = 1; i < r->data.n; i++) /* two paths with the same errors, and a third */
        if (r->level[i] == 1)
            r->y[i] = r->y[i - 1];
    r->data.residual_per_level = true;
    cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
    assert_int_equal(fit->design.residual_per_level, CNN_REASON_CONSTANT_LEVEL);
    assert_true(fit->state == CNN_MIXED_CONVERGED && !fit->residual);
    cnn_mixed_fit_destroy(&fit);
    free(r);
}

static void test_wrong_arguments_are_refused(void **state)
{
    (void)state;
    runs *r = balanced(1, 2, 3, 2, 1, sizes);
    cnn_mixed_fit *fit = NULL;
    const cnn_mixed_options options = {0.95, true};
    r->level[3] = 2;
    assert_int_equal(cnn_mixed_fit_create(&r->data, options, &fit), CNN_EINVAL);
    assert_non_null(strstr(cnn_error_message(), "run 3 has level 2 of 2"));
    r->level[3] = 0;
    r->y[5] = NAN;
    assert_int_equal(cnn_mixed_fit_create(&r->data, options, &fit), CNN_EINVAL);
    assert_non_null(strstr(cnn_error_message(), "run 5"));
    r->y[5] = 5;
    assert_int_equal(cnn_mixed_fit_create(&r->data, (cnn_mixed_options){1, true}, &fit),
                     CNN_EINVAL);
    r->data.level_count = 0;
    assert_int_equal(cnn_mixed_fit_create(&r->data, options, &fit), CNN_EINVAL);
    assert_null(fit);
    free(r);
}

/** One block is whole and the others have one run each: the blocks' effects and the means explain
 *  all values, and the residual of zero is no estimate to trust. */
static void test_a_residual_of_zero_is_flagged(void **state)
{
    (void)state;
    const double y[] = {5.1, 4.9, 5.3, 5.1, 4.9, 4.7, 5.15};
    runs *r = runs_new(2);
    for (int i = 0; i < 7; i++)
        add_run(r, 0, 0, i < 2 ? 0 : i, i % 2, y[i]);
    for (int per_level = 0; per_level < 2; per_level++) {
        r->data.residual_per_level = per_level;
        cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
        assert_int_equal(fit->state, CNN_MIXED_ZERO_RESIDUAL);
        cnn_mixed_fit_destroy(&fit);
    }
    free(r);
}

/** Every interval of many small experiments is ordered, and every search converges. */
static void test_many_small_experiments_converge(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        const double size[] = {(i % 2) * 0.1, (i / 2 % 3) * 0.1, (i / 6 % 2) * 0.05,
                               (i / 12 % 2) * 0.2, 0.1};
        runs *r = balanced(1 + i % 4, 1 + i / 4 % 4, 2 + i % 5, 2, 1, size);
        r->data.residual_per_level = i % 5 == 0;
        r->data.n -= i % 3;
        cnn_mixed_fit *fit = fit_of(&r->data, 0.95, true);
        if (fit->state > CNN_MIXED_FLAT)
            fail_msg("experiment %d: state %d", i, (int)fit->state);
        for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++) {
            const cnn_mixed_estimate *e = &fit->component[k];
            if (e->identified && !(k == CNN_MIXED_RESIDUAL && fit->residual))
                assert_true(e->low <= sqrt(e->ml_variance) && sqrt(e->ml_variance) < e->high);
        }
        cnn_mixed_fit_destroy(&fit);
        free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits_agree_with_lme4_and_nlme),
        cmocka_unit_test(test_likelihood_is_that_of_the_dense_covariance),
        cmocka_unit_test(test_gradient_is_that_of_differences),
        cmocka_unit_test(test_balanced_estimates_are_those_of_anova),
        cmocka_unit_test(test_components_of_very_different_sizes_are_found),
        cmocka_unit_test(test_units_and_origin_of_y_change_nothing_else),
        cmocka_unit_test(test_components_that_the_design_cannot_tell_are_named),
        cmocka_unit_test(test_aliased_components_are_found),
        cmocka_unit_test(test_a_level_without_runs_has_no_mean),
        cmocka_unit_test(test_zero_is_told_apart_from_not_identified),
        cmocka_unit_test(test_degenerate_data_have_a_state),
        cmocka_unit_test(test_a_constant_level_has_no_variance_of_its_own),
        cmocka_unit_test(test_two_levels_that_are_always_the_same_have_no_variance_of_their_own),
        cmocka_unit_test(test_wrong_arguments_are_refused),
        cmocka_unit_test(test_a_residual_of_zero_is_flagged),
        cmocka_unit_test(test_many_small_experiments_converge),
    };
    return cmocka_run_group_tests_name("mixed", tests, NULL, NULL);
}
