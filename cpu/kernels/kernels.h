/* SPDX-License-Identifier: Apache-2.0 */
/** Single-threaded loops over plain arrays: callers divide the work among threads. Compiled for
 *  several instruction sets, one of which is chosen when the program starts. */
#ifndef CNN_CPU_KERNELS_KERNELS_H
#define CNN_CPU_KERNELS_KERNELS_H

#include "nn/ops.h"

/** For the definitions of kernels. Instruction sets are named by level: names of processors would
 *  exclude those of other makers. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CNN_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CNN_KERNEL
#endif

/* elementwise.c: n values; x == y allowed. */
void cnn_kernel_relu_forward(size_t n, const float *x, float *y);
void cnn_kernel_relu_backward(size_t n, const float *y, const float *dy, float *dx);
void cnn_kernel_sgd(size_t n, float rate, const float *g, float *w);
void cnn_kernel_momentum(size_t n, float rate, float momentum, const float *g, float *v, float *w);
/** rate: the learning rate times the step's bias correction. */
void cnn_kernel_adam(size_t n, float rate, const float *g, float *m, float *v, float *w);
/** y = x * factors */
void cnn_kernel_multiply(size_t n, const float *x, const float *factors, float *y);
/** y = x * scale */
void cnn_kernel_scale_u8(size_t n, float scale, const uint8_t *x, float *y);
void cnn_kernel_scale_f32(size_t n, float scale, const float *x, float *y);

/* dropout.c */
/** Which values of stream (seed, purpose, epoch) are dropped. */
typedef struct {
    uint64_t seed;
    uint32_t purpose, epoch;
    uint64_t threshold; /* words below it are dropped */
    float scale;        /* of the values that are kept */
} cnn_dropout_rule;

cnn_dropout_rule cnn_dropout_rule_of(double rate, uint64_t seed, int layer, uint32_t step);
/** factors f32 [count]: 0 or scale, for values first .. first+count-1; first is a multiple of 4. */
void cnn_kernel_dropout_factors(const cnn_dropout_rule *rule, uint64_t first, size_t count,
                                float *factors);

/* loss.c */
/** Adds n images to the counts; dlogits may be NULL. CNN_EDATA: a label is not a class. */
cnn_status cnn_kernel_softmax_loss(int n, int classes, const float *logits, const int32_t *labels,
                                   float *dlogits, cnn_metrics *counts);

#endif
