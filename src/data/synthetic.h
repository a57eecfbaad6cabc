/* SPDX-License-Identifier: Apache-2.0 */
/** A made-up data set, for trying the program and for tests; used only where a job says
 *  `type: synthetic`. */
#ifndef CNN_DATA_SYNTHETIC_H
#define CNN_DATA_SYNTHETIC_H

#include "base/status.h"
#include "data/source.h"

#include <stdint.h>

/** Checks the sizes of a synthetic source, also of one that cnn_source_read did not make. */
cnn_status cnn_synthetic_check(const cnn_source *source);

/** Labels, i32 [count], owned by the caller: image i is of class i % classes. */
cnn_status cnn_synthetic_labels(const cnn_source *source, int32_t **labels);

/** Images, u8 [count, height, width, channels], owned by the caller. Each class has a mean picture
 *  of flat tiles of 4 x 4 pixels, 64 to 191; an image is its class's picture plus uniform noise of
 *  -64 to 63 in each pixel. A pure function of the sizes and split_seed (CNN_RANDOM_SYNTHETIC). */
cnn_status cnn_synthetic_images(const cnn_source *source, unsigned char **images);

#endif
