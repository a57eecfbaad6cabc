/* SPDX-License-Identifier: Apache-2.0 */
/* The test of spread from run to run: against R (tests/golden/spread.R), its symmetries, and what it
 * makes of little. */
#include "golden_csv.h"

#include "stats/spread.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_BLOCKS = 128 };

typedef struct {
    int n, levels;
    double x[MOST_BLOCKS], y[MOST_BLOCKS];
    int device[MOST_BLOCKS], px[MOST_BLOCKS], py[MOST_BLOCKS];
} design;

static cnn_spread judge(const design *d)
{
    cnn_spread s;
    const cnn_spread_pairs pairs = {d->n, d->x, d->y, d->device, d->px, d->py, d->levels};
    assert_int_equal(cnn_spread_test(&pairs, 0.95, &s), CNN_OK);
    return s;
}

static design read_design(const golden *blocks, int number, int levels)
{
    design d = {.levels = levels};
    for (int i = 0; i < blocks->row_count; i++) {
        if ((int)golden_number(blocks, i, "design") != number)
            continue;
        assert_true(d.n < MOST_BLOCKS);
        d.x[d.n] = golden_number(blocks, i, "x");
        d.y[d.n] = golden_number(blocks, i, "y");
        d.device[d.n] = (int)golden_number(blocks, i, "device");
        d.px[d.n] = (int)golden_number(blocks, i, "px");
        d.py[d.n++] = (int)golden_number(blocks, i, "py");
    }
    return d;
}

/** An end of an interval; "Inf": it has none there. */
static void compare_end(double here, const golden *g, const char *what, int row)
{
    if (isinf(here) || !strcmp(golden_text(g, row, what), "Inf"))
        assert_true(isinf(here) && !strcmp(golden_text(g, row, what), "Inf"));
    else
        golden_compare(here, golden_number(g, row, what), 1e-8, what, row);
}

static void test_figures_agree_with_r(void **state)
{
    (void)state;
    golden g = golden_read("tests/golden/spread.csv");
    golden blocks = golden_read("tests/golden/spread_blocks.csv");
    int across = 0, untested = 0;
    assert_true(g.row_count >= 160);
    for (int i = 0; i < g.row_count; i++) {
        const design d = read_design(&blocks, (int)golden_number(&g, i, "design"),
                                     (int)golden_number(&g, i, "levels"));
        const cnn_spread s = judge(&d);
        const double a = golden_number(&g, i, "across");
        assert_int_equal(s.outcome, isnan(a) ? CNN_STAT_TOO_FEW : CNN_STAT_OK);
        assert_true(isnan(a) || s.across == (a != 0));
        across += a == 1;
        untested += isnan(a);
        golden_compare(s.t, golden_number(&g, i, "t"), 1e-8, "t", i);
        golden_compare(s.df, golden_number(&g, i, "df"), 1e-8, "df", i);
        golden_compare(s.p, golden_number(&g, i, "p"), 1e-8, "p", i);
        golden_compare(s.ratio, golden_number(&g, i, "ratio"), 1e-8, "ratio", i);
        compare_end(s.interval.low, &g, "lower", i);
        compare_end(s.interval.high, &g, "upper", i);
    }
    assert_true(across >= 20 && untested >= 5); /* every way through is taken */
    golden_free(&g);
    golden_free(&blocks);
}

/** Noise that is the same in every call: multiples of the golden ratio. */
static double noise(int i)
{
    const double x = i * 0.61803398874989485;
    const double u = x - floor(x);
    return log(u + 0.001) - log(1.001 - u);
}

static design example(int n, int devices)
{
    design d = {.n = n, .levels = 2};
    for (int i = 0; i < n; i++) {
        d.x[i] = noise(2 * i + 1);
        d.y[i] = 0.4 * noise(7 * i + 4);
        d.device[i] = i % devices;
        d.px[i] = (i / devices) % 2;
        d.py[i] = 1 - d.px[i];
    }
    return d;
}

