/* SPDX-License-Identifier: Apache-2.0 */
/** How much of the spread is the machine: variance components of one measure, by a linear mixed
 *  model.
 *
 *    y = mean[level] + node + device(node) + (device x level) + block(device) + residual
 *
 *  Fixed: the mean of every level of the contrast. Random, normal, independent: the rest. The
 *  residual has one variance, or one for each level. Estimates are by REML (restricted maximum
 *  likelihood), profile intervals by ML, as lme4 does it (Bates et al. 2015, doi
 *  10.18637/jss.v067.i01); variances per level as nlme's varIdent (Pinheiro and Bates 2000).
 *
 *  A component that the design cannot separate from others is left out before the fit and named with
 *  the reason; that is another thing than a component which is estimated, as zero.
 *
 *  n runs cost one pass over them; every step of the fit then costs as much as devices times kinds
 *  of blocks (blocks with the same runs of every level are one kind). */
#ifndef CNN_STATS_MIXED_MIXED_H
#define CNN_STATS_MIXED_MIXED_H

#include "base/status.h"
#include "stats/reasons.h"

#include <stdbool.h>

/** The random parts. */
typedef enum {
    CNN_MIXED_NODE,
    CNN_MIXED_DEVICE,
    CNN_MIXED_DEVICE_LEVEL, /* device x level */
    CNN_MIXED_BLOCK,
    CNN_MIXED_RESIDUAL,
    CNN_MIXED_COMPONENT_COUNT
} cnn_mixed_component;

/** How a fit ended. */
typedef enum {
    CNN_MIXED_CONVERGED,
    CNN_MIXED_FLAT, /* converged, but the runs say little about some components: the likelihood hardly
                       changes with them, or an interval was not found */
    CNN_MIXED_ZERO_RESIDUAL, /* converged, with a residual of zero: so few blocks are whole that the
                                other components can explain all of the values */
    CNN_MIXED_NOT_CONVERGED, /* the search for the maximum */
    CNN_MIXED_TOO_FEW_RUNS,  /* no more than means to estimate */
    CNN_MIXED_NO_VARIANCE,   /* all runs of a level have the same value: nothing to divide */
    CNN_MIXED_NO_RESIDUAL,   /* runs of a block differ by the same amount in every block: nothing is
                                left to judge the other components against */
} cnn_mixed_state;

/** The runs of one measure in one combination, missing ones left out. Borrowed. Labels of nodes,
 *  devices and blocks are any whole numbers; devices are counted within nodes and blocks within
 *  devices, so that a label may occur again on another node or device. */
typedef struct {
    int n;                   /* runs, >= 0 */
    int level_count;         /* levels of the contrast, >= 1; one may be without runs */
    const double *y;         /* [n] finite; log time, test error */
    const int *level;        /* [n] 0..level_count-1 */
    const int *node;         /* [n] */
    const int *device;       /* [n] */
    const int *block;        /* [n] */
    bool residual_per_level; /* a residual variance for each level */
} cnn_mixed_data;

/** The components that the design separates. */
typedef struct {
    int runs, levels, nodes, devices, blocks;     /* that occur */
    cnn_reason reason[CNN_MIXED_COMPONENT_COUNT]; /* CNN_REASON_NONE, or why not */
    cnn_reason residual_per_level; /* CNN_REASON_NONE, or why there is one variance */
} cnn_mixed_design;

/** Which components the design identifies; looks at no y, which may be NULL, so that a plan can be
 *  judged before anything has run. CNN_EINVAL: a count or a level out of range; CNN_ENOMEM. */
cnn_status cnn_mixed_identify(const cnn_mixed_data *data, cnn_mixed_design *out);

/** One component, or the residual of one level. NaN: not identified, not asked for, or no fit. */
typedef struct {
    double variance, sd; /* by REML, in the units of y */
    double share;        /* of the total variance of a run, 0..1 */
    double ml_variance;  /* by ML */
    double low, high;    /* profile-likelihood interval of the sd, by ML; low is 0 where zero lies
                            inside */
    double statistic;    /* likelihood ratio by REML, 2 (l - l without the component), >= 0 */
    double p;            /* against 0.5 chi2(0) + 0.5 chi2(1): 1 where the statistic is 0 */
    bool identified;     /* false: see design.reason */
    bool at_zero;        /* identified, and estimated (by REML) on the boundary: 0 */
} cnn_mixed_estimate;

typedef struct {
    cnn_mixed_design design; /* residual_per_level may also be CNN_REASON_CONSTANT_LEVEL */
    cnn_mixed_state state;   /* of all searches together; above CNN_MIXED_ZERO_RESIDUAL nothing
                                below is known, above CNN_MIXED_NOT_CONVERGED all is NaN */
    int level_count;
    double *mean;       /* [level_count] fixed effects, by REML; NaN of a level without runs */
    double *covariance; /* [level_count, level_count] of the means */
    cnn_mixed_estimate component[CNN_MIXED_COMPONENT_COUNT];
    /* [level_count], or NULL where the residual has one variance. component[CNN_MIXED_RESIDUAL] is
     * then the mean over levels that have runs, with variance, sd and share alone. A level's share
     * is of the total of its own runs; it has no test of its own. */
    cnn_mixed_estimate *residual;
    double residual_statistic, residual_p; /* are the levels' residual variances equal? By REML,
                                              against chi2(levels - 1) */
    double total_variance;                 /* of a run: the sum of the components */
    double reml_log_likelihood, ml_log_likelihood; /* as R's logLik */
    int evaluations;                               /* of the likelihood, in all searches */
} cnn_mixed_fit;

typedef struct {
    double confidence; /* of the intervals, 0..1; 0: no intervals */
    bool tests;        /* likelihood-ratio tests */
} cnn_mixed_options;

/** Fits, and gives intervals and tests where asked for. CNN_OK also where there is nothing to fit:
 *  see state. CNN_EINVAL: a count, level or confidence out of range, or y not finite; CNN_ENOMEM;
 *  CNN_EBACKEND: LAPACK or NLopt failed. */
cnn_status cnn_mixed_fit_create(const cnn_mixed_data *data, cnn_mixed_options options,
                                cnn_mixed_fit **out);
void cnn_mixed_fit_destroy(cnn_mixed_fit **fit);

/** Mean of level a minus mean of level b, and its standard error. NaN where unknown. */
double cnn_mixed_difference(const cnn_mixed_fit *fit, int a, int b, double *standard_error);

#endif
