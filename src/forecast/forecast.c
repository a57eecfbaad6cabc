/* SPDX-License-Identifier: Apache-2.0 */
#include "forecast/forecast.h"

#include "analysis/parts.h"
#include "analysis/stored_job.h"
#include "forecast/match.h"
#include "forecast/time.h"
#include "stats/crossover.h"

#include <math.h>
#include <stdlib.h>

/** What the parts of a forecast share. */
typedef struct {
    const cnn_forecast_source *source;
    const cnn_analysis *analysis; /* of the file */
    int *places;                  /* [cell_count of the file] combination * level_count + level */
    cnn_forecast *f;
} work;

/* ---- spread of blocks ---------------------------------------------------------------------- */

static cnn_status find_places(const cnn_analysis *a, int **out)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((*out = calloc((size_t)a->cell_count, sizeof **out)) != NULL, CNN_ENOMEM, "%d cells",
              a->cell_count);
    for (int i = 0; i < a->cell_count; i++)
        (*out)[a->cell_of[i]] = i;
done:
    return st;
}

/** The file's comparison of two of its cells, or -1: it makes none. */
static int comparison_of(const work *w, int cell, int other)
{
    const int n = w->analysis->level_count;
    const int x = w->places[cell], y = w->places[other];
    const int low = x < y ? x : y, high = x < y ? y : x;
    const int a = low % n, b = high % n;
    if (low / n != high / n || a == b)
        return -1;
    return low / n * w->analysis->pair_count + a * n - a * (a + 1) / 2 + b - a - 1;
}

/** Why the file does not know how runs of the two cells differ within blocks; NULL: it does. */
static const char *why_no_spread(const work *w, const cnn_forecast_cell *a,
                                 const cnn_forecast_cell *b, int comparison)
{
    if (a->unknown || b->unknown)
        return "one of the cells is unknown";
    if (a->epochs || b->epochs)
        return "runs of other epochs have another spread";
    if (comparison < 0)
        return "the file does not compare these within blocks";
    const cnn_comparison *x =
        cnn_analysis_comparison(w->analysis, comparison, CNN_MEASURE_TRAIN_SECONDS);
    if (x->blocks >= 2 && x->paired_sd > 0)
        return NULL;
    return cnn_reason_sentences[x->paired_sd == 0 ? CNN_REASON_SAME_DIFFERENCE : x->verdict_reason];
}

/** comparison: of the file. */
static void expect_unequal(const work *w, int comparison, cnn_forecast_pair *p)
{
    for (int i = 0; i < w->analysis->unequal_count; i++) {
        const cnn_unequal *u = &w->analysis->unequal[i];
        if (u->comparison == comparison && !w->source->job->compare.allow[u->condition])
            p->unequal[u->condition] = true;
    }
}

static void expect_pair(const work *w, const int *cell_of, cnn_forecast_pair *p)
{
    const cnn_job *job = w->source->job;
    const int *cells = &cell_of[p->pair.combination * w->source->design->level_count];
    const cnn_forecast_cell *a = &w->f->cells[cells[p->pair.a]],
                            *b = &w->f->cells[cells[p->pair.b]];
    const double alpha = job->analysis.alpha;
    const double margin = job->analysis.margin_time > 0 ? log1p(job->analysis.margin_time) : NAN;
    const int comparison = comparison_of(w, a->source, b->source);
    expect_unequal(w, comparison, p);
    p->unknown = why_no_spread(w, a, b, comparison);
    if (p->unknown)
        return;
    const cnn_comparison *x =
        cnn_analysis_comparison(w->analysis, comparison, CNN_MEASURE_TRAIN_SECONDS);
    p->blocks = x->blocks;
    p->paired_sd = x->paired_sd;
    const int levels = w->source->design->level_count;
    cnn_block_design d =
        cnn_analysis_block_design(w->analysis, comparison, CNN_MEASURE_TRAIN_SECONDS);
    d.blocks = w->f->repeats;
    d.information = d.blocks;
    d.levels = levels;
    d.apart = p->pair.b - p->pair.a;
    d.parameters = cnn_crossover_parameters(d.blocks, levels, d.apart);
    const cnn_block_power alone = cnn_analysis_power(&d, margin, alpha);
    const cnn_block_power family = cnn_analysis_power(&d, margin, alpha / w->f->pair_count);
    p->detectable = alone.detectable;
    p->detectable_seconds = expm1(alone.detectable) * b->train_seconds;
    p->detectable_family = family.detectable;
    p->blocks_needed = family.blocks_needed;
    p->blocks_equivalence = family.blocks_equivalence;
}

