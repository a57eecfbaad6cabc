/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/onednn/weighted.h"

#include <stdlib.h>

/* ---- layouts ------------------------------------------------------------------------------- */

/* The description of one batch size's primitives. */
typedef struct {
    cnn_dnn_layout *src, *dst, *any_weights;
} layouts;

static void destroy_layouts(layouts *l)
{
    cnn_dnn_layout_destroy(&l->src);
    cnn_dnn_layout_destroy(&l->dst);
    cnn_dnn_layout_destroy(&l->any_weights);
}

/* n images, or vectors, which have rank 2 as oneDNN's kernels require. */
static cnn_status images_layout(int n, cnn_shape shape, dnnl_format_tag_t tag, cnn_dnn_layout **out)
{
    if (tag == dnnl_nc)
        return cnn_dnn_layout_create(2, (const dnnl_dim_t[]){n, cnn_shape_size(shape)}, tag, out);
    return cnn_cpu_image_layout(n, shape, tag, out);
}

/* canonical: [O,I,H,W] ([O,I] over vectors); otherwise what oneDNN chooses. */
static cnn_status weights_layout(const cnn_weighted_spec *spec, bool canonical,
                                 cnn_dnn_layout **out)
{
    const cnn_layer *l = spec->layer;
    const bool conv = l->kind == CNN_LAYER_CONV2D;
    const cnn_shape of_one = conv ? (cnn_shape){l->kernel, l->kernel, l->in.c} : l->in;
    if (spec->src == dnnl_nc)
        return cnn_dnn_layout_create(2, (const dnnl_dim_t[]){l->out.c, cnn_shape_size(l->in)},
                                     canonical ? dnnl_nc : dnnl_format_tag_any, out);
    return cnn_cpu_image_layout(l->out.c, of_one, canonical ? dnnl_nchw : dnnl_format_tag_any, out);
}

static cnn_status create_layouts(const cnn_weighted_spec *spec, int n, layouts *l)
{
    cnn_status st = CNN_OK;
    CNN_TRY(images_layout(n, spec->layer->in, spec->src, &l->src));
    CNN_TRY(images_layout(n, spec->layer->out, spec->dst, &l->dst));
    CNN_TRY(weights_layout(spec, false, &l->any_weights));
done:
    return st;
}

/* ---- creation ------------------------------------------------------------------------------ */

static void destroy_side(cnn_weighted_side *side)
{
    cnn_dnn_primitive_destroy(&side->reorder);
    free(side->buffer);
    side->buffer = NULL;
}

/* For argument `arg` of p. into: from the weights' layout to its own; otherwise back. */
static cnn_status create_side(cnn_weighted *w, const char *name, const cnn_dnn_primitive *p,
                              int arg, bool into, cnn_weighted_side *side)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *own = NULL;
    CNN_TRY(cnn_dnn_primitive_layout(p, arg, &own));
    if (cnn_dnn_layout_equal(w->weights, own))
        goto done;
    CNN_TRY(cnn_dnn_reorder(&w->ops->dnn, name, into ? w->weights : own, into ? own : w->weights,
                            &side->reorder));
    CNN_TRY(cnn_cpu_alloc(cnn_dnn_layout_bytes(own), name, &side->buffer));
done:
    cnn_dnn_layout_destroy(&own);
    return st;
}

static cnn_status create_backward(cnn_weighted *w, const cnn_dnn_weighted *description,
                                  bool input_gradient, cnn_weighted_primitives *p)
{
    cnn_status st = CNN_OK;
    cnn_dnn *d = &w->ops->dnn;
    CNN_TRY(cnn_dnn_weighted_backward_weights(d, description, p->forward, &p->backward_weights));
    CNN_TRY(create_side(w, "weights' gradient", p->backward_weights, DNNL_ARG_DIFF_WEIGHTS, false,
                        &p->gradient));
    if (!input_gradient)
        goto done;
    CNN_TRY(cnn_dnn_weighted_backward_data(d, description, p->forward, &p->backward_data));
    CNN_TRY(create_side(w, "weights for backward_data", p->backward_data, DNNL_ARG_WEIGHTS, true,
                        &p->data_weights));
done:
    return st;
}

