/* SPDX-License-Identifier: Apache-2.0 */
/* Likelihood by elimination: the steps, and the same steps backwards. See moments.h. */
#include "stats/mixed/moments.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

bool cnn_mixed_invert(double *a, int n, double *log_determinant)
{
    *log_determinant = 0;
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, a, n) != 0)
        return false;
    for (int i = 0; i < n; i++)
        *log_determinant += 2 * log(a[i * n + i]);
    if (LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', n, a, n) != 0)
        return false;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            a[j * n + i] = a[i * n + j];
    return true;
}

double cnn_mixed_dot(const double *x, const double *y, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static double total(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

void cnn_mixed_times(const double *row, const double *pair, const double *x, int n, double *y)
{
    for (int i = 0; i < n; i++) {
        y[i] = row[i] * x[i];
        for (int j = 0; j < n; j++)
            y[i] += j != i ? pair[i * n + j] * (x[i] - x[j]) : 0;
    }
}

/** C = AB, B symmetric, all [n, n]. */
static void product(const double *a, const double *b, int n, double *c)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            c[i * n + j] = cnn_mixed_dot(a + (size_t)i * (size_t)n, b + (size_t)j * (size_t)n, n);
}

/** y = Ax, A symmetric [n, n]. */
static void dense_times(const double *a, const double *x, int n, double *y)
{
    for (int i = 0; i < n; i++)
        y[i] = cnn_mixed_dot(a + (size_t)i * (size_t)n, x, n);
}

double cnn_mixed_add_shared(const cnn_mixed_moments *from, double tau, const double *centre, int n,
                            cnn_mixed_moments *to)
{
    const double t = total(from->row, n), s = total(from->c, n);
    const double g = 1 / (1 + tau * t), k = tau * g;
    to->q += from->q - k * s * s;
    for (int i = 0; i < n; i++) {
        const double row = g * from->row[i], c = from->c[i] - k * s * from->row[i];
        double apart = 0, squares = 0; /* from the centre to the larger group's */
        for (int j = 0; j < n; j++) {
            if (j == i)
                continue;
            const double pair = from->pair[i * n + j] + k * from->row[i] * from->row[j];
            const double d = centre[i] - centre[j];
            apart += pair * d;
            squares += pair * d * d;
            to->pair[i * n + j] += pair;
        }
        to->row[i] += row;
        to->c[i] += c + row * centre[i] + apart;
        to->q += 2 * c * centre[i] + row * centre[i] * centre[i] + squares / 2;
    }
    return log1p(tau * t);
}

void cnn_mixed_back_centre(const double *centre, int n, cnn_mixed_bars *b)
{
    for (int i = 0; i < n; i++) {
        b->row[i] += centre[i] * (b->c[i] + b->u * centre[i]);
        for (int j = 0; j < n; j++) {
            const double d = centre[i] - centre[j];
            b->pair[i * n + j] += d * (b->c[i] - b->c[j] + b->u * d);
        }
    }
    for (int i = 0; i < n; i++)
        b->c[i] += 2 * b->u * centre[i];
}

double cnn_mixed_back_shared(const cnn_mixed_moments *from, double tau, int n, cnn_mixed_bars *b,
                             double *work)
{
    const double *row = from->row;
    const double t = total(row, n), s = total(from->c, n), g = 1 / (1 + tau * t), k = tau * g;
    dense_times(b->pair, row, n, work);
    const double linear = cnn_mixed_dot(b->row, row, n), by_c = cnn_mixed_dot(b->c, row, n);
    const double by_k = cnn_mixed_dot(row, work, n) / 2 - s * by_c - b->u * s * s;
    const double by_t = k - k * (g * linear + k * by_k), by_s = -k * (by_c + 2 * b->u * s);
    for (int i = 0; i < n; i++) {
        b->row[i] = g * b->row[i] + k * (work[i] - s * b->c[i]) + by_t;
        b->c[i] += by_s;
    }
    return g * g * (by_k - t * linear) + t * g;
}

/* Of one kind of block, with v = runs x weight, t = sum of v, f = 1 / (1 + tau t), k = tau f and
 * the levels' means in a block: everything is a weighted sum over levels plus one over pairs of
 * levels, so that nothing cancels where blocks differ much, or a level has next to no residual:
 *   A_ii = v_i (f + k (t - v_i)), A_ij = -k v_i v_j
 *   c_i = v_i (f mean_i + k sum_j v_j (mean_i - mean_j))
 *   q = f sum_i v_i mean_i^2 + k sum_(i<j) v_i v_j (mean_i - mean_j)^2. */
typedef struct {
    const double *runs, *mean, *spread;
    double blocks, t, f, k;
} kind_sums;

static kind_sums kind_at(const cnn_mixed_model *m, int kind, const double *weight, double tau,
                         double *v)
{
    const size_t levels = (size_t)m->levels, i = (size_t)kind;
    kind_sums s = {m->kind_runs + i * levels,
                   m->kind_mean + i * levels,
                   m->kind_spread + i * levels * levels,
                   m->kind_blocks[kind],
                   0,
                   0,
                   0};
    for (size_t l = 0; l < levels; l++) {
        v[l] = s.runs[l] * weight[l];
        s.t += v[l];
    }
    s.f = 1 / (1 + tau * s.t);
    s.k = tau * s.f;
    return s;
}

double cnn_mixed_add_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                            double *v, cnn_mixed_moments *to)
{
    const size_t levels = (size_t)m->levels;
    const int n = m->levels;
    double log_v = 0;
    to->q += cnn_mixed_dot(weight, m->device_within + (size_t)device * levels, n);
    for (int kind = m->first_kind[device]; kind < m->first_kind[device + 1]; kind++) {
        const kind_sums s = kind_at(m, kind, weight, tau, v);
        for (int i = 0; i < n; i++) {
            double apart = 0, squares = 0;
            for (int j = 0; j < n; j++) {
                if (j == i)
                    continue;
                apart += v[j] * (s.mean[i] - s.mean[j]);
                squares += v[j] * s.spread[i * n + j];
                to->pair[i * n + j] += s.blocks * s.k * v[i] * v[j];
            }
            to->row[i] += s.blocks * s.f * v[i];
            to->c[i] += v[i] * (s.f * s.mean[i] + s.k * apart);
            to->q += v[i] * (s.f * s.spread[i * n + i] + s.k * squares / 2);
        }
        log_v += s.blocks * log1p(tau * s.t);
    }
    return log_v;
}

