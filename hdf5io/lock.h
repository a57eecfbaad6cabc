/* SPDX-License-Identifier: Apache-2.0 */
/** The lock on a results file, against other jobs. One process calls (rank 0, or a command);
 *  nothing waits for another process; not collective. Readers need no lock. */
#ifndef CNN_HDF5IO_LOCK_H
#define CNN_HDF5IO_LOCK_H

#include "base/status.h"

#include <stddef.h>

typedef struct cnn_lock cnn_lock;

/** Locks the file that `path` leads to, which need not exist: TARGET.lock beside it, and on
 *  local file systems a byte of the file itself, far beyond its end, which other names of it (a
 *  bind mount) lead to as well. The locks last until cnn_lock_release or the end of the process,
 *  also its death; programs that it starts do not keep them. CNN_EBUSY names the holder's
 *  process and host; CNN_EUSAGE: see cnn_target_check; CNN_EIO: the folder cannot be written;
 *  CNN_EENV: its file system has no locks. */
cnn_status cnn_lock_take(const char *path, cnn_lock **out);

/** Locks the file that has been made, or replaced, since. */
cnn_status cnn_lock_file(cnn_lock *lock);

/** The resolved path; borrowed. */
const char *cnn_lock_target(const cnn_lock *lock);

/** Removes TARGET.lock and releases everything; takes NULL, leaves NULL. */
void cnn_lock_release(cnn_lock **lock);

/** Writes the holder of a file's lock, "process 12 on host since ...", into holder [n]; "" when
 *  there is none, or it is unknown. Takes no lock. */
void cnn_lock_holder(const char *path, char *holder, size_t n);

#endif
