/* SPDX-License-Identifier: Apache-2.0 */
/** Images and labels on the device, and the order in which batches use them. */
#ifndef CNN_NN_FEED_H
#define CNN_NN_FEED_H

#include "nn/ops.h"

/** Images of one part (training or test) of a data set, uploaded once. */
typedef struct {
    cnn_ops *ops; /* borrowed */
    cnn_shape shape;
    int count;
    cnn_pixel pixel;
    double scale;    /* 1/255 for u8 */
    void *images;    /* u8 or f32 [count, H, W, C] on the device */
    int32_t *labels; /* i32 [count] on the device */
    int32_t *order;  /* i32 [count] on the device; 0, 1, 2, ... until shuffled */
} cnn_feed;

/** images [count,H,W,C] and labels [count] are on the host and copied. CNN_ENOMEM names the
 *  size. */
cnn_status cnn_feed_create(cnn_ops *ops, cnn_shape shape, int count, cnn_pixel pixel, double scale,
                           const void *images, const int32_t *labels, cnn_feed **out);
void cnn_feed_destroy(cnn_feed **feed);

/** Sets the order of an epoch (0, 1, ...) of a run. */
cnn_status cnn_feed_shuffle(cnn_feed *feed, uint64_t seed, uint32_t epoch);

/** Batch b of size `batch`; the last one may be smaller. x f32 [n,H,W,C], y i32 [n] on the device;
 *  *n images. */
cnn_status cnn_feed_batch(const cnn_feed *feed, int batch, int64_t b, float *x, int32_t *y, int *n);

/* feed_check.c, which needs no backend */
/** *n: images of batch b. CNN_EINVAL: the feed has no such batch. */
cnn_status cnn_feed_batch_images(const cnn_feed *feed, int batch, int64_t b, int *n);
/** CNN_EINVAL: the network was inferred for images of another shape. */
cnn_status cnn_feed_check(const cnn_feed *feed, const cnn_network *net);

static inline int64_t cnn_feed_batches(const cnn_feed *feed, int batch)
{
    return (feed->count + batch - 1) / batch;
}

#endif
