/* SPDX-License-Identifier: Apache-2.0 */
/** The analysis of an experiment: every figure that a report shows, from the runs that are done.
 *
 *  results (one file, or several pooled: analysis/pool.h) -> cnn_analysis. Warm-up runs take no
 *  part; failed, diverged and missing ones are counted. Nothing is left out silently. */
#ifndef CNN_ANALYSIS_ANALYSIS_H
#define CNN_ANALYSIS_ANALYSIS_H

#include "analysis/figures.h"
#include "base/status.h"
#include "results/results.h"

#include <stdbool.h>

/** Power for which `detectable` and `blocks_needed` are. */
#define CNN_ANALYSIS_POWER 0.8
/** They rest on the upper confidence bound of the sd at this level, sd sqrt(df / chi2(1 - level,
 *  df)): then the power is at least the stated one on average over estimates of the sd. */
#define CNN_SD_CONFIDENCE 0.8

/** Fewer paired differences are not tested for a normal distribution: estimated effects leave their
 *  residuals too few degrees of freedom. */
#define CNN_UNITS_FOR_NORMALITY 8

/** The rule of the verdicts, as a paragraph for the report. */
extern const char cnn_verdict_rule[];

/** The look at the data that the verdicts are of: the last declared one whose blocks have all ended.
 *  It uses the blocks of each combination with a repeat below `blocks`, whatever else is finished,
 *  and is judged at its increment of the spending function (stats/spending.h). */
typedef struct {
    int count;                               /* declared looks, at least 1 */
    double fractions[CNN_RESULTS_LOOKS_MAX]; /* [count] shares of the blocks; the last is 1 */
    int number;   /* of this look, from 1; 0: none has been reached, and no verdict is given */
    int planned;  /* blocks planned of each combination */
    int blocks;   /* of them used; all where number is 0 */
    double alpha; /* of this look; the job's where number is 0 */
    bool interim; /* runs of the plan have not ended */
} cnn_look;

/** A block that takes no part in paired tests; a pair of levels that is whole in it does. */
typedef struct {
    int block; /* as in cnn_planned */
    int combination, repeat;
    int flaw;    /* cnn_block_flaw */
    int missing; /* runs of it that are not done */
} cnn_flawed_block;

/** A value outside its cell's fences. */
typedef struct {
    int run, cell;
    int measure; /* cnn_measure */
    int side;    /* cnn_outlier_kind */
    double value;
} cnn_outlier;

enum { CNN_CONDITION_TEXT = 32 }; /* bytes of the text of a condition */

/** A condition in which the runs of two levels differ, whether declared or not; differences that the
 *  contrast itself makes are left out. */
typedef struct {
    int comparison, condition; /* cnn_condition */
    int run_a, run_b;          /* of the first block in which they differ */
    int blocks;                /* in which they differ */
} cnn_unequal;

/** Indices: cell c, combination k, level l of the contrast, measure m, comparison i (pair p of
 *  combination k: i = k * pair_count + p; pairs (0,1), (0,2), ..., (1,2), ...). */
typedef struct {
    int cell_count, combination_count, level_count, run_count, session_count;
    int pair_count; /* pairs of levels: level_count * (level_count - 1) / 2; 0 for one level */
    int comparison_count;            /* combination_count * pair_count */
    int component_count;             /* CNN_COMPONENT_LEVELS + level_count */
    bool verdicts_only, with_spread; /* of cnn_analysis_create_verdicts */
    double alpha;                    /* of the look: the job's where there is one look */
    int measure_count;               /* CNN_MEASURE_COUNT, and the job's metrics */
    cnn_measure_info measures[CNN_MEASURES_MAX];
    double margin[CNN_MEASURES_MAX]; /* on the analysed scale; NaN: none declared */
    cnn_look look;                   /* that the verdicts are of */
    int looks; /* files pooled, each of which was a look of its own; 1 for one file. Every one counts
                  in the families. */
    cnn_measure primary; /* the measure that the study is about */
    int8_t *is_control;  /* [pair_count] whether the two levels are the same program */
    cnn_scope scope;

    cnn_cell_count total;
    cnn_cell_count *counts; /* [cell_count] */
    cnn_summary *summaries; /* [cell_count, measure_count] */
    int *cell_of;           /* [combination_count, level_count] the cell */
    int8_t *outlier;        /* [run_count, measure_count] cnn_outlier_kind; -1: not judged */
    int outlier_count;
    cnn_outlier *outliers; /* [outlier_count] by measure, then cell, then run */

    int8_t *block_flaw;       /* [run_count] cnn_block_flaw of the run's block; -1: a warm-up run */
    int block_count;          /* measured blocks planned */
    int flawed_count;         /* of them not whole */
    cnn_flawed_block *flawed; /* [flawed_count] by combination, then repeat */
    cnn_pair *pairs;          /* [comparison_count] */
    bool allow[CNN_CONDITION_COUNT]; /* conditions in which the job lets levels differ */
    cnn_conditions *conditions;      /* [comparison_count] */
    int unequal_count;
    cnn_unequal *unequal;        /* [unequal_count] by comparison, then condition */
    cnn_comparison *comparisons; /* [comparison_count, measure_count] */
    /* members of each family (measure and test): possible tests times looks */
    int family_size[CNN_MEASURES_MAX][CNN_TEST_COUNT];
    cnn_blocking blocking[CNN_MEASURES_MAX]; /* over all comparisons */
    cnn_position_effect *positions; /* [combination_count, measure_count, level_count] of a run's
                                       position within its block, by position */

    cnn_model_row *models;     /* [combination_count, measure_count] */
    cnn_fixed *fixed;          /* [combination_count, measure_count, level_count] */
    cnn_component *components; /* [combination_count, measure_count, component_count]; the
                                  residual of level l is component CNN_COMPONENT_LEVELS + l */

    int seed_group_count;        /* seeds that the plan gives to several runs of a cell */
    cnn_seed_group *seed_groups; /* [seed_group_count] by cell, then seed */
    cnn_cell_seeds *cell_seeds;  /* [cell_count] */

    double overhead;          /* share of ranks' time outside children, 0..1; NaN unknown */
    double *session_overhead; /* [session_count] the same of each session */
    double outside_seconds;   /* that time, for each child; NaN unknown */
} cnn_analysis;

