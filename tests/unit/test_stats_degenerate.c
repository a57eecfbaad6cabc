/* SPDX-License-Identifier: Apache-2.0 */
/* What the statistics say where there is little or nothing to say, and their symmetries. */
#include "golden_csv.h"

#include "stats/describe.h"
#include "stats/dist.h"
#include "stats/effect.h"
#include "stats/equivalence.h"
#include "stats/multiple.h"
#include "stats/permutation.h"
#include "stats/power.h"
#include "stats/rank_tests.h"
#include "stats/t_tests.h"
#include "stats/trend.h"
#include "stats/variance_tests.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double threes[] = {3, 3, 3, 3, 3}, fours[] = {4, 4, 4, 4, 4};
static const double some[] = {1, 5, 2, 8, 3}, other[] = {2, 4, 7, 1, 9};
static const double bad[] = {1, NAN, 2, 8, 3}, endless[] = {1, INFINITY, 2, 8, 3};
/* thrice 0.1 + 0.2 beside 0.3: they differ by rounding alone */
static const double rounded[] = {0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2};
static const double exact[] = {0.3, 0.1 + 0.2, 0.3, 0.3, 0.3};

static cnn_description described(const double *x, int n, double level)
{
    cnn_description d;
    assert_int_equal(cnn_describe(x, n, level, &d), CNN_OK);
    return d;
}

