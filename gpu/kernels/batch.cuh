/* SPDX-License-Identifier: Apache-2.0 */
/** Batches, read where the data set has them. */
#ifndef CNN_GPU_KERNELS_BATCH_CUH
#define CNN_GPU_KERNELS_BATCH_CUH

#include "gpu/kernels/kernels.h"

/** The number in the data set of image i of the batch. */
__device__ static inline int64_t cnn_image_number(cnn_gpu_batch batch, int64_t i)
{
    const int64_t at = batch.first ? *batch.first + i : i;
    return batch.order ? batch.order[at] : at;
}

#endif
