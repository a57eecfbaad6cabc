/* SPDX-License-Identifier: Apache-2.0 */
/** Timing of candidates: together, in interleaved rounds, so that drift affects all of them alike,
 *  after enough work to bring the device's clock to a steady state. */
#ifndef CNN_GPU_CONVOLUTION_TIMING_H
#define CNN_GPU_CONVOLUTION_TIMING_H

#include "base/status.h"
#include "base/text.h"
#include "nn/ops.h"

enum { CNN_TIMING_ROUNDS = 7 };

/** Milliseconds of work after which the clock counts as steady. */
extern const double cnn_timing_warm_up;

/** Sorts the times. */
float cnn_timing_median(float times[CNN_TIMING_ROUNDS]);

/** The first of those within 2 % of the least, in the list's order; -1: all are infinite. */
int cnn_timing_fastest(const float *microseconds, int count);

/** Whether the device has idled so long that its clock may have dropped. */
bool cnn_timing_is_cold(const cnn_ops *ops);
/** Call after work on the device: its clock is steady for a while. */
void cnn_timing_worked(cnn_ops *ops);

/** Queues some work on the device's stream. */
typedef cnn_status cnn_timed_work(void *context);
/** Work has failed, with this status and the thread's message. CNN_OK: the candidate is left out;
 *  else the timing ends. */
typedef cnn_status cnn_timed_failure(void *context, cnn_status st);

/** A candidate. */
typedef struct {
    cnn_timed_work *work;
    cnn_timed_failure *failed;
    void *context;
    bool from_graph; /* launched as a CUDA graph, as on the native path; else queued one by one */
    float microseconds; /* out: median time of a run; infinite: left out */
} cnn_timed;

/** Times the candidates. Waits for the device. */
cnn_status cnn_cuda_time(cnn_ops *ops, cnn_timed *list, int count);

/** Adds a line to the device's record of timings: "problem candidate 12.34 us". */
void cnn_timing_record(cnn_ops *ops, const char *problem, const char *candidate,
                       float microseconds);

#endif
