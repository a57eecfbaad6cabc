/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "report/parts.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

/* Of long lists (hosts, devices, versions) so many lines are shown, then a count. */
enum { MOST_LINES = 4, MOST_LINES_FULL = 64 };

static int most_lines(const cnn_report *r)
{
    return r->full ? MOST_LINES_FULL : MOST_LINES;
}

/** A line of the header; its value follows. */
static void line(cnn_table *t, const char *key)
{
    cnn_table_row(t);
    cnn_table_text(t, "%s", key);
}

static void put_files(const cnn_report *r, cnn_table *t)
{
    const cnn_pool *pool = r->source->pool;
    line(t, "file");
    cnn_table_text(t, "%s", r->source->path);
    for (int i = 1; pool && i < pool->source_count; i++) {
        line(t, i < 2 ? "pooled with" : "");
        cnn_table_text(t, "%s", pool->sources[i].path);
    }
    if (!r->full)
        return;
    line(t, "created");
    cnn_table_text(t, "%s", r->results->created);
}

/** Runs and blocks: planned, done, lost. */
static void put_counts(const cnn_report *r, cnn_table *t)
{
    const cnn_cell_count *all = &r->a->total;
    int warmups = 0;
    for (int i = 0; i < r->results->run_count; i++)
        warmups += r->results->planned[i].warmup != 0;
    line(t, "runs");
    cnn_table_text(t, "%d planned: %d done, %d failed, %d diverged, %d missing", all->planned,
                   all->done, all->failed, all->diverged, all->missing);
    line(t, "blocks");
    cnn_table_text(t, "%d planned, %d whole", r->a->block_count,
                   r->a->block_count - r->a->flawed_count);
    if (r->a->look.count > 1) {
        const cnn_look *look = &r->a->look;
        line(t, "look");
        cnn_table_text(t, "%d of %d declared: %d of %d blocks of each combination", look->number,
                       look->count, look->blocks, look->planned);
    }
    if (!r->full)
        return;
    line(t, "primary");
    cnn_table_text(t, "%s; all other measures and tests of spread are secondary",
                   r->a->measures[r->a->primary].name);
    line(t, "left out");
    cnn_table_text(t, "failed, diverged and missing runs; %d warm-up run%s", warmups,
                   cnn_report_plural(warmups));
}

