/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/estimate.h"

#include "stats/least_squares.h"
#include "stats/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_OF(constant, name) name,
const char *const cnn_change_unit_names[] = {CNN_CHANGE_UNITS(NAME_OF) NULL};

/** Means of columns that hold whole numbers: what is smaller than 2^-40 is rounding. */
static double without_rounding(double x)
{
    enum { BITS = 40 };
    return ldexp(round(ldexp(x, BITS)), -BITS);
}

static double place_of(const cnn_change_sample *s, int column, int i)
{
    return s->place[(size_t)column * (size_t)s->n + (size_t)i];
}

/** Values of each device and file: count [device_count, CNN_CHANGES_FILES]. Returns the devices
 *  that both files have. */
static int count_values(const cnn_change_sample *s, int (*count)[CNN_CHANGES_FILES])
{
    int shared = 0;
    for (int i = 0; i < s->n; i++)
        count[s->values[i].device][s->values[i].file]++;
    for (int d = 0; d < s->device_count; d++)
        shared += count[d][CNN_BEFORE] > 0 && count[d][CNN_AFTER] > 0;
    return shared;
}

/** The largest mean magnitude of a file's values: what rounding is relative to. */
static double magnitude_of(const cnn_change_sample *s)
{
    double sum[CNN_CHANGES_FILES] = {0};
    int n[CNN_CHANGES_FILES] = {0};
    for (int i = 0; i < s->n; i++) {
        sum[s->values[i].file] += s->values[i].value;
        n[s->values[i].file]++;
    }
    return fmax(fabs(sum[CNN_BEFORE] / fmax(1, n[CNN_BEFORE])),
                fabs(sum[CNN_AFTER] / fmax(1, n[CNN_AFTER])));
}

static void forget(cnn_change_estimate *out, cnn_change_unit unit)
{
    *out = (cnn_change_estimate){.unit = unit, .t = cnn_t_undefined()};
}

/* ---- by device ------------------------------------------------------------------------------- */

/** Differences of the means of shared devices, and of their columns of positions, before the
 *  column of ones: y [shared], columns [positions, shared]. */
static void take_devices(const cnn_change_sample *s, int (*count)[CNN_CHANGES_FILES], int shared,
                         int *unit_of, double *y, double *columns)
{
    int unit = 0;
    for (int d = 0; d < s->device_count; d++)
        unit_of[d] = count[d][CNN_BEFORE] > 0 && count[d][CNN_AFTER] > 0 ? unit++ : -1;
    for (int i = 0; i < s->n; i++) {
        const cnn_change_value *v = &s->values[i];
        const int u = unit_of[v->device];
        if (u < 0)
            continue;
        const double weight = (v->file == CNN_AFTER ? 1.0 : -1.0) / count[v->device][v->file];
        y[u] += weight * v->value;
        for (int c = 0; c + 1 < s->positions; c++)
            columns[(size_t)c * (size_t)shared + (size_t)u] += weight * place_of(s, c, i);
    }
    for (size_t i = 0; i < (size_t)(s->positions - 1) * (size_t)shared; i++)
        columns[i] = without_rounding(columns[i]);
    for (int u = 0; u < shared; u++)
        columns[(size_t)(s->positions - 1) * (size_t)shared + (size_t)u] = 1;
}

/** The values of shared devices. */
static void count_shared(const cnn_change_sample *s, int (*count)[CNN_CHANGES_FILES],
                         cnn_change_estimate *out)
{
    for (int d = 0; d < s->device_count; d++)
        if (count[d][CNN_BEFORE] > 0 && count[d][CNN_AFTER] > 0) {
            out->before += count[d][CNN_BEFORE];
            out->after += count[d][CNN_AFTER];
        }
}

cnn_status cnn_change_by_device(const cnn_change_sample *s, double level, cnn_change_estimate *out)
{
    cnn_status st = CNN_OK;
    const size_t devices = (size_t)s->device_count + 1;
    int(*count)[CNN_CHANGES_FILES] = calloc(devices, sizeof *count);
    int *unit_of = calloc(devices, sizeof *unit_of);
    double *y = calloc(2 * devices, sizeof *y), *residual = y ? y + devices : NULL;
    double *columns = calloc((size_t)s->positions * devices, sizeof *columns);
    CNN_CHECK(count && unit_of && y && columns, CNN_ENOMEM, "change on %d devices",
              s->device_count);
    forget(out, CNN_CHANGE_BY_DEVICE);
    out->shared = out->units = count_values(s, count);
    count_shared(s, count, out);
    if (out->shared < 2)
        goto done;
    take_devices(s, count, out->shared, unit_of, y, columns);
    const cnn_coefficient c =
        cnn_least_squares_last(columns, s->positions, y, out->shared, residual);
    const int df = out->shared - c.rank;
    out->is_adjusted = s->positions > 1;
    if (c.information > 0 && df > 0)
        out->t = cnn_t_of_estimate(c.estimate, sqrt(c.residual_squares / df / c.information), df,
                                   magnitude_of(s), level);
done:
    free(count);
    free(unit_of);
    free(y);
    free(columns);
    return st;
}

/* ---- by block -------------------------------------------------------------------------------- */

