/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: selection of images, and conversion of pixels to f32. */
#include "gpu/kernels/batch.cuh"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/philox.cuh"

/* Block (x, y): image y, pixels 256 x ... */
template <class Pixel>
static __global__ void gather(cnn_gpu_images images, const int32_t *labels, int64_t pixels,
                              float *x, int32_t *y)
{
    cnn_wait_for_previous();
    const int64_t image = cnn_image_number(images.batch, blockIdx.y);
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < pixels)
        x[(int64_t)blockIdx.y * pixels + i] =
            (float)static_cast<const Pixel *>(images.pixels)[image * pixels + i] * images.scale;
    if (i == 0 && labels)
        y[blockIdx.y] = labels[image];
}

static __global__ void go_to(int64_t first, cnn_gpu_place *place)
{
    cnn_wait_for_previous();
    if (threadIdx.x == 0 && blockIdx.x == 0)
        place->forward.first = first;
}

static __global__ void shuffle_keys(uint64_t seed, uint32_t purpose, uint32_t epoch, int count,
                                    uint64_t *keys)
{
    cnn_wait_for_previous();
    CNN_EACH(i, (size_t)count)
    keys[i] = (uint64_t)cnn_device_philox(seed, purpose, epoch, i).x << 32 | (uint32_t)i;
}

static __global__ void keys_to_order(int count, const uint64_t *keys, int32_t *order)
{
    cnn_wait_for_previous();
    CNN_EACH(i, (size_t)count)
    order[i] = (int32_t)(keys[i] & 0xffffffffu);
}

cudaError_t cnn_gpu_gather(cudaStream_t stream, cnn_gpu_images images, const int32_t *labels, int n,
                           int64_t pixels, float *x, int32_t *y)
{
    const dim3 grid((unsigned)((pixels + CNN_BLOCK - 1) / CNN_BLOCK), (unsigned)n);
    return cnn_launch(images.is_u8 ? gather<uint8_t> : gather<float>, grid, CNN_BLOCK, 0, stream,
                      images, labels, pixels, x, y);
}

cudaError_t cnn_gpu_go_to(cudaStream_t stream, int64_t first, cnn_gpu_place *place)
{
    return cnn_launch(go_to, 1, CNN_WARP, 0, stream, first, place);
}

cudaError_t cnn_gpu_shuffle_keys(cudaStream_t stream, uint64_t seed, uint32_t purpose,
                                 uint32_t epoch, int count, uint64_t *keys)
{
    return cnn_launch(shuffle_keys, cnn_grid_for((size_t)count), CNN_BLOCK, 0, stream, seed,
                      purpose, epoch, count, keys);
}

cudaError_t cnn_gpu_keys_to_order(cudaStream_t stream, int count, const uint64_t *keys,
                                  int32_t *order)
{
    return cnn_launch(keys_to_order, cnn_grid_for((size_t)count), CNN_BLOCK, 0, stream, count, keys,
                      order);
}
