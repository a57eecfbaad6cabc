/* SPDX-License-Identifier: Apache-2.0 */
#include "report/rows.h"

#include "base/printable.h"
#include "base/text.h"
#include "document/render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { PIECE = 1 << 16 }; /* bytes that are gathered before they are written */

#define COLUMN_NAME(member, type, units, long_name) #member,
static const char *const run_columns[] = {
    "run", "status", CNN_PLANNED_COLUMNS(COLUMN_NAME) CNN_MEASURED_COLUMNS(COLUMN_NAME) NULL};
static const char *const attempt_columns[] = {"run", "attempt_number", "outcome",
                                              CNN_ATTEMPT_COLUMNS(COLUMN_NAME) NULL};

/* A comma and a value of each type; an array's name is its text. */
#define PUT_I8(x)                                  cnn_text_printf(t, ",%d", x);
#define PUT_I32(x)                                 cnn_text_printf(t, ",%" PRId32, x);
#define PUT_I64(x)                                 cnn_text_printf(t, ",%" PRId64, x);
#define PUT_F64(x)                                 put_number(t, x);
#define PUT_T16(x)                                 put_text(t, x);
#define PUT_T32(x)                                 put_text(t, x);
#define PUT_T64(x)                                 put_text(t, x);
#define PUT_T96(x)                                 put_text(t, x);
#define PUT_T128(x)                                put_text(t, x);
#define PUT_T512(x)                                put_text(t, x);
#define PUT_COLUMN(member, type, units, long_name) PUT_##type(row->member)

static void put_number(cnn_text *t, double x)
{
    cnn_text_append(t, ",");
    cnn_render_csv_number(t, x);
}

static void put_text(cnn_text *t, const char *s)
{
    cnn_text_append(t, ",");
    cnn_render_csv_text(t, s);
}

static void put_planned(cnn_text *t, const cnn_planned *row)
{
    CNN_PLANNED_COLUMNS(PUT_COLUMN)
}

static void put_measured(cnn_text *t, const cnn_measured *row)
{
    CNN_MEASURED_COLUMNS(PUT_COLUMN)
}

/** The job's metrics under their own names, after the columns metric_1, ... */
static void put_metrics(cnn_text *t, const cnn_results *r, const cnn_measured *row)
{
    for (int i = 0; i < r->metric_count; i++)
        put_number(t, cnn_measured_metric(row, i));
}

static void put_attempt(cnn_text *t, const cnn_attempt *row)
{
    CNN_ATTEMPT_COLUMNS(PUT_COLUMN)
}

/** Flushes the gathered text once it is large or `all` is set. */
static cnn_status pass_on(cnn_text *t, bool all, FILE *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_text_status(t));
    if (t->len < PIECE && !all)
        return CNN_OK;
    cnn_print(out, t->s ? t->s : "");
    CNN_CHECK(!ferror(out), CNN_EIO, "cannot write the rows: %s", strerror(errno));
    t->len = 0;
done:
    return st;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

/** Whether a metric's name is that of another column. */
static bool is_taken(const cnn_results *r, const char *name, const char *const *columns)
{
    bool taken = is_among(name, columns) || !strcmp(name, "file");
    for (int f = 0; f < r->factor_count; f++)
        taken = taken || !strcmp(name, r->factors[f].name);
    return taken;
}

/** The names of all columns: file, keys [key_count], factors, the rest. */
static void put_names(cnn_text *t, const cnn_results *r, const char *const *columns, int key_count,
                      bool several)
{
    if (several)
        cnn_text_append(t, "file,");
    for (int c = 0; c < key_count; c++)
        cnn_text_printf(t, "%s%s", c ? "," : "", columns[c]);
    for (int f = 0; f < r->factor_count; f++) {
        const char *name = r->factors[f].name;
        cnn_text_append(t, ",");
        if (is_among(name, columns) || !strcmp(name, "file"))
            cnn_text_append(t, "factor_");
        cnn_render_csv_text(t, name);
    }
    for (int c = key_count; columns[c]; c++)
        cnn_text_printf(t, ",%s", columns[c]);
    for (int i = 0; columns == run_columns && i < r->metric_count; i++)
        cnn_text_printf(t, ",%s%s", is_taken(r, r->metrics[i].name, columns) ? "metric_" : "",
                        r->metrics[i].name);
    cnn_text_append(t, "\n");
}

/** The file of a run, where there are several. */
static void put_source(cnn_text *t, int run, const cnn_rows_source *sources, int count)
{
    for (int s = 0; count > 1 && s < count; s++)
        if (run >= sources[s].first_run && run < sources[s].first_run + sources[s].runs) {
            cnn_render_csv_text(t, sources[s].path);
            cnn_text_append(t, ",");
        }
}

static void put_levels(cnn_text *t, const cnn_results *r, int run)
{
    const int *levels = &r->cell_levels[r->planned[run].cell * r->factor_count];
    for (int f = 0; f < r->factor_count; f++)
        put_text(t, cnn_results_level_text(&r->factors[f], levels[f]));
}

cnn_status cnn_report_runs(const cnn_results *results, const cnn_rows_source *sources,
                           int source_count, FILE *out)
{
    cnn_status st = CNN_OK;
    cnn_text t = {0};
    put_names(&t, results, run_columns, 2, source_count > 1);
    for (int i = 0; i < results->run_count; i++) {
        put_source(&t, i, sources, source_count);
        cnn_text_printf(&t, "%d,%s", i, cnn_run_status_names[results->status[i]]);
        put_levels(&t, results, i);
        put_planned(&t, &results->planned[i]);
        put_measured(&t, &results->measured[i]);
        put_metrics(&t, results, &results->measured[i]);
        cnn_text_append(&t, "\n");
        CNN_TRY(pass_on(&t, false, out));
    }
    CNN_TRY(pass_on(&t, true, out));
done:
    cnn_text_free(&t);
    return st;
}

cnn_status cnn_report_attempts(const cnn_results *results, const cnn_rows_source *sources,
                               int source_count, FILE *out)
{
    cnn_status st = CNN_OK;
    cnn_text t = {0};
    put_names(&t, results, attempt_columns, 3, source_count > 1);
    for (int i = 0; i < results->run_count; i++) {
        for (int n = 0; n < results->attempts_per_run; n++) {
            const cnn_attempt *a =
                &results->attempts[(size_t)i * (size_t)results->attempts_per_run + (size_t)n];
            if (a->attempt_outcome <= CNN_OUTCOME_NONE || a->attempt_outcome >= CNN_OUTCOME_COUNT)
                continue;
            put_source(&t, i, sources, source_count);
            cnn_text_printf(&t, "%d,%d,%s", i, n, cnn_outcome_names[a->attempt_outcome]);
            put_levels(&t, results, i);
            put_attempt(&t, a);
            cnn_text_append(&t, "\n");
            CNN_TRY(pass_on(&t, false, out));
        }
    }
    CNN_TRY(pass_on(&t, true, out));
done:
    cnn_text_free(&t);
    return st;
}
