/* SPDX-License-Identifier: Apache-2.0 */
/** `cnnmpi status FILE --watch`: a screen that is drawn anew. */
#ifndef CNN_CLI_WATCH_H
#define CNN_CLI_WATCH_H

#include "base/status.h"

/** Draws how far a job is, every second and whenever the window changes its size, until nobody works
 *  on the file or SIGINT or SIGTERM arrives; the last picture stays. CNN_EUSAGE: standard output is
 *  no terminal; CNN_EDATA, CNN_EIO: as cnn_results_read. */
cnn_status cnn_watch_status(const char *path);

#endif
