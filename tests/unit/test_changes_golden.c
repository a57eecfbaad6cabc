/* SPDX-License-Identifier: Apache-2.0 */
/* By how much two files differ, against R (tests/golden/changes.R). */
#include "golden_csv.h"

#include "changes/estimate.h"
#include "changes/session_effects.h"
#include "stats/equivalence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEVEL  0.95
#define MARGIN log(1.01)

enum { MOST_VALUES = 128, MOST_PLACES = 3 };

typedef struct {
    cnn_change_value values[MOST_VALUES];
    double place[MOST_PLACES * MOST_VALUES];
    cnn_change_sample sample;
} sample_of_scenario;

static void read_sample(const golden *g, const char *scenario, sample_of_scenario *out)
{
    int rows[MOST_VALUES] = {0}, n = 0, devices = 0;
    for (int i = 0; i < g->row_count; i++)
        if (!strcmp(golden_text(g, i, "scenario"), scenario)) {
            assert_true(n < MOST_VALUES);
            rows[n++] = i;
        }
    assert_true(n > 0);
    const int positions = (int)golden_number(g, rows[0], "positions");
    for (int i = 0; i < n; i++) {
        const int device = (int)golden_number(g, rows[i], "device");
        devices = device >= devices ? device + 1 : devices;
        out->values[i] = (cnn_change_value){.value = golden_number(g, rows[i], "value"),
                                            .file = (int)golden_number(g, rows[i], "file"),
                                            .device = device,
                                            .session = (int)golden_number(g, rows[i], "session")};
        for (int c = 0; c + 1 < positions; c++) {
            char column[24];
            snprintf(column, sizeof column, "place_%d", c + 1);
            out->place[c * n + i] = golden_number(g, rows[i], column);
        }
    }
    out->sample = (cnn_change_sample){.n = n,
                                      .device_count = devices,
                                      .positions = positions,
                                      .values = out->values,
                                      .place = out->place};
}

static void compare(double actual, double expected, const char *what, int row)
{
    if (fabs(actual) < 1e-15 && fabs(expected) < 1e-15)
        return;
    golden_compare(actual, expected, 1e-8, what, row);
}

static void test_estimates_agree_with_r(void **state)
{
    (void)state;
    golden values = golden_read("tests/golden/changes_values.csv");
    golden g = golden_read("tests/golden/changes_estimates.csv");
    int by_device = 0;
    for (int i = 0; i < g.row_count; i++) {
        sample_of_scenario s;
        cnn_change_estimate x;
        const bool is_device = !strcmp(golden_text(&g, i, "unit"), "device");
        read_sample(&values, golden_text(&g, i, "scenario"), &s);
        assert_int_equal(is_device ? cnn_change_by_device(&s.sample, LEVEL, &x)
                                   : cnn_change_by_block(&s.sample, LEVEL, &x),
                         CNN_OK);
        by_device += is_device;
        assert_int_equal(x.unit, is_device ? CNN_CHANGE_BY_DEVICE : CNN_CHANGE_BY_BLOCK);
        assert_int_equal(x.units, (int)golden_number(&g, i, "units"));
        assert_int_equal(x.before, (int)golden_number(&g, i, "before"));
        assert_int_equal(x.after, (int)golden_number(&g, i, "after"));
        assert_int_equal(x.is_adjusted, (int)golden_number(&g, i, "adjusted"));
        compare(x.t.difference, golden_number(&g, i, "mean"), "mean", i);
        compare(x.t.standard_error, golden_number(&g, i, "se"), "se", i);
        compare(x.t.df, golden_number(&g, i, "df"), "df", i);
        compare(x.t.interval.low, golden_number(&g, i, "lower"), "lower", i);
        compare(x.t.interval.high, golden_number(&g, i, "upper"), "upper", i);
        compare(x.t.p, golden_number(&g, i, "p"), "p", i);
        compare(cnn_tost_difference(&x.t, -MARGIN, MARGIN, 0.05).p, golden_number(&g, i, "tost"),
                "tost", i);
    }
    assert_true(by_device >= 4 && g.row_count >= 12);
    golden_free(&values);
    golden_free(&g);
}

