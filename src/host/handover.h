/* SPDX-License-Identifier: Apache-2.0 */
/** The contract between a rank and the exec helper (trainers/exec.c).
 *
 *  The helper is the trainer's supervisor: it starts the trainer, stays as its parent and as the
 *  subreaper of all that the trainer starts, and reports to the rank by fixed-size records on
 *  CNN_REPORT_DESCRIPTOR. It ends the trainer and every descendant when the trainer has ended, when
 *  the rank writes to CNN_ORDER_DESCRIPTOR, and when the rank closes it or dies. */
#ifndef CNN_HOST_HANDOVER_H
#define CNN_HOST_HANDOVER_H

#include <stdint.h>
#include <sys/resource.h>

/** Descriptor of a trainer's events pipe; $CNN_EVENTS_FD names it to the trainer. */
#define CNN_EVENTS_DESCRIPTOR 3
/** The helper's own, which the trainer does not get. */
#define CNN_REPORT_DESCRIPTOR 4
#define CNN_ORDER_DESCRIPTOR  5

/** Exit code of a trainer that could not be started; standard error has the reason. */
#define CNN_EXEC_FAILED 127

/** Seconds within which the helper ends what is left of a trainer, or gives up. */
#define CNN_EXEC_PATIENCE 5

typedef enum {
    CNN_EXEC_STARTED, /* the trainer's process exists: pid */
    CNN_EXEC_ENDED,   /* it has ended: status, started, usage */
    CNN_EXEC_CLEARED, /* all its descendants have ended but `left`; the helper exits now */
} cnn_exec_report_kind;

/** Written by one write(2): shorter than PIPE_BUF, so that it arrives whole. */
typedef struct {
    int32_t kind;    /* cnn_exec_report_kind */
    int32_t pid;     /* of the trainer */
    int32_t status;  /* as wait(2) gives it */
    int32_t started; /* 0: the program could not be executed */
    int32_t left;    /* processes that did not end */
    struct rusage usage;
} cnn_exec_report;

#endif
