/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/changes.h"

#include "analysis/parts.h"
#include "analysis/pool_check.h"
#include "analysis/stored_job.h"
#include "changes/circumstances.h"
#include "changes/control.h"
#include "changes/gather.h"
#include "stats/equivalence.h"
#include "stats/moments.h"
#include "stats/multiple.h"
#include "stats/power.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const cnn_measure cnn_changes_measures[] = {CNN_MEASURE_TRAIN_SECONDS, CNN_MEASURE_TEST_ERROR,
                                            CNN_MEASURE_TEST_LOSS};

#define NAME_OF(constant, name, sentence)     name,
#define SENTENCE_OF(constant, name, sentence) sentence,
const char *const cnn_change_reason_names[] = {CNN_CHANGE_REASONS(NAME_OF) NULL};
const char *const cnn_change_reason_sentences[] = {CNN_CHANGE_REASONS(SENTENCE_OF)};

static bool is_time(int measure)
{
    return cnn_measure_is_log[cnn_changes_measures[measure]];
}

/* ---- the files ---------------------------------------------------------------------------------- */

static void take_files(const cnn_results *const *files, const char *const *paths, cnn_changes *c)
{
    const cnn_results *before = files[CNN_BEFORE];
    const double margins[] = {log1p(before->margin_time), before->margin_error, NAN};
    c->alpha = before->alpha;
    for (int m = 0; m < CNN_CHANGES_MEASURES; m++)
        c->margin[m] = margins[m] > 0 ? margins[m] : NAN;
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        c->files[f] = files[f];
        c->paths[f] = paths[f];
        c->start[f] = NAN;
        for (int i = 0; i < files[f]->run_count; i++) {
            c->unfinished[f] +=
                files[f]->status[i] == CNN_RUN_PLANNED && !files[f]->planned[i].warmup;
            c->start[f] = fmin(c->start[f], files[f]->measured[i].start_time); /* passes over NaN */
        }
    }
}

/* ---- one cell ----------------------------------------------------------------------------------- */

static void put_margin(const cnn_changes *c, int measure, double floor, cnn_changes_figures *x)
{
    const double margin = c->margin[measure];
    cnn_t_result t = x->judged.t;
    if (isnan(margin) || t.outcome != CNN_STAT_OK)
        return;
    t.standard_error = fmax(t.standard_error, floor); /* fmax passes over NaN */
    const cnn_tost tost = cnn_tost_difference(&t, -margin, margin, c->alpha);
    x->tost_p = tost.p;
    x->tost_lower = tost.interval.low;
    x->tost_upper = tost.interval.high;
}

static void take_means(const cnn_change_sample *s, double *mean)
{
    int n[CNN_CHANGES_FILES] = {0};
    mean[CNN_BEFORE] = mean[CNN_AFTER] = 0;
    for (int i = 0; i < s->n; i++) {
        mean[s->values[i].file] += s->values[i].value;
        n[s->values[i].file]++;
    }
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        mean[f] = n[f] ? exp(mean[f] / n[f]) : NAN;
}

static cnn_status compare_times(const cnn_changes *c, const cnn_changes_runs *runs,
                                const cnn_changes_cell *cell, cnn_changes_room *room,
                                cnn_changes_figures *x)
{
    cnn_status st = CNN_OK;
    cnn_change_sample s = cnn_changes_take_times(runs, cell, false, room);
    take_means(&s, x->mean);
    CNN_TRY(cnn_change_of(&s, 1 - c->alpha, &x->session));
    x->judged = x->session;
    if (c->has_control && !cell->is_control && cell->control[CNN_BEFORE] >= 0) {
        s = cnn_changes_take_times(runs, cell, true, room);
        CNN_TRY(cnn_change_of(&s, 1 - c->alpha, &x->judged));
        CNN_TRY(cnn_change_session_effects(&s, 1 - c->alpha, &x->effects));
    }
    put_margin(c, 0, NAN, x);
done:
    return st;
}

/** The coarsest resolution of the runs' test errors over the root of the seeds: differences that
 *  agree by chance do not estimate the spread. */
