/* SPDX-License-Identifier: Apache-2.0 */
/* Levels that differ in conditions that they should share: no verdict on time, unless declared. */
#include "experiment.h"
#include "job_results.h"

#include "analysis/analysis.h"
#include "analysis/pool.h"
#include "base/text.h"
#include "document/render.h"
#include "report/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEVELS = 3, COMBINATIONS = 2, BLOCKS = 12 };

/** Level 1 is slower than the others and errs more often, and its times vary more. All else is
 *  alike. */
static cnn_results *make(void)
{
    static const double noise[] = {0.3, -0.2, 0.5, -0.6, 0.1, -0.4, 0.6, -0.3};
    cnn_results *r = experiment_make_done(LEVELS, COMBINATIONS, BLOCKS, 1);
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        cnn_measured *m = &r->measured[i];
        const double x = noise[(p->repeat * 5 + 3 * p->level) % 8];
        m->train_seconds = 1000 + 100 * (p->level == 1) + x * (p->level == 1 ? 20 : 0.1);
        m->test_error = 0.1 + 0.05 * (p->level == 1) + x / 1000;
        m->epochs_done = 2;
        m->parameters = 61706;
        m->train_images = 800;
        m->test_images = 200;
        m->threads = 1 + p->repeat % 2; /* of the device */
        cnn_copy_string(m->data_checksum, sizeof m->data_checksum, "0011223344556677");
        cnn_copy_string(m->device, sizeof m->device, p->repeat % 2 ? "gpu1" : "gpu0");
    }
    return r;
}

