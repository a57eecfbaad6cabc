/* SPDX-License-Identifier: Apache-2.0 */
#include "status/job_status.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** What the parts of the computation share. */
typedef struct {
    const cnn_results *r;
    double now;
    double *expected; /* [cell_count] seconds of a run; NaN: no run has finished at all */
    double *queue;    /* [planned_devices] seconds */
    int *waiting;     /* [planned_devices] runs, warm-ups not counted */
    int *last;     /* [planned_devices] run of the last session that the rank ended last, or -1 */
    double common; /* seconds of runs that any rank may take */
    int planned_devices;
} work;

static void count_runs(const cnn_results *r, cnn_job_status *s)
{
    for (int run = 0; run < r->run_count; run++) {
        if (r->planned[run].warmup)
            continue;
        s->planned++;
        s->done += r->status[run] == CNN_RUN_DONE;
        s->diverged += r->status[run] == CNN_RUN_DIVERGED;
        s->failed += r->status[run] == CNN_RUN_FAILED;
        s->left += r->status[run] == CNN_RUN_PLANNED;
    }
}

/** Mean life of the finished runs of each cell, of all of them where a cell has none. */
static cnn_status expect_seconds(work *w)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = w->r;
    double all = 0;
    int finished = 0, *count = calloc((size_t)r->cell_count, sizeof *count);
    w->expected = calloc((size_t)r->cell_count, sizeof *w->expected);
    CNN_CHECK(count && w->expected, CNN_ENOMEM, "durations of %d cells", r->cell_count);
    for (int run = 0; run < r->run_count; run++) {
        const double life = r->measured[run].life_seconds;
        if (!cnn_run_status_is_finished(r->status[run]) || !(life >= 0 && isfinite(life)))
            continue;
        w->expected[r->planned[run].cell] += life;
        count[r->planned[run].cell]++;
        all += life;
        finished++;
    }
    for (int c = 0; c < r->cell_count; c++)
        w->expected[c] = count[c] ? w->expected[c] / count[c] : finished ? all / finished : NAN;
done:
    free(count);
    return st;
}

static cnn_status fill_queues(work *w)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = w->r;
    for (int run = 0; run < r->run_count; run++) {
        const int device = r->planned[run].planned_device;
        CNN_CHECK(device < r->run_count, CNN_EDATA, "'planned_device': run %d has %d of %d runs",
                  run, device, r->run_count);
        w->planned_devices = device < w->planned_devices ? w->planned_devices : device + 1;
    }
    w->queue = calloc((size_t)w->planned_devices + 1, sizeof *w->queue);
    w->waiting = calloc((size_t)w->planned_devices + 1, sizeof *w->waiting);
    CNN_CHECK(w->queue && w->waiting, CNN_ENOMEM, "queues of %d devices", w->planned_devices);
    for (int run = 0; run < r->run_count; run++) {
        const cnn_planned *p = &r->planned[run];
        if (r->status[run] != CNN_RUN_PLANNED)
            continue;
        *(p->planned_device >= 0 ? &w->queue[p->planned_device] : &w->common) +=
            w->expected[p->cell];
        if (p->planned_device >= 0 && !p->warmup)
            w->waiting[p->planned_device]++;
    }
done:
    return st;
}

static double end_of(const cnn_results *r, int run)
{
    return r->measured[run].start_time + r->measured[run].life_seconds;
}

/** Which run each rank has ended last in the last session. */
static cnn_status find_last(work *w)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = w->r;
    CNN_CHECK((w->last = malloc(((size_t)w->planned_devices + 1) * sizeof *w->last)) != NULL,
              CNN_ENOMEM, "last runs of %d devices", w->planned_devices);
    for (int d = 0; d < w->planned_devices; d++)
        w->last[d] = -1;
    for (int run = 0; run < r->run_count; run++) {
        const int rank = r->measured[run].rank;
        if (r->status[run] == CNN_RUN_PLANNED || rank < 0 || rank >= w->planned_devices ||
            r->measured[run].session != r->session_count - 1)
            continue;
        if (w->last[rank] < 0 || end_of(r, run) > end_of(r, w->last[rank]))
            w->last[rank] = run;
    }
done:
    return st;
}

static bool queues_hold(const work *w, const cnn_job_status *s)
{
    return w->planned_devices > 0 && w->planned_devices == s->ranks;
}

