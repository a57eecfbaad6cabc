/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs: what may run at the same time, and may not; in which order they run; how long they take.
 */
#include "emulation/graphs.h"

#include <algorithm>

struct CUgraphExec_st {
    std::vector<CUgraphNode_st> nodes;
    double seconds; /* that a launch takes */
};

CUgraph_st::~CUgraph_st()
{
    for (CUgraphNode_st *node : nodes)
        delete node;
}

namespace emulated
{

namespace
{

struct Costs {
    double node = 0, dependent = 0, early = 0, branch = 0;
} costs;

bool branches_broken;

using Nodes = std::vector<CUgraphNode_st>;

using Set = std::vector<bool>;

/* to: and these, of which the last may be `last`. */
void add(Set &to, const Set &these, size_t last)
{
    for (size_t j = 0; j <= last; j++)
        to[j] = to[j] || these[j];
}

/* before[i][k]: node k is complete before node i touches memory. A programmatic edge alone does not
 * say so: its node begins when the other's blocks have ended (they had waited for what is before
 * them) or have begun, and only a kernel that waits is then behind the other one. */
std::vector<Set> orders_of(const Nodes &nodes)
{
    std::vector<Set> before(nodes.size(), Set(nodes.size())), at_start = before;
    for (size_t i = 0; i < nodes.size(); i++) {
        for (const auto &edge : nodes[i].after) {
            const size_t k = edge.first;
            const bool programmatic = edge.second.type == PROGRAMMATIC;
            const bool begun = programmatic && edge.second.from_port == PORT_BEGUN;
            add(at_start[i], begun ? at_start[k] : before[k], k);
            at_start[i][k] = at_start[i][k] || !programmatic;
            if (nodes[i].footprint.own || !programmatic) {
                add(before[i], before[k], k);
                before[i][k] = true;
            }
        }
        add(before[i], at_start[i], i);
    }
    return before;
}

bool meet(const Range &a, const Range &b)
{
    const char *first = static_cast<const char *>(a.start);
    const char *other = static_cast<const char *>(b.start);
    return (a.written || b.written) && first < other + b.bytes && other < first + a.bytes;
}

bool collide(const Footprint &a, const Footprint &b)
{
    return std::any_of(a.ranges.begin(), a.ranges.end(), [&](const Range &mine) {
        return std::any_of(b.ranges.begin(), b.ranges.end(),
                           [&](const Range &other) { return meet(mine, other); });
    });
}

/* Two nodes that nothing orders, one of which writes what the other uses. */
bool races(const Nodes &nodes)
{
    const std::vector<std::vector<bool>> before = orders_of(nodes);
    for (size_t i = 0; i < nodes.size(); i++)
        for (size_t k = 0; k < i; k++)
            if (!before[i][k] && collide(nodes[i].footprint, nodes[k].footprint))
                return true;
    return false;
}

double cost_of(const CUgraphNode_st &node)
{
    for (const auto &edge : node.after)
        if (edge.second.type == PROGRAMMATIC)
            return edge.second.from_port == PORT_BEGUN ? costs.early : costs.dependent;
    return costs.node;
}

/* Of the longest way through the graph. */
double seconds_of(const Nodes &nodes)
{
    std::vector<double> end(nodes.size());
    double last = 0;
    for (size_t i = 0; i < nodes.size(); i++) {
        for (const auto &edge : nodes[i].after)
            end[i] = std::max(end[i], end[edge.first]);
        end[i] += cost_of(nodes[i]);
        end[i] += nodes[i].branch ? costs.branch : 0;
        last = std::max(last, end[i]);
    }
    return last;
}

/* Any order that the dependencies allow: as captured, the other way round as far as may be, or by
 * chance (CNN_EMULATED_ORDER). */
void run_nodes(const Nodes &nodes)
{
    std::vector<size_t> waits(nodes.size()), ready;
    bool broken = branches_broken;
    for (size_t i = 0; i < nodes.size(); i++)
        if ((waits[i] = nodes[i].after.size()) == 0)
            ready.push_back(i);
    while (!ready.empty()) {
        const size_t at = pick(ready.size()), now = ready[at];
        ready.erase(ready.begin() + (std::ptrdiff_t)at);
        if (!(broken && nodes[now].branch))
            nodes[now].work();
        else
            broken = false; /* one node's work is lost */
        for (size_t i = now + 1; i < nodes.size(); i++)
            if (nodes[i].after.count(now) && --waits[i] == 0)
                ready.insert(std::lower_bound(ready.begin(), ready.end(), i), i);
    }
}

} // namespace

bool all_lead_to(const CUgraph_st *graph, const std::set<size_t> &ends)
{
    std::vector<bool> leads(graph->nodes.size());
    for (size_t i = leads.size(); i-- > 0;) {
        leads[i] = leads[i] || ends.count(i);
        for (const auto &edge : graph->nodes[i]->after)
            leads[edge.first] = leads[edge.first] || leads[i];
    }
    return std::find(leads.begin(), leads.end(), false) == leads.end();
}

size_t index_of(const CUgraph_st *graph, const CUgraphNode_st *node)
{
    const auto found = std::find(graph->nodes.begin(), graph->nodes.end(), node);
    return (size_t)(found - graph->nodes.begin());
}

/* Only between kernels, of which the later one waits for the other by itself. */
bool edge_fits(const CUgraphNode_st *from, const CUgraphNode_st *to, CUgraphEdge_st edge)
{
    if (edge.type != PROGRAMMATIC)
        return edge.type == 0 && edge.from_port == 0;
    return from->type == cudaGraphNodeTypeKernel && to->footprint.dependent &&
           (edge.from_port == PORT_ENDING || edge.from_port == PORT_BEGUN);
}

} // namespace emulated

