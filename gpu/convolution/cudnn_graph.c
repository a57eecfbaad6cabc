/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/cudnn_graph.h"

#include "gpu/device/check.h"
#include "gpu/kernels/launches.h"

#include <stdlib.h>
#include <string.h>

typedef cudnnBackendDescriptor_t descriptor;

/* Unique ids of the tensors of a graph. */
enum { UID_INPUT = 1, UID_WEIGHTS, UID_OUTPUT, UID_BIAS, UID_PLAIN, UID_BIASED, TENSORS = 6 };
enum { OPERATIONS = 3, OPERANDS = 4 };

struct cnn_cudnn_graph {
    cnn_cudnn_target target;
    cnn_conv_problem problem;
    descriptor tensors[TENSORS]; /* by uid - 1; the last three for bias and ReLU */
    descriptor convolution, add, relu;
    descriptor operations[OPERATIONS]; /* a convolution [, an addition, a ReLU] */
    descriptor graph;
};

struct cnn_cudnn_plan {
    cnn_cudnn_target target;
    int operand_count;
    int64_t uids[OPERANDS]; /* of the operands, in their order */
    descriptor engine, config, plan, pack;
    descriptor knobs[CNN_MAX_KNOBS];
    int64_t workspace;
    const void *packed[OPERANDS + 1]; /* what is in the pack: operands, workspace */
};

/* ---- descriptors --------------------------------------------------------------------------- */

static cnn_status make(cudnnBackendDescriptorType_t type, descriptor *out)
{
    cnn_status st = CNN_OK;
    CNN_CUDNN(cudnnBackendCreateDescriptor(type, out));
done:
    return st;
}

static void drop(descriptor *d)
{
    if (*d)
        cudnnBackendDestroyDescriptor(*d);
    *d = NULL;
}

static cnn_status set(descriptor d, cudnnBackendAttributeName_t name,
                      cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    cnn_status st = CNN_OK;
    CNN_CUDNN(cudnnBackendSetAttribute(d, name, type, count, values));
done:
    return st;
}

static cnn_status set_int(descriptor d, cudnnBackendAttributeName_t name, int64_t value)
{
    return set(d, name, CUDNN_TYPE_INT64, 1, &value);
}

static cnn_status set_descriptor(descriptor d, cudnnBackendAttributeName_t name, descriptor value)
{
    return set(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

static cnn_status finalize(descriptor d)
{
    cnn_status st = CNN_OK;
    CNN_CUDNN(cudnnBackendFinalize(d));
done:
    return st;
}

/* ---- the graph ----------------------------------------------------------------------------- */

/* A tensor [n, c, h, w] in cuDNN's order of dimensions, laid out NHWC. */
static cnn_status make_tensor(cnn_cudnn_graph *g, int uid, int n, int c, int h, int w)
{
    cnn_status st = CNN_OK;
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const bool is_virtual = uid == UID_PLAIN || uid == UID_BIASED; /* never in memory */
    const int64_t dims[] = {n, c, h, w};
    const int64_t strides[] = {(int64_t)h * w * c, 1, (int64_t)w * c, c};
    descriptor *out = &g->tensors[uid - 1];
    CNN_TRY(make(CUDNN_BACKEND_TENSOR_DESCRIPTOR, out));
    CNN_TRY(set(*out, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type));
    CNN_TRY(set(*out, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims));
    CNN_TRY(set(*out, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides));
    CNN_TRY(set_int(*out, CUDNN_ATTR_TENSOR_UNIQUE_ID, uid));
    CNN_TRY(set_int(*out, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 16));
    if (is_virtual)
        CNN_TRY(set(*out, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual));
    CNN_TRY(finalize(*out));
done:
    return st;
}

static bool has_bias_relu(const cnn_cudnn_graph *g)
{
    return g->problem.direction == CNN_CONV_FORWARD_BIAS_RELU;
}

static cnn_status make_tensors(cnn_cudnn_graph *g)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_convolution *s = &g->problem.shape;
    CNN_TRY(make_tensor(g, UID_INPUT, s->n, s->c, s->h, s->w));
    CNN_TRY(make_tensor(g, UID_WEIGHTS, s->out_c, s->c, s->kernel, s->kernel));
    CNN_TRY(make_tensor(g, UID_OUTPUT, s->n, s->out_c, s->out_h, s->out_w));
    if (has_bias_relu(g)) {
        CNN_TRY(make_tensor(g, UID_BIAS, 1, s->out_c, 1, 1));
        CNN_TRY(make_tensor(g, UID_PLAIN, s->n, s->out_c, s->out_h, s->out_w));
        CNN_TRY(make_tensor(g, UID_BIASED, s->n, s->out_c, s->out_h, s->out_w));
    }
done:
    return st;
}

static cnn_status make_convolution(cnn_cudnn_graph *g)
{
    cnn_status st = CNN_OK;
    const cnn_conv_problem *p = &g->problem;
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const int64_t ones[] = {1, 1}, strides[] = {p->shape.stride, p->shape.stride};
    const int64_t before[] = {p->shape.pad_top, p->shape.pad_left};
    const int64_t after[] = {p->pad_bottom, p->pad_right};
    CNN_TRY(make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, &g->convolution));
    const descriptor d = g->convolution;
    CNN_TRY(set(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type));
    CNN_TRY(set(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode));
    CNN_TRY(set_int(d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2));
    CNN_TRY(set(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones));
    CNN_TRY(set(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides));
    CNN_TRY(set(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before));
    CNN_TRY(set(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after));
    CNN_TRY(finalize(d));
done:
    return st;
}

