/* SPDX-License-Identifier: Apache-2.0 */
/** Sizes of a stack of images, as data files announce them. */
#ifndef CNN_DATA_IMAGE_SHAPE_H
#define CNN_DATA_IMAGE_SHAPE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Labels lie in [0, CNN_DATA_CLASSES_MAX): more is a corrupt file, not a classification. */
#define CNN_DATA_CLASSES_MAX 65536

typedef struct {
    int count, height, width, channels;
} cnn_image_shape;

/** Checks dims [rank], which is [N,H,W] or [N,H,W,C], each element of element_size bytes.
 *  *bytes is the size of all; one image has at most INT_MAX elements. CNN_EDATA: an empty
 *  dimension or a product that overflows; path names the file in the message. */
cnn_status cnn_image_shape_set(const char *path, const uint64_t *dims, int rank,
                               size_t element_size, cnn_image_shape *shape, uint64_t *bytes);

/** Turns a shape that was read as [N,H,W,C] into that of a file of [N,C,H,W], and images [N,C,H,W]
 *  of element_size bytes into [N,H,W,C] in place; pixels may be NULL. CNN_ENOMEM. */
cnn_status cnn_image_channels_last(cnn_image_shape *shape, size_t element_size, void *pixels);

/** Whether a shape that was read as [N,H,W,C] is much rather one of [N,C,H,W]: 1 to 4 channels
 *  first, and more than 4 last. */
bool cnn_image_looks_channels_first(const cnn_image_shape *shape);

/** Checks the number of labels: 1 to INT_MAX. */
cnn_status cnn_label_count_set(const char *path, uint64_t n, int *count);

/** Elements of one image. */
size_t cnn_image_elements(const cnn_image_shape *shape);

#endif