/** Since when the runs under way may have been running, on the rank whose queue it is. */
static double elapsed(const work *w, int device)
{
    const int last = w->last[device];
    const int session = w->r->session_count - 1;
    const double since = last >= 0      ? end_of(w->r, last)
                         : session >= 0 ? w->r->sessions[session].start_time
                                        : NAN;
    const double most = w->waiting[device] > 0 ? w->queue[device] / w->waiting[device] : 0;
    const double passed = w->now - since;
    return passed > 0 ? fmin(passed, most) : 0; /* NaN, and clocks that were set back: nothing */
}

static void estimate(const work *w, cnn_job_status *s)
{
    double all = w->common, longest = 0;
    const bool own_queues = queues_hold(w, s);
    for (int d = 0; d < w->planned_devices; d++) {
        const double left = w->queue[d] - (own_queues ? elapsed(w, d) : 0);
        all += left;
        longest = own_queues && !(left <= longest) ? left : longest;
    }
    s->seconds_left = s->left ? fmax(longest, all / (s->ranks > 0 ? s->ranks : 1)) : 0;
    if (isnan(all))
        s->seconds_left = s->left ? NAN : 0;
}

/* ---- devices ------------------------------------------------------------------------------- */

static int by_device(const void *a, const void *b, void *results)
{
    const cnn_measured *rows = ((const cnn_results *)results)->measured;
    const int x = *(const int *)a, y = *(const int *)b;
    const int order = strcmp(rows[x].device, rows[y].device);
    return order ? order : x - y;
}

static void add_run(const cnn_results *r, int run, cnn_device_status *d, double *life, int *lives)
{
    const double end = end_of(r, run), seconds = r->measured[run].life_seconds;
    if (!(end <= d->last_end) && isfinite(end))
        d->last_end = end;
    if (r->planned[run].warmup)
        return;
    d->ended += cnn_run_status_is_finished(r->status[run]);
    d->failed += r->status[run] == CNN_RUN_FAILED;
    if (cnn_run_status_is_finished(r->status[run]) && isfinite(seconds)) {
        *life += seconds;
        d->mean_seconds = *life / ++*lives;
    }
}

static cnn_device_status unknown_device(int planned_device)
{
    return (cnn_device_status){
        .planned_device = planned_device, .left = -1, .mean_seconds = NAN, .last_end = NAN};
}

/** Groups the runs that have ended by device. order [run_count] is room; device_of [run_count] gets
 *  the place in s->devices, -1 where there is none. */
static void group_devices(const cnn_results *r, int *order, int *device_of, cnn_job_status *s)
{
    int n = 0, lives = 0;
    double life = 0;
    for (int run = 0; run < r->run_count; run++) {
        device_of[run] = -1;
        if (r->status[run] != CNN_RUN_PLANNED && r->measured[run].device[0])
            order[n++] = run;
    }
    qsort_r(order, (size_t)n, sizeof *order, by_device, (void *)r);
    for (int i = 0; i < n; i++) {
        const char *name = r->measured[order[i]].device;
        if (i == 0 || strcmp(name, r->measured[order[i - 1]].device) != 0) {
            s->devices[s->device_count] = unknown_device(-1);
            cnn_copy_string(s->devices[s->device_count++].name, sizeof s->devices->name, name);
            life = lives = 0;
        }
        device_of[order[i]] = s->device_count - 1;
        add_run(r, order[i], &s->devices[s->device_count - 1], &life, &lives);
    }
}

/** Adds what waits in each queue to the device on which its rank has run last. */
static void add_queues(const work *w, const int *device_of, cnn_job_status *s)
{
    for (int q = 0; q < w->planned_devices; q++) {
        int d = w->last[q] >= 0 ? device_of[w->last[q]] : -1;
        if (d < 0) {
            d = s->device_count++;
            s->devices[d] = unknown_device(q);
        }
        s->devices[d].planned_device = q;
        s->devices[d].left = (s->devices[d].left < 0 ? 0 : s->devices[d].left) + w->waiting[q];
    }
}

