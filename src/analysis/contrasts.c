/* SPDX-License-Identifier: Apache-2.0 */
/* Two levels of the contrast against each other, within a combination. */
#include "analysis/device_scope.h"
#include "analysis/parts.h"
#include "analysis/position.h"
#include "analysis/seed_means.h"
#include "stats/crossover.h"
#include "stats/effect.h"
#include "stats/equivalence.h"
#include "stats/moments.h"
#include "stats/normality.h"
#include "stats/permutation.h"
#include "stats/rank_tests.h"
#include "stats/spread.h"
#include "stats/t_tests.h"
#include "stats/variance_tests.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double cnn_analysed(bool is_log, double value)
{
    return is_log ? log(value) : value;
}

/** Values of some runs, as measured and on the analysed scale. */
typedef struct {
    double *raw, *scaled;
    int n;
} sample;

typedef struct {
    sample a, b;             /* all runs of the two levels; of error and loss one value a seed */
    sample block_a, block_b; /* those of whole blocks, or of their seeds: a pair a place */
    double *values;          /* all arrays of doubles, in one piece */
    int *numbers;            /* those of int */
    cnn_seed_value *seeds_a, *seeds_b; /* scratch */
    double *difference;     /* of each pair, analysed scale, free of positions where adjusted */
    double *first, *second; /* scratch: by the order of the pair */
    int *device, *node;     /* of each pair of times; of seeds 0 */
    int whole, incomplete, split; /* blocks; the latter two are left out */
    double resolution;            /* of a value: 1 / test images; NaN: unknown, or of time */
    bool same_weights;            /* a and b ended in the same weights in every pair */
    bool may_vary;                /* the values do not follow from the weights: times, metrics */
    int *place_a, *place_b;       /* of their runs within the block, from 0 */
    int places;                   /* runs that a block has; 1: no place matters */
    bool is_planned;              /* the plan asks for the adjustment for positions */
    cnn_reason unadjusted;        /* why it is not made; CNN_REASON_NONE: it is */
    int parameters;               /* that the fit of the differences estimates */
    double information;           /* sd / root of it is the standard error; pairs, if unadjusted */
    double level, alpha;
    double margin;
    bool verdicts_only, with_spread;
} comparands;

static void put(sample *s, bool is_log, double value)
{
    s->raw[s->n] = value;
    s->scaled[s->n++] = cnn_analysed(is_log, value);
}

static void gather_cell(const cnn_groups *g, int cell, cnn_measure measure, cnn_seed_value *seeds,
                        sample *out)
{
    int n = 0;
    out->n = 0;
    for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++) {
        const double x = cnn_groups_value(g, g->cell_runs[i], measure);
        if (isnan(x))
            continue;
        if (g->measures[measure].is_log)
            put(out, g->measures[measure].is_log, x);
        else
            seeds[n++] = cnn_seed_value_of(g, g->cell_runs[i], measure);
    }
    n = cnn_seed_means(seeds, n);
    for (int i = 0; i < n; i++)
        put(out, g->measures[measure].is_log, seeds[i].value);
}

/** The coarser of two runs' resolutions: a test error is a whole number of images. */
static double resolution_of(const cnn_groups *g, int a, int b)
{
    const cnn_measured *runs = g->results->measured;
    const int64_t images =
        runs[a].test_images < runs[b].test_images ? runs[a].test_images : runs[b].test_images;
    return images > 0 ? 1.0 / (double)images : NAN;
}

/** Takes a block's runs, of values x and y, into the sample of pairs. */
static void take_pair(const cnn_groups *g, int run_a, int run_b, cnn_measure measure, double x,
                      double y, comparands *c)
{
    const char *a = g->results->measured[run_a].weight_checksum;
    if (g->measures[measure].is_log) {
        c->device[c->block_a.n] = g->device[run_a];
        c->node[c->block_a.n] = g->node[run_a];
        c->place_a[c->block_a.n] = g->results->planned[run_a].position;
        c->place_b[c->block_a.n] = g->results->planned[run_b].position;
        put(&c->block_a, g->measures[measure].is_log, x);
        put(&c->block_b, g->measures[measure].is_log, y);
    } else {
        c->seeds_a[c->whole] = cnn_seed_value_of(g, run_a, measure);
        c->seeds_b[c->whole] = cnn_seed_value_of(g, run_b, measure);
    }
    c->same_weights &= *a && !strcmp(a, g->results->measured[run_b].weight_checksum);
    if (measure == CNN_MEASURE_TEST_ERROR)
        c->resolution = fmax(c->resolution, resolution_of(g, run_a, run_b)); /* passes over NaN */
    c->whole++;
}