/* The names that one direction of a convolution has in cuDNN. */
typedef struct {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t convolution, input, weights, output, alpha, beta;
    int64_t uids[OPERANDS]; /* of cnn_conv_operands' members; 0: none */
} operation_names;

static const operation_names operations[] = {
    [CNN_CONV_FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                          {UID_INPUT, UID_WEIGHTS, UID_OUTPUT}},
    [CNN_CONV_BACKWARD_DATA] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
                                {UID_OUTPUT, UID_WEIGHTS, UID_INPUT}},
    [CNN_CONV_BACKWARD_WEIGHTS] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
                                   {UID_INPUT, UID_OUTPUT, UID_WEIGHTS}},
    [CNN_CONV_FORWARD_BIAS_RELU] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                                    {UID_INPUT, UID_WEIGHTS, UID_OUTPUT, UID_BIAS}},
};

static cnn_status make_operation(cnn_cudnn_graph *g)
{
    cnn_status st = CNN_OK;
    const operation_names *o = &operations[g->problem.direction];
    const float one = 1, zero = 0;
    CNN_TRY(make(o->type, &g->operations[0]));
    const descriptor d = g->operations[0];
    const int output = has_bias_relu(g) ? UID_PLAIN : UID_OUTPUT;
    CNN_TRY(set_descriptor(d, o->convolution, g->convolution));
    CNN_TRY(set_descriptor(d, o->input, g->tensors[UID_INPUT - 1]));
    CNN_TRY(set_descriptor(d, o->weights, g->tensors[UID_WEIGHTS - 1]));
    CNN_TRY(set_descriptor(d, o->output, g->tensors[output - 1]));
    CNN_TRY(set(d, o->alpha, CUDNN_TYPE_FLOAT, 1, &one));
    CNN_TRY(set(d, o->beta, CUDNN_TYPE_FLOAT, 1, &zero));
    CNN_TRY(finalize(d));
done:
    return st;
}

static cnn_status make_pointwise(cudnnPointwiseMode_t mode, descriptor *out)
{
    cnn_status st = CNN_OK;
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    CNN_TRY(make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, out));
    CNN_TRY(set(*out, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode));
    CNN_TRY(set(*out, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type));
    CNN_TRY(finalize(*out));
done:
    return st;
}

/* to = function(from [, other]); other 0: none */
static cnn_status make_pointwise_operation(cnn_cudnn_graph *g, descriptor function, int from,
                                           int other, int to, descriptor *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, out));
    CNN_TRY(set_descriptor(*out, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function));
    CNN_TRY(set_descriptor(*out, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, g->tensors[from - 1]));
    if (other > 0)
        CNN_TRY(set_descriptor(*out, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, g->tensors[other - 1]));
    CNN_TRY(set_descriptor(*out, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, g->tensors[to - 1]));
    CNN_TRY(finalize(*out));
done:
    return st;
}

static cnn_status make_bias_relu(cnn_cudnn_graph *g)
{
    cnn_status st = CNN_OK;
    CNN_TRY(make_pointwise(CUDNN_POINTWISE_ADD, &g->add));
    CNN_TRY(make_pointwise(CUDNN_POINTWISE_RELU_FWD, &g->relu));
    CNN_TRY(
        make_pointwise_operation(g, g->add, UID_PLAIN, UID_BIAS, UID_BIASED, &g->operations[1]));
    CNN_TRY(make_pointwise_operation(g, g->relu, UID_BIASED, 0, UID_OUTPUT, &g->operations[2]));
done:
    return st;
}

