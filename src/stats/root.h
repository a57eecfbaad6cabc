/* SPDX-License-Identifier: Apache-2.0 */
/** Where a function of one number is zero. */
#ifndef CNN_STATS_ROOT_H
#define CNN_STATS_ROOT_H

typedef double cnn_function(double x, const void *context);

/** A zero of f to `tolerance`, by Chandrupatla's method (1997: inverse quadratic interpolation
 * where it is safe, else bisection), sought first between guess - step and guess + step, then in
 * ever wider intervals about guess. f is continuous and monotone. NaN where no change of sign is
 * found within 60 doublings, or f is NaN. */
double cnn_root_near(cnn_function *f, const void *context, double guess, double step,
                     double tolerance);

#endif
