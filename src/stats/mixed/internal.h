/* SPDX-License-Identifier: Apache-2.0 */
/** Inside the mixed model: grouped runs, likelihood, search. For src/stats/mixed_*.c and their
 * test.
 *
 *  Levels are those that have runs, renumbered 0..L-1. Values are centred by level and scaled, so
 *  that variances are near 1 whatever the units of y; fit.c puts the units back. */
#ifndef CNN_STATS_MIXED_INTERNAL_H
#define CNN_STATS_MIXED_INTERNAL_H

#include "stats/mixed/mixed.h"

/** Variances in one vector: [CNN_MIXED_RESIDUAL + L], the components by their enum, then the
 *  residual of every level. */
enum { CNN_MIXED_FIRST_RESIDUAL = CNN_MIXED_RESIDUAL };

/** Runs grouped into blocks, blocks of one device with equal runs of each level into kinds. For
 *  the likelihood a kind is known by sums over its blocks, so that its cost is that of one block.
 */
typedef struct {
    int runs, levels, nodes, devices, blocks, kinds;
    int level_count;     /* of the caller */
    int *used;           /* [level_count] number among the levels that have runs; -1: none */
    int *level;          /* [runs] renumbered */
    int *order;          /* [runs] run numbers by node, device, block */
    int *first_run;      /* [blocks + 1] in order */
    int *kind;           /* [blocks] */
    int *block_device;   /* [blocks] */
    int *first_device;   /* [nodes + 1] */
    int *first_kind;     /* [devices + 1] */
    double *level_runs;  /* [L] */
    double *kind_blocks; /* [kinds] blocks of the kind */
    double *kind_runs;   /* [kinds, L] runs of each level in one block */

    /* What depends on y, about the centre: */
    double *level_mean;    /* [L] in the units of y */
    double scale;          /* sd within levels, in the units of y */
    double *centre;        /* [devices, L] mean of the device's runs of a level */
    double *node_centre;   /* [nodes, L] mean of its devices' centres, the same for all levels */
    double *device_within; /* [devices, L] squares within the runs of a level in a block */
    double *kind_mean;     /* [kinds, L] sums over blocks of the level's mean in the block */
    double *kind_spread;   /* [kinds, L, L] sums over blocks of (mean_i - mean_j)^2; mean_i^2 */

    /* Scratch of the likelihood. */
    double *device_inverse; /* [devices, L, L] (I + tau A)^-1, tau of device x level */
    double *device_row;     /* [devices, L] moments of devices and nodes: see moments.h */
    double *device_pair;    /* [devices, L, L] */
    double *device_linear;  /* [devices, L] */
    double *node_row, *node_pair, *node_linear;
    double *scratch;    /* [5, L] and [2, L, L] */
    double *bars;       /* [6, L] and [3, L, L] */
    double *work;       /* [6, L] and [3, L, L] */
    double *mean;       /* [L] of the last evaluation, about level_mean, scaled */
    double *covariance; /* [L, L] of the mean */
    int evaluations;
    bool failed; /* LAPACK found a matrix that is not positive definite */
} cnn_mixed_model;

/** Groups the runs; y is not used. CNN_EINVAL as cnn_mixed_identify. */
cnn_status cnn_mixed_model_create(const cnn_mixed_data *data, cnn_mixed_model **out);
void cnn_mixed_model_destroy(cnn_mixed_model **model);

/** The sums of y [runs]. *varies: false where no level has any variance; then no sum is set. */
cnn_status cnn_mixed_model_sums(cnn_mixed_model *model, const double *y, bool *varies);

/** Moves the devices' centres to where differences between levels are those within blocks, so that
 *  nothing large is left in the sums where blocks differ much; the sums must be made anew. */
cnn_status cnn_mixed_recentre(cnn_mixed_model *model);

/** Sum of squares that is left when all effects in the model are fitted as fixed ones, scaled, and
 *  its degrees of freedom. */
cnn_status cnn_mixed_saturated(cnn_mixed_model *model, const cnn_mixed_design *design, double *out,
                               int *degrees);

/** Lower bound of residual variances, scaled, for cnn_mixed_space_create. */
cnn_status cnn_mixed_residual_floor(cnn_mixed_model *model, const cnn_mixed_design *design,
                                    bool per_level, double *out);

/** cnn_mixed_identify on grouped runs; leaves sums in the model that have nothing to do with y. */
cnn_status cnn_mixed_design_of(cnn_mixed_model *model, bool residual_per_level,
                               cnn_mixed_design *out);

/** -2 log likelihood (REML or ML) of the scaled values, the means at their best; every residual
 *  variance > 0. gradient [CNN_MIXED_RESIDUAL + L], or NULL: by variance. trace, likewise:
 *  tr(V^-1 dV / d variance). Sets mean and covariance. */
double cnn_mixed_deviance(cnn_mixed_model *model, const double *variance, bool reml,
                          double *gradient, double *trace);

/** The parameters of a search: variances of components, in order, and of residuals. */
typedef struct {
    cnn_mixed_model *model;
    int count;            /* parameters */
    int *index;           /* [count] in the vector of variances */
    double *floor;        /* [count] lower bounds: 0, or a little more for residuals */
    bool common_residual; /* the last parameter is the residual variance of all levels */
    double *variance, *gradient, *trace; /* [CNN_MIXED_RESIDUAL + L] */
} cnn_mixed_space;

cnn_status cnn_mixed_space_create(cnn_mixed_model *model, const cnn_mixed_design *design,
                                  bool residual_per_level, double residual_floor,
                                  cnn_mixed_space **out);
void cnn_mixed_space_destroy(cnn_mixed_space **space);

/** Deviance at x [count]; gradient and trace [count], or NULL. */
double cnn_mixed_space_deviance(cnn_mixed_space *space, const double *x, bool reml,
                                double *gradient, double *trace);

/** How far a search went. */
typedef struct {
    double deviance;
    cnn_mixed_state state;
} cnn_mixed_optimum;

/** Minimises the deviance from x [count] on, in which parameter `fixed` (-1: none) is kept. On
 *  return x is the best point. */
cnn_status cnn_mixed_search(cnn_mixed_space *space, bool reml, int fixed, double *x,
                            cnn_mixed_optimum *out);
/** The same from several points, and with Newton's steps at the end. */
cnn_status cnn_mixed_search_all(cnn_mixed_space *space, bool reml, int fixed, double *x,
                                cnn_mixed_optimum *out);

/** Profile-likelihood interval of the sd of parameter k, by ML, scaled. best [count]: the ML
 *  estimates, of the given deviance. Where the search comes upon a better point, best and deviance
 *  become that, *better is set and the interval is not known yet. */
cnn_status cnn_mixed_profile(cnn_mixed_space *space, int k, double confidence, double *best,
                             double *deviance, double *low, double *high, bool *better);

/** Inverse of a symmetric positive definite matrix [n, n] in place, and log of its determinant.
 *  False where it is not positive definite. */
bool cnn_mixed_invert(double *a, int n, double *log_determinant);

#endif
