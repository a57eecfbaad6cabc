/* SPDX-License-Identifier: Apache-2.0 */
/* The report of whole experiments: what it says, that it fits, and that CSV has R's figures. */
#include "experiment.h"
#include "golden_csv.h"

#include "base/text.h"
#include "document/render.h"
#include "report/parts.h"
#include "report/report.h"
#include "report/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    cnn_results *results;
    cnn_analysis *analysis;
    cnn_document document;
} reported;

static reported report(cnn_results *r, bool full)
{
    reported x = {.results = r};
    if (cnn_analysis_create(r, 1, &x.analysis) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    const cnn_report_source source = {.results = r, .analysis = x.analysis, .path = "golden.h5"};
    if (cnn_report_document(&source, full, &x.document) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return x;
}

static void end(reported *x)
{
    cnn_document_free(&x->document);
    cnn_analysis_destroy(&x->analysis);
    cnn_results_free(&x->results);
}

/** The document as text: every line fits and is plain ASCII, no NaN is shown. */
static char *text_of(const reported *x)
{
    cnn_text t = {0};
    cnn_render_text(&x->document, NULL, CNN_TEXT_WIDTH, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    for (const char *s = t.s; *s;) {
        const size_t n = strcspn(s, "\n");
        if (n > CNN_TEXT_WIDTH)
            fail_msg("a line of %zu characters: %.*s", n, (int)n, s);
        for (size_t i = 0; i < n; i++)
            assert_in_range(s[i], ' ', '~');
        s += n + (s[n] == '\n');
    }
    const char *nan = strstr(t.s, "nan");
    if (nan)
        fail_msg("%.*s", 200, nan - t.s > 100 ? nan - 100 : t.s);
    return cnn_text_take(&t);
}

/** The text with every run of blanks and line ends as one blank: paragraphs as they are written. */
static char *unwrapped(const char *text)
{
    cnn_text t = {0};
    for (; *text; text += strcspn(text, " \n")) {
        text += strspn(text, " \n");
        cnn_text_append_bytes(&t, text, strcspn(text, " \n"));
        cnn_text_append(&t, " ");
    }
    return cnn_text_take(&t);
}

static void assert_says(const char *text, const char *const *parts)
{
    char *flat = unwrapped(text);
    for (; *parts; parts++)
        if (!strstr(text, *parts) && !strstr(flat, *parts)) {
            fputs(text, stderr); /* too long for cmocka's messages */
            fail_msg("'%s' is missing in the report above", *parts);
        }
    free(flat);
}

/** A table as CSV, cut into fields. */
static golden csv_of(const reported *x, const char *name)
{
    char path[] = "/tmp/cnn_report_XXXXXX";
    cnn_text t = {0};
    cnn_render_csv(&x->document, name, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(write(file, t.s, t.len) == (ssize_t)t.len);
    close(file);
    golden g = golden_read(path);
    unlink(path);
    cnn_text_free(&t);
    return g;
}

/** NaN where the field is empty. */
static double number(const golden *g, int row, const char *column)
{
    return *golden_text(g, row, column) ? golden_number(g, row, column) : NAN;
}

static void test_cells_as_csv_are_those_of_r(void **state)
{
    (void)state;
    static const char *const same[] = {"n",  "mean", "variance", "sd",  "median", "median_lower",
                                       "q1", "q3",   "p5",       "p95", "min",    "max"};
    reported x = report(experiment_read("incomplete"), true);
    golden ours = csv_of(&x, "cells"), r = golden_read("tests/golden/analysis_cells.csv");
    int compared = 0;
    for (int i = 0; i < r.row_count; i++) {
        if (strcmp(golden_text(&r, i, "scenario"), "incomplete") != 0)
            continue;
        const int k = (int)golden_number(&r, i, "combination");
        const int level = (int)golden_number(&r, i, "level");
        const int *levels =
            &x.results->cell_levels[x.analysis->cell_of[k * x.analysis->level_count + level] *
                                    x.results->factor_count];
        for (int row = 0; row < ours.row_count; row++) {
            bool wanted =
                !strcmp(golden_text(&ours, row, "measure"), golden_text(&r, i, "measure"));
            for (int f = 0; f < x.results->factor_count; f++)
                wanted &= !strcmp(golden_text(&ours, row, x.results->factors[f].name),
                                  x.results->factors[f].labels[levels[f]]);
            if (!wanted)
                continue;
            for (size_t c = 0; c < sizeof same / sizeof *same; c++)
                golden_compare(number(&ours, row, same[c]), golden_number(&r, i, same[c]), 1e-8,
                               same[c], i);
            compared++;
        }
    }
    assert_true(compared > 10);
    golden_free(&ours);
    golden_free(&r);
    end(&x);
}

static void test_comparisons_as_csv_have_every_column(void **state)
{
    (void)state;
    reported x = report(experiment_read("balanced"), true);
    golden g = csv_of(&x, "comparisons");
    assert_int_equal(g.row_count, x.analysis->comparison_count * CNN_MEASURE_COUNT);
    for (int m = 0, row = 0; m < CNN_MEASURE_COUNT; m++)
        for (int i = 0; i < x.analysis->comparison_count; i++, row++) {
            const cnn_comparison *c = cnn_analysis_comparison(x.analysis, i, (cnn_measure)m);
            assert_string_equal(golden_text(&g, row, "measure"), cnn_measure_names[m]);
            assert_string_equal(golden_text(&g, row, "verdict_name"),
                                cnn_verdict_names[c->verdict]);
            assert_int_equal((int)number(&g, row, "blocks"), c->blocks);
            if (m == CNN_MEASURE_TEST_LOSS) { /* no margin: unknown, an empty field */
                assert_int_equal(c->blocks_needed, -1);
                assert_string_equal(golden_text(&g, row, "blocks_needed"), "");
                assert_string_equal(golden_text(&g, row, "margin"), "");
            }
            golden_compare(number(&g, row, "paired_p_holm"), c->paired_p_holm, 0, "p", row);
            golden_compare(number(&g, row, "superiority_upper"), c->superiority_upper, 0, "P", row);
        }
    golden_free(&g);
    end(&x);
}

static void test_report_says_what_is_there(void **state)
{
    (void)state;
    static const char *const scenarios[] = {"balanced", "incomplete", "crossed"};
    for (int s = 0; s < 3; s++) {
        size_t lengths[2];
        for (int full = 0; full < 2; full++) {
            reported x = report(experiment_read(scenarios[s]), full);
            char *text = text_of(&x);
            const char *const parts[] = {
                "golden.h5",     "contrast  framework", "Training time, s: means",
                "Test error, %", "block by block",      "What was found",
                "speed-up",      "These findings hold", NULL};
            assert_says(text, parts);
            const char *const own[][2] = {{"for hosts like", NULL}, {NULL}, {"8 in 22/24", NULL}};
            assert_says(text, own[s]); /* of two hosts; errors count seeds */
            const char *const details[] = {"How verdicts are", "Time of an epoch",
                                           "Welch's t",        "sign flips",
                                           "Hedges' g",        "TOST's p",
                                           "quantiles",        "B.-Forsythe",
                                           "Gain of blocking", NULL};
            for (int i = 0; details[i]; i++)
                if ((strstr(text, details[i]) != NULL) != full)
                    fail_msg("'%s' in the report, full: %d", details[i], full);
            lengths[full] = strlen(text);
            free(text);
            end(&x);
        }
        assert_true(lengths[1] > 2 * lengths[0]);
    }
}

static void test_lost_runs_are_counted_everywhere(void **state)
{
    (void)state;
    reported x = report(experiment_read("incomplete"), true);
    char *text = text_of(&x), counts[128];
    const cnn_cell_count *t = &x.analysis->total;
    snprintf(counts, sizeof counts, "%d planned: %d done, %d failed, %d diverged, %d missing",
             t->planned, t->done, t->failed, t->diverged, t->missing);
    const char *const parts[] = {counts, "Runs that the tables lack",
                                 "Blocks that paired tests leave", "runs are not in these figures",
                                 NULL};
    assert_true(t->failed > 0 && t->missing > 0);
    assert_says(text, parts);
    free(text);
    end(&x);
}

/** Level 1 takes a fifth longer than level 0 and errs less, in two combinations; level 0 varies
 * more in time. */
static cnn_results *make_clear(void)
{
    static const double noise[] = {0.3, -0.2, 0.5, -0.6, 0.1, -0.4, 0.6, -0.3};
    cnn_results *r = experiment_make_done(2, 2, 8, 1);
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        const double x = noise[p->repeat], y = noise[(p->repeat * 3 + 1) % 8];
        r->measured[i].train_seconds = p->level ? 120 + y / 10 : 100 + 2 * x;
        r->measured[i].test_error = p->level ? 0.10 + x / 1000 : 0.12 + y / 1000;
        cnn_copy_string(r->measured[i].device, sizeof r->measured[i].device, "gpu");
    }
    return r;
}

static void test_verdicts_name_the_right_level(void **state)
{
    (void)state;
    reported x = report(make_clear(), false);
    char *text = text_of(&x);
    const char *const parts[] = {"framework1 faster\n",
                                 "framework1 higher\n",
                                 "takes less time in 2 of 2, by 16.7 % each",
                                 "framework1 takes 16.7 % less time (1.2x as fast), 95 % interval",
                                 "framework1's test error is higher in 2 of 2, by 2.0",
                                 "framework1's test error is 2.0",
                                 "framework1 varies more in 2",
                                 "24 times that of framework2, 95 % interval 13 to 44, 8 blocks",
                                 NULL};
    assert_says(text, parts);
    free(text);
    end(&x);
}

/** The sentences of combinations that are not tested, equivalent and inconclusive. */
static void test_sentences_give_intervals_and_reasons(void **state)
{
    (void)state;
    static const double noise[] = {0.3, -0.2, 0.5, -0.6, 0.1, -0.4, 0.6, -0.3};
    cnn_results *r = experiment_make_done(2, 3, 8, 1);
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        const double spread = p->combination == 1 ? 0.5 : 40;
        r->measured[i].train_seconds = 100 + (p->level ? spread * noise[p->repeat] : 0);
        r->measured[i].test_error = 0.1 + noise[(p->repeat + 3 * p->level) % 8] / 100;
        if (p->combination == 0 && p->level == 1)
            r->status[i] = CNN_RUN_FAILED;
    }
    reported x = report(r, false);
    char *text = text_of(&x);
    const char *const parts[] = {
        "equivalent within 1 % in 1 of 3; inconclusive in 1 of",
        "not tested in 1 of 3.",
        "architecture1: not tested: every run of framework2 failed or diverged.",
        "architecture2: equivalent within 1 %: difference 0.000 %, 90 % interval -0.15 to 0.15 %",
        "architecture3: inconclusive: difference ",
        "more blocks would be needed to detect a difference of 1 %, about 6,000 more",
        "framework1 varies less in 2",
        "not tested in 1 of 3 (architecture1: every run of framework2",
        "Each interval is for its comparison alone",
        NULL};
    assert_says(text, parts);
    free(text);
    end(&x);
}

/** Unfinished studies and declared looks are named as such. */
static void test_interim_studies_and_looks_are_named(void **state)
{
    (void)state;
    cnn_results *r = make_clear();
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].repeat == 7)
            r->status[i] = CNN_RUN_PLANNED;
    reported x = report(r, false);
    char *text = text_of(&x);
    const char *const interim[] = {"INTERIM results: the study is not finished",
                                   "INTERIM: the study is not finished and declares no interim",
                                   "interim, no verdict", NULL};
    assert_says(text, interim);
    assert_null(strstr(text, "less time"));
    assert_null(strstr(text, "framework1 faster"));
    free(text);
    r->look_count = 2;
    r->looks[0] = 0.5;
    r->looks[1] = 1;
    cnn_document_free(&x.document);
    cnn_analysis_destroy(&x.analysis);
    x = report(r, false);
    text = text_of(&x);
    const char *const look[] = {"1 of 2 declared: 4 of 8 blocks of each combination",
                                "INTERIM look 1 of 2",
                                "level 0.00557 of 0.05",
                                "framework1 faster",
                                "99.44 % interval",
                                NULL};
    assert_says(text, look);
    free(text);
    end(&x);
}