static cnn_analysis *analyse_all(const cnn_results *r)
{
    cnn_analysis *a = NULL;
    if (cnn_analysis_create(r, 1, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return a;
}

/** Without what no verdict rests on. */
static cnn_analysis *analyse(const cnn_results *r)
{
    cnn_analysis *a = NULL;
    if (cnn_analysis_create_verdicts(r, 1, true, &a) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return a;
}

static const cnn_comparison *of(const cnn_analysis *a, int comparison, cnn_measure measure)
{
    return cnn_analysis_comparison(a, comparison, measure);
}

/** The document as one line. */
static char *report_of(const cnn_results *r, const cnn_analysis *a)
{
    const cnn_report_source source = {.results = r, .analysis = a, .path = "a.h5"};
    cnn_document document = {0};
    cnn_text text = {0}, flat = {0};
    assert_int_equal(cnn_report_document(&source, false, &document), CNN_OK);
    cnn_render_text(&document, NULL, CNN_TEXT_WIDTH, &text);
    for (const char *s = text.s; *s; s += strcspn(s, " \n")) {
        s += strspn(s, " \n");
        cnn_text_append_bytes(&flat, s, strcspn(s, " \n"));
        cnn_text_append(&flat, " ");
    }
    assert_int_equal(cnn_text_status(&flat), CNN_OK);
    cnn_text_free(&text);
    cnn_document_free(&document);
    return cnn_text_take(&flat);
}

/** Where the report has a text; it must. */
static size_t place(const char *report, const char *text)
{
    const char *hit = strstr(report, text);
    if (!hit) {
        fputs(report, stderr);
        fail_msg("'%s' is missing in the report above", text);
    }
    return (size_t)(hit - report);
}

static void test_equal_levels_have_verdicts(void **state)
{
    (void)state;
    cnn_results *r = make();
    cnn_analysis *a = analyse_all(r);
    assert_int_equal(a->unequal_count, 0);
    for (int i = 0; i < a->comparison_count; i++)
        for (int c = 0; c < CNN_CONDITION_COUNT; c++)
            assert_int_equal(cnn_analysis_standing(a, i, (cnn_condition)c), CNN_STANDING_EQUAL);
    assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict, CNN_VERDICT_FASTER);
    assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->variance_verdict, CNN_VARIANCE_SMALLER);
    assert_int_equal(of(a, 1, CNN_MEASURE_TRAIN_SECONDS)->verdict, CNN_VERDICT_EQUIVALENT);
    char *report = report_of(r, a);
    assert_null(strstr(report, "UNEQUAL"));
    assert_null(strstr(report, "Unequal contenders"));
    assert_null(strstr(report, "Conditions in which"));
    free(report);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** Which condition differs, in the runs of a level and a combination. */
static void change(cnn_results *r, int condition, int level, int combination)
{
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[i];
        if (r->planned[i].level != level || r->planned[i].combination != combination)
            continue;
        switch (condition) {
        case CNN_CONDITION_PARAMETERS:
            m->parameters = 61326;
            break;
        case CNN_CONDITION_TRAIN_IMAGES:
            m->train_images = 801;
            break;
        case CNN_CONDITION_TEST_IMAGES:
            m->test_images = 201;
            break;
        case CNN_CONDITION_EPOCHS:
            m->epochs_done = 3;
            break;
        case CNN_CONDITION_DATA:
            cnn_copy_string(m->data_checksum, sizeof m->data_checksum, "0011223344556678");
            break;
        default:
            m->threads++;
        }
    }
}

/** Pairs are (0,1), (0,2), (1,2), of combination 0 and then of 1. */
static void test_only_pairs_that_differ_are_withheld(void **state)
{
    (void)state;
    for (int c = 0; c < CNN_CONDITION_COUNT; c++) {
        cnn_results *r = make();
        change(r, c, 1, 1);
        cnn_analysis *a = analyse(r);
        assert_int_equal(a->unequal_count, 2);
        assert_int_equal(a->unequal[0].comparison, 3);
        assert_int_equal(a->unequal[1].comparison, 5);
        for (int i = 0; i < a->comparison_count; i++) {
            const bool differs = i == 3 || i == 5;
            const cnn_comparison *x = of(a, i, CNN_MEASURE_TRAIN_SECONDS);
            assert_int_equal(cnn_analysis_is_unequal(a, i), differs);
            assert_int_equal(cnn_analysis_standing(a, i, (cnn_condition)c),
                             differs ? CNN_STANDING_UNEQUAL : CNN_STANDING_EQUAL);
            assert_int_equal(x->verdict_reason == CNN_REASON_UNEQUAL, differs);
            assert_int_equal(x->verdict == CNN_VERDICT_INCONCLUSIVE, differs);
            assert_int_equal(x->variance_reason == CNN_REASON_UNEQUAL, differs);
            assert_true(x->paired_p_holm >= 0 && x->paired_ratio > 0); /* the figures stay */
            if (i % 3 == 0)
                assert_int_equal(of(a, i, CNN_MEASURE_TEST_ERROR)->verdict, CNN_VERDICT_LOWER);
        }
        assert_int_equal(a->unequal[0].condition, c);
        assert_int_equal(a->unequal[0].blocks, BLOCKS);
        assert_int_equal(r->planned[a->unequal[1].run_a].level, 1);
        assert_int_equal(r->planned[a->unequal[1].run_b].level, 2);
        cnn_analysis_destroy(&a);
        cnn_results_free(&r);
    }
}

/** Equivalence and devices like these are verdicts on time as well. */
static void test_every_verdict_on_time_is_withheld(void **state)
{
    (void)state;
    cnn_results *r = make();
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[i];
        m->device[3] = (char)('0' + r->planned[i].repeat % 6);
        m->threads = 4;
    }
    cnn_analysis *a = analyse(r);
    assert_int_equal(of(a, 0, CNN_MEASURE_EPOCH_SECONDS)->device_verdict, CNN_VERDICT_FASTER);
    assert_int_equal(of(a, 1, CNN_MEASURE_EPOCH_SECONDS)->verdict, CNN_VERDICT_EQUIVALENT);
    cnn_analysis_destroy(&a);
    change(r, CNN_CONDITION_THREADS, 0, 0);
    a = analyse(r);
    for (int i = 0; i < 2; i++) {
        const cnn_comparison *x = of(a, i, CNN_MEASURE_EPOCH_SECONDS);
        assert_int_equal(x->verdict, CNN_VERDICT_INCONCLUSIVE);
        assert_int_equal(x->verdict_reason, CNN_REASON_UNEQUAL);
        assert_int_equal(x->device_verdict, CNN_VERDICT_INCONCLUSIVE);
        assert_int_equal(x->device_reason, CNN_REASON_UNEQUAL);
    }
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_what_is_unknown_or_elsewhere_is_not_compared(void **state)
{
    (void)state;
    cnn_results *r = make();
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[i];
        if (r->planned[i].level == 0) {
            m->train_images = -1;
            m->data_checksum[0] = '\0';
        }
        if (r->planned[i].level == 0 && r->planned[i].repeat == 3) { /* a block on two devices */
            cnn_copy_string(m->device, sizeof m->device, "gpu9");
            m->threads = 64;
        }
        if (r->planned[i].level == 2 && r->planned[i].repeat == 4) { /* a failed run */
            r->status[i] = CNN_RUN_FAILED;
            m->parameters = 7;
        }
    }
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->unequal_count, 0);
    assert_int_equal(cnn_analysis_standing(a, 0, CNN_CONDITION_TRAIN_IMAGES), -1);
    assert_int_equal(cnn_analysis_standing(a, 0, CNN_CONDITION_DATA), -1);
    assert_int_equal(cnn_analysis_standing(a, 2, CNN_CONDITION_DATA), CNN_STANDING_EQUAL);
    assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict, CNN_VERDICT_FASTER);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** One block is enough; its values are shown. */
