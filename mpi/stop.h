/* SPDX-License-Identifier: Apache-2.0 */
/** SIGINT, SIGTERM, SIGUSR1: counted by a handler, acted on by the event loop. Any rank, one
 *  thread; nothing blocks; not collective. */
#ifndef CNN_MPI_STOP_H
#define CNN_MPI_STOP_H

#include <signal.h>
#include <stdbool.h>

/** The handlers that were in force before. */
typedef struct {
    struct sigaction interrupt, terminate;
} cnn_stop_handlers;

/** From now on SIGUSR1 is only recorded: its default action would end the process. Call it
 *  early; it may be called again. */
void cnn_stop_watch_late(void);

/** From now on SIGINT and SIGTERM are only counted. */
void cnn_stop_watch(cnn_stop_handlers *before);
/** Restores the handlers of SIGINT and SIGTERM. SIGUSR1 is ignored from now on: launchers
 *  forward it late or twice, and no block is left that it could hold back. */
void cnn_stop_unwatch(const cnn_stop_handlers *before);

/** The first signal since cnn_stop_watch, or 0; *count: number of signals. Launchers may forward
 *  one signal twice within moments: that counts once. */
int cnn_stop_signal(int *count);

/** What stopped the job, for people: mpirun sends its ranks SIGTERM when it receives SIGINT. */
const char *cnn_stop_cause(int signal);

/** Whether SIGUSR1 was received: the job's time is running out. */
bool cnn_stop_is_late(void);

#endif
