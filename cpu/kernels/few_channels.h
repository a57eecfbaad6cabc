/* SPDX-License-Identifier: Apache-2.0 */
/** Weight gradient of a convolution over few input channels (the first layer's). oneDNN's kernels
 *  for vectors of 8 would pad the channels. */
#ifndef CNN_CPU_KERNELS_FEW_CHANNELS_H
#define CNN_CPU_KERNELS_FEW_CHANNELS_H

#include "cpu/kernels/blocked.h"

enum { CNN_FEW_CHANNELS_MAX_KERNEL = 5, CNN_FEW_CHANNELS_MAX_CHANNELS = 4 };

typedef struct {
    int h, w;     /* of the result */
    size_t row;   /* pixels of a row of the padded image */
    size_t width; /* input channels */
    size_t block; /* values between pixels of dy */
} cnn_few_channels;

/** One image, `lanes` (8 or 16) filters: x, a padded image [h + k - 1, row, width]; dy [h, w,
 *  block] from the first filter's lane on; added to dw [kernel, width, kernel, lanes] and db
 *  [lanes]. kernel: 3 or 5. */
void cnn_kernel_few_channels_weights(int kernel, int lanes, const cnn_few_channels *f,
                                     const float *x, const float *dy, float *dw, float *db);

#endif
