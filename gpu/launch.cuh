/** The one way in which kernels are launched. The tests' device brings a cnn_launch of its own and
 *  defines CNN_EMULATED_DEVICE. */
#ifndef CNN_GPU_LAUNCH_CUH
#define CNN_GPU_LAUNCH_CUH

#include <cuda_runtime.h>

#ifndef CNN_EMULATED_DEVICE
#include <tuple>
#include <type_traits>
#include <utility>

/** Queues kernel(args...) on the stream; returns what cudaLaunchKernel returns. */
template <class... P, class... A>
inline cudaError_t cnn_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                              cudaStream_t stream, A &&...args)
{
    std::tuple<std::decay_t<P>...> values(std::forward<A>(args)...);
    return std::apply(
        [&](auto &...value) {
            void *pointers[] = {static_cast<void *>(&value)...};
            return cudaLaunchKernel(reinterpret_cast<const void *>(kernel), grid, block, pointers,
                                    shared_bytes, stream);
        },
        values);
}

/** The block's dynamic shared memory. */
template <class T> __device__ inline T *cnn_dynamic_shared()
{
    extern __shared__ __align__(16) unsigned char cnn_shared_bytes[];
    return reinterpret_cast<T *>(cnn_shared_bytes);
}
#endif

enum { CNN_BLOCK = 256, CNN_WARP = 32 };

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
