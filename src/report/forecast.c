/* SPDX-License-Identifier: Apache-2.0 */
#include "report/forecast.h"

#include "base/clock.h"
#include "report/parts.h"
#include "stats/crossover.h"

#include <math.h>
#include <string.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

static void line(cnn_table *t, const char *key)
{
    cnn_table_row(t);
    cnn_table_text(t, "%s", key);
}

static void put_whole(const cnn_forecast *f, const cnn_design *design, cnn_table *t)
{
    char devices[16], wall[16];
    cnn_clock_format_duration(f->device_seconds, devices, sizeof devices);
    cnn_clock_format_duration(f->wall_seconds, wall, sizeof wall);
    line(t, "between runs");
    if (isnan(f->outside_seconds))
        cnn_table_text(t, "unknown, and counted as nothing");
    else
        cnn_table_text(t, "%.3g s of a rank for each run: starting it, writing, waiting",
                       f->outside_seconds);
    line(t, "device time");
    if (f->cells_known == f->cell_count)
        cnn_table_text(t, "%s in all", devices);
    else
        cnn_table_text(t, "%s for the runs of %d cells; unknown for the others", devices,
                       f->cells_known);
    line(t, "whole plan");
    if (f->cells_known == f->cell_count)
        cnn_table_text(t, "about %s with %d device%s", wall, design->device_count,
                       cnn_report_plural(design->device_count));
    else
        cnn_table_text(t, "unknown: the file lacks the time of %d of %d cells",
                       f->cell_count - f->cells_known, f->cell_count);
}

static void report_whole(const cnn_forecast *f, const cnn_design *design,
                         const cnn_results *results, const char *path, cnn_document *out)
{
    static const cnn_table_column columns[] = {
        {.name = "key", .title = "key", .key = true},
        {.name = "value", .title = "value", .wrap = true},
    };
    const cnn_report r = {.results = results};
    cnn_table *t = cnn_document_table(out, "forecast", columns, COUNT(columns),
                                      "Time, by the runs of '%s'", path);
    t->headless = true;
    line(t, "created");
    cnn_table_text(t, "%s", results->created);
    line(t, "runs");
    cnn_table_text(t, "%d planned: %d done, %d without a result, %d not ended yet", f->runs_planned,
                   f->runs_done, f->runs_planned - f->runs_done - f->runs_left, f->runs_left);
    cnn_report_put_machine(&r, t);
    put_whole(f, design, t);
    cnn_table_note(t,
                   "Times are those of the models named here; on others they are not known. Runs "
                   "are expected to take their cell's mean over the runs that are done, warm-up "
                   "runs too, and none to fail.");
}

