/* SPDX-License-Identifier: Apache-2.0 */
/* The findings in sentences: verdicts, spread, blocking, lost runs, scope. */
#include "report/parts.h"
#include "stats/ranks.h"

#include <math.h>
#include <stdlib.h>

/** Median over the combinations of a component's sd (component -1: the contrast's). */
static double median_sd(const cnn_report *r, cnn_measure measure, int component, double *values)
{
    int n = 0;
    for (int k = 0; k < r->a->combination_count; k++) {
        const double sd = component < 0 ? cnn_report_level_sd(r->a, k, measure)
                                        : cnn_analysis_component(r->a, k, measure, component)->sd;
        if (!isnan(sd))
            values[n++] = sd;
    }
    return cnn_median(values, n);
}

/** Components of variance of training time: with intervals of a single combination; medians over
 *  several have none and are in the full report alone. */
static void describe_spread(const cnn_report *r)
{
    static const char *const of[] = {
        [CNN_COMPONENT_NODE] = "between nodes",
        [CNN_COMPONENT_DEVICE] = "between devices of a node",
        [CNN_COMPONENT_DEVICE_CONTRAST] = "device x level interaction",
        [CNN_COMPONENT_BLOCK] = "between blocks on a device",
        [CNN_COMPONENT_RESIDUAL] = "from run to run",
    };
    const cnn_measure measure = CNN_MEASURE_TRAIN_SECONDS;
    const char *contrast = r->results->factors[r->results->contrast].name;
    double *values = calloc((size_t)r->a->combination_count + 1, sizeof *values);
    const bool is_single = r->a->combination_count == 1;
    cnn_text text = {0};
    if (!is_single && !r->full) {
        free(values);
        return;
    }
    if (!values) {
        r->out->failed = true;
        return;
    }
    const double residual = median_sd(r, measure, CNN_COMPONENT_RESIDUAL, values);
    for (int c = CNN_COMPONENT_NODE; c <= CNN_COMPONENT_RESIDUAL; c++) {
        const cnn_component *x = cnn_analysis_component(r->a, 0, measure, c);
        const double sd = median_sd(r, measure, c, values);
        if (isnan(sd) || (!r->full && isnan(x->sd_lower)))
            continue;
        cnn_text_printf(&text, "%s%.2g %%", text.len ? ", " : "; ", 100 * sd);
        if (is_single && !isnan(x->sd_lower))
            cnn_text_printf(&text, " (%.2g to %.2g)", 100 * x->sd_lower, 100 * x->sd_upper);
        cnn_text_printf(&text, " %s", of[c]);
    }
    const double levels = median_sd(r, measure, -1, values);
    if (!isnan(residual) && !isnan(levels) && r->a->level_count > 1)
        cnn_document_paragraph(
            r->out,
            "Sources of the spread of training time (standard deviations%s): %.2g %% "
            "between the levels of %s%s.",
            is_single ? ", with intervals" : ", medians over the combinations", 100 * levels,
            contrast, text.s ? text.s : "");
    r->out->failed |= text.failed;
    cnn_text_free(&text);
    free(values);
}

static void describe_blocking(const cnn_report *r)
{
    const cnn_blocking *b = &r->a->blocking[CNN_MEASURE_TRAIN_SECONDS];
    if (!r->full || isnan(b->gain) || isinf(b->gain))
        return; /* it has no interval */
    char gain[CNN_AMOUNT_SIZE];
    cnn_report_amount(b->gain, cnn_report_decimals(b->gain, 2), gain);
    if (b->gain > 1)
        cnn_document_paragraph(r->out,
                               "Blocks removed %.0f %% of the noise of comparisons of time: "
                               "without them %s times as many runs would be needed.",
                               100 * b->removed, gain);
    else
        cnn_document_paragraph(r->out,
                               "Blocks removed no noise of comparisons of time here (gain %.2g): "
                               "runs of a block were no more alike than others.",
                               b->gain);
}

/** Cells whose times drift, by Bonferroni over the cells. */
static void describe_trends(const cnn_report *r)
{
    int drifting = 0, tested = 0;
    for (int c = 0; c < r->a->cell_count; c++)
        tested += !isnan(cnn_analysis_summary(r->a, c, CNN_MEASURE_TRAIN_SECONDS)->trend_p);
    for (int c = 0; c < r->a->cell_count; c++)
        drifting += cnn_analysis_summary(r->a, c, CNN_MEASURE_TRAIN_SECONDS)->trend_p * tested <=
                    r->a->alpha;
    if (drifting)
        cnn_document_paragraph(r->out,
                               "Training times drifted with the start time in %d of %d cells "
                               "(Spearman, after Bonferroni): blocks allow for that, unpaired "
                               "figures do not.",
                               drifting, tested);
}

