/* SPDX-License-Identifier: Apache-2.0 */
/* Updates of parameters, in place. */
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"

#include "nn/train.h"

static __global__ void sgd(size_t size, float rate, float momentum, const float *g, float *velocity,
                           float *w)
{
    cnn_wait_for_previous();
    CNN_EACH(i, size)
    {
        float step = -rate * g[i];
        if (velocity)
            step = velocity[i] = momentum * velocity[i] + step;
        w[i] += step;
    }
}

static __global__ void adam(size_t size, double rate, const int64_t *step, int64_t step_value,
                            const float *g, float *m, float *v, float *w)
{
    cnn_wait_for_previous();
    __shared__ float corrected;
    if (threadIdx.x == 0) {
        const double t = (double)(step ? *step + 1 : step_value);
        corrected =
            (float)(rate * sqrt(1.0 - pow(CNN_ADAM_BETA2, t)) / (1.0 - pow(CNN_ADAM_BETA1, t)));
    }
    __syncthreads();
    const float b1 = (float)CNN_ADAM_BETA1, c1 = (float)(1.0 - CNN_ADAM_BETA1);
    const float b2 = (float)CNN_ADAM_BETA2, c2 = (float)(1.0 - CNN_ADAM_BETA2);
    CNN_EACH(i, size)
    {
        const float gradient = g[i];
        m[i] = b1 * m[i] + c1 * gradient;
        v[i] = b2 * v[i] + c2 * gradient * gradient;
        w[i] -= corrected * m[i] / (sqrtf(v[i]) + (float)CNN_ADAM_EPSILON);
    }
}

cudaError_t cnn_gpu_sgd(cudaStream_t stream, size_t size, double rate, double momentum,
                        const float *g, float *velocity, float *w)
{
    return cnn_launch(sgd, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, (float)rate,
                      (float)momentum, g, velocity, w);
}

cudaError_t cnn_gpu_adam(cudaStream_t stream, size_t size, double rate, const int64_t *step,
                         int64_t step_value, const float *g, float *m, float *v, float *w)
{
    return cnn_launch(adam, cnn_grid_for(size), CNN_BLOCK, 0, stream, size, rate, step, step_value,
                      g, m, v, w);
}
