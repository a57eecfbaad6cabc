/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts in sentences: for every pair of levels what was found, with intervals. */
#include "report/parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Combinations described one by one in a paragraph; the tables have all of them. */
enum { MOST_DESCRIBED = 12, MOST_NAMED = 6 };
/* A level's name, with that of its factor, and two words. */
enum { SENTENCE_SIZE = 192 };

/* ---- numbers -------------------------------------------------------------------------------- */

static bool is_difference(int verdict)
{
    return verdict != CNN_VERDICT_INCONCLUSIVE && verdict != CNN_VERDICT_EQUIVALENT;
}

/** x of the analysed scale (log time, error) as people read it: percent, points. */
static double shown_size(const cnn_report_pair *v, double x)
{
    return v->shown.is_log ? 100 * expm1(x) : v->shown.scale * x;
}

static const char *size_unit(const cnn_report_pair *v)
{
    return v->shown.is_log ? "%" : v->shown.difference;
}

/** Decimals that show where an interval ends: its width has one to two digits. Of a point: three
 *  digits of its value. */
static int interval_decimals(double low, double high)
{
    const double width = fabs(high - low);
    if (!(width > 0) || !isfinite(width))
        return cnn_report_decimals(low, 3);
    const int decimals = (int)ceil(-log10(width / 3));
    return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

/** "95 % interval 32 to 39 %, 8 blocks"; error and loss count seeds. Where nothing varies, the
 *  verdict rests on the exact test of sign flips. */
static void put_interval(const cnn_report_pair *v, const cnn_comparison *x, double coverage,
                         double low, double high, cnn_text *out)
{
    char from[CNN_AMOUNT_SIZE], to[CNN_AMOUNT_SIZE];
    const int decimals = interval_decimals(low, high);
    cnn_report_amount(low, decimals, from);
    cnn_report_amount(high, decimals, to);
    if (!(x->paired_sd > 0))
        cnn_text_append(out, ", the same in every block");
    else
        cnn_text_printf(out, ", %.4g %% interval %s to %s %s", 100 * coverage, from, to,
                        size_unit(v));
    cnn_text_printf(out, ", %d %s%s", x->units, v->shown.is_log ? "block" : "seed",
                    cnn_report_plural(x->units));
}

/** The estimate has three digits, but as many decimals as its interval or one more. */
static void put_estimate(double x, double low, double high, cnn_text *out)
{
    char amount[CNN_AMOUNT_SIZE];
    const int least = interval_decimals(low, high), digits = cnn_report_decimals(x, 3);
    cnn_report_amount(x, digits < least ? least : digits > least + 1 ? least + 1 : digits, amount);
    cnn_text_append(out, amount);
}

/* ---- one combination ------------------------------------------------------------------------ */

/** "native takes 35.6 % less time (1.55x as fast), 95 % interval 32 to 39 %, 8 blocks", "native's
 *  test error is 2.0 points lower, ..." */
static void describe_difference(const cnn_report_pair *v, const cnn_comparison *x, cnn_text *out)
{
    const bool less = x->verdict == CNN_VERDICT_FASTER || x->verdict == CNN_VERDICT_LOWER;
    const double sign = less ? -1 : 1;
    const double size = sign * shown_size(v, x->paired_mean);
    const double one = sign * shown_size(v, x->paired_lower);
    const double other = sign * shown_size(v, x->paired_upper);
    const double low = fmin(one, other), high = fmax(one, other);
    if (v->shown.is_time)
        cnn_text_printf(out, "%s takes ", v->a);
    else
        cnn_text_printf(out, "%s's %s is ", v->a, v->shown.in_sentence);
    put_estimate(size, low, high, out);
    if (v->shown.is_time)
        cnn_text_printf(out, " %% %s time (%.3gx as fast)", less ? "less" : "more",
                        1 / x->paired_ratio);
    else
        cnn_text_printf(out, " %s %s", size_unit(v), less ? "lower" : "higher");
    if (v->measure >= CNN_MEASURE_COUNT && v->shown.better)
        cnn_text_printf(out, ", which is %s", less == (v->shown.better < 0) ? "better" : "worse");
    put_interval(v, x, 1 - v->r->a->alpha, low, high, out);
}

static void put_margin(const cnn_report_pair *v, cnn_text *out)
{
    cnn_text_printf(out, "%.3g %s", shown_size(v, v->r->a->margin[v->measure]), size_unit(v));
}

/** The interval is that of TOST: at 1 - 2 alpha. */
static void describe_equivalence(const cnn_report_pair *v, const cnn_comparison *x, cnn_text *out)
{
    const double low = shown_size(v, x->tost_lower), high = shown_size(v, x->tost_upper);
    cnn_text_append(out, "equivalent within ");
    put_margin(v, out);
    cnn_text_append(out, ": difference ");
    put_estimate(shown_size(v, x->paired_mean), low, high, out);
    cnn_text_printf(out, " %s", size_unit(v));
    put_interval(v, x, 1 - 2 * v->r->a->alpha, low, high, out);
}

/** About n, to one digit from 1,000 on and two from 100 on. */
static void put_about(int n, cnn_text *out)
{
    char amount[CNN_AMOUNT_SIZE];
    const double unit = n >= 1000 ? pow(10, floor(log10(n))) : n >= 100 ? 10 : 1;
    cnn_report_amount(unit * round(n / unit), 0, amount);
    cnn_text_printf(out, "%s%s", n >= 100 ? "about " : "", amount);
}

/** How many more %ss would be needed. */
static void put_more_blocks(const cnn_report_pair *v, const cnn_comparison *x, cnn_text *out)
{
    const int differ = x->blocks_needed - x->units, equal = x->blocks_equivalence - x->units;
    if (x->blocks_needed <= 0)
        return;
    if (differ <= 0 && equal <= 0) {
        cnn_text_append(out, ", enough to detect a difference as large as the margin and to show "
                             "equivalence if there is none: the difference may lie between");
        return;
    }
    if (differ > 0) {
        cnn_text_append(out, "; ");
        put_about(differ, out);
        cnn_text_printf(out, " more %s would be needed to detect a difference of ",
                        v->shown.is_log ? "blocks" : "seeds");
    } else {
        cnn_text_append(out, ", enough to detect a difference of ");
    }
    put_margin(v, out);
    if (equal > 0) {
        cnn_text_append(out, ", ");
        put_about(equal, out);
        cnn_text_append(out, " more to show equivalence if there is no difference");
    }
}

/** "interim, no verdict", "no verdict (unequal in parameters)" */
static void put_withheld(const cnn_report_pair *v, int combination, int reason, cnn_text *out)
{
    if (reason == CNN_REASON_INTERIM) {
        cnn_text_append(out, "interim, no verdict");
        return;
    }
    cnn_text_append(out, "no verdict (unequal in ");
    cnn_report_put_conditions(v->r->a, combination * v->r->a->pair_count + v->pair, out);
    cnn_text_append(out, ")");
}

static void describe_inconclusive(const cnn_report_pair *v, int combination,
                                  const cnn_comparison *x, cnn_text *out)
{
    const double low = shown_size(v, x->paired_lower), high = shown_size(v, x->paired_upper);
    if (cnn_report_withheld(x->verdict_reason))
        put_withheld(v, combination, x->verdict_reason, out);
    else
        cnn_text_append(out, "inconclusive");
    cnn_text_append(out, ": difference ");
    put_estimate(shown_size(v, x->paired_mean), low, high, out);
    cnn_text_printf(out, " %s", size_unit(v));
    put_interval(v, x, 1 - v->r->a->alpha, low, high, out);
    if (!cnn_report_withheld(x->verdict_reason))
        put_more_blocks(v, x, out);
}

/** Whether no test of the means could be made. */
static bool is_untested(const cnn_comparison *x)
{
    return x->verdict == CNN_VERDICT_INCONCLUSIVE && x->verdict_reason != CNN_REASON_NONE &&
           x->verdict_reason != CNN_REASON_NO_MARGIN && !cnn_report_withheld(x->verdict_reason) &&
           x->verdict_reason != CNN_REASON_SAME_DIFFERENCE;
}

/** Why a pair was not tested; a level without a good run is named. */
static void put_reason(const cnn_report_pair *v, int combination, int reason, cnn_text *out)
{
    const cnn_analysis *a = v->r->a;
    const cnn_pair *pair = &a->pairs[combination * a->pair_count + v->pair];
    const int *cells = &a->cell_of[combination * a->level_count];
    const bool a_failed =
        cnn_analysis_summary(a, cells[pair->a], v->measure)->reason == CNN_REASON_ALL_FAILED;
    const bool b_failed =
        cnn_analysis_summary(a, cells[pair->b], v->measure)->reason == CNN_REASON_ALL_FAILED;
    if (reason == CNN_REASON_ALL_FAILED && (a_failed || b_failed))
        cnn_text_printf(out, "every run of %s%s%s failed or diverged", a_failed ? v->a : "",
                        a_failed && b_failed ? " and " : "", b_failed ? v->b : "");
    else
        cnn_text_append(out, cnn_reason_sentences[reason]);
}

/** ", of levels unequal in parameters": of error and loss, whose verdict is given all the same. */
static void put_unequal(const cnn_report_pair *v, int combination, cnn_text *out)
{
    const int comparison = combination * v->r->a->pair_count + v->pair;
    if (!v->r->a->measures[v->measure].is_of_weights ||
        !cnn_analysis_is_unequal(v->r->a, comparison))
        return;
    cnn_text_append(out, ", of levels unequal in ");
    cnn_report_put_conditions(v->r->a, comparison, out);
}

/** "; for devices like these 2.1 to 3.4 % (8 devices)": the interval of the other scope. */
static void put_devices(const cnn_report_pair *v, const cnn_comparison *x, cnn_text *out)
{
    char from[CNN_AMOUNT_SIZE], to[CNN_AMOUNT_SIZE];
    const double low = shown_size(v, x->device_lower), high = shown_size(v, x->device_upper);
    if (!v->shown.is_log || !(low < high))
        return;
    const int decimals = interval_decimals(low, high);
    cnn_report_amount(low, decimals, from);
    cnn_report_amount(high, decimals, to);
    cnn_text_printf(out, "; difference for %ss like these: %.4g %% interval %s to %s %%, %d %s%s",
                    cnn_device_unit_names[x->device_unit], 100 * (1 - v->r->a->alpha), from, to,
                    x->device_units, cnn_device_unit_names[x->device_unit],
                    cnn_report_plural(x->device_units));
}

static void describe(const cnn_report_pair *v, int combination, cnn_text *out)
{
    const cnn_comparison *x = cnn_report_comparison(v, combination);
    if (is_untested(x)) {
        cnn_text_append(out, "not tested: ");
        put_reason(v, combination, x->verdict_reason, out);
    } else if (is_difference(x->verdict)) {
        describe_difference(v, x, out);
    } else if (x->verdict == CNN_VERDICT_EQUIVALENT) {
        describe_equivalence(v, x, out);
    } else {
        describe_inconclusive(v, combination, x, out);
    }
    if (!is_untested(x))
        put_devices(v, x, out);
    put_unequal(v, combination, out);
}

/* ---- all combinations ----------------------------------------------------------------------- */

/** Combinations with a verdict, and the range of their differences. */
typedef struct {
    int count;
    double least, most;
} verdict_count;

static void count_verdict(const cnn_report_pair *v, const cnn_comparison *x, verdict_count *c)
{
    const double size = fabs(shown_size(v, x->paired_mean));
    c->least = c->count ? fmin(c->least, size) : size;
    c->most = c->count ? fmax(c->most, size) : size;
    c->count++;
}

/** "takes less time in 2 of 6, by 3 to 36 % (range of these 2)" */
static void put_count(const cnn_report_pair *v, const verdict_count *c, int verdict, cnn_text *out)
{
    static const char *const words[] = {
        [CNN_VERDICT_FASTER] = "takes less time",
        [CNN_VERDICT_SLOWER] = "takes more time",
        [CNN_VERDICT_LOWER] = "is lower",
        [CNN_VERDICT_HIGHER] = "is higher",
    };
    char least[CNN_AMOUNT_SIZE], most[CNN_AMOUNT_SIZE];
    if (!c->count)
        return;
    cnn_report_amount(c->least, cnn_report_decimals(c->least, 3), least);
    cnn_report_amount(c->most, cnn_report_decimals(c->most, 3), most);
    cnn_text_printf(out, "%s%s", out->len ? "; " : "", v->a);
    if (!v->shown.is_time)
        cnn_text_printf(out, "'s %s", v->shown.in_sentence);
    cnn_text_printf(out, " %s in %d of %d, by %s", words[verdict], c->count,
                    v->r->a->combination_count, least);
    if (strcmp(least, most))
        cnn_text_printf(out, " to %s %s (range of these %d)", most, size_unit(v), c->count);
    else
        cnn_text_printf(out, " %s%s", size_unit(v), c->count > 1 ? " each" : "");
}

static void put_counts(const cnn_report_pair *v, cnn_text *out)
{
    const int all = v->r->a->combination_count;
    verdict_count counts[CNN_VERDICT_COUNT] = {0};
    int untested = 0, unequal = 0;
    for (int k = 0; k < all; k++) {
        const cnn_comparison *x = cnn_report_comparison(v, k);
        if (is_untested(x))
            untested++;
        else if (x->verdict_reason == CNN_REASON_UNEQUAL)
            unequal++;
        else
            count_verdict(v, x, &counts[x->verdict]);
    }
    put_count(v, &counts[CNN_VERDICT_FASTER], CNN_VERDICT_FASTER, out);
    put_count(v, &counts[CNN_VERDICT_SLOWER], CNN_VERDICT_SLOWER, out);
    put_count(v, &counts[CNN_VERDICT_LOWER], CNN_VERDICT_LOWER, out);
    put_count(v, &counts[CNN_VERDICT_HIGHER], CNN_VERDICT_HIGHER, out);
    if (counts[CNN_VERDICT_EQUIVALENT].count) {
        cnn_text_printf(out, "%sequivalent within ", out->len ? "; " : "");
        put_margin(v, out);
        cnn_text_printf(out, " in %d of %d", counts[CNN_VERDICT_EQUIVALENT].count, all);
    }
    if (counts[CNN_VERDICT_INCONCLUSIVE].count)
        cnn_text_printf(out, "%s%s in %d of %d", out->len ? "; " : "",
                        v->r->a->look.number ? "inconclusive" : "interim, no verdict",
                        counts[CNN_VERDICT_INCONCLUSIVE].count, all);
    if (unequal)
        cnn_text_printf(out, "%sno verdict, as the levels are unequal, in %d of %d",
                        out->len ? "; " : "", unequal, all);
    if (untested)
        cnn_text_printf(out, "%snot tested in %d of %d", out->len ? "; " : "", untested, all);
}

static void describe_means(const cnn_report_pair *v, cnn_text *out)
{
    const int all = v->r->a->combination_count;
    cnn_text text = {0};
    if (all == 1)
        describe(v, 0, &text);
    else
        put_counts(v, &text);
    cnn_text_append(&text, ".");
    for (int k = 0; all > 1 && k < all && k < MOST_DESCRIBED; k++) {
        cnn_text_printf(&text, "\n- %s: ", cnn_report_combination_name(v->r, k));
        describe(v, k, &text);
        cnn_text_append(&text, ".");
    }
    if (all > MOST_DESCRIBED)
        cnn_text_printf(&text, "\n- and %d more: see the table.", all - MOST_DESCRIBED);
    cnn_text_append(out, text.s ? text.s : "");
    out->failed |= text.failed;
    cnn_text_free(&text);
}

/* ---- spread --------------------------------------------------------------------------------- */

/** "one", "A; B", "A; B and 3 more": of combinations, added one by one. */
typedef struct {
    cnn_text text;
    int count;
} name_list;

static void put_name(name_list *l, const char *name)
{
    if (l->count++ < MOST_NAMED)
        cnn_text_printf(&l->text, "%s%s", l->text.len ? "; " : "", name);
}

static void put_names(name_list *l, const char *what, int all, cnn_text *out)
{
    if (!l->count)
        return;
    cnn_text_printf(out, "%s%s in %d of %d (%s", out->len ? "; " : "", what, l->count, all,
                    l->text.s ? l->text.s : "");
    if (l->count > MOST_NAMED)
        cnn_text_printf(out, " and %d more", l->count - MOST_NAMED);
    cnn_text_append(out, ")");
}

/** A ratio to two digits, without an exponent. */
static void put_ratio(double x, const char *after, cnn_text *out)
{
    char amount[CNN_AMOUNT_SIZE];
    cnn_report_amount(x, x > 0 ? cnn_report_decimals(x, 2) : 0, amount);
    cnn_text_printf(out, "%s%s", amount, after);
}

/** ": 0.52 times that of b, 95 % interval 0.31 to 0.87, 15 blocks" */
static void put_spread_ratio(const cnn_report_pair *v, const cnn_comparison *x, cnn_text *out)
{
    if (!isfinite(x->spread_ratio) || isnan(x->spread_lower))
        return;
    cnn_text_append(out, ": ");
    put_ratio(x->spread_ratio, " times that of ", out);
    cnn_text_printf(out, "%s, %.4g %% interval ", v->b, 100 * (1 - v->r->a->alpha));
    put_ratio(x->spread_lower, isinf(x->spread_upper) ? " or more" : " to ", out);
    if (!isinf(x->spread_upper))
        put_ratio(x->spread_upper, "", out);
    cnn_text_printf(out, ", %d block%s", x->blocks, cnn_report_plural(x->blocks));
    if (x->spread_across > 0)
        cnn_text_append(out, ", each device once");
}

/** Of a single combination: with the reason where no test was possible. */
static void describe_variance(const cnn_report_pair *v, cnn_text *out)
{
    const cnn_comparison *x = cnn_report_comparison(v, 0);
    if (cnn_report_withheld(x->variance_reason)) {
        put_withheld(v, 0, x->variance_reason, out);
        put_spread_ratio(v, x, out);
        return;
    }
    if (x->variance_verdict == CNN_VARIANCE_INCONCLUSIVE && x->variance_reason != CNN_REASON_NONE) {
        cnn_text_append(out, "not tested: ");
        put_reason(v, 0, x->variance_reason, out);
        return;
    }
    if (x->variance_verdict == CNN_VARIANCE_INCONCLUSIVE)
        cnn_text_append(out, "no difference found");
    else
        cnn_text_printf(out, "%s varies %s", v->a,
                        x->variance_verdict == CNN_VARIANCE_SMALLER ? "less" : "more");
    put_spread_ratio(v, x, out);
}

static void count_variances(const cnn_report_pair *v, cnn_text *out)
{
    enum { LESS, MORE, OPEN, INTERIM, UNEQUAL, UNTESTED, KINDS };
    const int all = v->r->a->combination_count;
    name_list lists[KINDS] = {0};
    for (int k = 0; k < all; k++) {
        const cnn_comparison *x = cnn_report_comparison(v, k);
        const int kind = x->variance_verdict == CNN_VARIANCE_SMALLER  ? LESS
                         : x->variance_verdict == CNN_VARIANCE_LARGER ? MORE
                         : x->variance_reason == CNN_REASON_INTERIM   ? INTERIM
                         : x->variance_reason == CNN_REASON_UNEQUAL   ? UNEQUAL
                         : x->variance_reason != CNN_REASON_NONE      ? UNTESTED
                                                                      : OPEN;
        cnn_text name = {0};
        cnn_text_append(&name, cnn_report_combination_name(v->r, k));
        if (kind == UNTESTED) {
            cnn_text_append(&name, ": ");
            put_reason(v, k, x->variance_reason, &name);
        } else {
            put_spread_ratio(v, x, &name);
        }
        put_name(&lists[kind], name.s ? name.s : "");
        v->r->out->failed |= name.failed;
        cnn_text_free(&name);
    }
    char less[SENTENCE_SIZE], more[SENTENCE_SIZE];
    snprintf(less, sizeof less, "%s varies less", v->a);
    snprintf(more, sizeof more, "%s varies more", v->a);
    const char *const words[KINDS] = {less,
                                      more,
                                      "no difference found",
                                      "interim, no verdict",
                                      "no verdict, as the levels are unequal,",
                                      "not tested"};
    for (int kind = 0; kind < KINDS; kind++) {
        put_names(&lists[kind], words[kind], all, out);
        v->r->out->failed |= lists[kind].text.failed;
        cnn_text_free(&lists[kind].text);
    }
}

static void describe_pair(const cnn_report_pair *v)
{
    cnn_text means = {0}, spread = {0};
    describe_means(v, &means);
    if (v->r->a->combination_count == 1)
        describe_variance(v, &spread);
    else
        count_variances(v, &spread);
    cnn_document_paragraph(v->r->out,
                           "%s (%s), %s against %s: %s%sSpread from run to run (secondary): %s.",
                           v->shown.title, v->measure == v->r->a->primary ? "primary" : "secondary",
                           v->a, v->b, means.s ? means.s : "",
                           v->r->a->combination_count == 1 ? " " : "\n", spread.s ? spread.s : "");
    v->r->out->failed |= means.failed || spread.failed;
    cnn_text_free(&means);
    cnn_text_free(&spread);
}

void cnn_report_found_pairs(const cnn_report *r)
{
    cnn_report_each_pair(r, false, describe_pair);
    if (r->a->comparison_count > 1)
        cnn_document_paragraph(
            r->out,
            "Each interval is for its comparison alone: the intervals are not simultaneous. "
            "Verdicts are adjusted for all %d comparisons of a measure, so an interval at %.4g %% "
            "that leaves out 0 may stand beside \"inconclusive\".",
            r->a->comparison_count, 100 * (1 - r->a->alpha));
}
