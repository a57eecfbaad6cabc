/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/match.h"

#include "analysis/analysis.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- treatments ------------------------------------------------------------------------------ */

/** What is trained in the cells of one file. */
typedef struct {
    const cnn_results *r;
    const cnn_job *job;
    cnn_text *texts; /* [cell_count] */
    bool *taken;     /* [cell_count] another file's cell is the same */
} trained_cells;

static const int *levels_of(const cnn_results *r, int cell)
{
    return &r->cell_levels[cell * r->factor_count];
}

static cnn_status describe(const cnn_job *job, const int *levels, cnn_text *out)
{
    cnn_treatment t = cnn_job_treatment(job, levels);
    cnn_framework framework = *t.framework; /* borrows its texts */
    framework.truth = cnn_truth_defaults();
    t.framework = &framework;
    cnn_job_describe_treatment(&t, out);
    return cnn_text_status(out);
}

static cnn_status describe_cells(const cnn_results *r, const cnn_job *job, trained_cells *out)
{
    cnn_status st = CNN_OK;
    *out = (trained_cells){.r = r, .job = job};
    out->texts = calloc((size_t)r->cell_count + 1, sizeof *out->texts);
    out->taken = calloc((size_t)r->cell_count + 1, sizeof *out->taken);
    CNN_CHECK(out->texts && out->taken, CNN_ENOMEM, "%d cells", r->cell_count);
    for (int c = 0; c < r->cell_count; c++)
        CNN_TRY(describe(job, levels_of(r, c), &out->texts[c]));
done:
    return st;
}

static void free_cells(trained_cells *t)
{
    for (int c = 0; t->texts && c < t->r->cell_count; c++)
        cnn_text_free(&t->texts[c]);
    free(t->texts);
    free(t->taken);
}

static bool same_names(const trained_cells *a, int x, const trained_cells *b, int y)
{
    const cnn_treatment s = cnn_job_treatment(a->job, levels_of(a->r, x));
    const cnn_treatment t = cnn_job_treatment(b->job, levels_of(b->r, y));
    return !strcmp(s.framework->name, t.framework->name) &&
           !strcmp(s.architecture->name, t.architecture->name) &&
           !strcmp(s.source->name, t.source->name);
}

/** The cell of b that is trained like cell x of a; else -1, with one of the same names in *like. */
static int find(const trained_cells *a, int x, const trained_cells *b, int *like)
{
    *like = -1;
    for (int y = 0; y < b->r->cell_count; y++) {
        if (b->taken[y])
            continue;
        if (!strcmp(a->texts[x].s, b->texts[y].s))
            return y;
        if (*like < 0 && same_names(a, x, b, y))
            *like = y;
    }
    return -1;
}

/* ---- what runs report ------------------------------------------------------------------------- */

/** The conditions that make a cell what it is; threads belong to the circumstances. */
static const cnn_condition conditions[] = {CNN_CONDITION_PARAMETERS, CNN_CONDITION_TRAIN_IMAGES,
                                           CNN_CONDITION_TEST_IMAGES, CNN_CONDITION_EPOCHS,
                                           CNN_CONDITION_DATA};

/** The first value in a cell's runs that is known and not `other`; false: there is none. */
static bool find_value(const cnn_groups *g, int cell, cnn_condition condition, const char *other,
                       char out[CNN_CONDITION_TEXT])
{
    for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++) {
        cnn_analysis_condition(&g->results->measured[g->cell_runs[i]], condition, out);
        if (*out && (!other || strcmp(out, other) != 0))
            return true;
    }
    return false;
}

