/* SPDX-License-Identifier: Apache-2.0 */
/* A network's last dense layer with few classes, and the loss. In the forward kernel a block
 * takes one image: from its logits it computes the gradient of its inputs, while the weights are
 * still in the cache. The backward kernel computes the sums over images, which only the update
 * waits for. */
#include "gpu/kernels/batch.cuh"
#include "gpu/kernels/kernels.h"
#include "gpu/kernels/launch.cuh"
#include "gpu/kernels/softmax.cuh"

enum { MAX_CLASSES = CNN_WARP }; /* a lane for each */
/* With more images cuBLAS's tiles fill the GPU as well. A block streams all weights, so its time
 * grows with their number. */
enum { MAX_IMAGES = 256, MAX_WEIGHTS = 1 << 16 };
enum { WARPS = 20, MAX_THREADS = MAX_CLASSES * CNN_WARP };

typedef cnn_gpu_classifier shape;

/* ---- forward ------------------------------------------------------------------------------- */

__device__ static inline float multiply_add(float a, float b, float sum)
{
    return fmaf(a, b, sum);
}

__device__ static inline float multiply_add(float4 a, float4 b, float sum)
{
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

__device__ static inline float4 multiply_add(float a, float4 b, float4 sum)
{
    return make_float4(fmaf(a, b.x, sum.x), fmaf(a, b.y, sum.y), fmaf(a, b.z, sum.z),
                       fmaf(a, b.w, sum.w));
}

/* Loads in flight of a lane. */
enum { AT_ONCE = 4 };

/* A warp's share of a row of x times a row of weights: its part of so many. */
template <class Values>
__device__ static inline float product(int columns, int part, int parts, int lane, const Values *x,
                                       const Values *weights)
{
    const int stride = parts * CNN_WARP;
    float sum = 0.0f;
#pragma unroll 1
    for (int from = part * CNN_WARP + lane; from < columns; from += AT_ONCE * stride) {
        Values a[AT_ONCE] = {}, b[AT_ONCE] = {};
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
            if (from + i * stride < columns) {
                a[i] = x[from + i * stride];
                b[i] = weights[from + i * stride];
            }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
            sum = multiply_add(a[i], b[i], sum);
    }
    return cnn_sum_of_warp(sum);
}

/* dx [columns] = gradients [classes] times weights [classes, columns]. */
template <class Values>
__device__ static inline void input_gradient(int classes, int columns, const float *gradients,
                                             const Values *weights, Values *dx)
{
    for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
        Values sum = {};
#pragma unroll 4
        for (int k = 0; k < classes; k++)
            sum = multiply_add(gradients[k], weights[(size_t)k * (size_t)columns + (size_t)i], sum);
        dx[i] = sum;
    }
}

/* Block: image; warps: [part, class]. Values: as many inputs as are loaded at once. */
template <class Values>
static __global__ void __launch_bounds__(MAX_THREADS, 1)
    forward(shape s, const Values *x, const Values *weights, const float *bias,
            cnn_gpu_labels labels, cnn_gpu_place *place, double *losses, float *dlogits, Values *dx)
{
    cnn_wait_for_previous();
    __shared__ float sums[MAX_CLASSES], logits[MAX_CLASSES], gradients[MAX_CLASSES];
    const int lane = (int)threadIdx.x % CNN_WARP, warp = (int)threadIdx.x / CNN_WARP;
    const int image = (int)blockIdx.x, parts = (int)blockDim.x / CNN_WARP / s.classes;
    const int columns = s.inputs / (int)(sizeof(Values) / sizeof(float));
    const int k = warp % s.classes;
    const int label = warp == 0 ? labels.labels[cnn_image_number(labels.batch, image)] : 0;
    const float sum =
        product(columns, warp / s.classes, parts, lane, x + (size_t)image * (size_t)columns,
                weights + (size_t)k * (size_t)columns);
    if (lane == 0)
        sums[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        if (lane < s.classes) {
            float z = bias[lane];
#pragma unroll 1
            for (int part = 0; part < parts; part++)
                z += sums[part * s.classes + lane];
            logits[lane] = z;
        }
        __syncwarp();
        const cnn_image_loss mine =
            cnn_loss_of_image(s.n, s.classes, logits, nullptr, label, lane, gradients);
        if (dlogits && lane < s.classes)
            dlogits[(size_t)image * (size_t)s.classes + (size_t)lane] = gradients[lane];
        if (lane == 0) {
            losses[image] = mine.loss;
            losses[s.n + image] = mine.wrong;
            if (place && image == 0)
                place->backward = place->forward; /* this kernel reads the latter alone */
        }
    }
    if (!dx)
        return;
    __syncthreads();
    input_gradient(s.classes, columns, gradients, weights, dx + (size_t)image * (size_t)columns);
}

