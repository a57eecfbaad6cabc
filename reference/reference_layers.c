/* SPDX-License-Identifier: Apache-2.0 */
/* The operations other than convolutions, straight from their definitions. */
#include "reference.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- pools --------------------------------------------------------------------------------- */

/* The taps of a window that lie inside the image: rows y0 .. y1-1, columns x0 .. x1-1. */
typedef struct {
    int y0, y1, x0, x1;
} window;

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

static window window_at(const cnn_layer *l, int oh, int ow)
{
    int y = oh * l->stride - l->pad_top, x = ow * l->stride - l->pad_left;
    return (window){at_least(y, 0), at_most(y + l->kernel, l->in.h), at_least(x, 0),
                    at_most(x + l->kernel, l->in.w)};
}

static size_t in_index(const cnn_layer *l, int y, int x, int c)
{
    return ((size_t)y * (size_t)l->in.w + (size_t)x) * (size_t)l->in.c + (size_t)c;
}

/* Largest value of a window and, in *index, the first place where it is. */
static double largest(const cnn_layer *l, window w, int c, const double *image, size_t *index)
{
    *index = in_index(l, w.y0, w.x0, c);
    for (int y = w.y0; y < w.y1; y++)
        for (int x = w.x0; x < w.x1; x++)
            if (image[in_index(l, y, x, c)] > image[*index])
                *index = in_index(l, y, x, c);
    return image[*index];
}

static double average(const cnn_layer *l, window w, int c, const double *image)
{
    double sum = 0;
    for (int y = w.y0; y < w.y1; y++)
        for (int x = w.x0; x < w.x1; x++)
            sum += image[in_index(l, y, x, c)];
    return sum / ((w.y1 - w.y0) * (w.x1 - w.x0));
}

void ref_pool_forward(const cnn_layer *l, int n, const double *x, double *y, int32_t *argmax)
{
    size_t i = 0;
    for (int image = 0; image < n; image++, x += cnn_shape_size(l->in))
        for (int oh = 0; oh < l->out.h; oh++)
            for (int ow = 0; ow < l->out.w; ow++)
                for (int c = 0; c < l->out.c; c++, i++) {
                    size_t index = 0;
                    window w = window_at(l, oh, ow);
                    bool max = l->kind == CNN_LAYER_MAXPOOL;
                    y[i] = max ? largest(l, w, c, x, &index) : average(l, w, c, x);
                    if (max && argmax)
                        argmax[i] = (int32_t)index;
                }
}

static void spread(const cnn_layer *l, window w, int c, double dy, double *dx)
{
    for (int y = w.y0; y < w.y1; y++)
        for (int x = w.x0; x < w.x1; x++)
            dx[in_index(l, y, x, c)] += dy / ((w.y1 - w.y0) * (w.x1 - w.x0));
}

void ref_pool_backward(const cnn_layer *l, int n, const int32_t *argmax, const double *dy,
                       double *dx)
{
    size_t i = 0, size = (size_t)cnn_shape_size(l->in);
    memset(dx, 0, (size_t)n * size * sizeof *dx);
    for (int image = 0; image < n; image++, dx += size)
        for (int oh = 0; oh < l->out.h; oh++)
            for (int ow = 0; ow < l->out.w; ow++)
                for (int c = 0; c < l->out.c; c++, i++) {
                    if (l->kind == CNN_LAYER_MAXPOOL)
                        dx[argmax[i]] += dy[i];
                    else
                        spread(l, window_at(l, oh, ow), c, dy[i], dx);
                }
}

/* ---- batch normalisation ------------------------------------------------------------------- */

int ref_norm_count(const cnn_layer *l)
{
    return l->axis == CNN_AXIS_HEIGHT ? l->in.h : l->in.c;
}

/* The statistic that value i of a batch belongs to. */
static size_t statistic_of(const cnn_layer *l, size_t i)
{
    size_t c = (size_t)l->in.c, row = c * (size_t)l->in.w;
    return l->axis == CNN_AXIS_HEIGHT ? i / row % (size_t)l->in.h : i % c;
}

static size_t batch_size(const cnn_layer *l, int n)
{
    return (size_t)n * (size_t)cnn_shape_size(l->in);
}

void ref_norm_forward_inference(const cnn_layer *l, int n, const double *x, const double *gamma,
                                const double *beta, const double *mean, const double *variance,
                                double *y)
{
    for (size_t i = 0; i < batch_size(l, n); i++) {
        size_t k = statistic_of(l, i);
        y[i] = gamma[k] * (x[i] - mean[k]) / sqrt(variance[k] + CNN_NORM_EPSILON) + beta[k];
    }
}