static void test_one_block_is_enough(void **state)
{
    (void)state;
    cnn_results *r = make();
    char text[CNN_CONDITION_TEXT];
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].level == 2 && r->planned[i].repeat == 5 && r->planned[i].combination == 0)
            r->measured[i].threads = 16;
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->unequal_count, 2);
    assert_int_equal(a->unequal[0].blocks, 1);
    cnn_analysis_condition(&r->measured[a->unequal[0].run_a], CNN_CONDITION_THREADS, text);
    assert_string_equal(text, "2");
    cnn_analysis_condition(&r->measured[a->unequal[0].run_b], CNN_CONDITION_THREADS, text);
    assert_string_equal(text, "16");
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** Names of the contrast under which a difference is intended. */
static void test_the_contrast_declares_what_it_varies(void **state)
{
    (void)state;
    static const struct {
        const char *contrast;
        int condition;
    } cases[] = {{"architecture", CNN_CONDITION_PARAMETERS},
                 {"dataset", CNN_CONDITION_PARAMETERS},
                 {"dataset", CNN_CONDITION_TRAIN_IMAGES},
                 {"dataset", CNN_CONDITION_TEST_IMAGES},
                 {"dataset", CNN_CONDITION_DATA},
                 {"epochs", CNN_CONDITION_EPOCHS},
                 {"threads", CNN_CONDITION_THREADS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_results *r = make();
        free(r->factors[r->contrast].name);
        r->factors[r->contrast].name = cnn_strdup(cases[i].contrast);
        change(r, cases[i].condition, 1, 0);
        cnn_analysis *a = analyse(r);
        assert_int_equal(a->unequal_count, 0);
        assert_int_equal(cnn_analysis_standing(a, 0, (cnn_condition)cases[i].condition),
                         CNN_STANDING_DECLARED);
        assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict, CNN_VERDICT_FASTER);
        cnn_analysis_destroy(&a);
        cnn_results_free(&r);
    }
    cnn_results *r = make(); /* a batch size changes no number of images */
    free(r->factors[r->contrast].name);
    r->factors[r->contrast].name = cnn_strdup("batch_size");
    change(r, CNN_CONDITION_TRAIN_IMAGES, 1, 0);
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->unequal_count, 2);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

#define JOB(seed, compare)                                                                         \
    "seed: " seed "\nrepeats: 6\ntrain: {epochs: 2}\nfactors:\n"                                   \
    "  framework: [native, layered]\n  architecture: [arch1]\n  dataset: [mnist]\n" compare

/** A finished file of a job whose second level has other parameters and threads. */
static cnn_results *unequal_job(const char *text, double start)
{
    cnn_results *r = job_results(text, start);
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[i];
        m->parameters = 10 + r->planned[i].level;
        m->threads = 4;
        m->train_seconds += 5 * r->planned[i].level;
    }
    return r;
}

