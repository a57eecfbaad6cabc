/* SPDX-License-Identifier: Apache-2.0 */
/** Descriptors of cuDNN's graph API: typed attributes, checked as they are set. */
#ifndef CNN_TESTS_EMULATION_DESCRIPTORS_H
#define CNN_TESTS_EMULATION_DESCRIPTORS_H

#include "emulation/convolution.h"

#include <cudnn.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct cudnnContext {
    cudaStream_t stream = nullptr;
};

namespace emulated
{

struct Descriptor;
using Shared = std::shared_ptr<Descriptor>;

struct Value {
    cudnnBackendAttributeType_t type;
    int64_t count;
    std::vector<unsigned char> bytes;
    std::vector<Shared> descriptors;
};

enum class Direction { forward, backward_data, backward_filter, fused };

/** What an operation graph computes, once it is finalised. */
struct Problem {
    Direction direction;
    Convolution convolution;
    Tensor bias, result; /* fused: relu(convolution + bias) */
    bool has_bias, has_relu;
};

struct Descriptor {
    cudnnBackendDescriptorType_t type;
    bool finalized = false;
    std::map<int, Value> values;
    std::unique_ptr<Problem> problem; /* operation graph */
    std::vector<Shared> results;      /* heuristics: configurations */
    int64_t workspace = 0;            /* engine configuration, plan */

    bool has(int name) const
    {
        return values.count(name) > 0;
    }
    int64_t integer(int name, int index = 0) const;
    template <class T> T scalar(int name, T otherwise) const
    {
        const auto found = values.find(name);
        return found == values.end() ? otherwise
                                     : *reinterpret_cast<const T *>(found->second.bytes.data());
    }
    Descriptor *child(int name, size_t index = 0) const;
    Shared shared_child(int name, size_t index = 0) const;
};

/** Remembers text for cudnnGetLastErrorString; returns status. */
cudnnStatus_t refuse(cudnnStatus_t status, const std::string &text);

/* ---- engines.cpp ---- */
cudnnStatus_t finalize_operation(const Descriptor *operation);
cudnnStatus_t finalize_graph(Descriptor *graph);
cudnnStatus_t finalize_heuristics(Descriptor *heuristics);
cudnnStatus_t finalize_engine(Descriptor *engine);
cudnnStatus_t finalize_config(Descriptor *config);
cudnnStatus_t finalize_plan(Descriptor *plan);
/** Fills values that are only read: notes, knobs, the number of engines. */
void describe_engine(Descriptor *engine);
cudnnStatus_t execute(cudnnHandle_t handle, const Descriptor *plan, const Descriptor *pack);
void set_integer(Descriptor *d, int name, int64_t value);

} // namespace emulated

#endif
