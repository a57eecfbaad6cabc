/* SPDX-License-Identifier: Apache-2.0 */
/** Trainers in Python that come with cnnmpi: what job files can name with `trainer:`. */
#ifndef CNN_JOB_TRAINERS_H
#define CNN_JOB_TRAINERS_H

enum { CNN_TRAINER_CHOICES = 8 };

typedef struct {
    const char *name;
    const char *script;                     /* below trainers/ */
    const char *environment;                /* NULL: of its own name, or its backend's */
    const char *modes[CNN_TRAINER_CHOICES]; /* NULL-terminated; the first is the default */
    /* libraries that it can compute with; the first is the default; none: it has no choice */
    const char *backends[CNN_TRAINER_CHOICES];
} cnn_shipped_trainer;

extern const char *const cnn_shipped_trainer_names[]; /* NULL-terminated */
/** NULL: there is none of this name. */
const cnn_shipped_trainer *cnn_shipped_trainer_find(const char *name);
/** Name of the Python environment that a trainer runs in: `trainers/setup NAME` makes it. backend: of
 *  the trainer; NULL: its default. */
const char *cnn_shipped_trainer_environment(const cnn_shipped_trainer *trainer,
                                            const char *backend);

#endif
