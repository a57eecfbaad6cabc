/* SPDX-License-Identifier: Apache-2.0 */
/* ReLU, dropout and the optimisers: own loops, divided among threads where that is faster. */
#include "cpu/kernels/kernels.h"
#include "cpu/onednn/device.h"

#include <math.h>

/* Below this many values one thread is faster than several. */
enum { PARALLEL_FROM = 32768, GRAIN = 1024 };

static int threads_for(const cnn_ops *ops, size_t size)
{
    return size < PARALLEL_FROM ? 1 : ops->config.threads;
}

cnn_status cnn_relu_forward(cnn_ops *ops, size_t size, const float *x, float *y)
{
#pragma omp parallel num_threads(threads_for(ops, size))
    {
        size_t begin, end;
        cnn_cpu_share(size, GRAIN, &begin, &end);
        cnn_kernel_relu_forward(end - begin, x + begin, y + begin);
    }
    return CNN_OK;
}

cnn_status cnn_relu_backward(cnn_ops *ops, size_t size, const float *y, const float *dy, float *dx)
{
#pragma omp parallel num_threads(threads_for(ops, size))
    {
        size_t begin, end;
        cnn_cpu_share(size, GRAIN, &begin, &end);
        cnn_kernel_relu_backward(end - begin, y + begin, dy + begin, dx + begin);
    }
    return CNN_OK;
}

cnn_status cnn_dropout_apply(cnn_ops *ops, size_t size, double rate, uint64_t seed, int layer,
                             uint32_t step, const float *x, float *y)
{
    const cnn_dropout_rule rule = cnn_dropout_rule_of(rate, seed, layer, step);
#pragma omp parallel num_threads(threads_for(ops, size))
    {
        size_t begin, end;
        float factors[GRAIN];
        cnn_cpu_share(size, GRAIN, &begin, &end);
        for (size_t at = begin; at < end; at += GRAIN) {
            const size_t n = end - at < GRAIN ? end - at : GRAIN;
            cnn_kernel_dropout_factors(&rule, at, n, factors);
            cnn_kernel_multiply(n, x + at, factors, y + at);
        }
    }
    return CNN_OK;
}

cnn_status cnn_sgd_update(cnn_ops *ops, size_t size, double rate, double momentum, const float *g,
                          float *velocity, float *w)
{
#pragma omp parallel num_threads(threads_for(ops, size))
    {
        size_t begin, end;
        cnn_cpu_share(size, GRAIN, &begin, &end);
        if (momentum == 0)
            cnn_kernel_sgd(end - begin, (float)rate, g + begin, w + begin);
        else
            cnn_kernel_momentum(end - begin, (float)rate, (float)momentum, g + begin,
                                velocity + begin, w + begin);
    }
    return CNN_OK;
}

cnn_status cnn_adam_update(cnn_ops *ops, size_t size, double rate, int64_t step, const float *g,
                           float *m, float *v, float *w)
{
    const double t = (double)step;
    const float corrected =
        (float)(rate * sqrt(1 - pow(CNN_ADAM_BETA2, t)) / (1 - pow(CNN_ADAM_BETA1, t)));
#pragma omp parallel num_threads(threads_for(ops, size))
    {
        size_t begin, end;
        cnn_cpu_share(size, GRAIN, &begin, &end);
        cnn_kernel_adam(end - begin, corrected, g + begin, m + begin, v + begin, w + begin);
    }
    return CNN_OK;
}
