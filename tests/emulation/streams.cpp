/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, events, capture. Work is a closure. At once by default; deferred, it waits in
 * its stream until something waits for it, so that what nothing waits for is late. */
#include "emulation/graphs.h"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <set>
#include <vector>

struct CUstream_st {
    struct Item {
        emulated::Work work;
        CUevent_st *record = nullptr; /* this event happens here */
        CUevent_st *wait = nullptr;   /* this event must have happened */
        uint64_t ticket = 0;
    };
    bool blocking = true;
    std::deque<Item> queue;
    struct CUgraph_st *capture = nullptr;
    bool origin = false;
    bool own_last = false;   /* its last operation is a kernel of gpu/ */
    bool unjoined = false;   /* captured work that the origin does not wait for */
    std::set<size_t> latest; /* nodes that its next one in the capture comes after */
};

struct CUevent_st {
    bool timing = true;
    uint64_t recorded = 0, happened = 0; /* tickets */
    double at = 0;
    CUstream_st *stream = nullptr;
    struct CUgraph_st *capture = nullptr; /* recorded within it */
    CUstream_st *captured_stream = nullptr;
    std::set<size_t> latest; /* of that stream, then */
};

namespace emulated
{

namespace
{

struct Device {
    bool deferred =
        std::getenv("CNN_EMULATED_DEFER") && std::atoi(std::getenv("CNN_EMULATED_DEFER"));
    std::set<CUstream_st *> streams;
    CUstream_st legacy;
    std::set<CUgraph_st *> captures;
    bool any_dependent = false; /* a dependent launch may follow anything */
    uint64_t ticket = 0;
};

Device &device()
{
    static Device *d = new Device();
    return *d;
}

bool is_legacy(cudaStream_t s)
{
    return !s || s == cudaStreamLegacy;
}

CUstream_st *actual(cudaStream_t s)
{
    return is_legacy(s) ? &device().legacy : s;
}

void reach(CUevent_st *event, uint64_t ticket);

void run_item(CUstream_st::Item &item)
{
    if (item.work && sticky_error() == cudaSuccess)
        item.work();
    if (item.wait)
        reach(item.wait, item.ticket);
    if (item.record && item.record->happened < item.ticket) {
        item.record->happened = item.ticket;
        item.record->at = seconds();
    }
}

void run_queue(CUstream_st *s)
{
    while (!s->queue.empty()) {
        CUstream_st::Item item = std::move(s->queue.front());
        s->queue.pop_front();
        run_item(item);
    }
}

/* Runs the event's stream until the event has happened. */
void reach(CUevent_st *event, uint64_t ticket)
{
    while (event->happened < ticket && event->stream && !event->stream->queue.empty()) {
        CUstream_st::Item item = std::move(event->stream->queue.front());
        event->stream->queue.pop_front();
        run_item(item);
    }
}

void drain_blocking()
{
    for (CUstream_st *s : device().streams)
        if (s->blocking)
            run_queue(s);
}

void enqueue(cudaStream_t stream, CUstream_st::Item item)
{
    CUstream_st *s = actual(stream);
    if (is_legacy(stream))
        drain_blocking();
    s->queue.push_back(std::move(item));
    if (!device().deferred || is_legacy(stream))
        run_queue(s);
}

/* The legacy stream would wait for a capturing one. */
bool legacy_meets_capture()
{
    for (CUstream_st *s : device().streams)
        if (s->capture && s->blocking)
            return true;
    return false;
}

void invalidate_captures()
{
    for (CUgraph_st *g : device().captures)
        g->invalid = true;
}

/* A dependent's one edge from a kernel is programmatic; one from anything else, or from several
 * nodes, is taken to be full. This is an assumption about CUDA's capture, which
 * tests/conformance/test_graph_edges.c tests on a card. Launches of gpu/ do not rest on it: they are
 * dependents only behind another one (expects_own). */
CUgraphEdge_st edge_from(const CUstream_st *s, const CUgraphNode_st *from, const CUgraphNode_st *to)
{
    if (to->footprint.dependent && s->latest.size() == 1 && from->type == cudaGraphNodeTypeKernel)
        return {PORT_ENDING, PROGRAMMATIC};
    return {0, 0};
}

cudaError_t record_node(CUstream_st *s, cudaGraphNodeType type, Work work, Footprint footprint)
{
    if (s->capture->invalid)
        return cudaErrorStreamCaptureInvalidated;
    CUgraphNode_st *node =
        new CUgraphNode_st{type, std::move(work), std::move(footprint), {}, !s->origin};
    for (size_t k : s->latest)
        node->after[k] = edge_from(s, s->capture->nodes[k], node);
    s->capture->nodes.push_back(node);
    s->latest = {s->capture->nodes.size() - 1};
    s->unjoined = !s->origin;
    return cudaSuccess;
}

/* Ends the capture of a stream and those that joined it. */
void leave_capture(CUgraph_st *graph)
{
    for (CUstream_st *s : device().streams)
        if (s->capture == graph) {
            s->capture = nullptr;
            s->origin = s->unjoined = s->own_last = false;
            s->latest.clear();
        }
    device().captures.erase(graph);
}

/* A dependent launch of gpu/ waits for the one before it, and no further: behind anything else it
 * might begin too early. */
bool expects_own(const CUstream_st *s, const Footprint &footprint)
{
    return footprint.own && footprint.dependent && !s->own_last && !device().any_dependent;
}

bool unjoined_work(const CUstream_st *origin)
{
    const CUgraph_st *graph = origin->capture;
    if (!all_lead_to(graph, origin->latest))
        return true;
    for (const CUstream_st *s : device().streams)
        if (s->capture == graph && s->unjoined)
            return true;
    return false;
}

} // namespace

bool stream_known(cudaStream_t stream)
{
    return is_legacy(stream) || device().streams.count(stream);
}

bool is_capturing(cudaStream_t stream)
{
    return stream_known(stream) && actual(stream)->capture;
}

cudaError_t submit(cudaStream_t stream, const char *, cudaGraphNodeType type, Work work,
                   Footprint footprint)
{
    if (!stream_known(stream))
        return cudaErrorInvalidResourceHandle;
    if (sticky_error() != cudaSuccess)
        return sticky_error();
    CUstream_st *s = actual(stream);
    if (expects_own(s, footprint)) {
        device_failed(cudaErrorLaunchFailure,
                      "a dependent launch follows what is no launch of gpu/ in its stream");
        return sticky_error();
    }
    s->own_last = footprint.own;
    if (s->capture)
        return record_node(s, type, std::move(work), std::move(footprint));
    if (is_legacy(stream) && legacy_meets_capture()) {
        invalidate_captures();
        return cudaErrorStreamCaptureImplicit;
    }
    CUstream_st::Item item;
    item.work = std::move(work);
    enqueue(stream, std::move(item));
    return sticky_error();
}

void drain(cudaStream_t stream)
{
    if (is_legacy(stream))
        drain_blocking();
    run_queue(actual(stream));
}

void drain_all()
{
    run_queue(&device().legacy);
    for (CUstream_st *s : device().streams)
        run_queue(s);
}

cudaError_t forbidden_in_capture(cudaError_t error)
{
    bool forbidden = false;
    for (CUgraph_st *g : device().captures)
        if (g->mode != cudaStreamCaptureModeRelaxed)
            forbidden = g->invalid = true;
    return forbidden ? error : cudaSuccess;
}

} // namespace emulated

