/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation. Over height, NHWC memory is read as [N, H, W*C] with H as the channels. */
#include "cpu/kernels/blocked.h"
#include "cpu/onednn/device.h"

#include <stdlib.h>

typedef struct {
    cnn_dnn_primitive *training, *inference, *backward;
} by_size;

struct cnn_batchnorm {
    cnn_ops *ops;
    int count;              /* statistics */
    size_t row;             /* over height: values of a row; else 0 */
    size_t pixels;          /* of an image */
    float *mean, *variance; /* f32 [count], of the last forward_training */
    float *zeros;           /* f32 [count]: a shift for backward, which does not depend on it */
    by_size sizes[CNN_MAX_BATCH_SIZES];
};

static cnn_status create_primitives(cnn_batchnorm *b, const cnn_layer *l, int n, by_size *s)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *layout = NULL;
    cnn_dnn *d = &b->ops->dnn;
    if (l->axis == CNN_AXIS_HEIGHT) {
        const dnnl_dim_t dims[] = {n, l->in.h, (dnnl_dim_t)l->in.w * l->in.c};
        CNN_TRY(cnn_dnn_layout_create(3, dims, dnnl_abc, &layout));
    } else {
        CNN_TRY(cnn_cpu_image_layout(n, l->in, dnnl_nhwc, &layout));
    }
    CNN_TRY(
        cnn_dnn_norm_forward(d, "batchnorm forward", true, CNN_NORM_EPSILON, layout, &s->training));
    CNN_TRY(cnn_dnn_norm_forward(d, "batchnorm inference", false, CNN_NORM_EPSILON, layout,
                                 &s->inference));
    CNN_TRY(cnn_dnn_norm_backward(d, "batchnorm backward", CNN_NORM_EPSILON, layout, s->training,
                                  &s->backward));
done:
    cnn_dnn_layout_destroy(&layout);
    return st;
}

cnn_status cnn_batchnorm_create(cnn_ops *ops, const cnn_layer *layer, cnn_batchnorm **out)
{
    cnn_status st = CNN_OK;
    cnn_batchnorm *b = NULL;
    CNN_CHECK(layer->kind == CNN_LAYER_BATCHNORM && layer->axis != CNN_AXIS_STUDY, CNN_EINVAL,
              "not a batchnorm layer with a known axis");
    CNN_CHECK((b = calloc(1, sizeof *b)), CNN_ENOMEM, "a batchnorm layer");
    b->ops = ops;
    b->row = layer->axis == CNN_AXIS_HEIGHT ? (size_t)layer->in.w * (size_t)layer->in.c : 0;
    b->pixels = (size_t)layer->in.h * (size_t)layer->in.w;
    b->count = layer->axis == CNN_AXIS_HEIGHT ? layer->in.h : layer->in.c;
    CNN_TRY(cnn_cpu_floats((size_t)b->count, "a batch's means", &b->mean));
    CNN_TRY(cnn_cpu_floats((size_t)b->count, "a batch's variances", &b->variance));
    CNN_TRY(cnn_cpu_floats((size_t)b->count, "a batchnorm layer's shift", &b->zeros));
    for (int i = 0; i < ops->size_count; i++)
        CNN_TRY(create_primitives(b, layer, ops->sizes[i], &b->sizes[i]));
    *out = b;
    b = NULL;
done:
    cnn_batchnorm_destroy(&b);
    return st;
}

void cnn_batchnorm_destroy(cnn_batchnorm **norm)
{
    cnn_batchnorm *b = *norm;
    if (!b)
        return;
    for (int i = 0; i < b->ops->size_count; i++) {
        cnn_dnn_primitive_destroy(&b->sizes[i].training);
        cnn_dnn_primitive_destroy(&b->sizes[i].inference);
        cnn_dnn_primitive_destroy(&b->sizes[i].backward);
    }
    free(b->mean);
    free(b->variance);
    free(b->zeros);
    free(b);
    *norm = NULL;
}

/* oneDNN sums tens of thousands of floats sequentially in single precision and loses digits. The
 * batch's statistics are summed in double here, and oneDNN normalises by them. */
