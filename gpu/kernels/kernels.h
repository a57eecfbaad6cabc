/* SPDX-License-Identifier: Apache-2.0 */
/** C interface of the GPU backend's own kernels: every function queues work on the stream and
 *  returns the launch's status. Pointers are the device's; activations f32 NHWC. All sums are taken
 *  in an order that depends on shapes alone, so that results repeat bit for bit. */
#ifndef CNN_GPU_KERNELS_KERNELS_H
#define CNN_GPU_KERNELS_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- elementwise.cu ------------------------------------------------------------------------ */

/** y = max(x, 0); x == y allowed. */
cudaError_t cnn_gpu_relu_forward(cudaStream_t stream, size_t size, const float *x, float *y);
/** dx = y > 0 ? dy : 0; dx == dy allowed. */
cudaError_t cnn_gpu_relu_backward(cudaStream_t stream, size_t size, const float *y, const float *dy,
                                  float *dx);
/** y [rows, columns] += bias [columns], then max(y, 0) if relu. */
cudaError_t cnn_gpu_add_bias(cudaStream_t stream, size_t rows, int columns, const float *bias,
                             bool relu, float *y);
/** Inverted dropout (nn/ops.h). step is read on the device when it is not NULL, else it is
 *  step_value. */
cudaError_t cnn_gpu_dropout(cudaStream_t stream, size_t size, double rate, uint64_t seed,
                            uint32_t purpose, const int64_t *step, uint32_t step_value,
                            const float *x, float *y);
/** x [size] = values in (-1, 1) that depend on stream_number and index alone. */
cudaError_t cnn_gpu_fill_random(cudaStream_t stream, size_t size, uint32_t stream_number, float *x);
/** result f32 [2]: max |a|, max |a - b| over size values; values that are not finite count as
 *  infinite. */
cudaError_t cnn_gpu_distance(cudaStream_t stream, size_t size, const float *a, const float *b,
                             float *result);

/* ---- pooling.cu ---------------------------------------------------------------------------- */

/** A pool's windows; taps outside the image do not count. kernel <= 15. */
typedef struct {
    int h, w, c, out_h, out_w;
    int kernel, stride, pad_top, pad_left;
} cnn_gpu_windows;

/** Mask of a window without a gradient: a ReLU set its maximum to zero. */
enum { CNN_GPU_NOWHERE = 255, CNN_GPU_MAX_WINDOW = 15 };

/** y [n, out_h, out_w, c] = maximum of x (+ bias [c] unless NULL), then max(y, 0) if relu.
 *  mask u8, shaped like y, or NULL: row * kernel + column of the first maximum in row order. */
cudaError_t cnn_gpu_maxpool_forward(cudaStream_t stream, int n, cnn_gpu_windows w, const float *x,
                                    const float *bias, bool relu, float *y, uint8_t *mask);
/** dx [n, h, w, c] overwritten. */
cudaError_t cnn_gpu_maxpool_backward(cudaStream_t stream, int n, cnn_gpu_windows w,
                                     const uint8_t *mask, const float *dy, float *dx);
cudaError_t cnn_gpu_avgpool_forward(cudaStream_t stream, int n, cnn_gpu_windows w, const float *x,
                                    float *y);
cudaError_t cnn_gpu_avgpool_backward(cudaStream_t stream, int n, cnn_gpu_windows w, const float *dy,
                                     float *dx);

/* ---- bias_gradient.cu ---------------------------------------------------------------------- */

/** Where blocks leave their parts of sums until the last one adds them up (last_block.cuh).
 *  parts    as many doubles as the function asks for; may hold anything
 *  tickets  one for each tile of 16 columns or statistics; 0 before and after */
typedef struct {
    double *parts;
    unsigned *tickets;
} cnn_gpu_sums;
static inline size_t cnn_gpu_tickets(int columns)
{
    return ((size_t)columns + 15) / 16;
}

/** Parts that sums over the rows of [rows, columns] need. */
size_t cnn_gpu_column_sums(size_t rows, int columns);
/** dbias [columns] = sum over rows of dy [rows, columns]. */
cudaError_t cnn_gpu_bias_gradient(cudaStream_t stream, size_t rows, int columns, const float *dy,
                                  cnn_gpu_sums sums, float *dbias);
/** The same after a ReLU's backward: dy becomes zero where the ReLU's result y is not positive. */
cudaError_t cnn_gpu_relu_bias_gradient(cudaStream_t stream, size_t rows, int columns,
                                       const float *y, float *dy, cnn_gpu_sums sums, float *dbias);

