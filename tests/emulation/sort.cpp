/* SPDX-License-Identifier: Apache-2.0 */
/* gpu/kernels/sort.cu, which only nvcc compiles, for the emulated device. */
#include "emulation/state.h"

#include "gpu/kernels/kernels.h"

#include <algorithm>

cudaError_t cnn_gpu_sort(cudaStream_t stream, int count, const uint64_t *keys, uint64_t *sorted,
                         void *scratch, size_t *scratch_bytes)
{
    const size_t bytes = (size_t)count * sizeof *keys;
    if (!scratch) {
        *scratch_bytes = bytes;
        return cudaSuccess;
    }
    if (emulated::fails("cnn_gpu_sort") || *scratch_bytes < bytes)
        return emulated::result(cudaErrorInvalidValue);
    return emulated::result(emulated::submit(stream, "a sort", cudaGraphNodeTypeKernel, [=]() {
        emulated::DeviceAccess access;
        std::copy(keys, keys + count, sorted);
        std::sort(sorted, sorted + count);
    }));
}
