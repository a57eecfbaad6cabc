/* SPDX-License-Identifier: Apache-2.0 */
/** Trainers in Python that come with cnnmpi: what job files can name with `trainer:`. */
#ifndef CNN_JOB_TRAINERS_H
#define CNN_JOB_TRAINERS_H

#include <stdbool.h>

enum { CNN_TRAINER_CHOICES = 8 };

typedef struct {
    const char *name;
    const char *script;                         /* below trainers/ */
    const char *modes[CNN_TRAINER_CHOICES];     /* NULL-terminated; the first is the default */
    const char *gpu_modes[CNN_TRAINER_CHOICES]; /* those of them that need a GPU */
    const char
        *backends[CNN_TRAINER_CHOICES]; /* libraries that it can compute with; the first is the
                                                     default; none: it has no choice */
} cnn_shipped_trainer;

extern const char *const cnn_shipped_trainer_names[]; /* NULL-terminated */
/** NULL: there is none of this name. */
const cnn_shipped_trainer *cnn_shipped_trainer_find(const char *name);
/** Name of the Python environment that a trainer runs in: `trainers/setup NAME` makes it. backend: of
 *  the trainer; NULL: its default. */
const char *cnn_shipped_trainer_environment(const cnn_shipped_trainer *trainer,
                                            const char *backend);
bool cnn_shipped_trainer_needs_gpu(const cnn_shipped_trainer *trainer, const char *mode);

#endif
