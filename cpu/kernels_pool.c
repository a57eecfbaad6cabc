/* Pools on one plane (one block of channels of one image). */
#include "cpu/kernels_grid.h"

#include <float.h>

/* The study's pool: windows of 2x2, stride 2, the surplus at the bottom and right. Always inlined
 * with a constant number of lanes, so that the inner loops become vectors. */
static inline __attribute__((always_inline)) void pair_forward(const cnn_window *p, int lanes,
                                                               bool relu, const float *restrict x,
                                                               float *restrict y,
                                                               uint8_t *restrict where)
{
    const size_t row = (size_t)p->in_w * (size_t)lanes;
    for (int oh = 0; oh < p->out_h; oh++) {
        const int below = 2 * oh + 1 < p->in_h;
        for (int ow = 0; ow < p->out_w; ow++) {
            /* Windows over the edge see their own values twice: the first maximum stays. */
            const size_t down = below ? row : 0;
            const size_t right = 2 * ow + 1 < p->in_w ? (size_t)lanes : 0;
            const float *a = x + (size_t)(2 * oh) * row + (size_t)(2 * ow) * (size_t)lanes;
            for (int i = 0; i < lanes; i++) {
                float best = a[i];
                uint32_t at = 0;
                const float b = a[right + (size_t)i], c = a[down + (size_t)i];
                const float d = a[down + right + (size_t)i];
                at = b > best ? 1 : at;
                best = b > best ? b : best;
                at = c > best ? 2 : at;
                best = c > best ? c : best;
                at = d > best ? 3 : at;
                best = d > best ? d : best;
                if (relu)
                    at = best > 0 ? at : CNN_NOWHERE;
                y[i] = best;
                where[i] = (uint8_t)at;
            }
            y += lanes;
            where += lanes;
        }
    }
}

CNN_KERNEL void cnn_kernel_pair_forward(const cnn_window *p, int lanes, bool relu, const float *x,
                                        float *y, uint8_t *where)
{
    if (lanes == 16 && relu)
        pair_forward(p, 16, true, x, y, where);
    else if (lanes == 16)
        pair_forward(p, 16, false, x, y, where);
    else if (lanes == 8)
        pair_forward(p, 8, relu, x, y, where);
    else
        pair_forward(p, lanes, relu, x, y, where);
}

static inline __attribute__((always_inline)) void pair_backward(const cnn_window *p, int lanes,
                                                                const float *restrict dy,
                                                                const uint8_t *restrict where,
                                                                float *restrict dx)
{
    const size_t row = (size_t)p->in_w * (size_t)lanes;
    for (int oh = 0; oh < p->out_h; oh++) {
        const bool below = 2 * oh + 1 < p->in_h;
        for (int ow = 0; ow < p->out_w; ow++) {
            const bool right = 2 * ow + 1 < p->in_w;
            float *a = dx + (size_t)(2 * oh) * row + (size_t)(2 * ow) * (size_t)lanes;
            for (int i = 0; i < lanes; i++)
                a[i] = where[i] == 0 ? dy[i] : 0;
            if (right)
                for (int i = 0; i < lanes; i++)
                    a[lanes + i] = where[i] == 1 ? dy[i] : 0;
            if (below)
                for (int i = 0; i < lanes; i++)
                    a[row + (size_t)i] = where[i] == 2 ? dy[i] : 0;
            if (below && right)
                for (int i = 0; i < lanes; i++)
                    a[row + (size_t)(lanes + i)] = where[i] == 3 ? dy[i] : 0;
            dy += lanes;
            where += lanes;
        }
    }
}

CNN_KERNEL void cnn_kernel_pair_backward(const cnn_window *p, int lanes, const float *dy,
                                         const uint8_t *where, float *dx)
{
    if (lanes == 16)
        pair_backward(p, 16, dy, where, dx);
    else if (lanes == 8)
        pair_backward(p, 8, dy, where, dx);
    else
        pair_backward(p, lanes, dy, where, dx);
}

/* ---- any window ---------------------------------------------------------------------------- */

typedef struct {
    int h0, h1, w0, w1; /* taps inside the image */
} taps;

