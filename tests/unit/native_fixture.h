/* SPDX-License-Identifier: Apache-2.0 */
/** A backend for src/nn/native that computes nothing: it records which of its functions were called,
 *  and fails where it is asked to. It stands in for nn/ops.h as far as src/nn/native needs it. */
#ifndef CNN_TESTS_UNIT_NATIVE_FIXTURE_H
#define CNN_TESTS_UNIT_NATIVE_FIXTURE_H

#include "nn/native/step.h"

struct cnn_ops {
    int max_batch;
    int allocations;   /* made so far */
    int fails_at;      /* the allocation that fails, from 1; 0: none */
    int live;          /* allocations not freed yet */
    char log[512];     /* calls, a space after each: "begin create0 create1 ... finish " */
    char failing[16];  /* the call that fails with CNN_EBACKEND */
    bool reads_feed;   /* what begin decides: */
    int late_node;     /* its reads_until is the end of the schedule; -1: none */
    size_t node_bytes; /* of the tensor that each node adds */
    int node_tensors;  /* ... so often */
    bool no_mid_gradient;
    int mid, mid_gradient; /* tensors before the convolution's pool */
};

/** All that can be asked of it; the loss is apart. */
extern const cnn_step_backend fixture_backend;
/** The same with the loss in the last node and tensors of at most 1 MiB. */
extern const cnn_step_backend fixture_classifier_backend;
/** None of the functions that may be left out. */
extern const cnn_step_backend fixture_least_backend;

/** Weights have a layout in which every value is negated. */
cnn_ops fixture_ops(int max_batch);

/** 8x8x2 images: dropout, convolution + ReLU + pool, batch normalisation + ReLU, dense. */
cnn_network fixture_network(void);

#endif
