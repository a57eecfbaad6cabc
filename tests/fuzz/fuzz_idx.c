/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files, plain and packed. First byte: bit 0 labels, bit 1 pack the rest, bit 2 headers only.
 */
#include "fuzz.h"

#include "data/idx.h"

#include <stdlib.h>

static void read_images(const char *path, size_t size, int headers_only)
{
    cnn_image_shape shape;
    uint64_t sum = 0;
    unsigned char *pixels = NULL;
    if (cnn_idx_images(path, &shape, &sum, headers_only ? NULL : &pixels) != CNN_OK)
        return;
    MUST(shape.count > 0 && cnn_image_elements(&shape) > 0);
    MUST((size_t)shape.count <= (2 * size + 64) * FUZZ_RATIO / cnn_image_elements(&shape));
    if (pixels)
        fuzz_touch(pixels, (size_t)shape.count * cnn_image_elements(&shape));
    free(pixels);
}

static void read_labels(const char *path)
{
    int count;
    uint64_t sum = 0;
    int32_t *labels = NULL;
    if (cnn_idx_labels(path, &count, &sum, &labels) != CNN_OK)
        return;
    for (int i = 0; i < count; i++)
        MUST(labels[i] >= 0 && labels[i] < 256);
    free(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *path = (data[0] & 2 ? fuzz_gzip_file : fuzz_file)(data + 1, size - 1);
    if (data[0] & 1)
        read_labels(path);
    else
        read_images(path, size, data[0] & 4);
    return 0;
}
