/* SPDX-License-Identifier: Apache-2.0 */
/** The layer objects of the layered path, which nn/layered.c runs whatever their kinds. */
#ifndef CNN_NN_LAYERED_LAYERS_H
#define CNN_NN_LAYERED_LAYERS_H

#include "nn/ops.h"

/** A trainable tensor on the device, in the backend's layout. */
typedef struct {
    size_t size; /* values */
    float *value, *gradient;
    float *first, *second; /* the optimiser's: velocity, or Adam's moments; NULL when not needed */
} cnn_variable;

/** One pass through the network. */
typedef struct {
    int n; /* images */
    bool training;
    uint32_t step; /* updates made so far: the counter of dropout's random stream */
} cnn_pass;

typedef struct cnn_layer_object cnn_layer_object;

/** What a kind of layer can do. NULL entries are empty. */
typedef struct {
    cnn_status (*create)(cnn_layer_object *o, int max_batch);
    void (*destroy)(cnn_layer_object *o);
    /** x [n, in] -> o->y [n, out] */
    cnn_status (*forward)(cnn_layer_object *o, const cnn_pass *pass, const float *x);
    /** Of the last forward, with the same x. dy [n, out] -> o->dx [n, in] and the variables'
     *  gradients */
    cnn_status (*backward)(cnn_layer_object *o, const cnn_pass *pass, const float *x,
                           const float *dy);
    /** Resets state other than variables. */
    cnn_status (*reset)(cnn_layer_object *o);
    /** A variable's values (or its gradient's) between canonical order on the host and the device;
     *  NULL: the layouts are the same. */
    cnn_status (*import)(cnn_layer_object *o, int variable, const float *canonical, float *device);
    cnn_status (*export)(cnn_layer_object *o, int variable, const float *device, float *canonical);
} cnn_layer_class;

struct cnn_layer_object {
    const cnn_layer_class *class;
    cnn_ops *ops; /* borrowed */
    cnn_layer layer;
    int index;
    uint64_t seed;
    bool input_gradient; /* a layer before it has variables */
    float *y;            /* f32 [max_batch, out] on the device */
    float *dx;           /* f32 [max_batch, in] on the device; NULL when not needed */
    int variable_count;
    cnn_variable variables[2];
    cnn_conv2d *conv; /* the one that its kind needs, the others NULL */
    cnn_dense *dense;
    cnn_pool *pool;
    cnn_batchnorm *norm;
    float *running_mean, *running_variance; /* batchnorm: f32 [K] on the device */
};

/** Makes *o for an inferred layer, with all buffers. Destroy *o after a failure as well. */
cnn_status cnn_layer_object_create(cnn_ops *ops, const cnn_layer *layer, int index, int max_batch,
                                   bool input_gradient, uint64_t seed, cnn_layer_object *o);
void cnn_layer_object_destroy(cnn_layer_object *o);

/** Copies a variable's values from canonical order, or `device` (values or gradient) to it;
 *  synchronous. */
cnn_status cnn_layer_object_import(cnn_layer_object *o, int variable, const float *canonical);
cnn_status cnn_layer_object_export(cnn_layer_object *o, int variable, const float *device,
                                   float *canonical);

#endif
