/* SPDX-License-Identifier: Apache-2.0 */
/* Operation graphs, and engines that run them: fewer than cuDNN's, of every kind that a choice must
 * tell apart. Their indices, notes and knobs are those that cuDNN 9.19 gives for an H100. */
#include "emulation/descriptors.h"
#include "emulation/state.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace emulated
{

namespace
{

enum { TENSOR_CORE = CUDNN_NUMERICAL_NOTE_TENSOR_CORE, HALF = 10, SINGLE = 23 };

struct Knob {
    cudnnBackendKnobType_t type;
    int64_t least, most;
};

struct Engine {
    int64_t index;
    std::vector<cudnnBackendNumericalNote_t> notes;
    std::vector<Knob> knobs;
    Precision precision;
    int64_t workspace; /* bytes; unless 0, more by the input's and by the first knob's kilobytes */
    bool only_symmetric; /* padding */
    bool proposed;       /* by the heuristics */
};

const std::vector<cudnnBackendNumericalNote_t> plain = {},
                                               strict = {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP},
                                               tensor = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE},
                                               half = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE,
                                                       CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS},
                                               restless = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
const std::vector<Knob> none = {}, tiles = {{CUDNN_KNOB_TYPE_TILE_SIZE, 0, 4}},
                        many = {{CUDNN_KNOB_TYPE_TILE_SIZE, 0, 23}, {CUDNN_KNOB_TYPE_STAGES, 0, 7}};
const Precision exact = {SINGLE, false, 0}, single = {SINGLE, true, 0}, tf32 = {10, false, 0},
                disturbed = {SINGLE, false, 1};

const std::vector<Engine> &engines_of(Direction direction)
{
    static const std::vector<Engine> forward = {
        {0, strict, none, exact, 0, false, true},  {1, plain, tiles, single, 4096, false, true},
        {28, plain, tiles, single, 0, true, true}, {67, tensor, many, tf32, 131, false, true},
        {62, half, many, tf32, 0, false, false},
    };
    static const std::vector<Engine> data = {
        {0, strict, none, exact, 0, false, true},
        {1, plain, tiles, single, 4096, false, true},
        {25, restless, tiles, disturbed, 0, false, true},
        {71, tensor, many, tf32, 131, false, true},
        {67, half, many, tf32, 0, false, false},
    };
    static const std::vector<Engine> filter = {
        {0, strict, none, exact, 0, false, true},
        {1, plain, tiles, single, 104, false, true},
        {20, restless, tiles, disturbed, 0, false, true},
        {68, tensor, many, tf32, 4096, false, true},
        {65, half, many, tf32, 0, false, false},
    };
    static const std::vector<Engine> fused = {
        {0, strict, none, exact, 0, false, true},
        {11, plain, tiles, single, 4096, false, true},
        {51, tensor, many, tf32, 131, false, true},
    };
    return direction == Direction::forward           ? forward
           : direction == Direction::backward_data   ? data
           : direction == Direction::backward_filter ? filter
                                                     : fused;
}

int64_t engine_count(Direction direction)
{
    return direction == Direction::fused ? 61 : 85;
}

bool has_note(const Engine &e, cudnnBackendNumericalNote_t note)
{
    return std::find(e.notes.begin(), e.notes.end(), note) != e.notes.end();
}

/* ---- graphs ---- */