/* Before 9.8 a graph belonged to a handle. */
static cnn_status make_graph(cnn_cudnn_graph *g)
{
    cnn_status st = CNN_OK;
    CNN_TRY(make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, &g->graph));
    if (g->target.handle)
        CNN_TRY(set(g->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1,
                    &g->target.handle));
    CNN_TRY(set(g->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                has_bias_relu(g) ? OPERATIONS : 1, g->operations));
    CNN_TRY(finalize(g->graph));
done:
    return st;
}

cnn_status cnn_cudnn_graph_create(cnn_cudnn_target target, const cnn_conv_problem *problem,
                                  cnn_cudnn_graph **out)
{
    cnn_status st = CNN_OK;
    cnn_cudnn_graph *g = calloc(1, sizeof *g);
    CNN_CHECK(g != NULL, CNN_ENOMEM, "a graph of cuDNN");
    g->target = target;
    g->problem = *problem;
    CNN_TRY(make_tensors(g));
    CNN_TRY(make_convolution(g));
    CNN_TRY(make_operation(g));
    if (has_bias_relu(g))
        CNN_TRY(make_bias_relu(g));
    CNN_TRY(make_graph(g));
    *out = g;
    g = NULL; /* the caller owns it now */
done:
    cnn_cudnn_graph_destroy(&g);
    return st;
}

void cnn_cudnn_graph_destroy(cnn_cudnn_graph **graph)
{
    cnn_cudnn_graph *g = *graph;
    if (!g)
        return;
    drop(&g->graph);
    for (int i = 0; i < OPERATIONS; i++)
        drop(&g->operations[i]);
    drop(&g->relu);
    drop(&g->add);
    drop(&g->convolution);
    for (int i = 0; i < TENSORS; i++)
        drop(&g->tensors[i]);
    free(g);
    *graph = NULL;
}

/* ---- engines ------------------------------------------------------------------------------- */

/* Reads a configuration that cuDNN proposes: engine, knobs, notes. */
typedef struct {
    cnn_cudnn_engine engine;
    bool notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
} proposal;

/* Unknown notes of newer versions are ignored. */
static cnn_status read_notes(descriptor engine, proposal *out)
{
    cnn_status st = CNN_OK;
    enum { ROOM = 64 };
    cudnnBackendNumericalNote_t notes[ROOM];
    int64_t count = 0;
    CNN_CUDNN(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                       CUDNN_TYPE_NUMERICAL_NOTE, ROOM, &count, notes));
    for (int64_t i = 0; i < count && i < ROOM; i++)
        if ((int)notes[i] >= 0 && notes[i] < CUDNN_NUMERICAL_NOTE_TYPE_COUNT)
            out->notes[notes[i]] = true;
done:
    return st;
}

static cnn_status read_engine(descriptor config, proposal *out)
{
    cnn_status st = CNN_OK;
    descriptor engine = NULL;
    int64_t count = 0;
    CNN_TRY(make(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine));
    CNN_CUDNN(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine));
    CNN_CUDNN(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1,
                                       &count, &out->engine.engine));
    CNN_TRY(read_notes(engine, out));
done:
    drop(&engine);
    return st;
}

static cnn_status read_knob(descriptor choice, int64_t *type, int64_t *value)
{
    cnn_status st = CNN_OK;
    cudnnBackendKnobType_t name;
    int64_t count = 0;
    CNN_CUDNN(cudnnBackendGetAttribute(choice, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE,
                                       CUDNN_TYPE_KNOB_TYPE, 1, &count, &name));
    CNN_CUDNN(cudnnBackendGetAttribute(choice, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64,
                                       1, &count, value));
    *type = (int64_t)name;
done:
    return st;
}

/* The number of choices is unknown beforehand: cuDNN fills up to as many descriptors as it gets. */
static cnn_status read_knobs(descriptor config, cnn_cudnn_engine *out)
{
    cnn_status st = CNN_OK;
    descriptor choices[CUDNN_KNOB_TYPE_COUNTS] = {NULL};
    int64_t count = 0;
    for (int i = 0; i < CUDNN_KNOB_TYPE_COUNTS; i++)
        CNN_TRY(make(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &choices[i]));
    CNN_CUDNN(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, CUDNN_KNOB_TYPE_COUNTS,
                                       &count, choices));
    CNN_CHECK(count <= CNN_MAX_KNOBS, CNN_EBACKEND, "a cuDNN engine with %d knobs", (int)count);
    for (int i = 0; i < (int)count; i++)
        CNN_TRY(read_knob(choices[i], &out->knobs[i].type, &out->knobs[i].value));
    out->knob_count = (int)count;