static inline taps taps_of(const cnn_window *p, int oh, int ow)
{
    const int h = oh * p->stride - p->pad_top, w = ow * p->stride - p->pad_left;
    return (taps){
        .h0 = h < 0 ? 0 : h,
        .h1 = h + p->kernel > p->in_h ? p->in_h : h + p->kernel,
        .w0 = w < 0 ? 0 : w,
        .w1 = w + p->kernel > p->in_w ? p->in_w : w + p->kernel,
    };
}

CNN_KERNEL void cnn_kernel_max_forward(const cnn_window *p, int lanes, bool relu, const float *x,
                                       float *y, int32_t *where)
{
    for (int oh = 0; oh < p->out_h; oh++) {
        for (int ow = 0; ow < p->out_w; ow++) {
            const taps t = taps_of(p, oh, ow);
            for (int i = 0; i < lanes; i++) {
                y[i] = -FLT_MAX;
                where[i] = t.h0 * p->in_w + t.w0;
            }
            for (int h = t.h0; h < t.h1; h++) {
                for (int w = t.w0; w < t.w1; w++) {
                    const int at = h * p->in_w + w;
                    const float *a = x + (size_t)at * (size_t)lanes;
                    for (int i = 0; i < lanes; i++) {
                        where[i] = a[i] > y[i] ? at : where[i];
                        y[i] = a[i] > y[i] ? a[i] : y[i];
                    }
                }
            }
            if (relu)
                for (int i = 0; i < lanes; i++)
                    where[i] = y[i] > 0 ? where[i] : -1;
            y += lanes;
            where += lanes;
        }
    }
}

void cnn_kernel_max_backward(const cnn_window *p, int lanes, const float *dy, const int32_t *where,
                             float *dx)
{
    const size_t in = (size_t)p->in_h * (size_t)p->in_w * (size_t)lanes;
    for (size_t i = 0; i < in; i++)
        dx[i] = 0;
    for (int at = 0; at < p->out_h * p->out_w; at++) {
        for (int i = 0; i < lanes; i++)
            if (where[i] >= 0)
                dx[(size_t)where[i] * (size_t)lanes + (size_t)i] += dy[i];
        dy += lanes;
        where += lanes;
    }
}

CNN_KERNEL void cnn_kernel_average_forward(const cnn_window *p, int lanes, const float *x, float *y)
{
    for (int oh = 0; oh < p->out_h; oh++) {
        for (int ow = 0; ow < p->out_w; ow++) {
            const taps t = taps_of(p, oh, ow);
            const float count = (float)((t.h1 - t.h0) * (t.w1 - t.w0));
            for (int i = 0; i < lanes; i++)
                y[i] = 0;
            for (int h = t.h0; h < t.h1; h++) {
                for (int w = t.w0; w < t.w1; w++) {
                    const float *a = x + (size_t)(h * p->in_w + w) * (size_t)lanes;
                    for (int i = 0; i < lanes; i++)
                        y[i] += a[i];
                }
            }
            for (int i = 0; i < lanes; i++)
                y[i] /= count;
            y += lanes;
        }
    }
}

CNN_KERNEL void cnn_kernel_average_backward(const cnn_window *p, int lanes, const float *dy,
                                            float *dx)
{
    const size_t in = (size_t)p->in_h * (size_t)p->in_w * (size_t)lanes;
    for (size_t i = 0; i < in; i++)
        dx[i] = 0;
    for (int oh = 0; oh < p->out_h; oh++) {
        for (int ow = 0; ow < p->out_w; ow++) {
            const taps t = taps_of(p, oh, ow);
            const float share = 1.0f / (float)((t.h1 - t.h0) * (t.w1 - t.w0));
            for (int h = t.h0; h < t.h1; h++) {
                for (int w = t.w0; w < t.w1; w++) {
                    float *a = dx + (size_t)(h * p->in_w + w) * (size_t)lanes;
                    for (int i = 0; i < lanes; i++)
                        a[i] += dy[i] * share;
                }
            }
            dy += lanes;
        }
    }
}
