/* SPDX-License-Identifier: Apache-2.0 */
/** Training settings: the keys of `train:` in job files and of "train" in specifications. */
#ifndef CNN_NN_TRAIN_H
#define CNN_NN_TRAIN_H

#include "base/text.h"
#include "base/yaml.h"

#include <stdbool.h>

typedef enum { CNN_OPTIMIZER_SGD, CNN_OPTIMIZER_ADAM } cnn_optimizer;
typedef enum { CNN_PRECISION_FP32, CNN_PRECISION_TF32 } cnn_precision;
typedef enum { CNN_TRACE_EPOCH, CNN_TRACE_STEP } cnn_trace;
typedef enum { CNN_PATH_LAYERED, CNN_PATH_NATIVE } cnn_path;

/** The keys of `train:`, a line each: X(type, name, kind of field, default, help, bounds or names). A
 *  new key is a new line: job files, factors over it, specifications and options of trainers follow
 *  from the table. */
#define CNN_TRAIN_KEYS(X)                                                                          \
    X(int, epochs, INT, 20, "how often each image is trained on", .min = 1, .max = 1000000)        \
    X(int, batch_size, INT, 32, "images a step, also of evaluation", .min = 1, .max = 65535)       \
    X(int, optimizer, ENUM, CNN_OPTIMIZER_SGD, "", .names = cnn_optimizer_names)                   \
    X(double, learning_rate, REAL, 0.01, "", .min = 1e-12, .max = 1e6)                             \
    X(double, momentum, REAL, 0, "of sgd", .min = 0, .max = 0.999999)                              \
    X(int, precision, ENUM, CNN_PRECISION_FP32, "of products", .names = cnn_precision_names)       \
    X(bool, deterministic, BOOL, true, "the same weights each time", .names = NULL)                \
    X(bool, autotune, BOOL, true, "choose algorithms by their time", .names = NULL)                \
    X(int, trace, ENUM, CNN_TRACE_EPOCH, "what is timed", .names = cnn_trace_names)

typedef struct {
#define CNN_TRAIN_MEMBER(type, name, ...) type name;
    CNN_TRAIN_KEYS(CNN_TRAIN_MEMBER)
#undef CNN_TRAIN_MEMBER
} cnn_train;

/* Adam, and batch normalisation: Keras's values. */
#define CNN_ADAM_BETA1    0.9
#define CNN_ADAM_BETA2    0.999
#define CNN_ADAM_EPSILON  1e-7 /* outside the root */
#define CNN_NORM_EPSILON  1e-3
#define CNN_NORM_MOMENTUM 0.99 /* running = 0.99 running + 0.01 batch; variances biased */

extern const char *const cnn_optimizer_names[]; /* NULL-terminated, indexed by the enum */
extern const char *const cnn_precision_names[];
extern const char *const cnn_trace_names[];
extern const char *const cnn_path_names[]; /* "layered", "native" */

/** The keys of `train:`, for cnn_yaml_fields and for factors over training settings. */
extern const cnn_field cnn_train_fields[];

/** The defaults of the table. */
cnn_train cnn_train_defaults(void);

/** Appends the settings as a JSON object that cnn_train_fields reads back unchanged. */
void cnn_train_write_json(const cnn_train *train, cnn_text *out);

#endif
