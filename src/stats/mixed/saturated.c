/* SPDX-License-Identifier: Apache-2.0 */
/* What is left for the residual when every other effect is fitted as a fixed one. */
#include "stats/mixed/moments.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/** As a variance: an effect without any shrinkage, k = 1 / t. */
static const double unbounded = 1e200;

/** x = A+c of a group's moments (A: its row sums and pairs), c'x, and adds A's rank. work: [L] and
 *  [L, L] */
static cnn_status pseudo_solve(const cnn_mixed_moments *g, int n, double *work, double *x,
                               int *rank, double *explained)
{
    cnn_status st = CNN_OK;
    double *values = work, *a = work + n;
    for (int i = 0; i < n; i++) {
        x[i] = 0;
        a[i * n + i] = g->row[i];
        for (int j = 0; j < n; j++) {
            if (j == i)
                continue;
            a[i * n + j] = -g->pair[i * n + j];
            a[i * n + i] += g->pair[i * n + j];
        }
    }
    CNN_CHECK(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'U', n, a, n, values) == 0, CNN_EBACKEND,
              "LAPACK: eigenvalues of a matrix of order %d", n);
    *explained = 0;
    for (int k = 0; k < n; k++) {
        const double *vector = a + (size_t)k * (size_t)n;
        if (!(values[k] > 1e-10 * fmax(1, values[n - 1])))
            continue;
        const double projection = cnn_mixed_dot(vector, g->c, n);
        for (int i = 0; i < n; i++)
            x[i] += projection / values[k] * vector[i];
        *explained += projection * projection / values[k];
        ++*rank;
    }
done:
    return st;
}

static void clear(cnn_mixed_moments *g, size_t levels)
{
    memset(g->row, 0, levels * sizeof *g->row);
    memset(g->c, 0, levels * sizeof *g->c);
    memset(g->pair, 0, levels * levels * sizeof *g->pair);
    g->q = 0;
}

/** Adds one device's moments to `to`, the device fitted where blocks do not span it; with device x
 *  level effects only q is added, less what they explain. weight: [L] */
static cnn_status add_device(cnn_mixed_model *m, int device, const cnn_mixed_design *design,
                             const double *weight, cnn_mixed_moments *to, int *rank)
{
    cnn_status st = CNN_OK;
    const int n = m->levels;
    const bool has_block = design->reason[CNN_MIXED_BLOCK] == CNN_REASON_NONE;
    const bool has_device = design->reason[CNN_MIXED_DEVICE] == CNN_REASON_NONE;
    cnn_mixed_moments g = cnn_mixed_device_kept(m, device);
    clear(&g, (size_t)n);
    cnn_mixed_add_blocks(m, device, weight, has_block ? unbounded : 0, m->work, &g);
    if (design->reason[CNN_MIXED_DEVICE_LEVEL] == CNN_REASON_NONE) {
        double explained = 0;
        CNN_TRY(pseudo_solve(&g, n, m->work + n, m->work, rank, &explained));
        to->q += g.q - explained;
        goto done;
    }
    cnn_mixed_add_shared(&g, has_device && !has_block ? unbounded : 0,
                         m->centre + (size_t)device * (size_t)n, n, to);
done:
    return st;
}

/** Effects of the finest of block, device and node that is in the model: the coarser are sums of
 *  them. What device x level effects or the levels' means add to these is counted by rank. */
static int group_effects(const cnn_mixed_model *m, const cnn_mixed_design *design)
{
    const cnn_reason *reason = design->reason;
    if (reason[CNN_MIXED_BLOCK] == CNN_REASON_NONE)
        return m->blocks;
    if (reason[CNN_MIXED_DEVICE_LEVEL] == CNN_REASON_NONE)
        return 0;
    if (reason[CNN_MIXED_DEVICE] == CNN_REASON_NONE)
        return m->devices;
    return reason[CNN_MIXED_NODE] == CNN_REASON_NONE ? m->nodes : 0;
}

cnn_status cnn_mixed_saturated(cnn_mixed_model *m, const cnn_mixed_design *design, double *out,
                               int *degrees)
{
    cnn_status st = CNN_OK;
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    const bool node = design->reason[CNN_MIXED_NODE] == CNN_REASON_NONE &&
                      design->reason[CNN_MIXED_DEVICE] != CNN_REASON_NONE &&
                      design->reason[CNN_MIXED_BLOCK] != CNN_REASON_NONE;
    double *room = calloc(6 * levels + 2 * square, sizeof *room);
    CNN_CHECK(room, CNN_ENOMEM, "mixed model: saturated fit");
    double *weight = room + 4 * levels, *same = weight + levels; /* same: no way between centres */
    cnn_mixed_moments all = {room, same + levels, room + levels, 0};
    cnn_mixed_moments one = {room + 2 * levels, all.pair + square, room + 3 * levels, 0};
    for (int i = 0; i < n; i++)
        weight[i] = 1;
    int rank = group_effects(m, design);
    for (int g = 0; g < m->nodes; g++) {
        clear(&one, levels);
        for (int d = m->first_device[g]; d < m->first_device[g + 1]; d++)
            CNN_TRY(add_device(m, d, design, weight, &one, &rank));
        cnn_mixed_add_shared(&one, node ? unbounded : 0, same, n, &all);
    }
    double explained = 0;
    if (design->reason[CNN_MIXED_DEVICE_LEVEL] != CNN_REASON_NONE)
        CNN_TRY(pseudo_solve(&all, n, m->work + n, m->work, &rank, &explained));
    *out = fmax(0, all.q - explained);
    *degrees = m->runs - rank;
done:
    free(room);
    return st;
}

cnn_status cnn_mixed_recentre(cnn_mixed_model *m)
{
    cnn_status st = CNN_OK;
    const int n = m->levels;
    double *weight = m->scratch, *shift = m->scratch + n, explained = 0;
    int rank = 0;
    for (int i = 0; i < n; i++)
        weight[i] = 1;
    for (int d = 0; d < m->devices; d++) {
        cnn_mixed_moments g = cnn_mixed_device_kept(m, d);
        clear(&g, (size_t)n);
        cnn_mixed_add_blocks(m, d, weight, unbounded, m->work, &g);
        CNN_TRY(pseudo_solve(&g, n, m->work, shift, &rank, &explained));
        for (int i = 0; i < n; i++)
            m->centre[d * n + i] += shift[i];
    }
done:
    return st;
}
