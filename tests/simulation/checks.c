/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

#include "base/checksum.h"

#include <stdio.h>
#include <string.h>

#define CHECK(world, condition, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            sim_world_fail((world), __VA_ARGS__);                                                  \
    } while (0)

static bool is_measured(const sim_world *w, int run)
{
    return !w->design->blocks[w->design->runs[run].block].warmup;
}

/** FNV-1a over what a row holds. */
static uint64_t hash_row(const sim_world *w, int run)
{
    const cnn_results *d = w->disk;
    const struct {
        const void *bytes;
        size_t n;
    } parts[] = {{&d->measured[run], sizeof d->measured[run]},
                 {d->epochs + (size_t)run * (size_t)d->epoch_count,
                  (size_t)d->epoch_count * sizeof *d->epochs},
                 {&d->status[run], 1}};
    uint64_t hash = CNN_CHECKSUM_START;
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
        hash = cnn_checksum(hash, parts[p].bytes, parts[p].n);
    return hash;
}

static int places_taken(const cnn_results *d, int run)
{
    int taken = 0;
    for (int a = 0; a < d->attempts_per_run; a++)
        if (d->attempts[run * d->attempts_per_run + a].attempt_outcome > CNN_OUTCOME_NONE)
            taken = a + 1;
    return taken;
}

/* ---- blocks -------------------------------------------------------------------------------- */

/** A rank on whose device the block was begun in an earlier session, if it can be given blocks. */
static bool has_other_home(const sim_world *w, int block, int rank)
{
    const int home = w->state.home ? w->state.home[block] : -1;
    return home >= 0 && home != rank && !w->design->blocks[block].warmup &&
           !w->ranks[home].facts.quarantined;
}

/** Whether the device must be quarantined before it gets another block. */
static bool is_to_blame(const sim_rank_facts *f)
{
    return f->streak_cells == 3 || f->occupied;
}

/** Devices that everything fails on get no block, but the last one does. */
static void check_blame(sim_world *w, int to)
{
    sim_rank_facts *f = &w->ranks[to].facts;
    bool others = false;
    for (int k = 0; k < w->plan->ranks; k++)
        others |= k != to && !w->ranks[k].facts.quarantined;
    CHECK(w, !is_to_blame(f) || !others, "rank %d gets a block, and its device is to blame", to);
    if (is_to_blame(f))
        f->streak_cells = 0;
}

/** Whether a rank died between the writing of a finished row and its report: rank 0 cannot know. */
static bool is_unreported(const sim_world *w, int run)
{
    const cnn_measured *m = &w->disk->measured[run];
    return m->session == w->session && w->ranks[m->rank].facts.lost;
}

static void check_tasks(sim_world *w, int to, const cnn_message_block *m)
{
    const cnn_design *design = w->design;
    int open = 0;
    for (int l = 0; l < design->level_count; l++) {
        const int run = cnn_block_run(&design->blocks[m->block], l);
        const int taken = places_taken(w->disk, run), room = w->disk->attempts_per_run;
        CHECK(w, !cnn_run_status_is_finished(w->before[run]) || m->task[l] == CNN_TASK_NONE,
              "run %d was finished in an earlier session and is to be trained on rank %d", run, to);
        CHECK(w,
              m->task[l] != CNN_TASK_TRAIN || !cnn_run_status_is_finished(w->disk->status[run]) ||
                  is_unreported(w, run),
              "run %d is finished, and rank %d is to train it as if it were not", run, to);
        const int learned = m->attempts[l] > room ? room : m->attempts[l];
        CHECK(w, m->task[l] == CNN_TASK_NONE || learned == taken || (w->losses && learned > taken),
              "run %d has %d attempts in the file, and rank %d learns of %d", run, taken, to,
              m->attempts[l]);
        open += m->task[l] != CNN_TASK_NONE;
    }
    CHECK(w, open > 0, "rank %d is given block %d, in which nothing is to be done", to, m->block);
}

/** A block that begins ends before the allocation, by the slowest runs that rank 0 knows. */
static void check_time(sim_world *w, int to, const cnn_message_block *m)
{
    double needed = 0;
    bool known = true;
    for (int l = 0; l < w->design->level_count; l++) {
        const int run = cnn_block_run(&w->design->blocks[m->block], l);
        const double longest = w->longest[w->design->runs[run].cell];
        needed += m->task[l] == CNN_TASK_NONE ? 0 : longest;
        known = known && (m->task[l] == CNN_TASK_NONE || longest > 0);
    }
    CHECK(w, !w->late_received || (known && !isinf(w->known_end)),
          "block %d begins on rank %d after SIGUSR1", m->block, to);
    CHECK(w, isinf(w->known_end) || w->now + needed <= w->known_end,
          "block %d begins on rank %d, needs %.1f s, and the allocation ends in %.1f s", m->block,
          to, needed, w->known_end - w->now);
}

