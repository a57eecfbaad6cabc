/* SPDX-License-Identifier: Apache-2.0 */
/** Winograd's F(4x4, 5x5) as an own convolution, in every direction. */
#ifndef CNN_GPU_CONVOLUTION_WINOGRAD_H
#define CNN_GPU_CONVOLUTION_WINOGRAD_H

#include "gpu/convolution/own.h"

extern const cnn_own_convolution cnn_winograd_convolution;

#endif
