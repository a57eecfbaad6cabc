/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that several kinds of nodes share. */
#include "gpu/native/internal.h"

void cnn_gpu_node_add_weights(cnn_step *s, cnn_node *node)
{
    cnn_parameter *weights = &s->net.parameters[node->layer->first_parameter], *bias = weights + 1;
    cnn_step_add_parameter(s, node, 0, (size_t)weights->size, weights);
    cnn_step_add_parameter(s, node, 1, (size_t)bias->size, NULL);
}

cnn_status cnn_gpu_node_add_sums(cnn_step *s, cnn_node *node, size_t parts, size_t tickets,
                                 int first, int last)
{
    cnn_gpu_step *gpu = cnn_gpu_step_of(s);
    cnn_gpu_node *own = node->own;
    own->tickets = gpu->ticket_count;
    gpu->ticket_count += tickets;
    return cnn_step_tensor(s, "parts of sums", node->index, parts * sizeof(double), first, last,
                           &own->parts);
}

cnn_gpu_sums cnn_gpu_node_sums(const cnn_step *s, const cnn_node *node)
{
    const cnn_gpu_node *own = node->own;
    return (cnn_gpu_sums){cnn_step_at(s, own->parts), cnn_gpu_step_of(s)->tickets + own->tickets};
}

cnn_status cnn_gpu_node_add_pool(cnn_step *s, cnn_node *node)
{
    cnn_status st = CNN_OK;
    cnn_gpu_node *own = node->own;
    CNN_TRY(cnn_step_add_mid(s, node, &own->before_pool, &own->before_pool_gradient));
    CNN_TRY(cnn_gpu_node_add_mask(s, node));
done:
    return st;
}

cnn_status cnn_gpu_node_add_mask(cnn_step *s, cnn_node *node)
{
    return cnn_step_tensor(s, "mask", node->index, cnn_step_values(s, &node->out), node->index,
                           node->reads_until, &cnn_gpu_node_of(node)->mask);
}

cnn_status cnn_gpu_node_add_bias_sums(cnn_step *s, cnn_node *node, size_t rows, int columns)
{
    const int back = cnn_step_back(s, node->index);
    return cnn_gpu_node_add_sums(s, node, cnn_gpu_column_sums(rows, columns),
                                 cnn_gpu_tickets(columns),
                                 back - cnn_gpu_node_of(node)->finished_by_next, back);
}
