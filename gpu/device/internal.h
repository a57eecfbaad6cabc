/* SPDX-License-Identifier: Apache-2.0 */
/** The GPU as cnn_ops sees it, for the files of this folder. */
#ifndef CNN_GPU_DEVICE_INTERNAL_H
#define CNN_GPU_DEVICE_INTERNAL_H

#include "gpu/convolution/algorithms.h"
#include "gpu/device/check.h"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launches.h"
#include "nn/ops.h"

/** A CUDA stream with the library handles and workspaces of the work in it. Work of two of these
 *  may run at the same time, so they share no memory. */
typedef struct {
    cudaStream_t stream; /* work is queued here */
    cudaStream_t
        own_stream; /* created with the handles; the side stream may queue in the main one */
    cudnnHandle_t cudnn;
    cublasHandle_t cublas;
    void *cublas_workspace;
    void *workspace; /* shared by all convolutions: they run one after the other */
    size_t workspace_bytes;
} cnn_cuda_stream;

struct cnn_ops {
    cnn_ops_config config;
    int size_count, sizes[CNN_MAX_BATCH_SIZES]; /* distinct batch sizes, the largest first */
    int device;
    cnn_cuda_stream current; /* work goes here */
    cnn_cuda_stream other;   /* zeroed until cnn_cuda_open_side_stream */
    cnn_algorithms algorithms;
    uint64_t *keys, *sorted; /* [key_room]: shuffling */
    void *sort_scratch;
    size_t sort_bytes;
    int key_room;
    double worked_at; /* when timed work last ended, on the monotonic clock; 0: never */
    cnn_text timings; /* what tuning has timed: a line each */
    char name[96], versions[128];
};

/** CNN_EINVAL unless the device was opened for batches of n images; *index into sizes. */
cnn_status cnn_cuda_size_index(const cnn_ops *ops, int n, int *index);

/** Kernels count a tensor's values in 32 bits. */
#define CNN_CUDA_MAX_TENSOR ((size_t)UINT32_MAX * sizeof(float))

/** After work that was tried has failed: clears the error, so that the next call does not report
 *  it. CNN_EBACKEND: it is sticky; the message, which had named what failed, says that the
 *  process must end. Waits for the device; not during a capture. */
cnn_status cnn_cuda_clear_error(void);

/** cudaMalloc'ed and zeroed; the failure names what was asked for and what is left. */
cnn_status cnn_cuda_alloc(const cnn_ops *ops, size_t bytes, const char *what, void **out);
cnn_status cnn_cuda_floats(const cnn_ops *ops, size_t count, const char *what, float **out);
/** Takes NULL, leaves NULL. */
void cnn_cuda_free(const cnn_ops *ops, void **memory);

/** Room for sums in one kernel; free both with cnn_cuda_free_sums. */
cnn_status cnn_cuda_sums(const cnn_ops *ops, size_t parts, size_t tickets, cnn_gpu_sums *out);
void cnn_cuda_free_sums(const cnn_ops *ops, cnn_gpu_sums *sums);

/** Makes the current stream's workspace at least this long. Not while work is queued that uses
 *  it. */
cnn_status cnn_cuda_need_workspace(cnn_ops *ops, size_t bytes);

/** The handle of the current stream, for a call that queues work there. */
static inline cublasHandle_t cnn_cuda_cublas(cnn_ops *ops)
{
    cnn_gpu_foreign(ops->current.stream);
    return ops->current.cublas;
}

/* streams.c */
/** Stream, handles and cuBLAS's workspace of ops->current. Closing accepts a half-open one. */
cnn_status cnn_cuda_open_stream(cnn_ops *ops);
void cnn_cuda_close_stream(cnn_ops *ops);
/** Opens ops->other, the side stream, unless it is open. */
cnn_status cnn_cuda_open_side_stream(cnn_ops *ops);
/** Swaps ops->current and ops->other. A plan made with a stream's handles runs in that stream. */
void cnn_cuda_change_stream(cnn_ops *ops);
/** separate: the side stream (ops->other) queues in its own CUDA stream, else in the main one's.
 *  Waits for queued work; not during a capture. */
cnn_status cnn_cuda_separate_streams(cnn_ops *ops, bool separate);

/** Weights, canonical [O, C, H, W] on the host, [O, H, W, C] on the device; synchronous. */
cnn_status cnn_cuda_import_weights(cnn_ops *ops, int o, int c, int h, int w, const float *ochw,
                                   float *weights);
cnn_status cnn_cuda_export_weights(cnn_ops *ops, int o, int c, int h, int w, const float *weights,
                                   float *ochw);

/** Geometry of a pool layer for the kernels. CNN_EUSAGE: its window is too large. */
cnn_status cnn_cuda_windows(const cnn_layer *layer, cnn_gpu_windows *out);
/** Statistics of a batchnorm layer over n images. */
cnn_gpu_norm_shape cnn_cuda_norm_shape(const cnn_layer *layer, int n);

/** y [n, units] = x [n, inputs] weights^T [units, inputs], without bias. */
cnn_status cnn_cuda_dense_forward(cnn_ops *ops, int n, int inputs, int units, const float *x,
                                  const float *weights, float *y);
cnn_status cnn_cuda_dense_backward_data(cnn_ops *ops, int n, int inputs, int units, const float *dy,
                                        const float *weights, float *dx);
cnn_status cnn_cuda_dense_backward_weights(cnn_ops *ops, int n, int inputs, int units,
                                           const float *x, const float *dy, float *dweights);

#endif
