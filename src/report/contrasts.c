/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"
#include "stats/t_tests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))
enum { MOST_COLUMNS = CNN_MOST_KEY_COLUMNS + 20 };

/** Columns that count blocks: for people "15/16", whole blocks of those planned, in every table, and
 *  "5 in 15/16" where error and loss are of 5 seeds. */
static int block_columns(const cnn_report_pair *v, cnn_table_column *columns)
{
    columns[0] = (cnn_table_column){.name = "blocks",
                                    .title = v->shown.is_log ? "blocks" : "seeds in blocks",
                                    .left_out = CNN_NOT_IN_CSV,
                                    .drop = 2};
    static const char *const counts[] = {"units", "blocks_whole", "blocks_planned"};
    for (int i = 0; i < COUNT(counts); i++)
        columns[1 + i] = (cnn_table_column){.name = counts[i],
                                            .title = counts[i],
                                            .format = CNN_FORMAT_WHOLE,
                                            .left_out = CNN_ONLY_IN_CSV};
    return 1 + COUNT(counts);
}

static void put_blocks(const cnn_comparison *x, cnn_table *t)
{
    const int planned = x->blocks + x->blocks_incomplete + x->blocks_split;
    if (x->units != x->blocks)
        cnn_table_text(t, "%d in %d/%d", x->units, x->blocks, planned);
    else
        cnn_table_text(t, "%d/%d", x->blocks, planned);
    cnn_table_number(t, x->units);
    cnn_table_number(t, x->blocks);
    cnn_table_number(t, planned);
}

/** In CSV the pairs of all measures stand in one table. */
static int pair_columns(cnn_table_column *columns)
{
    static const char *const names[] = {"measure", "a_name", "b_name"};
    for (int i = 0; i < COUNT(names); i++)
        columns[i] =
            (cnn_table_column){.name = names[i], .title = names[i], .left_out = CNN_ONLY_IN_CSV};
    return COUNT(names);
}

static void put_pair(const cnn_report_pair *v, cnn_table *t)
{
    const cnn_pair *pair = &v->r->a->pairs[v->pair];
    cnn_table_text(t, "%s", v->r->a->measures[v->measure].name);
    cnn_table_text(t, "%s", cnn_report_level_value(v->r, pair->a));
    cnn_table_text(t, "%s", cnn_report_level_value(v->r, pair->b));
}

typedef void put_comparison(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t);

