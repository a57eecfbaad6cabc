#include "stats/summary.h"

#include "stats/dist.h"

#include <math.h>

double cnn_mean(const double *x, int n)
{
    if (n < 1)
        return NAN;
    double sum = 0, rest = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    const double mean = sum / n;
    for (int i = 0; i < n; i++) /* takes back what rounding has lost */
        rest += x[i] - mean;
    return mean + rest / n;
}

double cnn_variance(const double *x, int n)
{
    if (n < 2)
        return NAN;
    const double mean = cnn_mean(x, n);
    double squares = 0, rest = 0;
    for (int i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
        rest += x[i] - mean;
    }
    return (squares - rest * rest / n) / (n - 1);
}

cnn_t_test cnn_welch_test(const double *x, int nx, const double *y, int ny)
{
    return cnn_welch_test_moments(cnn_mean(x, nx), cnn_variance(x, nx), nx, cnn_mean(y, ny),
                                  cnn_variance(y, ny), ny);
}

cnn_t_test cnn_welch_test_moments(double mean_x, double var_x, int nx, double mean_y, double var_y,
                                  int ny)
{
    cnn_t_test test = {NAN, NAN, NAN};
    if (nx < 2 || ny < 2)
        return test;
    const double x = var_x / nx, y = var_y / ny; /* squared standard errors */
    test.t = (mean_x - mean_y) / sqrt(x + y);
    test.df = (x + y) * (x + y) / (x * x / (nx - 1) + y * y / (ny - 1));
    test.p = cnn_student_two_sided(test.t, test.df);
    return test;
}

double cnn_paired_power(int n, double effect, double alpha)
{
    if (n < 2 || !(alpha > 0 && alpha < 1))
        return NAN;
    const double df = n - 1, delta = effect * sqrt(n);
    const double critical = cnn_student_quantile(1 - alpha / 2, df);
    return 1 - cnn_student_noncentral(critical, df, delta) +
           cnn_student_noncentral(-critical, df, delta);
}

double cnn_paired_detectable(int n, double alpha, double power)
{
    if (n < 2 || !(alpha > 0 && alpha < power && power < 1))
        return NAN;
    double low = 0, high = 1;
    while (high < 1e6 && cnn_paired_power(n, high, alpha) < power)
        high *= 2;
    for (int i = 0; i < 100 && high - low > 1e-14 * high; i++) {
        const double middle = (low + high) / 2;
        if (cnn_paired_power(n, middle, alpha) < power)
            low = middle;
        else
            high = middle;
    }
    /* not found, or the distribution gave up on the way */
    return fabs(cnn_paired_power(n, high, alpha) - power) < 1e-6 ? (low + high) / 2 : NAN;
}
