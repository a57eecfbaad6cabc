/* SPDX-License-Identifier: Apache-2.0 */
/** A network under training by either path. The layered path is nn/layered.c over nn/ops.h; the
 *  native path is nn/step.h. Both start from the same weights, train on the same batches and count
 *  alike, so that they differ in time only. */
#ifndef CNN_NN_MODEL_H
#define CNN_NN_MODEL_H

#include "nn/feed.h"
#include "nn/ops.h"

typedef struct cnn_model cnn_model;

/** net must be inferred; it is copied. Parameters are drawn from the seed. ops is borrowed. */
cnn_status cnn_model_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                            cnn_path path, uint64_t seed, cnn_model **out);
void cnn_model_destroy(cnn_model **model);

/** As the functions of the same names in nn/step.h. */
cnn_status cnn_model_reset(cnn_model *model, const float *parameters);
cnn_status cnn_model_parameters(cnn_model *model, float *parameters);
cnn_status cnn_model_gradients(cnn_model *model, float *gradients);
cnn_status cnn_model_differentiate(cnn_model *model, const cnn_feed *feed, int64_t b, double *loss);
cnn_status cnn_model_train(cnn_model *model, const cnn_feed *feed, int64_t first, int64_t count,
                           float *seconds);
cnn_status cnn_model_metrics(cnn_model *model, cnn_metrics *out);
cnn_status cnn_model_evaluate(cnn_model *model, const cnn_feed *feed, cnn_metrics *out);
/** Appends the layers (layered) or the plan (native) as a table for people. */
void cnn_model_describe(const cnn_model *model, cnn_text *out);

#endif
