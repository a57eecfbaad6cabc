/* SPDX-License-Identifier: Apache-2.0 */
/* One invocation of cnnmpi on the world's file: what mpi/job_runner.c does with MPI, processes and
 * HDF5, done with their stand-ins. */
#include "session.h"

#include "deaths.h"

#include "base/text.h"
#include "mpi/resume.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 500000 };

/* ---- its beginning ------------------------------------------------------------------------- */

static double monotonic(const cnn_system *system)
{
    const sim_rank *rank = ((const sim_system *)system)->rank;
    return 1000.0 * rank->number + rank->world->now; /* each machine has its own clock */
}

static double wall(const cnn_system *system)
{
    return SIM_START + ((const sim_system *)system)->rank->world->now;
}

static int stop_signal(const cnn_system *system, int *count)
{
    *count = ((const sim_system *)system)->rank->signals;
    return *count ? SIGTERM : 0;
}

static bool is_late(const cnn_system *system)
{
    return ((const sim_system *)system)->rank->late;
}

static void name_places(sim_world *w)
{
    for (int k = 0; k < w->plan->ranks; k++) {
        cnn_place *p = &w->places[k];
        *p = (cnn_place){.rank = k, .cores = 1};
        snprintf(p->host, sizeof p->host, "host%d", w->plan->device[k] / 4);
        snprintf(p->device, sizeof p->device, "device %d", w->plan->device[k]);
        snprintf(p->device_model, sizeof p->device_model, "model");
        for (int other = 0; other < w->plan->ranks; other++)
            p->shared |= other != k && w->plan->device[other] == w->plan->device[k];
    }
}

/** The state of the file, as mpi/prepare.c takes it up. */
static cnn_status take_up_file(sim_world *w)
{
    cnn_status st = CNN_OK;
    int planned;
    if (w->disk->session_count == 0)
        return cnn_file_state_begin(w->job, w->design, &w->state);
    CNN_TRY(cnn_resume_devices(w->disk, &planned));
    CNN_CHECK(planned == w->design->device_count, CNN_EDATA, "planned for %d devices", planned);
    if (w->scenario.seed % 8 == 0) /* it reads the job again, which takes long */
        CNN_TRY(cnn_resume_check(w->disk, w->job, w->design));
    CNN_TRY(cnn_file_state_read(w->disk, w->job, w->design, w->places, w->plan->ranks, &w->state));
done:
    return st;
}

static bool next_loss(cnn_losses *losses, cnn_loss *out)
{
    sim_world *w = ((sim_losses *)losses)->world;
    w->losing = -1;
    if (!w->leases || !cnn_leases_next_loss(w->leases, w->now, out))
        return false;
    sim_world_trace(w, out->rank, "counts as dead: %s", out->ended ? "ended" : "silent");
    sim_check_loss(w, out);
    return true;
}

static void make_rank(sim_world *w, int k)
{
    sim_rank *r = &w->ranks[k];
    *r = (sim_rank){.world = w, .number = k, .alive = true, .wakes_at = INFINITY};
    r->trainer_end = r->stalled_until = r->writing_until = -INFINITY;
    r->last_sign = r->died_at = INFINITY;
    r->near = w->plan->device[k] / 4 == w->plan->device[0] / 4;
    r->facts.block = r->facts.running = -1;
    r->context = (cnn_rank_context){.job = w->job,
                                    .rank = k,
                                    .size = w->plan->ranks,
                                    .places = w->places,
                                    .design = w->design,
                                    .algorithms = w->algorithms,
                                    .session = w->state.session,
                                    .epoch_count = w->state.epoch_count,
                                    .live = w->scenario.seed % 3 == 0};
    r->system.interface = (cnn_system){monotonic, wall, stop_signal, is_late};
    r->system.rank = r;
    r->context.system = &r->system.interface;
    if (k == 0) {
        r->context.status = w->state.status;
        r->context.attempts = w->state.attempts;
        r->context.home = w->state.home;
        w->loss_source = (sim_losses){{next_loss}, w};
        r->context.losses = &w->loss_source.interface;
    }
    sim_mailbox_make(r);
    sim_disk_make(r);
    sim_trainers_make(r);
}

