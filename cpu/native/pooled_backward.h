/* SPDX-License-Identifier: Apache-2.0 */
/** The backward of a convolution node that ends in a 2x2 maximum pool:
 *  cpu/kernels/pooled_backward.h. */
#ifndef CNN_CPU_NATIVE_POOLED_BACKWARD_H
#define CNN_CPU_NATIVE_POOLED_BACKWARD_H

#include "cpu/native/internal.h"

typedef struct cnn_pooled_backward cnn_pooled_backward;

/** Whether the kernels support the node. */
bool cnn_pooled_backward_suits(const cnn_node *node);
/** Call it after the node's parameters were added. */
cnn_status cnn_pooled_backward_create(cnn_step *s, const cnn_node *node, cnn_pooled_backward **out);
void cnn_pooled_backward_destroy(cnn_pooled_backward **out);
/** Computes gradients of weights and bias, and of the input where the node needs it, from the
 *  pool's where (u8) and dy. */
void cnn_pooled_backward_run(cnn_step *s, const cnn_node *node, cnn_pooled_backward *p,
                             const cnn_step_pass *pass, const uint8_t *where, const float *dy);

#endif