Tensor tensor_of(const Descriptor *d)
{
    Tensor t = {};
    for (int i = 0; i < 4; i++) {
        t.dims[i] = d->integer(CUDNN_ATTR_TENSOR_DIMENSIONS, i);
        t.strides[i] = d->integer(CUDNN_ATTR_TENSOR_STRIDES, i);
    }
    t.uid = d->integer(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    t.alignment = d->integer(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    t.is_virtual = d->scalar<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, false);
    return t;
}

/* The attributes of a direction. */
struct Names {
    cudnnBackendDescriptorType_t type;
    Direction direction;
    int x, w, y, convolution, alpha, beta;
};
const Names all_names[] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, Direction::forward,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, Direction::backward_data,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, Direction::backward_filter,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

const Names *names_of(const Descriptor *operation)
{
    for (const Names &n : all_names)
        if (n.type == operation->type)
            return &n;
    return nullptr;
}

cudnnStatus_t read_convolution(const Names &n, const Descriptor *operation, Problem *out)
{
    Convolution &c = out->convolution;
    const Descriptor *d = operation->child(n.convolution);
    for (const int name : {n.x, n.w, n.y})
        if (operation->child(name)->values.at(CUDNN_ATTR_TENSOR_DIMENSIONS).count != 4)
            return refuse(CUDNN_STATUS_NOT_SUPPORTED_SHAPE, "only 4 dimensions are emulated");
    c.x = tensor_of(operation->child(n.x));
    c.w = tensor_of(operation->child(n.w));
    c.y = tensor_of(operation->child(n.y));
    for (int i = 0; i < 2; i++) {
        c.stride[i] = d->integer(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, i);
        c.before[i] = d->integer(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, i);
        c.after[i] = d->integer(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, i);
        c.dilation[i] = d->integer(CUDNN_ATTR_CONVOLUTION_DILATIONS, i);
    }
    c.alpha = operation->scalar<float>(n.alpha, 1.0f);
    c.beta = operation->scalar<float>(n.beta, 0.0f);
    out->direction = n.direction;
    return CUDNN_STATUS_SUCCESS;
}

bool shapes_fit(const Convolution &c)
{
    for (int i = 0; i < 2; i++) {
        const int64_t reach = c.dilation[i] * (c.w.dims[2 + i] - 1) + 1;
        const int64_t room = c.x.dims[2 + i] + c.before[i] + c.after[i] - reach;
        if (room < 0 || c.y.dims[2 + i] != room / c.stride[i] + 1)
            return false;
    }
    return c.x.dims[0] == c.y.dims[0] && c.x.dims[1] == c.w.dims[1] && c.y.dims[1] == c.w.dims[0];
}

/* Bias and ReLU behind a forward convolution. */
cudnnStatus_t read_pointwise(const Descriptor *operation, int64_t *flows, Problem *out)
{
    const Descriptor *pw = operation->child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const auto mode =
        pw->scalar<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE, CUDNN_POINTWISE_IDENTITY);
    const Tensor x = tensor_of(operation->child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    const Descriptor *b = operation->child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
    if (x.uid != *flows)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "operations that are no chain");
    if (mode == CUDNN_POINTWISE_ADD && b && !out->has_bias && !out->has_relu) {
        out->bias = tensor_of(b);
        out->has_bias = true;
        if (out->bias.dims[1] != x.dims[1] || out->bias.count() != x.dims[1])
            return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a bias of another length");
    } else if (mode == CUDNN_POINTWISE_RELU_FWD && !out->has_relu)
        out->has_relu = true;
    else
        return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN,
                      "only bias and ReLU behind a convolution are emulated");
    out->result = tensor_of(operation->child(CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
    if (!std::equal(x.dims, x.dims + 4, out->result.dims))
        return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a result of another shape");
    *flows = out->result.uid;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_uids(const Problem &p)
{
    std::set<int64_t> uids = {p.convolution.x.uid, p.convolution.w.uid, p.convolution.y.uid};
    size_t expected = 3;
    if (p.has_bias) {
        uids.insert(p.bias.uid);
        expected++;
    }
    return uids.size() == expected ? CUDNN_STATUS_SUCCESS
                                   : refuse(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES,
                                            "two tensors with one unique id");
}

const Problem *problem_of(const Descriptor *d, int graph_name)
{
    const Descriptor *graph = d->child(graph_name);
    return graph ? graph->problem.get() : nullptr;
}

/* ---- engines ---- */

const Problem *problem_of_engine(const Descriptor *engine)
{
    return problem_of(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
}

const Engine *engine_of(const Descriptor *engine)
{
    for (const Engine &e : engines_of(problem_of_engine(engine)->direction))
        if (e.index == engine->integer(CUDNN_ATTR_ENGINE_GLOBAL_INDEX))
            return &e;
    return nullptr;
}

bool supports(const Engine &e, const Problem &p)
{
    const Convolution &c = p.convolution;
    const bool symmetric = c.before[0] == c.after[0] && c.before[1] == c.after[1];
    return symmetric || !e.only_symmetric;
}

template <class T> Value array(cudnnBackendAttributeType_t type, const std::vector<T> &values)
{
    Value v = {type, (int64_t)values.size(), {}, {}};
    const auto *bytes = reinterpret_cast<const unsigned char *>(values.data());
    v.bytes.assign(bytes, bytes + values.size() * sizeof(T));
    return v;
}

Shared finished(cudnnBackendDescriptorType_t type)
{
    Shared d = std::make_shared<Descriptor>();
    d->type = type;
    d->finalized = true;
    return d;
}

Value children(const std::vector<Shared> &list)
{
    return {CUDNN_TYPE_BACKEND_DESCRIPTOR, (int64_t)list.size(), {}, list};
}

Shared knob_info(const Knob &k)
{
    Shared d = finished(CUDNN_BACKEND_KNOB_INFO_DESCRIPTOR);
    d->values[CUDNN_ATTR_KNOB_INFO_TYPE] =
        array(CUDNN_TYPE_KNOB_TYPE, std::vector<cudnnBackendKnobType_t>{k.type});
    set_integer(d.get(), CUDNN_ATTR_KNOB_INFO_MINIMUM_VALUE, k.least);
    set_integer(d.get(), CUDNN_ATTR_KNOB_INFO_MAXIMUM_VALUE, k.most);
    set_integer(d.get(), CUDNN_ATTR_KNOB_INFO_STRIDE, 1);
    return d;
}

Shared knob_choice(cudnnBackendKnobType_t type, int64_t value)
{
    Shared d = finished(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    d->values[CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE] =
        array(CUDNN_TYPE_KNOB_TYPE, std::vector<cudnnBackendKnobType_t>{type});
    set_integer(d.get(), CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, value);
    return d;
}

/* The engine with all its knobs at one value, as the heuristics propose it. */
Shared proposal(const Shared &graph, const Engine &e, int64_t setting)
{
    Shared engine = finished(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    engine->values[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] = children({graph});
    set_integer(engine.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, e.index);
    describe_engine(engine.get());
    Shared config = finished(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    config->values[CUDNN_ATTR_ENGINECFG_ENGINE] = children({engine});
    std::vector<Shared> choices;
    for (const Knob &k : e.knobs)
        choices.push_back(knob_choice(k.type, std::min(k.most, k.least + setting)));
    if (!choices.empty())
        config->values[CUDNN_ATTR_ENGINECFG_KNOB_CHOICES] = children(choices);
    finalize_config(config.get());
    return config;
}

bool knob_allowed(const Engine &e, const Descriptor *choice)
{
    const auto type = choice->scalar<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE,
                                                             CUDNN_KNOB_TYPE_COUNTS);
    const int64_t value = choice->integer(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
    for (const Knob &k : e.knobs)
        if (k.type == type)
            return value >= k.least && value <= k.most;
    return false;
}

/* ---- execution ---- */

int64_t broken_engine = -1;

/* One value in the middle is a percent off. */
void spoil(const Tensor &t, float *values)
{
    float *at = values;
    for (int i = 0; i < 4; i++)
        at += t.dims[i] / 2 * t.strides[i];
    *at = *at * 1.01f + 0.01f;
}

const Descriptor *engine_of_plan(const Descriptor *plan)
{
    return plan->child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->child(CUDNN_ATTR_ENGINECFG_ENGINE);
}

template <class T> T element(const Descriptor *d, int name, int64_t index)
{
    T value;
    std::memcpy(&value, d->values.at(name).bytes.data() + (size_t)index * sizeof value,
                sizeof value);
    return value;
}

/* The memory of a tensor in the pack. */
cudnnStatus_t pointer_of(const Descriptor *pack, const Tensor &t, float **out)
{
    const int64_t count = pack->values.at(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).count;
    for (int64_t i = 0; i < count; i++) {
        if (element<int64_t>(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i) != t.uid)
            continue;
        void *p = element<void *>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, i);
        if ((uintptr_t)p % (uintptr_t)t.alignment)
            return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a misaligned tensor");
        if (!device_range(p, (size_t)t.extent() * sizeof(float)))
            return refuse(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND,
                          "a tensor that is not in one allocation of device memory");
        *out = static_cast<float *>(p);
        return CUDNN_STATUS_SUCCESS;
    }
    return refuse(CUDNN_STATUS_BAD_PARAM, "a unique id that is not in the variant pack");
}

cudnnStatus_t workspace_of(const Descriptor *pack, int64_t bytes, void **out)
{
    *out = pack->has(CUDNN_ATTR_VARIANT_PACK_WORKSPACE)
               ? element<void *>(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, 0)
               : nullptr;
    if (bytes > 0 && (!device_range(*out, (size_t)bytes) || (uintptr_t)*out % 16))
        return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "too small a workspace");
    return CUDNN_STATUS_SUCCESS;
}

struct Operands {
    float *x, *w, *y, *bias;
    void *workspace;
    int64_t workspace_bytes;
};

void add_bias_relu(const Problem &p, const Operands &o)
{
    const Tensor &t = p.result;
    for (int64_t i = 0; i < t.count(); i++) {
        const int64_t w = i % t.dims[3], h = i / t.dims[3] % t.dims[2];
        const int64_t c = i / (t.dims[3] * t.dims[2]) % t.dims[1];
        const int64_t n = i / (t.dims[3] * t.dims[2] * t.dims[1]);
        float *y = o.y + n * t.strides[0] + c * t.strides[1] + h * t.strides[2] + w * t.strides[3];
        const float v = *y + (p.has_bias ? o.bias[c * p.bias.strides[1]] : 0.0f);
        *y = p.has_relu && v < 0.0f ? 0.0f : v;
    }
}

void run(const Problem &p, const Precision &precision, bool broken, const Operands &o)
{
    DeviceAccess access;
    for (const void *operand : {(const void *)o.x, (const void *)o.w, (const void *)o.y})
        if (!points_into_memory(operand)) {
            device_failed(cudaErrorIllegalAddress, "a convolution's operand was freed");
            return;
        }
    if (o.workspace_bytes > 0 && !device_range(o.workspace, (size_t)o.workspace_bytes)) {
        device_failed(cudaErrorIllegalAddress, "a convolution's workspace was freed");
        return;
    }
    if (o.workspace_bytes > 0) /* its content is the engine's own */
        std::memset(o.workspace, 0xff, (size_t)o.workspace_bytes);
    Convolution c = p.convolution;
    switch (p.direction) {
    case Direction::forward:
        convolve_forward(c, precision, o.x, o.w, o.y);
        break;
    case Direction::backward_data:
        convolve_backward_data(c, precision, o.y, o.w, o.x);
        break;
    case Direction::backward_filter:
        convolve_backward_filter(c, precision, o.x, o.y, o.w);
        break;
    case Direction::fused:
        c.y = p.result;
        convolve_forward(c, precision, o.x, o.w, o.y);
        add_bias_relu(p, o);
        break;
    }
    if (broken)
        spoil(p.direction == Direction::backward_data     ? c.x
              : p.direction == Direction::backward_filter ? c.w
                                                          : c.y,
              p.direction == Direction::backward_data     ? o.x
              : p.direction == Direction::backward_filter ? o.w
                                                          : o.y);
}

cudnnStatus_t find_operands(const Problem &p, const Descriptor *pack, Operands *o)
{
    const Convolution &c = p.convolution;
    cudnnStatus_t status = pointer_of(pack, c.x, &o->x);
    if (status == CUDNN_STATUS_SUCCESS)
        status = pointer_of(pack, c.w, &o->w);
    if (status == CUDNN_STATUS_SUCCESS)
        status = pointer_of(pack, p.direction == Direction::fused ? p.result : c.y, &o->y);
    if (status == CUDNN_STATUS_SUCCESS && p.has_bias)
        status = pointer_of(pack, p.bias, &o->bias);
    return status;
}

} // namespace

cudnnStatus_t finalize_operation(const Descriptor *operation)
{
    Problem problem = {};
    const Names *names = names_of(operation);
    if (!names)
        return CUDNN_STATUS_SUCCESS;
    const cudnnStatus_t status = read_convolution(*names, operation, &problem);
    if (status == CUDNN_STATUS_SUCCESS && !shapes_fit(problem.convolution))
        return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "shapes that do not belong together");
    return status;
}

cudnnStatus_t finalize_graph(Descriptor *graph)
{
    const std::vector<Shared> &operations =
        graph->values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors;
    auto problem = std::make_unique<Problem>();
    const Names *names = names_of(operations[0].get());
    if (!names || (operations.size() > 1 && names->direction != Direction::forward))
        return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "operations that are not emulated");
    cudnnStatus_t status = read_convolution(*names, operations[0].get(), problem.get());
    int64_t flows = problem->convolution.y.uid;
    problem->result = problem->convolution.y;
    for (size_t i = 1; status == CUDNN_STATUS_SUCCESS && i < operations.size(); i++) {
        if (operations[i]->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "not a pointwise operation");
        problem->direction = Direction::fused;
        status = read_pointwise(operations[i].get(), &flows, problem.get());
    }
    if (status == CUDNN_STATUS_SUCCESS)
        status = check_uids(*problem);
    if (status == CUDNN_STATUS_SUCCESS && problem->result.is_virtual)
        status = refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "a graph with a virtual result");
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    set_integer(graph, CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT,
                engine_count(problem->direction));
    graph->problem = std::move(problem);
    return CUDNN_STATUS_SUCCESS;
}