/** Attempts that did not end well, whether or not a later one did. */
static void put_attempts(const cnn_report *r, cnn_table *t)
{
    const cnn_results *x = r->results;
    int count[CNN_OUTCOME_COUNT] = {0}, all = 0;
    cnn_text text = {0};
    for (size_t i = 0; i < (size_t)x->run_count * (size_t)x->attempts_per_run; i++) {
        const int outcome = x->attempts[i].attempt_outcome;
        if (outcome > CNN_OUTCOME_DIVERGED && outcome < CNN_OUTCOME_COUNT) {
            count[outcome]++;
            all++;
        }
    }
    if (!all)
        return;
    for (int o = CNN_OUTCOME_DIVERGED + 1; o < CNN_OUTCOME_COUNT; o++)
        if (count[o])
            cnn_text_printf(&text, "%s%s %d", text.len ? ", " : "", cnn_outcome_names[o], count[o]);
    line(t, "attempts");
    cnn_table_text(t, "%d without a result: %s", all, text.s ? text.s : "");
    *t->failed |= text.failed;
    cnn_text_free(&text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** The different texts among texts [n], each with how often it is there; sorts texts. Returns how
 *  many there are. */
static int put_distinct(const cnn_report *r, const char *key, const char **texts, int n,
                        const char *what, cnn_table *t)
{
    int distinct = 0;
    qsort(texts, (size_t)n, sizeof *texts, by_text);
    for (int i = 0; i < n; distinct++) {
        int first = i;
        while (i < n && !strcmp(texts[i], texts[first]))
            i++;
        if (distinct < most_lines(r)) {
            line(t, distinct ? "" : key);
            cnn_table_text(t, "%s (%d %s%s)", texts[first], i - first, what,
                           cnn_report_plural(i - first));
        }
    }
    if (distinct > most_lines(r)) {
        line(t, "");
        cnn_table_text(t, "... and %d more", distinct - most_lines(r));
    }
    return distinct;
}

/** The texts that a column of measured runs holds. offset: of the column in cnn_measured. */
static void put_column(const cnn_report *r, const char *key, size_t offset, cnn_table *t)
{
    const cnn_results *x = r->results;
    int n = 0;
    const char **texts = calloc((size_t)x->run_count + 1, sizeof *texts);
    if (!texts) {
        *t->failed = true;
        return;
    }
    for (int i = 0; i < x->run_count; i++) {
        const char *s = (const char *)&x->measured[i] + offset;
        if (x->status[i] != CNN_RUN_PLANNED && *s)
            texts[n++] = s;
    }
    put_distinct(r, key, texts, n, "run", t);
    free(texts);
}

/** Why attempts failed. */
static void put_reasons(const cnn_report *r, cnn_table *t)
{
    const cnn_results *x = r->results;
    const size_t all = (size_t)x->run_count * (size_t)x->attempts_per_run;
    int n = 0;
    const char **texts = calloc(all + 1, sizeof *texts);
    if (!texts) {
        *t->failed = true;
        return;
    }
    for (size_t i = 0; i < all; i++)
        if (x->attempts[i].attempt_outcome > CNN_OUTCOME_DIVERGED && *x->attempts[i].attempt_reason)
            texts[n++] = x->attempts[i].attempt_reason;
    put_distinct(r, "reasons", texts, n, "attempt", t);
    free(texts);
}

static void put_threads(const cnn_report *r, cnn_table *t)
{
    const cnn_results *x = r->results;
    int least = -1, most = -1;
    for (int i = 0; i < x->run_count; i++) {
        const int threads = x->measured[i].threads;
        if (x->status[i] == CNN_RUN_PLANNED || threads <= 0)
            continue;
        least = least < 0 || threads < least ? threads : least;
        most = threads > most ? threads : most;
    }
    if (most <= 0)
        return;
    line(t, "threads");
    if (least == most)
        cnn_table_text(t, "%d for each run", most);
    else
        cnn_table_text(t, "%d to %d: runs differ in their number", least, most);
}

/** Runs whose trainer sent no checksum of its data, so that nothing shows that they all trained on the
 *  same; simulated runs read none. */
static void put_unverified_data(const cnn_report *r, cnn_table *t)
{
    const cnn_results *x = r->results;
    int unverified = 0, finished = 0;
    for (int i = 0; i < x->run_count; i++) {
        const cnn_measured *m = &x->measured[i];
        if (!cnn_run_status_is_finished(x->status[i]) || strcmp(m->backend, "simulate") == 0)
            continue;
        finished++;
        unverified += !m->data_checksum[0];
    }
    if (unverified == 0)
        return;
    line(t, "data");
    cnn_table_text(t, "not verified: the trainers of %d of %d runs sent no checksum of their data",
                   unverified, finished);
}

/** Bits of NVML's clock event reasons that hold a GPU back against its will. */
enum {
    POWER_CAP = 0x4,
    HARDWARE_SLOWDOWN = 0x8,
    SOFTWARE_HEAT = 0x20,
    HARDWARE_HEAT = 0x40,
    POWER_BRAKE = 0x80
};

static bool was_shared(const cnn_measured *m)
{
    return m->shared_device == 1;
}

static bool had_company(const cnn_measured *m)
{
    return m->foreign_processes > 0;
}

static bool had_no_power(const cnn_measured *m)
{
    return m->throttle_reasons > 0 && m->throttle_reasons & (POWER_CAP | POWER_BRAKE);
}

static bool was_hot(const cnn_measured *m)
{
    return m->throttle_reasons > 0 &&
           m->throttle_reasons & (HARDWARE_SLOWDOWN | SOFTWARE_HEAT | HARDWARE_HEAT);
}

static bool was_short_of_cpu(const cnn_measured *m)
{
    return m->throttled_seconds > 0;
}

/** Disturbances of runs that telemetry recorded. */
static void put_warnings(const cnn_report *r, cnn_table *t)
{
    static const struct {
        bool (*happened)(const cnn_measured *m);
        const char *what;
    } warnings[] = {
        {was_shared, "shared a device with another rank"},
        {had_company, "had processes of others on the GPU"},
        {was_hot, "had the GPU's clocks held back by heat or a slowdown of the hardware"},
        {had_no_power, "had the GPU's clocks held back by its power limit"},
        {was_short_of_cpu, "had the CPU time cut by the cgroup's quota"},
    };
    for (size_t w = 0; w < sizeof warnings / sizeof warnings[0]; w++) {
        int runs = 0;
        for (int i = 0; i < r->results->run_count; i++)
            runs += r->results->status[i] != CNN_RUN_PLANNED &&
                    warnings[w].happened(&r->results->measured[i]);
        if (!runs)
            continue;
        line(t, "WARNING");
        cnn_table_text(t, "%d run%s %s", runs, cnn_report_plural(runs), warnings[w].what);
    }
}

/** How many devices there were; their names are in the full report. */
static void count_devices(const cnn_report *r, cnn_table *t)
{
    const cnn_scope *s = &r->a->scope;
    if (!s->runs)
        return;
    line(t, "devices");
    cnn_table_text(t, "%d on %d host%s", s->devices, s->nodes, cnn_report_plural(s->nodes));
}

/** How far conclusions reach. */
static void put_scope(const cnn_report *r, cnn_table *t)
{
    const cnn_scope *s = &r->a->scope;
    line(t, "scope");
    if (!s->runs)
        cnn_table_text(t, "no conclusion: no run is done");
    else
        cnn_table_text(t,
                       "conclusions hold for the device%s named here (%d on %d host%s), in %s, "
                       "with these versions; other devices may differ",
                       cnn_report_plural(s->devices), s->devices, s->nodes,
                       cnn_report_plural(s->nodes),
                       s->sessions == 1 ? "this session" : "these sessions");
}

static void put_contrast(const cnn_report *r, cnn_table *t)
{
    const cnn_results_factor *contrast = &r->results->factors[r->results->contrast];
    cnn_text levels = {0};
    for (int l = 0; l < contrast->level_count; l++)
        cnn_text_printf(&levels, "%s%s", l ? ", " : "", contrast->labels[l]);
    line(t, "contrast");
    cnn_table_text(t, "%s: %s", contrast->name, levels.s ? levels.s : "");
    *t->failed |= levels.failed;
    cnn_text_free(&levels);
    if (*r->names.constants) {
        line(t, "constant");
        cnn_table_text(t, "%s", r->names.constants);
    }
    if (r->full && r->names.any_study && !strcmp(r->names.pair->tensorflow, "native")) {
        line(t, "study");
        cnn_table_text(t, "native stands for its TensorFlow, layered for its Keras");
    }
}

static void put_sessions(const cnn_report *r, cnn_table *t)
{
    const int n = r->results->session_count;
    if (!n)
        return;
    char start[32];
    cnn_clock_format(r->results->sessions[0].start_time, start, sizeof start);
    line(t, "sessions");
    cnn_text overhead = {0};
    if (isnan(r->a->overhead))
        cnn_text_append(&overhead, "unknown");
    else
        cnn_text_printf(&overhead, "%.2f %% of the ranks' time", 100 * r->a->overhead);
    cnn_table_text(t, "%d, %s %s, %d rank%s; overhead %s", n, n == 1 ? "at" : "the first at", start,
                   r->results->sessions[0].ranks, cnn_report_plural(r->results->sessions[0].ranks),
                   overhead.s ? overhead.s : "");
    *t->failed |= overhead.failed;
    cnn_text_free(&overhead);
}

/** Outliers by run, of a report that has no table of them. */
static void put_outliers(const cnn_report *r, cnn_table *t)
{
    enum { MOST_RUNS = 6 };
    cnn_text text = {0};
    for (int m = 0; m < r->a->measure_count; m++) {
        const cnn_shown_measure shown = cnn_report_shown_in(r, (cnn_measure)m);
        int found = 0;
        for (int i = 0; shown.is_main && i < r->a->outlier_count; i++) {
            const cnn_outlier *o = &r->a->outliers[i];
            if (o->measure != m || found++ >= MOST_RUNS)
                continue;
            if (found == 1)
                cnn_text_printf(&text, "%s%s: run ", text.len ? "; " : "", shown.in_sentence);
            cnn_text_printf(&text, "%s%d", found == 1 ? "" : ", ", o->run);
        }
        if (found > MOST_RUNS)
            cnn_text_printf(&text, " and %d more", found - MOST_RUNS);
    }
    if (text.len) {
        line(t, "outliers");
        cnn_table_text(t, "%s (kept in all figures)", text.s);
    }
    *t->failed |= text.failed;
    cnn_text_free(&text);
}

static void put_quarantine(const cnn_report *r, cnn_table *t)
{
    for (int s = 0; r->results->quarantines && s < r->results->session_count; s++)
        if (r->results->quarantines[s].devices[0]) {
            line(t, "quarantine");
            cnn_table_text(t, "%s", r->results->quarantines[s].devices);
        }
}

void cnn_report_put_machine(const cnn_report *r, cnn_table *t)
{
    put_column(r, "models", offsetof(cnn_measured, device_model), t);
    put_column(r, "backends", offsetof(cnn_measured, backend), t);
    put_column(r, "versions", offsetof(cnn_measured, versions), t);
    put_column(r, "drivers", offsetof(cnn_measured, driver), t);
    put_threads(r, t);
    put_unverified_data(r, t);
    cnn_report_put_environment(r, t);
    put_warnings(r, t);
}

/** The same without what the versions imply, and outliers instead of their table. */
static void put_machine_briefly(const cnn_report *r, cnn_table *t)
{
    count_devices(r, t);
    put_column(r, "models", offsetof(cnn_measured, device_model), t);
    put_column(r, "versions", offsetof(cnn_measured, versions), t);
    put_unverified_data(r, t);
    cnn_report_put_environment(r, t);
    put_warnings(r, t);
    put_outliers(r, t);
}

/** That figures may still change: runs that count have not ended. */
static void put_state(const cnn_report *r, cnn_table *t)
{
    int open = 0, planned = 0;
    for (int i = 0; i < r->results->run_count; i++) {
        planned += !r->results->planned[i].warmup;
        open += !r->results->planned[i].warmup && r->results->status[i] == CNN_RUN_PLANNED;
    }
    if (!open)
        return;
    line(t, "state");
    cnn_table_text(t, "interim: %d of %d runs are not finished, and figures will change", open,
                   planned);
}

/** Of a measurement: what no run has reported. */
static void put_unmeasured(const cnn_report *r, cnn_table *t)
{
    cnn_text names = {0};
    for (int m = 0; r->results->is_measurement && m < r->a->measure_count; m++)
        if (!cnn_report_is_measured(r, (cnn_measure)m))
            cnn_text_printf(&names, "%s%s", names.len ? ", " : "", r->a->measures[m].name);
    if (names.len) {
        line(t, "not measured");
        cnn_table_text(t, "%s", names.s);
    }
    *t->failed |= names.failed;
    cnn_text_free(&names);
}

void cnn_report_header(const cnn_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "key", .title = "key", .key = true},
        {.name = "value", .title = "value", .wrap = true},
    };
    const bool interim = r->a->look.interim;
    cnn_table *t =
        cnn_document_table(r->out, "summary", columns, COUNT(columns),
                           interim ? "INTERIM results: the study is not finished" : "Results");
    t->headless = true;
    line(t, "job");
    cnn_table_text(t, "%s", r->results->job_name);
    put_state(r, t);
    put_files(r, t);
    put_contrast(r, t);
    cnn_report_put_unequal(r, t);
    put_unmeasured(r, t);
    put_counts(r, t);
    put_attempts(r, t);
    put_reasons(r, t);
    put_sessions(r, t);
    put_quarantine(r, t);
    if (!r->full) {
        put_machine_briefly(r, t);
        return;
    }
    put_column(r, "hosts", offsetof(cnn_measured, host), t);
    put_column(r, "devices", offsetof(cnn_measured, device), t);
    cnn_report_put_machine(r, t);
    put_scope(r, t);
}

