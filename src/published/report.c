/* SPDX-License-Identifier: Apache-2.0 */
#include "published/published.h"

#include <math.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

#define NAME_OF(code, name, text) name,
#define TEXT_OF(code, name, text) text,
static const char *const claim_names[] = {CNN_PUBLISHED_CLAIMS(NAME_OF)};
static const char *const claim_texts[] = {CNN_PUBLISHED_CLAIMS(TEXT_OF)};

/* The key columns: the case of a row. */
#define CASE_COLUMNS                                                                               \
    {.name = "case", .title = "case", .key = true},                                                \
        {.name = "architecture", .title = "architecture", .left_out = CNN_ONLY_IN_CSV},            \
    {                                                                                              \
        .name = "dataset", .title = "data set", .left_out = CNN_ONLY_IN_CSV                        \
    }

static void put_case(cnn_table *t, const cnn_published_row *r)
{
    cnn_table_row(t);
    cnn_table_text(t, "%s", cnn_published_case_name(r->architecture, r->dataset));
    cnn_table_text(t, "%s", r->architecture);
    cnn_table_text(t, "%s", r->dataset);
}

static const cnn_published_row *printed(cnn_published_measure measure, int i)
{
    return &cnn_published_rows[measure * CNN_PUBLISHED_CASES + i];
}

static void report_times(const cnn_published *p, cnn_document *out)
{
    static const cnn_table_column columns[] = {
        CASE_COLUMNS,
        {"keras_mean", "Keras", "s", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"tensorflow_mean", "TensorFlow", "s", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"ratio", "ratio", .format = CNN_FORMAT_FIXED, .digits = 3},
        {"published_t", "its t", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"t", "t here", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"reproduced", "same", .format = CNN_FORMAT_TEXT},
        {"welch_df", "df", .format = CNN_FORMAT_FIXED, .digits = 1},
        {"welch_p", "Welch's p", .format = CNN_FORMAT_P},
        {"welch_p_holm", "Holm's p", .format = CNN_FORMAT_P},
        {"difference", "difference", .format = CNN_FORMAT_FIXED, .left_out = CNN_ONLY_IN_CSV},
        {"difference", "difference", "s", .format = CNN_FORMAT_FIXED, .interval = true,
         .left_out = CNN_ONLY_IN_CSV},
    };
    cnn_table *t = cnn_document_table(out, "published_times", columns, COUNT(columns),
                                      "Training time: means, Keras against TensorFlow");
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++) {
        const cnn_published_row *r = printed(CNN_PUBLISHED_TIME, i);
        const cnn_published_result *x = &p->results[CNN_PUBLISHED_TIME][i];
        put_case(t, r);
        cnn_table_number(t, r->keras_mean);
        cnn_table_number(t, r->tensorflow_mean);
        cnn_table_number(t, p->ratio[i]);
        cnn_table_number(t, r->t);
        cnn_table_number(t, fabs(x->welch.t));
        cnn_table_text(t, x->reproduced ? "yes" : "no");
        cnn_table_number(t, x->welch.df);
        cnn_table_number(t, x->welch.p);
        cnn_table_number(t, x->welch_holm);
        cnn_table_number(t, x->welch.difference);
        cnn_table_interval(t, x->welch.interval.low, x->welch.interval.high);
    }
    cnn_table_note(t, "its t: as printed; t here: from the printed means and variances; the study "
                      "held it against 1.96. df and p: Welch's t test. Holm: over these six.");
}

static void report_variances(const cnn_published *p, cnn_document *out)
{
    static const cnn_table_column columns[] = {
        CASE_COLUMNS,
        {"keras_variance", "Keras", "s^2", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"tensorflow_variance", "TensorFlow", "s^2", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"f", "ratio", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"f_interval", "95 % interval", .format = CNN_FORMAT_FIXED, .digits = 2, .interval = true},
        {"f_p", "F test's p", .format = CNN_FORMAT_P},
        {"f_p_holm", "Holm's p", .format = CNN_FORMAT_P},
    };
    cnn_table *t = cnn_document_table(out, "published_time_variances", columns, COUNT(columns),
                                      "Training time: variances, TensorFlow's over Keras's");
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++) {
        const cnn_published_row *r = printed(CNN_PUBLISHED_TIME, i);
        const cnn_published_result *x = &p->results[CNN_PUBLISHED_TIME][i];
        put_case(t, r);
        cnn_table_number(t, r->keras_variance);
        cnn_table_number(t, r->tensorflow_variance);
        cnn_table_number(t, x->f.ratio);
        cnn_table_interval(t, x->f.interval.low, x->f.interval.high);
        cnn_table_number(t, x->f.p);
        cnn_table_number(t, x->f_holm);
    }
    cnn_table_note(t, "The study made no test of variances. F: 14 and 14 degrees of freedom, "
                      "two-sided. Holm: over these six.");
}

