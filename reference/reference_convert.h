/* SPDX-License-Identifier: Apache-2.0 */
/** Between a backend's floats and the reference's doubles. */
#ifndef CNN_REFERENCE_REFERENCE_CONVERT_H
#define CNN_REFERENCE_REFERENCE_CONVERT_H

#include "reference.h"

#include <stdlib.h>

/** A copy in double precision; the caller frees it. */
static inline double *widen(const float *from, size_t n)
{
    double *to = ref_alloc(n, sizeof *to);
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
    return to;
}

/** Rounds a copy into `to`, and frees it. */
static inline void narrow_and_free(double *from, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
    free(from);
}

#endif
