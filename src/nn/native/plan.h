/* SPDX-License-Identifier: Apache-2.0 */
/** The native path's plan: which layers run as one fused node, and one arena of memory for all
 *  tensors of a step, where tensors with disjoint lifetimes share memory. */
#ifndef CNN_NN_NATIVE_PLAN_H
#define CNN_NN_NATIVE_PLAN_H

#include "base/status.h"
#include "base/text.h"
#include "nn/network.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CNN_NODE_CONV, /* convolution + bias [+ ReLU] [+ pool] */
    CNN_NODE_NORM, /* batch norm [+ ReLU] [+ pool] */
    CNN_NODE_POOL, /* a pool that is fused into no node before it */
    CNN_NODE_RELU, /* a ReLU that is fused into no node before it */
    CNN_NODE_DROPOUT,
    CNN_NODE_DENSE, /* dense + bias [+ ReLU] */
    CNN_NODE_LOSS,  /* softmax cross-entropy, its gradient and the error count */
} cnn_node_kind;

typedef struct {
    cnn_node_kind kind;
    int layer; /* the node's main layer; -1 for the loss */
    int relu;  /* the ReLU layer that is fused into it, or -1 */
    int pool;  /* the pool layer that is fused into it, or -1 */
} cnn_plan_node;

/** A tensor with its lifetime in schedule positions: forward of node i is position i, backward of
 *  node i is position 2 * node_count - 1 - i. Given to cnn_plan_add: bytes, first, last; set by
 *  cnn_plan_place: offset. */
typedef struct {
    char name[32];
    size_t bytes;
    int first, last; /* both included */
    size_t offset;
} cnn_plan_tensor;

enum { CNN_MAX_PLAN_TENSORS = 8 * CNN_MAX_LAYERS };

typedef struct {
    int node_count;
    cnn_plan_node nodes[CNN_MAX_LAYERS + 1]; /* the last one is the loss */
    int tensor_count;
    cnn_plan_tensor tensors[CNN_MAX_PLAN_TENSORS];
    size_t arena_bytes; /* after place */
} cnn_plan;

/** Groups the layers of an inferred network into nodes. */
void cnn_plan_fuse(const cnn_network *net, cnn_plan *plan);

/** Adds a tensor; returns its index, or -1 when the plan is full. */
int cnn_plan_add(cnn_plan *plan, const char *name, size_t bytes, int first, int last);

/** Gives every tensor an offset (a multiple of 64 bytes); tensors whose lifetimes overlap have no
 *  memory in common. */
cnn_status cnn_plan_place(cnn_plan *plan);

/** A table for people: nodes, then tensors with lifetime, offset and size. */
void cnn_plan_describe(const cnn_plan *plan, const cnn_network *net, cnn_text *out);

#endif
