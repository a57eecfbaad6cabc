/* SPDX-License-Identifier: Apache-2.0 */
/* squeue: it knows the allocation's end, as long as it answers. */
#include "world.h"

#include <stdio.h>
#include <time.h>

static cnn_status ask(cnn_end_source *source)
{
    sim_squeue *s = (sim_squeue *)source;
    sim_world *w = s->world;
    const sim_session_plan *p = w->plan;
    const double passed = w->now - w->session_start;
    const double end = w->session_start + (passed < p->end_moves_at ? p->end_at : p->new_end_at);
    const time_t seconds = (time_t)(SIM_START + end);
    struct tm parts;
    localtime_r(&seconds, &parts);
    strftime(s->answer, sizeof s->answer, "%Y-%m-%dT%H:%M:%S\n", &parts);
    s->end = (double)seconds - SIM_START;
    s->fails = false;
    s->answers_at = w->now + sim_random_log(&w->schedule, 0.01, 20);
    if (!sim_random_chance(&w->schedule, p->squeue_fails))
        return CNN_OK;
    s->end = INFINITY;
    s->fails = sim_random_chance(&w->schedule, 0.5);
    snprintf(s->answer, sizeof s->answer, s->fails ? "slurm_load_jobs error\n" : "N/A\n");
    if (sim_random_chance(&w->schedule, 0.3))
        s->answers_at = INFINITY;
    return sim_random_chance(&w->schedule, 0.2)
               ? cnn_error_set(CNN_EENV, "no simulated process can be had")
               : CNN_OK;
}

/** Only before the session's first event somebody waits for it: time then goes on. */
static const char *listen(cnn_end_source *source, double seconds, bool *failed)
{
    sim_squeue *s = (sim_squeue *)source;
    sim_world *w = s->world;
    w->now += seconds;
    *failed = false;
    if (w->now < s->answers_at)
        return NULL;
    *failed = s->fails;
    if (!isinf(s->end)) {
        w->known_end = s->end;
        sim_world_trace(w, 0, "learns that the allocation ends in %.0f s", s->end - w->now);
    }
    return s->answer;
}

static void destroy(cnn_end_source *source)
{
    (void)source;
}

cnn_end_source *sim_squeue_make(sim_world *w)
{
    if (isinf(w->plan->end_at))
        return NULL;
    w->tally->allocations++;
    w->squeue = (sim_squeue){.interface = {ask, listen, destroy}, .world = w};
    return &w->squeue.interface;
}
