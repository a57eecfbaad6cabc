/* SPDX-License-Identifier: Apache-2.0 */
/* What several kinds of nodes share, and the table of kinds. */
#include "gpu/native/internal.h"

size_t cnn_native_floats(const cnn_step *s, cnn_shape shape)
{
    return (size_t)cnn_ops_max_batch(s->ops) * (size_t)cnn_shape_size(shape);
}

cnn_status cnn_native_add_pool(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index, back = cnn_native_back(s, i);
    const size_t bytes = cnn_native_floats(s, node->mid) * sizeof(float);
    CNN_TRY(cnn_native_tensor(s, "before pool", i, bytes, i, i, &node->before_pool));
    CNN_TRY(cnn_native_tensor(s, "mask", i, cnn_native_floats(s, node->pool->out), i,
                              cnn_native_aside_until(s, i), &node->mask));
    if (node->trains)
        CNN_TRY(cnn_native_tensor(s, "before pool gradient", i, bytes, back,
                                  cnn_native_aside_until(s, i), &node->before_pool_gradient));
done:
    return st;
}

cnn_status cnn_native_add_bias_sums(cnn_step *s, cnn_native_node *node, size_t rows, int columns)
{
    const int back = cnn_native_back(s, node->index);
    return cnn_native_add_sums(s, node, cnn_gpu_column_sums(rows, columns),
                               cnn_gpu_tickets(columns), back - node->finished_by_next, back);
}

static const cnn_native_class *const classes[] = {
    [CNN_NODE_CONV] = &cnn_native_conv,       [CNN_NODE_NORM] = &cnn_native_norm,
    [CNN_NODE_POOL] = &cnn_native_pool,       [CNN_NODE_RELU] = &cnn_native_relu,
    [CNN_NODE_DROPOUT] = &cnn_native_dropout, [CNN_NODE_DENSE] = &cnn_native_dense,
};

const cnn_native_class *cnn_native_class_of(cnn_node_kind kind)
{
    return classes[kind];
}

void cnn_native_node_destroy(cnn_native_node *node)
{
    for (int d = 0; d < CNN_CONV_DIRECTIONS; d++)
        for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
            cnn_conv_plan_destroy(&node->plans[d][i]);
}
