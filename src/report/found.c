/* SPDX-License-Identifier: Apache-2.0 */
/* What was found, in plain words. */
#include "report/parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMED = 6 };

static const char *name_of(const cnn_report *r, int combination)
{
    return r->names.study[combination] ? r->names.study[combination]
                                       : r->names.combinations[combination];
}

/** "one", "A, B", "A, B and 3 more": of combinations, told one by one. */
typedef struct {
    cnn_text text;
    int count;
} name_list;

static void put_name(name_list *l, const char *name)
{
    if (l->count++ < MOST_NAMED)
        cnn_text_printf(&l->text, "%s%s", l->text.len ? ", " : "", name);
}

static const char *end_names(name_list *l)
{
    if (l->count > MOST_NAMED)
        cnn_text_printf(&l->text, " and %d more", l->count - MOST_NAMED);
    return l->text.s ? l->text.s : "";
}

/** How far a lies from b, as people say it: percent of time, points of error. */
static double size_of(const cnn_report_pair *v, const cnn_comparison *x)
{
    return v->shown.is_log ? 100 * fabs(x->paired_ratio - 1)
                           : v->shown.scale * fabs(x->paired_difference);
}

static const char *size_unit(const cnn_report_pair *v)
{
    return v->shown.is_log ? "%" : v->shown.difference;
}

/** Combinations with a verdict, and how large their differences are. */
typedef struct {
    int count;
    double least, most;
    name_list names;
} verdict_count;

static void count_verdict(const cnn_report_pair *v, int combination, verdict_count *counts)
{
    const cnn_comparison *x = cnn_report_comparison(v, combination);
    verdict_count *c = &counts[x->verdict];
    const double size = size_of(v, x);
    c->least = c->count ? fmin(c->least, size) : size;
    c->most = c->count ? fmax(c->most, size) : size;
    c->count++;
    put_name(&c->names, name_of(v->r, combination));
}

static void say_difference(const cnn_report_pair *v, const verdict_count *c, const char *verdict,
                           int all, cnn_text *out)
{
    if (!c->count)
        return;
    cnn_text_printf(out, "%s%s %s", out->len ? "; " : "", v->a, verdict);
    if (all > 1)
        cnn_text_printf(out, " in %d of %d", c->count, all);
    char least[32], most[32];
    snprintf(least, sizeof least, "%.3g", c->least);
    snprintf(most, sizeof most, "%.3g", c->most);
    cnn_text_printf(out, ", by %s%s%s %s", least, strcmp(least, most) ? " to " : "",
                    strcmp(least, most) ? most : "", size_unit(v));
    if (all > 1)
        cnn_text_printf(out, " (%s)", end_names((name_list *)&c->names));
}

static void say_equivalence(const cnn_report_pair *v, verdict_count *c, int all, cnn_text *out)
{
    const double margin = v->r->a->margin[v->measure];
    if (!c->count)
        return;
    cnn_text_printf(out, "%sequivalent within %.3g %s", out->len ? "; " : "",
                    v->shown.is_log ? 100 * expm1(margin) : v->shown.scale * margin, size_unit(v));
    if (all > 1)
        cnn_text_printf(out, " in %d of %d (%s)", c->count, all, end_names(&c->names));
}

static void say_open(const cnn_report_pair *v, verdict_count *c, int all, cnn_text *out)
{
    if (!c->count)
        return;
    cnn_text_printf(out, "%snot told apart", out->len ? "; " : "");
    if (all > 1)
        cnn_text_printf(out, " in %d of %d (%s)", c->count, all, end_names(&c->names));
    (void)v;
}

/** How many more blocks would tell. */
static void say_more(const cnn_comparison *x, cnn_text *out)
{
    const int differ = x->blocks_needed - x->blocks, equal = x->blocks_equivalence - x->blocks;
    cnn_text_printf(out, " from %d block%s", x->blocks, cnn_report_plural(x->blocks));
    if (differ <= 0 && equal <= 0) {
        cnn_text_append(out, ", enough if the truth were no difference or one as large as the "
                             "margin: it may lie between");
        return;
    }
    if (differ <= 0)
        cnn_text_append(out, ", enough to find a difference as large as the margin");
    else
        cnn_text_printf(out, "; %d more would find a difference as large as the margin", differ);
    if (equal > 0)
        cnn_text_printf(out, ", %d more would show equivalence if there is none", equal);
}

