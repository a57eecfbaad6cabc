/* SPDX-License-Identifier: Apache-2.0 */
#include "emulation/convolution.h"

#include "emulation/numerics.h"

#include <cmath>
#include <vector>

namespace emulated
{

int64_t Tensor::extent() const
{
    int64_t last = 0;
    for (int i = 0; i < 4; i++)
        last += (dims[i] - 1) * strides[i];
    return last + 1;
}

int64_t Tensor::count() const
{
    return dims[0] * dims[1] * dims[2] * dims[3];
}

namespace
{

enum { N, C, H, W };

/* A tensor as [n][h][w][c], rounded as it is read. */
std::vector<float> pack(const Tensor &t, const Precision &p, const float *values)
{
    std::vector<float> out;
    out.reserve((size_t)t.count());
    for (int64_t n = 0; n < t.dims[N]; n++)
        for (int64_t h = 0; h < t.dims[H]; h++)
            for (int64_t w = 0; w < t.dims[W]; w++) {
                const float *at = values + n * t.strides[N] + h * t.strides[H] + w * t.strides[W];
                for (int64_t c = 0; c < t.dims[C]; c++) {
                    const float v = at[c * t.strides[C]];
                    out.push_back(p.mantissa < 23 ? round_mantissa(v, p.mantissa) : v);
                }
            }
    return out;
}

/* [rows][columns] -> [columns][rows] within each of count matrices. */
std::vector<float> transposed(const std::vector<float> &m, int64_t count, int64_t rows,
                              int64_t columns)
{
    std::vector<float> t(m.size());
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++)
                t[(size_t)((k * columns + j) * rows + i)] =
                    m[(size_t)((k * rows + i) * columns + j)];
    return t;
}

/* Weights [filter][tap][channel] -> [tap][channel][filter]. */
std::vector<float> filters_last(const std::vector<float> &w, int64_t filters, int64_t rest)
{
    return transposed(w, 1, filters, rest);
}

/* Weights [filter][tap][channel] -> [tap][filter][channel]. */
std::vector<float> taps_first(const std::vector<float> &w, int64_t filters, int64_t taps,
                              int64_t channels)
{
    std::vector<float> t(w.size());
    for (int64_t f = 0; f < filters; f++)
        for (int64_t k = 0; k < taps; k++)
            for (int64_t c = 0; c < channels; c++)
                t[(size_t)((k * filters + f) * channels + c)] =
                    w[(size_t)((f * taps + k) * channels + c)];
    return t;
}

/* Sums of one kind for one output vector. */
class Sums
{
  public:
    Sums(size_t n, bool single) : single_(single), wide_(single ? 0 : n), narrow_(single ? n : 0)
    {
    }
    void clear()
    {
        std::fill(wide_.begin(), wide_.end(), 0.0);
        std::fill(narrow_.begin(), narrow_.end(), 0.0f);
    }
    void add(size_t at, size_t n, float factor, const float *values)
    {
        if (!single_) {
            add_scaled(n, factor, values, wide_.data() + at);
            return;
        }
        float *sums = narrow_.data() + at;
        for (size_t i = 0; i < n; i++)
            sums[i] += factor * values[i];
    }
    double get(size_t i) const
    {
        return single_ ? (double)narrow_[i] : wide_[i];
    }

  private:
    bool single_;
    std::vector<double> wide_;
    std::vector<float> narrow_;
};

void put(const Convolution &c, const Precision &p, double sum, uint64_t index, float *to)
{
    float v = (float)(c.alpha * sum + (c.beta == 0.0f ? 0.0 : (double)c.beta * *to));
    if (p.disturbed && (index * 2654435761u + p.disturbed * 40503u) % 7 == 0)
        v = std::nextafterf(v, p.disturbed % 2 ? INFINITY : -INFINITY);
    *to = v;
}

/* Where tap k of output o reads: negative or beyond the size when on padding. */
int64_t tap_at(const Convolution &c, int axis, int64_t o, int64_t k)
{
    return o * c.stride[axis] - c.before[axis] + k * c.dilation[axis];
}

/* Runs visit(n, oh, ow, tap, h, w) over all taps inside the image. */
template <class F> void each_tap(const Convolution &c, int64_t n, int64_t oh, int64_t ow, F visit)
{
    for (int64_t r = 0; r < c.w.dims[H]; r++) {
        const int64_t h = tap_at(c, 0, oh, r);
        if (h < 0 || h >= c.x.dims[H])
            continue;
        for (int64_t s = 0; s < c.w.dims[W]; s++) {
            const int64_t w = tap_at(c, 1, ow, s);
            if (w >= 0 && w < c.x.dims[W])
                visit(r * c.w.dims[W] + s, (n * c.x.dims[H] + h) * c.x.dims[W] + w);
        }
    }
}

} // namespace