void cnn_report_sessions(const cnn_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "session", .title = "session", .format = CNN_FORMAT_WHOLE},
        {.name = "start", .title = "start"},
        {.name = "start_time",
         .title = "start",
         .unit = "seconds since 1970-01-01 00:00:00",
         .format = CNN_FORMAT_FIXED,
         .left_out = CNN_ONLY_IN_CSV},
        {.name = "ranks", .title = "ranks", .format = CNN_FORMAT_WHOLE},
        {"overhead", "overhead", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100},
    };
    cnn_table *t = cnn_document_table(r->out, "sessions", columns, COUNT(columns),
                                      "Sessions: invocations of cnnmpi");
    for (int s = 0; s < r->results->session_count; s++) {
        const cnn_session *session = &r->results->sessions[s];
        char start[32];
        cnn_clock_format(session->start_time, start, sizeof start);
        cnn_table_row(t);
        cnn_table_number(t, s);
        cnn_table_text(t, "%s", start);
        cnn_table_number(t, session->start_time);
        cnn_table_number(t, session->ranks);
        cnn_table_number(t, s < r->a->session_count ? r->a->session_overhead[s] : NAN);
    }
    cnn_table_note(t, "overhead: share of the ranks' time outside trainer processes, from the "
                      "session's start to the end of a rank's last run.");
}
