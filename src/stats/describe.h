/* SPDX-License-Identifier: Apache-2.0 */
/** One sample by itself: moments, order statistics, outliers. */
#ifndef CNN_STATS_DESCRIBE_H
#define CNN_STATS_DESCRIBE_H

#include "base/status.h"
#include "stats/outcome.h"

/** n = 0: CNN_STAT_TOO_FEW, all NaN. n = 1: the same outcome, with mean, median, quantiles, min
 *  and max; variance, sd, cv and the mean's interval are NaN. Constant: CNN_STAT_IDENTICAL,
 *  sd 0, the mean's interval is a point. */
typedef struct {
    cnn_stat_outcome outcome;
    int n;
    double mean, variance, sd;  /* n - 1 in the denominator */
    double cv;                  /* sd / |mean|; NaN where the mean is 0 */
    cnn_interval mean_interval; /* mean -+ t(n - 1) sd / sqrt(n) */
    double median;
    cnn_interval median_interval; /* order statistics l and n + 1 - l, the largest l that covers the
                                     median with at least `level` by the binomial(n, 1/2); min and
                                     max where none does (n < 6 at 95 %) */
    double median_level;          /* the coverage that median_interval has, exactly */
    double p5, quartile_1, quartile_3, p95; /* cnn_quantile */
    double min, max;
} cnn_description;

cnn_status cnn_describe(const double *x, int n, double level, cnn_description *out);

/** Quantile of a sorted sample by linear interpolation between order statistics (type 7 of Hyndman
 *  and Fan 1996: R's and NumPy's default). NaN where n = 0 or p is outside [0, 1]. */
double cnn_quantile(const double *sorted, int n, double p);

/** Tukey's fences: quartile 1 - 1.5 iqr and quartile 3 + 1.5 iqr; a value beyond is an outlier.
 *  Quartiles of type 7. NaN and no outliers where n < 4 or a value is not finite. */
typedef struct {
    cnn_stat_outcome outcome;
    cnn_interval fences;
    int outlier_count;
} cnn_outliers;

/** outliers  [n] room for the indices into x of the outliers, ascending; may be NULL */
cnn_status cnn_find_outliers(const double *x, int n, cnn_outliers *out, int *outliers);

#endif