/** Whether a pool's windows hold every input once. */
bool cnn_gpu_windows_tile(cnn_gpu_windows w);
/** Of a pool whose windows tile its input: dx [n, h, w, c] as cnn_gpu_maxpool_backward, and the
 *  gradient of the bias before the pool [c], in one kernel. Sums over the rows of the windows. */
cudaError_t cnn_gpu_unpool_bias_gradient(cudaStream_t stream, int n, cnn_gpu_windows w,
                                         const uint8_t *mask, const float *dy, float *dx,
                                         cnn_gpu_sums sums, float *dbias);

/* ---- norm_forward.cu, norm_backward.cu ----------------------------------------------------- */

/** Values seen as [outer, statistics, inner]: channels have inner 1, rows have inner W * C. */
typedef struct {
    int outer, statistics, inner;
} cnn_gpu_norm_shape;

/** Whether the statistics are those of this many channels, not of rows. */
static inline bool cnn_gpu_norm_is_by_channel(cnn_gpu_norm_shape s, int channels)
{
    return s.inner == 1 && s.statistics == channels;
}
/** Parts and tickets of the sums that training and backward need. */
size_t cnn_gpu_norm_sums(cnn_gpu_norm_shape shape);
size_t cnn_gpu_norm_tickets(cnn_gpu_norm_shape shape);
/** mean, inverse f32 [statistics]: the batch's mean and 1 / sqrt(biased variance + epsilon); the
 *  running ones move. */
cudaError_t cnn_gpu_norm_statistics(cudaStream_t stream, cnn_gpu_norm_shape shape, const float *x,
                                    float *running_mean, float *running_variance, cnn_gpu_sums sums,
                                    float *mean, float *inverse);

/** All f32 [statistics]. spread: 1 / sqrt(variance + epsilon), or a variance if is_variance. */
typedef struct {
    const float *mean, *spread, *gamma, *beta;
    bool is_variance;
} cnn_gpu_norm_scale;

/** y = gamma (x - mean) spread + beta, then max(y, 0) if relu. */
cudaError_t cnn_gpu_normalise(cudaStream_t stream, cnn_gpu_norm_shape shape, cnn_gpu_norm_scale by,
                              const float *x, bool relu, float *y);
/** The same and a maximum pool, as cnn_gpu_maxpool_forward: y and mask [n, out_h, out_w, c]. */
cudaError_t cnn_gpu_normalise_pool(cudaStream_t stream, int n, cnn_gpu_norm_shape shape,
                                   cnn_gpu_windows w, cnn_gpu_norm_scale by, const float *x,
                                   bool relu, float *y, uint8_t *mask);

/** Inputs and results of backward, besides the results' gradients. */
typedef struct {
    const float *x, *gamma, *mean, *inverse;
    cnn_gpu_sums sums;
    float *dgamma, *dbeta;
    float *dx;        /* NULL: not wanted */
    bool relu_before; /* x is a ReLU's result: dx is zero where x is */
    /** NULL, or the gradient of the bias before that ReLU: dx summed over all but channels; its
     *  sums as cnn_gpu_column_sums has it. */
    float *dbias_before;
    cnn_gpu_sums sums_before;
} cnn_gpu_norm_backward_operands;

/** y: NULL, or the ReLU's result, by which dy is masked. */
cudaError_t cnn_gpu_norm_backward(cudaStream_t stream, cnn_gpu_norm_shape shape, int channels,
                                  const float *dy, const float *y,
                                  cnn_gpu_norm_backward_operands o);
/** From the gradient of a pool whose windows tile the results: dy, mask [n, out_h, out_w, c]. */
cudaError_t cnn_gpu_norm_pool_backward(cudaStream_t stream, cnn_gpu_norm_shape shape,
                                       cnn_gpu_windows w, const float *dy, const uint8_t *mask,
                                       cnn_gpu_norm_backward_operands o);

/* ---- batches: shared by several ------------------------------------------------------------ */

/** Which images of a data set make up a batch: its image i is the one numbered order[*first + i].
 *  order  NULL: 0, 1, 2, ...
 *  first  on the device; NULL: 0 */
typedef struct {
    const int32_t *order;
    const int64_t *first;
} cnn_gpu_batch;

/** Images, read where the data set has them. Pixels are u8 or else f32, and count times scale. */
typedef struct {
    const void *pixels;
    bool is_u8;
    float scale;
    cnn_gpu_batch batch;
} cnn_gpu_images;

typedef struct {
    const int32_t *labels;
    cnn_gpu_batch batch;
} cnn_gpu_labels;

/** A step's position in its epoch and its run. */
typedef struct {
    int64_t first; /* place in the order of its batch's first image */
    int64_t step;  /* its number since the last reset, from 0 */
} cnn_gpu_position;

