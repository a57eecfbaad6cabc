#include "base/clock.h"
#include "report/reduction.h"
#include "report/report_tables.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Of long lists (hosts, devices, versions, sessions) this many are shown, then a count. */
enum { MOST_LINES = 16 };

static void heading(cnn_text *out, const char *name)
{
    cnn_text_printf(out, "  %-10s", name);
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

typedef struct {
    int planned, done, failed, diverged, missing, warmups;
} totals;

static totals add_up(const cnn_results *r, const cnn_reduction *d)
{
    totals t = {0};
    for (int c = 0; c < d->cell_count; c++) {
        t.planned += d->planned[c];
        t.done += d->done[c];
        t.failed += d->failed[c];
        t.diverged += d->diverged[c];
    }
    t.missing = t.planned - t.done - t.failed - t.diverged;
    for (int i = 0; i < r->run_count; i++)
        t.warmups += r->planned[i].warmup != 0;
    return t;
}

static void report_runs(const totals *t, cnn_text *out)
{
    heading(out, "runs");
    cnn_text_printf(out, "%d planned: %d done, %d failed, %d diverged, %d missing\n", t->planned,
                    t->done, t->failed, t->diverged, t->missing);
    heading(out, "left out");
    cnn_text_printf(out, "failed, diverged and missing runs; %d warm-up run%s\n", t->warmups,
                    plural(t->warmups));
}

/** Attempts that did not end well, whether or not a later one did. */
static void report_attempts(const cnn_results *r, cnn_text *out)
{
    int count[CNN_OUTCOME_COUNT] = {0}, all = 0;
    for (size_t i = 0; i < (size_t)r->run_count * (size_t)r->attempts_per_run; i++) {
        const int outcome = r->attempts[i].attempt_outcome;
        if (outcome > CNN_OUTCOME_DIVERGED && outcome < CNN_OUTCOME_COUNT) {
            count[outcome]++;
            all++;
        }
    }
    heading(out, "attempts");
    cnn_text_printf(out, "%d without a result", all);
    const char *before = ": ";
    for (int o = CNN_OUTCOME_DIVERGED + 1; o < CNN_OUTCOME_COUNT; o++)
        if (count[o]) {
            cnn_text_printf(out, "%s%s %d", before, cnn_outcome_names[o], count[o]);
            before = ", ";
        }
    cnn_text_append(out, "\n");
}

static void report_sessions(const cnn_results *r, const cnn_reduction *d, cnn_text *out)
{
    for (int s = 0; s < r->session_count && s < MOST_LINES; s++) {
        char start[32];
        cnn_clock_format(r->sessions[s].start_time, start, sizeof start);
        heading(out, s ? "" : "sessions");
        cnn_text_printf(out, "%s, %d rank%s, overhead ", start, r->sessions[s].ranks,
                        plural(r->sessions[s].ranks));
        if (isnan(d->session_overhead[s]))
            cnn_text_append(out, "unknown\n");
        else
            cnn_text_printf(out, "%.2f %%\n", 100 * d->session_overhead[s]);
    }
    if (r->session_count > MOST_LINES) {
        heading(out, "");
        cnn_text_printf(out, "... and %d more\n", r->session_count - MOST_LINES);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** The different texts among texts [n], each with how often it is there; sorts texts. Returns how
 *  many there are. */
static int report_distinct(const char *name, const char **texts, int n, const char *what,
                           cnn_text *out)
{
    int distinct = 0;
    qsort(texts, (size_t)n, sizeof *texts, by_text);
    for (int i = 0; i < n; distinct++) {
        int first = i;
        while (i < n && !strcmp(texts[i], texts[first]))
            i++;
        if (distinct < MOST_LINES) {
            heading(out, distinct ? "" : name);
            cnn_text_printf(out, "%s (%d %s%s)\n", texts[first], i - first, what,
                            plural(i - first));
        }
    }
    if (distinct > MOST_LINES) {
        heading(out, "");
        cnn_text_printf(out, "... and %d more\n", distinct - MOST_LINES);
    }
    return distinct;
}

/** The texts that a column of measured runs holds. offset: of the column in cnn_measured. */
static int report_column(const cnn_results *r, const char *name, size_t offset, cnn_text *out)
{
    int n = 0, distinct = 0;
    const char **texts = calloc((size_t)r->run_count + 1, sizeof *texts);
    if (!texts) {
        out->failed = true;
        return 0;
    }
    for (int i = 0; i < r->run_count; i++) {
        const char *s = (const char *)&r->measured[i] + offset;
        if (r->status[i] != CNN_RUN_PLANNED && *s)
            texts[n++] = s;
    }
    distinct = report_distinct(name, texts, n, "run", out);
    free(texts);
    return distinct;
}

/** Why attempts failed. */
static void report_reasons(const cnn_results *r, cnn_text *out)
{
    const size_t all = (size_t)r->run_count * (size_t)r->attempts_per_run;
    int n = 0;
    const char **texts = calloc(all + 1, sizeof *texts);
    if (!texts) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < all; i++)
        if (r->attempts[i].attempt_outcome > CNN_OUTCOME_DIVERGED && *r->attempts[i].attempt_reason)
            texts[n++] = r->attempts[i].attempt_reason;
    report_distinct("reasons", texts, n, "attempt", out);
    free(texts);
}

static void report_threads(const cnn_results *r, cnn_text *out)
{
    int least = -1, most = -1, shared = 0;
    for (int i = 0; i < r->run_count; i++) {
        const int threads = r->measured[i].threads;
        if (r->status[i] == CNN_RUN_PLANNED)
            continue;
        shared += r->measured[i].shared_device == 1;
        if (threads > 0) {
            least = least < 0 || threads < least ? threads : least;
            most = threads > most ? threads : most;
        }
    }
    if (most > 0) {
        heading(out, "threads");
        if (least == most)
            cnn_text_printf(out, "%d for each run\n", most);
        else
            cnn_text_printf(out, "%d to %d: runs differ in their number\n", least, most);
    }
    if (shared) {
        heading(out, "WARNING");
        cnn_text_printf(out, "%d run%s shared a device with another rank\n", shared,
                        plural(shared));
    }
}

/** Where, when and on what: and how far conclusions reach therefore. */
static void report_scope(const cnn_results *r, const totals *t, cnn_text *out)
{
    int hosts = report_column(r, "hosts", offsetof(cnn_measured, host), out);
    int devices = report_column(r, "devices", offsetof(cnn_measured, device), out);
    report_column(r, "models", offsetof(cnn_measured, device_model), out);
    report_column(r, "backends", offsetof(cnn_measured, backend), out);
    report_column(r, "versions", offsetof(cnn_measured, versions), out);
    report_threads(r, out);
    heading(out, "scope");
    if (!t->done)
        cnn_text_append(out, "no conclusion: no run is done\n");
    else
        cnn_text_printf(out,
                        "conclusions hold for the device%s named here (%d on %d host%s), in %s,\n"
                        "            with these versions; they say nothing about other devices\n",
                        plural(devices), devices, hosts, plural(hosts),
                        r->session_count == 1 ? "this session" : "these sessions");
}

static void report_header(const cnn_results *r, const cnn_reduction *d, const char *path,
                          cnn_text *out)
{
    const cnn_results_factor *contrast = &r->factors[r->contrast];
    const totals t = add_up(r, d);
    cnn_text_append(out, "Results\n");
    heading(out, "job");
    cnn_text_printf(out, "%s\n", r->job_name);
    heading(out, "file");
    cnn_text_printf(out, "%s\n", path);
    heading(out, "created");
    cnn_text_printf(out, "%s\n", r->created);
    heading(out, "contrast");
    cnn_text_printf(out, "%s:", contrast->name);
    for (int l = 0; l < contrast->level_count; l++)
        cnn_text_printf(out, "%s %s", l ? "," : "", contrast->labels[l]);
    cnn_text_append(out, "\n");
    report_runs(&t, out);
    report_attempts(r, out);
    report_reasons(r, out);
    report_sessions(r, d, out);
    report_scope(r, &t, out);
}

static void report_notes(const cnn_results *r, const cnn_reduction *d, cnn_text *out)
{
    cnn_text_append(out, "\n");
    if (d->comparison_count) {
        cnn_text_printf(out,
                        "* |t| > %.2f: significant by the study's rule, which takes t for normal "
                        "and does not correct\n  for %d comparisons. p: Welch's t test, two-sided, "
                        "not corrected either.\n",
                        CNN_STUDY_CRITICAL_T, d->comparison_count * CNN_MEASURE_COUNT);
    }
    cnn_text_append(out, "Overhead: share of the ranks' time outside trainer processes, from the "
                         "session's start\n  to the end of a rank's last run: ");
    if (isnan(d->overhead))
        cnn_text_append(out, "unknown.\n");
    else
        cnn_text_printf(out, "%.2f %% in %d session%s.\n", 100 * d->overhead, r->session_count,
                        plural(r->session_count));
}

void cnn_report_text(const cnn_results *results, const cnn_reduction *reduction, const char *path,
                     cnn_text *out)
{
    report_header(results, reduction, path, out);
    for (int m = 0; m < CNN_MEASURE_COUNT; m++)
        cnn_report_cells(results, reduction, (cnn_measure)m, out);
    cnn_report_lost(results, reduction, out);
    for (int m = 0; m < CNN_MEASURE_COUNT; m++)
        cnn_report_comparisons(results, reduction, (cnn_measure)m, out);
    report_notes(results, reduction, out);
}
