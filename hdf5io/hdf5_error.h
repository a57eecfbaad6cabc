/* SPDX-License-Identifier: Apache-2.0 */
/** Errors of the HDF5 library as messages of ours. */
#ifndef CNN_HDF5IO_HDF5_ERROR_H
#define CNN_HDF5IO_HDF5_ERROR_H

#include "base/status.h"

#include <hdf5.h>

/** Stops HDF5 from printing its error stack; our messages quote its reason. */
void cnn_hdf5_quiet(void);

/** Sets the message "<fmt>: <the innermost reason on HDF5's error stack>" and returns st. */
cnn_status cnn_hdf5_error(cnn_status st, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** The system's reason for a failed call that reads or writes, for a message. MPI-IO passes none
 *  on: set errno to 0 before the call; what is there afterwards is the best that can be had. */
const char *cnn_hdf5_system_reason(void);

/** CNN_CHECK for a call of HDF5. */
#define CNN_HDF5(condition, status, ...)                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            st = cnn_hdf5_error((status), __VA_ARGS__);                                            \
            goto done;                                                                             \
        }                                                                                          \
    } while (0)

/** For clean-up: closes *id with its function when it is open (>= 0) and makes it -1. Returns st,
 *  or CNN_EIO when st was CNN_OK and closing failed. */
cnn_status cnn_hdf5_close(cnn_status st, hid_t *id, herr_t (*close)(hid_t), const char *what);

#endif
