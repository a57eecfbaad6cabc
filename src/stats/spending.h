/* SPDX-License-Identifier: Apache-2.0 */
/** How an overall level is spent over planned interim looks at the data. */
#ifndef CNN_STATS_SPENDING_H
#define CNN_STATS_SPENDING_H

/** The spending function of Lan and DeMets (1983) that resembles O'Brien and Fleming's boundaries:
 *      alpha(t) = 2 - 2 Phi(z(1 - alpha / 2) / sqrt(t))
 *  at the information fraction t: 0 at 0, alpha from 1 on. NaN unless 0 < alpha < 1 and t >= 0. */
double cnn_spent_alpha(double alpha, double fraction);

/** The level of look k (from 0) of looks at increasing fractions [k + 1]: the increment of that
 *  function. A test at this level in each look finds something false in at most alpha of studies,
 *  whatever the test, by the union bound. */
double cnn_look_alpha(double alpha, const double *fractions, int k);

#endif
