/* SPDX-License-Identifier: Apache-2.0 */
/** Shapiro and Wilk's test of normality. */
#ifndef CNN_STATS_NORMALITY_H
#define CNN_STATS_NORMALITY_H

#include "base/status.h"
#include "stats/outcome.h"

enum { CNN_NORMALITY_LEAST = 3, CNN_NORMALITY_MOST = 5000 };

/** W by Royston's approximation (1995, algorithm AS R94), as R's shapiro.test. Fewer than 3 values or
 *  more than 5,000: CNN_STAT_TOO_FEW, CNN_STAT_DOMAIN; all values equal: CNN_STAT_NO_VARIANCE. */
typedef struct {
    cnn_stat_outcome outcome;
    double w, p;
} cnn_normality;
cnn_status cnn_shapiro_wilk(const double *x, int n, cnn_normality *out);

#endif