/** What more blocks would tell of a combination that was not told apart. */
static void say_blocks(const cnn_report_pair *v, int combination, cnn_text *out)
{
    const cnn_comparison *x = cnn_report_comparison(v, combination);
    cnn_text_printf(out, "%s%s: ", out->len ? "; " : "", name_of(v->r, combination));
    if (isnan(x->paired_mean) || isnan(x->paired_sd)) {
        cnn_text_append(out, cnn_reason_sentences[x->verdict_reason]);
        return;
    }
    if (v->shown.is_log)
        cnn_text_printf(out, "ratio %.4g, [%.4g, %.4g]", x->paired_ratio, x->paired_ratio_lower,
                        x->paired_ratio_upper);
    else
        cnn_text_printf(out, "difference %.3g %s, [%.3g, %.3g]",
                        v->shown.scale * x->paired_difference, v->shown.difference,
                        v->shown.scale * x->paired_difference_lower,
                        v->shown.scale * x->paired_difference_upper);
    if (x->verdict_reason != CNN_REASON_NONE && x->verdict_reason != CNN_REASON_NO_MARGIN)
        cnn_text_printf(out, ": %s", cnn_reason_sentences[x->verdict_reason]);
    else if (x->blocks_needed > 0)
        say_more(x, out);
}

static void say_means(const cnn_report_pair *v)
{
    const cnn_analysis *a = v->r->a;
    const int all = a->combination_count;
    verdict_count counts[CNN_VERDICT_COUNT] = {0};
    cnn_text text = {0}, more = {0};
    int told = 0;
    for (int k = 0; k < all; k++)
        count_verdict(v, k, counts);
    say_difference(v, &counts[CNN_VERDICT_FASTER], "is faster", all, &text);
    say_difference(v, &counts[CNN_VERDICT_SLOWER], "is slower", all, &text);
    say_difference(v, &counts[CNN_VERDICT_LOWER], "is lower", all, &text);
    say_difference(v, &counts[CNN_VERDICT_HIGHER], "is higher", all, &text);
    say_equivalence(v, &counts[CNN_VERDICT_EQUIVALENT], all, &text);
    say_open(v, &counts[CNN_VERDICT_INCONCLUSIVE], all, &text);
    cnn_document_paragraph(v->r->out, "%s, %s against %s: %s.", v->shown.title, v->a, v->b,
                           text.s ? text.s : "nothing");
    for (int k = 0; k < all && told < MOST_NAMED; k++)
        if (cnn_report_comparison(v, k)->verdict == CNN_VERDICT_INCONCLUSIVE) {
            say_blocks(v, k, &more);
            told++;
        }
    if (told)
        cnn_document_paragraph(v->r->out, "Not told apart: %s.", more.s ? more.s : "");
    v->r->out->failed |= text.failed || more.failed;
    for (int i = 0; i < CNN_VERDICT_COUNT; i++)
        cnn_text_free(&counts[i].names.text);
    cnn_text_free(&text);
    cnn_text_free(&more);
}

static void say_variances(const cnn_report_pair *v)
{
    const int all = v->r->a->combination_count;
    name_list less = {0}, more = {0};
    int open = 0;
    for (int k = 0; k < all; k++) {
        const int verdict = cnn_report_comparison(v, k)->variance_verdict;
        if (verdict == CNN_VARIANCE_SMALLER)
            put_name(&less, name_of(v->r, k));
        else if (verdict == CNN_VARIANCE_LARGER)
            put_name(&more, name_of(v->r, k));
        else
            open++;
    }
    cnn_text text = {0};
    if (all == 1 && !open)
        cnn_text_printf(&text, "%s varies %s", v->a, less.count ? "less" : "more");
    else if (all == 1)
        cnn_text_append(&text, "no difference shown");
    else if (less.count)
        cnn_text_printf(&text, "%s varies less in %d of %d (%s)", v->a, less.count, all,
                        end_names(&less));
    if (all > 1 && more.count)
        cnn_text_printf(&text, "%s%s varies more in %d of %d (%s)", text.len ? "; " : "", v->a,
                        more.count, all, end_names(&more));
    if (all > 1 && open)
        cnn_text_printf(&text, "%sno difference shown in %d of %d", text.len ? "; " : "", open,
                        all);
    cnn_document_paragraph(v->r->out, "Spread of %s, %s against %s: %s.",
                           v->shown.is_log ? "training time" : "test error", v->a, v->b,
                           text.s ? text.s : "");
    v->r->out->failed |= text.failed || less.text.failed || more.text.failed;
    cnn_text_free(&text);
    cnn_text_free(&less.text);
    cnn_text_free(&more.text);
}

