/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/consecutive_failures.h"

#include "base/text.h"

#include <stdlib.h>

static void add_cell(cnn_consecutive_failures *s, int cell)
{
    for (int i = 0; i < s->cell_count; i++)
        if (s->cells[i] == cell)
            return;
    if (s->cell_count < CNN_FAILED_CELLS_MAX)
        s->cells[s->cell_count++] = cell;
}

/** Without memory the block is left out: its failed run then stays failed. */
static void add_block(cnn_consecutive_failures *s, int block)
{
    if (s->block_count > 0 && s->blocks[s->block_count - 1] == block) /* its runs are neighbours */
        return;
    if (s->block_count == s->block_room) {
        const int room = 2 * s->block_room + 8;
        int *more = realloc(s->blocks, (size_t)room * sizeof *more);
        if (!more)
            return;
        s->blocks = more;
        s->block_room = room;
    }
    s->blocks[s->block_count++] = block;
}

void cnn_consecutive_failures_add(cnn_consecutive_failures *s, int cell, int block, bool failed,
                                  const char *reason)
{
    if (!failed) {
        cnn_consecutive_failures_clear(s);
        return;
    }
    add_cell(s, cell);
    add_block(s, block);
    cnn_copy_string(s->reason, sizeof s->reason, reason);
}

bool cnn_consecutive_failures_blame_device(const cnn_consecutive_failures *s)
{
    return s->cell_count == CNN_FAILED_CELLS_MAX || s->occupied;
}

void cnn_consecutive_failures_clear(cnn_consecutive_failures *s)
{
    s->cell_count = s->block_count = 0;
    s->occupied = false;
}

void cnn_consecutive_failures_free(cnn_consecutive_failures *s)
{
    free(s->blocks);
    *s = (cnn_consecutive_failures){0};
}
