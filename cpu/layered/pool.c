/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling on NHWC activations. */
#include "cpu/onednn/device.h"

#include <stdlib.h>

typedef struct {
    cnn_dnn_primitive *training, *inference, *backward;
} by_size;

struct cnn_pool {
    cnn_ops *ops;
    bool maximum;
    void *workspace; /* where the maxima were; NULL for averages */
    by_size sizes[CNN_MAX_BATCH_SIZES];
};

static cnn_status create_primitives(cnn_pool *p, const cnn_layer *l, int n, by_size *s)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *src = NULL, *dst = NULL, *workspace = NULL;
    cnn_dnn *d = &p->ops->dnn;
    const cnn_dnn_geometry g = cnn_cpu_geometry(l);
    CNN_TRY(cnn_cpu_image_layout(n, l->in, dnnl_nhwc, &src));
    CNN_TRY(cnn_cpu_image_layout(n, l->out, dnnl_nhwc, &dst));
    CNN_TRY(cnn_dnn_pool_forward(d, "pool forward", &g, p->maximum, true, src, dst, &s->training));
    CNN_TRY(
        cnn_dnn_pool_forward(d, "pool inference", &g, p->maximum, false, src, dst, &s->inference));
    CNN_TRY(cnn_dnn_pool_backward(d, "pool backward", &g, p->maximum, src, dst, s->training,
                                  &s->backward));
    if (p->maximum && !p->workspace) { /* the largest batch comes first */
        CNN_TRY(cnn_dnn_primitive_layout(s->training, DNNL_ARG_WORKSPACE, &workspace));
        CNN_TRY(
            cnn_cpu_alloc(cnn_dnn_layout_bytes(workspace), "a pool's workspace", &p->workspace));
    }
done:
    cnn_dnn_layout_destroy(&src);
    cnn_dnn_layout_destroy(&dst);
    cnn_dnn_layout_destroy(&workspace);
    return st;
}

cnn_status cnn_pool_create(cnn_ops *ops, const cnn_layer *layer, cnn_pool **out)
{
    cnn_status st = CNN_OK;
    cnn_pool *p = NULL;
    CNN_CHECK(layer->kind == CNN_LAYER_MAXPOOL || layer->kind == CNN_LAYER_AVGPOOL, CNN_EINVAL,
              "not a pooling layer");
    CNN_CHECK((p = calloc(1, sizeof *p)), CNN_ENOMEM, "a pooling layer");
    p->ops = ops;
    p->maximum = layer->kind == CNN_LAYER_MAXPOOL;
    for (int i = 0; i < ops->size_count; i++)
        CNN_TRY(create_primitives(p, layer, ops->sizes[i], &p->sizes[i]));
    *out = p;
    p = NULL;
done:
    cnn_pool_destroy(&p);
    return st;
}

void cnn_pool_destroy(cnn_pool **pool)
{
    cnn_pool *p = *pool;
    if (!p)
        return;
    for (int i = 0; i < p->ops->size_count; i++) {
        cnn_dnn_primitive_destroy(&p->sizes[i].training);
        cnn_dnn_primitive_destroy(&p->sizes[i].inference);
        cnn_dnn_primitive_destroy(&p->sizes[i].backward);
    }
    free(p->workspace);
    free(p);
    *pool = NULL;
}

cnn_status cnn_pool_forward(cnn_pool *pool, int n, bool training, const float *x, float *y)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(pool->ops, n, &i);
    if (st != CNN_OK)
        return st;
    by_size *s = &pool->sizes[i];
    return CNN_DNN_RUN(&pool->ops->dnn, training ? s->training : s->inference, x, y,
                       pool->workspace);
}

cnn_status cnn_pool_backward(cnn_pool *pool, int n, const float *dy, float *dx)
{
    int i = 0;
    cnn_status st = cnn_cpu_size_index(pool->ops, n, &i);
    return st ? st : CNN_DNN_RUN(&pool->ops->dnn, pool->sizes[i].backward, dy, dx, pool->workspace);
}