done:
    for (int i = 0; i < CUDNN_KNOB_TYPE_COUNTS; i++)
        drop(&choices[i]);
    return st;
}

static bool allowed(const proposal *p, cnn_cudnn_limits limits)
{
    return !p->notes[CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS] &&
           !p->notes[CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION] &&
           (limits.tf32 || !p->notes[CUDNN_NUMERICAL_NOTE_TENSOR_CORE]) &&
           (!limits.deterministic || !p->notes[CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC]);
}

static bool same_engine(const cnn_cudnn_engine *a, const cnn_cudnn_engine *b)
{
    bool same = a->engine == b->engine && a->knob_count == b->knob_count;
    for (int i = 0; same && i < a->knob_count; i++)
        same = a->knobs[i].type == b->knobs[i].type && a->knobs[i].value == b->knobs[i].value;
    return same;
}

static void add_engine(const cnn_cudnn_engine *engine, cnn_cudnn_engine *engines, int *count)
{
    for (int i = 0; i < *count; i++)
        if (same_engine(engine, &engines[i]))
            return;
    if (*count < CNN_MAX_ENGINES)
        engines[(*count)++] = *engine;
}

static cnn_status set_target(const cnn_cudnn_graph *g, descriptor d,
                             cudnnBackendAttributeName_t description)
{
    if (!g->target.description)
        return CNN_OK; /* the graph's handle says it */
    return set_descriptor(d, description, g->target.description);
}

static cnn_status ask_heuristics(const cnn_cudnn_graph *g, cudnnBackendHeurMode_t mode,
                                 descriptor *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, out));
    CNN_TRY(set_descriptor(*out, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, g->graph));
    CNN_TRY(set(*out, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode));
    CNN_TRY(set_target(g, *out, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP));
    CNN_TRY(finalize(*out));
done:
    return st;
}

/* Adds what one mode of the heuristics proposes. */
static cnn_status add_proposals(const cnn_cudnn_graph *g, cudnnBackendHeurMode_t mode,
                                cnn_cudnn_limits limits, cnn_cudnn_engine *engines, int *count)
{
    enum { ROOM = 256 };
    cnn_status st = CNN_OK;
    descriptor heuristics = NULL, configs[ROOM] = {NULL};
    int64_t results = 0;
    CNN_TRY(ask_heuristics(g, mode, &heuristics));
    for (int i = 0; i < ROOM; i++)
        CNN_TRY(make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs[i]));
    CNN_CUDNN(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, ROOM, &results, configs));
    for (int i = 0; i < (int)results && i < ROOM; i++) {
        proposal p = {0};
        CNN_TRY(read_engine(configs[i], &p));
        CNN_TRY(read_knobs(configs[i], &p.engine));
        if (allowed(&p, limits))
            add_engine(&p.engine, engines, count);
    }
done:
    for (int i = 0; i < ROOM; i++)
        drop(&configs[i]);
    drop(&heuristics);
    return st;
}

/* A mode without proposals for a graph may return an error, which is ignored. */
cnn_status cnn_cudnn_graph_engines(cnn_cudnn_graph *g, cnn_cudnn_limits limits,
                                   cnn_cudnn_engine *engines, int *count)
{
    const cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B,
                                            CUDNN_HEUR_MODE_FALLBACK};
    cnn_status last = CNN_OK;
    *count = 0;
    for (int i = 0; i < 3; i++) {
        const cnn_status st = add_proposals(g, modes[i], limits, engines, count);
        if (st == CNN_ENOMEM)
            return st;
        last = st == CNN_OK ? last : st;
    }
    return *count > 0 ? CNN_OK : last;
}

/* ---- plans --------------------------------------------------------------------------------- */

