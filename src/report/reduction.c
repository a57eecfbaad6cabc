#include "report/reduction.h"

#include "stats/summary.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

const char *const cnn_reduced_measure_names[] = {"train_seconds", "test_error"};

static double measured_value(const cnn_measured *m, cnn_measure measure)
{
    switch (measure) {
    case CNN_MEASURE_TRAIN_SECONDS:
        return m->train_seconds;
    case CNN_MEASURE_TEST_ERROR:
        return m->test_error;
    case CNN_MEASURE_COUNT:
        break;
    }
    return NAN;
}

/** Runs that a summary takes. */
static bool counts(const cnn_results *r, int run)
{
    return !r->planned[run].warmup && r->status[run] == CNN_RUN_DONE;
}

/** Every cell must have levels that exist. */
static cnn_status check_cells(const cnn_results *r)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(r->cell_count > 0 && r->level_count > 0 &&
                  (int64_t)r->combination_count * r->level_count == r->cell_count,
              CNN_EDATA, "the results are damaged: %d cells, but %d combinations of %d levels",
              r->cell_count, r->combination_count, r->level_count);
    CNN_CHECK(r->contrast >= 0 && r->contrast < r->factor_count &&
                  r->factors[r->contrast].level_count == r->level_count,
              CNN_EDATA, "the results are damaged: contrast %d of %d factors, %d levels",
              r->contrast, r->factor_count, r->level_count);
    for (int i = 0; i < r->cell_count * r->factor_count; i++) {
        const cnn_results_factor *factor = &r->factors[i % r->factor_count];
        CNN_CHECK(r->cell_levels[i] >= 0 && r->cell_levels[i] < factor->level_count, CNN_EDATA,
                  "the results are damaged: cell %d has level %d of %d of %s", i / r->factor_count,
                  r->cell_levels[i], factor->level_count, factor->name);
    }
done:
    return st;
}

/** Every run must be in a cell that exists. */
static cnn_status check_runs(const cnn_results *r)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        CNN_CHECK(p->cell >= 0 && p->cell < r->cell_count && p->combination >= 0 &&
                      p->combination < r->combination_count && p->level >= 0 &&
                      p->level < r->level_count,
                  CNN_EDATA,
                  "run %d of the results is damaged: cell %d of %d, combination %d of %d, level %d "
                  "of %d",
                  i, p->cell, r->cell_count, p->combination, r->combination_count, p->level,
                  r->level_count);
        CNN_CHECK(r->status[i] >= 0 && r->status[i] < CNN_RUN_STATUS_COUNT, CNN_EDATA,
                  "run %d of the results is damaged: status %d", i, r->status[i]);
    }
done:
    return st;
}

static cnn_status allocate(cnn_reduction *d, const cnn_results *r)
{
    cnn_status st = CNN_OK;
    size_t cells = (size_t)r->cell_count, sessions = (size_t)r->session_count;
    size_t pairs =
        (size_t)r->combination_count * (size_t)r->level_count * (size_t)(r->level_count - 1) / 2;
    CNN_CHECK(pairs <= INT_MAX / CNN_MEASURE_COUNT, CNN_EDATA, "%zu pairs are too many", pairs);
    d->cell_count = r->cell_count;
    d->comparison_count = (int)pairs;
    d->session_count = r->session_count;
    d->planned = calloc(cells, sizeof *d->planned);
    d->done = calloc(cells, sizeof *d->done);
    d->failed = calloc(cells, sizeof *d->failed);
    d->diverged = calloc(cells, sizeof *d->diverged);
    d->summaries = calloc(cells * CNN_MEASURE_COUNT, sizeof *d->summaries);
    /* one more, since there may be no pair and no session, and calloc(0) may be NULL */
    d->comparisons = calloc((pairs + 1) * CNN_MEASURE_COUNT, sizeof *d->comparisons);
    d->session_overhead = calloc(sessions + 1, sizeof *d->session_overhead);
    CNN_CHECK(d->planned && d->done && d->failed && d->diverged && d->summaries && d->comparisons &&
                  d->session_overhead,
              CNN_ENOMEM, "tables of %d cells", r->cell_count);
done:
    return st;
}

static void count_runs(cnn_reduction *d, const cnn_results *r)
{
    for (int i = 0; i < r->run_count; i++) {
        if (r->planned[i].warmup)
            continue;
        const int cell = r->planned[i].cell;
        d->planned[cell]++;
        d->done[cell] += r->status[i] == CNN_RUN_DONE;
        d->failed[cell] += r->status[i] == CNN_RUN_FAILED;
        d->diverged[cell] += r->status[i] == CNN_RUN_DIVERGED;
    }
}

static cnn_summary summarise(const double *x, int n)
{
    cnn_summary s = {.n = n, .min = NAN, .max = NAN};
    s.mean = cnn_mean(x, n);
    s.variance = cnn_variance(x, n);
    s.sd = sqrt(s.variance);
    for (int i = 0; i < n; i++) {
        s.min = fmin(s.min, x[i]); /* fmin and fmax pass over NaN */
        s.max = fmax(s.max, x[i]);
    }
    return s;
}

