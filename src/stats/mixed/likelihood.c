/* SPDX-License-Identifier: Apache-2.0 */
/* The likelihood from the moments of all runs, and its gradient; see moments.h. */
#include "stats/mixed/moments.h"

#include <math.h>
#include <string.h>

static const double log_2pi = 1.8378770664093454836;

static cnn_mixed_moments node_kept(const cnn_mixed_model *m, int node)
{
    const size_t levels = (size_t)m->levels, i = (size_t)node;
    return (cnn_mixed_moments){m->node_row + i * levels, m->node_pair + i * levels * levels,
                               m->node_linear + i * levels, 0};
}

/** A device's centre, seen from its node's; of a level that did not run there: anything. */
static const double *centre_in_node(const cnn_mixed_model *m, int node, int device, double *work)
{
    const double *centre = m->centre + (size_t)device * (size_t)m->levels,
                 *from = m->node_centre + (size_t)node * (size_t)m->levels;
    for (int l = 0; l < m->levels; l++)
        work[l] = centre[l] - from[l];
    return work;
}

/** Moments of all runs of a node but for its own effect; returns log |V|. */
static double node_moments(cnn_mixed_model *m, int node, const double *weight,
                           const double *variance, cnn_mixed_moments *out)
{
    const int n = m->levels;
    const size_t levels = (size_t)n;
    double log_v = 0;
    *out = node_kept(m, node);
    memset(out->row, 0, levels * sizeof *out->row);
    memset(out->c, 0, levels * sizeof *out->c);
    memset(out->pair, 0, levels * levels * sizeof *out->pair);
    for (int d = m->first_device[node]; d < m->first_device[node + 1]; d++) {
        cnn_mixed_moments device;
        log_v += cnn_mixed_device_moments(m, d, weight, variance, m->work + levels, &device);
        log_v += cnn_mixed_add_shared(&device, variance[CNN_MIXED_DEVICE],
                                      centre_in_node(m, node, d, m->work), n, out);
    }
    return log_v;
}

/** Moments of all runs, to `all`; returns log |V| but for the residuals' part. */
static double all_moments(cnn_mixed_model *m, const double *weight, const double *variance,
                          cnn_mixed_moments *all)
{
    const size_t levels = (size_t)m->levels;
    double log_v = 0;
    for (int node = 0; node < m->nodes; node++) {
        cnn_mixed_moments g;
        log_v += node_moments(m, node, weight, variance, &g);
        log_v += cnn_mixed_add_shared(&g, variance[CNN_MIXED_NODE],
                                      m->node_centre + (size_t)node * levels, m->levels, all);
    }
    return log_v;
}

static cnn_mixed_bars copy_bars(const cnn_mixed_bars *from, double *room, size_t levels)
{
    cnn_mixed_bars to = {room, room + 2 * levels, room + levels, from->u};
    memcpy(to.row, from->row, levels * sizeof *to.row);
    memcpy(to.c, from->c, levels * sizeof *to.c);
    memcpy(to.pair, from->pair, levels * levels * sizeof *to.pair);
    return to;
}

/** Adds the gradient: from the bars of all runs' moments back to every variance. */
static void back(cnn_mixed_model *m, const double *weight, const double *variance,
                 const cnn_mixed_bars *all, double *gradient)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, room = 2 * levels + levels * levels;
    double *node_room = m->bars + room, *device_room = node_room + room;
    for (int node = 0; node < m->nodes; node++) {
        cnn_mixed_bars at_node = copy_bars(all, node_room, levels);
        const cnn_mixed_moments g = node_kept(m, node);
        cnn_mixed_back_centre(m->node_centre + (size_t)node * levels, n, &at_node);
        gradient[CNN_MIXED_NODE] +=
            cnn_mixed_back_shared(&g, variance[CNN_MIXED_NODE], n, &at_node, m->work);
        for (int d = m->first_device[node]; d < m->first_device[node + 1]; d++) {
            cnn_mixed_bars bars = copy_bars(&at_node, device_room, levels);
            const cnn_mixed_moments h = cnn_mixed_device_kept(m, d);
            cnn_mixed_back_centre(centre_in_node(m, node, d, m->work), n, &bars);
            gradient[CNN_MIXED_DEVICE] +=
                cnn_mixed_back_shared(&h, variance[CNN_MIXED_DEVICE], n, &bars, m->work);
            gradient[CNN_MIXED_DEVICE_LEVEL] +=
                cnn_mixed_back_device_level(m, d, variance[CNN_MIXED_DEVICE_LEVEL], &bars, m->work);
            gradient[CNN_MIXED_BLOCK] +=
                cnn_mixed_back_blocks(m, d, weight, variance[CNN_MIXED_BLOCK], &bars,
                                      gradient + CNN_MIXED_FIRST_RESIDUAL, m->work);
        }
    }
}

/** linear - A x by the first level's mean and the differences from it. work: [2, L] */
static void residual_of_means(const cnn_mixed_moments *all, const double *linear, const double *x,
                              int n, double *work, double *out)
{
    double *mean = work, *product = work + n;
    for (int i = 0; i < n; i++)
        mean[i] = x[0] + (i ? x[i] : 0);
    cnn_mixed_times(all->row, all->pair, mean, n, product);
    out[0] = linear[0];
    for (int i = 0; i < n; i++) {
        out[0] -= product[i];
        if (i)
            out[i] = linear[i] - product[i];
    }
}

