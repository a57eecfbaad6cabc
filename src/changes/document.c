/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/document.h"

#include "base/clock.h"
#include "changes/parts.h"
#include "report/parts.h"

#include <math.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

cnn_changes_shown cnn_changes_shown_of(int measure)
{
    const cnn_shown_measure m = cnn_report_shown(cnn_changes_measures[measure]);
    return (cnn_changes_shown){.title = m.title,
                               .unit = m.unit,
                               .difference = m.is_log ? "%" : m.difference,
                               .scale = m.scale,
                               .is_log = m.is_log};
}

double cnn_changes_size(const cnn_changes_shown *shown, double x)
{
    return shown->is_log ? 100 * expm1(x) : shown->scale * x;
}

const char *cnn_changes_verdict(const cnn_changes *c, const cnn_changes_figures *x)
{
    static const char *const of_sessions[] = {
        [CNN_VERDICT_INCONCLUSIVE] = "inconclusive", [CNN_VERDICT_EQUIVALENT] = "sessions alike",
        [CNN_VERDICT_FASTER] = "session faster",     [CNN_VERDICT_SLOWER] = "session slower",
        [CNN_VERDICT_LOWER] = "session lower",       [CNN_VERDICT_HIGHER] = "session higher",
    };
    switch (x->reason) {
    case CNN_CHANGE_REASON_CONTROL:
        return "control";
    case CNN_CHANGE_REASON_INTERIM:
        return "interim";
    case CNN_CHANGE_REASON_SESSIONS:
        return "withheld";
    case CNN_CHANGE_REASON_NO_CONTROL:
    case CNN_CHANGE_REASON_FEW:
    case CNN_CHANGE_REASON_NO_VARIANCE:
        return "not tested";
    default:
        return c->has_control ? cnn_verdict_names[x->verdict] : of_sessions[x->verdict];
    }
}

/* ---- files --------------------------------------------------------------------------------------- */

static void line(cnn_table *t, const char *key)
{
    cnn_table_row(t);
    cnn_table_text(t, "%s", key);
}

static void put_file(const cnn_changes *c, int file, cnn_table *t)
{
    const cnn_results *r = c->files[file];
    char start[32] = "";
    int done = 0, planned = 0;
    for (int i = 0; i < r->run_count; i++) {
        planned += !r->planned[i].warmup;
        done += !r->planned[i].warmup && r->status[i] == CNN_RUN_DONE;
    }
    if (!isnan(c->start[file]))
        cnn_clock_format(c->start[file], start, sizeof start);
    line(t, file == CNN_BEFORE ? "before" : "after");
    cnn_table_text(t, "%s: job %s, %d of %d runs done, %d session%s%s%s", c->paths[file],
                   r->job_name, done, planned, r->session_count,
                   cnn_report_plural(r->session_count), *start ? ", begun " : "", start);
}

static void put_control(const cnn_changes *c, cnn_table *t)
{
    line(t, "control");
    if (!c->control) {
        cnn_table_text(t, "none: sessions and what was done between them are not told apart");
        return;
    }
    if (!c->has_control) {
        cnn_table_text(t, "%s is REFUSED: %s", c->control, c->refusal);
        return;
    }
    cnn_text weights = {0};
    if (c->control_seeds)
        cnn_text_printf(&weights, "; equal final weights for %d of %d seeds", c->control_same,
                        c->control_seeds);
    cnn_table_text(t,
                   "%s: on the shared devices the same program, libraries, driver, model and "
                   "environment in both files, as far as they record it%s",
                   c->control, weights.s ? weights.s : "");
    *t->failed |= weights.failed;
    cnn_text_free(&weights);
}

void cnn_changes_put_files(const cnn_changes_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "key", .title = "key", .key = true},
        {.name = "value", .title = "value", .wrap = true},
    };
    const cnn_changes *c = r->c;
    const bool interim = c->unfinished[CNN_BEFORE] || c->unfinished[CNN_AFTER];
    cnn_table *t = cnn_document_table(r->out, "summary", columns, COUNT(columns), "%s",
                                      interim ? "INTERIM comparison: a file is not finished"
                                              : "Comparison of two results files");
    t->headless = true;
    put_file(c, CNN_BEFORE, t);
    put_file(c, CNN_AFTER, t);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        if (c->unfinished[f]) {
            line(t, "state");
            cnn_table_text(t, "interim: %d run%s of %s not finished, so that there is no verdict",
                           c->unfinished[f], cnn_report_plural(c->unfinished[f]), c->paths[f]);
        }
    if (c->start[CNN_AFTER] < c->start[CNN_BEFORE]) {
        line(t, "WARNING");
        cnn_table_text(t, "the file after began before the file before: are they swapped?");
    }
    line(t, "devices");
    cnn_table_text(t, "%d shared (%d before, %d after)", c->shared_devices, c->devices[CNN_BEFORE],
                   c->devices[CNN_AFTER]);
    put_control(c, t);
    line(t, "cells");
    cnn_table_text(t, "%d compared, %d left out", c->cell_count, c->left_count);
}

