/* SPDX-License-Identifier: Apache-2.0 */
/* Dead ranks: their blocks go to the others. */
#include "mpi/dispatch/internal.h"

#include <stdio.h>

static bool is_any_usable(const cnn_dispatcher *d)
{
    for (int r = 0; r < d->context->size; r++)
        if (cnn_dispatcher_is_usable(d, r))
            return true;
    return false;
}

/** A cell of the block that the rank had, or any: it names the device. */
static int cell_of(const cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->context->design;
    return block < 0 ? 0 : design->runs[cnn_block_run(&design->blocks[block], 0)].cell;
}

static void forget_reports(cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->context->design;
    for (int l = 0; l < design->level_count; l++)
        cnn_dispatcher_forget_report(d, cnn_block_run(&design->blocks[block], l));
}

/** The row that the rank was writing may be torn: no result of it stands. Its attempt may have been
 *  written, so that its place counts as taken. */
static void give_up_row(cnn_dispatcher *d, int rank)
{
    const cnn_message_write *leave = &d->writing[rank];
    const int run = leave->run;
    if (run < 0)
        return;
    d->context->attempts[run]++;
    if (!leave->may_finish)
        return; /* what a failed attempt reported binds no other run */
    cnn_consistency_keep(d->consistency, run);
    if (!cnn_run_is_finished(d->context, run))
        return;
    cnn_progress_reopen(d->progress, run);
    d->context->status[run] = CNN_RUN_PLANNED;
}

/** Deals what the rank had. block: what it left half done, -1: none. may_write: its process may
 *  still be writing a run of that, whose rows nobody else may then write in this session. */
static void deal_again(cnn_dispatcher *d, int rank, int block, bool may_write)
{
    if (!is_any_usable(d)) {
        cnn_progress_note(d->progress,
                          "no device is left to train on: continue later with --resume");
        return;
    }
    if (may_write)
        cnn_progress_note(d->progress,
                          "rank %d may still be writing run %d: its block is left for --resume",
                          rank, d->writing[rank].run);
    cnn_dispatcher_reassign(d, rank, may_write ? -1 : block, may_write ? block : -1);
}

/** For people. */
static void explain(const cnn_dispatcher *d, const cnn_loss *loss, char *why, size_t n)
{
    const bool was_silent = loss->silence > d->context->job->limits.rank_seconds / 2;
    if (loss->ended && !was_silent)
        snprintf(why, n, "its rank has died");
    else
        snprintf(why, n, "its rank gave no sign of life for %.0f s%s", loss->silence,
                 loss->ended ? " and was killed" : "");
}

cnn_status cnn_dispatcher_lose(cnn_dispatcher *d, const cnn_loss *loss)
{
    cnn_status st = CNN_OK;
    const int rank = loss->rank, block = d->block[rank];
    const bool half_done = cnn_dispatcher_has_task(d, rank);
    char why[128];
    CNN_TRY(cnn_rank_transition(&d->ranks[rank], CNN_RANK_DIES, rank));
    d->lost++;
    d->block[rank] = -1;
    cnn_progress_idle(d->progress, rank);
    explain(d, loss, why, sizeof why);
    CNN_TRY(cnn_dispatcher_record_quarantine(d, rank, cell_of(d, block), why));
    give_up_row(d, rank);
    if (block >= 0)
        forget_reports(d, block);
    if (d->state == CNN_JOB_RUNNING) {
        deal_again(d, rank, half_done ? block : -1, !loss->ended && d->writing[rank].run >= 0);
        CNN_TRY(cnn_dispatcher_give_blocks(d));
    }
    CNN_TRY(cnn_dispatcher_end_if_done(d));
done:
    return st;
}
