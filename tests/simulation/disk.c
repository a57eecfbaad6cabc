/* SPDX-License-Identifier: Apache-2.0 */
/* The results file: rows in memory, written column by column as hdf5io/writer.c does. A disk may
 * fail for good, and the world may end within a write. */
#include "checks.h"
#include "study.h"

#include <stdlib.h>
#include <string.h>

enum { SESSION_PLACES = SIM_SESSIONS_MAX + 2 };

/** Places as hdf5io/results_create.c gives them. */
static cnn_status make_room(cnn_results *r, int retries)
{
    cnn_status st = CNN_OK;
    free(r->attempts);
    free(r->sessions);
    r->attempts_per_run = 2 * (1 + retries);
    r->attempts = calloc((size_t)r->run_count * (size_t)r->attempts_per_run, sizeof *r->attempts);
    r->sessions = calloc(SESSION_PLACES, sizeof *r->sessions);
    r->quarantines = calloc(SESSION_PLACES, sizeof *r->quarantines);
    CNN_CHECK(r->attempts && r->sessions && r->quarantines, CNN_ENOMEM, "a simulated disk");
    for (int i = 0; i < r->run_count * r->attempts_per_run; i++)
        r->attempts[i] = cnn_attempt_unknown();
    r->session_count = 0;
done:
    return st;
}

cnn_status sim_disk_format(sim_world *w)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_study_plan(w->job, w->design, &w->disk));
    CNN_TRY(make_room(w->disk, w->job->limits.retries));
done:
    return st;
}

static sim_rank *owner(cnn_store *store)
{
    return ((sim_store *)store)->rank;
}

/** Parts of a write that come about: all, unless the disk fails or the world ends within it. */
static int parts_written(sim_rank *rank, int parts)
{
    sim_world *w = rank->world;
    const bool fails =
        w->plan->failing_disk == rank->number && rank->writes >= w->plan->good_writes;
    const bool torn = w->writes == w->plan->torn_write;
    rank->writes++;
    w->writes++;
    if (!fails && !torn)
        return parts;
    w->crashed = w->crashed || torn;
    *(torn ? &w->tally->torn_writes : &w->tally->failed_writes) += 1;
    w->disturbed = true;
    const int done = sim_random_int(&w->fates, 0, parts - 1);
    sim_world_trace(w, rank->number, "a write %s after %d of %d parts", torn ? "is torn" : "fails",
                    done, parts);
    return done;
}

static cnn_status outcome(int done, int parts)
{
    return done == parts ? CNN_OK : cnn_error_set(CNN_EIO, "the simulated disk has failed");
}

/** Whether this write of a rank takes long: it reaches the disk later, and the rank goes on after
 *  it; what it writes and sends meanwhile comes later still. */
static bool is_slow(sim_rank *rank)
{
    sim_world *w = rank->world;
    if (w->crashed)
        return false;
    if (w->plan->slow_disk == rank->number && w->plan->slow_write == rank->writes) {
        rank->writing_until = w->now + w->plan->slow_seconds;
        sim_world_trace(w, rank->number, "writes for %.0f s", w->plan->slow_seconds);
        w->tally->slow_writes++;
    }
    return rank->writing_until > w->now;
}

static sim_slow_write *defer(sim_rank *rank)
{
    sim_slow_write *write =
        calloc(1, sizeof *write + (size_t)rank->world->disk->epoch_count * sizeof *write->epochs);
    sim_slow_write **at = &rank->slow;
    if (!write)
        abort();
    while (*at)
        at = &(*at)->next;
    *at = write;
    rank->writes++;
    sim_world_add(rank->world, rank->writing_until, SIM_WRITES, rank->number, NULL);
    return write;
}

static cnn_status defer_run(sim_rank *rank, int run, cnn_run_status status,
                            const cnn_measured *measured, const cnn_epoch_row *epochs)
{
    sim_slow_write *write = defer(rank);
    write->run = run;
    write->place = -1;
    write->status = status;
    write->measured = *measured;
    memcpy(write->epochs, epochs, (size_t)rank->world->disk->epoch_count * sizeof *write->epochs);
    return CNN_OK;
}

static cnn_status defer_attempt(sim_rank *rank, int run, int place, const cnn_attempt *row)
{
    sim_slow_write *write = defer(rank);
    write->run = run;
    write->place = place;
    write->attempt = *row;
    return CNN_OK;
}

bool sim_disk_finish_write(sim_rank *rank)
{
    cnn_results *disk = rank->world->disk;
    sim_slow_write *write = rank->slow;
    if (!write)
        return false;
    rank->slow = write->next;
    sim_check_late_write(rank, write->run);
    sim_world_trace(rank->world, rank->number, "run %d: a slow write reaches the disk", write->run);
    if (write->place >= 0) {
        disk->attempts[write->run * disk->attempts_per_run + write->place] = write->attempt;
    } else {
        disk->measured[write->run] = write->measured;
        memcpy(disk->epochs + (size_t)write->run * (size_t)disk->epoch_count, write->epochs,
               (size_t)disk->epoch_count * sizeof *disk->epochs);
        disk->status[write->run] = (int8_t)write->status;
    }
    free(write);
    return true;
}

void sim_disk_clear(sim_rank *rank)
{
    while (rank->slow) {
        sim_slow_write *write = rank->slow;
        rank->slow = write->next;
        free(write);
    }
}

static cnn_status write_run(cnn_store *store, int run, cnn_run_status status,
                            const cnn_measured *measured, const cnn_epoch_row *epochs)
{
    sim_rank *rank = owner(store);
    cnn_results *disk = rank->world->disk;
    enum { PARTS = 4 };
    sim_check_run_written(rank, run, status, measured);
    if (is_slow(rank))
        return defer_run(rank, run, status, measured, epochs);
    const int done = parts_written(rank, PARTS);
    if (done > 0)
        disk->status[run] = CNN_RUN_PLANNED;
    if (done > 1)
        disk->measured[run] = *measured;
    if (done > 2)
        memcpy(disk->epochs + (size_t)run * (size_t)disk->epoch_count, epochs,
               (size_t)disk->epoch_count * sizeof *epochs);
    if (done > 3)
        disk->status[run] = (int8_t)status;
    sim_world_trace(rank->world, rank->number, "run %d: row written, %s", run,
                    cnn_run_status_names[disk->status[run]]);
    return outcome(done, PARTS);
}

static cnn_status write_attempt(cnn_store *store, int run, int attempt, const cnn_attempt *row)
{
    sim_rank *rank = owner(store);
    cnn_results *disk = rank->world->disk;
    sim_check_attempt_written(rank, run, attempt, row);
    if (is_slow(rank))
        return defer_attempt(rank, run, attempt, row);
    const int done = parts_written(rank, 1);
    if (done)
        disk->attempts[run * disk->attempts_per_run + attempt] = *row;
    sim_world_trace(rank->world, rank->number, "run %d: attempt in place %d: %s %s", run, attempt,
                    cnn_outcome_names[row->attempt_outcome], row->attempt_reason);
    return outcome(done, 1);
}

static cnn_status write_quarantine(cnn_store *store, int session, const cnn_quarantine *row)
{
    sim_rank *rank = owner(store);
    sim_check_quarantine_written(rank, row);
    const int done = parts_written(rank, 1);
    if (done)
        rank->world->disk->quarantines[session] = *row;
    return outcome(done, 1);
}

void sim_disk_make(sim_rank *rank)
{
    rank->store.interface = (cnn_store){rank->world->disk->attempts_per_run, write_run,
                                        write_attempt, write_quarantine};
    rank->store.rank = rank;
    rank->context.store = &rank->store.interface;
}