/* ---- sums over images ---------------------------------------------------------------------- */

/* Counts, from losses and then errors [n], by the block's first warp; the bias's gradient, by its
 * last. */
__device__ static inline void add_images(shape s, const double *losses, const float *dlogits,
                                         float *dbias, cnn_gpu_place *place, bool steps,
                                         cnn_gpu_counts *counts)
{
    const int lane = (int)threadIdx.x % CNN_WARP, warp = (int)threadIdx.x / CNN_WARP;
    if (warp == 0) {
        double loss = 0.0, wrong = 0.0;
#pragma unroll 1
        for (int image = lane; image < s.n; image += CNN_WARP) {
            loss += losses[image];
            wrong += losses[s.n + image];
        }
        loss = cnn_sum_of_warp(loss);
        wrong = cnn_sum_of_warp(wrong);
        if (lane == 0)
            cnn_count_batch(counts, loss, (int64_t)wrong, s.n, place, steps);
    }
    if (dbias && warp == (int)blockDim.x / CNN_WARP - 1 && lane < s.classes)
        dbias[lane] = cnn_bias_gradient_of_class(s.n, s.classes, dlogits, lane);
}

static __global__ void count(shape s, const double *losses, cnn_gpu_place *place, bool steps,
                             cnn_gpu_counts *counts)
{
    cnn_wait_for_previous();
    add_images(s, losses, nullptr, nullptr, place, steps, counts);
}

/* Images that a block has at a time, as many for each of its warps. */
enum { EACH = 4, GROUPS = CNN_BLOCK / CNN_WARP, CHUNK = GROUPS * EACH };

/* A block: CNN_WARP inputs from first_column on; warps: images. Sums [warp, class, input], each its
 * thread's own. */
__device__ static inline void weights_gradient(shape s, int first_column, const float *x,
                                               const float *dlogits, float *sums, float *dweights)
{
    __shared__ float4
        gradients[MAX_CLASSES][GROUPS + 1]; /* [class, images]; one more: no conflicts */
    const int lane = (int)threadIdx.x % CNN_WARP, group = (int)threadIdx.x / CNN_WARP;
    const int column = first_column + lane;
    float *mine = sums + group * s.classes * CNN_WARP + lane;
    for (int first = 0; first < s.n; first += CHUNK) {
        float v[EACH];
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            const int image = first + group * EACH + i;
            v[i] = image < s.n && column < s.inputs
                       ? x[(size_t)image * (size_t)s.inputs + (size_t)column]
                       : 0.0f;
        }
        __syncthreads(); /* no thread reads the last images any more */
        for (int i = (int)threadIdx.x; i < CHUNK * s.classes; i += CNN_BLOCK) {
            const int image = i / s.classes, k = i % s.classes;
            reinterpret_cast<float *>(gradients[k])[image] =
                first + image < s.n
                    ? dlogits[(size_t)(first + image) * (size_t)s.classes + (size_t)k]
                    : 0.0f;
        }
        __syncthreads();
#pragma unroll 4
        for (int k = 0; k < s.classes; k++) {
            const float4 d = gradients[k][group];
            const float sum = first > 0 ? mine[k * CNN_WARP] : 0.0f;
            mine[k * CNN_WARP] =
                fmaf(d.w, v[3], fmaf(d.z, v[2], fmaf(d.y, v[1], fmaf(d.x, v[0], sum))));
        }
    }
    __syncthreads();
    for (int k = group; k < s.classes && column < s.inputs; k += GROUPS) {
        float sum = 0.0f;
        for (int g = 0; g < GROUPS; g++)
            sum += sums[(g * s.classes + k) * CNN_WARP + lane];
        dweights[(size_t)k * (size_t)s.inputs + (size_t)column] = sum;
    }
}

