/** Descriptive statistics and two-sample tests. NaN where the sample is too small. */
#ifndef CNN_STATS_SUMMARY_H
#define CNN_STATS_SUMMARY_H

double cnn_mean(const double *x, int n);
/** Two-pass, n - 1 in the denominator. */
double cnn_variance(const double *x, int n);

typedef struct {
    double t, df, p; /* two-sided */
} cnn_t_test;

/** Welch's t test (Welch 1947; Satterthwaite's degrees of freedom) from samples or from moments. */
cnn_t_test cnn_welch_test(const double *x, int nx, const double *y, int ny);
cnn_t_test cnn_welch_test_moments(double mean_x, double var_x, int nx, double mean_y, double var_y,
                                  int ny);

#endif
