/* SPDX-License-Identifier: Apache-2.0 */
/* Grouping of the runs: nodes, devices, blocks, kinds of blocks; and the sums that the likelihood
 * needs of them. */
#include "stats/mixed/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(int a, int b)
{
    return (a > b) - (a < b);
}

static int by_block(const void *a, const void *b, void *context)
{
    const cnn_mixed_data *data = context;
    const int i = *(const int *)a, j = *(const int *)b;
    int c = compare(data->node[i], data->node[j]);
    c = c ? c : compare(data->device[i], data->device[j]);
    c = c ? c : compare(data->block[i], data->block[j]);
    return c ? c : compare(i, j);
}

static cnn_status check(const cnn_mixed_data *data)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(data->n >= 0 && data->level_count >= 1, CNN_EINVAL, "mixed model: %d runs, %d levels",
              data->n, data->level_count);
    for (int i = 0; i < data->n; i++)
        CNN_CHECK(data->level[i] >= 0 && data->level[i] < data->level_count, CNN_EINVAL,
                  "mixed model: run %d has level %d of %d", i, data->level[i], data->level_count);
done:
    return st;
}

/** Numbers the levels that have runs. */
static cnn_status number_levels(cnn_mixed_model *m, const cnn_mixed_data *data)
{
    cnn_status st = CNN_OK;
    m->level_count = data->level_count;
    m->runs = data->n;
    m->used = calloc((size_t)data->level_count, sizeof *m->used);
    m->level = calloc((size_t)data->n + 1, sizeof *m->level);
    m->level_runs = calloc((size_t)data->level_count, sizeof *m->level_runs);
    CNN_CHECK(m->used && m->level && m->level_runs, CNN_ENOMEM, "mixed model: levels");
    for (int i = 0; i < data->n; i++)
        m->used[data->level[i]] = 1;
    for (int l = 0; l < data->level_count; l++)
        m->used[l] = m->used[l] ? m->levels++ : -1;
    for (int i = 0; i < data->n; i++) {
        m->level[i] = m->used[data->level[i]];
        m->level_runs[m->level[i]]++;
    }
done:
    return st;
}

/** Sorts the runs and finds where nodes, devices and blocks begin. */
static cnn_status group_runs(cnn_mixed_model *m, const cnn_mixed_data *data)
{
    cnn_status st = CNN_OK;
    const size_t n = (size_t)data->n;
    m->order = calloc(n + 1, sizeof *m->order);
    m->first_run = calloc(n + 1, sizeof *m->first_run);
    m->block_device = calloc(n + 1, sizeof *m->block_device);
    m->first_device = calloc(n + 1, sizeof *m->first_device);
    CNN_CHECK(m->order && m->first_run && m->block_device && m->first_device, CNN_ENOMEM,
              "mixed model: groups");
    for (int i = 0; i < data->n; i++)
        m->order[i] = i;
    qsort_r(m->order, n, sizeof *m->order, by_block, (void *)data);
    for (int i = 0; i < data->n; i++) {
        const int a = m->order[i], b = i ? m->order[i - 1] : a;
        const bool node = !i || data->node[a] != data->node[b];
        const bool device = node || data->device[a] != data->device[b];
        if (node)
            m->first_device[m->nodes++] = m->devices;
        m->devices += device;
        if (device || data->block[a] != data->block[b]) {
            m->block_device[m->blocks] = m->devices - 1;
            m->first_run[m->blocks++] = i;
        }
    }
    m->first_device[m->nodes] = m->devices;
    m->first_run[m->blocks] = data->n;
done:
    return st;
}

typedef struct {
    const int *runs; /* [blocks, levels] */
    int levels;
} patterns;

static int by_pattern(const void *a, const void *b, void *context)
{
    const patterns *p = context;
    const size_t levels = (size_t)p->levels;
    const int i = *(const int *)a, j = *(const int *)b;
    int c = memcmp(p->runs + (size_t)i * levels, p->runs + (size_t)j * levels,
                   levels * sizeof *p->runs);
    return c ? c : compare(i, j);
}

/** Numbers the kinds of a device's blocks; sorted: scratch [count]. */
static void number_kinds(cnn_mixed_model *m, patterns *p, int first, int count, int *sorted)
{
    const size_t levels = (size_t)m->levels;
    for (int i = 0; i < count; i++)
        sorted[i] = first + i;
    qsort_r(sorted, (size_t)count, sizeof *sorted, by_pattern, p);
    for (int i = 0; i < count; i++) {
        const int *runs = p->runs + (size_t)sorted[i] * levels;
        if (!i || memcmp(runs, p->runs + (size_t)sorted[i - 1] * levels, levels * sizeof *runs)) {
            for (size_t l = 0; l < levels; l++)
                m->kind_runs[(size_t)m->kinds * levels + l] = runs[l];
            m->kinds++;
        }
        m->kind[sorted[i]] = m->kinds - 1;
        m->kind_blocks[m->kinds - 1]++;
    }
}

