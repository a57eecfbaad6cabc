/* SPDX-License-Identifier: Apache-2.0 */
/** The file that the name of a results file leads to. Any process; touches the file system only to
 *  look; not collective. */
#ifndef CNN_HDF5IO_TARGET_H
#define CNN_HDF5IO_TARGET_H

#include "base/status.h"

#include <stdbool.h>

/** Bytes of a results file's base name: Open MPI 4.1 builds names of its own from it in buffers of
 *  256 bytes, and ".part" and ".lock" are appended. */
enum { CNN_RESULTS_NAME_MAX = 200 };

/** Follows symbolic links, also one that leads to nothing yet: *out, owned by the caller, is the
 *  absolute path of the file that is or would be there. CNN_EUSAGE: it is no regular file, or links
 *  lead in a circle; CNN_EIO: its folder is missing; CNN_ENOMEM. */
cnn_status cnn_target_resolve(const char *path, char **out);

/** Checks that a job may make, replace or continue the file of a resolved path. CNN_EUSAGE: its
 *  name is too long, or what is there has more than one hard link, so that another job could
 *  write it under another name. *exists: whether something is there. */
cnn_status cnn_target_check(const char *target, bool *exists);

#endif