/** The mean of one file: of its devices' means, which count alike. */
typedef struct {
    int n, df;
    double mean, squared_error; /* of the mean; NaN without a degree of freedom */
} file_mean;

/** Scratch for a sample's values. */
typedef struct {
    int *rows;            /* [n] */
    int *number;          /* [device_count] of the file's devices */
    double *columns;      /* [device_count + positions, n] */
    double *y, *residual; /* [n] */
} scratch;

/** Rows of the file on devices that count; numbers these devices. Returns the devices. */
static int take_rows(const cnn_change_sample *s, int file, int (*count)[CNN_CHANGES_FILES],
                     bool shared_alone, scratch *w, int *n)
{
    int devices = 0;
    *n = 0;
    for (int d = 0; d < s->device_count; d++) {
        const bool counts = count[d][file] > 0 && (!shared_alone || count[d][CNN_AFTER - file] > 0);
        w->number[d] = counts ? devices++ : -1;
    }
    for (int i = 0; i < s->n; i++)
        if (s->values[i].file == file && w->number[s->values[i].device] >= 0)
            w->rows[(*n)++] = i;
    return devices;
}

/** Columns of a file's model: devices, summing to 0; positions; ones. Returns how many. */
static int fill_columns(const cnn_change_sample *s, int devices, int positions, int n,
                        const scratch *w)
{
    const int count = devices - 1 + positions;
    for (int k = 0; k < n; k++) {
        const int i = w->rows[k], device = w->number[s->values[i].device];
        for (int c = 0; c < count; c++) {
            double x = 1;
            if (c < devices - 1)
                x = (device == c) - (device == devices - 1);
            else if (c + 1 < count)
                x = place_of(s, c - (devices - 1), i);
            w->columns[(size_t)c * (size_t)n + (size_t)k] = x;
        }
        w->y[k] = s->values[i].value;
    }
    return count;
}

static file_mean mean_of_file(const cnn_change_sample *s, int file, int (*count)[CNN_CHANGES_FILES],
                              bool shared_alone, int positions, scratch *w)
{
    file_mean m = {.mean = NAN, .squared_error = NAN};
    const int devices = take_rows(s, file, count, shared_alone, w, &m.n);
    if (!devices)
        return m;
    const int columns = fill_columns(s, devices, positions, m.n, w);
    const cnn_coefficient c = cnn_least_squares_last(w->columns, columns, w->y, m.n, w->residual);
    m.df = m.n - c.rank;
    m.mean = c.estimate;
    if (c.information > 0 && m.df > 0)
        m.squared_error = c.residual_squares / m.df / c.information;
    return m;
}

static cnn_t_result difference_of(const file_mean *before, const file_mean *after, double magnitude,
                                  double level)
{
    const double a = before->squared_error, b = after->squared_error;
    cnn_t_result t = cnn_t_undefined();
    t.difference = after->mean - before->mean;
    if (isnan(a) || isnan(b))
        return t;
    const double df = a + b > 0 ? (a + b) * (a + b) / (a * a / before->df + b * b / after->df)
                                : before->df + after->df;
    return cnn_t_of_estimate(t.difference, sqrt(a + b), df, magnitude, level);
}

cnn_status cnn_change_by_block(const cnn_change_sample *s, double level, cnn_change_estimate *out)
{
    cnn_status st = CNN_OK;
    const size_t n = (size_t)s->n + 1, devices = (size_t)s->device_count + 1;
    int(*count)[CNN_CHANGES_FILES] = calloc(devices, sizeof *count);
    scratch w = {calloc(n, sizeof *w.rows), calloc(devices, sizeof *w.number),
                 calloc((devices + (size_t)s->positions) * n, sizeof *w.columns),
                 calloc(n, sizeof *w.y), calloc(n, sizeof *w.residual)};
    CNN_CHECK(count && w.rows && w.number && w.columns && w.y && w.residual, CNN_ENOMEM,
              "change of %d blocks", s->n);
    forget(out, CNN_CHANGE_BY_BLOCK);
    out->shared = count_values(s, count);
    file_mean means[CNN_CHANGES_FILES];
    for (int positions = s->positions;; positions = 1) {
        for (int f = 0; f < CNN_CHANGES_FILES; f++)
            means[f] = mean_of_file(s, f, count, out->shared > 0, positions, &w);
        out->is_adjusted = positions > 1;
        if (positions == 1 ||
            (!isnan(means[CNN_BEFORE].squared_error) && !isnan(means[CNN_AFTER].squared_error)))
            break;
    }
    out->before = means[CNN_BEFORE].n;
    out->after = means[CNN_AFTER].n;
    out->units = out->before + out->after;
    out->t = difference_of(&means[CNN_BEFORE], &means[CNN_AFTER], magnitude_of(s), level);
done:
    free(count);
    free(w.rows);
    free(w.number);
    free(w.columns);
    free(w.y);
    free(w.residual);
    return st;
}

cnn_status cnn_change_of(const cnn_change_sample *s, double level, cnn_change_estimate *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_change_by_device(s, level, out));
    if (out->shared < CNN_CHANGES_LEAST_DEVICES || isnan(out->t.df))
        CNN_TRY(cnn_change_by_block(s, level, out));
done:
    return st;
}