/** Solves for the first level's mean and the differences, x [L], and returns c'A^-1 c. Where the
 *  residuals of two levels are next to nothing, their difference weighs some 1e8 times as much as
 *  the rest: the inverse alone would lose all digits of the rest. One step of refinement, and a
 *  form of c'A^-1 c in which errors of x are squared. work: [4, L] */
static double explained_by_means(const cnn_mixed_moments *all, const double *inverse,
                                 const double *linear, int n, double *x, double *work)
{
    double *residual = work + 2 * n, *step = work + 3 * n;
    for (int i = 0; i < n; i++)
        x[i] = cnn_mixed_dot(inverse + (size_t)i * (size_t)n, linear, n);
    residual_of_means(all, linear, x, n, work, residual);
    for (int i = 0; i < n; i++)
        step[i] = cnn_mixed_dot(inverse + (size_t)i * (size_t)n, residual, n);
    for (int i = 0; i < n; i++)
        x[i] += step[i];
    residual_of_means(all, linear, x, n, work, residual);
    return cnn_mixed_dot(x, linear, n) + cnn_mixed_dot(x, residual, n);
}

/** Means and their covariance, by way of the first level's mean and the others' differences from
 *  it: what nodes and devices share is in the first alone, and may be of another order than the
 *  rest. Returns c'A^-1 c, adds log |A|. The differences' covariance stays in `inverse` [L, L], the
 *  first level's mean and the differences in `first` [L]. */
static double solve_means(cnn_mixed_model *m, const cnn_mixed_moments *all, double *inverse,
                          double *first, double *linear, double *log_determinant)
{
    const int n = m->levels;
    double row = 0, c = 0;
    for (int i = 0; i < n; i++) {
        row += all->row[i];
        c += all->c[i];
        inverse[i] = inverse[i * n] = all->row[i];
        linear[i] = all->c[i];
        if (i == 0)
            continue;
        inverse[i * n + i] = all->row[i];
        for (int j = 0; j < n; j++)
            inverse[i * n + i] += j != i ? all->pair[i * n + j] : 0;
        for (int j = 1; j < n; j++)
            if (j != i)
                inverse[i * n + j] = -all->pair[i * n + j];
    }
    inverse[0] = row;
    linear[0] = c;
    if (!cnn_mixed_invert(inverse, n, log_determinant))
        m->failed = true;
    const double explained = explained_by_means(all, inverse, linear, n, first, m->work);
    for (int i = 0; i < n; i++) {
        m->mean[i] = first[0] + (i ? first[i] : 0);
        for (int j = 0; j < n; j++)
            m->covariance[i * n + j] = inverse[0] + (i ? inverse[i * n] : 0) +
                                       (j ? inverse[j] : 0) + (i && j ? inverse[i * n + j] : 0);
    }
    return explained;
}

/** Bars of all runs' moments in d + q - c'A^-1 c (+ log |A| in REML). */
static void bars_of_means(const cnn_mixed_model *m, bool reml, const double *inverse,
                          const double *first, cnn_mixed_bars *bars)
{
    const int n = m->levels;
    bars->u = 1;
    for (int i = 0; i < n; i++) {
        bars->c[i] = -2 * m->mean[i];
        bars->row[i] = m->mean[i] * m->mean[i] + (reml ? m->covariance[i * n + i] : 0);
        for (int j = 0; j < n; j++) {
            const double d = (i ? first[i] : 0) - (j ? first[j] : 0);
            const double variance = (i ? inverse[i * n + i] : 0) + (j ? inverse[j * n + j] : 0) -
                                    (i && j ? 2 * inverse[i * n + j] : 0);
            bars->pair[i * n + j] = i == j ? 0 : d * d + (reml ? variance : 0);
        }
    }
}

double cnn_mixed_deviance(cnn_mixed_model *m, const double *variance, bool reml, double *gradient,
                          double *trace)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    double *weight = m->scratch, *first = weight + levels, *linear = first + levels,
           *inverse = linear + levels; /* [L, L] */
    cnn_mixed_moments all = {inverse + square, inverse + square + 2 * levels,
                             inverse + square + levels, 0};
    double deviance = (m->runs - (reml ? n : 0)) * log_2pi, log_determinant = 0;
    m->evaluations++;
    for (int i = 0; i < n; i++) {
        weight[i] = 1 / variance[CNN_MIXED_FIRST_RESIDUAL + i];
        deviance -= m->level_runs[i] * log(weight[i]);
    }
    memset(all.row, 0, (2 * levels + square) * sizeof *all.row);
    deviance += all_moments(m, weight, variance, &all);
    const double explained = solve_means(m, &all, inverse, first, linear, &log_determinant);
    deviance += all.q - explained + (reml ? log_determinant : 0);
    cnn_mixed_bars bars = {m->bars, m->bars + 2 * levels, m->bars + levels, 0};
    if (gradient) {
        memset(gradient, 0, (CNN_MIXED_FIRST_RESIDUAL + levels) * sizeof *gradient);
        bars_of_means(m, reml, inverse, first, &bars);
        back(m, weight, variance, &bars, gradient);
    }
    if (trace) {
        memset(trace, 0, (CNN_MIXED_FIRST_RESIDUAL + levels) * sizeof *trace);
        memset(m->bars, 0, (2 * levels + square) * sizeof *m->bars);
        bars.u = 0;
        back(m, weight, variance, &bars, trace);
    }
    return deviance;
}
