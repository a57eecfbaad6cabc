/* SPDX-License-Identifier: Apache-2.0 */
/* Pools on one plane (one block of channels of one image). */
#include "cpu/kernels/blocked.h"

#define INLINED static inline __attribute__((always_inline))

/* ---- 2x2, stride 2, the surplus at the bottom and right: the study's pool ------------------- */

/* The four values of a window: offsets from the first one. Windows over the edge read some values
 * twice; that changes nothing, as the first maximum counts. */
typedef struct {
    size_t right, down;
} corners;

INLINED corners corners_of(const cnn_window *p, int lanes, int oh, int ow)
{
    return (corners){
        .right = 2 * ow + 1 < p->in_w ? (size_t)lanes : 0,
        .down = 2 * oh + 1 < p->in_h ? (size_t)p->in_w * (size_t)lanes : 0,
    };
}

INLINED void window_scalar(const corners *k, bool relu, const float *a, float *y, uint8_t *where)
{
    const float others[3] = {a[k->right], a[k->down], a[k->down + k->right]};
    float best = a[0];
    uint8_t at = 0;
    for (uint8_t i = 0; i < 3; i++) {
        at = others[i] > best ? (uint8_t)(i + 1) : at;
        best = others[i] > best ? others[i] : best;
    }
    *y = best;
    *where = relu && !(best > 0) ? CNN_NOWHERE : at;
}

/* The same for several channels at once; gcc does not vectorise it unaided. A comparison gives all
 * ones or zeros in each lane. */
#define WINDOW_OF(count)                                                                           \
    typedef float floats##count __attribute__((vector_size(4 * count), aligned(4), may_alias));    \
    typedef int32_t ints##count __attribute__((vector_size(4 * count), aligned(4), may_alias));    \
    typedef uint8_t bytes##count __attribute__((vector_size(count), aligned(1), may_alias));       \
    INLINED void window##count(const corners *k, bool relu, const float *a, float *y,              \
                               uint8_t *where)                                                     \
    {                                                                                              \
        ints##count best = *(const ints##count *)a, at = {0};                                      \
        const float *others[3] = {a + k->right, a + k->down, a + k->down + k->right};              \
        for (int i = 0; i < 3; i++) {                                                              \
            const ints##count other = *(const ints##count *)others[i];                             \
            const ints##count more = (floats##count)other > (floats##count)best;                   \
            at = (more & (i + 1)) | (~more & at);                                                  \
            best = (more & other) | (~more & best);                                                \
        }                                                                                          \
        if (relu) {                                                                                \
            const ints##count positive = (floats##count)best > 0.0f;                               \
            at = (positive & at) | (~positive & CNN_NOWHERE);                                      \
        }                                                                                          \
        *(ints##count *)y = best;                                                                  \
        *(bytes##count *)where = __builtin_convertvector(at, bytes##count);                        \
    }                                                                                              \
    INLINED void unwindow##count(const corners *k, const float *dy, const uint8_t *where,          \
                                 float *a)                                                         \
    {                                                                                              \
        const ints##count at = __builtin_convertvector(*(const bytes##count *)where, ints##count); \
        const ints##count gradient = *(const ints##count *)dy;                                     \
        /* From the last to the first: where corners coincide, the first one counts. */            \
        *(ints##count *)(a + k->down + k->right) = (at == 3) & gradient;                           \
        *(ints##count *)(a + k->down) = (at == 2) & gradient;                                      \
        *(ints##count *)(a + k->right) = (at == 1) & gradient;                                     \
        *(ints##count *)a = (at == 0) & gradient;                                                  \
    }
WINDOW_OF(16)
WINDOW_OF(8)

INLINED void pair_forward(const cnn_window *p, int lanes, int step, bool relu,
                          const float *restrict x, float *restrict y, uint8_t *restrict where)
{
    const size_t row = (size_t)p->in_w * (size_t)lanes;
    for (int oh = 0; oh < p->out_h; oh++) {
        for (int ow = 0; ow < p->out_w; ow++) {
            const corners k = corners_of(p, lanes, oh, ow);
            const float *a = x + (size_t)(2 * oh) * row + (size_t)(2 * ow) * (size_t)lanes;
            for (int i = 0; i < lanes; i += step) {
                if (step == 16)
                    window16(&k, relu, a + i, y + i, where + i);
                else if (step == 8)
                    window8(&k, relu, a + i, y + i, where + i);
                else
                    window_scalar(&k, relu, a + i, y + i, where + i);
            }
            y += lanes;
            where += lanes;
        }
    }
}

CNN_KERNEL void cnn_kernel_pool_2x2_forward(const cnn_window *p, int lanes, bool relu,
                                            const float *x, float *y, uint8_t *where)
{
    if (lanes == 16)
        pair_forward(p, 16, 16, relu, x, y, where);
    else if (lanes % 16 == 0)
        pair_forward(p, lanes, 16, relu, x, y, where);
    else if (lanes % 8 == 0)
        pair_forward(p, lanes, 8, relu, x, y, where);
    else
        pair_forward(p, lanes, 1, relu, x, y, where);
}

INLINED void unwindow_scalar(const corners *k, const float *dy, const uint8_t *where, float *a)
{
    a[k->down + k->right] = *where == 3 ? *dy : 0;
    a[k->down] = *where == 2 ? *dy : 0;
    a[k->right] = *where == 1 ? *dy : 0;
    a[0] = *where == 0 ? *dy : 0;
}

INLINED void pair_backward(const cnn_window *p, int lanes, int step, const float *restrict dy,
                           const uint8_t *restrict where, float *restrict dx)
{
    const size_t row = (size_t)p->in_w * (size_t)lanes;
    for (int oh = 0; oh < p->out_h; oh++) {
        for (int ow = 0; ow < p->out_w; ow++) {
            const corners k = corners_of(p, lanes, oh, ow);
            float *a = dx + (size_t)(2 * oh) * row + (size_t)(2 * ow) * (size_t)lanes;
            for (int i = 0; i < lanes; i += step) {
                if (step == 16)
                    unwindow16(&k, dy + i, where + i, a + i);
                else if (step == 8)
                    unwindow8(&k, dy + i, where + i, a + i);
                else
                    unwindow_scalar(&k, dy + i, where + i, a + i);
            }
            dy += lanes;
            where += lanes;
        }
    }
}

CNN_KERNEL void cnn_kernel_pool_2x2_backward(const cnn_window *p, int lanes, const float *dy,
                                             const uint8_t *where, float *dx)
{
    if (lanes == 16)
        pair_backward(p, 16, 16, dy, where, dx);
    else if (lanes % 16 == 0)
        pair_backward(p, lanes, 16, dy, where, dx);
    else if (lanes % 8 == 0)
        pair_backward(p, lanes, 8, dy, where, dx);
    else
        pair_backward(p, lanes, 1, dy, where, dx);
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
                where[i] = t.h0 * p->in_w + t.w0;
                y[i] = x[(size_t)where[i] * (size_t)lanes + (size_t)i];
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
