/* SPDX-License-Identifier: Apache-2.0 */
/** Level x session: whether a level's distance from the control varies from session to session of
 *  one file. A difference of differences assumes that it does not; two sessions of a file can show
 *  that it does. */
#ifndef CNN_CHANGES_SESSION_EFFECTS_H
#define CNN_CHANGES_SESSION_EFFECTS_H

#include "changes/estimate.h"

/** NaN and 0 where neither file has two sessions that its devices and positions tell apart, or no
 *  degree of freedom is left for the error. */
typedef struct {
    int df, error_df;    /* of sessions; of the error */
    double sd;           /* of a session, analysed scale; 0: not above the error */
    double lower, upper; /* interval of sd: the ratios of variances that F does not reject */
    double f, p;         /* of sd = 0 */
} cnn_session_effects;

/** Of each file whose values are on several devices, each device in each session is one value, its
 *  mean; of one device, each value. Residual sums of squares of the models devices + positions and
 *  devices + positions + sessions give F; both files are pooled. sd^2 = (mean square of sessions -
 *  of the error) / n0, n0 the mean square of a session's indicator free of devices and positions,
 *  summed over sessions and divided by df. level: of the interval. */
cnn_status cnn_change_session_effects(const cnn_change_sample *s, double level,
                                      cnn_session_effects *out);

#endif
