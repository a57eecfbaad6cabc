/* Devices on which everything fails: their blocks go to the others. */
#include "mpi/dispatch/internal.h"
#include "mpi/worker/simulated.h"

#include <stdio.h>
#include <string.h>

/** The next of the ranks that still work, in turn; with assign: dynamic the common queue. */
static int next_queue(cnn_dispatcher *d)
{
    if (d->task->job->schedule.assign == CNN_ASSIGN_DYNAMIC)
        return d->task->size;
    do
        d->turn = (d->turn + 1) % d->task->size;
    while (d->out[d->turn]);
    return d->turn;
}

/** A block whose runs have failed on a bad device is to be done again elsewhere, whole: its runs
 * stay comparable. What earlier sessions have finished of it stays as it is. */
static void repeat_whole(cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->task->design;
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        if (d->task->status[run] != CNN_RUN_FAILED)
            continue;
        cnn_progress_reopen(d->progress, run);
        d->task->status[run] = CNN_RUN_PLANNED;
    }
    d->whole[block] = true;
    cnn_dealing_add(d->dealing, next_queue(d), block);
}

/** Gives the others what a rank has not done, and what it has failed at. Nobody else needs its
 * warm-ups. Returns the number of blocks. */
static int hand_over(cnn_dispatcher *d, int rank)
{
    const cnn_block *blocks = d->task->design->blocks;
    const cnn_streak *streak = &d->streaks[rank];
    int count = 0;
    for (int i = 0; i < streak->block_count; i++) {
        if (blocks[streak->blocks[i]].warmup)
            continue;
        repeat_whole(d, streak->blocks[i]);
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

/** Says it: on the screen and in the file. */
static cnn_status record_quarantine(cnn_dispatcher *d, int rank)
{
    const cnn_streak *streak = &d->streaks[rank];
    const cnn_design *design = d->task->design;
    const int cell = streak->cells[CNN_STREAK_CELLS - 1];
    const cnn_treatment t = cnn_job_treatment(d->task->job, design->cells[cell].levels);
    const cnn_place place = cnn_simulated_place(t.framework, &d->task->places[rank]);
    char *text = d->quarantine.devices;
    const size_t used = strlen(text), room = sizeof d->quarantine.devices;
    snprintf(text + used, room - used,
             "%s%s of %s (rank %d): runs of %d cells failed in a row, the last one with '%s'",
             used ? "; " : "", place.device, place.host, rank, CNN_STREAK_CELLS, streak->reason);
    cnn_progress_note(d->progress, "QUARANTINE: the job goes on without %s",
                      text + used + (used && text[used] == ';' ? 2 : 0));
    return cnn_writer_quarantine(d->task->writer, d->task->session, &d->quarantine);
}

cnn_status cnn_dispatcher_quarantine(cnn_dispatcher *d, int rank, bool *taken)
{
    cnn_status st = CNN_OK;
    int others = 0;
    *taken = false;
    for (int r = 0; r < d->task->size; r++)
        others += r != rank && !d->out[r];
    if (others == 0) {
        if (d->task->size > 1)
            cnn_progress_note(d->progress, "rank %d fails too, but its device is the last one",
                              rank);
        cnn_streak_clear(&d->streaks[rank]);
        goto done;
    }
    *taken = d->out[rank] = true;
    d->block[rank] = -1;
    CNN_TRY(record_quarantine(d, rank));
    const int count = hand_over(d, rank);
    cnn_progress_note(d->progress, "%d blocks of rank %d dealt anew", count, rank);
done:
    return st;
}