static void gather_blocks(const cnn_groups *g, const cnn_pair *pair, cnn_measure measure,
                          comparands *c)
{
    const int levels = g->results->level_count;
    c->block_a.n = c->block_b.n = c->whole = c->incomplete = c->split = 0;
    c->resolution = NAN;
    c->same_weights = true;
    for (int b = g->combination_start[pair->combination];
         b < g->combination_start[pair->combination + 1]; b++) {
        const int run_a = g->block_runs[b * levels + pair->a];
        const int run_b = g->block_runs[b * levels + pair->b];
        const double x = run_a < 0 ? NAN : cnn_groups_value(g, run_a, measure);
        const double y = run_b < 0 ? NAN : cnn_groups_value(g, run_b, measure);
        if (isnan(x) || isnan(y))
            c->incomplete++;
        else if (g->device[run_a] != g->device[run_b])
            c->split++;
        else
            take_pair(g, run_a, run_b, measure, x, y, c);
    }
    if (g->measures[measure].is_log)
        return;
    /* of the same blocks, so that both have the same seeds */
    const int seeds = cnn_seed_means(c->seeds_a, c->whole);
    cnn_seed_means(c->seeds_b, c->whole);
    for (int i = 0; i < seeds; i++) {
        c->device[i] = c->place_a[i] = c->place_b[i] = 0;
        put(&c->block_a, g->measures[measure].is_log, c->seeds_a[i].value);
        put(&c->block_b, g->measures[measure].is_log, c->seeds_b[i].value);
    }
}

static void compare_means(cnn_comparison *x, const comparands *c, bool is_log)
{
    const cnn_t_result raw = cnn_t_welch(c->a.raw, c->a.n, c->b.raw, c->b.n, c->level);
    const cnn_t_result scaled = cnn_t_welch(c->a.scaled, c->a.n, c->b.scaled, c->b.n, c->level);
    const cnn_ratio ratio = cnn_ratio_from_logs(&scaled);
    x->difference = raw.difference;
    x->difference_lower = raw.interval.low;
    x->difference_upper = raw.interval.high;
    x->study_t = raw.t; /* same formula; the critical values differ */
    x->welch_t = scaled.t;
    x->welch_df = scaled.df;
    x->welch_p = scaled.p;
    x->ratio = is_log ? ratio.ratio : cnn_mean(c->a.raw, c->a.n) / cnn_mean(c->b.raw, c->b.n);
    if (is_log) {
        x->ratio_lower = ratio.interval.low;
        x->ratio_upper = ratio.interval.high;
    }
}

/** Differences that agree by chance do not estimate the spread: the standard deviation of errors
 *  counts as at least the resolution. Without any spread there is no verdict, unless the weights are
 *  the same, bit for bit. */
static void compare_with_margin(cnn_comparison *x, const comparands *c, cnn_t_result t)
{
    const double floor = c->resolution / sqrt(c->block_a.n);
    const bool no_spread = t.outcome == CNN_STAT_IDENTICAL || t.outcome == CNN_STAT_NO_VARIANCE;
    if ((c->may_vary || !c->same_weights) && (no_spread || t.standard_error < floor)) {
        if (isnan(floor))
            return;
        t.outcome = CNN_STAT_OK;
        t.standard_error = floor;
        t.df = c->block_a.n - 1;
    }
    const cnn_tost tost = cnn_tost_difference(&t, -c->margin, c->margin, c->alpha);
    x->tost_p = tost.p;
    x->tost_lower = tost.interval.low;
    x->tost_upper = tost.interval.high;
}

/** Values that agree by chance have no interval: a point would claim certainty. */
static void forget_intervals(cnn_comparison *x)
{
    x->paired_difference_lower = x->paired_difference_upper = NAN;
    x->paired_lower = x->paired_upper = NAN;
    x->paired_ratio_lower = x->paired_ratio_upper = NAN;
}

