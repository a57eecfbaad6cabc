#include "mpi/dispatcher.h"

#include "base/clock.h"
#include "mpi/dealing.h"

#include <math.h>
#include <stdlib.h>

/** What is known of a cell's runs. */
typedef struct {
    double longest; /* life of a finished run, seconds; 0: none yet */
    double sum;     /* of lives in this session */
    int count;      /* likewise */
} cell_times;

struct cnn_dispatcher {
    cnn_task *task;
    cnn_progress *progress;
    cnn_dealing *dealing;
    cell_times *cells; /* [cell_count] */
    bool *idle;        /* [size] the rank waits for a block */
    int *block;        /* [size] the block that it has; -1 none */
    int signal;
    bool stopping, ended;
    cnn_allocation *allocation; /* NULL: the time does not end */
    bool late;                  /* SIGUSR1 has come */
    bool out_of_time;           /* a block was left undone because of either */
};

/* From the end of the last run: rows, the file's closing, the ranks' leaving. */
static const double time_to_close = 5; /* seconds */

cnn_status cnn_dispatcher_create(cnn_task *task, cnn_progress *progress, const double *known_life,
                                 cnn_allocation *allocation, cnn_dispatcher **out)
{
    cnn_status st = CNN_OK;
    const int cells = task->design->cell_count;
    cnn_dispatcher *d = calloc(1, sizeof *d);
    CNN_CHECK(d != NULL, CNN_ENOMEM, "dispatcher");
    d->task = task;
    d->progress = progress;
    d->allocation = allocation;
    d->cells = calloc((size_t)cells, sizeof *d->cells);
    d->idle = calloc((size_t)task->size, sizeof *d->idle);
    d->block = calloc((size_t)task->size, sizeof *d->block);
    CNN_CHECK(d->cells && d->idle && d->block, CNN_ENOMEM, "dispatcher of %d ranks", task->size);
    for (int c = 0; c < cells; c++)
        d->cells[c].longest = known_life[c];
    for (int r = 0; r < task->size; r++)
        d->block[r] = -1;
    CNN_TRY(cnn_dealing_create(task, &d->dealing));
    if (d->dealing->redealt > 0)
        cnn_progress_note(progress, "%d ranks instead of the %d planned: %d blocks dealt anew",
                          task->size, task->design->device_count, d->dealing->redealt);
    *out = d;
    d = NULL;
done:
    cnn_dispatcher_destroy(&d);
    return st;
}

void cnn_dispatcher_destroy(cnn_dispatcher **dispatcher)
{
    cnn_dispatcher *d = *dispatcher;
    if (!d)
        return;
    cnn_dealing_destroy(&d->dealing);
    free(d->cells);
    free(d->idle);
    free(d->block);
    free(d);
    *dispatcher = NULL;
}

int cnn_dispatcher_signal(const cnn_dispatcher *d)
{
    return d->signal;
}

static cnn_status tell_all(cnn_dispatcher *d, cnn_tag tag, const void *body, size_t n)
{
    cnn_status st = CNN_OK;
    for (int r = 0; r < d->task->size; r++)
        CNN_TRY(cnn_mailbox_send(d->task->mailbox, r, tag, body, n));
done:
    return st;
}

/** Once every rank waits and nothing is left for any of them. */
static cnn_status end_if_done(cnn_dispatcher *d)
{
    for (int r = 0; r < d->task->size; r++)
        if (!d->idle[r])
            return CNN_OK;
    if (d->ended)
        return CNN_OK;
    d->ended = true;
    return tell_all(d, CNN_TAG_END, NULL, 0);
}

void cnn_dispatcher_step(cnn_dispatcher *d)
{
    cnn_allocation_step(d->allocation);
}

/** Seconds that the unfinished runs of a block may take, each as long as the slowest finished one
 * of its cell. *known: false where a cell has none; its runs count nothing. */
static double longest_block(const cnn_dispatcher *d, int block, bool *known)
{
    const cnn_design *design = d->task->design;
    double sum = 0;
    *known = true;
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        const double longest = d->cells[design->runs[run].cell].longest;
        if (cnn_task_is_finished(d->task, run))
            continue;
        sum += longest;
        *known = *known && longest > 0;
    }
    return sum;
}

/** Whether a block may begin now. Nobody knows how long the first runs of a cell will take: they
 * begin, unless a signal has asked for an end. */
static bool is_in_time(cnn_dispatcher *d, int block)
{
    const double left = cnn_allocation_left(d->allocation);
    bool known, good;
    const double needed = longest_block(d, block, &known) + time_to_close;
    good = !isinf(left) ? needed <= left && (known || !d->late) : !d->late;
    if (!good && !d->out_of_time) { /* once is enough */
        d->out_of_time = true;
        if (isinf(left))
            return false; /* said when the signal came */
        cnn_progress_note(
            d->progress,
            "the allocation ends in %.0f s, and the next block may need %.0f s: what is "
            "left is for --resume",
            left, needed);
    }
    return good;
}

