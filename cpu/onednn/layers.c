/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, batch normalisation and reorders: the primitives without weights. */
#include "cpu/onednn/internal.h"

static dnnl_alg_kind_t pool_algorithm(bool maximum)
{
    return maximum ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
}

static dnnl_prop_kind_t kind_of(bool training)
{
    return training ? dnnl_forward_training : dnnl_forward_inference;
}

static unsigned norm_flags(bool training)
{
    return (unsigned)dnnl_use_scale | (unsigned)dnnl_use_shift |
           (training ? 0u : (unsigned)dnnl_use_global_stats);
}

#if DNNL_VERSION_MAJOR >= 3

static const dnnl_dims_t no_dilation = {0, 0};

static dnnl_status_t describe_pool(cnn_dnn *d, const cnn_dnn_geometry *g, bool maximum,
                                   bool training, const cnn_dnn_layout *src,
                                   const cnn_dnn_layout *dst, dnnl_primitive_desc_t *out)
{
    return dnnl_pooling_forward_primitive_desc_create(
        out, d->engine, kind_of(training), pool_algorithm(maximum), cnn_dnn_view(src),
        cnn_dnn_view(dst), g->stride, g->window, no_dilation, g->before, g->after, NULL);
}

static dnnl_status_t describe_pool_backward(cnn_dnn *d, const cnn_dnn_geometry *g, bool maximum,
                                            const cnn_dnn_layout *src, const cnn_dnn_layout *dst,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_desc_t *out)
{
    return dnnl_pooling_backward_primitive_desc_create(
        out, d->engine, pool_algorithm(maximum), cnn_dnn_view(src), cnn_dnn_view(dst), g->stride,
        g->window, no_dilation, g->before, g->after, forward, NULL);
}

static dnnl_status_t describe_norm(cnn_dnn *d, bool training, double epsilon,
                                   const cnn_dnn_layout *layout, dnnl_primitive_desc_t *out)
{
    const cnn_dnn_md md = cnn_dnn_view(layout);
    return dnnl_batch_normalization_forward_primitive_desc_create(
        out, d->engine, kind_of(training), md, md, (float)epsilon, norm_flags(training), NULL);
}

static dnnl_status_t describe_norm_backward(cnn_dnn *d, double epsilon,
                                            const cnn_dnn_layout *layout,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_desc_t *out)
{
    const cnn_dnn_md md = cnn_dnn_view(layout);
    return dnnl_batch_normalization_backward_primitive_desc_create(
        out, d->engine, dnnl_backward, md, md, md, (float)epsilon, norm_flags(true), forward, NULL);
}

#else /* version 2: first the operation, then the primitive */

static dnnl_status_t describe_pool(cnn_dnn *d, const cnn_dnn_geometry *g, bool maximum,
                                   bool training, const cnn_dnn_layout *src,
                                   const cnn_dnn_layout *dst, dnnl_primitive_desc_t *out)
{
    dnnl_pooling_desc_t op;
    const dnnl_status_t status = dnnl_pooling_forward_desc_init(
        &op, kind_of(training), pool_algorithm(maximum), cnn_dnn_view(src), cnn_dnn_view(dst),
        g->stride, g->window, g->before, g->after);
    return status ? status : dnnl_primitive_desc_create(out, &op, NULL, d->engine, NULL);
}

static dnnl_status_t describe_pool_backward(cnn_dnn *d, const cnn_dnn_geometry *g, bool maximum,
                                            const cnn_dnn_layout *src, const cnn_dnn_layout *dst,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_desc_t *out)
{
    dnnl_pooling_desc_t op;
    const dnnl_status_t status = dnnl_pooling_backward_desc_init(
        &op, pool_algorithm(maximum), cnn_dnn_view(src), cnn_dnn_view(dst), g->stride, g->window,
        g->before, g->after);
    return status ? status : dnnl_primitive_desc_create(out, &op, NULL, d->engine, forward);
}

