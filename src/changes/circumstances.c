/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/circumstances.h"

#include "base/clock.h"
#include "changes/run_texts.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXTS = 4 };

/** Adds a line, whose texts it takes; nothing where both are "". */
static cnn_status add(cnn_changes *c, const char *what, cnn_text *texts, bool differs)
{
    cnn_status st = CNN_OK;
    cnn_changes_circumstance *more, *x;
    if (!texts[CNN_BEFORE].len && !texts[CNN_AFTER].len && !texts[CNN_BEFORE].failed)
        goto done;
    more = realloc(c->circumstances, (size_t)(c->circumstance_count + 1) * sizeof *more);
    CNN_CHECK(more, CNN_ENOMEM, "circumstances");
    c->circumstances = more;
    x = &more[c->circumstance_count++];
    *x = (cnn_changes_circumstance){.differs = differs};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        if (!texts[f].len)
            cnn_text_append(&texts[f], "-");
        x->text[f] = cnn_text_take(&texts[f]);
    }
    x->what = cnn_strdup(what);
    CNN_CHECK(x->what && x->text[CNN_BEFORE] && x->text[CNN_AFTER], CNN_ENOMEM, "circumstances");
done:
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_text_free(&texts[f]);
    return st;
}

static cnn_status add_texts(cnn_changes *c, const char *what, const cnn_texts *texts)
{
    cnn_text joined[CNN_CHANGES_FILES] = {{0}};
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_texts_join(&texts[f], MOST_TEXTS, &joined[f]);
    return add(c, what, joined, !cnn_texts_are_equal(&texts[CNN_BEFORE], &texts[CNN_AFTER]));
}

/* ---- what runs were made with ------------------------------------------------------------------ */

static cnn_status add_column(const cnn_changes_source *s, const cnn_changes_devices *devices,
                             cnn_run_text what, const char *title, const int *levels,
                             cnn_changes *out)
{
    cnn_status st = CNN_OK;
    cnn_texts texts[CNN_CHANGES_FILES] = {{0}};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_runs_chosen runs = {s->files[f], devices->of_run[f], levels ? levels[f] : -1};
        CNN_TRY(cnn_texts_of_runs(&runs, what, &texts[f]));
    }
    CNN_TRY(add_texts(out, title, texts));
done:
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_texts_free(&texts[f]);
    return st;
}

static int level_named(const cnn_results *r, const char *label)
{
    const cnn_results_factor *contrast = &r->factors[r->contrast];
    for (int l = 0; l < contrast->level_count; l++)
        if (!strcmp(contrast->labels[l], label))
            return l;
    return -1;
}

/** Versions by level, of the levels that both files have. */
static cnn_status add_versions(const cnn_changes_source *s, const cnn_changes_devices *devices,
                               cnn_changes *out)
{
    cnn_status st = CNN_OK;
    cnn_text title = {0};
    const cnn_results *before = s->files[CNN_BEFORE];
    const cnn_results_factor *contrast = &before->factors[before->contrast];
    for (int l = 0; l < contrast->level_count; l++) {
        const int levels[] = {l, level_named(s->files[CNN_AFTER], contrast->labels[l])};
        if (levels[CNN_AFTER] < 0)
            continue;
        cnn_text_free(&title);
        cnn_text_printf(&title, "versions, %s", contrast->labels[l]);
        CNN_TRY(cnn_text_status(&title));
        CNN_TRY(add_column(s, devices, CNN_TEXT_VERSIONS, title.s, levels, out));
    }
done:
    cnn_text_free(&title);
    return st;
}

/* ---- variables ---------------------------------------------------------------------------------- */

/** Adds the lines NAME=value of a text, of one name only if it is given: then its values. */
static cnn_status add_lines(const char *text, const char *name, cnn_texts *out)
{
    cnn_status st = CNN_OK;
    char *lines = cnn_strdup(text);
    CNN_CHECK(lines, CNN_ENOMEM, "variables");
    for (char *rest = lines, *line; (line = strsep(&rest, "\n")) != NULL;) {
        const size_t n = strcspn(line, "=");
        if (!name)
            line[n] = '\0'; /* the name alone */
        else if (strncmp(line, name, n) != 0 || name[n])
            continue;
        CNN_TRY(cnn_texts_add(out, !name ? line : line[n] ? line + n + 1 : "set"));
    }
done:
    free(lines);
    return st;
}

static cnn_status values_of(const cnn_texts *environments, const char *name, cnn_texts *out)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < environments->n; i++) {
        const int before = out->n;
        CNN_TRY(add_lines(environments->texts[i], name, out));
        if (out->n == before && !out->n)
            CNN_TRY(cnn_texts_add(out, "not set"));
    }
done:
    return st;
}

