/* SPDX-License-Identifier: Apache-2.0 */
/** IDX files, the format of MNIST: 00 00, type, rank, then `rank` sizes of 4 bytes, big-endian,
 *  then the elements, last index fastest. Only unsigned bytes (type 08) are read. Plain or gzip. */
#ifndef CNN_DATA_IDX_H
#define CNN_DATA_IDX_H

#include "base/status.h"
#include "data/image_shape.h"

#include <stdint.h>

/** The four files of a data set, in this order. */
enum {
    CNN_IDX_TRAIN_IMAGES,
    CNN_IDX_TRAIN_LABELS,
    CNN_IDX_TEST_IMAGES,
    CNN_IDX_TEST_LABELS,
    CNN_IDX_FILES
};
extern const char *const cnn_idx_names[CNN_IDX_FILES]; /* MNIST's own, without .gz */

/** Finds one of the four (an index of cnn_idx_names) in folder, plain first, then .gz; then by
 *  names that others give it ("train-images.idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte"),
 *  also in a folder of such a name. *path is owned by the caller, NULL when it is not there.
 *  CNN_EDATA: several files answer to these names; CNN_ENOMEM. */
cnn_status cnn_idx_locate(const char *folder, int which, char **path);

/** Images [N,H,W] or [N,H,W,C]. pixels NULL: only the header is read. Else *pixels, u8
 *  [N,H,W,C], is owned by the caller and *sum continues over it. CNN_EDATA names what is wrong. */
cnn_status cnn_idx_images(const char *path, cnn_image_shape *shape, uint64_t *sum,
                          unsigned char **pixels);

/** Labels [N]. *labels, i32 [*count], is owned by the caller; *sum continues over the file's
 *  bytes. */
cnn_status cnn_idx_labels(const char *path, int *count, uint64_t *sum, int32_t **labels);

#endif
