/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_before(const sim_event *a, const sim_event *b)
{
    return a->time < b->time || (a->time == b->time && a->number < b->number);
}

static void swap(sim_event *a, sim_event *b)
{
    const sim_event t = *a;
    *a = *b;
    *b = t;
}

void sim_world_add(sim_world *w, double time, sim_event_kind kind, int rank, sim_letter *letter)
{
    if (isinf(time))
        return;
    if (w->queue_length == w->queue_room) {
        w->queue_room = 2 * w->queue_room + 64;
        sim_event *more = realloc(w->queue, (size_t)w->queue_room * sizeof *more);
        if (!more)
            abort();
        w->queue = more;
    }
    int k = w->queue_length++;
    w->queue[k] = (sim_event){time, w->events++, kind, rank, letter, -1};
    for (; k > 0 && is_before(&w->queue[k], &w->queue[(k - 1) / 2]); k = (k - 1) / 2)
        swap(&w->queue[k], &w->queue[(k - 1) / 2]);
}

void sim_world_add_harm(sim_world *w, double time, int harm)
{
    const uint64_t number = w->events;
    sim_world_add(w, time, SIM_HARMS, w->plan->harms[harm].rank, NULL);
    for (int k = 0; k < w->queue_length; k++)
        if (w->queue[k].number == number)
            w->queue[k].harm = harm;
}

bool sim_world_next(sim_world *w, sim_event *out)
{
    if (w->queue_length == 0)
        return false;
    *out = w->queue[0];
    w->queue[0] = w->queue[--w->queue_length];
    for (int k = 0, child; (child = 2 * k + 1) < w->queue_length; k = child) {
        if (child + 1 < w->queue_length && is_before(&w->queue[child + 1], &w->queue[child]))
            child++;
        if (!is_before(&w->queue[child], &w->queue[k]))
            break;
        swap(&w->queue[child], &w->queue[k]);
    }
    return true;
}

void sim_world_clear(sim_world *w)
{
    for (int i = 0; i < w->queue_length; i++)
        free(w->queue[i].letter);
    w->queue_length = 0;
}

void sim_rank_wake(sim_rank *rank, double after)
{
    sim_world *w = rank->world;
    const double time = fmax(w->now + after, fmax(rank->stalled_until, rank->writing_until));
    if (!rank->alive || rank->ended || time >= rank->wakes_at)
        return;
    rank->wakes_at = time;
    sim_world_add(w, time, SIM_WAKES, rank->number, NULL);
}

void sim_world_trace(const sim_world *w, int rank, const char *fmt, ...)
{
    va_list ap;
    if (!w->tracing)
        return;
    printf("%12.4f  session %d  ", w->now, w->session);
    if (rank >= 0)
        printf("rank %2d  ", rank);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void sim_world_fail(sim_world *w, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    if (w->failure[0])
        return;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    snprintf(w->failure, sizeof w->failure, "session %d, %.4f s: %s", w->session, w->now, what);
    sim_world_trace(w, -1, "BREACH: %s", what);
}
