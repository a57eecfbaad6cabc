/** Own kernels of the GPU backend, as C sees them: every function queues work on the stream and
 *  returns the launch's status. Pointers are the device's; activations f32 NHWC. All sums are taken
 *  in an order that depends on shapes alone, so that results repeat bit for bit. */
#ifndef CNN_GPU_KERNELS_H
#define CNN_GPU_KERNELS_H

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
/** *largest = max |a|, *distance = max |a - b| over size values; one block; NaN makes both
 *  infinite. result f32 [2]: largest, distance. */
cudaError_t cnn_gpu_distance(cudaStream_t stream, size_t size, const float *a, const float *b,
                             float *result);

/* ---- bias_gradient.cu ---------------------------------------------------------------------- */

/** Doubles of scratch that the next function needs. */
size_t cnn_gpu_bias_gradient_scratch(size_t rows, int columns);
/** dbias [columns] = sum over rows of dy [rows, columns].
 *  mask  u8 [rows, columns] or NULL: where it is CNN_GPU_NOWHERE dy does not count (a pool with the
 *        ReLU folded in) */
cudaError_t cnn_gpu_bias_gradient(cudaStream_t stream, size_t rows, int columns, const float *dy,
                                  const uint8_t *mask, double *scratch, float *dbias);
/** The same after a ReLU's backward: where its result y is not above zero dy is set to zero. */
cudaError_t cnn_gpu_relu_bias_gradient(cudaStream_t stream, size_t rows, int columns,
                                       const float *y, float *dy, double *scratch, float *dbias);

/* ---- pooling.cu ---------------------------------------------------------------------------- */

/** A pool's windows; taps outside the image do not count. kernel <= 15. */
typedef struct {
    int h, w, c, out_h, out_w;
    int kernel, stride, pad_top, pad_left;
} cnn_gpu_windows;

/** Mask of a window through which nothing flows back: its maximum was cut off by a ReLU. */
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

/* ---- batch_norm.cu ------------------------------------------------------------------------- */

/** Values seen as [outer, statistics, inner]: channels have inner 1, rows have inner W * C. */
typedef struct {
    int outer, statistics, inner;
} cnn_gpu_norm_shape;

/** Doubles of scratch that training and backward need. */
size_t cnn_gpu_norm_scratch(cnn_gpu_norm_shape shape);
/** mean, inverse f32 [statistics]: the batch's mean and 1 / sqrt(biased variance + epsilon), kept
 *  for backward; the running ones move. y = gamma (x - mean) inverse + beta, then max(y, 0) if
 *  relu. */
cudaError_t cnn_gpu_norm_training(cudaStream_t stream, cnn_gpu_norm_shape shape, const float *x,
                                  const float *gamma, const float *beta, float *running_mean,
                                  float *running_variance, double *scratch, float *mean,
                                  float *inverse, bool relu, float *y);
/** By the running statistics. */
cudaError_t cnn_gpu_norm_inference(cudaStream_t stream, cnn_gpu_norm_shape shape, const float *x,
                                   const float *gamma, const float *beta, const float *running_mean,
                                   const float *running_variance, bool relu, float *y);
/** y: NULL, or the ReLU's result, by which dy is masked. dx NULL: not wanted. */
cudaError_t cnn_gpu_norm_backward(cudaStream_t stream, cnn_gpu_norm_shape shape, const float *x,
                                  const float *dy, const float *y, const float *gamma,
                                  const float *mean, const float *inverse, double *scratch,
                                  float *dx, float *dgamma, float *dbeta);

/* ---- loss.cu ------------------------------------------------------------------------------- */

/** cnn_metrics on the device. */
typedef struct {
    double loss_sum;
    int64_t errors, images;
} cnn_gpu_counts;

/** Softmax cross-entropy of logits [n, classes]: adds to counts; dlogits unless NULL. */
cudaError_t cnn_gpu_softmax_loss(cudaStream_t stream, int n, int classes, const float *logits,
                                 const int32_t *labels, float *dlogits, cnn_gpu_counts *counts);

/* ---- optimiser.cu -------------------------------------------------------------------------- */

/** velocity NULL: momentum 0. */
cudaError_t cnn_gpu_sgd(cudaStream_t stream, size_t size, double rate, double momentum,
                        const float *g, float *velocity, float *w);
/** updates: NULL, or updates made before this one, on the device; else step_value, from 1, is
 *  the number of this update. */
cudaError_t cnn_gpu_adam(cudaStream_t stream, size_t size, double rate, const int64_t *updates,
                         int64_t step_value, const float *g, float *m, float *v, float *w);

/* ---- batches.cu, sort.cu ------------------------------------------------------------------- */

/** A native step's place, on the device: replays of one graph differ by nothing else. */
typedef struct {
    int64_t first;   /* place in the order of the next batch's first image */
    int64_t updates; /* made since the last reset */
} cnn_gpu_place;

/** Images order[first ..] times scale into x [n, pixels], labels into y [n]. place: NULL, or its
 *  `first` is taken instead. is_u8: images are u8, else f32. */
cudaError_t cnn_gpu_gather(cudaStream_t stream, bool is_u8, double scale, const void *images,
                           const int32_t *labels, const int32_t *order, const cnn_gpu_place *place,
                           int64_t first, int n, int64_t pixels, float *x, int32_t *y);
/** place->first = first. */
cudaError_t cnn_gpu_go_to(cudaStream_t stream, int64_t first, cnn_gpu_place *place);
/** place->first += images, place->updates += 1. */
cudaError_t cnn_gpu_advance(cudaStream_t stream, int images, cnn_gpu_place *place);
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

/** Straight from the definition, in single precision with fused multiply-adds: what candidates are
 *  checked against, and what is left where cuDNN has nothing. No bias. */
cudaError_t cnn_gpu_direct_forward(cudaStream_t stream, cnn_gpu_convolution s, const float *x,
                                   const float *weights, float *y);
cudaError_t cnn_gpu_direct_backward_data(cudaStream_t stream, cnn_gpu_convolution s,
                                         const float *dy, const float *weights, float *dx);
cudaError_t cnn_gpu_direct_backward_weights(cudaStream_t stream, cnn_gpu_convolution s,
                                            const float *x, const float *dy, float *dweights);

#ifdef __cplusplus
}
#endif
#endif