/* The first block sums over images; the others take inputs. */
static __global__ void __launch_bounds__(CNN_BLOCK)
    backward(shape s, const float *x, const double *losses, const float *dlogits, float *dweights,
             float *dbias, cnn_gpu_place *place, bool steps, cnn_gpu_counts *counts)
{
    cnn_wait_for_previous();
    float *sums = cnn_dynamic_shared<float>();
    if (blockIdx.x == 0)
        add_images(s, losses, dlogits, dbias, place, steps, counts);
    else
        weights_gradient(s, ((int)blockIdx.x - 1) * CNN_WARP, x, dlogits, sums, dweights);
}

/* ---- launchers ----------------------------------------------------------------------------- */

bool cnn_gpu_classifier_fits(shape s)
{
    return s.classes <= MAX_CLASSES && s.n <= MAX_IMAGES &&
           (int64_t)s.inputs * s.classes <= MAX_WEIGHTS;
}

static bool aligned(const void *p)
{
    return reinterpret_cast<uintptr_t>(p) % sizeof(float4) == 0;
}

/* Warps for each class: enough loads at a time, and none without inputs. */
static int parts_of(int classes, int columns)
{
    const int usual = classes < WARPS ? WARPS / classes : 1;
    const int most = (columns + CNN_WARP - 1) / CNN_WARP;
    return most < usual ? most : usual;
}

template <class Values>
static cudaError_t launch_forward(cudaStream_t stream, shape s, const float *x,
                                  const float *weights, const float *bias, cnn_gpu_labels labels,
                                  cnn_gpu_place *place, double *losses, float *dlogits, float *dx)
{
    const int columns = s.inputs / (int)(sizeof(Values) / sizeof(float));
    const unsigned threads = (unsigned)(s.classes * parts_of(s.classes, columns) * CNN_WARP);
    return cnn_launch(forward<Values>, (unsigned)s.n, threads, 0, stream, s,
                      reinterpret_cast<const Values *>(x),
                      reinterpret_cast<const Values *>(weights), bias, labels, place, losses,
                      dlogits, reinterpret_cast<Values *>(dx));
}

cudaError_t cnn_gpu_classifier_forward(cudaStream_t stream, shape s, const float *x,
                                       const float *weights, const float *bias,
                                       cnn_gpu_labels labels, cnn_gpu_place *place, double *losses,
                                       float *dlogits, float *dx)
{
    const bool fours = s.inputs % 4 == 0 && aligned(x) && aligned(weights) && aligned(dx);
    return (fours ? launch_forward<float4> : launch_forward<float>)(stream, s, x, weights, bias,
                                                                    labels, place, losses, dlogits,
                                                                    dx);
}

cudaError_t cnn_gpu_classifier_count(cudaStream_t stream, shape s, const double *losses,
                                     cnn_gpu_place *place, bool steps, cnn_gpu_counts *counts)
{
    return cnn_launch(count, 1, CNN_WARP, 0, stream, s, losses, place, steps, counts);
}

cudaError_t cnn_gpu_classifier_backward(cudaStream_t stream, shape s, const float *x,
                                        const double *losses, const float *dlogits, float *dweights,
                                        float *dbias, cnn_gpu_place *place, bool steps,
                                        cnn_gpu_counts *counts)
{
    const size_t shared = sizeof(float) * GROUPS * CNN_WARP * (size_t)s.classes;
    const unsigned blocks = 1 + (unsigned)(s.inputs + CNN_WARP - 1) / CNN_WARP;
    return cnn_launch(backward, blocks, CNN_BLOCK, shared, stream, s, x, losses, dlogits, dweights,
                      dbias, place, steps, counts);
}
