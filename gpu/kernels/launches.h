/* SPDX-License-Identifier: Apache-2.0 */
/** Dependent launches (CUDA: programmatic dependent launch). A kernel that is launched as a
 * dependent may begin while the kernel in front of it in its stream ends, and waits for it at its
 * top (cnn_wait_for_previous): what is hidden is the time that a launch takes. Every kernel of gpu/
 * can be launched so; what follows such a kernel needs to know nothing of it. */
#ifndef CNN_GPU_KERNELS_LAUNCHES_H
#define CNN_GPU_KERNELS_LAUNCHES_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether kernels may be launched as dependents: CUDA 12.3 or newer, whose graphs know the
 *  dependency, both here and in the driver; compute capability 9.0; and code made for that, as
 *  older code does not wait, whatever it runs on. */
cudaError_t cnn_gpu_can_launch_dependents(int device, bool *can);

/** From now on this thread launches own kernels into this stream as dependents; NULL: into none,
 *  as in the beginning. Not where the launch before in the stream is one of several that the next
 *  kernel must wait for. */
void cnn_gpu_launch_dependents(cudaStream_t stream);
bool cnn_gpu_launches_dependents(cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