/** The next block of a rank, if one may begin; -1: none. */
static int take_block(cnn_dispatcher *d, int rank)
{
    const int block = d->stopping ? -1 : cnn_dealing_next(d->dealing, rank);
    return block >= 0 && is_in_time(d, block) ? cnn_dealing_take(d->dealing, rank) : -1;
}

static cnn_status give_block(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    const cnn_design *design = d->task->design;
    cnn_message_block m = {.block = take_block(d, rank)};
    d->block[rank] = m.block;
    d->idle[rank] = m.block < 0;
    if (m.block < 0) {
        cnn_progress_idle(d->progress, rank);
        CNN_TRY(end_if_done(d));
        goto done;
    }
    for (int l = 0; l < design->level_count; l++) {
        const int cell = design->runs[cnn_block_run(&design->blocks[m.block], l)].cell;
        m.limits[l] = cnn_limit_of(d->task->job->limits.run_seconds, d->cells[cell].longest);
    }
    CNN_TRY(cnn_mailbox_send(d->task->mailbox, rank, CNN_TAG_BLOCK, &m, sizeof m));
done:
    return st;
}

static cnn_status stop_all(cnn_dispatcher *d, const cnn_message_stop *m)
{
    d->stopping = true;
    if (m->signal && !d->signal) {
        d->signal = m->signal;
        cnn_progress_note(d->progress,
                          "signal %d: no new run starts, running ones have %.0f s to finish",
                          m->signal, m->now ? 0 : d->task->job->limits.grace_seconds);
    }
    return tell_all(d, CNN_TAG_STOP, m, sizeof *m);
}

static cnn_status heed_late(cnn_dispatcher *d)
{
    const double left = cnn_allocation_left(d->allocation);
    if (!d->late && isinf(left))
        cnn_progress_note(d->progress, "SIGUSR1: no further block begins");
    else if (!d->late)
        cnn_progress_note(d->progress, "SIGUSR1: no block begins that needs more than %.0f s",
                          left);
    d->late = true;
    return CNN_OK;
}

static void note_run(cnn_dispatcher *d, int from, const cnn_message_run *m)
{
    cell_times *c = &d->cells[d->task->design->runs[m->run].cell];
    d->task->status[m->run] = (int8_t)m->status;
    if (m->status != CNN_RUN_FAILED) {
        c->longest = fmax(c->longest, m->life_seconds);
        c->sum += m->life_seconds;
        c->count++;
    }
    cnn_progress_run(d->progress, from, m);
}

cnn_status cnn_dispatcher_receive(cnn_dispatcher *d, int from, cnn_tag tag, const cnn_message *body)
{
    const cnn_message_stop broken = {.signal = 0, .now = 1};
    switch (tag) {
    case CNN_TAG_IDLE:
        return give_block(d, from);
    case CNN_TAG_STATE:
        cnn_progress_state(d->progress, from, &body->state);
        return CNN_OK;
    case CNN_TAG_ATTEMPT:
        cnn_progress_attempt(d->progress, from, &body->attempt);
        return CNN_OK;
    case CNN_TAG_RUN:
        note_run(d, from, &body->run);
        return CNN_OK;
    case CNN_TAG_SIGNAL:
        return stop_all(d, &body->stop);
    case CNN_TAG_LATE:
        return heed_late(d);
    case CNN_TAG_BROKEN: {
        const cnn_status st = stop_all(d, &broken);
        d->idle[from] = true;
        d->block[from] = -1;
        return st == CNN_OK ? end_if_done(d) : st;
    }
    default:
        return cnn_error_set(CNN_EMPI, "rank %d sent an unknown message (%d)", from, (int)tag);
    }
}

/** Expected life of a cell's run: its mean, or that of all cells, or NaN. */
static double expected_life(const cnn_dispatcher *d, int cell)
{
    double sum = 0;
    int count = 0;
    if (d->cells[cell].count > 0)
        return d->cells[cell].sum / d->cells[cell].count;
    for (int c = 0; c < d->task->design->cell_count; c++) {
        sum += d->cells[c].sum;
        count += d->cells[c].count;
    }
    return count > 0 ? sum / count : NAN;
}

/** Seconds for the unfinished runs of a block. */
static double block_left(const cnn_dispatcher *d, int block)
{
    const cnn_design *design = d->task->design;
    double sum = 0;
    for (int l = 0; block >= 0 && l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[block], l);
        if (d->task->status[run] == CNN_RUN_PLANNED)
            sum += expected_life(d, design->runs[run].cell);
    }
    return sum;
}

static double queue_left(const cnn_dispatcher *d, int queue)
{
    double sum = 0;
    for (int i = d->dealing->next[queue]; i < d->dealing->start[queue + 1]; i++)
        sum += block_left(d, d->dealing->blocks[i]);
    return sum;
}

double cnn_dispatcher_time_left(const cnn_dispatcher *d)
{
    double longest = 0, all = queue_left(d, d->task->size);
    for (int r = 0; r < d->task->size; r++) {
        const double own = queue_left(d, r) + block_left(d, d->block[r]);
        if (isnan(own))
            return NAN;
        longest = fmax(longest, own);
        all += own;
    }
    const double even = all / d->task->size; /* the common queue fills the gaps */
    return isnan(even) ? NAN : fmax(longest, even);
}