/** Analyses the runs that are done; any state of a file will do. looks: see cnn_analysis.
 *
 *  Overhead: a rank's time in a session lasts from the session's start to the end of its last
 *  child, so that the tail in which it had nothing left to train is left out; children's lives are
 *  those of all attempts in the file, warm-ups and failed ones included (of a run that several
 *  sessions have repeated the file may lack some: they then count as overhead). It is NaN where
 *  nothing was attempted, and where a clock was set so that children seem to outlast their ranks.
 *
 *  CNN_EDATA: a run names a cell, combination, level or status that does not exist. *out is owned
 *  by the caller. O(n log n) in the runs. */
cnn_status cnn_analysis_create(const cnn_results *results, int looks, cnn_analysis **out);
/** The same without the figures that no verdict rests on, which stay undefined: descriptions of
 *  cells, unpaired and rank tests, effects of positions, sizes of effects, power, variance components,
 *  seeds that several runs share, overhead; and without the tests of spread unless with_spread. For
 *  simulations. */
cnn_status cnn_analysis_create_verdicts(const cnn_results *results, int looks, bool with_spread,
                                        cnn_analysis **out);
void cnn_analysis_destroy(cnn_analysis **analysis);

/** A run's value of a measure that is its own: not steady_seconds, which depends on the combination
 *  (analysis/steady.h). NaN unless the run is done and the trainer reported it. Seconds per
 *  epoch: training seconds over completed epochs. */
double cnn_analysis_value(const cnn_results *results, int run, cnn_measure measure);

/** Seeds that several of the planned runs of one cell share, warm-up runs not counted: the length
 * of seed_groups, which the plan fixes. runs: [run_count]. */
cnn_status cnn_analysis_count_seed_groups(const cnn_planned *runs, int run_count, int *out);

/** The cnn_standing of a comparison's levels in a condition; -1: unknown. */
int cnn_analysis_standing(const cnn_analysis *a, int comparison, cnn_condition condition);
/** Whether its levels differ in any condition that is not declared: there is no verdict on time. */
bool cnn_analysis_is_unequal(const cnn_analysis *a, int comparison);
/** A run's value of a condition as text: digits, or a checksum; "" unknown. */
void cnn_analysis_condition(const cnn_measured *run, cnn_condition condition,
                            char out[CNN_CONDITION_TEXT]);

static inline const cnn_summary *cnn_analysis_summary(const cnn_analysis *a, int cell,
                                                      cnn_measure measure)
{
    return &a->summaries[cell * a->measure_count + (int)measure];
}

static inline const cnn_comparison *cnn_analysis_comparison(const cnn_analysis *a, int comparison,
                                                            cnn_measure measure)
{
    return &a->comparisons[comparison * a->measure_count + (int)measure];
}

static inline const cnn_model_row *cnn_analysis_model(const cnn_analysis *a, int combination,
                                                      cnn_measure measure)
{
    return &a->models[combination * a->measure_count + (int)measure];
}

static inline const cnn_component *cnn_analysis_component(const cnn_analysis *a, int combination,
                                                          cnn_measure measure, int component)
{
    return &a->components[(combination * a->measure_count + (int)measure) * a->component_count +
                          component];
}

static inline const cnn_fixed *cnn_analysis_fixed(const cnn_analysis *a, int combination,
                                                  cnn_measure measure, int level)
{
    return &a->fixed[(combination * a->measure_count + (int)measure) * a->level_count + level];
}

static inline const cnn_position_effect *
cnn_analysis_position(const cnn_analysis *a, int combination, cnn_measure measure, int position)
{
    return &a->positions[(combination * a->measure_count + (int)measure) * a->level_count +
                         position];
}

#endif