static cnn_status expect_pairs(work *w)
{
    cnn_status st = CNN_OK;
    const cnn_design *d = w->source->design;
    int i = 0, *cell_of = calloc((size_t)d->cell_count, sizeof *cell_of);
    CNN_CHECK(cell_of, CNN_ENOMEM, "%d cells", d->cell_count);
    CNN_TRY(find_places(w->analysis, &w->places));
    for (int c = 0; c < d->cell_count; c++)
        cell_of[d->cells[c].combination * d->level_count + d->cells[c].level] = c;
    for (int k = 0; k < d->combination_count; k++)
        for (int l = 0; l < d->level_count; l++)
            for (int other = l + 1; other < d->level_count; other++) {
                cnn_forecast_pair *p = &w->f->pairs[i++];
                *p = (cnn_forecast_pair){.pair = {k, l, other},
                                         .paired_sd = NAN,
                                         .detectable = NAN,
                                         .detectable_family = NAN,
                                         .detectable_seconds = NAN,
                                         .blocks_needed = -1,
                                         .blocks_equivalence = -1};
                expect_pair(w, cell_of, p);
            }
done:
    free(w->places);
    w->places = NULL;
    free(cell_of);
    return st;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static cnn_status allocate(const cnn_design *d, cnn_forecast **out)
{
    cnn_status st = CNN_OK;
    cnn_forecast *f = calloc(1, sizeof *f);
    CNN_CHECK(f, CNN_ENOMEM, "forecast");
    f->cell_count = d->cell_count;
    f->pair_count = d->combination_count * (d->level_count * (d->level_count - 1) / 2);
    f->repeats = cnn_design_repeats(d);
    f->cells = calloc((size_t)f->cell_count, sizeof *f->cells);
    f->pairs = calloc((size_t)f->pair_count + 1, sizeof *f->pairs);
    *out = f;
    CNN_CHECK(f->cells && f->pairs, CNN_ENOMEM, "forecast of %d cells", f->cell_count);
    for (int c = 0; c < f->cell_count; c++)
        f->cells[c] = (cnn_forecast_cell){
            .train_seconds = NAN, .train_sd = NAN, .setup_seconds = NAN, .life_seconds = NAN};
done:
    return st;
}

/** A file that has nothing to say was given by mistake. */
static cnn_status check_use(const cnn_forecast *f, const cnn_design *design, const char *path)
{
    cnn_status st = CNN_OK;
    int known = 0;
    for (int c = 0; c < f->cell_count; c++)
        known += !f->cells[c].unknown;
    CNN_CHECK(known > 0, CNN_EUSAGE, "'%s' says nothing about this plan: %s: %s%s", path,
              design->cells[0].label, f->cells[0].unknown,
              f->cell_count > 1 ? "; nor about any other cell" : "");
done:
    return st;
}

cnn_status cnn_forecast_create(const cnn_design *design, const cnn_job *job,
                               const cnn_network *const *networks, const cnn_image_counts *images,
                               const cnn_results *results, const char *path, cnn_forecast **out)
{
    cnn_status st = CNN_OK;
    cnn_job *stored = NULL;
    cnn_analysis *analysis = NULL;
    cnn_forecast *f = NULL;
    CNN_TRY(cnn_stored_job(results, path, &stored));
    CNN_TRY(cnn_analysis_create(results, 1, &analysis));
    CNN_TRY(allocate(design, &f));
    const cnn_forecast_source source = {design, job, networks, images, results, stored};
    work w = {&source, analysis, NULL, f};
    f->runs_planned = analysis->total.planned;
    f->runs_done = analysis->total.done;
    f->runs_left = analysis->total.missing;
    f->outside_seconds = analysis->outside_seconds;
    CNN_TRY(cnn_forecast_match(&source, f));
    CNN_TRY(cnn_forecast_seconds(&source, analysis, f));
    CNN_TRY(check_use(f, design, path));
    CNN_TRY(cnn_forecast_whole(design, f));
    CNN_TRY(expect_pairs(&w));
    *out = f;
    f = NULL;
done:
    cnn_job_destroy(&stored);
    cnn_analysis_destroy(&analysis);
    cnn_forecast_destroy(&f);
    return st;
}

void cnn_forecast_destroy(cnn_forecast **forecast)
{
    cnn_forecast *f = *forecast;
    if (!f)
        return;
    for (int c = 0; f->cells && c < f->cell_count; c++)
        free(f->cells[c].unknown);
    free(f->cells);
    free(f->pairs);
    free(f);
    *forecast = NULL;
}