static void test_sessions_agree_with_r(void **state)
{
    (void)state;
    golden values = golden_read("tests/golden/changes_values.csv");
    golden g = golden_read("tests/golden/changes_sessions.csv");
    assert_true(g.row_count >= 2);
    for (int i = 0; i < g.row_count; i++) {
        sample_of_scenario s;
        cnn_session_effects x;
        read_sample(&values, golden_text(&g, i, "scenario"), &s);
        assert_int_equal(cnn_change_session_effects(&s.sample, LEVEL, &x), CNN_OK);
        assert_int_equal(x.df, (int)golden_number(&g, i, "df"));
        assert_int_equal(x.error_df, (int)golden_number(&g, i, "error_df"));
        compare(x.f, golden_number(&g, i, "f"), "f", i);
        compare(x.p, golden_number(&g, i, "p"), "p", i);
        compare(x.sd, golden_number(&g, i, "sd"), "sd", i);
        compare(x.lower, golden_number(&g, i, "lower"), "lower", i);
        compare(x.upper, golden_number(&g, i, "upper"), "upper", i);
    }
    golden_free(&values);
    golden_free(&g);
}

/** The unit is the device from four shared ones on. */
static void test_unit_depends_on_shared_devices(void **state)
{
    (void)state;
    static const struct {
        const char *scenario;
        cnn_change_unit unit;
        int shared;
    } cases[] = {
        {"balanced", CNN_CHANGE_BY_DEVICE, 6}, {"orders", CNN_CHANGE_BY_DEVICE, 6},
        {"few", CNN_CHANGE_BY_BLOCK, 2},       {"one", CNN_CHANGE_BY_BLOCK, 1},
        {"none", CNN_CHANGE_BY_BLOCK, 0},      {"alone", CNN_CHANGE_BY_DEVICE, 5},
    };
    golden values = golden_read("tests/golden/changes_values.csv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample_of_scenario s;
        cnn_change_estimate x;
        read_sample(&values, cases[i].scenario, &s);
        assert_int_equal(cnn_change_of(&s.sample, LEVEL, &x), CNN_OK);
        assert_int_equal(x.unit, cases[i].unit);
        assert_int_equal(x.shared, cases[i].shared);
        assert_true(x.t.p >= 0 && x.t.p <= 1);
    }
    golden_free(&values);
}

/** Too little: no figure is made up. */
static void test_little_data_has_no_interval(void **state)
{
    (void)state;
    const cnn_change_value values[] = {{0.5, CNN_BEFORE, 0, 0}, {0.6, CNN_AFTER, 0, 0}};
    cnn_change_sample s = {.n = 2, .device_count = 1, .positions = 1, .values = values};
    cnn_change_estimate x;
    cnn_session_effects sessions;
    assert_int_equal(cnn_change_of(&s, LEVEL, &x), CNN_OK);
    assert_int_equal(x.units, 2);
    assert_true(fabs(x.t.difference - 0.1) < 1e-12);
    assert_true(isnan(x.t.p) && isnan(x.t.interval.low));
    assert_int_equal(cnn_change_session_effects(&s, LEVEL, &sessions), CNN_OK);
    assert_int_equal(sessions.df, 0);
    assert_true(isnan(sessions.p));
    s.n = 1;
    assert_int_equal(cnn_change_of(&s, LEVEL, &x), CNN_OK);
    assert_true(isnan(x.t.difference) && isnan(x.t.p));
    s.n = 0;
    assert_int_equal(cnn_change_of(&s, LEVEL, &x), CNN_OK);
    assert_true(isnan(x.t.difference));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimates_agree_with_r),
        cmocka_unit_test(test_sessions_agree_with_r),
        cmocka_unit_test(test_unit_depends_on_shared_devices),
        cmocka_unit_test(test_little_data_has_no_interval),
    };
    return cmocka_run_group_tests_name("changes, golden", tests, NULL, NULL);
}
