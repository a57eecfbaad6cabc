/* SPDX-License-Identifier: Apache-2.0 */
/** The table of algorithms: one for each convolution problem, and the native path's capture mode.
 *  Tuning times candidates (candidate.h) and adds the fastest to the table. The results file keeps
 *  the table as text, and every run reads it back, so that all runs use the same algorithms. An
 *  engine is cuDNN's: a number and its knobs.
 *
 *    text      = "cudnn=" version {";" problem "=" algorithm | ";" step "=" mode}
 *    algorithm = own | ("e" | "p") engine {"," knob ":" value}
 *    own       = the name of one of cnn_own_convolutions
 *    "unpool:..." has the algorithm "pooled" | "apart"
 *    step      = "step:" images "x" height "x" width "x" channels
 *    mode      = ["branches+"] ("dependent" | "early") | "branches" | "plain"
 *  e.g. cudnn=91900;fwd:32x28x28x1>28x28x16k5s1p2.2=e0;wgrad:...=e67,2:5,13:1 */
#ifndef CNN_GPU_CONVOLUTION_ALGORITHMS_H
#define CNN_GPU_CONVOLUTION_ALGORITHMS_H

#include "base/text.h"
#include "gpu/convolution/cudnn_graph.h"
#include "gpu/convolution/own.h"

typedef enum {
    CNN_ALGORITHM_OWN,    /* own kernels */
    CNN_ALGORITHM_ENGINE, /* an engine of cuDNN for the whole problem */
    CNN_ALGORITHM_STEP,   /* a capture mode of the step */
    CNN_ALGORITHM_UNPOOL, /* backward through a pool and the convolution before it */
    CNN_ALGORITHM_PLAIN,  /* an engine for the convolution alone, and a kernel */
} cnn_algorithm_kind;

/** Capture mode: how a step of the native path is captured as a CUDA graph; bits, 0 is plain. All
 *  modes run the same kernels on the same numbers and give the same bits. */
typedef enum {
    CNN_CAPTURE_BRANCHES = 1,  /* weight gradients in a second branch (gpu/native/branches.c) */
    CNN_CAPTURE_DEPENDENT = 2, /* own kernels as dependent launches (launches.h) */
    CNN_CAPTURE_EARLY = 4,     /* dependent, and launched as early as possible (graph_edges.c) */
    CNN_CAPTURE_MODES = 6,     /* number of modes: EARLY implies dependent launches */
} cnn_capture_mode;

typedef struct {
    char *problem; /* cnn_conv_problem_name, or of a step */
    cnn_algorithm_kind kind;
    const cnn_own_convolution *own; /* of CNN_ALGORITHM_OWN */
    unsigned mode;                  /* of CNN_ALGORITHM_STEP: cnn_capture_mode */
    bool pooled;                    /* of CNN_ALGORITHM_UNPOOL: from the pooled gradient directly */
    cnn_cudnn_engine engine;        /* of the others */
} cnn_algorithm;

/** Zeroed: empty and open for additions. */
typedef struct {
    cnn_algorithm *list;
    int count;
    bool frozen; /* read from text: nothing may be added */
} cnn_algorithms;

/** Reads a table, frozen. CNN_EUSAGE: malformed, or tuned with another version of cuDNN than
 *  `version` (as cudnnGetVersion gives it). */
cnn_status cnn_algorithms_read(const char *text, size_t version, cnn_algorithms *out);
void cnn_algorithms_free(cnn_algorithms *table);

/** NULL: none. Valid until the next addition. */
const cnn_algorithm *cnn_algorithms_find(const cnn_algorithms *table, const char *problem);
/** Adds a copy of the algorithm for the problem; algorithm->problem is ignored. */
cnn_status cnn_algorithms_add(cnn_algorithms *table, const char *problem,
                              const cnn_algorithm *algorithm);
void cnn_algorithms_write(const cnn_algorithms *table, size_t version, cnn_text *out);
/** "plain", ... */
const char *cnn_capture_mode_name(unsigned mode);
/** "direct", "e67,2:5", "p67,2:5" or "branches". */
void cnn_algorithm_describe(const cnn_algorithm *algorithm, cnn_text *out);

#endif
