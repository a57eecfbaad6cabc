/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/outcome.h"

#include <float.h>
#include <math.h>

bool cnn_nearly_constant(double standard_error, double magnitude)
{
    return standard_error <= 10 * DBL_EPSILON * fabs(magnitude);
}

bool cnn_all_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

cnn_stat_outcome cnn_outcome_of_pairs(const double *x, const double *y, int n, int least)
{
    if (!cnn_all_finite(x, n) || !cnn_all_finite(y, n))
        return CNN_STAT_NOT_FINITE;
    return n < least ? CNN_STAT_TOO_FEW : CNN_STAT_OK;
}
