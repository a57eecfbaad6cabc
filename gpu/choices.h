/** The table of algorithms that were chosen, one for each convolution problem: written as text into
 *  the results file, and read back by every run, so that no run chooses differently.
 *
 *    text    = "cudnn=" version {";" problem "=" choice}
 *    choice  = own | ("e" | "p") engine {"," knob ":" value}
 *    own     = the name of one of cnn_own_convolutions
 *  e.g. cudnn=91900;fwd:32x28x28x1>28x28x16k5s1p2.2=e0;wgrad:...=e67,2:5,13:1 */
#ifndef CNN_GPU_CHOICES_H
#define CNN_GPU_CHOICES_H

#include "base/text.h"
#include "gpu/cudnn_graph.h"
#include "gpu/own_convolutions.h"

typedef enum {
    CNN_CHOICE_OWN,    /* own kernels */
    CNN_CHOICE_ENGINE, /* an engine of cuDNN for the whole problem */
    CNN_CHOICE_PLAIN,  /* forward with bias and ReLU: an engine for the convolution, and a kernel */
} cnn_choice_kind;

typedef struct {
    char *problem; /* cnn_conv_problem_name */
    cnn_choice_kind kind;
    const cnn_own_convolution *own; /* of CNN_CHOICE_OWN */
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
/** "direct", "e67,2:5" or "p67,2:5". */
void cnn_choice_describe(const cnn_choice *choice, cnn_text *out);

#endif
