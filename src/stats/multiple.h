/* SPDX-License-Identifier: Apache-2.0 */
/** Many tests at once. */
#ifndef CNN_STATS_MULTIPLE_H
#define CNN_STATS_MULTIPLE_H

#include "base/status.h"

/** Holm's step-down adjustment (Holm 1979; R's p.adjust): at most 1, monotone in p.
 *  p         [n] p values of one family; NaN: no test was possible, such a member is left out
 *  adjusted  [n] adjusted p values, NaN where p is; may be p itself
 *  left_out  number of NaN members; the family has n - left_out; may be NULL */
cnn_status cnn_holm(const double *p, int n, double *adjusted, int *left_out);

#endif
