/* SPDX-License-Identifier: Apache-2.0 */
/* How this thread launches kernels. */
#include "gpu/kernels/launch.cuh"

#include <stdlib.h>

enum { LEAST_VERSION = 12030, LEAST_ARCHITECTURE = 90 };

/* All per thread, as captures are. STREAMS: more than a thread works in; a mark that finds no room
 * only makes the next launch wait in full. */
enum { STREAMS = 4 };
static thread_local cudaStream_t with_dependents = nullptr;
static thread_local cudaStream_t own_before[STREAMS]; /* their last operation is a launch of ours */
static thread_local struct {
    bool on;
    cudaGraphNode_t *list;
    size_t count, room;
} notes;

/* Asked for what it was compiled for, as all of them are; never launched. */
static __global__ void specimen(int *out)
{
    cnn_wait_for_previous();
    *out = 0;
}

cudaError_t cnn_gpu_can_launch_dependents(int device, bool *can)
{
    int driver = 0, major = 0;
    cudaFuncAttributes code = {};
    cudaError_t error = cudaDriverGetVersion(&driver);
    *can = false;
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (error == cudaSuccess)
        error = cudaFuncGetAttributes(&code, reinterpret_cast<const void *>(specimen));
    if (error == cudaSuccess)
        *can = CUDART_VERSION >= LEAST_VERSION && driver >= LEAST_VERSION &&
               10 * major >= LEAST_ARCHITECTURE && code.ptxVersion >= LEAST_ARCHITECTURE;
    return error;
}

void cnn_gpu_launch_dependents(cudaStream_t stream)
{
    with_dependents = stream;
}

static bool last_is_own(cudaStream_t stream)
{
    for (cudaStream_t own : own_before)
        if (own == stream)
            return true;
    return false;
}

bool cnn_gpu_launches_dependents(cudaStream_t stream)
{
    return stream && stream == with_dependents && last_is_own(stream);
}

static void mark(cudaStream_t stream)
{
    if (last_is_own(stream))
        return;
    for (cudaStream_t &own : own_before)
        if (!own) {
            own = stream;
            return;
        }
}

cudaStream_t cnn_gpu_foreign(cudaStream_t stream)
{
    for (cudaStream_t &own : own_before)
        if (own == stream)
            own = nullptr;
    return stream;
}

/* ---- nodes of a capture -------------------------------------------------------------------- */

#if CUDART_VERSION >= 12030

#if CUDART_VERSION < 13000 /* the old name's function knows no edge data */
#define cudaStreamGetCaptureInfo cudaStreamGetCaptureInfo_v3
#endif

/* Where there is no memory for a note the node counts as foreign, which is safe. */
static void add_note(cudaGraphNode_t node)
{
    if (notes.count == notes.room) {
        const size_t room = 2 * notes.room + 64;
        void *list = realloc(notes.list, room * sizeof *notes.list);
        if (!list)
            return;
        notes.list = static_cast<cudaGraphNode_t *>(list);
        notes.room = room;
    }
    notes.list[notes.count++] = node;
}

/* The next operation in a capturing stream would depend on one node: that of the last launch. */
static void note_last_node(cudaStream_t stream)
{
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    const cudaGraphNode_t *nodes = nullptr;
    const cudaGraphEdgeData *edges = nullptr;
    size_t count = 0;
    if (cudaStreamGetCaptureInfo(stream, &status, nullptr, nullptr, &nodes, &edges, &count) !=
        cudaSuccess)
        cudaGetLastError(); /* clear it: the node counts as foreign */
    else if (status == cudaStreamCaptureStatusActive && count == 1)
        add_note(nodes[0]);
}

#else

static void note_last_node(cudaStream_t)
{
}

#endif

void cnn_gpu_launched(cudaStream_t stream)
{
    if (stream)
        mark(stream);
    if (notes.on)
        note_last_node(stream);
}

void cnn_gpu_note_nodes(bool on)
{
    notes.on = on;
    if (on)
        notes.count = 0;
}

bool cnn_gpu_is_own_node(cudaGraphNode_t node)
{
    for (size_t i = 0; i < notes.count; i++)
        if (notes.list[i] == node)
            return true;
    return false;
}
