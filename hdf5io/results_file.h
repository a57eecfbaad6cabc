/* SPDX-License-Identifier: Apache-2.0 */
/** Opening a results file for reading with serial HDF5, without locks: it may be being written. */
#ifndef CNN_HDF5IO_RESULTS_FILE_H
#define CNN_HDF5IO_RESULTS_FILE_H

#include "base/status.h"

#include <hdf5.h>
#include <stdint.h>

/** CNN_EDATA: there is none, or it is no HDF5 file, or no results file of this layout; CNN_EIO: it
 *  cannot be read. *size: bytes. Close *out with H5Fclose. */
cnn_status cnn_results_file_open(const char *path, hid_t *out, uint64_t *size, int *version);

#endif
