/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of a captured graph with dependent launches. A programmatic edge lets the later kernel
 * begin before the earlier one is complete, and is safe only if the later one waits. Our kernels
 * wait, a library's may not, so only edges between two launches of ours stay programmatic. As
 * captured, the later kernel begins when all blocks of the earlier one have ended. An early edge
 * lets it begin when they all have begun: the earlier kernel's whole run then hides the launch
 * latency, and the wait at the top of the later kernel keeps the order. */
#include "gpu/native/internal.h"

#include <stdlib.h>

#if CUDART_VERSION >= 12030

#if CUDART_VERSION < 13000 /* the old names' functions know no edge data */
#define cudaGraphGetEdges           cudaGraphGetEdges_v2
#define cudaGraphAddDependencies    cudaGraphAddDependencies_v2
#define cudaGraphRemoveDependencies cudaGraphRemoveDependencies_v2
#endif

typedef struct {
    cudaGraphNode_t from, to;
    cudaGraphEdgeData data;
} edge;

static cnn_status make_full(cudaGraph_t graph, const edge *e)
{
    cnn_status st = CNN_OK;
    const cudaGraphEdgeData full = {0};
    CNN_CUDA(cudaGraphRemoveDependencies(graph, &e->from, &e->to, &e->data, 1));
    CNN_CUDA(cudaGraphAddDependencies(graph, &e->from, &e->to, &full, 1));
done:
    return st;
}

/* The edge is left unchanged if the driver does not support an early one. */
static cnn_status make_early(cudaGraph_t graph, const edge *e)
{
    cnn_status st = CNN_OK;
    cudaGraphEdgeData early = e->data;
    early.from_port = cudaGraphKernelNodePortLaunchCompletion;
    cudaError_t error = cudaGraphRemoveDependencies(graph, &e->from, &e->to, &e->data, 1);
    if (error == cudaErrorNotSupported)
        return CNN_OK;
    CNN_CUDA(error);
    error = cudaGraphAddDependencies(graph, &e->from, &e->to, &early, 1);
    if (error == cudaErrorNotSupported)
        error = cudaGraphAddDependencies(graph, &e->from, &e->to, &e->data, 1);
    CNN_CUDA(error);
done:
    return st;
}

static cnn_status order_edge(cudaGraph_t graph, const edge *e, bool early)
{
    if (e->data.type != cudaGraphDependencyTypeProgrammatic)
        return CNN_OK;
    if (!cnn_gpu_is_own_node(e->from) || !cnn_gpu_is_own_node(e->to))
        return make_full(graph, e);
    return early && e->data.from_port == cudaGraphKernelNodePortProgrammatic ? make_early(graph, e)
                                                                             : CNN_OK;
}

cnn_status cnn_gpu_step_order_edges(cudaGraph_t graph, bool early)
{
    cnn_status st = CNN_OK;
    cudaGraphNode_t *from = NULL, *to = NULL;
    cudaGraphEdgeData *data = NULL;
    size_t count = 0;
    CNN_CUDA(cudaGraphGetEdges(graph, NULL, NULL, NULL, &count));
    from = calloc(count + 1, sizeof *from);
    to = calloc(count + 1, sizeof *to);
    data = calloc(count + 1, sizeof *data);
    CNN_CHECK(from && to && data, CNN_ENOMEM, "%zu edges of a graph", count);
    CNN_CUDA(cudaGraphGetEdges(graph, from, to, data, &count));
    for (size_t i = 0; i < count; i++) {
        const edge e = {from[i], to[i], data[i]};
        CNN_TRY(order_edge(graph, &e, early));
    }
done:
    free(from);
    free(to);
    free(data);
    return st;
}

#else

cnn_status cnn_gpu_step_order_edges(cudaGraph_t graph, bool early)
{
    (void)graph;
    (void)early;
    return cnn_error_set(CNN_EUSAGE, "dependent launches in graphs need CUDA 12.3 or newer");
}

#endif