/** values [run_count], start [cell_count + 1], n [cell_count] are scratch. */
static void summarise_measure(cnn_reduction *d, const cnn_results *r, cnn_measure measure,
                              double *values, int *start, int *n)
{
    start[0] = 0;
    for (int c = 0; c < d->cell_count; c++) {
        start[c + 1] = start[c] + d->done[c];
        n[c] = 0;
    }
    for (int i = 0; i < r->run_count; i++) {
        const double x = measured_value(&r->measured[i], measure);
        const int cell = r->planned[i].cell;
        if (counts(r, i) && !isnan(x))
            values[start[cell] + n[cell]++] = x;
    }
    for (int c = 0; c < d->cell_count; c++)
        d->summaries[c * CNN_MEASURE_COUNT + (int)measure] = summarise(values + start[c], n[c]);
}

static cnn_status summarise_cells(cnn_reduction *d, const cnn_results *r)
{
    cnn_status st = CNN_OK;
    double *values = calloc((size_t)r->run_count + 1, sizeof *values);
    int *start = calloc((size_t)r->cell_count + 1, sizeof *start);
    int *n = calloc((size_t)r->cell_count + 1, sizeof *n);
    CNN_CHECK(values && start && n, CNN_ENOMEM, "values of %d runs", r->run_count);
    for (int m = 0; m < CNN_MEASURE_COUNT; m++)
        summarise_measure(d, r, (cnn_measure)m, values, start, n);
done:
    free(values);
    free(start);
    free(n);
    return st;
}

static cnn_comparison compare(const cnn_summary *a, const cnn_summary *b)
{
    cnn_t_test welch =
        cnn_welch_test_moments(a->mean, a->variance, a->n, b->mean, b->variance, b->n);
    return (cnn_comparison){
        .difference = a->mean - b->mean,
        .ratio = a->mean / b->mean,
        .study_t = welch.t, /* one formula; they differ in what t is held against */
        .welch_t = welch.t,
        .welch_df = welch.df,
        .welch_p = welch.p,
    };
}

static cnn_status compare_levels(cnn_reduction *d, const cnn_results *r)
{
    cnn_status st = CNN_OK;
    const int levels = r->level_count;
    int next = 0;
    size_t all = (size_t)r->combination_count * (size_t)levels;
    int *cell = malloc((all + 1) * sizeof *cell); /* [combination, level] */
    CNN_CHECK(cell, CNN_ENOMEM, "comparisons of %d cells", r->cell_count);
    for (size_t i = 0; i < all; i++)
        cell[i] = -1;
    for (int i = 0; i < r->run_count; i++)
        cell[r->planned[i].combination * levels + r->planned[i].level] = r->planned[i].cell;
    for (int c = 0; c < r->combination_count; c++)
        for (int a = 0; a < levels; a++)
            for (int b = a + 1; b < levels; b++, next++) {
                const int ca = cell[c * levels + a], cb = cell[c * levels + b];
                CNN_CHECK(ca >= 0 && cb >= 0, CNN_EDATA,
                          "the results are damaged: combination %d has no run of level %d", c,
                          ca < 0 ? a : b);
                for (int m = 0; m < CNN_MEASURE_COUNT; m++) {
                    cnn_comparison *x = &d->comparisons[next * CNN_MEASURE_COUNT + m];
                    *x = compare(&d->summaries[ca * CNN_MEASURE_COUNT + m],
                                 &d->summaries[cb * CNN_MEASURE_COUNT + m]);
                    x->combination = c;
                    x->a = a;
                    x->b = b;
                }
            }
done:
    free(cell);
    return st;
}

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

static cnn_status measure_overhead(cnn_reduction *d, const cnn_results *r)
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
        d->session_overhead[s] = overhead_of(all.span, all.life);
        span += all.span;
        life += all.life;
    }
    d->overhead = overhead_of(span, life);
done:
    free(first);
    free(times);
    return st;
}

cnn_status cnn_reduction_create(const cnn_results *results, cnn_reduction **out)
{
    cnn_status st = CNN_OK;
    cnn_reduction *d = NULL;
    CNN_CHECK(results && out, CNN_EINVAL, "results and out must not be NULL");
    CNN_CHECK((d = calloc(1, sizeof *d)) != NULL, CNN_ENOMEM, "reduction");
    CNN_TRY(check_cells(results));
    CNN_TRY(check_runs(results));
    CNN_TRY(allocate(d, results));
    count_runs(d, results);
    CNN_TRY(summarise_cells(d, results));
    CNN_TRY(compare_levels(d, results));
    CNN_TRY(measure_overhead(d, results));
    *out = d;
    d = NULL;
done:
    cnn_reduction_destroy(&d);
    return st;
}

void cnn_reduction_destroy(cnn_reduction **reduction)
{
    cnn_reduction *d = *reduction;
    if (!d)
        return;
    free(d->planned);
    free(d->done);
    free(d->failed);
    free(d->diverged);
    free(d->summaries);
    free(d->comparisons);
    free(d->session_overhead);
    free(d);
    *reduction = NULL;
}
