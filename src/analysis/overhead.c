/* How much of the ranks' time went elsewhere than into trainer processes. */
#include "analysis/parts.h"

#include <math.h>
#include <stdlib.h>

/** A rank in a session. */
typedef struct {
    double span; /* session's start to the end of the rank's last child */
    double life; /* of its children */
} rank_time;

/** Share outside children; NaN when nothing is known or the clocks contradict each other. */
static double overhead_of(double span, double life)
{
    const double rounding = 1e-6; /* wall times have microseconds left */
    if (!(span > 0) || life > span * (1 + rounding))
        return NAN;
    return fmax(0, 1 - life / span);
}

static void add_attempts(const cnn_results *r, const size_t *first, rank_time *times)
{
    for (size_t i = 0; i < (size_t)r->run_count * (size_t)r->attempts_per_run; i++) {
        const cnn_attempt *a = &r->attempts[i];
        if (a->attempt_outcome <= CNN_OUTCOME_NONE || a->attempt_session < 0 ||
            a->attempt_session >= r->session_count || a->attempt_rank < 0 ||
            a->attempt_rank >= r->sessions[a->attempt_session].ranks ||
            isnan(a->attempt_start_time) || isnan(a->attempt_life_seconds))
            continue;
        const cnn_session *session = &r->sessions[a->attempt_session];
        rank_time *t = &times[first[a->attempt_session] + (size_t)a->attempt_rank];
        t->span =
            fmax(t->span, a->attempt_start_time + a->attempt_life_seconds - session->start_time);
        t->life += a->attempt_life_seconds;
    }
}

cnn_status cnn_analysis_overhead(cnn_analysis *out, const cnn_results *r)
{
    cnn_status st = CNN_OK;
    double span = 0, life = 0;
    rank_time *times = NULL;
    size_t *first = calloc((size_t)r->session_count + 1, sizeof *first);
    CNN_CHECK(first, CNN_ENOMEM, "%d sessions", r->session_count);
    for (int s = 0; s < r->session_count; s++)
        first[s + 1] = first[s] + (r->sessions[s].ranks > 0 ? (size_t)r->sessions[s].ranks : 0);
    times = calloc(first[r->session_count] + 1, sizeof *times);
    CNN_CHECK(times, CNN_ENOMEM, "times of %zu ranks", first[r->session_count]);
    add_attempts(r, first, times);
    for (int s = 0; s < r->session_count; s++) {
        rank_time all = {0};
        for (size_t i = first[s]; i < first[s + 1]; i++) {
            all.span += times[i].span;
            all.life += times[i].life;
        }
        out->session_overhead[s] = overhead_of(all.span, all.life);
        span += all.span;
        life += all.life;
    }
    out->overhead = overhead_of(span, life);
done:
    free(first);
    free(times);
    return st;
}
