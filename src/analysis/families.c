/* SPDX-License-Identifier: Apache-2.0 */
/* Adjustment of the tests of a family, and power at the level of the family. */
#include "analysis/parts.h"
#include "stats/crossover.h"
#include "stats/dist.h"
#include "stats/multiple.h"
#include "stats/power.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/** Where a test has its p value, and the adjusted one. */
static const struct {
    size_t p, holm;
} columns[] = {
#define TEST_COLUMNS(constant, name)                                                               \
    [constant] = {offsetof(cnn_comparison, name##_p), offsetof(cnn_comparison, name##_p_holm)},
    CNN_TESTS(TEST_COLUMNS)
#undef TEST_COLUMNS
};

static double *member(cnn_analysis *a, int comparison, int measure, size_t offset)
{
    cnn_comparison *x = &a->comparisons[comparison * a->measure_count + measure];
    return (double *)(void *)((char *)x + offset);
}

/** Every earlier look adds as many tests, whose p values are taken as 1: by Holm's steps the p
 *  values of the last look are then multiplied by as much as any of theirs would ask for.
 *  p [comparison_count * looks]: scratch. */
static cnn_status adjust(cnn_analysis *a, int measure, int test, double *p)
{
    cnn_status st = CNN_OK;
    const int n = a->comparison_count;
    int possible = 0;
    for (int i = 0; i < n; i++) {
        p[i] = *member(a, i, measure, columns[test].p);
        possible += !isnan(p[i]);
    }
    for (int i = 0; i < possible * (a->looks - 1); i++)
        p[n + i] = 1;
    CNN_TRY(cnn_holm(p, n + possible * (a->looks - 1), p, NULL));
    for (int i = 0; i < n; i++)
        *member(a, i, measure, columns[test].holm) = p[i];
    a->family_size[measure][test] = possible * a->looks;
done:
    return st;
}

/** 0 stands for "none" and "too many" in stats/power.h. */
static int known_count(int n)
{
    return n > 0 ? n : -1;
}

/** Upper confidence bound, at CNN_SD_CONFIDENCE, of an sd estimated with df degrees of freedom. */
static double sd_bound(double sd, int df)
{
    return df > 0 ? sd * sqrt(df / cnn_chi_squared_quantile(1 - CNN_SD_CONFIDENCE, df)) : NAN;
}

/** By the interval, whose half is a quantile of t times sd / sqrt(information). */
static double information_of(const cnn_comparison *x, double alpha)
{
    const double half = x->paired_upper - x->paired_mean;
    const double errors = half / cnn_student_quantile(1 - alpha / 2, x->paired_df);
    const double information = half > 0 ? pow(x->paired_sd / errors, 2) : x->units;
    return fabs(information - x->units) < 1e-9 * x->units ? x->units : information;
}

cnn_block_design cnn_analysis_block_design(const cnn_analysis *a, int comparison,
                                           cnn_measure measure)
{
    const cnn_comparison *x = cnn_analysis_comparison(a, comparison, measure);
    const cnn_pair *pair = &a->pairs[comparison];
    const int df = isnan(x->paired_df) ? 0 : (int)x->paired_df;
    return (cnn_block_design){.blocks = x->units,
                              .information = information_of(x, a->alpha),
                              .parameters = x->units - df,
                              .sd = x->paired_sd,
                              .sd_df = df,
                              .is_adjusted = x->position_adjusted > 0,
                              .levels = a->measures[measure].is_log ? a->level_count : 1,
                              .apart = pair->b - pair->a};
}

/** Blocks that are enough by `search`, which takes the parameters of the fit: as many as a plan of
 *  that size will have. */
typedef int search_blocks(int parameters, double sd, double margin, double alpha);

static int search_to_differ(int parameters, double sd, double margin, double alpha)
{
    return cnn_paired_blocks_needed(parameters, margin / sd, alpha, CNN_ANALYSIS_POWER);
}

static int search_to_be_equal(int parameters, double sd, double margin, double alpha)
{
    return cnn_tost_blocks_needed(parameters, 0, sd, -margin, margin, alpha, CNN_ANALYSIS_POWER);
}

static int search(const cnn_block_design *d, search_blocks *enough, double sd, double margin,
                  double alpha)
{
    const int least = d->levels < 2 ? 0 : cnn_crossover_least_blocks(d->levels);
    const int alone = enough(1, sd, margin, alpha);
    if (d->levels < 2 || (!d->is_adjusted && alone > 0 && alone < least))
        return known_count(alone);
    const int n = enough(cnn_crossover_parameters(least, d->levels, d->apart), sd, margin, alpha);
    return n > 0 && n < least ? least : known_count(n);
}

cnn_block_power cnn_analysis_power(const cnn_block_design *d, double margin, double alpha)
{
    const double sd = sd_bound(d->sd, d->sd_df);
    cnn_block_power p = {.detectable = NAN, .blocks_needed = -1, .blocks_equivalence = -1};
    if (!(sd > 0))
        return p;
    p.detectable = cnn_paired_detectable(d->blocks, d->parameters, alpha, CNN_ANALYSIS_POWER) *
                   sqrt(d->blocks / d->information) * sd;
    if (isnan(margin))
        return p;
    p.blocks_needed = search(d, search_to_differ, sd, margin, alpha);
    p.blocks_equivalence = search(d, search_to_be_equal, sd, margin, alpha);
    return p;
}

/** Holm's first step asks for alpha over the size of the family. */
static void find_power(cnn_comparison *x, const cnn_block_design *d, double alpha)
{
    if (x->units < 2 || isnan(x->paired_df))
        return;
    const cnn_block_power p = cnn_analysis_power(d, x->margin, alpha);
    x->detectable = p.detectable;
    x->blocks_needed = p.blocks_needed;
    x->blocks_equivalence = p.blocks_equivalence;
}

cnn_status cnn_analysis_families(cnn_analysis *a)
{
    cnn_status st = CNN_OK;
    double *p = calloc((size_t)a->comparison_count * (size_t)a->looks + 1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "families of %d tests", a->comparison_count);
    for (int m = 0; m < a->measure_count; m++) {
        for (int t = 0; t < CNN_TEST_COUNT; t++)
            CNN_TRY(adjust(a, m, t, p));
        for (int i = 0; !a->verdicts_only && i < a->comparison_count; i++) {
            const cnn_block_design d = cnn_analysis_block_design(a, i, (cnn_measure)m);
            find_power(&a->comparisons[i * a->measure_count + m], &d,
                       a->alpha / fmax(1, a->family_size[m][CNN_TEST_PAIRED]));
        }
    }
done:
    free(p);
    return st;
}