void ref_norm_forward_training(const cnn_layer *l, int n, const double *x, const double *gamma,
                               const double *beta, double *running_mean, double *running_variance,
                               double *mean, double *variance, double *y)
{
    size_t size = batch_size(l, n), count = (size_t)ref_norm_count(l);
    double m = (double)size / (double)count;
    memset(mean, 0, count * sizeof *mean);
    memset(variance, 0, count * sizeof *variance);
    for (size_t i = 0; i < size; i++)
        mean[statistic_of(l, i)] += x[i] / m;
    for (size_t i = 0; i < size; i++) {
        double d = x[i] - mean[statistic_of(l, i)];
        variance[statistic_of(l, i)] += d * d / m;
    }
    const double keep = CNN_NORM_MOMENTUM;
    for (size_t k = 0; k < count; k++) {
        running_mean[k] = keep * running_mean[k] + (1 - keep) * mean[k];
        running_variance[k] = keep * running_variance[k] + (1 - keep) * variance[k];
    }
    ref_norm_forward_inference(l, n, x, gamma, beta, mean, variance, y);
}

void ref_norm_backward(const cnn_layer *l, int n, const double *x, const double *dy,
                       const double *gamma, const double *mean, const double *variance, double *dx,
                       double *dgamma, double *dbeta)
{
    size_t size = batch_size(l, n), count = (size_t)ref_norm_count(l);
    double m = (double)size / (double)count;
    memset(dgamma, 0, count * sizeof *dgamma);
    memset(dbeta, 0, count * sizeof *dbeta);
    for (size_t i = 0; i < size; i++) {
        size_t k = statistic_of(l, i);
        dgamma[k] += dy[i] * (x[i] - mean[k]) / sqrt(variance[k] + CNN_NORM_EPSILON);
        dbeta[k] += dy[i];
    }
    for (size_t i = 0; i < size; i++) {
        size_t k = statistic_of(l, i);
        double sd = sqrt(variance[k] + CNN_NORM_EPSILON), scaled = (x[i] - mean[k]) / sd;
        dx[i] = gamma[k] / sd * (dy[i] - dbeta[k] / m - scaled * dgamma[k] / m);
    }
}

/* ---- the rest ------------------------------------------------------------------------------ */

void ref_relu_forward(size_t size, const double *x, double *y)
{
    for (size_t i = 0; i < size; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

void ref_relu_backward(size_t size, const double *y, const double *dy, double *dx)
{
    for (size_t i = 0; i < size; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

void ref_dropout(size_t size, double rate, uint64_t seed, int layer, uint32_t step, const double *x,
                 double *y)
{
    for (size_t i = 0; i < size; i++) {
        uint32_t word =
            cnn_random_word(seed, CNN_RANDOM_DROPOUT + (uint32_t)layer, step, (uint64_t)i);
        y[i] = cnn_random_unit(word) < rate ? 0 : x[i] / (1 - rate);
    }
}

void ref_loss(int classes, int n, const double *logits, const int32_t *labels, double *loss_sum,
              int64_t *errors, double *dlogits)
{
    for (int image = 0; image < n; image++) {
        const double *z = logits + (size_t)image * (size_t)classes;
        int best = 0;
        double sum = 0;
        for (int c = 1; c < classes; c++)
            if (z[c] > z[best])
                best = c;
        for (int c = 0; c < classes; c++)
            sum += exp(z[c] - z[best]);
        *loss_sum += log(sum) - (z[labels[image]] - z[best]);
        *errors += best != labels[image];
        for (int c = 0; dlogits && c < classes; c++)
            dlogits[(size_t)image * (size_t)classes + (size_t)c] =
                (exp(z[c] - z[best]) / sum - (c == labels[image])) / n;
    }
}

void ref_sgd_update(size_t size, double rate, double momentum, const double *g, double *velocity,
                    double *w)
{
    for (size_t i = 0; i < size; i++) {
        double step = -rate * g[i];
        if (momentum != 0)
            step = velocity[i] = momentum * velocity[i] + step;
        w[i] += step;
    }
}

void ref_adam_update(size_t size, double rate, int64_t step, const double *g, double *m, double *v,
                     double *w)
{
    const double b1 = CNN_ADAM_BETA1, b2 = CNN_ADAM_BETA2, t = (double)step;
    for (size_t i = 0; i < size; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        w[i] -=
            rate * sqrt(1 - pow(b2, t)) / (1 - pow(b1, t)) * m[i] / (sqrt(v[i]) + CNN_ADAM_EPSILON);
    }
}
