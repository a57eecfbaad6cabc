/* Batches: which images, and from pixels to f32. */
#include "gpu/gpu_kernels.h"
#include "gpu/launch.cuh"
#include "gpu/philox.cuh"

/* Block (x, y): image y, pixels 256 x ... */
template <class Pixel>
static __global__ void gather(float scale, const Pixel *images, const int32_t *labels,
                              const int32_t *order, cnn_gpu_place *place, bool counts,
                              int64_t first, int64_t pixels, float *x, int32_t *y)
{
    cnn_wait_for_previous();
    const int64_t start = place ? place->first : first;
    const int64_t image = order[start + (int64_t)blockIdx.y];
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < pixels)
        x[(int64_t)blockIdx.y * pixels + i] = (float)images[image * pixels + i] * scale;
    if (i == 0)
        y[blockIdx.y] = labels[image];
    if (place && i == 0 && blockIdx.y == 0) { /* what no other thread of this kernel reads */
        place->step = place->started;
        place->started += counts;
    }
}

static __global__ void go_to(int64_t first, cnn_gpu_place *place)
{
    cnn_wait_for_previous();
    if (threadIdx.x == 0 && blockIdx.x == 0)
        place->first = first;
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

cudaError_t cnn_gpu_gather(cudaStream_t stream, bool is_u8, double scale, const void *images,
                           const int32_t *labels, const int32_t *order, cnn_gpu_place *place,
                           bool counts, int64_t first, int n, int64_t pixels, float *x, int32_t *y)
{
    const dim3 grid((unsigned)((pixels + CNN_BLOCK - 1) / CNN_BLOCK), (unsigned)n);
    if (is_u8)
        return cnn_launch(gather<uint8_t>, grid, CNN_BLOCK, 0, stream, (float)scale,
                          static_cast<const uint8_t *>(images), labels, order, place, counts, first,
                          pixels, x, y);
    return cnn_launch(gather<float>, grid, CNN_BLOCK, 0, stream, (float)scale,
                      static_cast<const float *>(images), labels, order, place, counts, first,
                      pixels, x, y);
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
