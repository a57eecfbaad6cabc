/* SPDX-License-Identifier: Apache-2.0 */
/* Launches, copies, and what the device says about itself. */
#include "emulation/device.h"
#include "emulation/state.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

namespace emulated
{

namespace
{

enum { THREADS_MOST = 1024, SHARED_DEFAULT = 48 * 1024, SHARED_MOST = 227 * 1024 };

size_t dependent_kernels;
int code_version = 90;

std::map<const void *, size_t> &shared_limits()
{
    static auto *limits = new std::map<const void *, size_t>();
    return *limits;
}

bool shape_fits(dim3 grid, dim3 block)
{
    return grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffffu && grid.y <= 65535 &&
           grid.z <= 65535 && block.x > 0 && block.y > 0 && block.z > 0 && block.x <= 1024 &&
           block.y <= 1024 && block.z <= 64 && (size_t)block.x * block.y * block.z <= THREADS_MOST;
}

/* Which side p must be on; checks that the range is one allocation's. */
bool side_holds(const void *p, size_t bytes, bool on_device)
{
    return on_device ? device_range(p, bytes) != nullptr : p && !is_device(p);
}

cudaError_t check_copy(void *to, const void *from, size_t bytes, cudaMemcpyKind *kind)
{
    if (*kind == cudaMemcpyDefault)
        *kind = is_device(to)
                    ? (is_device(from) ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice)
                : is_device(from) ? cudaMemcpyDeviceToHost
                                  : cudaMemcpyHostToHost;
    const bool to_device = *kind == cudaMemcpyHostToDevice || *kind == cudaMemcpyDeviceToDevice;
    const bool from_device = *kind == cudaMemcpyDeviceToHost || *kind == cudaMemcpyDeviceToDevice;
    if (*kind < cudaMemcpyHostToHost || *kind > cudaMemcpyDefault)
        return cudaErrorInvalidMemcpyDirection;
    if (bytes > 0 && (!side_holds(to, bytes, to_device) || !side_holds(from, bytes, from_device)))
        return cudaErrorInvalidValue;
    return cudaSuccess;
}

void copy(void *to, const void *from, size_t bytes)
{
    DeviceAccess access;
    if (bytes > 0)
        std::memmove(to, from, bytes);
}

cudaError_t queue_copy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                       cudaStream_t stream)
{
    const bool pageable_from = kind == cudaMemcpyHostToDevice && !is_pinned(from, bytes);
    const bool pageable_to = kind == cudaMemcpyDeviceToHost && !is_pinned(to, bytes);
    if (is_capturing(stream) || !(pageable_from || pageable_to))
        return submit(stream, "a copy", cudaGraphNodeTypeMemcpy, [=]() { copy(to, from, bytes); },
                      {{{to, bytes, true}, {from, bytes, false}}});
    if (pageable_to) { /* staged: back when it is done */
        const cudaError_t error =
            submit(stream, "a copy", cudaGraphNodeTypeMemcpy, [=]() { copy(to, from, bytes); });
        drain(stream);
        return error;
    }
    const unsigned char *bytes_from = static_cast<const unsigned char *>(from);
    std::vector<unsigned char> staged(bytes_from, bytes_from + bytes);
    return submit(stream, "a copy", cudaGraphNodeTypeMemcpy,
                  [=]() { copy(to, staged.data(), bytes); });
}

cudaError_t check_set(const void *p, size_t bytes)
{
    return bytes == 0 || device_range(p, bytes) ? cudaSuccess : cudaErrorInvalidValue;
}

Work setting(void *p, int value, size_t bytes)
{
    return [=]() {
        DeviceAccess access;
        if (bytes > 0)
            std::memset(p, value, bytes);
    };
}

/* When the kernel runs, maybe as part of a graph captured long ago: its arguments may be freed. */
void check_alive(const std::vector<cnn_emulated_pointer> &pointers)
{
    for (const cnn_emulated_pointer &p : pointers)
        if (p.to && !points_into_memory(p.to))
            device_failed(cudaErrorIllegalAddress,
                          "a kernel's argument points to no device memory, or to freed memory");
}

int multiprocessors()
{
    const char *text = std::getenv("CNN_EMULATED_SMS");
    return text ? std::atoi(text) : 132;
}

bool libraries_never_wait;

} // namespace

