/* SPDX-License-Identifier: Apache-2.0 */
/** The environment of a trainer. It is made, not inherited: variables that change what a run computes
 *  or how fast (base/variables.h) are cleared or set unless the job says otherwise, and those by
 *  which a launcher marks its ranks are removed; all others are the rank's. Pure functions. */
#ifndef CNN_HOST_ENVIRONMENT_H
#define CNN_HOST_ENVIRONMENT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/** What the job says: run_environment. NULL-terminated lists, borrowed; NULL: none. */
typedef struct {
    char *const *pass; /* names */
    char *const *set;  /* "NAME=value" */
} cnn_environment_wishes;

/** Where a trainer runs. */
typedef struct {
    int threads;        /* OMP_NUM_THREADS */
    bool owns_cores;    /* nobody else runs on them: threads spin and are bound */
    const char *gpu;    /* UUID of the only GPU that it sees; NULL: it sees none */
    bool sees_all_gpus; /* instead: the GPUs that this process sees */
} cnn_environment_place;

/** A copy of `from` without variables of the table that wishes do not pass on; those that wishes set
 *  or that `more` ("NAME=value", NULL-terminated; NULL: none) adds replace their namesakes, the
 *  latter also the former. *out is a NULL-terminated list, owned by the caller:
 *  cnn_environment_free. */
cnn_status cnn_environment_make(char *const *from, const cnn_environment_wishes *wishes,
                                const char *const *more, char ***out);
void cnn_environment_free(char ***environment);

/** The same for a run: with what the run protocol sets for a place, but CNN_EVENTS_FD. */
cnn_status cnn_environment_of_run(char *const *from, const cnn_environment_wishes *wishes,
                                  const cnn_environment_place *place, char ***out);

/** The recorded variables of an environment as lines "NAME=value", sorted, and the names of others
 *  that wishes set (never those of secrets), into text [n]. A value is printable, and of more than
 *  512 bytes only the first and a checksum are kept; likewise of lines that do not fit. */
cnn_status cnn_environment_describe(char *const *environment, const cnn_environment_wishes *wishes,
                                    char *text, size_t n);

#endif