/** Differences of pairs x and y, free of positions where that is planned and can be done;
 *  free_of [n]: NULL, or the differences. */
static cnn_status test_pairs(comparands *c, const double *x, const double *y, double *free_of,
                             cnn_t_result *out)
{
    cnn_status st = CNN_OK;
    const int n = c->block_a.n;
    cnn_crossover fit = {.is_estimable = false};
    if (c->unadjusted == CNN_REASON_NONE)
        CNN_TRY(
            cnn_crossover_fit(x, y, c->place_a, c->place_b, n, c->places, c->level, free_of, &fit));
    if (fit.is_estimable) {
        c->parameters = fit.parameters;
        c->information = fit.information;
        *out = fit.t;
        goto done;
    }
    if (c->unadjusted == CNN_REASON_NONE)
        c->unadjusted = CNN_REASON_ORDERS_LOST;
    c->parameters = 1;
    c->information = n;
    *out = cnn_t_paired(x, y, n, c->level);
    for (int i = 0; free_of && i < n; i++)
        free_of[i] = x[i] - y[i];
done:
    return st;
}

static cnn_status compare_blocks(cnn_comparison *x, comparands *c, bool is_log)
{
    cnn_status st = CNN_OK;
    cnn_t_result raw, t;
    c->unadjusted = !is_log         ? CNN_REASON_BY_SEED
                    : c->is_planned ? CNN_REASON_NONE
                                    : CNN_REASON_FEW_ORDERS;
    CNN_TRY(test_pairs(c, c->block_a.scaled, c->block_b.scaled, c->difference, &t));
    CNN_TRY(test_pairs(c, c->block_a.raw, c->block_b.raw, NULL, &raw));
    x->position_adjusted = c->unadjusted == CNN_REASON_NONE;
    x->position_reason = (int8_t)c->unadjusted;
    x->paired_difference = raw.difference;
    x->paired_difference_lower = raw.interval.low;
    x->paired_difference_upper = raw.interval.high;
    x->paired_mean = t.difference;
    x->paired_sd = t.standard_error * sqrt(c->information);
    x->paired_lower = t.interval.low;
    x->paired_upper = t.interval.high;
    x->paired_t = isfinite(t.t) ? t.t : NAN; /* infinite without any variance */
    x->paired_df = t.df;
    x->paired_p = t.p;
    if (is_log) {
        const cnn_ratio ratio = cnn_ratio_from_logs(&t);
        x->paired_ratio = ratio.ratio;
        x->paired_ratio_lower = ratio.interval.low;
        x->paired_ratio_upper = ratio.interval.high;
    }
    if (t.outcome == CNN_STAT_NO_VARIANCE || t.outcome == CNN_STAT_IDENTICAL)
        if (c->may_vary || !c->same_weights)
            forget_intervals(x);
    x->margin = c->margin;
    if (!isnan(c->margin))
        compare_with_margin(x, c, t);
done:
    return st;
}

/** Differences first minus second run of the pairs with a in front of b, and of the others: under
 *  the hypothesis one sample, of which the plan's orders made two. Those that differ by rounding
 *  alone are made equal. */
static void split_by_order(const comparands *c, int *a_first, int *b_first)
{
    const int n = c->block_a.n;
    double largest = 0;
    *a_first = *b_first = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fmax(fabs(c->block_a.scaled[i]), fabs(c->block_b.scaled[i])));
    const double unit = largest > 0 ? ldexp(1, ilogb(largest) - 40) : 1;
    for (int i = 0; i < n; i++) {
        const double d = c->block_a.scaled[i] - c->block_b.scaled[i];
        if (c->place_a[i] < c->place_b[i])
            c->first[(*a_first)++] = unit * round(d / unit);
        else
            c->second[(*b_first)++] = -unit * round(d / unit);
    }
}

/** Differences free of positions [n], spread like independent ones with the residuals' sd. Returns
 *  the scratch that holds them. */
static const double *stretched(const comparands *c, double mean)
{
    const int n = c->block_a.n;
    const double stretch = sqrt((n - 1.0) / (n - c->parameters));
    for (int i = 0; i < n; i++) {
        c->first[i] = mean + stretch * (c->difference[i] - mean);
        c->second[i] = 0;
    }
    return c->first;
}

