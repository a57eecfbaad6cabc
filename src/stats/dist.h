/* SPDX-License-Identifier: Apache-2.0 */
/** Distributions: Boost.Math behind C. NaN for arguments outside the domain; never throws. */
#ifndef CNN_STATS_DIST_H
#define CNN_STATS_DIST_H

#ifdef __cplusplus
extern "C" {
#endif

/** P(Z <= z) of the standard normal; at -+infinity 0 and 1. The upper tail is cdf(-z). */
double cnn_normal_cdf(double z);
/** P(|Z| > |z|). */
double cnn_normal_two_sided(double z);
/** 0 < p < 1. */
double cnn_normal_quantile(double p);

/** P(T <= t) for Student's t with df > 0 degrees of freedom (not necessarily whole). The upper tail
 *  is cdf(-t). */
double cnn_student_cdf(double t, double df);
/** P(|T| > |t|). */
double cnn_student_two_sided(double t, double df);
/** Quantile of Student's t; 0 < p < 1. */
double cnn_student_quantile(double p, double df);
/** P(T <= t) for the noncentral t distribution with df > 0 and noncentrality delta. */
double cnn_student_noncentral(double t, double df, double delta);

/** P(F <= f), P(F > f), quantile (0 < p < 1) of the F distribution with df1, df2 > 0; f >= 0. */
double cnn_f_cdf(double f, double df1, double df2);
double cnn_f_sf(double f, double df1, double df2);
double cnn_f_quantile(double p, double df1, double df2);

/** The same of chi-squared with df > 0; x >= 0. */
double cnn_chi_squared_cdf(double x, double df);
double cnn_chi_squared_sf(double x, double df);
double cnn_chi_squared_quantile(double p, double df);

/** P(X <= k) of the binomial: n >= 0 trials of probability 0 <= p <= 1; 0 for k < 0, 1 for k >= n.
 */
double cnn_binomial_cdf(int k, int n, double p);

/** Quantile of the beta distribution, a, b > 0, 0 < p < 1 (Clopper-Pearson's bounds). */
double cnn_beta_quantile(double p, double a, double b);

/** Gamma(a + d) / Gamma(a), without overflow; a > 0, a + d > 0. */
double cnn_gamma_ratio(double a, double d);

typedef double cnn_function(double x, const void *context);

/** A zero of f to `tolerance`, by Alefeld, Potra and Shi's algorithm 748, sought first between
 *  guess - step and guess + step, then in ever wider intervals about guess. f is continuous and
 *  monotone. NaN where no change of sign is found within 60 doublings, or f is NaN. */
double cnn_root_near(cnn_function *f, const void *context, double guess, double step,
                     double tolerance);
/** The same between low and high, where f is at_low and at_high, of different signs. */
double cnn_root_between(cnn_function *f, const void *context, double low, double high,
                        double at_low, double at_high, double tolerance);

#ifdef __cplusplus
}
#endif
#endif
