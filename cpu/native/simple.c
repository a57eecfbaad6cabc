/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes without parameters: a pool, a ReLU or a dropout that is fused into no other node. */
#include "cpu/native/internal.h"

/* ---- pool ---------------------------------------------------------------------------------- */

static cnn_status pool_create(cnn_step *s, cnn_node *node)
{
    cnn_cpu_pool *pool = NULL;
    const cnn_status st = cnn_cpu_pool_create(s, node, &pool);
    node->own = pool;
    return st;
}

static void pool_destroy(cnn_node *node)
{
    cnn_cpu_pool *pool = node->own;
    cnn_cpu_pool_destroy(&pool);
    node->own = NULL;
}

static cnn_status pool_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    return cnn_cpu_pool_forward(s, node->own, pass, cnn_step_value(s, node->index),
                                cnn_step_value(s, node->index + 1));
}

static cnn_status pool_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    cnn_status st = cnn_cpu_pool_backward(s, node->own, pass, cnn_step_gradient(s, node->index + 1),
                                          cnn_step_gradient(s, node->index));
    return st ? st : cnn_cpu_mask_input(s, node, pass);
}

static void pool_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_append(out, node->layer->kind == CNN_LAYER_AVGPOOL ? "own average pool"
                         : cnn_cpu_pool_is_2x2(node->layer)     ? "own 2x2 pool"
                                                                : "own pool");
}

const cnn_node_class cnn_cpu_pool_node = {pool_create, pool_destroy, pool_forward, pool_backward,
                                          pool_describe};

/* ---- ReLU ---------------------------------------------------------------------------------- */

static cnn_status nothing_to_create(cnn_step *s, cnn_node *node)
{
    (void)s;
    (void)node;
    return CNN_OK;
}

static cnn_status relu_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    return cnn_relu_forward(s->ops, cnn_grid_size(&node->in) * (size_t)pass->n,
                            cnn_step_value(s, node->index), cnn_step_value(s, node->index + 1));
}

static cnn_status relu_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    return cnn_relu_backward(
        s->ops, cnn_grid_size(&node->in) * (size_t)pass->n, cnn_step_value(s, node->index + 1),
        cnn_step_gradient(s, node->index + 1), cnn_step_gradient(s, node->index));
}

static void relu_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    (void)node;
    cnn_text_append(out, "own relu");
}

const cnn_node_class cnn_cpu_relu_node = {nothing_to_create, NULL, relu_forward, relu_backward,
                                          relu_describe};

/* ---- dropout ------------------------------------------------------------------------------- */

enum { CHUNK = 512 }; /* factors drawn at once */

/* Values first .. first+count-1 (NHWC order) of one image; `at` is image's first value. */
static void drop_chunk(const cnn_grid *g, const cnn_dropout_rule *rule, uint64_t at, size_t first,
                       size_t count, const float *x, float *y)
{
    float factors[CHUNK + 4];
    const uint64_t word = at + first;
    const size_t skip = (size_t)(word % 4);
    cnn_kernel_dropout_factors(rule, word - skip, count + skip, factors);
    if (g->block == g->c) {
        cnn_kernel_multiply(count, x + first, factors + skip, y + first);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t pixel = (first + i) / (size_t)g->c, c = (first + i) % (size_t)g->c;
        const size_t block = c / (size_t)g->block;
        const size_t to =
            block * cnn_grid_plane(g) + pixel * (size_t)g->block + c % (size_t)g->block;
        y[to] = x[to] * factors[skip + i];
    }
}

static void drop(const cnn_step *s, const cnn_node *node, const cnn_step_pass *pass, const float *x,
                 float *y)
{
    const cnn_grid *g = &node->in;
    const cnn_dropout_rule rule = cnn_dropout_rule_of(
        node->layer->rate, s->seed, (int)(node->layer - s->net.layers), pass->step);
    const size_t image = (size_t)cnn_shape_size(node->layer->in), stride = cnn_grid_size(g);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < pass->n; n++) {
        cnn_grid_clear_filling(g, y + (size_t)n * stride);
        for (size_t first = 0; first < image; first += CHUNK) {
            const size_t count = image - first < CHUNK ? image - first : CHUNK;
            drop_chunk(g, &rule, (uint64_t)n * image, first, count, x + (size_t)n * stride,
                       y + (size_t)n * stride);
        }
    }
}

static cnn_status dropout_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    const float *x = cnn_step_value(s, node->index);
    float *y = cnn_step_value(s, node->index + 1);
    if (pass->training) {
        drop(s, node, pass, x, y);
        return CNN_OK;
    }
    return cnn_ops_upload(s->ops, y, x, sizeof(float) * cnn_grid_size(&node->in) * (size_t)pass->n);
}

static cnn_status dropout_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    drop(s, node, pass, cnn_step_gradient(s, node->index + 1), cnn_step_gradient(s, node->index));
    return cnn_cpu_mask_input(s, node, pass);
}

static void dropout_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "own dropout of %g", node->layer->rate);
}

const cnn_node_class cnn_cpu_dropout_node = {nothing_to_create, NULL, dropout_forward,
                                             dropout_backward, dropout_describe};