void convolve_forward(const Convolution &c, const Precision &p, const float *x, const float *w,
                      float *y)
{
    const int64_t filters = c.w.dims[N], channels = c.w.dims[C], taps = c.w.dims[H] * c.w.dims[W];
    const std::vector<float> px = pack(c.x, p, x);
    const std::vector<float> pw = filters_last(pack(c.w, p, w), filters, taps * channels);
    Sums sums((size_t)filters, p.single_sums);
    uint64_t index = 0;
    for (int64_t n = 0; n < c.y.dims[N]; n++)
        for (int64_t oh = 0; oh < c.y.dims[H]; oh++)
            for (int64_t ow = 0; ow < c.y.dims[W]; ow++) {
                sums.clear();
                each_tap(c, n, oh, ow, [&](int64_t tap, int64_t pixel) {
                    for (int64_t i = 0; i < channels; i++)
                        sums.add(0, (size_t)filters, px[(size_t)(pixel * channels + i)],
                                 &pw[(size_t)((tap * channels + i) * filters)]);
                });
                float *to = y + n * c.y.strides[N] + oh * c.y.strides[H] + ow * c.y.strides[W];
                for (int64_t f = 0; f < filters; f++)
                    put(c, p, sums.get((size_t)f), index++, to + f * c.y.strides[C]);
            }
}

void convolve_backward_data(const Convolution &c, const Precision &p, const float *dy,
                            const float *w, float *dx)
{
    const int64_t filters = c.w.dims[N], channels = c.w.dims[C], taps = c.w.dims[H] * c.w.dims[W];
    const std::vector<float> pd = pack(c.y, p, dy);
    const std::vector<float> pw = taps_first(pack(c.w, p, w), filters, taps, channels);
    const int64_t image = c.x.dims[H] * c.x.dims[W];
    Sums sums((size_t)(image * channels), p.single_sums);
    uint64_t index = 0;
    for (int64_t n = 0; n < c.x.dims[N]; n++) {
        sums.clear();
        for (int64_t oh = 0; oh < c.y.dims[H]; oh++)
            for (int64_t ow = 0; ow < c.y.dims[W]; ow++) {
                const int64_t from = ((n * c.y.dims[H] + oh) * c.y.dims[W] + ow) * filters;
                each_tap(c, n, oh, ow, [&](int64_t tap, int64_t pixel) {
                    for (int64_t f = 0; f < filters; f++)
                        sums.add((size_t)((pixel - n * image) * channels), (size_t)channels,
                                 pd[(size_t)(from + f)],
                                 &pw[(size_t)((tap * filters + f) * channels)]);
                });
            }
        for (int64_t pixel = 0; pixel < image; pixel++) {
            float *to = dx + n * c.x.strides[N] + pixel / c.x.dims[W] * c.x.strides[H] +
                        pixel % c.x.dims[W] * c.x.strides[W];
            for (int64_t i = 0; i < channels; i++)
                put(c, p, sums.get((size_t)(pixel * channels + i)), index++,
                    to + i * c.x.strides[C]);
        }
    }
}

void convolve_backward_filter(const Convolution &c, const Precision &p, const float *x,
                              const float *dy, float *dw)
{
    const int64_t filters = c.w.dims[N], channels = c.w.dims[C], taps = c.w.dims[H] * c.w.dims[W];
    const std::vector<float> px = pack(c.x, p, x), pd = pack(c.y, p, dy);
    Sums sums((size_t)(taps * channels * filters), p.single_sums); /* [tap][channel][filter] */
    sums.clear();
    for (int64_t n = 0; n < c.y.dims[N]; n++)
        for (int64_t oh = 0; oh < c.y.dims[H]; oh++)
            for (int64_t ow = 0; ow < c.y.dims[W]; ow++) {
                const float *from =
                    &pd[(size_t)(((n * c.y.dims[H] + oh) * c.y.dims[W] + ow) * filters)];
                each_tap(c, n, oh, ow, [&](int64_t tap, int64_t pixel) {
                    for (int64_t i = 0; i < channels; i++)
                        sums.add((size_t)((tap * channels + i) * filters), (size_t)filters,
                                 px[(size_t)(pixel * channels + i)], from);
                });
            }
    uint64_t index = 0;
    for (int64_t f = 0; f < filters; f++)
        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t i = 0; i < channels; i++)
                put(c, p, sums.get((size_t)((tap * channels + i) * filters + f)), index++,
                    dw + f * c.w.strides[N] + tap / c.w.dims[W] * c.w.strides[H] +
                        tap % c.w.dims[W] * c.w.strides[W] + i * c.w.strides[C]);
}

} // namespace emulated
