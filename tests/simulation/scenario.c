/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME(constant, text) text,
const char *const sim_fate_names[] = {SIM_FATES(NAME)};

enum { STREAM_JOB = 1, STREAM_SESSIONS = 100 };

/* ---- the job ------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void append(sim_scenario *s, const char *fmt, ...)
{
    const size_t used = strlen(s->job);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->job + used, sizeof s->job - used, fmt, ap);
    va_end(ap);
}

/** Frameworks are other programs, or simulated ones, whose devices are of stated nodes. */
static void append_frameworks(sim_scenario *s, sim_random *r)
{
    const int levels = sim_random_int(r, 2, 4), nodes = sim_random_int(r, 1, 4);
    const bool simulated = sim_random_chance(r, 0.1);
    append(s, "  framework:\n");
    for (int l = 0; l < levels; l++)
        if (simulated)
            append(s, "    - {name: f%d, simulate: {time: {run: 1}, devices_per_node: %d}}\n", l,
                   nodes);
        else
            append(s, "    - {name: f%d, command: [trainer]}\n", l);
}

static void append_limits(sim_scenario *s, sim_random *r)
{
    append(s, "limits: {retries: %d, grace_seconds: %d, run_seconds: ", sim_random_int(r, 0, 2),
           sim_random_chance(r, 0.2) ? 0 : sim_random_int(r, 1, 60));
    if (sim_random_chance(r, 0.5))
        append(s, "auto}\n");
    else
        append(s, "%.0f}\n", 1 + 20 * s->run_seconds);
}

void sim_scenario_draw(uint64_t seed, sim_scenario *out)
{
    sim_random stream = sim_random_stream(seed, STREAM_JOB), *r = &stream;
    sim_scenario *s = out;
    const int datasets = sim_random_int(r, 1, 3);
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->run_seconds = sim_random_log(r, 1, 800);
    append(s, "name: world\nseed: %d\n", sim_random_int(r, 0, 1000000));
    if (sim_random_chance(r, 0.1))
        append(s, "seeds: {crossed: %d}\n", sim_random_int(r, 1, 2));
    else
        append(s, "repeats: %d\n", sim_random_int(r, 1, sim_random_chance(r, 0.2) ? 12 : 4));
    append(s, "train: {epochs: %d}\nfactors:\n", sim_random_int(r, 1, 3));
    append_frameworks(s, r);
    append(s, "  architecture: [%s]\n  dataset: [a%s%s]\n",
           sim_random_chance(r, 0.5) ? "arch1, arch2" : "arch1", datasets > 1 ? ", b" : "",
           datasets > 2 ? ", c" : "");
    append(s, "schedule: {warmup: %d, assign: %s, sharing: allow}\n",
           sim_random_chance(r, 0.7) ? 0 : sim_random_int(r, 1, 2),
           strstr(s->job, "crossed") || sim_random_chance(r, 0.6) ? "balanced" : "dynamic");
    append_limits(s, r);
    append(s, "datasets:\n  a: {type: synthetic}\n%s%s",
           datasets > 1 ? "  b: {type: synthetic}\n" : "",
           datasets > 2 ? "  c: {type: synthetic}\n" : "");
    s->session_count = sim_random_chance(r, 0.4) ? 1 : sim_random_int(r, 1, SIM_SESSIONS_MAX);
    /* how many ranks plan the job, which is needed for its size */
    const double u = sim_random_uniform(r);
    s->sessions[0].ranks = u < 0.55   ? sim_random_int(r, 1, 5)
                           : u < 0.85 ? sim_random_int(r, 6, 12)
                           : u < 0.97 ? sim_random_int(r, 13, 32)
                                      : sim_random_int(r, 33, SIM_RANKS_MAX);
}

/* ---- its sessions -------------------------------------------------------------------------- */

static void shuffle(int *list, int n, sim_random *r)
{
    for (int i = n - 1; i > 0; i--) {
        const int k = sim_random_int(r, 0, i), t = list[i];
        list[i] = list[k];
        list[k] = t;
    }
}

/** Ranks and devices of a session: those of the first one, more, fewer, others. */
static void draw_places(const sim_scenario *s, sim_session_plan *p, sim_random *r)
{
    const int planned = s->sessions[0].ranks;
    p->ranks = sim_random_chance(r, 0.6) ? planned : sim_random_int(r, 1, 2 * planned);
    p->ranks = p->ranks > SIM_RANKS_MAX ? SIM_RANKS_MAX : p->ranks;
    const int first = sim_random_chance(r, 0.8) ? 0 : sim_random_int(r, 0, SIM_RANKS_MAX);
    for (int k = 0; k < p->ranks; k++)
        p->device[k] = first + k;
    if (sim_random_chance(r, 0.3))
        shuffle(p->device, p->ranks, r);
    if (p->ranks > 1 && sim_random_chance(r, 0.05))
        p->device[1] = p->device[0];
}

static uint64_t draw_ranks(const sim_session_plan *p, sim_random *r)
{
    const uint64_t all = p->ranks == 64 ? ~(uint64_t)0 : ((uint64_t)1 << p->ranks) - 1;
    if (sim_random_chance(r, 0.5))
        return all;
    const uint64_t some = sim_random_word(r) & all;
    return some ? some : 1;
}

/** A session without misfortunes. */
static void calm(sim_session_plan *p, sim_random *r)
{
    p->latency = sim_random_log(r, 1e-4, 1);
    p->drowsiness = sim_random_log(r, 1e-3, sim_random_chance(r, 0.1) ? 100 : 1);
    p->bad_cell = p->slow_disk = p->failing_disk = p->good_writes = p->torn_write = -1;
    p->stop[0].at = p->stop[1].at = p->late.at = p->crash_at = p->end_at = p->end_moves_at =
        p->new_end_at = INFINITY;
    for (int k = 0; k < SIM_RANKS_MAX; k++)
        p->bad_from[k] = INFINITY;
}