/** A table with a row for every combination. title: ends in the subject of the table. */
static cnn_table *report_rows(const cnn_report_pair *v, const char *name, const char *title,
                              const cnn_table_column *more, int count, put_comparison *put)
{
    const cnn_analysis *a = v->r->a;
    cnn_table_column columns[MOST_COLUMNS];
    int n = cnn_report_combination_columns(v->r, columns);
    n += pair_columns(columns + n);
    n += block_columns(v, columns + n);
    for (int i = 0; i < count; i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(v->r->out, name, columns, n, "%s: %s against %s%s",
                                      v->shown.title, v->a, v->b, title);
    for (int k = 0; k < a->combination_count; k++) {
        cnn_table_row(t);
        cnn_report_put_combination(v->r, k, t);
        put_pair(v, t);
        put_blocks(cnn_report_comparison(v, k), t);
        put(v, cnn_report_comparison(v, k), t);
    }
    return t;
}

/** Names the combinations without a verdict. */
static void note_gaps(const cnn_report_pair *v, bool of_variance, cnn_table *t)
{
    const cnn_analysis *a = v->r->a;
    cnn_report_gap *gaps = calloc((size_t)a->combination_count + 1, sizeof *gaps);
    for (int k = 0; gaps && k < a->combination_count; k++) {
        const cnn_comparison *x = cnn_report_comparison(v, k);
        const int reason = of_variance ? x->variance_reason : x->verdict_reason;
        const bool given = of_variance ? x->variance_verdict != CNN_VARIANCE_INCONCLUSIVE
                                       : x->verdict != CNN_VERDICT_INCONCLUSIVE;
        gaps[k] = (cnn_report_gap){v->r->names.combinations[k], given ? CNN_REASON_NONE : reason};
    }
    cnn_report_note_gaps(t, gaps, gaps ? a->combination_count : 0);
    free(gaps);
}

static void put_verdict(const cnn_report_pair *v, int verdict, int reason, cnn_table *t)
{
    if (cnn_report_withheld(reason))
        cnn_table_text(t, "%s", cnn_report_withheld(reason));
    else if (verdict == CNN_VERDICT_EQUIVALENT || verdict == CNN_VERDICT_INCONCLUSIVE)
        cnn_table_text(t, "%s", cnn_verdict_names[verdict]);
    else
        cnn_table_text(t, "%s %s", v->a, cnn_verdict_names[verdict]);
}

static void put_estimate(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    if (v->shown.is_log) {
        cnn_table_number(t, x->paired_ratio);
        cnn_table_interval(t, x->paired_ratio_lower, x->paired_ratio_upper);
        cnn_table_number(t, 1 / x->paired_ratio);
    } else {
        cnn_table_number(t, x->paired_difference);
        cnn_table_interval(t, x->paired_difference_lower, x->paired_difference_upper);
    }
    cnn_table_number(t, x->paired_p_holm);
    if (v->shown.is_log)
        cnn_table_interval(t, exp(x->tost_lower), exp(x->tost_upper));
    else
        cnn_table_interval(t, x->tost_lower, x->tost_upper);
    cnn_table_number(t, x->tost_p_holm);
    put_verdict(v, x->verdict, x->verdict_reason, t);
}

/** A margin that is finer than one image can hardly be shown. */
static void note_resolution(const cnn_report_pair *v, cnn_table *t)
{
    double coarsest = NAN;
    for (int k = 0; k < v->r->a->combination_count; k++)
        coarsest = fmax(coarsest, cnn_report_comparison(v, k)->resolution); /* passes over NaN */
    if (coarsest > v->r->a->margin[v->measure])
        cnn_table_note(t,
                       "The margin is finer than one test image, %.3g %s: equivalence takes more "
                       "of them.",
                       v->shown.scale * coarsest, v->shown.difference);
}

/** Whether times are free of the position within the block; combinations that are not are named. */
static void note_positions(const cnn_report_pair *v, cnn_table *t)
{
    const cnn_analysis *a = v->r->a;
    int adjusted = 0;
    cnn_report_gap *gaps = calloc((size_t)a->combination_count + 1, sizeof *gaps);
    for (int k = 0; gaps && k < a->combination_count; k++) {
        const cnn_comparison *x = cnn_report_comparison(v, k);
        gaps[k] = (cnn_report_gap){v->r->names.combinations[k], x->position_reason};
        adjusted += x->position_adjusted > 0;
    }
    if (adjusted)
        cnn_table_note(t, "Free of the position of the runs within the block.");
    if (adjusted < a->combination_count)
        cnn_table_note(t, "Not adjusted for the position within the block:");
    cnn_report_note_gaps(t, gaps, gaps ? a->combination_count : 0);
    free(gaps);
}

/** Explains the columns of the verdicts. */
static void note_verdicts(const cnn_report_pair *v, cnn_table *t)
{
    const double margin = v->r->a->margin[v->measure], alpha = v->r->a->alpha;
    if (!v->r->full) {
        note_resolution(v, t);
        return;
    }
    cnn_table_note(t, "%s, with the interval at %.4g %%; p differ: paired t test.",
                   !v->shown.is_log   ? "differ: mean difference"
                   : v->shown.is_time ? "ratio: of geometric means; speed-up: its inverse"
                                      : "ratio: of geometric means",
                   100 * (1 - alpha));
    if (!isnan(margin))
        cnn_table_note(
            t, "TOST interval: at %.4g %%, that of equivalence within %g %s; p equal: TOST.",
            100 * (1 - 2 * alpha), v->shown.is_log ? 100 * expm1(margin) : v->shown.scale * margin,
            v->shown.is_log ? "%" : v->shown.difference);
    note_resolution(v, t);
    cnn_table_note(t,
                   "Small p values are evidence: p differ of a difference, p equal of equivalence; "
                   "both are adjusted by Holm, the intervals are not simultaneous.");
}

/** The table that a verdict is read from. */
static void report_verdicts(const cnn_report_pair *v)
{
    const double scale = v->shown.scale;
    const cnn_table_column of_time[] = {
        {.name = "ratio", .title = "ratio", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 3,
         .interval = true,
         .drop = 1},
        {.name = "speed_up",
         .title = "speed-up",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .left_out = v->shown.is_time ? 0 : CNN_ONLY_IN_CSV,
         .drop = 4},
        {.name = "paired_p", .title = "p differ", .format = CNN_FORMAT_P, .drop = 3},
        {.name = "tost",
         .title = "TOST interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 3,
         .interval = true,
         .drop = 6},
        {.name = "tost_p", .title = "p equal", .format = CNN_FORMAT_P, .drop = 5},
        {.name = "verdict", .title = "verdict"},
    };
    const cnn_table_column of_error[] = {
        {.name = "difference",
         .title = "differ",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .scale = scale},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .interval = true,
         .scale = scale,
         .drop = 1},
        {.name = "paired_p", .title = "p differ", .format = CNN_FORMAT_P, .drop = 3},
        {.name = "tost",
         .title = "TOST interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .interval = true,
         .scale = scale,
         .drop = 6},
        {.name = "tost_p", .title = "p equal", .format = CNN_FORMAT_P, .drop = 5},
        {.name = "verdict", .title = "verdict"},
    };
    char title[64];
    snprintf(title, sizeof title, ", block by block, %s", v->shown.difference);
    cnn_table *t =
        v->shown.is_log
            ? report_rows(v, "verdicts", ", block by block", of_time, COUNT(of_time), put_estimate)
            : report_rows(v, "verdicts", title, of_error, COUNT(of_error), put_estimate);
    note_verdicts(v, t);
    if (v->shown.is_log && v->r->full)
        note_positions(v, t);
    if (v->r->full || v->r->a->combination_count > 1) /* of one the findings say it */
        note_gaps(v, false, t);
}

