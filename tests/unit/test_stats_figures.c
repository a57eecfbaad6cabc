/* SPDX-License-Identifier: Apache-2.0 */
/* Every statistic of src/stats against R: tests/golden/figures.csv, by stats_figures.R. */
#include "golden_csv.h"

#include "stats/describe.h"
#include "stats/dist.h"
#include "stats/effect.h"
#include "stats/equivalence.h"
#include "stats/multiple.h"
#include "stats/normality.h"
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
#include <string.h>

#include <cmocka.h>

#define SAMPLE_MOST 400
#define FIELD_MOST  20
#define FAMILY_MOST 64

typedef struct {
    int n;
    double x[SAMPLE_MOST];
} sample;

/** What a figure is asked from. */
typedef struct {
    sample x, y;
    double a, b, c;
    const golden *table; /* where a family of tests is spread over rows */
} arguments;

/** What a function has answered. */
typedef struct {
    int count;
    const char *names[FIELD_MOST];
    double values[FIELD_MOST];
} answer;

static void add(answer *out, const char *name, double value)
{
    assert_true(out->count < FIELD_MOST);
    out->names[out->count] = name;
    out->values[out->count++] = value;
}

static void add_interval(answer *out, cnn_interval interval)
{
    add(out, "low", interval.low);
    add(out, "high", interval.high);
}

static void describe(const arguments *q, answer *out)
{
    cnn_description d;
    assert_int_equal(cnn_describe(q->x.x, q->x.n, q->a, &d), CNN_OK);
    add(out, "n", d.n);
    add(out, "mean", d.mean);
    add(out, "variance", d.variance);
    add(out, "sd", d.sd);
    add(out, "cv", d.cv);
    add(out, "mean_low", d.mean_interval.low);
    add(out, "mean_high", d.mean_interval.high);
    add(out, "median", d.median);
    add(out, "median_low", d.median_interval.low);
    add(out, "median_high", d.median_interval.high);
    add(out, "median_level", d.median_level);
    add(out, "p5", d.p5);
    add(out, "quartile_1", d.quartile_1);
    add(out, "quartile_3", d.quartile_3);
    add(out, "p95", d.p95);
    add(out, "min", d.min);
    add(out, "max", d.max);
}

static void outliers(const arguments *q, answer *out)
{
    cnn_outliers found;
    int indices[SAMPLE_MOST] = {0}, sum = 0;
    assert_int_equal(cnn_find_outliers(q->x.x, q->x.n, &found, indices), CNN_OK);
    for (int i = 0; i < found.outlier_count; i++)
        sum += indices[i];
    add_interval(out, found.fences);
    add(out, "count", found.outlier_count);
    add(out, "first", found.outlier_count ? indices[0] : NAN);
    add(out, "sum", sum);
}

/** Groups of a and b values, the rest is the third; c values in all. */
static void serial_correlation(const arguments *q, answer *out)
{
    int group[SAMPLE_MOST];
    for (int i = 0; i < (int)q->c; i++)
        group[i] = i < (int)q->a ? 7 : i < (int)(q->a + q->b) ? 3 : 5;
    const cnn_serial_correlation r = cnn_serial_correlation_within(q->x.x, group, (int)q->c);
    assert_int_equal(r.outcome, CNN_STAT_OK);
    add(out, "r", r.r);
    add(out, "expected", r.expected);
    add(out, "p", r.p);
    add(out, "pairs", r.pairs);
}

static void spearman(const arguments *q, answer *out)
{
    cnn_rank_correlation r;
    assert_int_equal(cnn_spearman(q->x.x, q->y.x, q->x.n, &r), CNN_OK);
    add(out, "rho", r.rho);
    add(out, "p", r.p);
    add(out, "exact", r.exact);
}

