/* SPDX-License-Identifier: Apache-2.0 */
/* The gain of blocking, over all comparisons of a measure. */
#include "analysis/parts.h"

#include <math.h>
#include <stdbool.h>

static cnn_blocking pool(const cnn_analysis *a, cnn_measure measure)
{
    cnn_blocking sum = {.gain = NAN, .removed = NAN};
    double df = 0;
    for (int i = 0; i < a->comparison_count; i++) {
        const cnn_comparison *x = cnn_analysis_comparison(a, i, measure);
        if (isnan(x->blocking_gain))
            continue;
        const double paired = x->paired_sd * x->paired_sd;
        sum.comparisons++;
        sum.blocks += x->units;
        sum.paired_variance += x->paired_df * paired;
        sum.unpaired_variance += x->paired_df * x->blocking_gain * paired;
        df += x->paired_df;
    }
    sum.paired_variance = df > 0 ? sum.paired_variance / df : NAN;
    sum.unpaired_variance = df > 0 ? sum.unpaired_variance / df : NAN;
    if (sum.paired_variance > 0) {
        sum.gain = sum.unpaired_variance / sum.paired_variance;
        sum.removed = 1 - 1 / sum.gain;
    }
    return sum;
}

void cnn_analysis_blocking(cnn_analysis *a)
{
    for (int m = 0; m < a->measure_count; m++)
        a->blocking[m] = pool(a, (cnn_measure)m);
}