static cnn_status list_devices(const work *w, cnn_job_status *s)
{
    cnn_status st = CNN_OK;
    const size_t runs = (size_t)w->r->run_count;
    int *order = calloc(runs, sizeof *order), *device_of = calloc(runs, sizeof *device_of);
    s->devices = calloc(runs + (size_t)w->planned_devices, sizeof *s->devices);
    CNN_CHECK(order && device_of && s->devices, CNN_ENOMEM, "devices of %zu runs", runs);
    group_devices(w->r, order, device_of, s);
    if (queues_hold(w, s))
        add_queues(w, device_of, s);
done:
    free(device_of);
    free(order);
    return st;
}

/* ---- failures ------------------------------------------------------------------------------ */

static int by_reason(const void *a, const void *b)
{
    const cnn_failure *x = a, *y = b;
    const int order = strcmp(x->reason, y->reason);
    return order ? order : x->run - y->run;
}

static int by_weight(const void *a, const void *b)
{
    const cnn_failure *x = a, *y = b;
    if (x->runs != y->runs)
        return x->runs > y->runs ? -1 : 1;
    if (x->attempts != y->attempts)
        return x->attempts > y->attempts ? -1 : 1;
    return by_reason(a, b);
}

/** The last attempt without a result of a run that has failed; -1: the run has not. */
static int fatal_attempt(const cnn_results *r, int run)
{
    int last = -1;
    for (int a = 0; a < r->attempts_per_run && r->status[run] == CNN_RUN_FAILED; a++)
        if (r->attempts[(size_t)run * (size_t)r->attempts_per_run + (size_t)a].attempt_outcome >
            CNN_OUTCOME_DIVERGED)
            last = a;
    return last;
}

static int gather_failures(const cnn_results *r, cnn_failure *all)
{
    int n = 0;
    for (int run = 0; run < r->run_count; run++) {
        const int fatal = fatal_attempt(r, run);
        for (int a = 0; a < r->attempts_per_run; a++) {
            const cnn_attempt *attempt =
                &r->attempts[(size_t)run * (size_t)r->attempts_per_run + (size_t)a];
            const int outcome = attempt->attempt_outcome;
            if (outcome <= CNN_OUTCOME_DIVERGED)
                continue;
            const char *reason =
                attempt->attempt_reason[0] ? attempt->attempt_reason : cnn_outcome_names[outcome];
            all[n++] = (cnn_failure){reason, 1, a == fatal, run};
        }
    }
    return n;
}

static cnn_status list_failures(const cnn_results *r, cnn_job_status *s)
{
    cnn_status st = CNN_OK;
    int n = 0;
    const size_t most = (size_t)r->run_count * (size_t)r->attempts_per_run;
    cnn_failure *all = calloc(most + 1, sizeof *all);
    CNN_CHECK(all, CNN_ENOMEM, "%zu attempts", most);
    const int count = gather_failures(r, all);
    qsort(all, (size_t)count, sizeof *all, by_reason);
    for (int i = 0; i < count; i++) {
        if (n > 0 && !strcmp(all[n - 1].reason, all[i].reason)) {
            if (all[i].runs && !all[n - 1].runs)
                all[n - 1].run = all[i].run; /* the example is one that failed for good */
            all[n - 1].attempts++;
            all[n - 1].runs += all[i].runs;
        } else {
            all[n++] = all[i];
        }
    }
    qsort(all, (size_t)n, sizeof *all, by_weight);
    s->failures = all;
    s->failure_count = n;
done:
    return st;
}

cnn_status cnn_job_status_create(const cnn_results *results, double now, cnn_job_status *out)
{
    cnn_status st = CNN_OK;
    cnn_job_status s = {0};
    work w = {.r = results, .now = now};
    count_runs(results, &s);
    CNN_TRY(expect_seconds(&w));
    CNN_TRY(fill_queues(&w));
    CNN_TRY(find_last(&w));
    s.ranks = results->session_count ? results->sessions[results->session_count - 1].ranks : -1;
    s.ranks = s.ranks > 0 ? s.ranks : w.planned_devices;
    estimate(&w, &s);
    CNN_TRY(list_devices(&w, &s));
    CNN_TRY(list_failures(results, &s));
    *out = s;
    s = (cnn_job_status){0};
done:
    cnn_job_status_free(&s);
    free(w.expected);
    free(w.queue);
    free(w.waiting);
    free(w.last);
    return st;
}

void cnn_job_status_free(cnn_job_status *status)
{
    free(status->devices);
    free(status->failures);
    *status = (cnn_job_status){0};
}