static void add_t(answer *out, cnn_t_result t)
{
    assert_int_equal(t.outcome, CNN_STAT_OK);
    add(out, "difference", t.difference);
    add(out, "standard_error", t.standard_error);
    add_interval(out, t.interval);
    add(out, "t", t.t);
    add(out, "df", t.df);
    add(out, "p", t.p);
}

static void paired(const arguments *q, answer *out)
{
    add_t(out, cnn_t_paired(q->x.x, q->y.x, q->x.n, q->a));
}

static void welch(const arguments *q, answer *out)
{
    add_t(out, cnn_t_welch(q->x.x, q->x.n, q->y.x, q->y.n, q->a));
}

static void add_tost(answer *out, cnn_tost t)
{
    assert_int_equal(t.outcome, CNN_STAT_OK);
    add(out, "t_low", t.t_low);
    add(out, "t_high", t.t_high);
    add(out, "p_low", t.p_low);
    add(out, "p_high", t.p_high);
    add(out, "p", t.p);
    add(out, "df", t.df);
    add_interval(out, t.interval);
}

static void tost_paired(const arguments *q, answer *out)
{
    const cnn_t_result t = cnn_t_paired(q->x.x, q->y.x, q->x.n, 0.95);
    add_tost(out, cnn_tost_difference(&t, q->a, q->b, q->c));
}

static void tost_welch(const arguments *q, answer *out)
{
    const cnn_t_result t = cnn_t_welch(q->x.x, q->x.n, q->y.x, q->y.n, 0.95);
    add_tost(out, cnn_tost_difference(&t, q->a, q->b, q->c));
}

static sample logs_of(sample x)
{
    for (int i = 0; i < x.n; i++)
        x.x[i] = log(x.x[i]);
    return x;
}

static void add_ratio(answer *out, cnn_t_result logs, double margin)
{
    const cnn_ratio r = cnn_ratio_from_logs(&logs);
    add(out, "ratio", r.ratio);
    add_interval(out, r.interval);
    add(out, "p", logs.p);
    add(out, "tost", cnn_tost_ratio(&logs, margin, 0.05).p);
}

static void ratio_paired(const arguments *q, answer *out)
{
    const sample x = logs_of(q->x), y = logs_of(q->y);
    add_ratio(out, cnn_t_paired(x.x, y.x, x.n, q->a), q->b);
}

static void ratio_welch(const arguments *q, answer *out)
{
    const sample x = logs_of(q->x), y = logs_of(q->y);
    add_ratio(out, cnn_t_welch(x.x, x.n, y.x, y.n, q->a), q->b);
}

static void add_rank_test(answer *out, cnn_rank_test t)
{
    add(out, "statistic", t.statistic);
    add(out, "p", t.p);
    add(out, "exact", t.exact);
}

static void signed_rank(const arguments *q, answer *out)
{
    cnn_rank_test t;
    assert_int_equal(cnn_wilcoxon_signed_rank(q->x.x, q->y.x, q->x.n, &t), CNN_OK);
    add_rank_test(out, t);
}

static void rank_sum(const arguments *q, answer *out)
{
    cnn_rank_test t;
    assert_int_equal(cnn_mann_whitney(q->x.x, q->x.n, q->y.x, q->y.n, &t), CNN_OK);
    add_rank_test(out, t);
}

static void sign_flip(const arguments *q, answer *out)
{
    cnn_sign_flip f;
    assert_int_equal(cnn_sign_flip_test(q->x.x, q->y.x, q->x.n, 1, &f), CNN_OK);
    add(out, "p", f.p);
    add(out, "permutations", (double)f.permutations);
    add(out, "difference", f.difference);
}

static void superiority(const arguments *q, answer *out)
{
    cnn_superiority s;
    assert_int_equal(cnn_probability_greater(q->x.x, q->x.n, q->y.x, q->y.n, q->a, &s), CNN_OK);
    add(out, "probability", s.probability);
    add_interval(out, s.interval);
}