static void put_devices(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    cnn_table_text(t, "%d %s%s", x->device_units, cnn_device_unit_names[x->device_unit],
                   cnn_report_plural(x->device_units));
    cnn_table_number(t, x->device_units);
    cnn_table_number(t, exp(x->device_mean));
    cnn_table_interval(t, exp(x->device_lower), exp(x->device_upper));
    cnn_table_number(t, x->device_p_holm);
    cnn_table_number(t, x->device_tost_p_holm);
    if (x->device_reason == CNN_REASON_ONE_UNIT)
        cnn_table_text(t, "not estimable");
    else if (x->device_reason == CNN_REASON_FEW_UNITS)
        cnn_table_text(t, "too few %ss", cnn_device_unit_names[x->device_unit]);
    else
        put_verdict(v, x->device_verdict, x->device_reason, t);
}

/** For devices like these, where the table before is for these devices. Times only. */
static void report_devices(const cnn_report_pair *v)
{
    static const cnn_table_column columns[] = {
        {.name = "device_units", .title = "units", .left_out = CNN_NOT_IN_CSV},
        {.name = "device_units",
         .title = "units",
         .format = CNN_FORMAT_WHOLE,
         .left_out = CNN_ONLY_IN_CSV},
        {.name = "ratio", .title = "ratio", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "interval",
         .title = "interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 3,
         .interval = true},
        {.name = "device_p", .title = "p differ", .format = CNN_FORMAT_P, .drop = 3},
        {.name = "device_tost_p", .title = "p equal", .format = CNN_FORMAT_P, .drop = 4},
        {.name = "verdict", .title = "verdict"},
    };
    const cnn_scope *scope = &v->r->a->scope;
    cnn_table *t =
        report_rows(v, "devices", ", for devices like these", columns, COUNT(columns), put_devices);
    if (v->r->full)
        cnn_table_note(
            t,
            "The table of verdicts is for these devices, this one for devices like these%s: "
            "mean of the units' mean differences, each unit counted once, with the t "
            "interval at %.4g %%, not simultaneous. Verdicts from 4 units on.",
            scope->nodes == 1 ? " in this host" : "", 100 * (1 - v->r->a->alpha));
}

static void put_unpaired(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    const cnn_analysis *a = v->r->a;
    const cnn_pair *pair = &a->pairs[(x - a->comparisons) / a->measure_count];
    const int *cells = &a->cell_of[pair->combination * a->level_count];
    cnn_table_text(t, "%d/%d, %d/%d", x->n_a, a->counts[cells[pair->a]].planned, x->n_b,
                   a->counts[cells[pair->b]].planned);
    cnn_table_number(t, x->n_a);
    cnn_table_number(t, x->n_b);
    cnn_table_number(t, x->difference);
    cnn_table_interval(t, x->difference_lower, x->difference_upper);
    cnn_table_number(t, x->ratio);
    cnn_table_interval(t, x->ratio_lower, x->ratio_upper);
}