/** A native step's place, on the device: the only difference between replays of one graph.
 *  Forward reads one position, backward and the update the other. The loss copies the first to
 *  the second and advances the first to the next batch. */
typedef struct {
    cnn_gpu_position forward, backward;
} cnn_gpu_place;

/** cnn_metrics on the device. */
typedef struct {
    double loss_sum;
    int64_t errors, images;
} cnn_gpu_counts;

/* ---- loss.cu ------------------------------------------------------------------------------- */

/** Softmax cross-entropy of logits [n, classes] (+ bias [classes] unless NULL): adds to counts.
 *  dlogits  [n, classes] unless NULL; dbias [classes], its sum over images, unless NULL
 *  place    unless NULL: its backward position becomes the forward one, which goes on to the next
 *           batch, and to the next step if steps */
cudaError_t cnn_gpu_softmax_loss(cudaStream_t stream, int n, int classes, const float *logits,
                                 const float *bias, cnn_gpu_labels labels, float *dlogits,
                                 float *dbias, cnn_gpu_place *place, bool steps,
                                 cnn_gpu_counts *counts);

/* ---- classifier.cu ------------------------------------------------------------------------- */

/** A network's last dense layer: x [n, inputs], weights [classes, inputs], bias [classes]. */
typedef struct {
    int n, inputs, classes;
} cnn_gpu_classifier;

/** Whether these kernels support it: up to 32 classes, 256 images and 65,536 weights. */
bool cnn_gpu_classifier_fits(cnn_gpu_classifier s);
/** x weights^T + bias, softmax cross-entropy, and the gradients that are separate for each image.
 *  losses   f64 [2, n]: each image's loss, and whether it is an error
 *  dlogits  [n, classes], of the mean loss, unless NULL
 *  dx       [n, inputs] unless NULL
 *  place    unless NULL: its backward position becomes the forward one */
cudaError_t cnn_gpu_classifier_forward(cudaStream_t stream, cnn_gpu_classifier s, const float *x,
                                       const float *weights, const float *bias,
                                       cnn_gpu_labels labels, cnn_gpu_place *place, double *losses,
                                       float *dlogits, float *dx);
/** Adds the losses to counts; place: its forward position goes on, as cnn_gpu_softmax_loss's. */
cudaError_t cnn_gpu_classifier_count(cudaStream_t stream, cnn_gpu_classifier s,
                                     const double *losses, cnn_gpu_place *place, bool steps,
                                     cnn_gpu_counts *counts);
/** The same with dweights [classes, inputs] and dbias [classes]. */
cudaError_t cnn_gpu_classifier_backward(cudaStream_t stream, cnn_gpu_classifier s, const float *x,
                                        const double *losses, const float *dlogits, float *dweights,
                                        float *dbias, cnn_gpu_place *place, bool steps,
                                        cnn_gpu_counts *counts);

/* ---- optimiser.cu -------------------------------------------------------------------------- */

/** velocity NULL: momentum 0. */
cudaError_t cnn_gpu_sgd(cudaStream_t stream, size_t size, double rate, double momentum,
                        const float *g, float *velocity, float *w);
/** step: number of this update from 0, on the device; NULL: it is step_value, from 1. */
cudaError_t cnn_gpu_adam(cudaStream_t stream, size_t size, double rate, const int64_t *step,
                         int64_t step_value, const float *g, float *m, float *v, float *w);

/* ---- batches.cu, sort.cu ------------------------------------------------------------------- */

/** A batch of n images of so many pixels, scaled, into x f32 [n, pixels]. Of the data set's labels,
 *  unless NULL, those of the batch into y [n]. */
cudaError_t cnn_gpu_gather(cudaStream_t stream, cnn_gpu_images images, const int32_t *labels, int n,
                           int64_t pixels, float *x, int32_t *y);
/** place->forward.first = first. */
cudaError_t cnn_gpu_go_to(cudaStream_t stream, int64_t first, cnn_gpu_place *place);
/** keys u64 [count]: word 0 of counter i in the upper half, i in the lower. */
cudaError_t cnn_gpu_shuffle_keys(cudaStream_t stream, uint64_t seed, uint32_t purpose,
                                 uint32_t epoch, int count, uint64_t *keys);
/** order i32 [count] = the lower halves. */
cudaError_t cnn_gpu_keys_to_order(cudaStream_t stream, int count, const uint64_t *keys,
                                  int32_t *order);
/** Sorts keys, ascending, into sorted. scratch NULL: only writes *scratch_bytes. */
cudaError_t cnn_gpu_sort(cudaStream_t stream, int count, const uint64_t *keys, uint64_t *sorted,
                         void *scratch, size_t *scratch_bytes);

