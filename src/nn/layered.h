/* SPDX-License-Identifier: Apache-2.0 */
/** The layered path: a list of layer objects, each with its own forward, backward, parameters and
 *  buffers, and a generic training loop with metrics and callbacks for each batch. One library call
 *  per layer and direction; nothing is fused across layers. See nn/step.h for functions of the same
 *  names. */
#ifndef CNN_NN_LAYERED_H
#define CNN_NN_LAYERED_H

#include "nn/feed.h"
#include "nn/ops.h"

typedef struct cnn_layered cnn_layered;

/** Called after each trained batch of n images; training ends with any status but CNN_OK. */
typedef cnn_status (*cnn_batch_callback)(void *user, int64_t batch, int n);

/** net is copied; its parameters are zero until the first reset. seed drives dropout. */
cnn_status cnn_layered_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                              uint64_t seed, cnn_layered **out);
void cnn_layered_destroy(cnn_layered **model);
/** Adds a callback; at most 8. */
cnn_status cnn_layered_on_batch(cnn_layered *model, cnn_batch_callback call, void *user);
cnn_status cnn_layered_reset(cnn_layered *model, const float *parameters);
cnn_status cnn_layered_parameters(cnn_layered *model, float *parameters);
cnn_status cnn_layered_gradients(cnn_layered *model, float *gradients);
/** In training mode: batch norm's running statistics move as in a training step. */
cnn_status cnn_layered_differentiate(cnn_layered *model, const cnn_feed *feed, int64_t b,
                                     double *loss);
/** As cnn_step_train; who wants a step's time takes it in a callback. */
cnn_status cnn_layered_train(cnn_layered *model, const cnn_feed *feed, int64_t first,
                             int64_t count);
cnn_status cnn_layered_metrics(cnn_layered *model, cnn_metrics *out);
cnn_status cnn_layered_evaluate(cnn_layered *model, const cnn_feed *feed, cnn_metrics *out);
void cnn_layered_describe(const cnn_layered *model, cnn_text *out);

#endif