static double floor_of(const cnn_changes_runs *runs, const cnn_changes_cell *cell, int seeds)
{
    double resolution = NAN;
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_groups *g = &runs->groups[f];
        for (int i = g->cell_start[cell->cell[f]]; i < g->cell_start[cell->cell[f] + 1]; i++) {
            const int64_t images = g->results->measured[g->cell_runs[i]].test_images;
            if (images > 0)
                resolution = fmax(resolution, 1.0 / (double)images);
        }
    }
    return resolution / sqrt(seeds);
}

/** Of seeds that both files have the differences; where there are fewer than two of these, two
 *  independent samples. */
static cnn_status compare_seeds(const cnn_changes *c, const cnn_changes_runs *runs, int measure,
                                const cnn_changes_cell *cell, cnn_changes_room *room,
                                cnn_changes_figures *x)
{
    int n[CNN_CHANGES_FILES];
    const int shared = cnn_changes_take_seeds(runs, cell, cnn_changes_measures[measure], room, n);
    const double level = 1 - c->alpha;
    const bool is_paired = shared > 1;
    double *values[] = {room->x, room->y};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        n[f] = is_paired ? shared : n[f];
        for (int i = 0; i < n[f]; i++)
            values[f][i] = room->seeds[f][i].value;
        x->mean[f] = cnn_mean(values[f], n[f]);
    }
    for (int i = 0; i < shared; i++) {
        const char *a = room->seeds[CNN_BEFORE][i].checksum,
                   *b = room->seeds[CNN_AFTER][i].checksum;
        x->same_weights += *a && !strcmp(a, b);
    }
    x->session = (cnn_change_estimate){
        .unit = CNN_CHANGE_BY_SEED,
        .shared = shared,
        .units = is_paired ? shared : n[CNN_BEFORE] + n[CNN_AFTER],
        .before = n[CNN_BEFORE],
        .after = n[CNN_AFTER],
        .t = is_paired ? cnn_t_paired(values[CNN_AFTER], values[CNN_BEFORE], shared, level)
                       : cnn_t_welch(values[CNN_AFTER], n[CNN_AFTER], values[CNN_BEFORE],
                                     n[CNN_BEFORE], level)};
    x->judged = x->session;
    put_margin(c, measure, floor_of(runs, cell, x->session.units), x);
    return CNN_OK;
}

static cnn_changes_figures figures_unknown(void)
{
    const cnn_change_estimate none = {.t = cnn_t_undefined()};
    return (cnn_changes_figures){
        .mean = {NAN, NAN},
        .session = none,
        .judged = none,
        .effects = {.sd = NAN, .lower = NAN, .upper = NAN, .f = NAN, .p = NAN},
        .effects_p_holm = NAN,
        .tost_p = NAN,
        .tost_lower = NAN,
        .tost_upper = NAN,
        .p_holm = NAN,
        .tost_p_holm = NAN,
        .detectable = NAN,
        .verdict = CNN_VERDICT_INCONCLUSIVE};
}

static cnn_status compare_cells(cnn_changes *c, const cnn_changes_runs *runs)
{
    cnn_status st = CNN_OK;
    cnn_changes_room room = {0};
    const size_t rows = (size_t)c->cell_count * CNN_CHANGES_MEASURES;
    CNN_CHECK((c->figures = calloc(rows + 1, sizeof *c->figures)) != NULL, CNN_ENOMEM, "%d cells",
              c->cell_count);
    CNN_TRY(cnn_changes_room_create(runs, &room));
    for (int i = 0; i < c->cell_count; i++)
        for (int m = 0; m < CNN_CHANGES_MEASURES; m++) {
            cnn_changes_figures *x = &c->figures[i * CNN_CHANGES_MEASURES + m];
            *x = figures_unknown();
            if (is_time(m))
                CNN_TRY(compare_times(c, runs, &c->cells[i], &room, x));
            else
                CNN_TRY(compare_seeds(c, runs, m, &c->cells[i], &room, x));
        }
done:
    cnn_changes_room_free(&room);
    return st;
}

/* ---- families and verdicts ----------------------------------------------------------------------- */

