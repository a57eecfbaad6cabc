/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/device_scope.h"

#include "stats/least_squares.h"
#include "stats/moments.h"

#include <math.h>
#include <stdlib.h>

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
    enum { ROUNDING = 40 }; /* means of whole numbers: what is smaller than 2^-40 is none */
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
            of_units[u] = ldexp(round(ldexp(of_units[u], ROUNDING)), -ROUNDING);
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

cnn_status cnn_device_scope_of(const cnn_device_blocks *b, double level, cnn_device_scope *out)
{
    cnn_status st = CNN_OK;
    int rank = 1;
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
        CNN_TRY(rank_of_positions(b, p, out, means, &rank));
    out->t = t_of_units(means, out->units, rank, sqrt(b->n / b->information), level);
done:
    free(p);
    free(means);
    return st;
}
