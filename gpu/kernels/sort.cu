/* SPDX-License-Identifier: Apache-2.0 */
/* CUB's radix sort behind C, in a file of its own: only nvcc can compile it. */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launches.h"

#include <cub/device/device_radix_sort.cuh>

cudaError_t cnn_gpu_sort(cudaStream_t stream, int count, const uint64_t *keys, uint64_t *sorted,
                         void *scratch, size_t *scratch_bytes)
{
    return cub::DeviceRadixSort::SortKeys(scratch, *scratch_bytes, keys, sorted, count, 0, 64,
                                          cnn_gpu_foreign(stream));
}
