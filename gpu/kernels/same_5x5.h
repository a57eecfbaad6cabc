/* SPDX-License-Identifier: Apache-2.0 */
/** Shapes that our kernels for many channels support. */
#ifndef CNN_GPU_KERNELS_SAME_5X5_H
#define CNN_GPU_KERNELS_SAME_5X5_H

#include "gpu/kernels/kernels.h"

/** 5x5, stride 1, 'same'; channels and filters in fours, tensors that an int can count. */
static inline bool cnn_is_same_5x5(cnn_gpu_convolution s)
{
    const size_t most = (size_t)1 << 31, places = (size_t)s.n * (size_t)s.h * (size_t)s.w;
    return s.kernel == 5 && s.stride == 1 && s.pad_top == 2 && s.pad_left == 2 && s.out_h == s.h &&
           s.out_w == s.w && s.c % 4 == 0 && s.out_c % 4 == 0 && places * (size_t)s.c < most &&
           places * (size_t)s.out_c < most;
}

/** Whether the pool behind it is 2x2 and its windows tile the results. */
static inline bool cnn_is_2x2_pool(cnn_gpu_convolution s, cnn_gpu_windows pool)
{
    return pool.kernel == 2 && pool.stride == 2 && pool.pad_top == 0 && pool.pad_left == 0 &&
           pool.h == s.h && pool.w == s.w && cnn_gpu_windows_tile(pool);
}

#endif
