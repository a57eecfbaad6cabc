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
 *  A device's c and q are about its own centre, which these steps leave where it is, so that a
 *  device far from the others costs no digits.
 *
 *  Backwards: "bars" are the derivatives of the deviance by A, c and q after a step; a step back
 *  turns them into those before it and gives the derivative by tau. The bar of q is the same
 *  everywhere: u = 1, or 0 for the trace (the derivative of log |V| alone).
 *
 *  Scratch that a caller lends is named work, [L] each unless said otherwise. */
#ifndef CNN_STATS_MIXED_MOMENTS_H
#define CNN_STATS_MIXED_MOMENTS_H

#include "stats/mixed_private.h"

typedef struct {
    double *a, *c, q; /* [L, L], [L] */
} cnn_mixed_moments;

/** A random effect shared by a group: a, k, t, s as above. */
typedef struct {
    double tau, k, t, s;
    double *row; /* [L] a = A1 */
} cnn_mixed_effect;

double cnn_mixed_dot(const double *x, const double *y, int n);
/** y = Ax, A symmetric [n, n]. */
void cnn_mixed_times(const double *a, const double *x, int n, double *y);

cnn_mixed_effect cnn_mixed_shared(const cnn_mixed_moments *group, double tau, int levels,
                                  double *row);
/** The effect's part of log |V|. */
double cnn_mixed_shared_log(const cnn_mixed_effect *e);
/** Adds a group's moments, the effect in them, to those of a larger group. centre: the point that
 *  the group's are about, seen from that of the larger one; NULL: the same. */
void cnn_mixed_add_shared(const cnn_mixed_moments *from, const cnn_mixed_effect *e,
                          const double *centre, int levels, cnn_mixed_moments *to, double *work);
double cnn_mixed_back_shared(const cnn_mixed_effect *e, double u, int levels, double *a_bar,
                             double *c_bar, double *work);

/** Adds the moments of a device's runs with block effects (variance tau) and residuals (weight [L]:
 *  1 / variance); returns log |V| but for the residuals' part. */
double cnn_mixed_add_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                            double *work, cnn_mixed_moments *to);
/** Adds the derivatives by the weights too, [L]. work: [2, L] */
double cnn_mixed_back_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                             double u, const double *a_bar, const double *c_bar, double *weight_bar,
                             double *work);

/** A device's moments with blocks and device x level effects; returns their part of log |V|. They
 *  stay in the model until the next call for this device. work: [2, L] */
double cnn_mixed_device_moments(cnn_mixed_model *m, int device, const double *weight,
                                const double *variance, double *work, cnn_mixed_moments *out);
/** x: [2, L, L]. */
double cnn_mixed_back_device_level(const cnn_mixed_model *m, int device, double tau, double u,
                                   double *a_bar, double *c_bar, double *work, double *x);

#endif
