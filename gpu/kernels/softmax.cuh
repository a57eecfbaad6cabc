/* SPDX-License-Identifier: Apache-2.0 */
/** Softmax cross-entropy of an image by a warp, and the end of a batch's; for loss.cu and
 *  classifier.cu. */
#ifndef CNN_GPU_KERNELS_SOFTMAX_CUH
#define CNN_GPU_KERNELS_SOFTMAX_CUH

#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"

static const unsigned CNN_ALL_LANES = 0xffffffffu;

/** Over the lanes of a warp, in an order of its own; every lane has the sum. */
template <class T> __device__ static inline T cnn_sum_of_warp(T mine)
{
    for (int offset = CNN_WARP / 2; offset > 0; offset /= 2)
        mine += __shfl_xor_sync(CNN_ALL_LANES, mine, offset);
    return mine;
}

namespace cnn_softmax
{

/* Largest logit and the first class that has it, over the lanes of a warp. */
struct best {
    float value;
    int where;
};

__device__ static inline best best_of_warp(best mine)
{
    for (int offset = CNN_WARP / 2; offset > 0; offset /= 2) {
        const float value = __shfl_xor_sync(CNN_ALL_LANES, mine.value, offset);
        const int where = __shfl_xor_sync(CNN_ALL_LANES, mine.where, offset);
        if (value > mine.value || (value == mine.value && where < mine.where)) {
            mine.value = value;
            mine.where = where;
        }
    }
    return mine;
}

__device__ static inline float logit(const float *logits, const float *bias, int c)
{
    return bias ? logits[c] + bias[c] : logits[c];
}

__device__ static inline best best_of_image(int classes, const float *logits, const float *bias,
                                            int lane)
{
    best mine = {-INFINITY, classes};
#pragma unroll 1 /* once around, usually */
    for (int c = lane; c < classes; c += CNN_WARP)
        if (logit(logits, bias, c) > mine.value || mine.where == classes) {
            mine.value = logit(logits, bias, c);
            mine.where = c;
        }
    return best_of_warp(mine);
}

} // namespace cnn_softmax

/** An image's share of the counts. */
struct cnn_image_loss {
    double loss;
    int wrong;
};

/** Loss of one of n images by the lanes of a warp, the same in all of them.
 *  logits   [classes] (+ bias [classes] unless NULL)
 *  dlogits  [classes] unless NULL: the gradient of the batch's mean loss */
__device__ static inline cnn_image_loss cnn_loss_of_image(int n, int classes, const float *logits,
                                                          const float *bias, int label, int lane,
                                                          float *dlogits)
{
    using namespace cnn_softmax;
    const best top = best_of_image(classes, logits, bias, lane);
    float sum = 0.0f;
#pragma unroll 1 /* once around, usually */
    for (int c = lane; c < classes; c += CNN_WARP)
        sum += expf(logit(logits, bias, c) - top.value);
    sum = cnn_sum_of_warp(sum);
#pragma unroll 1 /* once around, usually */
    for (int c = lane; dlogits && c < classes; c += CNN_WARP)
        dlogits[c] = (expf(logit(logits, bias, c) - top.value) / sum - (c == label ? 1.0f : 0.0f)) /
                     (float)n;
    return {log((double)sum) - ((double)logit(logits, bias, label) - (double)top.value),
            top.where != label};
}

/** dbias of class c: the sum of its column of dlogits [n, classes], in the order of the images. */
__device__ static inline float cnn_bias_gradient_of_class(int n, int classes, const float *dlogits,
                                                          int c)
{
    double gradient = 0.0;
    for (int image = 0; image < n; image++)
        gradient += (double)dlogits[(size_t)image * (size_t)classes + (size_t)c];
    return (float)gradient;
}

/** Adds a batch of n images to the counts and advances to the next one; called by one thread. */
__device__ static inline void cnn_count_batch(cnn_gpu_counts *counts, double loss, int64_t wrong,
                                              int n, cnn_gpu_place *place, bool steps)
{
    counts->loss_sum += loss;
    counts->errors += wrong;
    counts->images += n;
    if (!place)
        return;
    place->forward.first += n;
    place->forward.step += steps;
}

#endif