enum { MOST_ABNORMAL = 6 };

static void put_p(const char *name, double p, cnn_text *out)
{
    if (p < 0.0001)
        cnn_text_printf(out, ", %s < 0.0001", name);
    else
        cnn_text_printf(out, ", %s %.2g", name, p);
}

/** Comparisons whose differences are far from normal, with the p values that do not assume it. */
static void describe_normality(const cnn_report *r, cnn_measure measure)
{
    const cnn_analysis *a = r->a;
    const cnn_shown_measure shown = cnn_report_shown_in(r, measure);
    cnn_text text = {0};
    int found = 0, tested = 0;
    for (int i = 0; i < a->comparison_count; i++) {
        const cnn_comparison *x = cnn_analysis_comparison(a, i, measure);
        tested += !isnan(x->normality_p_holm);
        if (!(x->normality_p_holm <= a->alpha) || found++ >= MOST_ABNORMAL)
            continue;
        const cnn_pair *pair = &a->pairs[i];
        cnn_text_append(&text, text.len ? "; " : "");
        if (a->comparison_count > 1)
            cnn_text_printf(&text, "%s, %s against %s: ", r->names.combinations[pair->combination],
                            r->names.levels[pair->a], r->names.levels[pair->b]);
        cnn_text_printf(&text, "W %.3f", x->normality_w);
        put_p("p of t", x->paired_p_holm, &text);
        put_p("sign flips", x->sign_flip_p_holm, &text);
        put_p("Wilcoxon", x->wilcoxon_p_holm, &text);
    }
    if (found > MOST_ABNORMAL)
        cnn_text_printf(&text, "; and %d more", found - MOST_ABNORMAL);
    if (found)
        cnn_document_paragraph(
            r->out,
            "Distribution: differences of %s are far from normal in %d of %d comparisons (Shapiro and "
            "Wilk), so that the t test is less certain there. Beside it tests that do not assume "
            "it, all after Holm: %s.",
            shown.in_sentence, found, tested, text.s ? text.s : "");
    r->out->failed |= text.failed;
    cnn_text_free(&text);
}

/** Seeds that several runs share: nondeterminism against machine noise. */
static void describe_seeds(const cnn_report *r)
{
    int groups = 0, identical = 0, different = 0;
    for (int c = 0; c < r->a->cell_count; c++) {
        const cnn_cell_seeds *s = &r->a->cell_seeds[c];
        groups += s->groups > 0 ? s->groups : 0;
        identical += s->identical > 0 ? s->identical : 0;
        different += s->different > 0 ? s->different : 0;
    }
    if (groups)
        cnn_document_paragraph(r->out,
                               "Of %d seeds that several runs share, %d ended in the same weights "
                               "(their times differ by the machine alone) and %d in different ones "
                               "(the software is not deterministic).",
                               groups, identical, different);
}

static void describe_lost(const cnn_report *r)
{
    const cnn_cell_count *t = &r->a->total;
    if (t->failed + t->diverged + t->missing > 0)
        cnn_document_paragraph(r->out,
                               "%d of %d runs are not in these figures: %d failed, %d diverged, %d "
                               "are missing. Conclusions hold for runs that ended well.",
                               t->failed + t->diverged + t->missing, t->planned, t->failed,
                               t->diverged, t->missing);
    if (r->a->looks > 1)
        cnn_document_paragraph(r->out,
                               "%d files of different plans are pooled: not controlled for looks. "
                               "Every file counts as a look in the families of tests, but the rate "
                               "of false findings over all reports of these files may exceed "
                               "alpha.",
                               r->a->looks);
    if (r->source->pool && r->source->pool->is_named)
        cnn_document_paragraph(
            r->out,
            "%d files are pooled; their jobs named them beforehand, so that they "
            "are one look.",
            r->source->pool->source_count);
    for (int i = 0; r->source->pool && i < r->source->pool->source_count; i++) {
        const cnn_pool_source *source = &r->source->pool->sources[i];
        if (source->repeated_seeds > 0)
            cnn_document_paragraph(r->out,
                                   "%d of %d blocks of %s have seeds of an earlier file: their "
                                   "errors repeat earlier ones, only their times are new.",
                                   source->repeated_seeds, source->blocks, source->path);
    }
}

