/* SPDX-License-Identifier: Apache-2.0 */
/** `cnnmpi check-trainer`: runs a trainer on small networks and data, and judges it by the run
 *  protocol and by a reference trainer in double precision, a program like any other. */
#ifndef CNN_CONFORMANCE_CONFORMANCE_H
#define CNN_CONFORMANCE_CONFORMANCE_H

#include "base/status.h"
#include "base/text.h"
#include "nn/train.h"

#include <stdbool.h>

typedef struct {
    const char *helper;         /* path of the exec helper (cnn-exec) */
    const char *reference;      /* path of cnntrain-reference */
    char *const *command;       /* the trainer's, NULL-terminated */
    cnn_path path;              /* for the specifications; means nothing to most trainers */
    const char *mode, *backend; /* members of the specifications; NULL: none */
    bool nondeterministic;      /* the specifications do not ask for equal bits */
    double timeout;             /* seconds between two events after which a run is ended */
} cnn_conformance_options;

typedef enum { CNN_CONFORMANCE_NONE, CNN_CONFORMANCE_PASS, CNN_CONFORMANCE_FAIL } cnn_conformance;
extern const char *const cnn_conformance_names[]; /* "not applicable", "pass", "fail" */

typedef struct {
    const char *rule, *title; /* "batch_order", and what it asks for */
    cnn_conformance verdict;
    char detail[200]; /* what was found; printable */
} cnn_conformance_row;

enum { CNN_CONFORMANCE_MOST = 32 };

typedef struct {
    int count, failed;
    cnn_conformance_row rows[CNN_CONFORMANCE_MOST];
    char backend[16], versions[128]; /* as the trainer describes itself; "": it does not */
} cnn_conformance_result;

/** Makes all runs, one after the other, in a temporary folder that it removes, and fills *out. A
 *  trainer that fails is a verdict, not an error. CNN_ESTOPPED: *stop was set. CNN_EENV: no process
 *  or no folder can be had, or the reference fails. Blocks. */
cnn_status cnn_conformance_check(const cnn_conformance_options *options, const volatile int *stop,
                                 cnn_conformance_result *out);

/** Appends the verdicts: a table for people, or one JSON object on one line. */
cnn_status cnn_conformance_text(const cnn_conformance_result *result, cnn_text *out);
void cnn_conformance_json(const cnn_conformance_result *result, cnn_text *out);

#endif
