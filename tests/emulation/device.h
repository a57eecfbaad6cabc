/* SPDX-License-Identifier: Apache-2.0 */
/** Forced include of gpu/'s .cu files when they are compiled for the emulated device: what nvcc
 *  would bring. Kernels become plain functions; blocks and threads are run by block.cpp. */
#ifndef CNN_TESTS_EMULATION_DEVICE_H
#define CNN_TESTS_EMULATION_DEVICE_H

#define CNN_EMULATED_DEVICE 1
/* Of one block at a time; a block-scope thread_local is static, which nvcc's shared is too. */
#define __shared__ thread_local

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __constant__
#define __constant__

extern "C" {
extern uint3 cnn_emulated_thread, cnn_emulated_block;
extern dim3 cnn_emulated_block_dim, cnn_emulated_grid_dim;
extern void *cnn_emulated_shared;
extern size_t cnn_emulated_waited; /* threads of the grid that called cnn_wait_for_previous */
void cnn_emulated_barrier(void);
int cnn_emulated_barrier_count(int predicate);
/** Gives value to the lanes of mask and returns theirs, 32 of them; valid until the next call. */
const uint64_t *cnn_emulated_exchange(unsigned mask, uint64_t value);
unsigned cnn_emulated_lane(void);
}
/** An argument of a kernel. */
struct cnn_emulated_pointer {
    const void *to;
    bool written; /* not a pointer to const */
};
cudaError_t cnn_emulated_launch(const void *kernel, const cudaLaunchConfig_t &config,
                                std::vector<cnn_emulated_pointer> pointers,
                                std::function<void()> thread);

inline const uint3 &threadIdx = cnn_emulated_thread;
inline const uint3 &blockIdx = cnn_emulated_block;
inline const dim3 &blockDim = cnn_emulated_block_dim;
inline const dim3 &gridDim = cnn_emulated_grid_dim;
static const int warpSize = 32;

namespace cnn_emulated_detail
{

template <class T> inline void note_pointer(std::vector<cnn_emulated_pointer> &list, const T &value)
{
    if constexpr (std::is_pointer<T>::value)
        list.push_back({value, !std::is_const<std::remove_pointer_t<T>>::value});
    else
        (void)list, (void)value;
}

} // namespace cnn_emulated_detail

/** gpu/kernels/launch.cuh's launch. Arguments are copied, as a launch does. */
template <class... P, class... A>
inline cudaError_t cnn_launch_with(const cudaLaunchConfig_t &config, void (*kernel)(P...),
                                   A &&...args)
{
    static_assert(std::conjunction<std::is_trivially_copyable<std::decay_t<P>>...>::value,
                  "kernel arguments are copied byte by byte");
    std::tuple<std::decay_t<P>...> values(std::forward<A>(args)...);
    std::vector<cnn_emulated_pointer> pointers;
    std::apply(
        [&](const auto &...value) { (cnn_emulated_detail::note_pointer(pointers, value), ...); },
        values);
    return cnn_emulated_launch(reinterpret_cast<const void *>(kernel), config, std::move(pointers),
                               [kernel, values]() { std::apply(kernel, values); });
}

/** gpu/kernels/launch.cuh's wait: every thread of every kernel calls it. */
inline void cnn_wait_for_previous()
{
    cnn_emulated_waited++;
}

/** gpu/kernels/launch.cuh's dynamic shared memory. */
template <class T> inline T *cnn_dynamic_shared()
{
    return static_cast<T *>(cnn_emulated_shared);
}

template <class T>
inline cudaError_t cudaFuncSetAttribute(T *kernel, cudaFuncAttribute attribute, int value)
{
    return ::cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), attribute, value);
}

/* ---- barriers and warps ---- */

inline void __syncthreads()
{
    cnn_emulated_barrier();
}
inline int __syncthreads_count(int predicate)
{
    return cnn_emulated_barrier_count(predicate);
}
inline int __syncthreads_or(int predicate)
{
    return cnn_emulated_barrier_count(predicate) > 0;
}
inline int __syncthreads_and(int predicate)
{
    return cnn_emulated_barrier_count(!predicate) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu)
{
    cnn_emulated_exchange(mask, 0);
}

namespace cnn_emulated_detail
{

template <class T> inline T shuffle(unsigned mask, T value, unsigned source, int width)
{
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
    uint64_t word = 0;
    std::memcpy(&word, &value, sizeof value);
    (void)width;
    const uint64_t *lanes = cnn_emulated_exchange(mask, word);
    T got = value;
    std::memcpy(&got, &lanes[source & 31], sizeof got);
    return got;
}

inline unsigned lane()
{
    return cnn_emulated_lane();
}

} // namespace cnn_emulated_detail

