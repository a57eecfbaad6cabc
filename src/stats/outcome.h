/* SPDX-License-Identifier: Apache-2.0 */
/** The outcome that every statistic of this folder has beside its numbers.
 *
 *  Rules that hold for all of them:
 *  - Values are taken as they are: failed runs and missing values are left out by the caller. Where
 *    a NaN or an infinity is among them the outcome is CNN_STAT_NOT_FINITE.
 *  - Unless the header of a function says otherwise, numbers are NaN whenever the outcome is not
 *    CNN_STAT_OK or CNN_STAT_IDENTICAL; what can be said is filled in all the same (a
 *    difference of constant samples, for example).
 *  - p values are two-sided. `level` is the coverage of intervals, 0.95 as a rule.
 *  - A function that needs scratch memory returns a cnn_status (CNN_OK or CNN_ENOMEM) and fills
 *    *out; the others return their result. n = 0 with NULL is allowed.
 *  - "Constant" is meant up to rounding: see cnn_nearly_constant. */
#ifndef CNN_STATS_OUTCOME_H
#define CNN_STATS_OUTCOME_H

#include <stdbool.h>

typedef enum {
    CNN_STAT_OK,
    CNN_STAT_TOO_FEW,    /* fewer values than the method needs */
    CNN_STAT_NOT_FINITE, /* a value is not a finite number */
    CNN_STAT_IDENTICAL,  /* no spread, and nothing differs: p = 1 by definition */
    /* No spread where the method divides by it, but a difference: p is NaN, no verdict. */
    CNN_STAT_NO_VARIANCE,
    CNN_STAT_DOMAIN, /* an argument outside its domain: level, margin, alpha */
} cnn_stat_outcome;

typedef struct {
    double low, high;
} cnn_interval;

/** Whether a standard error is nothing but rounding of values as large as `magnitude`: below ten
 *  units of rounding of it, as in R's t.test. */
bool cnn_nearly_constant(double standard_error, double magnitude);

/** Whether all n values are finite. */
bool cnn_all_finite(const double *x, int n);
/** Whether n pairs can be tested at all: CNN_STAT_NOT_FINITE, CNN_STAT_TOO_FEW if there are fewer
 *  than `least`, else CNN_STAT_OK. */
cnn_stat_outcome cnn_outcome_of_pairs(const double *x, const double *y, int n, int least);

#endif
