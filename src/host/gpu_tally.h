/* SPDX-License-Identifier: Apache-2.0 */
/** Figures of a GPU over one run, sample by sample. */
#ifndef CNN_HOST_GPU_TALLY_H
#define CNN_HOST_GPU_TALLY_H

#include "host/nvml.h"
#include "results/record.h"

typedef struct {
    double sum;
    int count;
} cnn_running_mean;

/** Passes NaN over. */
void cnn_running_mean_add(cnn_running_mean *mean, double x);
/** NaN of nothing. */
double cnn_running_mean_of(const cnn_running_mean *mean);

typedef struct {
    cnn_running_mean sm_clock, memory_clock, power;
    double sm_clock_min, memory_clock_min, temperature_max; /* NaN: unknown */
    int64_t reasons;                                        /* -1 unknown */
    int foreign;                                            /* most at once; -1 unknown */
    int64_t memory; /* most bytes of the trainer and its descendants at once; -1 unknown */
    bool lost;
} cnn_gpu_tally;

cnn_gpu_tally cnn_gpu_tally_empty(void);

/** trainer: process number of the run's trainer, 0: unknown. Processes that are neither the trainer
 *  nor its descendants are foreign. Where the driver numbers processes otherwise than this rank (in
 *  a container), they are counted only while the trainer itself is seen among them. */
void cnn_gpu_tally_add(cnn_gpu_tally *tally, const cnn_gpu_sample *sample, int trainer);

void cnn_gpu_tally_fill(const cnn_gpu_tally *tally, cnn_measured *out);

#endif
