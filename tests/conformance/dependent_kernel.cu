/* SPDX-License-Identifier: Apache-2.0 */
#include "dependent_kernel.h"

#include "gpu/kernels/launch.cuh"

static __global__ void increment(float *x)
{
    cnn_wait_for_previous();
    x[0] += 1.0f;
}

cudaError_t cnn_test_increment(bool dependent, float *x, cudaStream_t stream)
{
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = config.blockDim = dim3(1);
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = dependent;
    return cnn_launch_with(config, increment, x);
}
