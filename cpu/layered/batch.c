/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: shuffled order, and pixels as f32. */
#include "base/philox.h"
#include "cpu/kernels/kernels.h"
#include "cpu/onednn/device.h"

cnn_status cnn_batch_gather(cnn_ops *ops, cnn_pixel pixel, double scale, const void *images,
                            const int32_t *labels, const int32_t *order, int64_t first, int n,
                            int64_t pixels, float *x, int32_t *y)
{
#pragma omp parallel for num_threads(ops->config.threads) schedule(static)
    for (int i = 0; i < n; i++) {
        const int64_t image = order[first + i];
        float *to = x + (size_t)i * (size_t)pixels;
        if (pixel == CNN_PIXEL_U8)
            cnn_kernel_scale_u8((size_t)pixels, (float)scale,
                                (const uint8_t *)images + image * pixels, to);
        else
            cnn_kernel_scale_f32((size_t)pixels, (float)scale,
                                 (const float *)images + image * pixels, to);
        y[i] = labels[image];
    }
    return CNN_OK;
}

cnn_status cnn_batch_shuffle(cnn_ops *ops, uint64_t seed, uint32_t epoch, int count, int32_t *order)
{
    (void)ops;
    return cnn_random_order(seed, CNN_RANDOM_SHUFFLE, epoch, count, order);
}
