/* SPDX-License-Identifier: Apache-2.0 */
/* Dependents in a captured graph begin as early as they can. The capture leaves edges by which a
 * dependent begins when all blocks of the kernel in front have ended, and only what that one has
 * written is still on its way. Here they become edges by which it begins as soon as all blocks in
 * front have begun: none is kept from its place, and what it costs to launch and to place the
 * dependent is hidden behind all that they do. It waits for their end as before. */
#include "gpu/native/internal.h"

#include <stdlib.h>

#if CUDART_VERSION >= 12030

#if CUDART_VERSION < 13000 /* where the old names know no data of edges */
#define cudaGraphGetEdges           cudaGraphGetEdges_v2
#define cudaGraphAddDependencies    cudaGraphAddDependencies_v2
#define cudaGraphRemoveDependencies cudaGraphRemoveDependencies_v2
#endif

/* An edge stays as it is where the driver does not support another. */
static cnn_status make_early(cudaGraph_t graph, const cudaGraphNode_t *from,
                             const cudaGraphNode_t *to, const cudaGraphEdgeData *edge)
{
    cnn_status st = CNN_OK;
    cudaGraphEdgeData early = *edge;
    early.from_port = cudaGraphKernelNodePortLaunchCompletion;
    cudaError_t error = cudaGraphRemoveDependencies(graph, from, to, edge, 1);
    if (error == cudaErrorNotSupported)
        return CNN_OK;
    CNN_CUDA(error);
    error = cudaGraphAddDependencies(graph, from, to, &early, 1);
    if (error == cudaErrorNotSupported)
        error = cudaGraphAddDependencies(graph, from, to, edge, 1);
    CNN_CUDA(error);
done:
    return st;
}

cnn_status cnn_native_launch_early(cudaGraph_t graph)
{
    cnn_status st = CNN_OK;
    cudaGraphNode_t *from = NULL, *to = NULL;
    cudaGraphEdgeData *edges = NULL;
    size_t count = 0;
    CNN_CUDA(cudaGraphGetEdges(graph, NULL, NULL, NULL, &count));
    from = calloc(count + 1, sizeof *from);
    to = calloc(count + 1, sizeof *to);
    edges = calloc(count + 1, sizeof *edges);
    CNN_CHECK(from && to && edges, CNN_ENOMEM, "%zu edges of a graph", count);
    CNN_CUDA(cudaGraphGetEdges(graph, from, to, edges, &count));
    for (size_t i = 0; i < count; i++)
        if (edges[i].type == cudaGraphDependencyTypeProgrammatic &&
            edges[i].from_port == cudaGraphKernelNodePortProgrammatic)
            CNN_TRY(make_early(graph, &from[i], &to[i], &edges[i]));
done:
    free(from);
    free(to);
    free(edges);
    return st;
}

#else

cnn_status cnn_native_launch_early(cudaGraph_t graph)
{
    (void)graph;
    return cnn_error_set(CNN_EUSAGE, "this program's CUDA knows no edges between dependents");
}

#endif