/** Whether the cell's times are judged against the control's. */
static bool has_yardstick(const cnn_changes *c, int cell)
{
    return c->has_control && !c->cells[cell].is_control && c->cells[cell].control[CNN_BEFORE] >= 0;
}

/** Whether the row is a member of its measure's family: the control is not judged, and with one
 *  neither are cells whose combination lacks it. */
static bool is_member(const cnn_changes *c, int cell, int measure)
{
    if (!c->has_control)
        return true;
    return is_time(measure) ? has_yardstick(c, cell) : !c->cells[cell].is_control;
}

static double *column(cnn_changes_figures *x, int which, bool adjusted)
{
    switch (which) {
    case 0:
        return adjusted ? &x->p_holm : &x->judged.t.p;
    case 1:
        return adjusted ? &x->tost_p_holm : &x->tost_p;
    default:
        return adjusted ? &x->effects_p_holm : &x->effects.p;
    }
}

static cnn_status adjust(cnn_changes *c, int measure, int which, double *p)
{
    cnn_status st = CNN_OK;
    int left_out = 0;
    for (int i = 0; i < c->cell_count; i++)
        p[i] = is_member(c, i, measure)
                   ? *column(&c->figures[i * CNN_CHANGES_MEASURES + measure], which, false)
                   : NAN;
    CNN_TRY(cnn_holm(p, c->cell_count, p, &left_out));
    for (int i = 0; i < c->cell_count; i++)
        *column(&c->figures[i * CNN_CHANGES_MEASURES + measure], which, true) = p[i];
    if (which == 0)
        c->family[measure] = c->cell_count - left_out;
done:
    return st;
}

static cnn_change_reason reason_of(const cnn_changes *c, int cell, int measure,
                                   const cnn_changes_figures *x)
{
    if (!is_member(c, cell, measure))
        return c->cells[cell].is_control ? CNN_CHANGE_REASON_CONTROL : CNN_CHANGE_REASON_NO_CONTROL;
    if (c->unfinished[CNN_BEFORE] || c->unfinished[CNN_AFTER])
        return CNN_CHANGE_REASON_INTERIM;
    if (x->judged.t.outcome == CNN_STAT_IDENTICAL || x->judged.t.outcome == CNN_STAT_NO_VARIANCE)
        return CNN_CHANGE_REASON_NO_VARIANCE;
    if (isnan(x->judged.t.p))
        return CNN_CHANGE_REASON_FEW;
    return x->effects_p_holm <= c->alpha ? CNN_CHANGE_REASON_SESSIONS : CNN_CHANGE_REASON_NONE;
}

/** Error and loss without variance: bit-identical weights of every seed are equal. */
static bool is_identical(int measure, const cnn_changes_figures *x)
{
    return !is_time(measure) && x->judged.shared > 1 && x->same_weights == x->judged.shared;
}

static void judge(const cnn_changes *c, int cell, int measure, cnn_changes_figures *x)
{
    const bool time = is_time(measure);
    x->verdict = CNN_VERDICT_INCONCLUSIVE;
    x->reason = reason_of(c, cell, measure, x);
    if (x->reason == CNN_CHANGE_REASON_NO_VARIANCE && is_identical(measure, x)) {
        x->reason = CNN_CHANGE_REASON_NONE;
        x->verdict = CNN_VERDICT_EQUIVALENT;
    }
    if (x->reason != CNN_CHANGE_REASON_NONE || x->verdict == CNN_VERDICT_EQUIVALENT)
        return;
    if (x->tost_p_holm <= c->alpha)
        x->verdict = CNN_VERDICT_EQUIVALENT;
    else if (x->p_holm <= c->alpha)
        x->verdict = x->judged.t.difference < 0 ? (time ? CNN_VERDICT_FASTER : CNN_VERDICT_LOWER)
                                                : (time ? CNN_VERDICT_SLOWER : CNN_VERDICT_HIGHER);
    else if (isnan(c->margin[measure]))
        x->reason = CNN_CHANGE_REASON_NO_MARGIN;
}