/** The permutation test of a difference: over the signs; adjusted for positions over the orders of
 *  two levels; of more levels, or many blocks, over the signs of residuals, which is approximate. */
static cnn_status permute_pairs(const comparands *c, double mean, uint64_t seed, cnn_sign_flip *out)
{
    cnn_status st = CNN_OK;
    int a_first, b_first;
    if (c->unadjusted != CNN_REASON_NONE) {
        CNN_TRY(cnn_sign_flip_test(c->block_a.scaled, c->block_b.scaled, c->block_a.n, seed, out));
    } else if (c->places == 2 && c->block_a.n <= CNN_SIGN_FLIP_EXACT_PAIRS) {
        split_by_order(c, &a_first, &b_first);
        CNN_TRY(cnn_two_sample_permutation(c->first, a_first, c->second, b_first, out));
    } else {
        CNN_TRY(cnn_sign_flip_test(stretched(c, mean), c->second, c->block_a.n, seed, out));
        out->exact = false;
    }
done:
    return st;
}

/** The same by ranks. */
static cnn_status rank_pairs(const comparands *c, double mean, cnn_rank_test *out)
{
    cnn_status st = CNN_OK;
    int a_first, b_first;
    if (c->unadjusted != CNN_REASON_NONE) {
        CNN_TRY(cnn_wilcoxon_signed_rank(c->block_a.scaled, c->block_b.scaled, c->block_a.n, out));
    } else if (c->places == 2) {
        split_by_order(c, &a_first, &b_first);
        CNN_TRY(cnn_mann_whitney(c->first, a_first, c->second, b_first, out));
    } else {
        CNN_TRY(cnn_wilcoxon_signed_rank(stretched(c, mean), c->second, c->block_a.n, out));
        out->exact = false;
    }
done:
    return st;
}

/** A difference that is the same in every block has no t: the exact test of its signs, or
 *  orders, judges it. */
static cnn_status judge_same_difference(cnn_comparison *x, const comparands *c, uint64_t seed)
{
    cnn_status st = CNN_OK;
    cnn_sign_flip flip;
    if (!(x->paired_sd == 0 && isnan(x->paired_p)))
        goto done;
    CNN_TRY(permute_pairs(c, x->paired_mean, seed, &flip));
    x->paired_p = flip.p;
done:
    return st;
}

/** For devices like these. Error and loss are functions of the seed: devices add nothing to them. */
static cnn_status compare_devices(cnn_comparison *x, const comparands *c)
{
    cnn_status st = CNN_OK;
    cnn_device_scope s;
    const cnn_device_blocks blocks = {.n = c->block_a.n,
                                      .difference = c->difference,
                                      .device = c->device,
                                      .host = c->node,
                                      .place_a = c->place_a,
                                      .place_b = c->place_b,
                                      .positions = c->unadjusted == CNN_REASON_NONE ? c->places : 1,
                                      .information = c->information};
    CNN_TRY(cnn_device_scope_of(&blocks, c->level, &s));
    x->device_units = s.units;
    x->device_unit = s.by_host;
    x->device_hosts = s.hosts;
    x->device_mean = s.t.difference;
    x->device_lower = s.t.interval.low;
    x->device_upper = s.t.interval.high;
    if (s.units < CNN_DEVICES_FOR_VERDICT || s.t.outcome != CNN_STAT_OK)
        goto done;
    x->device_p = s.t.p;
    if (!isnan(c->margin))
        x->device_tost_p = cnn_tost_difference(&s.t, -c->margin, c->margin, c->alpha).p;
done:
    return st;
}

/** Whether the differences, free of positions where adjusted, are far from normal. */
static cnn_status test_normality(cnn_comparison *x, const comparands *c)
{
    cnn_status st = CNN_OK;
    cnn_normality normality;
    if (c->block_a.n < CNN_UNITS_FOR_NORMALITY || !(x->paired_sd > 0))
        goto done;
    CNN_TRY(cnn_shapiro_wilk(c->difference, c->block_a.n, &normality));
    x->normality_w = normality.w;
    x->normality_p = normality.p;
done:
    return st;
}

