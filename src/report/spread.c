/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

/** Standard deviations of log time are shares of the time, in percent. */
static double sd_scale(const cnn_shown_measure *shown)
{
    return shown->is_log ? 100 : shown->scale;
}

static const char *sd_unit(const cnn_shown_measure *shown)
{
    return shown->is_log ? "%" : shown->difference;
}

/** Names of components for people. */
static const char *const component_titles[] = {
    [CNN_COMPONENT_NODE] = "node",
    [CNN_COMPONENT_DEVICE] = "device",
    [CNN_COMPONENT_DEVICE_CONTRAST] = "device x level",
    [CNN_COMPONENT_BLOCK] = "block",
    [CNN_COMPONENT_RESIDUAL] = "residual",
};

double cnn_report_level_sd(const cnn_analysis *a, int combination, cnn_measure measure)
{
    const int levels = a->level_count;
    double mean = 0, squares = 0, noise = 0;
    for (int l = 0; l < levels; l++)
        mean += cnn_analysis_fixed(a, combination, measure, l)->mean / levels;
    for (int l = 0; l < levels; l++) {
        const cnn_fixed *x = cnn_analysis_fixed(a, combination, measure, l);
        squares += (x->mean - mean) * (x->mean - mean) / levels;
        noise += l ? x->effect_se * x->effect_se / 2 / levels : 0;
    }
    /* not fmax, which passes over NaN */
    return squares - noise < 0 ? 0 : sqrt(squares - noise);
}

static bool has_model(const cnn_report *r, cnn_measure measure)
{
    for (int k = 0; k < r->a->combination_count; k++)
        if (cnn_analysis_model(r->a, k, measure)->reason != CNN_REASON_NOT_MODELLED)
            return true;
    return false;
}

static void note_models(const cnn_report *r, cnn_measure measure, cnn_table *t)
{
    const cnn_analysis *a = r->a;
    cnn_report_gap *gaps = calloc((size_t)a->combination_count + 1, sizeof *gaps);
    for (int k = 0; gaps && k < a->combination_count; k++)
        gaps[k] =
            (cnn_report_gap){r->names.combinations[k], cnn_analysis_model(a, k, measure)->reason};
    cnn_report_note_gaps(t, gaps, gaps ? a->combination_count : 0);
    free(gaps);
}

/** Components that no combination identifies are named once, the others where they are not. */
static void note_components(const cnn_report *r, cnn_measure measure, cnn_table *t)
{
    const cnn_analysis *a = r->a;
    cnn_report_gap gaps[CNN_COMPONENT_RESIDUAL];
    for (int c = 0; c < CNN_COMPONENT_RESIDUAL; c++) {
        int missing = 0, reason = CNN_REASON_NONE, modelled = 0;
        for (int k = 0; k < a->combination_count; k++) {
            if (isnan(cnn_analysis_model(a, k, measure)->total_variance))
                continue;
            modelled++;
            const cnn_component *x = cnn_analysis_component(a, k, measure, c);
            if (x->reason != CNN_REASON_NONE) {
                missing++;
                reason = x->reason;
            }
        }
        gaps[c] = (cnn_report_gap){component_titles[c], missing ? reason : CNN_REASON_NONE};
        if (missing && missing < modelled) {
            cnn_table_note(t, "%s: not identified in %d of %d combinations.", component_titles[c],
                           missing, modelled);
            gaps[c].reason = CNN_REASON_NONE;
        }
    }
    for (int c = 0; c < CNN_COMPONENT_RESIDUAL; c++)
        if (gaps[c].reason != CNN_REASON_NONE)
            cnn_table_note(t, "%s cannot be identified: %s.", component_titles[c],
                           cnn_reason_sentences[gaps[c].reason]);
}

/** Whether any combination has a component's estimate. */
static bool has_estimates(const cnn_report *r, cnn_measure measure)
{
    for (int k = 0; k < r->a->combination_count; k++)
        if (!isnan(cnn_analysis_component(r->a, k, measure, CNN_COMPONENT_RESIDUAL)->sd))
            return true;
    return false;
}

/** In place of a table of nothing. */
static void report_no_spread(const cnn_report *r, cnn_measure measure)
{
    const int reason = cnn_analysis_model(r->a, 0, measure)->reason;
    for (int k = 1; k < r->a->combination_count; k++)
        if (cnn_analysis_model(r->a, k, measure)->reason != reason) {
            cnn_document_paragraph(r->out,
                                   "%s: the sources of the spread cannot be estimated, for several "
                                   "reasons (the table `models` has them).",
                                   cnn_report_shown_in(r, measure).title);
            return;
        }
    cnn_document_paragraph(r->out, "%s: the sources of the spread cannot be estimated: %s.",
                           cnn_report_shown_in(r, measure).title, cnn_reason_sentences[reason]);
}

