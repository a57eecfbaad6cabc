/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/feed.h"

#include <stdio.h>
#include <stdlib.h>

static cnn_status upload(cnn_ops *ops, const void *from, size_t bytes, const char *what, void **out)
{
    cnn_status st = cnn_ops_alloc(ops, bytes, what, out);
    return st == CNN_OK ? cnn_ops_upload(ops, *out, from, bytes) : st;
}

cnn_status cnn_feed_create(cnn_ops *ops, cnn_shape shape, int count, cnn_pixel pixel, double scale,
                           const void *images, const int32_t *labels, cnn_feed **out)
{
    cnn_status st = CNN_OK;
    cnn_feed *feed = NULL;
    int32_t *order = NULL;
    CNN_CHECK(ops && images && labels && out && count > 0, CNN_EINVAL,
              "a feed needs at least one image with its label");
    CNN_CHECK((feed = calloc(1, sizeof *feed)) != NULL, CNN_ENOMEM, "a feed of images");
    *feed = (cnn_feed){.ops = ops, .shape = shape, .count = count, .pixel = pixel, .scale = scale};

    size_t n = (size_t)count;
    size_t bytes = n * (size_t)cnn_shape_size(shape) * (pixel == CNN_PIXEL_U8 ? 1 : sizeof(float));
    char what[96];
    snprintf(what, sizeof what, "%d images of %dx%dx%d", count, shape.h, shape.w, shape.c);
    CNN_TRY(upload(ops, images, bytes, what, &feed->images));
    CNN_TRY(upload(ops, labels, n * sizeof *labels, "labels", (void **)&feed->labels));

    CNN_CHECK((order = malloc(n * sizeof *order)) != NULL, CNN_ENOMEM, "an order of %d images",
              count);
    for (int i = 0; i < count; i++)
        order[i] = i;
    CNN_TRY(upload(ops, order, n * sizeof *order, "order of images", (void **)&feed->order));
    *out = feed;
    feed = NULL; /* the caller owns it now */
done:
    free(order);
    cnn_feed_destroy(&feed);
    return st;
}

void cnn_feed_destroy(cnn_feed **handle)
{
    cnn_feed *feed = *handle;
    if (!feed)
        return;
    cnn_ops_free(feed->ops, &feed->images);
    cnn_ops_free(feed->ops, (void **)&feed->labels);
    cnn_ops_free(feed->ops, (void **)&feed->order);
    free(feed);
    *handle = NULL;
}

cnn_status cnn_feed_shuffle(cnn_feed *feed, uint64_t seed, uint32_t epoch)
{
    return cnn_batch_shuffle(feed->ops, seed, epoch, feed->count, feed->order);
}

cnn_status cnn_feed_batch(const cnn_feed *feed, int batch, int64_t b, float *x, int32_t *y, int *n)
{
    const cnn_status st = cnn_feed_batch_images(feed, batch, b, n);
    if (st != CNN_OK)
        return st;
    return cnn_batch_gather(feed->ops, feed->pixel, feed->scale, feed->images, feed->labels,
                            feed->order, b * batch, *n, cnn_shape_size(feed->shape), x, y);
}
