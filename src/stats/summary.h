/** Descriptive statistics and two-sample tests. NaN where the sample is too small. */
#ifndef CNN_STATS_SUMMARY_H
#define CNN_STATS_SUMMARY_H

double cnn_mean(const double *x, int n);
/** Two-pass, n - 1 in the denominator. */
double cnn_variance(const double *x, int n);

typedef struct {
    double t, df, p; /* two-sided */
} cnn_t_test;

/** Welch's t test (Welch 1947; Satterthwaite's degrees of freedom) from samples or from moments.
 *  All NaN where a sample has fewer than two values. Two samples without any variance have no
 *  degrees of freedom: df and p are NaN, t is infinite (NaN where the means are equal, too). */
cnn_t_test cnn_welch_test(const double *x, int nx, const double *y, int ny);
cnn_t_test cnn_welch_test_moments(double mean_x, double var_x, int nx, double mean_y, double var_y,
                                  int ny);

/** Power of a two-sided paired t test at level alpha with n pairs, where the mean of the
 *  differences is `effect` of their standard deviations; both tails (noncentral t). */
double cnn_paired_power(int n, double effect, double alpha);
/** The smallest such effect > 0 that is found with the given power (alpha < power < 1). */
double cnn_paired_detectable(int n, double alpha, double power);

#endif
