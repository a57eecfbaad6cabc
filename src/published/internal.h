/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this folder share; not for others. */
#ifndef CNN_PUBLISHED_INTERNAL_H
#define CNN_PUBLISHED_INTERNAL_H

#include "published/published.h"

/** Two-sided p of a ratio of two variances of 15 runs each; 0 at 0 and infinity. */
double cnn_published_f_p(double ratio);

/** Fills everything but `results`, from them. */
cnn_status cnn_published_judge_claims(cnn_published *p);

#endif
