/* SPDX-License-Identifier: Apache-2.0 */
#include "emulation/descriptors.h"

#include "emulation/state.h"

#include <cstdio>
#include <cstring>

namespace emulated
{

namespace
{

/* An attribute: of which descriptors, its type, how many elements, and whether it must be set. */
struct Rule {
    cudnnBackendDescriptorType_t of;
    cudnnBackendAttributeName_t name;
    const char *text;
    cudnnBackendAttributeType_t type;
    int64_t least, most;
    bool required;
    int kind; /* of a descriptor: the type it must have; ANY_TENSOR.. */
};

enum { NO_KIND = -1, SEVERAL = 1000000 };

#define RULE(of, name, type, least, most, required, kind)                                          \
    {                                                                                              \
        CUDNN_BACKEND_##of##_DESCRIPTOR, CUDNN_ATTR_##name, "CUDNN_ATTR_" #name,                   \
            CUDNN_TYPE_##type, least, most, required, kind                                         \
    }
#define TENSOR_RULE(of, name)                                                                      \
    RULE(of, name, BACKEND_DESCRIPTOR, 1, 1, true, CUDNN_BACKEND_TENSOR_DESCRIPTOR)
#define CONVOLUTION_RULES(of, prefix, x, w, y)                                                     \
    TENSOR_RULE(of, prefix##_##x), TENSOR_RULE(of, prefix##_##w), TENSOR_RULE(of, prefix##_##y),   \
        RULE(of, prefix##_CONV_DESC, BACKEND_DESCRIPTOR, 1, 1, true,                               \
             CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR),                                                \
        RULE(of, prefix##_ALPHA, FLOAT, 1, 1, false, NO_KIND),                                     \
        RULE(of, prefix##_BETA, FLOAT, 1, 1, false, NO_KIND)

const Rule rules[] = {
    RULE(TENSOR, TENSOR_DATA_TYPE, DATA_TYPE, 1, 1, true, NO_KIND),
    RULE(TENSOR, TENSOR_DIMENSIONS, INT64, 1, CUDNN_DIM_MAX, true, NO_KIND),
    RULE(TENSOR, TENSOR_STRIDES, INT64, 1, CUDNN_DIM_MAX, true, NO_KIND),
    RULE(TENSOR, TENSOR_UNIQUE_ID, INT64, 1, 1, true, NO_KIND),
    RULE(TENSOR, TENSOR_BYTE_ALIGNMENT, INT64, 1, 1, true, NO_KIND),
    RULE(TENSOR, TENSOR_IS_VIRTUAL, BOOLEAN, 1, 1, false, NO_KIND),
    RULE(TENSOR, TENSOR_IS_BY_VALUE, BOOLEAN, 1, 1, false, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_COMP_TYPE, DATA_TYPE, 1, 1, true, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_CONV_MODE, CONVOLUTION_MODE, 1, 1, true, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_SPATIAL_DIMS, INT64, 1, 1, true, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_DILATIONS, INT64, 1, 6, true, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_FILTER_STRIDES, INT64, 1, 6, true, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_PRE_PADDINGS, INT64, 1, 6, true, NO_KIND),
    RULE(CONVOLUTION, CONVOLUTION_POST_PADDINGS, INT64, 1, 6, true, NO_KIND),
    CONVOLUTION_RULES(OPERATION_CONVOLUTION_FORWARD, OPERATION_CONVOLUTION_FORWARD, X, W, Y),
    CONVOLUTION_RULES(OPERATION_CONVOLUTION_BACKWARD_DATA, OPERATION_CONVOLUTION_BWD_DATA, DX, W,
                      DY),
    CONVOLUTION_RULES(OPERATION_CONVOLUTION_BACKWARD_FILTER, OPERATION_CONVOLUTION_BWD_FILTER, X,
                      DW, DY),
    RULE(POINTWISE, POINTWISE_MODE, POINTWISE_MODE, 1, 1, true, NO_KIND),
    RULE(POINTWISE, POINTWISE_MATH_PREC, DATA_TYPE, 1, 1, true, NO_KIND),
    RULE(POINTWISE, POINTWISE_RELU_LOWER_CLIP, DOUBLE, 1, 1, false, NO_KIND),
    RULE(OPERATION_POINTWISE, OPERATION_POINTWISE_PW_DESCRIPTOR, BACKEND_DESCRIPTOR, 1, 1, true,
         CUDNN_BACKEND_POINTWISE_DESCRIPTOR),
    TENSOR_RULE(OPERATION_POINTWISE, OPERATION_POINTWISE_XDESC),
    TENSOR_RULE(OPERATION_POINTWISE, OPERATION_POINTWISE_YDESC),
    RULE(OPERATION_POINTWISE, OPERATION_POINTWISE_BDESC, BACKEND_DESCRIPTOR, 1, 1, false,
         CUDNN_BACKEND_TENSOR_DESCRIPTOR),
    RULE(OPERATIONGRAPH, OPERATIONGRAPH_OPS, BACKEND_DESCRIPTOR, 1, 16, true, NO_KIND),
    RULE(OPERATIONGRAPH, OPERATIONGRAPH_HANDLE, HANDLE, 1, 1, false, NO_KIND),
    RULE(ENGINEHEUR, ENGINEHEUR_OPERATION_GRAPH, BACKEND_DESCRIPTOR, 1, 1, true,
         CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR),
    RULE(ENGINEHEUR, ENGINEHEUR_MODE, HEUR_MODE, 1, 1, true, NO_KIND),
    RULE(ENGINEHEUR, ENGINEHEUR_DEVICEPROP, BACKEND_DESCRIPTOR, 1, 1, false,
         CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR),
    RULE(ENGINE, ENGINE_OPERATION_GRAPH, BACKEND_DESCRIPTOR, 1, 1, true,
         CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR),
    RULE(ENGINE, ENGINE_GLOBAL_INDEX, INT64, 1, 1, true, NO_KIND),
    RULE(ENGINE, ENGINE_DEVICEPROP, BACKEND_DESCRIPTOR, 1, 1, false,
         CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR),
    RULE(ENGINECFG, ENGINECFG_ENGINE, BACKEND_DESCRIPTOR, 1, 1, true,
         CUDNN_BACKEND_ENGINE_DESCRIPTOR),
    RULE(ENGINECFG, ENGINECFG_KNOB_CHOICES, BACKEND_DESCRIPTOR, 1, 64, false,
         CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR),
    RULE(KNOB_CHOICE, KNOB_CHOICE_KNOB_TYPE, KNOB_TYPE, 1, 1, true, NO_KIND),
    RULE(KNOB_CHOICE, KNOB_CHOICE_KNOB_VALUE, INT64, 1, 1, true, NO_KIND),
    RULE(EXECUTION_PLAN, EXECUTION_PLAN_HANDLE, HANDLE, 1, 1, false, NO_KIND),
    RULE(EXECUTION_PLAN, EXECUTION_PLAN_ENGINE_CONFIG, BACKEND_DESCRIPTOR, 1, 1, true,
         CUDNN_BACKEND_ENGINECFG_DESCRIPTOR),
    RULE(EXECUTION_PLAN, EXECUTION_PLAN_DEVICEPROP, BACKEND_DESCRIPTOR, 1, 1, false,
         CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR),
    RULE(VARIANT_PACK, VARIANT_PACK_UNIQUE_IDS, INT64, 1, 64, true, NO_KIND),
    RULE(VARIANT_PACK, VARIANT_PACK_DATA_POINTERS, VOID_PTR, 1, 64, true, NO_KIND),
    RULE(VARIANT_PACK, VARIANT_PACK_WORKSPACE, VOID_PTR, 1, 1, false, NO_KIND),
    RULE(DEVICEPROP, DEVICEPROP_HANDLE, HANDLE, 1, 1, false, NO_KIND),
    RULE(DEVICEPROP, DEVICEPROP_JSON_REPRESENTATION, CHAR, 1, SEVERAL, false, NO_KIND),
};

/* Descriptors that are only read. */
bool only_read(cudnnBackendDescriptorType_t type)
{
    return type == CUDNN_BACKEND_KNOB_INFO_DESCRIPTOR;
}

size_t element_bytes(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_BOOLEAN:
        return sizeof(bool);
    case CUDNN_TYPE_CHAR:
        return 1;
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    default: /* enumerations, float, int32 */
        return 4;
    }
}

const Rule *rule_of(cudnnBackendDescriptorType_t type, int name)
{
    for (const Rule &r : rules)
        if (r.of == type && r.name == name)
            return &r;
    return nullptr;
}

thread_local std::string last_error;

struct Holder {
    Shared descriptor;
};

Holder *holder(cudnnBackendDescriptor_t d)
{
    return object_is(d, "cuDNN descriptor") ? static_cast<Holder *>(d) : nullptr;
}

std::string in(const Rule &r, const char *what)
{
    return std::string(r.text) + ": " + what;
}

cudnnStatus_t check_descriptor(const Rule &r, const Holder *child)
{
    if (!child)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, in(r, "not a descriptor"));
    if (r.kind != NO_KIND && child->descriptor->type != r.kind)
        return refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE,
                      in(r, "a descriptor of another type"));
    if (!child->descriptor->finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, in(r, "a descriptor not finalised"));
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t store_descriptors(const Rule &r, int64_t count, const void *elements, Value *v)
{
    const auto *children = static_cast<const cudnnBackendDescriptor_t *>(elements);
    for (int64_t i = 0; i < count; i++) {
        const Holder *child = holder(children[i]);
        const cudnnStatus_t status = check_descriptor(r, child);
        if (status != CUDNN_STATUS_SUCCESS)
            return status;
        v->descriptors.push_back(child->descriptor);
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_handle(const Rule &r, const void *elements)
{
    const cudnnHandle_t handle = *static_cast<const cudnnHandle_t *>(elements);
    return object_is(handle, "cuDNN handle")
               ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM, in(r, "not a handle"));
}

cudnnStatus_t set(Descriptor *d, const Rule &r, cudnnBackendAttributeType_t type, int64_t count,
                  const void *elements)
{
    if (d->finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM, in(r, "the descriptor is finalised"));
    if (type != r.type)
        return refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, in(r, "another attribute type"));
    if (count < r.least || count > r.most)
        return refuse(CUDNN_STATUS_BAD_PARAM, in(r, "wrong number of elements"));
    if (!elements)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, in(r, "no elements"));
    Value v = {type, count, {}, {}};
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        status = store_descriptors(r, count, elements, &v);
    else if (type == CUDNN_TYPE_HANDLE)
        status = check_handle(r, elements);
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    const auto *bytes = static_cast<const unsigned char *>(elements);
    v.bytes.assign(bytes, bytes + (size_t)count * element_bytes(type));
    d->values[r.name] = std::move(v);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_tensor(const Descriptor *d)
{
    const int64_t alignment = d->integer(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    const Value &dims = d->values.at(CUDNN_ATTR_TENSOR_DIMENSIONS);
    if (dims.count != d->values.at(CUDNN_ATTR_TENSOR_STRIDES).count)
        return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor with other dimensions than strides");
    for (int i = 0; i < (int)dims.count; i++)
        if (d->integer(CUDNN_ATTR_TENSOR_DIMENSIONS, i) < 1 ||
            d->integer(CUDNN_ATTR_TENSOR_STRIDES, i) < 1)
            return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor's dimension or stride below 1");
    if (alignment < 4 || (alignment & (alignment - 1)))
        return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor's alignment");
    if (d->scalar<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT) !=
        CUDNN_DATA_FLOAT)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "only f32 is emulated");
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_convolution(const Descriptor *d)
{
    const int64_t dims = d->integer(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
    for (int name : {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES,
                     CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS})
        if (d->values.at(name).count != dims)
            return refuse(CUDNN_STATUS_BAD_PARAM, "a convolution with too many or too few numbers");
    if (dims != 2 ||
        d->scalar<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CONVOLUTION) !=
            CUDNN_CROSS_CORRELATION)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "only 2-D cross-correlation is emulated");
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_pack(const Descriptor *d)
{
    return d->values.at(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).count ==
                   d->values.at(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).count
               ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM, "a variant pack with other ids than pointers");
}

cudnnStatus_t check_required(const Descriptor *d)
{
    for (const Rule &r : rules)
        if (r.of == d->type && r.required && !d->has(r.name))
            return refuse(CUDNN_STATUS_BAD_PARAM, in(r, "not set"));
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize(Descriptor *d)
{
    switch (d->type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
        return finalize_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
        return finalize_convolution(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
        return finalize_operation(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
        return finalize_graph(d);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
        return finalize_heuristics(d);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
        return finalize_engine(d);
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
        return finalize_config(d);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
        return finalize_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
        return finalize_pack(d);
    default:
        return CUDNN_STATUS_SUCCESS;
    }
}

/* Descriptors come back as copies into descriptors that the caller made. */
cudnnStatus_t get_descriptors(const std::vector<Shared> &from, int64_t room, int64_t *count,
                              void *elements)
{
    auto *out = static_cast<cudnnBackendDescriptor_t *>(elements);
    *count = room == 0 ? (int64_t)from.size() : std::min(room, (int64_t)from.size());
    for (int64_t i = 0; out && i < room && i < (int64_t)from.size(); i++) {
        Holder *h = holder(out[i]);
        if (!h || h->descriptor->type != from[(size_t)i]->type)
            return refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor to be filled is of another type");
        h->descriptor = from[(size_t)i];
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t get(Descriptor *d, int name, cudnnBackendAttributeType_t type, int64_t room,
                  int64_t *count, void *elements)
{
    int64_t ignored = 0;
    if (!count)
        count = &ignored;
    if (d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR && name == CUDNN_ATTR_ENGINEHEUR_RESULTS)
        return get_descriptors(d->results, room, count, elements);
    const auto found = d->values.find(name);
    if (found == d->values.end()) {
        *count = 0;
        return name == CUDNN_ATTR_ENGINECFG_KNOB_CHOICES
                   ? CUDNN_STATUS_SUCCESS
                   : refuse(CUDNN_STATUS_BAD_PARAM, "an attribute that the descriptor lacks");
    }
    const Value &v = found->second;
    if (v.type != type)
        return refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "another attribute type");
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
        /* Knobs: as the real one, which tells no number when none are asked for. */
        if (room == 0 &&
            (name == CUDNN_ATTR_ENGINECFG_KNOB_CHOICES || name == CUDNN_ATTR_ENGINE_KNOB_INFO)) {
            *count = 0;
            return CUDNN_STATUS_SUCCESS;
        }
        return get_descriptors(v.descriptors, room, count, elements);
    }
    *count = room == 0 ? v.count : std::min(room, v.count);
    if (elements && *count > 0)
        std::memcpy(elements, v.bytes.data(),
                    (size_t)std::min(room, v.count) * element_bytes(type));
    return CUDNN_STATUS_SUCCESS;
}

} // namespace

cudnnStatus_t refuse(cudnnStatus_t status, const std::string &text)
{
    last_error = text;
    return status;
}

int64_t Descriptor::integer(int name, int index) const
{
    int64_t value;
    std::memcpy(&value, values.at(name).bytes.data() + 8 * index, sizeof value);
    return value;
}

Shared Descriptor::shared_child(int name, size_t index) const
{
    const auto found = values.find(name);
    return found == values.end() || index >= found->second.descriptors.size()
               ? nullptr
               : found->second.descriptors[index];
}

Descriptor *Descriptor::child(int name, size_t index) const
{
    return shared_child(name, index).get();
}

void set_integer(Descriptor *d, int name, int64_t value)
{
    Value v = {CUDNN_TYPE_INT64, 1, std::vector<unsigned char>(8), {}};
    std::memcpy(v.bytes.data(), &value, 8);
    d->values[name] = std::move(v);
}

} // namespace emulated

using namespace emulated;

extern "C" {

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t *out)
{
    if (fails("cudnnBackendCreateDescriptor"))
        return refuse(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "out of memory");
    bool known = only_read(type);
    for (const Rule &r : rules)
        known = known || r.of == type;
    if (!known)
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "a descriptor that is not emulated");
    Holder *h = new Holder();
    h->descriptor = std::make_shared<Descriptor>();
    h->descriptor->type = type;
    object_born(h, "cuDNN descriptor");
    *out = h;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d)
{
    Holder *h = holder(d);
    if (!h)
        return refuse(CUDNN_STATUS_BAD_PARAM, "not a descriptor");
    object_died(h);
    delete h;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendInitialize(cudnnBackendDescriptor_t d)
{
    return holder(d) ? CUDNN_STATUS_SUCCESS : refuse(CUDNN_STATUS_BAD_PARAM, "not a descriptor");
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *elements)
{
    if (fails("cudnnBackendSetAttribute"))
        return refuse(CUDNN_STATUS_BAD_PARAM, "on request");
    Holder *h = holder(descriptor);
    if (!h)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "not a descriptor");
    const Rule *r = rule_of(h->descriptor->type, name);
    return r ? set(h->descriptor.get(), *r, type, count, elements)
             : refuse(CUDNN_STATUS_BAD_PARAM, "an attribute that the descriptor lacks");
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    if (fails("cudnnBackendFinalize"))
        return refuse(CUDNN_STATUS_NOT_SUPPORTED, "on request");
    Holder *h = holder(descriptor);
    if (!h)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "not a descriptor");
    if (h->descriptor->finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM, "finalised already");
    cudnnStatus_t status = check_required(h->descriptor.get());
    if (status == CUDNN_STATUS_SUCCESS)
        status = finalize(h->descriptor.get());
    h->descriptor->finalized = status == CUDNN_STATUS_SUCCESS;
    return status;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t room,
                                       int64_t *count, void *elements)
{
    if (fails("cudnnBackendGetAttribute"))
        return refuse(CUDNN_STATUS_INTERNAL_ERROR, "on request");
    Holder *h = holder(descriptor);
    if (!h)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "not a descriptor");
    if (!h->descriptor->finalized)
        return refuse(CUDNN_STATUS_NOT_INITIALIZED, "read before it is finalised");
    return get(h->descriptor.get(), name, type, room, count, elements);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    if (fails("cudnnBackendExecute"))
        return refuse(CUDNN_STATUS_EXECUTION_FAILED, "on request");
    const Holder *p = holder(plan), *v = holder(pack);
    if (!object_is(handle, "cuDNN handle") || !p || !v)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no handle, plan or variant pack");
    if (p->descriptor->type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ||
        v->descriptor->type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
        return refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "not a plan and a variant pack");
    if (!p->descriptor->finalized || !v->descriptor->finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "plan or variant pack not finalised");
    return execute(handle, p->descriptor.get(), v->descriptor.get());
}