/** The deviance's dependence on one kind is f sum_i v_i p_i + k sum_(i<j) v_i v_j r_ij + blocks
 *  log(1 + tau t); sets p [L] and pairs [L]: sum_j v_j r_ij. */
static void kind_bars(const kind_sums *s, const double *v, int n, const cnn_mixed_bars *bars,
                      double *p, double *pairs)
{
    for (int i = 0; i < n; i++) {
        p[i] = s->blocks * bars->row[i] + bars->c[i] * s->mean[i] + bars->u * s->spread[i * n + i];
        pairs[i] = 0;
        for (int j = 0; j < n; j++)
            if (j != i)
                pairs[i] += v[j] * (s->blocks * bars->pair[i * n + j] +
                                    (bars->c[i] - bars->c[j]) * (s->mean[i] - s->mean[j]) +
                                    bars->u * s->spread[i * n + j]);
    }
}

double cnn_mixed_back_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                             const cnn_mixed_bars *bars, double *gradient, double *work)
{
    const size_t levels = (size_t)m->levels;
    const int n = m->levels;
    double *v = work, *p = work + levels, *pairs = work + 2 * levels, tau_bar = 0;
    const double *within = m->device_within + (size_t)device * levels;
    for (int kind = m->first_kind[device]; kind < m->first_kind[device + 1]; kind++) {
        const kind_sums s = kind_at(m, kind, weight, tau, v);
        kind_bars(&s, v, n, bars, p, pairs);
        const double single = cnn_mixed_dot(v, p, n), twofold = cnn_mixed_dot(v, pairs, n) / 2;
        tau_bar += s.f * s.f * (twofold - s.t * single) + s.blocks * s.t * s.f;
        for (int i = 0; i < n; i++) { /* sums without i, rather than differences */
            double others = 0, p_others = 0, pairs_others = 0;
            for (int j = 0; j < n; j++) {
                others += j != i ? v[j] : 0;
                p_others += j != i ? v[j] * p[j] : 0;
                pairs_others += j != i ? v[j] * pairs[j] : 0;
            }
            /* of all pairs those without i: the others' sums count i's pairs once, not twice */
            const double rest = (pairs_others - v[i] * pairs[i]) / 2;
            const double v_bar = s.f * s.f * p[i] +
                                 s.f * s.k * (others * p[i] - p_others + pairs[i]) +
                                 s.k * s.k * (others * pairs[i] - rest);
            gradient[i] += s.runs[i] * weight[i] *
                           (s.blocks * (s.f + s.k * (others + (s.runs[i] - 1) * weight[i])) -
                            weight[i] * v_bar);
        }
    }
    for (int i = 0; i < n; i++)
        gradient[i] -= weight[i] * weight[i] * bars->u * within[i];
    return tau_bar;
}