/* A: tensor cores first; B: the other way round; fallback: the first two engines only. Some
 * configurations come twice, as from the real one. */
cudnnStatus_t finalize_heuristics(Descriptor *h)
{
    const Shared graph = h->shared_child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    const auto mode =
        h->scalar<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_HEUR_MODE_A);
    const Problem &p = *graph->problem;
    std::vector<Engine> engines = engines_of(p.direction);
    if (mode == CUDNN_HEUR_MODE_FALLBACK)
        engines.resize(2);
    if (mode != CUDNN_HEUR_MODE_B)
        std::reverse(engines.begin(), engines.end());
    for (const Engine &e : engines) {
        if (!e.proposed || !supports(e, p))
            continue;
        const int64_t settings = has_note(e, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ? 3 : 1;
        for (int64_t s = 0; s < settings; s++)
            h->results.push_back(proposal(graph, e, s));
        if (settings > 1)
            h->results.push_back(proposal(graph, e, 0));
    }
    return CUDNN_STATUS_SUCCESS;
}

void describe_engine(Descriptor *d)
{
    const Engine &e = *engine_of(d);
    std::vector<Shared> infos;
    for (const Knob &k : e.knobs)
        infos.push_back(knob_info(k));
    d->values[CUDNN_ATTR_ENGINE_KNOB_INFO] = children(infos);
    d->values[CUDNN_ATTR_ENGINE_NUMERICAL_NOTE] = array(CUDNN_TYPE_NUMERICAL_NOTE, e.notes);
    d->values[CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE] =
        array(CUDNN_TYPE_BEHAVIOR_NOTE, std::vector<cudnnBackendBehaviorNote_t>{});
}

