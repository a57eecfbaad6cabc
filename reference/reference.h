/* SPDX-License-Identifier: Apache-2.0 */
/** The reference: every operation of training in plain C and double precision, for tests and for
 *  cnntrain-reference, which `cnnmpi check-trainer` judges other trainers by.
 *
 *  Activations are NHWC, weights canonical [O, I, H, W] (see nn/network.h); `layer` is an inferred
 *  layer; n is the number of images. Outputs are overwritten. The kernels take workspaces from the
 *  heap and end the program when there is none: no run can go on then. Sums are taken in one fixed
 *  order for a given number of OpenMP threads. */
#ifndef CNN_REFERENCE_REFERENCE_H
#define CNN_REFERENCE_REFERENCE_H

#include "nn/network.h"
#include "nn/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** calloc that never returns NULL. */
void *ref_alloc(size_t count, size_t size);

/* ---- operations (reference_conv.c, reference_layers.c) -------------------------------------- */

/** conv2d and dense layers (a dense layer is a convolution whose window is the whole input).
 *  x [n,H,W,I], w [O,I,kh,kw], b [O] -> y [n,H',W',O] */
void ref_conv_forward(const cnn_layer *layer, int n, const double *x, const double *w,
                      const double *b, double *y);
/** dy [n,H',W',O] -> dx [n,H,W,I] */
void ref_conv_backward_data(const cnn_layer *layer, int n, const double *dy, const double *w,
                            double *dx);
/** -> dw [O,I,kh,kw], db [O]: sums over the n images */
void ref_conv_backward_weights(const cnn_layer *layer, int n, const double *x, const double *dy,
                               double *dw, double *db);

/** Maximum and average pools. argmax i32 [n,H',W',C]: index within one image's input of the first
 *  maximum in row order; untouched by average pools, and NULL is allowed. */
void ref_pool_forward(const cnn_layer *layer, int n, const double *x, double *y, int32_t *argmax);
void ref_pool_backward(const cnn_layer *layer, int n, const int32_t *argmax, const double *dy,
                       double *dx);

/** The number of statistics of a batchnorm layer. */
int ref_norm_count(const cnn_layer *layer);
/** Moves running_mean and running_variance [K], and keeps the batch's in mean and variance [K]. */
void ref_norm_forward_training(const cnn_layer *layer, int n, const double *x, const double *gamma,
                               const double *beta, double *running_mean, double *running_variance,
                               double *mean, double *variance, double *y);
/** Normalises by the given statistics. */
void ref_norm_forward_inference(const cnn_layer *layer, int n, const double *x, const double *gamma,
                                const double *beta, const double *mean, const double *variance,
                                double *y);
void ref_norm_backward(const cnn_layer *layer, int n, const double *x, const double *dy,
                       const double *gamma, const double *mean, const double *variance, double *dx,
                       double *dgamma, double *dbeta);

void ref_relu_forward(size_t size, const double *x, double *y);
void ref_relu_backward(size_t size, const double *y, const double *dy, double *dx);
void ref_dropout(size_t size, double rate, uint64_t seed, int layer, uint32_t step, const double *x,
                 double *y);

/** Adds to *loss_sum (nats) and *errors; dlogits may be NULL. */
void ref_loss(int classes, int n, const double *logits, const int32_t *labels, double *loss_sum,
              int64_t *errors, double *dlogits);

/** velocity may be NULL when momentum is 0. */
void ref_sgd_update(size_t size, double rate, double momentum, const double *g, double *velocity,
                    double *w);
void ref_adam_update(size_t size, double rate, int64_t step, const double *g, double *m, double *v,
                     double *w);

/* ---- a whole network (reference_network.c) --------------------------------------------------- */

/** A network under training in double precision. */
typedef struct ref_network ref_network;

/** net must be inferred and is copied; parameters are zero until the first reset. */
ref_network *ref_network_create(const cnn_network *net, const cnn_train *train, uint64_t seed,
                                int max_batch);
void ref_network_destroy(ref_network **r);
/** Parameters in canonical order; running statistics, optimiser and step counter start anew. */
void ref_network_reset(ref_network *r, const float *parameters);
/** [parameter_total] in canonical order, of the network itself: may be changed by the caller. */
double *ref_network_parameters(ref_network *r);
/** [parameter_total], of the last ref_network_differentiate. */
const double *ref_network_gradients(const ref_network *r);
/** [state_total]: for each batchnorm layer its running means, then its running variances. */
const double *ref_network_state(const ref_network *r);
/** x [n,H,W,C]; returns logits [n,classes], which stay until the next call. */
const double *ref_network_forward(ref_network *r, int n, bool training, const double *x);
/** Forward in training mode and backward; returns the mean loss; adds to *errors unless NULL. */
double ref_network_differentiate(ref_network *r, int n, const double *x, const int32_t *labels,
                                 int64_t *errors);
/** From now on every output of conv2d, dense and batchnorm moves by up to `share` of the layer's
 *  largest output, as rounding would move it; 0 (the default) ends that. */
void ref_network_jitter(ref_network *r, double share, uint32_t stream);
/** One step of the optimiser with the last gradients. */
void ref_network_update(ref_network *r);

#endif
