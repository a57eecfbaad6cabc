/* SPDX-License-Identifier: Apache-2.0 */
/** Asynchronous copies from global to shared memory (cp.async): a thread starts them and later
 *  waits. Other threads see its copies after a barrier that follows the wait. */
#ifndef CNN_GPU_KERNELS_ASYNC_COPY_CUH
#define CNN_GPU_KERNELS_ASYNC_COPY_CUH

#include <cuda_runtime.h>

#ifdef CNN_EMULATED_DEVICE
/* Copies happen at the wait and no sooner: until then shared memory holds NaN. */
class cnn_async_copies
{
    struct one {
        float *to;
        float values[4];
        int count;
    };
    std::vector<one> pending_;

    void start(float *to, const float *from, bool inside, int count)
    {
        one copy = {to, {}, count};
        for (int i = 0; i < count; i++) {
            if (inside)
                copy.values[i] = from[i];
            to[i] = NAN;
        }
        pending_.push_back(copy);
    }

  public:
    void one_float(float *to, const float *from, bool inside)
    {
        start(to, from, inside, 1);
    }
    void four_floats(float *to, const float *from, bool inside)
    {
        start(to, from, inside, 4);
    }
    void wait()
    {
        for (const one &copy : pending_)
            std::copy(copy.values, copy.values + copy.count, copy.to);
        pending_.clear();
    }
};
#else
class cnn_async_copies
{
    __device__ static inline unsigned address(const float *shared)
    {
        return (unsigned)__cvta_generic_to_shared(shared);
    }

  public:
    /** *to = inside ? *from : 0. from always points into an allocation. */
    __device__ inline void one_float(float *to, const float *from, bool inside)
    {
        const int bytes = inside ? 4 : 0;
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address(to)), "l"(from),
                     "r"(bytes)
                     : "memory");
    }
    /** Four of them, 16-byte aligned on both sides. */
    __device__ inline void four_floats(float *to, const float *from, bool inside)
    {
        const int bytes = inside ? 16 : 0;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address(to)), "l"(from),
                     "r"(bytes)
                     : "memory");
    }
    /** Waits for all copies that this thread has started. */
    __device__ inline void wait()
    {
        asm volatile("cp.async.wait_all;" ::: "memory");
    }
};
#endif
#endif