static void add_variance_ratio(answer *out, cnn_variance_ratio r)
{
    add(out, "ratio", r.ratio);
    add_interval(out, r.interval);
    add(out, "statistic", r.statistic);
    add(out, "df1", r.df1);
    add(out, "df2", r.df2);
    add(out, "p", r.p);
}

static void f_test(const arguments *q, answer *out)
{
    add_variance_ratio(out, cnn_f_test(q->x.x, q->x.n, q->y.x, q->y.n, q->a));
}

static void brown_forsythe(const arguments *q, answer *out)
{
    cnn_variance_ratio r;
    assert_int_equal(cnn_brown_forsythe(q->x.x, q->x.n, q->y.x, q->y.n, &r), CNN_OK);
    add_variance_ratio(out, r);
}

static void pitman_morgan(const arguments *q, answer *out)
{
    add_variance_ratio(out, cnn_pitman_morgan(q->x.x, q->y.x, q->x.n, q->a));
}

static void shapiro_wilk(const arguments *q, answer *out)
{
    cnn_normality normality;
    assert_int_equal(cnn_shapiro_wilk(q->x.x, q->x.n, &normality), CNN_OK);
    add(out, "w", normality.w);
    add(out, "p", normality.p);
}

static void add_hedges(answer *out, cnn_hedges h)
{
    add(out, "g", h.g);
    add(out, "d", h.d);
    add(out, "df", h.df);
    add_interval(out, h.interval);
}

static void hedges_unpaired(const arguments *q, answer *out)
{
    add_hedges(out, cnn_hedges_unpaired(q->x.x, q->x.n, q->y.x, q->y.n, q->a));
}

static void holm(const arguments *q, answer *out)
{
    double family[FAMILY_MOST];
    int n = 0, left_out = 0, nan_count = 0;
    for (int i = 0; i < q->table->row_count; i++)
        if (!strcmp(golden_text(q->table, i, "name"), "holm") &&
            golden_number(q->table, i, "a") == q->a)
            family[n++] = golden_number(q->table, i, "c");
    for (int i = 0; i < n; i++)
        nan_count += isnan(family[i]);
    assert_int_equal(cnn_holm(family, n, family, &left_out), CNN_OK);
    assert_int_equal(left_out, nan_count);
    add(out, "value", family[(int)q->b - 1]);
}

/** A number of numbers. */
#define NUMBER(name, call)                                                                         \
    static void name(const arguments *q, answer *out)                                              \
    {                                                                                              \
        add(out, "value", call);                                                                   \
    }
NUMBER(normal_cdf, cnn_normal_cdf(q->a))
NUMBER(normal_quantile, cnn_normal_quantile(q->a))
NUMBER(student_cdf, cnn_student_cdf(q->a, q->b))
NUMBER(f_cdf, cnn_f_cdf(q->a, q->b, q->c))
NUMBER(f_sf, cnn_f_sf(q->a, q->b, q->c))
NUMBER(f_quantile, cnn_f_quantile(q->a, q->b, q->c))
NUMBER(chi_squared_cdf, cnn_chi_squared_cdf(q->a, q->b))
NUMBER(chi_squared_sf, cnn_chi_squared_sf(q->a, q->b))
NUMBER(chi_squared_quantile, cnn_chi_squared_quantile(q->a, q->b))
NUMBER(binomial_cdf, cnn_binomial_cdf((int)q->a, (int)q->b, q->c))
NUMBER(beta_quantile, cnn_beta_quantile(q->a, q->b, q->c))
NUMBER(gamma_ratio, cnn_gamma_ratio(q->a, q->b))
NUMBER(paired_blocks, cnn_paired_blocks_needed(1, q->a, q->b, q->c))
NUMBER(tost_power, cnn_tost_paired_power((int)q->a, 1, q->b, q->c, -0.01, 0.01, 0.05))
NUMBER(tost_blocks, cnn_tost_blocks_needed(1, q->a, q->b, -0.01, 0.01, 0.05, q->c))