using namespace emulated;

extern "C" {

void cnn_emulated_defer(bool defer)
{
    drain_all();
    device().deferred = defer;
}

void cnn_emulated_permit_any_dependent(bool so)
{
    device().any_dependent = so;
}

size_t cnn_emulated_pending(void)
{
    size_t n = device().legacy.queue.size();
    for (const CUstream_st *s : device().streams)
        n += s->queue.size();
    return n;
}

/* ---- streams ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags)
{
    if (fails("cudaStreamCreateWithFlags"))
        return result(cudaErrorMemoryAllocation);
    if (!out || (flags & ~unsigned(cudaStreamNonBlocking)))
        return result(cudaErrorInvalidValue);
    CUstream_st *s = new CUstream_st();
    s->blocking = !(flags & cudaStreamNonBlocking);
    device().streams.insert(s);
    object_born(s, "stream");
    *out = s;
    return result(cudaSuccess);
}

cudaError_t cudaStreamCreate(cudaStream_t *out)
{
    return cudaStreamCreateWithFlags(out, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int)
{
    return cudaStreamCreateWithFlags(out, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    if (fails("cudaStreamDestroy", true))
        return result(cudaErrorUnknown);
    if (!s || !device().streams.count(s))
        return result(cudaErrorInvalidResourceHandle);
    run_queue(s);
    if (s->capture)
        s->capture->invalid = true;
    device().streams.erase(s);
    object_died(s);
    delete s;
    return result(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    if (fails("cudaStreamSynchronize"))
        return result(cudaErrorLaunchFailure);
    if (!stream_known(s))
        return result(cudaErrorInvalidResourceHandle);
    if (actual(s)->capture) {
        actual(s)->capture->invalid = true;
        return result(cudaErrorStreamCaptureUnsupported);
    }
    drain(s);
    return result(sticky_error());
}

cudaError_t cudaStreamQuery(cudaStream_t s)
{
    if (fails("cudaStreamQuery"))
        return result(cudaErrorLaunchFailure);
    if (!stream_known(s))
        return result(cudaErrorInvalidResourceHandle);
    return actual(s)->queue.empty() ? result(sticky_error()) : cudaErrorNotReady;
}

cudaError_t cudaDeviceSynchronize(void)
{
    if (fails("cudaDeviceSynchronize"))
        return result(cudaErrorLaunchFailure);
    if (!device().captures.empty()) {
        invalidate_captures();
        return result(cudaErrorStreamCaptureUnsupported);
    }
    drain_all();
    return result(sticky_error());
}

/* ---- events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags)
{
    if (fails("cudaEventCreateWithFlags"))
        return result(cudaErrorMemoryAllocation);
    if (!out)
        return result(cudaErrorInvalidValue);
    *out = new CUevent_st();
    (*out)->timing = !(flags & cudaEventDisableTiming);
    object_born(*out, "event");
    return result(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *out)
{
    return cudaEventCreateWithFlags(out, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    if (fails("cudaEventDestroy", true))
        return result(cudaErrorUnknown);
    if (!object_is(e, "event"))
        return result(cudaErrorInvalidResourceHandle);
    drain_all();
    object_died(e);
    delete e;
    return result(cudaSuccess);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t stream, unsigned flags)
{
    if (fails("cudaEventRecord"))
        return result(cudaErrorUnknown);
    if (!object_is(e, "event") || !stream_known(stream))
        return result(cudaErrorInvalidResourceHandle);
    CUstream_st *s = actual(stream);
    if (s->capture && (flags & cudaEventRecordExternal))
        return result(record_node(s, cudaGraphNodeTypeEventRecord,
                                  [e, s]() {
                                      e->recorded = e->happened = ++device().ticket;
                                      e->stream = s;
                                      e->at = seconds();
                                  },
                                  {}));
    if (s->capture) {
        e->capture = s->capture;
        e->captured_stream = s;
        e->latest = s->latest;
        return result(s->capture->invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess);
    }
    e->capture = nullptr;
    e->stream = s;
    e->recorded = ++device().ticket;
    CUstream_st::Item item;
    item.record = e;
    item.ticket = e->recorded;
    enqueue(stream, std::move(item));
    return result(sticky_error());
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream)
{
    return cudaEventRecordWithFlags(e, stream, cudaEventRecordDefault);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t e, unsigned)
{
    if (fails("cudaStreamWaitEvent"))
        return result(cudaErrorUnknown);
    if (!object_is(e, "event") || !stream_known(stream))
        return result(cudaErrorInvalidResourceHandle);
    CUstream_st *s = actual(stream);
    if (e->capture) { /* joins, or is joined */
        if (s->capture && s->capture != e->capture)
            return result(cudaErrorStreamCaptureMerge);
        if (!device().captures.count(e->capture))
            return result(cudaErrorCapturedEvent);
        s->capture = e->capture;
        s->latest.insert(e->latest.begin(), e->latest.end());
        s->own_last = false;
        e->captured_stream->unjoined = false;
        s->unjoined = !s->origin;
        return result(cudaSuccess);
    }
    if (s->capture) {
        s->capture->invalid = true;
        return result(cudaErrorStreamCaptureIsolation);
    }
    CUstream_st::Item item;
    s->own_last = false;
    item.wait = e;
    item.ticket = e->recorded;
    enqueue(stream, std::move(item));
    return result(sticky_error());
}

