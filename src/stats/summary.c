#include "stats/summary.h"

#include "stats/dist.h"

#include <math.h>

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