cudnnStatus_t finalize_engine(Descriptor *d)
{
    const Engine *e = engine_of(d);
    if (!e || !supports(*e, *problem_of_engine(d)))
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "no such engine for this graph");
    describe_engine(d);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_config(Descriptor *d)
{
    const Descriptor *engine = d->child(CUDNN_ATTR_ENGINECFG_ENGINE);
    const Engine &e = *engine_of(engine);
    d->workspace = e.workspace;
    if (e.workspace > 0)
        d->workspace += 4 * problem_of_engine(engine)->convolution.x.count();
    for (size_t i = 0; const Descriptor *choice = d->child(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, i);
         i++) {
        if (!knob_allowed(e, choice))
            return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a knob that the engine lacks");
        if (i == 0)
            d->workspace += 1024 * choice->integer(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
    }
    set_integer(d, CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, d->workspace);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_plan(Descriptor *d)
{
    if (forbidden_in_capture(cudaErrorStreamCaptureUnsupported) != cudaSuccess)
        return refuse(CUDNN_STATUS_INTERNAL_ERROR, "a plan made during a capture");
    d->workspace = d->child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->workspace;
    set_integer(d, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, d->workspace);
    return CUDNN_STATUS_SUCCESS;
}

size_t bytes_of(const Tensor &t)
{
    return (size_t)t.extent() * sizeof(float);
}

Footprint footprint_of(const Problem &p, cudnnHandle_t handle, const Operands &o)
{
    const Convolution &c = p.convolution;
    const bool data = p.direction == Direction::backward_data;
    const bool weights = p.direction == Direction::backward_filter;
    return library_footprint({{o.x, bytes_of(c.x), data},
                              {o.w, bytes_of(c.w), weights},
                              {o.y, bytes_of(c.y), !data && !weights},
                              {o.workspace, (size_t)o.workspace_bytes, true},
                              {handle, 1, true}});
}

cudnnStatus_t execute(cudnnHandle_t handle, const Descriptor *plan, const Descriptor *pack)
{
    static unsigned runs;
    const Descriptor *engine = engine_of_plan(plan);
    const Problem &p = *problem_of_engine(engine);
    const Precision precision = engine_of(engine)->precision;
    Operands o = {};
    o.workspace_bytes = plan->workspace;
    cudnnStatus_t status = find_operands(p, pack, &o);
    if (status == CUDNN_STATUS_SUCCESS)
        status = workspace_of(pack, plan->workspace, &o.workspace);
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    const bool broken = engine_of(engine)->index == broken_engine;
    const Work work = [=]() {
        Precision now = precision;
        if (now.disturbed)
            now.disturbed = ++runs;
        run(p, now, broken, o);
    };
    const cudaError_t error = submit(handle->stream, "a convolution", cudaGraphNodeTypeKernel, work,
                                     footprint_of(p, handle, o));
    if (fails("a kernel of cuDNN", true)) /* asked for by this name alone */
        device_failed(cudaErrorIllegalAddress, "a kernel of cuDNN, on request");
    return error == cudaSuccess ? CUDNN_STATUS_SUCCESS
                                : refuse(CUDNN_STATUS_EXECUTION_FAILED, cudaGetErrorString(error));
}

} // namespace emulated

extern "C" void cnn_emulated_break_engine(int64_t index)
{
    emulated::broken_engine = index;
}
