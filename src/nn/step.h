/* SPDX-License-Identifier: Apache-2.0 */
/** The native path: a training step that is planned once and then replayed. Implemented by
 *  nn/native/step.h and the nodes of cpu/native and gpu/native. Called through nn/model.h. */
#ifndef CNN_NN_STEP_H
#define CNN_NN_STEP_H

#include "nn/feed.h"
#include "nn/ops.h"

typedef struct cnn_step cnn_step;

/** Plans and allocates everything for the network, its settings and ops's batch sizes. net is
 *  copied. seed: of dropout. CNN_EUSAGE: this path does not support the network. */
cnn_status cnn_step_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                           uint64_t seed, cnn_step **out);
void cnn_step_destroy(cnn_step **step);

/** Sets all parameters (canonical order, f32 [parameter_total]); resets the optimiser's state, the
 *  running statistics (mean 0, variance 1) and the step counter. Copies; synchronous. */
cnn_status cnn_step_reset(cnn_step *step, const float *parameters);
/** Read in canonical order; synchronous. Gradients are those of the last batch that was trained or
 *  differentiated. */
cnn_status cnn_step_parameters(cnn_step *step, float *parameters);
cnn_status cnn_step_gradients(cnn_step *step, float *gradients);

/** Forward and backward of batch b of the feed, no update: for tests. Synchronous; *loss: mean. */
cnn_status cnn_step_differentiate(cnn_step *step, const cnn_feed *feed, int64_t b, double *loss);

/** Trains batches first .. first+count-1 of the feed's order; asynchronous.
 *  seconds  NULL, or f32 [count] on the host: each step's time, valid after cnn_ops_sync. */
cnn_status cnn_step_train(cnn_step *step, const cnn_feed *feed, int64_t first, int64_t count,
                          float *seconds);
/** Counts of all training batches since the last call or reset; waits. */
cnn_status cnn_step_metrics(cnn_step *step, cnn_metrics *out);
/** Loss and errors over the whole feed in inference mode; waits. */
cnn_status cnn_step_evaluate(cnn_step *step, const cnn_feed *feed, cnn_metrics *out);

/** Appends the plan as a table for people: fused nodes, layouts, kernels, arena. */
void cnn_step_describe(const cnn_step *step, cnn_text *out);

#endif
