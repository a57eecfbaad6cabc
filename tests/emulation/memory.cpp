/* SPDX-License-Identifier: Apache-2.0 */
/* Device memory: one reserved range, closed to the host but while device work runs. Each allocation
 * stands between red zones and begins as NaN. */
#include "emulation/state.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

namespace emulated
{

namespace
{

enum : size_t { ALIGN = 256, RED_ZONE = 256, HUGE = (size_t)2 << 20 };
enum : unsigned char { POISON = 0xff, RED = 0xdb };

struct Arena {
    unsigned char *start = nullptr;
    size_t bytes = 0, limit = 0, used = 0;
    bool guarded = true;
    int access = 0;
    size_t opened = 0; /* bytes that are accessible while access > 0 */
    std::map<const unsigned char *, Allocation> live; /* by end */
};

Arena *opened; /* for the signal handler */

/* A host that reads device memory gets a message before it dies of it. */
void explain_fault(int signal, siginfo_t *info, void *)
{
    const unsigned char *at = static_cast<unsigned char *>(info->si_addr);
    if (opened && at >= opened->start && at < opened->start + opened->bytes) {
        static const char text[] = "emulated device: the host touches device memory\n";
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
    }
    std::signal(signal, SIG_DFL);
}

size_t number(const char *name, size_t otherwise)
{
    const char *text = std::getenv(name);
    return text ? (size_t)std::strtoull(text, nullptr, 10) : otherwise;
}

void report_leaks()
{
    cudaDeviceSynchronize();
    if (opened->live.empty())
        return;
    std::fprintf(stderr, "emulated device: %zu allocations of %zu bytes were never freed\n",
                 opened->live.size(), opened->used);
}

Arena *open_arena()
{
    Arena *a = new Arena();
    a->limit = number("CNN_EMULATED_MEMORY", (size_t)1 << 30);
    a->bytes = (size_t)16 << 30; /* addresses, not memory */
    a->guarded = number("CNN_EMULATED_GUARD", 1) != 0;
    void *p = mmap(nullptr, a->bytes, a->guarded ? PROT_NONE : PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        std::fprintf(stderr, "emulated device: no address space\n");
        std::abort();
    }
    /* Whole huge pages: opening and closing a hundred small ones for each kernel takes long. */
    a->start = reinterpret_cast<unsigned char *>(((uintptr_t)p + HUGE - 1) / HUGE * HUGE);
    a->bytes -= HUGE;
    madvise(a->start, a->bytes, MADV_HUGEPAGE);
    opened = a;
    struct sigaction action = {};
    action.sa_sigaction = explain_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    std::atexit(report_leaks);
    return a;
}

Arena &arena()
{
    static Arena *a = open_arena();
    return *a;
}

/* What is in use ends here, red zone and all. */
size_t high_water(const Arena &a)
{
    if (a.live.empty())
        return ALIGN;
    const Allocation &last = a.live.rbegin()->second;
    return (size_t)(last.start - a.start) + last.bytes + RED_ZONE;
}

size_t round_up(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* First fit between live allocations. */
unsigned char *place(Arena &a, size_t bytes)
{
    unsigned char *at = a.start + ALIGN;
    for (const auto &entry : a.live) {
        const Allocation &l = entry.second;
        if (at + bytes + RED_ZONE <= l.start)
            return at;
        at = a.start + round_up((size_t)(l.start - a.start) + l.bytes + RED_ZONE);
    }
    return at;
}

bool red_zones_hold(const Allocation &l)
{
    const auto red = [](unsigned char c) { return c == RED; };
    return std::all_of(l.start - RED_ZONE, l.start, red) &&
           std::all_of(l.start + l.bytes, l.start + l.bytes + RED_ZONE, red);
}

std::map<const unsigned char *, size_t> &pinned()
{
    static auto *p = new std::map<const unsigned char *, size_t>();
    return *p;
}

/* Not a number, so that a read before a write shows; of large memory every page's first line. */
void poison(unsigned char *p, size_t bytes)
{
    const size_t small = (size_t)1 << 20, page = 4096, line = 64;
    std::memset(p, POISON, std::min(bytes, small));
    for (size_t at = small; at + line <= bytes; at += page)
        std::memset(p + at, POISON, line);
}

cudaError_t allocate(void **out, size_t bytes)
{
    Arena &a = arena();
    if (bytes == 0) {
        *out = nullptr;
        return cudaSuccess;
    }
    if (bytes > a.limit || a.used + round_up(bytes) > a.limit)
        return cudaErrorMemoryAllocation;
    Allocation l = {place(a, bytes), bytes};
    a.live[l.start + l.bytes] = l;
    a.used += round_up(bytes);
    object_born(l.start, "device memory");
    DeviceAccess access;
    ASAN_UNPOISON_MEMORY_REGION(l.start - RED_ZONE, bytes + 2 * RED_ZONE);
    std::memset(l.start - RED_ZONE, RED, RED_ZONE);
    std::memset(l.start + bytes, RED, RED_ZONE);
    poison(l.start, bytes);
    ASAN_POISON_MEMORY_REGION(l.start - RED_ZONE, RED_ZONE);
    ASAN_POISON_MEMORY_REGION(l.start + bytes, RED_ZONE);
    *out = l.start;
    return cudaSuccess;
}

cudaError_t release(void *p)
{
    Arena &a = arena();
    const Allocation *found = device_range(p, 1);
    if (!found || found->start != p)
        return cudaErrorInvalidValue;
    const Allocation l = *found;
    {
        DeviceAccess access;
        ASAN_UNPOISON_MEMORY_REGION(l.start - RED_ZONE, l.bytes + 2 * RED_ZONE);
        if (!red_zones_hold(l))
            device_failed(cudaErrorIllegalAddress,
                          "device memory was written beside an allocation");
        poison(l.start, l.bytes);
        ASAN_POISON_MEMORY_REGION(l.start - RED_ZONE, l.bytes + 2 * RED_ZONE);
    }
    a.live.erase(l.start + l.bytes);
    a.used -= round_up(l.bytes);
    object_died(p);
    return cudaSuccess;
}

} // namespace

DeviceAccess::DeviceAccess()
{
    Arena &a = arena();
    if (a.access++ > 0 || !a.guarded)
        return;
    a.opened = (high_water(a) + HUGE - 1) / HUGE * HUGE;
    mprotect(a.start, a.opened, PROT_READ | PROT_WRITE);
}

DeviceAccess::~DeviceAccess()
{
    Arena &a = arena();
    if (--a.access == 0 && a.guarded)
        mprotect(a.start, a.opened, PROT_NONE);
}

bool is_device(const void *p)
{
    const Arena &a = arena();
    const unsigned char *at = static_cast<const unsigned char *>(p);
    return at >= a.start && at < a.start + a.bytes;
}

const Allocation *device_range(const void *p, size_t bytes)
{
    const Arena &a = arena();
    const unsigned char *at = static_cast<const unsigned char *>(p);
    const auto found = a.live.upper_bound(at); /* the first that ends behind at */
    if (found == a.live.end())
        return nullptr;
    const Allocation &l = found->second;
    return at >= l.start && bytes <= (size_t)(l.start + l.bytes - at) ? &l : nullptr;
}

bool points_into_memory(const void *p)
{
    return device_range(p, 1) || is_pinned(p, 1) ||
           device_range(static_cast<const unsigned char *>(p) - 1, 1);
}

bool is_pinned(const void *p, size_t bytes)
{
    const unsigned char *at = static_cast<const unsigned char *>(p);
    auto found = pinned().upper_bound(at);
    if (found == pinned().begin())
        return false;
    --found;
    return at + bytes <= found->first + found->second;
}

size_t device_memory()
{
    return arena().limit;
}

} // namespace emulated

using namespace emulated;

extern "C" {

cudaError_t cudaMalloc(void **out, size_t bytes)
{
    if (fails("cudaMalloc"))
        return result(cudaErrorMemoryAllocation);
    if (!out)
        return result(cudaErrorInvalidValue);
    const cudaError_t capture = forbidden_in_capture(cudaErrorStreamCaptureUnsupported);
    return result(capture != cudaSuccess ? capture : allocate(out, bytes));
}

cudaError_t cudaFree(void *p)
{
    if (fails("cudaFree", true))
        return result(cudaErrorInvalidValue);
    if (!p)
        return result(cudaSuccess);
    const cudaError_t capture = forbidden_in_capture(cudaErrorStreamCaptureUnsupported);
    if (capture != cudaSuccess)
        return result(capture);
    drain_all();
    return result(release(p));
}

cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned)
{
    if (fails("cudaHostAlloc"))
        return result(cudaErrorMemoryAllocation);
    const cudaError_t capture = forbidden_in_capture(cudaErrorStreamCaptureUnsupported);
    if (capture != cudaSuccess || !out)
        return result(capture != cudaSuccess ? capture : cudaErrorInvalidValue);
    if (!(*out = std::aligned_alloc(ALIGN, round_up(bytes + 1))))
        return result(cudaErrorMemoryAllocation);
    pinned()[static_cast<unsigned char *>(*out)] = bytes;
    object_born(*out, "pinned memory");
    return result(cudaSuccess);
}

cudaError_t cudaMallocHost(void **out, size_t bytes)
{
    if (fails("cudaMallocHost"))
        return result(cudaErrorMemoryAllocation);
    return cudaHostAlloc(out, bytes, 0);
}

cudaError_t cudaFreeHost(void *p)
{
    if (fails("cudaFreeHost", true))
        return result(cudaErrorInvalidValue);
    if (!p)
        return result(cudaSuccess);
    if (!object_is(p, "pinned memory"))
        return result(cudaErrorInvalidValue);
    drain_all();
    pinned().erase(static_cast<unsigned char *>(p));
    object_died(p);
    std::free(p);
    return result(cudaSuccess);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    if (fails("cudaMemGetInfo"))
        return result(cudaErrorUnknown);
    *total = device_memory();
    *available = arena().limit - arena().used;
    return result(cudaSuccess);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *out, const void *p)
{
    if (fails("cudaPointerGetAttributes"))
        return result(cudaErrorInvalidValue);
    *out = {};
    out->type = is_device(p)      ? cudaMemoryTypeDevice
                : is_pinned(p, 1) ? cudaMemoryTypeHost
                                  : cudaMemoryTypeUnregistered;
    out->devicePointer = is_device(p) ? const_cast<void *>(p) : nullptr;
    out->hostPointer = is_device(p) ? nullptr : const_cast<void *>(p);
    return result(cudaSuccess);
}

void cnn_emulated_memory_limit(size_t bytes)
{
    arena().limit = bytes;
}

} // extern "C"
