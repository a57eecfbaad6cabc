/* SPDX-License-Identifier: Apache-2.0 */
/** A results file under construction in memory: dimensions as HDF5 dimension scales, variables over
 *  them, attributes. Everything is contiguous, allocated and filled. It is built in memory because
 *  HDF5 1.10 crashes when a disk fills up under it; file_replace.h puts the bytes on disk.
 *
 *  One process, serial HDF5; touches no disk; not collective. CNN_EIO: HDF5 reports an error. */
#ifndef CNN_HDF5IO_FILE_IMAGE_H
#define CNN_HDF5IO_FILE_IMAGE_H

#include "base/status.h"
#include "hdf5io/tables.h"

#include <hdf5.h>

typedef struct {
    hid_t file; /* in memory */
    cnn_lengths lengths;
    hid_t scales[CNN_DIM_COUNT];
} cnn_file_image;

/** Begins a file with its dimensions; end with cnn_file_image_close, also after a failure. */
cnn_status cnn_file_image_create(cnn_file_image *image, const cnn_lengths *lengths);
/** See cnn_hdf5_close for st. */
cnn_status cnn_file_image_close(cnn_status st, cnn_file_image *image);

/** Adds the columns of a table and fills them from its rows, `stride` bytes apart; rows NULL:
 *  unknown. */
cnn_status cnn_file_image_add_table(cnn_file_image *image, cnn_table_id id, const void *rows,
                                    size_t stride);
/** Adds one variable of labels over `rank` dimensions; a label of NULL is "". */
cnn_status cnn_file_image_add_labels(cnn_file_image *image, const char *path, int rank,
                                     const cnn_dimension *dimensions, const char *long_name,
                                     const char *const *labels);
/** Adds one variable that holds one text of any length. */
cnn_status cnn_file_image_add_text(cnn_file_image *image, const char *path, const char *long_name,
                                   const char *text);

/** The file's bytes; *bytes is owned by the caller. */
cnn_status cnn_file_image_bytes(cnn_file_image *image, void **bytes, size_t *size);

#endif
