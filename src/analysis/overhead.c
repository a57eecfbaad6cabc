/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the ranks' time went elsewhere than into trainer processes. */
#include "analysis/parts.h"

#include <math.h>
#include <stdlib.h>

/** An attempt: a child of a rank. */
typedef struct {
    int session, rank;
    size_t place; /* in the table of attempts */
    double end;   /* since the session's start */
    double life;
} child_time;

/** Share outside children; NaN when nothing is known or the clocks contradict each other. */
static double overhead_of(double span, double life)
{
    const double rounding = 1e-6; /* wall times have microseconds left */
    if (!(span > 0) || life > span * (1 + rounding))
        return NAN;
    return fmax(0, 1 - life / span);
}

/** Attempts whose times are known. Those of one rank are then put together by sorting: the numbers
 * of sessions and ranks come from a file, and no room may be taken on their word. */
static size_t gather(const cnn_results *r, child_time *children)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)r->run_count * (size_t)r->attempts_per_run; i++) {
        const cnn_attempt *a = &r->attempts[i];
        if (a->attempt_outcome <= CNN_OUTCOME_NONE || a->attempt_session < 0 ||
            a->attempt_session >= r->session_count || a->attempt_rank < 0 ||
            a->attempt_rank >= r->sessions[a->attempt_session].ranks ||
            isnan(a->attempt_start_time) || isnan(a->attempt_life_seconds))
            continue;
        const double start = r->sessions[a->attempt_session].start_time;
        children[n++] = (child_time){a->attempt_session, a->attempt_rank, i,
                                     a->attempt_start_time + a->attempt_life_seconds - start,
                                     a->attempt_life_seconds};
    }
    return n;
}

static int by_session_and_rank(const void *a, const void *b)
{
    const child_time *x = a, *y = b;
    if (x->session != y->session)
        return x->session < y->session ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/** Adds up the ranks of one session, whose children begin at *at. */
static void add_session(const child_time *children, size_t n, int session, size_t *at, double *span,
                        double *life)
{
    *span = *life = 0;
    while (*at < n && children[*at].session == session) {
        const int rank = children[*at].rank;
        double last = 0;
        for (; *at < n && children[*at].session == session && children[*at].rank == rank; ++*at) {
            last = fmax(last, children[*at].end);
            *life += children[*at].life;
        }
        *span += last;
    }
}

cnn_status cnn_analysis_overhead(cnn_analysis *out, const cnn_results *r)
{
    cnn_status st = CNN_OK;
    const size_t most = (size_t)r->run_count * (size_t)r->attempts_per_run;
    double all_span = 0, all_life = 0;
    size_t at = 0;
    child_time *children = calloc(most + 1, sizeof *children);
    CNN_CHECK(children, CNN_ENOMEM, "times of %zu attempts", most);
    const size_t n = gather(r, children);
    qsort(children, n, sizeof *children, by_session_and_rank);
    for (int s = 0; s < r->session_count; s++) {
        double span, life;
        add_session(children, n, s, &at, &span, &life);
        out->session_overhead[s] = overhead_of(span, life);
        all_span += span;
        all_life += life;
    }
    out->overhead = overhead_of(all_span, all_life);
    out->outside_seconds = isnan(out->overhead) ? NAN : fmax(0, all_span - all_life) / (double)n;
done:
    free(children);
    return st;
}
