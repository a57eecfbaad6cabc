/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/session_effects.h"

#include "stats/dist.h"
#include "stats/least_squares.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A value of one file: a block, or the mean of a device's blocks in a session. */
typedef struct {
    int device, session, count;
    double value;
    int row; /* of its positions in `place` */
} cell;

/** The values of one file, and room for its models. */
typedef struct {
    int n, devices, sessions, positions;
    cell *cells;          /* [n] numbered anew: devices 0.., sessions 0.. */
    double *place;        /* [n, positions - 1] */
    double *columns;      /* [devices + positions + sessions, n] */
    double *y, *residual; /* [n] */
} table;

/** Sums over both files. */
typedef struct {
    int df, error_df;
    double squares, error_squares, trace;
} sums;

static int by_device_and_session(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->session != y->session)
        return x->session < y->session ? -1 : 1;
    return x->row - y->row;
}

/** Adds the value of row `from` to that of cell `to`, as means. */
static void merge(table *t, int to, int from)
{
    cell *a = &t->cells[to];
    const cell *b = &t->cells[from];
    const size_t width = (size_t)t->positions - 1;
    a->count++;
    a->value += (b->value - a->value) / a->count;
    for (size_t c = 0; c < width; c++) {
        double *mean = &t->place[(size_t)a->row * width + c];
        *mean += (t->place[(size_t)b->row * width + c] - *mean) / a->count;
    }
}

/** One value for each device and session, if there are several devices. */
static void average(table *t)
{
    int n = 0;
    for (int i = 0; i < t->n; i++)
        if (n && t->cells[n - 1].device == t->cells[i].device &&
            t->cells[n - 1].session == t->cells[i].session)
            merge(t, n - 1, i);
        else
            t->cells[n++] = t->cells[i];
    t->n = n;
}

/** Numbers devices and sessions that occur from 0 on; cells are sorted by device. number: scratch
 *  of more elements than the largest session. */
static void number(table *t, int *number_of, int most)
{
    for (int i = 0, last = -1; i < t->n; i++) {
        const int device = t->cells[i].device;
        t->devices += i == 0 || device != last;
        last = device;
        t->cells[i].device = t->devices - 1;
    }
    for (int s = 0; s <= most; s++)
        number_of[s] = -1;
    for (int i = 0; i < t->n; i++) {
        int *of = &number_of[t->cells[i].session];
        if (*of < 0)
            *of = t->sessions++;
        t->cells[i].session = *of;
    }
}

/** Columns of devices, positions, and the first `sessions` sessions. Returns how many. */
static int fill(const table *t, int sessions)
{
    const int width = t->positions - 1, count = t->devices + width + sessions;
    for (int c = 0; c < count; c++)
        for (int i = 0; i < t->n; i++) {
            const cell *x = &t->cells[i];
            t->columns[(size_t)c * (size_t)t->n + (size_t)i] =
                c < t->devices ? x->device == c
                : c < t->devices + width
                    ? ldexp(round(ldexp(t->place[x->row * width + c - t->devices], 40)), -40)
                    : x->session == c - t->devices - width;
        }
    return count;
}

/** Residual sum of squares of y on the model, and its rank. */
static double squares_left(const table *t, int sessions, const double *y, int *rank)
{
    const int count = fill(t, sessions);
    const cnn_coefficient c = cnn_least_squares_last(t->columns, count, y, t->n, t->residual);
    *rank = c.rank;
    return c.residual_squares;
}

static void add_file(const table *t, sums *out)
{
    int without, with, ignored;
    for (int i = 0; i < t->n; i++)
        t->y[i] = t->cells[i].value;
    const double reduced = squares_left(t, 0, t->y, &without);
    const double full = squares_left(t, t->sessions, t->y, &with);
    if (with == without || with == t->n)
        return;
    out->df += with - without;
    out->error_df += t->n - with;
    out->squares += fmax(0, reduced - full);
    out->error_squares += full;
    for (int s = 0; s < t->sessions; s++) {
        for (int i = 0; i < t->n; i++)
            t->y[i] = t->cells[i].session == s;
        out->trace += squares_left(t, 0, t->y, &ignored);
    }
}

static cnn_status take_file(const cnn_change_sample *s, int file, sums *out)
{
    cnn_status st = CNN_OK;
    int most = 0;
    for (int i = 0; i < s->n; i++)
        most = s->values[i].session > most ? s->values[i].session : most;
    const size_t n = (size_t)s->n + 1;
    const size_t width = (size_t)(s->positions - 1);
    int *number_of = calloc((size_t)most + 2, sizeof *number_of);
    table t = {.positions = s->positions,
               .cells = calloc(n, sizeof *t.cells),
               .place = calloc(n * (width + 1), sizeof *t.place),
               .y = calloc(n, sizeof *t.y),
               .residual = calloc(n, sizeof *t.residual)};
    CNN_CHECK(number_of && t.cells && t.place && t.y && t.residual, CNN_ENOMEM,
              "sessions of %d blocks", s->n);
    for (int i = 0; i < s->n; i++) {
        const cnn_change_value *v = &s->values[i];
        if (v->file != file || v->session < 0)
            continue;
        for (size_t c = 0; c < width; c++)
            t.place[(size_t)t.n * width + c] = s->place[c * (size_t)s->n + (size_t)i];
        t.cells[t.n] = (cell){v->device, v->session, 1, v->value, t.n};
        t.n++;
    }
    qsort(t.cells, (size_t)t.n, sizeof *t.cells, by_device_and_session);
    if (t.n && t.cells[0].device != t.cells[t.n - 1].device)
        average(&t);
    number(&t, number_of, most);
    if (t.sessions < 2)
        goto done;
    t.columns =
        calloc(((size_t)t.devices + width + (size_t)t.sessions) * (size_t)t.n, sizeof *t.columns);
    CNN_CHECK(t.columns, CNN_ENOMEM, "sessions of %d blocks", s->n);
    add_file(&t, out);
done:
    free(number_of);
    free(t.cells);
    free(t.place);
    free(t.columns);
    free(t.y);
    free(t.residual);
    return st;
}

/** The sd for which the F ratio is what it is divided by. */
static double sd_at(double f, double quantile, double error, double size)
{
    return sqrt(fmax(0, f / quantile - 1) * error / size);
}

cnn_status cnn_change_session_effects(const cnn_change_sample *s, double level,
                                      cnn_session_effects *out)
{
    cnn_status st = CNN_OK;
    sums all = {0};
    *out = (cnn_session_effects){.sd = NAN, .lower = NAN, .upper = NAN, .f = NAN, .p = NAN};
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        CNN_TRY(take_file(s, f, &all));
    if (all.df < 1 || all.error_df < 1 || !(all.error_squares > 0))
        goto done;
    const double error = all.error_squares / all.error_df, size = all.trace / all.df;
    const double tail = (1 - level) / 2;
    out->df = all.df;
    out->error_df = all.error_df;
    out->f = all.squares / all.df / error;
    out->p = cnn_f_sf(out->f, all.df, all.error_df);
    out->sd = sd_at(out->f, 1, error, size);
    out->lower = sd_at(out->f, cnn_f_quantile(1 - tail, all.df, all.error_df), error, size);
    out->upper = sd_at(out->f, cnn_f_quantile(tail, all.df, all.error_df), error, size);
done:
    return st;
}
