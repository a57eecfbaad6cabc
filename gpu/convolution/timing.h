/* SPDX-License-Identifier: Apache-2.0 */
/** How candidates are timed: the median of some runs after others that are not counted. */
#ifndef CNN_GPU_CONVOLUTION_TIMING_H
#define CNN_GPU_CONVOLUTION_TIMING_H

#include "base/status.h"
#include "nn/ops.h"

enum { CNN_WARM_RUNS = 2, CNN_TIMED_RUNS = 7 };

/** Sorts the times. */
float cnn_timing_median(float times[CNN_TIMED_RUNS]);

/** Queues some work on the device's stream. */
typedef cnn_status cnn_timed_work(void *context);

/** Times work that runs often: several runs at once, so that the host, which queues them, is ahead
 *  of the device. *milliseconds is for all of them: to be compared, not told.
 *  from_graph  they are launched as one CUDA graph, as on the native path; else one by one */
cnn_status cnn_cuda_time(cnn_ops *ops, cnn_timed_work *work, void *context, bool from_graph,
                         float *milliseconds);

#endif
