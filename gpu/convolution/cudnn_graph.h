/* SPDX-License-Identifier: Apache-2.0 */
/** cuDNN's graph (backend) API, as far as convolutions need it: one graph of one operation, its
 *  engines, execution plans.
 *
 *  Why the graph API: cuDNN 9 marks every function of the legacy API as deprecated (cudnn_cnn.h,
 *  cudnn_ops.h), while cudnn_graph.h is what it keeps; and only the graph API names an engine and
 *  its knobs, so that a choice can be frozen, filtered by what it does to numbers, and rebuilt in
 *  another process. */
#ifndef CNN_GPU_CONVOLUTION_CUDNN_GRAPH_H
#define CNN_GPU_CONVOLUTION_CUDNN_GRAPH_H

#include "base/status.h"
#include "gpu/convolution/problem.h"

#include <cudnn.h>
#include <stdbool.h>

enum { CNN_MAX_KNOBS = 24, CNN_MAX_ENGINES = 64 };

/** An engine with its settings, which reproduce how a graph runs. */
typedef struct {
    int64_t engine; /* global index within graphs of this operation */
    int knob_count;
    struct {
        int64_t type, value; /* cudnnBackendKnobType_t */
    } knobs[CNN_MAX_KNOBS];
} cnn_cudnn_engine;

/** Target of plans: a device through its handle, or, where there is none (tests, plans for
 *  people), the description of a device; the other one is NULL. Borrowed. */
typedef struct {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t description; /* CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR */
} cnn_cudnn_target;

/** Limits on rounding and repeatability of engines. */
typedef struct {
    bool tf32;          /* tensor cores, which round the inputs to TF32 */
    bool deterministic; /* none that may differ from run to run */
} cnn_cudnn_limits;

typedef struct cnn_cudnn_graph cnn_cudnn_graph;

cnn_status cnn_cudnn_graph_create(cnn_cudnn_target target, const cnn_conv_problem *problem,
                                  cnn_cudnn_graph **out);
void cnn_cudnn_graph_destroy(cnn_cudnn_graph **graph);

/** Engines that cuDNN's heuristics propose, best first and its fallbacks last, without repetition,
 *  as far as the limits allow: never one that rounds inputs or sums below single precision (TF32
 *  aside). engines [CNN_MAX_ENGINES]; *count may be 0. */
cnn_status cnn_cudnn_graph_engines(cnn_cudnn_graph *graph, cnn_cudnn_limits limits,
                                   cnn_cudnn_engine *engines, int *count);

typedef struct cnn_cudnn_plan cnn_cudnn_plan;

/** out is NULL, with CNN_OK, where this cuDNN cannot run the graph with that engine here; the
 *  error message has the reason. */
cnn_status cnn_cudnn_plan_create(cnn_cudnn_graph *graph, const cnn_cudnn_engine *engine,
                                 cnn_cudnn_plan **out);
void cnn_cudnn_plan_destroy(cnn_cudnn_plan **plan);
size_t cnn_cudnn_plan_workspace(const cnn_cudnn_plan *plan); /* bytes */
/** Queues the convolution. stream: the handle's; workspace: 256-byte aligned, as long as asked. */
cnn_status cnn_cudnn_plan_run(cnn_cudnn_plan *plan, cudaStream_t stream, cnn_conv_operands operands,
                              void *workspace);

#endif
