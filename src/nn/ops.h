/* SPDX-License-Identifier: Apache-2.0 */
/** Layer operations on one device: the interface that cpu/ (oneDNN), gpu/ (cuDNN) and
 *  reference/ (plain C) implement. A program links exactly one of them.
 *
 *  Device values are plain pointers into the device's memory (on a CPU, the host's). Activations
 *  and their gradients are f32 NHWC, contiguous. The backend chooses the layout of parameters; they
 *  are read and written by import and export only. A parameter's gradient has its parameter's
 *  layout and length. Work may be asynchronous: call cnn_ops_sync before the host reads. The create
 *  functions make all buffers and workspaces; running an operation allocates nothing.
 *
 *  n is the number of images of a call: any of the batch sizes that the backend was opened with.
 *
 *  Errors: CNN_ENOMEM names the buffer; CNN_EBACKEND: the object is unusable, destroy it. */
#ifndef CNN_NN_OPS_H
#define CNN_NN_OPS_H

#include "base/status.h"
#include "nn/network.h"
#include "nn/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CNN_MAX_BATCH_SIZES = 4 };

typedef struct {
    int threads; /* CPU: threads of every operation */
    cnn_precision precision;
    bool deterministic;
    bool plan_only;         /* only to describe plans: a GPU backend then needs no device, and
                               nothing may run; others ignore it */
    bool autotune;          /* may choose algorithms by timing them, if none are given */
    const char *algorithms; /* written by cnn_ops_algorithms, borrowed while open: no others are
                               used; NULL: the backend chooses */
    int batch_sizes[CNN_MAX_BATCH_SIZES]; /* the sizes of all calls; 0 and duplicates ignored */
} cnn_ops_config;

/** A device with its library handles. One per process. */
typedef struct cnn_ops cnn_ops;

typedef struct {
    char backend[16]; /* "onednn", "cudnn", "reference" */
    char version[96]; /* library versions: "oneDNN 2.6.3" */
    char device[96];  /* processor or GPU model */
    int threads;
} cnn_ops_info;

cnn_status cnn_ops_open(const cnn_ops_config *config, cnn_ops **out);
void cnn_ops_close(cnn_ops **ops);
void cnn_ops_describe(const cnn_ops *ops, cnn_ops_info *out);
/** The largest batch size that the backend was opened with. */
int cnn_ops_max_batch(const cnn_ops *ops);
/** Appends the algorithms that objects made so far use, as text for cnn_ops_config.algorithms:
 *  printable ASCII, at most 16383 bytes. Nothing, if the backend has no alternatives. */
cnn_status cnn_ops_algorithms(const cnn_ops *ops, cnn_text *out);
/** Appends what tuning has timed so far, a line for each candidate: problem, candidate, microseconds.
 *  Nothing from a backend that times nothing. */
cnn_status cnn_ops_timings(const cnn_ops *ops, cnn_text *out);
/** Waits until all queued work is done. */
cnn_status cnn_ops_sync(cnn_ops *ops);

/* Memory: 64-byte aligned, zeroed. Transfers are synchronous. */
cnn_status cnn_ops_alloc(cnn_ops *ops, size_t bytes, const char *what, void **out);
void cnn_ops_free(cnn_ops *ops, void **memory);
cnn_status cnn_ops_upload(cnn_ops *ops, void *to, const void *from, size_t bytes);
cnn_status cnn_ops_download(cnn_ops *ops, void *to, const void *from, size_t bytes);
cnn_status cnn_ops_zero(cnn_ops *ops, void *memory, size_t bytes);

/* ---- parameters ---------------------------------------------------------------------------- */

/** Convolution: square kernel, bias. Weights in the backend's layout. */
typedef struct cnn_conv2d cnn_conv2d;
/** layer: an inferred conv2d layer; input_gradient: false leaves out backward_data (first
 *  layer). */