static cnn_status group_blocks(cnn_mixed_model *m)
{
    cnn_status st = CNN_OK;
    const size_t blocks = (size_t)m->blocks, levels = (size_t)m->levels;
    int *runs = calloc(blocks * levels + 1, sizeof *runs);
    int *sorted = calloc(blocks + 1, sizeof *sorted);
    m->kind = calloc(blocks + 1, sizeof *m->kind);
    m->kind_blocks = calloc(blocks + 1, sizeof *m->kind_blocks);
    m->kind_runs = calloc(blocks * levels + 1, sizeof *m->kind_runs);
    m->first_kind = calloc((size_t)m->devices + 1, sizeof *m->first_kind);
    CNN_CHECK(runs && sorted && m->kind && m->kind_blocks && m->kind_runs && m->first_kind,
              CNN_ENOMEM, "mixed model: blocks");
    for (int b = 0; b < m->blocks; b++)
        for (int i = m->first_run[b]; i < m->first_run[b + 1]; i++)
            runs[(size_t)b * levels + (size_t)m->level[m->order[i]]]++;
    patterns p = {runs, m->levels};
    for (int first = 0, end = 0; first < m->blocks; first = end) {
        const int device = m->block_device[first];
        while (end < m->blocks && m->block_device[end] == device)
            end++;
        m->first_kind[device] = m->kinds;
        number_kinds(m, &p, first, end - first, sorted);
    }
    m->first_kind[m->devices] = m->kinds;
done:
    free(runs);
    free(sorted);
    return st;
}

static cnn_status allocate_sums(cnn_mixed_model *m)
{
    cnn_status st = CNN_OK;
    const size_t levels = (size_t)m->levels, square = levels * levels;
    const size_t devices = (size_t)m->devices, kinds = (size_t)m->kinds, nodes = (size_t)m->nodes;
    const struct {
        double **to;
        size_t count;
    } arrays[] = {
        {&m->level_mean, levels},
        {&m->centre, devices * levels},
        {&m->device_within, devices * levels},
        {&m->kind_mean, kinds * levels},
        {&m->kind_spread, kinds * square},
        {&m->node_centre, nodes * levels},
        {&m->device_inverse, devices * square},
        {&m->device_row, devices * levels},
        {&m->device_pair, devices * square},
        {&m->device_linear, devices * levels},
        {&m->node_row, nodes * levels},
        {&m->node_pair, nodes * square},
        {&m->node_linear, nodes * levels},
        {&m->scratch, 5 * levels + 2 * square},
        {&m->bars, 6 * levels + 3 * square},
        {&m->work, 6 * levels + 3 * square},
        {&m->mean, levels},
        {&m->covariance, square},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        *arrays[i].to = calloc(arrays[i].count + 1, sizeof(double));
        CNN_CHECK(*arrays[i].to, CNN_ENOMEM, "mixed model: sums");
    }
done:
    return st;
}

cnn_status cnn_mixed_model_create(const cnn_mixed_data *data, cnn_mixed_model **out)
{
    cnn_status st = CNN_OK;
    cnn_mixed_model *m = NULL;
    CNN_CHECK(data && out, CNN_EINVAL, "mixed model: data and out must not be NULL");
    CNN_TRY(check(data));
    CNN_CHECK((m = calloc(1, sizeof *m)) != NULL, CNN_ENOMEM, "mixed model");
    CNN_TRY(number_levels(m, data));
    CNN_TRY(group_runs(m, data));
    CNN_TRY(group_blocks(m));
    CNN_TRY(allocate_sums(m));
    *out = m;
    m = NULL;
done:
    cnn_mixed_model_destroy(&m);
    return st;
}

