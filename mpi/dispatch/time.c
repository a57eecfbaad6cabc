/* SPDX-License-Identifier: Apache-2.0 */
/* The time that is left, and the time that blocks need. */
#include "mpi/dispatch/internal.h"

#include <math.h>

/* From the end of the last run: rows, the file's closing, the ranks' leaving. */
static const double time_to_close = 5; /* seconds */

void cnn_dispatcher_step(cnn_dispatcher *d)
{
    cnn_allocation_step(d->allocation);
}

/** Seconds that the unfinished runs of a block may take, each as long as the slowest finished one
 * of its cell. *known: false where a cell has none; its runs count nothing. */
static double longest_block(const cnn_dispatcher *d, int block, bool *known)
{
    const cnn_design *design = d->context->design;
    double sum = 0;
    *known = true;
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        const double longest = d->cells[design->runs[run].cell].longest;
        if (cnn_dispatcher_task(d, block, l) == CNN_TASK_NONE)
            continue;
        sum += longest;
        *known = *known && longest > 0;
    }
    return sum;
}

/** Whether a block may begin now. The first runs of a cell have no known duration: they begin
 *  unless SIGUSR1 was received. */
bool cnn_dispatcher_is_in_time(cnn_dispatcher *d, int block)
{
    const double left = cnn_allocation_left(d->allocation);
    bool known, good;
    const double needed = longest_block(d, block, &known) + time_to_close;
    good = !isinf(left) ? needed <= left && (known || !d->late) : !d->late;
    if (!good && !d->out_of_time) { /* once is enough */
        d->out_of_time = true;
        if (isinf(left))
            return false; /* printed when the signal was handled */
        cnn_progress_note(
            d->progress,
            "the allocation ends in %.0f s, and the next block may need %.0f s: continue later "
            "with --resume",
            left, needed);
    }
    return good;
}

void cnn_dispatcher_handle_late(cnn_dispatcher *d)
{
    const double left = cnn_allocation_left(d->allocation);
    if (!d->late && isinf(left))
        cnn_progress_note(d->progress, "SIGUSR1: no further block begins");
    else if (!d->late)
        cnn_progress_note(d->progress, "SIGUSR1: no block begins that needs more than %.0f s",
                          left);
    d->late = true;
}

/** Expected duration of a cell's run: its mean, or that of all cells, or NaN. */
static double expected_duration(const cnn_dispatcher *d, int cell)
{
    double sum = 0;
    int count = 0;
    if (d->cells[cell].count > 0)
        return d->cells[cell].sum / d->cells[cell].count;
    for (int c = 0; c < d->context->design->cell_count; c++) {
        sum += d->cells[c].sum;
        count += d->cells[c].count;
    }
    return count > 0 ? sum / count : NAN;
}

/** Seconds for the unfinished runs of a block. */
static double block_left(const cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->context->design;
    double sum = 0;
    for (int l = 0; block >= 0 && l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        if (cnn_dispatcher_task(d, block, l) != CNN_TASK_NONE)
            sum += expected_duration(d, design->runs[run].cell);
    }
    return sum;
}

static double queue_left(const cnn_dispatcher *d, int queue)
{
    double sum = 0;
    for (int b = d->dealing->first[queue]; b >= 0; b = d->dealing->after[b])
        sum += block_left(d, b);
    return sum;
}

double cnn_dispatcher_time_left(const cnn_dispatcher *d)
{
    double longest = 0, all = queue_left(d, d->context->size);
    int usable = 0;
    for (int r = 0; r < d->context->size; r++) {
        const double own = queue_left(d, r) + block_left(d, d->block[r]);
        if (isnan(own))
            return NAN;
        longest = fmax(longest, own);
        all += own;
        usable += cnn_dispatcher_is_usable(d, r);
    }
    const double even = all / fmax(1, usable); /* the common queue fills the gaps */
    return isnan(even) ? NAN : fmax(longest, even);
}