/** Appends "parameters 61,706 before, 61,326 after" for the first condition that differs. */
static void compare_runs(const cnn_groups *g, const int *cells, cnn_text *out)
{
    for (size_t k = 0; k < sizeof conditions / sizeof *conditions; k++) {
        char before[CNN_CONDITION_TEXT], after[CNN_CONDITION_TEXT], other[CNN_CONDITION_TEXT];
        if (!find_value(&g[CNN_BEFORE], cells[CNN_BEFORE], conditions[k], NULL, before) ||
            !find_value(&g[CNN_AFTER], cells[CNN_AFTER], conditions[k], NULL, after))
            continue;
        if (find_value(&g[CNN_AFTER], cells[CNN_AFTER], conditions[k], before, other))
            cnn_text_printf(out, "%s %s before, %s after", cnn_condition_titles[conditions[k]],
                            before, other);
        else if (find_value(&g[CNN_BEFORE], cells[CNN_BEFORE], conditions[k], after, other))
            cnn_text_printf(out, "%s %s before, %s after", cnn_condition_titles[conditions[k]],
                            other, after);
        if (out->len)
            return;
    }
}

/* ---- the cells of both ------------------------------------------------------------------------ */

static cnn_status label_cell(const cnn_results *r, int cell, char **level, char **combination)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    const int *levels = levels_of(r, cell);
    for (int f = 0; f < r->factor_count; f++)
        if (f != r->contrast)
            cnn_text_printf(&text, "%s%s", text.len ? "/" : "", r->factors[f].labels[levels[f]]);
    if (!text.len)
        cnn_text_append(&text, "all");
    *level = cnn_strdup(r->factors[r->contrast].labels[levels[r->contrast]]);
    *combination = cnn_text_take(&text);
    CNN_CHECK(*level && *combination, CNN_ENOMEM, "names of cells");
done:
    return st;
}

static cnn_status leave_out(cnn_changes *c, const cnn_results *r, int cell, cnn_text *reason)
{
    cnn_status st = CNN_OK;
    cnn_changes_left *left = &c->left[c->left_count++];
    CNN_TRY(label_cell(r, cell, &left->level, &left->combination));
    CNN_CHECK((left->reason = cnn_text_take(reason)) != NULL, CNN_ENOMEM, "cells left out");
done:
    return st;
}

static cnn_status keep(cnn_changes *c, const cnn_results *r, const int *cells)
{
    cnn_status st = CNN_OK;
    cnn_changes_cell *cell = &c->cells[c->cell_count++];
    cell->cell[CNN_BEFORE] = cells[CNN_BEFORE];
    cell->cell[CNN_AFTER] = cells[CNN_AFTER];
    cell->control[CNN_BEFORE] = cell->control[CNN_AFTER] = -1;
    CNN_TRY(label_cell(r, cells[CNN_BEFORE], &cell->level, &cell->combination));
done:
    return st;
}

/** Why a cell of `here` is not in `there`; like: a cell there of its names, or -1. */
static void give_reason(const trained_cells *here, int cell, const trained_cells *there, int like,
                        const char *path, cnn_text *out)
{
    cnn_text before = {0}, after = {0};
    if (like < 0) {
        cnn_text_printf(out, "only in %s", path);
        return;
    }
    cnn_job_first_difference(here->texts[cell].s, there->texts[like].s, &before, &after);
    cnn_text_printf(out, "trained otherwise: %s before, %s after", before.s ? before.s : "",
                    after.s ? after.s : "");
    out->failed |= before.failed || after.failed;
    cnn_text_free(&before);
    cnn_text_free(&after);
}

static cnn_status match_cell(const cnn_changes_source *s, trained_cells *t, int cell,
                             cnn_changes *out)
{
    cnn_status st = CNN_OK;
    cnn_text reason = {0};
    int like;
    const int cells[] = {cell, find(&t[CNN_BEFORE], cell, &t[CNN_AFTER], &like)};
    if (cells[CNN_AFTER] >= 0) {
        t[CNN_AFTER].taken[cells[CNN_AFTER]] = true;
        compare_runs(s->groups, cells, &reason);
    } else {
        give_reason(&t[CNN_BEFORE], cell, &t[CNN_AFTER], like, s->paths[CNN_BEFORE], &reason);
        if (like >= 0)
            t[CNN_AFTER].taken[like] = true; /* named once */
    }
    CNN_TRY(cnn_text_status(&reason));
    if (reason.len)
        CNN_TRY(leave_out(out, s->files[CNN_BEFORE], cell, &reason));
    else
        CNN_TRY(keep(out, s->files[CNN_BEFORE], cells));
done:
    cnn_text_free(&reason);
    return st;
}

