/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of an analysis, which src/analysis/analysis.c calls. Each fills its members of a
 *  cnn_analysis whose tables are allocated. */
#ifndef CNN_ANALYSIS_PARTS_H
#define CNN_ANALYSIS_PARTS_H

#include "analysis/analysis.h"
#include "analysis/groups.h"

/** The look that the runs that have ended permit. */
cnn_look cnn_analysis_find_look(const cnn_results *results);
/** is_control: pairs of levels that are the same program by the stored job; none where the file does
 *  not hold a job that can be read. */
void cnn_analysis_controls(cnn_analysis *a, const cnn_results *results);

/** CNN_EDATA unless cells, levels, runs, blocks and alpha refer to what exists. */
cnn_status cnn_analysis_check(const cnn_results *results);

/** counts, total, summaries, outlier, outliers */
cnn_status cnn_analysis_cells(cnn_analysis *a, const cnn_groups *g);
/** flawed */
cnn_status cnn_analysis_flaws(cnn_analysis *a, const cnn_groups *g);
/** pairs, comparisons but for what depends on the family */
cnn_status cnn_analysis_contrasts(cnn_analysis *a, const cnn_groups *g);
/** positions */
cnn_status cnn_analysis_positions(cnn_analysis *a, const cnn_groups *g);
/** allow, conditions, unequal */
cnn_status cnn_analysis_conditions(cnn_analysis *a, const cnn_groups *g);
/** blocking */
void cnn_analysis_blocking(cnn_analysis *a);
/** family_size, *_p_holm, power at the family's alpha */
cnn_status cnn_analysis_families(cnn_analysis *a);
/** verdicts and their reasons */
void cnn_analysis_verdicts(cnn_analysis *a);
/** models, fixed, components */
cnn_status cnn_analysis_components(cnn_analysis *a, const cnn_groups *g);
/** seed_groups, cell_seeds */
cnn_status cnn_analysis_seeds(cnn_analysis *a, const cnn_groups *g);
/** overhead, session_overhead */
cnn_status cnn_analysis_overhead(cnn_analysis *a, const cnn_results *results);

/** Paired differences on the analysed scale, as far as power depends on them. */
typedef struct {
    int blocks;         /* of which the detectable difference is */
    double information; /* of them: the standard error is sd over the root of it; `blocks` where all
                           orders are equally frequent, less where failures unbalance them */
    int parameters;     /* that their fit estimates: 1, and effects of positions */
    double sd;          /* estimated, of a difference */
    int sd_df;          /* its degrees of freedom */
    bool is_adjusted;   /* sd is free of positions */
    int levels,
        apart; /* of a cyclic order, and how far the two are apart; levels 1: positions do not
                          matter */
} cnn_block_design;

/** Of a comparison. */
cnn_block_design cnn_analysis_block_design(const cnn_analysis *a, int comparison,
                                           cnn_measure measure);

/** What blocks detect with power CNN_ANALYSIS_POWER: as in the columns of a comparison. */
typedef struct {
    double detectable;                     /* NaN: sd is not above 0, or too few blocks */
    int blocks_needed, blocks_equivalence; /* -1: unknown; needs a margin */
} cnn_block_power;
cnn_block_power cnn_analysis_power(const cnn_block_design *d, double margin, double alpha);

/** A value on the analysed scale; not finite where a time has no logarithm. */
double cnn_analysed(bool is_log, double value);

#endif
