/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/kernels.h"

#include <math.h>

CNN_KERNEL void cnn_kernel_relu_forward(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

CNN_KERNEL void cnn_kernel_relu_backward(size_t n, const float *y, const float *dy, float *dx)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

CNN_KERNEL void cnn_kernel_sgd(size_t n, float rate, const float *restrict g, float *restrict w)
{
    for (size_t i = 0; i < n; i++)
        w[i] -= rate * g[i];
}

CNN_KERNEL void cnn_kernel_momentum(size_t n, float rate, float momentum, const float *restrict g,
                                    float *restrict v, float *restrict w)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] - rate * g[i];
        w[i] += v[i];
    }
}

CNN_KERNEL void cnn_kernel_adam(size_t n, float rate, const float *restrict g, float *restrict m,
                                float *restrict v, float *restrict w)
{
    const float b1 = (float)CNN_ADAM_BETA1, b2 = (float)CNN_ADAM_BETA2;
    const float c1 = (float)(1 - CNN_ADAM_BETA1), c2 = (float)(1 - CNN_ADAM_BETA2);
    const float epsilon = (float)CNN_ADAM_EPSILON;
    for (size_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + c1 * g[i];
        v[i] = b2 * v[i] + c2 * g[i] * g[i];
        w[i] -= rate * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

CNN_KERNEL void cnn_kernel_multiply(size_t n, const float *x, const float *factors, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * factors[i];
}

CNN_KERNEL void cnn_kernel_scale_u8(size_t n, float scale, const uint8_t *restrict x,
                                    float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)x[i] * scale;
}

CNN_KERNEL void cnn_kernel_scale_f32(size_t n, float scale, const float *restrict x,
                                     float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * scale;
}
