/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions by Winograd's minimal filtering: transforms (winograd.cu), and between them one
 * batch of cuBLAS's products. Products are in single precision under TF32 as well, as the
 * transforms would amplify TF32's rounding beyond its tolerance. cuBLAS is column-major: a
 * row-major [n, k] is its k x n. */
#include "gpu/convolution/winograd.h"

#include "gpu/device/internal.h"

enum { POINTS = CNN_GPU_WINOGRAD_POINTS };

/* A matrix product for every point, column-major: result [n, m] = second [n, k] first. */
typedef struct {
    cublasOperation_t first_as, second_as;
    int m, n, k, batches;
    const float *first, *second;
    int first_ld, second_ld;
    float *result;
} batch_of_products;

static cnn_status set_math(cnn_ops *ops, cublasMath_t math)
{
    cnn_status st = CNN_OK;
    if (ops->config.precision == CNN_PRECISION_TF32)
        CNN_CUBLAS(cublasSetMathMode(ops->current.cublas, math));
done:
    return st;
}

static cnn_status multiply(cnn_ops *ops, batch_of_products p)
{
    static const float one = 1, zero = 0;
    cnn_status st = CNN_OK;
    CNN_TRY(set_math(ops, CUBLAS_DEFAULT_MATH));
    const cublasStatus_t product = cublasSgemmStridedBatched(
        cnn_cuda_cublas(ops), p.first_as, p.second_as, p.m, p.n, p.k, &one, p.first, p.first_ld,
        (long long)p.m * p.k, p.second, p.second_ld, (long long)p.k * p.n, &zero, p.result, p.m,
        (long long)p.m * p.n, p.batches);
    CNN_TRY(set_math(ops, CUBLAS_TF32_TENSOR_OP_MATH)); /* even if the product failed */
    CNN_CUBLAS(product);
done:
    return st;
}

/* ---- forward, gradient of the data --------------------------------------------------------- */

/* The direction's input has `from` channels, its result `to`. */
static int from_channels(const cnn_conv_problem *p)
{
    return p->direction == CNN_CONV_BACKWARD_DATA ? p->shape.out_c : p->shape.c;
}

static int to_channels(const cnn_conv_problem *p)
{
    return p->direction == CNN_CONV_BACKWARD_DATA ? p->shape.c : p->shape.out_c;
}

/* filters [64, out_c, c], data [64, tiles, from], products [64, tiles, to] */
static cnn_status run_data(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,
                           float *workspace)
{
    cnn_status st = CNN_OK;
    const bool back = p->direction == CNN_CONV_BACKWARD_DATA;
    const cnn_gpu_tiles t = cnn_gpu_winograd_tiles(p->shape, 1);
    const int from = from_channels(p), to = to_channels(p), c = p->shape.c;
    float *filters = workspace, *data = filters + (size_t)POINTS * (size_t)from * (size_t)to;
    float *products = data + (size_t)POINTS * (size_t)t.count * (size_t)from;
    CNN_CUDA(cnn_gpu_winograd_data_and_filters(ops->current.stream, t, from, o.first, data, to,
                                               back, o.second, filters));
    CNN_TRY(multiply(ops, (batch_of_products){.first_as = back ? CUBLAS_OP_N : CUBLAS_OP_T,
                                              .second_as = CUBLAS_OP_N,
                                              .m = to,
                                              .n = t.count,
                                              .k = from,
                                              .batches = POINTS,
                                              .first = filters,
                                              .first_ld = c,
                                              .second = data,
                                              .second_ld = from,
                                              .result = products}));
    if (p->direction == CNN_CONV_FORWARD_POOL)
        CNN_CUDA(cnn_gpu_winograd_pooled(ops->current.stream, t, to, products, o.bias, p->relu,
                                         o.result, o.mask));
    else
        CNN_CUDA(cnn_gpu_winograd_results(
            ops->current.stream, t, to, products,
            p->direction == CNN_CONV_FORWARD_BIAS_RELU ? o.bias : NULL, o.result));
done:
    return st;
}

/* ---- gradient of the weights --------------------------------------------------------------- */

/* 64 sums over tiles are too few for devices with more multiprocessors, so each is cut into
 * parts of at least this many tiles. */
enum { TILES_A_PART = 128, MOST_PARTS = 4 };

static int parts_of(const cnn_conv_problem *p)
{
    const int parts = cnn_gpu_winograd_tiles(p->shape, 1).count / TILES_A_PART;
    return parts < 1 ? 1 : parts > MOST_PARTS ? MOST_PARTS : parts;
}

/* gradients [64, tiles, out_c], data [64, tiles, c], products [64, parts, out_c, c] */
static cnn_status run_weights(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o,
                              float *workspace)
{
    cnn_status st = CNN_OK;
    const int parts = parts_of(p), c = p->shape.c, out_c = p->shape.out_c;
    const cnn_gpu_tiles t = cnn_gpu_winograd_tiles(p->shape, parts);
    float *gradients = workspace,
          *data = gradients + (size_t)POINTS * (size_t)t.count * (size_t)out_c;
    float *products = data + (size_t)POINTS * (size_t)t.count * (size_t)c;
    CNN_CUDA(cnn_gpu_winograd_data_and_gradients(ops->current.stream, t, c, o.first, data, out_c,
                                                 o.second, gradients));
    CNN_TRY(multiply(ops, (batch_of_products){.first_as = CUBLAS_OP_N,
                                              .second_as = CUBLAS_OP_T,
                                              .m = c,
                                              .n = out_c,
                                              .k = t.count / parts,
                                              .batches = POINTS * parts,
                                              .first = data,
                                              .first_ld = c,
                                              .second = gradients,
                                              .second_ld = out_c,
                                              .result = products}));
    CNN_CUDA(cnn_gpu_winograd_gradient(ops->current.stream, c, out_c, parts, products, o.result));
done:
    return st;
}

/* ---- the candidate ------------------------------------------------------------------------- */

/* A tile has whole windows of such a pool. */
static bool pools(const cnn_conv_problem *p)
{
    const cnn_gpu_windows *w = &p->pool;
    return w->kernel == 2 && w->stride == 2 && w->pad_top == 0 && w->pad_left == 0 &&
           w->h == p->shape.out_h && w->w == p->shape.out_w && cnn_gpu_windows_tile(*w);
}

static bool fits(const cnn_conv_problem *p)
{
    return cnn_gpu_winograd_fits(p->shape) && (p->direction != CNN_CONV_FORWARD_POOL || pools(p));
}

static size_t workspace_bytes(const cnn_conv_problem *p)
{
    const bool weights = p->direction == CNN_CONV_BACKWARD_WEIGHTS;
    const int parts = weights ? parts_of(p) : 1;
    const size_t tiles = (size_t)cnn_gpu_winograd_tiles(p->shape, parts).count;
    const size_t c = (size_t)p->shape.c, out_c = (size_t)p->shape.out_c;
    return POINTS * sizeof(float) * (tiles * (c + out_c) + (size_t)parts * c * out_c);
}

static cnn_status run(cnn_ops *ops, const cnn_conv_problem *p, cnn_conv_operands o, void *workspace)
{
    return p->direction == CNN_CONV_BACKWARD_WEIGHTS ? run_weights(ops, p, o, workspace)
                                                     : run_data(ops, p, o, workspace);
}

const cnn_own_convolution cnn_winograd_convolution = {"winograd", fits, workspace_bytes, run};
