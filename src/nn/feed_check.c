/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/feed.h"

cnn_status cnn_feed_batch_images(const cnn_feed *feed, int batch, int64_t b, int *n)
{
    if (batch < 1 || b < 0 || b >= cnn_feed_batches(feed, batch))
        return cnn_error_set(CNN_EINVAL, "batch %lld of size %d lies outside the %d images",
                             (long long)b, batch, feed->count);
    const int64_t rest = feed->count - b * batch;
    *n = rest < batch ? (int)rest : batch;
    return CNN_OK;
}

cnn_status cnn_feed_check(const cnn_feed *feed, const cnn_network *net)
{
    const cnn_shape is = feed->shape, want = net->input;
    if (is.h == want.h && is.w == want.w && is.c == want.c)
        return CNN_OK;
    return cnn_error_set(CNN_EINVAL, "network '%s' was made for images of %dx%dx%d, not %dx%dx%d",
                         net->name, want.h, want.w, want.c, is.h, is.w, is.c);
}
