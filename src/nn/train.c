/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/train.h"

const char *const cnn_optimizer_names[] = {"sgd", "adam", NULL};
const char *const cnn_precision_names[] = {"fp32", "tf32", NULL};
const char *const cnn_trace_names[] = {"epoch", "step", NULL};
const char *const cnn_path_names[] = {"layered", "native", NULL};

#define FIELD(member, type, ...)                                                                   \
    {                                                                                              \
        .key = #member, .kind = CNN_FIELD_##type, .offset = offsetof(cnn_train, member),           \
        __VA_ARGS__                                                                                \
    }

const cnn_field cnn_train_fields[] = {
    FIELD(epochs, INT, .min = 1, .max = 1000000),
    FIELD(batch_size, INT, .min = 1, .max = 65535),
    FIELD(optimizer, ENUM, .names = cnn_optimizer_names),
    FIELD(learning_rate, REAL, .min = 1e-12, .max = 1e6),
    FIELD(momentum, REAL, .min = 0, .max = 0.999999),
    FIELD(precision, ENUM, .names = cnn_precision_names),
    FIELD(deterministic, BOOL, .names = NULL),
    FIELD(autotune, BOOL, .names = NULL),
    FIELD(trace, ENUM, .names = cnn_trace_names),
    {0},
};

cnn_train cnn_train_defaults(void)
{
    return (cnn_train){
        .epochs = 20,
        .batch_size = 32,
        .optimizer = CNN_OPTIMIZER_SGD,
        .learning_rate = 0.01,
        .momentum = 0,
        .precision = CNN_PRECISION_FP32,
        .deterministic = true,
        .autotune = true,
        .trace = CNN_TRACE_EPOCH,
    };
}

void cnn_train_write_json(const cnn_train *train, cnn_text *out)
{
    cnn_text_printf(out, "{\"epochs\": %d, \"batch_size\": %d, \"optimizer\": \"%s\", ",
                    train->epochs, train->batch_size, cnn_optimizer_names[train->optimizer]);
    cnn_text_append(out, "\"learning_rate\": ");
    cnn_text_append_json_number(out, train->learning_rate);
    cnn_text_append(out, ", \"momentum\": ");
    cnn_text_append_json_number(out, train->momentum);
    cnn_text_printf(out, ", \"precision\": \"%s\", \"deterministic\": %s, \"autotune\": %s, ",
                    cnn_precision_names[train->precision], train->deterministic ? "true" : "false",
                    train->autotune ? "true" : "false");
    cnn_text_printf(out, "\"trace\": \"%s\"}", cnn_trace_names[train->trace]);
}