/* Within a capture, or of an event that only a capture recorded. */
static cudaError_t host_may_ask(cudaEvent_t e)
{
    if (!object_is(e, "event"))
        return cudaErrorInvalidResourceHandle;
    if (e->capture) {
        if (device().captures.count(e->capture))
            e->capture->invalid = true;
        return cudaErrorCapturedEvent;
    }
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    if (fails("cudaEventSynchronize"))
        return result(cudaErrorLaunchFailure);
    const cudaError_t error = host_may_ask(e);
    if (error != cudaSuccess)
        return result(error);
    reach(e, e->recorded);
    return result(sticky_error());
}

cudaError_t cudaEventQuery(cudaEvent_t e)
{
    if (fails("cudaEventQuery"))
        return result(cudaErrorLaunchFailure);
    const cudaError_t error = host_may_ask(e);
    if (error != cudaSuccess)
        return result(error);
    return e->happened < e->recorded ? cudaErrorNotReady : result(sticky_error());
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    if (fails("cudaEventElapsedTime"))
        return result(cudaErrorInvalidResourceHandle);
    if (!ms)
        return result(cudaErrorInvalidValue);
    if (!object_is(from, "event") || !object_is(to, "event") || !from->timing || !to->timing ||
        !from->recorded || !to->recorded)
        return result(cudaErrorInvalidResourceHandle);
    if (from->happened < from->recorded || to->happened < to->recorded)
        return cudaErrorNotReady;
    *ms = (float)((to->at - from->at) * 1e3);
    return result(cudaSuccess);
}