using namespace emulated;

static cudaError_t instantiate(cudaGraphExec_t *out, cudaGraph_t graph)
{
    if (fails("cudaGraphInstantiate"))
        return cudaErrorMemoryAllocation;
    if (!out || !object_is(graph, "graph"))
        return cudaErrorInvalidValue;
    Nodes nodes;
    for (const CUgraphNode_st *node : graph->nodes)
        nodes.push_back(*node);
    if (races(nodes))
        device_failed(cudaErrorLaunchFailure,
                      "nodes of a graph that nothing orders write what the others use");
    *out = new CUgraphExec_st{nodes, seconds_of(nodes)};
    object_born(*out, "graph executable");
    return cudaSuccess;
}

extern "C" {

void cnn_emulated_graph_seconds(double node, double dependent, double early, double branch)
{
    costs.node = node;
    costs.dependent = dependent;
    costs.early = early;
    costs.branch = branch;
}

void cnn_emulated_break_branches(bool broken)
{
    branches_broken = broken;
}

#if CUDART_VERSION >= 12000
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long)
{
    return result(instantiate(out, graph));
}
#else
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, cudaGraphNode_t *, char *,
                                 size_t)
{
    return result(instantiate(out, graph));
}
#endif

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *out, cudaGraph_t graph,
                                          unsigned long long)
{
    return result(instantiate(out, graph));
}

