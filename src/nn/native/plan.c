/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/native/plan.h"

#include <stdint.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* ---- nodes --------------------------------------------------------------------------------- */

/* The layer after `layer` if it is of this kind, else -1. */
static int follower(const cnn_network *net, int layer, cnn_layer_kind kind)
{
    const int next = layer + 1;
    return next < net->layer_count && net->layers[next].kind == kind ? next : -1;
}

static cnn_node_kind kind_of(cnn_layer_kind kind)
{
    switch (kind) {
    case CNN_LAYER_CONV2D:
        return CNN_NODE_CONV;
    case CNN_LAYER_BATCHNORM:
        return CNN_NODE_NORM;
    case CNN_LAYER_MAXPOOL:
    case CNN_LAYER_AVGPOOL:
        return CNN_NODE_POOL;
    case CNN_LAYER_RELU:
        return CNN_NODE_RELU;
    case CNN_LAYER_DROPOUT:
        return CNN_NODE_DROPOUT;
    default:
        return CNN_NODE_DENSE;
    }
}

void cnn_plan_fuse(const cnn_network *net, cnn_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    for (int i = 0; i < net->layer_count;) {
        cnn_plan_node node = {kind_of(net->layers[i].kind), i, -1, -1};
        const bool maps = node.kind == CNN_NODE_CONV || node.kind == CNN_NODE_NORM;
        int last = i;
        if (maps || node.kind == CNN_NODE_DENSE) {
            node.relu = follower(net, last, CNN_LAYER_RELU);
            last = node.relu >= 0 ? node.relu : last;
        }
        if (maps) {
            node.pool = follower(net, last, CNN_LAYER_MAXPOOL);
            last = node.pool >= 0 ? node.pool : last;
        }
        plan->nodes[plan->node_count++] = node;
        i = last + 1;
    }
    plan->nodes[plan->node_count++] = (cnn_plan_node){CNN_NODE_LOSS, -1, -1, -1};
}

/* ---- memory -------------------------------------------------------------------------------- */

int cnn_plan_add(cnn_plan *plan, const char *name, size_t bytes, int first, int last)
{
    if (plan->tensor_count == CNN_MAX_PLAN_TENSORS)
        return -1;
    cnn_plan_tensor *t = &plan->tensors[plan->tensor_count];
    *t = (cnn_plan_tensor){.bytes = bytes, .first = first, .last = last};
    cnn_copy_string(t->name, sizeof t->name, name);
    return plan->tensor_count++;
}

static size_t rounded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool meet(const cnn_plan_tensor *a, const cnn_plan_tensor *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Largest first; equal sizes in order of index, so that every platform has the same order. */
static void sort_by_size(const cnn_plan *plan, int *order)
{
    for (int i = 0; i < plan->tensor_count; i++) {
        int at = i;
        for (; at > 0 && plan->tensors[order[at - 1]].bytes < plan->tensors[i].bytes; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* The lowest offset at which t overlaps none of the tensors placed before it. Candidates are 0 and
 * the ends of those tensors, so the arena never grows beyond the sum of all sizes. */
static size_t lowest_offset(const cnn_plan *plan, const int *placed, int count,
                            const cnn_plan_tensor *t)
{
    size_t offset = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < count; i++) {
            const cnn_plan_tensor *other = &plan->tensors[placed[i]];
            if (!meet(t, other) || offset + rounded(t->bytes) <= other->offset ||
                other->offset + rounded(other->bytes) <= offset)
                continue;
            offset = other->offset + rounded(other->bytes);
            moved = true;
        }
    }
    return offset;
}

cnn_status cnn_plan_place(cnn_plan *plan)
{
    cnn_status st = CNN_OK;
    int order[CNN_MAX_PLAN_TENSORS];
    size_t sum = 0;
    for (int i = 0; i < plan->tensor_count; i++) {
        const cnn_plan_tensor *t = &plan->tensors[i];
        CNN_CHECK(t->first <= t->last, CNN_EINVAL, "tensor %s ends before it begins", t->name);
        CNN_CHECK(t->bytes <= SIZE_MAX - ALIGNMENT && rounded(t->bytes) <= SIZE_MAX - sum,
                  CNN_ENOMEM, "the step's tensors: their sizes do not fit in an address");
        sum += rounded(t->bytes);
    }
    sort_by_size(plan, order);
    plan->arena_bytes = 0;
    for (int i = 0; i < plan->tensor_count; i++) {
        cnn_plan_tensor *t = &plan->tensors[order[i]];
        t->offset = lowest_offset(plan, order, i, t);
        const size_t end = t->offset + rounded(t->bytes);
        plan->arena_bytes = end > plan->arena_bytes ? end : plan->arena_bytes;
    }
done:
    return st;
}

/* ---- for people ---------------------------------------------------------------------------- */

static void describe_node(const cnn_plan_node *node, const cnn_network *net, cnn_text *out)
{
    if (node->kind == CNN_NODE_LOSS) {
        cnn_text_append(out, "softmax cross-entropy + gradient + errors");
        return;
    }
    cnn_text_append(out, cnn_layer_kind_name(net->layers[node->layer].kind));
    if (node->kind == CNN_NODE_CONV || node->kind == CNN_NODE_DENSE)
        cnn_text_append(out, " + bias");
    if (node->relu >= 0)
        cnn_text_append(out, " + relu");
    if (node->pool >= 0)
        cnn_text_append(out, " + maxpool");
}

void cnn_plan_describe(const cnn_plan *plan, const cnn_network *net, cnn_text *out)
{
    size_t sum = 0;
    for (int i = 0; i < plan->node_count; i++) {
        cnn_text_printf(out, "node %-2d ", i);
        describe_node(&plan->nodes[i], net, out);
        cnn_text_append(out, "\n");
    }
    cnn_text_printf(out, "%-32s %6s %6s %12s %12s\n", "tensor", "first", "last", "offset", "bytes");
    for (int i = 0; i < plan->tensor_count; i++) {
        const cnn_plan_tensor *t = &plan->tensors[i];
        cnn_text_printf(out, "%-32s %6d %6d %12zu %12zu\n", t->name, t->first, t->last, t->offset,
                        t->bytes);
        sum += rounded(t->bytes);
    }
    cnn_text_printf(out, "arena %zu bytes; without sharing %zu\n", plan->arena_bytes, sum);
}