Footprint library_footprint(std::vector<Range> ranges)
{
    Footprint footprint = {std::move(ranges)};
    footprint.dependent = libraries_never_wait;
    return footprint;
}

size_t function_shared_limit(const void *kernel)
{
    const auto found = shared_limits().find(kernel);
    return found == shared_limits().end() ? (size_t)SHARED_DEFAULT : found->second;
}

} // namespace emulated

using namespace emulated;

/* The one attribute that a launch may have; *dependent: it has it. */
static cudaError_t read_attributes(const cudaLaunchConfig_t &config, bool *dependent)
{
    for (unsigned i = 0; i < config.numAttrs; i++) {
        if (config.attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization)
            return cudaErrorNotSupported;
        *dependent = config.attrs[i].val.programmaticStreamSerializationAllowed;
    }
    return cudaSuccess;
}

cudaError_t cnn_emulated_launch(const void *kernel, const cudaLaunchConfig_t &config,
                                std::vector<cnn_emulated_pointer> pointers,
                                std::function<void()> thread)
{
    Footprint footprint;
    if (fails("cnn_launch"))
        return result(cudaErrorLaunchOutOfResources);
    if (!shape_fits(config.gridDim, config.blockDim))
        return result(cudaErrorInvalidConfiguration);
    if (config.dynamicSmemBytes > function_shared_limit(kernel))
        return result(cudaErrorInvalidValue);
    footprint.own = true;
    if (read_attributes(config, &footprint.dependent) != cudaSuccess)
        return result(cudaErrorNotSupported);
    dependent_kernels += footprint.dependent;
    for (const cnn_emulated_pointer &p : pointers)
        if (p.to)
            footprint.ranges.push_back({p.to, 1, p.written});
    const Launch launch = {config.gridDim, config.blockDim, config.dynamicSmemBytes,
                           std::move(thread)};
    const Work work = [launch, pointers]() {
        DeviceAccess access;
        check_alive(pointers);
        if (sticky_error() != cudaSuccess)
            return;
        run_grid(launch);
    };
    return result(submit(config.stream, "a kernel", cudaGraphNodeTypeKernel, work, footprint));
}

extern "C" {

void cnn_emulated_libraries_never_wait(bool so)
{
    libraries_never_wait = so;
}

size_t cnn_emulated_dependent_launches(void)
{
    return dependent_kernels;
}

void cnn_emulated_code_for(int architecture)
{
    code_version = architecture;
}

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
    if (fails("cudaFuncSetAttribute"))
        return result(cudaErrorInvalidDeviceFunction);
    if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) {
        if (value < 0 || value > SHARED_MOST)
            return result(cudaErrorInvalidValue);
        shared_limits()[kernel] = (size_t)value;
    }
    return result(cudaSuccess);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *out, const void *kernel)
{
    if (fails("cudaFuncGetAttributes"))
        return result(cudaErrorInvalidDeviceFunction);
    *out = {};
    out->maxThreadsPerBlock = THREADS_MOST;
    out->maxDynamicSharedSizeBytes = (int)function_shared_limit(kernel);
    out->numRegs = 32;
    out->ptxVersion = out->binaryVersion = code_version;
    return result(cudaSuccess);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *, int threads,
                                                          size_t shared_bytes)
{
    if (fails("cudaOccupancyMaxActiveBlocksPerMultiprocessor"))
        return result(cudaErrorInvalidDeviceFunction);
    if (!blocks || threads < 1)
        return result(cudaErrorInvalidValue);
    const int by_threads = threads > THREADS_MOST ? 0 : 2048 / threads;
    const int by_memory = (int)(SHARED_MOST / (shared_bytes + 1024));
    *blocks = std::min({32, by_threads, by_memory});
    return result(cudaSuccess);
}

