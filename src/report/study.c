/* SPDX-License-Identifier: Apache-2.0 */
/* This job beside the published study, where it has the study's cases. */
#include "published/published.h"
#include "report/parts.h"

#include <math.h>
#include <string.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

/** The pair that stands for the study's TensorFlow against Keras. */
typedef struct {
    const cnn_report *r;
    int pair;
    double sign; /* -1: the pair is Keras against TensorFlow */
} study_view;

static bool find_pair(const cnn_report *r, study_view *v)
{
    for (int p = 0; p < r->a->pair_count; p++) {
        const char *a = r->names.levels[r->a->pairs[p].a], *b = r->names.levels[r->a->pairs[p].b];
        const cnn_study_pair *pair = r->names.pair;
        const bool forward = !strcmp(a, pair->tensorflow) && !strcmp(b, pair->keras);
        if (forward || (!strcmp(a, pair->keras) && !strcmp(b, pair->tensorflow))) {
            *v = (study_view){r, p, forward ? 1 : -1};
            return true;
        }
    }
    return false;
}

/** The study's case with a name. */
static int case_of(const char *name)
{
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++)
        if (!strcmp(cnn_published_case_name(cnn_published_rows[i].architecture,
                                            cnn_published_rows[i].dataset),
                    name))
            return i;
    return 0;
}

/** `less`, `more` or "not significant", of TensorFlow or what stands for it. p: after Holm. */
static const char *direction(double difference, double p, const char *less, const char *more)
{
    return !(p <= CNN_PUBLISHED_ALPHA) ? "not significant" : difference < 0 ? less : more;
}

static const char *verdict_here(const study_view *v, const cnn_comparison *x, const char *less,
                                const char *more)
{
    switch (x->verdict) {
    case CNN_VERDICT_EQUIVALENT:
        return "equivalent";
    case CNN_VERDICT_FASTER:
    case CNN_VERDICT_LOWER:
        return v->sign > 0 ? less : more;
    case CNN_VERDICT_SLOWER:
    case CNN_VERDICT_HIGHER:
        return v->sign > 0 ? more : less;
    default:
        return cnn_report_withheld(x->verdict_reason) ? cnn_report_withheld(x->verdict_reason)
                                                      : "not significant";
    }
}

static const cnn_comparison *here(const study_view *v, int combination, cnn_measure measure)
{
    const cnn_analysis *a = v->r->a;
    return cnn_analysis_comparison(a, combination * a->pair_count + v->pair, measure);
}

static void report_times(const study_view *v, const cnn_published *p)
{
    const cnn_table_column columns[] = {
        {.name = "study", .title = "study", .key = true},
        {.name = "published_ratio",
         .title = "ratio there",
         .format = CNN_FORMAT_FIXED,
         .digits = 3},
        {.name = "published_verdict", .title = "TensorFlow is"},
        {.name = "ratio", .title = "ratio here", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "ratio",
         .title = "interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 3,
         .interval = true},
        {.name = "verdict", .title = v->r->names.pair->is},
    };
    const cnn_report *r = v->r;
    cnn_table *t =
        cnn_document_table(r->out, "study_times", columns, COUNT(columns), r->names.pair->times);
    for (int k = 0; k < r->a->combination_count; k++) {
        if (!r->names.study[k])
            continue;
        const int i = case_of(r->names.study[k]);
        const cnn_published_result *there = &p->results[CNN_PUBLISHED_TIME][i];
        const cnn_comparison *x = here(v, k, CNN_MEASURE_TRAIN_SECONDS);
        const bool forward = v->sign > 0;
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->names.study[k]);
        cnn_table_number(t, 1 / p->ratio[i]);
        cnn_table_text(t, "%s",
                       direction(-there->welch.difference, there->welch_holm, "faster", "slower"));
        cnn_table_number(t, forward ? x->paired_ratio : 1 / x->paired_ratio);
        cnn_table_interval(t, forward ? x->paired_ratio_lower : 1 / x->paired_ratio_upper,
                           forward ? x->paired_ratio_upper : 1 / x->paired_ratio_lower);
        cnn_table_text(t, "%s", verdict_here(v, x, "faster", "slower"));
    }
    cnn_table_note(t, "Machines differ, so that ratios are compared, not seconds. There: Welch's "
                      "test after Holm, of frameworks that ran one after the other.");
}

static void report_errors(const study_view *v, const cnn_published *p)
{
    const cnn_table_column columns[] = {
        {.name = "study", .title = "study", .key = true},
        {"published_difference", "there", "points", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "published_verdict", .title = "TensorFlow errs"},
        {"difference", "here", "points", .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = 100},
        {.name = "difference",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .scale = 100,
         .interval = true},
        {.name = "verdict", .title = v->r->names.pair->errs},
    };
    const cnn_report *r = v->r;
    cnn_table *t =
        cnn_document_table(r->out, "study_errors", columns, COUNT(columns), r->names.pair->errors);
    for (int k = 0; k < r->a->combination_count; k++) {
        if (!r->names.study[k])
            continue;
        const cnn_published_result *there =
            &p->results[CNN_PUBLISHED_ACCURACY][case_of(r->names.study[k])];
        const cnn_comparison *x = here(v, k, CNN_MEASURE_TEST_ERROR);
        const bool forward = v->sign > 0;
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->names.study[k]);
        /* accuracy of Keras minus that of TensorFlow: the error of TensorFlow minus that of Keras
         */
        cnn_table_number(t, there->welch.difference);
        cnn_table_text(t, "%s",
                       direction(there->welch.difference, there->p_most_holm, "less", "more"));
        cnn_table_number(t, v->sign * x->paired_difference);
        cnn_table_interval(t, forward ? x->paired_difference_lower : -x->paired_difference_upper,
                           forward ? x->paired_difference_upper : -x->paired_difference_lower);
        cnn_table_text(t, "%s", verdict_here(v, x, "less", "more"));
    }
    cnn_table_note(t, "Both start from the same weights and see the same batches: they must "
                      "agree here.");
}

void cnn_report_study(const cnn_report *r)
{
    study_view v;
    cnn_published published;
    if (!r->names.any_study || !find_pair(r, &v))
        return;
    if (cnn_published_judge(&published) != CNN_OK) {
        r->out->failed = true;
        return;
    }
    report_times(&v, &published);
    report_errors(&v, &published);
}
