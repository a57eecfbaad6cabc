/* SPDX-License-Identifier: Apache-2.0 */
/** Variables of the environment that change what a run computes, or how fast. From this one table a
 *  trainer's environment is made (host/environment.h), job files are checked (src/job), and
 *  docs/job-files.md is tested. Pure functions of any thread. */
#ifndef CNN_BASE_VARIABLES_H
#define CNN_BASE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CNN_VARIABLE_OTHER,    /* not in the table: passed on, not recorded */
    CNN_VARIABLE_OWNED,    /* set by the rank alone */
    CNN_VARIABLE_DEFAULT,  /* set by the rank, unless the job passes or sets it; recorded */
    CNN_VARIABLE_CLEARED,  /* removed, unless the job passes or sets it; recorded */
    CNN_VARIABLE_PASSED,   /* passed on, and recorded */
    CNN_VARIABLE_LAUNCHER, /* of an MPI launcher or a Slurm step: removed */
} cnn_variable_kind;

/** Variables of one kind and one origin. */
typedef struct {
    const char *title;
    cnn_variable_kind kind;
    const char *patterns; /* names, or prefixes that end in '*', separated by blanks */
} cnn_variable_group;

/** The first group with a pattern that fits counts. Ends with {0}. */
extern const cnn_variable_group cnn_variable_groups[];

/** Of a name, or of "NAME=value". */
cnn_variable_kind cnn_variable_kind_of(const char *variable);

/** Whether results files keep its value. */
bool cnn_variable_is_recorded(const char *variable);

/** Whether the name is one that secrets have: it holds TOKEN, KEY, SECRET or PASS. Neither name nor
 *  value of such a variable is stored anywhere. */
bool cnn_variable_is_secret(const char *variable);

/** Whether two "NAME" or "NAME=value" have one name. */
bool cnn_variable_is_same(const char *a, const char *b);

/** Bytes of the name. */
size_t cnn_variable_name_length(const char *variable);

#endif
