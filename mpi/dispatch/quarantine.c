/* SPDX-License-Identifier: Apache-2.0 */
/* Quarantine: the blocks of a device on which everything fails go to the others. */
#include "mpi/dispatch/internal.h"
#include "mpi/worker/simulated.h"

#include <stdio.h>
#include <string.h>

/** The queue that gets the next block: the ranks that are not quarantined take turns; with assign:
 *  dynamic it is the common queue. */
static int next_queue(cnn_dispatcher *d)
{
    if (d->context->job->schedule.assign == CNN_ASSIGN_DYNAMIC)
        return d->context->size;
    do
        d->next_recipient = (d->next_recipient + 1) % d->context->size;
    while (d->ranks[d->next_recipient] == CNN_RANK_QUARANTINED);
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

/** Deals a rank's failed blocks and its queue to the others, without its warm-up blocks. Returns
 *  the number of blocks. */
static int hand_over(cnn_dispatcher *d, int rank)
{
    const cnn_block *blocks = d->context->design->blocks;
    const cnn_consecutive_failures *failures = &d->failures[rank];
    int count = 0;
    for (int i = 0; i < failures->block_count; i++) {
        if (blocks[failures->blocks[i]].warmup || is_finished(d, failures->blocks[i]))
            continue;
        repeat_whole(d, failures->blocks[i]);
        count++;
    }
    while (d->dealing->first[rank] >= 0) {
        const int block = cnn_dealing_take(d->dealing, rank);
        if (blocks[block].warmup)
            continue;
        cnn_dealing_add(d->dealing, next_queue(d), block);
        count++;
    }
    return count;
}

/** Records the quarantine on the screen and in the results file. */
static cnn_status record_quarantine(cnn_dispatcher *d, int rank)
{
    const cnn_consecutive_failures *failures = &d->failures[rank];
    const cnn_design *design = d->context->design;
    const int cell = failures->cells[failures->cell_count - 1];
    const cnn_treatment t = cnn_job_treatment(d->context->job, design->cells[cell].levels);
    const cnn_place place = cnn_simulated_place(t.framework, &d->context->places[rank]);
    char *text = d->quarantine.devices;
    const size_t used = strlen(text), room = sizeof d->quarantine.devices;
    char why[64] = "processes of a trainer did not end";
    if (!failures->occupied)
        snprintf(why, sizeof why, "runs of %d cells failed in a row", CNN_FAILED_CELLS_MAX);
    snprintf(text + used, room - used, "%s%s of %s (rank %d): %s, the last one with '%s'",
             used ? "; " : "", place.device, place.host, rank, why, failures->reason);
    cnn_progress_note(d->progress, "QUARANTINE: the job continues without %s",
                      text + used + (used && text[used] == ';' ? 2 : 0));
    return cnn_writer_quarantine(d->context->writer, d->context->session, &d->quarantine);
}

cnn_status cnn_dispatcher_quarantine(cnn_dispatcher *d, int rank, bool *quarantined)
{
    cnn_status st = CNN_OK;
    int others = 0;
    *quarantined = false;
    for (int r = 0; r < d->context->size; r++)
        others += r != rank && d->ranks[r] != CNN_RANK_QUARANTINED;
    if (others == 0) {
        if (d->context->size > 1)
            cnn_progress_note(d->progress, "rank %d fails as well, but its device is the last one",
                              rank);
        if (d->failures[rank].occupied)
            cnn_progress_note(d->progress,
                              "processes of a trainer did not end and may use the last device: end "
                              "them, then continue with --resume");
        cnn_consecutive_failures_clear(&d->failures[rank]);
        goto done;
    }
    CNN_TRY(cnn_rank_transition(&d->ranks[rank], CNN_RANK_IS_BLAMED, rank));
    *quarantined = true;
    d->block[rank] = -1;
    CNN_TRY(record_quarantine(d, rank));
    const int count = hand_over(d, rank);
    cnn_progress_note(d->progress, "%d blocks of rank %d were dealt again", count, rank);
done:
    return st;
}
