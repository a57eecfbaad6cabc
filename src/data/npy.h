/* SPDX-License-Identifier: Apache-2.0 */
/** NPY files, the format of numpy.save, versions 1 to 3: little-endian, C order. */
#ifndef CNN_DATA_NPY_H
#define CNN_DATA_NPY_H

#include "base/status.h"
#include "data/image_shape.h"

#include <stdbool.h>
#include <stdint.h>

/** Images [N,H,W,C] or [N,H,W] of type u1 or f4. pixels NULL: only the header is read. Else
 *  *pixels, u8 or f32 [N,H,W,C] as *is_f32 says, is owned by the caller and *sum continues over
 *  it; the values are not checked. CNN_EDATA names what is wrong, and how NumPy converts it. */
cnn_status cnn_npy_images(const char *path, cnn_image_shape *shape, bool *is_f32, uint64_t *sum,
                          void **pixels);

/** Labels [N] of type u1, i4 or i8, each in [0, CNN_DATA_CLASSES_MAX). *labels, i32 [*count], is
 *  owned by the caller; *sum continues over the file's bytes. */
cnn_status cnn_npy_labels(const char *path, int *count, uint64_t *sum, int32_t **labels);

#endif