static cnn_status compare_ranks(cnn_comparison *x, const comparands *c, uint64_t seed)
{
    cnn_status st = CNN_OK;
    cnn_sign_flip flip;
    cnn_rank_test test;
    CNN_TRY(permute_pairs(c, x->paired_mean, seed, &flip));
    x->sign_flip_p = flip.p;
    x->sign_flip_exact = isnan(flip.p) ? -1 : flip.exact;
    CNN_TRY(rank_pairs(c, x->paired_mean, &test));
    x->wilcoxon_v = test.statistic;
    x->wilcoxon_p = test.p;
    x->wilcoxon_exact = isnan(test.p) ? -1 : test.exact;
    CNN_TRY(cnn_mann_whitney(c->a.scaled, c->a.n, c->b.scaled, c->b.n, &test));
    x->mann_whitney_u = test.statistic;
    x->mann_whitney_p = test.p;
    x->mann_whitney_exact = isnan(test.p) ? -1 : test.exact;
done:
    return st;
}

/** Whether a and b spread alike from run to run. */
static cnn_status compare_spreads(cnn_comparison *x, const comparands *c)
{
    cnn_status st = CNN_OK;
    cnn_spread spread;
    const cnn_spread_pairs pairs = {.n = c->block_a.n,
                                    .x = c->block_a.scaled,
                                    .y = c->block_b.scaled,
                                    .device = c->device,
                                    .position_x = c->place_a,
                                    .position_y = c->place_b,
                                    .positions = c->places};
    CNN_TRY(cnn_spread_test(&pairs, c->level, &spread));
    x->spread_across = isnan(spread.p) ? -1 : spread.across;
    x->spread_ratio = spread.ratio;
    x->spread_lower = spread.interval.low;
    x->spread_upper = spread.interval.high;
    x->spread_t = spread.t;
    x->spread_df = spread.df;
    x->spread_p = spread.p;
done:
    return st;
}

/** Tests of normal theory: no verdict rests on them. */
static cnn_status compare_variances(cnn_comparison *x, const comparands *c)
{
    cnn_status st = CNN_OK;
    cnn_variance_ratio spread;
    const cnn_variance_ratio f = cnn_f_test(c->a.scaled, c->a.n, c->b.scaled, c->b.n, c->level);
    const cnn_variance_ratio pairs =
        cnn_pitman_morgan(c->block_a.scaled, c->block_b.scaled, c->block_a.n, c->level);
    x->variance_ratio = f.ratio;
    x->variance_ratio_lower = f.interval.low;
    x->variance_ratio_upper = f.interval.high;
    x->f_p = f.p;
    x->paired_variance_ratio = pairs.ratio;
    x->paired_variance_ratio_lower = pairs.interval.low;
    x->paired_variance_ratio_upper = pairs.interval.high;
    x->pitman_morgan_t = pairs.statistic;
    x->pitman_morgan_df = pairs.df1;
    x->pitman_morgan_p = pairs.p;
    CNN_TRY(cnn_brown_forsythe(c->a.scaled, c->a.n, c->b.scaled, c->b.n, &spread));
    x->brown_forsythe_f = spread.statistic;
    x->brown_forsythe_p = spread.p;
done:
    return st;
}

static cnn_status measure_effects(cnn_comparison *x, const comparands *c)
{
    cnn_status st = CNN_OK;
    cnn_superiority greater;
    const cnn_hedges g = cnn_hedges_unpaired(c->a.scaled, c->a.n, c->b.scaled, c->b.n, c->level);
    x->hedges_g = g.g;
    x->hedges_g_lower = g.interval.low;
    x->hedges_g_upper = g.interval.high;
    CNN_TRY(cnn_probability_greater(c->a.scaled, c->a.n, c->b.scaled, c->b.n, c->level, &greater));
    x->superiority = greater.probability;
    x->superiority_lower = greater.interval.low;
    x->superiority_upper = greater.interval.high;
done:
    return st;
}

/** The variance of the difference of two runs of different blocks over that of two of one block. */
static double gain_of_blocks(const comparands *c, double paired_sd)
{
    const double unpaired = cnn_variance(c->block_a.scaled, c->block_a.n) +
                            cnn_variance(c->block_b.scaled, c->block_b.n);
    return paired_sd > 0 ? unpaired / (paired_sd * paired_sd) : NAN;
}