cnn_mixed_moments cnn_mixed_device_kept(const cnn_mixed_model *m, int device)
{
    const size_t levels = (size_t)m->levels, d = (size_t)device;
    return (cnn_mixed_moments){m->device_row + d * levels, m->device_pair + d * levels * levels,
                               m->device_linear + d * levels, 0};
}

double cnn_mixed_device_moments(cnn_mixed_model *m, int device, const double *weight,
                                const double *variance, double *work, cnn_mixed_moments *out)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    const double tau = variance[CNN_MIXED_DEVICE_LEVEL];
    double *b = m->device_inverse + (size_t)device * square, log_determinant = 0;
    cnn_mixed_moments plain = {work, work + 3 * levels, work + levels, 0};
    *out = cnn_mixed_device_kept(m, device);
    if (tau == 0)
        plain = *out;
    memset(plain.row, 0, levels * sizeof *plain.row);
    memset(plain.c, 0, levels * sizeof *plain.c);
    memset(plain.pair, 0, square * sizeof *plain.pair);
    const double log_v = cnn_mixed_add_blocks(m, device, weight, variance[CNN_MIXED_BLOCK],
                                              work + 2 * levels, &plain);
    out->q = plain.q;
    memset(b, 0, square * sizeof *b);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            if (j != i)
                b[i * n + j] = -tau * plain.pair[i * n + j];
        b[i * n + i] = 1 + tau * (plain.row[i] + total(plain.pair + (size_t)i * levels, n));
    }
    if (tau == 0)
        return log_v; /* b is I */
    if (!cnn_mixed_invert(b, n, &log_determinant))
        m->failed = true;
    for (int i = 0; i < n; i++) /* BA = (I - B) / tau */
        for (int j = 0; j < n; j++)
            out->pair[i * n + j] = j == i ? 0 : b[i * n + j] / tau;
    dense_times(b, plain.row, n, out->row);
    dense_times(b, plain.c, n, out->c);
    out->q -= tau * cnn_mixed_dot(plain.c, out->c, n);
    return log_v + log_determinant;
}

/** Derivative by the variance of device x level. g: the moments after the step. work: [L]; dense,
 *  x: [L, L] */
static double by_device_level(const cnn_mixed_moments *g, int n, const cnn_mixed_bars *bars,
                              double *work, double *dense, double *x)
{
    double trace = 0, rows = 0, pairs = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            dense[i * n + j] = -g->pair[i * n + j];
        dense[i * n + i] = g->row[i] + total(g->pair + (size_t)i * (size_t)n, n);
        trace += dense[i * n + i];
    }
    cnn_mixed_times(g->row, g->pair, g->row, n, work);
    rows = cnn_mixed_dot(bars->row, work, n);
    product(dense, dense, n, x);
    pairs = cnn_mixed_dot(bars->pair, x, n * n);
    cnn_mixed_times(g->row, g->pair, g->c, n, work);
    return trace - rows + pairs / 2 - cnn_mixed_dot(bars->c, work, n) -
           bars->u * cnn_mixed_dot(g->c, g->c, n);
}

double cnn_mixed_back_device_level(const cnn_mixed_model *m, int device, double tau,
                                   cnn_mixed_bars *bars, double *work)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    const double *b = m->device_inverse + (size_t)device * square, u = bars->u;
    const cnn_mixed_moments g = cnn_mixed_device_kept(m, device);
    double *weighted = work, *z = work + levels, *x = work + 2 * levels, *y = x + square;
    const double tau_bar = by_device_level(&g, n, bars, work, x, y);
    if (tau == 0)
        return tau_bar;
    dense_times(b, bars->row, n, weighted);
    dense_times(b, bars->c, n, z);
    product(b, bars->pair, n, x);
    product(x, b, n, y);
    /* (B1)_i = 1 - tau row_i */
    for (int i = 0; i < n; i++) {
        const double c = g.c[i];
        bars->row[i] = (1 - tau * g.row[i]) * weighted[i] - y[i * n + i] / 2 + tau * b[i * n + i] +
                       tau * c * (u * tau * c - z[i]);
        for (int j = 0; j < n; j++) {
            const double d = c - g.c[j];
            bars->pair[i * n + j] = tau * (g.row[j] - g.row[i]) * (weighted[i] - weighted[j]) -
                                    (y[i * n + i] + y[j * n + j] - 2 * y[i * n + j]) / 2 +
                                    tau * (b[i * n + i] + b[j * n + j] - 2 * b[i * n + j]) +
                                    tau * d * (u * tau * d - (z[i] - z[j]));
        }
    }
    for (int i = 0; i < n; i++)
        bars->c[i] = z[i] - 2 * u * tau * g.c[i];
    return tau_bar;
}