/* ---- direct_convolution.cu ----------------------------------------------------------------- */

/** A convolution with weights [out_c, kernel, kernel, c]. */
typedef struct {
    int n, h, w, c, out_h, out_w, out_c;
    int kernel, stride, pad_top, pad_left;
} cnn_gpu_convolution;

/** Straight from the definition, in single precision with fused multiply-adds, without bias: the
 *  reference for candidates, and the fallback where cuDNN has no engine. */
cudaError_t cnn_gpu_direct_forward(cudaStream_t stream, cnn_gpu_convolution s, const float *x,
                                   const float *weights, float *y);
cudaError_t cnn_gpu_direct_backward_data(cudaStream_t stream, cnn_gpu_convolution s,
                                         const float *dy, const float *weights, float *dx);
cudaError_t cnn_gpu_direct_backward_weights(cudaStream_t stream, cnn_gpu_convolution s,
                                            const float *x, const float *dy, float *dweights);

/* ---- few_channels.cu ----------------------------------------------------------------------- */

/** Whether these kernels support it: 5x5, 'same', one or three channels. */
bool cnn_gpu_few_channels_fits(cnn_gpu_convolution s);
/** bias: NULL: none. */
cudaError_t cnn_gpu_few_channels_forward(cudaStream_t stream, cnn_gpu_convolution s, const float *x,
                                         const float *weights, const float *bias, bool relu,
                                         float *y);
/** Parts of its sums. */
size_t cnn_gpu_few_channels_parts(cnn_gpu_convolution s);
/** y: NULL, or the result of the ReLU behind it, by which dy is masked. */
cudaError_t cnn_gpu_few_channels_backward(cudaStream_t stream, cnn_gpu_convolution s,
                                          const float *x, const float *dy, const float *y,
                                          double *parts, float *dweights, float *dbias);

/* ---- strip_convolution.cu ------------------------------------------------------------------ */

/** Tilings of these kernels, by number: the columns and filters that a thread has, and how many
 *  groups of threads share the channels. */
enum { CNN_GPU_STRIP_TILINGS = 7 };
/** Whether a tiling does this convolution without waste, or its backward to the data: 5x5, 'same',
 *  channels and filters multiples of 4. */
bool cnn_gpu_strips_fit(int number, bool backward, cnn_gpu_convolution s);
/** bias NULL: none. All tensors 16-byte aligned. */
cudaError_t cnn_gpu_strips_forward(cudaStream_t stream, int number, cnn_gpu_convolution s,
                                   const float *x, const float *weights, const float *bias,
                                   bool relu, float *y);
cudaError_t cnn_gpu_strips_backward_data(cudaStream_t stream, int number, cnn_gpu_convolution s,
                                         const float *dy, const float *weights, float *dx);

/* ---- strip_convolution_pool.cu ------------------------------------------------------------- */

/** The same with bias, ReLU if relu, and a 2x2 maximum pool; two of the tilings. */
enum { CNN_GPU_STRIP_POOL_TILINGS = 2 };
bool cnn_gpu_strips_pool_fit(int number, cnn_gpu_convolution s, cnn_gpu_windows pool);
/** y, mask [n, pool.out_h, pool.out_w, out_c] as cnn_gpu_maxpool_forward. */
cudaError_t cnn_gpu_strips_forward_pool(cudaStream_t stream, int number, cnn_gpu_convolution s,
                                        cnn_gpu_windows pool, const float *x, const float *weights,
                                        const float *bias, bool relu, float *y, uint8_t *mask);

/* ---- strip_weight_gradient.cu -------------------------------------------------------------- */

/** As above, for the gradient of the weights: for large layers, for small ones. */
enum { CNN_GPU_STRIP_WEIGHT_TILINGS = 2 };
bool cnn_gpu_strip_weights_fit(int number, cnn_gpu_convolution s);
/** Bytes that it needs. */
size_t cnn_gpu_strip_weights_workspace(int number, cnn_gpu_convolution s);
cudaError_t cnn_gpu_strip_weights(cudaStream_t stream, int number, cnn_gpu_convolution s,
                                  const float *x, const float *dy, void *workspace,
                                  float *dweights);

/* ---- winograd.cu --------------------------------------------------------------------------- */

/** n images of [h, w] cut into tiles of 4x4 results, `rows` by `columns` of them, and all tiles
 *  filled up with empty ones to `count`. A tensor's transform has a matrix for each of 64
 *  points. */
typedef struct {
    int n, h, w, rows, columns, count;
} cnn_gpu_tiles;
enum { CNN_GPU_WINOGRAD_POINTS = 64 };