static void say_pair(const cnn_report_pair *v)
{
    say_means(v);
    say_variances(v);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** The middle of values [n]; sorts them. */
static double middle(double *values, int n)
{
    if (n < 1)
        return NAN;
    qsort(values, (size_t)n, sizeof *values, by_size);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

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
    return middle(values, n);
}

/** Framework or machine, for training time. */
static void say_spread(const cnn_report *r)
{
    static const char *const of[] = {
        [CNN_COMPONENT_NODE] = "between nodes",
        [CNN_COMPONENT_DEVICE] = "between devices of a node",
        [CNN_COMPONENT_DEVICE_CONTRAST] = "as levels differ from device to device",
        [CNN_COMPONENT_BLOCK] = "between blocks on a device",
        [CNN_COMPONENT_RESIDUAL] = "from run to run",
    };
    const cnn_measure measure = CNN_MEASURE_TRAIN_SECONDS;
    const char *contrast = r->results->factors[r->results->contrast].name;
    double *values = calloc((size_t)r->a->combination_count + 1, sizeof *values);
    cnn_text text = {0};
    if (!values) {
        r->out->failed = true;
        return;
    }
    const double residual = median_sd(r, measure, CNN_COMPONENT_RESIDUAL, values);
    for (int c = CNN_COMPONENT_NODE; c <= CNN_COMPONENT_RESIDUAL; c++) {
        const double sd = median_sd(r, measure, c, values);
        if (!isnan(sd))
            cnn_text_printf(&text, "%s%.2g %% %s", text.len ? ", " : "", 100 * sd, of[c]);
    }
    const double levels = median_sd(r, measure, -1, values);
    if (!isnan(residual) && !isnan(levels) && r->a->level_count > 1)
        cnn_document_paragraph(r->out,
                               "Where the spread of training time comes from (standard "
                               "deviations%s): %.2g %% between the levels of %s; %s.",
                               r->a->combination_count > 1 ? ", medians over the combinations" : "",
                               100 * levels, contrast, text.s ? text.s : "");
    r->out->failed |= text.failed;
    cnn_text_free(&text);
    free(values);
}

static void say_blocking(const cnn_report *r)
{
    const cnn_blocking *b = &r->a->blocking[CNN_MEASURE_TRAIN_SECONDS];
    if (isnan(b->gain) || isinf(b->gain))
        return;
    if (b->gain > 1)
        cnn_document_paragraph(r->out,
                               "Blocks removed %.0f %% of the noise of comparisons of time: "
                               "without them %.2g times as many runs would be needed.",
                               100 * b->removed, b->gain);
    else
        cnn_document_paragraph(r->out,
                               "Blocks removed no noise of comparisons of time here (gain %.2g): "
                               "runs of a block were no more alike than others.",
                               b->gain);
}

/** Cells whose times drift, by Bonferroni over the cells. */
static void say_trends(const cnn_report *r)
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

/** Seeds against machine. */
static void say_seeds(const cnn_report *r)
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

static void say_lost(const cnn_report *r)
{
    const cnn_cell_count *t = &r->a->total;
    if (t->failed + t->diverged + t->missing > 0)
        cnn_document_paragraph(r->out,
                               "%d of %d runs are not in these figures: %d failed, %d diverged, %d "
                               "are missing. What is said holds for runs that ended well.",
                               t->failed + t->diverged + t->missing, t->planned, t->failed,
                               t->diverged, t->missing);
    if (r->a->looks > 1)
        cnn_document_paragraph(r->out,
                               "%d files are pooled: the study was looked at %d times, and every "
                               "look counts in the families of tests.",
                               r->a->looks, r->a->looks);
    for (int i = 0; r->source->pool && i < r->source->pool->source_count; i++) {
        const cnn_pool_source *source = &r->source->pool->sources[i];
        if (source->repeated_seeds > 0)
            cnn_document_paragraph(r->out,
                                   "%d of %d blocks of %s have seeds of an earlier file: their "
                                   "errors repeat what is known, only their times are new.",
                                   source->repeated_seeds, source->blocks, source->path);
    }
}

static void say_scope(const cnn_report *r)
{
    const cnn_scope *s = &r->a->scope;
    if (s->runs)
        cnn_document_paragraph(r->out,
                               "This holds for the %d device%s on %d host%s that the runs were on, "
                               "in %s; it says nothing about other devices.",
                               s->devices, cnn_report_plural(s->devices), s->nodes,
                               cnn_report_plural(s->nodes),
                               s->sessions == 1 ? "this session" : "these sessions");
}

void cnn_report_found(const cnn_report *r)
{
    cnn_document_paragraph(r->out, "How verdicts are given: %s", cnn_verdict_rule);
    cnn_document_heading(r->out, "What was found");
    if (!r->a->scope.runs) {
        cnn_document_paragraph(r->out, "No run is done: nothing can be said.");
        say_lost(r);
        return;
    }
    if (!r->a->pair_count)
        cnn_document_paragraph(r->out, "The contrast has one level: there is nothing to compare.");
    cnn_report_each_pair(r, false, say_pair);
    say_spread(r);
    say_blocking(r);
    say_trends(r);
    say_seeds(r);
    say_lost(r);
    say_scope(r);
    if (!r->full)
        cnn_document_paragraph(r->out,
                               "More: `cnnmpi report %s --full` (every table), `--format csv -o "
                               "FOLDER` (every figure), `--runs` (every run); docs/analysis.md "
                               "explains them.",
                               r->source->path);
}
