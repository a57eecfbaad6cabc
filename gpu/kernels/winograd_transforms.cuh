/* SPDX-License-Identifier: Apache-2.0 */
/** Transforms of Winograd's F(4, 5) and F(5, 4), in one dimension: written by
 * scripts/winograd_transforms.py, which derives them; not by hand. */
#ifndef CNN_GPU_KERNELS_WINOGRAD_TRANSFORMS_CUH
#define CNN_GPU_KERNELS_WINOGRAD_TRANSFORMS_CUH

/* clang-format off */

/* Values of an image. */
struct cnn_winograd_inputs {
    enum { IN = 8, OUT = 8 };
    __device__ static inline void apply(const float (&in)[IN], float (&out)[OUT])
    {
        out[0] = -in[0] + 5.25f * in[2] - 5.25f * in[4] + in[6];
        const float even1 = in[2] - 4.25f * in[4] + in[6];
        const float odd1 = in[1] - 4.25f * in[3] + in[5];
        out[1] = even1 + odd1;
        out[2] = even1 - odd1;
        const float even3 = 0.25f * in[2] - 1.25f * in[4] + in[6];
        const float odd3 = 0.25f * in[1] - 1.25f * in[3] + in[5];
        out[3] = even3 + 2.0f * odd3;
        out[4] = even3 - 2.0f * odd3;
        const float even5 = 4.0f * in[2] - 5.0f * in[4] + in[6];
        const float odd5 = 4.0f * in[1] - 5.0f * in[3] + in[5];
        out[5] = even5 + 0.5f * odd5;
        out[6] = even5 - 0.5f * odd5;
        out[7] = -in[1] + 5.25f * in[3] - 5.25f * in[5] + in[7];
    }
};

/* Taps of a filter. */
struct cnn_winograd_taps {
    enum { IN = 5, OUT = 8 };
    __device__ static inline void apply(const float (&in)[IN], float (&out)[OUT])
    {
        out[0] = -in[0];
        const float even1 = in[0] + in[2] + in[4];
        const float odd1 = in[1] + in[3];
        out[1] = -0.222222222f * even1 - 0.222222222f * odd1;
        out[2] = -0.222222222f * even1 + 0.222222222f * odd1;
        const float even3 = 0.0625f * in[0] + 0.25f * in[2] + in[4];
        const float odd3 = 0.25f * in[1] + in[3];
        out[3] = 0.177777778f * even3 + 0.0888888889f * odd3;
        out[4] = 0.177777778f * even3 - 0.0888888889f * odd3;
        const float even5 = 16.0f * in[0] + 4.0f * in[2] + in[4];
        const float odd5 = 4.0f * in[1] + in[3];
        out[5] = 0.0444444444f * even5 + 0.0888888889f * odd5;
        out[6] = 0.0444444444f * even5 - 0.0888888889f * odd5;
        out[7] = in[4];
    }
};

/* To results. */
struct cnn_winograd_results {
    enum { IN = 8, OUT = 4 };
    __device__ static inline void apply(const float (&in)[IN], float (&out)[OUT])
    {
        const float sum1 = in[1] + in[2];
        const float difference1 = in[1] - in[2];
        const float sum3 = in[3] + in[4];
        const float difference3 = in[3] - in[4];
        const float sum5 = in[5] + in[6];
        const float difference5 = in[5] - in[6];
        out[0] = in[0] + sum1 + sum3 + sum5;
        out[1] = difference1 + 2.0f * difference3 + 0.5f * difference5;
        out[2] = sum1 + 4.0f * sum3 + 0.25f * sum5;
        out[3] = difference1 + 8.0f * difference3 + 0.125f * difference5 + in[7];
    }
};

/* Gradients of results. */
struct cnn_winograd_gradients {
    enum { IN = 4, OUT = 8 };
    __device__ static inline void apply(const float (&in)[IN], float (&out)[OUT])
    {
        out[0] = -in[0];
        const float even1 = in[0] + in[2];
        const float odd1 = in[1] + in[3];
        out[1] = -0.222222222f * even1 - 0.222222222f * odd1;
        out[2] = -0.222222222f * even1 + 0.222222222f * odd1;
        const float even3 = 0.25f * in[0] + in[2];
        const float odd3 = 0.25f * in[1] + in[3];
        out[3] = 0.0444444444f * even3 + 0.0888888889f * odd3;
        out[4] = 0.0444444444f * even3 - 0.0888888889f * odd3;
        const float even5 = 4.0f * in[0] + in[2];
        const float odd5 = 4.0f * in[1] + in[3];
        out[5] = 0.177777778f * even5 + 0.0888888889f * odd5;
        out[6] = 0.177777778f * even5 - 0.0888888889f * odd5;
        out[7] = in[3];
    }
};

/* To the gradient of the taps. */
struct cnn_winograd_gradient {
    enum { IN = 8, OUT = 5 };
    __device__ static inline void apply(const float (&in)[IN], float (&out)[OUT])
    {
        const float sum1 = in[1] + in[2];
        const float difference1 = in[1] - in[2];
        const float sum3 = in[3] + in[4];
        const float difference3 = in[3] - in[4];
        const float sum5 = in[5] + in[6];
        const float difference5 = in[5] - in[6];
        out[0] = in[0] + sum1 + sum3 + sum5;
        out[1] = difference1 + 2.0f * difference3 + 0.5f * difference5;
        out[2] = sum1 + 4.0f * sum3 + 0.25f * sum5;
        out[3] = difference1 + 8.0f * difference3 + 0.125f * difference5;
        out[4] = sum1 + 16.0f * sum3 + 0.0625f * sum5 + in[7];
    }
};

/* clang-format on */

#endif