/** "28/30": runs in the model of those planned. */
static void put_runs(const cnn_report *r, int combination, cnn_measure measure, cnn_table *t)
{
    const cnn_analysis *a = r->a;
    const int runs = cnn_analysis_model(a, combination, measure)->runs;
    int planned = 0;
    for (int l = 0; l < a->level_count; l++)
        planned += a->counts[a->cell_of[combination * a->level_count + l]].planned;
    cnn_table_text(t, "%d/%d", runs > 0 ? runs : 0, planned);
}

/** Framework or machine: everything on one scale. */
static void report_spread(const cnn_report *r, cnn_measure measure)
{
    const cnn_shown_measure shown = cnn_report_shown_in(r, measure);
    const cnn_analysis *a = r->a;
    const double scale = sd_scale(&shown);
    const char *contrast = r->results->factors[r->results->contrast].name;
    const cnn_table_column more[] = {
        {.name = "contrast", .title = contrast},
        {.name = "node", .title = "node"},
        {.name = "device", .title = "device"},
        {.name = "device_x_contrast", .title = "device x level"},
        {.name = "block", .title = "block"},
        {.name = "residual", .title = "residual"},
    };
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + 2 + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    columns[n++] =
        (cnn_table_column){.name = "measure", .title = "measure", .left_out = CNN_ONLY_IN_CSV};
    columns[n++] = (cnn_table_column){.name = "runs", .title = "runs"};
    for (int i = 0; i < COUNT(more); i++) {
        columns[n] = more[i];
        columns[n].format = CNN_FORMAT_DIGITS;
        columns[n].digits = 3;
        columns[n++].scale = scale;
    }
    cnn_table *t = cnn_document_table(r->out, "spread", columns, n,
                                      "%s: sources of the spread, standard deviations in %s",
                                      shown.title, sd_unit(&shown));
    for (int k = 0; k < a->combination_count; k++) {
        cnn_table_row(t);
        cnn_report_put_combination(r, k, t);
        cnn_table_text(t, "%s", r->a->measures[measure].name);
        put_runs(r, k, measure, t);
        cnn_table_number(t, cnn_report_level_sd(a, k, measure));
        for (int c = 0; c <= CNN_COMPONENT_RESIDUAL; c++)
            cnn_table_number(t, cnn_analysis_component(a, k, measure, c)->sd);
    }
    cnn_table_note(t,
                   "%s: of the levels' means around theirs, less what their errors add; the others "
                   "are random: what a run's "
                   "node, device, block and itself add (REML).",
                   contrast);
    note_components(r, measure, t);
    note_models(r, measure, t);
}

static const char *component_name(const cnn_report *r, int c, char *s, size_t size)
{
    if (c <= CNN_COMPONENT_RESIDUAL)
        return component_titles[c];
    snprintf(s, size, "residual, %s", r->names.levels[c - CNN_COMPONENT_LEVELS]);
    return s;
}

/** Every component with its interval and its test. */
static void report_components(const cnn_report *r, cnn_measure measure)
{
    const cnn_shown_measure shown = cnn_report_shown_in(r, measure);
    const cnn_analysis *a = r->a;
    const double scale = sd_scale(&shown);
    const cnn_table_column more[] = {
        {.name = "runs", .title = "runs"},
        {.name = "component", .title = "component"},
        {"sd", "sd", sd_unit(&shown), .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = scale},
        {"sd", "interval", sd_unit(&shown), .format = CNN_FORMAT_DIGITS, .digits = 3,
         .scale = scale, .interval = true},
        {"share", "share", "%", .format = CNN_FORMAT_FIXED, .digits = 1, .scale = 100},
        {.name = "lrt", .title = "LRT", .format = CNN_FORMAT_FIXED, .digits = 2},
        {.name = "lrt_p", .title = "p", .format = CNN_FORMAT_P},
        {.name = "lrt_p_holm", .title = "Holm", .format = CNN_FORMAT_P},
    };
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "components", columns, n, "%s: variance components",
                                      shown.title);
    t->left_out = CNN_NOT_IN_CSV;
    for (int k = 0; k < a->combination_count; k++) {
        for (int c = 0; c < a->component_count; c++) {
            const cnn_component *x = cnn_analysis_component(a, k, measure, c);
            char name[160];
            if (x->reason != CNN_REASON_NONE && isnan(x->sd) && c > CNN_COMPONENT_RESIDUAL)
                continue;
            cnn_table_row(t);
            cnn_report_put_combination(r, k, t);
            put_runs(r, k, measure, t);
            cnn_table_text(t, "%s", component_name(r, c, name, sizeof name));
            cnn_table_number(t, x->sd);
            cnn_table_interval(t, x->sd_lower, x->sd_upper);
            cnn_table_number(t, x->share);
            cnn_table_number(t, x->lrt);
            cnn_table_number(t, x->lrt_p);
            cnn_table_number(t, x->lrt_p_holm);
        }
        cnn_table_rule(t);
    }
    cnn_table_note(
        t,
        "sd and share by REML; interval: profile likelihood (ML) at %.0f %%, not simultaneous; LRT: "
        "likelihood ratio (REML) against the model without it, p by the half "
        "chi-square mixture, adjusted by Holm over the components of all combinations. "
        "Intervals and p hold for normal effects only: with heavy tails a level's "
        "residual is not what its interval says.",
        100 * (1 - a->alpha));
    note_components(r, measure, t);
    note_models(r, measure, t);
}

