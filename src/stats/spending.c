/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/spending.h"

#include "stats/dist.h"

#include <math.h>

double cnn_spent_alpha(double alpha, double fraction)
{
    if (!(alpha > 0 && alpha < 1) || !(fraction >= 0))
        return NAN;
    if (fraction >= 1)
        return alpha;
    const double z = -cnn_normal_quantile(alpha / 2);
    return fraction > 0 ? 2 * cnn_normal_cdf(-z / sqrt(fraction)) : 0;
}

double cnn_look_alpha(double alpha, const double *fractions, int k)
{
    return cnn_spent_alpha(alpha, fractions[k]) -
           (k > 0 ? cnn_spent_alpha(alpha, fractions[k - 1]) : 0);
}
