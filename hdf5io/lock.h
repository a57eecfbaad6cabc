/* SPDX-License-Identifier: Apache-2.0 */
/** The lock on a results file. One process calls (rank 0, or a command); nothing waits for another
 *  process; not collective. */
#ifndef CNN_HDF5IO_LOCK_H
#define CNN_HDF5IO_LOCK_H

#include "base/status.h"

#include <stddef.h>

/** Takes an fcntl lock on PATH.lock, held until unlock or the process's end. Readers need none.
 *  *fd >= 0 on success; it closes on exec, so that no child keeps the lock. CNN_EBUSY names the
 *  holder's process and host; CNN_EIO: the folder cannot be written; CNN_EENV: its file system has
 *  no locks. */
cnn_status cnn_results_lock(const char *path, int *fd);
/** Writes the holder of the lock, "process 12 on host since ...", into holder [n]; "" when there is
 *  none, or it is unknown. Takes no lock. */
void cnn_results_lock_holder(const char *path, char *holder, size_t n);
/** Removes PATH.lock and releases it; takes a *fd of -1, leaves -1. */
void cnn_results_unlock(const char *path, int *fd);

#endif