template <class T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32)
{
    const unsigned lane = cnn_emulated_detail::lane(), base = lane & ~unsigned(width - 1);
    return cnn_emulated_detail::shuffle(mask, value,
                                        base + (unsigned(source) & unsigned(width - 1)), width);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32)
{
    const unsigned lane = cnn_emulated_detail::lane(), at = lane & unsigned(width - 1);
    return cnn_emulated_detail::shuffle(mask, value, at >= delta ? lane - delta : lane, width);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32)
{
    const unsigned lane = cnn_emulated_detail::lane(), at = lane & unsigned(width - 1);
    return cnn_emulated_detail::shuffle(mask, value,
                                        at + delta < unsigned(width) ? lane + delta : lane, width);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32)
{
    const unsigned lane = cnn_emulated_detail::lane(), other = lane ^ unsigned(bits);
    const bool inside = (other & ~unsigned(width - 1)) <= (lane & ~unsigned(width - 1));
    return cnn_emulated_detail::shuffle(mask, value, inside ? other : lane, width);
}
inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    const uint64_t *lanes = cnn_emulated_exchange(mask, predicate != 0);
    unsigned votes = 0;
    for (unsigned i = 0; i < 32; i++)
        if (mask >> i & 1u)
            votes |= unsigned(lanes[i] != 0) << i;
    return votes;
}
inline int __any_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) != 0;
}
inline int __all_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) == mask;
}

namespace cnn_emulated_detail
{

template <class T, class F> inline T reduce(unsigned mask, T value, F combine)
{
    uint64_t word = 0;
    std::memcpy(&word, &value, sizeof value);
    const uint64_t *lanes = cnn_emulated_exchange(mask, word);
    bool first = true;
    T total = value;
    for (unsigned i = 0; i < 32; i++) {
        T other;
        if (!(mask >> i & 1u))
            continue;
        std::memcpy(&other, &lanes[i], sizeof other);
        total = first ? other : combine(total, other);
        first = false;
    }
    return total;
}

} // namespace cnn_emulated_detail

inline unsigned __reduce_add_sync(unsigned mask, unsigned value)
{
    return cnn_emulated_detail::reduce(mask, value, [](unsigned a, unsigned b) { return a + b; });
}
inline int __reduce_add_sync(unsigned mask, int value)
{
    return int(__reduce_add_sync(mask, unsigned(value)));
}
template <class T> inline T __reduce_max_sync(unsigned mask, T value)
{
    return cnn_emulated_detail::reduce(mask, value, [](T a, T b) { return a < b ? b : a; });
}
template <class T> inline T __reduce_min_sync(unsigned mask, T value)
{
    return cnn_emulated_detail::reduce(mask, value, [](T a, T b) { return b < a ? b : a; });
}

inline void __threadfence()
{
}
inline void __threadfence_block()
{
}
inline void __threadfence_system()
{
}

/* ---- atomics: threads change only at barriers, so plain arithmetic is atomic ---- */

#define CNN_EMULATED_ATOMIC(name, type, expression)                                                \
    inline type name(type *address, type value)                                                    \
    {                                                                                              \
        const type old = *address;                                                                 \
        *address = (expression);                                                                   \
        return old;                                                                                \
    }
#define CNN_EMULATED_ATOMICS(type)                                                                 \
    CNN_EMULATED_ATOMIC(atomicAdd, type, old + value)                                              \
    CNN_EMULATED_ATOMIC(atomicExch, type, value)
#define CNN_EMULATED_INTEGER_ATOMICS(type)                                                         \
    CNN_EMULATED_ATOMICS(type)                                                                     \
    CNN_EMULATED_ATOMIC(atomicMax, type, old < value ? value : old)                                \
    CNN_EMULATED_ATOMIC(atomicMin, type, value < old ? value : old)                                \
    CNN_EMULATED_ATOMIC(atomicOr, type, old | value)                                               \
    CNN_EMULATED_ATOMIC(atomicAnd, type, old &value)                                               \
    inline type atomicCAS(type *address, type compare, type value)                                 \
    {                                                                                              \
        const type old = *address;                                                                 \
        *address = old == compare ? value : old;                                                   \
        return old;                                                                                \
    }
