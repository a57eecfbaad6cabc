/* SPDX-License-Identifier: Apache-2.0 */
/** The likelihood by elimination, and its gradient by going back through the same steps.
 *
 *  With V the covariance of the runs and E the runs' levels, everything depends on V through
 *    A = E'V^-1 E   [L, L]      c = E'V^-1 y   [L]      q = y'V^-1 y      log |V|
 *  of a block, then of a device, of a node and of all runs. A random effect that all runs of a
 *  group share (variance tau) turns them into
 *    A - k aa'   c - k sa   q - k s^2   log |V| + log(1 + tau t)
 *  with a = A1, t = 1'a, s = 1'c, k = tau / (1 + tau t) (Sherman and Morrison); one for each level
 *  of a device, with B = (I + tau A)^-1, into
 *    BA   Bc   q - tau c'Bc   log |V| - log |B|.
 *  c and q are about a centre of the group's own, which these steps leave where it is.
 *
 *  A is kept as its row sums A1 and the negatives of its other elements, which all steps leave
 *  >= 0: then they only add and multiply, and no digits are lost where one component is a million
 *  times another, as between an old and a new model of device.
 *
 *  Backwards: "bars" are the derivatives of the deviance by the moments after a step; a step back
 *  turns them into those before it, in place, and gives the derivative by tau. The bar of q is the
 *  same everywhere: u = 1, or 0 for the trace (the derivative of log |V| alone).
 *
 *  Scratch that a caller lends is named work. */
#ifndef CNN_STATS_MIXED_MOMENTS_H
#define CNN_STATS_MIXED_MOMENTS_H

#include "stats/mixed/internal.h"

typedef struct {
    double *row;  /* [L] A1 */
    double *pair; /* [L, L] -A_ij, i != j */
    double *c;    /* [L] */
    double q;
} cnn_mixed_moments;

/** Derivatives by row, by pair (i < j; kept symmetric, 0 for i = j), by c, by q. */
typedef struct {
    double *row, *pair, *c, u;
} cnn_mixed_bars;

double cnn_mixed_dot(const double *x, const double *y, int n);
/** y = Ax by row sums and pairs. */
void cnn_mixed_times(const double *row, const double *pair, const double *x, int n, double *y);

/** Adds a group's moments, with the effect of variance tau in them, to those of a larger group;
 *  returns the effect's part of log |V|. */
double cnn_mixed_add_shared(const cnn_mixed_moments *from, double tau, const double *centre,
                            int levels, cnn_mixed_moments *to);
/** The way back: first from the larger group's centre to that of the group, then through the
 *  effect. centre: [L], of the group, seen from that of the larger one. work: [L] */
void cnn_mixed_back_centre(const double *centre, int levels, cnn_mixed_bars *bars);
double cnn_mixed_back_shared(const cnn_mixed_moments *from, double tau, int levels,
                             cnn_mixed_bars *bars, double *work);

/** Adds the moments of a device's runs with block effects (variance tau) and residuals (weight [L]:
 *  1 / variance); returns log |V| but for the residuals' part. work: [L] */
double cnn_mixed_add_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                            double *work, cnn_mixed_moments *to);
/** Adds the derivatives by the residual variances to gradient [L]. work: [3, L] */
double cnn_mixed_back_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                             const cnn_mixed_bars *bars, double *gradient, double *work);

/** A device's moments with blocks and device x level effects; returns their part of log |V|. They
 *  stay in the model until the next call for this device. work: [3, L] and [L, L] */
double cnn_mixed_device_moments(cnn_mixed_model *m, int device, const double *weight,
                                const double *variance, double *work, cnn_mixed_moments *out);
/** The same moments, as the last call left them; q is not kept. */
cnn_mixed_moments cnn_mixed_device_kept(const cnn_mixed_model *m, int device);
/** work: [2, L] and [2, L, L] */
double cnn_mixed_back_device_level(const cnn_mixed_model *m, int device, double tau,
                                   cnn_mixed_bars *bars, double *work);

#endif
