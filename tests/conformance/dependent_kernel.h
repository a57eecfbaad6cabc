/* SPDX-License-Identifier: Apache-2.0 */
/** A kernel that is launched as a dependent wherever the test asks for it, which cnn_launch does not. */
#ifndef CNN_TESTS_CONFORMANCE_DEPENDENT_KERNEL_H
#define CNN_TESTS_CONFORMANCE_DEPENDENT_KERNEL_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** x[0] += 1, after the wait with which every kernel begins. x: on the device. */
cudaError_t cnn_test_increment(bool dependent, float *x, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