/** The change whose t would be the sum of the two quantiles: of the estimate's own standard error. */
static double detectable(const cnn_changes *c, int measure, const cnn_changes_figures *x)
{
    const cnn_t_result *t = &x->judged.t;
    const int df = isnan(t->df) ? 0 : (int)t->df;
    if (t->outcome != CNN_STAT_OK || df < 1 || c->family[measure] < 1)
        return NAN;
    /* as a paired test of df + 1 differences with this standard error */
    return cnn_paired_detectable(df + 1, 1, c->alpha / c->family[measure], CNN_ANALYSIS_POWER) *
           sqrt(df + 1) * t->standard_error;
}

static cnn_status judge_cells(cnn_changes *c)
{
    cnn_status st = CNN_OK;
    double *p = calloc((size_t)c->cell_count + 1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "families of %d cells", c->cell_count);
    for (int m = 0; m < CNN_CHANGES_MEASURES; m++) {
        for (int which = 0; which < 3; which++)
            CNN_TRY(adjust(c, m, which, p));
        for (int i = 0; i < c->cell_count; i++) {
            cnn_changes_figures *x = &c->figures[i * CNN_CHANGES_MEASURES + m];
            judge(c, i, m, x);
            x->detectable = is_member(c, i, m) ? detectable(c, m, x) : NAN;
        }
    }
done:
    free(p);
    return st;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static cnn_status fill(const cnn_changes_source *s, const char *control, cnn_changes *c)
{
    cnn_status st = CNN_OK;
    cnn_changes_devices devices = {0};
    CNN_TRY(cnn_changes_match(s, c));
    CNN_TRY(cnn_changes_number_devices(s->files, &devices));
    c->shared_devices = devices.shared;
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        c->devices[f] = devices.devices[f];
    CNN_TRY(cnn_changes_find_control(s, &devices, control, c));
    CNN_TRY(cnn_changes_list_circumstances(s, &devices, c));
    const cnn_changes_runs runs = {s->groups, &devices};
    CNN_TRY(compare_cells(c, &runs));
    CNN_TRY(judge_cells(c));
done:
    cnn_changes_devices_free(&devices);
    return st;
}

cnn_status cnn_changes_create(const cnn_results *const *files, const char *const *paths,
                              const char *control, cnn_changes **out)
{
    cnn_status st = CNN_OK;
    cnn_changes *c = NULL;
    cnn_job *jobs[CNN_CHANGES_FILES] = {NULL};
    cnn_groups groups[CNN_CHANGES_FILES] = {{0}};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        CNN_TRY(cnn_analysis_check(files[f]));
        CNN_TRY(cnn_stored_job(files[f], paths[f], &jobs[f]));
        CNN_TRY(cnn_groups_create(files[f], INT_MAX, &groups[f]));
    }
    CNN_TRY(cnn_pool_check_runs(files, paths, CNN_CHANGES_FILES));
    CNN_CHECK((c = calloc(1, sizeof *c)) != NULL, CNN_ENOMEM, "comparison");
    take_files(files, paths, c);
    const cnn_changes_source source = {{files[CNN_BEFORE], files[CNN_AFTER]},
                                       {paths[CNN_BEFORE], paths[CNN_AFTER]},
                                       {jobs[CNN_BEFORE], jobs[CNN_AFTER]},
                                       groups};
    CNN_TRY(fill(&source, control, c));
    *out = c;
    c = NULL;
done:
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        cnn_groups_free(&groups[f]);
        cnn_job_destroy(&jobs[f]);
    }
    cnn_changes_destroy(&c);
    return st;
}

void cnn_changes_destroy(cnn_changes **changes)
{
    cnn_changes *c = *changes;
    if (!c)
        return;
    for (int i = 0; i < c->cell_count; i++) {
        free(c->cells[i].level);
        free(c->cells[i].combination);
    }
    for (int i = 0; i < c->left_count; i++) {
        free(c->left[i].level);
        free(c->left[i].combination);
        free(c->left[i].reason);
    }
    for (int i = 0; i < c->circumstance_count; i++) {
        free(c->circumstances[i].what);
        free(c->circumstances[i].text[CNN_BEFORE]);
        free(c->circumstances[i].text[CNN_AFTER]);
    }
    free(c->cells);
    free(c->left);
    free(c->circumstances);
    free(c->figures);
    free(c->refusal);
    free(c);
    *changes = NULL;
}