/* ---- capture ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode)
{
    if (fails("cudaStreamBeginCapture"))
        return result(cudaErrorStreamCaptureUnsupported);
    if (is_legacy(s))
        return result(cudaErrorStreamCaptureUnsupported);
    if (!stream_known(s))
        return result(cudaErrorInvalidResourceHandle);
    if (s->capture)
        return result(cudaErrorIllegalState);
    CUgraph_st *g = new CUgraph_st();
    g->mode = mode;
    s->capture = g;
    s->origin = true;
    s->own_last = false;
    device().captures.insert(g);
    object_born(g, "graph");
    return result(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *out)
{
    const bool failing = fails("cudaStreamEndCapture");
    if (out)
        *out = nullptr;
    if (!out || !stream_known(s) || !actual(s)->capture)
        return result(cudaErrorIllegalState);
    CUgraph_st *g = actual(s)->capture;
    if (!actual(s)->origin)
        return result(cudaErrorStreamCaptureUnmatched);
    const bool unjoined = unjoined_work(actual(s));
    leave_capture(g);
    if (g->invalid || unjoined || failing) {
        const cudaError_t error = unjoined && !g->invalid ? cudaErrorStreamCaptureUnjoined
                                                          : cudaErrorStreamCaptureInvalidated;
        object_died(g);
        delete g;
        return result(error);
    }
    *out = g;
    return result(cudaSuccess);
}

static cudaStreamCaptureStatus status_of(const CUgraph_st *g)
{
    return !g           ? cudaStreamCaptureStatusNone
           : g->invalid ? cudaStreamCaptureStatusInvalidated
                        : cudaStreamCaptureStatusActive;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus *out)
{
    if (fails("cudaStreamIsCapturing"))
        return result(cudaErrorUnknown);
    if (!stream_known(s) || !out)
        return result(cudaErrorInvalidValue);
    *out = status_of(actual(s)->capture);
    return result(cudaSuccess);
}

#if CUDART_VERSION >= 12030
#if CUDART_VERSION < 13000
#define cudaStreamGetCaptureInfo cudaStreamGetCaptureInfo_v3
#endif

/* Nodes and edges are valid until the next call. */
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus *status,
                                     unsigned long long *id, cudaGraph_t *graph,
                                     const cudaGraphNode_t **nodes, const cudaGraphEdgeData **edges,
                                     size_t *count)
{
    static std::vector<cudaGraphNode_t> latest;
    static std::vector<cudaGraphEdgeData> data;
    if (fails("cudaStreamGetCaptureInfo"))
        return result(cudaErrorUnknown);
    if (!stream_known(stream) || !status)
        return result(cudaErrorInvalidValue);
    CUgraph_st *g = actual(stream)->capture;
    *status = status_of(g);
    if (*status != cudaStreamCaptureStatusActive)
        return result(cudaSuccess);
    latest.clear();
    for (size_t k : actual(stream)->latest)
        latest.push_back(g->nodes[k]);
    data.assign(latest.size(), cudaGraphEdgeData{});
    if (id)
        *id = 1;
    if (graph)
        *graph = g;
    *nodes = latest.data();
    *edges = data.data();
    *count = latest.size();
    return result(cudaSuccess);
}
#endif

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode)
{
    static cudaStreamCaptureMode current = cudaStreamCaptureModeGlobal;
    std::swap(current, *mode);
    return result(cudaSuccess);
}

} // extern "C"