CNN_EMULATED_INTEGER_ATOMICS(int)
CNN_EMULATED_INTEGER_ATOMICS(unsigned)
CNN_EMULATED_INTEGER_ATOMICS(unsigned long long)
CNN_EMULATED_ATOMICS(float)
CNN_EMULATED_ATOMICS(double)
inline unsigned atomicInc(unsigned *address, unsigned limit)
{
    const unsigned old = *address;
    *address = old >= limit ? 0 : old + 1;
    return old;
}

/* ---- memory ---- */

template <class T> inline T __ldg(const T *address)
{
    return *address;
}
template <class T> inline T __ldcg(const T *address)
{
    return *address;
}
template <class T> inline T __ldcs(const T *address)
{
    return *address;
}
template <class T> inline void __stcs(T *address, T value)
{
    *address = value;
}
template <class T> inline void __stcg(T *address, T value)
{
    *address = value;
}

/* ---- arithmetic; nvcc has min and max without a namespace ---- */

#define CNN_EMULATED_MIN_MAX(type)                                                                 \
    inline type min(type a, type b)                                                                \
    {                                                                                              \
        return b < a ? b : a;                                                                      \
    }                                                                                              \
    inline type max(type a, type b)                                                                \
    {                                                                                              \
        return a < b ? b : a;                                                                      \
    }
CNN_EMULATED_MIN_MAX(int)
CNN_EMULATED_MIN_MAX(unsigned)
CNN_EMULATED_MIN_MAX(long)
CNN_EMULATED_MIN_MAX(unsigned long)
CNN_EMULATED_MIN_MAX(long long)
CNN_EMULATED_MIN_MAX(unsigned long long)
/* Of a number and a NaN, the number. */
inline float min(float a, float b)
{
    return fminf(a, b);
}
inline float max(float a, float b)
{
    return fmaxf(a, b);
}
inline double min(double a, double b)
{
    return fmin(a, b);
}
inline double max(double a, double b)
{
    return fmax(a, b);
}

namespace cnn_emulated_detail
{

template <class To, class From> inline To bits(From value)
{
    To to;
    static_assert(sizeof to == sizeof value, "same size");
    std::memcpy(&to, &value, sizeof to);
    return to;
}

} // namespace cnn_emulated_detail

inline float rsqrtf(float x)
{
    return float(1.0 / std::sqrt(double(x)));
}
inline double rsqrt(double x)
{
    return 1.0 / std::sqrt(x);
}
inline float __expf(float x)
{
    return expf(x);
}
inline float __logf(float x)
{
    return logf(x);
}
inline float __fdividef(float x, float y)
{
    return x / y;
}
inline float __frcp_rn(float x)
{
    return 1.0f / x;
}
inline float __fsqrt_rn(float x)
{
    return sqrtf(x);
}
inline float __fadd_rn(float x, float y)
{
    return x + y;
}
inline float __fsub_rn(float x, float y)
{
    return x - y;
}
inline float __fmul_rn(float x, float y)
{
    return x * y;
}
inline float __fdiv_rn(float x, float y)
{
    return x / y;
}
inline float __fmaf_rn(float x, float y, float z)
{
    return fmaf(x, y, z);
}
inline double __dadd_rn(double x, double y)
{
    return x + y;
}
inline double __dmul_rn(double x, double y)
{
    return x * y;
}
inline double __fma_rn(double x, double y, double z)
{
    return fma(x, y, z);
}
inline float __saturatef(float x)
{
    return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}
inline float __double2float_rn(double x)
{
    return float(x);
}
inline float __int2float_rn(int x)
{
    return float(x);
}
inline float __uint2float_rn(unsigned x)
{
    return float(x);
}
inline int __float_as_int(float x)
{
    return cnn_emulated_detail::bits<int>(x);
}
inline unsigned __float_as_uint(float x)
{
    return cnn_emulated_detail::bits<unsigned>(x);
}
inline float __int_as_float(int x)
{
    return cnn_emulated_detail::bits<float>(x);
}
inline float __uint_as_float(unsigned x)
{
    return cnn_emulated_detail::bits<float>(x);
}
inline long long __double_as_longlong(double x)
{
    return cnn_emulated_detail::bits<long long>(x);
}
inline double __longlong_as_double(long long x)
{
    return cnn_emulated_detail::bits<double>(x);
}
inline unsigned __umulhi(unsigned x, unsigned y)
{
    return unsigned(uint64_t(x) * y >> 32);
}
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
inline int __clz(int x)
{
    return x == 0 ? 32 : __builtin_clz(unsigned(x));
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}

#endif