/** Rows: how many the table has at least; a script that left some out is noticed. */
#define FIGURES(X)                                                                                 \
    X(describe, 1000)                                                                              \
    X(outliers, 100)                                                                               \
    X(serial_correlation, 40)                                                                      \
    X(spearman, 40)                                                                                \
    X(paired, 190)                                                                                 \
    X(welch, 280)                                                                                  \
    X(tost_paired, 400)                                                                            \
    X(tost_welch, 600)                                                                             \
    X(ratio_paired, 90)                                                                            \
    X(ratio_welch, 100)                                                                            \
    X(signed_rank, 40)                                                                             \
    X(rank_sum, 60)                                                                                \
    X(sign_flip, 30)                                                                               \
    X(superiority, 60)                                                                             \
    X(f_test, 240)                                                                                 \
    X(brown_forsythe, 70)                                                                          \
    X(pitman_morgan, 70)                                                                           \
    X(shapiro_wilk, 60)                                                                            \
    X(hedges_unpaired, 100)                                                                        \
    X(holm, 50)                                                                                    \
    X(normal_cdf, 6)                                                                               \
    X(normal_quantile, 5)                                                                          \
    X(student_cdf, 20)                                                                             \
    X(f_cdf, 45)                                                                                   \
    X(f_sf, 45)                                                                                    \
    X(f_quantile, 4)                                                                               \
    X(chi_squared_cdf, 12)                                                                         \
    X(chi_squared_sf, 12)                                                                          \
    X(chi_squared_quantile, 12)                                                                    \
    X(binomial_cdf, 24)                                                                            \
    X(beta_quantile, 8)                                                                            \
    X(gamma_ratio, 5)                                                                              \
    X(paired_blocks, 8)                                                                            \
    X(tost_power, 18)                                                                              \
    X(tost_blocks, 6)

static golden figures, samples;

static sample sample_named(const char *name)
{
    sample s = {0};
    for (int i = 0; *name && i < samples.row_count; i++)
        if (!strcmp(golden_text(&samples, i, "sample"), name))
            s.x[s.n++] = golden_number(&samples, i, "value");
    return s;
}

/** Every row of the table with this name. */
static void check(const char *name, void (*ask)(const arguments *, answer *), int least)
{
    int seen = 0;
    for (int i = 0; i < figures.row_count; i++) {
        if (strcmp(golden_text(&figures, i, "name"), name))
            continue;
        const arguments q = {.x = sample_named(golden_text(&figures, i, "x")),
                             .y = sample_named(golden_text(&figures, i, "y")),
                             .a = golden_number(&figures, i, "a"),
                             .b = golden_number(&figures, i, "b"),
                             .c = golden_number(&figures, i, "c"),
                             .table = &figures};
        answer got = {0};
        ask(&q, &got);
        const char *field = golden_text(&figures, i, "field");
        int k = 0;
        while (k < got.count && strcmp(got.names[k], field))
            k++;
        assert_true(k < got.count);
        golden_compare(got.values[k], golden_number(&figures, i, "value"), 1e-8, field, i);
        seen++;
    }
    assert_true(seen >= least);
}

static int read_tables(void **state)
{
    (void)state;
    figures = golden_read("tests/golden/figures.csv");
    samples = golden_read("tests/golden/figures_samples.csv");
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    golden_free(&figures);
    golden_free(&samples);
    return 0;
}

#define TEST_BODY(name, least)                                                                     \
    static void test_##name##_agrees_with_r(void **state)                                          \
    {                                                                                              \
        (void)state;                                                                               \
        check(#name, name, least);                                                                 \
    }
FIGURES(TEST_BODY)

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST_ENTRY(name, least) cmocka_unit_test(test_##name##_agrees_with_r),
        FIGURES(TEST_ENTRY)
#undef TEST_ENTRY
    };
    return cmocka_run_group_tests_name("stats against R", tests, read_tables, free_tables);
}