/* ---- copies ---- */

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    if (fails("cudaMemcpyAsync"))
        return result(cudaErrorInvalidValue);
    const cudaError_t error = check_copy(to, from, bytes, &kind);
    return result(error != cudaSuccess ? error : queue_copy(to, from, bytes, kind, stream));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    if (fails("cudaMemcpy"))
        return result(cudaErrorInvalidValue);
    cudaError_t error = forbidden_in_capture(cudaErrorStreamCaptureImplicit);
    if (error == cudaSuccess)
        error = check_copy(to, from, bytes, &kind);
    if (error == cudaSuccess)
        error = queue_copy(to, from, bytes, kind, nullptr);
    drain(nullptr);
    return result(error);
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream)
{
    if (fails("cudaMemsetAsync"))
        return result(cudaErrorInvalidValue);
    const cudaError_t error = check_set(p, bytes);
    return result(error != cudaSuccess ? error
                                       : submit(stream, "a fill", cudaGraphNodeTypeMemset,
                                                setting(p, value, bytes), {{{p, bytes, true}}}));
}

cudaError_t cudaMemset(void *p, int value, size_t bytes)
{
    if (fails("cudaMemset"))
        return result(cudaErrorInvalidValue);
    cudaError_t error = forbidden_in_capture(cudaErrorStreamCaptureImplicit);
    if (error == cudaSuccess)
        error = check_set(p, bytes);
    return result(error != cudaSuccess ? error
                                       : submit(nullptr, "a fill", cudaGraphNodeTypeMemset,
                                                setting(p, value, bytes)));
}

/* ---- the device ---- */

cudaError_t cudaGetDeviceCount(int *count)
{
    if (fails("cudaGetDeviceCount"))
        return result(cudaErrorNoDevice);
    *count = 1;
    return result(cudaSuccess);
}

