/* SPDX-License-Identifier: Apache-2.0 */
/** Training settings: the keys of `train:` in a job file and of "train" in a run's specification.
 */
#ifndef CNN_NN_TRAIN_H
#define CNN_NN_TRAIN_H

#include "base/text.h"
#include "base/yaml.h"

#include <stdbool.h>

typedef enum { CNN_OPTIMIZER_SGD, CNN_OPTIMIZER_ADAM } cnn_optimizer;
typedef enum { CNN_PRECISION_FP32, CNN_PRECISION_TF32 } cnn_precision;
typedef enum { CNN_TRACE_EPOCH, CNN_TRACE_STEP } cnn_trace;
typedef enum { CNN_PATH_LAYERED, CNN_PATH_NATIVE } cnn_path;

typedef struct {
    int epochs;           /* 20 */
    int batch_size;       /* 32; also of evaluation */
    int optimizer;        /* cnn_optimizer; sgd */
    double learning_rate; /* 0.01 */
    double momentum;      /* 0; sgd only */
    int precision;        /* cnn_precision; fp32 */
    bool deterministic;   /* true */
    bool autotune;        /* true */
    int trace;            /* cnn_trace; epoch */
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

/** The defaults above. */
cnn_train cnn_train_defaults(void);

/** Appends the settings as a JSON object that cnn_train_fields reads back unchanged. */
void cnn_train_write_json(const cnn_train *train, cnn_text *out);

#endif
