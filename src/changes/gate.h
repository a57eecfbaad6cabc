/* SPDX-License-Identifier: Apache-2.0 */
/** `--fail-on slower:P%`: whether a program may go on, by intervals and not by points.
 *
 *  A cell is beyond the limit where its one-sided p, adjusted by Holm, is at most alpha: wherever its
 *  lower bound (Bonferroni: of all cells together) is beyond it, and sometimes where it is not. It is within the limit where its own
 *  one-sided upper bound is. Both are of the change against the control: without one nothing is
 *  decided. */
#ifndef CNN_CHANGES_GATE_H
#define CNN_CHANGES_GATE_H

#include "changes/changes.h"

/** X(constant, name): of a cell, and of all */
#define CNN_GATE_OUTCOMES(X)                                                                       \
    X(CNN_GATE_WITHIN, "within")                                                                   \
    X(CNN_GATE_UNDECIDED, "undecided")                                                             \
    X(CNN_GATE_BEYOND, "beyond")

#define CNN_GATE_CONSTANT(constant, ...) constant,
typedef enum { CNN_GATE_OUTCOMES(CNN_GATE_CONSTANT) CNN_GATE_OUTCOME_COUNT } cnn_gate_outcome;
extern const char *const cnn_gate_outcome_names[]; /* NULL-terminated */

/** Log ratios; NaN: unknown, and of the control. */
typedef struct {
    double lower;     /* simultaneous: at 1 - alpha / cells tested */
    double upper;     /* of this cell alone: at 1 - alpha */
    double p, p_holm; /* one-sided, of a change that is at most the limit */
    cnn_gate_outcome outcome;
} cnn_gate_cell;

typedef struct {
    double limit;         /* log ratio */
    cnn_gate_cell *cells; /* [cell_count of the changes] */
    int tested, beyond, within;
    cnn_gate_outcome outcome; /* beyond: of any cell; within: of all */
} cnn_gate;

/** limit: relative, above 0 (0.03: 3 %). End with cnn_gate_free. CNN_ENOMEM. */
cnn_status cnn_gate_judge(const cnn_changes *changes, double limit, cnn_gate *out);
void cnn_gate_free(cnn_gate *gate);

#endif
