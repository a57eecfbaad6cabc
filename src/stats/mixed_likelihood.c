/* The likelihood from the moments of all runs, and its gradient; see mixed_moments.h. */
#include "stats/mixed_moments.h"

#include <math.h>
#include <string.h>

static const double log_2pi = 1.8378770664093454836;

/** Moments of all runs of a node but for its own effect; returns log |V|, adds q. */
static double node_moments(cnn_mixed_model *m, int node, const double *weight,
                           const double *variance, double *work, cnn_mixed_moments *out)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    double log_v = 0;
    *out = (cnn_mixed_moments){m->node_precision + (size_t)node * square,
                               m->node_linear + (size_t)node * levels, 0};
    memset(out->a, 0, square * sizeof *out->a);
    memset(out->c, 0, levels * sizeof *out->c);
    for (int d = m->first_device[node]; d < m->first_device[node + 1]; d++) {
        cnn_mixed_moments device = {0};
        log_v += cnn_mixed_device_moments(m, d, weight, variance, work, &device);
        const cnn_mixed_effect e = cnn_mixed_shared(&device, variance[CNN_MIXED_DEVICE], n, work);
        log_v += cnn_mixed_shared_log(&e);
        cnn_mixed_add_shared(&device, &e, m->centre + (size_t)d * levels, n, out, work + levels);
    }
    return log_v;
}

/** Adds the gradient: from the bars of all runs' moments back to every variance. */
static void back(cnn_mixed_model *m, const double *weight, const double *variance, double u,
                 const double *a_all, const double *c_all, double *gradient, double *work)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    double *a_node = m->scratch + square, *a_bar = m->scratch + 2 * square,
           *x = m->scratch + 3 * square; /* [2, L, L] */
    double *c_node = work, *c_bar = work + levels, *row = work + 2 * levels,
           *w1 = work + 3 * levels;
    double *weight_bar = gradient + CNN_MIXED_FIRST_RESIDUAL;
    for (int node = 0; node < m->nodes; node++) {
        memcpy(a_node, a_all, square * sizeof *a_node);
        memcpy(c_node, c_all, levels * sizeof *c_node);
        const cnn_mixed_moments g = {m->node_precision + (size_t)node * square,
                                     m->node_linear + (size_t)node * levels, 0};
        cnn_mixed_effect e = cnn_mixed_shared(&g, variance[CNN_MIXED_NODE], n, row);
        gradient[CNN_MIXED_NODE] += cnn_mixed_back_shared(&e, u, n, a_node, c_node, w1);
        for (int d = m->first_device[node]; d < m->first_device[node + 1]; d++) {
            const double *centre = m->centre + (size_t)d * levels;
            for (int i = 0; i < n; i++) {
                c_bar[i] = c_node[i] + 2 * u * centre[i];
                for (int j = 0; j < n; j++)
                    a_bar[i * n + j] = a_node[i * n + j] +
                                       (c_node[i] * centre[j] + centre[i] * c_node[j]) / 2 +
                                       u * centre[i] * centre[j];
            }
            const cnn_mixed_moments h = {m->device_precision + (size_t)d * square,
                                         m->device_linear + (size_t)d * levels, 0};
            e = cnn_mixed_shared(&h, variance[CNN_MIXED_DEVICE], n, row);
            gradient[CNN_MIXED_DEVICE] += cnn_mixed_back_shared(&e, u, n, a_bar, c_bar, w1);
            gradient[CNN_MIXED_DEVICE_LEVEL] += cnn_mixed_back_device_level(
                m, d, variance[CNN_MIXED_DEVICE_LEVEL], u, a_bar, c_bar, w1, x);
            gradient[CNN_MIXED_BLOCK] += cnn_mixed_back_blocks(
                m, d, weight, variance[CNN_MIXED_BLOCK], u, a_bar, c_bar, weight_bar, w1);
        }
    }
    for (int i = 0; i < n; i++) /* from weights to variances */
        weight_bar[i] = -weight[i] * (weight[i] * weight_bar[i] - m->level_runs[i]);
}

double cnn_mixed_deviance(cnn_mixed_model *m, const double *variance, bool reml, double *gradient,
                          double *trace)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    double *weight = m->scratch + 6 * square, *c_all = weight + levels, *c_bar = c_all + levels,
           *work = c_bar + levels; /* [5, L] */
    double *a_all = m->covariance, log_determinant = 0;
    double deviance = (m->runs - (reml ? n : 0)) * log_2pi;
    m->evaluations++;
    for (int i = 0; i < n; i++) {
        weight[i] = 1 / variance[CNN_MIXED_FIRST_RESIDUAL + i];
        deviance -= m->level_runs[i] * log(weight[i]);
    }
    memset(a_all, 0, square * sizeof *a_all);
    memset(c_all, 0, levels * sizeof *c_all);
    cnn_mixed_moments all = {a_all, c_all, 0};
    for (int node = 0; node < m->nodes; node++) {
        cnn_mixed_moments g = {0};
        deviance += node_moments(m, node, weight, variance, work, &g);
        const cnn_mixed_effect e = cnn_mixed_shared(&g, variance[CNN_MIXED_NODE], n, work);
        deviance += cnn_mixed_shared_log(&e);
        cnn_mixed_add_shared(&g, &e, NULL, n, &all, work + levels);
    }
    if (!cnn_mixed_invert(a_all, n, &log_determinant))
        m->failed = true;
    cnn_mixed_times(a_all, c_all, n, m->mean);
    deviance += all.q - cnn_mixed_dot(c_all, m->mean, n) + (reml ? log_determinant : 0);
    double *a_bar = m->scratch + 5 * square;
    if (gradient) {
        memset(gradient, 0, (CNN_MIXED_FIRST_RESIDUAL + levels) * sizeof *gradient);
        for (int i = 0; i < n; i++) {
            c_bar[i] = -2 * m->mean[i];
            for (int j = 0; j < n; j++)
                a_bar[i * n + j] = m->mean[i] * m->mean[j] + (reml ? m->covariance[i * n + j] : 0);
        }
        back(m, weight, variance, 1, a_bar, c_bar, gradient, work);
    }
    if (trace) {
        memset(trace, 0, (CNN_MIXED_FIRST_RESIDUAL + levels) * sizeof *trace);
        memset(a_bar, 0, square * sizeof *a_bar);
        memset(c_bar, 0, levels * sizeof *c_bar);
        back(m, weight, variance, 0, a_bar, c_bar, trace, work);
    }
    return deviance;
}
