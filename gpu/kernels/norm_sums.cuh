/* SPDX-License-Identifier: Apache-2.0 */
/** Sums over the values of each statistic of a batch normalisation, in double precision: in single
 *  precision the variance of a nearly constant channel would cancel.
 *
 *  Terms defines the terms of the sums and their use:
 *    void begin(int k)                        before a thread's first value of statistic k
 *    void add(double2 *sum, unsigned i)       the terms of the value at i
 *    void conclude(shape, int k, double2 sum) by one thread of the grid for each statistic */
#ifndef CNN_GPU_KERNELS_NORM_SUMS_CUH
#define CNN_GPU_KERNELS_NORM_SUMS_CUH

#include "gpu/kernels/kernels.h"
#include "gpu/kernels/last_block.cuh"
#include "gpu/kernels/launch.cuh"

enum { CNN_NORM_TILE = 32, CNN_NORM_LANES = 8 };

/** Chunks of the outer ones: enough to fill a device, and few enough for the last block. */
static inline int cnn_norm_chunks(cnn_gpu_norm_shape s)
{
    const int most = 512, a_chunk = s.inner == 1 ? 4 * CNN_NORM_LANES : 1;
    const int chunks = (s.outer + a_chunk - 1) / a_chunk;
    return chunks < most ? chunks : most;
}

/* inner 1. Block (x, y): statistics 32 x .. of chunk y of the rows. */
template <class Terms>
static __global__ void cnn_norm_sum_channels(cnn_gpu_norm_shape s, Terms terms, double2 *parts,
                                             unsigned *tickets)
{
    cnn_wait_for_previous();
    __shared__ double2 shared[CNN_NORM_TILE * CNN_NORM_LANES];
    const int k = (int)(blockIdx.x * CNN_NORM_TILE + threadIdx.x);
    double2 sum = {0.0, 0.0};
    if (k < s.statistics) {
        terms.begin(k);
        for (int row = (int)(blockIdx.y * CNN_NORM_LANES + threadIdx.y); row < s.outer;
             row += (int)gridDim.y * CNN_NORM_LANES)
            terms.add(&sum, (unsigned)row * (unsigned)s.statistics + (unsigned)k);
    }
    if (cnn_sum_of_rows(sum, k, s.statistics, parts, tickets, shared, &sum))
        terms.conclude(s, k, sum);
}

/* inner > 1. Block (x, y): statistic x, chunk y of the outer ones; its threads lie along y. */
template <class Terms>
static __global__ void cnn_norm_sum_rows(cnn_gpu_norm_shape s, Terms terms, double2 *parts,
                                         unsigned *tickets)
{
    cnn_wait_for_previous();
    __shared__ double2 shared[CNN_BLOCK];
    const int k = (int)blockIdx.x;
    double2 sum = {0.0, 0.0};
    terms.begin(k);
    for (int outer = (int)blockIdx.y; outer < s.outer; outer += (int)gridDim.y) {
        const unsigned start =
            ((unsigned)outer * (unsigned)s.statistics + (unsigned)k) * (unsigned)s.inner;
        for (int i = (int)threadIdx.y; i < s.inner; i += CNN_BLOCK)
            terms.add(&sum, start + (unsigned)i);
    }
    if (cnn_sum_of_rows(sum, k, s.statistics, parts, tickets, shared, &sum))
        terms.conclude(s, k, sum);
}

template <class Terms>
static inline cudaError_t cnn_norm_sum(cudaStream_t stream, cnn_gpu_norm_shape s, Terms terms,
                                       cnn_gpu_sums sums)
{
    double2 *parts = reinterpret_cast<double2 *>(sums.parts);
    const unsigned chunks = (unsigned)cnn_norm_chunks(s), count = (unsigned)s.statistics;
    if (s.inner == 1)
        return cnn_launch(
            cnn_norm_sum_channels<Terms>, dim3((count + CNN_NORM_TILE - 1) / CNN_NORM_TILE, chunks),
            dim3(CNN_NORM_TILE, CNN_NORM_LANES), 0, stream, s, terms, parts, sums.tickets);
    return cnn_launch(cnn_norm_sum_rows<Terms>, dim3(count, chunks), dim3(1, CNN_BLOCK), 0, stream,
                      s, terms, parts, sums.tickets);
}

#endif