static cnn_status choose_knob(cnn_cudnn_plan *p, int i, int64_t type, int64_t value)
{
    cnn_status st = CNN_OK;
    const cudnnBackendKnobType_t name = (cudnnBackendKnobType_t)type;
    CNN_TRY(make(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &p->knobs[i]));
    CNN_TRY(set(p->knobs[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &name));
    CNN_TRY(set_int(p->knobs[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, value));
    CNN_TRY(finalize(p->knobs[i]));
done:
    return st;
}

static cnn_status configure(cnn_cudnn_graph *g, const cnn_cudnn_engine *e, cnn_cudnn_plan *p)
{
    cnn_status st = CNN_OK;
    CNN_TRY(make(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &p->engine));
    CNN_TRY(set_descriptor(p->engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, g->graph));
    CNN_TRY(set_int(p->engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, e->engine));
    CNN_TRY(set_target(g, p->engine, CUDNN_ATTR_ENGINE_DEVICEPROP));
    CNN_TRY(finalize(p->engine));
    for (int i = 0; i < e->knob_count; i++)
        CNN_TRY(choose_knob(p, i, e->knobs[i].type, e->knobs[i].value));
    CNN_TRY(make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &p->config));
    CNN_TRY(set_descriptor(p->config, CUDNN_ATTR_ENGINECFG_ENGINE, p->engine));
    if (e->knob_count > 0)
        CNN_TRY(set(p->config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                    e->knob_count, p->knobs));
    CNN_TRY(finalize(p->config));
done:
    return st;
}

static cnn_status make_plan(cnn_cudnn_graph *g, cnn_cudnn_plan *p)
{
    cnn_status st = CNN_OK;
    int64_t count = 0;
    CNN_TRY(make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &p->plan));
    if (g->target.handle)
        CNN_TRY(set(p->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1,
                    &g->target.handle));
    CNN_TRY(set_target(g, p->plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP));
    CNN_TRY(set_descriptor(p->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, p->config));
    CNN_TRY(finalize(p->plan));
    CNN_CUDNN(cudnnBackendGetAttribute(p->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                       CUDNN_TYPE_INT64, 1, &count, &p->workspace));
done:
    return st;
}

cnn_status cnn_cudnn_plan_create(cnn_cudnn_graph *g, const cnn_cudnn_engine *engine,
                                 cnn_cudnn_plan **out)
{
    cnn_status st = CNN_OK;
    cnn_cudnn_plan *p = calloc(1, sizeof *p);
    *out = NULL;
    CNN_CHECK(p != NULL, CNN_ENOMEM, "a plan of cuDNN");
    p->target = g->target;
    memcpy(p->uids, operations[g->problem.direction].uids, sizeof p->uids);
    p->operand_count = has_bias_relu(g) ? OPERANDS : OPERANDS - 1;
    st = configure(g, engine, p);
    if (st == CNN_OK)
        st = make_plan(g, p);
    if (st == CNN_EBACKEND) { /* this cuDNN does not do it */
        st = CNN_OK;
        goto done;
    }
    CNN_TRY(st);
    *out = p;
    p = NULL; /* the caller owns it now */
done:
    cnn_cudnn_plan_destroy(&p);
    return st;
}

void cnn_cudnn_plan_destroy(cnn_cudnn_plan **plan)
{
    cnn_cudnn_plan *p = *plan;
    if (!p)
        return;
    drop(&p->pack);
    drop(&p->plan);
    drop(&p->config);
    for (int i = 0; i < CNN_MAX_KNOBS; i++)
        drop(&p->knobs[i]);
    drop(&p->engine);
    free(p);
    *plan = NULL;
}

size_t cnn_cudnn_plan_workspace(const cnn_cudnn_plan *plan)
{
    return (size_t)plan->workspace;
}

/* Layers pass the same pointers at every step, so a new pack is needed only when they change. */
static cnn_status pack(cnn_cudnn_plan *p, const void *const pointers[OPERANDS + 1])
{
    cnn_status st = CNN_OK;
    if (p->pack && memcmp(p->packed, pointers, sizeof p->packed) == 0)
        return CNN_OK;
    drop(&p->pack);
    CNN_TRY(make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &p->pack));
    CNN_TRY(set(p->pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, p->operand_count,
                p->uids));
    CNN_TRY(set(p->pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                p->operand_count, pointers));
    CNN_TRY(set(p->pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1,
                &pointers[OPERANDS]));
    CNN_TRY(finalize(p->pack));
    memcpy(p->packed, pointers, sizeof p->packed);
done:
    if (st != CNN_OK)
        drop(&p->pack);
    return st;
}

/* The handle, for work that goes into its stream. */
static cudnnHandle_t foreign(const cnn_cudnn_plan *p, cudaStream_t stream)
{
    cnn_gpu_foreign(stream);
    return p->target.handle;
}

cnn_status cnn_cudnn_plan_run(cnn_cudnn_plan *p, cudaStream_t stream, cnn_conv_operands o,
                              void *workspace)
{
    cnn_status st = CNN_OK;
    const void *pointers[OPERANDS + 1] = {o.first, o.second, o.result, o.bias, workspace};
    CNN_TRY(pack(p, pointers));
    CNN_CUDNN(cudnnBackendExecute(foreign(p, stream), p->plan, p->pack));
done:
    return st;
}
