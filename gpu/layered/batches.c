/* SPDX-License-Identifier: Apache-2.0 */
/* The loss and its counts; batches and their order. */
#include "base/philox.h"
#include "gpu/device/internal.h"

#include <stdlib.h>

/* ---- loss ---------------------------------------------------------------------------------- */

struct cnn_loss {
    cnn_ops *ops; /* borrowed */
    int classes;
    cnn_gpu_counts *counts; /* on the device */
};

cnn_status cnn_loss_create(cnn_ops *ops, int classes, cnn_loss **out)
{
    cnn_status st = CNN_OK;
    void *counts = NULL;
    cnn_loss *loss = calloc(1, sizeof *loss);
    CNN_CHECK(classes > 0, CNN_EINVAL, "a loss over %d classes", classes);
    CNN_CHECK(loss != NULL, CNN_ENOMEM, "the loss");
    loss->ops = ops;
    loss->classes = classes;
    CNN_TRY(cnn_cuda_alloc(ops, sizeof *loss->counts, "the loss's counts", &counts));
    loss->counts = counts;
    *out = loss;
    loss = NULL; /* the caller owns it now */
done:
    cnn_loss_destroy(&loss);
    return st;
}

void cnn_loss_destroy(cnn_loss **handle)
{
    if (!*handle)
        return;
    cnn_cuda_free((*handle)->ops, (void **)&(*handle)->counts);
    free(*handle);
    *handle = NULL;
}

cnn_status cnn_loss_reset(cnn_loss *loss)
{
    return cnn_ops_zero(loss->ops, loss->counts, sizeof *loss->counts);
}

cnn_status cnn_loss_apply(cnn_loss *loss, int n, const float *logits, const int32_t *labels,
                          float *dlogits)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_labels as_given = {.labels = labels};
    CNN_CUDA(cnn_gpu_softmax_loss(loss->ops->current.stream, n, loss->classes, logits, NULL,
                                  as_given, dlogits, NULL, NULL, false, loss->counts));
done:
    return st;
}

cnn_status cnn_loss_read(cnn_loss *loss, cnn_metrics *out)
{
    cnn_status st = CNN_OK;
    cnn_gpu_counts counts;
    CNN_TRY(cnn_ops_download(loss->ops, &counts, loss->counts, sizeof counts));
    *out = (cnn_metrics){counts.loss_sum, counts.errors, counts.images};
done:
    return st;
}

/* ---- batches ------------------------------------------------------------------------------- */

cnn_status cnn_batch_gather(cnn_ops *ops, cnn_pixel pixel, double scale, const void *images,
                            const int32_t *labels, const int32_t *order, int64_t first, int n,
                            int64_t pixels, float *x, int32_t *y)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_images from = {.pixels = images,
                                 .is_u8 = pixel == CNN_PIXEL_U8,
                                 .scale = (float)scale,
                                 .batch = {.order = order + first}};
    CNN_CUDA(cnn_gpu_gather(ops->current.stream, from, labels, n, pixels, x, y));
done:
    return st;
}

/* Room for sorting; it stays for the next epoch. */
static cnn_status make_sort_room(cnn_ops *ops, int count)
{
    cnn_status st = CNN_OK;
    const size_t bytes = (size_t)count * sizeof(uint64_t);
    if (count <= ops->key_room)
        return CNN_OK;
    CNN_TRY(cnn_ops_sync(ops));
    ops->key_room = 0;
    cnn_cuda_free(ops, (void **)&ops->keys);
    cnn_cuda_free(ops, (void **)&ops->sorted);
    cnn_cuda_free(ops, &ops->sort_scratch);
    CNN_TRY(cnn_cuda_alloc(ops, bytes, "sort keys of images", (void **)&ops->keys));
    CNN_TRY(cnn_cuda_alloc(ops, bytes, "sort keys of images", (void **)&ops->sorted));
    CNN_CUDA(
        cnn_gpu_sort(ops->current.stream, count, ops->keys, ops->sorted, NULL, &ops->sort_bytes));
    CNN_TRY(cnn_cuda_alloc(ops, ops->sort_bytes, "scratch for sorting", &ops->sort_scratch));
    ops->key_room = count;
done:
    return st;
}

cnn_status cnn_batch_shuffle(cnn_ops *ops, uint64_t seed, uint32_t epoch, int count, int32_t *order)
{
    cnn_status st = CNN_OK;
    CNN_TRY(make_sort_room(ops, count));
    CNN_CUDA(cnn_gpu_shuffle_keys(ops->current.stream, seed, CNN_RANDOM_SHUFFLE, epoch, count,
                                  ops->keys));
    CNN_CUDA(cnn_gpu_sort(ops->current.stream, count, ops->keys, ops->sorted, ops->sort_scratch,
                          &ops->sort_bytes));
    CNN_CUDA(cnn_gpu_keys_to_order(ops->current.stream, count, ops->sorted, order));
done:
    return st;
}
