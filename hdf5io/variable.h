/* SPDX-License-Identifier: Apache-2.0 */
/** One variable (data set) of a results file: opening with every property checked, reading,
 *  writing. */
#ifndef CNN_HDF5IO_VARIABLE_H
#define CNN_HDF5IO_VARIABLE_H

#include "base/status.h"
#include "hdf5io/tables.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

enum { CNN_VARIABLE_RANK_MAX = 4 }; /* characters of a text included */

/** Type in the file (fixed byte order) and in memory; borrowed from HDF5. */
hid_t cnn_file_type(cnn_column_type type);
hid_t cnn_memory_type(cnn_column_type type);

/** Opens a variable of the given type and rank (the characters of a text included) and gives its
 *  extents. CNN_EDATA, naming the variable, unless it is a data set in the file itself (no link
 *  elsewhere, no external storage), and stored in full within the file's file_size bytes, in one
 *  piece or as other programs rewrite it (chunks, deflate): so what it holds may be allocated. */
cnn_status cnn_variable_open(hid_t file, uint64_t file_size, const char *path, cnn_column_type type,
                             int rank, hsize_t *extents, hid_t *out);

/** Whether an open variable of this rank (the characters of a text left out) has the storage that
 *  the writer made, and needs. */
bool cnn_variable_is_original(hid_t set, const cnn_column *column, int rank);

/** Writes the cells start .. start + count of a variable from rows of structs, `stride` bytes
 *  apart. rank, start and count leave the characters of a text out. Text is made valid UTF-8, since
 *  Python refuses to decode anything else. Independent: no other rank takes part. */
cnn_status cnn_variable_write(hid_t set, const cnn_column *column, const void *rows, size_t stride,
                              int rank, const hsize_t *start, const hsize_t *count);

/** Sets a column of n rows to what stands for unknown: NaN, the column's fill, "". */
void cnn_column_set_unknown(const cnn_column *column, void *rows, size_t stride, size_t n);

/** Reads a whole variable of this rank (the characters of a text left out) and `n` cells into rows of
 *  structs. Stored texts may be shorter than the column: then they need no end. CNN_EDATA: longer. */
cnn_status cnn_variable_read(hid_t set, const cnn_column *column, int rank, void *rows,
                             size_t stride, size_t n);

#endif
