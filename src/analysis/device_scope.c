/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/device_scope.h"

#include "stats/least_squares.h"
#include "stats/moments.h"

#include <math.h>
#include <stdlib.h>

/* Means of whole numbers: what is smaller is none. */
#define ROUNDING 0x1p-40

typedef struct {
    int device, host, block;
    double value;
} placed;

static int by_host_and_device(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value); /* sums do not depend on the order */
}

static bool same_device(const placed *a, const placed *b)
{
    return a->host == b->host && a->device == b->device;
}

static bool same_host(const placed *a, const placed *b)
{
    return a->host == b->host;
}

/** Means of v over the blocks of each device, and, by hosts, of these over the devices of each host.
 *  p [n]: the blocks in order. out [units]. Returns the units. */
static int unit_means(const placed *p, int n, bool by_host, const double *v, double *out)
{
    int units = 0, devices = 0; /* devices: of the unit */
    for (int first = 0, end; first < n; first = end) {
        double sum = 0;
        for (end = first; end < n && same_device(&p[end], &p[first]); end++)
            sum += v[p[end].block];
        if (first == 0 || !by_host || !same_host(&p[first], &p[first - 1])) {
            out[units++] = 0;
            devices = 0;
        }
        devices++;
        out[units - 1] += (sum / (end - first) - out[units - 1]) / devices;
    }
    return units;
}

static void count_places(const placed *p, int n, cnn_device_scope *out)
{
    for (int i = 0; i < n; i++) {
        out->devices += i == 0 || !same_device(&p[i], &p[i - 1]);
        out->hosts += i == 0 || !same_host(&p[i], &p[i - 1]);
    }
    out->by_host = out->hosts > 1 && out->hosts < out->devices;
}

/** Rank of the units' means of the columns of positions, and a constant. */
static cnn_status rank_of_positions(const cnn_device_blocks *b, const placed *p,
                                    const cnn_device_scope *scope, const double *means, int *out)
{
    cnn_status st = CNN_OK;
    const size_t units = (size_t)scope->units;
    double *columns = calloc((size_t)b->positions * units, sizeof *columns);
    double *column = calloc((size_t)b->n + units, sizeof *column);
    CNN_CHECK(columns && column, CNN_ENOMEM, "positions of %d blocks", b->n);
    for (int c = 0; c < b->positions; c++) {
        double *of_units = columns + (size_t)c * units;
        for (int i = 0; i < b->n; i++)
            column[i] =
                c == b->positions - 1 ? 1 : (b->place_a[i] == c + 1) - (b->place_b[i] == c + 1);
        unit_means(p, b->n, scope->by_host, column, of_units);
        for (size_t u = 0; u < units; u++)
            of_units[u] = ROUNDING * round(of_units[u] / ROUNDING);
    }
    *out = cnn_least_squares_last(columns, b->positions, means, scope->units, column).rank;
done:
    free(columns);
    free(column);
    return st;
}

/** Of means [units] with rank parameters. */
static cnn_t_result t_of_units(const double *means, int units, int rank, double stretch,
                               double level)
{
    cnn_t_result t = cnn_t_undefined();
    t.difference = cnn_mean(means, units);
    if (units <= rank)
        return t;
    const double variance = cnn_variance(means, units) * (units - 1) / (units - rank);
    return cnn_t_of_estimate(t.difference, sqrt(variance / units) * stretch, units - rank,
                             fabs(t.difference), level);
}

static double squares(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sum;
}

/** Degrees of freedom of the sum of two variances (Satterthwaite 1946). */
static double satterthwaite(double a, double df_a, double b, double df_b)
{
    const double sum = a + b;
    return sum > 0 ? sum * sum / (a * a / df_a + b * b / df_b) : df_a;
}

/** What the position columns [positions - 1] and the differences have within devices and by units:
 *  columns of n blocks, each less the mean of its device, then the means of the units, then their
 *  mean; the differences are the last column. */
typedef struct {
    int positions, n, length;
    double *columns; /* [positions, length] */
} within;