/* ---- circumstances, cells left out ----------------------------------------------------------------- */

/** Lines that are equal are named in a note, unless the report is full. */
void cnn_changes_put_circumstances(const cnn_changes_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "what", .title = "what", .key = true},
        {.name = "file", .title = "file"},
        {.name = "value", .title = "value", .wrap = true},
        {.name = "differs", .title = "", .left_out = CNN_ONLY_IN_CSV},
    };
    const cnn_changes *c = r->c;
    cnn_text same = {0};
    cnn_table *t = cnn_document_table(r->out, "circumstances", columns, COUNT(columns),
                                      "What else differs between the files");
    t->headless = true;
    for (int i = 0; i < c->circumstance_count; i++) {
        const cnn_changes_circumstance *x = &c->circumstances[i];
        if (!x->differs && !r->full) {
            cnn_text_printf(&same, "%s%s", same.len ? "; " : "", x->what);
            continue;
        }
        for (int f = 0; f < CNN_CHANGES_FILES; f++) {
            line(t, x->what);
            cnn_table_text(t, "%s", f == CNN_BEFORE ? "before" : "after");
            cnn_table_text(t, "%s", x->text[f]);
            cnn_table_text(t, "%s", x->differs ? "yes" : "no");
        }
    }
    if (same.len)
        cnn_table_note(t, "Equal in both: %s.", same.s);
    cnn_table_note(t, "The files do not record everything: firmware, kernels or the room's "
                      "temperature may differ as well.");
    r->out->failed |= same.failed;
    cnn_text_free(&same);
}

void cnn_changes_put_left(const cnn_changes_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "level", .title = "level", .key = true},
        {.name = "combination", .title = "combination", .key = true},
        {.name = "reason", .title = "why", .wrap = true},
    };
    enum { MOST = 12 };
    const int shown = r->full || r->c->left_count <= MOST ? r->c->left_count : MOST;
    cnn_table *t = cnn_document_table(r->out, "left_out", columns, COUNT(columns),
                                      "Cells that are left out: not the same in both files");
    for (int i = 0; i < shown; i++) {
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->c->left[i].level);
        cnn_table_text(t, "%s", r->c->left[i].combination);
        cnn_table_text(t, "%s", r->c->left[i].reason);
    }
    if (shown < r->c->left_count)
        cnn_table_note(t, "... and %d more: --table left_out lists them.",
                       r->c->left_count - shown);
}

/* ---- figures ---------------------------------------------------------------------------------------- */

static double factor_of(const cnn_changes_shown *shown, double x)
{
    return shown->is_log ? expm1(x) : x;
}

static void put_difference(cnn_table *t, const cnn_changes_shown *shown, const cnn_t_result *x)
{
    cnn_table_number(t, factor_of(shown, x->difference));
    cnn_table_interval(t, factor_of(shown, x->interval.low), factor_of(shown, x->interval.high));
}

static void put_row(const cnn_changes_report *r, int cell, int measure, cnn_table *t)
{
    const cnn_changes_shown shown = cnn_changes_shown_of(measure);
    const cnn_changes_cell *c = &r->c->cells[cell];
    const cnn_changes_figures *x = cnn_changes_figures_of(r->c, cell, measure);
    const bool is_judged =
        x->reason != CNN_CHANGE_REASON_CONTROL && x->reason != CNN_CHANGE_REASON_NO_CONTROL;
    const cnn_t_result none = cnn_t_undefined();
    cnn_table_row(t);
    cnn_table_text(t, "%s", c->level);
    cnn_table_text(t, "%s", c->combination);
    cnn_table_text(t, "%s", cnn_measure_names[cnn_changes_measures[measure]]);
    put_difference(t, &shown, is_judged ? &x->judged.t : &none);
    cnn_table_text(t, "%s", cnn_changes_verdict(r->c, x));
    cnn_table_number(t, x->p_holm);
    cnn_table_number(t, x->tost_p_holm);
    put_difference(t, &shown, &x->session.t);
    cnn_table_number(t, x->mean[CNN_BEFORE]);
    cnn_table_number(t, x->mean[CNN_AFTER]);
    cnn_table_text(t, "%s", r->c->has_control ? "control" : "sessions");
    cnn_table_text(t, "%s", cnn_change_reason_names[x->reason]);
    cnn_table_text(t, "%s", cnn_change_unit_names[x->judged.unit]);
    cnn_table_number(t, x->judged.units);
    cnn_table_number(t, x->judged.before);
    cnn_table_number(t, x->judged.after);
    cnn_table_number(t, x->judged.shared);
    cnn_table_number(t, x->judged.is_adjusted);
    cnn_table_number(t, x->judged.t.difference);
    cnn_table_number(t, x->judged.t.standard_error);
    cnn_table_number(t, x->judged.t.df);
    cnn_table_number(t, x->judged.t.p);
    cnn_table_number(t, x->tost_p);
    cnn_table_interval(t, x->tost_lower, x->tost_upper);
    cnn_table_number(t, factor_of(&shown, x->detectable));
    cnn_table_number(t, x->same_weights);
}

