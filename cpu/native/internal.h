/* SPDX-License-Identifier: Apache-2.0 */
/** The native path: a list of nodes over one arena, made once, replayed for every batch.
 *
 *  value[i] is what node i reads and value[i + 1] what it leaves; gradient[i] is the gradient of
 *  value[i]. A producer that ends in a ReLU (not followed by a pool) receives its gradient already
 *  masked: whoever writes gradient[i] sets it to zero where value[i] is not above zero. Pools mask
 *  by themselves. */
#ifndef CNN_CPU_NATIVE_INTERNAL_H
#define CNN_CPU_NATIVE_INTERNAL_H

#include "cpu/kernels/blocked.h"
#include "cpu/onednn/weighted.h"
#include "nn/native/grid.h"
#include "nn/native/plan.h"
#include "nn/step.h"

enum { CNN_NO_TENSOR = -1 };

/** A tensor of parameters in the parameter arenas, in the layout that the step uses. */
typedef struct {
    int parameter;          /* index in the network's parameters */
    size_t offset, size;    /* values */
    cnn_weighted *weighted; /* whose weights they are, borrowed from the node; NULL: canonical */
} cnn_step_parameter;

/** One way through the step. */
typedef struct {
    int n; /* images */
    bool training;
    uint32_t update; /* updates made so far */
} cnn_step_pass;

typedef struct cnn_node cnn_node;

/** What a kind of node can do. */
typedef struct {
    /* Adds parameters and tensors, makes primitives. */
    cnn_status (*create)(cnn_step *s, cnn_node *node);
    void (*destroy)(cnn_node *node); /* NULL: nothing to do */
    cnn_status (*forward)(cnn_step *s, cnn_node *node, const cnn_step_pass *pass);
    cnn_status (*backward)(cnn_step *s, cnn_node *node, const cnn_step_pass *pass);
    void (*describe)(const cnn_node *node, cnn_text *out); /* appends the kernels' names */
} cnn_node_class;

struct cnn_node {
    const cnn_node_class *class;
    int index;
    const cnn_layer *layer, *pool; /* pool: NULL if the node has none */
    bool relu;
    bool trains;           /* backward runs */
    bool input_gradient;   /* and leaves gradient[index] */
    bool mask_input;       /* ... set to zero where the input, a ReLU's result, is zero */
    cnn_grid in, mid, out; /* mid: before the pool */
    int parameters[2];     /* indices in s->parameters */
    void *own;             /* what its kind adds */
};

struct cnn_step {
    cnn_ops *ops; /* borrowed */
    cnn_network net;
    cnn_train train;
    uint64_t seed;
    uint32_t updates;
    cnn_plan plan;
    int node_count; /* without the loss */
    cnn_node nodes[CNN_MAX_LAYERS];
    int first_trained;                  /* the first node with backward */
    cnn_grid grids[CNN_MAX_LAYERS + 1]; /* of value[i] */
    int values[CNN_MAX_LAYERS + 1];     /* tensors of the plan */
    int gradients[CNN_MAX_LAYERS + 1];
    char *arena;
    int parameter_count;
    cnn_step_parameter parameters[CNN_MAX_PARAMETERS];
    size_t parameter_size;             /* values of each of the next four */
    float *weights, *weight_gradients; /* of all parameters */
    float *first, *second;             /* the optimiser's; NULL when not needed */
    float *running;                    /* means and variances of all batchnorm layers */
    int32_t *labels;                   /* i32 [max batch] */
    cnn_metrics training;              /* since the last time it was read */
};

/** Where in the plan's schedule a node's backward runs; its forward runs at its index. */
static inline int cnn_step_back(const cnn_step *s, int node)
{
    return 2 * s->plan.node_count - 1 - node;
}

/** Where a tensor of the plan lies; NULL for CNN_NO_TENSOR. */
static inline void *cnn_step_at(const cnn_step *s, int tensor)
{
    return tensor < 0 ? NULL : s->arena + s->plan.tensors[tensor].offset;
}