void cnn_mixed_model_destroy(cnn_mixed_model **model)
{
    if (!model || !*model)
        return;
    cnn_mixed_model *m = *model;
    void *const arrays[] = {
        m->used,          m->level,        m->order,          m->first_run,   m->kind,
        m->block_device,  m->first_device, m->first_kind,     m->level_runs,  m->kind_blocks,
        m->kind_runs,     m->level_mean,   m->centre,         m->node_centre, m->device_within,
        m->kind_mean,     m->kind_spread,  m->device_inverse, m->device_row,  m->device_pair,
        m->device_linear, m->node_row,     m->node_pair,      m->node_linear, m->scratch,
        m->bars,          m->work,         m->mean,           m->covariance,
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(m);
    *model = NULL;
}

/** Means of the levels, corrected for rounding, and the sd about them. */
static void level_moments(cnn_mixed_model *m, const double *y, double *largest)
{
    double squares = 0;
    memset(m->level_mean, 0, (size_t)m->levels * sizeof *m->level_mean);
    for (int pass = 0; pass < 2; pass++) {
        double *sum = m->work;
        memset(sum, 0, (size_t)m->levels * sizeof *sum);
        for (int i = 0; i < m->runs; i++)
            sum[m->level[i]] += y[i] - m->level_mean[m->level[i]];
        for (int l = 0; l < m->levels; l++)
            m->level_mean[l] += sum[l] / m->level_runs[l];
    }
    *largest = 0;
    for (int i = 0; i < m->runs; i++) {
        const double e = y[i] - m->level_mean[m->level[i]];
        squares += e * e;
        *largest = fmax(*largest, fabs(y[i]));
    }
    m->scale = sqrt(squares / m->runs);
}

static double scaled(const cnn_mixed_model *m, const double *y, int run)
{
    return (y[run] - m->level_mean[m->level[run]]) / m->scale;
}

/** centre: the mean of each device's runs of each level. */
static void device_centres(cnn_mixed_model *m, const double *y)
{
    const int levels = m->levels;
    double *runs = m->work;
    memset(m->centre, 0, (size_t)m->devices * (size_t)levels * sizeof *m->centre);
    for (int b = 0, end; b < m->blocks; b = end) {
        double *centre = m->centre + (size_t)m->block_device[b] * (size_t)levels;
        memset(runs, 0, (size_t)levels * sizeof *runs);
        for (end = b; end < m->blocks && m->block_device[end] == m->block_device[b]; end++)
            ;
        for (int i = m->first_run[b]; i < m->first_run[end]; i++) {
            centre[m->level[m->order[i]]] += scaled(m, y, m->order[i]);
            runs[m->level[m->order[i]]]++;
        }
        for (int l = 0; l < levels; l++)
            centre[l] = runs[l] > 0 ? centre[l] / runs[l] : 0;
    }
}

/** The mean of a node's devices. */
static void node_centres(cnn_mixed_model *m)
{
    const int levels = m->levels;
    for (int node = 0; node < m->nodes; node++) {
        const int first = m->first_device[node] * levels, end = m->first_device[node + 1] * levels;
        double mean = 0;
        for (int i = first; i < end; i++)
            mean += m->centre[i] / (end - first);
        for (int l = 0; l < levels; l++)
            m->node_centre[node * levels + l] = mean;
    }
}

/** Adds one block to the sums of its kind and device. */
static void add_block(cnn_mixed_model *m, const double *y, int block)
{
    const size_t levels = (size_t)m->levels, device = (size_t)m->block_device[block],
                 kind = (size_t)m->kind[block];
    const double *runs = m->kind_runs + kind * levels, *centre = m->centre + device * levels;
    double *mean = m->work;
    memset(mean, 0, levels * sizeof *mean);
    for (int i = m->first_run[block]; i < m->first_run[block + 1]; i++) {
        const int l = m->level[m->order[i]];
        mean[l] += (scaled(m, y, m->order[i]) - centre[l]) / runs[l];
    }
    for (int i = m->first_run[block]; i < m->first_run[block + 1]; i++) {
        const int l = m->level[m->order[i]];
        const double e = scaled(m, y, m->order[i]) - centre[l] - mean[l];
        m->device_within[device * levels + (size_t)l] += runs[l] > 1 ? e * e : 0;
    }
    double *spread = m->kind_spread + kind * levels * levels;
    for (size_t k = 0; k < levels; k++) {
        m->kind_mean[kind * levels + k] += mean[k];
        for (size_t l = 0; l < levels; l++) {
            const double apart = k == l ? mean[k] : mean[k] - mean[l];
            spread[k * levels + l] += apart * apart; /* of a level without runs: never used */
        }
    }
}

/** Everything about the centres as they are. */
static void add_blocks(cnn_mixed_model *m, const double *y)
{
    const size_t levels = (size_t)m->levels;
    memset(m->device_within, 0, (size_t)m->devices * levels * sizeof *m->device_within);
    memset(m->kind_mean, 0, (size_t)m->kinds * levels * sizeof *m->kind_mean);
    memset(m->kind_spread, 0, (size_t)m->kinds * levels * levels * sizeof *m->kind_spread);
    for (int b = 0; b < m->blocks; b++)
        add_block(m, y, b);
}

cnn_status cnn_mixed_model_sums(cnn_mixed_model *m, const double *y, bool *varies)
{
    cnn_status st = CNN_OK;
    double largest = 0;
    level_moments(m, y, &largest);
    *varies = m->scale > 1e-14 * largest; /* rounding of the means alone gives 1e-16 */
    if (!*varies)
        goto done;
    device_centres(m, y);
    add_blocks(m, y);
    CNN_TRY(cnn_mixed_recentre(m));
    node_centres(m);
    add_blocks(m, y);
done:
    return st;
}
