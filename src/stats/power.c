#include "stats/power.h"

#include "stats/dist.h"

#include <math.h>

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
