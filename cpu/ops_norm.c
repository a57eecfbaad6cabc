/* Batch normalisation. Over height, NHWC memory is read as [N, H, W*C] with H as the channels. */
#include "cpu/ops_internal.h"

#include <stdlib.h>

typedef struct {
    cnn_dnn_primitive *training, *inference, *backward;
} by_size;

struct cnn_batchnorm {
    cnn_ops *ops;
    int count;              /* statistics */
    float *mean, *variance; /* f32 [count], of the last forward_training */
    float *zeros;           /* f32 [count]: the shift, which backward does not depend on */
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

cnn_status cnn_batchnorm_forward_training(cnn_batchnorm *norm, int n, const float *x,
                                          const float *gamma, const float *beta,
                                          float *running_mean, float *running_variance, float *y)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(norm->ops, n, &i));
    CNN_TRY(CNN_DNN_RUN(&norm->ops->dnn, norm->sizes[i].training, x, y, gamma, beta, norm->mean,
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
