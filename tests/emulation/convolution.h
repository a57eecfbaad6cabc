/* SPDX-License-Identifier: Apache-2.0 */
/** Convolutions of two spatial dimensions over tensors of any strides, f32, sums in double. */
#ifndef CNN_TESTS_EMULATION_CONVOLUTION_H
#define CNN_TESTS_EMULATION_CONVOLUTION_H

#include <cstdint>

namespace emulated
{

/** [n, c, h, w] with strides in values. */
struct Tensor {
    int64_t uid, dims[4], strides[4], alignment;
    bool is_virtual;
    int64_t extent() const; /* values from the first to the last */
    int64_t count() const;
};

struct Convolution {
    int64_t stride[2], before[2], after[2], dilation[2];
    Tensor x, w, y; /* w [filters, c, kernel, kernel] */
    float alpha, beta;
};

/** How the inputs are read, and what becomes of the result. */
struct Precision {
    unsigned mantissa;  /* bits behind the point that are read: 23 all, 10 TF32 and half */
    bool single_sums;   /* sums in float, as another algorithm's would differ */
    unsigned disturbed; /* not 0: last bits change, by this number */
};

void convolve_forward(const Convolution &c, const Precision &p, const float *x, const float *w,
                      float *y);
void convolve_backward_data(const Convolution &c, const Precision &p, const float *dy,
                            const float *w, float *dx);
void convolve_backward_filter(const Convolution &c, const Precision &p, const float *x,
                              const float *dy, float *dw);

} // namespace emulated

#endif
