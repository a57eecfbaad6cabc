/* SPDX-License-Identifier: Apache-2.0 */
/** Declared looks at the data: which blocks each of them uses. */
#ifndef CNN_JOB_LOOKS_H
#define CNN_JOB_LOOKS_H

#include <math.h>

/** The look at a fraction of `planned` blocks of each combination uses those with a repeat below
 *  the result: whole seeds where `step` blocks share one. At least one seed. */
static inline int cnn_look_blocks(double fraction, int planned, int step)
{
    const int seeds = (planned + step - 1) / step;
    int used = (int)ceil(fraction * seeds - 1e-9);
    used = used < 1 ? 1 : used;
    return used * step < planned ? used * step : planned;
}

#endif
