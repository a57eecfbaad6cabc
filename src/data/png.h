/* SPDX-License-Identifier: Apache-2.0 */
/** One PNG file: 8-bit RGB or 8-bit grey, not interlaced. Pixels come as they are stored; colour
 *  profiles, gamma, transparency and texts are passed over.
 *
 *  Files may be damaged or hostile: the header is checked before anything is allocated, and every
 *  error is CNN_EDATA with a message that names the file. */
#ifndef CNN_DATA_PNG_H
#define CNN_DATA_PNG_H

#include "base/status.h"
#include "data/image_shape.h"

typedef struct cnn_png cnn_png;

/** Opens the file and reads its header: the size is one that a file of this length can hold. */
cnn_status cnn_png_open(const char *path, cnn_png **out);
void cnn_png_close(cnn_png **png);

/** Count 1; channels 3 or 1. Borrowed. */
const cnn_image_shape *cnn_png_shape(const cnn_png *png);

/** Decodes into pixels, u8 [height, width, channels]; once for each open file. */
cnn_status cnn_png_decode(cnn_png *png, unsigned char *pixels);

#endif