static void report_accuracies(const cnn_published *p, cnn_document *out)
{
    static const cnn_table_column columns[] = {
        CASE_COLUMNS,
        {"keras_mean", "Keras", "%", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"tensorflow_mean", "TensorFlow", "%", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"keras_variance", "", .format = CNN_FORMAT_FIXED, .left_out = CNN_ONLY_IN_CSV},
        {"tensorflow_variance", "", .format = CNN_FORMAT_FIXED, .left_out = CNN_ONLY_IN_CSV},
        {"published_t", "its t", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"t", "t here", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"t_range", "rounding permits", .format = CNN_FORMAT_DIGITS, .digits = 4, .interval = true},
        {"possible", "possible", .format = CNN_FORMAT_TEXT},
        {"p_most", "p at most", .format = CNN_FORMAT_P, .left_out = CNN_ONLY_IN_CSV},
        {"p_most_holm", "Holm's p <=", .format = CNN_FORMAT_P},
    };
    cnn_table *t = cnn_document_table(out, "published_accuracies", columns, COUNT(columns),
                                      "Accuracy: means, Keras against TensorFlow");
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++) {
        const cnn_published_row *r = printed(CNN_PUBLISHED_ACCURACY, i);
        const cnn_published_result *x = &p->results[CNN_PUBLISHED_ACCURACY][i];
        put_case(t, r);
        cnn_table_number(t, r->keras_mean);
        cnn_table_number(t, r->tensorflow_mean);
        cnn_table_number(t, r->keras_variance);
        cnn_table_number(t, r->tensorflow_variance);
        cnn_table_number(t, r->t);
        cnn_table_number(t, fabs(x->welch.t));
        cnn_table_interval(t, x->t_range.low, x->t_range.high);
        cnn_table_text(t, x->possible ? "yes" : "no");
        cnn_table_number(t, x->p_most);
        cnn_table_number(t, x->p_most_holm);
    }
    cnn_table_note(t,
                   "These t cannot be reproduced: the variances are printed with two decimals, "
                   "mostly as 0.00, so that each t may be anything in a range. p at most: with the "
                   "least t that rounding permits, and the fewest degrees of freedom (14).");
}

static void report_accuracy_variances(const cnn_published *p, cnn_document *out)
{
    static const cnn_table_column columns[] = {
        CASE_COLUMNS,
        {"keras_variance", "Keras", "%^2", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"tensorflow_variance", "TensorFlow", "%^2", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"f_range", "ratio: rounding permits", .format = CNN_FORMAT_FIXED, .digits = 2,
         .interval = true},
        {"f_p_range", "F test's p", .format = CNN_FORMAT_DIGITS, .digits = 2, .interval = true},
        {"f_p_most_holm", "Holm's p <=", .format = CNN_FORMAT_P},
    };
    cnn_table *t = cnn_document_table(out, "published_accuracy_variances", columns, COUNT(columns),
                                      "Accuracy: variances, TensorFlow's over Keras's");
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++) {
        const cnn_published_row *r = printed(CNN_PUBLISHED_ACCURACY, i);
        const cnn_published_result *x = &p->results[CNN_PUBLISHED_ACCURACY][i];
        put_case(t, r);
        cnn_table_number(t, r->keras_variance);
        cnn_table_number(t, r->tensorflow_variance);
        cnn_table_interval(t, x->f_range.low, x->f_range.high);
        cnn_table_interval(t, x->fp_range.low, x->fp_range.high);
        cnn_table_number(t, x->fp_most_holm);
    }
}

