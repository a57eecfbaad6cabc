/* SPDX-License-Identifier: Apache-2.0 */
/** What the parts of the emulated device share. */
#ifndef CNN_TESTS_EMULATION_STATE_H
#define CNN_TESTS_EMULATION_STATE_H

#include "emulation/emulation.h"

#include <cuda_runtime_api.h>
#include <functional>
#include <string>
#include <vector>

namespace emulated
{

/* ---- faults.cpp ---- */
/** Counts a call; true: it is to fail. frees: not failed by "any". */
bool fails(const char *function, bool frees = false);

/* ---- objects.cpp: everything that must be destroyed ---- */
void object_born(const void *object, const char *kind);
void object_died(const void *object);
/** Whether object is alive and of this kind. */
bool object_is(const void *object, const char *kind);

/* ---- memory.cpp ---- */
struct Allocation {
    unsigned char *start;
    size_t bytes;
};
/** The live allocation that holds [p, p + bytes), or NULL. */
const Allocation *device_range(const void *p, size_t bytes);
bool is_device(const void *p);
/** Whether p points into a live allocation, or to its end; or to pinned memory. */
bool points_into_memory(const void *p);
/** Bytes of the device's memory. */
size_t device_memory();
/** Pinned host memory that holds the range. */
bool is_pinned(const void *p, size_t bytes);
/** Makes device memory accessible while it lives. Nests. */
class DeviceAccess
{
  public:
    DeviceAccess();
    ~DeviceAccess();
    DeviceAccess(const DeviceAccess &) = delete;
    DeviceAccess &operator=(const DeviceAccess &) = delete;
};

/* ---- streams.cpp ---- */
using Work = std::function<void()>;
/** Memory, or an object of the host's, that work uses. */
struct Range {
    const void *start;
    size_t bytes; /* as far as they are known, else 1 */
    bool written;
};
/** What may not happen to work at the same time. */
struct Footprint {
    std::vector<Range> ranges;
    bool dependent = false; /* a kernel launched as a dependent */
    bool own = false;       /* a kernel of gpu/, which waits for the one before it */
};
/** Runs, queues or records work, as the stream's state wants. what names it in messages. */
cudaError_t submit(cudaStream_t stream, const char *what, cudaGraphNodeType type, Work work,
                   Footprint footprint = {});
/** Runs all that is queued in the stream (NULL: the legacy stream, so all blocking ones). */
void drain(cudaStream_t stream);
void drain_all();
bool stream_known(cudaStream_t stream);
bool is_capturing(cudaStream_t stream);
/** A call that may not happen during a capture: cudaSuccess when there is none. Otherwise the
 *  capture is invalid from now on. */
cudaError_t forbidden_in_capture(cudaError_t error);

/* ---- errors.cpp ---- */
/** Remembers error for cudaGetLastError, and returns it. */
cudaError_t result(cudaError_t error);
/** What a kernel did wrong: printed, and every call fails from now on. */
void device_failed(cudaError_t error, const std::string &text);
/** The error that a kernel left behind, or cudaSuccess. */
cudaError_t sticky_error();

/* ---- block.cpp ---- */
struct Launch {
    dim3 grid, block;
    size_t shared_bytes;
    std::function<void()> thread; /* the kernel with its arguments */
};
void run_grid(const Launch &launch);
/** Of a library's kernel. */
Footprint library_footprint(std::vector<Range> ranges);
/** Which of n things comes first, by the order that was asked for. */
size_t pick(size_t n);
/** The largest dynamic shared memory that was asked for by cudaFuncSetAttribute; 48 KiB if none. */
size_t function_shared_limit(const void *kernel);

/** The device's time. */
double seconds();
/** Lets time go by that nobody waits for. */
void pass_time(double seconds);

} // namespace emulated

#endif