static void report_unpaired(const cnn_report_pair *v)
{
    const cnn_table_column columns[] = {
        {.name = "runs", .title = "runs", .left_out = CNN_NOT_IN_CSV},
        {"n_a", "n_a", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"n_b", "n_b", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"difference", "differ", v->shown.difference, .format = CNN_FORMAT_DIGITS, .digits = 4,
         .scale = v->shown.scale},
        {.name = "difference",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 4,
         .interval = true,
         .scale = v->shown.scale},
        {.name = "ratio", .title = "ratio", .format = CNN_FORMAT_FIXED, .digits = 4},
        {.name = "ratio",
         .title = "interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 4,
         .interval = true},
    };
    report_rows(v, "unpaired", ", blocks ignored", columns, COUNT(columns), put_unpaired);
}

static void put_t_tests(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    (void)v;
    if (!isfinite(x->study_t))
        cnn_table_text(t, "-");
    else
        cnn_table_text(t, "%8.2f%s", x->study_t,
                       fabs(x->study_t) > CNN_STUDY_CRITICAL_T ? " *" : "");
    cnn_table_number(t, x->study_t);
    cnn_table_number(t, isinf(x->welch_t) ? NAN : x->welch_t);
    cnn_table_number(t, x->welch_df);
    cnn_table_number(t, x->welch_p);
    cnn_table_number(t, x->welch_p_holm);
    cnn_table_number(t, isinf(x->paired_t) ? NAN : x->paired_t);
    cnn_table_number(t, x->paired_df);
    cnn_table_number(t, x->paired_p);
    cnn_table_number(t, x->paired_p_holm);
}

