/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax cross-entropy: one block with a warp for each image fixes the order of all sums. */
#include "gpu/kernels/batch.cuh"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/softmax.cuh"

enum { WARPS = CNN_BLOCK / CNN_WARP };

static __global__ void softmax_loss(int n, int classes, const float *logits, const float *bias,
                                    cnn_gpu_labels labels, float *dlogits, float *dbias,
                                    cnn_gpu_place *place, bool steps, cnn_gpu_counts *counts)
{
    cnn_wait_for_previous();
    __shared__ double losses[WARPS];
    __shared__ int wrongs[WARPS];
    const int lane = (int)threadIdx.x % CNN_WARP, warp = (int)threadIdx.x / CNN_WARP;
    double loss = 0.0;
    int wrong = 0;
    for (int image = warp; image < n; image += WARPS) {
        const size_t at = (size_t)image * (size_t)classes;
        const int label = labels.labels[cnn_image_number(labels.batch, image)];
        const cnn_image_loss mine = cnn_loss_of_image(n, classes, logits + at, bias, label, lane,
                                                      dlogits ? dlogits + at : nullptr);
        loss += mine.loss;
        wrong += mine.wrong;
    }
    if (lane == 0) {
        losses[warp] = loss;
        wrongs[warp] = wrong;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < WARPS; w++) {
            loss += losses[w];
            wrong += wrongs[w];
        }
        if (place)
            place->backward = place->forward;
        cnn_count_batch(counts, loss, wrong, n, place, steps);
    }
    for (int c = (int)threadIdx.x; dbias && c < classes; c += CNN_BLOCK)
        dbias[c] = cnn_bias_gradient_of_class(n, classes, dlogits, c);
}

cudaError_t cnn_gpu_softmax_loss(cudaStream_t stream, int n, int classes, const float *logits,
                                 const float *bias, cnn_gpu_labels labels, float *dlogits,
                                 float *dbias, cnn_gpu_place *place, bool steps,
                                 cnn_gpu_counts *counts)
{
    return cnn_launch(softmax_loss, 1, CNN_BLOCK, 0, stream, n, classes, logits, bias, labels,
                      dlogits, dbias, place, steps, counts);
}
