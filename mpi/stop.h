/** SIGINT and SIGTERM: noticed, counted, left to the event loop. */
#ifndef CNN_MPI_STOP_H
#define CNN_MPI_STOP_H

#include <signal.h>

/** What was in force before. */
typedef struct {
    struct sigaction interrupt, terminate;
} cnn_stop_handlers;

/** From now on SIGINT and SIGTERM are only counted. */
void cnn_stop_watch(cnn_stop_handlers *before);
void cnn_stop_unwatch(const cnn_stop_handlers *before);

/** The first signal since cnn_stop_watch, or 0; *count: how often one has come. Launchers may pass
 *  the same signal on twice within moments: that counts once. */
int cnn_stop_signal(int *count);

#endif