/** Names of the levels, of the devices' means, their preferences and the places do not matter. */
static void test_what_is_removed_changes_nothing(void **state)
{
    (void)state;
    const design d = example(24, 5);
    design other = d, swapped = d;
    for (int i = 0; i < d.n; i++) {
        other.x[i] += 3 * d.device[i] + 0.7 * d.px[i];
        other.y[i] += 3 * d.device[i] - 2 * (d.device[i] == 1) + 0.7 * d.py[i];
        swapped.x[i] = d.y[i];
        swapped.y[i] = d.x[i];
        swapped.px[i] = d.py[i];
        swapped.py[i] = d.px[i];
    }
    const cnn_spread a = judge(&d), b = judge(&other), c = judge(&swapped);
    assert_true(a.p < 0.05 && a.ratio > 1);
    golden_compare(b.t, a.t, 1e-9, "t", 0);
    golden_compare(b.ratio, a.ratio, 1e-9, "ratio", 0);
    golden_compare(c.t, -a.t, 1e-9, "t", 1);
    golden_compare(c.p, a.p, 1e-9, "p", 1);
    golden_compare(c.ratio, 1 / a.ratio, 1e-9, "ratio", 1);
    golden_compare(c.interval.low, 1 / a.interval.high, 1e-8, "interval", 1);
}

/** Half of a level's runs far from the others, by chance: the median lies where no run is. */
static void test_half_of_the_runs_out_do_not_decide(void **state)
{
    (void)state;
    for (int n = 6; n <= 10; n += 2) {
        design d = example(n, 1);
        for (int i = 0; i < n; i++) {
            d.x[i] = noise(2 * i + 1) + 100 * (i % 2);
            d.y[i] = noise(7 * i + 4);
            d.px[i] = d.py[i] = 0;
        }
        const cnn_spread s = judge(&d);
        assert_true(s.p > 0.001);
    }
}

/** One run 40 standard deviations out must not decide. */
static void test_an_outlier_is_no_spread(void **state)
{
    (void)state;
    design d = example(15, 1);
    for (int i = 0; i < d.n; i++)
        d.y[i] /= 0.4;
    const cnn_spread before = judge(&d);
    d.x[6] += 100;
    const cnn_spread after = judge(&d);
    assert_true(before.p > 0.1 && after.p > 0.1);
}

static void test_little_is_not_tested(void **state)
{
    (void)state;
    design d = example(3, 1);
    assert_int_equal(judge(&d).outcome, CNN_STAT_TOO_FEW); /* three blocks of one device: 2 spare */
    d = example(4, 1);
    assert_int_equal(judge(&d).outcome, CNN_STAT_OK);
    assert_true(judge(&d).df == 1); /* of the least number one less */
    d = example(5, 1);
    assert_true(judge(&d).df == 3);
    d = example(5, 3); /* 2 spare, 3 devices */
    assert_int_equal(judge(&d).outcome, CNN_STAT_TOO_FEW);
    assert_true(isnan(judge(&d).p));
    d = example(6, 4); /* 2 spare, 4 devices */
    assert_true(judge(&d).across);
    d = example(7, 4);
    assert_false(judge(&d).across);
    d = example(8, 6);
    assert_true(judge(&d).across);
    d.x[3] = NAN;
    assert_int_equal(judge(&d).outcome, CNN_STAT_NOT_FINITE);
}

static void test_levels_that_do_not_vary(void **state)
{
    (void)state;
    design d = example(10, 2);
    for (int i = 0; i < d.n; i++)
        d.x[i] = d.y[i] = 3;
    cnn_spread s = judge(&d);
    assert_int_equal(s.outcome, CNN_STAT_IDENTICAL);
    assert_true(s.p == 1 && s.ratio == 1 && isnan(s.t));
    for (int i = 0; i < d.n; i++) /* where only b varies, it varies more */
        d.y[i] = noise(i);
    s = judge(&d);
    assert_true(s.ratio == 0 && s.t < 0 && s.p > 0 && isnan(s.interval.low));
    d = example(8, 4);
    for (int i = 0; i < d.n; i++) { /* by the same amount on each device: only signs are left */
        d.x[i] = i < 4 ? 0 : 1;
        d.y[i] = 2;
        d.px[i] = 0;
        d.py[i] = 1;
    }
    s = judge(&d);
    golden_compare(s.p, 0.125, 1e-12, "p of signs", 0);
    assert_true(isinf(s.t) && s.t > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_of_the_runs_out_do_not_decide),
        cmocka_unit_test(test_figures_agree_with_r),
        cmocka_unit_test(test_what_is_removed_changes_nothing),
        cmocka_unit_test(test_an_outlier_is_no_spread),
        cmocka_unit_test(test_little_is_not_tested),
        cmocka_unit_test(test_levels_that_do_not_vary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
