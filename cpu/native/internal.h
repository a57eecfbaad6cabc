/* SPDX-License-Identifier: Apache-2.0 */
/** The native path on oneDNN and own kernels: nodes for nn/native/step.h.
 *
 *  A producer that ends in a ReLU (not followed by a pool) receives its gradient already masked:
 *  whoever writes gradient[i] sets it to zero where value[i], a ReLU's result, is not above zero.
 *  Pools mask by themselves. */
#ifndef CNN_CPU_NATIVE_INTERNAL_H
#define CNN_CPU_NATIVE_INTERNAL_H

#include "cpu/kernels/blocked.h"
#include "cpu/onednn/weighted.h"
#include "nn/native/step.h"

/* layouts.c */
/** Decides the layout of every value. */
cnn_status cnn_cpu_choose_layouts(cnn_step *s);

/* nodes.c */
/** Adds a node's weights, in the layout of w, and a bias of so many values. w must live as long as
 *  the step. */
void cnn_cpu_add_weights(cnn_step *s, cnn_node *node, cnn_weighted *w, int bias);
/** For own kernels: the canonical index of each value of the node's weights in the arena, -1 for
 *  filling. map: i32 [size], owned by the caller. The node must have fewer weights than
 *  CNN_CPU_MAX_MAPPED. */
enum { CNN_CPU_MAX_MAPPED = 1 << 24 };
cnn_status cnn_cpu_map_weights(cnn_step *s, const cnn_node *node, int32_t **map, size_t *size);
/** oneDNN's name for the layout of a grid. */
dnnl_format_tag_t cnn_cpu_tag(const cnn_grid *g);
/** Whether backward must mask the gradient of the node's input by the ReLU before the node. */
static inline bool cnn_cpu_masks_input(const cnn_node *node)
{
    return node->input_gradient && node->input_is_relu;
}
/** Masks it, for backward functions that do not while they compute it. */
cnn_status cnn_cpu_mask_input(cnn_step *s, const cnn_node *node, const cnn_step_pass *pass);

/* The kinds of nodes: conv.c, dense.c, norm.c, simple.c. */
extern const cnn_node_class cnn_cpu_conv_node, cnn_cpu_dense_node, cnn_cpu_norm_node,
    cnn_cpu_pool_node, cnn_cpu_relu_node, cnn_cpu_dropout_node;

/** Layouts that oneDNN prefers for a convolution's source and result; a block of 0 where no grid
 *  has that layout. conv.c. */
cnn_status cnn_cpu_conv_preferred_blocks(cnn_step *s, const cnn_layer *layer, bool relu,
                                         int *src_block, int *dst_block);

/** Adds the number of a convolution node's primitives for which oneDNN has only plain loops in the
 *  node's layouts. conv.c. */
cnn_status cnn_cpu_conv_count_slow(cnn_step *s, const cnn_node *node, int *count);

/* pool.c: the pool of a node, over [mid -> out]. */
typedef struct cnn_cpu_pool cnn_cpu_pool;
cnn_status cnn_cpu_pool_create(cnn_step *s, const cnn_node *node, cnn_cpu_pool **out);
void cnn_cpu_pool_destroy(cnn_cpu_pool **pool);
cnn_status cnn_cpu_pool_forward(cnn_step *s, const cnn_cpu_pool *pool, const cnn_step_pass *pass,
                                const float *x, float *y);
cnn_status cnn_cpu_pool_backward(cnn_step *s, const cnn_cpu_pool *pool, const cnn_step_pass *pass,
                                 const float *dy, float *dx);
/** u8 [n, blocks, out.h, out.w, block] of the last training forward if the pool is the 2x2 maximum,
 *  else NULL. */
const uint8_t *cnn_cpu_pool_where(const cnn_step *s, const cnn_cpu_pool *pool);
bool cnn_cpu_pool_is_2x2(const cnn_layer *pool);

#endif