/** Whether F(4x4, 5x5) supports it: 5x5, 'same', 16 channels and filters or more. */
bool cnn_gpu_winograd_fits(cnn_gpu_convolution s);
/** count becomes a multiple of parts. */
cnn_gpu_tiles cnn_gpu_winograd_tiles(cnn_gpu_convolution s, int parts);
/** images [n, h, w, c] -> data [64, count, c]; weights [out_c, 5, 5, c] -> filters [64, out_c, c].
 *  turned, for the gradient of the data: weights [c, 5, 5, out_c] -> filters [64, c, out_c], their
 *  taps turned by half a turn. */
cudaError_t cnn_gpu_winograd_data_and_filters(cudaStream_t stream, cnn_gpu_tiles t, int c,
                                              const float *images, float *data, int out_c,
                                              bool turned, const float *weights, float *filters);
/** x [n, h, w, c] -> data [64, count, c]; dy [n, h, w, out_c] -> gradients [64, count, out_c]. */
cudaError_t cnn_gpu_winograd_data_and_gradients(cudaStream_t stream, cnn_gpu_tiles t, int c,
                                                const float *x, float *data, int out_c,
                                                const float *dy, float *gradients);
/** products [64, count, c] -> y [n, h, w, c]; max(y + bias, 0) unless bias [c] is NULL. */
cudaError_t cnn_gpu_winograd_results(cudaStream_t stream, cnn_gpu_tiles t, int c,
                                     const float *products, const float *bias, float *y);
/** Likewise, with a 2x2 'same' maximum pool behind it: y and mask as cnn_gpu_maxpool_forward. */
cudaError_t cnn_gpu_winograd_pooled(cudaStream_t stream, cnn_gpu_tiles t, int c,
                                    const float *products, const float *bias, bool relu, float *y,
                                    uint8_t *mask);
/** products [64, parts, out_c, c], added up over parts -> dweights [out_c, 5, 5, c]. */
cudaError_t cnn_gpu_winograd_gradient(cudaStream_t stream, int c, int out_c, int parts,
                                      const float *products, float *dweights);

/** Backward of a small convolution from behind its 2x2 maximum pool: dy, mask [n, pool.out_h,
 *  pool.out_w, out_c]. To the data (strip_convolution.cu): */
bool cnn_gpu_strips_unpool_fit(cnn_gpu_convolution s, cnn_gpu_windows pool);
cudaError_t cnn_gpu_strips_unpool_data(cudaStream_t stream, cnn_gpu_convolution s,
                                       cnn_gpu_windows pool, const float *dy, const uint8_t *mask,
                                       const float *weights, float *dx);
/** To the weights and the bias before the pool: */
bool cnn_gpu_strips_unpool_weights_fit(cnn_gpu_convolution s, cnn_gpu_windows pool);
size_t cnn_gpu_strips_unpool_weights_workspace(cnn_gpu_convolution s);
cudaError_t cnn_gpu_strips_unpool_weights(cudaStream_t stream, cnn_gpu_convolution s,
                                          cnn_gpu_windows pool, const float *x, const float *dy,
                                          const uint8_t *mask, void *workspace, float *dweights,
                                          float *dbias);

/* ---- first_convolution.cu ------------------------------------------------------------------ */

/** Whether a network's first convolution and the pool behind it are what these kernels do: 5x5,
 *  'same', one or three channels, 2x2 maximum. */
bool cnn_gpu_first_fits(cnn_gpu_convolution s, cnn_gpu_windows pool);
/** Convolution, bias, ReLU if relu, pool, straight from the data set's images: y and mask [n,
 * pool.out_h, pool.out_w, out_c] as cnn_gpu_maxpool_forward. weights [out_c, 5, 5, c]. */
cudaError_t cnn_gpu_first_forward(cudaStream_t stream, cnn_gpu_convolution s, cnn_gpu_windows pool,
                                  cnn_gpu_images x, const float *weights, const float *bias,
                                  bool relu, float *y, uint8_t *mask);
/** Parts of its sums; one ticket. */
size_t cnn_gpu_first_parts(cnn_gpu_convolution s, cnn_gpu_windows pool);
/** dy [n, pool.out_h, pool.out_w, out_c], mask -> dweights, dbias. */
cudaError_t cnn_gpu_first_backward(cudaStream_t stream, cnn_gpu_convolution s, cnn_gpu_windows pool,
                                   cnn_gpu_images x, const float *dy, const uint8_t *mask,
                                   cnn_gpu_sums sums, float *dweights, float *dbias);

#ifdef __cplusplus
}
#endif
#endif