static inline float *cnn_step_value(const cnn_step *s, int i)
{
    return cnn_step_at(s, s->values[i]);
}

static inline float *cnn_step_gradient(const cnn_step *s, int i)
{
    return cnn_step_at(s, s->gradients[i]);
}

static inline float *cnn_step_weights(const cnn_step *s, const cnn_node *node, int k)
{
    return s->weights + s->parameters[node->parameters[k]].offset;
}

static inline float *cnn_step_weight_gradients(const cnn_step *s, const cnn_node *node, int k)
{
    return s->weight_gradients + s->parameters[node->parameters[k]].offset;
}

/* plan.c */
/** Adds a tensor to the plan: CNN_ENOMEM when there are too many. */
cnn_status cnn_step_tensor(cnn_step *s, const char *what, int node, size_t bytes, int first,
                           int last, int *out);
/** Adds parameter tensor k (0, 1) of a node, of `size` values. weighted: whose weights it is, which
 *  must live as long as the step; NULL: it lies as in the network's own order. */
void cnn_step_add_parameter(cnn_step *s, cnn_node *node, int k, size_t size,
                            cnn_weighted *weighted);
/** For own kernels: map i32 [size], owned by the caller: the canonical index of each value of the
 *  node's weights as they lie in the arena, -1 for filling. The node must have fewer weights than
 *  CNN_STEP_MAX_MAPPED. */
enum { CNN_STEP_MAX_MAPPED = 1 << 24 };
cnn_status cnn_step_map_weights(cnn_step *s, const cnn_node *node, int32_t **map, size_t *size);
/** oneDNN's name for the layout of a grid. */
dnnl_format_tag_t cnn_step_tag(const cnn_grid *g);
/** Nodes, grids, tensors, primitives, memory. */
cnn_status cnn_step_build(cnn_step *s);
/** "NHWC", "nChw16c", ... */
void cnn_step_describe_grid(const cnn_grid *g, cnn_text *out);

/** For backward functions: sets the gradient of the node's input to zero as mask_input says. */
cnn_status cnn_step_mask_input(cnn_step *s, const cnn_node *node, const cnn_step_pass *pass);

/* The kinds of nodes: conv.c, dense.c, norm.c, simple.c. */
extern const cnn_node_class cnn_conv_node, cnn_dense_node, cnn_norm_node, cnn_pool_node,
    cnn_relu_node, cnn_dropout_node;

/** Layouts that oneDNN would choose for a convolution's source and result; a block of 0 where it
 *  is none that grids can express. conv.c. */
cnn_status cnn_conv_wishes(cnn_step *s, const cnn_layer *layer, bool relu, int *src_block,
                           int *dst_block);

/** Adds how many of a convolution node's primitives would be oneDNN's plain loops in the layouts of
 *  the node. conv.c. */
cnn_status cnn_conv_count_slow(cnn_step *s, const cnn_node *node, int *count);

/* pool.c: the pool of a node, over [mid -> out]. */
typedef struct cnn_step_pool cnn_step_pool;
cnn_status cnn_step_pool_create(cnn_step *s, const cnn_node *node, cnn_step_pool **out);
void cnn_step_pool_destroy(cnn_step_pool **pool);
cnn_status cnn_step_pool_forward(cnn_step *s, const cnn_step_pool *pool, const cnn_step_pass *pass,
                                 const float *x, float *y);
cnn_status cnn_step_pool_backward(cnn_step *s, const cnn_step_pool *pool, const cnn_step_pass *pass,
                                  const float *dy, float *dx);
/** u8 [n, blocks, out.h, out.w, block] of the last training forward if the pool is the 2x2 maximum,
 * else NULL. */
const uint8_t *cnn_step_pool_where(const cnn_step *s, const cnn_step_pool *pool);
bool cnn_step_pool_is_2x2(const cnn_layer *pool);

#endif