static void report_cells(const cnn_forecast *f, const cnn_design *design, cnn_document *out)
{
    bool remarks = false;
    for (int c = 0; c < f->cell_count; c++)
        remarks = remarks || f->cells[c].unknown || f->cells[c].epochs;
    const cnn_table_column columns[] = {
        {.name = "cell", .title = "cell", .key = true},
        {.name = "runs", .title = "runs", .format = CNN_FORMAT_WHOLE},
        {"train_seconds", "training", "s", .format = CNN_FORMAT_DIGITS, .digits = 5},
        {"train_sd", "sd", "s", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {"setup_seconds", "set-up", "s", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {"life_seconds", "whole run", "s", .format = CNN_FORMAT_DIGITS, .digits = 5},
        {.name = "remark",
         .title = "",
         .wrap = true,
         .left_out = remarks ? 0 : CNN_NOT_IN_TEXT | CNN_NOT_IN_LATEX},
    };
    cnn_table *t = cnn_document_table(out, "forecast_cells", columns, COUNT(columns),
                                      "Expected seconds of a run");
    for (int c = 0; c < f->cell_count; c++) {
        const cnn_forecast_cell *x = &f->cells[c];
        cnn_table_row(t);
        cnn_table_text(t, "%s", design->cells[c].label);
        cnn_table_number(t, x->unknown ? NAN : x->runs);
        cnn_table_number(t, x->train_seconds);
        cnn_table_number(t, x->train_sd);
        cnn_table_number(t, x->setup_seconds);
        cnn_table_number(t, x->life_seconds);
        if (x->unknown)
            cnn_table_text(t, "unknown: %s", x->unknown);
        else if (x->epochs)
            cnn_table_text(t, "from runs of %d epoch%s", x->epochs, cnn_report_plural(x->epochs));
        else
            cnn_table_text(t, "%s", "");
    }
    cnn_table_note(t,
                   "runs: those of the file that the means are of. whole run: life of the trainer "
                   "process, with set-up and evaluation.");
}

static void note_pairs(const cnn_forecast *f, const cnn_design *design, const cnn_job *job,
                       cnn_table *t)
{
    const int least = cnn_crossover_least_blocks(design->level_count);
    const double alpha = job->analysis.alpha;
    cnn_table_note(
        t,
        "Paired t test of log times, %d blocks of each combination, two-sided alpha %g, "
        "power %g; sd: of a over b within the file's blocks. s: of the mean of the second "
        "level. Holm: at alpha / %d, which is safe for the verdicts over all %d pairs. The sd "
        "is taken at its %g %% upper confidence bound, so that the power holds on average over "
        "such estimates.",
        f->repeats, alpha, CNN_ANALYSIS_POWER, f->pair_count, f->pair_count,
        100 * CNN_SD_CONFIDENCE);
    if (f->repeats >= least)
        cnn_table_note(t, "The plan's comparisons are free of the position within the block, which "
                          "costs degrees of freedom.");
    else
        cnn_table_note(t,
                       "The plan's comparisons are not adjusted for the position within the block, "
                       "which takes %d blocks: an effect of the position adds to the sd.",
                       least);
    if (job->analysis.margin_time > 0)
        cnn_table_note(
            t,
            "to differ: blocks that find a difference as large as the margin of %g %%; to "
            "be equal: blocks that show equivalence within it if there is no difference; "
            "with that power, after Holm.",
            100 * job->analysis.margin_time);
}

/** Why a pair has no detectable difference; NULL: it has one. */
static const char *gap_of(const cnn_forecast_pair *x)
{
    return x->unknown ? x->unknown : isnan(x->detectable) ? "so few blocks cannot be tested" : NULL;
}

/** A note for each reason, with the pairs that it is true of. */
static void note_gaps(const cnn_forecast *f, const cnn_design *design, const cnn_job *job,
                      cnn_table *t)
{
    char *const *levels = job->factors[design->contrast].labels;
    for (int i = 0; i < f->pair_count; i++) {
        const char *gap = gap_of(&f->pairs[i]);
        cnn_text names = {0};
        int first = 0;
        while (gap_of(&f->pairs[first]) != gap) /* literals */
            first++;
        if (!gap || first < i)
            continue;
        for (int j = i; j < f->pair_count; j++) {
            const cnn_pair *pair = &f->pairs[j].pair;
            if (gap_of(&f->pairs[j]) == gap)
                cnn_text_printf(&names, "%s%s (%s, %s)", names.len ? "; " : "",
                                design->combinations[pair->combination].label, levels[pair->a],
                                levels[pair->b]);
        }
        cnn_table_note(t, "unknown: %s: %s", gap, names.s ? names.s : "");
        *t->failed |= names.failed;
        cnn_text_free(&names);
    }
}

static bool same_conditions(const cnn_forecast_pair *a, const cnn_forecast_pair *b)
{
    return memcmp(a->unequal, b->unequal, sizeof a->unequal) == 0;
}

/** A note for each set of conditions in which the file's levels differ. */
static void note_unequal(const cnn_forecast *f, const cnn_design *design, const cnn_job *job,
                         cnn_table *t)
{
    char *const *levels = job->factors[design->contrast].labels;
    for (int i = 0; i < f->pair_count; i++) {
        cnn_text titles = {0}, names = {0};
        int first = 0;
        while (!same_conditions(&f->pairs[first], &f->pairs[i]))
            first++;
        cnn_report_put_titles(f->pairs[i].unequal, &titles);
        for (int j = i; first == i && titles.len && j < f->pair_count; j++) {
            const cnn_pair *pair = &f->pairs[j].pair;
            if (same_conditions(&f->pairs[j], &f->pairs[i]))
                cnn_text_printf(&names, "%s%s (%s, %s)", names.len ? "; " : "",
                                design->combinations[pair->combination].label, levels[pair->a],
                                levels[pair->b]);
        }
        if (names.len)
            cnn_table_note(t,
                           "There will be no verdict on time: in the file the levels differ in %s, "
                           "which this job does not declare (compare: allow): %s",
                           titles.s, names.s);
        *t->failed |= titles.failed || names.failed;
        cnn_text_free(&titles);
        cnn_text_free(&names);
    }
}

static void report_pairs(const cnn_forecast *f, const cnn_design *design, const cnn_job *job,
                         cnn_document *out)
{
    static const cnn_table_column columns[] = {
        {.name = "combination", .title = "combination", .key = true},
        {.name = "pair", .title = "a, b", .key = true},
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {"paired_sd", "sd", "%", .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = 100},
        {"detectable_seconds", "found", "s", .format = CNN_FORMAT_DIGITS, .digits = 3},
        {"detectable", "found", "%", .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = 100},
        {"detectable_family", "Holm", "%", .format = CNN_FORMAT_DIGITS, .digits = 3, .scale = 100},
        {"blocks_needed", "to differ", "blocks", .format = CNN_FORMAT_WHOLE},
        {"blocks_equivalence", "to be equal", "blocks", .format = CNN_FORMAT_WHOLE},
    };
    char *const *levels = job->factors[design->contrast].labels;
    cnn_table *t = cnn_document_table(out, "forecast_pairs", columns, COUNT(columns),
                                      "Detectable difference in training time");
    for (int i = 0; i < f->pair_count; i++) {
        const cnn_forecast_pair *x = &f->pairs[i];
        cnn_table_row(t);
        cnn_table_text(t, "%s", design->combinations[x->pair.combination].label);
        cnn_table_text(t, "%s, %s", levels[x->pair.a], levels[x->pair.b]);
        cnn_table_number(t, x->unknown ? NAN : x->blocks);
        cnn_table_number(t, x->paired_sd);
        cnn_table_number(t, x->detectable_seconds);
        cnn_table_number(t, expm1(x->detectable));
        cnn_table_number(t, expm1(x->detectable_family));
        cnn_table_number(t, x->blocks_needed < 0 ? NAN : x->blocks_needed);
        cnn_table_number(t, x->blocks_equivalence < 0 ? NAN : x->blocks_equivalence);
    }
    note_gaps(f, design, job, t);
    note_unequal(f, design, job, t);
    note_pairs(f, design, job, t);
}

void cnn_report_forecast(const cnn_forecast *f, const cnn_design *design, const cnn_job *job,
                         const cnn_results *results, const char *path, cnn_document *out)
{
    report_whole(f, design, results, path, out);
    report_cells(f, design, out);
    report_pairs(f, design, job, out);
}
