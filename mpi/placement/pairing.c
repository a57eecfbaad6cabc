/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/placement/pairing.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int ranks, gpus;
    const bool *near; /* [ranks, gpus] */
    int *owner;       /* [gpus] its rank; -1: free */
    bool *seen;       /* [gpus] scratch of one search */
} pairing;

static bool is_near(const pairing *p, int rank, int gpu)
{
    return p->near[rank * p->gpus + gpu];
}

/** The first free GPU from the rank's own number on; near_only: that is near it. -1: none. */
static int find_free(const pairing *p, int rank, bool near_only)
{
    for (int i = 0; i < p->gpus; i++) {
        const int g = (rank + i) % p->gpus;
        if (p->owner[g] < 0 && (!near_only || is_near(p, rank, g)))
            return g;
    }
    return -1;
}

/** Finds a near GPU for a rank, moving others to other near ones where only that helps (augmenting
 * path of a bipartite matching). */
static bool find_near(pairing *p, int rank)
{
    const int free_one = find_free(p, rank, true);
    if (free_one >= 0) {
        p->owner[free_one] = rank;
        return true;
    }
    for (int g = 0; g < p->gpus; g++) {
        if (!is_near(p, rank, g) || p->seen[g])
            continue;
        p->seen[g] = true;
        if (find_near(p, p->owner[g])) {
            p->owner[g] = rank;
            return true;
        }
    }
    return false;
}

static void pair(pairing *p, int *gpu)
{
    for (int r = 0; r < p->ranks; r++) {
        memset(p->seen, 0, (size_t)p->gpus * sizeof *p->seen);
        find_near(p, r);
    }
    for (int r = 0; r < p->ranks; r++)
        gpu[r] = -1;
    for (int g = 0; g < p->gpus; g++)
        if (p->owner[g] >= 0)
            gpu[p->owner[g]] = g;
    for (int r = 0; r < p->ranks; r++) {
        if (gpu[r] >= 0)
            continue;
        gpu[r] = find_free(p, r, false);
        p->owner[gpu[r]] = r;
    }
}

cnn_status cnn_pair_gpus(int ranks, int gpus, const bool *near, int *gpu)
{
    cnn_status st = CNN_OK;
    pairing p = {.ranks = ranks, .gpus = gpus, .near = near};
    CNN_CHECK(ranks > 0 && gpus > 0, CNN_EINVAL, "no ranks or no GPUs to pair");
    if (ranks > gpus) {
        for (int r = 0; r < ranks; r++)
            gpu[r] = r % gpus;
        goto done;
    }
    p.owner = malloc((size_t)gpus * sizeof *p.owner);
    p.seen = calloc((size_t)gpus, sizeof *p.seen);
    CNN_CHECK(p.owner && p.seen, CNN_ENOMEM, "pairs of %d ranks and GPUs", ranks);
    for (int g = 0; g < gpus; g++)
        p.owner[g] = -1;
    pair(&p, gpu);
done:
    free(p.owner);
    free(p.seen);
    return st;
}
