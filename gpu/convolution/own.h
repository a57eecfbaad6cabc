/* SPDX-License-Identifier: Apache-2.0 */
/** Own kernels that compete with cuDNN's engines for a convolution, each under its name in the
 *  table of algorithms. */
#ifndef CNN_GPU_CONVOLUTION_OWN_H
#define CNN_GPU_CONVOLUTION_OWN_H

#include "base/status.h"
#include "gpu/convolution/problem.h"
#include "nn/ops.h"

typedef struct {
    /** Letters and digits; not 'e' or 'p' and a digit, which name engines. */
    const char *name;
    bool (*fits)(const cnn_conv_problem *p);
    /** Bytes that a run needs, 256-byte aligned; NULL: none. */
    size_t (*workspace)(const cnn_conv_problem *p);
    /** Queues it on the device's stream. */
    cnn_status (*run)(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,
                      void *workspace);
} cnn_own_convolution;

/** All of them; NULL ends the list. The first is "direct", straight from the definition: it fits
 *  every problem, and the others are checked against it. */
extern const cnn_own_convolution *const cnn_own_convolutions[];

/** NULL: there is none. `length` characters of the name count. */
const cnn_own_convolution *cnn_own_convolution_named(const char *name, size_t length);
size_t cnn_own_convolution_workspace(const cnn_own_convolution *own, const cnn_conv_problem *p);

#endif
