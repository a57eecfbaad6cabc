/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of the values: those that oneDNN prefers, or one for all where that is faster. */
#include "cpu/native/internal.h"

#include <limits.h>

/* Layers that keep their input's layout. */
static bool keeps_layout(const cnn_plan_node *node)
{
    return node->kind != CNN_NODE_CONV && node->kind != CNN_NODE_DENSE;
}

/* The layout (block of channels, 0: no preference) that oneDNN prefers for value[first .. last],
 * between the convolution that leaves value[first] (first > 0) and the one that reads
 * value[last]. */
static cnn_status preferred_block(cnn_step *s, int first, int last, int *block)
{
    cnn_status st = CNN_OK;
    int unused = 0;
    const cnn_plan_node *writer = first > 0 ? &s->plan.nodes[first - 1] : NULL;
    const cnn_plan_node *reader = &s->plan.nodes[last];
    *block = 0;
    if (writer && writer->kind == CNN_NODE_DENSE) /* leaves a vector */
        goto done;
    if (reader->kind == CNN_NODE_CONV)
        CNN_TRY(cnn_cpu_conv_preferred_blocks(s, &s->net.layers[reader->layer], reader->relu >= 0,
                                              block, &unused));
    if (*block == 0 && writer)
        CNN_TRY(cnn_cpu_conv_preferred_blocks(s, &s->net.layers[writer->layer], writer->relu >= 0,
                                              &unused, block));
done:
    return st;
}

/* Where convolutions have preferences: follow them, or give all the same layout. */
typedef enum { PREFERRED = -1, ALL_NHWC = 0, ALL_8 = 8, ALL_16 = 16 } layout_policy;

/* Layout of every value: one for each stretch between convolutions and dense layers. */
static cnn_status assign_layouts(cnn_step *s, layout_policy policy)
{
    cnn_status st = CNN_OK;
    for (int first = 0; first <= s->node_count;) {
        int last = first, block = 0;
        while (last < s->node_count && keeps_layout(&s->plan.nodes[last]))
            last++;
        if (last < s->node_count)
            CNN_TRY(preferred_block(s, first, last, &block));
        if (policy != PREFERRED && block > 0 && first > 0)
            block = (int)policy;
        for (int i = first; i <= last; i++)
            cnn_step_set_block(s, i, block > 0 ? block : s->grids[i].c);
        first = last + 1;
    }
done:
    return st;
}

/* Each convolution's preference is its own; all of them together may leave oneDNN only its plain
 * loops, which are a hundred times slower. Then the same layout for all may be faster. */
cnn_status cnn_cpu_choose_layouts(cnn_step *s)
{
    cnn_status st = CNN_OK;
    const layout_policy policies[] = {PREFERRED, ALL_16, ALL_8, ALL_NHWC};
    int best = 0, least = INT_MAX;
    for (int i = 0; i < 4 && least > 0; i++) {
        int slow = 0;
        CNN_TRY(assign_layouts(s, policies[i]));
        for (int k = 0; k < s->node_count; k++)
            if (s->plan.nodes[k].kind == CNN_NODE_CONV)
                CNN_TRY(cnn_cpu_conv_count_slow(s, &s->nodes[k], &slow));
        best = slow < least ? i : best;
        least = slow < least ? slow : least;
    }
    CNN_TRY(assign_layouts(s, policies[best]));
done:
    return st;
}
