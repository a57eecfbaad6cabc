/* SPDX-License-Identifier: Apache-2.0 */
/** The one way in which kernels are launched, and how each begins. The tests' device brings a
 *  cnn_launch_with, a cnn_wait_for_previous and a cnn_dynamic_shared of its own, and defines
 *  CNN_EMULATED_DEVICE. */
#ifndef CNN_GPU_KERNELS_LAUNCH_CUH
#define CNN_GPU_KERNELS_LAUNCH_CUH

#include "gpu/kernels/launches.h"

#include <cuda_runtime.h>

#include <utility>

#ifndef CNN_EMULATED_DEVICE
#include <tuple>
#include <type_traits>

/** Queues kernel(args...) as the configuration says. */
template <class... P, class... A>
inline cudaError_t cnn_launch_with(const cudaLaunchConfig_t &config, void (*kernel)(P...),
                                   A &&...args)
{
    std::tuple<std::decay_t<P>...> values(std::forward<A>(args)...);
    return std::apply(
        [&](auto &...value) {
            void *pointers[] = {static_cast<void *>(&value)..., nullptr};
            return cudaLaunchKernelExC(&config, reinterpret_cast<const void *>(kernel), pointers);
        },
        values);
}

/** The first statement of every kernel: one that is launched as a dependent
 *  (gpu/kernels/launches.h) may begin before the kernel directly before it has ended. After this
 *  call that kernel is complete and what it wrote is visible. This is not transitive by itself:
 *  work before that kernel is known to be complete only because that kernel, one of ours, called
 *  this function too. A library's kernel that never waits would break the chain, so nothing is
 *  launched as its dependent.
 *
 *  Hence no __restrict__ at a pointer to const, and no __ldg: they promise that nobody writes
 *  the memory while the kernel runs. The kernel before may still do so, and such loads may be
 *  moved before this call or read stale data from a cache. */
__device__ static inline void cnn_wait_for_previous()
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaGridDependencySynchronize();
#endif
}

/** The block's dynamic shared memory. */
template <class T> __device__ inline T *cnn_dynamic_shared()
{
    extern __shared__ __align__(16) unsigned char cnn_shared_bytes[];
    return reinterpret_cast<T *>(cnn_shared_bytes);
}
#endif

/** Queues kernel(args...) on the stream, as a dependent where cnn_gpu_launches_dependents says so;
 *  returns the launch's error. */
template <class... P, class... A>
inline cudaError_t cnn_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                              cudaStream_t stream, A &&...args)
{
    cudaLaunchAttribute dependent = {};
    dependent.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    dependent.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &dependent;
    config.numAttrs = cnn_gpu_launches_dependents(stream) ? 1 : 0;
    const cudaError_t error = cnn_launch_with(config, kernel, std::forward<A>(args)...);
    if (error == cudaSuccess)
        cnn_gpu_launched(stream);
    return error;
}

enum { CNN_BLOCK = 256, CNN_WARP = 32 };

/** Bytes of shared memory that a block can have on every GPU since Ampere, once its kernel has been
 *  allowed to: always as many, as the last permission holds for all of the kernel's launches. */
enum { CNN_SHARED_MOST = 99 * 1024 };

/** Blocks of CNN_BLOCK threads for n items, few enough for loops with the grid as stride. */
static inline dim3 cnn_grid_for(size_t n)
{
    const size_t most = 4096, blocks = (n + CNN_BLOCK - 1) / CNN_BLOCK;
    return dim3(static_cast<unsigned>(blocks == 0 ? 1 : blocks < most ? blocks : most));
}

/** The loop of a thread over items 0 .. n-1. */
#define CNN_EACH(i, n)                                                                             \
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n);                        \
         i += (size_t)gridDim.x * blockDim.x)

#endif
