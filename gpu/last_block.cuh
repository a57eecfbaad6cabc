/** Reductions in one kernel: every block leaves its part in memory, and the one that comes last
 * adds the parts up, in the order of the blocks, so that the result does not depend on who was
 * last. */
#ifndef CNN_GPU_LAST_BLOCK_CUH
#define CNN_GPU_LAST_BLOCK_CUH

#include <cuda_runtime.h>

/** Whether this block is the last of `blocks` to get here; then it sees what all of them wrote
 *  before. All threads of the block call it. *ticket is 0 before the kernel, and again after it. */
__device__ static inline bool cnn_is_last_block(unsigned *ticket, unsigned blocks)
{
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        last = atomicAdd(ticket, 1u) == blocks - 1;
        if (last)
            *ticket = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

#endif
