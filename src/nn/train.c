/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/train.h"

const char *const cnn_optimizer_names[] = {"sgd", "adam", NULL};
const char *const cnn_precision_names[] = {"fp32", "tf32", NULL};
const char *const cnn_trace_names[] = {"epoch", "step", NULL};
const char *const cnn_path_names[] = {"layered", "native", NULL};

const cnn_field cnn_train_fields[] = {
#define FIELD(type, name, field_kind, standard, text, ...)                                         \
    {.key = #name,                                                                                 \
     .kind = CNN_FIELD_##field_kind,                                                               \
     .offset = offsetof(cnn_train, name),                                                          \
     .help = text,                                                                                 \
     __VA_ARGS__},
    CNN_TRAIN_KEYS(FIELD){0},
};

cnn_train cnn_train_defaults(void)
{
#define DEFAULT(type, name, kind, standard, ...) .name = standard,
    return (cnn_train){CNN_TRAIN_KEYS(DEFAULT)};
}

void cnn_train_write_json(const cnn_train *train, cnn_text *out)
{
    cnn_text_append(out, "{");
    cnn_fields_write_json(cnn_train_fields, 0, train, out);
    cnn_text_append(out, "}");
}
