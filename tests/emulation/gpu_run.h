/* SPDX-License-Identifier: Apache-2.0 */
/** Whole runs on the emulated GPU, from opening the device to closing it, for the tests of what
 *  gpu/'s host code does. */
#ifndef CNN_TESTS_EMULATION_GPU_RUN_H
#define CNN_TESTS_EMULATION_GPU_RUN_H

#include "base/text.h"
#include "emulation/emulation.h"
#include "gpu/device/internal.h"
#include "nn/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 10, BATCH = 4, CLASSES = 3, MAX_PARAMETERS = 16000 };
static const uint64_t run_seed = 77;
static const cnn_shape run_shape = {6, 6, 2};

/** A small network, and one with a convolution before a pool and two dense layers: what is read
 *  beside the rest then has every place that it can have. */
extern const cnn_network drawn, deep;
/** Convolutions that Winograd's algorithm can do, one of them before a pool. */
extern const cnn_network wide;

/** A run of one epoch, from opening the device to closing it. */
typedef struct {
    cnn_path path;
    cnn_ops_config config;
    cnn_network net;
    cnn_train train;
    const char *known; /* algorithms that tuning finds chosen already; NULL: none */
    bool step_seconds;
    float parameters[MAX_PARAMETERS]; /* at the end */
    cnn_text algorithms;
} run;

run make_run(cnn_path path);
/** On the native path, with that network. */
run make_native(const cnn_network *network);
run make_native_for(cnn_shape images, const cnn_network *network);

cnn_status make_run_feed(cnn_ops *ops, cnn_shape of, cnn_feed **out);
/** One epoch; parameters at the end. */
cnn_status train_run(run *r, cnn_model *model, cnn_feed *feed);
/** Opens the device with the run's configuration and known algorithms. */
cnn_status open_run(const run *r, cnn_ops **out);
cnn_status run_once(run *r);
/** Fails the test with the error message if the run fails. */
void run_or_fail(run *r);
size_t run_parameter_bytes(const run *r);

/** The algorithms of r, which has run, with another capture mode. */
void with_mode(const run *r, const char *mode, cnn_text *out);

/** Convolution algorithms, all of them direct but for the problems whose names begin with `but` (NULL:
 *  none): "fwd:...=e1,2:0;wgrad:...=e0" -> "fwd:...=direct;wgrad:...=e0". */
void with_direct(const char *algorithms, const char *but, cnn_text *out);

/** Runs with call n of a function failing, and checks that this is noticed, explained and leaves
 *  nothing behind. False: there were fewer calls. */
bool run_with_failure(run *r, const char *function, int64_t n);

/** cmocka setup: nothing fails, default order, memory and speed; early launches may be tried. */
int reset_device(void **state);

#endif