static void check_block(sim_world *w, int to, const cnn_message_block *m)
{
    sim_rank_facts *f = &w->ranks[to].facts;
    CHECK(w, f->asked, "rank %d is given block %d and has not asked for one", to, m->block);
    CHECK(w, w->holder[m->block] < 0, "block %d is given to rank %d, and rank %d has it", m->block,
          to, w->holder[m->block]);
    CHECK(w, !f->quarantined, "rank %d is quarantined and is given block %d", to, m->block);
    CHECK(w, !w->kept_back[m->block],
          "block %d, which a dead rank may still write, is given to rank %d", m->block, to);
    CHECK(w, !w->stop_received, "block %d is given to rank %d after a stop", m->block, to);
    if (f->block != m->block)
        check_time(w, to, m);
    CHECK(w, !has_other_home(w, m->block, to),
          "block %d goes to rank %d, and the device that began it is that of rank %d", m->block, to,
          w->state.home[m->block]);
    check_blame(w, to);
    check_tasks(w, to, m);
    if (f->block != m->block && !w->design->blocks[m->block].warmup &&
        !(w->state.home && w->state.home[m->block] >= 0))
        f->dealt++;
    f->asked = false;
    f->block = m->block;
    memcpy(f->task, m->task, sizeof f->task);
    w->holder[m->block] = to;
}

static int lost_ranks(const sim_world *w)
{
    int count = 0;
    for (int k = 0; k < w->plan->ranks; k++)
        count += w->ranks[k].facts.lost;
    return count;
}

void sim_check_sent(sim_rank *from, int to, cnn_tag tag, const cnn_message *body)
{
    sim_world *w = from->world;
    sim_rank_facts *f = &from->facts;
    w->tally->letters++;
    if (w->crashed)
        return;
    switch (tag) {
    case CNN_TAG_GRANTED:
        w->ranks[to].facts.granted = true;
        CHECK(w, !w->ranks[to].facts.lost, "rank %d counts as dead and may write", to);
        break;
    case CNN_TAG_BLOCK:
        sim_world_trace(w, 0, "block %d to rank %d", body->block.block, to);
        check_block(w, to, &body->block);
        break;
    case CNN_TAG_IDLE:
        sim_world_trace(w, from->number, "asks for a block");
        if (f->block >= 0 && w->holder[f->block] == from->number)
            w->holder[f->block] = -1;
        f->asked = true;
        f->failed = false;
        break;
    case CNN_TAG_STOP:
        w->stop_received = w->disturbed = true;
        break;
    case CNN_TAG_END:
        sim_world_trace(w, 0, "the end to rank %d", to);
        w->ended = true;
        CHECK(w, body->end.lost == lost_ranks(w), "the end counts %d dead ranks of %d",
              body->end.lost, lost_ranks(w));
        break;
    case CNN_TAG_BROKEN:
        sim_world_trace(w, from->number, "cannot continue");
        w->disturbed = true;
        break;
    default:
        break;
    }
}

void sim_check_received(sim_rank *rank, int from, cnn_tag tag, const cnn_message *body)
{
    sim_world *w = rank->world;
    if (tag == CNN_TAG_SIGNAL || tag == CNN_TAG_BROKEN)
        w->stop_received = w->disturbed = true;
    if (tag == CNN_TAG_RUN && body->run.status != CNN_RUN_FAILED && !w->ranks[from].facts.lost) {
        double *longest = &w->longest[w->design->runs[body->run.run].cell];
        *longest = fmax(*longest, body->run.life_seconds);
    }
    if (tag == CNN_TAG_LATE)
        w->late_received = w->disturbed = true;
    if (tag == CNN_TAG_IDLE)
        w->asking = from;
    if (tag == CNN_TAG_IDLE || tag == CNN_TAG_ATTEMPT || tag == CNN_TAG_RUN)
        w->ranks[from].facts.granted = false;
    if (tag == CNN_TAG_STOP)
        rank->facts.stopped = true;
}

/* ---- runs ---------------------------------------------------------------------------------- */