cnn_status cnn_changes_match(const cnn_changes_source *s, cnn_changes *out)
{
    cnn_status st = CNN_OK;
    trained_cells t[CNN_CHANGES_FILES] = {{0}};
    cnn_text reason = {0};
    const int before = s->files[CNN_BEFORE]->cell_count, after = s->files[CNN_AFTER]->cell_count;
    out->cells = calloc((size_t)before + 1, sizeof *out->cells);
    out->left = calloc((size_t)before + (size_t)after + 1, sizeof *out->left);
    CNN_CHECK(out->cells && out->left, CNN_ENOMEM, "%d cells", before);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        CNN_TRY(describe_cells(s->files[f], s->jobs[f], &t[f]));
    for (int c = 0; c < before; c++)
        CNN_TRY(match_cell(s, t, c, out));
    for (int c = 0; c < after; c++) {
        if (t[CNN_AFTER].taken[c])
            continue;
        cnn_text_printf(&reason, "only in %s", s->paths[CNN_AFTER]);
        CNN_TRY(leave_out(out, s->files[CNN_AFTER], c, &reason));
    }
    CNN_CHECK(out->cell_count > 0, CNN_EUSAGE, "'%s' and '%s' share no cell: %s, %s is %s",
              s->paths[CNN_BEFORE], s->paths[CNN_AFTER], out->left[0].level,
              out->left[0].combination, out->left[0].reason);
done:
    cnn_text_free(&reason);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        free_cells(&t[f]);
    return st;
}

/* ---- devices ---------------------------------------------------------------------------------- */

typedef struct {
    const char *host, *device;
    int file, run;
} place;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    const int host = strcmp(x->host, y->host);
    return host ? host : strcmp(x->device, y->device);
}

cnn_status cnn_changes_number_devices(const cnn_results *const *files, cnn_changes_devices *out)
{
    cnn_status st = CNN_OK;
    size_t room = 1;
    int n = 0;
    *out = (cnn_changes_devices){0};
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        room += (size_t)files[f]->run_count;
    place *places = calloc(room, sizeof *places);
    out->is_shared = calloc(room, sizeof *out->is_shared);
    CNN_CHECK(places && out->is_shared, CNN_ENOMEM, "devices of %zu runs", room);
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        out->of_run[f] = calloc((size_t)files[f]->run_count + 1, sizeof *out->of_run[f]);
        CNN_CHECK(out->of_run[f], CNN_ENOMEM, "devices of %d runs", files[f]->run_count);
        for (int i = 0; i < files[f]->run_count; i++) {
            out->of_run[f][i] = -1;
            if (cnn_changes_counts(files[f], i))
                places[n++] =
                    (place){files[f]->measured[i].host, files[f]->measured[i].device, f, i};
        }
    }
    qsort(places, (size_t)n, sizeof *places, by_place);
    for (int first = 0, end; first < n; first = end, out->count++) {
        bool in[CNN_CHANGES_FILES] = {false};
        for (end = first; end < n && by_place(&places[end], &places[first]) == 0; end++) {
            out->of_run[places[end].file][places[end].run] = out->count;
            in[places[end].file] = true;
        }
        for (int f = 0; f < CNN_CHANGES_FILES; f++)
            out->devices[f] += in[f];
        out->is_shared[out->count] = in[CNN_BEFORE] && in[CNN_AFTER];
        out->shared += out->is_shared[out->count];
    }
done:
    free(places);
    return st;
}

void cnn_changes_devices_free(cnn_changes_devices *devices)
{
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        free(devices->of_run[f]);
    free(devices->is_shared);
    *devices = (cnn_changes_devices){0};
}
