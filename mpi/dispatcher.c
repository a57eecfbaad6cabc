#include "mpi/dispatcher.h"

#include "base/clock.h"
#include "mpi/dealing.h"
#include "mpi/simulated.h"
#include "mpi/streak.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    cell_times *cells;         /* [cell_count] */
    bool *idle;                /* [size] the rank waits for a block */
    int *block;                /* [size] the block that it has; -1 none */
    signed char *duty;         /* [size, level_count] cnn_duty: what is still to be done of that */
    cnn_streak *streaks;       /* [size] of failed runs on the rank's device */
    bool *out;                 /* [size] the device is quarantined: the rank gets no more blocks */
    cnn_quarantine quarantine; /* as the file tells it */
    bool *whole;               /* [block_count] to be repeated whole, on another device */
    bool *earlier;             /* [run_count] finished in an earlier session: never touched again */
    int turn;                  /* the rank that gets the next block of a quarantined one */
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
    d->duty = calloc((size_t)task->size * (size_t)task->design->level_count, sizeof *d->duty);
    d->streaks = calloc((size_t)task->size, sizeof *d->streaks);
    d->out = calloc((size_t)task->size, sizeof *d->out);
    d->whole = calloc((size_t)task->design->block_count, sizeof *d->whole);
    d->earlier = calloc((size_t)task->design->run_count, sizeof *d->earlier);
    CNN_CHECK(d->cells && d->idle && d->block && d->duty && d->streaks && d->out && d->whole &&
                  d->earlier,
              CNN_ENOMEM, "dispatcher of %d ranks", task->size);
    for (int c = 0; c < cells; c++)
        d->cells[c].longest = known_life[c];
    for (int r = 0; r < task->size; r++)
        d->block[r] = -1;
    CNN_TRY(cnn_dealing_create(task, &d->dealing));
    if (d->dealing->redealt > 0)
        cnn_progress_note(progress, "%d ranks instead of the %d planned: %d blocks dealt anew",
                          task->size, task->design->device_count, d->dealing->redealt);
    for (int run = 0; run < task->design->run_count; run++) {
        d->earlier[run] = cnn_task_is_finished(task, run);
        if (!d->earlier[run])
            task->status[run] = CNN_RUN_PLANNED; /* what failed then has another chance */
    }
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
    for (int r = 0; d->streaks && r < d->task->size; r++)
        cnn_streak_free(&d->streaks[r]);
    free(d->streaks);
    free(d->duty);
    free(d->out);
    free(d->whole);
    free(d->earlier);
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

/** What is to be done with a block's run of a contrast level. */
static cnn_duty duty_of(const cnn_dispatcher *d, int block, int level)
{
    const int run = cnn_block_run(&d->task->design->blocks[block], level);
    if (d->task->status[run] == CNN_RUN_PLANNED)
        return CNN_TRAIN;
    return d->whole[block] && !d->earlier[run] && cnn_task_is_finished(d->task, run) ? CNN_REPLACE
                                                                                     : CNN_LEAVE;
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
        if (duty_of(d, block, l) == CNN_LEAVE)
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

static signed char *duties(const cnn_dispatcher *d, int rank)
{
    return d->duty + (size_t)rank * (size_t)d->task->design->level_count;
}

/** Whether the rank has given its block back before all was done: after a run that failed. */
static bool has_duty(const cnn_dispatcher *d, int rank)
{
    for (int l = 0; d->block[rank] >= 0 && l < d->task->design->level_count; l++)
        if (duties(d, rank)[l] != CNN_LEAVE)
            return true;
    return false;
}

/** The block that a rank goes on with or begins, if one may begin; -1: none. */
static int take_block(cnn_dispatcher *d, int rank)
{
    if (d->stopping || d->out[rank])
        return -1;
    if (has_duty(d, rank))
        return d->block[rank];
    const int block = cnn_dealing_next(d->dealing, rank);
    if (block < 0 || !is_in_time(d, block))
        return -1;
    for (int l = 0; l < d->task->design->level_count; l++)
        duties(d, rank)[l] = (signed char)duty_of(d, block, l);
    return cnn_dealing_take(d->dealing, rank);
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
        const int run = cnn_block_run(&design->blocks[m.block], l);
        m.limits[l] = cnn_limit_of(d->task->job->limits.run_seconds,
                                   d->cells[design->runs[run].cell].longest);
        m.attempts[l] = d->task->attempts[run];
        m.duty[l] = duties(d, rank)[l];
    }
    CNN_TRY(cnn_mailbox_send(d->task->mailbox, rank, CNN_TAG_BLOCK, &m, sizeof m));
done:
    return st;
}

/* ---- quarantine ---------------------------------------------------------------------------- */

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

/** A device that fails runs of different cells, one after the other, gets no more, as long as there
 * is another. */
static cnn_status quarantine(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    int others = 0;
    for (int r = 0; r < d->task->size; r++)
        others += r != rank && !d->out[r];
    if (others == 0) {
        if (d->task->size > 1)
            cnn_progress_note(d->progress, "rank %d fails too, but its device is the last one",
                              rank);
        cnn_streak_clear(&d->streaks[rank]);
        goto done;
    }
    d->out[rank] = true;
    d->block[rank] = -1;
    CNN_TRY(record_quarantine(d, rank));
    const int count = hand_over(d, rank);
    cnn_progress_note(d->progress, "%d blocks of rank %d dealt anew", count, rank);
    for (int r = 0; r < d->task->size; r++)
        if (d->idle[r] && !d->out[r])
            CNN_TRY(give_block(d, r));
done:
    return st;
}

/** A rank has no work: it has done its block, or a run of it has failed. */
static cnn_status heed_idle(cnn_dispatcher *d, int rank)
{
    cnn_status st = CNN_OK;
    if (!d->stopping && !d->out[rank] && cnn_streak_is_bad(&d->streaks[rank]))
        CNN_TRY(quarantine(d, rank));
    CNN_TRY(give_block(d, rank));
done:
    return st;
}

/* ---- other messages ------------------------------------------------------------------------ */

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
    const cnn_run *run = &d->task->design->runs[m->run];
    cell_times *c = &d->cells[run->cell];
    cnn_progress_run(d->progress, from, m);
    if (!m->kept)
        d->task->status[m->run] = (int8_t)m->status;
    d->task->attempts[m->run]++;
    duties(d, from)[run->level] = CNN_LEAVE;
    cnn_streak_run(&d->streaks[from], run->cell, run->block, m->status == CNN_RUN_FAILED,
                   m->reason);
    if (m->status != CNN_RUN_FAILED) {
        c->longest = fmax(c->longest, m->life_seconds);
        c->sum += m->life_seconds;
        c->count++;
    }
}

cnn_status cnn_dispatcher_receive(cnn_dispatcher *d, int from, cnn_tag tag, const cnn_message *body)
{
    const cnn_message_stop broken = {.signal = 0, .now = 1};
    switch (tag) {
    case CNN_TAG_IDLE:
        return heed_idle(d, from);
    case CNN_TAG_STATE:
        cnn_progress_state(d->progress, from, &body->state);
        return CNN_OK;
    case CNN_TAG_ATTEMPT:
        d->task->attempts[body->attempt.run]++;
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
        if (duty_of(d, block, l) != CNN_LEAVE)
            sum += expected_life(d, design->runs[run].cell);
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
