/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/crossover.h"

#include "stats/least_squares.h"

#include <math.h>
#include <stdlib.h>

int cnn_crossover_least_blocks(int levels)
{
    const int twice = CNN_CROSSOVER_LEAST_TIMES * levels;
    return twice > CNN_CROSSOVER_LEAST_BLOCKS ? twice : CNN_CROSSOVER_LEAST_BLOCKS;
}

static int common_divisor(int a, int b)
{
    return b ? common_divisor(b, a % b) : a;
}

int cnn_crossover_parameters(int n, int levels, int apart)
{
    if (levels < 2 || n < cnn_crossover_least_blocks(levels))
        return 1;
    /* differences of effects `apart` places from each other: they sum to 0 over each cycle */
    return 1 + levels - common_divisor(levels, apart);
}

/** columns [positions, n]: what each position but the first adds to the difference, then ones. */
static void fill_columns(const int *px, const int *py, int n, int positions, double *columns)
{
    for (int c = 0; c < positions; c++)
        for (int i = 0; i < n; i++)
            columns[(size_t)c * (size_t)n + (size_t)i] =
                c == positions - 1 ? 1 : (px[i] == c + 1) - (py[i] == c + 1);
}

static void judge(const double *x, const double *y, int n, const cnn_coefficient *c, double level,
                  cnn_crossover *out)
{
    const double magnitude = fmax(fabs(cnn_mean(x, n)), fabs(cnn_mean(y, n)));
    const int df = n - c->rank;
    out->parameters = c->rank;
    out->information = c->information;
    out->is_estimable = c->information > 0 && df > 0;
    if (!out->is_estimable)
        return;
    out->sd = sqrt(c->residual_squares / df);
    out->t = cnn_t_of_estimate(c->estimate, out->sd / sqrt(c->information), df, magnitude, level);
    out->sd = out->t.standard_error * sqrt(c->information); /* 0 where it is rounding */
}

cnn_status cnn_crossover_fit(const double *x, const double *y, const int *px, const int *py, int n,
                             int positions, double level, double *free_of, cnn_crossover *out)
{
    cnn_status st = CNN_OK;
    const size_t size = (size_t)n + 1;
    double *columns = calloc(size * (size_t)positions, sizeof *columns);
    double *d = calloc(2 * size, sizeof *d), *residual = d ? d + size : NULL;
    CNN_CHECK(columns && d, CNN_ENOMEM, "differences of %d blocks", n);
    *out = (cnn_crossover){.sd = NAN, .t = cnn_t_undefined()};
    if (n < 1 || !cnn_all_finite(x, n) || !cnn_all_finite(y, n))
        goto done;
    for (int i = 0; i < n; i++)
        d[i] = x[i] - y[i];
    fill_columns(px, py, n, positions, columns);
    const cnn_coefficient c = cnn_least_squares_last(columns, positions, d, n, residual);
    judge(x, y, n, &c, level, out);
    for (int i = 0; free_of && out->is_estimable && i < n; i++)
        free_of[i] = c.estimate + residual[i];
done:
    free(columns);
    free(d);
    return st;
}
