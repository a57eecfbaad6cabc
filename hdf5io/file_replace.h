/* SPDX-License-Identifier: Apache-2.0 */
/** Putting a file on disk whole or not at all. */
#ifndef CNN_HDF5IO_FILE_REPLACE_H
#define CNN_HDF5IO_FILE_REPLACE_H

#include "base/status.h"

#include <stddef.h>

/** Writes n bytes as PATH.part, syncs it to disk, renames it to path, syncs the folder. On failure
 *  CNN_EIO names the path and the cause, nothing of PATH.part is left and an older file at path is
 *  as it was. */
cnn_status cnn_file_replace(const char *path, const void *bytes, size_t n);

#endif
