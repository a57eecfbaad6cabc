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

static double *column_of(double *columns, int c, int length)
{
    return columns + (size_t)c * (size_t)length;
}

void cnn_take_off_columns(const double *columns, int count, int n, int length, double *v)
{
    for (int c = 0; c < count; c++) {
        const double *q = columns + (size_t)c * (size_t)length, norm = dot(q, q, n);
        const double along = norm > 0 ? dot(q, v, n) / norm : 0;
        for (int i = 0; i < length; i++)
            v[i] -= along * q[i];
    }
}

int cnn_orthogonalise(double *columns, int count, int n, int length)
{
    int rank = 0;
    for (int c = 0; c < count; c++) {
        double *v = column_of(columns, c, length);
        const double before = dot(v, v, n);
        cnn_take_off_columns(columns, c, n, length, v);
        cnn_take_off_columns(columns, c, n, length, v); /* of the rounding of the first time */
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
    cnn_coefficient x = {NAN, 0, NAN, cnn_orthogonalise(columns, count, n, n)};
    const double *last = column_of(columns, count - 1, n);
    memcpy(residual, y, (size_t)n * sizeof *y);
    cnn_take_off_columns(columns, count - 1, n, n, residual);
    x.information = dot(last, last, n);
    if (x.information > 0)
        x.estimate = dot(last, residual, n) / x.information;
    cnn_take_off_columns(last, 1, n, n, residual);
    cnn_take_off_columns(columns, count, n, n, residual); /* of the rounding of the first time */
    x.residual_squares = dot(residual, residual, n);
    return x;
}
