/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/device_scope.h"
#include "analysis/parts.h"

#include <math.h>
#include <stdbool.h>

const char cnn_verdict_rule[] =
    "A pair is equivalent if two one-sided paired t tests (TOST), adjusted by Holm, find it inside "
    "the job's margin; else a is faster or slower than b (error, loss: lower or higher) if the "
    "paired t test of its blocks, adjusted by Holm, finds a difference; else inconclusive. Time is "
    "tested as its logarithm, free of the effect of the position within the block where at least "
    "6 blocks are planned, each level at each position twice. A level varies less or more than "
    "another from run to run if the test of spread, made of differences between blocks of one "
    "device, adjusted by Holm, says so. Holm adjusts over all combinations and pairs of a measure, "
    "for each test. Levels that differ in parameters, images, epochs, data or threads get no "
    "verdict on time unless the job declares the difference (compare: allow). An unfinished study "
    "has verdicts only at declared looks, each at its increment of the O'Brien-Fleming spending "
    "function of Lan and DeMets.";

static cnn_reason why_no_value(const cnn_analysis *a, const cnn_pair *pair, cnn_measure measure)
{
    const int *cells = &a->cell_of[pair->combination * a->level_count];
    const cnn_summary *sa = cnn_analysis_summary(a, cells[pair->a], measure);
    const cnn_summary *sb = cnn_analysis_summary(a, cells[pair->b], measure);
    return (cnn_reason)(sa->n == 0 ? sa->reason : sb->reason);
}

/** Why paired figures are undefined or rest on no spread; CNN_REASON_NONE where they are sound. */
static cnn_reason why_no_pairs(const cnn_analysis *a, int comparison, cnn_measure measure)
{
    const cnn_comparison *x = cnn_analysis_comparison(a, comparison, measure);
    if (x->n_a == 0 || x->n_b == 0)
        return why_no_value(a, &a->pairs[comparison], measure);
    if (x->units == 0)
        return CNN_REASON_NO_BLOCKS;
    if (x->units == 1)
        return CNN_REASON_ONE_BLOCK;
    if (!isfinite(x->paired_mean))
        return CNN_REASON_NOT_POSITIVE;
    return x->paired_sd > 0 ? CNN_REASON_NONE : CNN_REASON_SAME_DIFFERENCE;
}

/** False for NaN. */
static bool passes(const cnn_analysis *a, double p)
{
    return p <= a->alpha;
}

/** What a difference of a measure is called: of times faster or slower. */
static int8_t direction(const cnn_analysis *a, cnn_measure measure, double difference)
{
    if (a->measures[measure].is_time)
        return difference < 0 ? CNN_VERDICT_FASTER : CNN_VERDICT_SLOWER;
    return difference < 0 ? CNN_VERDICT_LOWER : CNN_VERDICT_HIGHER;
}

static void judge_means(cnn_analysis *a, int comparison, cnn_measure measure, cnn_comparison *x)
{
    x->verdict = CNN_VERDICT_INCONCLUSIVE;
    x->verdict_reason = (int8_t)why_no_pairs(a, comparison, measure);
    if (passes(a, x->tost_p_holm))
        x->verdict = CNN_VERDICT_EQUIVALENT;
    else if (passes(a, x->paired_p_holm))
        x->verdict = direction(a, measure, x->paired_mean);
    else if (x->verdict_reason == CNN_REASON_NONE && isnan(x->margin))
        x->verdict_reason = CNN_REASON_NO_MARGIN;
}

/** The same for devices like these. */
static void judge_devices(const cnn_analysis *a, cnn_measure measure, cnn_comparison *x)
{
    x->device_verdict = CNN_VERDICT_INCONCLUSIVE;
    x->device_reason = !a->measures[measure].is_log                ? CNN_REASON_BY_SEED
                       : x->device_units < 1                       ? x->verdict_reason
                       : x->device_units == 1                      ? CNN_REASON_ONE_UNIT
                       : x->device_units < CNN_DEVICES_FOR_VERDICT ? CNN_REASON_FEW_UNITS
                       : isnan(x->device_lower)                    ? CNN_REASON_ORDERS_LOST
                       : isnan(x->device_p)                        ? CNN_REASON_NO_VARIANCE
                                                                   : CNN_REASON_NONE;
    if (passes(a, x->device_tost_p_holm))
        x->device_verdict = CNN_VERDICT_EQUIVALENT;
    else if (passes(a, x->device_p_holm))
        x->device_verdict = direction(a, measure, x->device_mean);
}

static void judge_variances(cnn_analysis *a, int comparison, cnn_measure measure, cnn_comparison *x)
{
    cnn_reason reason = why_no_pairs(a, comparison, measure);
    if (reason == CNN_REASON_SAME_DIFFERENCE)
        reason = CNN_REASON_NONE; /* of the differences: a and b may vary */
    if (reason == CNN_REASON_NONE && isnan(x->spread_p))
        reason = CNN_REASON_FEW_BLOCKS;
    x->variance_verdict = CNN_VARIANCE_INCONCLUSIVE;
    x->variance_reason = (int8_t)reason;
    if (passes(a, x->spread_p_holm))
        x->variance_verdict = x->spread_t < 0 ? CNN_VARIANCE_SMALLER : CNN_VARIANCE_LARGER;
}

/** No verdict is given, whatever the tests find; reasons for which none could be made stay. */
static void withhold(cnn_comparison *x, cnn_reason reason)
{
    if (x->verdict != CNN_VERDICT_INCONCLUSIVE || x->verdict_reason == CNN_REASON_NONE ||
        x->verdict_reason == CNN_REASON_NO_MARGIN ||
        x->verdict_reason == CNN_REASON_SAME_DIFFERENCE)
        x->verdict_reason = (int8_t)reason;
    if (x->variance_verdict != CNN_VARIANCE_INCONCLUSIVE || x->variance_reason == CNN_REASON_NONE)
        x->variance_reason = (int8_t)reason;
    if (x->device_verdict != CNN_VERDICT_INCONCLUSIVE || x->device_reason == CNN_REASON_NONE)
        x->device_reason = (int8_t)reason;
    x->verdict = x->device_verdict = CNN_VERDICT_INCONCLUSIVE;
    x->variance_verdict = CNN_VARIANCE_INCONCLUSIVE;
}

void cnn_analysis_verdicts(cnn_analysis *a)
{
    for (int i = 0; i < a->comparison_count; i++)
        for (int m = 0; m < a->measure_count; m++) {
            cnn_comparison *x = &a->comparisons[i * a->measure_count + m];
            judge_means(a, i, (cnn_measure)m, x);
            judge_devices(a, (cnn_measure)m, x);
            judge_variances(a, i, (cnn_measure)m, x);
            if (!a->measures[m].is_of_weights && cnn_analysis_is_unequal(a, i))
                withhold(x, CNN_REASON_UNEQUAL);
            else if (a->look.number == 0)
                withhold(x, CNN_REASON_INTERIM); /* before the first look */
        }
}
