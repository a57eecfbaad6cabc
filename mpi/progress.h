/* SPDX-License-Identifier: Apache-2.0 */
/** What rank 0 shows while a job runs: one live line on a terminal, plain lines in a log, or
 *  nothing. Plain output has no control characters but newlines. */
#ifndef CNN_MPI_PROGRESS_H
#define CNN_MPI_PROGRESS_H

#include "base/status.h"
#include "mpi/job_runner.h"
#include "mpi/rank_context.h"

#include <stdbool.h>

typedef struct cnn_progress cnn_progress;

/** CNN_PROGRESS_AUTO settled: by who watches (mpi/terminal.h). */
cnn_progress_mode cnn_progress_settle(cnn_progress_mode mode);

/** mode: settled. The context is borrowed; its status[] tells what earlier sessions have done. */
cnn_status cnn_progress_create(cnn_progress_mode mode, const cnn_rank_context *context,
                               cnn_progress **out);
/** Ends the live line. */
void cnn_progress_destroy(cnn_progress **progress);

/** A line with a time stamp. */
void cnn_progress_note(cnn_progress *progress, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** Text of several lines, as it is. */
void cnn_progress_text(cnn_progress *progress, const char *text);

void cnn_progress_state(cnn_progress *progress, int rank, const cnn_message_state *m);
void cnn_progress_idle(cnn_progress *progress, int rank);
void cnn_progress_attempt(cnn_progress *progress, int rank, const cnn_message_attempt *m);
/** Before the context's status[] takes the run's new one. */
void cnn_progress_run(cnn_progress *progress, int rank, const cnn_message_run *m);
/** The run counts as not yet done again; likewise. */
void cnn_progress_reopen(cnn_progress *progress, int run);

/** Whether the live line should be drawn again; then call cnn_progress_draw. */
bool cnn_progress_is_due(const cnn_progress *progress);
/** time_left: seconds, NaN unknown. */
void cnn_progress_draw(cnn_progress *progress, double time_left);

#endif
