/* SPDX-License-Identifier: Apache-2.0 */
/** Progress of a job on standard output: a few live lines on a terminal, plain lines in a log, or
 *  nothing. Plain output has no control characters but newlines. Rank 0 only; not collective; a
 *  call blocks only where standard output does. */
#ifndef CNN_MPI_PROGRESS_H
#define CNN_MPI_PROGRESS_H

#include "base/status.h"
#include "mpi/job_runner.h"
#include "mpi/rank_context.h"

#include <stdbool.h>

typedef struct cnn_progress cnn_progress;

/** Replaces CNN_PROGRESS_AUTO: live where a terminal is watched (mpi/terminal.h), else plain. */
cnn_progress_mode cnn_progress_settle(cnn_progress_mode mode);

/** mode: settled. The context is borrowed; its status[] holds the results of earlier sessions. */
cnn_status cnn_progress_create(cnn_progress_mode mode, const cnn_rank_context *context,
                               cnn_progress **out);
/** Takes the live lines away. */
void cnn_progress_destroy(cnn_progress **progress);

/** A line with a time stamp. */
void cnn_progress_note(cnn_progress *progress, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** The line after a signal; seconds: for running runs to finish. On standard error where nothing
 *  else is printed. */
void cnn_progress_stopping(cnn_progress *progress, int signal, double seconds);
/** Text of several lines, unchanged. */
void cnn_progress_text(cnn_progress *progress, const char *text);

void cnn_progress_state(cnn_progress *progress, int rank, const cnn_message_state *m);
void cnn_progress_idle(cnn_progress *progress, int rank);
void cnn_progress_attempt(cnn_progress *progress, int rank, const cnn_message_attempt *m);
/** Before the context's status[] takes the run's new one. */
void cnn_progress_run(cnn_progress *progress, int rank, const cnn_message_run *m);
/** Counts the run as not done. Before its status[] changes. */
void cnn_progress_reopen(cnn_progress *progress, int run);

/** Whether the live lines should be drawn again; then call cnn_progress_draw. */
bool cnn_progress_is_due(const cnn_progress *progress);
/** time_left: seconds, NaN unknown. */
void cnn_progress_draw(cnn_progress *progress, double time_left);

#endif
