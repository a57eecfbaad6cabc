/* SPDX-License-Identifier: Apache-2.0 */
/** The first of the largest values of a window; NaN is larger than any other. */
#ifndef CNN_GPU_KERNELS_MAXIMUM_CUH
#define CNN_GPU_KERNELS_MAXIMUM_CUH

#include "gpu/kernels/kernels.h"

struct cnn_maximum {
    float value = 0.0f;
    int where = -1; /* nothing seen yet */

    __device__ inline void see(float v, int at)
    {
        if (where < 0 || v > value || (v != v && value == value)) {
            value = v;
            where = at;
        }
    }

    /** Leaves the result, after a ReLU if there is one, and its mask unless that is NULL. */
    __device__ inline void leave(bool relu, float *y, uint8_t *mask) const
    {
        const bool cut = relu && !(value > 0.0f);
        *y = cut ? 0.0f : value;
        if (mask)
            *mask = (uint8_t)(cut ? (int)CNN_GPU_NOWHERE : where);
    }
};

#endif