static void schedule_misfortunes(sim_world *w)
{
    const sim_session_plan *p = w->plan;
    for (int k = 0; k < p->ranks; k++) {
        const double spread = sim_random_between(&w->schedule, 0, 0.4);
        for (int s = 0; s < 2; s++)
            if (p->stop[s].ranks >> k & 1)
                sim_world_add(w, w->now + p->stop[s].at + spread, SIM_STOPS, k, NULL);
        if (p->late.ranks >> k & 1)
            sim_world_add(w, w->now + p->late.at + spread, SIM_IS_LATE, k, NULL);
    }
    sim_world_add(w, w->now + p->crash_at, SIM_CRASHES, -1, NULL);
    if (isinf(p->end_moves_at))
        sim_world_add(w, w->session_start + p->end_at, SIM_CRASHES, -1, NULL);
    else
        sim_world_add(w, fmax(w->now, w->session_start + p->new_end_at), SIM_CRASHES, -1, NULL);
    for (int k = 0; k < p->harm_count; k++)
        sim_world_add_harm(w, w->now + p->harms[k].at, k);
}

static cnn_status begin(sim_world *w)
{
    cnn_status st = CNN_OK;
    cnn_results *disk = w->disk;
    w->session = w->state.session;
    disk->sessions[w->session] = (cnn_session){SIM_START + w->now, w->plan->ranks};
    disk->session_count = w->session + 1;
    w->session_start = w->now;
    w->writes = 0;
    w->crashed = false;
    sim_check_begin(w);
    CNN_CHECK((w->ranks = calloc((size_t)w->plan->ranks, sizeof *w->ranks)) != NULL, CNN_ENOMEM,
              "%d ranks", w->plan->ranks);
    for (int k = 0; k < w->plan->ranks; k++)
        make_rank(w, k);
    cnn_rank_context *first = &w->ranks[0].context;
    CNN_TRY(cnn_progress_create(w->tracing ? CNN_PROGRESS_PLAIN : CNN_PROGRESS_QUIET, first,
                                &w->progress));
    CNN_TRY(cnn_allocation_create(sim_squeue_make(w), first->system, &w->allocation));
    CNN_TRY(cnn_dispatcher_create(first, w->progress, w->state.known_durations,
                                  w->state.consistency, w->allocation, &w->dispatcher));
    if (w->plan->recovery)
        CNN_TRY(cnn_leases_create(w->plan->ranks, w->plan->lease, w->now, &w->leases));
    for (int k = 0; k < w->plan->ranks; k++) {
        sim_rank *r = &w->ranks[k];
        CNN_TRY(cnn_loop_create(&r->context, k == 0 ? w->dispatcher : NULL,
                                k == 0 ? w->progress : NULL, &r->loop));
        sim_rank_wake(r, w->plan->drowsiness * sim_random_uniform(&w->schedule));
    }
    schedule_misfortunes(w);
done:
    return st;
}

/* ---- its events ---------------------------------------------------------------------------- */

static void rouse(sim_rank *r)
{
    sim_rank_wake(r, r->world->plan->drowsiness * sim_random_uniform(&r->world->schedule));
}

static void crash(sim_world *w, const char *why)
{
    if (!w->crashed)
        sim_world_trace(w, -1, "all ranks are killed: %s", why);
    w->tally->crashes += !w->crashed;
    w->crashed = true;
}

/** What rank 0's heartbeat does beside its loop: signs of life arrive, and ranks that are silent and
 *  near are ended. */
static void hear_signs(sim_world *w)
{
    for (int k = 1; w->leases && k < w->plan->ranks; k++) {
        sim_rank *r = &w->ranks[k];
        if (r->alive && isinf(r->last_sign))
            cnn_leases_hear(w->leases, k, w->now);
        if (r->near && cnn_leases_is_silent(w->leases, k, w->now))
            sim_rank_die(r, "is silent and killed by rank 0");
    }
}

static void step(sim_rank *r)
{
    sim_world *w = r->world;
    bool busy = false;
    r->wakes_at = INFINITY;
    w->steps++;
    if (r->number == 0)
        hear_signs(w);
    const cnn_status st = cnn_loop_step(r->loop, &busy);
    w->losing = -1;
    if (st == CNN_EINVAL)
        sim_world_fail(w, "rank %d: %s", r->number, cnn_error_message());
    if (st != CNN_OK) /* job_runner's caller calls MPI_Abort */
        crash(w, cnn_error_message());
    r->ended = cnn_loop_has_ended(r->loop);
    if (busy)
        rouse(r);
    else if (r->trainer_end > w->now || (r->number == 0 && w->allocation))
        sim_rank_wake(r, sim_random_between(&w->schedule, 1, 60)); /* it looks at its deadlines */
}

