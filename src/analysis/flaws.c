/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are not whole: counted and named. */
#include "analysis/parts.h"

#include <stdlib.h>

/** The flaw of a block; levels without a run count as missing. */
static cnn_flawed_block judge(const cnn_analysis *a, const cnn_groups *g, int b)
{
    cnn_flawed_block f = {.block = g->blocks[b].block,
                          .combination = g->blocks[b].combination,
                          .repeat = g->blocks[b].repeat,
                          .flaw = CNN_BLOCK_WHOLE};
    int device = -1;
    for (int l = 0; l < a->level_count; l++) {
        const int run = g->block_runs[b * a->level_count + l];
        if (run < 0 || g->device[run] < 0) {
            f.missing++;
            continue;
        }
        if (device >= 0 && g->device[run] != device)
            f.flaw = CNN_BLOCK_SPLIT;
        device = g->device[run];
    }
    if (f.missing)
        f.flaw = CNN_BLOCK_INCOMPLETE;
    return f;
}

cnn_status cnn_analysis_flaws(cnn_analysis *a, const cnn_groups *g)
{
    cnn_status st = CNN_OK;
    a->block_count = g->block_count;
    a->flawed = calloc((size_t)g->block_count + 1, sizeof *a->flawed);
    CNN_CHECK(a->flawed, CNN_ENOMEM, "%d blocks", g->block_count);
    for (int i = 0; i < a->run_count; i++)
        a->block_flaw[i] = -1;
    for (int b = 0; b < g->block_count; b++) {
        const cnn_flawed_block f = judge(a, g, b);
        for (int l = 0; l < a->level_count; l++)
            if (g->block_runs[b * a->level_count + l] >= 0)
                a->block_flaw[g->block_runs[b * a->level_count + l]] = (int8_t)f.flaw;
        if (f.flaw != CNN_BLOCK_WHOLE)
            a->flawed[a->flawed_count++] = f;
    }
done:
    return st;
}
