/* SPDX-License-Identifier: Apache-2.0 */
#include "deaths.h"

#include <stdlib.h>

static const double abort_seconds = 3; /* until mpirun has ended the others */

/** Rank 0 looks at the leases when half of one and a whole one are over. */
static void expect_loss(sim_rank *r)
{
    sim_world *w = r->world;
    for (int half = 1; half <= 2; half++)
        sim_world_add(w, w->now + 0.5 * half * w->plan->lease + 0.01, SIM_ROUSES, 0, NULL);
}

/** Its last sign of life, sent so many seconds ago, has arrived. */
static void fall_silent(sim_rank *r, double age)
{
    sim_world *w = r->world;
    r->last_sign = fmax(w->now - age, w->session_start);
    if (w->leases)
        cnn_leases_hear(w->leases, r->number, r->last_sign);
}

void sim_rank_die(sim_rank *r, const char *how)
{
    sim_world *w = r->world;
    if (!r->alive)
        return;
    sim_world_trace(w, r->number, "%s", how);
    r->alive = false;
    r->died_at = w->now;
    if (isinf(r->last_sign))
        fall_silent(r, 0);
    /* of several writes the first one is under way, and the process ends with it */
    while (r->slow && r->slow->next) {
        sim_slow_write *next = r->slow->next;
        r->slow->next = next->next;
        free(next);
    }
    const double ends = r->slow ? fmax(w->now, r->writing_until) : w->now;
    if (!w->leases) {
        w->disturbed = true;
        sim_world_add(w, w->now + sim_random_between(&w->schedule, 0, abort_seconds), SIM_CRASHES,
                      -1, NULL);
        return;
    }
    if (r->near)
        sim_world_add(w, ends + sim_random_between(&w->schedule, 0, 0.1), SIM_IS_GONE, r->number,
                      NULL);
    else
        expect_loss(r);
}

void sim_rank_harm(sim_rank *r, const sim_harm *harm)
{
    sim_world *w = r->world;
    const double age = sim_random_uniform(&w->schedule) * cnn_lease_interval(w->plan->lease);
    if (!r->alive || r->ended || !isinf(r->last_sign))
        return;
    if (harm->kind == SIM_IS_KILLED) {
        w->tally->kills++;
        sim_rank_die(r, "is killed");
        return;
    }
    if (!w->leases && harm->kind == SIM_IS_CUT_OFF)
        return;
    fall_silent(r, age);
    if (w->leases)
        expect_loss(r);
    if (harm->kind == SIM_IS_STALLED) {
        sim_world_trace(w, r->number, "is stopped for %.1f s", harm->seconds);
        w->tally->stalls++;
        r->stalled_until = w->now + harm->seconds;
        sim_world_add(w, r->stalled_until, SIM_GOES_ON, r->number, NULL);
    } else {
        sim_world_trace(w, r->number, "is cut off");
        w->tally->cut_off++;
        sim_world_add(w, r->last_sign + 0.5 * w->plan->lease + 0.01, SIM_DIES, r->number, NULL);
    }
}

void sim_rank_continue(sim_rank *r)
{
    sim_world *w = r->world;
    if (!r->alive)
        return;
    sim_world_trace(w, r->number, "is continued");
    if (!w->leases || !cnn_lease_is_over(r->last_sign, w->plan->lease, w->now)) {
        r->last_sign = INFINITY;
        sim_rank_wake(r, 0);
        return;
    }
    /* its loop may go on for a moment before it finds itself fenced */
    const double moment = sim_random_chance(&w->schedule, 0.5) ? 0 : 0.1;
    sim_rank_wake(r, 0);
    sim_world_add(w, w->now + moment, SIM_DIES, r->number, NULL);
}
