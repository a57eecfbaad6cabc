/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double value;
    int index;
} item;

static int by_value(const void *a, const void *b)
{
    const double x = ((const item *)a)->value, y = ((const item *)b)->value;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

cnn_status cnn_ranks(const double *x, int n, double tolerance, double *ranks, double *tie_term)
{
    cnn_status st = CNN_OK;
    item *sorted = malloc(((size_t)n + 1) * sizeof *sorted);
    CNN_CHECK(sorted, CNN_ENOMEM, "ranks of %d values", n);
    for (int i = 0; i < n; i++)
        sorted[i] = (item){x[i], i};
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    *tie_term = 0;
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && sorted[end].value - sorted[end - 1].value <= tolerance;)
            end++;
        const double t = end - i;
        *tie_term += t * t * t - t;
        for (int k = i; k < end; k++)
            ranks[sorted[k].index] = 0.5 * (i + 1.0 + end);
    }
done:
    free(sorted);
    return st;
}

cnn_status cnn_joint_ranks(const double *x, int nx, const double *y, int ny, double **ranks,
                           double *tie_term)
{
    cnn_status st = CNN_OK;
    const int n = nx + ny;
    double *both = malloc(((size_t)n + 1) * sizeof *both);
    *ranks = malloc(((size_t)n + 1) * sizeof **ranks);
    CNN_CHECK(both && *ranks, CNN_ENOMEM, "ranks of %d values", n);
    if (nx > 0)
        memcpy(both, x, (size_t)nx * sizeof *x);
    if (ny > 0)
        memcpy(both + nx, y, (size_t)ny * sizeof *y);
    CNN_TRY(cnn_ranks(both, n, 0, *ranks, tie_term));
done:
    free(both);
    if (st != CNN_OK) {
        free(*ranks);
        *ranks = NULL;
    }
    return st;
}

cnn_status cnn_sorted_copy(const double *x, int n, double **out)
{
    *out = malloc(((size_t)n + 1) * sizeof **out);
    if (!*out)
        return cnn_error_set(CNN_ENOMEM, "a sorted copy of %d values", n);
    if (n > 0)
        memcpy(*out, x, (size_t)n * sizeof *x);
    cnn_sort(*out, n);
    return CNN_OK;
}

void cnn_sort(double *x, int n)
{
    if (n > 1)
        qsort(x, (size_t)n, sizeof *x, by_number);
}

double cnn_median(double *x, int n)
{
    if (n < 1)
        return NAN;
    cnn_sort(x, n);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
