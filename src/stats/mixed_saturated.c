/* What is left for the residual when every other effect is fitted as a fixed one. */
#include "stats/mixed_moments.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/** As a variance: an effect without any shrinkage, k = 1 / t. */
static const double unbounded = 1e200;

/** b'A+b for a symmetric positive semidefinite A [n, n], which is overwritten; adds its rank. */
static cnn_status pseudo_square(double *a, const double *b, int n, double *work, int *rank,
                                double *out)
{
    cnn_status st = CNN_OK;
    *out = 0;
    CNN_CHECK(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'U', n, a, n, work) == 0, CNN_EBACKEND,
              "mixed model: eigenvalues of a matrix of order %d", n);
    for (int i = 0; i < n; i++) {
        if (!(work[i] > 1e-10 * fmax(1, work[n - 1])))
            continue;
        const double x = cnn_mixed_dot(a + (size_t)i * (size_t)n, b, n);
        *out += x * x / work[i];
        ++*rank;
    }
done:
    return st;
}

/** Adds one node's moments to `all`, in which devices that blocks do not span are fitted, too;
 *  with device x level effects only q is added, less what they explain. */
static cnn_status add_node(cnn_mixed_model *m, int node, const cnn_mixed_design *design,
                           const double *weight, double *work, cnn_mixed_moments *all, int *rank)
{
    cnn_status st = CNN_OK;
    const int n = m->levels;
    const size_t levels = (size_t)n;
    const bool has_block = design->reason[CNN_MIXED_BLOCK] == CNN_MIXED_IDENTIFIED;
    const bool has_device = design->reason[CNN_MIXED_DEVICE] == CNN_MIXED_IDENTIFIED;
    for (int d = m->first_device[node]; d < m->first_device[node + 1]; d++) {
        cnn_mixed_moments g = {m->scratch, work, 0};
        memset(g.a, 0, levels * levels * sizeof *g.a);
        memset(g.c, 0, levels * sizeof *g.c);
        cnn_mixed_add_blocks(m, d, weight, has_block ? unbounded : 0, work + levels, &g);
        if (design->reason[CNN_MIXED_DEVICE_LEVEL] == CNN_MIXED_IDENTIFIED) {
            double explained = 0;
            CNN_TRY(pseudo_square(g.a, g.c, n, work + levels, rank, &explained));
            all->q += g.q - explained;
            continue;
        }
        const double tau = has_device && !has_block ? unbounded : 0;
        const cnn_mixed_effect e = cnn_mixed_shared(&g, tau, n, work + levels);
        cnn_mixed_add_shared(&g, &e, m->centre + (size_t)d * levels, n, all, work + 2 * levels);
    }
done:
    return st;
}

/** Effects of the finest of block, device and node that is in the model: the coarser are sums of
 *  them. What device x level effects or the levels' means add to these is counted by rank. */
static int group_effects(const cnn_mixed_model *m, const cnn_mixed_design *design)
{
    const cnn_mixed_reason *reason = design->reason;
    if (reason[CNN_MIXED_BLOCK] == CNN_MIXED_IDENTIFIED)
        return m->blocks;
    if (reason[CNN_MIXED_DEVICE_LEVEL] == CNN_MIXED_IDENTIFIED)
        return 0;
    if (reason[CNN_MIXED_DEVICE] == CNN_MIXED_IDENTIFIED)
        return m->devices;
    return reason[CNN_MIXED_NODE] == CNN_MIXED_IDENTIFIED ? m->nodes : 0;
}

cnn_status cnn_mixed_saturated(cnn_mixed_model *m, const cnn_mixed_design *design, double *out,
                               int *degrees)
{
    cnn_status st = CNN_OK;
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    const bool node = design->reason[CNN_MIXED_NODE] == CNN_MIXED_IDENTIFIED &&
                      design->reason[CNN_MIXED_DEVICE] != CNN_MIXED_IDENTIFIED &&
                      design->reason[CNN_MIXED_BLOCK] != CNN_MIXED_IDENTIFIED;
    double *weight = calloc(6 * levels + square, sizeof *weight);
    CNN_CHECK(weight, CNN_ENOMEM, "mixed model: saturated fit");
    double *work = weight + levels; /* [4, L] */
    cnn_mixed_moments all = {work + 5 * levels, work + 4 * levels, 0};
    cnn_mixed_moments one = {m->node_precision, m->node_linear, 0};
    for (int i = 0; i < n; i++)
        weight[i] = 1;
    int rank = group_effects(m, design);
    for (int g = 0; g < m->nodes; g++) {
        memset(one.a, 0, square * sizeof *one.a);
        memset(one.c, 0, levels * sizeof *one.c);
        one.q = 0;
        CNN_TRY(add_node(m, g, design, weight, work, &one, &rank));
        const cnn_mixed_effect e = cnn_mixed_shared(&one, node ? unbounded : 0, n, work);
        cnn_mixed_add_shared(&one, &e, NULL, n, &all, work + levels);
    }
    double explained = 0;
    if (design->reason[CNN_MIXED_DEVICE_LEVEL] != CNN_MIXED_IDENTIFIED)
        CNN_TRY(pseudo_square(all.a, all.c, n, work, &rank, &explained));
    *out = fmax(0, all.q - explained);
    *degrees = m->runs - rank;
done:
    free(weight);
    return st;
}