static void test_the_job_declares_differences(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int verdict;
    } cases[] = {
        {JOB("1", ""), CNN_VERDICT_INCONCLUSIVE},
        {JOB("1", "compare: {allow: [threads, test_images]}\n"), CNN_VERDICT_INCONCLUSIVE},
        {JOB("1", "compare: {allow: [parameters]}\n"), CNN_VERDICT_FASTER},
    };
    for (int i = 0; i < 3; i++) {
        cnn_results *r = unequal_job(cases[i].text, 1000);
        cnn_analysis *a = analyse_all(r), *verdicts = NULL;
        assert_int_equal(cnn_analysis_create_verdicts(r, 1, true, &verdicts), CNN_OK);
        assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict, cases[i].verdict);
        assert_int_equal(of(verdicts, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict, cases[i].verdict);
        assert_int_equal(a->unequal_count, 1);
        char *report = report_of(r, a);
        if (i == 2) {
            place(report, "compare the job allows the levels of the contrast to differ in "
                          "parameters ");
            place(report, "Declared differences: the levels differ in parameters, which the job "
                          "allows");
            place(report, "- native against layered: parameters 10 and 11");
            place(report, "native faster");
            assert_null(strstr(report, "UNEQUAL"));
        } else {
            place(report, "no verdict (unequal in parameters): difference -");
        }
        free(report);
        cnn_analysis_destroy(&a);
        cnn_analysis_destroy(&verdicts);
        cnn_results_free(&r);
    }
}

/** Of two frameworks with one architecture each must have the same parameters. */
static void test_a_compound_declares_what_its_members_vary(void **state)
{
    (void)state;
    static const int64_t parameters[] = {100, 200, 101, 200}; /* native, then layered */
    cnn_results *r = job_results("seed: 5\nrepeats: 6\ntrain: {epochs: 2}\nfactors:\n"
                                 "  framework: [native, layered]\n  architecture: [arch1, arch2]\n"
                                 "  dataset: [mnist]\ncontrast: [framework, architecture]\n",
                                 0);
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].parameters = parameters[r->planned[i].level];
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->comparison_count, 6);
    for (int i = 0; i < a->comparison_count; i++) {
        const cnn_pair *p = &a->pairs[i];
        const int expected = p->a % 2 != p->b % 2                   ? CNN_STANDING_DECLARED
                             : parameters[p->a] != parameters[p->b] ? CNN_STANDING_UNEQUAL
                                                                    : CNN_STANDING_EQUAL;
        assert_int_equal(cnn_analysis_standing(a, i, CNN_CONDITION_PARAMETERS), expected);
    }
    assert_int_equal(a->unequal_count, 1);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** The report says so before it gives any verdict. */
