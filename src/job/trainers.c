/* SPDX-License-Identifier: Apache-2.0 */
#include "job/trainers.h"

#include <stddef.h>
#include <string.h>

/** X(name, script, members): a new trainer is a new line here, a folder in trainers/, and requirement
 *  files in trainers/requirements. */
#define SHIPPED(X)                                                                                 \
    X("tensorflow", "tensorflow/train.py", .modes = {"graph", "eager", "xla"})                     \
    X("keras", "keras/train.py", .modes = {"fit"}, .backends = {"tensorflow", "jax", "torch"})     \
    X("pytorch", "pytorch.py", .environment = "torch",                                             \
      .modes = {"eager", "compile", "compile-max", "graphs"})                                      \
    X("jax", "jax/train.py", .modes = {"jit", "scan"})

#define NAME(name, ...)            name,
#define TRAINER(name, script, ...) {name, script, __VA_ARGS__},
static const cnn_shipped_trainer trainers[] = {SHIPPED(TRAINER)};
const char *const cnn_shipped_trainer_names[] = {SHIPPED(NAME) NULL};
enum { TRAINERS = sizeof trainers / sizeof trainers[0] };

const cnn_shipped_trainer *cnn_shipped_trainer_find(const char *name)
{
    for (int i = 0; i < TRAINERS; i++)
        if (strcmp(trainers[i].name, name) == 0)
            return &trainers[i];
    return NULL;
}

const char *cnn_shipped_trainer_environment(const cnn_shipped_trainer *trainer, const char *backend)
{
    if (trainer->backends[0])
        return backend ? backend : trainer->backends[0];
    return trainer->environment ? trainer->environment : trainer->name;
}