cnn_status cnn_conv2d_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                             cnn_conv2d **out);
void cnn_conv2d_destroy(cnn_conv2d **conv);
/** Length of weights and of their gradient in values (>= O*I*H*W; padding stays zero). */
size_t cnn_conv2d_weights_size(const cnn_conv2d *conv);
/** Between canonical f32 [O,I,H,W] on the host and device weights (or their gradient). */
cnn_status cnn_conv2d_import(cnn_conv2d *conv, const float *oihw, float *weights);
cnn_status cnn_conv2d_export(cnn_conv2d *conv, const float *weights, float *oihw);
/** x [n,H,W,I] -> y [n,H',W',O] */
cnn_status cnn_conv2d_forward(cnn_conv2d *conv, int n, const float *x, const float *weights,
                              const float *bias, float *y);
/** dy [n,H',W',O] -> dx [n,H,W,I] */
cnn_status cnn_conv2d_backward_data(cnn_conv2d *conv, int n, const float *dy, const float *weights,
                                    float *dx);
/** x, dy -> dweights, dbias [O]; both overwritten: sums over the n images. */
cnn_status cnn_conv2d_backward_weights(cnn_conv2d *conv, int n, const float *x, const float *dy,
                                       float *dweights, float *dbias);

/** Dense: y = x W^T + b over flattened input. Functions as for cnn_conv2d; canonical [O,C,H,W]. */
typedef struct cnn_dense cnn_dense;
cnn_status cnn_dense_create(cnn_ops *ops, const cnn_layer *layer, bool input_gradient,
                            cnn_dense **out);
void cnn_dense_destroy(cnn_dense **dense);
size_t cnn_dense_weights_size(const cnn_dense *dense);
cnn_status cnn_dense_import(cnn_dense *dense, const float *ochw, float *weights);
cnn_status cnn_dense_export(cnn_dense *dense, const float *weights, float *ochw);
cnn_status cnn_dense_forward(cnn_dense *dense, int n, const float *x, const float *weights,
                             const float *bias, float *y);
cnn_status cnn_dense_backward_data(cnn_dense *dense, int n, const float *dy, const float *weights,
                                   float *dx);
cnn_status cnn_dense_backward_weights(cnn_dense *dense, int n, const float *x, const float *dy,
                                      float *dweights, float *dbias);

/* ---- the rest of the layers ---------------------------------------------------------------- */

/** Maximum or average pooling. A maximum's gradient goes to the first maximum of its window in row
 *  order; an average divides by the taps inside the image. */
typedef struct cnn_pool cnn_pool;
cnn_status cnn_pool_create(cnn_ops *ops, const cnn_layer *layer, cnn_pool **out);
void cnn_pool_destroy(cnn_pool **pool);
/** training: keeps what backward needs (positions of maxima). x [n,H,W,C] -> y [n,H',W',C] */
cnn_status cnn_pool_forward(cnn_pool *pool, int n, bool training, const float *x, float *y);
/** Of the last forward with training set. dy [n,H',W',C] -> dx [n,H,W,C], overwritten. */
cnn_status cnn_pool_backward(cnn_pool *pool, int n, const float *dy, float *dx);

/** Batch normalisation over channels, or over rows (axis height): K statistics, each over all other
 *  dimensions. Constants in nn/train.h. */
typedef struct cnn_batchnorm cnn_batchnorm;
cnn_status cnn_batchnorm_create(cnn_ops *ops, const cnn_layer *layer, cnn_batchnorm **out);
void cnn_batchnorm_destroy(cnn_batchnorm **norm);
/** Normalises by the batch's mean and biased variance, keeps them for backward, and updates the
 *  running ones. gamma, beta, running_mean, running_variance f32 [K] on the device. */
cnn_status cnn_batchnorm_forward_training(cnn_batchnorm *norm, int n, const float *x,
                                          const float *gamma, const float *beta,
                                          float *running_mean, float *running_variance, float *y);