/** The evidence for a claim and against it, in figures. */
static void put_evidence(const cnn_published *p, int claim, cnn_table *t)
{
    const cnn_claim_result *c = &p->claims[claim];
    const cnn_published_result *alike = &p->results[CNN_PUBLISHED_TIME][CNN_PUBLISHED_DATASETS];
    const int open = c->n - c->supported - c->opposed;
    switch (claim) {
    case CNN_CLAIM_TIMES_ALIKE:
        cnn_table_text(t,
                       "difference %.2f s, 95 %% interval [%.2f, %.2f]; equal within 1 %%: p = "
                       "%.2g (TOST)",
                       alike->welch.difference, alike->welch.interval.low,
                       alike->welch.interval.high, p->alike_p);
        break;
    case CNN_CLAIM_TENSORFLOW_FASTER:
        cnn_table_text(t, "faster in %d of %d, slower in %d, not significant in %d", c->supported,
                       c->n, c->opposed, open);
        break;
    case CNN_CLAIM_THIRD_LONGER:
        cnn_table_text(t,
                       "%.1f %%, %.1f %%, %.1f %%: %d of %d do not differ significantly from 35 %%",
                       100 * (p->ratio[0] - 1), 100 * (p->ratio[1] - 1), 100 * (p->ratio[2] - 1),
                       c->supported, c->n);
        break;
    case CNN_CLAIM_TENSORFLOW_VARIES:
        cnn_table_text(t, "significantly more in %d of %d, less in %d, not significant in %d",
                       c->supported, c->n, c->opposed, open);
        break;
    case CNN_CLAIM_KERAS_BETTER:
        cnn_table_text(t, "better in %d of %d, worse in %d, whatever the rounding", c->supported,
                       c->n, c->opposed);
        break;
    case CNN_CLAIM_ACCURACIES_DIFFER:
        cnn_table_text(t, "%d of %d differ significantly, whatever the rounding", c->supported,
                       c->n);
        break;
    case CNN_CLAIM_COMPLEX_CLOSER:
        cnn_table_text(t,
                       "ratios %.3f, %.3f, %.3f become %.3f, %.3f, %.3f: significantly nearer to "
                       "1 in %d of %d",
                       p->ratio[0], p->ratio[1], p->ratio[2], p->ratio[3], p->ratio[4], p->ratio[5],
                       c->supported, c->n);
        break;
    case CNN_CLAIM_DATA_VARY:
        cnn_table_text(t,
                       "cancer against MNIST, variances relative to the squared mean: "
                       "significantly greater in %d of %d, smaller in %d",
                       c->supported, c->n, c->opposed);
        break;
    case CNN_CLAIM_EXCEPT_MNIST_2:
        cnn_table_text(t, "times: see above; accuracies: the study's own t is %.2f, p at most %.2g",
                       printed(CNN_PUBLISHED_ACCURACY, CNN_PUBLISHED_DATASETS)->t,
                       p->results[CNN_PUBLISHED_ACCURACY][CNN_PUBLISHED_DATASETS].p_most_holm);
        break;
    default:
        cnn_table_text(t, "%d of %d differ significantly", c->supported, c->n);
    }
}

static void report_claims(const cnn_published *p, cnn_document *out)
{
    static const cnn_table_column columns[] = {
        {"claim_name", "name", .left_out = CNN_ONLY_IN_CSV},
        {"claim", "the study says", .format = CNN_FORMAT_TEXT},
        {"verdict", "its figures", .format = CNN_FORMAT_TEXT},
        {"cases", "cases", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"supported", "supported", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"opposed", "opposed", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"evidence", "say", .wrap = true},
    };
    cnn_table *t = cnn_document_table(out, "published_claims", columns, COUNT(columns),
                                      "The claims of the study, and the evidence of its figures");
    for (int c = 0; c < CNN_CLAIM_COUNT; c++) {
        const cnn_claim_result *x = &p->claims[c];
        cnn_table_row(t);
        cnn_table_text(t, "%s", claim_names[c]);
        cnn_table_text(t, "%s", claim_texts[c]);
        cnn_table_text(t, "%s", cnn_claim_verdict_names[x->verdict]);
        cnn_table_number(t, x->n);
        cnn_table_number(t, x->supported);
        cnn_table_number(t, x->opposed);
        put_evidence(p, c, t);
    }
    cnn_table_note(t,
                   "holds: every case is significant the claim's way, p <= 0.05 after Holm (for "
                   "\"most\": more than half of them); contradicted: else, a case is significant "
                   "the other way; holds in part: else, a case is significant; not shown: none "
                   "is.");
}

static void report_conclusion(const cnn_published *p, cnn_document *out)
{
    int same = 0, impossible = 0;
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++) {
        same += p->results[CNN_PUBLISHED_TIME][i].reproduced;
        impossible += !p->results[CNN_PUBLISHED_ACCURACY][i].possible;
    }
    cnn_document_paragraph(out,
                           "%d of %d statistics of training time are reproduced as printed. Of "
                           "those of accuracy %d do not follow from the figures printed beside "
                           "%s; the others lie in what rounding permits.",
                           same, CNN_PUBLISHED_CASES, impossible, impossible == 1 ? "it" : "them");
    cnn_document_paragraph(
        out, "Whatever holds here, holds of those runs. The frameworks ran one after the other on "
             "whatever GPU was lent at the time, so that framework, time of day and device cannot "
             "be separated, and runs within one session are not independent, as these tests take "
             "them to be. Blocks are the remedy: they separate the framework from the machine.");
    cnn_document_hint(out,
                      "mpirun -np 4 cnnmpi jobs/all.yaml runs the same 180 trainings in blocks, "
                      "and cnnmpi report analyses them.");
}

void cnn_published_report(const cnn_published *published, cnn_document *out)
{
    cnn_document_heading(out, "The published study, judged from its own tables");
    cnn_document_paragraph(
        out,
        "2 frameworks x 2 architectures (A1, A2) x 3 data sets, %d runs each: means and variances "
        "as printed. In this program `layered` stands where Keras stood, `native` where "
        "low-level TensorFlow stood, and test error is 100 %% minus accuracy.",
        CNN_PUBLISHED_RUNS);
    report_times(published, out);
    report_variances(published, out);
    report_accuracies(published, out);
    report_accuracy_variances(published, out);
    report_claims(published, out);
    report_conclusion(published, out);
}