/** What trainers may do wrong. */
static void draw_trainers(sim_session_plan *p, double length, int cell_count, sim_random *r)
{
    const double most = sim_random_log(r, 1e-3, 0.2);
    p->chance[SIM_DIVERGED] = sim_random_chance(r, 0.3) ? 0.2 : 0;
    if (sim_random_chance(r, 0.6))
        for (int f = SIM_ERROR; f < SIM_FATE_COUNT; f++)
            p->chance[f] = sim_random_chance(r, 0.4) ? most * sim_random_uniform(r) : 0;
    p->chance[SIM_OCCUPIES] *= 0.2;
    if (sim_random_chance(r, 0.1))
        p->bad_cell = sim_random_int(r, 0, cell_count - 1);
    if (sim_random_chance(r, 0.6))
        return;
    for (int k = 0; k < p->ranks; k++) {
        if (!sim_random_chance(r, p->ranks < 4 ? 0.5 : 0.2))
            continue;
        p->bad_from[k] = sim_random_chance(r, 0.5) ? 0 : sim_random_between(r, 0, length);
        p->bad_fate[k] = sim_random_int(r, SIM_ERROR, SIM_FATE_COUNT - 1);
    }
}

/** What ends a session before its time. */
static void draw_ends(sim_session_plan *p, double length, int runs, sim_random *r)
{
    if (sim_random_chance(r, 0.25)) {
        p->stop[0].at = sim_random_between(r, 0, length);
        p->stop[0].ranks = draw_ranks(p, r);
        p->stop[1] = p->stop[0];
        p->stop[1].at =
            sim_random_chance(r, 0.4) ? p->stop[0].at + sim_random_between(r, 0.5, 30) : INFINITY;
    }
    if (sim_random_chance(r, 0.15)) {
        p->late.at = sim_random_between(r, 0, length);
        p->late.ranks = draw_ranks(p, r);
    }
    if (sim_random_chance(r, 0.25))
        p->crash_at = sim_random_between(r, 0, length);
    if (sim_random_chance(r, 0.1)) {
        p->failing_disk = sim_random_int(r, 0, p->ranks - 1);
        p->good_writes = sim_random_int(r, 0, 1 + 2 * runs / p->ranks);
    }
    if (sim_random_chance(r, 0.15))
        p->torn_write = sim_random_int(r, 0, 2 * runs);
}

/** The end of the allocation, and how well squeue knows it. */
static void draw_allocation(sim_session_plan *p, double length, sim_random *r)
{
    if (!sim_random_chance(r, 0.15))
        return;
    p->end_at = p->new_end_at = sim_random_between(r, 0, 2 * length);
    p->squeue_fails = sim_random_chance(r, 0.5) ? 0 : sim_random_uniform(r);
    if (sim_random_chance(r, 0.7))
        return;
    p->end_moves_at = sim_random_between(r, 0, length);
    p->new_end_at = sim_random_between(r, p->end_moves_at, 2 * length);
}

/** What befalls single ranks. */
static void draw_harms(sim_session_plan *p, double length, int runs, sim_random *r)
{
    p->recovery = sim_random_chance(r, 0.7);
    p->lease = sim_random_log(r, 1, 300);
    if (p->ranks == 1 || !sim_random_chance(r, 0.35))
        return;
    p->harm_count = sim_random_chance(r, 0.6) ? 1 : sim_random_int(r, 1, SIM_HARMS_MAX);
    for (int k = 0; k < p->harm_count; k++)
        p->harms[k] = (sim_harm){.kind = (sim_harm_kind)sim_random_int(r, 0, SIM_IS_CUT_OFF),
                                 .rank = sim_random_int(r, 1, p->ranks - 1),
                                 .at = sim_random_between(r, 0, length),
                                 .seconds = p->lease * sim_random_log(r, 0.05, 5)};
    if (sim_random_chance(r, 0.5))
        return;
    p->slow_disk = p->harms[0].rank; /* a harm may come while it writes */
    p->slow_write = sim_random_int(r, 0, 2 * runs / p->ranks);
    p->slow_seconds = sim_random_log(r, 0.1, length);
}

/** The stream of a part of a session: a draw more for one leaves the others as they were. */
static sim_random part_of(const sim_scenario *s, int session, int part)
{
    return sim_random_stream(s->seed, (uint64_t)(STREAM_SESSIONS + 16 * session + part));
}

void sim_scenario_draw_sessions(sim_scenario *s, int run_count, int cell_count)
{
    enum { PLACES, CALM, TRAINERS, ENDS, HARMS, ALLOCATION, PARTS };
    const int planned = s->sessions[0].ranks;
    for (int k = 0; k <= s->session_count; k++) {
        sim_session_plan *p = &s->sessions[k];
        sim_random part[PARTS];
        for (int i = 0; i < PARTS; i++)
            part[i] = part_of(s, k, i);
        draw_places(s, p, &part[PLACES]);
        p->ranks = k == 0 ? planned : p->ranks;
        for (int i = 0; k == 0 && i < planned; i++)
            p->device[i] = i;
        calm(p, &part[CALM]);
        if (k == s->session_count)
            continue;
        const double length = 1.2 * s->run_seconds * run_count / p->ranks + 1;
        draw_trainers(p, length, cell_count, &part[TRAINERS]);
        draw_ends(p, length, run_count, &part[ENDS]);
        draw_harms(p, length, run_count, &part[HARMS]);
        draw_allocation(p, length, &part[ALLOCATION]);
    }
}