void sim_check_started(sim_rank *rank, int run)
{
    sim_world *w = rank->world;
    sim_rank_facts *f = &rank->facts;
    const cnn_run *r = &w->design->runs[run];
    w->tally->attempts++;
    if (f->lost) /* nobody heeds what it does, as long as it writes nothing */
        return;
    CHECK(w, f->running < 0, "rank %d starts run %d while it trains run %d", rank->number, run,
          f->running);
    CHECK(w, f->block == r->block && w->holder[r->block] == rank->number,
          "rank %d starts run %d of block %d, which it does not have", rank->number, run, r->block);
    CHECK(w, f->task[r->level] != CNN_TASK_NONE, "rank %d starts run %d, which is not to be done",
          rank->number, run);
    CHECK(w, !f->failed, "rank %d starts run %d and did not return its block after a failure",
          rank->number, run);
    CHECK(w, !f->stopped, "rank %d starts run %d after it was stopped", rank->number, run);
    CHECK(w, !f->quarantined, "rank %d is quarantined and starts run %d", rank->number, run);
    for (int k = 0; k < w->plan->ranks; k++)
        CHECK(w,
              k == rank->number || w->ranks[k].facts.running != run || !w->ranks[k].alive ||
                  w->ranks[k].facts.lost,
              "run %d starts on rank %d and runs on rank %d", run, rank->number, k);
}

void sim_check_trainer_ended(sim_rank *rank, int left_behind)
{
    rank->facts.occupied = left_behind != 0;
}

static void count_streak(sim_rank_facts *f, int cell, bool failed)
{
    if (!failed)
        f->streak_cells = 0;
    for (int k = 0; k < f->streak_cells; k++)
        if (f->streak[k] == cell)
            return;
    if (failed && f->streak_cells < 3)
        f->streak[f->streak_cells++] = cell;
}

/** An end of a run that the rank reports, its row written or kept. */
static void end_run(sim_rank *rank, int run, bool failed)
{
    sim_rank_facts *f = &rank->facts;
    const cnn_run *r = &rank->world->design->runs[run];
    CHECK(rank->world, !failed || f->occupied || f->attempts > rank->world->job->limits.retries,
          "run %d fails on rank %d after %d attempts", run, rank->number, f->attempts);
    count_streak(f, r->cell, failed || f->occupied);
    f->failed = failed || f->occupied;
    f->task[r->level] = CNN_TASK_NONE;
    f->attempts = 0;
}

void sim_check_attempt_written(sim_rank *rank, int run, int place, const cnn_attempt *row)
{
    sim_world *w = rank->world;
    sim_rank_facts *f = &rank->facts;
    const int room = w->disk->attempts_per_run, taken = places_taken(w->disk, run);
    const cnn_run *r = &w->design->runs[run];
    const bool good =
        row->attempt_outcome == CNN_OUTCOME_DONE || row->attempt_outcome == CNN_OUTCOME_DIVERGED;
    if (w->crashed)
        return;
    sim_check_late_write(rank, run);
    CHECK(w, f->block == r->block && f->task[r->level] != CNN_TASK_NONE,
          "rank %d writes an attempt at run %d, which it does not have", rank->number, run);
    CHECK(w, place == taken || (taken == room && place == room - 1) || (w->losses && place > taken),
          "an attempt at run %d goes into place %d, when %d of %d are taken", run, place, taken,
          room);
    CHECK(w, row->attempt_session == w->session && row->attempt_rank == rank->number,
          "an attempt at run %d is of session %d and rank %d", run, row->attempt_session,
          row->attempt_rank);
    f->attempts++;
    w->tally->failed_attempts += !good;
    /* A failed repetition keeps the earlier row: nothing else will be written. */
    if (!good && f->task[r->level] == CNN_TASK_RETRAIN &&
        row->attempt_outcome != CNN_OUTCOME_STOPPED &&
        (f->occupied || f->attempts > w->job->limits.retries))
        end_run(rank, run, true);
}

/** Whether a finished row may be replaced: its block is repeated whole on another device. */
static bool may_replace(const sim_world *w, int run, const sim_rank *rank, cnn_run_status status)
{
    const cnn_measured *old = &w->disk->measured[run];
    if (is_unreported(w, run) && rank->facts.task[w->design->runs[run].level] == CNN_TASK_TRAIN)
        return true;
    return !cnn_run_status_is_finished(w->before[run]) && cnn_run_status_is_finished(status) &&
           old->session == w->session && old->rank != rank->number &&
           w->ranks[old->rank].facts.quarantined;
}

