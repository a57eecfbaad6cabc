/* SPDX-License-Identifier: Apache-2.0 */
/* Which components a design identifies. First the plain reasons, from counts; then a general check:
 * the quadratic forms of y that the likelihood is made of, y'P V_k P y, must be linearly
 * independent as functions of y, which is seen on values that have nothing to do with the design.
 */
#include "stats/mixed/internal.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** The largest counts that occur. */
typedef struct {
    int devices_per_node, blocks_per_device, runs_per_block, runs_per_device, levels_per_device;
    int runs_per_device_level;
} largest;

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static largest largest_counts(const cnn_mixed_model *m)
{
    largest most = {0};
    for (int node = 0; node < m->nodes; node++)
        most.devices_per_node =
            larger(most.devices_per_node, m->first_device[node + 1] - m->first_device[node]);
    for (int device = 0; device < m->devices; device++) {
        int levels = 0;
        double blocks = 0, runs = 0;
        for (int kind = m->first_kind[device]; kind < m->first_kind[device + 1]; kind++)
            blocks += m->kind_blocks[kind];
        for (int l = 0; l < m->levels; l++) {
            double count = 0;
            for (int kind = m->first_kind[device]; kind < m->first_kind[device + 1]; kind++)
                count += m->kind_blocks[kind] * m->kind_runs[kind * m->levels + l];
            levels += count > 0;
            runs += count;
            most.runs_per_device_level = larger(most.runs_per_device_level, (int)count);
        }
        most.blocks_per_device = larger(most.blocks_per_device, (int)blocks);
        most.runs_per_device = larger(most.runs_per_device, (int)runs);
        most.levels_per_device = larger(most.levels_per_device, levels);
    }
    for (int b = 0; b < m->blocks; b++)
        most.runs_per_block = larger(most.runs_per_block, m->first_run[b + 1] - m->first_run[b]);
    return most;
}

/** Reasons that can be read off counts. */
static void plain_reasons(const cnn_mixed_model *m, bool residual_per_level, cnn_mixed_design *out)
{
    const largest most = largest_counts(m);
    cnn_reason *reason = out->reason;
    if (m->runs == 0) {
        for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
            reason[k] = CNN_REASON_NO_RUNS;
        out->residual_per_level = CNN_REASON_NO_RUNS;
        return;
    }
    reason[CNN_MIXED_NODE] = m->nodes == 1                ? CNN_REASON_ONE_NODE
                             : most.devices_per_node == 1 ? CNN_REASON_DEVICE_IS_NODE
                                                          : CNN_REASON_NONE;
    reason[CNN_MIXED_DEVICE] = m->devices == 1             ? CNN_REASON_ONE_DEVICE
                               : most.runs_per_device == 1 ? CNN_REASON_RUN_IS_DEVICE
                                                           : CNN_REASON_NONE;
    reason[CNN_MIXED_DEVICE_LEVEL] = m->levels == 1                ? CNN_REASON_ONE_LEVEL
                                     : m->devices == 1             ? CNN_REASON_ONE_DEVICE
                                     : most.levels_per_device == 1 ? CNN_REASON_LEVEL_IS_DEVICE
                                     : most.runs_per_device_level == 1
                                         ? CNN_REASON_RUN_IS_DEVICE_LEVEL
                                         : CNN_REASON_NONE;
    reason[CNN_MIXED_BLOCK] = m->blocks == 1                ? CNN_REASON_SAME_BLOCK
                              : most.runs_per_block == 1    ? CNN_REASON_RUN_IS_BLOCK
                              : most.blocks_per_device == 1 ? CNN_REASON_BLOCK_IS_DEVICE
                                                            : CNN_REASON_NONE;
    out->residual_per_level = !residual_per_level ? CNN_REASON_NOT_MODELLED
                              : m->levels == 1    ? CNN_REASON_ONE_LEVEL
                                                  : CNN_REASON_NONE;
}

/** Pseudo-random, -1..1, the same everywhere (splitmix64). */
static double probe_value(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)(int64_t)(z ^ (z >> 31)) / 9223372036854775808.0;
}

/** forms [columns, probes]: of each variance, at unit variances, relative to tr(V^-1 V_k). */
static cnn_status quadratic_forms(cnn_mixed_model *m, int columns, int probes, double *forms)
{
    cnn_status st = CNN_OK;
    uint64_t state = 20180601;
    double *y = malloc((size_t)m->runs * sizeof *y);
    double *work = malloc(3 * (size_t)columns * sizeof *work);
    CNN_CHECK(y && work, CNN_ENOMEM, "mixed model: probes");
    double *ones = work, *gradient = work + columns, *trace = work + 2 * columns;
    for (int k = 0; k < columns; k++)
        ones[k] = 1;
    for (int p = 0; p < probes; p++) {
        for (int i = 0; i < m->runs; i++)
            y[i] = probe_value(&state);
        bool spread = false;
        CNN_TRY(cnn_mixed_model_sums(m, y, &spread));
        if (spread)
            cnn_mixed_deviance(m, ones, false, gradient, trace);
        for (int k = 0; k < columns; k++)
            forms[k * probes + p] = spread ? (trace[k] - gradient[k]) / trace[k] : 0;
    }
done:
    free(y);
    free(work);
    return st;
}

