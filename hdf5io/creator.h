/* SPDX-License-Identifier: Apache-2.0 */
/** Making a results file: dimensions as HDF5 dimension scales, variables over them, attributes.
 *
 *  The file is made in memory, since HDF5 1.10 crashes when a disk fills up under it;
 * file_replace.h then puts the bytes on disk. Everything is contiguous, allocated and filled. */
#ifndef CNN_HDF5IO_CREATOR_H
#define CNN_HDF5IO_CREATOR_H

#include "base/status.h"
#include "hdf5io/layout.h"

#include <hdf5.h>

typedef struct {
    hid_t file; /* in memory */
    cnn_lengths lengths;
    hid_t scales[CNN_DIM_COUNT];
} cnn_creator;

/** Starts a file with its dimensions; end with cnn_creator_close, also after a failure. */
cnn_status cnn_creator_open(cnn_creator *creator, const cnn_lengths *lengths);
/** See cnn_hdf5_close for st. */
cnn_status cnn_creator_close(cnn_status st, cnn_creator *creator);

/** Makes the columns of a table and fills them from its rows, `stride` bytes apart; rows NULL:
 *  unknown. */
cnn_status cnn_creator_table(cnn_creator *creator, cnn_table_id id, const void *rows,
                             size_t stride);
/** Makes one variable of labels: as many as `rank` dimensions have places; NULL counts as "". */
cnn_status cnn_creator_labels(cnn_creator *creator, const char *path, int rank,
                              const cnn_dimension *dimensions, const char *long_name,
                              const char *const *labels);
/** Makes one variable that holds one text of any length. */
cnn_status cnn_creator_text(cnn_creator *creator, const char *path, const char *long_name,
                            const char *text);

/** The file's bytes; *bytes is owned by the caller. */
cnn_status cnn_creator_image(cnn_creator *creator, void **bytes, size_t *size);

#endif