static cnn_status create_size(cnn_weighted *w, const cnn_weighted_spec *spec, int n,
                              cnn_weighted_primitives *p)
{
    cnn_status st = CNN_OK;
    const bool conv = spec->layer->kind == CNN_LAYER_CONV2D;
    const cnn_dnn_geometry geometry = conv ? cnn_cpu_geometry(spec->layer) : (cnn_dnn_geometry){0};
    layouts l = {0};
    CNN_TRY(create_layouts(spec, n, &l));
    cnn_dnn_weighted description = {
        .name = cnn_layer_kind_name(spec->layer->kind),
        .geometry = conv ? &geometry : NULL,
        .relu = spec->relu,
        .src = l.src,
        .weights = w->weights ? w->weights : l.any_weights,
        .bias = w->bias,
        .dst = l.dst,
    };
    CNN_TRY(cnn_dnn_weighted_forward(&w->ops->dnn, &description, &p->forward));
    if (!w->weights)
        CNN_TRY(cnn_dnn_primitive_layout(p->forward, DNNL_ARG_WEIGHTS, &w->weights));
    description.weights = l.any_weights;
    if (spec->backward)
        CNN_TRY(create_backward(w, &description, spec->input_gradient, p));
done:
    destroy_layouts(&l);
    return st;
}

cnn_status cnn_weighted_create(cnn_ops *ops, const cnn_weighted_spec *spec, int size_count,
                               cnn_weighted *w)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *canonical = NULL;
    w->ops = ops;
    CNN_TRY(cnn_dnn_layout_create(1, (const dnnl_dim_t[]){spec->layer->out.c}, dnnl_a, &w->bias));
    for (int i = 0; i < size_count; i++)
        CNN_TRY(create_size(w, spec, ops->sizes[i], &w->sizes[i]));
    CNN_TRY(weights_layout(spec, true, &canonical));
    CNN_TRY(cnn_dnn_reorder(&ops->dnn, "weights' import", canonical, w->weights, &w->import));
    CNN_TRY(cnn_dnn_reorder(&ops->dnn, "weights' export", w->weights, canonical, &w->export));
done:
    cnn_dnn_layout_destroy(&canonical);
    return st;
}

void cnn_weighted_destroy(cnn_weighted *w)
{
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++) {
        cnn_weighted_primitives *p = &w->sizes[i];
        cnn_dnn_primitive_destroy(&p->forward);
        cnn_dnn_primitive_destroy(&p->backward_data);
        cnn_dnn_primitive_destroy(&p->backward_weights);
        destroy_side(&p->data_weights);
        destroy_side(&p->gradient);
    }
    cnn_dnn_primitive_destroy(&w->import);
    cnn_dnn_primitive_destroy(&w->export);
    cnn_dnn_layout_destroy(&w->weights);
    cnn_dnn_layout_destroy(&w->bias);
}

/* ---- use ----------------------------------------------------------------------------------- */

size_t cnn_weighted_size(const cnn_weighted *w)
{
    return cnn_dnn_layout_bytes(w->weights) / sizeof(float);
}

cnn_status cnn_weighted_import(cnn_weighted *w, const float *canonical, float *weights)
{
    return CNN_DNN_RUN(&w->ops->dnn, w->import, canonical, weights);
}

cnn_status cnn_weighted_export(cnn_weighted *w, const float *weights, float *canonical)
{
    return CNN_DNN_RUN(&w->ops->dnn, w->export, weights, canonical);
}

cnn_status cnn_weighted_forward(cnn_weighted *w, int n, const float *x, const float *weights,
                                const float *bias, float *y)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(w->ops, n, &i);
    return st ? st : CNN_DNN_RUN(&w->ops->dnn, w->sizes[i].forward, x, weights, bias, y);
}

cnn_status cnn_weighted_backward_data(cnn_weighted *w, int n, const float *dy, const float *weights,
                                      float *dx)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(w->ops, n, &i));
    cnn_weighted_primitives *p = &w->sizes[i];
    CNN_CHECK(p->backward_data, CNN_EINVAL, "this layer was made without input gradient");
    if (p->data_weights.reorder) {
        CNN_TRY(
            CNN_DNN_RUN(&w->ops->dnn, p->data_weights.reorder, weights, p->data_weights.buffer));
        weights = p->data_weights.buffer;
    }
    CNN_TRY(CNN_DNN_RUN(&w->ops->dnn, p->backward_data, dy, weights, dx));
done:
    return st;
}

cnn_status cnn_weighted_backward_weights(cnn_weighted *w, int n, const float *x, const float *dy,
                                         float *dweights, float *dbias)
{
    cnn_status st = CNN_OK;
    int i = 0;
    CNN_TRY(cnn_cpu_size_index(w->ops, n, &i));
    cnn_weighted_primitives *p = &w->sizes[i];
    CNN_CHECK(p->backward_weights, CNN_EINVAL, "this layer was made without backward");
    float *own = p->gradient.reorder ? p->gradient.buffer : dweights;
    CNN_TRY(CNN_DNN_RUN(&w->ops->dnn, p->backward_weights, x, dy, own, dbias));
    if (p->gradient.reorder)
        CNN_TRY(CNN_DNN_RUN(&w->ops->dnn, p->gradient.reorder, own, dweights));
done:
    return st;
}
