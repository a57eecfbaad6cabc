/* SPDX-License-Identifier: Apache-2.0 */
/* Functions for a backend's begin and create. */
#include "nn/native/step.h"

#include <stdio.h>

size_t cnn_step_values(const cnn_step *s, const cnn_grid *g)
{
    return (size_t)cnn_ops_max_batch(s->ops) * cnn_grid_size(g);
}

cnn_status cnn_step_tensor(cnn_step *s, const char *what, int node, size_t bytes, int first,
                           int last, int *out)
{
    cnn_status st = CNN_OK;
    char name[sizeof s->plan.tensors[0].name];
    CNN_CHECK(s->backend->tensor_bytes == 0 || bytes <= s->backend->tensor_bytes, CNN_EUSAGE,
              "%s of node %d would take %zu bytes, more than the %zu that this backend's kernels "
              "can index: use a smaller batch",
              what, node, bytes, s->backend->tensor_bytes);
    snprintf(name, sizeof name, "%d %s", node, what);
    *out = cnn_plan_add(&s->plan, name, bytes, first, last);
    CNN_CHECK(*out >= 0, CNN_ENOMEM, "network '%s' needs more than %d tensors", s->net.name,
              CNN_MAX_PLAN_TENSORS);
done:
    return st;
}

void cnn_step_add_parameter(cnn_step *s, cnn_node *node, int k, size_t size, void *layout)
{
    const size_t unit = s->backend->parameter_values;
    s->parameters[s->parameter_count] = (cnn_step_parameter){
        .parameter = node->layer->first_parameter + k,
        .offset = s->parameter_size,
        .size = size,
        .layout = layout,
    };
    node->parameters[k] = s->parameter_count++;
    s->parameter_size += (size + unit - 1) / unit * unit;
}

cnn_status cnn_step_add_mid(cnn_step *s, const cnn_node *node, int *mid, int *mid_gradient)
{
    cnn_status st = CNN_OK;
    const int i = node->index;
    const size_t bytes = cnn_step_values(s, &node->mid) * sizeof(float);
    CNN_TRY(cnn_step_tensor(s, "before pool", i, bytes, i, i, mid));
    if (mid_gradient && node->trains)
        CNN_TRY(cnn_step_tensor(s, "gradient before pool", i, bytes, cnn_step_back(s, i),
                                node->reads_until, mid_gradient));
done:
    return st;
}

void cnn_step_set_block(cnn_step *s, int i, int block)
{
    const cnn_grid *old = &s->grids[i];
    const cnn_grid g = cnn_grid_of((cnn_shape){old->h, old->w, old->c}, block);
    s->grids[i] = g;
    if (i < s->node_count)
        s->nodes[i].in = g;
    if (i > 0) {
        cnn_node *writer = &s->nodes[i - 1];
        const cnn_grid *mid = &writer->mid;
        writer->out = g;
        writer->mid = cnn_grid_of((cnn_shape){mid->h, mid->w, mid->c}, block);
    }
}