static void test_the_report_says_so_first(void **state)
{
    (void)state;
    cnn_results *r = make();
    change(r, CNN_CONDITION_PARAMETERS, 1, 1);
    change(r, CNN_CONDITION_THREADS, 1, 1);
    cnn_analysis *a = analyse_all(r);
    char *report = report_of(r, a);
    const size_t table = place(report, "Conditions in which levels that are compared differ");
    const size_t first_verdict = place(report, "framework1 faster");
    assert_true(place(report, "UNEQUAL levels differ in parameters and threads: no verdict on time "
                              "in 2 of 6 comparisons") < table);
    assert_true(table < first_verdict);
    place(report, "architecture2 framework1 framework2 parameters 61706 61326 12 no verdict on");
    place(report, "12/12 0.909");
    place(report, "withheld");
    const size_t found = place(report, "What was found");
    const size_t said = place(report, "- framework1 against framework2, architecture2: parameters "
                                      "61,706 and 61,326; threads 1 and 2");
    const size_t sentence =
        place(report, "Training time (primary), framework1 against framework2:");
    assert_true(found < said && said < sentence);
    place(report, "in 1 of 2, by 9.06");
    place(report, "no verdict, as the levels are unequal, in 1 of 2");
    place(report, "- architecture2: no verdict (unequal in parameters and threads): difference -9");
    place(report, "seeds, of levels unequal in parameters and threads.");
    free(report);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** An unfinished study says why no end of it would give a verdict. */
static void test_an_interim_look_says_unequal_too(void **state)
{
    (void)state;
    cnn_results *r = make();
    change(r, CNN_CONDITION_PARAMETERS, 1, 0);
    r->status[r->run_count - 1] = CNN_RUN_PLANNED;
    cnn_analysis *a = analyse(r);
    assert_int_equal(a->look.number, 0);
    assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict_reason, CNN_REASON_UNEQUAL);
    assert_int_equal(of(a, 1, CNN_MEASURE_TRAIN_SECONDS)->verdict_reason, CNN_REASON_INTERIM);
    assert_int_equal(of(a, 0, CNN_MEASURE_TEST_ERROR)->verdict_reason, CNN_REASON_INTERIM);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_the_same_difference_in_every_block_is_withheld(void **state)
{
    (void)state;
    cnn_results *r = make();
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].train_seconds = r->planned[i].level == 1 ? 2048 : 1024;
    change(r, CNN_CONDITION_PARAMETERS, 1, 0);
    cnn_analysis *a = analyse_all(r);
    assert_int_equal(of(a, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict_reason, CNN_REASON_UNEQUAL);
    assert_int_equal(of(a, 3, CNN_MEASURE_TRAIN_SECONDS)->verdict, CNN_VERDICT_FASTER);
    char *report = report_of(r, a);
    place(report,
          "no verdict (unequal in parameters): difference -50.00 %, the same in every block");
    assert_null(strstr(report, "nan"));
    free(report);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** A table of CSV has every difference, whatever the text shows. */
static void test_csv_has_every_difference(void **state)
{
    (void)state;
    cnn_results *r = make();
    cnn_document document = {0};
    cnn_text csv = {0};
    int lines = 0;
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        for (int k = 0; k < COMBINATIONS; k++)
            change(r, c, 1, k);
    cnn_analysis *a = analyse_all(r);
    const cnn_report_source source = {.results = r, .analysis = a, .path = "a.h5"};
    assert_int_equal(cnn_report_document(&source, true, &document), CNN_OK);
    cnn_render_csv(&document, "conditions", &csv);
    assert_int_equal(cnn_text_status(&csv), CNN_OK);
    for (const char *s = csv.s; *s; s++)
        lines += *s == '\n';
    assert_int_equal(lines, 1 + 2 * COMBINATIONS * CNN_CONDITION_COUNT);
    assert_non_null(strstr(csv.s, "architecture,a_name,b_name,condition,a_value,b_value,"
                                  "blocks_unequal,standing\n"));
    assert_non_null(strstr(csv.s, "architecture1,framework2,framework3,train_images,801,800,12,"
                                  "unequal\n"));
    cnn_text_free(&csv);
    cnn_document_free(&document);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** Files that are pooled must allow the same. */
static void test_pools_declare_the_same(void **state)
{
    (void)state;
    cnn_results *a = unequal_job(JOB("1", "compare: {allow: [parameters]}\n"), 1000);
    cnn_results *same = unequal_job(JOB("2", "compare: {allow: [parameters]}\n"), 90000);
    cnn_results *other = unequal_job(JOB("2", ""), 90000);
    const char *const paths[] = {"a.h5", "b.h5"};
    const cnn_results *const agree[] = {a, same}, *const differ[] = {a, other};
    cnn_pool *pool = NULL;
    assert_int_equal(cnn_pool_create(differ, paths, 2, &pool), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "(compare)"));
    assert_int_equal(cnn_pool_create(agree, paths, 2, &pool), CNN_OK);
    cnn_analysis *x = NULL;
    assert_int_equal(cnn_analysis_create(pool->results, 2, &x), CNN_OK);
    assert_int_equal(x->unequal[0].blocks, 12);
    assert_int_equal(of(x, 0, CNN_MEASURE_TRAIN_SECONDS)->verdict, CNN_VERDICT_FASTER);
    cnn_analysis_destroy(&x);
    cnn_pool_destroy(&pool);
    cnn_results_free(&a);
    cnn_results_free(&same);
    cnn_results_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_levels_have_verdicts),
        cmocka_unit_test(test_only_pairs_that_differ_are_withheld),
        cmocka_unit_test(test_every_verdict_on_time_is_withheld),
        cmocka_unit_test(test_what_is_unknown_or_elsewhere_is_not_compared),
        cmocka_unit_test(test_one_block_is_enough),
        cmocka_unit_test(test_the_contrast_declares_what_it_varies),
        cmocka_unit_test(test_a_compound_declares_what_its_members_vary),
        cmocka_unit_test(test_the_job_declares_differences),
        cmocka_unit_test(test_the_report_says_so_first),
        cmocka_unit_test(test_an_interim_look_says_unequal_too),
        cmocka_unit_test(test_the_same_difference_in_every_block_is_withheld),
        cmocka_unit_test(test_csv_has_every_difference),
        cmocka_unit_test(test_pools_declare_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
