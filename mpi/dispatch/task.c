/* SPDX-License-Identifier: Apache-2.0 */
/* The tasks of a block: the runs to be trained, and whether an old result is kept. */
#include "mpi/dispatch/internal.h"

cnn_task cnn_dispatcher_task(const cnn_dispatcher *d, int block, int level)
{
    const int run = cnn_block_run(&d->context->design->blocks[block], level);
    if (d->context->status[run] == CNN_RUN_PLANNED)
        return CNN_TASK_TRAIN;
    return d->whole[block] && !d->earlier[run] && cnn_run_is_finished(d->context, run)
               ? CNN_TASK_RETRAIN
               : CNN_TASK_NONE;
}

signed char *cnn_dispatcher_tasks(const cnn_dispatcher *d, int rank)
{
    return d->tasks + (size_t)rank * (size_t)d->context->design->level_count;
}

void cnn_dispatcher_set_tasks(cnn_dispatcher *d, int rank, int block)
{
    for (int l = 0; l < d->context->design->level_count; l++)
        cnn_dispatcher_tasks(d, rank)[l] = (signed char)cnn_dispatcher_task(d, block, l);
}

bool cnn_dispatcher_has_task(const cnn_dispatcher *d, int rank)
{
    for (int l = 0; d->block[rank] >= 0 && l < d->context->design->level_count; l++)
        if (cnn_dispatcher_tasks(d, rank)[l] != CNN_TASK_NONE)
            return true;
    return false;
}
