/* SPDX-License-Identifier: Apache-2.0 */
/** Small kernels that the tests of the emulation launch. Pointers are the device's. */
#ifndef CNN_TESTS_EMULATION_TEST_KERNELS_H
#define CNN_TESTS_EMULATION_TEST_KERNELS_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/** out[i] = i for i < n: no barriers; 64 threads a block. */
cudaError_t launch_index(int n, int *out, cudaStream_t stream);
/** out[block] = sum of in[block * 256 .. + 255], by shared memory and barriers. */
cudaError_t launch_block_sum(int blocks, const float *in, float *out, cudaStream_t stream);
/** The same by shuffles. */
cudaError_t launch_warp_sum(int blocks, const float *in, float *out, cudaStream_t stream);
/** counts[0] += threads, counts[1] = the largest thread index, of blocks x threads. */
cudaError_t launch_count(int blocks, int threads, unsigned *counts, cudaStream_t stream);
/** out[i] = in[255 - i] through dynamic shared memory of bytes. */
cudaError_t launch_reverse(size_t bytes, const float *in, float *out, cudaStream_t stream);
cudaError_t allow_reverse(size_t bytes);
/** Half of the threads skip the barrier. */
cudaError_t launch_torn_barrier(cudaStream_t stream);
/** One of its two threads ends without cnn_wait_for_previous. */
cudaError_t launch_hasty(float *x, cudaStream_t stream);
/** out[i] = the left neighbour's i, without the barrier that this needs. */
cudaError_t launch_race(int *out, cudaStream_t stream);
/** x[0] += 1 */
cudaError_t launch_increment(float *x, cudaStream_t stream);
/** The same as a dependent launch. */
cudaError_t launch_dependent_increment(float *x, cudaStream_t stream);
/** out[lane] = ballot of odd lanes, for the two halves of a warp with masks of their own. */
cudaError_t launch_ballot(unsigned *out, cudaStream_t stream);
/** With any shape: for wrong ones. */
cudaError_t launch_shape(dim3 grid, dim3 block, size_t shared_bytes);
/** out[i] = i-th of a few intrinsics: 1/sqrt(4), umulhi(2^31, 6), saturate(3), popc(255),
 *  min(-1, 2), max(1.5f, 0.5f). */
cudaError_t launch_intrinsics(float *out, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