static void test_amounts_have_no_exponent(void **state)
{
    (void)state;
    static const struct {
        double x;
        int decimals;
        const char *text;
    } cases[] = {{35.62, 1, "35.6"},        {-0.004, 2, "0.00"},    {-0.5, 1, "-0.5"},
                 {1063.4, 2, "1,060"},      {-37657, 0, "-37,700"}, {999.96, 0, "1000"},
                 {1234567, 0, "1,230,000"}, {INFINITY, 1, "inf"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CNN_AMOUNT_SIZE];
        cnn_report_amount(cases[i].x, cases[i].decimals, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void rename_to(char **name, const char *to)
{
    free(*name);
    assert_non_null(*name = cnn_strdup(to));
}

/** The clear experiment as one of the study's job: A1 MNIST and A2 MNIST; level `native` is the
 *  first or the second of the contrast. */
static cnn_results *make_study(int native)
{
    cnn_results *r = make_clear();
    r->factors = realloc(r->factors, 3 * sizeof *r->factors);
    assert_non_null(r->factors);
    r->factors[2] = (cnn_results_factor){cnn_strdup("dataset"), 1, calloc(1, sizeof(char *)), 0};
    assert_non_null(r->factors[2].labels);
    rename_to(&r->factors[2].labels[0], "mnist");
    rename_to(&r->factors[0].labels[native], "native");
    rename_to(&r->factors[0].labels[1 - native], "layered");
    rename_to(&r->factors[1].labels[0], "arch1");
    rename_to(&r->factors[1].labels[1], "arch2");
    int *levels = calloc((size_t)r->cell_count * 3, sizeof *levels);
    assert_non_null(levels);
    for (int c = 0; c < r->cell_count; c++) {
        levels[3 * c] = r->cell_levels[2 * c];
        levels[3 * c + 1] = r->cell_levels[2 * c + 1];
    }
    free(r->cell_levels);
    r->cell_levels = levels;
    r->factor_count = 3;
    return r;
}

static void test_study_stands_beside_a_job_of_its_cases(void **state)
{
    (void)state;
    for (int native = 0; native < 2; native++) {
        cnn_results *results = make_study(native);
        results->measured[3].shared_device = 1;
        results->measured[4].foreign_processes = 2;
        results->measured[5].throttle_reasons = 0x4 | 0x1;
        reported x = report(results, true);
        char *text = text_of(&x);
        /* 228.84 / 296.97 there; 100 / 120 here, or its inverse */
        const char *const first[] = {"0.771  faster                0.833  [0.827",
                                     "1.002  not significant       0.833  [0.827",
                                     "1.33  more                 2.00  [1.93", NULL};
        const char *const second[] = {"0.771  faster                1.200  [1.19",
                                      "1.33  more                -2.00  [-2.07, -1.93]  less",
                                      NULL};
        const char *const both[] = {"study     native stands for its TensorFlow",
                                    "A1 MNIST  arch1",
                                    "1 run shared a device with another rank",
                                    "1 run had processes of others on the GPU",
                                    "1 run had the GPU's clocks held back by its power limit",
                                    NULL};
        assert_says(text, native ? second : first);
        assert_says(text, both);
        assert_null(strstr(text, "heat"));
        assert_non_null(strstr(strstr(text, "TensorFlow is"), native ? "slower" : "faster"));
        free(text);
        end(&x);
    }
}

/** Factors with one level stand in the head alone; levels of a setting are named with it. */
static void test_constants_are_named_once_and_settings_with_their_value(void **state)
{
    (void)state;
    cnn_results *r = make_study(0);
    rename_to(&r->factors[1].name, "batch_size");
    rename_to(&r->factors[1].labels[0], "16");
    rename_to(&r->factors[1].labels[1], "32");
    reported x = report(r, false);
    char *text = text_of(&x);
    const char *const parts[] = {"constant  dataset mnist", "- batch_size 16: native takes 16.7",
                                 "  batch_size 32 8/8 ", NULL};
    assert_says(text, parts);
    assert_null(strstr(strstr(text, "constant") + 30, "mnist"));
    free(text);
    end(&x);
    r = make_study(0);
    r->contrast = 1; /* the levels that are compared are settings */
    rename_to(&r->factors[1].name, "batch_size");
    rename_to(&r->factors[1].labels[0], "16");
    rename_to(&r->factors[1].labels[1], "32");
    x = report(r, true);
    text = text_of(&x);
    assert_says(text, (const char *const[]){"batch_size 16 against batch_size 32", NULL});
    golden csv = csv_of(&x, "verdicts");
    assert_string_equal(golden_text(&csv, 0, "a_name"), "16");
    golden_free(&csv);
    free(text);
    end(&x);
}

/** One combination needs no column for its name; columns that a narrow line has no room for go, the
 *  verdict never. */
static void test_short_tables_keep_the_verdict(void **state)
{
    (void)state;
    cnn_results *r = experiment_make_done(2, 1, 8, 1);
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        r->measured[i].train_seconds = (p->level ? 120 : 100) + p->repeat % 3;
        r->measured[i].test_error = 0.1 + p->repeat / 1000.0;
        r->measured[i].train_images = 6000;
        r->measured[i].epochs_done = 2;
        cnn_copy_string(r->measured[i].device, sizeof r->measured[i].device, "gpu");
    }
    rename_to(&r->factors[0].labels[0], "a_name_of_forty_characters_0123456789abc");
    reported x = report(r, false);
    cnn_text narrow = {0};
    cnn_render_text(&x.document, "verdicts", 80, &narrow);
    assert_null(strstr(narrow.s, "architecture1"));
    assert_non_null(strstr(narrow.s, "ratio"));
    assert_non_null(strstr(narrow.s, "a_name_of_forty_characters_0123456789abc faster\n"));
    assert_null(strstr(narrow.s, "  TOST interval  "));
    assert_non_null(strstr(narrow.s, "Too wide for this line: TOST interval, p equal"));
    cnn_text_free(&narrow);
    cnn_render_text(&x.document, "verdicts", 200, &narrow);
    assert_null(strstr(narrow.s, "Too wide"));
    cnn_text_free(&narrow);
    cnn_render_text(&x.document, "cells", 100, &narrow);
    assert_non_null(strstr(narrow.s, "images/s"));
    assert_non_null(strstr(narrow.s, "  119.0 ")); /* 12,000 images in 100.875 s */
    cnn_text_free(&narrow);
    end(&x);
}

/** First in files, last on a terminal. */
static void test_findings_are_the_lead(void **state)
{
    (void)state;
    reported x = report(make_clear(), false);
    char *text = text_of(&x);
    assert_memory_equal(text, "What was found", 14);
    free(text);
    const int items = x.document.item_count;
    cnn_document_put_lead_last(&x.document);
    assert_int_equal(x.document.item_count, items);
    text = text_of(&x);
    assert_memory_equal(text, "Results", 7);
    assert_non_null(strstr(strstr(text, "What was found"), "More: cnnmpi report"));
    assert_null(strstr(strstr(text, "What was found"), "block by block,"));
    free(text);
    end(&x);
}

static void test_negative_controls_count_what_they_found(void **state)
{
    (void)state;
    cnn_results *r = make_study(0);
    rename_to(&r->factors[0].labels[1], "native_b");
    rename_to(&r->job_text, "factors:\n  framework: [native, {name: native_b, path: native}]\n"
                            "  architecture: [arch1, arch2]\n  dataset: [mnist]\n");
    reported x = report(r, false);
    char *text = text_of(&x);
    const char *const parts[] = {"Negative control: 1 pair of levels runs the same program",
                                 "Found: 2 in the primary family", NULL};
    assert_says(text, parts);
    free(text);
    end(&x);
    x = report(make_clear(), false);
    text = text_of(&x);
    assert_null(strstr(text, "Negative control"));
    free(text);
    end(&x);
}

/** The number in a place (0: the first after the label) of the row of a table that starts with it;
 *  NaN for "-". */
static double number_in(const reported *x, const char *table, const char *label, int place)
{
    cnn_text t = {0};
    cnn_render_text(&x->document, table, CNN_TEXT_WIDTH, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    char *row = strstr(t.s, label);
    assert_non_null(row);
    row += strlen(label);
    for (; place > 0; place--) {
        row += strspn(row, " [");
        row += strcspn(row, " ");
    }
    row += strspn(row, " [");
    const double number = *row == '-' && (row[1] == ' ' || row[1] == '\n') ? NAN : atof(row);
    cnn_text_free(&t);
    return number;
}

static void assert_near(double actual, double expected)
{
    if (isnan(expected) ? !isnan(actual) : fabs(actual - expected) > 0.006 * fabs(expected))
        fail_msg("%g instead of %g", actual, expected);
}

/** Levels whose means differ by less than their errors: no spread is the contrast's. */
static void test_noise_is_no_spread_of_the_levels(void **state)
{
    (void)state;
    cnn_results *r = make_clear();
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].train_seconds += r->planned[i].level ? -20 : 0;
    reported x = report(r, true);
    const cnn_fixed *b = cnn_analysis_fixed(x.analysis, 0, CNN_MEASURE_TRAIN_SECONDS, 1);
    assert_true(fabs(b->effect) > 0 && fabs(b->effect) < b->effect_se);
    assert_true(number_in(&x, "spread", "architecture1", 1) == 0);
    end(&x);
}

static void test_tables_have_their_figures_in_the_units_shown(void **state)
{
    (void)state;
    reported x = report(make_clear(), true);
    const cnn_analysis *a = x.analysis;
    const cnn_summary *time = cnn_analysis_summary(a, a->cell_of[0], CNN_MEASURE_TRAIN_SECONDS);
    const cnn_comparison *c = cnn_analysis_comparison(a, 0, CNN_MEASURE_TRAIN_SECONDS);
    const char *cell = "architecture1  framework1", *combination = "architecture1";
    assert_near(number_in(&x, "cells", cell, 1), time->mean);
    assert_near(number_in(&x, "cells", cell, 2), time->mean_lower);
    assert_near(number_in(&x, "cells", cell, 3), time->mean_upper);
    assert_near(number_in(&x, "cells", cell, 4), time->sd);
    assert_near(number_in(&x, "cells", cell, 5), 100 * time->cv);
    assert_near(number_in(&x, "quantiles", cell, 3), time->q1);
    assert_near(number_in(&x, "quantiles", cell, 4), time->median);
    assert_near(number_in(&x, "order", cell, 3), 100 * time->median_coverage);
    assert_near(number_in(&x, "order", cell, 4), time->variance);
    assert_near(number_in(&x, "verdicts", combination, 1), c->paired_ratio);
    assert_near(number_in(&x, "verdicts", combination, 2), c->paired_ratio_lower);
    assert_near(number_in(&x, "verdicts", combination, 4), 1 / c->paired_ratio);
    assert_near(number_in(&x, "verdicts", combination, 6), exp(c->tost_lower));
    assert_near(number_in(&x, "t_tests", combination, 1), c->study_t);
    assert_near(number_in(&x, "equivalence", combination, 1), 1);
    assert_near(number_in(&x, "equivalence", combination, 2), 100 * expm1(c->tost_lower));
    assert_near(number_in(&x, "effects", combination, 1), c->hedges_g);
    assert_near(number_in(&x, "variances", combination, 1), c->spread_ratio);
    assert_near(number_in(&x, "variances", combination, 2), c->spread_lower);
    assert_near(number_in(&x, "variance_tests", combination, 8), c->paired_variance_ratio);
    assert_near(number_in(&x, "variance_tests", combination, 1), c->variance_ratio);
    const cnn_component *residual =
        cnn_analysis_component(a, 0, CNN_MEASURE_TRAIN_SECONDS, CNN_COMPONENT_RESIDUAL);
    const double levels = (cnn_analysis_fixed(a, 0, CNN_MEASURE_TRAIN_SECONDS, 1)->mean -
                           cnn_analysis_fixed(a, 0, CNN_MEASURE_TRAIN_SECONDS, 0)->mean) /
                          2;
    assert_near(number_in(&x, "spread", combination, 1), 100 * levels);
    assert_near(number_in(&x, "spread", combination, 6), 100 * residual->sd);
    end(&x);
}

static void test_nothing_to_say_is_said(void **state)
{
    (void)state;
    static const struct {
        int levels, repeats;
        cnn_run_status status;
        const char *says;
    } cases[] = {
        {2, 3, CNN_RUN_PLANNED, "No run is done: there are no findings."},
        {2, 3, CNN_RUN_FAILED, "every run failed or diverged"},
        {1, 3, CNN_RUN_DONE, "The contrast has one level: there is nothing to compare."},
        {2, 1, CNN_RUN_DONE, "not tested: one whole block has no spread"},
        {3, 4, CNN_RUN_DONE, "framework1 against framework2"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int full = 0; full < 2; full++) {
            cnn_results *r = experiment_make_done(cases[c].levels, 2, cases[c].repeats, 1);
            r->sessions[0] = (cnn_session){1527854096, 1};
            for (int i = 0; i < r->run_count; i++) {
                r->status[i] = (int8_t)cases[c].status;
                r->measured[i].train_seconds = 10 + i % 3;
                r->measured[i].test_error = 0.1;
                cnn_copy_string(r->measured[i].device, sizeof r->measured[i].device, "gpu 7");
            }
            reported x = report(r, full);
            char *text = text_of(&x);
            assert_says(text, (const char *const[]){cases[c].says, NULL});
            free(text);
            cnn_text latex = {0};
            cnn_render_latex(&x.document, NULL, &latex);
            assert_int_equal(cnn_text_status(&latex), CNN_OK);
            cnn_text_free(&latex);
            end(&x);
        }
}

static void test_rows_are_all_there(void **state)
{
    (void)state;
    char path[] = "/tmp/cnn_report_XXXXXX";
    cnn_results *r = experiment_make_done(2, 2, 3, 0);
    r->measured[4].train_seconds = 1 / 3.0;
    cnn_copy_string(r->measured[4].versions, sizeof r->measured[4].versions, "one; \"two\"");
    experiment_set_attempt(r, 4, 0, CNN_OUTCOME_TIMEOUT, 0, 0, 1, 2);
    const int file = mkstemp(path);
    FILE *out = fdopen(file, "w");
    assert_non_null(out);
    const cnn_rows_source sources[] = {{"a.h5", 0, 6}, {"b.h5", 6, 6}};
    assert_int_equal(cnn_report_runs(r, sources, 2, out), CNN_OK);
    assert_int_equal(fclose(out), 0);
    golden g = golden_read(path);
    assert_int_equal(g.row_count, 12);
    assert_string_equal(golden_text(&g, 5, "file"), "a.h5");
    assert_string_equal(golden_text(&g, 6, "file"), "b.h5");
    assert_true(golden_number(&g, 4, "train_seconds") == 1 / 3.0);
    assert_string_equal(golden_text(&g, 4, "status"), "done");
    assert_string_equal(golden_text(&g, 4, "versions"), "\"one; \"\"two\"\"\"");
    golden_free(&g);
    assert_non_null(out = fopen(path, "w"));
    assert_int_equal(cnn_report_attempts(r, NULL, 0, out), CNN_OK);
    assert_int_equal(fclose(out), 0);
    g = golden_read(path);
    assert_int_equal(g.row_count, 1);
    assert_string_equal(golden_text(&g, 0, "outcome"), "timeout");
    assert_int_equal((int)golden_number(&g, 0, "run"), 4);
    golden_free(&g);
    unlink(path);
    cnn_results_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_as_csv_are_those_of_r),
        cmocka_unit_test(test_comparisons_as_csv_have_every_column),
        cmocka_unit_test(test_report_says_what_is_there),
        cmocka_unit_test(test_lost_runs_are_counted_everywhere),
        cmocka_unit_test(test_verdicts_name_the_right_level),
        cmocka_unit_test(test_sentences_give_intervals_and_reasons),
        cmocka_unit_test(test_interim_studies_and_looks_are_named),
        cmocka_unit_test(test_constants_are_named_once_and_settings_with_their_value),
        cmocka_unit_test(test_short_tables_keep_the_verdict),
        cmocka_unit_test(test_findings_are_the_lead),
        cmocka_unit_test(test_negative_controls_count_what_they_found),
        cmocka_unit_test(test_amounts_have_no_exponent),
        cmocka_unit_test(test_noise_is_no_spread_of_the_levels),
        cmocka_unit_test(test_tables_have_their_figures_in_the_units_shown),
        cmocka_unit_test(test_study_stands_beside_a_job_of_its_cases),
        cmocka_unit_test(test_nothing_to_say_is_said),
        cmocka_unit_test(test_rows_are_all_there),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