void sim_check_run_written(sim_rank *rank, int run, cnn_run_status status, const cnn_measured *row)
{
    sim_world *w = rank->world;
    sim_rank_facts *f = &rank->facts;
    const cnn_run *r = &w->design->runs[run];
    const bool replaces = cnn_run_status_is_finished(w->disk->status[run]);
    if (w->crashed)
        return;
    sim_check_late_write(rank, run);
    CHECK(w, f->block == r->block && f->task[r->level] != CNN_TASK_NONE,
          "rank %d writes run %d, which it does not have", rank->number, run);
    CHECK(w, !replaces || may_replace(w, run, rank, status),
          "run %d is finished, and rank %d writes it again", run, rank->number);
    CHECK(w, row->session == w->session && row->rank == rank->number,
          "run %d is written as of session %d and rank %d", run, row->session, row->rank);
    w->tally->retrained_runs += replaces;
    w->tally->failed_runs += status == CNN_RUN_FAILED;
    end_run(rank, run, status == CNN_RUN_FAILED);
}

void sim_check_late_write(sim_rank *rank, int run)
{
    sim_world *w = rank->world;
    w->tally->late_writes += rank->facts.lost;
    CHECK(w, !rank->facts.lost || w->kept_back[w->design->runs[run].block],
          "rank %d counts as dead and writes run %d, which others may write", rank->number, run);
}

void sim_check_loss(sim_world *w, const cnn_loss *loss)
{
    sim_rank *rank = &w->ranks[loss->rank];
    sim_rank_facts *f = &rank->facts;
    w->tally->losses++;
    w->losses++;
    w->losing = loss->rank;
    f->lost = true;
    CHECK(w, !w->ended, "rank %d is given up after the end, which did not count it", loss->rank);
    CHECK(w, !loss->ended || !rank->alive, "rank %d lives, and counts as ended", loss->rank);
    CHECK(w, !rank->alive || rank->last_sign < w->now - w->plan->lease,
          "rank %d counts as dead, and its signs of life arrive", loss->rank);
    if (f->block >= 0 && w->holder[f->block] == loss->rank)
        w->holder[f->block] = -1;
    if (!loss->ended && f->granted && f->block >= 0) {
        w->kept_back[f->block] = true;
        w->disturbed = true;
        w->tally->kept_back++;
    }
}

void sim_check_quarantine_written(sim_rank *rank, const cnn_quarantine *row)
{
    sim_world *w = rank->world;
    const int blamed = w->losing >= 0 ? w->losing : w->asking;
    char name[32];
    if (w->crashed)
        return;
    snprintf(name, sizeof name, "(rank %d)", blamed);
    CHECK(w, strstr(row->devices, name) || strstr(row->devices, " more"),
          "the quarantine of rank %d is not in the file: '%s'", blamed, row->devices);
    sim_rank_facts *f = &w->ranks[blamed].facts;
    sim_world_trace(w, blamed, "is quarantined");
    CHECK(w, f->lost || (!f->quarantined && f->asked && is_to_blame(f)),
          "rank %d is quarantined, and its device is not to blame", blamed);
    f->quarantined = true;
    w->quarantines++;
    w->tally->quarantines++;
}

/* ---- sessions ------------------------------------------------------------------------------ */

void sim_check_begin(sim_world *w)
{
    w->stop_received = w->late_received = w->disturbed = false;
    w->quarantines = 0;
    w->ended = false;
    w->losing = -1;
    w->losses = 0;
    w->known_end = INFINITY;
    w->disturbed = !isinf(w->plan->end_at);
    for (int c = 0; c < w->design->cell_count; c++)
        w->longest[c] = w->state.known_durations[c];
    for (int b = 0; b < w->design->block_count; b++) {
        w->holder[b] = -1;
        w->kept_back[b] = false;
    }
    for (int run = 0; run < w->design->run_count; run++) {
        w->before[run] = w->disk->status[run];
        w->row[run] = cnn_run_status_is_finished(w->before[run]) ? hash_row(w, run) : 0;
    }
}

/** What was finished before the session is unchanged, whatever its end. */
static void check_old_rows(sim_world *w)
{
    for (int run = 0; run < w->design->run_count; run++)
        CHECK(w, !cnn_run_status_is_finished(w->before[run]) || hash_row(w, run) == w->row[run],
              "the row of run %d, finished in an earlier session, has changed", run);
}

/** Rank 0's picture is the file's. */
static void check_belief(sim_world *w)
{
    const int8_t *belief = w->ranks[0].context.status;
    for (int run = 0; run < w->design->run_count; run++)
        CHECK(w, w->disturbed || !is_measured(w, run) || belief[run] == w->disk->status[run],
              "run %d is %s in the file, and rank 0 takes it for %s", run,
              cnn_run_status_names[w->disk->status[run]], cnn_run_status_names[belief[run]]);
}

