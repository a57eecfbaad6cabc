/* SPDX-License-Identifier: Apache-2.0 */
/** The table of algorithms that were chosen, one for each convolution problem, and of the native
 *  path's step: written as text into the results file, and read back by every run, so that no run
 *  chooses differently.
 *
 *    text    = "cudnn=" version {";" problem "=" choice | ";" step "=" variant}
 *    choice  = own | ("e" | "p") engine {"," knob ":" value}
 *    own     = the name of one of cnn_own_convolutions
 *    "unpool:..." has the choice "pooled" | "apart"
 *    step    = "step:" images "x" height "x" width "x" channels
 *    variant = ["branches+"] ("dependent" | "early") | "branches" | "plain"
 *  e.g. cudnn=91900;fwd:32x28x28x1>28x28x16k5s1p2.2=e0;wgrad:...=e67,2:5,13:1 */
#ifndef CNN_GPU_CONVOLUTION_CHOICES_H
#define CNN_GPU_CONVOLUTION_CHOICES_H

#include "base/text.h"
#include "gpu/convolution/cudnn_graph.h"
#include "gpu/convolution/own.h"

typedef enum {
    CNN_CHOICE_OWN,    /* own kernels */
    CNN_CHOICE_ENGINE, /* an engine of cuDNN for the whole problem */
    CNN_CHOICE_STEP,   /* a variant of the step */
    CNN_CHOICE_UNPOOL, /* backward through a pool and the convolution before it: one, or apart */
    CNN_CHOICE_PLAIN,  /* forward with bias and ReLU: an engine for the convolution, and a kernel */
} cnn_choice_kind;

/** How a step of the native path is captured: bits. All variants run the same kernels, and end in
 *  the same bits. */
typedef enum {
    CNN_STEP_BRANCHES = 1,  /* gradients of weights beside the rest (gpu/native/branches.c) */
    CNN_STEP_DEPENDENT = 2, /* own kernels as dependents (launches.h) */
    CNN_STEP_EARLY = 4,     /* the same, as early as they can begin (graph_edges.c) */
    CNN_STEP_VARIANTS = 6,  /* as many: what is late is not early */
} cnn_step_variant;

typedef struct {
    char *problem; /* cnn_conv_problem_name, or of a step */
    cnn_choice_kind kind;
    const cnn_own_convolution *own; /* of CNN_CHOICE_OWN */
    unsigned variant;               /* of CNN_CHOICE_STEP */
    bool pooled;                    /* of CNN_CHOICE_UNPOOL: from the pooled gradient at once */
    cnn_cudnn_engine engine;        /* of the others */
} cnn_choice;

/** Zeroed: empty and open for additions. */
typedef struct {
    cnn_choice *list;
    int count;
    bool frozen; /* read from text: nothing may be added */
} cnn_choices;

/** Reads a table, frozen. CNN_EUSAGE: malformed, or tuned with another version of cuDNN than
 *  `version` (as cudnnGetVersion gives it). */
cnn_status cnn_choices_read(const char *text, size_t version, cnn_choices *out);
void cnn_choices_free(cnn_choices *choices);

/** NULL: none. Valid until the next addition. */
const cnn_choice *cnn_choices_find(const cnn_choices *choices, const char *problem);
/** Adds a copy of the choice for the problem; choice->problem is not looked at. */
cnn_status cnn_choices_add(cnn_choices *choices, const char *problem, const cnn_choice *choice);
void cnn_choices_write(const cnn_choices *choices, size_t version, cnn_text *out);
/** "plain", ... */
const char *cnn_step_variant_name(unsigned variant);
/** "direct", "e67,2:5", "p67,2:5" or "branches". */
void cnn_choice_describe(const cnn_choice *choice, cnn_text *out);

#endif