static void arrive(sim_rank *r, sim_letter *letter)
{
    const sim_rank *from = &r->world->ranks[letter->from];
    if (!r->alive || r->ended || from->died_at < letter->sent) {
        free(letter);
        return;
    }
    letter->next = NULL;
    *r->inbox_end = letter;
    r->inbox_end = &letter->next;
    rouse(r);
}

static void happen(sim_world *w, const sim_event *e)
{
    sim_rank *r = e->rank >= 0 ? &w->ranks[e->rank] : NULL;
    switch (e->kind) {
    case SIM_WAKES:
        if (r->alive && !r->ended && r->wakes_at == e->time) /* it may have gone on earlier */
            step(r);
        break;
    case SIM_ROUSES:
        rouse(r);
        break;
    case SIM_ARRIVES:
        arrive(r, e->letter);
        break;
    case SIM_STOPS:
        sim_world_trace(w, e->rank, "receives SIGTERM");
        w->tally->stops++;
        r->signals++;
        w->disturbed = true;
        rouse(r);
        break;
    case SIM_IS_LATE:
        sim_world_trace(w, e->rank, "receives SIGUSR1");
        w->tally->lates++;
        r->late = true;
        w->disturbed = true;
        rouse(r);
        break;
    case SIM_HARMS:
        sim_rank_harm(r, &w->plan->harms[e->harm]);
        break;
    case SIM_GOES_ON:
        sim_rank_continue(r);
        break;
    case SIM_DIES:
        sim_rank_die(r, "is fenced");
        break;
    case SIM_IS_GONE:
        if (w->leases)
            cnn_leases_end(w->leases, e->rank);
        rouse(&w->ranks[0]);
        break;
    case SIM_WRITES:
        if (r->alive || r->died_at > w->now - w->plan->slow_seconds)
            sim_disk_finish_write(r);
        break;
    case SIM_CRASHES:
        crash(w, "a misfortune");
        break;
    }
}

static bool is_over(const sim_world *w)
{
    for (int k = 0; k < w->plan->ranks; k++)
        if (w->ranks[k].alive && !w->ranks[k].ended && !w->ranks[k].facts.lost)
            return false;
    return true;
}

/** Until all ranks have left their loops. Nothing may be waited for that does not come. */
static void live(sim_world *w)
{
    sim_event e;
    const long first = w->steps;
    while (!w->failure[0] && !w->crashed && !is_over(w)) {
        if (!sim_world_next(w, &e)) {
            sim_world_fail(w, "the job hangs: ranks wait, and nothing happens any more");
            return;
        }
        if (w->steps - first > STEPS_MAX) {
            free(e.letter);
            sim_world_fail(w, "the job does not end");
            return;
        }
        w->now = e.time;
        happen(w, &e);
    }
}

/* ---- its end ------------------------------------------------------------------------------- */

static void leave(sim_world *w)
{
    sim_world_clear(w);
    for (int k = 0; w->ranks && k < w->plan->ranks; k++) {
        if (w->ranks[k].loop)
            cnn_loop_finish(&w->ranks[k].loop, CNN_OK);
        sim_mailbox_clear(&w->ranks[k]);
        sim_disk_clear(&w->ranks[k]);
    }
    sim_world_clear(w);
    cnn_dispatcher_destroy(&w->dispatcher);
    cnn_allocation_destroy(&w->allocation);
    cnn_leases_destroy(&w->leases);
    cnn_progress_destroy(&w->progress);
    free(w->ranks);
    w->ranks = NULL;
}

cnn_status sim_session_run(sim_world *w, const sim_session_plan *plan)
{
    cnn_status st = CNN_OK;
    w->plan = plan;
    CNN_CHECK((w->places = calloc((size_t)plan->ranks, sizeof *w->places)) != NULL, CNN_ENOMEM,
              "%d places", plan->ranks);
    name_places(w);
    CNN_TRY(take_up_file(w));
    if (w->state.complete)
        goto done;
    w->tally->sessions++;
    w->tally->ranks += plan->ranks;
    CNN_TRY(begin(w));
    sim_world_trace(w, -1, "%d ranks begin", plan->ranks);
    live(w);
    if (!w->failure[0])
        sim_check_end(w);
done:
    leave(w);
    cnn_file_state_free(&w->state);
    free(w->places);
    w->places = NULL;
    w->now += 60;
    return st;
}