/* ---- the handle ---- */

cudnnStatus_t cudnnCreate(cudnnHandle_t *out)
{
    if (fails("cudnnCreate"))
        return refuse(CUDNN_STATUS_NOT_INITIALIZED, "on request");
    if (forbidden_in_capture(cudaErrorStreamCaptureUnsupported) != cudaSuccess)
        return refuse(CUDNN_STATUS_INTERNAL_ERROR, "made during a capture");
    *out = new cudnnContext();
    object_born(*out, "cuDNN handle");
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    if (!object_is(handle, "cuDNN handle"))
        return refuse(CUDNN_STATUS_BAD_PARAM, "not a handle");
    drain_all();
    object_died(handle);
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    if (fails("cudnnSetStream") || !object_is(handle, "cuDNN handle") || !stream_known(stream))
        return refuse(CUDNN_STATUS_BAD_PARAM, "not a handle and a stream");
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream)
{
    *stream = handle->stream;
    return CUDNN_STATUS_SUCCESS;
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

size_t cudnnGetCudartVersion(void)
{
    return CUDART_VERSION;
}

cudnnStatus_t cudnnGetProperty(libraryPropertyType type, int *value)
{
    *value = type == MAJOR_VERSION   ? CUDNN_MAJOR
             : type == MINOR_VERSION ? CUDNN_MINOR
                                     : CUDNN_PATCHLEVEL;
    return CUDNN_STATUS_SUCCESS;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    switch (CUDNN_STATUS_CATEGORY(status)) {
    case 0:
        return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM:
        return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
        return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR:
        return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_EXECUTION_FAILED:
        return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
        return "CUDNN_STATUS_NOT_INITIALIZED";
    }
}

void cudnnGetLastErrorString(char *message, size_t bytes)
{
    std::snprintf(message, bytes, "%s", last_error.c_str());
    last_error.clear();
}

} // extern "C"
