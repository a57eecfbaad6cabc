/* SPDX-License-Identifier: Apache-2.0 */
/** Keeps other programs from writing to a results file while its job runs, and notices where one
 *  has done so all the same. HDF5 and what builds on it (h5py, netCDF4, xarray) take an flock on
 *  what they open: a shared one of ours lets readers in and refuses writers. One rank calls,
 *  each for itself; nothing blocks; not collective. */
#ifndef CNN_HDF5IO_GUARD_H
#define CNN_HDF5IO_GUARD_H

#include "base/status.h"

#include <stdbool.h>

typedef struct cnn_guard cnn_guard;

/** Begins to guard a file. The flock is left out where a probe shows that it conflicts with fcntl
 *  locks: NFS maps one to the other, and Open MPI takes fcntl locks there to write. rank: so that
 *  ranks do not probe with the same lock. CNN_EBUSY: another program has the file open for writing;
 *  CNN_EIO: it cannot be read. */
cnn_status cnn_guard_create(const char *path, int rank, cnn_guard **out);

/** Whether other programs are refused. */
bool cnn_guard_excludes_writers(const cnn_guard *guard);

/** Compares the file's size and HDF5's head with those at the beginning: a job changes neither.
 *  CNN_EIO: another program has, and closing the file by HDF5 would write the old head over its
 *  new one, so that all would be lost. */
cnn_status cnn_guard_check(const cnn_guard *guard);

void cnn_guard_destroy(cnn_guard **guard);

#endif