static void report_t_tests(const cnn_report_pair *v)
{
    static const cnn_table_column columns[] = {
        {.name = "study_t", .title = "study's t", .left_out = CNN_NOT_IN_CSV},
        {"study_t", "study's t", .format = CNN_FORMAT_DIGITS, .left_out = CNN_ONLY_IN_CSV},
        {.name = "welch_t", .title = "Welch's t", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "welch_df", .title = "df", .format = CNN_FORMAT_FIXED, .digits = 1},
        {.name = "welch_p", .title = "p", .format = CNN_FORMAT_P},
        {.name = "welch_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {.name = "paired_t", .title = "paired t", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "paired_df", .title = "df", .format = CNN_FORMAT_WHOLE},
        {.name = "paired_p", .title = "p", .format = CNN_FORMAT_P},
        {.name = "paired_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
    };
    cnn_table *t = report_rows(v, "t_tests", ", t tests", columns, COUNT(columns), put_t_tests);
    cnn_table_note(
        t,
        "* |t| > 1.96: significant by the study's rule: normal quantile, no adjustment for "
        "several tests. An empty t: the runs do not vary.%s",
        v->shown.is_time  ? " Its t is that of seconds, the others are of log time."
        : v->shown.is_log ? " Its t is that of the values, the others are of their logarithms."
                          : "");
}

static void put_exactness(int exact, cnn_table *t)
{
    cnn_table_text(t, "%s", exact < 0 ? "-" : exact ? "exact" : "approx.");
}

static void put_rank_tests(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    (void)v;
    cnn_table_number(t, x->sign_flip_p);
    cnn_table_number(t, x->sign_flip_p_holm);
    put_exactness(x->sign_flip_exact, t);
    cnn_table_number(t, x->wilcoxon_p);
    cnn_table_number(t, x->wilcoxon_p_holm);
    put_exactness(x->wilcoxon_exact, t);
    cnn_table_number(t, x->mann_whitney_p);
    cnn_table_number(t, x->mann_whitney_p_holm);
    put_exactness(x->mann_whitney_exact, t);
}

static void report_rank_tests(const cnn_report_pair *v)
{
    static const cnn_table_column columns[] = {
        {.name = "sign_flip_p", .title = "sign flips", .format = CNN_FORMAT_P},
        {.name = "sign_flip_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {.name = "sign_flip_exact", .title = ""},
        {.name = "wilcoxon_p", .title = "Wilcoxon", .format = CNN_FORMAT_P},
        {.name = "wilcoxon_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {.name = "wilcoxon_exact", .title = ""},
        {.name = "mann_whitney_p", .title = "M.-Whitney", .format = CNN_FORMAT_P},
        {.name = "mann_whitney_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {.name = "mann_whitney_exact", .title = ""},
    };
    cnn_table *t = report_rows(v, "rank_tests", ", tests that assume no distribution (p)", columns,
                               COUNT(columns), put_rank_tests);
    if (v->shown.is_log && v->r->a->level_count == 2)
        cnn_table_note(
            t,
            "Adjusted for positions, sign flips permute the orders of the blocks (above 20 blocks: the signs of residuals), and "
            "Wilcoxon is the rank sum over the two orders.");
    else if (v->shown.is_log)
        cnn_table_note(t,
                       "Adjusted for positions, sign flips and Wilcoxon take residuals: they are "
                       "approximate.");
}

static void put_equivalence(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    cnn_table_number(t, v->shown.is_log ? expm1(x->margin) : x->margin);
    cnn_table_interval(t, v->shown.is_log ? expm1(x->tost_lower) : x->tost_lower,
                       v->shown.is_log ? expm1(x->tost_upper) : x->tost_upper);
    cnn_table_number(t, x->tost_p);
    cnn_table_number(t, x->tost_p_holm);
    cnn_table_number(t, v->shown.is_log ? expm1(x->detectable) : x->detectable);
    cnn_table_number(t, x->blocks_needed < 0 ? NAN : x->blocks_needed);
    cnn_table_number(t, x->blocks_equivalence < 0 ? NAN : x->blocks_equivalence);
}

static void report_equivalence(const cnn_report_pair *v)
{
    const char *unit = v->shown.is_log ? "%" : v->shown.difference;
    const double scale = v->shown.is_log ? 100 : v->shown.scale;
    const cnn_table_column columns[] = {
        {"margin", "margin", unit, .format = CNN_FORMAT_DIGITS, .digits = 2, .scale = scale},
        {"interval", "interval", unit, .format = CNN_FORMAT_FIXED, .digits = 2, .scale = scale,
         .interval = true},
        {.name = "tost_p", .title = "TOST's p", .format = CNN_FORMAT_P},
        {.name = "tost_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {"detectable", "detectable", unit, .format = CNN_FORMAT_DIGITS, .digits = 2,
         .scale = scale},
        {"blocks_needed", "to differ", "blocks", .format = CNN_FORMAT_WHOLE},
        {"blocks_equivalence", "to be equal", "blocks", .format = CNN_FORMAT_WHOLE},
    };
    cnn_table *t = report_rows(v, "equivalence", ", equivalence and power", columns, COUNT(columns),
                               put_equivalence);
    cnn_table_note(
        t,
        "interval: at %.0f %%, not simultaneous; equivalent where it lies inside the margin. detectable: "
        "the smallest difference that these blocks detect with power %.1f. to differ: blocks "
        "that detect a difference as large as the margin; to be equal: blocks that show "
        "equivalence if there is no difference; both with that power, at the level of "
        "the family, and for the sd at its %g %% upper confidence bound.",
        100 * (1 - 2 * v->r->a->alpha), CNN_ANALYSIS_POWER, 100 * CNN_SD_CONFIDENCE);
}

static void put_variance_verdict(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    const char *why = cnn_report_withheld(x->variance_reason);
    if (x->variance_verdict == CNN_VARIANCE_INCONCLUSIVE)
        cnn_table_text(t, "%s", why ? why : "inconclusive");
    else
        cnn_table_text(t, "%s varies %s", v->a,
                       x->variance_verdict == CNN_VARIANCE_SMALLER ? "less" : "more");
}

static void put_variances(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    cnn_table_number(t, x->spread_ratio);
    cnn_table_interval(t, x->spread_lower, x->spread_upper);
    cnn_table_number(t, x->spread_p_holm);
    cnn_table_text(t, "%s", x->spread_across < 0 ? "-" : x->spread_across ? "devices" : "runs");
    put_variance_verdict(v, x, t);
}

static void report_variances(const cnn_report_pair *v)
{
    static const cnn_table_column columns[] = {
        {.name = "ratio", .title = "ratio", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {.name = "ratio",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .interval = true},
        {.name = "p", .title = "p differ", .format = CNN_FORMAT_P},
        {.name = "of", .title = "of"},
        {.name = "verdict", .title = "verdict"},
    };
    cnn_table *t = report_rows(v, "variances",
                               v->shown.is_time  ? ", spread of log time from run to run"
                               : v->shown.is_log ? ", spread of logarithms from run to run"
                                                 : ", spread from run to run",
                               columns, COUNT(columns), put_variances);
    cnn_table_note(
        t,
        "ratio: spread of %s over that of %s, as of standard deviations, with %.0f %% "
        "interval, not simultaneous; p differ: test of spread from differences between blocks, after Holm. "
        "of runs: on one device, free of devices and of the place within the block; of "
        "devices: every run on another device, whose preference for a level counts.",
        v->a, v->b, 100 * (1 - v->r->a->alpha));
    note_gaps(v, true, t);
}

static void put_variance_tests(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    (void)v;
    cnn_table_number(t, x->variance_ratio);
    cnn_table_interval(t, x->variance_ratio_lower, x->variance_ratio_upper);
    cnn_table_number(t, x->f_p);
    cnn_table_number(t, x->f_p_holm);
    cnn_table_number(t, x->brown_forsythe_p);
    cnn_table_number(t, x->brown_forsythe_p_holm);
    cnn_table_number(t, x->paired_variance_ratio);
    cnn_table_interval(t, x->paired_variance_ratio_lower, x->paired_variance_ratio_upper);
    cnn_table_number(t, x->pitman_morgan_p);
    cnn_table_number(t, x->pitman_morgan_p_holm);
}

static void report_variance_tests(const cnn_report_pair *v)
{
    static const cnn_table_column columns[] = {
        {.name = "ratio", .title = "F", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {.name = "ratio",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .interval = true},
        {.name = "f_p", .title = "p", .format = CNN_FORMAT_P},
        {.name = "f_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {.name = "brown_forsythe_p", .title = "B.-Forsythe", .format = CNN_FORMAT_P},
        {.name = "brown_forsythe_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
        {.name = "paired_ratio", .title = "in blocks", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {.name = "paired_ratio",
         .title = "interval",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3,
         .interval = true},
        {.name = "pitman_morgan_p", .title = "P.-Morgan", .format = CNN_FORMAT_P},
        {.name = "pitman_morgan_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
    };
    cnn_table *t = report_rows(v, "variance_tests", ", variances by normal theory", columns,
                               COUNT(columns), put_variance_tests);
    cnn_table_note(t,
                   "Ratios of variances. F, Pitman and Morgan's test and both intervals hold for "
                   "normal values only: outliers and heavy tails make them find differences that "
                   "are not there. F and Brown-Forsythe take runs for independent, which those "
                   "of a block are not. No verdict rests on this table.");
}

static void put_effects(const cnn_report_pair *v, const cnn_comparison *x, cnn_table *t)
{
    (void)v;
    cnn_table_number(t, x->hedges_g);
    cnn_table_interval(t, x->hedges_g_lower, x->hedges_g_upper);
    cnn_table_number(t, x->superiority);
    cnn_table_interval(t, x->superiority_lower, x->superiority_upper);
    cnn_table_number(t, x->blocking_gain);
}

static void report_effects(const cnn_report_pair *v)
{
    static const cnn_table_column columns[] = {
        {.name = "hedges_g", .title = "Hedges' g", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "hedges_g",
         .title = "interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 2,
         .interval = true},
        {.name = "superiority", .title = "P(A > B)", .format = CNN_FORMAT_FIXED, .digits = 3},
        {.name = "superiority",
         .title = "interval",
         .format = CNN_FORMAT_FIXED,
         .digits = 3,
         .interval = true},
        {.name = "blocking_gain",
         .title = "blocking's gain",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3},
    };
    cnn_table *t =
        report_rows(v, "effects", ", sizes of effects", columns, COUNT(columns), put_effects);
    cnn_table_note(t,
                   "A is %s, B is %s. blocking's gain: variance of the difference without "
                   "blocks over that with them.",
                   v->a, v->b);
}

/** Whether any combination was on enough devices for a verdict on devices like these. */
static bool has_device_verdicts(const cnn_report_pair *v)
{
    for (int k = 0; k < v->r->a->combination_count; k++) {
        const int reason = cnn_report_comparison(v, k)->device_reason;
        if (reason != CNN_REASON_ONE_UNIT && reason != CNN_REASON_FEW_UNITS)
            return true;
    }
    return false;
}

static void report_pair(const cnn_report_pair *v)
{
    report_verdicts(v);
    if (v->shown.is_log && (v->r->full || has_device_verdicts(v)))
        report_devices(v);
    if (!v->r->full)
        return;
    report_unpaired(v);
    report_t_tests(v);
    report_rank_tests(v);
    report_equivalence(v);
    report_effects(v);
    report_variances(v);
    report_variance_tests(v);
}

void cnn_report_contrasts(const cnn_report *r)
{
    cnn_report_each_pair(r, r->full, report_pair);
}
