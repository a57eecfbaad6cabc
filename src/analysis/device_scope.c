/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/device_scope.h"

#include <stdlib.h>

typedef struct {
    int device, host;
    double value;
} placed;

static int by_host_and_device(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value); /* sums do not depend on the order */
}

static bool same_device(const placed *a, const placed *b)
{
    return a->host == b->host && a->device == b->device;
}

static bool same_host(const placed *a, const placed *b)
{
    return a->host == b->host;
}

/** Replaces each run of equal places by its mean; their number. */
static int take_means(placed *v, int n, bool (*same)(const placed *, const placed *))
{
    int groups = 0;
    for (int first = 0, end; first < n; first = end) {
        double sum = 0;
        for (end = first; end < n && same(&v[end], &v[first]); end++)
            sum += v[end].value;
        v[groups] = v[first];
        v[groups++].value = sum / (end - first);
    }
    return groups;
}

static int count_hosts(const placed *v, int n)
{
    int hosts = 0;
    for (int i = 0; i < n; i++)
        hosts += !i || v[i].host != v[i - 1].host;
    return hosts;
}

cnn_status cnn_device_scope_of(const double *difference, const int *device, const int *host, int n,
                               double level, cnn_device_scope *out)
{
    cnn_status st = CNN_OK;
    placed *v = calloc((size_t)n + 1, sizeof *v);
    double *x = calloc(2 * ((size_t)n + 1), sizeof *x);
    CNN_CHECK(v && x, CNN_ENOMEM, "devices of %d blocks", n);
    for (int i = 0; i < n; i++)
        v[i] = (placed){device[i], host[i], difference[i]};
    qsort(v, (size_t)n, sizeof *v, by_host_and_device);
    *out = (cnn_device_scope){.devices = take_means(v, n, same_device)};
    out->hosts = count_hosts(v, out->devices);
    out->by_host = out->hosts > 1 && out->hosts < out->devices;
    out->units = out->by_host ? take_means(v, out->devices, same_host) : out->devices;
    for (int i = 0; i < out->units; i++)
        x[i] = v[i].value;
    out->t = cnn_t_paired(x, x + n + 1, out->units, level); /* against zeros */
done:
    free(v);
    free(x);
    return st;
}
