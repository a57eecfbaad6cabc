/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/least_squares.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* A column is determined by others if they leave less than this share of its squared length. */
#define NOTHING_LEFT 1e-12

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double *column_of(double *columns, int c, int n)
{
    return columns + (size_t)c * (size_t)n;
}

/** Takes off v [n] what lies along the first `count` columns, which are orthogonal or 0. */
static void take_off(double *columns, int count, int n, double *v)
{
    for (int c = 0; c < count; c++) {
        const double *q = column_of(columns, c, n), norm = dot(q, q, n);
        const double along = norm > 0 ? dot(q, v, n) / norm : 0;
        for (int i = 0; i < n; i++)
            v[i] -= along * q[i];
    }
}

/** Makes the columns orthogonal; those that the ones before determine become 0. Their rank. */
static int orthogonalise(double *columns, int count, int n)
{
    int rank = 0;
    for (int c = 0; c < count; c++) {
        double *v = column_of(columns, c, n);
        const double before = dot(v, v, n);
        take_off(columns, c, n, v);
        take_off(columns, c, n, v); /* of the rounding of the first time */
        if (dot(v, v, n) > NOTHING_LEFT * before)
            rank++;
        else
            memset(v, 0, (size_t)n * sizeof *v);
    }
    return rank;
}

cnn_coefficient cnn_least_squares_last(double *columns, int count, const double *y, int n,
                                       double *residual)
{
    cnn_coefficient x = {NAN, 0, NAN, orthogonalise(columns, count, n)};
    const double *last = column_of(columns, count - 1, n);
    memcpy(residual, y, (size_t)n * sizeof *y);
    take_off(columns, count - 1, n, residual);
    x.information = dot(last, last, n);
    if (x.information > 0)
        x.estimate = dot(last, residual, n) / x.information;
    take_off(columns + (size_t)(count - 1) * (size_t)n, 1, n, residual);
    take_off(columns, count, n, residual); /* of the rounding of the first time */
    x.residual_squares = dot(residual, residual, n);
    return x;
}