static void put_measure(const cnn_changes_report *r, int measure)
{
    const cnn_changes_shown shown = cnn_changes_shown_of(measure);
    const double scale = shown.is_log ? 100 : shown.scale;
    const char *change = r->c->has_control && shown.is_log ? "change" : "difference";
    const int seconds = r->full ? 0 : CNN_NOT_IN_LATEX;
    const int p = r->full ? 0 : CNN_ONLY_IN_CSV;
    const cnn_table_column columns[] = {
        {.name = "level", .title = "level", .key = true},
        {.name = "combination", .title = "combination", .key = true},
        {.name = "measure", .title = "measure", .left_out = CNN_ONLY_IN_CSV},
        {"change", change, shown.difference, .format = CNN_FORMAT_FIXED, .digits = 2,
         .scale = scale},
        {"change", "interval", shown.difference, .format = CNN_FORMAT_FIXED, .digits = 2,
         .scale = scale, .interval = true},
        {.name = "verdict", .title = "verdict"},
        {"p_holm", "p differ", .format = CNN_FORMAT_P, .left_out = p},
        {"tost_p_holm", "p equal", .format = CNN_FORMAT_P, .left_out = p},
        {"session", "itself", shown.difference, .format = CNN_FORMAT_FIXED, .digits = 2,
         .scale = scale, .left_out = r->c->has_control && shown.is_log ? 0 : CNN_ONLY_IN_CSV},
        {"session", "interval", shown.difference, .format = CNN_FORMAT_FIXED, .digits = 2,
         .scale = scale, .interval = true, .left_out = p},
        {"before", "before", shown.unit, .format = CNN_FORMAT_DIGITS, .digits = 4,
         .scale = shown.scale, .left_out = seconds},
        {"after", "after", shown.unit, .format = CNN_FORMAT_DIGITS, .digits = 4,
         .scale = shown.scale, .left_out = seconds},
        {.name = "basis", .title = "basis", .left_out = CNN_ONLY_IN_CSV},
        {.name = "reason", .title = "reason", .left_out = CNN_ONLY_IN_CSV},
        {.name = "unit", .title = "unit", .left_out = p},
        {"units", "units", .format = CNN_FORMAT_WHOLE, .left_out = p},
        {"values_before", "values before", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"values_after", "values after", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"shared", "shared", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"position_adjusted", "adjusted", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
        {"mean", "mean", .format = CNN_FORMAT_DIGITS, .digits = 4, .left_out = CNN_ONLY_IN_CSV},
        {"standard_error", "error", .format = CNN_FORMAT_DIGITS, .digits = 4,
         .left_out = CNN_ONLY_IN_CSV},
        {"df", "df", .format = CNN_FORMAT_FIXED, .digits = 1, .left_out = p},
        {"p", "p", .format = CNN_FORMAT_P, .left_out = CNN_ONLY_IN_CSV},
        {"tost_p", "p equal", .format = CNN_FORMAT_P, .left_out = CNN_ONLY_IN_CSV},
        {"tost", "TOST", .format = CNN_FORMAT_DIGITS, .digits = 4, .interval = true,
         .left_out = CNN_ONLY_IN_CSV},
        {"detectable", "detectable", shown.difference, .format = CNN_FORMAT_FIXED, .digits = 2,
         .scale = scale, .left_out = p},
        {"same_weights", "same weights", .format = CNN_FORMAT_WHOLE, .left_out = CNN_ONLY_IN_CSV},
    };
    cnn_table *t = cnn_document_table(
        r->out, "cells", columns, COUNT(columns), "%s, after against before%s%s", shown.title,
        r->c->has_control && shown.is_log ? ": against the control " : "",
        r->c->has_control && shown.is_log ? r->c->control : "");
    if (measure == 2 && !r->full)
        t->left_out = CNN_ONLY_IN_CSV;
    for (int i = 0; i < r->c->cell_count; i++)
        put_row(r, i, measure, t);
    if (r->c->has_control && shown.is_log)
        cnn_table_note(t,
                       "change: of the time over the control's in the same block, from before to "
                       "after; itself: of the level by itself, the session included. before, "
                       "after: geometric means of all runs.");
    else if (!shown.is_log)
        cnn_table_note(t, "The unit is the seed: %s",
                       "errors are functions of seed and program, not of the session.");
    cnn_table_note(t,
                   "Intervals: %.4g %%, of each cell alone; verdicts: adjusted by Holm over %d "
                   "cell%s.",
                   100 * (1 - r->c->alpha), r->c->family[measure],
                   cnn_report_plural(r->c->family[measure]));
}

void cnn_changes_put_figures(const cnn_changes_report *r)
{
    for (int m = CNN_CHANGES_MEASURES - 1; m >= 0; m--)
        put_measure(r, m);
}

/** Level x session: only where it can be estimated. */
void cnn_changes_put_sessions(const cnn_changes_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "level", .title = "level", .key = true},
        {.name = "combination", .title = "combination", .key = true},
        {"sd", "sd", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100},
        {"sd", "interval", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100,
         .interval = true},
        {"f", "F", .format = CNN_FORMAT_FIXED, .digits = 2},
        {"df", "df", .format = CNN_FORMAT_WHOLE},
        {"error_df", "error df", .format = CNN_FORMAT_WHOLE},
        {"p", "p", .format = CNN_FORMAT_P},
        {"p_holm", "Holm", .format = CNN_FORMAT_P},
    };
    cnn_table *t = cnn_document_table(r->out, "level_x_session", columns, COUNT(columns),
                                      "Level x session: does the distance from the control vary "
                                      "between sessions of one file?");
    if (!r->full)
        t->left_out = CNN_ONLY_IN_CSV;
    for (int i = 0; i < r->c->cell_count; i++) {
        const cnn_changes_figures *x = cnn_changes_figures_of(r->c, i, 0);
        if (isnan(x->effects.p))
            continue;
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->c->cells[i].level);
        cnn_table_text(t, "%s", r->c->cells[i].combination);
        cnn_table_number(t, x->effects.sd);
        cnn_table_interval(t, x->effects.lower, x->effects.upper);
        cnn_table_number(t, x->effects.f);
        cnn_table_number(t, x->effects.df);
        cnn_table_number(t, x->effects.error_df);
        cnn_table_number(t, x->effects.p);
        cnn_table_number(t, x->effects_p_holm);
    }
    cnn_table_note(t, "sd: of a session, of log time. A cell in which it is found has no verdict.");
}

