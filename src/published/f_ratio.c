/* SPDX-License-Identifier: Apache-2.0 */
#include "published/internal.h"
#include "stats/dist.h"

#include <math.h>

double cnn_published_f_p(double ratio)
{
    const double degrees = CNN_PUBLISHED_RUNS - 1;
    if (isinf(ratio) || ratio == 0)
        return 0;
    const double lower = cnn_f_cdf(ratio, degrees, degrees),
                 upper = cnn_f_sf(ratio, degrees, degrees);
    return fmin(1, 2 * fmin(lower, upper));
}