cudaError_t cudaSetDevice(int device)
{
    if (fails("cudaSetDevice"))
        return result(cudaErrorDevicesUnavailable);
    return result(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int *device)
{
    if (fails("cudaGetDevice", true)) /* asked while an error is explained */
        return result(cudaErrorNoDevice);
    *device = 0;
    return result(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    if (fails("cudaGetDeviceProperties"))
        return result(cudaErrorInvalidDevice);
    if (!p || device != 0)
        return result(cudaErrorInvalidDevice);
    *p = {};
    std::strcpy(p->name, "emulated");
    std::memcpy(p->uuid.bytes, "emulated device", 16);
    p->totalGlobalMem = device_memory();
    p->major = 9;
    p->warpSize = 32;
    p->multiProcessorCount = multiprocessors();
    p->maxThreadsPerBlock = THREADS_MOST;
    p->maxThreadsPerMultiProcessor = 2048;
    p->maxBlocksPerMultiProcessor = 32;
    p->sharedMemPerBlock = SHARED_DEFAULT;
    p->sharedMemPerBlockOptin = SHARED_MOST;
    p->sharedMemPerMultiprocessor = 228 * 1024;
    p->reservedSharedMemPerBlock = 1024;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->l2CacheSize = 50 << 20;
    p->memoryBusWidth = 5120;
    p->concurrentKernels = p->unifiedAddressing = p->memoryPoolsSupported = 1;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    return result(cudaSuccess);
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device)
{
    if (fails("cudaDeviceGetAttribute"))
        return result(cudaErrorInvalidDevice);
    if (!value || device != 0)
        return result(cudaErrorInvalidDevice);
    const std::map<int, int> known = {
        {cudaDevAttrComputeCapabilityMajor, 9},
        {cudaDevAttrComputeCapabilityMinor, 0},
        {cudaDevAttrMultiProcessorCount, multiprocessors()},
        {cudaDevAttrWarpSize, 32},
        {cudaDevAttrMaxThreadsPerBlock, THREADS_MOST},
        {cudaDevAttrMaxThreadsPerMultiProcessor, 2048},
        {cudaDevAttrMaxBlocksPerMultiprocessor, 32},
        {cudaDevAttrMaxSharedMemoryPerBlock, SHARED_DEFAULT},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, SHARED_MOST},
        {cudaDevAttrMaxSharedMemoryPerMultiprocessor, 228 * 1024},
        {cudaDevAttrL2CacheSize, 50 << 20},
        {cudaDevAttrClockRate, 1980000},
        {cudaDevAttrMemoryClockRate, 2619000},
        {cudaDevAttrGlobalMemoryBusWidth, 5120},
        {cudaDevAttrCooperativeLaunch, 0},
    };
    const auto found = known.find(attribute);
    *value = found == known.end() ? 0 : found->second;
    return result(found == known.end() ? cudaErrorNotSupported : cudaSuccess);
}

cudaError_t cudaDeviceGetPCIBusId(char *out, int length, int device)
{
    if (fails("cudaDeviceGetPCIBusId", true)) /* asked while an error is explained */
        return result(cudaErrorInvalidDevice);
    if (device != 0 || length < 13)
        return result(cudaErrorInvalidValue);
    std::snprintf(out, (size_t)length, "0000:00:00.0");
    return result(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    if (fails("cudaDriverGetVersion"))
        return result(cudaErrorInvalidValue);
    *version = CUDART_VERSION;
    return result(cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    if (fails("cudaRuntimeGetVersion"))
        return result(cudaErrorInvalidValue);
    *version = CUDART_VERSION;
    return result(cudaSuccess);
}

cudaError_t cudaSetDeviceFlags(unsigned)
{
    return result(fails("cudaSetDeviceFlags") ? cudaErrorInvalidValue : cudaSuccess);
}

cudaError_t cudaDeviceReset(void)
{
    drain_all();
    return result(cudaSuccess);
}

/* ---- errors ---- */

#define CNN_EMULATED_ERRORS(X)                                                                     \
    X(cudaSuccess, "no error")                                                                     \
    X(cudaErrorInvalidValue, "invalid argument")                                                   \
    X(cudaErrorMemoryAllocation, "out of memory")                                                  \
    X(cudaErrorInvalidConfiguration, "invalid configuration argument")                             \
    X(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy")                        \
    X(cudaErrorNoDevice, "no CUDA-capable device is detected")                                     \
    X(cudaErrorInvalidDevice, "invalid device ordinal")                                            \
    X(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable")            \
    X(cudaErrorInvalidDeviceFunction, "invalid device function")                                   \
    X(cudaErrorInvalidResourceHandle, "invalid resource handle")                                   \
    X(cudaErrorNotReady, "device not ready")                                                       \
    X(cudaErrorIllegalAddress, "an illegal memory access was encountered")                         \
    X(cudaErrorIllegalState, "the operation cannot be performed in the present state")             \
    X(cudaErrorLaunchFailure, "unspecified launch failure")                                        \
    X(cudaErrorLaunchOutOfResources, "too many resources requested for launch")                    \
    X(cudaErrorNotSupported, "operation not supported")                                            \
    X(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")       \
    X(cudaErrorStreamCaptureInvalidated,                                                           \
      "operation failed due to a previous error during capture")                                   \
    X(cudaErrorStreamCaptureMerge,                                                                 \
      "operation would result in a merge of separate capture sequences")                           \
    X(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began")     \
    X(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work")                        \
    X(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream")  \
    X(cudaErrorStreamCaptureImplicit,                                                              \
      "operation would make the legacy stream depend on a capturing blocking stream")              \
    X(cudaErrorCapturedEvent,                                                                      \
      "operation not permitted on an event last recorded in a capturing stream")                   \
    X(cudaErrorUnknown, "unknown error")

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return #name;
        CNN_EMULATED_ERRORS(X)
#undef X
    default:
        return "unrecognized error code";
    }
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        CNN_EMULATED_ERRORS(X)
#undef X
    default:
        return "unrecognized error code";
    }
}

} // extern "C"