static dnnl_status_t describe_norm(cnn_dnn *d, bool training, double epsilon,
                                   const cnn_dnn_layout *layout, dnnl_primitive_desc_t *out)
{
    dnnl_batch_normalization_desc_t op;
    const dnnl_status_t status = dnnl_batch_normalization_forward_desc_init(
        &op, kind_of(training), cnn_dnn_view(layout), (float)epsilon, norm_flags(training));
    return status ? status : dnnl_primitive_desc_create(out, &op, NULL, d->engine, NULL);
}

static dnnl_status_t describe_norm_backward(cnn_dnn *d, double epsilon,
                                            const cnn_dnn_layout *layout,
                                            const_dnnl_primitive_desc_t forward,
                                            dnnl_primitive_desc_t *out)
{
    dnnl_batch_normalization_desc_t op;
    const cnn_dnn_md md = cnn_dnn_view(layout);
    const dnnl_status_t status = dnnl_batch_normalization_backward_desc_init(
        &op, dnnl_backward, md, md, (float)epsilon, norm_flags(true));
    return status ? status : dnnl_primitive_desc_create(out, &op, NULL, d->engine, forward);
}

#endif

cnn_status cnn_dnn_pool_forward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g,
                                bool maximum, bool training, const cnn_dnn_layout *src,
                                const cnn_dnn_layout *dst, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    const int args[] = {DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WORKSPACE};
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name,
                 describe_pool(d, g, maximum, training, src, dst, &desc));
    CNN_TRY(cnn_dnn_build(d, name, desc, maximum && training ? 3 : 2, args, out));
done:
    return st;
}

cnn_status cnn_dnn_pool_backward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g,
                                 bool maximum, const cnn_dnn_layout *diff_src,
                                 const cnn_dnn_layout *diff_dst, const cnn_dnn_primitive *forward,
                                 cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    const int args[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC, DNNL_ARG_WORKSPACE};
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name,
                 describe_pool_backward(d, g, maximum, diff_src, diff_dst, forward->desc, &desc));
    CNN_TRY(cnn_dnn_build(d, name, desc, maximum ? 3 : 2, args, out));
done:
    return st;
}

cnn_status cnn_dnn_norm_forward(cnn_dnn *d, const char *name, bool training, double epsilon,
                                const cnn_dnn_layout *layout, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name, describe_norm(d, training, epsilon, layout, &desc));
    CNN_TRY(CNN_DNN_BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_SCALE,
                          DNNL_ARG_SHIFT, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE));
done:
    return st;
}

cnn_status cnn_dnn_norm_backward(cnn_dnn *d, const char *name, double epsilon,
                                 const cnn_dnn_layout *layout, const cnn_dnn_primitive *forward,
                                 cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    const int args[] = {DNNL_ARG_SRC,        DNNL_ARG_DIFF_DST,   DNNL_ARG_SCALE,
                        DNNL_ARG_MEAN,       DNNL_ARG_VARIANCE,   DNNL_ARG_DIFF_SRC,
                        DNNL_ARG_DIFF_SCALE, DNNL_ARG_DIFF_SHIFT, DNNL_ARG_SHIFT};
    /* Version 2 requires the shift, although no gradient depends on it; version 3 rejects it. */
    const int count = DNNL_VERSION_MAJOR >= 3 ? 8 : 9;
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name,
                 describe_norm_backward(d, epsilon, layout, forward->desc, &desc));
    CNN_TRY(cnn_dnn_build(d, name, desc, count, args, out));
done:
    return st;
}

cnn_status cnn_dnn_reorder(cnn_dnn *d, const char *name, const cnn_dnn_layout *from,
                           const cnn_dnn_layout *to, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
    CNN_DNN_CALL("primitive descriptor", name,
                 dnnl_reorder_primitive_desc_create(&desc, cnn_dnn_view(from), d->engine,
                                                    cnn_dnn_view(to), d->engine, NULL));
    CNN_TRY(CNN_DNN_BUILD(d, name, desc, out, DNNL_ARG_FROM, DNNL_ARG_TO));
done:
    return st;
}