static cnn_status compare(cnn_comparison *x, comparands *c, bool is_log, uint64_t seed)
{
    cnn_status st = CNN_OK;
    *x = cnn_comparison_unknown();
    x->n_a = c->a.n;
    x->n_b = c->b.n;
    x->blocks = c->whole;
    x->units = c->block_a.n;
    x->resolution = c->resolution;
    x->same_weights = c->whole ? c->same_weights : -1;
    x->blocks_incomplete = c->incomplete;
    x->blocks_split = c->split;
    CNN_TRY(compare_blocks(x, c, is_log));
    CNN_TRY(judge_same_difference(x, c, seed));
    if (is_log)
        CNN_TRY(compare_devices(x, c));
    if (c->with_spread)
        CNN_TRY(compare_spreads(x, c));
    if (c->verdicts_only)
        goto done;
    CNN_TRY(compare_variances(x, c));
    compare_means(x, c, is_log);
    CNN_TRY(compare_ranks(x, c, seed));
    CNN_TRY(test_normality(x, c));
    CNN_TRY(measure_effects(x, c));
    x->blocking_gain = gain_of_blocks(c, x->paired_sd);
done:
    return st;
}

static void list_pairs(cnn_analysis *a)
{
    int i = 0;
    for (int k = 0; k < a->combination_count; k++)
        for (int l = 0; l < a->level_count; l++)
            for (int other = l + 1; other < a->level_count; other++)
                a->pairs[i++] = (cnn_pair){k, l, other};
}

/** Room for n runs, in three pieces that release() gives back. */
static cnn_status allocate(comparands *c, int n)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)n + 1;
    double **values[] = {&c->a.raw,       &c->a.scaled,       &c->b.raw,       &c->b.scaled,
                         &c->block_a.raw, &c->block_a.scaled, &c->block_b.raw, &c->block_b.scaled,
                         &c->difference,  &c->first,          &c->second};
    int **numbers[] = {&c->device, &c->node, &c->place_a, &c->place_b};
    enum { VALUES = sizeof values / sizeof *values, NUMBERS = sizeof numbers / sizeof *numbers };
    c->values = calloc(VALUES * room, sizeof *c->values);
    c->numbers = calloc(NUMBERS * room, sizeof *c->numbers);
    c->seeds_a = calloc(2 * room, sizeof *c->seeds_a);
    CNN_CHECK(c->values && c->numbers && c->seeds_a, CNN_ENOMEM, "values of %d runs", n);
    for (size_t i = 0; i < VALUES; i++)
        *values[i] = c->values + i * room;
    for (size_t i = 0; i < NUMBERS; i++)
        *numbers[i] = c->numbers + i * room;
    c->seeds_b = c->seeds_a + room;
done:
    return st;
}

static void release(comparands *c)
{
    free(c->values);
    free(c->numbers);
    free(c->seeds_a);
}

cnn_status cnn_analysis_contrasts(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    comparands c = {.level = 1 - a->alpha,
                    .alpha = a->alpha,
                    .verdicts_only = a->verdicts_only,
                    .with_spread = a->with_spread,
                    .places = a->level_count};
    CNN_TRY(allocate(&c, a->run_count));
    list_pairs(a);
    for (int i = 0; i < a->comparison_count; i++) {
        const cnn_pair *pair = &a->pairs[i];
        const int *cells = &a->cell_of[pair->combination * a->level_count];
        CNN_TRY(cnn_position_is_planned(g, pair->combination, &c.is_planned));
        for (int m = 0; m < a->measure_count; m++) {
            const int row = i * a->measure_count + m;
            c.margin = a->margin[m];
            gather_cell(g, cells[pair->a], (cnn_measure)m, c.seeds_a, &c.a);
            gather_cell(g, cells[pair->b], (cnn_measure)m, c.seeds_b, &c.b);
            gather_blocks(g, pair, (cnn_measure)m, &c);
            c.may_vary = !a->measures[m].is_of_weights;
            CNN_TRY(compare(&a->comparisons[row], &c, a->measures[m].is_log, (uint64_t)row));
        }
    }
done:
    release(&c);
    return st;
}