/** Undisturbed, every run has been tried. */
static void check_tried(sim_world *w)
{
    for (int run = 0; run < w->design->run_count; run++)
        CHECK(w, w->disturbed || !is_measured(w, run) || w->disk->status[run] != CNN_RUN_PLANNED,
              "the session ended, and run %d was never tried", run);
}

/** Balanced: the ranks' shares differ by 1 at most, and by 1 more for each quarantine. */
static void check_balance(sim_world *w)
{
    int least = w->design->block_count, most = 0;
    if (w->disturbed || w->job->schedule.assign != CNN_ASSIGN_BALANCED || w->session > 0)
        return;
    for (int k = 0; k < w->plan->ranks; k++) {
        const sim_rank_facts *f = &w->ranks[k].facts;
        if (f->quarantined)
            continue;
        least = f->dealt < least ? f->dealt : least;
        most = f->dealt > most ? f->dealt : most;
    }
    CHECK(w, most - least <= 1 + w->quarantines, "ranks have got between %d and %d blocks", least,
          most);
}

void sim_check_end(sim_world *w)
{
    bool usable = false;
    check_old_rows(w);
    if (w->crashed)
        return;
    for (int k = 0; k < w->plan->ranks; k++)
        usable |= !w->ranks[k].facts.quarantined;
    w->disturbed |= !usable;
    for (int b = 0; b < w->design->block_count; b++)
        CHECK(w, w->disturbed || w->holder[b] < 0, "the session ended, and rank %d has block %d",
              w->holder[b], b);
    check_belief(w);
    check_tried(w);
    check_balance(w);
}

/** Whether a block's runs are of one device. */
static bool is_whole(const sim_world *w, const cnn_block *b)
{
    const cnn_measured *first = &w->disk->measured[cnn_block_run(b, 0)];
    for (int l = 1; l < w->design->level_count; l++)
        if (strcmp(w->disk->measured[cnn_block_run(b, l)].device, first->device) != 0)
            return false;
    return true;
}

/** A block is split only by a session's end or a quarantine; the file says so by its columns. */
static void check_split(sim_world *w, const cnn_block *b)
{
    bool sessions = false, quarantine = false;
    const int first = cnn_block_run(b, 0);
    for (int l = 0; l < w->design->level_count; l++) {
        const cnn_measured *m = &w->disk->measured[first + l];
        sessions |= m->session != w->disk->measured[first].session;
        quarantine |= w->disk->quarantines[m->session].devices[0] != '\0';
    }
    w->tally->split_blocks++;
    CHECK(w, sessions || quarantine, "block of run %d is split over devices without a reason",
          first);
}

/** Finished runs agree on their data and their networks. */
static void check_reports(sim_world *w)
{
    for (int run = 0; run < w->design->run_count; run++)
        for (int other = 0; other < run; other++) {
            const cnn_measured *a = &w->disk->measured[run], *b = &w->disk->measured[other];
            const bool alike = w->design->runs[run].cell == w->design->runs[other].cell;
            if (!alike || !cnn_run_status_is_finished(w->disk->status[run]) ||
                !cnn_run_status_is_finished(w->disk->status[other]))
                continue;
            CHECK(w,
                  strcmp(a->data_checksum, b->data_checksum) == 0 && a->parameters == b->parameters,
                  "runs %d and %d of one cell differ in their data or networks", run, other);
            break;
        }
}

/** Whether an impostor's report was the first of the run's cell or data set, and stands: what
 *  differs from it fails. */
static bool is_contradicted(const sim_world *w, int run)
{
    for (int other = 0; other < w->design->run_count; other++) {
        const cnn_measured *m = &w->disk->measured[other];
        const bool same_cell = w->design->runs[run].cell == w->design->runs[other].cell;
        if (cnn_run_status_is_finished(w->disk->status[other]) &&
            (strstr(m->data_checksum, SIM_IMPOSTOR) ||
             (same_cell && m->parameters != SIM_PARAMETERS + w->design->runs[run].cell)))
            return true;
    }
    return false;
}

void sim_check_all(sim_world *w)
{
    for (int run = 0; run < w->design->run_count; run++)
        CHECK(w,
              !is_measured(w, run) || cnn_run_status_is_finished(w->disk->status[run]) ||
                  is_contradicted(w, run),
              "run %d is %s after the last session", run,
              cnn_run_status_names[w->disk->status[run]]);
    for (int b = 0; b < w->design->block_count; b++)
        if (!w->failure[0] && !w->design->blocks[b].warmup && !is_whole(w, &w->design->blocks[b]))
            check_split(w, &w->design->blocks[b]);
    check_reports(w);
}
