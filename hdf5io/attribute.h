/* SPDX-License-Identifier: Apache-2.0 */
/** Attributes of a results file: of the root or of a variable. */
#ifndef CNN_HDF5IO_ATTRIBUTE_H
#define CNN_HDF5IO_ATTRIBUTE_H

#include "base/status.h"
#include "hdf5io/tables.h"

#include <hdf5.h>

/** Makes an attribute of n numbers; n == 0: one number as a scalar. values are in memory's
 *  types. */
cnn_status cnn_attribute_write(hid_t object, const char *name, cnn_column_type type, int n,
                               const void *values);
/** Makes an attribute of text: one string of fixed length, UTF-8. */
cnn_status cnn_attribute_write_text(hid_t object, const char *name, const char *text);

/** Reads a scalar number. CNN_EDATA if it is missing or of another type. */
cnn_status cnn_attribute_read(hid_t object, const char *name, cnn_column_type type, void *value);
/** Reads an array of 1 to `most` numbers into values [most]; *n: how many. CNN_EDATA if there is
 *  none or another number of them. */
cnn_status cnn_attribute_read_reals(hid_t object, const char *name, int most, double *values,
                                    int *n);
/** Reads a text as cnn_attribute_write_text makes it; *out is owned by the caller. */
cnn_status cnn_attribute_read_text(hid_t object, const char *name, char **out);

#endif
