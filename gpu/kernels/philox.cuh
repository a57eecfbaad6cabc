/* SPDX-License-Identifier: Apache-2.0 */
/** base/philox.h on the device: Philox4x32-10 (Salmon et al., SC'11), the same numbers. */
#ifndef CNN_GPU_KERNELS_PHILOX_CUH
#define CNN_GPU_KERNELS_PHILOX_CUH

#include <cuda_runtime.h>
#include <stdint.h>

/** The four words of counter (index low, index high, epoch, purpose) under key (seed low, high). */
__device__ static inline uint4 cnn_device_philox(uint64_t seed, uint32_t purpose, uint32_t epoch,
                                                 uint64_t index)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = epoch, c3 = purpose;
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return make_uint4(c0, c1, c2, c3);
}

/** cnn_random_unit: uniform in (0, 1). */
__device__ static inline double cnn_device_unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

#endif
