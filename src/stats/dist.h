/** Distributions: Boost.Math behind C. NaN for arguments outside the domain; never throws. */
#ifndef CNN_STATS_DIST_H
#define CNN_STATS_DIST_H

#ifdef __cplusplus
extern "C" {
#endif

/** P(|T| > |t|) for Student's t with df > 0 degrees of freedom (not necessarily whole). */
double cnn_student_two_sided(double t, double df);
/** Quantile of Student's t; 0 < p < 1. */
double cnn_student_quantile(double p, double df);
/** P(T <= t) for the noncentral t distribution with df > 0 and noncentrality delta. */
double cnn_student_noncentral(double t, double df, double delta);

#ifdef __cplusplus
}
#endif
#endif