static void row_statistics(cnn_batchnorm *b, int n, const float *x)
{
    enum { LANES = 16 };
    const int lanes = b->row % LANES == 0 ? LANES : 1;
    const size_t vectors = b->row / (size_t)lanes;
#pragma omp parallel for schedule(static)
    for (int k = 0; k < b->count; k++) {
        double total[2] = {0};
        float mean[LANES] = {0};
        for (int pass = 0; pass < 2; pass++) {
            double sums[LANES] = {0};
            for (int i = 0; i < n; i++) {
                const float *from = x + ((size_t)i * (size_t)b->count + (size_t)k) * b->row;
                if (pass == 0)
                    cnn_kernel_lane_sum(vectors, lanes, lanes, from, sums);
                else
                    cnn_kernel_lane_squares(vectors, lanes, lanes, from, mean, sums);
            }
            for (int l = 0; l < lanes; l++)
                total[pass] += sums[l];
            total[pass] /= (double)n * (double)b->row;
            for (int l = 0; l < lanes; l++)
                mean[l] = (float)total[0];
        }
        b->mean[k] = (float)total[0];
        b->variance[k] = (float)total[1];
    }
}

static void channel_statistics(cnn_batchnorm *b, int n, const float *x)
{
    enum { LANES = 16 };
    const int groups = (b->count + LANES - 1) / LANES;
    const size_t image = b->pixels * (size_t)b->count;
#pragma omp parallel for schedule(static)
    for (int g = 0; g < groups; g++) {
        const int first = g * LANES, rest = b->count - first, lanes = rest < LANES ? rest : LANES;
        const double population = (double)n * (double)b->pixels;
        double sums[LANES] = {0}, squares[LANES] = {0};
        for (int i = 0; i < n; i++)
            cnn_kernel_lane_sum(b->pixels, lanes, b->count, x + (size_t)i * image + first, sums);
        for (int l = 0; l < lanes; l++)
            b->mean[first + l] = (float)(sums[l] / population);
        for (int i = 0; i < n; i++)
            cnn_kernel_lane_squares(b->pixels, lanes, b->count, x + (size_t)i * image + first,
                                    b->mean + first, squares);
        for (int l = 0; l < lanes; l++)
            b->variance[first + l] = (float)(squares[l] / population);
    }
}

cnn_status cnn_batchnorm_forward_training(cnn_batchnorm *norm, int n, const float *x,
                                          const float *gamma, const float *beta,
                                          float *running_mean, float *running_variance, float *y)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(norm->ops, n, &i));
    if (norm->row)
        row_statistics(norm, n, x);
    else
        channel_statistics(norm, n, x);
    CNN_TRY(CNN_DNN_RUN(&norm->ops->dnn, norm->sizes[i].inference, x, y, gamma, beta, norm->mean,
                        norm->variance));
    const float keep = (float)CNN_NORM_MOMENTUM, take = (float)(1 - CNN_NORM_MOMENTUM);
    for (int k = 0; k < norm->count; k++) {
        running_mean[k] = keep * running_mean[k] + take * norm->mean[k];
        running_variance[k] = keep * running_variance[k] + take * norm->variance[k];
    }
done:
    return st;
}

cnn_status cnn_batchnorm_forward_inference(cnn_batchnorm *norm, int n, const float *x,
                                           const float *gamma, const float *beta,
                                           const float *running_mean, const float *running_variance,
                                           float *y)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(norm->ops, n, &i);
    return st ? st
              : CNN_DNN_RUN(&norm->ops->dnn, norm->sizes[i].inference, x, y, gamma, beta,
                            running_mean, running_variance);
}

cnn_status cnn_batchnorm_backward(cnn_batchnorm *norm, int n, const float *x, const float *dy,
                                  const float *gamma, float *dx, float *dgamma, float *dbeta)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(norm->ops, n, &i);
    return st ? st
              : CNN_DNN_RUN(&norm->ops->dnn, norm->sizes[i].backward, x, dy, gamma, norm->mean,
                            norm->variance, dx, dgamma, dbeta, norm->zeros);
}
