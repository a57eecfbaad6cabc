/* SPDX-License-Identifier: Apache-2.0 */
/* Reassignment: the blocks of a rank that is quarantined or dead go to the others. */
#include "mpi/dispatch/internal.h"

/** The queue that gets the next block: the usable ranks take turns, of which there must be one; with
 *  assign: dynamic it is the common queue. */
static int next_queue(cnn_dispatcher *d)
{
    if (d->context->job->schedule.assign == CNN_ASSIGN_DYNAMIC)
        return d->context->size;
    do
        d->next_recipient = (d->next_recipient + 1) % d->context->size;
    while (!cnn_dispatcher_is_usable(d, d->next_recipient));
    return d->next_recipient;
}

/** Has a block with failed runs repeated whole on another device, so that its runs stay comparable.
 *  Runs that earlier sessions have finished are kept. */
static void repeat_whole(cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->context->design;
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        if (d->context->status[run] != CNN_RUN_FAILED)
            continue;
        cnn_progress_reopen(d->progress, run);
        d->context->status[run] = CNN_RUN_PLANNED;
    }
    d->whole[block] = true;
    cnn_dealing_add(d->dealing, next_queue(d), block);
}

static bool is_finished(const cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->context->design;
    for (int l = 0; l < design->level_count; l++)
        if (!cnn_run_is_finished(d->context, cnn_block_run(&design->blocks[block], l)))
            return false;
    return true;
}

/** Whether a block goes to another rank: an open one that is measured. */
static bool is_dealt_again(const cnn_dispatcher *d, int block)
{
    return !d->context->design->blocks[block].warmup && !is_finished(d, block);
}

void cnn_dispatcher_reassign(cnn_dispatcher *d, int rank, int unfinished, int kept_back)
{
    cnn_consecutive_failures *failures = &d->failures[rank];
    int count = 0;
    if (unfinished >= 0 && !d->context->design->blocks[unfinished].warmup) {
        repeat_whole(d, unfinished);
        count++;
    }
    for (int i = 0; i < failures->block_count; i++) {
        const int block = failures->blocks[i];
        if (block == unfinished || block == kept_back || !is_dealt_again(d, block))
            continue;
        repeat_whole(d, block);
        count++;
    }
    cnn_consecutive_failures_clear(failures); /* the rank may die later as well */
    while (d->dealing->first[rank] >= 0) {
        const int block = cnn_dealing_take(d->dealing, rank);
        if (d->context->design->blocks[block].warmup)
            continue;
        cnn_dealing_add(d->dealing, next_queue(d), block);
        count++;
    }
    cnn_progress_note(d->progress, "%d blocks of rank %d were dealt again", count, rank);
}