static void test_description_of_little(void **state)
{
    (void)state;
    cnn_description d = described(NULL, 0, 0.95);
    assert_int_equal(d.outcome, CNN_STAT_TOO_FEW);
    assert_true(d.n == 0 && isnan(d.mean) && isnan(d.median) && isnan(d.min) && isnan(d.sd));
    d = described(some, 1, 0.95);
    assert_int_equal(d.outcome, CNN_STAT_TOO_FEW);
    assert_true(d.mean == 1 && d.median == 1 && d.p95 == 1 && d.min == 1 && d.max == 1);
    assert_true(isnan(d.sd) && isnan(d.cv) && isnan(d.mean_interval.low));
    assert_true(d.median_interval.low == 1 && d.median_level == 0);
    d = described(threes, 5, 0.95);
    assert_int_equal(d.outcome, CNN_STAT_IDENTICAL);
    assert_true(d.sd == 0 && d.cv == 0 && d.mean_interval.low == 3 && d.mean_interval.high == 3);
    d = described(rounded, 5, 0.95);
    assert_int_equal(d.outcome, CNN_STAT_IDENTICAL);
    assert_true(d.sd == 0 && d.variance == 0);
    d = described((const double[]){-1, 1}, 2, 0.95);
    assert_true(d.outcome == CNN_STAT_OK && isnan(d.cv));
    assert_true(d.median_interval.low == -1 && d.median_interval.high == 1);
    assert_true(d.median_level == 0.5);
    assert_int_equal(described(bad, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(described(endless, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(described(some, 5, 1).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(described(some, 5, NAN).outcome, CNN_STAT_DOMAIN);
}

static void test_quantiles_at_the_ends(void **state)
{
    (void)state;
    const double sorted[] = {1, 2, 4};
    assert_true(cnn_quantile(sorted, 3, 0) == 1 && cnn_quantile(sorted, 3, 1) == 4);
    assert_true(cnn_quantile(sorted, 3, 0.75) == 3);
    assert_true(isnan(cnn_quantile(sorted, 3, 1.5)));
    assert_true(isnan(cnn_quantile(sorted, 3, -0.1)) && isnan(cnn_quantile(sorted, 3, NAN)));
    assert_true(isnan(cnn_quantile(NULL, 0, 0.5)));
}

static void test_outliers_of_little(void **state)
{
    (void)state;
    cnn_outliers o;
    int found[6] = {-1};
    assert_int_equal(cnn_find_outliers(some, 3, &o, found), CNN_OK);
    assert_true(o.outcome == CNN_STAT_TOO_FEW && o.outlier_count == 0 && isnan(o.fences.low));
    assert_int_equal(cnn_find_outliers(threes, 5, &o, NULL), CNN_OK);
    assert_true(o.outcome == CNN_STAT_OK && o.outlier_count == 0);
    const double one[] = {3, 3, 9, 3, 3, 3};
    assert_int_equal(cnn_find_outliers(one, 6, &o, found), CNN_OK);
    assert_true(o.outlier_count == 1 && found[0] == 2);
    assert_int_equal(cnn_find_outliers(bad, 5, &o, found), CNN_OK);
    assert_int_equal(o.outcome, CNN_STAT_NOT_FINITE);
}

static void test_trend_of_little(void **state)
{
    (void)state;
    cnn_rank_correlation c;
    assert_int_equal(cnn_spearman(some, other, 2, &c), CNN_OK);
    assert_true(c.outcome == CNN_STAT_TOO_FEW && isnan(c.p));
    assert_int_equal(cnn_spearman(some, threes, 5, &c), CNN_OK);
    assert_true(c.outcome == CNN_STAT_IDENTICAL && isnan(c.rho) && c.p == 1 && !c.exact);
    assert_int_equal(cnn_spearman(some, bad, 5, &c), CNN_OK);
    assert_int_equal(c.outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_spearman(some, some, 5, &c), CNN_OK);
    assert_true(c.rho == 1 && c.exact);
    golden_compare(c.p, 2.0 / 120, 1e-15, "two of 5! orders", 0);
    double line[20];
    for (int i = 0; i < 20; i++)
        line[i] = -i;
    assert_int_equal(cnn_spearman(line, line, 20, &c), CNN_OK);
    assert_true(c.rho == 1 && c.p == 0 && !c.exact);
}

static void test_memory_of_little(void **state)
{
    (void)state;
    const int one[] = {4, 4, 4, 4, 4}, pairs[] = {1, 1, 2, 2, 3}, two[] = {1, 1, 1, 2, 2};
    cnn_serial_correlation r = cnn_serial_correlation_within(NULL, NULL, 0);
    assert_true(r.outcome == CNN_STAT_TOO_FEW && r.pairs == 0);
    r = cnn_serial_correlation_within(some, pairs, 5); /* their order makes no difference */
    assert_true(r.outcome == CNN_STAT_TOO_FEW && r.pairs == 2 && isnan(r.p));
    r = cnn_serial_correlation_within(rounded, one, 5);
    assert_true(r.outcome == CNN_STAT_IDENTICAL && isnan(r.r) && r.p == 1);
    const double levels[] = {1, 1, 1, 9, 9}; /* the groups differ, nothing else */
    assert_int_equal(cnn_serial_correlation_within(levels, two, 5).outcome, CNN_STAT_IDENTICAL);
    assert_int_equal(cnn_serial_correlation_within(bad, one, 5).outcome, CNN_STAT_NOT_FINITE);
    double drift[40];
    int group[40];
    for (int i = 0; i < 40; i++) {
        drift[i] = i % 20 + (i / 20) * 100;
        group[i] = i / 20;
    }
    r = cnn_serial_correlation_within(drift, group, 40);
    assert_true(r.outcome == CNN_STAT_OK && r.r > 0.8 && r.p < 1e-6);
    golden_compare(r.expected, -1.0 / 20, 1e-12, "expected", 0);
}

static void check_identical(cnn_t_result t)
{
    assert_int_equal(t.outcome, CNN_STAT_IDENTICAL);
    assert_true(t.difference == 0 && t.t == 0 && t.p == 1 && t.standard_error == 0 && t.df > 0);
    assert_true(t.interval.low == 0 && t.interval.high == 0);
}

static void check_no_variance(cnn_t_result t, double difference)
{
    assert_int_equal(t.outcome, CNN_STAT_NO_VARIANCE);
    assert_true(fabs(t.difference - difference) < 1e-15 && isinf(t.t) && isnan(t.p));
    assert_true((t.t > 0) == (difference > 0) && t.interval.low == t.difference);
}

static void test_means_without_spread(void **state)
{
    (void)state;
    check_identical(cnn_t_paired(some, some, 5, 0.95));
    check_identical(cnn_t_paired(rounded, exact, 5, 0.95));
    check_identical(cnn_t_welch(threes, 5, threes, 3, 0.95));
    check_identical(cnn_t_welch(rounded, 5, exact, 5, 0.95));
    check_no_variance(cnn_t_welch(threes, 5, fours, 5, 0.95), -1);
    check_no_variance(cnn_t_paired(fours, threes, 5, 0.95), 1);
    const double a[] = {0.7, 0.1, 0.4}, b[] = {0.6, 0.0, 0.3}; /* 0.1 each, but for rounding */
    check_no_variance(cnn_t_paired(a, b, 3, 0.95), (0.7 - 0.6 + 0.1 + 0.4 - 0.3) / 3);
    const double below[] = {-(0.1 + 0.2), -0.3, -0.3}, above[] = {-0.3, -0.3, -(0.1 + 0.2)};
    check_identical(cnn_t_paired(below, above, 3, 0.95)); /* logarithms may be negative */
    check_identical(cnn_t_welch(below, 3, above, 2, 0.95));
    assert_true(cnn_t_welch(below, 3, above, 2, 0.95).df == 3);
    cnn_t_result t = cnn_t_welch(threes, 5, other, 5, 0.95); /* one of them varies */
    assert_true(t.outcome == CNN_STAT_OK && t.df == 4 && t.p > 0);
}

static void test_means_of_little(void **state)
{
    (void)state;
    cnn_t_result t = cnn_t_paired(some, other, 1, 0.95);
    assert_true(t.outcome == CNN_STAT_TOO_FEW && t.difference == -1 && isnan(t.p));
    t = cnn_t_welch(some, 5, other, 1, 0.95);
    assert_true(t.outcome == CNN_STAT_TOO_FEW && isnan(t.t) && t.difference > 0);
    t = cnn_t_welch(some, 5, NULL, 0, 0.95);
    assert_true(t.outcome == CNN_STAT_TOO_FEW && isnan(t.difference));
    assert_int_equal(cnn_t_paired(some, bad, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_t_welch(endless, 5, some, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_t_welch(some, 5, bad + 1, 4, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_t_paired(some, other, 5, 1).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(cnn_t_welch(some, 5, other, 5, 0).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(cnn_t_welch(some, 5, other, 5, 1).outcome, CNN_STAT_DOMAIN);
    const cnn_moments known = {15, 1, 2}, endless_spread = {15, 1, INFINITY};
    assert_int_equal(cnn_t_welch_moments(known, endless_spread, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_true(!cnn_study_significant(&t));
    t = cnn_t_welch(threes, 5, fours, 5, 0.95);
    assert_true(!cnn_study_significant(&t)); /* infinite */
    t = cnn_t_welch_moments((cnn_moments){15, 296.97, 19.58}, (cnn_moments){15, 228.84, 15.17},
                            0.95);
    assert_true(cnn_study_significant(&t) && fabs(t.t - 44.76) < 0.005);
    t.t = -t.t;
    assert_true(cnn_study_significant(&t));
    t = cnn_t_welch_moments((cnn_moments){15, 737.58, 15.02}, (cnn_moments){15, 739.10, 21.62},
                            0.95);
    assert_true(!cnn_study_significant(&t));
}

static void test_equivalence_without_spread(void **state)
{
    (void)state;
    cnn_t_result t = cnn_t_paired(some, some, 5, 0.95);
    cnn_tost e = cnn_tost_difference(&t, -0.1, 0.1, 0.05);
    assert_true(e.outcome == CNN_STAT_IDENTICAL && e.p == 0);
    t = cnn_t_paired(threes, fours, 5, 0.95);
    e = cnn_tost_difference(&t, -0.5, 0.5, 0.05);
    assert_true(e.outcome == CNN_STAT_NO_VARIANCE && e.p == 1 && e.p_low == 1 && e.p_high == 0);
    assert_true(cnn_tost_difference(&t, -2, 2, 0.05).p == 0);
    assert_true(cnn_tost_difference(&t, -1, 1, 0.05).p == 0.5);
    t = cnn_t_paired(some, other, 1, 0.95);
    e = cnn_tost_difference(&t, -0.1, 0.1, 0.05);
    assert_true(e.outcome == CNN_STAT_TOO_FEW && isnan(e.p) && isnan(e.interval.low));
    t = cnn_t_paired(some, other, 5, 0.95);
    assert_int_equal(cnn_tost_difference(&t, 0.1, -0.1, 0.05).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(cnn_tost_difference(&t, -0.1, 0.1, 0.5).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(cnn_tost_ratio(&t, 0, 0.05).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(cnn_tost_ratio(&t, -2, 0.05).outcome, CNN_STAT_DOMAIN);
}

static void test_equivalence_means_the_interval_is_inside(void **state)
{
    (void)state;
    int concluded = 0;
    for (double margin = 0.5; margin < 12; margin += 0.5) {
        const cnn_t_result t = cnn_t_welch(some, 5, other, 5, 0.95);
        const cnn_tost e = cnn_tost_difference(&t, -margin, margin, 0.05);
        assert_true((e.p <= 0.05) == (e.interval.low >= -margin && e.interval.high <= margin));
        concluded += e.p <= 0.05;
    }
    assert_in_range(concluded, 5, 20);
}

static cnn_sign_flip flipped(const double *x, const double *y, int n, uint64_t seed)
{
    cnn_sign_flip f;
    assert_int_equal(cnn_sign_flip_test(x, y, n, seed, &f), CNN_OK);
    return f;
}

static void test_sign_flips_of_little(void **state)
{
    (void)state;
    assert_int_equal(flipped(NULL, NULL, 0, 1).outcome, CNN_STAT_TOO_FEW);
    assert_int_equal(flipped(some, bad, 5, 1).outcome, CNN_STAT_NOT_FINITE);
    cnn_sign_flip f = flipped(some, other, 1, 1);
    assert_true(f.outcome == CNN_STAT_OK && f.p == 1 && f.permutations == 2 && f.exact);
    f = flipped(some, some, 5, 1);
    assert_true(f.outcome == CNN_STAT_IDENTICAL && f.p == 1 && f.permutations == 32);
    f = flipped(rounded, exact, 5, 1);
    assert_true(f.outcome == CNN_STAT_IDENTICAL && f.p == 1);
    f = flipped(threes, fours, 5, 1); /* two signs of 32 are as far out */
    assert_true(f.p == 2.0 / 32 && f.difference == -1);
}

static void test_the_observed_signs_always_count(void **state)
{
    (void)state;
    double x[20], y[20];
    for (int n = 1; n <= 20; n++) {
        for (int i = 0; i < n; i++) { /* sums in another order round otherwise */
            y[i] = 0.1 * (i % 3) + 1e5;
            x[i] = y[i] + 0.1 + 1.0 / (3 + i);
        }
        const cnn_sign_flip f = flipped(x, y, n, 1);
        assert_true(f.exact && f.p == ldexp(1, 1 - n));
    }
}

static void test_drawn_sign_flips_estimate_the_exact_p(void **state)
{
    (void)state;
    double x[150], y[150] = {0};
    for (int i = 0; i < 150; i++)
        x[i] = i % 5 < 3 ? 1 : -1; /* 90 and 60: a binomial */
    const double p = 2 * cnn_binomial_cdf(60, 150, 0.5);
    double sum = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const cnn_sign_flip f = flipped(x, y, 150, seed);
        assert_true(!f.exact && f.permutations == CNN_SIGN_FLIP_DRAWS && f.p > 0);
        assert_true(fabs(f.p - p) < 5 * sqrt(p / CNN_SIGN_FLIP_DRAWS) + 1e-4);
        sum += f.p;
    }
    assert_true(fabs(sum / 20 - p) < 4 * sqrt(p / (20.0 * CNN_SIGN_FLIP_DRAWS)) + 1e-4);
    assert_true(flipped(x, y, 150, 3).p == flipped(x, y, 150, 3).p);
    assert_true(flipped(x, y, 150, 3).p != flipped(x, y, 150, 4).p);
    for (int i = 0; i < 150; i++)
        x[i] = 1;
    assert_true(flipped(x, y, 150, 1).p == 1.0 / (1 + CNN_SIGN_FLIP_DRAWS));
}

static void test_drawn_sign_flips_agree_with_r(void **state)
{
    (void)state;
    golden samples = golden_read("tests/golden/figures_samples.csv");
    golden figures = golden_read("tests/golden/figures.csv");
    double x[22], y[22], p = NAN;
    int nx = 0, ny = 0;
    for (int i = 0; i < samples.row_count; i++) {
        if (!strcmp(golden_text(&samples, i, "sample"), "drawn_a"))
            x[nx++] = golden_number(&samples, i, "value");
        if (!strcmp(golden_text(&samples, i, "sample"), "drawn_b"))
            y[ny++] = golden_number(&samples, i, "value");
    }
    for (int i = 0; i < figures.row_count; i++)
        if (!strcmp(golden_text(&figures, i, "name"), "sign_flip_drawn"))
            p = golden_number(&figures, i, "value");
    assert_true(nx == 22 && ny == 22);
    const cnn_sign_flip f = flipped(x, y, 22, 5);
    assert_true(!f.exact && fabs(f.p - p) < 4 * sqrt(p * (1 - p) / CNN_SIGN_FLIP_DRAWS));
    golden_free(&figures);
    golden_free(&samples);
}

static void test_ranks_of_little(void **state)
{
    (void)state;
    cnn_rank_test t;
    assert_int_equal(cnn_wilcoxon_signed_rank(NULL, NULL, 0, &t), CNN_OK);
    assert_int_equal(t.outcome, CNN_STAT_TOO_FEW);
    assert_int_equal(cnn_wilcoxon_signed_rank(some, some, 5, &t), CNN_OK);
    assert_true(t.outcome == CNN_STAT_IDENTICAL && t.p == 1 && t.statistic == 0);
    assert_int_equal(cnn_wilcoxon_signed_rank(rounded, exact, 5, &t), CNN_OK);
    assert_int_equal(t.outcome, CNN_STAT_IDENTICAL);
    assert_int_equal(cnn_wilcoxon_signed_rank(some, other, 1, &t), CNN_OK);
    assert_true(t.outcome == CNN_STAT_OK && t.p == 1 && t.exact);
    assert_int_equal(cnn_wilcoxon_signed_rank(some, bad, 5, &t), CNN_OK);
    assert_int_equal(t.outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_mann_whitney(some, 5, NULL, 0, &t), CNN_OK);
    assert_int_equal(t.outcome, CNN_STAT_TOO_FEW);
    assert_int_equal(cnn_mann_whitney(threes, 5, threes, 2, &t), CNN_OK);
    assert_true(t.outcome == CNN_STAT_IDENTICAL && t.p == 1 && t.statistic == 5);
    assert_int_equal(cnn_mann_whitney(some, 1, other, 1, &t), CNN_OK);
    assert_true(t.outcome == CNN_STAT_OK && t.p == 1 && t.exact);
    assert_int_equal(cnn_mann_whitney(threes, 5, fours, 5, &t), CNN_OK); /* nothing but ties */
    assert_true(t.outcome == CNN_STAT_OK && !t.exact && t.p < 0.02);
    assert_int_equal(cnn_mann_whitney(bad, 5, fours, 5, &t), CNN_OK);
    assert_int_equal(t.outcome, CNN_STAT_NOT_FINITE);
}

static void test_statistics_at_their_mean_have_p_1(void **state)
{
    (void)state;
    const double a[] = {1, 2, 2, 3}, one[] = {2, 4, 3, 7}, two[] = {1, 2, 6, 7}, ends[] = {1, 4},
                 middle[] = {2, 3}, ties[] = {1, 4, 3, 3}, other_ties[] = {2, 3, 1, 5};
    cnn_rank_test t;
    assert_int_equal(cnn_mann_whitney(a, 4, a, 4, &t), CNN_OK);
    assert_true(!t.exact && t.statistic == 8 && t.p == 1);
    assert_int_equal(cnn_mann_whitney(ends, 2, middle, 2, &t), CNN_OK);
    assert_true(t.exact && t.statistic == 2 && t.p == 1);
    assert_int_equal(cnn_wilcoxon_signed_rank(one, two, 3, &t), CNN_OK); /* 1, 2, -3 */
    assert_true(t.exact && t.statistic == 3 && t.p == 1);
    assert_int_equal(cnn_wilcoxon_signed_rank(ties, other_ties, 4, &t), CNN_OK); /* -1 1 2 -2 */
    assert_true(!t.exact && t.statistic == 5 && t.p == 1);
}

static void test_differences_tie_up_to_rounding(void **state)
{
    (void)state;
    /* 0.0002 up twice and 0.0002 down once, as fractions that binary rounds differently */
    const double x[] = {0.1502, 0.0705, 0.1234, 0.2}, y[] = {0.15, 0.0703, 0.1236, 0.199};
    cnn_rank_test t;
    assert_int_equal(cnn_wilcoxon_signed_rank(x, y, 4, &t), CNN_OK);
    assert_true(!t.exact && t.statistic == 8); /* ranks 2, 2, 2, 4 */
}

static cnn_variance_ratio brown_forsythe(const double *x, int nx, const double *y, int ny)
{
    cnn_variance_ratio r;
    assert_int_equal(cnn_brown_forsythe(x, nx, y, ny, &r), CNN_OK);
    return r;
}

static void test_variances_of_little(void **state)
{
    (void)state;
    cnn_variance_ratio r = cnn_f_test(some, 5, other, 1, 0.95);
    assert_true(r.outcome == CNN_STAT_TOO_FEW && isnan(r.p));
    r = cnn_f_test(threes, 5, fours, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_IDENTICAL && r.p == 1 && r.ratio == 1);
    r = cnn_f_test(some, 5, fours, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_NO_VARIANCE && isinf(r.ratio) && isnan(r.p));
    r = cnn_f_test(rounded, 5, some, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_NO_VARIANCE && r.ratio == 0 && isnan(r.p));
    assert_int_equal(cnn_f_test(bad, 5, some, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_f_test(other, 5, some, 5, 1).outcome, CNN_STAT_DOMAIN);
    assert_int_equal(brown_forsythe(some, 1, other, 5).outcome, CNN_STAT_TOO_FEW);
    assert_int_equal(brown_forsythe(some, 5, bad, 5).outcome, CNN_STAT_NOT_FINITE);
    r = brown_forsythe(threes, 5, fours, 5);
    assert_true(r.outcome == CNN_STAT_IDENTICAL && r.p == 1 && r.ratio == 1);
    r = brown_forsythe(threes, 5, (const double[]){1, 3},
                       2); /* deviations 0 and 1 without spread */
    assert_true(r.outcome == CNN_STAT_NO_VARIANCE && isnan(r.p) && r.ratio == 0);
    r = brown_forsythe(threes, 5, other, 5);
    assert_true(r.outcome == CNN_STAT_OK && r.p < 0.05 && r.ratio == 0);
}

static void test_paired_variances_of_little(void **state)
{
    (void)state;
    const double doubled[] = {2, 10, 4, 16, 6}, shifted[] = {2, 6, 3, 9, 4};
    cnn_variance_ratio r = cnn_pitman_morgan(some, other, 2, 0.95);
    assert_true(r.outcome == CNN_STAT_TOO_FEW && isnan(r.p));
    r = cnn_pitman_morgan(some, some, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_IDENTICAL && r.p == 1 && r.ratio == 1);
    r = cnn_pitman_morgan(some, shifted, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_IDENTICAL && r.p == 1);
    r = cnn_pitman_morgan(some, doubled, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_NO_VARIANCE && r.ratio == 0.25 && isnan(r.p));
    r = cnn_pitman_morgan(threes, some, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_NO_VARIANCE && r.ratio == 0);
    r = cnn_pitman_morgan(threes, fours, 5, 0.95);
    assert_true(r.outcome == CNN_STAT_IDENTICAL && r.p == 1);
    assert_int_equal(cnn_pitman_morgan(some, bad, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(cnn_pitman_morgan(some, other, 5, 2).outcome, CNN_STAT_DOMAIN);
}

static cnn_superiority superior(const double *x, int nx, const double *y, int ny)
{
    cnn_superiority s;
    assert_int_equal(cnn_probability_greater(x, nx, y, ny, 0.95, &s), CNN_OK);
    return s;
}

static void test_effects_of_little(void **state)
{
    (void)state;
    cnn_hedges h = cnn_hedges_unpaired(some, 1, other, 1, 0.95);
    assert_true(h.outcome == CNN_STAT_TOO_FEW && isnan(h.g));
    h = cnn_hedges_unpaired(some, 2, other, 2, 0.95);
    assert_true(h.outcome == CNN_STAT_OK && isfinite(h.g) && h.interval.low < h.interval.high);
    h = cnn_hedges_unpaired(threes, 5, threes, 5, 0.95);
    assert_true(h.outcome == CNN_STAT_IDENTICAL && h.g == 0 && isnan(h.interval.low));
    h = cnn_hedges_unpaired(threes, 5, fours, 5, 0.95);
    assert_true(h.outcome == CNN_STAT_NO_VARIANCE && isinf(h.g) && h.g < 0);
    assert_int_equal(cnn_hedges_unpaired(some, 5, bad, 5, 0.95).outcome, CNN_STAT_NOT_FINITE);
    assert_int_equal(superior(some, 5, NULL, 0).outcome, CNN_STAT_TOO_FEW);
    assert_int_equal(superior(some, 5, bad, 5).outcome, CNN_STAT_NOT_FINITE);
    cnn_superiority s = superior(fours, 5, threes, 5); /* apart */
    assert_true(s.probability == 1 && s.interval.high == 1);
    assert_true(s.interval.low > 0.4 && s.interval.low < 0.9);
    s = superior(threes, 5, threes, 5);
    assert_true(s.probability == 0.5 && s.interval.low > 0 && s.interval.high < 1);
    golden_compare(s.interval.low, 1 - s.interval.high, 1e-12, "symmetric", 0);
}

static void test_holm_of_little(void **state)
{
    (void)state;
    double p[] = {NAN, NAN}, adjusted[2];
    int left_out = -1;
    assert_int_equal(cnn_holm(NULL, 0, NULL, &left_out), CNN_OK);
    assert_int_equal(left_out, 0);
    assert_int_equal(cnn_holm(p, 2, adjusted, &left_out), CNN_OK);
    assert_true(left_out == 2 && isnan(adjusted[0]) && isnan(adjusted[1]));
    assert_int_equal(cnn_holm((const double[]){0.04, 0.04}, 2, adjusted, NULL), CNN_OK);
    assert_true(adjusted[0] == 0.08 && adjusted[1] == 0.08);
}

static void test_power_outside_its_domain(void **state)
{
    (void)state;
    assert_int_equal(cnn_paired_blocks_needed(1, 0, 0.05, 0.8), 0);
    assert_int_equal(cnn_paired_blocks_needed(1, NAN, 0.05, 0.8), 0);
    assert_int_equal(cnn_paired_blocks_needed(1, 1e-6, 0.05, 0.8), 0); /* 8e12 */
    assert_int_equal(cnn_paired_blocks_needed(1, 0.5, 0.05, 0.01), 0);
    assert_int_equal(cnn_paired_blocks_needed(1, 1e9, 0.05, 0.8), 2);
    assert_int_equal(cnn_paired_blocks_needed(1, -0.5, 0.05, 0.8), 34);
    assert_int_equal(cnn_tost_blocks_needed(1, 0.01, 0.1, -0.01, 0.01, 0.05, 0.8), 0);
    assert_int_equal(cnn_tost_blocks_needed(1, 0, 0, -0.01, 0.01, 0.05, 0.8), 2);
    assert_int_equal(cnn_tost_blocks_needed(1, 0, NAN, -0.01, 0.01, 0.05, 0.8), 0);
    assert_int_equal(cnn_tost_blocks_needed(1, 0, 1e5, -0.01, 0.01, 0.05, 0.8), 0);
    assert_true(isnan(cnn_tost_paired_power(15, 1, 0, 0, -0.01, 0.01, 0.05)));
}

static void test_blocks_needed_are_the_fewest(void **state)
{
    (void)state;
    for (double effect = 0.004; effect < 5; effect *= 1.7) {
        const int n = cnn_paired_blocks_needed(1, effect, 0.01, 0.9);
        assert_true(cnn_paired_power(n, 1, effect, 0.01) >= 0.9);
        assert_true(n == 2 || cnn_paired_power(n - 1, 1, effect, 0.01) < 0.9);
    }
    for (double sd = 1e-4; sd < 1; sd *= 2.3) {
        const int n = cnn_tost_blocks_needed(1, 0.004, sd, -0.01, 0.01, 0.05, 0.8);
        assert_true(cnn_tost_paired_power(n, 1, 0.004, sd, -0.01, 0.01, 0.05) >= 0.8);
        assert_true(n == 2 || cnn_tost_paired_power(n - 1, 1, 0.004, sd, -0.01, 0.01, 0.05) < 0.8);
    }
}

/** Exchanging x and y turns every statistic round. */
static void test_exchanging_samples_mirrors(void **state)
{
    (void)state;
    const cnn_t_result ab = cnn_t_welch(some, 4, other, 5, 0.9),
                       ba = cnn_t_welch(other, 5, some, 4, 0.9);
    assert_true(ab.p == ba.p && ab.t == -ba.t);
    cnn_rank_test u, v;
    assert_int_equal(cnn_mann_whitney(some, 4, other, 5, &u), CNN_OK);
    assert_int_equal(cnn_mann_whitney(other, 5, some, 4, &v), CNN_OK);
    assert_true(u.p == v.p && u.statistic + v.statistic == 20);
    const cnn_variance_ratio f = cnn_pitman_morgan(some, other, 5, 0.95),
                             g = cnn_pitman_morgan(other, some, 5, 0.95);
    golden_compare(f.interval.low * g.interval.high, 1, 1e-12, "ratio", 0);
    golden_compare(f.p, g.p, 1e-12, "p", 0);
    const cnn_hedges h = cnn_hedges_unpaired(some, 5, other, 5, 0.95),
                     k = cnn_hedges_unpaired(other, 5, some, 5, 0.95);
    golden_compare(h.interval.low, -k.interval.high, 1e-9, "g", 0);
}

static double cubic(double x, const void *context)
{
    return x * x * x - *(const double *)context;
}

static double hyperbola(double x, const void *context)
{
    (void)context;
    return 1 + x * x;
}

static void test_roots_are_found_from_any_guess(void **state)
{
    (void)state;
    const double cube = 27;
    for (double guess = -1e4; guess < 1e4; guess += 777)
        golden_compare(cnn_root_near(cubic, &cube, guess, 0.1, 1e-13), 3, 1e-12, "root",
                       (int)guess);
    assert_true(isnan(cnn_root_near(hyperbola, NULL, 1, 0.1, 1e-13)));
    const double unknown = NAN;
    assert_true(isnan(cnn_root_near(cubic, &unknown, 1, 0.1, 1e-13)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description_of_little),
        cmocka_unit_test(test_quantiles_at_the_ends),
        cmocka_unit_test(test_outliers_of_little),
        cmocka_unit_test(test_trend_of_little),
        cmocka_unit_test(test_memory_of_little),
        cmocka_unit_test(test_means_without_spread),
        cmocka_unit_test(test_means_of_little),
        cmocka_unit_test(test_equivalence_without_spread),
        cmocka_unit_test(test_equivalence_means_the_interval_is_inside),
        cmocka_unit_test(test_sign_flips_of_little),
        cmocka_unit_test(test_the_observed_signs_always_count),
        cmocka_unit_test(test_drawn_sign_flips_estimate_the_exact_p),
        cmocka_unit_test(test_drawn_sign_flips_agree_with_r),
        cmocka_unit_test(test_ranks_of_little),
        cmocka_unit_test(test_statistics_at_their_mean_have_p_1),
        cmocka_unit_test(test_differences_tie_up_to_rounding),
        cmocka_unit_test(test_variances_of_little),
        cmocka_unit_test(test_paired_variances_of_little),
        cmocka_unit_test(test_effects_of_little),
        cmocka_unit_test(test_holm_of_little),
        cmocka_unit_test(test_power_outside_its_domain),
        cmocka_unit_test(test_blocks_needed_are_the_fewest),
        cmocka_unit_test(test_exchanging_samples_mirrors),
        cmocka_unit_test(test_roots_are_found_from_any_guess),
    };
    return cmocka_run_group_tests_name("degenerate statistics", tests, NULL, NULL);
}
