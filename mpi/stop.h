/* SPDX-License-Identifier: Apache-2.0 */
/** SIGINT, SIGTERM, SIGUSR1: noticed, counted, left to the event loop. */
#ifndef CNN_MPI_STOP_H
#define CNN_MPI_STOP_H

#include <signal.h>
#include <stdbool.h>

/** What was in force before. */
typedef struct {
    struct sigaction interrupt, terminate;
} cnn_stop_handlers;

/** From now on SIGUSR1 is only noticed: its default would end the process. Call it early,
 * and as often as you like. */
void cnn_stop_watch_late(void);

/** From now on SIGINT and SIGTERM are only counted. */
void cnn_stop_watch(cnn_stop_handlers *before);
/** SIGUSR1 is ignored from now on: launchers pass it on late, or twice, and the rank has nothing
 * left to leave undone. */
void cnn_stop_unwatch(const cnn_stop_handlers *before);

/** The first signal since cnn_stop_watch, or 0; *count: how often one has come. Launchers may pass
 *  the same signal on twice within moments: that counts once. */
int cnn_stop_signal(int *count);

/** Whether SIGUSR1 has come: the time that the job has is running out. */
bool cnn_stop_is_late(void);

#endif
