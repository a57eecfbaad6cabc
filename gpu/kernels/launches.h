/* SPDX-License-Identifier: Apache-2.0 */
/** Dependent launches (CUDA: programmatic dependent launch). A kernel launched as a dependent may
 *  begin while the kernel before it in its stream is still running, and waits for that kernel at
 *  its top (cnn_wait_for_previous); this hides launch latency. Every kernel of gpu/ can be launched
 *  so.
 *
 *  The wait covers the kernel directly before, and what came before that one only because it
 *  waited too. Kernels of libraries may not wait. So a launch is a dependent one only where the
 *  operation directly before it in its stream was a launch of ours; every other operation passes
 *  through cnn_gpu_foreign, which clears the stream's mark (tests/kernels.sh checks it). */
#ifndef CNN_GPU_KERNELS_LAUNCHES_H
#define CNN_GPU_KERNELS_LAUNCHES_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether kernels may be launched as dependents: CUDA 12.3 or newer, whose graphs know the
 *  dependency, both here and in the driver; compute capability 9.0; and code compiled for it, since
 *  older code does not wait on any device. */
cudaError_t cnn_gpu_can_launch_dependents(int device, bool *can);

/** From now on this thread launches own kernels into this stream as dependents, wherever the
 *  stream's last operation was a launch of ours; NULL: into none, as initially. */
void cnn_gpu_launch_dependents(cudaStream_t stream);
/** Whether the next launch into the stream is a dependent one. */
bool cnn_gpu_launches_dependents(cudaStream_t stream);
/** For cnn_launch, after each launch. */
void cnn_gpu_launched(cudaStream_t stream);

/** Returns the stream, for an operation in it that is no launch of ours: a library call, copy,
 *  memset, graph launch, wait for an event, begin or end of a capture, destruction. The next own
 *  launch in it waits for that operation to complete in full. */
cudaStream_t cnn_gpu_foreign(cudaStream_t stream);

/** From now on (true) this thread notes which graph nodes its launches become; false: no more. The
 *  notes stay until the next true. */
void cnn_gpu_note_nodes(bool on);
/** Whether a node was noted: one that is unknown counts as foreign. */
bool cnn_gpu_is_own_node(cudaGraphNode_t node);

#ifdef __cplusplus
}
#endif

#endif
