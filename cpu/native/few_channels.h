/* SPDX-License-Identifier: Apache-2.0 */
/** The weight gradient of a convolution node over few input channels:
 *  cpu/kernels/few_channels.h. */
#ifndef CNN_CPU_NATIVE_FEW_CHANNELS_H
#define CNN_CPU_NATIVE_FEW_CHANNELS_H

#include "cpu/native/internal.h"

typedef struct cnn_few_channels_node cnn_few_channels_node;

/** Whether the kernel supports the node. */
bool cnn_few_channels_suits(const cnn_node *node);
/** Call it after the node's parameters were added. */
cnn_status cnn_few_channels_create(cnn_step *s, const cnn_node *node, cnn_few_channels_node **out);
void cnn_few_channels_destroy(cnn_few_channels_node **node);
/** Gradients of weights and bias from dy, the gradient of the convolution's result. */
void cnn_few_channels_backward(cnn_step *s, const cnn_node *node, cnn_few_channels_node *p,
                               const cnn_step_pass *pass, const float *dy);

#endif
