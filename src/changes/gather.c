/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

cnn_status cnn_changes_room_create(const cnn_changes_runs *runs, cnn_changes_room *out)
{
    cnn_status st = CNN_OK;
    size_t n = 1;
    int levels = 1;
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_results *r = runs->groups[f].results;
        n += (size_t)r->run_count;
        levels = r->level_count > levels ? r->level_count : levels;
    }
    *out = (cnn_changes_room){.values = calloc(n, sizeof *out->values),
                              .place = calloc(n * (size_t)levels, sizeof *out->place),
                              .position = calloc(n, sizeof *out->position),
                              .other = calloc(n, sizeof *out->other),
                              .x = calloc(n, sizeof *out->x),
                              .y = calloc(n, sizeof *out->y)};
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        out->seeds[f] = calloc(n, sizeof *out->seeds[f]);
    CNN_CHECK(out->values && out->place && out->position && out->other && out->x && out->y &&
                  out->seeds[CNN_BEFORE] && out->seeds[CNN_AFTER],
              CNN_ENOMEM, "values of %zu runs", n);
done:
    return st;
}

void cnn_changes_room_free(cnn_changes_room *room)
{
    free(room->values);
    free(room->place);
    free(room->position);
    free(room->other);
    free(room->x);
    free(room->y);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        free(room->seeds[f]);
    *room = (cnn_changes_room){0};
}

/* ---- times ------------------------------------------------------------------------------------ */

static void put(const cnn_changes_runs *runs, int file, int run, int control, double value,
                cnn_changes_room *room, int *n)
{
    const cnn_results *r = runs->groups[file].results;
    room->values[*n] = (cnn_change_value){.value = value,
                                          .file = file,
                                          .device = runs->devices->of_run[file][run],
                                          .session = r->measured[run].session};
    room->position[*n] = r->planned[run].position;
    room->other[*n] = control < 0 ? -1 : r->planned[control].position;
    (*n)++;
}

static double log_time(const cnn_groups *g, int run)
{
    return run < 0 ? NAN : log(cnn_groups_value(g, run, CNN_MEASURE_TRAIN_SECONDS));
}

static void put_runs(const cnn_changes_runs *runs, int file, int cell, cnn_changes_room *room,
                     int *n)
{
    const cnn_groups *g = &runs->groups[file];
    for (int i = g->cell_start[cell]; i < g->cell_start[cell + 1]; i++) {
        const double x = log_time(g, g->cell_runs[i]);
        if (isfinite(x))
            put(runs, file, g->cell_runs[i], -1, x, room, n);
    }
}

/** The plan of a cell's first done run; NULL: none is done. */
static const cnn_planned *plan_of(const cnn_groups *g, int cell)
{
    const int first = g->cell_start[cell];
    return first < g->cell_start[cell + 1] ? &g->results->planned[g->cell_runs[first]] : NULL;
}

static void put_blocks(const cnn_changes_runs *runs, int file, int cell, int control,
                       cnn_changes_room *room, int *n)
{
    const cnn_groups *g = &runs->groups[file];
    const int levels = g->results->level_count;
    const cnn_planned *of = plan_of(g, cell), *of_control = plan_of(g, control);
    if (!of || !of_control)
        return;
    for (int b = g->combination_start[of->combination];
         b < g->combination_start[of->combination + 1]; b++) {
        const int a = g->block_runs[b * levels + of->level];
        const int c = g->block_runs[b * levels + of_control->level];
        const double x = log_time(g, a) - log_time(g, c);
        if (isfinite(x) && g->device[a] == g->device[c])
            put(runs, file, a, c, x, room, n);
    }
}

/** What a position adds against position 0, so that the columns of a block sum to 0. */
static double code(int position, int column)
{
    return position < 0 ? 0 : (position == column + 1) - (position == 0);
}

cnn_change_sample cnn_changes_take_times(const cnn_changes_runs *runs, const cnn_changes_cell *cell,
                                         bool against_control, cnn_changes_room *room)
{
    int n = 0, positions = 1;
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const int levels = runs->groups[f].results->level_count;
        positions = levels > positions ? levels : positions;
        if (against_control)
            put_blocks(runs, f, cell->cell[f], cell->control[f], room, &n);
        else
            put_runs(runs, f, cell->cell[f], room, &n);
    }
    for (int c = 0; c + 1 < positions; c++)
        for (int i = 0; i < n; i++)
            room->place[(size_t)c * (size_t)n + (size_t)i] =
                code(room->position[i], c) - code(room->other[i], c);
    return (cnn_change_sample){.n = n,
                               .device_count = runs->devices->count,
                               .positions = positions,
                               .values = room->values,
                               .place = room->place};
}

/* ---- error and loss ---------------------------------------------------------------------------- */

/** Moves the seeds that both files have to the front, in the same order. Both are sorted by seed. */
static int pair_seeds(cnn_seed_value *a, int n, cnn_seed_value *b, int m)
{
    int shared = 0;
    for (int i = 0; i < n; i++)
        for (int k = shared; k < m; k++)
            if (a[i].seed == b[k].seed) {
                const cnn_seed_value x = a[i], y = b[k];
                a[i] = a[shared];
                b[k] = b[shared];
                a[shared] = x;
                b[shared++] = y;
                break;
            }
    return shared;
}

int cnn_changes_take_seeds(const cnn_changes_runs *runs, const cnn_changes_cell *cell,
                           cnn_measure measure, cnn_changes_room *room, int *n)
{
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_groups *g = &runs->groups[f];
        const int c = cell->cell[f];
        n[f] = 0;
        for (int i = g->cell_start[c]; i < g->cell_start[c + 1]; i++)
            if (!isnan(cnn_groups_value(g, g->cell_runs[i], measure)))
                room->seeds[f][n[f]++] = cnn_seed_value_of(g, g->cell_runs[i], measure);
        n[f] = cnn_seed_means(room->seeds[f], n[f]);
    }
    return pair_seeds(room->seeds[CNN_BEFORE], n[CNN_BEFORE], room->seeds[CNN_AFTER], n[CNN_AFTER]);
}