void cnn_changes_put_limit(const cnn_changes_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "level", .title = "level", .key = true},
        {.name = "combination", .title = "combination", .key = true},
        {"lower", "at least", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100},
        {"upper", "at most", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100},
        {"p", "p", .format = CNN_FORMAT_P, .left_out = CNN_ONLY_IN_CSV},
        {"p_holm", "p beyond", .format = CNN_FORMAT_P},
        {.name = "outcome", .title = "outcome"},
    };
    if (!r->gate)
        return;
    cnn_table *t =
        cnn_document_table(r->out, "limit", columns, COUNT(columns),
                           "Limit: slower by more than %.4g %%", 100 * expm1(r->gate->limit));
    for (int i = 0; i < r->c->cell_count; i++) {
        const cnn_gate_cell *x = &r->gate->cells[i];
        if (r->c->cells[i].is_control)
            continue;
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->c->cells[i].level);
        cnn_table_text(t, "%s", r->c->cells[i].combination);
        cnn_table_number(t, expm1(x->lower));
        cnn_table_number(t, expm1(x->upper));
        cnn_table_number(t, x->p);
        cnn_table_number(t, x->p_holm);
        cnn_table_text(t, "%s", cnn_gate_outcome_names[x->outcome]);
    }
    cnn_table_note(
        t,
        "p decides; at least: lower bounds that hold for all cells together with probability "
        "%.4g %% (Bonferroni); at most: upper bound of each cell alone, at the same level.",
        100 * (1 - r->c->alpha));
}

cnn_status cnn_changes_document(const cnn_changes *changes, const cnn_gate *gate, bool full,
                                cnn_document *out)
{
    const cnn_changes_report r = {changes, gate, full, out};
    cnn_changes_put_files(&r);
    cnn_changes_put_circumstances(&r);
    cnn_changes_put_left(&r);
    cnn_changes_put_sessions(&r);
    cnn_changes_put_figures(&r);
    cnn_changes_put_limit(&r);
    cnn_changes_put_found(&r);
    return cnn_document_status(out);
}