/** A line for each variable whose values differ; environments of both files are on record. */
static cnn_status compare_variables(const cnn_texts *environments, cnn_changes *out)
{
    cnn_status st = CNN_OK;
    cnn_texts names = {0}, values[CNN_CHANGES_FILES] = {{0}};
    cnn_text title = {0};
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        for (int i = 0; i < environments[f].n; i++)
            CNN_TRY(add_lines(environments[f].texts[i], NULL, &names));
    for (int i = 0; i < names.n; i++) {
        for (int f = 0; f < CNN_CHANGES_FILES; f++) {
            cnn_texts_free(&values[f]);
            CNN_TRY(values_of(&environments[f], names.texts[i], &values[f]));
        }
        if (cnn_texts_are_equal(&values[CNN_BEFORE], &values[CNN_AFTER]))
            continue;
        cnn_text_free(&title);
        cnn_text_printf(&title, "variable %s", names.texts[i]);
        CNN_TRY(cnn_text_status(&title));
        CNN_TRY(add_texts(out, title.s, values));
    }
done:
    cnn_text_free(&title);
    cnn_texts_free(&names);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_texts_free(&values[f]);
    return st;
}

static cnn_status add_variables(const cnn_changes_source *s, const cnn_changes_devices *devices,
                                cnn_changes *out)
{
    cnn_status st = CNN_OK;
    cnn_texts environments[CNN_CHANGES_FILES] = {{0}};
    cnn_text recorded[CNN_CHANGES_FILES] = {{0}};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_runs_chosen runs = {s->files[f], devices->of_run[f], -1};
        CNN_TRY(cnn_texts_of_runs(&runs, CNN_TEXT_ENVIRONMENT, &environments[f]));
    }
    if (environments[CNN_BEFORE].n && environments[CNN_AFTER].n) {
        CNN_TRY(compare_variables(environments, out));
    } else if (environments[CNN_BEFORE].n || environments[CNN_AFTER].n) {
        for (int f = 0; f < CNN_CHANGES_FILES; f++)
            cnn_text_append(&recorded[f], environments[f].n ? "on record" : "not on record");
        CNN_TRY(add(out, "variables", recorded, true));
    }
done:
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_texts_free(&environments[f]);
    return st;
}

/* ---- jobs, sessions ----------------------------------------------------------------------------- */

static void describe_sessions(const cnn_results *r, double start, cnn_text *out)
{
    char first[32];
    if (!isnan(start)) {
        cnn_clock_format(start, first, sizeof first);
        cnn_text_printf(out, "%d, the first run at %s", r->session_count, first);
    }
}

static void describe_plan(const cnn_job *job, const cnn_results *r, cnn_text *out)
{
    int blocks = 0;
    for (int i = 0; i < r->run_count; i++)
        blocks += !r->planned[i].warmup;
    cnn_text_printf(out, "%d runs of %d cells, %s %d, seed %u, warm-up blocks %d", blocks,
                    r->cell_count, job->crossed ? "crossed seeds" : "repeats",
                    job->crossed ? job->crossed : job->repeats, job->seed, job->schedule.warmup);
}

static void describe_margins(const cnn_results *r, cnn_text *out)
{
    cnn_text_printf(out, "alpha %g, margin of time %g %%, of error %g points", r->alpha,
                    100 * r->margin_time, 100 * r->margin_error);
}

static void describe_run_environment(const cnn_job *job, cnn_text *out)
{
    cnn_text text = {0};
    cnn_job_describe_environment(job, &text);
    if (text.len > 1)
        cnn_text_append(out, text.s + strspn(text.s, ", "));
    out->failed |= text.failed;
    cnn_text_free(&text);
}

static bool texts_differ(const cnn_text *t)
{
    const char *a = t[CNN_BEFORE].s ? t[CNN_BEFORE].s : "",
               *b = t[CNN_AFTER].s ? t[CNN_AFTER].s : "";
    return strcmp(a, b) != 0;
}

static cnn_status add_jobs(const cnn_changes_source *s, cnn_changes *out)
{
    enum { PROGRAM, SESSIONS, PLAN, MARGINS, RUN_ENVIRONMENT, COUNT };
    static const char *const titles[] = {"made by", "sessions", "plan", "analysis",
                                         "run_environment"};
    cnn_status st = CNN_OK;
    cnn_text texts[COUNT][CNN_CHANGES_FILES] = {{{0}}};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_results *r = s->files[f];
        cnn_text_append_bytes(&texts[PROGRAM][f], r->created, strcspn(r->created, ","));
        describe_sessions(r, out->start[f], &texts[SESSIONS][f]);
        describe_plan(s->jobs[f], r, &texts[PLAN][f]);
        describe_margins(r, &texts[MARGINS][f]);
        describe_run_environment(s->jobs[f], &texts[RUN_ENVIRONMENT][f]);
    }
    for (int i = 0; i < COUNT; i++)
        CNN_TRY(add(out, titles[i], texts[i], texts_differ(texts[i])));
