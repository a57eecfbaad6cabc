/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/leases.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    double heard;  /* the last sign's arrival */
    bool ended;    /* the process has */
    bool declared; /* dead */
} lease;

struct cnn_leases {
    int count;
    double seconds;
    lease *of; /* [count] */
};

static const double signs_a_lease = 24, longest_interval = 5;     /* seconds */
static const double patience_share = 1.0 / 8, least_patience = 1; /* of a lease; seconds */

cnn_status cnn_leases_create(int ranks, double seconds, double now, cnn_leases **out)
{
    cnn_status st = CNN_OK;
    cnn_leases *l = calloc(1, sizeof *l);
    CNN_CHECK(l != NULL, CNN_ENOMEM, "leases");
    CNN_CHECK(ranks > 0 && seconds > 0, CNN_EINVAL, "leases of %d ranks for %g s", ranks, seconds);
    l->count = ranks;
    l->seconds = seconds;
    CNN_CHECK((l->of = calloc((size_t)ranks, sizeof *l->of)) != NULL, CNN_ENOMEM,
              "leases of %d ranks", ranks);
    for (int r = 0; r < ranks; r++)
        l->of[r].heard = now;
    *out = l;
    l = NULL;
done:
    cnn_leases_destroy(&l);
    return st;
}

void cnn_leases_destroy(cnn_leases **leases)
{
    if (*leases)
        free((*leases)->of);
    free(*leases);
    *leases = NULL;
}

bool cnn_leases_hear(cnn_leases *l, int rank, double now)
{
    lease *one = &l->of[rank];
    if (!one->declared)
        one->heard = fmax(one->heard, now);
    return !one->declared;
}

void cnn_leases_end(cnn_leases *l, int rank)
{
    l->of[rank].ended = true;
}

void cnn_leases_skip(cnn_leases *l, double seconds)
{
    for (int r = 0; r < l->count; r++)
        l->of[r].heard += seconds;
}

bool cnn_leases_is_silent(const cnn_leases *l, int rank, double now)
{
    const lease *one = &l->of[rank];
    return rank > 0 && !one->ended && now - one->heard > l->seconds / 2;
}

bool cnn_leases_next_loss(cnn_leases *l, double now, cnn_loss *out)
{
    for (int r = 1; r < l->count; r++) {
        lease *one = &l->of[r];
        if (one->declared || (!one->ended && now - one->heard <= l->seconds))
            continue;
        one->declared = true;
        *out = (cnn_loss){.rank = r, .ended = one->ended, .silence = fmax(0, now - one->heard)};
        return true;
    }
    return false;
}

bool cnn_lease_is_over(double acknowledged, double seconds, double now)
{
    return now - acknowledged > seconds / 2;
}

double cnn_lease_interval(double seconds)
{
    return fmin(seconds / signs_a_lease, longest_interval);
}

double cnn_lease_patience(double seconds)
{
    return fmax(least_patience, patience_share * seconds);
}