cudaError_t cudaGraphUpload(cudaGraphExec_t g, cudaStream_t s)
{
    if (fails("cudaGraphUpload"))
        return result(cudaErrorMemoryAllocation);
    return result(object_is(g, "graph executable") && stream_known(s) ? cudaSuccess
                                                                      : cudaErrorInvalidValue);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t g, cudaStream_t stream)
{
    if (fails("cudaGraphLaunch"))
        return result(cudaErrorLaunchFailure);
    if (!object_is(g, "graph executable") || !stream_known(stream))
        return result(cudaErrorInvalidValue);
    if (is_capturing(stream))
        return result(cudaErrorStreamCaptureUnsupported);
    return result(submit(stream, "a graph", cudaGraphNodeTypeGraph, [g]() {
        DeviceAccess access;
        run_nodes(g->nodes);
        pass_time(g->seconds);
    }));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g)
{
    if (fails("cudaGraphExecDestroy", true))
        return result(cudaErrorUnknown);
    if (!object_is(g, "graph executable"))
        return result(cudaErrorInvalidValue);
    drain_all();
    object_died(g);
    delete g;
    return result(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
    if (fails("cudaGraphDestroy", true))
        return result(cudaErrorUnknown);
    if (!object_is(g, "graph"))
        return result(cudaErrorInvalidValue);
    object_died(g);
    delete g;
    return result(cudaSuccess);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t g, cudaGraphNode_t *nodes, size_t *count)
{
    if (fails("cudaGraphGetNodes"))
        return result(cudaErrorInvalidValue);
    if (!object_is(g, "graph") || !count)
        return result(cudaErrorInvalidValue);
    for (size_t i = 0; nodes && i < *count; i++)
        nodes[i] = i < g->nodes.size() ? g->nodes[i] : nullptr;
    if (!nodes || *count > g->nodes.size())
        *count = g->nodes.size();
    return result(cudaSuccess);
}

#if CUDART_VERSION >= 12030
#if CUDART_VERSION < 13000
#define cudaGraphGetEdges           cudaGraphGetEdges_v2
#define cudaGraphAddDependencies    cudaGraphAddDependencies_v2
#define cudaGraphRemoveDependencies cudaGraphRemoveDependencies_v2
#endif

cudaError_t cudaGraphGetEdges(cudaGraph_t g, cudaGraphNode_t *from, cudaGraphNode_t *to,
                              cudaGraphEdgeData *data, size_t *count)
{
    size_t i = 0;
    if (fails("cudaGraphGetEdges"))
        return result(cudaErrorInvalidValue);
    if (!object_is(g, "graph") || !count || !from != !to || (data && !from))
        return result(cudaErrorInvalidValue);
    for (CUgraphNode_st *node : g->nodes)
        for (const auto &edge : node->after) {
            if (from && i < *count) {
                from[i] = g->nodes[edge.first];
                to[i] = node;
                if (!data && edge.second.type)
                    return result(cudaErrorLossyQuery);
                if (data)
                    data[i] = {edge.second.from_port, 0, edge.second.type, {}};
            }
            i++;
        }
    *count = i;
    return result(cudaSuccess);
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t g, const cudaGraphNode_t *from,
                                     const cudaGraphNode_t *to, const cudaGraphEdgeData *data,
                                     size_t count)
{
    if (fails("cudaGraphAddDependencies"))
        return result(cudaErrorNotSupported);
    for (size_t i = 0; i < count; i++) {
        const CUgraphEdge_st edge = {data ? data[i].from_port : (unsigned char)0,
                                     data ? data[i].type : (unsigned char)0};
        const size_t at = index_of(g, from[i]);
        if (at >= index_of(g, to[i]) || to[i]->after.count(at) || !edge_fits(from[i], to[i], edge))
            return result(cudaErrorInvalidValue);
        to[i]->after[at] = edge;
    }
    return result(cudaSuccess);
}

cudaError_t cudaGraphRemoveDependencies(cudaGraph_t g, const cudaGraphNode_t *from,
                                        const cudaGraphNode_t *to, const cudaGraphEdgeData *data,
                                        size_t count)
{
    if (fails("cudaGraphRemoveDependencies"))
        return result(cudaErrorNotSupported);
    for (size_t i = 0; i < count; i++) {
        const auto found = to[i]->after.find(index_of(g, from[i]));
        if (found == to[i]->after.end() || found->second.type != (data ? data[i].type : 0) ||
            found->second.from_port != (data ? data[i].from_port : 0))
            return result(cudaErrorInvalidValue);
        to[i]->after.erase(found);
    }
    return result(cudaSuccess);
}
#endif

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType *type)
{
    *type = node->type;
    return result(cudaSuccess);
}

} // extern "C"