done:
    for (int i = 0; i < COUNT; i++)
        for (int f = 0; f < CNN_CHANGES_FILES; f++)
            cnn_text_free(&texts[i][f]);
    return st;
}

/** The first member in which two truths differ; nothing where they are equal. */
static cnn_status compare_truths(const cnn_truth *before, const cnn_truth *after, cnn_text *out)
{
    cnn_status st = CNN_OK;
    cnn_text a = {0}, b = {0};
    cnn_truth_write_json(before, &a);
    cnn_truth_write_json(after, &b);
    CNN_TRY(cnn_text_status(&a));
    CNN_TRY(cnn_text_status(&b));
    if (strcmp(a.s, b.s) != 0)
        cnn_job_first_difference(a.s, b.s, &out[CNN_BEFORE], &out[CNN_AFTER]);
done:
    cnn_text_free(&a);
    cnn_text_free(&b);
    return st;
}

/** Stated truths, of levels that both files simulate. */
static cnn_status add_truths(const cnn_changes_source *s, cnn_changes *out)
{
    cnn_status st = CNN_OK;
    cnn_text title = {0}, texts[CNN_CHANGES_FILES] = {{0}};
    const cnn_job *before = s->jobs[CNN_BEFORE], *after = s->jobs[CNN_AFTER];
    for (int i = 0; i < before->framework_count; i++)
        for (int k = 0; k < after->framework_count; k++) {
            const cnn_framework *a = &before->frameworks[i], *b = &after->frameworks[k];
            if (strcmp(a->name, b->name) != 0 || !a->is_simulated || !b->is_simulated)
                continue;
            CNN_TRY(compare_truths(&a->truth, &b->truth, texts));
            cnn_text_free(&title);
            cnn_text_printf(&title, "stated truth, %s", a->name);
            CNN_TRY(cnn_text_status(&title));
            CNN_TRY(add(out, title.s, texts, true));
        }
done:
    cnn_text_free(&title);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_text_free(&texts[f]);
    return st;
}

/* ---- telemetry ---------------------------------------------------------------------------------- */

/** Means over the runs that count; a difference is shown, not judged. */
static cnn_status add_mean(const cnn_changes_source *s, const cnn_changes_devices *devices,
                           const char *what, size_t offset, const char *unit, cnn_changes *out)
{
    cnn_text texts[CNN_CHANGES_FILES] = {{0}};
    double mean[CNN_CHANGES_FILES];
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        double sum = 0;
        int n = 0;
        for (int i = 0; i < s->files[f]->run_count; i++) {
            double x;
            memcpy(&x, (const char *)&s->files[f]->measured[i] + offset, sizeof x);
            if (devices->of_run[f][i] < 0 || !isfinite(x))
                continue;
            sum += x;
            n++;
        }
        mean[f] = n ? sum / n : NAN;
        if (n)
            cnn_text_printf(&texts[f], "mean %.4g%s%s", mean[f], *unit ? " " : "", unit);
    }
    return add(out, what, texts, texts_differ(texts));
}

static cnn_status add_telemetry(const cnn_changes_source *s, const cnn_changes_devices *devices,
                                cnn_changes *out)
{
    static const struct {
        const char *what;
        size_t offset;
        const char *unit;
    } columns[] = {
        {"SM clock", offsetof(cnn_measured, sm_clock_mean), "MHz"},
        {"memory clock", offsetof(cnn_measured, memory_clock_mean), "MHz"},
        {"GPU temperature", offsetof(cnn_measured, gpu_temperature_max), "degC"},
        {"GPU power", offsetof(cnn_measured, gpu_power_mean), "W"},
        {"CPU clock", offsetof(cnn_measured, cpu_frequency_mean), "MHz"},
        {"load", offsetof(cnn_measured, load_mean), ""},
        {"CPU time stolen", offsetof(cnn_measured, steal_seconds), "s of a run"},
    };
    cnn_status st = CNN_OK;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        CNN_TRY(add_mean(s, devices, columns[i].what, columns[i].offset, columns[i].unit, out));
done:
    return st;
}

cnn_status cnn_changes_list_circumstances(const cnn_changes_source *s,
                                          const cnn_changes_devices *devices, cnn_changes *out)
{
    static const cnn_run_text columns[] = {CNN_TEXT_HOST,    CNN_TEXT_DEVICE, CNN_TEXT_MODEL,
                                           CNN_TEXT_BACKEND, CNN_TEXT_DRIVER, CNN_TEXT_THREADS,
                                           CNN_TEXT_DATA};
    cnn_status st = CNN_OK;
    CNN_TRY(add_jobs(s, out));
    CNN_TRY(add_truths(s, out));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        CNN_TRY(add_column(s, devices, columns[i], cnn_run_text_titles[columns[i]], NULL, out));
    CNN_TRY(add_versions(s, devices, out));
    CNN_TRY(add_variables(s, devices, out));
    CNN_TRY(add_telemetry(s, devices, out));
done:
    return st;
}
