/* SPDX-License-Identifier: Apache-2.0 */
#include "data/synthetic.h"

#include "base/philox.h"
#include "data/image_shape.h"

#include <stdlib.h>

enum {
    TILE = 4,
    NOISE_EPOCH = 0, /* the random stream of the noise; class c's picture has c + 1 */
    MEAN_LOW = 64,
    MEAN_RANGE = 128,
    NOISE_LOW = -64,
    BYTES_PER_DRAW = 16,
};

static cnn_status check_sizes(const cnn_source *s, size_t *image)
{
    cnn_status st = CNN_OK;
    cnn_image_shape shape;
    uint64_t bytes;
    const char *name = s->name ? s->name : "synthetic";
    CNN_CHECK(s->count >= 2 && s->height > 0 && s->width > 0 && s->channels > 0, CNN_EDATA,
              "synthetic data set '%s': sizes must be positive and count at least 2", name);
    CNN_CHECK(s->classes >= 2 && s->classes <= s->count && s->classes <= CNN_DATA_CLASSES_MAX,
              CNN_EDATA, "synthetic data set '%s': %d classes are not possible with %d images",
              name, s->classes, s->count);
    uint64_t dims[] = {(uint64_t)s->count, (uint64_t)s->height, (uint64_t)s->width,
                       (uint64_t)s->channels};
    CNN_TRY(cnn_image_shape_set(name, dims, 4, 1, &shape, &bytes));
    *image = cnn_image_elements(&shape);
done:
    return st;
}

cnn_status cnn_synthetic_check(const cnn_source *source)
{
    size_t image;
    return check_sizes(source, &image);
}

cnn_status cnn_synthetic_labels(const cnn_source *source, int32_t **labels)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_synthetic_check(source));
    *labels = malloc((size_t)source->count * sizeof **labels);
    CNN_CHECK(*labels, CNN_ENOMEM, "%d labels", source->count);
    for (int i = 0; i < source->count; i++)
        (*labels)[i] = i % source->classes;
done:
    return st;
}

/** Writes the mean picture of a class, u8 [height, width, channels]. */
static void draw_mean(const cnn_source *s, int class, unsigned char *picture)
{
    size_t across = ((size_t)s->width + TILE - 1) / TILE;
    for (int h = 0; h < s->height; h++)
        for (int w = 0; w < s->width; w++)
            for (int c = 0; c < s->channels; c++) {
                size_t tile = (size_t)(h / TILE) * across + (size_t)(w / TILE);
                uint32_t word =
                    cnn_random_word(s->split_seed, CNN_RANDOM_SYNTHETIC, (uint32_t) class + 1,
                                    tile * (size_t)s->channels + (size_t)c);
                *picture++ = (unsigned char)(MEAN_LOW + word % MEAN_RANGE);
            }
}

/** image = mean + noise, drawn 16 pixels at a time. */
static void draw_image(const cnn_source *s, int number, size_t pixels, const unsigned char *mean,
                       unsigned char *image)
{
    size_t draws = (pixels + BYTES_PER_DRAW - 1) / BYTES_PER_DRAW;
    for (size_t d = 0; d < draws; d++) {
        cnn_philox random = cnn_philox_at(s->split_seed, CNN_RANDOM_SYNTHETIC, NOISE_EPOCH,
                                          (uint64_t)number * draws + d);
        size_t first = d * BYTES_PER_DRAW;
        for (size_t i = 0; i < BYTES_PER_DRAW && first + i < pixels; i++) {
            int noise = (int)(random.w[i / 4] >> (8 * (i % 4)) & 0xff) / 2 + NOISE_LOW;
            image[first + i] = (unsigned char)(mean[first + i] + noise);
        }
    }
}

cnn_status cnn_synthetic_images(const cnn_source *s, unsigned char **images)
{
    cnn_status st = CNN_OK;
    unsigned char *means = NULL, *all = NULL;
    size_t pixels;
    CNN_TRY(check_sizes(s, &pixels));
    CNN_CHECK((means = malloc((size_t)s->classes * pixels)) != NULL, CNN_ENOMEM,
              "pictures of %d classes", s->classes);
    CNN_CHECK((all = malloc((size_t)s->count * pixels)) != NULL, CNN_ENOMEM,
              "%d synthetic images of %zu bytes", s->count, pixels);
    for (int c = 0; c < s->classes; c++)
        draw_mean(s, c, means + (size_t)c * pixels);
    for (int i = 0; i < s->count; i++)
        draw_image(s, i, pixels, means + (size_t)(i % s->classes) * pixels,
                   all + (size_t)i * pixels);
    *images = all;
    all = NULL;
done:
    free(all);
    free(means);
    return st;
}
