/** What the files of cpu/ share: the device, and helpers that describe a layer to oneDNN. */
#ifndef CNN_CPU_OPS_INTERNAL_H
#define CNN_CPU_OPS_INTERNAL_H

#include "cpu/onednn_api.h"
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
/** Layout of a vector. */
cnn_status cnn_cpu_vector_layout(int64_t size, cnn_dnn_layout **out);

/** A buffer as cnn_ops_alloc gives it, without a device; ends with free. */
cnn_status cnn_cpu_alloc(size_t bytes, const char *what, void **out);
cnn_status cnn_cpu_floats(size_t count, const char *what, float **out);

/** The part [*begin, *end) of [0, count) that is the calling OpenMP thread's, in units of `grain`.
 */
void cnn_cpu_share(size_t count, size_t grain, size_t *begin, size_t *end);

/** Weights (or a gradient) in a primitive's own layout, kept beside the layout that everyone else
 * uses. Where both are the same there is no reorder and no buffer. */
typedef struct {
    cnn_dnn_primitive *reorder; /* NULL: not needed */
    void *buffer;               /* f32 in the primitive's layout; NULL: not needed */
} cnn_cpu_side;

/** into: from common to own layout (weights); otherwise from own to common (gradients). */
cnn_status cnn_cpu_side_create(cnn_ops *ops, const char *name, const cnn_dnn_layout *common,
                               const cnn_dnn_layout *own, bool into, cnn_cpu_side *out);
void cnn_cpu_side_destroy(cnn_cpu_side *side);

/** Import and export of a weights tensor between canonical and own layout. */
typedef struct {
    cnn_dnn_primitive *import, *export;
} cnn_cpu_exchange;

cnn_status cnn_cpu_exchange_create(cnn_ops *ops, const char *name, const cnn_dnn_layout *canonical,
                                   const cnn_dnn_layout *own, cnn_cpu_exchange *out);
void cnn_cpu_exchange_destroy(cnn_cpu_exchange *exchange);

#endif
