/* SPDX-License-Identifier: Apache-2.0 */
/** A convolution or dense layer on oneDNN, for every batch size. Both paths use it.
 *
 *  Weights and their gradient have the layout that the forward primitive of the largest batch
 *  prefers. Where another primitive needs a different one, it is reordered before or after it. */
#ifndef CNN_CPU_ONEDNN_WEIGHTED_H
#define CNN_CPU_ONEDNN_WEIGHTED_H

#include "cpu/onednn/device.h"

/** The layer to make. */
typedef struct {
    const cnn_layer *layer;     /* inferred; conv2d or dense */
    dnnl_format_tag_t src, dst; /* of the images; dnnl_nc: vectors, the only dst of a dense layer */
    bool relu;                  /* forward ends in one; convolutions only */
    bool backward;              /* makes backward_weights */
    bool input_gradient;        /* ... and backward_data */
} cnn_weighted_spec;

/** Weights (or a gradient) in a primitive's own layout, beside the common one. Where both are
 *  the same there is no reorder and no buffer. */
typedef struct {
    cnn_dnn_primitive *reorder; /* NULL: not needed */
    void *buffer;               /* f32 in the primitive's layout; NULL: not needed */
} cnn_weighted_side;

typedef struct {
    cnn_dnn_primitive *forward;
    cnn_dnn_primitive *backward_data, *backward_weights; /* NULL: not asked for */
    cnn_weighted_side data_weights; /* weights in the layout of backward_data */
    cnn_weighted_side gradient;     /* as backward_weights writes it */
} cnn_weighted_primitives;

typedef struct {
    cnn_ops *ops; /* borrowed */
    cnn_dnn_layout *weights, *bias;
    cnn_dnn_primitive *import, *export; /* canonical <-> weights */
    cnn_weighted_primitives sizes[CNN_MAX_BATCH_SIZES];
} cnn_weighted;

/** For the first size_count of ops's batch sizes. out must be zero before, and be
 *  destroyed after an error as well. */
cnn_status cnn_weighted_create(cnn_ops *ops, const cnn_weighted_spec *spec, int size_count,
                               cnn_weighted *out);
void cnn_weighted_destroy(cnn_weighted *w);
/** Length of weights and of their gradient in values, filling included. */
size_t cnn_weighted_size(const cnn_weighted *w);
/** Between canonical f32 [O,I,H,W] and weights. */
cnn_status cnn_weighted_import(cnn_weighted *w, const float *canonical, float *weights);
cnn_status cnn_weighted_export(cnn_weighted *w, const float *weights, float *canonical);

/** n: one of the batch sizes that it was made for, else CNN_EINVAL. */
cnn_status cnn_weighted_forward(cnn_weighted *w, int n, const float *x, const float *weights,
                                const float *bias, float *y);
cnn_status cnn_weighted_backward_data(cnn_weighted *w, int n, const float *dy, const float *weights,
                                      float *dx);
cnn_status cnn_weighted_backward_weights(cnn_weighted *w, int n, const float *x, const float *dy,
                                         float *dweights, float *dbias);

#endif
