/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of the native path: own loops on planes that include the mask of a ReLU before them. */
#include "cpu/native/internal.h"

#include <stdlib.h>

typedef enum { MAXIMUM_2X2, MAXIMUM, AVERAGE } pool_kind;

struct cnn_cpu_pool {
    pool_kind kind;
    bool relu;
    cnn_grid in, out;
    cnn_window window;
    int where; /* tensor: u8 for MAXIMUM_2X2, i32 for MAXIMUM; none for AVERAGE */
};

bool cnn_cpu_pool_is_2x2(const cnn_layer *l)
{
    return l->kind == CNN_LAYER_MAXPOOL && l->kernel == 2 && l->stride == 2 && l->pad_top == 0 &&
           l->pad_left == 0 && 2 * l->out.h >= l->in.h && 2 * l->out.w >= l->in.w;
}

cnn_status cnn_cpu_pool_create(cnn_step *s, const cnn_node *node, cnn_cpu_pool **out)
{
    cnn_status st = CNN_OK;
    const cnn_layer *l = node->pool;
    cnn_cpu_pool *p = calloc(1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "a pool");
    p->kind = l->kind == CNN_LAYER_AVGPOOL ? AVERAGE
              : cnn_cpu_pool_is_2x2(l)     ? MAXIMUM_2X2
                                           : MAXIMUM;
    p->relu = node->relu;
    p->in = node->mid;
    p->out = node->out;
    p->window = (cnn_window){l->in.h,   l->in.w,   l->out.h,   l->out.w,
                             l->kernel, l->stride, l->pad_top, l->pad_left};
    p->where = CNN_NO_TENSOR;
    if (p->kind != AVERAGE) {
        const size_t each = p->kind == MAXIMUM_2X2 ? sizeof(uint8_t) : sizeof(int32_t);
        CNN_TRY(cnn_step_tensor(s, "maxima", node->index,
                                each * cnn_grid_size(&p->out) * (size_t)cnn_ops_max_batch(s->ops),
                                node->index, cnn_step_back(s, node->index), &p->where));
    }
    *out = p;
    p = NULL;
done:
    free(p);
    return st;
}

void cnn_cpu_pool_destroy(cnn_cpu_pool **pool)
{
    free(*pool);
    *pool = NULL;
}

const uint8_t *cnn_cpu_pool_where(const cnn_step *s, const cnn_cpu_pool *pool)
{
    return pool->kind == MAXIMUM_2X2 ? cnn_step_at(s, pool->where) : NULL;
}

cnn_status cnn_cpu_pool_forward(cnn_step *s, const cnn_cpu_pool *p, const cnn_step_pass *pass,
                                const float *x, float *y)
{
    const size_t in = cnn_grid_plane(&p->in), out = cnn_grid_plane(&p->out);
    const int planes = pass->n * p->in.blocks, lanes = p->in.block;
    void *where = cnn_step_at(s, p->where);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < planes; i++) {
        const float *from = x + (size_t)i * in;
        float *to = y + (size_t)i * out;
        if (p->kind == MAXIMUM_2X2)
            cnn_kernel_pool_2x2_forward(&p->window, lanes, p->relu, from, to,
                                        (uint8_t *)where + (size_t)i * out);
        else if (p->kind == MAXIMUM)
            cnn_kernel_max_forward(&p->window, lanes, p->relu, from, to,
                                   (int32_t *)where + (size_t)i * out);
        else
            cnn_kernel_average_forward(&p->window, lanes, from, to);
    }
    return CNN_OK;
}

cnn_status cnn_cpu_pool_backward(cnn_step *s, const cnn_cpu_pool *p, const cnn_step_pass *pass,
                                 const float *dy, float *dx)
{
    const size_t in = cnn_grid_plane(&p->in), out = cnn_grid_plane(&p->out);
    const int planes = pass->n * p->in.blocks, lanes = p->in.block;
    const void *where = cnn_step_at(s, p->where);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < planes; i++) {
        const float *from = dy + (size_t)i * out;
        float *to = dx + (size_t)i * in;
        if (p->kind == MAXIMUM_2X2)
            cnn_kernel_pool_2x2_backward(&p->window, lanes, from,
                                         (const uint8_t *)where + (size_t)i * out, to);
        else if (p->kind == MAXIMUM)
            cnn_kernel_max_backward(&p->window, lanes, from,
                                    (const int32_t *)where + (size_t)i * out, to);
        else
            cnn_kernel_average_backward(&p->window, lanes, from, to);
    }
    return CNN_OK;
}
