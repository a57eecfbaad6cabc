/* SPDX-License-Identifier: Apache-2.0 */
/** The device, and functions that describe a layer to oneDNN. */
#ifndef CNN_CPU_ONEDNN_DEVICE_H
#define CNN_CPU_ONEDNN_DEVICE_H

#include "cpu/onednn/api.h"
#include "nn/ops.h"

struct cnn_ops {
    cnn_dnn dnn;
    bool dnn_open;
    cnn_ops_config config;
    cnn_ops_info info;
    int size_count;
    int sizes[CNN_MAX_BATCH_SIZES]; /* distinct batch sizes, largest first */
};

/** Index of batch size n in ops->sizes; CNN_EINVAL if the backend was not opened for it. */
cnn_status cnn_cpu_size_index(const cnn_ops *ops, int n, int *index);

/** Strides, padding and window of a convolution or pool. */
cnn_dnn_geometry cnn_cpu_geometry(const cnn_layer *layer);

/** Layout of n images of a shape under a tag (NCHW order of dimensions). */
cnn_status cnn_cpu_image_layout(int n, cnn_shape shape, dnnl_format_tag_t tag,
                                cnn_dnn_layout **out);

/** A buffer as of cnn_ops_alloc, without a device; release it with free. */
cnn_status cnn_cpu_alloc(size_t bytes, const char *what, void **out);
cnn_status cnn_cpu_floats(size_t count, const char *what, float **out);

/** The calling OpenMP thread's part [*begin, *end) of [0, count), in units of `grain`. */
void cnn_cpu_share(size_t count, size_t grain, size_t *begin, size_t *end);

#endif
