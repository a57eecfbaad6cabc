/* SPDX-License-Identifier: Apache-2.0 */
/* The published study's figures and claims against R (tests/golden/published.R). */
#include "golden_csv.h"

#include "base/text.h"
#include "document/render.h"
#include "published/published.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cnn_published judged(void)
{
    cnn_published p;
    if (cnn_published_judge(&p) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return p;
}

static void test_compiled_table_is_the_file(void **state)
{
    (void)state;
    golden g = golden_read("share/published.csv");
    assert_int_equal(g.row_count, CNN_PUBLISHED_MEASURES * CNN_PUBLISHED_CASES);
    for (int i = 0; i < g.row_count; i++) {
        const cnn_published_row *r = &cnn_published_rows[i];
        assert_string_equal(r->measure, golden_text(&g, i, "measure"));
        assert_string_equal(r->measure, i < CNN_PUBLISHED_CASES ? "time" : "accuracy");
        assert_string_equal(r->architecture, golden_text(&g, i, "architecture"));
        assert_string_equal(r->dataset, golden_text(&g, i, "dataset"));
        assert_true(r->keras_mean == golden_number(&g, i, "keras_mean"));
        assert_true(r->keras_variance == golden_number(&g, i, "keras_variance"));
        assert_true(r->tensorflow_mean == golden_number(&g, i, "tensorflow_mean"));
        assert_true(r->tensorflow_variance == golden_number(&g, i, "tensorflow_variance"));
        assert_true(r->t == golden_number(&g, i, "published_t"));
        assert_non_null(cnn_published_case_name(r->architecture, r->dataset));
    }
    golden_free(&g);
}

/** R writes Inf, which golden_number does not take. */
static void agree(double actual, const golden *g, int row, const char *column)
{
    const char *text = golden_text(g, row, column);
    if (!strcmp(text, "Inf") || !strcmp(text, "-Inf")) {
        assert_true(isinf(actual) && (actual < 0) == (*text == '-'));
        return;
    }
    const double expected = golden_number(g, row, column);
    /* R subtracts cdfs from 1 where it has to; below its rounding only the size counts */
    golden_compare(actual, expected, fabs(expected) < 1e-12 && expected != 0 ? 1e-3 : 1e-8, column,
                   row);
}

static void test_rows_agree_with_r(void **state)
{
    (void)state;
    const cnn_published p = judged();
    golden g = golden_read("tests/golden/published_rows.csv");
    for (int i = 0; i < g.row_count; i++) {
        const cnn_published_result *x =
            &p.results[i / CNN_PUBLISHED_CASES][i % CNN_PUBLISHED_CASES];
        golden_compare(x->welch.difference, golden_number(&g, i, "difference"), 1e-10, "difference",
                       i);
        agree(x->welch.t, &g, i, "t");
        agree(x->t_range.low, &g, i, "t_low");
        agree(x->t_range.high, &g, i, "t_high");
        agree(x->p_most, &g, i, "p_most");
        agree(x->p_most_holm, &g, i, "p_most_holm");
        agree(x->f_range.low, &g, i, "f_low");
        agree(x->f_range.high, &g, i, "f_high");
        agree(x->fp_range.low, &g, i, "fp_low");
        agree(x->fp_range.high, &g, i, "fp_high");
        agree(x->fp_most_holm, &g, i, "fp_most_holm");
        assert_int_equal(x->reproduced, (int)golden_number(&g, i, "reproduced"));
        assert_int_equal(x->possible, (int)golden_number(&g, i, "possible"));
        if (i >= CNN_PUBLISHED_CASES)
            continue; /* with variances of 0.00 there is no test to compare */
        agree(x->welch.df, &g, i, "df");
        agree(x->welch.p, &g, i, "p");
        agree(x->welch_holm, &g, i, "welch_holm");
        agree(x->f.ratio, &g, i, "f");
        agree(x->f.interval.low, &g, i, "f_interval_low");
        agree(x->f.interval.high, &g, i, "f_interval_high");
        agree(x->f.p, &g, i, "f_p");
        agree(x->f_holm, &g, i, "f_holm");
    }
    golden_free(&g);
}

static void test_tests_agree_with_r(void **state)
{
    (void)state;
    const cnn_published p = judged();
    golden g = golden_read("tests/golden/published_tests.csv");
    assert_int_equal(g.row_count, 3 + 3 + 4 + 1);
    for (int i = 0; i < g.row_count; i++) {
        const char *name = golden_text(&g, i, "name");
        if (!strcmp(name, "alike")) {
            agree(p.alike_p, &g, i, "p");
            continue;
        }
        const cnn_published_test *x = !strcmp(name, "longer")   ? &p.longer[i]
                                      : !strcmp(name, "closer") ? &p.closer[i - 3]
                                                                : &p.relative_spread[i - 6];
        agree(x->estimate, &g, i, "estimate");
        agree(x->p, &g, i, "p");
        agree(x->holm, &g, i, "holm");
    }
    golden_free(&g);
}

static void test_claims_fare_as_in_r(void **state)
{
    (void)state;
#define NAME_OF(code, name, text) name,
    static const char *const names[] = {CNN_PUBLISHED_CLAIMS(NAME_OF)};
    const cnn_published p = judged();
    golden g = golden_read("tests/golden/published_claims.csv");
    assert_int_equal(g.row_count, CNN_CLAIM_COUNT);
    for (int i = 0; i < g.row_count; i++) {
        const cnn_claim_result *c = &p.claims[i];
        assert_string_equal(names[i], golden_text(&g, i, "name"));
        assert_int_equal(c->n, (int)golden_number(&g, i, "cases"));
        assert_int_equal(c->supported, (int)golden_number(&g, i, "supported"));
        assert_int_equal(c->opposed, (int)golden_number(&g, i, "opposed"));
        assert_string_equal(cnn_claim_verdict_names[c->verdict], golden_text(&g, i, "verdict"));
    }
    golden_free(&g);
}

static void test_document_shows_the_published_statistics(void **state)
{
    (void)state;
    const cnn_published p = judged();
    cnn_document d = {0};
    cnn_text t = {0};
    cnn_published_report(&p, &d);
    assert_int_equal(cnn_document_status(&d), CNN_OK);
    cnn_render_text(&d, NULL, CNN_TEXT_WIDTH, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    static const char *const parts[] = {
        "44.76   44.76  yes",   "55.52   55.52  yes", "10.24   10.24  yes",
        "0.97    0.97  yes",    "6.15    6.15  yes",  "8.57    8.57  yes",
        "cannot be reproduced", "6 of 6 statistics",  NULL};
    for (int i = 0; parts[i]; i++)
        if (!strstr(t.s, parts[i]))
            fail_msg("'%s' is missing in %s", parts[i], t.s);
    assert_null(strstr(t.s, "nan"));
    for (const char *s = t.s; *s;) {
        const size_t n = strcspn(s, "\n");
        if (n > CNN_TEXT_WIDTH)
            fail_msg("a line of %zu characters: %.*s", n, (int)n, s);
        s += n + (s[n] == '\n');
    }
    cnn_text_free(&t);
    cnn_document_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compiled_table_is_the_file),
        cmocka_unit_test(test_rows_agree_with_r),
        cmocka_unit_test(test_tests_agree_with_r),
        cmocka_unit_test(test_claims_fare_as_in_r),
        cmocka_unit_test(test_document_shows_the_published_statistics),
    };
    return cmocka_run_group_tests_name("published", tests, NULL, NULL);
}