cnn_status cnn_batchnorm_forward_inference(cnn_batchnorm *norm, int n, const float *x,
                                           const float *gamma, const float *beta,
                                           const float *running_mean, const float *running_variance,
                                           float *y);
/** Of the last forward_training, with the same x. dy -> dx, dgamma [K], dbeta [K], overwritten. */
cnn_status cnn_batchnorm_backward(cnn_batchnorm *norm, int n, const float *x, const float *dy,
                                  const float *gamma, float *dx, float *dgamma, float *dbeta);

/** y = max(x, 0); size values; x == y allowed. */
cnn_status cnn_relu_forward(cnn_ops *ops, size_t size, const float *x, float *y);
/** dx = y > 0 ? dy : 0; dy == dx allowed. */
cnn_status cnn_relu_backward(cnn_ops *ops, size_t size, const float *y, const float *dy, float *dx);

/** Inverted dropout. Value i of the batch (NHWC order) is dropped when cnn_random_unit of word i of
 *  stream (seed, CNN_RANDOM_DROPOUT + layer, step) is below rate; others are scaled by 1/(1-rate).
 *  Forward and backward are the same function of their input. x == y allowed. */
cnn_status cnn_dropout_apply(cnn_ops *ops, size_t size, double rate, uint64_t seed, int layer,
                             uint32_t step, const float *x, float *y);

/** What training and evaluation count, kept on the device until read. */
typedef struct {
    double loss_sum; /* cross-entropy summed over images, nats */
    int64_t errors;  /* images whose largest logit (the first of equals) is not their label's */
    int64_t images;
} cnn_metrics;

typedef struct cnn_loss cnn_loss;
cnn_status cnn_loss_create(cnn_ops *ops, int classes, cnn_loss **out);
void cnn_loss_destroy(cnn_loss **loss);
/** Sets the counts to zero. */
cnn_status cnn_loss_reset(cnn_loss *loss);
/** logits [n,classes], labels i32 [n]: adds to the counts; dlogits [n,classes], unless NULL,
 *  becomes the gradient of the mean loss of the batch: (softmax - onehot) / n. */
cnn_status cnn_loss_apply(cnn_loss *loss, int n, const float *logits, const int32_t *labels,
                          float *dlogits);
/** Waits, and reads the counts. */
cnn_status cnn_loss_read(cnn_loss *loss, cnn_metrics *out);

/* ---- optimisers, in place ------------------------------------------------------------------ */

/** momentum 0: w -= rate g (velocity may be NULL); else v = momentum v - rate g; w += v. */
cnn_status cnn_sgd_update(cnn_ops *ops, size_t size, double rate, double momentum, const float *g,
                          float *velocity, float *w);
/** Adam, step 1, 2, ...: m, v moments; w -= rate sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + eps). */
cnn_status cnn_adam_update(cnn_ops *ops, size_t size, double rate, int64_t step, const float *g,
                           float *m, float *v, float *w);

/* ---- data ---------------------------------------------------------------------------------- */

typedef enum { CNN_PIXEL_U8, CNN_PIXEL_F32 } cnn_pixel;

/** Batch: images order[first .. first+n-1] as f32 [n,H,W,C] times scale (1/255 for u8), and labels.
 *  images u8 or f32 [count, pixels]; labels, order i32; all on the device. */
cnn_status cnn_batch_gather(cnn_ops *ops, cnn_pixel pixel, double scale, const void *images,
                            const int32_t *labels, const int32_t *order, int64_t first, int n,
                            int64_t pixels, float *x, int32_t *y);
/** Sets order, i32 [count] on the device, to cnn_random_order(seed, CNN_RANDOM_SHUFFLE, epoch,
 *  ...). */
cnn_status cnn_batch_shuffle(cnn_ops *ops, uint64_t seed, uint32_t epoch, int count,
                             int32_t *order);

#endif
