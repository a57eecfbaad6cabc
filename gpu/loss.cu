/* Softmax cross-entropy: one block, a warp for each image, so that all sums have one order. */
#include "gpu/gpu_kernels.h"
#include "gpu/launch.cuh"

enum { WARPS = CNN_BLOCK / CNN_WARP };
static const unsigned ALL_LANES = 0xffffffffu;

/* Largest logit and the first class that has it, over the lanes of a warp. */
struct best {
    float value;
    int where;
};

__device__ static inline best best_of_warp(best mine)
{
    for (int offset = CNN_WARP / 2; offset > 0; offset /= 2) {
        const float value = __shfl_xor_sync(ALL_LANES, mine.value, offset);
        const int where = __shfl_xor_sync(ALL_LANES, mine.where, offset);
        if (value > mine.value || (value == mine.value && where < mine.where)) {
            mine.value = value;
            mine.where = where;
        }
    }
    return mine;
}

__device__ static inline float sum_of_warp(float mine)
{
    for (int offset = CNN_WARP / 2; offset > 0; offset /= 2)
        mine += __shfl_xor_sync(ALL_LANES, mine, offset);
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
    for (int c = lane; c < classes; c += CNN_WARP)
        if (logit(logits, bias, c) > mine.value || mine.where == classes) {
            mine.value = logit(logits, bias, c);
            mine.where = c;
        }
    return best_of_warp(mine);
}

static __global__ void softmax_loss(int n, int classes, const float *logits, const float *bias,
                                    const int32_t *labels, float *dlogits, float *dbias,
                                    cnn_gpu_place *place, cnn_gpu_counts *counts)
{
    cnn_wait_for_previous();
    __shared__ double losses[WARPS];
    __shared__ int wrongs[WARPS];
    const int lane = (int)threadIdx.x % CNN_WARP, warp = (int)threadIdx.x / CNN_WARP;
    double loss = 0.0;
    int wrong = 0;
    for (int image = warp; image < n; image += WARPS) {
        const float *z = logits + (size_t)image * (size_t)classes;
        const int label = labels[image];
        const best top = best_of_image(classes, z, bias, lane);
        float sum = 0.0f;
        for (int c = lane; c < classes; c += CNN_WARP)
            sum += expf(logit(z, bias, c) - top.value);
        sum = sum_of_warp(sum);
        loss += log((double)sum) - ((double)logit(z, bias, label) - (double)top.value);
        wrong += top.where != label;
        for (int c = lane; dlogits && c < classes; c += CNN_WARP)
            dlogits[(size_t)image * (size_t)classes + (size_t)c] =
                (expf(logit(z, bias, c) - top.value) / sum - (c == label ? 1.0f : 0.0f)) / (float)n;
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
        counts->loss_sum += loss;
        counts->errors += wrong;
        counts->images += n;
        if (place)
            place->first += n;
    }
    for (int c = (int)threadIdx.x; dbias && c < classes; c += CNN_BLOCK) {
        double slope = 0.0;
        for (int image = 0; image < n; image++)
            slope += (double)dlogits[(size_t)image * (size_t)classes + (size_t)c];
        dbias[c] = (float)slope;
    }
}

cudaError_t cnn_gpu_softmax_loss(cudaStream_t stream, int n, int classes, const float *logits,
                                 const float *bias, const int32_t *labels, float *dlogits,
                                 float *dbias, cnn_gpu_place *place, cnn_gpu_counts *counts)
{
    return cnn_launch(softmax_loss, 1, CNN_BLOCK, 0, stream, n, classes, logits, bias, labels,
                      dlogits, dbias, place, counts);
}