static void describe_scope(const cnn_report *r)
{
    const cnn_scope *s = &r->a->scope;
    if (s->runs)
        cnn_document_paragraph(
            r->out,
            "These findings hold for the %d device%s on %d host%s that the runs were on, in %s%s.",
            s->devices, cnn_report_plural(s->devices), s->nodes, cnn_report_plural(s->nodes),
            s->sessions == 1 ? "this session" : "these sessions",
            r->full ? "; only the table `devices` is about other devices like these" : "");
}

/** Before any verdict: what an unfinished study permits. */
static void describe_look(const cnn_report *r)
{
    const cnn_look *look = &r->a->look;
    if (look->interim && !look->number)
        cnn_document_paragraph(
            r->out,
            "INTERIM: the study is not finished and %s. Estimates and intervals "
            "(each at %.4g %%, not adjusted for looks) describe the runs so far; "
            "there are no verdicts.",
            look->count > 1 ? "its first declared look is not reached"
                            : "declares no interim looks",
            100 * (1 - look->alpha));
    else if (look->count > 1)
        cnn_document_paragraph(
            r->out,
            "%s %d of %d, declared before the data: the first %d of %d blocks of each combination. "
            "Tests are at the level %.3g of %.3g (increment of the O'Brien-Fleming spending "
            "function of Lan and DeMets), intervals at %.5g %%.",
            look->number < look->count ? "INTERIM look" : "Look", look->number, look->count,
            look->blocks, look->planned, look->alpha, r->results->alpha, 100 * (1 - look->alpha));
}

/** Differences found between levels that are the same program. */
static void describe_controls(const cnn_report *r)
{
    int primary = 0, secondary = 0, pairs = 0;
    for (int p = 0; p < r->a->pair_count; p++)
        pairs += r->a->is_control[p];
    for (int i = 0; pairs && i < r->a->comparison_count; i++)
        for (int m = 0; r->a->is_control[i % r->a->pair_count] && m < r->a->measure_count; m++) {
            const cnn_comparison *x = cnn_analysis_comparison(r->a, i, (cnn_measure)m);
            const bool differs =
                x->verdict != CNN_VERDICT_INCONCLUSIVE && x->verdict != CNN_VERDICT_EQUIVALENT;
            primary += m == (int)r->a->primary && differs;
            secondary += m != (int)r->a->primary && differs;
            secondary += x->variance_verdict != CNN_VARIANCE_INCONCLUSIVE;
        }
    if (pairs)
        cnn_document_paragraph(r->out,
                               "Negative control: %d pair%s of levels run%s the same program, so "
                               "that every difference between them is false. Found: %d in the "
                               "primary family (at most %.3g %% of such studies find any), %d in "
                               "all secondary families together.",
                               pairs, cnn_report_plural(pairs), pairs == 1 ? "s" : "", primary,
                               100 * r->results->alpha, secondary);
}

static void describe(const cnn_report *r)
{
    if (!r->a->pair_count)
        cnn_document_paragraph(r->out, "The contrast has one level: there is nothing to compare.");
    describe_look(r);
    cnn_report_found_unequal(r);
    describe_controls(r);
    cnn_report_found_pairs(r);
    cnn_report_found_positions(r);
    for (int m = 0; m < r->a->measure_count; m++)
        if (cnn_report_shown_in(r, (cnn_measure)m).is_main || m == (int)r->a->primary)
            describe_normality(r, (cnn_measure)m);
    describe_spread(r);
    describe_blocking(r);
    describe_trends(r);
    describe_seeds(r);
    describe_lost(r);
    describe_scope(r);
}

void cnn_report_found(const cnn_report *r)
{
    cnn_document_heading(r->out, "What was found");
    if (r->a->scope.runs) {
        describe(r);
    } else {
        cnn_document_paragraph(r->out, "No run is done: there are no findings.");
        describe_lost(r);
    }
    if (!r->full)
        cnn_document_hint(r->out,
                          "More: cnnmpi report %s --full, --table NAME, --format csv -o FOLDER, "
                          "--runs",
                          r->source->path);
    cnn_document_end_lead(r->out);
}
