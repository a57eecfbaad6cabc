/* SPDX-License-Identifier: Apache-2.0 */
#include "data/image_shape.h"

#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void write_dims(cnn_text *t, const uint64_t *dims, int rank)
{
    for (int i = 0; i < rank; i++)
        cnn_text_printf(t, "%s%" PRIu64, i ? " x " : "", dims[i]);
}

cnn_status cnn_image_shape_set(const char *path, const uint64_t *dims, int rank,
                               size_t element_size, cnn_image_shape *shape, uint64_t *bytes)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    uint64_t image = 1, all;
    write_dims(&text, dims, rank);
    CNN_TRY(cnn_text_status(&text));
    for (int i = 0; i < rank; i++)
        CNN_CHECK(dims[i] > 0, CNN_EDATA, "'%s' is empty: its header says %s", path, text.s);
    for (int i = 1; i < rank; i++)
        CNN_CHECK(!__builtin_mul_overflow(image, dims[i], &image) && image <= INT_MAX, CNN_EDATA,
                  "'%s': its header states an impossible size of images (%s)", path, text.s);
    CNN_CHECK(dims[0] <= INT_MAX && !__builtin_mul_overflow(image, dims[0], &all) &&
                  !__builtin_mul_overflow(all, element_size, bytes),
              CNN_EDATA, "'%s': its header states an impossible number of images (%s)", path,
              text.s);
    *shape = (cnn_image_shape){.count = (int)dims[0],
                               .height = (int)dims[1],
                               .width = (int)dims[2],
                               .channels = rank == 4 ? (int)dims[3] : 1};
done:
    cnn_text_free(&text);
    return st;
}

bool cnn_image_looks_channels_first(const cnn_image_shape *shape)
{
    enum { MOST_CHANNELS = 4 };
    return shape->height <= MOST_CHANNELS && shape->channels > MOST_CHANNELS;
}

cnn_status cnn_image_channels_last(cnn_image_shape *shape, size_t element_size, void *pixels)
{
    cnn_status st = CNN_OK;
    const cnn_image_shape to = {shape->count, shape->width, shape->channels, shape->height};
    const size_t channels = (size_t)to.channels, n = cnn_image_elements(&to);
    unsigned char *copy = pixels ? malloc(n * element_size) : NULL;
    CNN_CHECK(!pixels || copy, CNN_ENOMEM, "an image of %zu bytes", n * element_size);
    for (size_t i = 0; pixels && i < (size_t)to.count; i++) {
        unsigned char *image = (unsigned char *)pixels + i * n * element_size;
        memcpy(copy, image, n * element_size);
        for (size_t e = 0; e < n; e++) {
            const size_t from = e % channels * (n / channels) + e / channels;
            memcpy(image + e * element_size, copy + from * element_size, element_size);
        }
    }
    *shape = to;
done:
    free(copy);
    return st;
}

cnn_status cnn_label_count_set(const char *path, uint64_t n, int *count)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(n > 0, CNN_EDATA, "'%s' is empty: its header says 0 labels", path);
    CNN_CHECK(n <= INT_MAX, CNN_EDATA,
              "'%s': its header states an impossible number of labels (%" PRIu64 ")", path, n);
    *count = (int)n;
done:
    return st;
}

size_t cnn_image_elements(const cnn_image_shape *shape)
{
    return (size_t)shape->height * (size_t)shape->width * (size_t)shape->channels;
}