/** Takes the columns before it out of column k (modified Gram-Schmidt, twice) and makes it of unit
 *  length. False, and the column 0, where nothing is left. */
static bool independent(double *columns, int k, int rows)
{
    double *x = columns + (size_t)k * (size_t)rows, after = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < k; j++) {
            const double *y = columns + (size_t)j * (size_t)rows;
            double product = 0;
            for (int i = 0; i < rows; i++)
                product += x[i] * y[i];
            for (int i = 0; i < rows; i++)
                x[i] -= product * y[i];
        }
    for (int i = 0; i < rows; i++)
        after += x[i] * x[i];
    const bool is = after > 1e-18; /* of numbers near 1; rounding leaves 1e-26 or so */
    for (int i = 0; i < rows; i++)
        x[i] = is ? x[i] / sqrt(after) : 0;
    return is;
}

/** Columns in the order in which they go into the basis: the residual, whatever is identified so
 *  far, the residual of every level but the first. Those that find no room are aliased. */
static void drop_aliased(const cnn_mixed_model *m, const double *forms, int probes, double *basis,
                         cnn_mixed_design *out)
{
    static const cnn_mixed_component order[] = {CNN_MIXED_DEVICE, CNN_MIXED_BLOCK,
                                                CNN_MIXED_DEVICE_LEVEL, CNN_MIXED_NODE};
    const size_t rows = (size_t)probes, bytes = rows * sizeof *basis;
    int count = 0;
    memset(basis, 0, bytes);
    for (int l = 0; l < m->levels; l++)
        for (size_t p = 0; p < rows; p++)
            basis[p] += forms[(size_t)(CNN_MIXED_FIRST_RESIDUAL + l) * rows + p];
    if (!independent(basis, count++, probes))
        out->reason[CNN_MIXED_RESIDUAL] = CNN_REASON_ALIASED;
    for (int i = 0; i < 4; i++) {
        if (out->reason[order[i]] != CNN_REASON_NONE)
            continue;
        memcpy(basis + (size_t)count * rows, forms + (size_t)order[i] * rows, bytes);
        if (!independent(basis, count++, probes))
            out->reason[order[i]] = CNN_REASON_ALIASED;
    }
    if (out->residual_per_level != CNN_REASON_NONE)
        return;
    for (int l = 1; l < m->levels; l++) {
        memcpy(basis + (size_t)count * rows, forms + (size_t)(CNN_MIXED_FIRST_RESIDUAL + l) * rows,
               bytes);
        if (!independent(basis, count++, probes))
            out->residual_per_level = CNN_REASON_ALIASED;
    }
}

cnn_status cnn_mixed_design_of(cnn_mixed_model *m, bool residual_per_level, cnn_mixed_design *out)
{
    cnn_status st = CNN_OK;
    double *forms = NULL;
    *out = (cnn_mixed_design){.runs = m->runs,
                              .levels = m->levels,
                              .nodes = m->nodes,
                              .devices = m->devices,
                              .blocks = m->blocks};
    plain_reasons(m, residual_per_level, out);
    if (m->runs == 0)
        goto done;
    /* Without variances per level one column would do for them; there are few levels. */
    const int columns = CNN_MIXED_FIRST_RESIDUAL + m->levels, probes = columns + 4;
    forms = calloc(2 * (size_t)columns * (size_t)probes, sizeof *forms);
    CNN_CHECK(forms, CNN_ENOMEM, "mixed model: quadratic forms");
    CNN_TRY(quadratic_forms(m, columns, probes, forms));
    drop_aliased(m, forms, probes, forms + (size_t)columns * (size_t)probes, out);
done:
    free(forms);
    return st;
}

cnn_status cnn_mixed_identify(const cnn_mixed_data *data, cnn_mixed_design *out)
{
    cnn_status st = CNN_OK;
    cnn_mixed_model *m = NULL;
    CNN_CHECK(data && out, CNN_EINVAL, "mixed model: data and out must not be NULL");
    CNN_TRY(cnn_mixed_model_create(data, &m));
    CNN_TRY(cnn_mixed_design_of(m, data->residual_per_level, out));
done:
    cnn_mixed_model_destroy(&m);
    return st;
}