static void fill_column(const cnn_device_blocks *b, const placed *p, const cnn_device_scope *scope,
                        int c, double *scratch, double *column)
{
    double *units = column + b->n;
    for (int i = 0; i < b->n; i++)
        scratch[i] = c == b->positions - 1 ? b->difference[i]
                                           : (b->place_a[i] == c + 1) - (b->place_b[i] == c + 1);
    for (int first = 0, end; first < b->n; first = end) {
        double sum = 0;
        for (end = first; end < b->n && same_device(&p[end], &p[first]); end++)
            sum += scratch[p[end].block];
        for (int i = first; i < end; i++)
            column[i] = scratch[p[i].block] - sum / (end - first);
    }
    unit_means(p, b->n, scope->by_host, scratch, units);
    units[scope->units] = cnn_mean(units, scope->units);
}

/** Whether a column that has nothing within devices differs between units. */
static bool is_confounded(const within *w, int units)
{
    for (int c = 0; c < w->positions - 1; c++) {
        const double *column = w->columns + (size_t)c * (size_t)w->length;
        const double within_devices = squares(column, w->n);
        for (int u = 0; u < units && within_devices <= 0; u++)
            if (fabs(column[w->n + u]) > ROUNDING)
                return true;
    }
    return false;
}

/** Squared length of the units' mean of the positions in the metric of their estimates: the variance
 *  that these add, over that of a block. */
static double variance_of_effects(const within *w)
{
    double sum = 0;
    for (int c = 0; c < w->positions - 1; c++) {
        const double *column = w->columns + (size_t)c * (size_t)w->length;
        const double norm = squares(column, w->n), mean = column[w->length - 1];
        sum += norm > 0 ? mean * mean / norm : 0;
    }
    return sum;
}

/** Of units free of positions by their effects within devices. False: these are not estimable. */
static cnn_status fit_within_devices(const cnn_device_blocks *b, const placed *p, double level,
                                     cnn_device_scope *out, bool *estimable)
{
    cnn_status st = CNN_OK;
    within w = {b->positions, b->n, b->n + out->units + 1, NULL};
    const size_t length = (size_t)w.length;
    double *scratch = calloc(length, sizeof *scratch);
    w.columns = calloc((size_t)b->positions * length, sizeof *w.columns);
    CNN_CHECK(w.columns && scratch, CNN_ENOMEM, "positions of %d blocks", b->n);
    for (int c = 0; c < b->positions; c++)
        fill_column(b, p, out, c, scratch, w.columns + (size_t)c * length);
    const int effects = b->positions - 1;
    const int rank = cnn_orthogonalise(w.columns, effects, b->n, w.length);
    const int df = b->n - out->devices - rank;
    *estimable = df > 0 && out->units > 1 && !is_confounded(&w, out->units);
    if (!*estimable)
        goto done;
    double *differences = w.columns + (size_t)effects * length;
    cnn_take_off_columns(w.columns, effects, b->n, w.length, differences);
    const double *units = differences + b->n;
    const double of_units = cnn_variance(units, out->units) / out->units;
    const double of_effects = squares(differences, b->n) / df * variance_of_effects(&w);
    out->t = cnn_t_of_estimate(cnn_mean(units, out->units), sqrt(of_units + of_effects),
                               satterthwaite(of_units, out->units - 1, of_effects, df),
                               fabs(cnn_mean(units, out->units)), level);
done:
    free(w.columns);
    free(scratch);
    return st;
}

cnn_status cnn_device_scope_of(const cnn_device_blocks *b, double level, cnn_device_scope *out)
{
    cnn_status st = CNN_OK;
    int rank = 1;
    bool is_fitted = false;
    placed *p = calloc((size_t)b->n + 1, sizeof *p);
    double *means = calloc((size_t)b->n + 1, sizeof *means);
    CNN_CHECK(p && means, CNN_ENOMEM, "devices of %d blocks", b->n);
    for (int i = 0; i < b->n; i++)
        p[i] = (placed){b->device[i], b->host[i], i, b->difference[i]};
    qsort(p, (size_t)b->n, sizeof *p, by_host_and_device);
    *out = (cnn_device_scope){.t = cnn_t_undefined()};
    count_places(p, b->n, out);
    out->units = unit_means(p, b->n, out->by_host, b->difference, means);
    if (b->positions > 1 && out->units > 0)
        CNN_TRY(fit_within_devices(b, p, level, out, &is_fitted));
    if (is_fitted)
        goto done;
    if (b->positions > 1 && out->units > 0)
        CNN_TRY(rank_of_positions(b, p, out, means, &rank));
    out->t = t_of_units(means, out->units, rank, sqrt(b->n / b->information), level);
done:
    free(p);
    free(means);
    return st;
}