static void report_models(const cnn_report *r, cnn_measure measure)
{
    const cnn_shown_measure shown = cnn_report_shown_in(r, measure);
    const cnn_analysis *a = r->a;
    static const cnn_table_column more[] = {
        {.name = "runs", .title = "runs"},
        {.name = "nodes", .title = "nodes", .format = CNN_FORMAT_WHOLE},
        {.name = "devices", .title = "devices", .format = CNN_FORMAT_WHOLE},
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {.name = "log_likelihood",
         .title = "log likelihood",
         .format = CNN_FORMAT_FIXED,
         .digits = 3},
        {.name = "residual_lrt",
         .title = "one residual: LRT",
         .format = CNN_FORMAT_FIXED,
         .digits = 2},
        {.name = "residual_p", .title = "p", .format = CNN_FORMAT_P},
    };
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "models", columns, n, "%s: the models%s", shown.title,
                                      shown.is_time  ? " of log time"
                                      : shown.is_log ? " of logarithms"
                                                     : "");
    t->left_out = CNN_NOT_IN_CSV;
    for (int k = 0; k < a->combination_count; k++) {
        const cnn_model_row *m = cnn_analysis_model(a, k, measure);
        cnn_table_row(t);
        cnn_report_put_combination(r, k, t);
        put_runs(r, k, measure, t);
        cnn_table_number(t, m->nodes);
        cnn_table_number(t, m->devices);
        cnn_table_number(t, m->blocks);
        cnn_table_number(t, m->log_likelihood);
        cnn_table_number(t, m->residual_lrt);
        cnn_table_number(t, m->residual_p);
    }
    note_models(r, measure, t);
}

/** The gain of blocking, measure by measure. */
static void report_blocking(const cnn_report *r)
{
    static const cnn_table_column columns[] = {
        {.name = "measure", .title = "measure", .key = true},
        {.name = "comparisons", .title = "comparisons", .format = CNN_FORMAT_WHOLE},
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {.name = "unpaired_variance",
         .title = "without blocks",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3},
        {.name = "paired_variance",
         .title = "with blocks",
         .format = CNN_FORMAT_DIGITS,
         .digits = 3},
        {.name = "gain", .title = "gain", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {"removed", "noise removed", "%", .format = CNN_FORMAT_FIXED, .digits = 1, .scale = 100},
    };
    cnn_table *t = cnn_document_table(r->out, "blocking", columns, COUNT(columns),
                                      "Gain of blocking: variance of a difference of two runs");
    t->left_out = CNN_NOT_IN_CSV;
    for (int m = 0; m < r->a->measure_count; m++) {
        const cnn_blocking *b = &r->a->blocking[m];
        if (b->comparisons < 1)
            continue;
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->a->measures[m].name);
        cnn_table_number(t, b->comparisons);
        cnn_table_number(t, b->blocks);
        cnn_table_number(t, b->unpaired_variance);
        cnn_table_number(t, b->paired_variance);
        cnn_table_number(t, b->gain);
        cnn_table_number(t, b->removed);
    }
    cnn_table_note(t, "Times as logarithms. Over all comparisons; the table `effects` has the "
                      "gain of each.");
}

void cnn_report_spread(const cnn_report *r)
{
    for (int m = 0; m < r->a->measure_count; m++) {
        const cnn_measure measure = (cnn_measure)m;
        if (!has_model(r, measure))
            continue;
        if (has_estimates(r, measure))
            report_spread(r, measure);
        else
            report_no_spread(r, measure);
        report_components(r, measure);
        report_models(r, measure);
    }
    report_blocking(r);
}
